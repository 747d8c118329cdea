-- Connections that go on behind a response, and those that do not: RFC 9110
-- sections 3.3 and 7.6.1, RFC 9112 section 9.3.

local DATE = { "Date", "Sun, 06 Nov 1994 08:49:37 GMT" }

-- What may come before another request on the same connection.
local BEFORE = {
  { "get", {} },
  { "head", { method = "HEAD", answer = {
      fields = { { "Content-Length", "1000" } } } } },
  { "post", { method = "POST", body = "hello" } },
  { "post-chunked", { method = "POST", body = "hello", chunked = { 2 } } },
  { "chunked", { answer = { chunked = { 5 } } } },
  { "trailers", { answer = { chunked = { 5 }, trailers = { { "X-T", "1" } } } } },
  { "empty", { answer = { body = "" } } },
  { "204", { answer = { status = 204, bare = true, body = "",
                        fields = { DATE } } } },
  { "304", { answer = { status = 304, bare = true, body = "",
                        fields = { DATE, { "ETag", '"a"' } } } } },
  { "404", { answer = { status = 404 } } },
  { "503", { answer = { status = 503 } } },
  { "origin-closes", { answer = { close = true, fields = {
      { "Connection", "close" } } } } },
}

-- What is in the first exchange of a connection and in no other.
local MARKS = {
  request = {
    { "X-Before", "4711" }, { "Cookie", "before=4711" },
    { "Authorization", "Custom before=4711" }, { "If-None-Match", "\"4711\"" },
    { "If-Modified-Since", "Sun, 06 Nov 1994 08:47:11 GMT" },
    { "Referer", "http://example.com/4711" }, { "Content-Type", "text/x-4711" },
    { "Accept-Language", "eo-x-4711" }, { "User-Agent", "before/4711" },
  },
  response = {
    { "X-Before", "4711" }, { "Set-Cookie", "before=4711" },
    { "ETag", "\"4711\"" }, { "Content-Language", "eo-x-4711" },
    { "Content-Encoding", "x-4711" }, { "Content-Type", "text/x-4711" },
    { "Last-Modified", "Sun, 06 Nov 1994 08:47:11 GMT" },
    { "Location", "/4711" }, { "Retry-After", "4711" }, { "Vary", "X-4711" },
  },
}

local function marked(answer)
  local out = {}
  for name, value in pairs(answer or {}) do
    out[name] = value
  end
  local fields = out.fields or {}
  out.fields = table.move(fields, 1, #fields, #MARKS.response + 1,
                          { table.unpack(MARKS.response) })
  return out
end

-- That nothing of the exchange before is in this one, and all of its own.
local function check_separate(t, y, method, body)
  local id = "http.persist.separate"
  t:check(y.request.method == method, id,
          method .. " became " .. t:show(y.request.method))
  t:check(y.request.body == body, id,
          "the origin got the content " .. t:show(y.request.body))
  t:check(y.response.status == 200, id,
          "200 came back as " .. y.response.status)
  for side, who in pairs { request = "the origin", response = "the client" } do
    for _, mark in ipairs(MARKS[side]) do
      t:check(y[side]:field(mark[1]) ~= mark[2], id, string.format(
        "%s saw %s of the exchange before", who, mark[1]))
    end
  end
end

