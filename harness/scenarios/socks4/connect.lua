-- SOCKS4 and 4A: the request for a connection and what it gets.

local function granted(id, title, needs, checks, request)
  scenario(id) {
    title  = title,
    checks = checks,
    needs  = needs,
    talk   = {
      C { request },
      S { socks4.reply { code = 90 } },
      O.accepts {},
      C { nonce() },
      O { nonce() },
      O.sends { "answer" },
      S { "answer" },
    },
  }
end

granted("socks4.connect.address", "a connection to an address is made",
        { "socks4", "ipv4" }, { "socks4.relay.both-ways", "socks4.reply.sent" },
        socks4.request { to = origin })
granted("socks4a.connect.name", "a connection to a name is made",
        { "socks4a", "name" }, { "socks4a.marker.detect",
                                 "socks4a.name.resolve" },
        socks4.request { to = origin.name })

-- An early octet is the destination's; what the proxy does with it before the
-- grant is its own affair, but it is neither cut nor doubled nor answered.
for _, kind in ipairs { { "", function (o) return o end, "socks4", "ipv4" },
                        { "-name", function (o) return o.name end, "socks4a",
                          "name" } } do
  local suffix, of, protocol, feature = table.unpack(kind)
  for _, n in ipairs { 64, 3000 } do
    local id = "socks4.connect.early-data" .. suffix
               .. (n == 64 and "" or "-" .. n)
    scenario(id) {
      title  = string.format("%d octets in one write with CONNECT reach the "
                             .. "destination", n),
      checks = { "socks4.request.early-data", "socks4.reply.single",
                 "socks4.relay.both-ways" },
      needs  = { protocol, feature },
      run    = function (t)
        local o, c, early = t:origin(), t:connect(), t:nonce(n)
        local late = t:nonce()
        c:send(socks4.request { to = of(o) }, early)
        local reply = c:receive(socks4.reply {}, 5)
        if not reply or reply.code ~= 90 then
          t:skip("a request with octets behind it is not granted")
        end
        local up = t:accepted(o, "socks4.request.early-data")
        c:send(late)
        c:shut()
        local got = up:read_end(3)
        local all = early .. late
        t:check(not got or got == all, "socks4.request.early-data",
                "the destination got " .. t:show(got or ""),
                { contested = true })
        -- The front may have been read, and thrown away, with the request.
        local is_rest = got and got == all:sub(-math.max(#got, 1))
        t:check(not got or got == "" or got == late or got == all
                or got == early, "socks4.relay.both-ways", string.format(
                "the destination got %d octets of %d, or others",
                #(got or ""), #all), { contested = is_rest })
        t:check(not c:read_some(0.1), "socks4.reply.single",
                "octets came that the destination did not send")
      end,
    }
  end
end

-- The memo names no byte order; ports whose octets differ show which is taken.
scenario "socks4.request.port-order" {
  title  = "the high octet of the port comes first",
  checks = { "socks4.request.port-order" },
  needs  = { "socks4", "ipv4" },
  run    = function (t)
    local o, swapped
    for _ = 1, 64 do
      o = t:origin()
      local high, low = o.port >> 8, o.port & 0xFF
      swapped = low >= 8 and low ~= high
                and t:origin { port = low << 8 | high }
      if swapped then
        break
      end
    end
    if not swapped then
      t:skip("no two ports are free that differ in their order only")
    end
    local c = t:connect()
    c:send(socks4.request { to = o })
    c:receive(socks4.reply {}, 5)
    t:check(swapped:contacts() == 0, "socks4.request.port-order",
            string.format("port %d was asked for, %d was connected to", o.port,
                          swapped.port), { contested = true })
  end,
}
