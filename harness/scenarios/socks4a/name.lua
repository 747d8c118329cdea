-- SOCKS4A: the name behind the user id.

-- A connection to the origin by its name, and what becomes of later octets.
for _, user in ipairs { "u", "proxyspec", ("u"):rep(255) } do
  scenario("socks4a.name.behind-userid-of-" .. #user) {
    title  = string.format("the name is read behind a user id of %d octets",
                           #user),
    checks = { "socks4a.name.position" },
    needs  = { "socks4a", "name" },
    run    = function (t)
      local id = "socks4a.name.position"
      local o, c = t:origin(), t:connect()
      c:send(socks4.request { to = o.name, user = user })
      local reply = c:receive(socks4.reply {}, 5)
      if reply and reply.code ~= 90 then
        local plain = t:connect()
        plain:send(socks4.request { to = o, user = user })
        local other = plain:receive(socks4.reply {}, 5)
        t:check(not other or other.code ~= 90, id,
                "it is refused, and the same without a name is granted",
                { absence = true })
        return
      end
      local up, text = t:accepted(o, id), t:nonce()
      c:send(text)
      local got = up:read_some(2)
      if got and #got < #text then
        got = got .. (up:read(#text - #got) or "")
      end
      t:check(got == text, id, "the destination got " .. t:show(got or ""),
              { absence = not got })
    end,
  }
end

scenario "socks4a.name.answered" {
  title  = "a name that resolves is connected to, or refused",
  checks = { "socks4a.name.resolve" },
  needs  = { "socks4a", "name" },
  within = 20,
  run    = function (t)
    local id = "socks4a.name.resolve"
    local o, c = t:origin(), t:connect()
    c:send(socks4.request { to = o.name })
    local reply, why = c:receive(socks4.reply {}, 10)
    t:check(reply or why ~= "silence", id, "nothing comes in ten seconds",
            { absence = true })
    if reply and reply.code == 90 then
      t:accepted(o, id)
    end
  end,
}

-- Not cut: each try may keep one of the proxy's few resolvers for long.
scenario "socks4a.name.unresolvable" {
  title    = "a name without an address is refused",
  checks   = { "socks4a.name.fail" },
  needs    = { "socks4a", "name" },
  negative = true,
  segment  = false,
  within   = 60,
  talk     = {
    C { socks4.request { to = origin.nowhere } },
    S.refuses { within = 40 },
  },
}

-- Any of the codes of a refusal, in a whole reply, if there is one.
scenario "socks4a.name.unresolvable-reply" {
  title    = "the refusal of a name is eight octets with a code for it",
  checks   = { "socks4.reply.layout", "socks4.reply.vn-zero",
               "socks4.reply.code-range", "socks4.close.after-refusal" },
  needs    = { "socks4a", "name" },
  negative = true,
  within   = 60,
  run      = function (t)
    local c = t:connect()
    c:send(socks4.request { to = t:nowhere() })
    local got = c:read_some(40)
    if not got then
      t:skip("there is none")
    end
    local rest = c:read_end(10)
    t:check(rest, "socks4.close.after-refusal", "it is open 10 s later",
            { absence = true })
    got = got .. (rest or "")
    t:check(#got == 8, "socks4.reply.layout",
            string.format("it has %d octets", #got))
    t:check(got:byte(1) == 0, "socks4.reply.vn-zero",
            string.format("VN is %02X", got:byte(1)))
    local code = got:byte(2)
    t:check(not code or code >= 90 and code <= 93, "socks4.reply.code-range",
            "the code is " .. tostring(code))
  end,
}

scenario "socks4a.name.empty" {
  title    = "an empty name is refused",
  checks   = { "socks4a.name.empty" },
  needs    = { "socks4a", "name" },
  negative = true,
  talk     = {
    C { socks4.request { addr = "0.0.0.1", port = 80, name = "" } },
    S.refuses { within = 5 },
  },
}

-- Where an empty name would lead: to the proxy's own host.
scenario "socks4a.name.empty-contact" {
  title    = "an empty name leads nowhere",
  checks   = { "socks4a.name.empty" },
  needs    = { "socks4a", "name" },
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(socks4.request { addr = "0.0.0.1", port = o.port, name = "" })
    local reply = c:receive(socks4.reply {}, 1)
    t:check(not reply or reply.code ~= 90, "socks4a.name.empty",
            "it is granted")
    t:check(o:contacts() == 0, "socks4a.name.empty",
            "the proxy's own host was connected to")
  end,
}

-- A name that leads to the origin as far as it is read with too short a
-- buffer does not exist; so what shows is a grant, or that nothing comes.
for _, n in ipairs { 256, 1024, 65536 } do
  scenario("socks4a.name.of-" .. n) {
    title    = string.format("a name of %d octets is refused", n),
    checks   = { "socks4a.name.long" },
    needs    = { "socks4a", "name" },
    negative = true,
    within   = 45,
    run      = function (t)
      local id = "socks4a.name.long"
      local o, c = t:origin(), t:connect()
      c:send(socks4.request { addr = "0.0.0.1", port = o.port,
                              name = ("a"):rep(n) })
      local reply, why = c:receive(socks4.reply {}, 30)
      t:check(reply or why ~= "silence", id,
              "it is neither answered nor closed on in 30 s",
              { absence = true })
      -- That it is granted before it is resolved is judged of shorter names.
      t:check(not reply or reply.code ~= 90, id, "it is granted",
              { contested = true })
      t:check(o:contacts() == 0, id, "the destination was connected to")
    end,
  }
end

scenario "socks4a.name.unterminated" {
  title    = "a name without its end is no request",
  checks   = { "socks4a.name.long", "socks4a.name.position" },
  needs    = { "socks4a", "name" },
  negative = true,
  run      = function (t)
    local o = t:origin()
    for _, rest in ipairs { "", ("a"):rep(300), ("\255"):rep(256) } do
      local id = rest == "" and "socks4a.name.position" or "socks4a.name.long"
      local c = t:connect()
      c:send(socks4.request { addr = "0.0.0.1", port = o.port, terminated = false,
                              name = o.name.host .. rest, malformed = true })
      local reply = c:receive(socks4.reply {}, 0.4)
      t:check(not reply or reply.code ~= 90, id, "it is granted")
      t:check(o:contacts() == 0, id, "the destination was connected to")
    end
  end,
}

scenario "socks4a.request.late-name" {
  title  = "the name may come later than what is before it",
  checks = { "socks4a.request.fragmented" },
  needs  = { "socks4a", "name" },
  run    = function (t)
    local id = "socks4a.request.fragmented"
    local o, c, text = t:origin(), t:connect(), t:nonce()
    c:send(socks4.request { addr = "0.0.0.1", port = o.port })
    t:check(c:silent(0.3), id, "it is answered before it is whole")
    c:send(o.name.host)
    t:check(c:silent(0.1), id, "it is answered before the name is whole")
    c:send("\0")
    t:expect(c, socks4.reply { code = 90 }, id, 5)
    local up = t:accepted(o, id)
    c:send(text)
    t:check(up:read(#text) == text, id, "the destination got other octets")
  end,
}

-- A name may have addresses in both families: the peer comes by either.
scenario "socks4a.name.bind" {
  title  = "BIND takes a name for its peer's address",
  checks = { "socks4a.name.bind" },
  needs  = { "socks4a", "bind4", "name" },
  run    = function (t)
    local id = "socks4a.name.bind"
    local o, c = t:origin(), t:connect()
    c:send(socks4.request { to = o.name, command = 2 })
    local reply, why = c:receive(socks4.reply {}, 5)
    t:check(reply or why ~= "silence", id, "it is not answered",
            { absence = true })
    if not reply or reply.code ~= 90 then
      t:skip("it is refused")
    end
    local bound = t:bound(c, reply)
    local up = t:visit(bound.host, bound.port, {})
    local second = c:receive(socks4.reply {}, 5)
    if not up and not second then
      t:skip("what was bound does not accept")
    end
    t:check(second, id, "the peer that came is not told", { absence = true })
    t:check(not second or second.code == 90, id,
            "the peer that the name stands for is refused",
            { contested = true })
  end,
}
