-- BIND of SOCKS5: who may come, what is told of it, and what is left behind.

local NEEDS = { "socks5", "bind" }

-- The second reply, for a visitor that was let in.
local function second(t, c)
  return t:expect(c, socks5.reply { rep = 0 }, "socks5.bind.two-replies")
end

-- The expected peer, connected; else the run is over.
local function visitor(t, c)
  local up, why = t:visit(c.bound.host, c.bound.port, { from = c.peer })
  if why == "refused" then
    t:skip("what was bound does not accept") -- socks5.bind.joined tells
  elseif not up then
    t:inconclusive("nobody can connect to what was bound: " .. why)
  end
  return up
end

scenario "socks5.bind.first-address" {
  title  = "the first reply names an address of the proxy's",
  checks = { "socks5.bind.first-bnd" },
  needs  = NEEDS,
  run    = function (t)
    local told = t:bind {}.bound.told_host
    t:check(told ~= "0.0.0.0" and told ~= "::", "socks5.bind.first-bnd",
            "the address is " .. told .. ", which has no meaning in SOCKS5",
            { contested = true })
  end,
}

-- Where the peer's address is the proxy's own as well, and where it is not.
for suffix, host in pairs { [""] = "127.0.0.1", ["-elsewhere"] = "127.0.0.4" } do
  scenario("socks5.bind.second-address" .. suffix) {
    title  = "the second reply names the peer's address and port",
    checks = { "socks5.bind.second-bnd", "socks5.bind.two-replies" },
    needs  = NEEDS,
    run    = function (t)
      local c = t:bind { to = t:peer { host = host } }
      visitor(t, c)
      local got = second(t, c)
      local is_other_form = got.atyp == 3
                            or got.addr == "::ffff:" .. c.peer.host
      t:check(got.addr == c.peer.host, "socks5.bind.second-bnd",
              "the peer is " .. c.peer.host .. ", not " .. got.addr,
              { contested = is_other_form })
      t:check(got.port == c.peer.port, "socks5.bind.second-bnd",
              "the peer's port is " .. c.peer.port .. ", not " .. got.port)
    end,
  }
end

-- What a peer may be named by, and who is waited for by that. Who is not served
-- is told so; who is, gets a peer.
local PEERS = {
  { "name", function (t)
      return { host = t:origin().name.host, port = 0, atyp = 3 }
    end, "127.0.0.1", "127.0.0.2" },
  { "ipv6", function (t) return t:peer { host = "::1" } end, "::1" },
  { "anybody", function () return { host = "0.0.0.0", port = 0, atyp = 1 } end,
    "127.0.0.3" },
}

