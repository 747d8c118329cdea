-- shadowsocks-libev: a local SOCKS5 proxy that reaches targets through its
-- server beside it. Both end with the script.

return {
  title    = "shadowsocks-libev",
  packages = { "shadowsocks-libev" },
  urls     = { "socks5://127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["start.sh"] = [[
set -eu
server=
client=
trap 'kill $server $client 2>/dev/null; wait; exit 0' TERM INT
trap 'kill $server $client 2>/dev/null' EXIT
ss-server -s 127.0.0.1 -p {port2} -k password -m aes-256-gcm -u &
server=$!
ss-local -s 127.0.0.1 -p {port2} -b 127.0.0.1 -l {port} -k password \
    -m aes-256-gcm -u &
client=$!
wait $client
]],
  },
}
