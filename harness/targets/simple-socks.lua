-- simple-socks, a package of npm for Node.js 20. It is looked for where
-- NODE_PATH says.

return {
  title    = "simple-socks",
  packages = { "nodejs", "npm" },
  urls     = { "socks5://127.0.0.1:{port}" },
  command  = { "node", "{dir}/proxy.cjs" },
  files    = {
    ["proxy.cjs"] = [[
const { pathToFileURL } = require('node:url');

import(pathToFileURL(require.resolve('simple-socks'))).then((module) =>
    (module.default ?? module).createServer().listen({port}, '127.0.0.1'));
]],
  },
}
