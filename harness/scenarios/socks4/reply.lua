-- SOCKS4: the reply, and what follows a refusal.

scenario "socks4.connect.closed-port" {
  title    = "a refused connection is told by a reply, and then the end",
  checks   = { "socks4.reply.sent", "socks4.close.after-refusal" },
  needs    = { "socks4", "ipv4" },
  negative = true,
  within   = 15,
  talk     = {
    C { socks4.request { to = origin.closed } },
    S { socks4.reply { code = anything }, within = 5 },
    S.ends { within = 10, breaks = "socks4.close.after-refusal" },
  },
}

-- Asks for a connection that fails: the reply, or nil and why.
local function ask_closed(t)
  local c = t:connect()
  c:send(socks4.request { to = t:closed() })
  return c, c:receive(socks4.reply {}, 5)
end

local CODES = {
  { "grant", "a connection that was not made is not granted",
    "socks4.reply.after-establish", function (code) return code ~= 90 end },
  { "code", "a refusal without an identd is told with 91",
    "socks4.reply.general-failure",
    function (code) return code ~= 92 and code ~= 93 end },
  { "range", "a refusal has one of the codes that there are",
    "socks4.reply.code-range",
    function (code) return code >= 90 and code <= 93 end },
}

for _, one in ipairs(CODES) do
  scenario("socks4.reply.refused-" .. one[1]) {
    title    = one[2],
    checks   = { one[3] },
    needs    = { "socks4", "ipv4" },
    negative = true,
    run      = function (t)
      local _, reply = ask_closed(t)
      t:check(not reply or one[4](reply.code), one[3],
              "a refused connection is told with code "
              .. (reply and reply.code or "?"))
    end,
  }
end

-- A close without any octet is no short reply: socks4.reply.sent tells of it.
scenario "socks4.reply.refused-layout" {
  title    = "a refusal is eight octets, and the first is zero",
  checks   = { "socks4.reply.layout", "socks4.reply.vn-zero" },
  needs    = { "socks4", "ipv4" },
  negative = true,
  within   = 20,
  run      = function (t)
    local c = t:connect()
    c:send(socks4.request { to = t:closed() })
    local got = c:read_some(5)
    if not got then
      return
    end
    local rest = c:read_end(11)
    if rest then
      got = got .. rest
      t:check(#got == 8, "socks4.reply.layout",
              string.format("it has %d octets", #got))
    end
    t:check(got:byte(1) == 0, "socks4.reply.vn-zero",
            string.format("VN is %02X", got:byte(1)))
  end,
}

scenario "socks4.reply.granted-layout" {
  title  = "a grant is one reply of eight octets, and the first is zero",
  checks = { "socks4.reply.layout", "socks4.reply.vn-zero",
             "socks4.reply.single" },
  needs  = { "socks4", "ipv4" },
  run    = function (t)
    local o, c = t:origin(), t:connect()
    c:send(socks4.request { to = o })
    local got = c:read_some(5)
    if not got then
      t:skip("there is none")
    elseif #got < 8 then
      got = got .. (c:read(8 - #got, 1) or "")
    end
    if not t:check(#got >= 8, "socks4.reply.layout",
                   string.format("it has %d octets", #got)) then
      return
    end
    t:check(got:byte(1) == 0, "socks4.reply.vn-zero",
            string.format("VN is %02X", got:byte(1)))
    if got:byte(2) ~= 90 then
      t:skip("it is refused")
    end
    local more = got:sub(9) .. (c:read_some(1) or "")
    t:check(#more < 8, "socks4.reply.single",
            "behind the reply came " .. t:show(more))
    t:check(#more == 0 or #more >= 8, "socks4.reply.layout",
            "behind eight octets came " .. t:show(more))
  end,
}

-- The memo has it closed at once; only ten seconds are beyond doubt.
scenario "socks4.reply.refused-slow-close" {
  title    = "the connection is closed soon behind a refusal",
  checks   = { "socks4.close.after-refusal" },
  needs    = { "socks4", "ipv4" },
  negative = true,
  run      = function (t)
    local c, reply = ask_closed(t)
    if reply and reply.code ~= 90 then
      t:check(c:ended(2), "socks4.close.after-refusal",
              "it is open two seconds later",
              { absence = true, contested = true })
    end
  end,
}

-- An unsupported command is refused at once, before anything is tried.
scenario "socks4.reply.refused-command" {
  title    = "a command that is none gets a whole refusal, if any",
  checks   = { "socks4.reply.layout", "socks4.reply.vn-zero",
               "socks4.reply.code-range" },
  needs    = { "socks4", "ipv4" },
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send(socks4.request { to = t:origin(), command = 3 })
    local got = c:read_end(3)
    if not got or got == "" then
      t:skip("it is closed on, or left open")
    end
    t:check(#got == 8, "socks4.reply.layout",
            string.format("it has %d octets", #got))
    t:check(got:byte(1) == 0, "socks4.reply.vn-zero",
            string.format("VN is %02X", got:byte(1)))
    local code = got:byte(2)
    t:check(not code or code >= 90 and code <= 93, "socks4.reply.code-range",
            "the code is " .. tostring(code))
  end,
}
