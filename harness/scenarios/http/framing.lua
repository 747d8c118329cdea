-- Where a forwarded request ends: RFC 9112 section 6, RFC 9110 section 8.6.
-- Judged by what reached the origin: a refusal is always a sound answer to
-- framing that two recipients may read differently.

local CHUNKED = { "Transfer-Encoding", "chunked" }
local HELLO = "5\r\nhello\r\n0\r\n\r\n"

-- Sends a POST with these fields, and a plain request right behind it.
local function send(t, case)
  local w = case.origin or t:witness {}
  local out = t:outcome {
    origin = w, follow = true, within = 1.5,
    send = http.request { to = w, method = case.method or "POST",
                          version = case.version, path = "/" .. t:nonce(),
                          fields = case.fields, body = case.body or "hello" },
  }
  out.got = out.requests[1]
  return out
end

-- Whether the request behind it was answered or passed on.
local function is_followed(out)
  for _, request in ipairs(out.requests) do
    if (request.line or ""):find(out.follow, 1, true) then
      return true
    end
  end
  return false
end

-- What the origin was told of the framing.
local function framing_of(t, request)
  local lines = request:lines("content-length", "transfer-encoding")
  return #lines > 0 and t:show(table.concat(lines, " | ")) or "no framing field"
end

local function check_closed(t, id, out)
  t:check(out.client:ended(2), id, "the connection was not closed behind it",
          { absence = true })
end

-- What has to be refused, and a close behind it. A reset may have taken the
-- answer away (RFC 9112 section 9.6).
local function check_refused(t, id, out)
  if out.got then
    t:violation(id, "it reached the origin with " .. framing_of(t, out.got))
  elseif out.kind == "dropped" and out.client_end == "rst" then
    t:note("reset before an answer came")
  elseif out.kind ~= "refused" then
    t:violation(id, "it was not refused but " .. out.kind, { absence = true })
  else
    check_closed(t, id, out)
  end
end

-- Several families are made like this: one scenario a case, each of them
-- { name, fields, body … }.
local function family(prefix, title, checks, cases, judge)
  for _, case in ipairs(cases) do
    scenario(prefix .. case.name) {
      title  = title .. ": " .. case.name,
      checks = checks,
      needs  = { "http-forward" },
      within = 20,
      negative = true,
      run    = function (t)
        judge(t, case, send(t, case))
      end,
    }
  end
end

-- Content-Length and Transfer-Encoding ----------------------------------------

local BOTH = {
  { name = "short", length = "3" }, { name = "zero", length = "0" },
  { name = "exact", length = "15" }, { name = "content", length = "5" },
  { name = "long", length = "99" }, { name = "huge", length = "99999999" },
  { name = "put", length = "15", method = "PUT" },
  { name = "get", length = "15", method = "GET" },
  { name = "capitals", length = "15", coding = "CHUNKED" },
  { name = "length-first", length = "15", is_length_first = true },
}

for _, case in ipairs(BOTH) do
  local length = { "Content-Length", case.length }
  local coding = { "Transfer-Encoding", case.coding or "chunked" }
  case.fields = case.is_length_first and { length, coding }
                or { coding, length }
  case.body = HELLO
end

family("http.framing.both-",
  "a request with both framing fields goes on with one of them, or not at all",
  { "http.framing.te-cl-strip" }, BOTH,
  function (t, case, out)
    local got = out.got
    if got and not is_followed { requests = { got }, follow = out.follow } then
      t:check(not got:field("content-length") or not got:field("transfer-encoding"),
              "http.framing.te-cl-strip",
              "both reached the origin: " .. framing_of(t, got))
      t:check(not got.is_complete or got.body == "hello",
              "http.framing.te-cl-strip",
              "the origin read " .. t:show(got.body))
      -- Who reads the chunks knows how long the content is.
      local told = got:values("content-length")
      t:check(#told == 0 or (#told == 1 and told[1] == "5"),
              "http.framing.te-cl-strip",
              "of 5 octets the origin was told " .. framing_of(t, got))
    end
  end)

