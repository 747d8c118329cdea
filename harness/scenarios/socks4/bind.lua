-- SOCKS4's BIND: one connection from outside, from the host that was named.

local NEEDS = { "socks4", "bind4" }

-- A BIND whose peer has come and was told, or nothing.
local function joined(t, id)
  local c = t:bind {}
  local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
  if not up then
    t:skip("what was bound does not accept")
  end
  t:expect(c, socks4.reply { code = 90 }, id, 10)
  return c, up
end

scenario "socks4.bind.first-reply" {
  title  = "BIND is answered at once, with a port",
  checks = { "socks4.bind.first-reply", "socks4.reply.vn-zero",
             "socks4.reply.layout" },
  needs  = NEEDS,
  run    = function (t)
    local c = t:connect()
    c:send(socks4.request { to = t:peer {}, command = 2 })
    local reply, why = c:receive(socks4.reply {}, 3)
    t:check(reply, "socks4.bind.first-reply",
            "no reply comes before the peer does: " .. tostring(why),
            { absence = true })
    if reply and reply.code == 90 then
      t:check(reply.port ~= 0, "socks4.bind.first-reply", "it names port 0")
      t:check(reply.version == 0, "socks4.reply.vn-zero",
              string.format("VN is %02X", reply.version))
      t:check(c:silent(0.3), "socks4.reply.layout",
              "more than eight octets came, and nobody has connected")
    end
  end,
}

-- An address that cannot be reached may be right behind a translation; one of
-- the loopback network is not.
scenario "socks4.bind.address" {
  title  = "the address that BIND tells can be connected to",
  checks = { "socks4.bind.address-zero" },
  needs  = NEEDS,
  run    = function (t)
    local c = t:bind { to = t:peer { host = "127.0.0.3" } }
    local told = c.bound.told_host
    if told:find("^127%.") then
      local up, why = t:visit(c.bound.host, c.bound.port,
                              { from = c.peer })
      t:check(up, "socks4.bind.address-zero",
              string.format("%s:%d is told, and does not accept: %s", told,
                            c.bound.port, tostring(why)), { absence = true })
    end
  end,
}

-- The port that is told has its high octet first, or nobody finds it.
scenario "socks4.bind.listening" {
  title  = "what BIND tells accepts from the moment that it is told",
  checks = { "socks4.bind.listening", "socks4.request.port-order" },
  needs  = NEEDS,
  run    = function (t)
    for _ = 1, 5 do
      local c = t:bind {}
      local port = c.bound.port
      local up = t:visit(c.bound.host, port, {})
                 or t:visit(c.bound.host, port, {})
      if not up then
        local swapped = t:visit(c.bound.host, port >> 8 | (port & 0xFF) << 8, {})
        if swapped and c:receive(socks4.reply {}, 1) then
          t:violation("socks4.request.port-order",
                      "the port has its low octet first", { contested = true })
        else
          t:violation("socks4.bind.listening",
                      "it refuses connections behind the reply",
                      { absence = true })
        end
        return
      end
      c:close()
      up:close()
    end
  end,
}

