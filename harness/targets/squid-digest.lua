-- Squid that asks for Digest credentials and takes no others. It gives up root
-- for the user proxy, who has to be able to write where it runs.

return {
  title    = "Squid with Digest authentication",
  packages = { "squid" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["squid.conf"] = [[
http_port 127.0.0.1:{port}
auth_param digest program /usr/lib/squid/digest_file_auth -c {dir}/passwords
auth_param digest children 2
auth_param digest realm proxy
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
hash=$(printf '{user}:proxy:{pass}' | md5sum | cut -d' ' -f1)
printf '{user}:proxy:%s\n' "$hash" >{dir}/passwords
chown -R proxy {dir}
chmod 755 {dir}
exec squid -N -f {dir}/squid.conf
]],
  },
}