scenario "http.framing.both-closes" {
  title    = "nothing is served behind a request with both framing fields",
  checks   = { "http.framing.te-cl-close" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local out = send(t, { fields = BOTH[3].fields, body = HELLO })
    t:check(not is_followed(out), "http.framing.te-cl-close",
            "the request behind it was served")
    t:check(is_followed(out) or out.client:ended(10), "http.framing.te-cl-close",
            "the connection stayed open for 10 s", { absence = true })
  end,
}

scenario "http.framing.both-smuggled" {
  title    = "a request inside the content of one with both fields is not served",
  checks   = { "http.framing.te-cl-strip" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local w, evil = t:witness {}, t:nonce()
    local inner = "GET " .. w:url("/" .. evil) .. " HTTP/1.1\r\nHost: "
                  .. w.authority .. "\r\n\r\n"
    local body = "0\r\n\r\n" .. inner
    local out = t:outcome { origin = w, evil = evil, send = http.request {
      to = w, method = "POST", body = body,
      fields = { { "Content-Length", tostring(#body) }, CHUNKED } } }
    local got = out.requests[1]
    if got then
      t:check(not got:field("content-length") or not got:field("transfer-encoding"),
              "http.framing.te-cl-strip",
              "both reached the origin: " .. framing_of(t, got))
    end
  end,
}

-- Transfer codings ------------------------------------------------------------

local function codings(list)
  local cases = {}
  for _, row in ipairs(list) do
    local fields = {}
    for i = 2, #row do
      fields[#fields + 1] = { "Transfer-Encoding", row[i] }
    end
    cases[#cases + 1] = { name = row[1], fields = fields, body = HELLO,
                          contested = row.contested, status = row.status }
  end
  return cases
end

family("http.framing.not-final-",
  "a request whose last coding is not chunked is refused",
  { "http.framing.te-request-not-final" }, codings {
    { "gzip", "gzip" }, { "chunked-gzip", "chunked, gzip" },
    { "two-lines", "chunked", "gzip" }, { "deflate", "deflate" },
    { "chunked-deflate", "chunked,deflate" }, { "compress", "compress" },
    { "gzip-deflate", "gzip, deflate" },
    { "chunked-unknown", "chunked, foo" }, { "unknown", "foo" },
  }, function (t, case, out)
    check_refused(t, "http.framing.te-request-not-final", out)
  end)

-- Passed on as it is, who reads it decides what it is.
local function check_not_passed_on(t, id, out, options)
  local got = out.got
  local coding = got and got:field("transfer-encoding")
  t:check(not coding or coding:lower() == "chunked", id,
          "it reached the origin as " .. (got and framing_of(t, got) or ""),
          options)
end

family("http.framing.unknown-coding-",
  "a coding that nobody knows is not passed on",
  { "http.framing.te-unknown" }, codings {
    { "foo", "foo, chunked" }, { "two", "foo, bar, chunked" },
    { "two-lines", "foo", "chunked" }, { "parameter", "foo;a=b, chunked" },
    { "chunked-like", "chunked-2, chunked" },
  }, function (t, case, out)
    check_not_passed_on(t, "http.framing.te-unknown", out)
  end)

family("http.framing.identity-",
  "the retired coding identity is not passed on",
  { "http.framing.te-identity" }, {
    { name = "chunked", body = HELLO,
      fields = { { "Transfer-Encoding", "identity, chunked" } } },
  }, function (t, case, out)
    check_not_passed_on(t, "http.framing.te-identity", out,
                        { contested = true })
  end)

family("http.framing.coding-parameter-",
  "parameters of a compression are an error",
  { "http.framing.coding-params" }, codings {
    { "gzip", "gzip;x=1, chunked" }, { "deflate", "deflate;a=\"b\", chunked" },
  }, function (t, case, out)
    check_not_passed_on(t, "http.framing.coding-params", out)
  end)

family("http.chunked.parameter-", "parameters of chunked are an error",
  { "http.chunked.params" }, codings {
    { "one", "chunked;a=b" }, { "quoted", "chunked;a=\"b, c\"" },
    { "space", "chunked ; a=b" },
  }, function (t, case, out)
    check_not_passed_on(t, "http.chunked.params", out)
  end)

-- Near-misses, each beside a length that another recipient may go by.
local NEAR = {
  { name = "x-before", "xchunked" }, { name = "x-behind", "chunkedx" },
  { name = "hyphen", "chunked-" }, { name = "vertical-tab", "\vchunked" },
  { name = "form-feed", "\fchunked" }, { name = "vertical-tab-behind", "chunked\v" },
  { name = "nul-behind", "chunked\0" }, { name = "nul-before", "\0chunked" },
  { name = "nbsp-before", "\xA0chunked" }, { name = "quoted", "\"chunked\"" },
  { name = "single-quotes", "'chunked'" }, { name = "split", "chun ked" },
  { name = "bare-cr", "\rchunked" }, { name = "bare-cr-behind", "chunked\r" },
  { name = "semicolon", "chunked;" }, { name = "colon", ": chunked" },
  { name = "identity-chunked", "identity chunked" },
  { name = "chunk", "chunk" }, { name = "brackets", "[chunked]" },
  { name = "kelvin", "chun\xE2\x84\xAAed" },
}
for _, case in ipairs(NEAR) do
  case.fields = { { "Transfer-Encoding", case[1] }, { "Content-Length", "15" } }
  case.body = HELLO
end

family("http.framing.near-miss-",
  "a near-miss of chunked beside a length is not passed on",
  { "http.framing.te-obfuscated" }, NEAR,
  function (t, case, out)
    local got = out.got
    check_not_passed_on(t, "http.framing.te-obfuscated", out)
    t:check(not got or not got:field("content-length")
            or got:field("transfer-encoding") ~= "chunked",
            "http.framing.te-obfuscated",
            "both reached the origin: " .. (got and framing_of(t, got) or ""))
  end)

-- What is chunked once it is cleaned up.
local CLEANED = {
  { name = "leading-comma", line = ", chunked" },
  { name = "trailing-comma", line = "chunked," },
  { name = "tab-behind", line = "chunked\t" },
  { name = "tab-before", line = "\tchunked" },
  { name = "folded", line = "\r\n chunked" },
  { name = "folded-behind", line = "chunked\r\n " },
  { name = "empty", line = "" }, { name = "comma", line = "," },
  { name = "space-before-colon", line = "chunked", before = " " },
  { name = "tab-before-colon", line = "chunked", before = "\t" },
  { name = "empty-member", line = "chunked,," },
  { name = "many-commas", line = ",,,,chunked" },
}
for _, case in ipairs(CLEANED) do
  case.fields = { "Transfer-Encoding" .. (case.before or "") .. ": " .. case.line,
                  { "Content-Length", "15" } }
  case.body = HELLO
end

family("http.framing.cleaned-coding-",
  "chunked that needs cleaning up does not pass beside a length",
  { "http.framing.te-cl-strip", "http.parse.colon-space-request" }, CLEANED,
  function (t, case, out)
    local got = out.got
    t:check(not case.before or not got, "http.parse.colon-space-request",
            "it was forwarded")
    t:check(not got or not got:field("content-length")
            or not got:field("transfer-encoding"), "http.framing.te-cl-strip",
            "both reached the origin: " .. (got and framing_of(t, got) or ""))
  end)

family("http.framing.chunked-twice-",
  "chunked that is told twice is not passed on",
  { "http.framing.chunked-once" }, codings {
    { "list", "chunked, chunked" }, { "lines", "chunked", "chunked" },
    { "no-blank", "chunked,chunked" }, { "case", "chunked", "Chunked" },
  }, function (t, case, out)
    check_not_passed_on(t, "http.framing.chunked-once", out)
  end)

-- Whether the proxy takes plain chunked content at all.
local function takes_chunks(t)
  local x = t:exchange { method = "POST", body = "hello", chunked = true }
  return x.request and x.request.body == "hello" and not x.is_own
end

for _, coding in ipairs { "CHUNKED", "Chunked", "cHuNkEd" } do
  scenario("http.framing.case-" .. (coding:gsub("%u", function (c)
    return "u" .. c:lower() end))) {
    title  = "the case of chunked does not matter: " .. coding,
    checks = { "http.framing.te-case" },
    needs  = { "http-forward" },
    run    = function (t)
      if not takes_chunks(t) then
        t:skip("the proxy takes no chunked requests")
      end
      local x = t:exchange { method = "POST", body = HELLO,
                             breaks = "http.framing.te-case",
                             fields = { { "Transfer-Encoding", coding } } }
      t:check(x.request.body == "hello", "http.framing.te-case",
              "the origin got " .. t:show(x.request.body))
    end,
  }
end

for _, case in ipairs { { "gzip-first", "gzip", "chunked" },
                        { "two-codings", "gzip, deflate", "chunked" } } do
  scenario("http.framing.lines-" .. case[1]) {
    title    = "lines of Transfer-Encoding are one list: " .. case[1],
    checks   = { "http.framing.te-lines" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = send(t, { body = HELLO, fields = {
        { "Transfer-Encoding", case[2] }, { "Transfer-Encoding", case[3] } } })
      local got = out.got
      -- The content is not compressed: who decoded it would have failed.
      t:check(not got or got.body ~= "hello" or got:has("transfer-encoding", "gzip"),
              "http.framing.te-lines",
              "the origin was told " .. (got and framing_of(t, got) or ""))
    end,
  }
end

for _, case in ipairs { { "alone", {} },
                        { "keep-alive", { { "Connection", "keep-alive" } } } } do
  scenario("http.framing.http10-" .. case[1]) {
    title    = "nothing is served behind a chunked request of HTTP/1.0: " .. case[1],
    checks   = { "http.framing.te-http10-request" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = send(t, { version = "1.0", body = HELLO,
                            fields = { CHUNKED, table.unpack(case[2]) } })
      t:check(not is_followed(out), "http.framing.te-http10-request",
              "the request behind it was served")
    end,
  }
end

-- Content-Length --------------------------------------------------------------

local function lengths(list)
  local cases = {}
  for _, row in ipairs(list) do
    local fields = {}
    for i = 2, #row do
      fields[#fields + 1] = { "Content-Length", row[i] }
    end
    cases[#cases + 1] = { name = row[1], fields = fields, body = row.body,
                          contested = row.contested }
  end
  return cases
end

family("http.framing.length-", "a Content-Length that is no number is refused",
  { "http.framing.cl-invalid-request" }, lengths {
    { "empty", "" }, { "minus", "-5" }, { "minus-one", "-1" },
    { "minus-zero", "-0" }, { "plus", "+5" }, { "hex", "0x5" },
    { "two-words", "5 5" }, { "space-inside", "0 5" },
    { "letters-behind", "5abc" }, { "letters", "five" },
    { "exponent", "5e0" }, { "fraction", "5.0" }, { "point", "5." },
    { "underscore", "0_5" }, { "quoted", "\"5\"" }, { "semicolon", "5;a=b" },
    { "percent", "%35" }, { "binary", "0b101" }, { "octal", "0o5" },
    { "unicode", "\xD9\xA5" }, { "colon", ": 5" }, { "equals", "=5" },
    { "suffix", "5L" }, { "slash", "5/5" }, { "list-with-word", "5, x" },
    { "empty-and-number", "", "5" }, { "number-and-empty", "5", "" },
    { "number-and-word", "5", "x" }, { "number-and-plus", "5", "+5" },
    { "vertical-tab", "\v5" }, { "bare-cr", "5\r0" },
  }, function (t, case, out)
    check_refused(t, "http.framing.cl-invalid-request", out)
  end)

family("http.framing.lengths-", "lengths that differ are refused",
  { "http.framing.cl-conflict-request" }, lengths {
    { "list", "5, 6" }, { "list-no-space", "5,6" },
    { "lines", "5", "6" }, { "lines-down", "6", "5" },
    { "zero-first", "0", "5" }, { "zero-last", "5", "0" },
    { "three", "5", "5", "6" }, { "three-list", "5, 5, 6" },
    { "list-and-line", "5, 5", "6" }, { "far-apart", "5", "50" },
  }, function (t, case, out)
    check_refused(t, "http.framing.cl-conflict-request", out)
  end)

for _, case in ipairs { { "length", "cl-invalid-request", "five" },
                        { "lengths", "cl-conflict-request", "5, 6" } } do
  local id = "http.framing." .. case[2]
  scenario("http.framing." .. case[1] .. "-status") {
    title    = "the refusal of Content-Length: " .. case[3] .. " is a 400",
    checks   = { id },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = send(t, { fields = { { "Content-Length", case[3] } } })
      local is_reset = out.kind == "dropped" and out.client_end == "rst"
      t:check(is_reset or (out.kind == "refused" and out.status == 400), id,
              out.got and "it reached the origin"
              or "it was not answered with 400 but "
                 .. tostring(out.status or out.kind), { absence = not out.status })
    end,
  }
end

family("http.framing.same-length-", "one length that is told twice becomes one",
  { "http.framing.cl-repeat" }, lengths {
    { "list", "5, 5" }, { "list-no-space", "5,5" }, { "lines", "5", "5" },
    { "three-lines", "5", "5", "5" }, { "three-list", "5, 5, 5" },
    { "list-and-line", "5, 5", "5" },
  }, function (t, case, out)
    local got = out.got
    local told = got and got:values("content-length") or {}
    t:check(#told <= 1 and not (told[1] or ""):find(","),
            "http.framing.cl-repeat",
            "the origin was told " .. (got and framing_of(t, got) or ""))
  end)

-- What wraps to 5 in some width; none of it comes.
family("http.framing.big-", "a length is not cut to the bits of an integer",
  { "http.framing.cl-big" }, lengths {
    { "32-bits", "4294967301" }, { "33-bits", "8589934597" },
    { "64-bits", "18446744073709551621" }, { "65-bits", "36893488147419103237" },
    { "128-bits", "340282366920938463463374607431768211461" },
    { "64-bits-zeros", "00018446744073709551621" },
    -- Negative, or none at all, in some width.
    { "31-bits-more", "2147483648" }, { "32-bits-less", "4294967295" },
    { "32-bits-none", "4294967296" }, { "32-bits-minus-five", "4294967291" },
    { "63-bits-less", "9223372036854775807" },
    { "63-bits-more", "9223372036854775808" },
    { "64-bits-less", "18446744073709551615" },
    { "64-bits-none", "18446744073709551616" },
    { "64-bits-minus-five", "18446744073709551611" },
    { "float", "9007199254740993" },
  }, function (t, case, out)
    local got = out.got
    local told = got and got:field("content-length") or ""
    t:check(not is_followed(out), "http.framing.cl-big",
            "the request behind five octets of it was served")
    t:check(not got or not got.is_complete, "http.framing.cl-big",
            "the origin was told " .. (told == "" and "no length" or told))
    local sent = case.fields[1][2]
    t:check(told == "" or told:gsub("^0+", "") == sent:gsub("^0+", ""),
            "http.framing.cl-big", "the origin was told " .. told)
  end)

local function pipelined(t, first, second, length)
  local w = t:witness {}
  local out = t:outcome { origin = w, meant = 2, within = 3, send = {
    http.request { to = w, method = "POST", path = "/" .. t:nonce(), body = first,
                   fields = { { "Content-Length", length or tostring(#first) } } },
    http.request { to = w, method = "POST", path = "/" .. t:nonce(),
                   body = second } } }
  return out.requests, w
end

for _, case in ipairs {
  { "requests-inside", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "blank-lines", "\r\n\r\n\r\n" }, { "chunks-inside", "5\r\nhello\r\n0\r\n\r\n" },
  { "leading-zero", "0123456789", "010" }, { "zeros", "hello", "00000000005" },
  { "spaces", "hello", "   5   " }, { "tabs", "hello", "\t5\t" },
  { "one", "x" },
} do
  local name, body, length = table.unpack(case)
  scenario("http.framing.exact-" .. name) {
    title  = "content is as long as its Content-Length: " .. name,
    checks = { "http.framing.cl-exact" },
    needs  = { "http-forward" },
    run    = function (t)
      local got, w = pipelined(t, body, "second", length)
      t:check(not got[1] or got[1].is_complete, "http.framing.cl-exact",
              "its content did not come to the origin", { absence = true })
      t:check(not w.stray, "http.framing.cl-exact", "the origin got "
              .. t:show(w.stray or "") .. " for a request")
      for i, want in ipairs { body, "second" } do
        local request = got[i]
        t:check(not request or not request.is_complete or request.body == want,
                "http.framing.cl-exact", string.format(
                  "content %d reached the origin as %s", i,
                  t:show(request and request.body or "")))
      end
      t:check(#got <= 2, "http.framing.cl-exact", "two requests became " .. #got)
    end,
  }
end

for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH" } do
  scenario("http.framing.none-" .. method:lower()) {
    title  = "a " .. method .. " without framing fields has no content",
    checks = { "http.framing.none-request" },
    needs  = { "http-forward" },
    run    = function (t)
      local w = t:witness {}
      local out = t:outcome { origin = w, follow = true, within = 5,
                              send = http.request { to = w, method = method,
                                                    path = "/" .. t:nonce() } }
      t:check(out.kind ~= "silent", "http.framing.none-request",
              "it was not answered in 5 s", { absence = true })
      local got = out.got or out.requests[1]
      t:check(not got or got.body == "", "http.framing.none-request",
              "content reached the origin: " .. t:show(got and got.body or ""))
    end,
  }
end

-- Whatever the method, content is content: RFC 9110 section 9.3.1 gives it no
-- meaning in a GET, and a proxy passes it on with what tells its length, or
-- neither of them.
for _, method in ipairs { "GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "BREW" } do
  for _, case in ipairs { { "length", nil }, { "chunked", { 2 } } } do
    scenario("http.framing.content-of-" .. method:lower() .. "-" .. case[1]) {
      title    = "content of " .. method .. " goes on with its framing, or not "
                 .. "at all: " .. case[1],
      checks   = { "http.framing.cl-exact" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local id, w = "http.framing.cl-exact", t:witness {}
        local out = t:outcome { origin = w, follow = true, within = 2,
          send = http.request { to = w, method = method, body = "hello",
                                path = "/" .. t:nonce(), chunked = case[2] } }
        local got = out.requests[1]
        if got and got.method == method then
          t:check(got.is_complete, id, "its content did not come to the origin, "
                  .. "which was told " .. framing_of(t, got), { absence = true })
          t:check(not got.is_complete or got.body == "hello"
                  or (got.body == "" and #got:lines("content-length",
                                                   "transfer-encoding") == 0)
                  or got:field("content-length") == "0", id,
                  "the origin got the content " .. t:show(got.body))
        end
        t:check(#out.smuggled == 0, id,
                "the origin got another request: "
                .. t:show(out.smuggled[1] and out.smuggled[1].line or ""))
        t:check(not w.stray, id, "behind it the origin got "
                .. t:show(w.stray or ""))
      end,
    }
  end
end
