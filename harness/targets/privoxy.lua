-- Privoxy, with its filters off. It gives nothing of itself up: it runs as
-- whoever starts it.

return {
  title    = "Privoxy",
  packages = { "privoxy" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "privoxy", "--no-daemon", "{dir}/privoxy.conf" },
  files    = {
    ["privoxy.conf"] = [[
confdir {dir}
templdir /etc/privoxy/templates
logdir {dir}
listen-address 127.0.0.1:{port}
toggle 0
keep-alive-timeout 60
socket-timeout 60
max-client-connections 1000
]],
  },
}
