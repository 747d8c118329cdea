-- @heroku/socksv5 that asks for a user name and a password.

return {
  title    = "@heroku/socksv5 with a password",
  packages = { "nodejs", "npm" },
  urls     = { "socks5://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "node", "{dir}/proxy.cjs" },
  files    = {
    ["proxy.cjs"] = [[
const socks = require('@heroku/socksv5');

socks.createServer((info, accept) => accept())
    .listen({port}, '127.0.0.1')
    .useAuth(socks.auth.UserPassword((user, password, done) =>
        done(user === '{user}' && password === '{pass}')));
]],
  },
}
