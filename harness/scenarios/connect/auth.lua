-- Proxy authentication of CONNECT, Basic: RFC 9110 section 11.7, RFC 7617.

local NEEDS = { "http-connect", "http-basic" }

local function values_of(answer, name)
  local out = {}
  for _, field in ipairs(answer.fields) do
    if field.name == name then
      out[#out + 1] = field.value
    end
  end
  return out
end

local function connect_with(o, value)
  return http.connect { to = o, credentials = false,
                        fields = value and { { "Proxy-Authorization", value } } }
end

scenario "auth.right" {
  title   = "right credentials on a fresh connection open a tunnel",
  checks  = { "auth.proxy.stateless" },
  needs   = NEEDS,
  config  = "auth",
  control = false,
  talk    = {
    C { http.connect { to = origin } },
    S { http.response { status = "2xx" }, within = 5 },
    O.accepts {},
  },
}

for _, scheme in ipairs { "basic", "BASIC", "bAsIc" } do
  scenario("auth.scheme." .. scheme:lower() ..
           (scheme == "BASIC" and "-upper" or scheme == "bAsIc" and "-mixed"
            or "-lower")) {
    title  = "the scheme may be written " .. scheme,
    checks = { "auth.scheme.case" },
    needs  = NEEDS,
    config = "auth",
    run    = function (t)
      local o, c = t:origin(), t:connect()
      local right = http.basic(t.target.user, t.target.password)
      c:send(connect_with(o, (right:gsub("^Basic", scheme))))
      t:expect(c, http.response { status = "2xx" }, "auth.scheme.case", 5)
    end,
  }
end

scenario "auth.field-value-spaces" {
  title  = "white space around a field's value is no part of it",
  checks = { "http.parse.trim" },
  needs  = NEEDS,
  config = "auth",
  run    = function (t)
    local o, c = t:origin(), t:connect()
    local right = http.basic(t.target.user, t.target.password)
    c:send(http.connect { to = o, credentials = false,
                          fields = { { "Proxy-Authorization",
                                       "\t " .. right .. " \t" } } })
    t:expect(c, http.response { status = "2xx" }, "http.parse.trim", 5)
  end,
}

-- Credentials that are not the right ones ------------------------------------

-- How each value comes from the right user and password; nil where the
-- target's credentials do not allow the case.
local function shorter(text)
  return #text > 1 and text:sub(1, -2) or nil
end

local function pair(make)
  return function (u, p)
    local user, password = make(u, p)
    local is_right = user == u and password == p
    return user and password and not is_right and http.basic(user, password)
           or nil
  end
end

local function swap_case(text)
  return (text:gsub("%a", function (letter)
    return letter:lower() == letter and letter:upper() or letter:lower()
  end))
end

-- Missing, wrong, unknown: 407 is the answer that tells the client what to do.
local WRONG = {
  { "password", pair(function (u, p) return u, "not-" .. p end) },
  { "user", pair(function (u, p) return "not-" .. u, p end) },
  { "both", pair(function (u, p) return "not-" .. u, "not-" .. p end) },
  { "swapped", pair(function (u, p) return p, u end) },
  { "password-case", pair(function (u, p) return u, swap_case(p) end) },
  { "password-prefix", pair(function (u, p) return u, shorter(p) end) },
  { "user-prefix", pair(function (u, p) return shorter(u), p end) },
  { "password-longer", pair(function (u, p) return u, p .. "x" end) },
  { "password-much-longer", pair(function (u, p)
      return u, p .. ("x"):rep(100)
    end) },
  { "password-space", pair(function (u, p) return u, p .. " " end) },
  { "password-line-end", pair(function (u, p) return u, p .. "\r\n" end) },
  { "password-behind-colon", pair(function (u, p) return u, "x:" .. p end) },
  { "password-is-user", pair(function (u) return u, u end) },
  { "password-empty", pair(function (u) return u, "" end) },
  { "user-empty", pair(function (_, p) return "", p end) },
}

local MALFORMED = {
  { "password-nul", pair(function (u, p) return u, p .. "\0x" end) },
  { "password-nul-alone", pair(function (u, p) return u, p .. "\0" end) },
  { "no-colon", function (u) return "Basic " .. http.base64(u) end },
  { "colon-left-out", function (u, p) return "Basic " .. http.base64(u .. p) end },
  { "scheme-alone", function () return "Basic" end },
  { "empty-token", function () return "Basic " end },
  { "empty-value", function () return "" end },
  { "not-base64", function () return "Basic ?!*~:%" end },
  { "token-prefix", function (u, p) return http.basic(u, p):sub(1, -5) end },
  { "token-first-letter", function (u, p) return http.basic(u, p):sub(1, 7) end },
  { "token-longer", function (u, p)
      return (http.basic(u, p):gsub("=*$", "")) .. "eHh4"
    end },
  { "token-plain", function (u, p) return "Basic " .. u .. ":" .. p end },
  { "token-64k", function () return "Basic " .. ("QUFB"):rep(16384) end },
  { "unknown-scheme", function (u, p)
      return (http.basic(u, p):gsub("^Basic", "Unheard"))
    end },
  { "no-scheme", function (u, p) return http.base64(u .. ":" .. p) end },
  { "bearer", function (u, p)
      return (http.basic(u, p):gsub("^Basic", "Bearer"))
    end },
}

local function value_or_skip(t, derive)
  local value = derive(t.target.user, t.target.password)
  if not value then
    t:skip("the target's credentials do not allow this case")
  end
  return value
end

for _, case in ipairs(WRONG) do
  local name, derive = case[1], case[2]
  scenario("auth.wrong." .. name) {
    title    = "wrong credentials get a 407: " .. name:gsub("-", " "),
    checks   = { "auth.proxy.demand", "auth.proxy.no-tunnel",
                 "auth.basic.encoding" },
    needs    = NEEDS,
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(connect_with(o, value_or_skip(t, derive)))
      local answer, why = c:receive(http.response {}, 10)
      t:check(not o:accept(0.1), "auth.proxy.no-tunnel",
              "the destination was connected to")
      if answer and answer.status // 100 == 2 then
        t:violation("auth.basic.encoding", "the credentials were accepted")
        return
      end
      t:check(answer and answer.status == 407, "auth.proxy.demand",
              answer and string.format("answered with %d, not 407",
                                       answer.status)
              or "no answer came: " .. why, { absence = answer == nil })
    end,
  }
end

for _, case in ipairs(MALFORMED) do
  local name, derive = case[1], case[2]
  scenario("auth.malformed." .. name) {
    title    = "broken credentials are refused: " .. name:gsub("-", " "),
    checks   = { "auth.basic.malformed", "auth.proxy.no-tunnel" },
    needs    = NEEDS,
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(connect_with(o, value_or_skip(t, derive)))
      local answer = c:receive(http.response {}, 10)
      t:check(not o:accept(0.1), "auth.proxy.no-tunnel",
              "the destination was connected to")
      local group = answer and answer.status // 100
      t:check(group ~= 2 and group ~= 5, "auth.basic.malformed",
              answer and string.format("answered with %d", answer.status))
    end,
  }
end

-- Two fields, one of them right: which one counts must not be a guess.
scenario "auth.malformed.two-fields" {
  title    = "wrong and right credentials in two fields",
  checks   = { "auth.basic.malformed" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    local right = http.basic(t.target.user, t.target.password)
    c:send(http.connect { to = o, credentials = false, fields = {
      { "Proxy-Authorization", http.basic("nobody", "nothing") },
      { "Proxy-Authorization", right } } })
    local answer = c:receive(http.response {}, 5)
    t:check(not answer or answer.status // 100 ~= 5, "auth.basic.malformed",
            "answered with a 5xx")
  end,
}

scenario "auth.malformed.two-wrong-fields" {
  title    = "wrong credentials in two fields are wrong",
  checks   = { "auth.basic.malformed", "auth.proxy.no-tunnel" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = o, credentials = false, fields = {
      { "Proxy-Authorization", http.basic("nobody", "nothing") },
      { "Proxy-Authorization", http.basic("somebody", "nothing") } } })
    local answer = c:receive(http.response {}, 5)
    local group = answer and answer.status // 100
    t:check(group ~= 2 and group ~= 5, "auth.basic.malformed",
            answer and string.format("answered with %d", answer.status))
    t:check(not o:accept(0.1), "auth.proxy.no-tunnel",
            "the destination was connected to")
  end,
}

-- The 407 --------------------------------------------------------------------

scenario "auth.challenge" {
  title    = "CONNECT without credentials gets a 407 that challenges",
  checks   = { "auth.proxy.demand", "auth.proxy.challenge-field",
               "auth.proxy.no-tunnel" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(connect_with(o, nil))
    local answer, why = c:receive(http.response {}, 10)
    t:check(not o:accept(0.1), "auth.proxy.no-tunnel",
            "the destination was connected to")
    if not answer or answer.status ~= 407 then
      t:violation("auth.proxy.demand",
                  answer and string.format("answered with %d, not 407",
                                           answer.status)
                  or "no answer came: " .. why, { absence = answer == nil })
      return
    end
    t:check(values_of(answer, "proxy-authenticate")[1],
            "auth.proxy.challenge-field", "the 407 has no Proxy-Authenticate")
  end,
}

-- A parameter's value: an empty string, a quoted one, or a token.
local VALUES = { '("")', '(".-[^\\]")', '([^%s,"]+)' }

local function first_parameter(text)
  for _, value in ipairs(VALUES) do
    local name, got, rest =
      text:match("^([%w_-]+)%s*=%s*" .. value .. "%s*,?%s*(.*)$")
    if name then
      return name:lower(), got, rest
    end
  end
end

-- The parameters of a Basic challenge in a field's value, as { name, value }
-- pairs with their quotes; nil when there is no such challenge, or another one
-- stands in the same field.
local function basic_parameters(value)
  local rest = value:match("^[Bb][Aa][Ss][Ii][Cc]%s+(.*)$")
  local out = {}
  while rest and rest ~= "" do
    local name, got, behind = first_parameter(rest)
    if not name then
      return nil
    end
    out[#out + 1] = { name, got }
    rest = behind
  end
  return rest and out
end

scenario "auth.challenge-parameters" {
  title    = "the Basic challenge has a realm, quoted, and each parameter once",
  checks   = { "auth.basic.realm", "auth.realm.quoted", "auth.param.once",
               "auth.basic.charset" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send(http.connect { to = t:origin(), credentials = false })
    local answer = c:receive(http.response {}, 5)
    for _, value in ipairs(answer and values_of(answer, "proxy-authenticate")
                           or {}) do
      if value:lower() == "basic" then
        t:violation("auth.basic.realm", "the challenge has no realm")
      end
      local seen = {}
      for _, one in ipairs(basic_parameters(value) or {}) do
        local name, text = one[1], one[2]
        t:check(not seen[name], "auth.param.once", name .. " is there twice")
        seen[name] = true
        t:check(name ~= "realm" or text:sub(1, 1) == '"', "auth.realm.quoted",
                "realm is " .. text)
        t:check(name ~= "charset" or text:upper():find('^"?UTF%-8"?$'),
                "auth.basic.charset", "charset is " .. text)
      end
      t:check(seen.realm or next(seen) == nil, "auth.basic.realm",
              "the challenge has no realm")
    end
  end,
}

-- Whether the proxy said that this connection goes on.
local function goes_on(answer, c)
  if answer.is_delimited_by_end or answer.version == "1.0" then
    return false
  end
  for _, value in ipairs(values_of(answer, "connection")) do
    if value:lower():find("close", 1, true) then
      return false
    end
  end
  return not c:ended(0.1)
end

-- A tunnel on the connection that a 407 came on, when it stays open.
for _, case in ipairs { { "missing", nil }, { "wrong", "Basic bm9ib2R5Og==" } } do
  scenario("auth.again-after-" .. case[1]) {
    title  = "after a 407 a connection takes right credentials, or closes",
    checks = { "auth.proxy.407-framing" },
    needs  = NEEDS,
    config = "auth",
    within = 20,
    run    = function (t)
      local o, c = t:origin(), t:connect()
      c:send(connect_with(o, case[2]))
      local answer = c:receive(http.response {}, 10)
      if not answer or answer.status ~= 407 or not goes_on(answer, c) then
        return
      end
      c:send(http.connect { to = o })
      t:expect(c, http.response { status = "2xx" }, "auth.proxy.407-framing", 5)
      t:accepted(o, "auth.proxy.407-framing")
    end,
  }
end

scenario "auth.right-after-many-wrong" {
  title  = "failures of others do not spoil right credentials",
  checks = { "auth.basic.encoding" },
  needs  = NEEDS,
  config = "auth",
  within = 60,
  run    = function (t)
    for _ = 1, 5 do
      local c = t:connect()
      c:send(connect_with(t:origin(), http.basic(t.target.user, "wrong")))
      c:receive(http.response {}, 10)
      c:close()
    end
    local c = t:connect()
    c:send(http.connect { to = t:origin() })
    t:expect(c, http.response { status = "2xx" }, "auth.basic.encoding", 5)
  end,
}

-- Each request has to bring its own credentials, as far as a CONNECT can tell:
-- the first one fails, and the connection may go on.
scenario "auth.second-without" {
  title    = "a request without credentials behind one that had them",
  checks   = { "auth.proxy.each-request" },
  needs    = { "http-connect", "http-basic", "ipv4" },
  config   = "auth",
  negative = true,
  within   = 20,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = origin.closed })
    local first = c:receive(http.response {}, 10)
    if not first or first.status // 100 ~= 5 or not goes_on(first, c) then
      return
    end
    c:send(connect_with(o, nil))
    c:receive(http.response {}, 2)
    t:check(not o:accept(0.2), "auth.proxy.each-request",
            "the second request was served")
  end,
}

-- Ways around ----------------------------------------------------------------

-- Requests without credentials, in every form that a proxy could take for one
-- that needs none.
local BYPASSES = {
  { "get-absolute", function (authority)
      return "GET http://" .. authority .. "/ HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end },
  { "get-origin-form", function (authority)
      return "GET / HTTP/1.1\r\nHost: " .. authority .. "\r\n\r\n"
    end },
  { "options", function (authority)
      return "OPTIONS http://" .. authority .. "/ HTTP/1.1\r\nHost: "
             .. authority .. "\r\n\r\n"
    end },
  { "trace", function (authority)
      return "TRACE http://" .. authority .. "/ HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end },
  { "unknown-method", function (authority)
      return "BREW http://" .. authority .. "/ HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end },
  { "connect-http10", function (authority)
      return "CONNECT " .. authority .. " HTTP/1.0\r\n\r\n"
    end },
  { "connect-ipv6", function (_, _, o)
      local authority = string.format("[%s]:%d", o.ipv6.host, o.ipv6.port)
      return "CONNECT " .. authority .. " HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end, "ipv6" },
  { "connect-name", function (_, _, o)
      local authority = string.format("%s:%d", o.name.host, o.name.port)
      return "CONNECT " .. authority .. " HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end, "name" },
  { "connect-lower-case", function (authority)
      return "connect " .. authority .. " HTTP/1.1\r\nHost: " .. authority
             .. "\r\n\r\n"
    end },
  { "connect-without-version", function (authority)
      return "CONNECT " .. authority .. "\r\n\r\n"
    end },
  { "pipelined", function (authority)
      local one = "CONNECT " .. authority .. " HTTP/1.1\r\nHost: " .. authority
                  .. "\r\n\r\n"
      return one .. one .. one
    end },
  { "authorization", function (authority, right)
      return "CONNECT " .. authority .. " HTTP/1.1\r\nHost: " .. authority
             .. "\r\nAuthorization: " .. right .. "\r\n\r\n"
    end },
}

for _, case in ipairs(BYPASSES) do
  local name, text_of = case[1], case[2]
  local id = name == "authorization" and "auth.proxy.no-tunnel"
             or "auth.proxy.options-trace"
  scenario("auth.bypass." .. name) {
    title    = "nothing reaches the origin without credentials: "
               .. name:gsub("-", " "),
    checks   = { id },
    needs    = { "http-connect", "http-basic", case[3] },
    config   = "auth",
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      local authority = string.format("%s:%d", o.host, o.port)
      c:send(text_of(authority, http.basic(t.target.user, t.target.password), o))
      c:receive(http.response {}, 1)
      t:check(not o:accept(0.2), id, "the origin was connected to")
    end,
  }
end
