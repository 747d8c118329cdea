-- Fields that a proxy passes on: RFC 9110 sections 5, 6.6.1, 7.6 and 7.7.

local ODD_NAME = "X!#$%&'*+-.^_`|~0"

-- The same lines both ways: what the other side saw of them.
local function both_ways(t, id, fields, method)
  return t:exchange { fields = fields, breaks = id, method = method,
                      answer = { fields = fields } }
end

local function check_value(t, id, m, who, name, want)
  local got = m:field(name)
  return t:check(got == want, id, string.format(
    "%s saw %s: %s, not %s", who, name, tostring(got), want))
end

for _, case in ipairs { { "plain", "X-Unknown" }, { "odd-name", ODD_NAME },
                        { "one-letter", "Q" } } do
  local name = case[2]
  scenario("http.field.unknown-" .. case[1]) {
    title  = "a field that nobody knows is passed on: " .. name,
    checks = { "http.field.unknown-forward" },
    needs  = { "http-forward" },
    run    = function (t)
      local id, value = "http.field.unknown-forward", t:nonce()
      local x = both_ways(t, id, { { name, value } })
      check_value(t, id, x.request, "the origin", name, value)
      check_value(t, id, x.response, "the client", name, value)
    end,
  }
end

scenario "http.field.same-name" {
  title  = "lines of one name all come, and keep their order",
  checks = { "http.field.order-same", "http.field.unknown-forward",
             "http.field.combine" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.field.order-same"
    local x = both_ways(t, id, { { "X-A", "1" }, { "X-B", "x" }, { "X-A", "2" },
                                 { "X-C", "y" }, { "X-A", "3" } })
    for who, m in pairs { ["the origin"] = x.request,
                          ["the client"] = x.response } do
      local got = (m:field("x-a") or ""):gsub("%s", "")
      -- Joined lines are told apart by nothing but commas.
      local mark = got:match("1([^,])2") or got:match("2([^,])3")
      t:check(not mark, "http.field.combine", who .. " saw X-A: " .. got
              .. ", joined by " .. t:show(mark or ""))
      t:check(got == "1,2,3" or #got < 5 or mark, id,
              who .. " saw X-A: " .. got .. ", not 1,2,3")
      t:check(#got >= 5, "http.field.unknown-forward",
              who .. " saw X-A: " .. got .. " of 1,2,3")
    end
  end,
}

scenario "http.field.same-value" {
  title  = "lines of one name and one value all come",
  checks = { "http.field.unknown-forward" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.field.unknown-forward"
    local x = both_ways(t, id, { { "X-A", "1" }, { "X-A", "2" }, { "X-A", "1" },
                                 { "X-A", "1" } })
    for who, m in pairs { ["the origin"] = x.request,
                          ["the client"] = x.response } do
      local got = (m:field("x-a") or ""):gsub("%s", "")
      t:check(got == "1,2,1,1", id, who .. " saw X-A: " .. got
              .. ", not 1,2,1,1")
    end
  end,
}

scenario "http.field.set-cookie" {
  title  = "Set-Cookie lines are not joined",
  checks = { "http.field.set-cookie" },
  needs  = { "http-forward" },
  run    = function (t)
    local fields = {}
    for i = 1, 3 do
      fields[i] = { "Set-Cookie", "n" .. i
                    .. "=v; Expires=Wed, 21 Oct 2065 07:28:00 GMT" }
    end
    local x = t:exchange { breaks = "http.field.set-cookie",
                           answer = { fields = fields } }
    local got = x.response:values("set-cookie")
    t:check(#got == 3, "http.field.set-cookie",
            "3 lines were sent, " .. #got .. " arrived")
  end,
}

local SINGLE = { "host", "content-length", "content-type", "date", "location",
                 "user-agent", "etag", "last-modified" }

scenario "http.field.no-second-line" {
  title  = "the proxy adds no second line of what is no list",
  checks = { "http.field.no-repeat" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      method = "POST", body = "x", breaks = "http.field.no-repeat",
      fields = { { "Content-Type", "text/plain" }, { "User-Agent", "a" } },
      answer = { status = 201, fields = {
        { "Content-Type", "text/plain" }, { "Location", "/a" },
        { "ETag", "\"a\"" },
        { "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT" } } },
    }
    for who, m in pairs { ["the origin"] = x.request,
                          ["the client"] = x.response } do
      for _, name in ipairs(SINGLE) do
        local n = #m:values(name)
        t:check(n <= 1, "http.field.no-repeat",
                string.format("%s saw %d lines of %s", who, n, name))
      end
    end
  end,
}

-- Dates ------------------------------------------------------------------------

local IMF = "^%u%l%l, %d%d %u%l%l %d%d%d%d %d%d:%d%d:%d%d GMT$"

-- Whether the day is today's, or next to it: clocks differ. (What day of the week
-- it is they agree about.)
local function is_about_now(t, date)
  for days = -1, 1 do
    local day = t:http_date(days * 86400):match("%u%l%l, %d%d %u%l%l %d%d%d%d")
    if date:find(day, 1, true) then
      return true
    end
  end
  return not date:find(IMF)
end

-- An answer without Date.
local function undated(t, id)
  local nonce = t:nonce()
  return t:exchange { nonce = nonce, breaks = id, answer = {
    close = true, raw = "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
      .. "\r\nCache-Control: no-store\r\nConnection: close\r\n"
      .. "Content-Length: 2\r\n\r\nok" } }
end

scenario "http.field.date-missing" {
  title  = "a response without Date gets one",
  checks = { "http.field.date-add", "http.field.date-format" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = undated(t, "http.field.date-add")
    local date = x.response:field("date")
    t:check(date, "http.field.date-add", "the client saw no Date")
    t:check(not date or date:find(IMF), "http.field.date-format",
            "Date is " .. tostring(date))
    t:check(not date or is_about_now(t, date), "http.field.date-add",
            "the Date added is not that of today: " .. tostring(date))
  end,
}

-- It may be passed on as it is, and replaced by the time when it came.
scenario "http.field.date-invalid" {
  title    = "what comes in the place of an invalid Date is the time of receipt",
  checks   = { "http.field.date-fix", "http.field.date-format" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local x = t:exchange { within = 3,
                           answer = { fields = { { "Date", "yesterday" } } } }
    local got = not x.is_own and x.response and x.response:field("date")
    if got and got ~= "yesterday" then
      t:check(got:find(IMF), "http.field.date-format", "Date is " .. got)
      t:check(is_about_now(t, got), "http.field.date-fix",
              "the Date in its place is not that of today: " .. got)
    end
  end,
}

-- Who puts its own Date in the place of every one looks at none of them.
local function replaces_every_date(t)
  local date = t:http_date(-3600)
  local x = t:exchange { within = 3, answer = { fields = { { "Date", date } } } }
  return not x.is_own and x.response and x.response:field("date") ~= date
end

for _, case in ipairs {
  { "imf", "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "rfc850", "Sunday, 06-Nov-94 08:49:37 GMT" },
  { "asctime", "Sun Nov  6 08:49:37 1994" },
} do
  scenario("http.field.date-" .. case[1]) {
    title  = "a valid Date is not taken for an invalid one: " .. case[2],
    checks = { "http.field.date-accept" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.field.date-accept",
                             answer = { fields = { { "Date", case[2] } } } }
      local got = (x.response:field("date") or ""):gsub(" +", " ")
      local is_kept = got == case[2]:gsub(" +", " ")
                      or got == "Sun, 06 Nov 1994 08:49:37 GMT"
      t:check(is_kept, "http.field.date-accept", "the client saw Date: " .. got, {
        contested = not is_kept and replaces_every_date(t) })
    end,
  }
end

-- Fields about ends and resources ------------------------------------------

scenario "http.field.referer" {
  title  = "a Referer of the target's own site is left alone",
  checks = { "http.field.referer" },
  needs  = { "http-forward" },
  run    = function (t)
    local w = t:witness {}
    local referer = w:url("/page?" .. t:nonce())
    local x = t:exchange { origin = w, breaks = "http.field.referer",
                           fields = { { "Referer", referer } } }
    check_value(t, "http.field.referer", x.request, "the origin", "Referer",
                referer)
  end,
}

scenario "http.field.allow" {
  title  = "Allow is passed on as it is",
  checks = { "http.field.allow" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.field.allow", answer = {
      status = 405, fields = { { "Allow", "GET, BREW" } } } }
    check_value(t, "http.field.allow", x.response, "the client", "Allow",
                "GET, BREW")
  end,
}

for _, case in ipairs { { "none", {} }, { "one", { { "Vary", "X-A" } } } } do
  scenario("http.field.vary-" .. case[1]) {
    title  = "the proxy puts no star in Vary: " .. case[1],
    checks = { "http.field.vary-star" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.field.vary-star",
                             answer = { fields = case[2] } }
      t:check(not x.response:has("vary", "*"), "http.field.vary-star",
              "the client saw Vary: " .. tostring(x.response:field("vary")))
    end,
  }
end

local OF_REQUEST = {
  { "User-Agent", "proxyspec/1 (test)" }, { "Content-Type", "text/x-test" },
  { "Content-Language", "eo" }, { "Accept-Language", "eo" },
}
local OF_RESPONSE = {
  { "Server", "witness/1 (test)" }, { "ETag", "W/\"a\"" },
  { "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "Content-Type", "text/x-test; charset=utf-8" },
  { "Content-Location", "/elsewhere" }, { "Location", "/there?a=b" },
  { "Content-Language", "eo" },
}

scenario "http.field.ends" {
  title  = "fields about the ends and the resource are passed on as they are",
  checks = { "http.field.endpoint-info" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.field.endpoint-info"
    local x = t:exchange { method = "POST", body = "x", fields = OF_REQUEST,
                           breaks = id,
                           answer = { status = 201, fields = OF_RESPONSE } }
    for _, field in ipairs(OF_REQUEST) do
      check_value(t, id, x.request, "the origin", field[1], field[2])
    end
    for _, field in ipairs(OF_RESPONSE) do
      check_value(t, id, x.response, "the client", field[1], field[2])
    end
  end,
}

-- Look-alikes -----------------------------------------------------------------

for _, case in ipairs { { "transfer", "Transfer_Encoding", "chunked" },
                        { "length", "Content_Length", "3" } } do
  scenario("http.field.underscore-" .. case[1]) {
    title    = case[2] .. " is not taken for the field that it looks like",
    checks   = { "http.field.underscore" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { method = "POST", body = "hello", within = 3,
                             fields = { { case[2], case[3] } } }
      if x.request then
        t:check(x.request.body == "hello" or not x.request.is_complete,
                "http.field.underscore",
                "the origin got the body " .. t:show(x.request.body))
        t:check(x.request.framing ~= "chunked", "http.field.underscore",
                "the origin got it chunked", { contested = true })
        t:check(x.request.is_complete, "http.field.underscore",
                "the rest of the body was taken for something else",
                { absence = true })
      end
    end,
  }
end

-- Fields that specifications know, and that are none of a proxy's business; of
-- those that are true here it may think otherwise: Alt-Svc leads around it.
local KNOWN = {
  request = {
    { "Accept", "text/html;q=0.5, */*" }, { "Cookie", "a=b; c=\"d\"" },
    { "Authorization", "Basic eDp5" }, { "Origin", "http://example.com" },
    { "Pragma", "x-test" }, { "If-None-Match", '"a"' },
    { "Content-Encoding", "x-test" }, { "Content-Location", "/a" },
    { "Content-Disposition", "inline" }, { "Forwarded", "for=192.0.2.1" },
    { "X-Requested-With", "a" }, { "From", "a@example.com" },
    { "Access-Control-Request-Method", "PUT" }, { "DNT", "1" },
    { "Sec-Fetch-Mode", "cors" }, { "Prefer", "wait=10" },
    { "X-HTTP-Method-Override", "PUT" }, { "Want-Digest", "sha-256" },
    { "Accept-Encoding", "gzip" }, { "Accept-Charset", "x-test" },
    { "Date", "Sun, 06 Nov 1994 08:49:37 GMT" }, { "Content-Range", "bytes 0-4/9" },
    { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" }, { "Priority", "u=1, i" },
    { "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    { "Idempotency-Key", '"a"' }, { "Upgrade-Insecure-Requests", "1" },
    { "Referer", "http://example.com/a?b=c" }, { "X-Real-IP", "192.0.2.1" },
    { "Access-Control-Request-Headers", "x-a" },
    { "Last-Event-ID", "7" }, { "SOAPAction", '"urn:a#b"' }, { "Depth", "1" },
    { "Destination", "/b" }, { "Proxy-Features", "a", true }, { "X-Proxy-Id", "1" },
  },
  response = {
    { "Set-Cookie", "a=b; Path=/; HttpOnly" }, { "Expires", "0" },
    { "Pragma", "x-test" }, { "Retry-After", "120" }, { "Accept-Ranges", "bytes" },
    { "Content-Encoding", "x-test" }, { "Content-Disposition", "inline" },
    { "Link", "</a>; rel=next" }, { "WWW-Authenticate", "Basic realm=\"a\"" },
    { "Access-Control-Allow-Origin", "*" }, { "Refresh", "5" },
    { "Strict-Transport-Security", "max-age=1" }, { "X-Frame-Options", "DENY" },
    { "Content-Security-Policy", "default-src 'self'" }, { "Digest", "sha-256=a" },
    { "X-Powered-By", "a" }, { "Server-Timing", "a;dur=1" }, { "Alt-Svc", "clear", true },
    { "Allow", "GET, PUT" }, { "Content-Range", "bytes 0-1/2" },
    { "Cache-Control", "max-age=60, x-a=b" }, { "Age", "12" },
    { "X-Content-Type-Options", "nosniff" }, { "Clear-Site-Data", '"cache"' },
    { "Access-Control-Expose-Headers", "X-A" }, { "Timing-Allow-Origin", "*" },
    { "Report-To", '{"group":"a"}' }, { "X-Robots-Tag", "noindex" },
    { "Location", "/there?a=b;c" }, { "Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ==" },
    { "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT" }, { "DAV", "1, 2" },
    { "Proxy-Support", "a", true }, { "X-Proxy-Id", "1" }, { "P3P", 'CP="a b"' },
    { "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
    { "Set-Cookie2", 'a="b"; Version="1"' }, { "ETag", 'W/"a,b"' },
    { "Vary", "X-A" },
  },
}

for side, fields in pairs(KNOWN) do
  for _, field in ipairs(fields) do
    local name, value, is_contested = table.unpack(field)
    scenario("http.field.known-" .. side .. "-" .. name:lower()) {
      title  = "a field for the other end is passed on: " .. name .. ", " .. side,
      checks = { "http.field.unknown-forward" },
      needs  = { "http-forward" },
      run    = function (t)
        local id = "http.field.unknown-forward"
        local x = t:exchange { method = "POST", body = "hello", breaks = id,
          fields = side == "request" and { field } or nil,
          answer = side == "response" and { fields = { field } } or nil }
        local m = x[side]
        local found
        for _, one in ipairs(m:values(name)) do
          found = found or one:find(value, 1, true) -- others may stand beside it
        end
        t:check(found, id, string.format("%s: %s came through as %s", name, value,
                                         tostring(m:field(name))),
                { contested = is_contested or false })
      end,
    }
  end
end

-- Names, values and numbers of fields about which nothing is said ---------------

local ROOMY = {
  { "name-64", ("n"):rep(64), "1" }, { "name-65", ("n"):rep(65), "1" },
  { "name-128", ("n"):rep(128), "1" }, { "name-250", ("n"):rep(250), "1" },
  { "value-256", "X-Roomy", ("v"):rep(256) },
  { "value-1025", "X-Roomy", ("v"):rep(1025) },
  { "value-4097", "X-Roomy", ("v"):rep(4097) },
  { "authorization-5000", "Authorization", "Custom " .. ("v"):rep(5000) },
  { "colons", "X-Roomy", "a:b::c: d" }, { "quotes", "X-Roomy", "\"a, b\", 'c'" },
  { "separators", "X-Roomy", "a;b=c, d/e?f@g#h%i&j" },
  { "braces", "X-Roomy", "{\"a\": [1, 2]} <b> %s %n ${c}" },
  { "leading-colon", "X-Roomy", ":a" }, { "equals", "X-Roomy", "==" },
}
for name, side in pairs { Cookie = "request", ["Set-Cookie"] = "response",
                          Referer = "request", ["If-None-Match"] = "request" } do
  ROOMY[#ROOMY + 1] = { name:lower() .. "-4200", name,
                        "\"" .. ("v"):rep(4200) .. "=\"", side }
end

for _, case in ipairs(ROOMY) do
  local name, field, value, side = table.unpack(case)
  scenario("http.field.roomy-" .. name) {
    title  = "a field is refused or passes whole: " .. name,
    checks = { "http.field.unknown-forward" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.field.unknown-forward"
      local fields = { { field, value } }
      local x = t:exchange { fields = side ~= "response" and fields or nil,
        answer = { fields = side ~= "request" and fields or nil } }
      if x.request and side ~= "response" then
        t:check(x.request:field(field) == value, id, "the origin saw "
                .. t:show(tostring(x.request:field(field))))
      end
      if x.response and not x.is_own and side ~= "request" then
        t:check(x.response:field(field) == value, id, "the client saw "
                .. t:show(tostring(x.response:field(field))))
      end
    end,
  }
end

for _, count in ipairs { 65, 101 } do
  scenario("http.field.many-" .. count) {
    title  = count .. " fields are refused or pass, all of them",
    checks = { "http.field.unknown-forward" },
    needs  = { "http-forward" },
    run    = function (t)
      local id, fields = "http.field.unknown-forward", {}
      for i = 1, count do
        fields[i] = { "X-Many-" .. i, tostring(i) }
      end
      local x = t:exchange { fields = fields, answer = { fields = fields } }
      for who, m in pairs { ["the origin"] = x.request or false,
                            ["the client"] = not x.is_own and x.response or false } do
        for i = 1, m and count or 0 do
          t:check(m:field("x-many-" .. i) == tostring(i), id,
                  who .. " did not see field " .. i .. " of " .. count)
        end
      end
    end,
  }
end
