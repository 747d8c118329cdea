-- BIND, in both versions: how what was joined ends, who else may have a port,
-- and how long a peer may take.

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

local function block(n)
  return ("0123456789abcdef"):rep(n // 16)
end

local function wait(t, seconds)
  t:never(function () return false end, seconds)
end

for _, v in ipairs(VERSIONS) do
  -- The client's connection and the peer's, joined; else the run is over.
  local function joined(t)
    local c = t:bind {}
    local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
    if not up then
      t:skip("what was bound does not accept") -- .joined tells
    end
    t:expect(c, v.granted, v.second)
    return c, up
  end

  -- This one of the two that are joined, and the other one.
  local function sides(t, who)
    local c, up = joined(t)
    if who == "peer" then
      return up, c
    end
    return c, up
  end

  for _, who in ipairs { "peer", "client" } do
    for _, how in ipairs { "close", "reset" } do
      scenario(v.prefix .. how .. "-by-" .. who) {
        title  = string.format("a %s by the %s ends the other side", how, who),
        checks = { v.relay, v.second },
        needs  = v.needs,
        within = 20,
        run    = function (t)
          local from, to = sides(t, who)
          from[how](from)
          t:check(to:ended(10), v.relay, "the other side is open after 10 s",
                  { absence = true })
        end,
      }
    end

    -- No text promises half-closed connections; many protocols need them.
    scenario(v.prefix .. "half-close-by-" .. who) {
      title  = "who has finished still hears the other side: " .. who,
      checks = { v.relay, v.second },
      needs  = v.needs,
      within = 20,
      run    = function (t)
        local from, to = sides(t, who)
        local answer = block(131072)
        from:send("question")
        from:shut()
        local got, how = to:read_end(3)
        t:check(got == "question" and how == "fin", v.relay,
                "the other side does not see that it has finished",
                { absence = true, contested = true })
        to:send(answer)
        to:shut()
        t:check(from:read_end(5) == answer, v.relay,
                "the answer that came behind the FIN was lost",
                { absence = true, contested = true })
      end,
    }

    scenario(v.prefix .. "burst-then-close-by-" .. who) {
      title  = "what was sent before a close arrives whole: " .. who,
      checks = { v.relay, v.second },
      needs  = v.needs,
      within = 20,
      run    = function (t)
        local from, to = sides(t, who)
        local burst = block(1 << 20)
        from:send(burst)
        from:close()
        local got, why = to:read_end(10)
        t:check(got == burst, v.relay, got
                and string.format("%d of %d octets came, or others", #got,
                                  #burst)
                or "the stream does not end: " .. why, { absence = true })
      end,
    }
  end

  -- Who is waited for may come at once or a little later; a limit on it is the
  -- proxy's own affair.
  scenario(v.prefix .. "late-peer") {
    title  = "a peer that comes seconds later is joined",
    checks = { v.listening, v.second },
    needs  = v.needs,
    within = 20,
    slow   = true,
    run    = function (t)
      local c = t:bind {}
      wait(t, 5)
      local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
      t:check(up, v.listening, "nobody accepts 5 s behind the first reply",
              { absence = true, contested = true })
      if up then
        local got = c:receive(v.granted, 3)
        t:check(got, v.second, "the peer that came is not told",
                { absence = true })
      end
    end,
  }

  scenario(v.prefix .. "two-at-once") {
    title  = "two clients that wait at once each get their own peer",
    checks = { v.relay, v.second },
    needs  = v.needs,
    within = 20,
    run    = function (t)
      local waiting = { t:bind {}, t:bind {} }
      local peers = {}
      for _, i in ipairs { 2, 1 } do
        local c = waiting[i]
        peers[i] = t:visit(c.bound.host, c.bound.port, { from = c.peer })
        if not peers[i] then
          t:skip("what was bound does not accept")
        end
        t:expect(c, v.granted, v.second)
      end
      for i, up in ipairs(peers) do
        local text = t:nonce()
        up:send(text)
        t:check(waiting[i]:read(#text) == text, v.relay,
                "the client misses what its peer sent")
        waiting[i]:send(text)
        t:check(up:read(#text) == text, v.relay,
                "the peer misses what its client sent")
      end
    end,
  }
end
