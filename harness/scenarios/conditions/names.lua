-- Names that only the proxy's resolver knows, and what it says of them: with
-- one address, with two of which one is dead, late, never, and of any length.

local ID = { socks5 = "socks5.address.resolve",
             socks4a = "socks4a.name.resolve",
             ["http-connect"] = "http.connect.tunnel" }
local FAILS = { socks5 = "socks5.reply.dns-failure",
                socks4a = "socks4a.name.fail",
                ["http-connect"] = "http.error.dns" }

-- Asks for a destination: the connection, whether it was granted (nil: no
-- answer came) and what came instead.
local function ask(t, to, within)
  local c = t:connect()
  t:open(c)
  local request, answer = socks5.request, socks5.reply {}
  if t.target.protocol == "http" then
    request, answer = http.connect, http.response {}
  elseif t.target.version == 4 then
    request, answer = socks4.request, socks4.reply {}
  end
  c:send(request { to = to, malformed = to.malformed })
  local got, why = c:receive(answer, within)
  if not got then
    return c, nil, why
  end
  local code = got.rep or got.code or got.status
  return c, code == 0 or code == 90 or code // 100 == 2, "answered with " .. code
end

-- The name leads to the origin, and octets pass both ways.
local function reaches(t, id, name, o, options)
  local c, is_granted, how = ask(t, name, 10)
  if not is_granted then
    if how ~= "silence" or not options.patient then
      t:violation(id, "the name is not connected to: " .. how,
                  { absence = true, contested = options.contested
                    or name:lookups() == 0 and options.may_refuse or false })
    end
    return
  end
  -- Who grants early may be on the way to the next address still.
  local up, text = t:accepted(o, id, options.patient and 8 or 2), t:nonce()
  c:send(text)
  t:check(up:read(#text) == text, id, "the destination got other octets")
  up:send(text)
  t:check(c:read(#text) == text, id, "the client got other octets")
end

local PROTOCOLS = { "socks5", "socks4a", "http-connect" }

-- Not once more for SOCKS4A what keeps a proxy that waits for its resolver from
-- everything else: who tells a name from an address there does so here.
local function for_all(name, fields)
  for _, protocol in ipairs(PROTOCOLS) do
    if protocol ~= "socks4a" or not fields.is_costly then
      local prefix = protocol == "http-connect" and "http.connect" or protocol
      local checks, needs = fields.checks(protocol), { protocol, "name", "network" }
      for _, feature in ipairs(fields.needs or {}) do
        needs[#needs + 1] = feature
      end
      scenario(prefix .. ".resolves." .. name) {
        title    = fields.title, checks = checks, needs = needs,
        negative = fields.negative, within = fields.within or 20,
        run      = function (t) fields.run(t, checks[1], protocol) end,
      }
    end
  end
end

local function resolves(protocol)
  return { ID[protocol] }
end

for_all("ipv4-only", {
  title  = "a name with an IPv4 address alone is connected to",
  checks = resolves,
  run    = function (t, id)
    local o = t:origin { host = "127.9.8.1" }
    local other = t:origin { host = "127.0.0.1", port = o.port }
    reaches(t, id, t:name { a = { o.host }, port = o.port }, o, {})
    t:check(not other or other:contacts() == 0, id,
            "another address than that of the name was connected to")
  end,
})

-- SOCKS4 has no other addresses than those of IPv4, and who speaks it need not
-- know of any.
for_all("ipv6-only", {
  title  = "a name with an IPv6 address alone is connected to",
  checks = resolves,
  needs  = { "ipv6" },
  run    = function (t, id, protocol)
    local o = t:origin()
    local has_ipv6 = protocol ~= "socks4a"
                     and select(2, ask(t, t:origin().ipv6, 5))
    reaches(t, id, t:name { aaaa = { o.ipv6.host }, port = o.port }, o,
            { contested = not has_ipv6 }) -- nobody is bound to have it
  end,
})

for_all("both", {
  title  = "a name with addresses of both families is connected to",
  checks = resolves,
  run    = function (t, id)
    local o = t:origin()
    reaches(t, id, t:name { a = { o.host }, aaaa = { o.ipv6.host },
                            port = o.port }, o, {})
  end,
})

-- A resolver far away takes its time.
for_all("late", {
  title  = "a name whose address comes late is waited for",
  checks = resolves,
  run    = function (t, id)
    local o = t:origin()
    reaches(t, id, t:name { a = { o.host }, after = 0.4, port = o.port }, o,
            { patient = true })
  end,
})

-- One attempt is all that any text asks for; the next address is a kindness.
local function fallback(protocol)
  return { protocol == "socks5" and "socks5.address.resolve-fallback"
           or ID[protocol] }
end

for _, how in ipairs { "refusing", "net-unreachable", "black-hole" } do
  for _, dead in ipairs { 4, 6 } do
    for_all(string.format("dead-ipv%d-%s", dead, how), {
      title  = string.format("of two addresses, that of IPv%d is %s", dead,
                             how:gsub("-", " ")),
      checks = fallback,
      within = 25,
      run    = function (t, id, protocol)
        local o, place = t:origin(), t:place(how, { family = dead })
        local wishes = dead == 4 and { a = { place.host },
                                       aaaa = { o.ipv6.host } }
                       or { a = { o.host }, aaaa = { place.host } }
        wishes.port = o.port
        reaches(t, id, t:name(wishes), o,
                { patient = true, contested = protocol ~= "socks5" })
      end,
    })
  end
end

-- Failures -------------------------------------------------------------------

local SENT = { socks5 = "socks5.reply.sent", socks4a = "socks4.reply.sent",
               ["http-connect"] = "http.connect.failure-status" }

local function failing(protocol)
  return { FAILS[protocol], SENT[protocol] }
end

local FAILURES = {
  { "nxdomain", "a name that does not exist", { status = "nxdomain" } },
  { "servfail", "a name that the resolver fails for", { status = "servfail" } },
  { "nothing", "a name that has no address", {} },
  { "silent", "a name that no resolver answers for", { silent = true }, true },
}

for _, failure in ipairs(FAILURES) do
  local name, title, wishes, is_patient = table.unpack(failure, 1, 4)
  for_all(name, {
    title    = title .. " is a failure",
    checks   = failing,
    negative = true,
    is_costly = is_patient,
    within   = 30,
    run      = function (t, id, protocol)
      local _, is_granted, how = ask(t, t:name(wishes), is_patient and 8 or 15)
      -- RFC 1928 does not tell a proxy to connect before it answers.
      t:check(not is_granted, id, how .. " for a name without an address",
              { contested = protocol == "socks5" })
      if is_granted == nil and not (how == "silence" and is_patient) then
        t:violation(SENT[protocol], "no answer came: " .. how,
                    { absence = how ~= "malformed",
                      -- Of names the memo says less than of addresses.
                      contested = protocol == "socks4a" })
      end
    end,
  })
end

-- Length ---------------------------------------------------------------------

-- What DNS can carry is 253 octets of text; a proxy may refuse to ask for it.
for _, n in ipairs { 63, 64, 127, 128, 253 } do
  for_all("name-of-" .. n, {
    title  = string.format("a name of %d octets is resolved whole", n),
    checks = function (protocol)
      return { protocol == "socks5" and "socks5.address.domain-max"
               or ID[protocol] }
    end,
    run    = function (t, id)
      local o = t:origin()
      reaches(t, id, t:name { a = { o.host }, length = n, port = o.port }, o,
              { may_refuse = true })
    end,
  })
end

-- Names as the field has them -----------------------------------------------

-- The last dot says that nothing is to be added, and is no part of what DNS
-- carries (RFC 1034 section 3.1). No text tells a proxy to take it.
for_all("absolute", {
  title  = "a name with a dot at its end is the one without",
  checks = resolves,
  run    = function (t, id)
    local o = t:origin()
    local name = t:name { a = { o.host }, port = o.port }
    name.host = name.host .. "."
    reaches(t, id, name, o, { contested = true })
  end,
})

-- No name of a host in the sense of RFC 1123, yet one that DNS knows (RFC 2181
-- section 11): to refuse it is a reading as well.
for_all("underscore", {
  title  = "a name with an underscore is looked up",
  checks = resolves,
  run    = function (t, id)
    local o = t:origin()
    reaches(t, id, t:name { a = { o.host }, label = "a_b", port = o.port }, o,
            { contested = true })
  end,
})

-- DNS tells no case from another (RFC 4343); RFC 1123 section 2.1 has labels
-- begin with a digit; a hyphen was always allowed within.
for _, case in ipairs { { "capital", "Upper" }, { "digit", "4th" },
                        { "hyphen", "a-b--c" }, { "one-letter", "x" } } do
  for_all("label-" .. case[1], {
    title  = "a name is looked up whose first label is " .. case[2],
    checks = resolves,
    run    = function (t, id)
      local o = t:origin()
      local name = t:name { a = { o.host }, label = case[2], port = o.port }
      name.host = case[2] .. name.host:sub(#case[2] + 1)
      reaches(t, id, name, o, {})
    end,
  })
end

-- Payload in one write with the request, while the name is being looked up, is
-- kept or lost; and so is what comes soon behind it.
for_all("early-payload", {
  title  = "what comes while a name is looked up arrives whole or not at all",
  checks = function (protocol)
    return { ({ socks5 = "socks5.connect.relay",
                socks4a = "socks4.relay.both-ways" })[protocol]
             or "http.connect.blind" }
  end,
  run    = function (t, id, protocol)
    local o, c = t:origin(), t:connect()
    local name = t:name { a = { o.host }, after = 0.4, port = o.port }
    t:open(c)
    local request = protocol == "socks5" and socks5.request
                    or protocol == "socks4a" and socks4.request or http.connect
    local answer = protocol == "socks5" and socks5.reply {}
                   or protocol == "socks4a" and socks4.reply {}
                   or http.response {}
    local first, second, third = t:nonce(40), t:nonce(2000), t:nonce(40)
    c:send(request { to = name }, first)
    t:never(function () return false end, 0.2)
    c:send(second)
    local got = c:receive(answer, 8)
    local code = got and (got.rep or got.code or got.status)
    if not code or code ~= 0 and code ~= 90 and code // 100 ~= 2 then
      t:skip("it is not granted")
    end
    local up = t:accepted(o, id, 8)
    c:send(third)
    c:shut()
    local all = up:read_end(3)
    if all then
      local rest = all
      for _, part in ipairs { first, second, third } do
        if rest:sub(1, #part) == part then
          rest = rest:sub(#part + 1)
        end
      end
      t:check(rest == "", id, string.format(
              "the destination got %d octets of %d, or others", #all,
              #first + #second + #third))
    end
  end,
})

-- The part before a zero octet is another name: nobody asked for it.
scenario "socks5.resolves.part-before-nul" {
  title    = "the part of a name before a zero octet is not looked up",
  checks   = { "socks5.address.domain-nul" },
  needs    = { "socks5", "name", "network" },
  negative = true,
  run      = function (t)
    local o = t:origin()
    local name = t:name { a = { o.host }, port = o.port }
    local _, is_granted = ask(t, { atyp = 3, host = name.host .. "\0.invalid",
                                   port = o.port, malformed = true }, 5)
    t:check(name:lookups() == 0, "socks5.address.domain-nul",
            "the part before it was looked up")
    t:check(not is_granted, "socks5.address.domain-nul", "it was granted")
  end,
}

-- Tor's RESOLVE --------------------------------------------------------------

for _, case in ipairs { { "of-our-own", "a", "192.0.2.77", 1 },
                        { "of-our-own-ipv6", "aaaa", "2001:db8::4d", 4 } } do
  local name, kind, address, atyp = table.unpack(case)
  scenario("tor.resolve." .. name) {
    title  = "RESOLVE answers with the address that the resolver knows",
    checks = { "tor.resolve.forward" },
    needs  = { "socks5", "tor", "name", "network" },
    run    = function (t)
      for turn = 1, 2 do
        local c = t:connect()
        t:open(c)
        -- The port means nothing.
        c:send(socks5.request { command = 0xF0, atyp = 3, port = turn - 1,
                                addr = t:name { [kind] = { address } }.host })
        t:expect(c, socks5.reply { rep = 0, atyp = atyp, addr = address },
                 "tor.resolve.forward", 10)
      end
    end,
  }
end
