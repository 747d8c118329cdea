-- UDP ASSOCIATE: from whom the relay takes datagrams, and for whom answers are.

local NEEDS = { "socks5", "udp" }

local function alive(t, relay, sink)
  local ok, why = t:expect_echo(relay, sink)
  if not ok then
    t:inconclusive("no association: " .. why)
  end
end

-- Where the relay sends from, towards this sink.
local function outside(t, relay, sink)
  local data = t:nonce()
  for _ = 1, 3 do
    relay:send(udp.datagram { to = sink, data = data })
    local got, host, port = sink:receive(0.7)
    if got == data then
      return host, port
    end
  end
  t:inconclusive("no association: nothing reached the sink")
end

-- Whether this socket receives data within a short while.
local function receives(socket, data)
  repeat
    local got = socket:receive(0.4)
    if got and got.data == data then
      return true
    end
  until not got
  return false
end

-- Whether the relay has seen little or much of its client; one stranger's
-- address ends otherwise, and one's the same.
for suffix, host in pairs { [""] = "127.0.0.2", ["-elsewhere"] = "127.9.8.1" } do
  scenario("socks5.udp.stranger" .. suffix) {
    title  = "a datagram from another address than the client's is dropped",
    checks = { "socks5.udp.source-drop" },
    needs  = NEEDS,
    run    = function (t)
      local _, relay = t:associate {}
      local sink = t:sink {}
      for _, turns in ipairs { 1, 12 } do
        for _ = 1, turns do
          alive(t, relay, sink)
        end
        local before, data = sink:count(), t:nonce()
        relay:socket(host):send(udp.datagram { to = sink, data = data })
        t:check(not sink:receive(0.4) and sink:count() == before,
                "socks5.udp.source-drop", "it was relayed")
      end
      local twin = relay:socket(host, relay.local_port)
      local before = sink:count()
      if twin then
        twin:send(udp.datagram { to = sink, data = t:nonce() })
        t:check(not sink:receive(0.4) and sink:count() == before,
                "socks5.udp.source-drop", "it was relayed, from the same port")
      end
      alive(t, relay, sink)
    end,
  }
end

-- The client is known by its TCP connection, not by who is the first to send.
-- What it sends may wait in the relay beside what the stranger sent, and be
-- read with it; what it sends once that has passed comes behind a stranger.
scenario "socks5.udp.stranger-first" {
  title  = "a stranger who sends first does not become the client",
  checks = { "socks5.udp.source-drop", "socks5.udp.source-learn" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink, stranger = t:sink {}, relay:socket("127.0.0.2")
    local strange, pong = t:nonce(), t:nonce()
    local is_relayed = false
    local function listen(seconds, data)
      local host, port
      t:never(function ()
        local got, from, from_port = sink:receive(0.1)
        is_relayed = is_relayed or got == strange
        if got == data then
          host, port = from, from_port
        end
        return host
      end, seconds)
      return host, port
    end
    local function served()
      local data = t:nonce()
      for _ = 1, 3 do
        relay:send(udp.datagram { to = sink, data = data })
        local host, port = listen(0.7, data)
        if host then
          return host, port
        end
      end
    end
    for _ = 1, 2 do
      stranger:send(udp.datagram { to = sink, data = strange })
    end
    listen(0.4)
    local host, port = served()
    if host then
      host, port = served()
    end
    t:check(not is_relayed, "socks5.udp.source-drop",
            "what the stranger sent was relayed")
    t:check(host, "socks5.udp.source-learn",
            "the client is not served behind a stranger", { absence = true })
    if host then
      sink:send(pong, host, port)
      t:check(not receives(stranger, pong), "socks5.udp.source-drop",
              "the stranger got the client's answer")
    end
  end,
}

-- The address that the request names is the one that its connection is from.
scenario "socks5.udp.announced" {
  title  = "a client that says where it sends from is served there, alone",
  checks = { "socks5.udp.source-learn", "socks5.udp.source-drop" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate { announce = "own" }
    local sink = t:sink {}
    local ok, why = t:expect_echo(relay, sink)
    t:check(ok, "socks5.udp.source-learn", tostring(why), { absence = true })
    local before = sink:count()
    relay:socket("127.0.0.2"):send(udp.datagram { to = sink, data = t:nonce() })
    t:check(not sink:receive(0.4) and sink:count() == before,
            "socks5.udp.source-drop", "a stranger's datagram was relayed")
  end,
}

-- A client behind a translation may know its port and not its address.
scenario "socks5.udp.announced-port" {
  title  = "a client that announces its port alone is served from it",
  checks = { "socks5.udp.source-learn" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate { announce = "own-port" }
    local ok, why = t:expect_echo(relay)
    t:check(ok, "socks5.udp.source-learn", tostring(why), { absence = true })
  end,
}

for _, host in ipairs { "127.0.0.1", "127.0.0.2" } do
  scenario("socks5.udp.client-at-" .. host) {
    title  = "the relay expects the client where its TCP connection is from",
    checks = { "socks5.udp.source-learn" },
    needs  = NEEDS,
    run    = function (t)
      if not t.target.host:find("^127%.") then
        t:skip("the proxy is not reached over loopback")
      end
      local _, relay = t:associate { from = host }
      local ok, why = t:expect_echo(relay)
      t:check(ok, "socks5.udp.source-learn", tostring(why), { absence = true })
    end,
  }
end

scenario "socks5.udp.second-port" {
  title  = "another port of the client's host does not get the answers",
  checks = { "socks5.udp.source-port" },
  needs  = NEEDS,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    alive(t, relay, sink)
    local host, port = outside(t, relay, sink)
    local other, pong = relay:socket(), t:nonce()
    other:send(udp.datagram { to = sink, data = t:nonce() })
    sink:receive(0.4)
    sink:send(pong, host, port)
    t:check(not receives(other, pong), "socks5.udp.source-port",
            "an answer to the first port came to a second one",
            { contested = true })
    local ok, why = t:expect_echo(relay, sink)
    t:check(ok, "socks5.udp.source-port",
            "the first port is served no longer: " .. tostring(why),
            { contested = true, absence = true })
  end,
}

scenario "socks5.udp.two-clients" {
  title  = "two associations do not see each other's datagrams",
  checks = { "socks5.udp.isolation" },
  needs  = NEEDS,
  run    = function (t)
    local sink, clients = t:sink {}, {}
    for i = 1, 2 do
      local _, relay = t:associate {}
      local host, port = outside(t, relay, sink)
      clients[i] = { relay = relay, host = host, port = port, pong = t:nonce() }
    end
    local first, second = clients[1], clients[2]
    if first.host == second.host and first.port == second.port then
      t:skip("both are relayed from one port")
    end
    for _, one in ipairs(clients) do
      sink:send(one.pong, one.host, one.port)
    end
    t:check(not receives(first.relay, second.pong)
            and not receives(second.relay, first.pong),
            "socks5.udp.isolation", "one client received the other's datagram")
  end,
}
