-- The request and what a proxy does not accept in one, RFC 1928 section 4.

-- Neither a success reply nor a contact may follow; anything else may.
local function not_granted(t, c, o, id)
  local reply, why = c:receive(socks5.reply {}, 2)
  t:check(not reply or reply.rep ~= 0, id, "it was granted")
  t:check(not o:accept(0.1), id, "it reached the origin")
  return reply, why
end

local function after_opening(t)
  local o, c = t:origin(), t:connect()
  t:open(c)
  return o, c
end

for _, version in ipairs { 0x00, 0x04, 0xFF } do
  scenario(string.format("socks5.request.version-%02x", version)) {
    title    = string.format("a request of version %02X is not served", version),
    checks   = { "socks5.request.version" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local o, c = after_opening(t)
      c:send(socks5.request { to = o, version = version, malformed = true })
      not_granted(t, c, o, "socks5.request.version")
    end,
  }
end

-- Ignoring the octet and refusing the request are both fine.
for _, reserved in ipairs { 0x01, 0xFF } do
  scenario(string.format("socks5.request.reserved-%02x", reserved)) {
    title  = string.format("a reserved octet of %02X confuses nobody", reserved),
    checks = { "socks5.request.rsv-nonzero" },
    needs  = { "socks5" },
    run    = function (t)
      local o, c = after_opening(t)
      local text = t:nonce()
      c:send(socks5.request { to = o, reserved = reserved, malformed = true })
      local reply, why = c:receive(socks5.reply {})
      t:check(why ~= "malformed", "socks5.request.rsv-nonzero",
              "the reply cannot be read")
      if reply and reply.rep == 0 then
        local up = t:accepted(o, "socks5.request.rsv-nonzero")
        c:send(text)
        t:check(up:read(#text) == text, "socks5.request.rsv-nonzero",
                "the request was granted, and then payload was lost")
      end
    end,
  }
end

-- F0 to F2 are commands of Tor's and stand back.
for _, command in ipairs { 0x00, 0x04, 0x7F, 0xFF } do
  scenario(string.format("socks5.request.command-%02x", command)) {
    title    = string.format("command %02X is answered with reply 07", command),
    checks   = { "socks5.request.cmd-unknown", "socks5.reply.sent",
                 "socks5.reply.close" },
    needs    = { "socks5" },
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = after_opening(t)
      c:send(socks5.request { to = o, command = command, malformed = true })
      local reply, why = not_granted(t, c, o, "socks5.request.cmd-unknown")
      if not reply then
        t:violation("socks5.reply.sent", "no reply came: " .. why,
                    { absence = why ~= "malformed" })
        return
      end
      t:check(reply.rep == 7 or reply.rep == 0, "socks5.request.cmd-unknown",
              string.format("the reply is %02X, not 07", reply.rep))
      t:check(c:ended(10), "socks5.reply.close",
              "still open 10 s after the failure reply", { absence = true })
    end,
  }
end

-- The command is unknown whatever kind of address comes behind it.
for _, case in ipairs { { "ipv6", 0x04 }, { "name", 0x04 }, { "ipv6", 0x7F },
                        { "name", 0x7F }, { "name", 0x00 } } do
  local kind, command = case[1], case[2]
  scenario(string.format("socks5.request.command-%02x-%s", command, kind)) {
    title    = string.format("command %02X with %s is answered with reply 07",
                             command, kind),
    checks   = { "socks5.request.cmd-unknown", "socks5.reply.sent" },
    needs    = { "socks5", kind },
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = after_opening(t)
      c:send(socks5.request { to = o[kind], command = command,
                              malformed = true })
      local reply, why = not_granted(t, c, o, "socks5.request.cmd-unknown")
      if reply then
        t:check(reply.rep == 7 or reply.rep == 0, "socks5.request.cmd-unknown",
                string.format("the reply is %02X, not 07", reply.rep))
      else
        t:violation("socks5.reply.sent", "no reply came: " .. why,
                    { absence = why ~= "malformed" })
      end
    end,
  }
end

-- Nobody knows how long such an address is: a proxy may answer after four
-- octets, or close, but what it answers is 08. These octets are what a name
-- would be, so that one who takes them for a name gives himself away.
for _, atyp in ipairs { 0x00, 0x02, 0x05, 0xFF } do
  scenario(string.format("socks5.request.address-type-%02x", atyp)) {
    title    = string.format("address type %02X is answered with reply 08", atyp),
    checks   = { "socks5.request.atyp-unknown", "socks5.reply.sent" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local o, c = after_opening(t)
      c:send(string.pack(">BBBBs1I2", 5, 1, 0, atyp, o.host, o.port))
      local reply, why = not_granted(t, c, o, "socks5.request.atyp-unknown")
      if reply then
        t:check(reply.rep == 8 or reply.rep == 0, "socks5.request.atyp-unknown",
                string.format("the reply is %02X, not 08", reply.rep))
      else
        t:violation("socks5.reply.sent", "no reply came: " .. why,
                    { contested = true, absence = why ~= "malformed" })
      end
    end,
  }
end

-- What is a whole request for whoever takes the type for one that he knows.
scenario "socks5.request.address-type-shaped" {
  title    = "no unassigned address type is taken for one that is assigned",
  checks   = { "socks5.request.atyp-unknown" },
  needs    = { "socks5" },
  negative = true,
  within   = 20,
  run      = function (t)
    local o = t:origin()
    local a, b, c, d = o.host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    local shapes = { string.pack("BBBB", a, b, c, d), string.pack("s1", o.host),
                     ("\0"):rep(15) .. "\1" }
    for _, try in ipairs { { 0x00, 1, 3 }, { 0x02, 1, 3 }, { 0x05, 1, 3 },
                           { 0x11, 1 }, { 0x41, 1 }, { 0x81, 1 }, { 0x83, 2 },
                           { 0x84, 3 }, { 0xFF, 1, 3 } } do
      for i = 2, #try do
        local client = t:connect()
        t:open(client)
        client:send(string.pack(">BBBB", 5, 1, 0, try[1]) .. shapes[try[i]]
                    .. string.pack(">I2", o.port))
        local reply = client:receive(socks5.reply {}, 0.5)
        t:check(not reply or reply.rep ~= 0, "socks5.request.atyp-unknown",
                string.format("address type %02X was granted", try[1]))
        client:close()
      end
    end
    t:check(not o:accept(0.1), "socks5.request.atyp-unknown",
            "one of them reached the origin")
  end,
}

-- With a command that a proxy may not know, 07 says as much.
for _, case in ipairs { { "bind", 2 }, { "associate", 3 } } do
  local name, command = case[1], case[2]
  scenario("socks5.request.address-type-05-" .. name) {
    title    = "an unknown address type is answered with 08 or 07: " .. name,
    checks   = { "socks5.request.atyp-unknown" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local o, c = after_opening(t)
      c:send(string.pack(">BBBBs1I2", 5, command, 0, 5, o.host, o.port))
      local reply = not_granted(t, c, o, "socks5.request.atyp-unknown")
      if reply then
        t:check(reply.rep == 8 or reply.rep == 7 or reply.rep == 0,
                "socks5.request.atyp-unknown",
                string.format("the reply is %02X, not 08", reply.rep))
      end
    end,
  }
end

scenario "socks5.request.incomplete" {
  title  = "a request that lacks its last octets is not answered yet",
  checks = { "socks5.greeting.fragmented" },
  needs  = { "socks5" },
  run    = function (t)
    local o, c = after_opening(t)
    local first, second, third, fourth =
      o.host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    c:send(string.pack("BBBBBB", 5, 1, 0, 1, first, second))
    t:check(c:silent(0.3), "socks5.greeting.fragmented",
            "the proxy answered or closed before the request was whole")
    c:send(string.pack(">BBI2", third, fourth, o.port))
    t:expect(c, socks5.reply { rep = 0 }, "socks5.greeting.fragmented")
  end,
}

-- What a tunnel carries that looks like a message to the proxy is payload.
for _, case in ipairs {
  { "request", socks5.request { to = origin } },
  { "greeting", socks5.greeting { methods = { 0, 2 } } },
  { "credentials", userpass.request { user = "u", password = "p" } },
} do
  local name, payload = case[1], case[2]
  scenario("socks5.request.second-" .. name) {
    title  = "a " .. name .. " in the tunnel is payload",
    checks = { "socks5.request.second" },
    needs  = { "socks5" },
    talk   = {
      opened {},
      C { socks5.request { to = origin } },
      S { socks5.reply { rep = 0 } },
      C { payload },
      O { payload },
      S.silent { within = 0.3 },
    },
  }
end

-- Success, 08, and failures of a proxy that has no route are all fine.
scenario "socks5.request.ipv6-loopback" {
  title  = "a request for an IPv6 address gets a whole reply",
  checks = { "socks5.request.ipv6-unsupported" },
  needs  = { "socks5" },
  run    = function (t)
    local o, c = after_opening(t)
    c:send(socks5.request { to = o.ipv6 })
    local reply, why = c:receive(socks5.reply {}, 10)
    t:check(reply, "socks5.request.ipv6-unsupported",
            "no reply came: " .. tostring(why), { absence = why ~= "malformed" })
  end,
}

-- Payload may come in one write with its request, or soon behind it: it is
-- kept, or lost, but not cut, not repeated and not sent back.
local KINDS = {
  { "ipv4", function (o) return o end },
  { "ipv6", function (o) return o.ipv6 end },
  { "name", function (o) return o.name end },
}

for _, kind in ipairs(KINDS) do
  for _, n in ipairs { 32, 3000, 16000 } do
    local suffix = n == 32 and kind[1] == "ipv4" and ""
                   or string.format("-%s-%d", kind[1], n)
    scenario("socks5.request.early-payload" .. suffix) {
      title  = string.format("%d octets in one write with a request for %s "
                             .. "arrive once", n, kind[1]),
      checks = { "socks5.greeting.pipelined", "socks5.connect.relay" },
      needs  = { "socks5", kind[1] },
      within = 25,
      run    = function (t)
        local o, c = after_opening(t)
        local early, late = t:nonce(n), t:nonce()
        c:send(socks5.request { to = kind[2](o) }, early)
        local reply = c:receive(socks5.reply {}, 5)
        if not reply or reply.rep ~= 0 then
          return
        end
        local up = t:accepted(o, "socks5.connect.relay")
        c:send(late)
        c:shut()
        local got = up:read_end(6)
        t:check(got == early .. late, "socks5.greeting.pipelined",
                "it did not arrive", { contested = true, absence = true })
        -- The front may have been read, and thrown away, with the request.
        local all = early .. late
        local is_rest = got and got == all:sub(-math.max(#got, 1))
        t:check(not got or got == "" or got == early or got == all
                or got == late, "socks5.connect.relay",
                string.format("the destination got %d octets of %d, or others",
                              #(got or ""), n + #late),
                { contested = is_rest })
        local back = c:read_some(0.2)
        t:check(not back, "socks5.connect.relay",
                "the client got " .. t:show(back or ""))
      end,
    }
  end
end

-- Whether it serves them or not, it says so.
for _, case in ipairs { { "bind", 2 }, { "associate", 3 } } do
  local name, command = case[1], case[2]
  scenario("socks5.request." .. name .. "-answered") {
    title  = string.format("command %02X is answered, whether it is served "
                           .. "or not", command),
    checks = { "socks5.reply.sent" },
    needs  = { "socks5" },
    within = 15,
    run    = function (t)
      local _, c = after_opening(t)
      c:send(socks5.request { command = command, addr = c.local_host,
                              port = c.local_port })
      local reply, why = c:receive(socks5.reply {}, 10)
      t:check(reply, "socks5.reply.sent", "no reply came: " .. tostring(why),
              { absence = why ~= "malformed" })
    end,
  }
end

-- The opening inside a tunnel; false when it is not had.
local function opens_again(t, c)
  local method = t.target.user and 2 or 0
  c:send(socks5.greeting { methods = { method } })
  local chosen = c:receive(socks5.method_selection {}, 3)
  if not chosen or chosen.method ~= method then
    return false
  elseif method == 0 then
    return true
  end
  c:send(userpass.request {})
  local told = c:receive(userpass.status {}, 3)
  return told and told.status == 0
end

-- A hop through the proxy itself is policy; a way through it many times goes
-- when its client does.
scenario "socks5.connect.through-itself" {
  title    = "a tunnel through the proxy itself, again and again, ends with "
             .. "its client",
  checks   = { "socks5.connect.self" },
  needs    = { "socks5", "ipv4" },
  negative = true,
  within   = 20,
  run      = function (t)
    local HOPS = 4
    local o, host = t:origin(), t.target.host
    local own = { host = host, port = t.target.port,
                  atyp = host:find(":", 1, true) and 4
                         or host:find("^[%d.]+$") and 1 or 3 }
    local c = t:connect()
    t:open(c)
    for _ = 1, HOPS do
      c:send(socks5.request { to = own })
      local reply = c:receive(socks5.reply {}, 3)
      if not reply or reply.rep ~= 0 or not opens_again(t, c) then
        return
      end
    end
    c:send(socks5.request { to = o })
    local up = o:accept(3)
    c:close()
    t:check(not up or up:ended(5), "socks5.connect.self", string.format(
      "5 s behind its client's end a tunnel of %d hops through the proxy "
      .. "itself still stands", HOPS), { absence = true })
  end,
}
