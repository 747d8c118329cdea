-- microsocks, without authentication.

return {
  title    = "microsocks",
  packages = { "microsocks" },
  urls     = { "socks5://127.0.0.1:{port}" },
  command  = { "microsocks", "-i", "127.0.0.1", "-p", "{port}" },
}
