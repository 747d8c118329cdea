-- Methods of forwarded requests: RFC 9110 sections 7.6 and 9, RFC 9112
-- section 3.

-- GET is what every other exchange is made of.
scenario "http.method.head" {
  title  = "HEAD works through the proxy",
  checks = { "http.method.get-head" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { method = "HEAD", breaks = "http.method.get-head" }
    t:check(x.request.method == "HEAD", "http.method.get-head",
            "HEAD became " .. t:show(x.request.method))
  end,
}

local METHODS = {
  { "post", "POST", "body" }, { "put", "PUT", "body" },
  { "patch", "PATCH", "body" }, { "delete", "DELETE" },
  { "propfind", "PROPFIND" }, { "query", "QUERY", "body" },
  { "brew", "BREW" }, { "pri", "PRI" }, { "m-search", "M-SEARCH" },
  { "of-30", ("ABCDEFGHIJ"):rep(3) }, { "of-100", ("ABCDEFGHIJ"):rep(10) },
  { "odd-token", "!#$%&'*+-.^_`|~0" }, { "digits", "123" },
}

-- That unknown methods go on is only what the text expects of a proxy.
for _, case in ipairs(METHODS) do
  local name, method, body = table.unpack(case)
  scenario("http.method.forward-" .. name) {
    title  = "a method that goes on is not changed: " .. method,
    checks = { "http.method.unknown" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { method = method, body = body, within = 3 }
      if x.request then
        t:check(x.request.method == method, "http.method.unknown",
                method .. " became " .. t:show(x.request.method))
      elseif name == "brew" then
        t:violation("http.method.unknown", x.why, { contested = true,
                                                    absence = true })
      end
    end,
  }
end

for _, case in ipairs { { "lower", "get" }, { "mixed", "Get" },
                        { "post", "pOST" }, { "head", "head" } } do
  local method = case[2]
  scenario("http.method.spelt-" .. case[1]) {
    title    = "methods are forwarded as they are spelt: " .. method,
    checks   = { "http.method.case" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local out = t:outcome { origin = w, within = 3, send = http.request {
        to = w, path = "/" .. t:nonce(), method = method,
        fields = { { "Content-Length", "0" } } } }
      local request = out.requests[1]
      t:check(not request or request.method == method, "http.method.case",
              method .. " became " .. (request and request.method or ""))
    end,
  }
end

for _, len in ipairs { 1000, 9000 } do
  scenario("http.method.too-long-" .. len) {
    title    = "a method that is too long gets 501: " .. len .. " octets",
    checks   = { "http.method.too-long" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local out = t:outcome { origin = w, within = 3, send = http.request {
        to = w, path = "/" .. t:nonce(), method = ("A"):rep(len) } }
      local status = out.status
      local is_of_length = status == 413 or status == 414 or status == 431
      t:check(#out.requests > 0 or not status or status == 501 or is_of_length,
              "http.method.too-long",
              "answered with " .. tostring(status) .. ", not 501")
    end,
  }
end

-- HEAD -----------------------------------------------------------------------

scenario "http.method.head-of-odd-origin" {
  title  = "content that an origin sends behind a HEAD is not passed on",
  checks = { "http.method.head-no-body" },
  needs  = { "http-forward" },
  run    = function (t)
    local evil = t:nonce()
    local x = t:exchange { method = "HEAD", within = 3, answer = {
      close = true, raw = "HTTP/1.1 200 OK\r\nContent-Length: " .. #evil
                          .. "\r\nConnection: close\r\n\r\n" .. evil } }
    local more = x.client:read_some(0.5) or ""
    t:check(not more:find(evil, 1, true), "http.method.head-no-body",
            "the client got " .. t:show(more))
  end,
}

scenario "http.method.head-refused" {
  title  = "the proxy's own error for HEAD ends with its head",
  checks = { "http.method.head-no-body" },
  needs  = { "http-forward" },
  run    = function (t)
    local c = t:connect()
    c:send(http.request { to = origin.closed, method = "HEAD",
                          path = "/" .. t:nonce() })
    local answer = c:response { method = "HEAD", within = 5 }
    if answer and answer.status >= 400 then
      local more = c:read_some(0.3)
      t:check(not more or more:find("^HTTP/"), "http.method.head-no-body",
              "behind the head came " .. t:show(more or ""))
    end
  end,
}

scenario "http.method.head-as-get" {
  title  = "HEAD is answered with the fields that GET would have",
  checks = { "http.method.head-fields" },
  needs  = { "http-forward" },
  run    = function (t)
    local fields = { { "Content-Type", "text/x-" .. t:nonce() },
                     { "ETag", '"' .. t:nonce() .. '"' },
                     { "Content-Length", "1234" } }
    local x = t:exchange { method = "HEAD", breaks = "http.method.head-fields",
                           answer = { fields = fields } }
    for _, field in ipairs(fields) do
      t:check(x.response:field(field[1]) == field[2], "http.method.head-fields",
              string.format("%s is %s, not %s", field[1],
                            tostring(x.response:field(field[1])), field[2]))
    end
  end,
}

-- Names that only begin like, or are only spelt like, one that means something:
-- another method may have content, both ways.
for name, method in pairs {
  header = "HEADER", hea = "HEA", head = "head", ["head-title"] = "Head",
  getx = "GETX", ge = "GE", get = "get", connectx = "CONNECTX",
  connect = "connect", tracer = "TRACER", optionsx = "OPTIONSX",
  options = "options", postx = "POSTX", deleted = "DELETED", xhead = "XHEAD",
} do
  scenario("http.method.other-" .. name) {
    title    = "a method that is another one than it looks like: " .. method,
    checks   = { "http.method.case" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local x = t:exchange { origin = w, method = method, body = "hello",
                             within = 3, answer = function (up, request)
        up:send(http.answer { body = "content of " .. request.nonce, fields = {
          { "X-Witness", request.nonce }, { "Connection", "close" } } })
        up:close()
        return false
      end }
      if not x.request or x.is_own then
        return -- it may be refused
      end
      t:check(x.request.method == method, "http.method.case",
              method .. " became " .. t:show(x.request.method))
      t:check(x.request.body == "hello", "http.method.case",
              "the origin got the content " .. t:show(x.request.body))
      t:check(x.response and x.response.body == "content of " .. x.nonce,
              "http.method.case", "the client got "
              .. t:show(x.response and x.response.body or tostring(x.why)),
              { absence = x.response == nil })
    end,
  }
end
