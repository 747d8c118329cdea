-- What a proxy answers to a request, RFC 1928 section 6.

local function after_opening(t)
  local c = t:connect()
  t:open(c)
  return c
end

-- Every well-formed request gets a whole reply before the connection ends.
-- silence is the row that speaks of none at all, where there is a special one.
local function reply_to(t, c, request, within, silence)
  c:send(request)
  local reply, why, details = c:receive(socks5.reply {}, within)
  if not reply and details then
    t:violation("socks5.reply.layout", "no whole reply came: " .. details)
  elseif not reply then
    t:violation(why == "silence" and silence or "socks5.reply.sent",
                "no reply came: " .. why, { absence = true })
  end
  return reply
end

-- A proxy that answers before it knows spares its client a round trip, at
-- the price of what the reply says.
local function not_early(t, reply, id)
  for _, broken in ipairs { id, "socks5.reply.success-real" } do
    t:check(reply.rep ~= 0, broken,
            "success was reported, and there is no connection",
            { contested = true })
  end
  return reply.rep ~= 0
end

scenario "socks5.reply.refused" {
  title    = "a port that refuses is reported with 05",
  checks   = { "socks5.reply.refused", "socks5.reply.sent",
               "socks5.reply.layout", "socks5.reply.success-real",
               "socks5.reply.close-10s" },
  needs    = { "socks5", "ipv4" },
  negative = true,
  within   = 25,
  run      = function (t)
    local c = after_opening(t)
    local reply = reply_to(t, c, socks5.request { to = origin.closed }, 10)
    if not reply or not not_early(t, reply, "socks5.reply.refused") then
      return
    end
    -- 02 may be a rule of the proxy's.
    t:check(reply.rep ~= 1, "socks5.reply.refused",
            "reported with 01, which does not say why", { contested = true })
    t:check(reply.rep ~= 3 and reply.rep ~= 4, "socks5.reply.refused",
            string.format("reported with %02X, not 05", reply.rep))
    t:check(c:ended(10), "socks5.reply.close-10s",
            "still open 10 s after the failure reply", { absence = true })
  end,
}

scenario "socks5.reply.name-unknown" {
  title    = "a name that does not resolve is reported as a failure",
  checks   = { "socks5.reply.dns-failure", "socks5.reply.sent",
               "socks5.reply.layout", "socks5.reply.code-range",
               "socks5.reply.close" },
  needs    = { "socks5", "name" },
  negative = true,
  within   = 45,
  run      = function (t)
    local c = after_opening(t)
    local reply = reply_to(t, c, socks5.request { to = origin.nowhere }, 30,
                           "socks5.reply.dns-failure")
    if not reply then
      return
    end
    -- Who answers before it is connected does not know better.
    t:check(reply.rep ~= 0, "socks5.reply.dns-failure",
            "success was reported for a name that has no address",
            { contested = true })
    -- Tor documents F0 to F7 for what goes wrong with its own names.
    t:check(reply.rep <= 8, "socks5.reply.code-range",
            string.format("reported with %02X, which nothing defines", reply.rep),
            { contested = reply.rep >= 0xF0 and reply.rep <= 0xF7 })
    t:check(reply.rep == 0 or c:ended(10), "socks5.reply.close",
            "still open 10 s after the failure reply", { absence = true })
  end,
}

-- TCP has no connections to a group address, so the attempt fails at once
-- and sends nothing.
scenario "socks5.reply.unreachable" {
  title    = "an address without a route is reported as a failure",
  checks   = { "socks5.reply.net-unreachable", "socks5.reply.sent",
               "socks5.reply.layout", "socks5.reply.close" },
  needs    = { "socks5", "ipv4" },
  negative = true,
  within   = 45,
  run      = function (t)
    local c = after_opening(t)
    local reply = reply_to(t, c, socks5.request { addr = "224.0.0.1", port = 9 },
                           30)
    if not reply then
      return
    end
    t:check(reply.rep ~= 0, "socks5.reply.net-unreachable",
            "success was reported", { contested = true })
    t:check(reply.rep == 0 or c:ended(10), "socks5.reply.close",
            "still open 10 s after the failure reply", { absence = true })
  end,
}

