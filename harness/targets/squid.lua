-- Squid, without authentication. It gives up root for the user proxy, who has
-- to be able to write where it runs.

return {
  title    = "Squid",
  packages = { "squid" },
  urls     = { "http://127.0.0.1:{port}" },
  denies   = "127.0.0.66",
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["squid.conf"] = [[
http_port 127.0.0.1:{port}
acl denied dst 127.0.0.66
http_access deny denied
http_access allow all
cache deny all
pid_filename {dir}/squid.pid
cache_log {dir}/cache.log
access_log none
coredump_dir {dir}
dns_timeout 2 seconds
dns_retransmit_interval 1 seconds
pinger_enable off
max_filedescriptors 4096
shutdown_lifetime 1 seconds
]],
    ["start.sh"] = [[
set -eu
chown -R proxy {dir}
chmod 755 {dir}
exec squid -N -f {dir}/squid.conf
]],
  },
}
