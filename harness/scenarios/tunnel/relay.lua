-- What a tunnel carries, whichever protocol made it.

local PROTOCOLS = {
  { prefix = "socks5.relay.", needs = { "socks5" },
    relay = "socks5.connect.relay", first = "socks5.connect.server-first",
    request = socks5.request { to = origin }, granted = socks5.reply { rep = 0 } },
  { prefix = "http.tunnel.", needs = { "http-connect" },
    relay = "http.connect.blind", first = "http.connect.target-data-first",
    request = http.connect { to = origin },
    granted = http.response { status = "2xx" } },
  { prefix = "socks4.relay.", needs = { "socks4" },
    relay = "socks4.relay.both-ways", first = "socks4.relay.server-first",
    request = socks4.request { to = origin },
    granted = socks4.reply { code = 90 } },
}

-- The request for an origin of a run function.
local function ask(p, o)
  return p.needs[1] == "http-connect" and http.connect { to = o }
         or p.needs[1] == "socks4" and socks4.request { to = o }
         or socks5.request { to = o }
end

-- Alone, then twice in a row: some protocols write an octet of their own so.
local every_octet = {}
for i = 0, 255 do
  every_octet[i + 1] = i
end
for i = 0, 255 do
  table.move({ i, i }, 1, 2, #every_octet + 1, every_octet)
end

local REQUEST = "GET http://example.invalid/ HTTP/1.1\r\nHost: example.invalid"
                .. "\r\nContent-Length: 5\r\n\r\nhello"
local RESPONSE = "HTTP/1.1 407 Proxy Authentication Required\r\n"
                 .. "Content-Length: 3\r\n\r\nabc"

-- A ClientHello for example.invalid (RFC 8446 section 4.1.2).
local HELLO = (function ()
  local names = string.pack(">s2", string.pack(">Bs2", 0, "example.invalid"))
  local body = "\3\3" .. ("r"):rep(32) .. "\0" .. string.pack(">s2", "\19\1")
               .. "\1\0" .. string.pack(">s2", string.pack(">I2s2", 0, names))
  local handshake = "\1\0" .. string.pack(">s2", body)
  return string.pack(">BI2s2", 22, 0x0301, handshake)
end)()

-- Text of n octets in which no stretch repeats soon, so that lost, doubled
-- and swapped octets show.
local texts = {}

local lines = {}
for i = 1, 1024 do
  lines[i] = string.format("%014d\r\n", i)
end
lines = table.concat(lines)

local function numbered(n, seed)
  local known = texts[seed] or ""
  if n <= #known then
    return known:sub(1, n)
  end
  local parts = {}
  for i = 1, n // #lines + 1 do
    parts[i] = string.format("%s block %d\r\n", seed, i) .. lines
  end
  texts[seed] = table.concat(parts)
  return texts[seed]:sub(1, n)
end

-- Where two strings begin to differ, for people.
local function difference(got, want)
  if not got then
    return "the stream ended early"
  end
  for at = 1, #want, 4096 do
    if got:sub(at, at + 4095) ~= want:sub(at, at + 4095) then
      return string.format("octets from %d on differ", at - 1)
    end
  end
  return "octets differ"
end

for _, p in ipairs(PROTOCOLS) do
  local function talk_of(there, back)
    return {
      opened {},
      C { p.request },
      S { p.granted, within = 5 },
      C { there },
      O { there },
      O.sends { back },
      S { back },
      S.silent { within = 0.1 },
    }
  end

  scenario(p.prefix .. "every-octet") {
    title   = "all 256 octet values pass both ways",
    checks  = { p.relay },
    needs   = p.needs,
    segment = false,
    talk    = talk_of(bytes(every_octet), bytes(every_octet)),
  }

  scenario(p.prefix .. "http-text") {
    title   = "text that looks like HTTP passes both ways",
    checks  = { p.relay },
    needs   = p.needs,
    segment = false,
    talk    = talk_of(REQUEST, RESPONSE),
  }

  scenario(p.prefix .. "socks-text") {
    title   = "octets that look like SOCKS pass both ways",
    checks  = { p.relay },
    needs   = p.needs,
    segment = false,
    talk    = talk_of("\5\1\0\5\1\0\1\127\0\0\1\0\80", "\5\255\5\1\0\1\0\0\0\0\0\0"),
  }

  -- What looks into the first octets for the name of a server finds one.
  scenario(p.prefix .. "tls-text") {
    title   = "octets that look like TLS pass both ways",
    checks  = { p.relay },
    needs   = p.needs,
    segment = false,
    talk    = talk_of(HELLO, "\21\3\3\0\2\2\40"),
  }

  scenario(p.prefix .. "one-octet") {
    title  = "single octets arrive one by one, zero and all",
    checks = { p.relay },
    needs  = p.needs,
    run    = function (t)
      local c, up = t:tunnel {}
      for _, octet in ipairs { 0, 1, 4, 5, 10, 13, 65, 127, 128, 255, 0 } do
        local text = string.char(octet)
        c:send(text)
        local there = up:read(1)
        up:send(text)
        if there ~= text or c:read(1) ~= text then
          t:violation(p.relay, string.format("octet %02X did not arrive", octet))
          return
        end
      end
    end,
  }

  scenario(p.prefix .. "bulk-both-ways") {
    title   = "a mebibyte each way at once arrives whole",
    checks  = { p.relay },
    needs   = p.needs,
    within  = 20,
    run     = function (t)
      local n = 1 << 20
      local up_data, down_data = numbered(n, "u"), numbered(n, "d")
      local c, up = t:tunnel {}
      c:send(up_data)
      up:send(down_data)
      local down, up_got = c:read(n, 10), up:read(n, 10)
      t:check(up_got == up_data, p.relay,
              "client to destination: " .. difference(up_got, up_data))
      t:check(down == down_data, p.relay,
              "destination to client: " .. difference(down, down_data))
    end,
  }

  scenario(p.prefix .. "ping-pong") {
    title  = "fifty short turns arrive one by one",
    checks = { p.relay },
    needs  = p.needs,
    run    = function (t)
      local c, up = t:tunnel {}
      for turn = 1, 50 do
        local ping, pong = "ping " .. turn, "pong " .. turn
        c:send(ping)
        local at_origin = up:read(#ping)
        up:send(pong)
        local at_client = c:read(#pong)
        if at_origin ~= ping or at_client ~= pong then
          t:violation(p.relay, "turn " .. turn .. " did not arrive")
          return
        end
      end
    end,
  }

  scenario(p.prefix .. "side-by-side") {
    title  = "tunnels that are open at once do not mix",
    checks = { p.relay },
    needs  = p.needs,
    run    = function (t)
      local tunnels = {}
      for i = 1, 8 do
        local c, up = t:tunnel {}
        tunnels[i] = { c = c, up = up, there = t:nonce(64), back = t:nonce(64) }
      end
      for _, one in ipairs(tunnels) do
        one.c:send(one.there)
        one.up:send(one.back)
      end
      for i = #tunnels, 1, -1 do
        local one = tunnels[i]
        t:check(one.up:read(64) == one.there, p.relay,
                "client to destination of tunnel " .. i)
        t:check(one.c:read(64) == one.back, p.relay,
                "destination to client of tunnel " .. i)
      end
    end,
  }

  scenario(p.prefix .. "idle") {
    title  = "a tunnel that nobody uses for a while stays as it is",
    checks = { p.relay },
    needs  = p.needs,
    run    = function (t)
      local c, up = t:tunnel {}
      local text = t:nonce()
      local got = c:read_some(2)
      t:check(not got, p.relay, "the proxy sent " .. t:show(got or ""))
      c:send(text)
      t:check(up:read(#text) == text, p.relay,
              "what came behind two seconds of silence did not arrive",
              { absence = true })
    end,
  }

  -- What limits the handshake has no say over the tunnel; how long one may be
  -- idle is not said.
  scenario(p.prefix .. "lasting") {
    title  = "a tunnel in use stays for nine seconds and more",
    checks = { p.relay },
    needs  = p.needs,
    within = 30,
    slow   = true,
    run    = function (t)
      local c, up = t:tunnel {}
      for turn = 1, 18 do
        local text = t:nonce()
        c:send(text)
        local there = up:read(#text)
        up:send(text)
        if there ~= text or c:read(#text) ~= text then
          t:violation(p.relay, string.format(
            "turn %d of two a second did not arrive", turn),
            { absence = true })
          return
        end
        t:never(function () return false end, 0.5)
      end
    end,
  }

  scenario(p.prefix .. "idle-for-longer") {
    title  = "a tunnel that nobody uses for nine seconds stays as it is",
    checks = { p.relay },
    needs  = p.needs,
    within = 30,
    slow   = true,
    run    = function (t)
      local c, up = t:tunnel {}
      local text = t:nonce()
      local got = c:read_some(9)
      t:check(not got, p.relay, "the proxy sent " .. t:show(got or ""))
      c:send(text)
      t:check(up:read(#text) == text, p.relay,
              "what came behind nine seconds of silence did not arrive",
              { absence = true, contested = true })
    end,
  }

  -- The answer to the request and the destination's first octets race.
  scenario(p.prefix .. "banner-first") {
    title  = "a destination that speaks first is heard behind the answer, whole",
    checks = { p.first },
    needs  = p.needs,
    within = 20,
    run    = function (t)
      local banner = "220 ready " .. t:nonce() .. "\r\n"
      for _ = 1, 20 do
        local o, c = t:origin(), t:connect()
        t:open(c)
        c:send(ask(p, o))
        local up = t:accepted(o, p.first)
        up:send(banner)
        t:expect(c, p.granted, p.first, 5)
        t:check(c:read(#banner) == banner, p.first,
                "the banner did not arrive whole")
        c:close()
        up:close()
      end
    end,
  }
end
