-- Where the response of an origin ends: RFC 9112 section 6, RFC 9110 section
-- 8.6. A 502 is always a sound answer to framing that cannot be trusted.

local HELLO = "5\r\nhello\r\n0\r\n\r\n"

-- An exchange whose answer has these lines, and content; the rest is wishes.
-- Who asks in HTTP/1.0 gets no transfer coding: nothing is to be seen there.
local function answered(t, lines, content, wishes)
  wishes = wishes or {}
  local head = "HTTP/" .. (wishes.answer_version or "1.1") .. " 200 OK\r\n"
               .. "Cache-Control: no-store\r\n"
               .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               .. table.concat(lines, "\r\n") .. "\r\n"
  local is_coded = head:find("Transfer-Encoding", 1, true)
  local x = t:exchange {
    origin = wishes.origin, version = wishes.version, reuse = wishes.reuse,
    within = 2, answer = function (up, request)
      local mark = "X-Witness: " .. request.nonce .. "\r\n\r\n"
      if is_coded and request.version == "1.0" then
        up:send(http.answer { body = request.nonce })
      else
        up:send(head .. mark .. content)
      end
      return not wishes.close or up:close()
    end }
  if is_coded and x.request and x.request.version == "1.0" then
    t:skip("the proxy asks origins in HTTP/1.0, which knows no chunks")
  end
  return x, not x.is_own and x.response or nil
end

local function framing_of(m)
  return table.concat(m:lines("content-length", "transfer-encoding"), " | ")
end

-- Both fields -------------------------------------------------------------------

