-- tinyproxy that asks for Basic credentials.

return {
  title    = "tinyproxy with a password",
  packages = { "tinyproxy" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "tinyproxy", "-d", "-c", "{dir}/tinyproxy.conf" },
  files    = {
    ["tinyproxy.conf"] = [[
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 1000
BasicAuth {user} {pass}
]],
  },
}
