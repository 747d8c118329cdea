-- Addresses and ports, RFC 1928 section 5.

local KINDS = {
  { name = "ipv4", to = origin, id = "socks5.address.ipv4",
    needs = "ipv4", control = false },
  { name = "ipv6", to = origin.ipv6, needs = "ipv6", id = "socks5.address.ipv6" },
  { name = "name", to = origin.name, needs = "name",
    id = "socks5.address.resolve" },
}

for _, kind in ipairs(KINDS) do
  scenario("socks5.address." .. kind.name) {
    title   = "a destination given as " .. kind.name .. " is reached",
    checks  = { kind.id, "socks5.connect.relay" },
    needs   = { "socks5", kind.needs },
    control = kind.control,
    talk    = {
      opened {},
      C { socks5.request { to = kind.to } },
      S { socks5.reply { rep = 0 }, within = 10 },
      O.accepts {},
      C { nonce() },
      O { nonce(), breaks = "socks5.connect.relay" },
      O.sends { "answer to ", nonce() },
      S { "answer to ", nonce(), breaks = "socks5.connect.relay" },
    },
  }
end

local function after_opening(t)
  local o, c = t:origin(), t:connect()
  t:open(c)
  return o, c
end

-- A name of n octets that has no address, of labels as long as they may be.
local function name_of(n)
  local rest = n - #".invalid"
  local labels = ("a"):rep(63) .. "."
  return labels:rep(rest // 64 + 1):sub(1, rest):gsub("%.$", "b") .. ".invalid"
end

-- The reply to a request for this name: a table, or nil and why.
local function ask_for(t, name)
  local o, c = after_opening(t)
  c:send(socks5.request { atyp = 3, addr = name, port = o.port })
  return c:receive(socks5.reply {}, 40)
end

-- A proxy that gives no reply, or no whole one, to any name that does not
-- resolve is told of by socks5.reply.sent and socks5.reply.layout; here a long
-- name is compared with a short one.
for _, n in ipairs { 127, 128, 200, 253, 255 } do
  scenario("socks5.address.name-of-" .. n) {
    title    = string.format("a name of %d octets is read in full", n),
    checks   = { "socks5.address.domain-max" },
    needs    = { "socks5", "name" },
    negative = true,
    within   = 90,
    run      = function (t)
      local reply, why = ask_for(t, name_of(n))
      if reply then
        return
      end
      local short, other = ask_for(t, "a.invalid")
      if short or (why == "malformed" and other ~= why) then
        t:violation("socks5.address.domain-max",
                    "no reply came, unlike for a short name: " .. why,
                    { absence = why ~= "malformed" })
      end
    end,
  }
end

-- An address in text is no name, yet some clients send every address so.
scenario "socks5.address.literal" {
  title  = "an address that is sent as a name is connected to",
  checks = { "socks5.address.resolve" },
  needs  = { "socks5", "ipv4", "name" },
  within = 15,
  run    = function (t)
    local o, c = after_opening(t)
    c:send(socks5.request { atyp = 3, addr = o.host, port = o.port })
    local reply, why = c:receive(socks5.reply {}, 10)
    t:check(reply and reply.rep == 0, "socks5.address.resolve",
            reply and string.format("it is refused with %02X", reply.rep)
            or "no reply came: " .. tostring(why),
            { contested = true, absence = not reply })
  end,
}

local function not_reached(id, addr_of)
  return function (t)
    local o, c = after_opening(t)
    c:send(socks5.request { atyp = 3, addr = addr_of(o), port = o.port,
                            malformed = true })
    local reply = c:receive(socks5.reply {}, 10)
    t:check(not reply or reply.rep ~= 0, id, "it was granted")
    t:check(not o:accept(0.1), id, "it reached the origin")
  end
end

scenario "socks5.address.empty-name" {
  title    = "a name of no octets is refused",
  checks   = { "socks5.address.domain-zero" },
  needs    = { "socks5", "name" },
  negative = true,
  within   = 15,
  run      = not_reached("socks5.address.domain-zero",
                         function () return "" end),
}

scenario "socks5.address.name-nul" {
  title    = "a zero octet does not cut a name short",
  checks   = { "socks5.address.domain-nul" },
  needs    = { "socks5", "name" },
  negative = true,
  within   = 15,
  run      = not_reached("socks5.address.domain-nul", function (o)
    return o.name.host .. "\0.invalid"
  end),
}

scenario "socks5.address.literal-nul" {
  title    = "a zero octet does not cut an address in a name short",
  checks   = { "socks5.address.domain-nul" },
  needs    = { "socks5", "name" },
  negative = true,
  within   = 15,
  run      = not_reached("socks5.address.domain-nul", function (o)
    return o.host .. "\0.invalid"
  end),
}

-- An origin whose port reads differently in the two byte orders, as one that
-- needs no privilege, and an origin at that one.
local function asymmetric(t)
  for _ = 1, 100 do
    local o = t:origin()
    local other = o.port >> 8 | (o.port & 0xFF) << 8
    local swapped = other ~= o.port and other >= 1024 and t:origin { port = other }
    if swapped then
      return o, swapped
    end
  end
  t:inconclusive("no two ports that differ by the order of their octets")
end

scenario "socks5.port.order" {
  title  = "ports are read with their high octet first",
  checks = { "socks5.port.order" },
  needs  = { "socks5", "ipv4" },
  control = false,
  run    = function (t)
    local o, swapped = asymmetric(t)
    local c = t:connect()
    t:open(c)
    c:send(socks5.request { to = o })
    local reply = c:receive(socks5.reply {}, 5)
    if swapped:contacts() > 0 then
      t:violation("socks5.port.order", "the port with its octets swapped was connected to")
      return
    end
    if reply and reply.rep == 0 then
      t:accepted(o, "socks5.port.order")
    else
      t:violation("socks5.port.order", "it was not granted",
                  { absence = true, refusal = reply ~= nil })
    end
  end,
}

scenario "socks5.port.zero" {
  title    = "a request for port 0 fails cleanly",
  checks   = { "socks5.port.zero", "socks5.reply.sent" },
  needs    = { "socks5", "ipv4" },
  negative = true,
  within   = 15,
  run      = function (t)
    local o, c = after_opening(t)
    c:send(socks5.request { atyp = 1, addr = o.host, port = 0 })
    local reply, why = c:receive(socks5.reply {}, 10)
    t:check(not reply or reply.rep ~= 0, "socks5.port.zero", "it was granted")
    t:check(reply, "socks5.reply.sent", "no reply came: " .. tostring(why),
            { contested = true, absence = why ~= "malformed" })
  end,
}
