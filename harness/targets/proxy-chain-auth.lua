-- proxy-chain, a package of npm for Node.js 20, asking for Basic credentials.
-- It is looked for where NODE_PATH says.

return {
  title    = "proxy-chain with a password",
  packages = { "nodejs", "npm" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "node", "{dir}/proxy.cjs" },
  files    = {
    ["proxy.cjs"] = [[
const { pathToFileURL } = require('node:url');

import(pathToFileURL(require.resolve('proxy-chain'))).then(({ Server }) =>
    new Server({
        host: '127.0.0.1',
        port: {port},
        prepareRequestFunction: ({ username, password }) => ({
            requestAuthentication: username !== '{user}' || password !== '{pass}',
        }),
    }).listen());
]],
  },
}
