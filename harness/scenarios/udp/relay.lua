-- UDP ASSOCIATE: what the relay carries to targets.

local NEEDS = { "socks5", "udp" }

local function alive(t, relay, sink)
  local ok, why = t:expect_echo(relay, sink)
  if not ok then
    t:inconclusive("no association: " .. why)
  end
end

-- Sends data until it comes; else false and what came instead. Loss makes
-- earlier datagrams, which sent knows, come late.
local function carried(relay, sink, to, data, sent)
  sent[data] = true
  for _ = 1, 3 do
    relay:send(udp.datagram { to = to, data = data })
    repeat
      local got = sink:receive(0.5)
      if got == data then
        return true
      elseif got and not sent[got] then
        return false, got
      end
    until not got
  end
  return false
end

scenario "socks5.udp.echo" {
  title  = "a datagram goes to its destination and an answer comes back",
  checks = { "socks5.udp.relay" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local ok, why = t:expect_echo(relay)
    t:check(ok, "socks5.udp.relay", tostring(why), { absence = true })
  end,
}

-- A policy may refuse datagrams without a word: one of IPv6, or of a size that
-- does not fit in a frame, may be missing; none may be changed.
local KINDS = {
  { name = "ipv4", to = function (sink) return sink end },
  { name = "ipv6", to = function (sink) return sink.ipv6 end,
    feature = "ipv6", contested = true },
  { name = "name", to = function (sink) return sink.name end,
    feature = "name" },
}
local FRAME = 1400

for _, kind in ipairs(KINDS) do
  scenario("socks5.udp.sizes-" .. kind.name) {
    title  = "datagrams of 1 to 65000 octets arrive as they were sent",
    checks = { "socks5.udp.relay" },
    needs  = { "socks5", "udp", kind.feature },
    within = 40,
    run    = function (t)
      local _, relay = t:associate {}
      local sink, sent = t:sink {}, {}
      for _, size in ipairs { 1, 512, 1400, 1473, 4097, 8192, 16384, 65000 } do
        local data = size == 1 and "\255" or "\0\0\0" .. t:nonce(size - 6) .. "\0\0\0"
        local ok, other = carried(relay, sink, kind.to(sink), data, sent)
        if other then
          t:violation("socks5.udp.relay", string.format(
            "of %d octets %d arrived, or others", size, #other))
        else
          t:check(ok, "socks5.udp.relay", size .. " octets do not arrive",
                  { absence = true,
                    contested = kind.contested or size > FRAME })
        end
      end
    end,
  }
end

scenario "socks5.udp.two-targets" {
  title  = "each datagram of an association goes to its own destination",
  checks = { "socks5.udp.multi-target" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    local _, relay = t:associate {}
    local first, second = t:sink {}, t:sink {}
    alive(t, relay, first)
    local strays = first:count()
    for _ = 1, 2 do
      local ok = carried(relay, second, second, t:nonce(), {})
      t:check(ok or first:count() == strays, "socks5.udp.multi-target",
              "a datagram for one target came to another")
      t:check(ok, "socks5.udp.multi-target",
              "a second target receives nothing", { absence = true })
      alive(t, relay, first)
      strays = first:count()
    end
  end,
}

scenario "socks5.udp.two-families" {
  title  = "one association reaches targets of IPv4 and of IPv6",
  checks = { "socks5.udp.multi-target" },
  needs  = { "socks5", "udp", "ipv6" },
  within = 20,
  run    = function (t)
    local _, alone = t:associate {}
    local _, relay = t:associate {}
    local sink = t:sink {}
    if not carried(alone, sink, sink.ipv6, t:nonce(), {}) then
      t:skip("nothing is relayed to IPv6")
    end
    alive(t, relay, sink)
    t:check(carried(relay, sink, sink.ipv6, t:nonce(), {}),
            "socks5.udp.multi-target",
            "nothing is relayed to IPv6 behind a datagram to IPv4",
            { absence = true })
    t:check(carried(alone, sink, sink, t:nonce(), {}),
            "socks5.udp.multi-target",
            "nothing is relayed to IPv4 behind a datagram to IPv6",
            { absence = true })
  end,
}

-- A crowd of datagrams may lose some of them, and ends nothing.
scenario "socks5.udp.many" {
  title  = "an association goes on behind many datagrams",
  checks = { "socks5.udp.relay" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    local number, missed = 0, 0
    while number < 150 and missed < 20 do
      number = number + 1
      relay:send(udp.datagram { to = sink, data = tostring(number) })
      missed = sink:receive(0.1) and 0 or missed + 1
    end
    local ok, why = t:expect_echo(relay, sink)
    t:check(ok, "socks5.udp.relay", "nothing passes any more behind "
            .. number .. " datagrams: " .. tostring(why), { absence = true })
  end,
}

-- UDP may double what it carries; on one host nobody does so every time.
scenario "socks5.udp.once" {
  title  = "a datagram that is sent once arrives once",
  checks = { "socks5.udp.relay" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink, doubled = t:sink {}, 0
    alive(t, relay, sink)
    for _ = 1, 5 do
      local data, times = t:nonce(), 0
      relay:send(udp.datagram { to = sink, data = data })
      repeat
        local got = sink:receive(0.15)
        times = times + (got == data and 1 or 0)
      until not got
      doubled = doubled + (times > 1 and 1 or 0)
    end
    t:check(doubled < 4, "socks5.udp.relay",
            doubled .. " of 5 datagrams arrive more than once")
  end,
}

scenario "socks5.udp.reserved" {
  title  = "RSV that is not zero is dropped or overlooked, not sent on",
  checks = { "socks5.udp.rsv-nonzero", "socks5.udp.relay" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    alive(t, relay)
    local sink, data = t:sink {}, t:nonce()
    relay:send(udp.datagram { to = sink, data = data, reserved = 0x0102 })
    local got = sink:receive(0.4)
    t:check(not got or got == data, "socks5.udp.relay",
            "the target received more or less than the datagram")
    local ok, why = t:expect_echo(relay)
    t:check(ok, "socks5.udp.rsv-nonzero",
            "nothing is relayed any more: " .. tostring(why),
            { absence = true })
  end,
}

scenario "socks5.udp.unassigned-type" {
  title  = "a datagram with an unassigned address type is dropped in silence",
  checks = { "socks5.udp.atyp-bad", "socks5.udp.silent" },
  needs  = NEEDS,
  run    = function (t)
    local c, relay = t:associate {}
    alive(t, relay)
    local sink = t:sink {}
    for _, atyp in ipairs { 0, 2, 5 } do
      relay:send(string.pack(">I2BBBBBBI2", 0, 0, atyp, 127, 0, 0, 1,
                             sink.port) .. t:nonce())
    end
    t:check(not sink:receive(0.4), "socks5.udp.atyp-bad", "it was relayed")
    local got, what = relay:receive(0.1)
    t:check(not got and what == "silence", "socks5.udp.silent",
            "the client is told of it in a datagram")
    got, what = c:read_some(0.1)
    t:check(not got, "socks5.udp.silent", "the client is told of it over TCP")
    t:check(got or what == "silence", "socks5.udp.silent",
            "the TCP connection ends because of it", { contested = true })
    if what == "silence" then
      alive(t, relay)
    end
  end,
}

scenario "socks5.udp.short-header" {
  title  = "a datagram that ends within its header does no harm",
  checks = { "socks5.udp.short" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    local before = sink:count()
    local header = string.pack(">I2BBBBBBI2", 0, 0, 1, 127, 0, 0, 1, sink.port)
    for len = 0, #header - 1 do
      relay:send(header:sub(1, len))
    end
    relay:send("\0\0\0\3\255localhost")
    relay:send("\0\0\0\3\9localhost" .. header:sub(9, 9))
    t:check(not sink:receive(0.4) and sink:count() == before,
            "socks5.udp.short", "the target received something")
    local ok, why = t:expect_echo(relay, sink)
    t:check(ok, "socks5.udp.short",
            "nothing is relayed any more: " .. tostring(why),
            { absence = true })
  end,
}

scenario "socks5.udp.no-payload" {
  title  = "an empty datagram is relayed or dropped, either way",
  checks = { "socks5.udp.empty" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    relay:send(udp.datagram { to = sink, data = "" })
    local got, host, port = sink:receive(0.4)
    t:check(not got or got == "", "socks5.udp.empty",
            "the target received octets of the header")
    if got then
      sink:send("", host, port)
      local answer, what = relay:receive(0.4)
      t:check(answer and answer.data == "" or what == "silence",
              "socks5.udp.empty", "an empty answer came without its header")
    end
    local ok, why = t:expect_echo(relay)
    t:check(ok, "socks5.udp.empty",
            "nothing is relayed any more: " .. tostring(why),
            { absence = true })
  end,
}

-- The proxy's resolver may take its time over the first name, and hold up what
-- comes behind it; the second one no resolver has to ask about.
scenario "socks5.udp.after-failures" {
  title  = "a datagram that cannot be delivered does not end the association",
  checks = { "socks5.udp.relay" },
  needs  = NEEDS,
  within = 40,
  run    = function (t)
    local c, relay = t:associate {}
    local sink = t:sink {}
    local no_name = { host = ("x"):rep(64) .. ".invalid", port = 80, atyp = 3 }
    local function is_dead()
      return t:never(function () return t:expect_echo(relay, sink) end, 15)
    end
    alive(t, relay, sink)
    for _, to in ipairs { origin.closed, origin.nowhere, no_name } do
      relay:send(udp.datagram { to = to, data = t:nonce() })
    end
    local dead = is_dead()
    if not dead then
      c:read_some(0.3)
      dead = is_dead()
    end
    t:check(not dead, "socks5.udp.relay",
            "nothing is relayed any more behind a closed port and names "
            .. "that do not resolve",
            { absence = true, contested = c:ended(0.1) ~= nil })
  end,
}
