-- nghttpx as a forward proxy. It hands every request to a proxy behind it, here
-- Squid; both end with the script.

return {
  title    = "nghttpx before Squid",
  packages = { "nghttp2-proxy", "squid" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["squid.conf"] = [[
http_port 127.0.0.1:{port2}
http_access allow all
cache deny all
pid_filename {dir}/squid.pid
cache_log {dir}/cache.log
access_log none
coredump_dir {dir}
dns_timeout 2 seconds
dns_retransmit_interval 1 seconds
pinger_enable off
client_persistent_connections off
max_filedescriptors 4096
shutdown_lifetime 1 seconds
]],
    ["start.sh"] = [[
set -eu
server=
client=
trap 'kill $server $client 2>/dev/null; wait; exit 0' TERM INT
trap 'kill $server $client 2>/dev/null' EXIT
chown -R proxy {dir}
chmod 755 {dir}
squid -N -f {dir}/squid.conf &
server=$!
# nghttpx would answer 502 as long as nobody listens behind it.
tries=0
until nc -z 127.0.0.1 {port2}; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] && kill -0 $server || exit 1
    sleep 0.05
done
nghttpx --conf=/dev/null --http2-proxy -f'127.0.0.1,{port};no-tls' \
    -b'127.0.0.1,{port2}' --workers=1 --no-ocsp --errorlog-file={dir}/error.log &
client=$!
wait $client
]],
  },
}
