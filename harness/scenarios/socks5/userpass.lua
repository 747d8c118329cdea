-- User name and password, RFC 1929.

local greeting = socks5.greeting { methods = { 2 } }
local selected = socks5.method_selection { method = 2 }

-- A connection that method 02 was agreed on for.
local function negotiated(t, id)
  local c = t:connect()
  c:send(greeting)
  t:expect(c, selected, id)
  return c
end

-- The status that these credentials get: a table, or nil and why. A proxy may
-- think about wrong ones for a while, to slow guessing.
local function try(t, credentials, id)
  local c = negotiated(t, id)
  c:send(credentials)
  local status, why = c:receive(userpass.status {}, 10)
  return status, why, c
end

scenario "userpass.right" {
  title  = "right credentials open a session that works",
  checks = { "userpass.reply.success", "userpass.reply.layout" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  talk   = {
    C { greeting },
    S { selected },
    C { userpass.request {} },
    S { userpass.status { status = 0 } },
    S.silent { within = 0.3, breaks = "userpass.reply.layout" },
    C { socks5.request { to = origin } },
    S { socks5.reply { rep = 0 } },
    C { nonce() },
    O { nonce() },
  },
}

-- A proxy may keep out for a while who was wrong before.
scenario "userpass.right-behind-longer" {
  title  = "a longer name of an earlier client does not change what is right",
  checks = { "userpass.reply.success" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  within = 60,
  run    = function (t)
    local id = "userpass.reply.success"
    for _ = 1, 3 do
      try(t, userpass.request { user = t.target.user .. ("x"):rep(40),
                                password = ("y"):rep(60) }, id)
      local status, why = try(t, userpass.request {}, id)
      t:check(status and status.status == 0, id,
              status and "right credentials are refused"
              or "no status came: " .. tostring(why),
              { contested = true, absence = not status })
    end
  end,
}

scenario "userpass.methods-00-02" {
  title  = "right credentials work for a client that offers 00 as well",
  checks = { "userpass.reply.success" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  talk   = {
    C { socks5.greeting { methods = { 0, 2 } } },
    S { selected },
    C { userpass.request {} },
    S { userpass.status { status = 0 } },
    C { socks5.request { to = origin } },
    S { socks5.reply { rep = 0 } },
    O.accepts {},
  },
}

scenario "userpass.status-version" {
  title  = "the status begins with the sub-negotiation's version, 01",
  checks = { "userpass.reply.version" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  run    = function (t)
    local status = try(t, userpass.request {}, "userpass.reply.version")
    if status then
      t:check(status.version == 1, "userpass.reply.version",
              string.format("it begins with %02X", status.version),
              { contested = status.version == 5 })
    end
  end,
}

scenario "userpass.status-length" {
  title  = "the status is two octets",
  checks = { "userpass.reply.layout" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  run    = function (t)
    local c = negotiated(t, "userpass.reply.layout")
    c:send(userpass.request {})
    local status = c:read_some(5)
    if status then
      status = status .. (c:read_some(0.3) or "")
      t:check(#status == 2, "userpass.reply.layout",
              string.format("%d octets came", #status))
    end
  end,
}

scenario "userpass.server-waits" {
  title    = "behind method 02 the proxy waits for the client",
  checks   = { "userpass.start.client-first" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  run      = function (t)
    local c = negotiated(t, "userpass.start.client-first")
    t:check(not c:read_some(0.4), "userpass.start.client-first",
            "the proxy sent octets first")
  end,
}

scenario "userpass.incomplete" {
  title   = "credentials that lack an octet are not answered yet",
  checks  = { "userpass.request.fragmented" },
  needs   = { "socks5", "userpass" },
  config  = "auth",
  run     = function (t)
    local c = negotiated(t, "userpass.request.fragmented")
    local user, password = t.target.user, t.target.password
    local whole = string.pack("Bs1s1", 1, user, password)
    c:send(whole:sub(1, -2))
    t:check(c:silent(0.3), "userpass.request.fragmented",
            "the proxy answered or closed before the password was whole")
    c:send(whole:sub(-1))
    t:expect(c, userpass.status { status = 0 },
             "userpass.request.fragmented")
  end,
}

-- Wrong credentials: how each comes from the right ones. nil where there is
-- no such thing, because a part is too short or the case cannot be changed.
local function swap_case(text)
  local swapped = text:gsub("%a", function (letter)
    return letter:lower() == letter and letter:upper() or letter:lower()
  end)
  return swapped ~= text and swapped or nil
end

local function shorter(text)
  return #text > 1 and text:sub(1, -2) or nil
end

-- One octet changed to the next; and one raised and another lowered, so that
-- their sum stays.
local function changed(text, at, by)
  if text == "" then
    return nil
  end
  return text:sub(1, at - 1) .. string.char((text:byte(at) + (by or 1)) % 256)
         .. text:sub(at + 1)
end

local function balanced(text)
  return #text > 1 and changed(changed(text, 1), #text, 255) or nil
end

local WRONG = {
  { "password", function (u, p) return u, "not-" .. p end, is_plain = true },
  { "user", function (u, p) return "not-" .. u, p end, is_plain = true },
  { "both", function (u, p) return "not-" .. u, "not-" .. p end, is_plain = true },
  { "swapped", function (u, p) return p, u end },
  { "user-case", function (u, p) return swap_case(u), p end },
  { "password-case", function (u, p) return u, swap_case(p) end },
  { "user-prefix", function (u, p) return shorter(u), p end },
  { "password-prefix", function (u, p) return u, shorter(p) end },
  { "user-longer", function (u, p) return u .. "x", p end },
  { "password-longer", function (u, p) return u, p .. "x" end },
  { "password-space", function (u, p) return u, p .. " " end },
  { "user-space", function (u, p) return u .. " ", p end },
  { "password-last", function (u, p) return u, changed(p, #p) end },
  { "password-first", function (u, p) return u, changed(p, 1) end },
  { "password-middle", function (u, p) return u, changed(p, #p // 2 + 1) end },
  { "user-last", function (u, p) return changed(u, #u), p end },
  { "user-first", function (u, p) return changed(u, 1), p end },
  { "password-reversed", function (u, p) return u, p:reverse() end },
  { "password-sum", function (u, p) return u, balanced(p) end },
  { "password-behind-junk", function (u, p) return u, "x" .. p end },
  { "password-255", function (u, p)
      return u, p .. ("x"):rep(255 - #p)
    end },
  { "user-255", function (u, p)
      return u .. ("x"):rep(255 - #u), p
    end },
  { "boundary-moved", function (u, p)
      return shorter(u), shorter(u) and u:sub(-1) .. p
    end },
  { "user-nul", function (u, p) return u .. "\0x", p end, is_opaque = true },
  { "password-nul", function (u, p) return u, p .. "\0x" end, is_opaque = true },
  { "password-nul-alone", function (u, p) return u, p .. "\0" end,
    is_opaque = true },
  { "nul-first", function (u, p) return u, "\0" .. p end, is_opaque = true },
  { "user-colon", function (u, p) return u .. ":" .. p, p end, is_opaque = true },
  { "password-is-user", function (u) return u, u end },
  { "stars", function (u) return u, "*" end },
  { "password-encoded", function (u, p)
      return u, ("%%%02x"):format(p:byte() or 0) .. p:sub(2)
    end },
  { "password-line-end", function (u, p) return u, p .. "\r\n" end,
    is_opaque = true },
  { "password-high-bit", function (u, p) return u, changed(p, 1, 128) end,
    is_opaque = true },
  { "password-high-between", function (u, p)
      return u, p:sub(1, 1) .. "\xC2\xA0" .. p:sub(2)
    end, is_opaque = true },
  { "high-octets", function (u)
      return u, "\xC3\x28\xFF\xFE\x80"
    end, is_opaque = true },
}

for _, case in ipairs(WRONG) do
  local name, derive = case[1], case[2]
  local id = case.is_opaque and "userpass.request.opaque"
             or "userpass.verify.both"
  scenario("userpass.wrong." .. name) {
    title    = "wrong credentials are not let in: " .. name:gsub("-", " "),
    checks   = { id, "userpass.failure.sent", "userpass.reply.version",
                 "userpass.reply.layout" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local right_user, right_password = t.target.user, t.target.password
      local user, password = derive(right_user, right_password)
      if not user or not password or #user > 255 or #password > 255
         or (user == right_user and password == right_password) then
        t:skip("the target's credentials do not allow this case")
      end
      local status, why, c =
        try(t, userpass.request { user = user, password = password }, id)
      t:check(not status or status.status ~= 0, id, "they were accepted")
      if status and status.status ~= 0 then
        t:check(status.version == 1, "userpass.reply.version",
                string.format("the status begins with %02X", status.version),
                { contested = status.version == 5 })
        t:check(not c:read_some(0.2), "userpass.reply.layout",
                "more than two octets came")
      end
      -- Odd octets may be refused in whatever way.
      t:check(status or not case.is_plain, "userpass.failure.sent",
              "no status came: " .. tostring(why),
              { absence = why ~= "malformed" })
    end,
  }
end

-- Empty fields lie outside the range that the diagram gives, and are common.
scenario "userpass.empty.user" {
  title    = "an empty user name is not let in",
  checks   = { "userpass.request.zero-user" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local status = try(t, userpass.request { user = "", malformed = true },
                       "userpass.request.zero-user")
    t:check(not status or status.status ~= 0, "userpass.request.zero-user",
            "it was accepted", { contested = true })
  end,
}

for _, case in ipairs { { "password", nil }, { "both", "" } } do
  local name, user = case[1], case[2]
  scenario("userpass.empty." .. name) {
    title    = "an empty password is not let in where there is another",
    checks   = { "userpass.request.zero-pass" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      if t.target.password == "" then
        t:skip("the target's password is empty")
      end
      local status = try(t, userpass.request { user = user, password = "",
                                               malformed = true },
                         "userpass.request.zero-pass")
      t:check(not status or status.status ~= 0, "userpass.request.zero-pass",
              "it was accepted")
    end,
  }
end

-- Out of the range, yet whole: it gets an answer, or the end.
for _, case in ipairs { { "user", "", "p" }, { "password", "u", "" },
                        { "both", "", "" } } do
  local name, user, password = table.unpack(case)
  scenario("userpass.empty-answered." .. name) {
    title    = "credentials that lack something are not left open: " .. name,
    checks   = { "userpass.failure.sent" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    within   = 25,
    run      = function (t)
      local status, why =
        try(t, userpass.request { user = user, password = password,
                                  malformed = true }, "userpass.failure.sent")
      t:check(status or why ~= "silence", "userpass.failure.sent",
              "neither a status nor the end came in ten seconds",
              { absence = true, contested = true })
    end,
  }
end

for _, n in ipairs { 1, 255 } do
  scenario("userpass.length-" .. n) {
    title    = string.format("user and password of %d octets are answered", n),
    checks   = { "userpass.request.max" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local status, why =
        try(t, userpass.request { user = ("u"):rep(n), password = ("p"):rep(n) },
            "userpass.request.max")
      t:check(status, "userpass.request.max", "no status came: " .. tostring(why),
              { absence = why ~= "malformed" })
    end,
  }
end

for _, version in ipairs { 0x00, 0x02, 0x05 } do
  scenario(string.format("userpass.version-%02x", version)) {
    title    = string.format("a message of version %02X does not authenticate",
                             version),
    checks   = { "userpass.request.bad-version" },
    needs    = { "socks5", "userpass" },
    config   = "auth",
    negative = true,
    run      = function (t)
      local c = negotiated(t, "userpass.request.bad-version")
      c:send(userpass.request { version = version, malformed = true })
      local status = c:receive(userpass.status {}, 2)
      t:check(not status or status.status ~= 0, "userpass.request.bad-version",
              "it was accepted")
    end,
  }
end

scenario "userpass.failure-closes" {
  title    = "behind a failure status the proxy closes",
  checks   = { "userpass.failure.close", "userpass.verify.both" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 25,
  talk     = {
    C { greeting },
    S { selected },
    C { userpass.request { password = "not the password" } },
    S.refuses { within = 10, breaks = "userpass.verify.both" },
    S.ends { within = 10, breaks = "userpass.failure.close" },
  },
}

-- Nothing that comes behind wrong credentials is served: how it comes.
local wrong = userpass.request { password = "not the password" }

scenario "userpass.failure.request-joined" {
  title    = "a request in one write with wrong credentials is not served",
  checks   = { "userpass.failure.no-request" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local o = t:origin()
    local c = negotiated(t, "userpass.failure.no-request")
    c:send(wrong, socks5.request { to = o })
    c:receive(userpass.status {}, 10)
    t:check(not o:accept(0.3), "userpass.failure.no-request",
            "the request reached the origin")
  end,
}

scenario "userpass.failure.all-joined" {
  title    = "greeting, wrong credentials and request in one write",
  checks   = { "userpass.failure.no-request" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(greeting, wrong, socks5.request { to = o })
    c:receive(selected)
    c:receive(userpass.status {}, 2)
    t:check(not o:accept(0.3), "userpass.failure.no-request",
            "the request reached the origin")
  end,
}

scenario "userpass.failure.request-after" {
  title    = "a request behind the failure status is not served",
  checks   = { "userpass.failure.no-request" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local o = t:origin()
    local _, _, c = try(t, wrong, "userpass.failure.no-request")
    c:send(socks5.request { to = o })
    local reply = c:receive(socks5.reply {}, 0.3)
    t:check(not (reply and reply.rep == 0), "userpass.failure.no-request",
            "the request was granted")
    t:check(not o:accept(0.2), "userpass.failure.no-request",
            "the request reached the origin")
  end,
}

scenario "userpass.failure.second-try" {
  title    = "right credentials behind wrong ones are too late",
  checks   = { "userpass.failure.no-request" },
  needs    = { "socks5", "userpass" },
  config   = "auth",
  negative = true,
  within   = 15,
  run      = function (t)
    local o = t:origin()
    local _, _, c = try(t, wrong, "userpass.failure.no-request")
    c:send(userpass.request {}, socks5.request { to = o })
    local status = c:receive(userpass.status {}, 0.4)
    t:check(not (status and status.status == 0), "userpass.failure.no-request",
            "the second try was accepted")
    t:check(not o:accept(0.2), "userpass.failure.no-request",
            "the request reached the origin")
  end,
}

-- Whatever the status says, a request that is served behind it was let in.
scenario "userpass.failure-that-serves" {
  title  = "a status that tells failure is not followed by a session",
  checks = { "userpass.reply.success" },
  needs  = { "socks5", "userpass" },
  config = "auth",
  run    = function (t)
    local o, c = t:origin(), negotiated(t, "userpass.reply.success")
    c:send(userpass.request {})
    local got = c:receive(userpass.status {}, 5)
    if not got or got.status == 0 then
      return
    end
    c:send(socks5.request { to = o })
    t:check(not o:accept(1), "userpass.reply.success", string.format(
            "status %02X, and the request behind it is served", got.status))
  end,
}
