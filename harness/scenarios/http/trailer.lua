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
