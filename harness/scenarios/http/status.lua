-- Status codes that pass through: RFC 9112 section 4, RFC 9110 section 15.

-- An answer that begins with this line.
local function answer_with(t, line)
  local nonce = t:nonce()
  return t:exchange { nonce = nonce, within = 3, answer = { close = true, raw =
    line .. "\r\nX-Witness: " .. nonce .. "\r\nContent-Length: " .. #nonce
    .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-store\r\n"
    .. "Connection: close\r\n\r\n" .. nonce } }
end

for _, case in ipairs { { "empty", "HTTP/1.1 200 " }, { "none", "HTTP/1.1 200" },
                        { "empty-of-404", "HTTP/1.1 404 " } } do
  scenario("http.status.reason-" .. case[1]) {
    title    = "a space stands behind the code though no reason does: " .. case[1],
    checks   = { "http.status.sp" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = answer_with(t, case[2])
      t:check(not x.response or x.response.line:find("^HTTP/1%.%d %d%d%d "),
              "http.status.sp", "the client saw "
              .. t:show(x.response and x.response.line or ""))
    end,
  }
end

for _, case in ipairs {
  { "two-digits", "20" }, { "four-digits", "2000" }, { "letters", "abc" },
  { "sign", "+200" }, { "letter-behind", "200x" }, { "point", "200.1" },
  { "wrapped-16-bits", "65736" }, { "wrapped-8-bits", "456" .. "0" },
  { "wrapped-32-bits", "4294967496" }, { "minus", "-200" }, { "hex", "0xc8" },
  { "leading-zero", "0200" }, { "nothing", "" }, { "three-words", "2 0 0" },
} do
  local name, code = table.unpack(case)
  scenario("http.status.odd-" .. name) {
    title    = "what is no status code does not come back as it is: " .. code,
    checks   = { "http.status.syntax" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = answer_with(t, "HTTP/1.1 " .. code .. " OK")
      local line = x.response and x.response.line or ""
      -- Who passes on what it received generates nothing (RFC 9110, 2.2).
      t:check(x.what ~= "malformed"
              and (code == "" or not line:find(" " .. code .. " ", 1, true)),
              "http.status.syntax", "the client saw " .. code,
              { contested = true })
      -- Made something else of it, and the content came along.
      -- To read the first digits, or a number, is only lenient.
      local got = x.response
      t:check(not got or got.body ~= x.nonce or got.status // 100 > 3,
              "http.status.syntax", string.format("%s became %s", t:show(code),
                                                  got and got.status or ""),
              { contested = not name:find("wrapped", 1, true) })
    end,
  }
end

local CODES = {
  { 201, 202, 203, 208, 226, 299 },
  { 300, 301, 302, 303, 307, 308, 399 },
  { 400, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416,
    417, 418, 421, 422, 423, 424, 425, 428, 429, 431, 451, 471, 499 },
  { 500, 501, 502, 503, 504, 505, 507, 508, 510, 511, 599 },
}

for i, codes in ipairs(CODES) do
  scenario("http.status.kept-" .. i + 1 .. "xx") {
    title  = "the code of an origin's response is kept: " .. i + 1 .. "xx",
    checks = { "http.status.unknown-forward" },
    needs  = { "http-forward" },
    within = 60,
    run    = function (t)
      local client
      for _, code in ipairs(codes) do
        local x = t:exchange { within = 3, reuse = client, answer = {
          status = code,
          fields = { { "Location", "/a" }, { "Allow", "GET" } } } }
        client = x.client
        local got = x.response and x.response.status
        t:check(not got or got == code, "http.status.unknown-forward",
                string.format("%d came back as %s", code, tostring(got)),
                { contested = x.is_own })
      end
    end,
  }
end

scenario "http.status.unauthorized" {
  title  = "an origin's 401 stays one",
  checks = { "http.status.401-kept" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.status.401-kept", answer = {
      status = 401, fields = { { "WWW-Authenticate", 'Basic realm="o"' } } } }
    t:check(x.response.status == 401, "http.status.401-kept",
            "401 came back as " .. x.response.status)
    t:check(x.response:field("www-authenticate"), "http.status.401-kept",
            "its challenge was lost")
  end,
}

scenario "http.status.not-modified" {
  title  = "a 304 to the client's own condition comes back",
  checks = { "http.status.304-forward" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.status.304-forward",
      fields = { { "If-None-Match", '"a"' } },
      answer = { status = 304, bare = true, body = "", fields = {
        { "ETag", '"a"' }, { "Date", "Sun, 06 Nov 1994 08:49:37 GMT" } } } }
    t:check(x.response.status == 304, "http.status.304-forward",
            "304 came back as " .. x.response.status)
  end,
}

-- The length of none, or none in chunks.
for _, case in ipairs { { "length", nil }, { "chunked", true } } do
  scenario("http.status.reset-content-" .. case[1]) {
    title    = "a 205 that came without content has none: " .. case[1],
    checks   = { "http.status.205" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { within = 3, answer = {
        status = 205, body = "", chunked = case[2] } }
      local got = not x.is_own and (x.response or x.partial)
      t:check(not got or got.status ~= 205 or (got.body or "") == "",
              "http.status.205", "the client got a 205 with "
              .. t:show(got and got.body or ""))
    end,
  }
end