scenario "socks4.bind.second-reply" {
  title  = "the peer that came is told once, in eight octets",
  checks = { "socks4.bind.second-reply", "socks4.reply.layout",
             "socks4.reply.vn-zero", "socks4.reply.single" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    local c = t:bind {}
    local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
    if not up then
      t:skip("what was bound does not accept")
    end
    local text = t:nonce(24)
    up:send(text)
    local got = c:read(8, 10)
    t:check(got, "socks4.bind.second-reply", "it is not told in ten seconds",
            { absence = true })
    if not got then
      return
    elseif got == text:sub(1, 8) then
      t:violation("socks4.bind.second-reply", "the peer's octets came without it")
      return
    end
    t:check(got:byte(1) == 0, "socks4.reply.vn-zero",
            string.format("VN is %02X", got:byte(1)))
    t:check(got:byte(2) == 90, "socks4.bind.second-reply",
            "the code is " .. got:byte(2), { absence = true })
    if got:byte(2) == 90 then
      local rest = c:read_some(2) or ""
      while #rest < #text do
        local more = c:read_some(0.5)
        if not more then
          break
        end
        rest = rest .. more
      end
      local all = got .. rest .. (c:read_some(0.3) or "")
      local at = all:find(text, 1, true) -- nil: it is not relayed whole
      t:check(at ~= 17, "socks4.reply.single",
              "another reply came behind the second one")
      t:check(not at or at == 9 or at == 17, "socks4.reply.layout",
              "before the peer's octets came " .. t:show(all))
    end
  end,
}

-- One whose address ends otherwise, and one whose address ends the same.
for suffix, host in pairs { [""] = "127.0.0.2", ["-elsewhere"] = "127.9.8.1" } do
  scenario("socks4.bind.stranger" .. suffix) {
    title    = "a host that was not named is refused with 91, and all is closed",
    checks   = { "socks4.bind.peer-mismatch" },
    needs    = NEEDS,
    negative = true,
    within   = 20,
    run      = function (t)
      local id = "socks4.bind.peer-mismatch"
      local c = t:bind {}
      local up = t:visit(c.bound.host, c.bound.port, { from = host })
      local text = t:nonce()
      if up then
        up:send(text)
      end
      local reply, why = c:receive(socks4.reply {}, 3)
      if not reply and not up then
        t:check(not t:visit(c.bound.host, c.bound.port, { from = c.peer }), id,
                "a stranger is not let in, and the client told nothing of it",
                { contested = true })
      elseif not reply then
        t:check(why == "fin" or why == "rst", id,
                "the client is told nothing of it", { absence = true })
      elseif t:check(reply.code ~= 90, id, "a stranger is granted") then
        t:check(reply.code == 91, id, "the code is " .. reply.code)
        t:check(c:ended(10), id, "the client's connection stays open",
                { absence = true })
        t:check(not up or up:ended(10), id, "the stranger's connection stays open",
                { absence = true })
      else
        t:check(c:read_some(0.3) ~= text, id, "and is heard")
      end
    end,
  }
end

local every_octet = {}
for i = 0, 255 do
  every_octet[i + 1] = string.format("%c", i)
end
every_octet = table.concat(every_octet)

scenario "socks4.bind.every-octet" {
  title  = "all 256 octet values pass both ways, again and again",
  checks = { "socks4.bind.relay", "socks4.bind.second-reply" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    local c, up = joined(t, "socks4.bind.second-reply")
    local block = every_octet:rep(1024)
    c:send(block)
    up:send(block)
    t:check(up:read(#block, 5) == block, "socks4.bind.relay",
            "client to peer: octets differ")
    t:check(c:read(#block, 5) == block, "socks4.bind.relay",
            "peer to client: octets differ")
  end,
}

scenario "socks4.bind.second-peer" {
  title  = "who comes behind the peer does not get into its connection",
  checks = { "socks4.bind.second-peer", "socks4.bind.second-reply" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    local id = "socks4.bind.second-peer"
    local c, up = joined(t, "socks4.bind.second-reply")
    local other = t:visit(c.bound.host, c.bound.port, {})
    if other then
      other:send(t:nonce())
    end
    t:check(c:silent(0.4), id, "the client got its octets, or the end")
    local text = t:nonce()
    up:send(text)
    t:check(c:read(#text) == text, id, "the peer is not heard any more",
            { absence = true })
    c:send(text)
    t:check(up:read(#text) == text, id, "the peer does not hear any more",
            { absence = true })
    t:check(not other or not other:read_some(0.2), id,
            "who came behind the peer got octets")
  end,
}

scenario "socks4.bind.control-lost" {
  title  = "what was bound is gone when the client is",
  checks = { "socks4.bind.control-lost" },
  needs  = NEEDS,
  within = 30,
  run    = function (t)
    local pause = t:origin() -- nobody comes there
    for _, how in ipairs { "close", "reset" } do
      local c = t:bind {}
      c[how](c)
      local up
      for _, seconds in ipairs { 0.1, 0.4, 1.5, 8 } do
        pause:accept(seconds)
        up = t:visit(c.bound.host, c.bound.port, { from = "127.0.0.2" })
        if not up then
          break
        end
        up:close()
      end
      t:check(not up, "socks4.bind.control-lost",
              "it accepts ten seconds behind the client's " .. how)
    end
  end,
}
