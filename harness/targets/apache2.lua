-- Apache httpd as a forward proxy: mod_proxy with its HTTP and CONNECT parts.
-- Started as root its children run as www-data.

return {
  title    = "Apache httpd",
  packages = { "apache2" },
  urls     = { "http://127.0.0.1:{port}" },
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
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
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
  Require all granted
</Proxy>
]],
    ["start.sh"] = [[
set -eu
chmod 755 {dir}
exec apache2 -d {dir} -f {dir}/apache2.conf -DFOREGROUND
]],
  },
}
