-- SOCKS4: what a request may hold, and what it may not.

-- The request of a version that is none: nothing but a grant is wrong.
for _, version in ipairs { 0, 3, 6 } do
  scenario("socks4.request.version-" .. version) {
    title    = string.format("a request of version %d is not granted", version),
    checks   = { "socks4.request.version" },
    needs    = { "socks4", "ipv4" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(socks4.request { to = o, version = version, malformed = true })
      local reply = c:receive(socks4.reply {}, 0.5)
      t:check(not reply or reply.code ~= 90, "socks4.request.version",
              "it was granted")
      t:check(o:contacts() == 0, "socks4.request.version",
              "the destination was connected to")
    end,
  }
end

for _, command in ipairs { 0, 3, 129, 255 } do
  scenario("socks4.request.command-" .. command) {
    title    = string.format("command %d, which is none, is refused", command),
    checks   = { "socks4.request.command" },
    needs    = { "socks4", "ipv4" },
    negative = true,
    talk     = {
      C { socks4.request { to = origin, command = command } },
      S.refuses { within = 5 },
      O.never {},
    },
  }
end

-- Asks with this user id; ends the scenario when it is refused, since a proxy
-- may choose whom it serves.
local function ask_as(t, user)
  local o, c = t:origin(), t:connect()
  c:send(socks4.request { to = o, user = user })
  local reply, why = c:receive(socks4.reply {}, 5)
  if reply and reply.code ~= 90 then
    t:skip("this user id is refused")
  end
  return o, c, reply, why
end

-- What the client says next has to arrive, and nothing before it.
local function check_unshifted(t, o, c, id)
  local up, text = t:accepted(o, id), t:nonce()
  c:send(text)
  local got = up:read_some(2)
  if got and #got < #text then
    got = got .. (up:read(#text - #got) or "")
  end
  t:check(got == text, id, "the destination got " .. t:show(got or ""),
          { absence = not got })
end

for _, n in ipairs { 0, 1, 8, 255 } do
  scenario("socks4.request.userid-of-" .. n) {
    title  = string.format("a user id of %d octets ends with its zero octet", n),
    checks = { "socks4.request.userid-nul", "socks4.reply.layout" },
    needs  = { "socks4", "ipv4" },
    run    = function (t)
      local o, c, reply, why = ask_as(t, ("u"):rep(n))
      t:check(reply, "socks4.request.userid-nul",
              "it gets no reply: " .. tostring(why), { absence = true })
      if reply then
        t:check(c:silent(0.2), "socks4.reply.layout",
                "more than eight octets came before anybody spoke")
        check_unshifted(t, o, c, "socks4.request.userid-nul")
      end
    end,
  }
end

-- No text says what a user id is made of, but for the octet that ends it.
for name, user in pairs { ["high-octets"] = "\255\128\192\1",
                          ["punctuation"] = "a b:c@d/e%00" } do
  scenario("socks4.request.userid-with-" .. name) {
    title  = "a user id ends with its zero octet, whatever it is made of: "
             .. name,
    checks = { "socks4.request.userid-nul", "socks4.reply.layout" },
    needs  = { "socks4", "ipv4" },
    run    = function (t)
      local o, c, reply, why = ask_as(t, user)
      t:check(reply or why ~= "silence", "socks4.request.userid-nul",
              "it gets no reply", { absence = true })
      if reply then
        t:check(c:silent(0.2), "socks4.reply.layout",
                "more than eight octets came before anybody spoke")
        check_unshifted(t, o, c, "socks4.request.userid-nul")
      end
    end,
  }
end

-- What a proxy takes is its own affair; what it cuts off must not go on as
-- data, and it must come to an end with it.
for _, n in ipairs { 512, 4096, 65536 } do
  scenario("socks4.request.userid-of-" .. n) {
    title    = string.format("a user id of %d octets is taken whole or refused",
                             n),
    checks   = { "socks4.request.userid-long" },
    needs    = { "socks4", "ipv4" },
    negative = true,
    within   = 25,
    run      = function (t)
      local id = "socks4.request.userid-long"
      local o, c, reply, why = ask_as(t, ("u"):rep(n))
      if reply then
        check_unshifted(t, o, c, id)
      else
        t:check(why ~= "silence" or c:ended(10), id,
                "it is neither answered nor closed on", { absence = true })
        t:check(o:contacts() == 0, id,
                "the destination was connected to, and nobody told")
      end
    end,
  }
end

scenario "socks4.request.userid-unterminated" {
  title    = "a user id without its end is no request",
  checks   = { "socks4.request.userid-long", "socks4.request.userid-nul" },
  needs    = { "socks4", "ipv4" },
  negative = true,
  run      = function (t)
    local o = t:origin()
    for _, n in ipairs { 0, 8, 512, 4096, 65536 } do
      local id = n > 255 and "socks4.request.userid-long"
                 or "socks4.request.userid-nul"
      local c = t:connect()
      c:send(socks4.request { to = o, user = ("u"):rep(n), terminated = false,
                              malformed = true })
      local reply = c:receive(socks4.reply {}, 0.3)
      t:check(not reply or reply.code ~= 90, id,
              string.format("granted behind %d octets of it", n))
      t:check(o:contacts() == 0, id, string.format(
              "the destination was connected to behind %d octets of it", n))
    end
  end,
}

-- The whole request first: a refusal of the pieces then is about the pieces.
scenario "socks4.request.userid-in-pieces" {
  title  = "a user id may come in pieces",
  checks = { "socks4.request.fragmented" },
  needs  = { "socks4", "ipv4" },
  run    = function (t)
    local id = "socks4.request.fragmented"
    local _, whole, granted = ask_as(t, "proxyspec")
    whole:close()
    if not granted then
      t:skip("a user id gets no reply")
    end
    local o, c = t:origin(), t:connect()
    c:send(socks4.request { to = o, user = "proxy", terminated = false,
                            malformed = true })
    t:check(c:silent(0.3), id, "it is answered before it is whole")
    c:send("spec")
    c:silent(0.05)
    c:send("\0")
    t:expect(c, socks4.reply { code = 90 }, id, 5)
    check_unshifted(t, o, c, id)
  end,
}
