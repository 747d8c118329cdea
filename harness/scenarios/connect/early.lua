-- Octets that come right behind a CONNECT, before its answer.

-- RFC 9110 gives them no meaning: to refuse such a request is fine, and to
-- lose them in silence is told only.
scenario "http.connect.early-data" {
  title  = "octets in one write with CONNECT reach the destination",
  checks = { "http.connect.early-client-data", "http.connect.tunnel" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, c, early = t:origin(), t:connect(), t:nonce()
    c:send(http.connect { to = o }, early)
    local answer = c:receive(http.response {}, 5)
    if answer and answer.status // 100 ~= 2 then
      return
    end
    local up = t:accepted(o, "http.connect.early-client-data")
    local got = up:read(#early)
    t:check(got == early, "http.connect.early-client-data",
            "they did not arrive", { contested = true, absence = true })
    t:check(not up:read_some(0.2), "http.connect.early-client-data",
            "octets that nobody sent came to the destination")
    t:check(not c:read_some(0.1), "http.connect.tunnel",
            "octets came that the destination did not send")
  end,
}

-- Whether early octets are kept or lost, what comes later is not mixed up.
scenario "http.connect.early-data-order" {
  title  = "early octets do not change what follows them",
  checks = { "http.connect.blind" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, c = t:origin(), t:connect()
    local early, late = t:nonce(), t:nonce()
    c:send(http.connect { to = o }, early)
    local answer = c:receive(http.response {}, 5)
    if not answer or answer.status // 100 ~= 2 then
      return
    end
    local up = t:accepted(o, "http.connect.blind")
    c:send(late)
    c:shut()
    local got = up:read_end(5)
    if got then
      t:check(got == early .. late or got == late, "http.connect.blind",
              "the destination got " .. t:show(got))
    end
  end,
}
