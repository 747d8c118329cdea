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

-- A name may stand for the address, if it is one.
local function check_source(t, got, sink)
  local is_name = got.atyp == 3 and got.addr:find("^[%w._:%-]+$")
  t:check(got.addr == sink.host, "socks5.udp.reply-source",
          sink.host .. " sent it, not " .. t:show(got.addr),
          { contested = is_name or got.addr == "::ffff:" .. sink.host })
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

-- Datagrams that do not fit in a frame may be lost; what comes is whole.
local FRAME = 1400

for _, family in ipairs { 4, 6 } do
  scenario("socks5.udp.answer-sizes-ipv" .. family) {
    title  = "answers of 1 to 65000 octets arrive as they were sent",
    checks = { "socks5.udp.relay", "socks5.udp.reply-encap" },
    needs  = { "socks5", "udp", "ipv" .. family },
    within = 40,
    run    = function (t)
      local _, relay = t:associate {}
      local sink = t:sink { family = family }
      local host, port = outside(t, relay, sink)
      if not host then
        t:skip("nothing is relayed there")
      end
      for _, size in ipairs { 1, 512, 1400, 1473, 4097, 8192, 16384, 65000 } do
        local data = size == 1 and "\255" or "\0\0\0" .. t:nonce(size - 6) .. "\0\0\0"
        local got, other
        for _ = 1, 3 do
          sink:send(data, host, port)
          got, other = relay:receive(0.7)
          if got or other ~= "silence" then
            break
          end
        end
        if got then
          t:check(got.data == data, "socks5.udp.relay", string.format(
                  "of %d octets %d came back, or others", size, #got.data))
        elseif other == "malformed" then
          t:violation("socks5.udp.reply-encap", "what came cannot be read")
        else
          t:violation("socks5.udp.relay", size .. " octets do not come back",
                      { absence = true, contested = size > FRAME })
        end
        t:never(function () return not relay:receive(0.02) end, 1)
      end
    end,
  }
end

scenario "socks5.udp.answers-many" {
  title  = "one datagram may have several answers",
  checks = { "socks5.udp.relay" },
  needs  = { "socks5", "udp" },
  within = 20,
  run    = function (t)
    local _, relay = t:associate {}
    local sink = t:sink {}
    local host, port = outside(t, relay, sink)
    if not host then
      t:skip("nothing is relayed there")
    end
    for i = 1, 5 do
      local pong = answer(t, relay, sink, host, port)
      if not pong then
        t:violation("socks5.udp.relay", "answer " .. i
                    .. " to one datagram does not come back",
                    { absence = true })
        return
      end
    end
  end,
}

-- Both were addressed before either answers, and then the first one does.
local function out_of_turn(name, kinds, needs)
  scenario("socks5.udp." .. name) {
    title  = "targets answer in any order, and each is named: " .. name,
    checks = { "socks5.udp.multi-target", "socks5.udp.reply-source",
               "socks5.udp.reply-encap", "socks5.udp.header-zero" },
    needs  = needs,
    within = 20,
    run    = function (t)
      local _, relay = t:associate {}
      local sinks = {}
      for i, family in ipairs(kinds) do
        local sink = t:sink { family = family }
        local host, port = outside(t, relay, sink)
        if not host then
          t:skip("nothing is relayed there")
        end
        sinks[i] = { sink = sink, host = host, port = port }
      end
      for _, i in ipairs { 1, 2, 1, 2, 2, 1 } do
        local one = sinks[i]
        local pong, raw, got = answer(t, relay, one.sink, one.host, one.port)
        if not pong then
          t:violation("socks5.udp.multi-target", "target " .. i
                      .. " was addressed, and its answer does not come back",
                      { absence = true })
          return
        elseif check_header(t, pong, raw, got) then
          check_source(t, got, one.sink)
        end
      end
    end,
  }
end

out_of_turn("answers-out-of-turn", { 4, 4 }, { "socks5", "udp" })
out_of_turn("answers-of-both-families", { 4, 6 },
            { "socks5", "udp", "ipv4", "ipv6" })
