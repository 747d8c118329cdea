-- Ncat as an HTTP proxy, without authentication. Its default limit is 100
-- connections.

return {
  title    = "Ncat",
  packages = { "ncat" },
  urls     = { "http://127.0.0.1:{port}" },
  command  = { "ncat", "-l", "-k", "-m", "1000", "127.0.0.1", "{port}",
               "--proxy-type", "http" },
}
