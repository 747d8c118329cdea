-- proxy-chain, a package of npm for Node.js 20. It is looked for where
-- NODE_PATH says.

return {
  title    = "proxy-chain",
  packages = { "nodejs", "npm" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "node", "{dir}/proxy.cjs" },
  files    = {
    ["proxy.cjs"] = [[
const { pathToFileURL } = require('node:url');

import(pathToFileURL(require.resolve('proxy-chain'))).then(({ Server }) =>
    new Server({ host: '127.0.0.1', port: {port} }).listen());
]],
  },
}
