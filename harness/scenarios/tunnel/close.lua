-- How a tunnel ends, whichever protocol made it.

local PROTOCOLS = {
  { prefix = "socks5.relay.", needs = { "socks5" },
    relay = "socks5.connect.relay", eof = "socks5.connect.eof",
    close = "socks5.connect.eof", reset = "socks5.connect.eof",
    half_close = "socks5.connect.half-close", abort = "socks5.connect.abort",
    flush = "socks5.connect.relay" },
  { prefix = "http.tunnel.", needs = { "http-connect" },
    relay = "http.connect.blind", eof = "http.connect.close-both",
    close = "http.connect.close-both", reset = "http.connect.abort",
    half_close = "http.connect.half-close", abort = "http.connect.abort",
    flush = "http.connect.flush-on-close" },
  -- SOCKS4's memo speaks of the end of a connection nowhere; that it is passed
  -- on follows from the relay, and that it is so in one direction is contested.
  { prefix = "socks4.relay.", needs = { "socks4" },
    relay = "socks4.relay.both-ways", eof = "socks4.relay.eof",
    close = "socks4.relay.eof", reset = "socks4.relay.eof",
    half_close = "socks4.relay.eof", abort = "socks4.relay.eof",
    flush = "socks4.relay.eof" },
}

-- The request for an origin of a run function.
local function ask(p, o)
  return p.needs[1] == "http-connect" and http.connect { to = o }
         or p.needs[1] == "socks4" and socks4.request { to = o }
         or socks5.request { to = o }
end

-- Text of n octets, numbered every 4 KiB, so that what is lost, doubled or
-- changed on the way shows.
local PAGE = ("0123456789abcdef"):rep(255)
local text = ""

local function block(n)
  if #text < n then
    local parts = {}
    for i = 1, n // 4096 + 1 do
      parts[i] = string.format("%015d\n", i) .. PAGE
    end
    text = table.concat(parts)
  end
  return text:sub(1, n)
end

-- An answer may take more than a moment.
local function think(t)
  t:never(function () return false end, 1.2)
end

