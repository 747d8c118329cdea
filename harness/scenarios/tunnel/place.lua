-- A destination is an address and a port: who listens on that port of another
-- address of the same machine is somebody else. RFC 1928 section 5, SOCKS4,
-- RFC 9110 section 9.3.6.

local PROTOCOLS = {
  { prefix = "socks5.address.", needs = "socks5", request = socks5.request,
    reply = function () return socks5.reply {} end,
    ids = { [4] = "socks5.address.ipv4", [6] = "socks5.address.ipv6" },
    port = "socks5.port.order" },
  { prefix = "http.connect.", needs = "http-connect", request = http.connect,
    reply = function () return http.response {} end,
    ids = { [4] = "http.connect.tunnel", [6] = "http.connect.tunnel" },
    port = "http.connect.tunnel" },
  { prefix = "socks4.request.", needs = "socks4", request = socks4.request,
    reply = function () return socks4.reply {} end,
    ids = { [4] = "socks4.reply.after-establish" },
    port = "socks4.request.port-order" },
}

local LOOPBACK, OTHER, FAR, SIX = "127.0.0.1", "127.0.0.2", "127.9.8.1", "::1"

local CASES = {
  { "other-address", OTHER, { LOOPBACK, FAR } },
  { "far-address", FAR, { LOOPBACK, OTHER } },
  { "ipv4-not-ipv6", LOOPBACK, { SIX, OTHER } },
  { "ipv6-not-ipv4", SIX, { LOOPBACK, OTHER } },
}

-- Octets of ports that are odd in some way: of a sign, a zero, a line's end. What
-- is nil may be any, since others run at the same time and want ports, too.
local SHAPES = {
  { 0xFF, 0xFF }, { 0x31, 0x31 }, { 0x20, 0x20 }, { 0x80, nil }, { 0x40, nil },
  { 0xFE, nil }, { nil, 0x00 }, { nil, 0x0A }, { nil, 0x0D }, { nil, 0x7F },
  { nil, 0x80 }, { nil, 0xFF },
}

-- An origin on such a port; nil when none is to be had.
local function shaped_origin(t, high, low)
  for _ = 1, high and low and 1 or 20 do
    local first = high or math.random(0x28, 0xFE)
    local o = t:origin { port = first << 8 | (low or math.random(0, 255)) }
    if o then
      return o
    end
  end
end

-- Whether a request for this destination is granted, nil: no answer; and the
-- code and the connection.
local function ask(t, p, to, within)
  local c = t:connect()
  t:open(c)
  c:send(p.request { to = to })
  local got, why = c:receive(p.reply(), within)
  local code = got and (got.rep or got.code or got.status)
  return got and (code == 0 or code == 90 or code // 100 == 2), code or why, c
end

-- A rule of the proxy may say no to a port.
local RULED = { [2] = true, [91] = true, [403] = true }

-- Listeners on one port of the address that is asked for and of those that are
-- not; nil when they cannot all be had.
local function neighbours(t, host, others)
  for _ = 1, 20 do
    local o, decoys = t:origin { host = host }, {}
    for i, other in ipairs(others) do
      decoys[i] = t:origin { host = other, port = o.port }
    end
    if #decoys == #others then
      return o, decoys
    end
  end
end

for _, p in ipairs(PROTOCOLS) do
  for _, case in ipairs(CASES) do
    local name, host, others = table.unpack(case)
    local family = host == SIX and 6 or 4
    local id = p.ids[family]
    if id then
      scenario(p.prefix .. name) {
        title  = "not another address with the same port is connected to: "
                 .. name:gsub("-", " "),
        checks = { id },
        needs  = { p.needs, "ipv4", family == 6 and "ipv6" or nil },
        run    = function (t)
          if t:origin().host ~= LOOPBACK then
            t:skip("the origins are on another machine")
          end
          local o, decoys = neighbours(t, host, others)
          if not o then
            t:inconclusive("no port is free at all of these addresses")
          end
          local is_granted, _, c = ask(t, p, {
            host = host, port = o.port, atyp = family == 6 and 4 or 1 }, 5)
          for i, decoy in ipairs(decoys) do
            t:check(decoy:contacts() == 0, id, string.format(
              "%s was asked for, and %s was connected to", host, others[i]))
          end
          if is_granted then
            local up, text = t:accepted(o, id), t:nonce()
            c:send(text)
            t:check(up:read(#text) == text, id,
                    "the destination got other octets")
          end
        end,
      }
    end
  end

  scenario(p.prefix .. "odd-ports") {
    title  = "ports of any two octets are connected to",
    checks = { p.port },
    needs  = { p.needs, "ipv4" },
    within = 30,
    run    = function (t)
      for _, shape in ipairs(SHAPES) do
        local o = shaped_origin(t, shape[1], shape[2])
        if o then
          local is_granted, code = ask(t, p, o, 3)
          if is_granted then
            t:accepted(o, p.port)
          else
            t:check(ask(t, p, t:origin(), 3) ~= true, p.port, string.format(
              "port %d is not connected to, and others are: %s", o.port, code),
              { absence = type(code) == "string", contested = RULED[code] })
          end
        end
      end
    end,
  }
end
