-- TRACE that the proxy answers: RFC 9110 section 9.3.8.

local function trace(t, fields)
  table.insert(fields, { "Max-Forwards", "0" })
  return t:exchange { method = "TRACE", fields = fields, within = 3 }
end

-- Many proxies disable TRACE: only a 200 is looked at.
local function echo_of(x)
  return x.is_own and x.response.status == 200 and x.response.body or nil
end

scenario "http.trace.echo" {
  title    = "a TRACE that ends at the proxy is echoed as it came",
  checks   = { "http.trace.echo" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local mark = t:nonce()
    local x = trace(t, { { "X-Mark", mark } })
    local echo = echo_of(x)
    if not echo then
      t:skip("TRACE is not answered with an echo")
    end
    t:check(echo:find("TRACE ", 1, true) and echo:find(x.nonce, 1, true),
            "http.trace.echo", "the echo has no request-line")
    t:check(echo:find(mark, 1, true), "http.trace.echo",
            "a field of the request is missing in the echo")
  end,
}

scenario "http.trace.secrets" {
  title    = "the echo has no cookies and no credentials",
  checks   = { "http.trace.no-secrets" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local cookie, secret = t:nonce(), t:nonce()
    local x = trace(t, { { "Cookie", "id=" .. cookie },
                         { "Authorization", "Bearer " .. secret } })
    local echo = echo_of(x)
    if not echo then
      t:skip("TRACE is not answered with an echo")
    end
    t:check(not echo:find(cookie, 1, true), "http.trace.no-secrets",
            "the echo has the cookie")
    t:check(not echo:find(secret, 1, true), "http.trace.no-secrets",
            "the echo has the credentials in Authorization")
    local own = t.target.user and http.base64(t.target.user .. ":"
                                              .. t.target.password)
    t:check(not own or not echo:find(own, 1, true), "http.trace.no-secrets",
            "the echo has the credentials in Proxy-Authorization")
  end,
}

-- All that came, whatever it was.
for _, case in ipairs { { "1.1" }, { "1.0" } } do
  local version = case[1]
  scenario("http.trace.whole-" .. version:sub(3)) {
    title    = "the echo has the whole of a request of HTTP/" .. version,
    checks   = { "http.trace.echo" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local fields = { { "Max-Forwards", "0" } }
      for i = 1, 20 do
        fields[i + 1] = { "X-N-" .. i, t:nonce() }
      end
      fields[#fields + 1] = { "X-N-1", t:nonce() }
      local x = t:exchange { method = "TRACE", version = version,
                             fields = fields, within = 3 }
      local echo = echo_of(x)
      if not echo then
        t:skip("TRACE is not answered with an echo")
      end
      for i = 2, #fields do
        t:check(echo:find(fields[i][2], 1, true), "http.trace.echo",
                "the echo lacks line " .. i .. " of the fields")
      end
      if not x.response:field("via") then -- another proxy behind it saw its own
        t:check(echo:find("HTTP/" .. version .. "\r\n", 1, true),
                "http.trace.echo", "the echo has another version")
      end
      local kind = (x.response:field("content-type") or ""):lower()
      t:check(kind:find("^message/http"), "http.trace.echo",
              "the echo is " .. kind)
    end,
  }
end

for _, case in ipairs {
  { "lower-case", { "cookie", "authorization" } },
  { "upper-case", { "COOKIE", "AUTHORIZATION" } },
  { "twice", { "Cookie", "Cookie", "Authorization", "Authorization" } },
} do
  scenario("http.trace.secrets-" .. case[1]) {
    title    = "the echo has no secret, however it came: " .. case[1],
    checks   = { "http.trace.no-secrets" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local fields = {}
      for i, name in ipairs(case[2]) do
        fields[i] = { name, "Secret " .. t:nonce() }
      end
      local secrets = table.move(fields, 1, #fields, 1, {})
      local echo = echo_of(trace(t, fields))
      if not echo then
        t:skip("TRACE is not answered with an echo")
      end
      for _, field in ipairs(secrets) do
        t:check(not echo:find(field[2], 1, true), "http.trace.no-secrets",
                "the echo has " .. field[1])
      end
    end,
  }
end
