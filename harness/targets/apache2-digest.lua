-- Apache's forward proxy with Digest authentication by mod_auth_digest.

return {
  title    = "Apache httpd (mod_proxy) with Digest authentication",
  packages = { "apache2" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["apache.conf"] = [[
ServerRoot {dir}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {dir}/apache.pid
ErrorLog {dir}/error.log
Mutex file:{dir} default
DefaultRuntimeDir {dir}
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_digest_module /usr/lib/apache2/modules/mod_auth_digest.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
ProxyRequests On
AllowCONNECT 1-65535
ProxyTimeout 60
<Proxy "*">
  AuthType Digest
  AuthName "proxy"
  AuthUserFile {dir}/passwords
  Require valid-user
</Proxy>
]],
    ["start.sh"] = [[
set -eu
hash=$(printf '{user}:proxy:{pass}' | md5sum | cut -d' ' -f1)
printf '{user}:proxy:%s\n' "$hash" >{dir}/passwords
chmod 755 {dir}
exec apache2 -d {dir} -f {dir}/apache.conf -D FOREGROUND
]],
  },
}
