-- @heroku/socksv5, a package of npm for Node.js 20. It is looked for where
-- NODE_PATH says.

return {
  title    = "@heroku/socksv5",
  packages = { "nodejs", "npm" },
  urls     = { "socks5://127.0.0.1:{port}" },
  command  = { "node", "{dir}/proxy.cjs" },
  files    = {
    ["proxy.cjs"] = [[
const socks = require('@heroku/socksv5');

socks.createServer((info, accept) => accept())
    .listen({port}, '127.0.0.1')
    .useAuth(socks.auth.None());
]],
  },
}
