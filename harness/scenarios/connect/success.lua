-- CONNECT that works, RFC 9110 section 9.3.6.

local KINDS = {
  { name = "ipv4", to = origin, id = "http.connect.tunnel", control = false },
  { name = "ipv6", to = origin.ipv6, id = "http.connect.ipv6" },
  { name = "name", to = origin.name, id = "http.connect.tunnel" },
}

for _, kind in ipairs(KINDS) do
  scenario("http.connect." .. kind.name) {
    title   = "a tunnel to a destination given as " .. kind.name,
    checks  = { kind.id, "http.connect.blind" },
    needs   = { "http-connect", kind.name },
    control = kind.control,
    talk    = {
      C { http.connect { to = kind.to } },
      S { http.response { status = "2xx" }, within = 10 },
      O.accepts {},
      C { nonce() },
      O { nonce(), breaks = "http.connect.blind" },
      O.sends { "answer to ", nonce() },
      S { "answer to ", nonce(), breaks = "http.connect.blind" },
    },
  }
end

scenario "http.connect.nothing-behind-2xx" {
  title  = "behind the 2xx come the destination's octets and nothing else",
  checks = { "http.connect.tunnel" },
  needs  = { "http-connect" },
  talk   = {
    C { http.connect { to = origin } },
    S { http.response { status = "2xx" }, within = 5 },
    O.accepts {},
    S.silent { within = 0.3 },
    O.sends { nonce() },
    S { nonce() },
  },
}

scenario "http.connect.no-framing-in-2xx" {
  title  = "a 2xx has neither Content-Length nor Transfer-Encoding",
  checks = { "http.connect.no-body-2xx" },
  needs  = { "http-connect" },
  run    = function (t)
    local c = t:connect()
    c:send(http.connect { to = t:origin() })
    local answer = t:expect(c, http.response { status = "2xx" },
                            "http.connect.no-body-2xx", 5)
    for _, field in ipairs(answer.fields) do
      t:check(field.name ~= "content-length"
              and field.name ~= "transfer-encoding",
              "http.connect.no-body-2xx",
              field.name .. ": " .. field.value .. " in the answer")
    end
  end,
}

-- Fields that have no meaning for a tunnel, or that must not trouble it.
local FIELDS = {
  { "if-match", "http.connect.conditional", "If-Match", "*" },
  { "if-none-match", "http.connect.conditional", "If-None-Match", "*" },
  { "if-unmodified-since", "http.connect.conditional", "If-Unmodified-Since",
    "Thu, 01 Jan 1970 00:00:00 GMT" },
}

for _, case in ipairs(FIELDS) do
  local name, id, field, value = table.unpack(case)
  scenario("http.connect.with-" .. name) {
    title  = field .. " is ignored for CONNECT",
    checks = { id },
    needs  = { "http-connect" },
    run    = function (t)
      local o, c = t:origin(), t:connect()
      c:send(http.connect { to = o, fields = { { field, value } } })
      local answer = c:receive(http.response {}, 5)
      t:check(not answer or (answer.status ~= 412 and answer.status ~= 304), id,
              "the proxy made a condition of it")
    end,
  }
end

scenario "http.connect.empty-list-members" {
  title  = "empty members of a list field are passed over",
  checks = { "http.parse.list-empty" },
  needs  = { "http-connect" },
  talk   = {
    C { http.connect { to = origin,
                       fields = { { "Connection", ",, keep-alive ,, ," } } } },
    S { http.response { status = "2xx" }, within = 5 },
    O.accepts {},
  },
}

scenario "http.connect.credentials-stay" {
  title  = "nothing of the request enters the tunnel",
  checks = { "http.connect.credentials-kept" },
  needs  = { "http-connect" },
  talk   = {
    C { http.connect { to = origin, fields = { { "X-Private", "secret" },
                                               { "User-Agent", "tester" } } } },
    S { http.response { status = "2xx" }, within = 5 },
    C { nonce() },
    O { nonce() },
  },
}

scenario "http.connect.http10" {
  title  = "CONNECT of HTTP/1.0 is served, or refused in proper form",
  checks = { "http.connect.http10" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, c = t:origin(), t:connect()
    local text = t:nonce()
    c:send(http.connect { to = o, version = "1.0", host = false })
    local answer, why = c:receive(http.response {}, 5)
    t:check(answer, "http.connect.http10",
            "no tunnel and no answer: " .. tostring(why),
            { absence = why ~= "malformed" })
    if answer and answer.status // 100 == 2 then
      local up = t:accepted(o, "http.connect.http10")
      c:send(text)
      t:check(up:read(#text) == text, "http.connect.http10",
              "the tunnel that was granted does not work")
    end
  end,
}

-- The first tunnel shows that the destination was there; then it is gone.
scenario "http.connect.twice" {
  title    = "an answer to CONNECT is not used again",
  checks   = { "http.connect.uncacheable" },
  needs    = { "http-connect" },
  negative = true,
  within   = 25,
  run      = function (t)
    for _ = 1, 2 do
      local o, c = t:origin(), t:connect()
      c:send(http.connect { to = o })
      local answer = c:receive(http.response {}, 5)
      if not answer or answer.status // 100 ~= 2 then
        return
      end
      t:check(o:accept(2), "http.connect.uncacheable",
              "a 2xx came without a connection")
    end
  end,
}
