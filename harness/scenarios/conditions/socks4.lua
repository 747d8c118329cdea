-- SOCKS4 and places that cannot be reached, in a network made for it: there is
-- one code for whatever went wrong.

local KINDS = { "refusing", "net-unreachable", "host-unreachable", "prohibited",
                "ttl-expired", "no-route", "unreachable-route",
                "prohibited-route" }

local function judge(t, c, reply)
  t:check(reply.code ~= 90, "socks4.reply.after-establish",
          "it is granted, and there is no connection")
  t:check(reply.code ~= 92 and reply.code ~= 93, "socks4.reply.general-failure",
          "an attempt that failed is told with code " .. reply.code)
  t:check(reply.code == 90 or c:ended(10), "socks4.close.after-refusal",
          "it is open ten seconds later", { absence = true })
end

local function scenario_for(id, kind, needs, of)
  scenario(id) {
    title    = "a place that cannot be reached is refused: "
               .. kind:gsub("-", " "),
    checks   = { "socks4.reply.general-failure", "socks4.reply.sent",
                 "socks4.reply.layout", "socks4.reply.after-establish",
                 "socks4.close.after-refusal" },
    needs    = needs,
    negative = true,
    within   = 25,
    run      = function (t)
      local c = t:connect()
      c:send(socks4.request { to = of(t, t:place(kind)) })
      local reply, why, details = c:receive(socks4.reply {}, 10)
      if reply then
        judge(t, c, reply)
      else
        t:violation(details and "socks4.reply.layout" or "socks4.reply.sent",
                    "no reply came: " .. (details or why),
                    { absence = not details })
      end
    end,
  }
end

for _, kind in ipairs(KINDS) do
  scenario_for("socks4.place." .. kind, kind, { "socks4", "ipv4", "network" },
               function (_, place) return place end)
end

-- 4A changes how the destination is named, and nothing else.
for _, kind in ipairs { "refusing", "host-unreachable" } do
  scenario_for("socks4a.place." .. kind, kind, { "socks4a", "name", "network" },
               function (t, place)
    return t:name { a = { place.host }, port = place.port }
  end)
end

-- How long an attempt may take is not said; and the memo has a server whose
-- time is over just close.
scenario "socks4.place.black-hole" {
  title    = "a place that is silent is not granted",
  checks   = { "socks4.reply.after-establish", "socks4.reply.general-failure",
               "socks4.close.after-refusal" },
  needs    = { "socks4", "ipv4", "network" },
  negative = true,
  within   = 30,
  run      = function (t)
    local c = t:connect()
    c:send(socks4.request { to = t:place "black-hole" })
    local reply = c:receive(socks4.reply {}, 12)
    if reply then
      judge(t, c, reply)
    end
  end,
}
