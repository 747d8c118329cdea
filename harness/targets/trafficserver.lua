-- Apache Traffic Server as a plain forward proxy, without its cache, in a tree
-- of its own. It does not end when it is asked to, so the script makes it.

return {
  title    = "Apache Traffic Server",
  packages = { "trafficserver" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["runroot.yaml"] = [[
prefix: {dir}
exec_prefix: {dir}
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: {dir}/etc
datadir: {dir}/share
libexecdir: /usr/lib/trafficserver/modules
localstatedir: {dir}/var
runtimedir: {dir}/run
logdir: {dir}/log
cachedir: {dir}/cache
]],
    ["records.config"] = [[
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.url_remap.remap_required INT 0
CONFIG proxy.config.reverse_proxy.enabled INT 0
CONFIG proxy.config.http.connect_ports STRING *
CONFIG proxy.config.http.cache.http INT 0
CONFIG proxy.config.hostdb.host_file.path STRING /etc/hosts
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
CONFIG proxy.config.accept_threads INT 1
CONFIG proxy.config.log.logging_enabled INT 0
]],
    ["start.sh"] = [[
set -eu
proxy=
trap 'kill -KILL $proxy 2>/dev/null; exit 0' TERM INT
mkdir {dir}/etc {dir}/share {dir}/var {dir}/run {dir}/log {dir}/cache
cp -r /etc/trafficserver/. {dir}/etc
cp {dir}/records.config {dir}/etc/records.config
traffic_server --run-root={dir} &
proxy=$!
wait $proxy
]],
  },
}
