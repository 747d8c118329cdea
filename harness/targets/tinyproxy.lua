-- tinyproxy, without authentication.

return {
  title    = "tinyproxy",
  packages = { "tinyproxy" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "tinyproxy", "-d", "-c", "{dir}/tinyproxy.conf" },
  files    = {
    ["tinyproxy.conf"] = [[
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 1000
]],
  },
}