-- Nothing more is done on a connection whose request failed. The second
-- request comes behind the reply, or in one write with the first.
for _, how in ipairs { "behind", "joined" } do
  scenario("socks5.reply.request-" .. how .. "-failure") {
    title    = how == "behind" and "a request behind a failure reply is not served"
               or "a request joined to one that fails is not served",
    checks   = { "socks5.reply.dead-after-failure" },
    needs    = { "socks5", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = t:origin(), after_opening(t)
      local fails = socks5.request { to = origin.closed }
      local works = socks5.request { to = o }
      if how == "joined" then
        c:send(fails, works, t:nonce())
      else
        c:send(fails)
      end
      local reply = c:receive(socks5.reply {}, 10)
      if not reply or reply.rep == 0 then
        return -- socks5.reply.refused speaks of it
      end
      if how == "behind" then
        c:send(works, t:nonce())
      end
      t:check(not c:read_some(0.3), "socks5.reply.dead-after-failure",
              "more octets came behind the failure reply")
      t:check(not o:accept(0.1), "socks5.reply.dead-after-failure",
              "the second request reached the origin")
    end,
  }
end

-- BND is what the origin sees, or zero, which is common and says nothing. An
-- address that differs speaks of translation on the way, or of nothing known.
local KINDS = {
  { name = "ipv4", of = function (o) return o end },
  { name = "ipv6", of = function (o) return o.ipv6 end },
  { name = "name", of = function (o) return o.name end },
}

for _, kind in ipairs(KINDS) do
  scenario("socks5.reply.bound-" .. kind.name) {
    title  = "the bound port is the one that the origin sees: " .. kind.name,
    checks = { "socks5.connect.bnd", "socks5.port.order" },
    needs  = { "socks5", kind.name },
    run    = function (t)
      local o, c = t:origin(), after_opening(t)
      c:send(socks5.request { to = kind.of(o) })
      local reply = t:expect(c, socks5.reply { rep = 0 }, "socks5.connect.bnd",
                             10)
      local up = t:accepted(o, "socks5.connect.bnd")
      local seen, told = up.peer_port, reply.port
      if told == 0 or told == seen or reply.addr ~= up.peer_host then
        return
      end
      local text = string.format("BND.PORT is %d, the origin sees %d", told,
                                 seen)
      t:violation("socks5.connect.bnd", text)
      t:check(told ~= (seen >> 8 | seen << 8 & 0xFF00), "socks5.port.order",
              text)
    end,
  }
end

-- How long a reply is by its own address type, and the row that speaks of it;
-- nil when its first octets do not tell.
local function length_of(reply)
  local atyp = reply:byte(4)
  if atyp == 1 then
    return 10, "socks5.address.ipv4"
  elseif atyp == 4 then
    return 22, "socks5.address.ipv6"
  elseif atyp == 3 and #reply > 4 then
    return 7 + reply:byte(5), "socks5.address.domain"
  end
end

-- Octets are counted here and not read as a message: a reply that is too short
-- for its address type would be waited for.
for _, kind in ipairs(KINDS) do
  scenario("socks5.reply.length-" .. kind.name) {
    title  = "nothing is missing from the reply or behind it: " .. kind.name,
    checks = { "socks5.reply.layout", "socks5.request.rsv",
               "socks5.address.ipv4", "socks5.address.ipv6",
               "socks5.address.domain" },
    needs  = { "socks5", kind.name },
    run    = function (t)
      local o, c = t:origin(), after_opening(t)
      c:send(socks5.request { to = kind.of(o) })
      local reply = c:read_some(10)
      if not reply then
        return -- socks5.reply.sent speaks of it
      end
      reply = reply .. (c:read_some(0.3) or "")
      local length, row = length_of(reply)
      t:check(#reply == length, "socks5.reply.layout", "the reply is "
              .. t:show(reply))
      t:check(not length or #reply == length, row or "socks5.reply.layout",
              "its address type does not tell its length: " .. t:show(reply))
      t:check(reply:byte(3) == 0 or #reply < 3, "socks5.request.rsv",
              "the reserved octet is not 00: " .. t:show(reply))
      t:check(row ~= "socks5.address.domain"
              or not reply:sub(6, -3):find("\0", 1, true), row
              or "socks5.reply.layout", "a zero octet in the reply's name")
    end,
  }
end
