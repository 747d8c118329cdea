-- Expectations of requests that are forwarded: RFC 9110 section 10.1.1.

-- A POST with this expectation, whose body is held back.
local function head_of(to, value)
  return http.request { to = to, method = "POST", fields = {
    { "Expect", value or "100-continue" }, { "Content-Length", "5" } } }
end

scenario "http.expect.body-withheld" {
  title  = "who waits with a body is answered, or its head goes on",
  checks = { "http.expect.forward" },
  needs  = { "http-forward" },
  within = 20,
  run    = function (t)
    local w, c = t:witness {}, t:connect()
    c:send(head_of(w))
    local got = c:response { interim = true, method = "POST", within = 5 }
    t:check(got or w.requests[1], "http.expect.forward",
            "5 s and neither an answer nor a request at the origin",
            { absence = true })
  end,
}

for _, case in ipairs { { "length", nil }, { "chunked", { 1, 3 } } } do
  local name, chunked = table.unpack(case)
  scenario("http.expect.body-at-once-" .. name) {
    title  = "a body that does not wait for the 100 reaches the origin: " .. name,
    checks = { "http.expect.skip-100" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange {
        method = "POST", body = "hello", chunked = chunked,
        fields = { { "Expect", "100-continue" } },
      }
      if not x.is_own then -- it may refuse for another reason
        t:check(not x.why and x.request.body == "hello", "http.expect.skip-100",
                x.why or "the origin got another body", { absence = true })
      end
    end,
  }
end

-- What a POST with this expectation, its body withheld, gets first.
local function first_status(t, value)
  local c = t:connect()
  c:send(head_of(t:witness {}, value))
  local got = c:response { interim = true, method = "POST", within = 4 }
  return got and got.status
end

for _, case in ipairs { { "title", "100-Continue" }, { "upper", "100-CONTINUE" },
                        { "mixed", "100-cONTINUE" } } do
  local name, value = table.unpack(case)
  scenario("http.expect.case-" .. name) {
    title  = "case makes no difference: Expect: " .. value,
    checks = { "http.expect.case" },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      if first_status(t, "100-continue") ~= 100 then
        t:skip("no 100 comes in lower case either")
      end
      local got = first_status(t, value)
      t:check(got == 100, "http.expect.case", got
              and "answered with " .. got .. ", and 100-continue with 100"
              or "no answer, and 100-continue gets its 100",
              { absence = not got })
    end,
  }
end

for _, case in ipairs { { "get", "GET", "foo=bar" }, { "post", "POST", "foo" },
                        { "beside", "POST", "100-continue, foo" } } do
  local name, method, value = table.unpack(case)
  scenario("http.expect.unknown-" .. name) {
    title  = "an unknown expectation is passed on or refused: " .. value,
    checks = { "http.expect.unknown" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { method = method, fields = { { "Expect", value } },
                             body = method == "POST" and "hello" or nil }
      t:check(x.request or x.response, "http.expect.unknown",
              x.why or "no answer", { absence = true })
    end,
  }
end

scenario "http.expect.http10" {
  title  = "an expectation of HTTP/1.0 is no expectation",
  checks = { "http.expect.http10" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      method = "POST", body = "hello", version = "1.0",
      fields = { { "Expect", "100-continue" } },
      breaks = "http.expect.http10",
    }
    for _, one in ipairs(x.interim) do
      t:violation("http.expect.http10", "the client saw " .. one.line)
    end
  end,
}

scenario "http.expect.origin-dies" {
  title  = "behind a 100 comes an answer or the end, whatever the origin does",
  checks = { "http.expect.final-after-100" },
  needs  = { "http-forward" },
  within = 20,
  run    = function (t)
    local x = t:exchange {
      method = "POST", body = "hello", within = 10,
      fields = { { "Expect", "100-continue" } },
      answer = function (up)
        up:close()
        return false
      end,
    }
    t:check(x.response or x.what ~= "silence", "http.expect.final-after-100",
            "the origin closed behind its 100, and for 10 s nothing came",
            { absence = true })
  end,
}

-- Early answers ----------------------------------------------------------------

local function early(status)
  return function (up, request)
    up:send(http.answer { status = status, body = request.nonce,
                          fields = { { "X-Witness", request.nonce },
                                     { "Connection", "close" } } })
    up:close()
    return false
  end
end

for _, status in ipairs { 413, 417, 403, 200 } do
  scenario(string.format("http.expect.early-%d", status)) {
    title  = string.format("a %d before the body comes at once and tells "
                           .. "whether the connection goes on", status),
    checks = { "http.expect.early-final", "http.expect.own-100" },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      local id = "http.expect.early-final"
      local w, nonce = t:witness {}, t:nonce()
      local x = t:exchange {
        method = "POST", origin = w, nonce = nonce, answer_at = "head",
        send = http.request { to = w, method = "POST", path = "/" .. nonce,
                              fields = { { "Expect", "100-continue" },
                                         { "Content-Length", "5" } } },
        answer = early(status),
      }
      for _, one in ipairs(x.interim) do
        t:check(one.status ~= 100, "http.expect.own-100",
                "the proxy sent a 100 by itself", { contested = true })
      end
      if not x.request or #x.interim > 0 then
        return -- it answers by itself, or is right to wait for the body
      end
      t:check(x.response, id, "the origin answered " .. status
              .. " and the client got nothing",
              { absence = true, contested = true })
      if x.response and not x:says_close() then
        x.client:send("hello")
        local y = t:exchange { client = x.client }
        t:check(y.response and y.response.body == y.nonce, id,
                "the answer does not say close, and the connection is of no "
                .. "use behind the body", { absence = true })
      end
    end,
  }
end
