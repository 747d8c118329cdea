-- UDP ASSOCIATE: fragments, which a relay need not know.

local NEEDS = { "socks5", "udp" }

local function alive(t, relay, sink)
  local ok, why = t:expect_echo(relay, sink)
  if not ok then
    t:inconclusive("no association: " .. why)
  end
end

local function wait(t, seconds)
  t:never(function () return false end, seconds)
end

-- Sends pieces { FRAG, data } in turn.
local function send(relay, sink, pieces)
  for _, piece in ipairs(pieces) do
    relay:send(udp.datagram { to = sink, frag = piece[1], data = piece[2] })
  end
end

-- What of the data arrives: datagrams that hold one of these texts.
local function arrivals(sink, within, ...)
  local out = {}
  repeat
    local got = sink:receive(within)
    for _, text in ipairs { ... } do
      if got and got:find(text, 1, true) then
        out[#out + 1] = got
        break
      end
    end
  until not got
  return out
end

-- An association that joins two pieces; without one the run is over.
local function joining(t)
  local _, relay = t:associate {}
  local sink = t:sink {}
  alive(t, relay, sink)
  for _ = 1, 3 do
    local a, b = t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a }, { 0x82, b } })
    if arrivals(sink, 0.3, a, b)[1] == a .. b then
      return relay, sink
    end
  end
  t:skip("fragments are not joined")
end

-- A datagram with each of these, alone, goes nowhere, and the next one does.
local function check_dropped(t, frags)
  local _, relay = t:associate {}
  local sink = t:sink {}
  alive(t, relay, sink)
  for _, frag in ipairs(frags) do
    local data = t:nonce()
    send(relay, sink, { { frag, data } })
    t:check(#arrivals(sink, 0.3, data) == 0, "socks5.udp.frag-drop",
            string.format("FRAG %02x was relayed", frag))
  end
  alive(t, relay, sink)
end

scenario "socks5.udp.lone-piece" {
  title  = "a piece of a datagram is never relayed by itself",
  checks = { "socks5.udp.frag-drop" },
  needs  = NEEDS,
  run    = function (t)
    check_dropped(t, { 0x01, 0x02, 0x7F })
  end,
}

-- The top bit ends a sequence that has to have begun.
scenario "socks5.udp.lone-last-piece" {
  title  = "the last piece of a datagram is never relayed by itself",
  checks = { "socks5.udp.frag-drop", "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    check_dropped(t, { 0x80, 0x82, 0x83, 0x8B, 0xFF })
  end,
}

-- Without the piece between them two pieces are no datagram; and the queue is
-- the association's own.
scenario "socks5.udp.missing-piece" {
  title  = "pieces are not joined over one that is missing",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    local relay, sink = joining(t)
    local a, b, c = t:nonce(), t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a }, { 0x83, c } })
    t:check(#arrivals(sink, 0.3, a, c) == 0, "socks5.udp.frag-sequence",
            "01 and 83 were relayed")
    send(relay, sink, { { 0x01, a }, { 0x02, b }, { 0x84, c } })
    t:check(#arrivals(sink, 0.3, a, b, c) == 0, "socks5.udp.frag-sequence",
            "01, 02 and 84 were relayed")
    send(relay, sink, { { 0x02, b }, { 0x83, c } })
    t:check(#arrivals(sink, 0.3, b, c) == 0, "socks5.udp.frag-sequence",
            "02 and 83 were relayed")
  end,
}

scenario "socks5.udp.piece-behind-whole" {
  title  = "a piece behind the last one of its datagram is not relayed",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    local relay, sink = joining(t)
    local a, b, c = t:nonce(), t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a }, { 0x82, b } })
    arrivals(sink, 0.3, a)
    send(relay, sink, { { 0x83, c }, { 0x82, c } })
    t:check(#arrivals(sink, 0.3, a, b, c) == 0, "socks5.udp.frag-sequence",
            "a last piece without those before it was relayed")
  end,
}

-- How large a datagram a relay joins, and of how many pieces, is its own
-- affair; it is joined whole or dropped.
scenario "socks5.udp.many-pieces" {
  title  = "one sequence behind another, of more and larger pieces",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  within = 30,
  run    = function (t)
    local relay, sink = joining(t)
    for _, shape in ipairs { { 2, 32 }, { 3, 40 }, { 12, 32 }, { 2, 32 },
                             { 8, 1400 }, { 127, 32 } } do
      local count, size = table.unpack(shape)
      local pieces, texts = {}, {}
      for i = 1, count do
        texts[i] = t:nonce(size)
        pieces[i] = { i | (i == count and 0x80 or 0), texts[i] }
      end
      local whole, got = table.concat(texts), {}
      for _ = 1, 3 do
        send(relay, sink, pieces)
        got = arrivals(sink, 0.3, texts[1], texts[count])
        if got[1] then
          break
        end
      end
      local what = string.format("%d pieces of %d octets", count, size)
      if got[1] then
        t:check(#got == 1 and got[1] == whole, "socks5.udp.frag-sequence",
                what .. " are not joined to one datagram")
      else
        t:violation("socks5.udp.frag-sequence", what .. " are not relayed",
                    { absence = true, contested = count > 3 })
      end
    end
  end,
}

