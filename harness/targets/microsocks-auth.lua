-- microsocks that asks for a user name and a password.

return {
  title    = "microsocks with a password",
  packages = { "microsocks" },
  urls     = { "socks5://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "microsocks", "-i", "127.0.0.1", "-p", "{port}",
               "-u", "{user}", "-P", "{pass}" },
}
