-- Squid that asks for Basic credentials. It gives up root for the user proxy,
-- who has to be able to write where it runs.

return {
  title    = "Squid with a password",
  packages = { "squid", "openssl" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["squid.conf"] = [[
http_port 127.0.0.1:{port}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {dir}/passwords
auth_param basic children 2
auth_param basic realm proxy
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
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
printf '{user}:%s\n' "$(openssl passwd -apr1 '{pass}')" >{dir}/passwords
chown -R proxy {dir}
chmod 755 {dir}
exec squid -N -f {dir}/squid.conf
]],
  },
}
