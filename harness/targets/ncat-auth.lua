-- Ncat as an HTTP proxy that asks for Basic or Digest credentials.

return {
  title    = "Ncat with a password",
  packages = { "ncat" },
  urls     = { "http://{user}:{pass}@127.0.0.1:{port}" },
  command  = { "ncat", "-l", "-k", "-m", "1000", "127.0.0.1", "{port}",
               "--proxy-type", "http", "--proxy-auth", "{user}:{pass}" },
}