for _, kind in ipairs { "ipv6", "name" } do
  scenario("socks5.udp.pieces-for-" .. kind) {
    title  = "pieces are joined for a destination of any kind: " .. kind,
    checks = { "socks5.udp.frag-sequence" },
    needs  = { "socks5", "udp", kind },
    run    = function (t)
      local relay, sink = joining(t)
      local ok = t:expect_echo(relay, sink)
      for _ = 1, 3 do
        local a, b, plain = t:nonce(), t:nonce(), t:nonce()
        relay:send(udp.datagram { to = sink[kind], data = plain })
        if #arrivals(sink, 0.5, plain) == 0 then
          t:skip("nothing is relayed there")
        end
        send(relay, sink[kind], { { 0x01, a }, { 0x82, b } })
        local got = arrivals(sink, 0.5, a, b)
        if got[1] then
          t:check(#got == 1 and got[1] == a .. b, "socks5.udp.frag-sequence",
                  "two pieces are not joined to one datagram")
          return
        end
      end
      t:check(not ok, "socks5.udp.frag-sequence",
              "pieces are joined for an IPv4 address alone",
              { absence = true })
    end,
  }
end

-- A datagram has one destination: its pieces name the same.
scenario "socks5.udp.pieces-for-two" {
  title  = "pieces for two destinations are not joined",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    local relay, first = joining(t)
    local second = t:sink {}
    local a, b = t:nonce(), t:nonce()
    relay:send(udp.datagram { to = first, frag = 0x01, data = a })
    relay:send(udp.datagram { to = second, frag = 0x82, data = b })
    t:check(#arrivals(first, 0.3, a, b) == 0
            and #arrivals(second, 0.1, a, b) == 0, "socks5.udp.frag-sequence",
            "a piece for one destination came to another",
            { contested = true })
  end,
}

scenario "socks5.udp.pieces-of-two-clients" {
  title  = "pieces of two associations are not joined",
  checks = { "socks5.udp.isolation" },
  needs  = NEEDS,
  run    = function (t)
    local first, sink = joining(t)
    local _, second = t:associate {}
    alive(t, second, sink)
    local a, b = t:nonce(), t:nonce()
    send(first, sink, { { 0x01, a } })
    send(second, sink, { { 0x82, b } })
    t:check(#arrivals(sink, 0.3, a, b) == 0, "socks5.udp.isolation",
            "a piece of one client was joined to the other's")
  end,
}

-- Pieces that are not joined are dropped: nothing else may become of them.
scenario "socks5.udp.two-pieces" {
  title  = "two pieces are joined to one datagram, or nothing comes of them",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    local a, b = t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a }, { 0x82, b } })
    for _, got in ipairs(arrivals(sink, 0.3, a, b)) do
      t:check(got == a .. b, "socks5.udp.frag-sequence",
              "of two pieces came " .. t:show(got))
    end
  end,
}

scenario "socks5.udp.three-pieces" {
  title  = "pieces are joined in their order",
  checks = { "socks5.udp.frag-sequence" },
  needs  = NEEDS,
  run    = function (t)
    local relay, sink = joining(t)
    local got
    for _ = 1, 3 do
      local a, b, c = t:nonce(), t:nonce(), t:nonce()
      send(relay, sink, { { 0x01, a }, { 0x02, b }, { 0x83, c } })
      got = arrivals(sink, 0.3, a, b, c)
      if got[1] then
        t:check(#got == 1 and got[1] == a .. b .. c,
                "socks5.udp.frag-sequence",
                "three pieces are not joined to one datagram")
        return
      end
    end
    t:violation("socks5.udp.frag-sequence", "two pieces are joined, not three",
                { absence = true })
  end,
}

scenario "socks5.udp.lower-piece" {
  title  = "a lower piece empties the queue",
  checks = { "socks5.udp.frag-restart" },
  needs  = NEEDS,
  run    = function (t)
    local relay, sink = joining(t)
    local a, b, c, d = t:nonce(), t:nonce(), t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a }, { 0x02, b }, { 0x01, c }, { 0x82, d } })
    for _, got in ipairs(arrivals(sink, 0.3, a, b)) do
      t:check(not (got:find(a, 1, true) and got:find(b, 1, true)),
              "socks5.udp.frag-restart", "what was abandoned is relayed")
    end
    -- Nor does the queue go on as if that piece had not come.
    for _, lower in ipairs { 1, 2 } do
      send(relay, sink, { { 0x01, a }, { 0x02, b }, { 0x03, b }, { lower, c },
                          { 0x84, d } })
      t:check(#arrivals(sink, 0.3, a, d) == 0, "socks5.udp.frag-restart",
              "a queue goes on behind a lower piece")
    end
  end,
}

scenario "socks5.udp.pieces-4.5s-apart" {
  title  = "pieces are kept for at least five seconds",
  checks = { "socks5.udp.frag-timer" },
  needs  = NEEDS,
  slow   = true,
  run    = function (t)
    local relay, sink = joining(t)
    for _ = 1, 3 do
      local a, b = t:nonce(), t:nonce()
      send(relay, sink, { { 0x01, a } })
      wait(t, 4.5)
      send(relay, sink, { { 0x82, b } })
      if arrivals(sink, 0.4, a, b)[1] == a .. b then
        return
      end
    end
    t:violation("socks5.udp.frag-timer",
                "pieces 4.5 s apart are not joined, in three tries",
                { absence = true })
  end,
}

-- No upper bound is set: a longer timer is as good.
scenario "socks5.udp.pieces-10s-apart" {
  title  = "pieces are abandoned when their timer expires",
  checks = { "socks5.udp.frag-expiry" },
  needs  = NEEDS,
  slow   = true,
  run    = function (t)
    local relay, sink = joining(t)
    local a, b = t:nonce(), t:nonce()
    send(relay, sink, { { 0x01, a } })
    wait(t, 10)
    send(relay, sink, { { 0x82, b } })
    t:check(arrivals(sink, 0.4, a, b)[1] ~= a .. b, "socks5.udp.frag-expiry",
            "pieces 10 s apart are joined", { contested = true })
  end,
}