for _, peer in ipairs(PEERS) do
  local kind, of, from, stranger = table.unpack(peer, 1, 4)
  local needs = { "socks5", "bind" }
  if kind ~= "anybody" then
    needs[3] = kind
  end

  local function ask(t)
    local c = t:connect()
    t:open(c)
    local to = of(t)
    c:send(socks5.request { command = 2, atyp = to.atyp, addr = to.host,
                            port = to.port })
    local reply, why = c:receive(socks5.reply {}, 10)
    t:check(reply or why ~= "silence", "socks5.reply.sent",
            "no reply came in ten seconds", { absence = true })
    if not reply or reply.rep ~= 0 then
      t:skip("it is not served")
    end
    return t:bound(c, reply), c, to
  end

  scenario("socks5.bind.for-" .. kind) {
    title  = "the expected peer may be given as any kind of address: " .. kind,
    checks = { "socks5.bind.two-replies", "socks5.bind.relay",
               "socks5.reply.sent" },
    needs  = needs,
    within = 25,
    run    = function (t)
      local bound, c, to = ask(t)
      local up = t:visit(bound.host, bound.port,
                         { from = to.held and to or from })
      -- A name may stand for more addresses than the one that it is taken for.
      local got, why = c:receive(socks5.reply {}, 5)
      t:check(got and got.rep == 0, "socks5.bind.two-replies",
              got and string.format("its peer is refused with %02X", got.rep)
              or "the peer is not told: " .. why,
              { absence = true, contested = kind ~= "ipv6" })
      if got and got.rep == 0 then
        local ping, pong = t:nonce(), t:nonce()
        c:send(ping)
        if not up then
          return
        end
        up:send(pong)
        t:check(up:read(#ping) == ping, "socks5.bind.relay",
                "the peer misses octets")
        t:check(c:read(#pong) == pong, "socks5.bind.relay",
                "the client misses octets")
      end
    end,
  }

  if stranger then
    scenario("socks5.bind.stranger-for-" .. kind) {
      title  = "a host that is not the one named is not let in: " .. kind,
      checks = { "socks5.bind.peer-filter", "socks5.reply.sent" },
      needs  = needs,
      run    = function (t)
        local bound, c = ask(t)
        if not t:visit(bound.host, bound.port, { from = stranger }) then
          return
        end
        local got = c:receive(socks5.reply {}, 0.5)
        t:check(not got or got.rep ~= 0, "socks5.bind.peer-filter",
                stranger .. " was let in", { contested = true })
      end,
    }
  end
end

-- The second reply tells how the wait ended, if it did.
scenario "socks5.bind.behind-stranger" {
  title  = "behind a stranger the peer is let in, or the client told",
  checks = { "socks5.bind.failure", "socks5.bind.two-replies" },
  needs  = NEEDS,
  run    = function (t)
    local c = t:bind {}
    t:visit(c.bound.host, c.bound.port, { from = "127.0.0.2" })
    local got, why = c:receive(socks5.reply {}, 0.5)
    if got then
      return
    elseif why ~= "silence" then
      t:violation("socks5.bind.failure", "the connection ends without a "
                  .. "second reply: " .. why, { absence = why ~= "malformed" })
      return
    end
    local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
    got, why = c:receive(socks5.reply {}, 3)
    t:check(got, "socks5.bind.two-replies", (up and "the peer comes"
            or "the peer cannot connect") .. " behind a stranger, and the "
            .. "client is not told: " .. tostring(why),
            { absence = true, contested = true })
  end,
}

scenario "socks5.bind.bulk" {
  title   = "octets pass unchanged between client and peer",
  checks  = { "socks5.bind.relay", "socks5.bind.two-replies" },
  needs   = NEEDS,
  segment = false,
  run     = function (t)
    local c = t:bind {}
    local up = visitor(t, c)
    local banner = "\0\255" .. t:nonce()
    up:send(banner) -- the peer need not wait for the second reply
    second(t, c)
    t:check(c:read(#banner) == banner, "socks5.bind.relay",
            "the client misses what the peer sent first")
    local bulk = string.rep(t:nonce() .. "\0\r\n\255\5", 1000)
    c:send(bulk)
    t:check(up:read(#bulk) == bulk, "socks5.bind.relay",
            "the peer misses octets")
    up:send(bulk)
    t:check(c:read(#bulk) == bulk, "socks5.bind.relay",
            "the client misses octets")
  end,
}

scenario "socks5.bind.nobody" {
  title  = "no success is told while nobody has connected",
  checks = { "socks5.bind.failure" },
  needs  = NEEDS,
  run    = function (t)
    local c = t:bind {}
    local got = c:receive(socks5.reply { rep = 0 }, 0.5)
    t:check(not got or got.rep ~= 0, "socks5.bind.failure",
            "the second reply is a success, and nobody has connected")
  end,
}

-- One whose address ends otherwise, and one whose address ends the same.
for suffix, host in pairs { [""] = "127.0.0.2", ["-elsewhere"] = "127.9.8.1" } do
  scenario("socks5.bind.stranger" .. suffix) {
    title  = "a host that the request did not name is not let in",
    checks = { "socks5.bind.peer-filter" },
    needs  = NEEDS,
    run    = function (t)
      local c = t:bind {}
      if not t:visit(c.bound.host, c.bound.port, { from = host }) then
        return
      end
      local got = c:receive(socks5.reply { rep = 0 }, 0.5)
      t:check(not got or got.rep ~= 0, "socks5.bind.peer-filter",
              "127.0.0.1 was asked for, and " .. host .. " was let in",
              { contested = true })
    end,
  }
end

-- A request, so that a proxy that reads it as one shows itself at its target.
scenario "socks5.bind.early-data" {
  title  = "what the client sends before the peer comes waits for the peer",
  checks = { "socks5.bind.early-data" },
  needs  = NEEDS,
  run    = function (t)
    local other = t:origin()
    local early = string.pack(">BBBBBBBBI2", 5, 1, 0, 1, 127, 0, 0, 1,
                              other.port) .. t:nonce(600)
    local c = t:bind {}
    c:send(early)
    local got, what = c:receive(socks5.reply { rep = 0 }, 0.4)
    if got and got.rep == 0 then
      t:violation("socks5.bind.early-data",
                  "success is told before anybody has connected")
    end
    if got or what ~= "silence" then
      return
    end
    local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
    got = up and c:receive(socks5.reply { rep = 0 })
    if got and got.rep == 0 then
      t:check(up:read(#early) == early, "socks5.bind.early-data",
              "success is told, and the peer misses what came early")
    end
    t:check(other:contacts() == 0, "socks5.bind.early-data",
            "it was carried out as a request")
  end,
}

scenario "socks5.bind.second-peer" {
  title  = "nobody enters the relay behind the first peer",
  checks = { "socks5.bind.second-peer", "socks5.bind.two-replies" },
  needs  = NEEDS,
  run    = function (t)
    local c = t:bind {}
    local up = visitor(t, c)
    second(t, c)
    local other = t:visit(c.bound.host, c.bound.port, { within = 0.5 })
    if other then
      local stray = t:nonce()
      other:send(stray)
      local got = c:read(#stray, 0.4)
      t:check(got ~= stray, "socks5.bind.second-peer",
              "the client received what a second connection sent")
    end
    local ping = t:nonce()
    c:send(ping)
    t:check(up:read(#ping) == ping, "socks5.bind.second-peer",
            "the first peer is cut off by a second connection",
            { absence = true })
  end,
}

scenario "socks5.bind.control-closed" {
  title  = "a client that goes takes the bound port with it",
  checks = { "socks5.bind.control-lost" },
  needs  = NEEDS,
  slow   = true,
  run    = function (t)
    local c = t:bind {}
    c:close()
    t:never(function () return false end, 10)
    local up = t:visit(c.bound.host, c.bound.port, { from = c.peer })
    t:check(not up, "socks5.bind.control-lost",
            "it still accepts 10 s after the control connection was closed")
  end,
}
