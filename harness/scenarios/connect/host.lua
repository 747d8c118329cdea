-- Host in a CONNECT: RFC 9112 sections 3.2 and 3.2.3.

-- The status of the answer; nil and why when none came.
local function answer_to(t, c, request)
  c:send(request)
  local answer, why = c:receive(http.response {}, 5)
  return answer and answer.status, why
end

-- RFC 9112 asks for 400 whatever the request-target. That the target names
-- the destination anyway is why many proxies do not look.
local IGNORED = { contested = true }

scenario "http.host.missing" {
  title    = "CONNECT of HTTP/1.1 without Host",
  checks   = { "http.host.missing" },
  needs    = { "http-connect" },
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    local status = answer_to(t, c, http.connect { to = o, host = false })
    t:check(status == 400, "http.host.missing",
            "answered with " .. tostring(status) .. ", not 400", IGNORED)
  end,
}

for _, is_same in ipairs { true, false } do
  scenario("http.host.two-" .. (is_same and "equal" or "different")) {
    title    = "two Host lines are answered with 400",
    checks   = { "http.host.multiple" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local o, other, c = t:origin(), t:origin(), t:connect()
      local second = is_same and o or other
      local status = answer_to(t, c, http.connect {
        to = o, malformed = true,
        fields = { { "Host", string.format("%s:%d", second.host, second.port) } },
      })
      t:check(not status or status // 100 ~= 2, "http.host.multiple",
              "a tunnel was granted")
      t:check(not o:accept(0.1) and not other:accept(0), "http.host.multiple",
              "it reached the origin")
    end,
  }
end

for _, case in ipairs {
  { "space", "a b" }, { "list", "a:1, b:2" }, { "path", "a/b" },
  { "user", "user@a" }, { "port", "a:x" }, { "bracket", "[::1" },
} do
  scenario("http.host.invalid-" .. case[1]) {
    title    = "a Host that is none: " .. case[2],
    checks   = { "http.host.invalid" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      local status = answer_to(t, c, http.connect { to = o, host = case[2],
                                                    malformed = true })
      t:check(status == 400, "http.host.invalid",
              "answered with " .. tostring(status) .. ", not 400", IGNORED)
    end,
  }
end

scenario "http.host.names-another" {
  title  = "the request-target alone names the destination",
  checks = { "http.host.connect" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, other, c = t:origin(), t:origin(), t:connect()
    answer_to(t, c, http.connect {
      to = o, host = string.format("%s:%d", other.host, other.port) })
    t:check(not other:accept(0.2), "http.host.connect",
            "what Host names was connected to")
  end,
}

scenario "http.host.without-port" {
  title  = "Host without the port of the target is served as well",
  checks = { "http.host.connect" },
  needs  = { "http-connect" },
  talk   = {
    C { http.connect { to = origin, host = origin.host } },
    S { http.response { status = "2xx" }, contested = true,
        why = "published examples have Host with and without the port" },
  },
}
