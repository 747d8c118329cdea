-- What is large or rare in a CONNECT: RFC 9110 sections 5.4 and 5.5, RFC 9112
-- section 3.

-- 400 and 431 are what many proxies say instead of 414. With a 5xx the proxy
-- has read the target and looked it up; a reset may have eaten the answer.
scenario "http.target.too-long" {
  title    = "a target of 64 KiB is looked up, or refused with 414",
  checks   = { "http.target.too-long" },
  needs    = { "http-connect" },
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send(http.connect { target = ("a"):rep(65536) .. ".invalid:80",
                          host = "a.invalid:80" })
    local answer = c:receive(http.response {}, 5)
    local status = answer and answer.status
    t:check(not status or status == 414 or status // 100 ~= 4,
            "http.target.too-long",
            "answered with " .. tostring(status) .. ", not 414",
            { contested = true })
  end,
}

-- A field of this size reaches the proxy in one piece: a refusal can be told.
for _, size in ipairs { 3000, 6000, 12000 } do
  scenario("http.limits.field-of-" .. size) {
    title  = string.format("a field of %d octets is taken, or refused aloud", size),
    checks = { "http.limits.defensive" },
    needs  = { "http-connect" },
    run    = function (t)
      local o, c = t:origin(), t:connect()
      c:send(http.connect { to = o, fields = { { "X-Long", ("a"):rep(size) } } })
      local answer, what = c:receive(http.response {}, 5)
      t:check(answer, "http.limits.defensive",
              "no answer came: " .. tostring(what),
              { absence = what ~= "malformed" })
    end,
  }
end

-- Fields may be refused for their size, but not passed over: the credentials
-- are the last of them.
scenario "http.limits.last-field" {
  title    = "of 12 KiB of fields the last is read, or they are refused",
  checks   = { "http.limits.fields-4xx" },
  needs    = { "http-connect", "http-basic" },
  config   = "auth",
  negative = true,
  run      = function (t)
    local c, fields = t:connect(), {}
    for i = 1, 24 do
      fields[i] = { "X-Filler-" .. i, ("a"):rep(512) }
    end
    fields[#fields + 1] = { "Proxy-Authorization",
                            http.basic(t.target.user, t.target.password) }
    c:send(http.connect { to = t:origin(), credentials = false,
                          fields = fields })
    local answer = c:receive(http.response {}, 5)
    t:check(not answer or answer.status ~= 407, "http.limits.fields-4xx",
            "the credentials behind many fields were not seen")
  end,
}

scenario "http.parse.obs-text" {
  title  = "octets 80 to FF may stand in a field's value",
  checks = { "http.parse.obs-text" },
  needs  = { "http-connect" },
  run    = function (t)
    local c, octets = t:connect(), {}
    for octet = 0x80, 0xFF do
      octets[#octets + 1] = string.char(octet)
    end
    c:send(http.connect { to = t:origin(), fields = {
      { "X-Octets", "a" .. table.concat(octets) .. "z" } } })
    t:expect(c, http.response { status = "2xx" }, "http.parse.obs-text", 5)
  end,
}
