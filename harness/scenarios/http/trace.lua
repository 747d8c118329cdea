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