for _, case in ipairs(BEFORE) do
  local name, wishes = table.unpack(case)
  scenario("http.persist.behind-" .. name) {
    title  = "another request behind " .. name:gsub("-", " ")
             .. " gets its own answer",
    checks = { "http.persist.default", "http.persist.separate" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local id, w = "http.persist.default", t:witness {}
      local x = t:exchange {
        method = wishes.method, body = wishes.body, chunked = wishes.chunked,
        origin = w, fields = MARKS.request, answer = marked(wishes.answer),
      }
      local y = t:exchange { origin = w, reuse = x.client, breaks = id }
      t:check(y.response.body == y.nonce, id,
              "the second request got another answer")
      check_separate(t, y, "GET", "")
    end,
  }
end

-- The same as the second exchange, between two plain ones.
for _, case in ipairs(BEFORE) do
  local name, wishes = table.unpack(case)
  scenario("http.persist.second-" .. name) {
    title  = "a second exchange comes through as it would alone: "
             .. name:gsub("-", " "),
    checks = { "http.persist.default", "http.persist.separate" },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      local id, w = "http.persist.separate", t:witness {}
      local function ask(client)
        return t:exchange {
          method = wishes.method, body = wishes.body, chunked = wishes.chunked,
          origin = w, reuse = client, answer = wishes.answer,
        }
      end
      local alone = ask(nil)
      if alone.why then
        t:skip("it does not come through alone: " .. alone.why)
      end
      local x = t:exchange { origin = w, breaks = "http.persist.default" }
      local y = ask(x.client)
      t:check(not y.why, id, y.why or "", { absence = y.what ~= "malformed" })
      if y.why then
        return
      end
      local body = wishes.answer and wishes.answer.body or y.nonce
      t:check(y.request.body == (wishes.body or ""), id,
              "the origin got the content " .. t:show(y.request.body))
      t:check(y.response.status == alone.response.status, id, string.format(
        "%d came back as %d", alone.response.status, y.response.status))
      t:check(wishes.method == "HEAD" or y.response.body == body, id,
              "the client got the content " .. t:show(y.response.body))
      local z = t:exchange { origin = w, reuse = y.client,
                             breaks = "http.persist.default" }
      t:check(z.response.body == z.nonce, id,
              "the request behind it got another answer")
    end,
  }
end

-- 70000 octets, of every value and in no short period.
local LARGE = {}
for i = 1, 70000 do
  LARGE[i] = string.char((i * i // 7 + i) % 256)
end
LARGE = table.concat(LARGE)

-- What may come as the second one.
for _, case in ipairs {
  { "get", "GET" }, { "head", "HEAD" }, { "post", "POST", "hello" },
  { "put-chunked", "PUT", "hello", { 2 } }, { "delete", "DELETE" },
  { "post-empty", "POST", "" }, { "post-chunked", "POST", LARGE,
                                  { 1, 4096, 60000 } },
  { "put-trailers", "PUT", "hello", { 2 },
    { { "X-T", "1" }, { "X-U", "2" }, { "X-V", "3" } } },
} do
  local name, method, body, chunked, trailers = table.unpack(case, 1, 5)
  scenario("http.persist.then-" .. name) {
    title  = "the second request of a connection is like the first: " .. name,
    checks = { "http.persist.default", "http.persist.separate" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local id, w = "http.persist.default", t:witness {}
      local function ask(client)
        return t:exchange { origin = w, reuse = client, method = method,
                            body = body, chunked = chunked,
                            trailers = trailers, breaks = client and id }
      end
      local alone = ask(nil)
      if alone.why then
        t:skip("a first one does not come through: " .. alone.why)
      end
      local x = t:exchange { origin = w, fields = MARKS.request,
                             answer = marked(nil) }
      local y = ask(x.client)
      t:check(method == "HEAD" or y.response.body == y.nonce, id,
              "the second request got another answer")
      check_separate(t, y, method, body or "")
      local z = t:exchange { origin = w, reuse = y.client, breaks = id }
      t:check(z.response.body == z.nonce and z.request.method == "GET", id,
              "the request behind it got another answer")
    end,
  }
end

scenario "http.persist.ten" {
  title  = "ten requests on one connection, or on those that follow",
  checks = { "http.persist.default" },
  needs  = { "http-forward" },
  within = 20,
  run    = function (t)
    local client
    for i = 1, 10 do
      local x = t:exchange { reuse = client, breaks = "http.persist.default" }
      t:check(x.response.body == x.nonce, "http.persist.default",
              string.format("request %d got another answer", i))
      client = x.client
    end
  end,
}

scenario "http.persist.unsupported" {
  title  = "a proxy that closes behind every response says so",
  checks = { "http.persist.unsupported" },
  needs  = { "http-forward" },
  within = 15,
  run    = function (t)
    local id, closed = "http.persist.unsupported", 0
    for _ = 1, 3 do
      local x = t:exchange { breaks = id }
      if not x:says_close() and x.client:ended(0.5) then
        closed = closed + 1
      end
    end
    t:check(closed < 3, id, "three of three connections were closed behind a "
            .. "response that does not say close", { absence = true })
  end,
}

scenario "http.persist.http10-ends" {
  title  = "a connection of HTTP/1.0 ends with its response",
  checks = { "http.persist.http10" },
  needs  = { "http-forward" },
  slow   = true,
  within = 20,
  run    = function (t)
    local id = "http.persist.http10"
    local x = t:exchange { version = "1.0", breaks = id }
    t:check(x.client:ended(10.5), id, "still open 10 s after the response",
            { absence = true })
  end,
}

-- Content of a request that the proxy answers by itself ------------------------

for _, case in ipairs { { "at-once", false }, { "late", true } } do
  local name, is_late = table.unpack(case)
  scenario("http.persist.drain-" .. name) {
    title    = "content of a request that fails is no request: " .. name,
    checks   = { "http.persist.drain" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local w, evil = t:witness {}, t:nonce()
      local inner = "GET " .. w:url("/" .. evil) .. " HTTP/1.1\r\nHost: "
                    .. w.authority .. "\r\n\r\n"
      local c = t:connect()
      if is_late then
        c:send(http.request { to = origin.closed, method = "POST", fields = {
          { "Content-Length", tostring(#inner) } } })
        c:response { method = "POST", within = 3 }
        c:send(inner)
      else
        c:send(http.request { to = origin.closed, method = "POST",
                              body = inner })
        c:response { method = "POST", within = 3 }
      end
      t:check(not w:request(1), "http.persist.drain",
              "a request within the content of another reached its origin")
    end,
  }
end

-- Requests with content that a proxy may answer by itself, each in its way.
local function own_answers(w, inner)
  return {
    { "OPTIONS", http.request { to = w, method = "OPTIONS", body = inner,
                                fields = { { "Max-Forwards", "0" } } } },
    { "OPTIONS", http.request { to = w, method = "OPTIONS", target = "*",
                                body = inner } },
    { "POST", http.request { to = origin.nowhere, method = "POST",
                             body = inner } },
    { "POST", http.request { to = w, method = "POST", body = inner,
                             target = "px-unknown://" .. w.authority .. "/" } },
    { "POST", http.request { to = w, method = "POST", body = inner,
                             credentials = false } },
  }
end

scenario "http.persist.drain-own" {
  title    = "content of a request that the proxy answers itself is no request",
  checks   = { "http.persist.drain" },
  needs    = { "http-forward", "ipv4" },
  negative = true,
  within   = 30,
  run      = function (t)
    local w, evil = t:witness {}, "/" .. t:nonce()
    local inner = "GET " .. w:url(evil) .. " HTTP/1.1\r\nHost: "
                  .. w.authority .. "\r\n\r\n"
    for _, case in ipairs(own_answers(w, inner)) do
      local c = t:connect()
      c:send(case[2])
      c:response { method = case[1], within = 3 }
    end
    t:check(w:wait(function ()
      for _, request in ipairs(w.requests) do
        if request.target == evil then
          return true
        end
      end
    end, 0.5) ~= true, "http.persist.drain",
            "a request within the content of another reached its origin")
  end,
}

-- The origin answers before the content has come.
for _, status in ipairs { 200, 403, 413 } do
  scenario("http.persist.drain-answered-" .. status) {
    title    = "content that comes behind an early answer is no request: "
               .. status,
    checks   = { "http.persist.drain" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local w, other, evil = t:witness {}, t:witness {}, t:nonce()
      local inner = "GET " .. other:url("/" .. evil) .. " HTTP/1.1\r\nHost: "
                    .. other.authority .. "\r\n\r\n"
      local nonce = t:nonce()
      local x = t:exchange { origin = w, method = "POST", within = 2,
        nonce = nonce, answer_at = "head",
        send = http.request { to = w, path = "/" .. nonce, method = "POST",
          fields = { { "Content-Length", tostring(#inner) } } },
        answer = function (up, request)
          up:send(http.answer { status = status, body = "early",
                                fields = { { "X-Witness", request.nonce } } })
          return false
        end }
      x.client:send(inner)
      t:check(not other:request(0.5), "http.persist.drain",
              "a request within the content of another reached its origin")
    end,
  }
end

-- Hop by hop -----------------------------------------------------------------

scenario "http.persist.per-hop-request" {
  title  = "close of a client is not passed on to the origin",
  checks = { "http.persist.per-hop" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.persist.per-hop"
    local x = t:exchange { breaks = id }
    local y = t:exchange { breaks = id, fields = { { "Connection", "close" } } }
    t:check(x.request:has("connection", "close")
            or not y.request:has("connection", "close"), id,
            "the origin is told close when the client says it, and not "
            .. "otherwise", { contested = true })
  end,
}

scenario "http.persist.per-hop-response" {
  title  = "keep-alive of an origin is not passed on to a client that closes",
  checks = { "http.persist.per-hop" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.persist.per-hop"
    local x = t:exchange {
      breaks = id, fields = { { "Connection", "close" } },
      answer = { close = false, fields = { { "Connection", "keep-alive" } } },
    }
    t:check(not x.response:has("connection", "keep-alive"), id,
            "the client said close and was told keep-alive",
            { contested = true })
  end,
}

scenario "http.persist.targets-in-turn" {
  title  = "requests of one connection for two origins, in turn",
  checks = { "http.persist.targets" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.persist.targets"
    local origins, client, via = { t:witness {}, t:witness {} }, nil, nil
    for i = 1, 6 do
      local w = origins[i % 2 + 1]
      local x = t:exchange { origin = w, reuse = client, breaks = id }
      t:check(x.response.body == x.nonce, id, string.format(
        "request %d got another answer", i))
      local host = x.request:values("host")[1]
      t:check(host == w.authority, id, string.format(
        "request %d came with Host: %s", i, tostring(host)))
      via = via or #x.request:tokens("via")
      t:check(#x.request:tokens("via") == via, id, string.format(
        "request %d came with %d entries of Via, the first with %d", i,
        #x.request:tokens("via"), via))
      client = x.client
    end
    for i, w in ipairs(origins) do
      t:check(#w.requests == 3, id, string.format(
        "origin %d got %d requests of 3", i, #w.requests))
    end
  end,
}

-- Connection of one message says nothing of the next one ------------------------

for _, side in ipairs { "request", "response" } do
  scenario("http.persist.options-of-" .. side) {
    title  = "a connection-option ends with its message: " .. side,
    checks = { "http.persist.separate" },
    needs  = { "http-forward" },
    run    = function (t)
      local w, client = t:witness {}, nil
      local function ask(fields)
        local x = t:exchange { origin = w, reuse = client,
          fields = side == "request" and fields or nil,
          answer = side == "response" and { fields = fields } or nil,
          breaks = "http.persist.separate" }
        client = x.client
        return x[side]
      end
      ask { { "Connection", "X-Mine" }, { "X-Mine", "1" } }
      local m = ask { { "X-Mine", "2" } }
      t:check(m:field("x-mine") == "2", "http.persist.separate",
              "X-Mine is lost: it was an option of the message before")
    end,
  }
end

scenario "http.persist.trailers-of-response" {
  title  = "trailers of one response are not those of the next one",
  checks = { "http.persist.separate" },
  needs  = { "http-forward" },
  run    = function (t)
    local w, client = t:witness {}, nil
    local function ask(trailers)
      local x = t:exchange { origin = w, reuse = client, breaks =
        "http.persist.separate", answer = { chunked = { 5 }, trailers = trailers } }
      client = x.client
      return x.response
    end
    ask { { "X-T", "first" }, { "X-U", "first" } }
    local m = ask { { "X-T", "second" } }
    t:check(m:trailer("x-u") == nil and m:trailer("x-t") ~= "first",
            "http.persist.separate",
            "a trailer of the response before came again")
    m = ask(nil)
    t:check(m:trailer("x-t") == nil and m:trailer("x-u") == nil,
            "http.persist.separate",
            "a trailer of a response before came again")
  end,
}

-- Who expects 100 and gets an answer sends no content; what comes is content.
for _, status in ipairs { 200, 401, 417 } do
  scenario("http.persist.drain-expected-" .. status) {
    title    = "content that was not waited for is no request: " .. status,
    checks   = { "http.persist.drain" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local w, other, evil = t:witness {}, t:witness {}, t:nonce()
      local inner = "GET " .. other:url("/" .. evil) .. " HTTP/1.1\r\nHost: "
                    .. other.authority .. "\r\n\r\n"
      local nonce = t:nonce()
      local x = t:exchange { origin = w, method = "POST", within = 2,
        nonce = nonce, answer_at = "head",
        send = http.request { to = w, path = "/" .. nonce, method = "POST",
          fields = { { "Expect", "100-continue" },
                     { "Content-Length", tostring(#inner) } } },
        answer = function (up, request)
          up:send(http.answer { status = status, body = "early",
                                fields = { { "X-Witness", request.nonce } } })
          return false
        end }
      x.client:send(inner)
      t:check(not other:request(0.5), "http.persist.drain",
              "a request within the content of another reached its origin")
    end,
  }
end