for _, p in ipairs(PROTOCOLS) do
  -- No specification promises half-closed tunnels; many protocols need them.
  scenario(p.prefix .. "half-close-by-client") {
    title  = "a client that has finished still hears the whole answer",
    checks = { p.half_close },
    needs  = p.needs,
    within = 15,
    run    = function (t)
      local c, up = t:tunnel {}
      local answer = block(1 << 18)
      c:send("question")
      c:shut()
      local got, how = up:read_end(3)
      t:check(got == "question" and how == "fin", p.half_close,
              "the destination does not see that the client has finished",
              { absence = true, contested = true })
      think(t)
      up:send(answer)
      up:shut()
      t:check(c:read_end(5) == answer, p.half_close,
              "the answer that came behind the client's FIN was lost",
              { absence = true, contested = true })
    end,
  }

  scenario(p.prefix .. "half-close-by-origin") {
    title  = "a destination that has finished still hears the client",
    checks = { p.half_close },
    needs  = p.needs,
    within = 15,
    run    = function (t)
      local c, up = t:tunnel {}
      local rest = block(1 << 18)
      up:send("greeting")
      up:shut()
      local got, how = c:read_end(3)
      t:check(got == "greeting" and how == "fin", p.half_close,
              "the client does not see that the destination has finished",
              { absence = true, contested = true })
      think(t)
      c:send(rest)
      c:shut()
      t:check(up:read_end(5) == rest, p.half_close,
              "what the client sent behind the destination's FIN was lost",
              { absence = true, contested = true })
    end,
  }

  -- A client with nothing to say may say so before it has the answer. (Of HTTP
  -- other files speak.)
  if p.needs[1] ~= "http-connect" then
    scenario(p.prefix .. "half-close-with-request") {
      title  = "a client that has finished with its request hears the answer",
      checks = { p.half_close },
      needs  = p.needs,
      within = 20,
      run    = function (t)
        local o, c = t:origin(), t:connect()
        local answer = block(1 << 16)
        t:open(c)
        c:send(ask(p, o))
        c:shut()
        local up = o:accept(3)
        t:check(up, p.half_close, "the destination is not connected to",
                { absence = true, contested = true })
        if not up then
          return
        end
        local got, how = up:read_end(3)
        t:check(got == "" and how == "fin", p.half_close,
                "the destination does not see that the client has finished",
                { absence = true, contested = true })
        up:send(answer)
        up:shut()
        local all = c:read_end(5)
        t:check(all and all:sub(-#answer) == answer, p.half_close,
                "the answer to a client that has finished was lost",
                { absence = true, contested = true })
      end,
    }
  end

  -- The client reads so slowly that the end finds octets still on their way.
  scenario(p.prefix .. "burst-then-close-by-origin") {
    title  = "what a destination sent before it closed arrives whole",
    checks = p.flush == p.relay and { p.flush } or { p.flush, p.relay },
    needs  = p.needs,
    within = 30,
    run    = function (t)
      local n, step = 8 << 20, 1 << 20
      local c, up = t:tunnel {}
      local sent = block(n)
      c:pause()
      up:send(sent)
      up:close()
      c:read_some(0.2) -- nothing comes to who does not read
      for i = 1, n // step do
        c:resume()
        local got = c:read(step, 5)
        c:pause()
        if got and not t:check(got == sent:sub((i - 1) * step + 1, i * step),
                               p.relay, string.format(
                               "mebibyte %d is not what was sent", i)) then
          return
        end
      end
      c:resume()
      local _, how = c:read_end(5)
      t:check(c.received == n and how ~= "silence", p.flush,
              string.format("%d of %d octets came, then: %s", c.received, n, how),
              { absence = how == "silence" })
    end,
  }

  scenario(p.prefix .. "answer-then-close") {
    title  = "a short answer that ends with a close arrives whole",
    checks = { p.flush },
    needs  = p.needs,
    within = 20,
    run    = function (t)
      local answer = block(65536)
      for _ = 1, 5 do
        local c, up = t:tunnel {}
        up:send(answer)
        up:close()
        local got, how = c:read_end(5)
        t:check(got == answer, p.flush,
                string.format("%d of %d octets came, then: %s", c.received,
                              #answer, how), { absence = how == "silence" })
      end
    end,
  }

  scenario(p.prefix .. "burst-then-close-by-client") {
    title  = "what a client sent before it closed arrives whole",
    checks = p.flush == p.relay and { p.flush } or { p.flush, p.relay },
    needs  = p.needs,
    within = 30,
    run    = function (t)
      local n = 2 << 20
      local c, up = t:tunnel {}
      c:send(block(n))
      c:close()
      local got, why = up:read_end(15)
      t:check(got and #got == n, p.flush,
              got and string.format("%d of %d octets came", #got, n)
              or "the stream does not end: " .. why, { absence = true })
      t:check(not got or #got ~= n or got == block(n), p.relay,
              "as many octets came as were sent, and others")
    end,
  }

  for _, who in ipairs { "origin", "client" } do
    for _, how in ipairs { "close", "reset" } do
      scenario(p.prefix .. how .. "-by-" .. who) {
        title  = "a " .. how .. " by the " .. who .. " ends the other side",
        checks = { p[how] },
        needs  = p.needs,
        within = 20,
        run    = function (t)
          local c, up = t:tunnel {}
          local from = who == "origin" and up or c
          local to = who == "origin" and c or up
          from[how](from)
          local ended = to:ended(10)
          t:check(ended, p[how], "the other side is open after 10 s",
                  { absence = true })
          t:check(how == "reset" or ended ~= "rst", p[how],
                  "an orderly close arrives as a reset", { contested = true })
        end,
      }
    end
  end

  scenario(p.prefix .. "origin-closes-at-once") {
    title  = "a destination that closes at once ends the tunnel",
    checks = { p.eof },
    needs  = p.needs,
    within = 20,
    run    = function (t)
      local o, c = t:origin(), t:connect()
      t:open(c)
      c:send(ask(p, o))
      t:accepted(o, p.eof):close()
      t:check(c:ended(10), p.eof, "the client's side is open after 10 s",
              { absence = true })
    end,
  }

  -- An attempt in flight may complete; what it made must go away again.
  scenario(p.prefix .. "client-leaves-early") {
    title  = "a client that leaves before the answer leaves nothing behind",
    checks = { p.abort },
    needs  = p.needs,
    within = 70,
    run    = function (t)
      local o, c = t:origin(), t:connect()
      t:open(c)
      c:send(ask(p, o))
      local up = t:accepted(o, p.abort)
      c:reset()
      t:check(up:ended(60), p.abort,
              "the destination's connection is open after 60 s",
              { absence = true })
    end,
  }
end
