-- Tor without a network: it answers greetings, and refuses or times out what
-- is requested. How it reads greetings and requests is judged, and how it
-- refuses those that no network would save.

return {
  title    = "Tor, without a network",
  packages = { "tor" },
  urls     = { "socks5://127.0.0.1:{port}" },
  reaches_nothing = true,
  only     = {
    "socks5.greeting.duplicates", "socks5.greeting.incomplete.*",
    "socks5.greeting.methods-*", "socks5.greeting.no-methods",
    "socks5.greeting.others-wait", "socks5.greeting.unknown-methods.*",
    "socks5.greeting.version-*", "socks5.method.ff-*", "socks5.method.none-*",
    "socks5.method.only-*", "socks5.method.request-*",
    "socks5.request.*-answered", "socks5.request.address-type-*",
    "socks5.request.command-*", "socks5.request.version-*",
    "socks5.reply.request-*",
    "tor.bind.*", "tor.data.*", "tor.gssapi.*", "tor.http.*", "tor.reply.*",
    "tor.udp.*", "tor.userpass.*",
  },
  command  = { "tor", "-f", "{dir}/torrc", "--defaults-torrc", "/dev/null" },
  files    = {
    ["torrc"] = [[
DataDirectory {dir}/data
SocksPort 127.0.0.1:{port} ExtendedErrors
Socks5Proxy 127.0.0.1:9
SocksTimeout 10
Log notice stderr
]],
  },
}
