-- The SOCKS port of Tor's own daemon, which adds to SOCKS and leaves out of it
-- what its document says. A proxy is held to that only where its own page told
-- that it is Tor; others may borrow RESOLVE and owe nothing of this.

local NEEDS = { "socks5", "tor-daemon" }

-- An address is its own answer: it shows that requests are read, and takes no
-- network.
local function resolve()
  return socks5.request { command = 0xF0, to = origin }
end

scenario "tor.bind.refused" {
  title    = "BIND is not served, of SOCKS5 and of SOCKS4",
  checks   = { "tor.bind.unsupported" },
  needs    = NEEDS,
  negative = true,
  run      = function (t)
    local peer, five, four = t:peer {}, t:connect(), t:connect()
    t:open(five)
    five:send(socks5.request { command = 2, to = peer })
    t:expect(five, socks5.reply { rep = 7 }, "tor.bind.unsupported", 5)
    four:send(socks4.request { command = 2, to = peer })
    t:expect(four, socks4.reply { code = 91 }, "tor.bind.unsupported", 5)
  end,
}

scenario "tor.udp.refused" {
  title    = "UDP ASSOCIATE is not served",
  checks   = { "tor.udp.unsupported" },
  needs    = NEEDS,
  negative = true,
  talk     = {
    opened {},
    C { socks5.request { command = 3, addr = "0.0.0.0", port = 0 } },
    S { socks5.reply { rep = 7 } },
  },
}

scenario "tor.gssapi.refused" {
  title    = "GSSAPI alone is not acceptable",
  checks   = { "tor.gssapi.unsupported" },
  needs    = NEEDS,
  negative = true,
  talk     = {
    C { socks5.greeting { methods = { 1 } } },
    S { socks5.method_selection { method = 0xFF } },
  },
}

-- Credentials keep streams apart: they are never wrong, and may come unasked.
for _, case in ipairs {
  { "any", 2, "tor.userpass.isolation",
    "a user name and password that nobody knows are right" },
  { "unasked", 0, "tor.userpass.unselected",
    "credentials behind method 00 are taken, and the request too" },
} do
  local name, method, id, title = table.unpack(case)
  scenario("tor.userpass." .. name) {
    title  = title,
    checks = { id },
    needs  = NEEDS,
    talk   = {
      C { socks5.greeting { methods = { method } } },
      S { socks5.method_selection { method = method } },
      C { userpass.request { user = nonce(), password = nonce() } },
      S { userpass.status { status = 0 } },
      C { resolve() },
      S { socks5.reply { rep = 0 } },
    },
  }
end

-- What comes of these credentials: whether they were right, and what came.
local function answer_to(t, user, password)
  local c = t:connect()
  c:send(socks5.greeting { methods = { 2 } })
  local selection = c:receive(socks5.method_selection {}, 5)
  if not selection or selection.method ~= 2 then
    t:inconclusive("method 02 was not selected")
  end
  c:send(userpass.request { user = user, password = password })
  local got, why = c:receive(userpass.status {}, 5)
  if why == "silence" then
    t:inconclusive("credentials were not answered")
  end
  return got ~= nil and got.status == 0,
         got and string.format("%02X %02X", got.version, got.status) or why
end

scenario "tor.userpass.no-octets" {
  title  = "a user name, a password and both may be empty",
  checks = { "tor.userpass.empty" },
  needs  = NEEDS,
  within = 30,
  run    = function (t)
    for _, pair in ipairs { { "", "" }, { t:nonce(), "" },
                            { "", t:nonce() } } do
      local is_right, what = answer_to(t, pair[1], pair[2])
      t:check(is_right, "tor.userpass.empty", string.format(
        "ULEN %d and PLEN %d were answered with %s", #pair[1], #pair[2], what))
    end
  end,
}

-- Before 0.4.9 Tor knew no formats, and took any octets for a name.
scenario "tor.userpass.formats" {
  title  = "a structured user name has a format that is known",
  checks = { "tor.userpass.extended" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    if answer_to(t, "<torS0X>z", t:nonce()) then
      t:violation("tor.userpass.extended", "a user name of format z was taken, "
                  .. "as by a Tor that is older than formats",
                  { contested = true })
      return
    end
    local is_right, what = answer_to(t, "<torS0X>0", t:nonce())
    t:check(is_right, "tor.userpass.extended",
            "a user name of format 0 was answered with " .. what)
  end,
}

-- Codes from F0 speak of onion services alone, and F6 of a name that none can
-- have; they have to be asked for in the port's configuration.
scenario "tor.reply.onion" {
  title    = "extended codes are of onion services, and F6 of a bad name",
  checks   = { "tor.reply.extended" },
  needs    = NEEDS,
  negative = true,
  run      = function (t)
    local function reply_to(to, codes)
      local c = t:connect()
      t:open(c)
      c:send(socks5.request(to))
      return t:expect(c, socks5.reply { rep = codes }, "tor.reply.extended", 5)
    end
    local bad = reply_to({ atyp = 3, addr = "proxyspec.onion", port = 80 },
                         none_of { 0, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5,
                                   0xF7 })
    if bad.rep ~= 0xF6 then
      t:skip("extended codes are not asked for in its configuration")
    end
    local closed = reply_to({ to = t:closed() }, anything)
    t:check(closed.rep < 0xF0, "tor.reply.extended", string.format(
      "REP is %02X for a port that refuses", closed.rep))
  end,
}

-- The document names the three letters; a close will do as well.
scenario "tor.http.page" {
  title  = "GET, HEAD and POST are told that this is no HTTP proxy",
  checks = { "tor.http.hint" },
  needs  = NEEDS,
  within = 20,
  run    = function (t)
    for _, method in ipairs { "GET", "HEAD", "POST" } do
      local c = t:connect()
      c:send(method .. " / HTTP/1.0\r\n\r\n")
      local got, why = c:read_some(5)
      local is_page = got and got:sub(1, 5) == ("HTTP/"):sub(1, #got)
      t:check(is_page or why == "fin" or why == "rst", "tor.http.hint",
              string.format("%s was answered with %s", method,
                            got and t:show(got) or why))
    end
  end,
}

scenario "tor.data.early" {
  title  = "octets ahead of the reply do not keep it away, and arrive",
  checks = { "tor.data.optimistic" },
  needs  = NEEDS,
  run    = function (t)
    local o, c, early = t:origin(), t:connect(), t:nonce()
    t:open(c)
    c:send(socks5.request { to = o }, early)
    local reply = t:expect(c, socks5.reply {}, "tor.data.optimistic", 5)
    if reply.rep == 0 then
      local up = t:accepted(o, "tor.data.optimistic")
      t:check(up:read(#early, 3) == early, "tor.data.optimistic",
              "they did not arrive")
    end
  end,
}
