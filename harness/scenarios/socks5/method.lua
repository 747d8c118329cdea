-- Which method the client and the proxy agree on, RFC 1928 section 3.

-- What a target of each configuration agrees to.
local CONFIGS = {
  { name = "noauth", method = 0x00, needs = { "socks5", "noauth" } },
  { name = "auth", method = 0x02, needs = { "socks5", "userpass" } },
}

-- n - 1 methods for private use, which no server knows, and then this one.
local function last_of(n, method)
  local list = {}
  for i = 1, n - 1 do
    list[i] = 0x80 + (i - 1) % 0x7F
  end
  list[n] = method
  return list
end

local selection = socks5.method_selection {}

for _, config in ipairs(CONFIGS) do
  for _, n in ipairs { 1, 2, 255 } do
    scenario("socks5.greeting.methods-" .. n .. "." .. config.name) {
      title  = string.format("the usable method stands last of %d", n),
      checks = { "socks5.greeting.nmethods" },
      needs  = config.needs,
      config = config.name,
      talk   = {
        C { socks5.greeting { methods = last_of(n, config.method) } },
        S { socks5.method_selection { method = config.method } },
      },
    }
  end

  -- An answer before the last method came cannot know the whole list.
  for _, case in ipairs {
    { "usable-method-came", config.method, 0x80 },
    { "usable-method-is-due", 0x80, config.method },
  } do
    local name, first, second = table.unpack(case)
    scenario("socks5.greeting.incomplete." .. name .. "." .. config.name) {
      title   = "a greeting that lacks its last method is not answered yet",
      checks  = { "socks5.greeting.nmethods", "socks5.greeting.fragmented" },
      needs   = config.needs,
      config  = config.name,
      segment = false,
      talk    = {
        C { bytes { 5, 2, first } },
        S.silent { within = 0.3, breaks = "socks5.greeting.nmethods" },
        C { bytes { second } },
        S { socks5.method_selection { method = config.method },
            breaks = "socks5.greeting.fragmented" },
      },
    }
  end

  scenario("socks5.greeting.unknown-methods." .. config.name) {
    title  = "methods that nobody knows are skipped",
    checks = { "socks5.greeting.unknown-methods" },
    needs  = config.needs,
    config = config.name,
    talk   = {
      C { socks5.greeting { methods = { 3, 0x7F, 0x80, 0xFE, config.method } } },
      S { socks5.method_selection { method = config.method } },
    },
  }

  -- Method 01, which clients that know GSSAPI offer first, may be taken up.
  scenario("socks5.greeting.gssapi-first." .. config.name) {
    title  = "GSSAPI before a usable method is selected or skipped",
    checks = { "socks5.greeting.unknown-methods" },
    needs  = config.needs,
    config = config.name,
    talk   = {
      C { socks5.greeting { methods = { 1, config.method } } },
      S { socks5.method_selection { method = one_of { 1, config.method } } },
    },
  }

  -- FF among the methods is nothing to agree to; FF as the answer is right.
  scenario("socks5.method.ff-among-usable." .. config.name) {
    title    = "method FF beside a usable one is never agreed to",
    checks   = { "socks5.method.ff-offered" },
    needs    = config.needs,
    config   = config.name,
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(socks5.greeting { methods = { 0xFF, config.method } })
      local got = c:receive(selection)
      if got and got.method == 0xFF then
        c:send(socks5.request { to = o })
        t:check(not o:accept(0.3), "socks5.method.ff-offered",
                "a request behind method FF reached the origin")
      end
    end,
  }
end

scenario "socks5.greeting.no-methods" {
  title    = "a greeting without methods selects none",
  checks   = { "socks5.greeting.nmethods-zero" },
  needs    = { "socks5" },
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send(socks5.greeting { methods = {}, malformed = true })
    local got = c:receive(selection, 0.4)
    t:check(not got or got.version ~= 5 or got.method == 0xFF,
            "socks5.greeting.nmethods-zero",
            "a method was selected, though none was offered")
  end,
}

