-- Content, conditions, ranges and redirects that are none of a proxy's
-- business: RFC 9110 sections 7.5, 7.7, 8.4, 13.2, 14 and 15.4.

local BODIES = {
  { "html", "text/html", "<html><head><title>a</title></head><body>\r\n<b>b</b>"
    .. "<!-- c -->\n<script>var a = 1;</script>   </body></html>" },
  { "json", "application/json", '{ "a" : [ 1,  2 ] }' },
  { "css", "text/css", "a  {  color : #ff0000 ; }\n/* c */\n" },
  { "png", "image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1" },
  { "gif", "image/gif", "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4;" },
}

for _, case in ipairs(BODIES) do
  local name, kind, body = table.unpack(case)
  scenario("http.transform.none-" .. name) {
    title  = "content that is not to be transformed is not: " .. name,
    checks = { "http.transform.no-transform" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.transform.no-transform",
        answer = { body = body, fields = {
          { "Content-Type", kind }, { "Cache-Control", "no-transform" } } } }
      t:check(x.response.body == body, "http.transform.no-transform",
              "the client got " .. t:show(x.response.body))
    end,
  }
end

scenario "http.transform.label" {
  title  = "a coding that the proxy applies is told",
  checks = { "http.transform.coding-label" },
  needs  = { "http-forward" },
  run    = function (t)
    local body = ("compressible "):rep(500)
    local x = t:exchange { breaks = "http.transform.coding-label",
      fields = { { "Accept-Encoding", "gzip, deflate, br" } },
      answer = { body = body, fields = { { "Content-Type", "text/plain" } } } }
    t:check(x.response.body == body or x.response:field("content-encoding"),
            "http.transform.coding-label", "the client got "
            .. t:show(x.response.body) .. " and no Content-Encoding")
  end,
}

-- Who unpacks content takes its coding away, and the length follows.
scenario "http.transform.unpacked" {
  title    = "content in a coding stays in it as long as it is told to be",
  checks   = { "http.transform.allowed" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local packed = "\x1f\x8b\8\0\0\0\0\0\0\3\xcb\x48\xcd\xc9\xc9\7\0"
                   .. "\x86\xa6\x10\x36\5\0\0\0"
    local x = t:exchange { within = 3,
      fields = { { "Accept-Encoding", "gzip" } },
      answer = { body = packed, fields = {
        { "Content-Type", "text/plain" }, { "Content-Encoding", "gzip" } } } }
    local got = not x.is_own and x.response
    t:check(not got or not got:has("content-encoding", "gzip")
            or got.body:sub(1, 2) == packed:sub(1, 2), "http.transform.allowed",
            "the client got " .. t:show(got and got.body or "") .. " as gzip")
  end,
}

local CONDITIONS = {
  { "if-match", "If-Match", '"a", "b"' }, { "if-none-match", "If-None-Match", '"a"' },
  { "if-none-match-weak", "If-None-Match", 'W/"a"' },
  { "if-none-match-any", "If-None-Match", "*" },
  { "if-modified-since", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "if-unmodified-since", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "if-range", "If-Range", '"a"', "bytes=0-3" },
}

for _, case in ipairs(CONDITIONS) do
  local name, field, value, range = table.unpack(case)
  scenario("http.cond.forward-" .. name) {
    title  = "a condition is for the origin to judge: " .. field,
    checks = { "http.cond.forward" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.cond.forward", fields = {
        { field, value }, range and { "Range", range } } }
      local got = x.request:field(field)
      t:check(got == value, "http.cond.forward", string.format(
        "%s: %s arrived as %s", field, value, tostring(got)))
    end,
  }
end

scenario "http.range.other-unit" {
  title  = "a 206 of a unit that nobody knows comes back",
  checks = { "http.range.206-unknown", "http.range.unknown-unit" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.range.206-unknown",
      fields = { { "Range", "pages=1-2" } },
      answer = { status = 206, fields = { { "Content-Range", "pages 1-2/3" } } } }
    t:check(x.response.status == 206, "http.range.206-unknown",
            "206 came back as " .. x.response.status)
    local asked = x.request:field("range")
    t:check(not asked or asked == "pages=1-2", "http.range.unknown-unit",
            "the origin was asked for " .. tostring(asked))
  end,
}

for _, status in ipairs { 301, 302, 303, 307, 308 } do
  scenario("http.redirect.back-" .. status) {
    title  = "a redirect is the client's to follow: " .. status,
    checks = { "http.redirect.not-followed" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local other = t:witness {}
      local x = t:exchange { breaks = "http.redirect.not-followed", answer = {
        status = status, fields = { { "Location", other:url("/" .. t:nonce()) } } } }
      t:check(other:contacts() == 0, "http.redirect.not-followed",
              "the proxy went there itself")
      t:check(x.response.status == status, "http.redirect.not-followed",
              status .. " came back as " .. x.response.status)
    end,
  }
end

scenario "http.response.before-end" {
  title  = "a response that comes before the request's end is passed on",
  checks = { "http.response.early" },
  needs  = { "http-forward" },
  run    = function (t)
    local w, c = t:origin(), t:connect()
    c:send(http.request { to = w, path = "/" .. t:nonce(), method = "POST",
                          body = ("a"):rep(100),
                          fields = { { "Content-Length", "100000" } } })
    local up = w:accept(3)
    if not up then
      t:note("the request is buffered") -- which is not forbidden
      return
    end
    up:request { upto = "head" }
    up:send(http.answer { status = 403, body = "no" })
    local answer, why = c:response { method = "POST", within = 4 }
    t:check(answer, "http.response.early", "no response came: "
            .. tostring(why), { absence = true })
  end,
}
