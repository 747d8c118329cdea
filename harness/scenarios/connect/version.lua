-- HTTP versions: RFC 9110 sections 2.5 and 6.2.

-- Whether the proxy asks an origin in HTTP/1.1.
local function asks_in_11(t)
  local x = t.target:has "http-forward" and t:exchange {}
  return x and x.request and x.request.version == "1.1"
end

-- Who speaks HTTP/1.0 alone cannot answer otherwise: RFC 9110 section 6.2.
scenario "http.version.of-answer" {
  title  = "HTTP/1.1 is answered with HTTP/1.1 by who speaks it",
  checks = { "http.version.downgrade" },
  needs  = { "http-connect" },
  run    = function (t)
    local id, o, c = "http.version.downgrade", t:origin(), t:connect()
    c:send(http.connect { to = o })
    local answer = t:expect(c, http.response {}, id, 5)
    t:check(answer.version == "1.1", id,
            "answered with HTTP/" .. answer.version,
            { contested = answer.version == "1.0" and not asks_in_11(t) })
  end,
}

scenario "http.version.of-answer-to-10" {
  title  = "HTTP/1.0 is answered with HTTP/1.1",
  checks = { "http.version.response", "http.interim.http10" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = o, version = "1.0" })
    local answer = c:receive(http.response {}, 5)
    t:check(not answer or answer.version == "1.1", "http.version.response",
            "answered with HTTP/" .. tostring(answer and answer.version),
            { contested = true })
  end,
}

-- What only an error shows: an answer of success has no content.
scenario "http.version.refused-to-10" {
  title    = "HTTP/1.0 is refused as HTTP/1.0 can read it",
  checks   = { "http.interim.http10", "http.framing.te-http10-client",
               "http.field.no-repeat" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 25,
  run      = function (t)
    local c = t:connect()
    c:send(http.connect { to = origin.closed, version = "1.0" })
    c:receive(http.response {}, 15)
  end,
}

scenario "http.version.minor-2" {
  title  = "HTTP/1.2 is served as the highest version known",
  checks = { "http.version.minor" },
  needs  = { "http-connect" },
  talk   = {
    C { http.connect { to = origin, version = "1.2" } },
    S { http.response { status = "2xx" }, within = 5 },
    O.accepts {},
  },
}

scenario "http.version.h2-preface" {
  title    = "the preface of HTTP/2 gets no answer of success",
  checks   = { "http.version.h2-preface" },
  needs    = { "http-connect" },
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    local answer = c:receive(http.response {}, 1)
    t:check(not answer or answer.status // 100 ~= 2, "http.version.h2-preface",
            "it was answered with success")
  end,
}
