-- Trailers of forwarded messages: RFC 9112 section 7.1.2, RFC 9110 section 6.5.

local function credentials(t)
  return http.basic(t.target.user, t.target.password)
end

local FIELDS = {
  { "unknown", "X-Trailer", "v-1" }, { "content-length", "Content-Length", "3" },
  { "transfer-encoding", "Transfer-Encoding", "gzip" },
  { "host", "Host", "trailer.invalid" }, { "authorization", "Authorization", "Basic eDp5" },
  { "cookie", "Cookie", "trailer=1" }, { "content-type", "Content-Type", "x/trailer" },
  { "content-encoding", "Content-Encoding", "x-trailer" },
  { "cache-control", "Cache-Control", "max-age=77" },
  { "forwarded", "X-Forwarded-For", "192.0.2.77" },
}

-- Whether a head has this value of this name.
local function has_value(m, name, value)
  for _, one in ipairs(m:values(name)) do
    if one:find(value, 1, true) then
      return true
    end
  end
  return false
end

for _, case in ipairs(FIELDS) do
  local name, field, value = table.unpack(case)
  local id = "http.trailer.no-merge"
  scenario("http.trailer.request-" .. name) {
    title    = field .. " in the trailers of a request stays out of its head",
    checks   = { id },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { method = "POST", body = "hello", chunked = true,
                             within = 2, trailers = { { field, value } } }
      t:check(not x.request or not has_value(x.request, field, value), id,
              "the origin got it as a field: " .. field .. ": " .. value)
    end,
  }

  scenario("http.trailer.response-" .. name) {
    title    = field .. " in the trailers of a response stays out of its head",
    checks   = { id },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { within = 2, answer = {
        body = "hello", chunked = true, trailers = { { field, value } } } }
      local got = x.response or x.partial
      t:check(not got or not has_value(got, field, value), id,
              "the client got it as a field: " .. field .. ": " .. value)
    end,
  }
end

for _, way in ipairs { "request", "response" } do
  scenario("http.trailer.place-of-" .. way) {
    title  = "trailers that are kept are behind the last chunk of a " .. way,
    checks = { "http.trailer.separate" },
    needs  = { "http-forward" },
    run    = function (t)
      local value = t:nonce()
      local part = { body = "hello", chunked = { 2 },
                     trailers = { { "X-Trailer", value } } }
      local x = t:exchange(way == "response" and { answer = part } or {
        method = "POST", body = "hello", chunked = { 2 },
        trailers = part.trailers })
      local got = x[way]
      if got and not (way == "response" and x.is_own) then
        t:check(not got.head:find(value, 1, true)
                and not got.body:find(value, 1, true), "http.trailer.separate",
                "the trailer is in the " .. (got.head:find(value, 1, true)
                                             and "head" or "content"))
      end
    end,
  }
end

scenario "http.trailer.credentials" {
  title    = "credentials in trailers are none",
  checks   = { "http.trailer.late-control" },
  needs    = { "http-forward" },
  config   = "auth",
  negative = true,
  run      = function (t)
    local x = t:exchange {
      method = "POST", body = "hello", chunked = true, credentials = false,
      within = 2, trailers = { { "Proxy-Authorization", credentials(t) } } }
    t:check(not x.request, "http.trailer.late-control",
            "the request reached the origin with credentials in trailers alone")
  end,
}

scenario "http.trailer.connection-close" {
  title  = "Connection: close in trailers closes nothing",
  checks = { "http.trailer.late-control" },
  needs  = { "http-forward" },
  run    = function (t)
    local function ask(trailers, client)
      return t:exchange { method = "POST", body = "hello", chunked = true,
                          trailers = trailers, reuse = client, within = 3 }
    end
    local plain = ask({ { "X-Trailer", "v" } })
    if plain.is_own or plain:says_close() then
      t:skip("the connection does not persist without it")
    end
    local x = ask({ { "Connection", "close" } })
    t:check(not x.response or x.is_own or not x:says_close(),
            "http.trailer.late-control",
            "the response says close, because the trailers did",
            { contested = true })
  end,
}

-- Trailers that are none ------------------------------------------------------------

-- { name, requirements of a request and of a response, the line, what must not
-- come out }
local ODD = {
  { "fold", "http.parse.fold-request", "http.parse.fold-response",
    "X-T: a\r\n b", "a\r\n b" },
  { "cr", "http.parse.bare-cr-receive", "http.parse.bare-cr-receive",
    "X-T: a\rb", "a\rb" },
  { "cr-last", "http.parse.bare-cr-receive", "http.parse.bare-cr-receive",
    "X-T: ab\r", "ab\r\r" },
  { "nul", "http.parse.value-ctl", "http.parse.value-ctl", "X-T: a\0b", "a\0b" },
  { "space-before-colon", "http.parse.colon-space-request",
    "http.parse.colon-space-response", "X-T : a", "X-T :" },
}

for _, case in ipairs(ODD) do
  local name, of_request, of_response, line, odd = table.unpack(case)

  scenario("http.trailer.odd-request-" .. name) {
    title    = "a trailer that is none does not reach the origin: " .. name,
    checks   = { of_request },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { method = "POST", within = 2,
        fields = { { "Transfer-Encoding", "chunked" } },
        body = "5\r\nhello\r\n0\r\n" .. line .. "\r\n\r\n" }
      local raw = x.request and x.request.raw or ""
      t:check(not raw:find(odd, 1, true), of_request,
              "the origin got " .. t:show(odd))
    end,
  }

  scenario("http.trailer.odd-response-" .. name) {
    title    = "a trailer that is none does not reach the client: " .. name,
    checks   = { of_response },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { within = 2, answer = function (up, request)
        if request.version == "1.0" then
          up:send(http.answer { body = request.nonce })
        else
          up:send("HTTP/1.1 200 OK\r\nX-Witness: " .. request.nonce
                  .. "\r\nCache-Control: no-store\r\n"
                  .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
                  .. line .. "\r\n\r\n")
        end
        return true
      end }
      local got = x.response or x.partial
      local raw = got and got.raw or ""
      t:check(not raw:find(odd, 1, true), of_response,
              "the client got " .. t:show(odd))
    end,
  }
end

scenario "http.trailer.older-client" {
  title  = "trailers are no content for a client of HTTP/1.0",
  checks = { "http.trailer.separate" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { version = "1.0", answer = {
      body = "hello world", chunked = { 5 }, trailers = { { "X-T", "trailer" } } } }
    local got = x.response or x.partial
    t:check(not got or x.is_own or got.body == "hello world",
            "http.trailer.separate", "the client got the content "
            .. t:show(got and got.body or ""))
  end,
}
