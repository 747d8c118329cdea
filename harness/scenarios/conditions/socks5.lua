-- SOCKS5 and places that cannot be reached, in a network made for it: what the
-- reply says, RFC 1928 section 6.

-- The code that the place's condition has, the row that speaks of it, and the
-- codes that are plainly false there. 01 says too little, 02 may be a rule of
-- the proxy's, 03 and 04 are told apart by few; 06 is what many take for any
-- attempt that was given up.
local CONDITIONS = {
  ["refusing"] = { "refused", "socks5.reply.refused", { 3, 4 } },
  ["net-unreachable"] = { "unreachable", "socks5.reply.net-unreachable", {} },
  ["host-unreachable"] = { "unreachable", "socks5.reply.host-unreachable",
                           { 5, 7, 8 } },
  ["prohibited"] = { "prohibited", nil, {} },
  ["ttl-expired"] = { "expired", "socks5.reply.ttl", {} },
  ["no-route"] = { "without a route", "socks5.reply.net-unreachable", {} },
  ["unreachable-route"] = { "unreachable", "socks5.reply.host-unreachable",
                            { 5, 7, 8 } },
  ["prohibited-route"] = { "prohibited", nil, {} },
}

local function after_opening(t)
  local c = t:connect()
  t:open(c)
  return c
end

-- A proxy that answers before it knows spares its client a round trip, at the
-- price of what the reply says: told, and held against nobody.
local function early(t, reply, id)
  for _, broken in ipairs { id or "socks5.reply.success-real",
                            "socks5.reply.success-real" } do
    t:check(reply.rep ~= 0, broken,
            "success was reported, and there is no connection",
            { contested = true })
  end
  return reply.rep == 0
end

local function judge(t, place, condition)
  local _, id, wrong = table.unpack(condition, 1, 3)
  local c = after_opening(t)
  c:send(socks5.request { to = place })
  local reply, why, details = c:receive(socks5.reply {}, 10)
  if not reply then
    t:violation(details and "socks5.reply.layout" or "socks5.reply.sent",
                "no reply came: " .. (details or why),
                { absence = not details })
    return
  elseif early(t, reply, id) then
    return
  end
  -- A proxy that could not even send a SYN has a reason of its own to tell.
  for _, code in ipairs(place:is_reached() and wrong or {}) do
    t:check(reply.rep ~= code, id or "socks5.reply.sent",
            string.format("reported with %02X", reply.rep))
  end
  t:check(c:ended(10), "socks5.reply.close-10s",
          "still open 10 s after the failure reply", { absence = true })
end

for kind, condition in pairs(CONDITIONS) do
  for _, family in ipairs { 4, 6 } do
    local checks = { "socks5.reply.sent", "socks5.reply.layout",
                     "socks5.reply.success-real", "socks5.reply.close-10s" }
    if condition[2] then
      table.insert(checks, 1, condition[2])
    end
    scenario(string.format("socks5.place.%s-ipv%d", kind, family)) {
      title    = string.format("a place that is %s is reported as a failure: %s",
                               condition[1], kind),
      checks   = checks,
      needs    = { "socks5", "ipv" .. family, "network" },
      negative = true,
      within   = 25,
      run      = function (t)
        judge(t, t:place(kind, { family = family }), condition)
      end,
    }
  end
end

-- How long an attempt may take is not said: only what is told at last is judged.
for _, family in ipairs { 4, 6 } do
  scenario("socks5.place.black-hole-ipv" .. family) {
    title    = "a place that is silent is reported as a failure, over IPv"
               .. family,
    checks   = { "socks5.reply.ttl", "socks5.reply.sent", "socks5.reply.layout",
                 "socks5.reply.success-real", "socks5.reply.close-10s" },
    needs    = { "socks5", "ipv" .. family, "network" },
    negative = true,
    within   = 35,
    run      = function (t)
      local place = t:place("black-hole", { family = family })
      local c = after_opening(t)
      c:send(socks5.request { to = place })
      local reply, why, details = c:receive(socks5.reply {}, 15)
      if reply and not early(t, reply, "socks5.reply.ttl") then
        t:check(c:ended(10), "socks5.reply.close-10s",
                "still open 10 s after the failure reply", { absence = true })
      elseif details then
        t:violation("socks5.reply.layout", "no whole reply came: " .. details)
      elseif not reply and why ~= "silence" then
        t:violation("socks5.reply.sent", "no reply came: " .. why,
                    { absence = true })
      end
    end,
  }
end

-- A name whose address refuses: the reply is about the connection, as for the
-- address itself. Which address of several is spoken of would be unknown.
for _, family in ipairs { 4, 6 } do
  scenario("socks5.place.name-refusing-ipv" .. family) {
    title    = "a name whose address refuses is reported with 05, over IPv"
               .. family,
    checks   = { "socks5.reply.refused", "socks5.reply.sent",
                 "socks5.reply.layout", "socks5.reply.success-real",
                 "socks5.reply.close-10s" },
    needs    = { "socks5", "name", "ipv" .. family, "network" },
    negative = true,
    within   = 25,
    run      = function (t)
      local place = t:place("refusing", { family = family })
      local name = t:name { [family == 4 and "a" or "aaaa"] = { place.host },
                            port = place.port }
      local c = after_opening(t)
      c:send(socks5.request { to = name })
      local reply, why, details = c:receive(socks5.reply {}, 10)
      if not reply then
        t:violation(details and "socks5.reply.layout" or "socks5.reply.sent",
                    "no reply came: " .. (details or why),
                    { absence = not details })
        return
      elseif early(t, reply, "socks5.reply.refused") then
        return
      end
      local is_wrong = reply.rep == 3 or reply.rep == 4
      t:check(not is_wrong or not place:is_reached(), "socks5.reply.refused",
              string.format("reported with %02X, not 05", reply.rep))
      t:check(reply.rep ~= 1 or not place:is_reached(), "socks5.reply.refused",
              "reported with 01, which does not say why", { contested = true })
      t:check(c:ended(10), "socks5.reply.close-10s",
              "still open 10 s after the failure reply", { absence = true })
    end,
  }
end
