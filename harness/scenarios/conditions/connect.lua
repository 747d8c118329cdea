-- CONNECT to places that cannot be reached, in a network made for it.

local KINDS = { "refusing", "net-unreachable", "host-unreachable", "prohibited",
                "ttl-expired", "no-route", "unreachable-route",
                "prohibited-route" }

-- No code is tied to an attempt that failed: 502, 503 and 504 are as good.
local function judge_status(t, answer, id, good)
  t:check(answer.status // 100 ~= 2, "http.connect.success-real",
          string.format("answered with %d, and there is no tunnel",
                        answer.status))
  local is_good = answer.status // 100 == 2
  for _, status in ipairs(good) do
    is_good = is_good or answer.status == status
  end
  t:check(is_good, id, "answered with " .. answer.status, { contested = true })
end

for _, kind in ipairs(KINDS) do
  for _, family in ipairs { 4, 6 } do
    scenario(string.format("http.connect.place-%s-ipv%d", kind, family)) {
      title    = string.format("a place that cannot be reached over IPv%d: %s",
                               family, kind:gsub("-", " ")),
      checks   = { "http.error.refused", "http.connect.success-real",
                   "http.connect.failure-status" },
      needs    = { "http-connect", "ipv" .. family, "network" },
      negative = true,
      within   = 20,
      run      = function (t)
        local place, c = t:place(kind, { family = family }), t:connect()
        c:send(http.connect { to = place })
        local answer, why = c:receive(http.response {}, 15)
        if answer then
          judge_status(t, answer, "http.error.refused",
                       kind:find("prohibited", 1, true)
                       and { 403, 502, 503, 504 } or { 502, 503, 504 })
          return
        end
        t:violation("http.connect.failure-status", "no answer came: " .. why,
                    { absence = why ~= "malformed" })
      end,
    }
  end
end

-- How long a proxy tries is its own affair: only what it says is judged.
for _, family in ipairs { 4, 6 } do
  scenario("http.connect.place-black-hole-ipv" .. family) {
    title    = "a place that is silent is reported as a failure, over IPv"
               .. family,
    checks   = { "http.error.timeout", "http.connect.success-real",
                 "http.connect.failure-status" },
    needs    = { "http-connect", "ipv" .. family, "network" },
    negative = true,
    within   = 25,
    run      = function (t)
      local place, c = t:place("black-hole", { family = family }), t:connect()
      c:send(http.connect { to = place })
      local answer, why = c:receive(http.response {}, 15)
      if answer then
        judge_status(t, answer, "http.error.timeout", { 504 })
        t:check(answer.status // 100 ~= 2, "http.error.timeout",
                "answered with " .. answer.status)
      elseif why ~= "silence" then
        t:violation("http.connect.failure-status", "no answer came: " .. why,
                    { absence = why ~= "malformed" })
      end
    end,
  }
end
