-- Tor's RESOLVE and RESOLVE_PTR: names and addresses, and no connection. They
-- are judged only where RESOLVE works at all.

local NEEDS = { "socks5", "tor", "name" }

scenario "tor.resolve.name" {
  title  = "RESOLVE answers with the address of a name",
  checks = { "tor.resolve.forward" },
  needs  = NEEDS,
  talk   = {
    opened {},
    C { socks5.request { command = 0xF0, to = origin.name } },
    S { socks5.reply { rep = 0, atyp = one_of { 1, 4 } } },
    O.never {},
  },
}

scenario "tor.resolve.no-address" {
  title    = "RESOLVE of a name without an address fails",
  checks   = { "tor.resolve.forward" },
  needs    = NEEDS,
  negative = true,
  segment  = false, -- each try may keep one of the proxy's few resolvers
  within   = 60,
  talk     = {
    opened {},
    C { socks5.request { command = 0xF0, to = origin.nowhere } },
    S.refuses { within = 40 },
  },
}

-- The name that an address has is the resolver's affair; where it has none,
-- nothing can be said.
scenario "tor.resolve.reverse" {
  title  = "RESOLVE_PTR answers with a name",
  checks = { "tor.resolve.reverse" },
  needs  = { "socks5", "tor", "ipv4" },
  within = 30,
  run    = function (t)
    local o, c = t:origin(), t:connect()
    t:open(c)
    c:send(socks5.request { command = 0xF1, to = o })
    local reply = c:receive(socks5.reply {}, 20)
    t:check(o:contacts() == 0, "tor.resolve.reverse",
            "the address was connected to")
    if reply and reply.rep == 0 then
      t:check(reply.atyp == 3 and reply.addr ~= "", "tor.resolve.reverse",
              "success without a name")
    end
  end,
}