for name, case in pairs {
  ["short"] = { "Content-Length: 3" }, ["zero"] = { "Content-Length: 0" },
  ["exact"] = { "Content-Length: 15" }, ["long"] = { "Content-Length: 99" },
  ["content"] = { "Content-Length: 5" },
  ["capitals"] = { "Content-Length: 15", "Transfer-Encoding: CHUNKED" },
} do
  scenario("http.framing.response-both-" .. name) {
    title    = "a response with both framing fields goes on with one: " .. name,
    checks   = { "http.framing.te-cl-strip" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x, got = answered(t, { case[1], case[2]
                                            or "Transfer-Encoding: chunked" },
                              HELLO, { close = true })
      got = got or (not x.is_own and x.partial)
      if got and got.head then
        t:check(not got:field("content-length")
                or not got:field("transfer-encoding"),
                "http.framing.te-cl-strip",
                "both reached the client: " .. framing_of(got))
        t:check(not got.is_complete or got.body == "hello",
                "http.framing.te-cl-strip",
                "the client read " .. t:show(got.body))
        local told = got:values("content-length")
        t:check(#told == 0 or (#told == 1 and told[1] == "5"),
                "http.framing.te-cl-strip",
                "of 5 octets the client was told " .. framing_of(got))
      end
    end,
  }
end

-- Codings -----------------------------------------------------------------------

for name, coding in pairs { ["gzip"] = "gzip", ["unknown"] = "foo",
                            ["identity"] = "identity" } do
  scenario("http.framing.response-coding-" .. name) {
    title    = "a response in another coding ends with its connection: " .. name,
    checks   = { "http.framing.te-response-not-final",
                 "http.framing.chunked-last-response" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local x, got = answered(t, { "Transfer-Encoding: " .. coding },
                              "hello world", { close = true })
      -- The same coding and no chunks: nothing but a close can end it.
      local part = not x.is_own and (x.response or x.partial)
      local last = part and part.head
                   and (part:field("transfer-encoding") or ""):match("([^%s,]+)$")
      t:check(not last or last:lower() == "chunked" or x.client:ended(8),
              "http.framing.chunked-last-response",
              "a response in the coding " .. t:show(last or "")
              .. " came, and its connection stays open", { absence = true })
      t:check(not got or got.body == "hello world",
              "http.framing.te-response-not-final",
              "the client got " .. t:show(got and got.body or ""),
              { contested = got and not ("hello world"):find(got.body, 1, true) })
    end,
  }
end

scenario "http.framing.http10-response-reused" {
  title    = "the connection of a chunked HTTP/1.0 response is not used again",
  checks   = { "http.framing.te-http10-response" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local w = t:witness {}
    local x = answered(t, { "Transfer-Encoding: chunked",
                            "Connection: keep-alive" }, HELLO,
                       { answer_version = "1.0", origin = w, close = false })
    local y = t:exchange { origin = w, reuse = x.client, within = 2 }
    t:check(not x.origin or not y.request or y.origin ~= x.origin,
            "http.framing.te-http10-response",
            "the next request came on the same connection")
  end,
}

scenario "http.framing.http10-client" {
  title  = "chunks are decoded for a client of HTTP/1.0",
  checks = { "http.framing.te-http10-client" },
  needs  = { "http-forward" },
  run    = function (t)
    local x, got = answered(t, { "Transfer-Encoding: chunked" }, HELLO,
                            { version = "1.0", close = true })
    t:check(not got or not got:field("transfer-encoding"),
            "http.framing.te-http10-client", "the client got Transfer-Encoding")
    t:check(not got or not got.raw:find(HELLO, 1, true),
            "http.framing.te-http10-client", "the client got chunks")
  end,
}

scenario "http.framing.http10-client-length" {
  title  = "the length of what came in chunks is right, if it is told",
  checks = { "http.framing.cl-known-wrong" },
  needs  = { "http-forward" },
  run    = function (t)
    local x, got = answered(t, { "Transfer-Encoding: chunked" }, HELLO,
                            { version = "1.0", close = true })
    got = got or (not x.is_own and x.partial) or nil
    local told = got and got.head and got:field("content-length")
    t:check(not told or told == "5", "http.framing.cl-known-wrong",
            "5 octets came with Content-Length: " .. tostring(told))
  end,
}

scenario "http.framing.http10-origin" {
  title  = "an origin that answered in HTTP/1.0 gets no chunks",
  checks = { "http.framing.te-to-unknown-origin" },
  needs  = { "http-forward" },
  run    = function (t)
    local w = t:witness {}
    local x = t:exchange { origin = w, within = 3,
                           answer = { version = "1.0", close = true } }
    local y = t:exchange { origin = w, reuse = x.client, method = "POST",
                           body = "hello", chunked = true, within = 3 }
    t:check(not x.response or not y.request
            or not y.request:field("transfer-encoding"),
            "http.framing.te-to-unknown-origin",
            "the next request came in chunks")
  end,
}

-- Lengths -------------------------------------------------------------------------

local LENGTHS = {
  ["empty"] = { "" }, ["minus"] = { "-5" }, ["plus"] = { "+5" },
  ["hex"] = { "0x5" }, ["letters"] = { "5abc" }, ["word"] = { "five" },
  ["two-words"] = { "5 5" }, ["fraction"] = { "5.0" }, ["list"] = { "5, 6" },
  ["lines"] = { "5", "6" }, ["lines-down"] = { "6", "5" },
  ["zero-and-five"] = { "0", "5" }, ["three"] = { "5", "5", "6" },
  ["list-with-word"] = { "5, x" }, ["semicolon"] = { "5;a=b" },
}
for name, values in pairs(LENGTHS) do
  scenario("http.framing.response-length-" .. name) {
    title    = "a response whose length is not valid does not pass: " .. name,
    checks   = { "http.framing.cl-invalid-response" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local lines = {}
      for i, value in ipairs(values) do
        lines[i] = "Content-Length: " .. value
      end
      local x, got = answered(t, lines, "hello", { close = true })
      got = got or (not x.is_own and x.partial) or nil
      t:check(not got or not got.head or got.status // 100 ~= 2,
              "http.framing.cl-invalid-response",
              "the client got a response with "
              .. (got and got.head and framing_of(got) or ""))
    end,
  }
end

for name, values in pairs { ["list"] = { "5, 5" }, ["lines"] = { "5", "5" },
                            ["three"] = { "5", "5", "5" } } do
  scenario("http.framing.response-same-length-" .. name) {
    title    = "one length of a response that is told twice becomes one: " .. name,
    checks   = { "http.framing.cl-repeat" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local lines = {}
      for i, value in ipairs(values) do
        lines[i] = "Content-Length: " .. value
      end
      local x, got = answered(t, lines, "hello", { close = true })
      got = got or (not x.is_own and x.partial) or nil
      local told = got and got.head and got:values("content-length") or {}
      t:check(#told <= 1 and not (told[1] or ""):find(","),
              "http.framing.cl-repeat", "the client was told "
              .. table.concat(told, " | "))
    end,
  }
end

for name, case in pairs {
  ["leading-zero"] = { "010", "0123456789" }, ["zeros"] = { "00000000005", "hello" },
  ["spaces"] = { "   5   ", "hello" }, ["tabs"] = { "\t5\t", "hello" },
  ["response-inside"] = { "30", "HTTP/1.1 200 OK\r\nX-Evil: 1\r\n\r\n" .. "a" },
  ["chunks-inside"] = { "15", HELLO }, ["blank-lines"] = { "6", "\r\n\r\n\r\n" },
} do
  scenario("http.framing.response-exact-" .. name) {
    title  = "content of a response is as long as its Content-Length: " .. name,
    checks = { "http.framing.cl-exact" },
    needs  = { "http-forward" },
    run    = function (t)
      local length, content = table.unpack(case)
      length = name == "response-inside" and tostring(#content) or length
      local w = t:witness {}
      local x, got = answered(t, { "Content-Length: " .. length }, content,
                              { origin = w })
      t:check(not got or got.body == content, "http.framing.cl-exact",
              t:show(content) .. " came back as " .. t:show(got and got.body or ""))
      t:check(x.response, "http.framing.cl-exact", x.why or "no answer came",
              { absence = true })
      local y = t:exchange { origin = w, reuse = x.client, within = 3 }
      t:check(not y.response or y.is_own or y.response.body == y.nonce,
              "http.framing.cl-exact", "the next answer became "
              .. t:show(y.response and y.response.body or ""))
    end,
  }
end

-- A length that wraps in some width: all of it is 11 octets, and the end.
for name, length in pairs {
  ["32-bits"] = "4294967301", ["32-bits-none"] = "4294967296",
  ["31-bits-more"] = "2147483648", ["32-bits-less"] = "4294967295",
  ["63-bits-less"] = "9223372036854775807",
} do
  scenario("http.framing.response-big-" .. name) {
    title    = "the length of a response is not cut to an integer: " .. name,
    checks   = { "http.framing.cl-big" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x, got = answered(t, { "Content-Length: " .. length },
                              "hello world", { close = true })
      t:check(not got, "http.framing.cl-big", "of 11 octets of " .. length
              .. " the client got " .. #(got and got.body or "")
              .. ", as a whole response")
      local part = not x.is_own and x.partial
      local told = part and part.head and part:field("content-length")
      t:check(not told or told == length, "http.framing.cl-big",
              "the client was told " .. tostring(told))
    end,
  }
end

for _, coding in ipairs { "CHUNKED", "Chunked" } do
  scenario("http.framing.response-case-" .. (coding == "CHUNKED" and "upper"
                                             or "mixed")) {
    title  = "the case of chunked does not matter in a response: " .. coding,
    checks = { "http.framing.te-case" },
    needs  = { "http-forward" },
    run    = function (t)
      local _, plain = answered(t, { "Transfer-Encoding: chunked" }, HELLO)
      if not plain then
        t:skip("plain chunks do not come through")
      end
      local w = t:witness {}
      local x, got = answered(t, { "Transfer-Encoding: " .. coding }, HELLO,
                              { origin = w })
      t:check(got, "http.framing.te-case", x.why or "no answer came",
              { absence = true })
      t:check(not got or got.body == "hello", "http.framing.te-case",
              "the client got " .. t:show(got and got.body or ""))
    end,
  }
end

for name, length in pairs { ["64-bits"] = "18446744073709551621",
                            ["65-bits"] = "36893488147419103237",
                            ["128-bits"] =
                              "340282366920938463463374607431768211461" } do
  scenario("http.framing.response-big-" .. name) {
    title    = "the length of a response is not cut to an integer: " .. name,
    checks   = { "http.framing.cl-big" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local _, got = answered(t, { "Content-Length: " .. length },
                              "hello world", { close = true })
      t:check(not got or got.body ~= "hello", "http.framing.cl-big",
              "of 11 octets the client got 5, as a whole response")
    end,
  }
end

-- Beyond the response -------------------------------------------------------------

for name, case in pairs { ["glued"] = "Content-Length: 5",
                          ["behind-none"] = "Content-Length: 0" } do
  scenario("http.framing.second-response-" .. name) {
    title    = "a response that came unasked answers nothing: " .. name,
    checks   = { "http.framing.extra-response-data" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w, evil = t:witness {}, t:nonce()
      local content = name == "glued" and "hello" or ""
      local x = answered(t, { case }, content .. "HTTP/1.1 200 OK\r\n"
                         .. "X-Evil: " .. evil .. "\r\nContent-Length: 4\r\n\r\nevil",
                         { origin = w })
      local y = t:exchange { origin = w, reuse = x.client, within = 2 }
      local z = t:exchange { origin = w, within = 2 }
      for _, one in ipairs { y, z } do
        local got = one.response or one.partial
        t:check(not got or not got.raw:find(evil, 1, true),
                "http.framing.extra-response-data",
                "it became the answer to the next request")
      end
    end,
  }
end

-- What comes behind other responses, and on which the origin keeps quiet.
local ENDED = {
  { "head", "200 OK", "Content-Length: 1000", "", "HEAD" },
  { "204", "204 No Content", "X-A: 1", "" },
  { "304", "304 Not Modified", "ETag: \"a\"", "" },
  { "404", "404 Not Found", "Content-Length: 5", "hello" },
  { "chunked", "200 OK", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n" },
  { "trailers", "200 OK", "Transfer-Encoding: chunked",
    "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n" },
  { "second", "200 OK", "Content-Length: 5", "hello", nil, true },
}

for _, case in ipairs(ENDED) do
  local name, status, line, content, method, is_second = table.unpack(case, 1, 6)
  scenario("http.framing.second-response-of-" .. name) {
    title    = "a response that came unasked behind another kind answers "
               .. "nothing: " .. name,
    checks   = { "http.framing.extra-response-data" },
    needs    = { "http-forward" },
    negative = true,
    within   = 15,
    run      = function (t)
      local w, evil = t:witness {}, t:nonce()
      local client = is_second and t:exchange { origin = w }.client or nil
      local x = t:exchange { origin = w, reuse = client, method = method,
        within = 3, answer = function (up, request)
          if request.version == "1.0" then
            up:send(http.answer { body = request.nonce })
          else
            up:send("HTTP/1.1 " .. status .. "\r\nX-Witness: " .. request.nonce
                    .. "\r\nCache-Control: no-store\r\n" .. line .. "\r\n\r\n"
                    .. content .. "HTTP/1.1 200 OK\r\nX-Evil: " .. evil
                    .. "\r\nContent-Length: 4\r\n\r\nevil")
          end
          return true
        end }
      for i = 1, 3 do
        local y = t:exchange { origin = w, reuse = i == 1 and x.client or nil,
                               within = 2 }
        local got = y.response or y.partial
        t:check(not got or not got.raw:find(evil, 1, true),
                "http.framing.extra-response-data",
                "it became the answer to another request")
      end
    end,
  }
end
