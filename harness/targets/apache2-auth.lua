-- Apache httpd as a forward proxy that asks for Basic credentials.

return {
  title    = "Apache httpd with a password",
  packages = { "apache2", "openssl" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["apache2.conf"] = [[
ServerRoot {dir}
ServerName proxy.test
DefaultRuntimeDir {dir}
PidFile {dir}/apache2.pid
ErrorLog {dir}/error.log
User www-data
Group www-data
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
StartServers 1
ServerLimit 8
ThreadsPerChild 64
MaxRequestWorkers 512
MinSpareThreads 32
MaxSpareThreads 512
Timeout 60
ProxyRequests On
ProxyVia On
AllowCONNECT 1-65535
<Proxy "*">
  AuthType Basic
  AuthName proxy
  AuthBasicProvider file
  AuthUserFile {dir}/passwords
  Require valid-user
</Proxy>
]],
    ["start.sh"] = [[
set -eu
printf '{user}:%s\n' "$(openssl passwd -apr1 '{pass}')" >{dir}/passwords
chmod 755 {dir}
chmod 644 {dir}/passwords
exec apache2 -d {dir} -f {dir}/apache2.conf -DFOREGROUND
]],
  },
}
