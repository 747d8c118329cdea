-- A rule of the proxy denies an address: however it is asked for, nobody gets
-- there, and the reply says why. An origin of ours listens at that address, so
-- that whoever gets there shows.

local function ask(t, to)
  local c = t:connect()
  t:open(c)
  if t.target.version == 4 then
    c:send(socks4.request { to = to })
    return c:receive(socks4.reply {}, 5)
  end
  c:send(socks5.request { to = to })
  return c:receive(socks5.reply {}, 5)
end

local function is_granted(reply)
  return reply ~= nil and (reply.rep == 0 or reply.code == 90)
end

-- Nobody gets to the denied address by asking for this.
local function keeps_out(t, id, o, to)
  local reply = ask(t, to)
  t:check(o:contacts() == 0, id, "it is connected to as " .. t:show(to.host))
  t:check(not is_granted(reply), id, t:show(to.host) .. " is granted")
end

scenario "socks5.rule.address" {
  title    = "what a rule denies is refused with reply 02",
  checks   = { "socks5.reply.ruleset", "socks5.reply.sent" },
  needs    = { "socks5", "rule" },
  negative = true,
  run      = function (t)
    local o = t:origin { host = t.target.denied }
    local reply, why = ask(t, o)
    t:check(o:contacts() == 0, "socks5.reply.ruleset", "it is connected to")
    if not reply then
      t:violation("socks5.reply.sent", "no reply came: " .. why,
                  { absence = why ~= "malformed" })
      return
    end
    t:check(reply.rep == 2, "socks5.reply.ruleset",
            string.format("the reply is %02X, not 02", reply.rep),
            { contested = reply.rep == 1 })
  end,
}

-- As getaddrinfo() reads them: the same address in five ways.
local function texts(address)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  local number = ((a << 8 | b) << 8 | c) << 8 | d
  return { address, string.format("0x%08x", number), tostring(number),
           string.format("%d.%d", a, number & 0xFFFFFF),
           string.format("0%o.0%o.0%o.0%o", a, b, c, d) }
end

for protocol, id in pairs { socks5 = "socks5.address.literal-as-name",
                            socks4a = "socks4a.name.literal" } do
  scenario(protocol .. ".rule.address-as-name") {
    title    = "a denied address is denied as a name as well",
    checks   = { id },
    needs    = { protocol, "name", "rule" },
    negative = true,
    within   = 30,
    run      = function (t)
      local o = t:origin { host = t.target.denied }
      for _, text in ipairs(texts(t.target.denied)) do
        keeps_out(t, id, o, { atyp = 3, host = text, port = o.port })
      end
    end,
  }
end

scenario "socks5.rule.resolved" {
  title    = "a rule holds for what a name resolves to",
  checks   = { "socks5.connect.resolved-rules" },
  needs    = { "socks5", "name", "network", "rule" },
  negative = true,
  run      = function (t)
    local o = t:origin { host = t.target.denied }
    keeps_out(t, "socks5.connect.resolved-rules", o,
              t:name { a = { t.target.denied }, port = o.port })
  end,
}