-- 4 is SOCKS4, which a server may speak as well; 16 begins a TLS record, and 43
-- is the C of a CONNECT of HTTP.
for _, version in ipairs { 0x00, 0x06, 0x16, 0x43, 0xFF } do
  scenario(string.format("socks5.greeting.version-%02x", version)) {
    title    = string.format("a greeting of version %02X starts nothing", version),
    checks   = { "socks5.greeting.bad-version" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(socks5.greeting { methods = { 0, 2 }, version = version,
                               malformed = true })
      local got = c:receive(selection, 0.4)
      t:check(not got or got.version ~= 5 or got.method == 0xFF,
              "socks5.greeting.bad-version", "a method was selected")
      c:send(socks5.request { to = o })
      t:check(not o:accept(0.2), "socks5.greeting.bad-version",
              "a request behind it reached the origin")
    end,
  }
end

local function is_refusal(got)
  return got == nil or got.method == 0xFF
end

-- Only what the list without repetitions would get is asked for.
scenario "socks5.greeting.duplicates" {
  title  = "repeated methods change nothing",
  checks = { "socks5.greeting.duplicates" },
  needs  = { "socks5" },
  run    = function (t)
    local once, twice = t:connect(), t:connect()
    once:send(socks5.greeting { methods = { 0, 2 } })
    local plain = once:receive(selection)
    twice:send(socks5.greeting { methods = { 0, 0, 2, 2 } })
    local repeated, why = twice:receive(selection)
    t:check(is_refusal(plain) or not is_refusal(repeated),
            "socks5.greeting.duplicates",
            "00 02 is agreed to, 00 00 02 02 is refused" ..
              (why and ": " .. why or ""))
  end,
}

local LATER = "RFC 1928 describes turn-taking; clients in a hurry exist"

scenario "socks5.greeting.pipelined.noauth" {
  title   = "greeting, request and payload come in one write",
  checks  = { "socks5.greeting.pipelined" },
  needs   = { "socks5", "noauth" },
  config  = "noauth",
  segment = false,
  talk    = {
    C { socks5.greeting { methods = { 0 } }, socks5.request { to = origin },
        nonce() },
    S { socks5.method_selection { method = 0 }, contested = true, why = LATER },
    S { socks5.reply { rep = 0 }, contested = true, why = LATER },
    O { nonce(), contested = true, why = LATER },
  },
}

scenario "socks5.greeting.pipelined.auth" {
  title   = "greeting, credentials, request and payload come in one write",
  checks  = { "socks5.greeting.pipelined" },
  needs   = { "socks5", "userpass" },
  config  = "auth",
  segment = false,
  talk    = {
    C { socks5.greeting { methods = { 2 } }, userpass.request {},
        socks5.request { to = origin }, nonce() },
    S { socks5.method_selection { method = 2 }, contested = true, why = LATER },
    S { userpass.status { status = 0 }, contested = true, why = LATER },
    S { socks5.reply { rep = 0 }, contested = true, why = LATER },
    O { nonce(), contested = true, why = LATER },
  },
}

for _, method in ipairs { 0x00, 0x01, 0x02, 0x80 } do
  scenario(string.format("socks5.method.only-%02x", method)) {
    title    = string.format("method %02X alone: it is selected, or FF", method),
    checks   = { "socks5.method.offered-only", "socks5.method.reply" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local c = t:connect()
      c:send(socks5.greeting { methods = { method } })
      local got = c:receive(selection)
      if not got then
        return -- socks5.method.ff speaks of a close without an answer
      end
      t:check(got.version == 5, "socks5.method.reply",
              string.format("the answer begins with %02X", got.version))
      t:check(got.method == method or got.method == 0xFF,
              "socks5.method.offered-only",
              string.format("method %02X was selected", got.method))
      t:check(not c:read_some(0.3), "socks5.method.reply",
              "more than two octets came")
    end,
  }
end

-- 7F is the last that IANA assigns, FE the last for private use.
for _, method in ipairs { 0x7F, 0xFE } do
  scenario(string.format("socks5.method.none-acceptable-%02x", method)) {
    title    = "no acceptable method is answered with FF",
    checks   = { "socks5.method.ff", "socks5.method.ff-close" },
    needs    = { "socks5" },
    negative = true,
    run      = function (t)
      local c = t:connect()
      c:send(socks5.greeting { methods = { method } })
      local got, why = c:receive(selection)
      if not got then
        t:violation("socks5.method.ff", "no method selection came: " .. why,
                    { contested = true, absence = why ~= "malformed" })
        return
      end
      t:check(got.method == 0xFF, "socks5.method.ff",
              string.format("method %02X was selected", got.method))
      -- The duty to close is the client's; a bounded wait for it is fine.
      t:check(c:ended(5), "socks5.method.ff-close",
              "still open after 5 s, though the client is told to go",
              { contested = true, absence = true })
    end,
  }
end

-- Sends a greeting that nobody can accept, then what would be served behind
-- an accepted one.
local function request_after_ff(is_joined)
  return function (t)
    local o, c = t:origin(), t:connect()
    local greeting = socks5.greeting { methods = { 0x80 } }
    local request = socks5.request { to = o }
    if is_joined then
      c:send(greeting, request)
    else
      c:send(greeting)
    end
    local got = c:receive(selection)
    if got and got.method ~= 0xFF then
      return -- socks5.method.offered-only speaks of it
    end
    if not is_joined then
      c:send(request)
    end
    local reply = c:receive(socks5.reply {}, 0.3)
    t:check(not (reply and reply.rep == 0), "socks5.method.ff-close",
            "the request was granted")
    t:check(not o:accept(0.2), "socks5.method.ff-close",
            "the request reached the origin")
  end
end

scenario "socks5.method.request-after-ff" {
  title    = "a request after method FF is not served",
  checks   = { "socks5.method.ff-close" },
  needs    = { "socks5" },
  negative = true,
  run      = request_after_ff(false),
}

scenario "socks5.method.request-joined-to-refused-greeting" {
  title    = "a request that came with a refused greeting is not served",
  checks   = { "socks5.method.ff-close" },
  needs    = { "socks5" },
  negative = true,
  run      = request_after_ff(true),
}

scenario "socks5.method.ff-alone" {
  title    = "method FF alone is not agreed to",
  checks   = { "socks5.method.ff-offered" },
  needs    = { "socks5" },
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(socks5.greeting { methods = { 0xFF } })
    c:receive(selection)
    c:send(socks5.request { to = o })
    t:check(not o:accept(0.3), "socks5.method.ff-offered",
            "a request behind method FF reached the origin")
  end,
}

for _, case in ipairs { { "00", 0 }, { "00-02", 0, 2 }, { "02-00", 2, 0 } } do
  local name, methods = case[1], { table.unpack(case, 2) }
  scenario("socks5.method.downgrade-" .. name) {
    title    = "where a password is asked for, method 00 is not selected",
    checks   = { "socks5.method.no-downgrade" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    run      = function (t)
      local c = t:connect()
      c:send(socks5.greeting { methods = methods })
      local got = c:receive(selection)
      t:check(not got or got.method ~= 0, "socks5.method.no-downgrade",
              "method 00 was selected")
    end,
  }
end

local function all_but_ff()
  local out = {}
  for method = 0, 254 do
    out[#out + 1] = method
  end
  return out
end

scenario "socks5.method.downgrade-among-others" {
  title    = "where a password is asked for, 00 is not selected among others",
  checks   = { "socks5.method.no-downgrade" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  run      = function (t)
    for _, methods in ipairs { { 0, 1 }, { 1, 0 }, { 0, 1, 2 }, { 2, 1, 0 },
                               { 0x80, 0 }, { 0, 0 }, { 3, 0, 2, 0xFE },
                               all_but_ff() } do
      local c = t:connect()
      c:send(socks5.greeting { methods = methods })
      local got = c:receive(selection)
      t:check(not got or got.method ~= 0, "socks5.method.no-downgrade",
              string.format("method 00 was selected of %d", #methods))
    end
  end,
}

-- SOCKS4 has no passwords: who asks for one and serves it asks nobody who knows.
for _, command in ipairs { 1, 2 } do
  local name = command == 1 and "connect" or "bind"
  scenario("socks5.method.downgrade-version-4-" .. name) {
    title    = "where a password is asked for, SOCKS4 is not served: " .. name,
    checks   = { "socks5.method.no-downgrade" },
    needs    = { "socks5", "userpass", "ipv4" },
    config   = "auth",
    negative = true,
    run      = function (t)
      local o = t:origin()
      local a, b, c, d = o.host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
      local ip = string.pack("BBBB", a, b, c, d)
      for _, rest in ipairs { ip .. "\0", ip .. t.target.user .. "\0",
                              "\0\0\0\1\0" .. o.name.host .. "\0" } do
        local client = t:connect()
        client:send(string.pack(">BBI2", 4, command, o.port) .. rest)
        local got = client:read(2)
        -- The memo lets a server decide by the user id.
        local options = { contested = rest:find(t.target.user, 1, true) ~= nil }
        t:check(got ~= "\0\90", "socks5.method.no-downgrade",
                "a request of SOCKS4 was granted without a password", options)
        t:check(not o:accept(0.1), "socks5.method.no-downgrade",
                "a request of SOCKS4 reached the origin without a password",
                options)
      end
    end,
  }
end

scenario "socks5.method.userpass" {
  title  = "method 02 is agreed to where credentials are configured",
  checks = { "socks5.method.userpass-support" },
  needs  = { "socks5" },
  config = "auth",
  control = false,
  run    = function (t)
    local c = t:connect()
    c:send(socks5.greeting { methods = { 2 } })
    local got, why = c:receive(selection)
    t:check(got and got.method == 2, "socks5.method.userpass-support",
            got and string.format("method %02X was selected", got.method)
            or "no method selection came: " .. why, { absence = got == nil })
  end,
}

-- What a client that skips or botches the sub-negotiation sends before its
-- request. The octets of a request may be taken for credentials; then the
-- proxy may well wait for more of them, so silence is fine.
for _, case in ipairs {
  { "skipped", "" }, { "cut-off", "\1\5ab" }, { "version-only", "\1" },
} do
  local name, prelude = case[1], case[2]
  scenario("socks5.method.credentials-" .. name) {
    title    = "no request is served before the credentials are whole",
    checks   = { "socks5.method.subneg-first" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(socks5.greeting { methods = { 2 } })
      t:expect(c, socks5.method_selection { method = 2 },
               "socks5.method.subneg-first")
      c:send(prelude, socks5.request { to = o })
      t:check(not o:accept(0.4), "socks5.method.subneg-first",
              "the request reached the origin")
      local answer = c:read_some(0.1)
      t:check(answer ~= "\1\0" and (answer or ""):sub(1, 3) ~= "\5\0\0",
              "socks5.method.subneg-first", "the proxy answered with success")
    end,
  }
end

scenario "socks5.method.noauth-then-request" {
  title  = "behind method 00 the request follows at once",
  checks = { "socks5.method.noauth-direct" },
  needs  = { "socks5", "noauth" },
  config = "noauth",
  talk   = {
    C { socks5.greeting { methods = { 0 } } },
    S { socks5.method_selection { method = 0 } },
    S.silent { within = 0.3 },
    C { socks5.request { to = origin } },
    S { socks5.reply { rep = 0 } },
  },
}

scenario "socks5.greeting.others-wait" {
  title  = "clients that stop in their greetings do not keep others waiting",
  checks = { "socks5.greeting.idle" },
  needs  = { "socks5" },
  run    = function (t)
    for _ = 1, 20 do
      t:connect():send("\5")
    end
    local c = t:connect()
    c:send(socks5.greeting { methods = { 0, 2 } })
    local got, why = c:receive(selection, 5)
    t:check(got, "socks5.greeting.idle", "no answer came: " .. tostring(why),
            { absence = true })
  end,
}
