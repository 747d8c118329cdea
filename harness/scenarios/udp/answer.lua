-- UDP ASSOCIATE: the header of what comes back.

-- Where the relay sends from, towards this sink; nil when nothing came.
local function outside(t, relay, sink)
  local data = t:nonce()
  for _ = 1, 3 do
    relay:send(udp.datagram { to = sink, data = data })
    local got, host, port = sink:receive(0.7)
    if got then
      return host, port
    end
  end
end

-- A nonce from the sink and how it came: octets, and fields if they decode.
local function answer(t, relay, sink, host, port)
  local pong = t:nonce()
  for _ = 1, 3 do
    sink:send(pong, host, port)
    repeat
      local got, _, bad = relay:receive(0.4)
      local raw = got and got.raw or bad and bad.raw
      if raw and raw:sub(-#pong) == pong then
        return pong, raw, got
      end
    until not raw
  end
end

local function check_source(t, got, sink)
  t:check(got.addr == sink.host, "socks5.udp.reply-source",
          sink.host .. " sent it, not " .. got.addr,
          { contested = got.atyp == 3 or got.addr == "::ffff:" .. sink.host })
  t:check(got.port == sink.port, "socks5.udp.reply-source",
          "port " .. sink.port .. " sent it, not " .. got.port)
end

local function check_header(t, pong, raw, got)
  if raw == pong then
    t:violation("socks5.udp.reply-encap", "an answer came without a header")
  elseif not got or got.data ~= pong then
    t:violation("socks5.udp.reply-encap",
                "the header is not as long as its address type says")
  else
    t:check(got.reserved == 0, "socks5.udp.header-zero", "RSV is not zero")
    t:check(got.frag == 0, "socks5.udp.header-zero",
            "FRAG is not 00 on a whole datagram")
    return true
  end
  return false
end

for _, family in ipairs { 4, 6 } do
  scenario("socks5.udp.answer-ipv" .. family) {
    title  = "an answer comes with a header that names its sender",
    checks = { "socks5.udp.reply-encap", "socks5.udp.reply-source",
               "socks5.udp.header-zero" },
    needs  = { "socks5", "udp", "ipv" .. family },
    run    = function (t)
      local _, relay = t:associate {}
      local sink = t:sink { family = family }
      local host, port = outside(t, relay, sink)
      if not host then
        t:skip("nothing is relayed there")
      end
      local pong, raw, got = answer(t, relay, sink, host, port)
      if pong and check_header(t, pong, raw, got) then
        check_source(t, got, sink)
      end
    end,
  }
end

-- What the client did not ask for may be dropped; what comes names its sender.
scenario "socks5.udp.answer-other-port" {
  title  = "an answer from another port than was addressed names that port",
  checks = { "socks5.udp.reply-source" },
  needs  = { "socks5", "udp" },
  run    = function (t)
    local _, relay = t:associate {}
    local sink, other = t:sink {}, t:sink {}
    local host, port = outside(t, relay, sink)
    if not host then
      t:skip("nothing is relayed there")
    end
    local pong, _, got = answer(t, relay, other, host, port)
    if got and got.data == pong then
      check_source(t, got, other)
    end
  end,
}
