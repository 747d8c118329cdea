-- Dante's server, without authentication. It starts its workers as root and
-- gives that up for each of them.

return {
  title    = "Dante",
  packages = { "dante-server" },
  urls     = { "socks5://127.0.0.1:{port}" },
  denies   = "127.0.0.66",
  command  = { "danted", "-f", "{dir}/danted.conf", "-p", "{dir}/danted.pid" },
  files    = {
    ["danted.conf"] = [[
logoutput: {dir}/danted.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
external: ::1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks block { from: 0/0 to: 127.0.0.66/32 command: connect }
socks pass { from: 0/0 to: 0/0 command: bind connect udpassociate }
socks pass { from: 0/0 to: 0/0 command: bindreply udpreply }
]],
  },
}
