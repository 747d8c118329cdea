-- BIND, in both versions: one connection from outside, joined to the client's.

local VERSIONS = {
  { prefix = "socks5.bind.", needs = { "socks5", "bind" },
    second = "socks5.bind.two-replies", relay = "socks5.bind.relay",
    listening = "socks5.bind.listening",
    granted = socks5.reply { rep = 0 } },
  { prefix = "socks4.bind.", needs = { "socks4", "bind4" },
    second = "socks4.bind.second-reply", relay = "socks4.bind.relay",
    listening = "socks4.bind.listening",
    granted = socks4.reply { code = 90 } },
}

for _, v in ipairs(VERSIONS) do
  scenario(v.prefix .. "joined") {
    title  = "the peer that BIND waits for is told and joined",
    checks = { v.relay, v.second, v.listening },
    needs  = v.needs,
    run    = function (t)
      local c = t:bind {}
      local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
      if not t:check(up, v.listening, "what was bound does not accept") then
        return
      end
      t:expect(c, v.granted, v.second)
      local ping, pong = t:nonce(), t:nonce()
      c:send(ping)
      up:send(pong)
      t:check(up:read(#ping) == ping, v.relay, "the peer misses octets")
      t:check(c:read(#pong) == pong, v.relay, "the client misses octets")
    end,
  }
end
