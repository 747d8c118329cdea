-- UDP ASSOCIATE: its request and reply, and its TCP connection.

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

-- The reply to UDP ASSOCIATE for this address.
local function ask(t, host, port)
  local c = t:connect()
  t:open(c)
  c:send(socks5.request { command = 3, addr = host, port = port })
  return c:receive(socks5.reply { rep = 0 }, 5), c
end

scenario "socks5.udp.relay-address" {
  title  = "the reply says where the client is to send to",
  checks = { "socks5.udp.reply", "socks5.udp.bnd-zero" },
  needs  = NEEDS,
  run    = function (t)
    local got, c = ask(t, "0.0.0.0", 0)
    if not got or got.rep ~= 0 then
      t:inconclusive("no association was granted")
    end
    if got.port == 0 then
      t:violation("socks5.udp.reply", "the relay's port is 0")
      return
    end
    local relay = t:relay(c, got)
    local told = relay.told_host
    t:check(told ~= "0.0.0.0" and told ~= "::", "socks5.udp.bnd-zero",
            "the address is " .. told, { contested = true })
    local ok, why = t:expect_echo(relay)
    t:check(ok, "socks5.udp.reply", "what is sent there is not relayed: "
            .. tostring(why), { absence = true })
  end,
}

for _, host in ipairs { "0.0.0.0", "::" } do
  local is_ipv6 = host == "::"
  scenario("socks5.udp.zero-" .. (is_ipv6 and "ipv6" or "ipv4")) {
    title  = "a client need not know where it will send from",
    checks = { "socks5.udp.accept-zero-dst" },
    needs  = { "socks5" },
    run    = function (t)
      local probe = t:connect()
      local own, port = probe.local_host, probe.local_port
      local known = ask(t, own, port)
      if not known or known.rep ~= 0 then
        t:skip("there is no UDP ASSOCIATE")
      end
      local got = ask(t, host, 0)
      t:check(got and got.rep == 0, "socks5.udp.accept-zero-dst",
              got and "it is refused with " .. got.rep or "no reply came",
              { absence = not got, contested = is_ipv6
                                   and not own:find(":", 1, true) })
    end,
  }
end

-- What arrives within the first two seconds is overlooked.
for _, how in ipairs { "close", "reset" } do
  scenario("socks5.udp.control-" .. how) {
    title  = "the association ends with its TCP connection",
    checks = { "socks5.udp.tcp-lifetime" },
    needs  = NEEDS,
    run    = function (t)
      local c, relay = t:associate {}
      local sink = t:sink {}
      alive(t, relay, sink)
      relay:send(udp.datagram { to = sink, data = t:nonce() })
      local _, host, port = sink:receive(0.5)
      c[how](c)
      wait(t, 2)
      local data, answer = t:nonce(), t:nonce()
      for _ = 1, host and 3 or 0 do
        sink:send(answer, host, port)
      end
      t:check(t:never(function ()
        local got = relay:receive(0.1)
        return got and got.data == answer
      end, 0.3), "socks5.udp.tcp-lifetime",
              "an answer is relayed 2 s after the connection's end")
      for _ = 1, 3 do
        relay:send(udp.datagram { to = sink, data = data })
      end
      t:check(t:never(function () return sink:receive(0.2) == data end, 0.5),
              "socks5.udp.tcp-lifetime",
              "a datagram is relayed 2 s after the connection's end")
    end,
  }
end

scenario "socks5.udp.control-kept" {
  title  = "the TCP connection stays while datagrams pass",
  checks = { "socks5.udp.tcp-kept", "socks5.udp.relay" },
  needs  = NEEDS,
  within = 30,
  slow   = true,
  run    = function (t)
    local c, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    local ok, why = true, nil
    t:check(t:never(function ()
      ok, why = t:expect_echo(relay, sink)
      return not ok or c:ended(0.3)
    end, 9) or not ok, "socks5.udp.tcp-kept", "the proxy ended it")
    t:check(ok or c:ended(0), "socks5.udp.relay",
            "nothing passes any more: " .. tostring(why), { absence = true })
  end,
}

-- How long an association may be idle is not said.
scenario "socks5.udp.idle" {
  title  = "an association that is idle for some seconds goes on",
  checks = { "socks5.udp.tcp-kept", "socks5.udp.relay" },
  needs  = NEEDS,
  within = 30,
  slow   = true,
  run    = function (t)
    local c, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    for _, seconds in ipairs { 2.5, 6 } do
      wait(t, seconds)
      t:check(not c:ended(0), "socks5.udp.tcp-kept", string.format(
              "the proxy ended it behind %s s without a datagram", seconds),
              { contested = true })
      local ok, why = t:expect_echo(relay, sink)
      t:check(ok, "socks5.udp.relay", string.format(
              "behind %s s without a datagram: %s", seconds, tostring(why)),
              { absence = true, contested = true })
    end
  end,
}

-- The address is a claim about the client; a name says no less.
scenario "socks5.udp.zero-address-own-port" {
  title  = "a client may know its port and not its address",
  checks = { "socks5.udp.accept-zero-dst" },
  needs  = NEEDS,
  run    = function (t)
    local probe = t:connect()
    local got = ask(t, "0.0.0.0", probe.local_port)
    t:check(got and got.rep == 0, "socks5.udp.accept-zero-dst",
            got and "it is refused with " .. got.rep or "no reply came",
            { absence = not got })
  end,
}

scenario "socks5.udp.control-data" {
  title  = "octets on the TCP connection are no second request",
  checks = { "socks5.udp.tcp-data" },
  needs  = NEEDS,
  run    = function (t)
    local c, relay = t:associate {}
    local o = t:origin()
    alive(t, relay)
    c:send(socks5.request { to = o })
    local got, what = c:read_some(0.4)
    t:check(not got and o:contacts() == 0, "socks5.udp.tcp-data",
            "they are answered as a request")
    if not got and what == "silence" then
      local ok, why = t:expect_echo(relay)
      t:check(ok, "socks5.udp.tcp-data",
              "the connection stays, and nothing is relayed any more: "
              .. tostring(why), { absence = true })
    end
  end,
}
