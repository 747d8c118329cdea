-- UDP ASSOCIATE and what cannot be reached: the relay drops such datagrams
-- without a word, and goes on.

local NEEDS = { "socks5", "udp", "network" }

-- What has to hold behind a datagram that led nowhere. A relay that waits for
-- its resolver does nothing else meanwhile, if it likes.
local TRIES = 4

local function goes_on(t, c, relay)
  local got, what = relay:receive(0.2)
  t:check(not got and what == "silence", "socks5.udp.silent",
          "the client is told of it in a datagram")
  got, what = c:read_some(0.1)
  t:check(not got, "socks5.udp.silent", "the client is told of it over TCP")
  t:check(got or what == "silence", "socks5.udp.silent",
          "the TCP connection ends because of it", { contested = true })
  if what == "silence" then
    local ok, why
    for _ = 1, TRIES do
      ok, why = t:expect_echo(relay)
      if ok then
        return
      end
    end
    -- A relay that ends the TCP connection ends the association, as it may.
    t:violation("socks5.udp.relay", "nothing is relayed any more: "
                .. tostring(why),
                { absence = true, contested = c:ended(0.1) ~= nil })
  end
end

local function associated(t)
  local c, relay = t:associate {}
  local ok, why = t:expect_echo(relay)
  if not ok then
    t:inconclusive("no association: " .. why)
  end
  return c, relay
end

local KINDS = { "refusing", "net-unreachable", "host-unreachable", "prohibited",
                "ttl-expired", "no-route", "unreachable-route",
                "prohibited-route" }

for _, kind in ipairs(KINDS) do
  scenario("socks5.udp.place-" .. kind) {
    title  = "datagrams that cannot arrive do not end the association: "
             .. kind:gsub("-", " "),
    checks = { "socks5.udp.relay", "socks5.udp.silent" },
    needs  = NEEDS,
    within = 30,
    run    = function (t)
      local c, relay = associated(t)
      for _, family in ipairs { 4, 6 } do
        local place = t:place(kind, { family = family })
        for _ = 1, 2 do -- what ICMP says of one is told to who sends the next
          relay:send(udp.datagram { to = place, data = t:nonce() })
        end
      end
      goes_on(t, c, relay)
    end,
  }
end

-- Names in datagrams are resolved by the relay, as those in requests are.
scenario "socks5.udp.resolves-name" {
  title  = "a datagram to a name that only the proxy knows arrives",
  checks = { "socks5.udp.relay" },
  needs  = { "socks5", "udp", "name", "network" },
  within = 30,
  run    = function (t)
    local _, relay = associated(t)
    local sink = t:sink {}
    for _, length in ipairs { 30, 253 } do
      local name = t:name { a = { sink.host }, port = sink.port,
                            length = length }
      local data, got = t:nonce(), nil
      for _ = 1, 4 do
        relay:send(udp.datagram { to = name, data = data })
        got = sink:receive(0.7)
        if got then
          break
        end
      end
      t:check(got == data, "socks5.udp.relay", string.format(
        "to a name of %d octets %s arrives", length,
        got and "another datagram" or "nothing"),
        { absence = not got, contested = not got and length > 200 })
    end
  end,
}

for _, failure in ipairs {
  { "nxdomain", { status = "nxdomain" } },
  { "servfail", { status = "servfail" } },
  { "nothing", {} },
  { "late", { status = "nxdomain", after = 0.8 } },
} do
  scenario("socks5.udp.resolves-" .. failure[1]) {
    title  = "a datagram to a name without an address is dropped: "
             .. failure[1],
    checks = { "socks5.udp.relay", "socks5.udp.silent" },
    needs  = { "socks5", "udp", "name", "network" },
    within = 30,
    run    = function (t)
      local c, relay = associated(t)
      local name = t:name(failure[2])
      relay:send(udp.datagram { to = name, data = t:nonce() })
      -- Some time for the resolver, whom the relay may wait for.
      t:never(function () return name:lookups() > 0 end, 0.3)
      goes_on(t, c, relay)
    end,
  }
end

-- Two names that are resolved at once, and two ports of one that is not yet:
-- each datagram goes to its own.
scenario "socks5.udp.resolves-two-names" {
  title  = "datagrams to two names, and to two ports of one, do not mix",
  checks = { "socks5.udp.multi-target" },
  needs  = { "socks5", "udp", "name", "network" },
  within = 30,
  run    = function (t)
    local first, second = t:sink {}, t:sink {}
    local function name(at, after)
      return t:name { a = { at.host }, after = after, port = at.port }
    end
    -- In an association of its own, where no other name came before.
    local _, alone = associated(t)
    local plain, to = t:nonce(), name(second)
    if t:never(function ()
      alone:send(udp.datagram { to = to, data = plain })
      return second:receive(0.7) == plain
    end, 3) then
      t:skip("datagrams to names do not arrive")
    end
    local _, relay = associated(t)
    local one = name(first, 0.3)
    local elsewhere = t:name { a = { "127.0.0.9" }, port = second.port }
    local other = name(second)
    local texts, stray = { t:nonce(), t:nonce(), t:nonce() }, t:nonce()
    local sent = { [texts[1]] = first, [texts[2]] = second,
                   [texts[3]] = second }
    local arrived = {}
    for _ = 1, TRIES do
      relay:send(udp.datagram { to = elsewhere, data = stray })
      relay:send(udp.datagram { to = one, data = texts[1] })
      relay:send(udp.datagram { atyp = 3, addr = one.host, port = second.port,
                                data = texts[2] })
      relay:send(udp.datagram { to = other, data = texts[3] })
      for _, sink in ipairs { first, second, first, second } do
        repeat
          local got = sink:receive(0.35)
          t:check(got ~= stray, "socks5.udp.multi-target",
                  "a datagram for one name came to another's address")
          if got and sent[got] then
            arrived[got] = true
            t:check(sent[got] == sink, "socks5.udp.multi-target",
                    "a datagram for one target came to another")
          end
        until not got
      end
      if arrived[texts[1]] and arrived[texts[2]] and arrived[texts[3]] then
        return
      end
    end
    for i, text in ipairs(texts) do
      t:check(arrived[text], "socks5.udp.multi-target",
              "of three datagrams to names, number " .. i .. " does not arrive",
              { absence = true })
    end
  end,
}
