-- Closes of connections that carry forwarded requests: RFC 9112 sections 9.5
-- and 9.6. Ten seconds are the time for which a close is waited.

local CLOSES_WITHIN = 10.5

local DATE = { "Date", "Sun, 06 Nov 1994 08:49:37 GMT" }

-- { name, Connection's lines, more of the exchange }
local CLOSES = {
  { "plain", { "close" } },
  { "title", { "Close" } },
  { "upper", { "CLOSE" } },
  { "behind-other", { "X-A, close" } },
  { "before-other", { "close, X-A" } },
  { "behind-keep-alive", { "keep-alive, close" } },
  { "second-line", { "X-A", "close" } },
  { "proxy-connection", { "close" },
    { fields = { { "Proxy-Connection", "keep-alive" } } } },
  { "head", { "close" }, { method = "HEAD" } },
  { "post", { "close" }, { method = "POST", body = "hello" } },
  { "chunked", { "close" }, { answer = { chunked = { 5 } } } },
  { "204", { "close" }, { answer = { status = 204, bare = true, body = "",
                                     fields = { DATE } } } },
}

local function options_of(lines, more)
  local fields = {}
  for i, line in ipairs(lines) do
    fields[i] = { "Connection", line }
  end
  return table.move(more or {}, 1, #(more or {}), #fields + 1, fields)
end

for _, case in ipairs(CLOSES) do
  local name, lines, more = table.unpack(case)
  more = more or {}

  scenario("http.close.obeyed-" .. name) {
    title  = "the answer to a request with close says close, and closes: "
             .. name,
    checks = { "http.close.on-request", "http.close.echo" },
    needs  = { "http-forward" },
    slow   = true,
    within = 20,
    run    = function (t)
      local x = t:exchange {
        method = more.method, body = more.body, answer = more.answer,
        fields = options_of(lines, more.fields),
        breaks = "http.close.on-request",
      }
      t:check(x.response:has("connection", "close")
              or x.response.version == "1.0", "http.close.echo",
              "the answer does not say close")
      t:check(x.client:ended(CLOSES_WITHIN), "http.close.on-request",
              "still open 10 s after the response", { absence = true })
    end,
  }

  if not more.answer then
    scenario("http.close.last-" .. name) {
      title    = "behind a request with close nothing is served: " .. name,
      checks   = { "http.close.no-more" },
      needs    = { "http-forward" },
      negative = true,
      within   = 15,
      run      = function (t)
        local w, other, evil = t:witness {}, t:witness {}, t:nonce()
        local c = t:connect()
        c:send(http.request { to = w, method = more.method, body = more.body,
                              fields = options_of(lines, more.fields) },
               http.request { to = other, path = "/" .. evil })
        c:response { method = more.method or "GET", within = 3 }
        t:check(not other:request(0.4), "http.close.no-more",
                "the request behind reached its origin")
      end,
    }
  end
end

-- Closes of the origin ---------------------------------------------------------

for _, case in ipairs { { "plain", { "close" } }, { "upper", { "CLOSE" } },
                        { "behind-other", { "X-A, close" } },
                        { "second-line", { "X-A", "close" } } } do
  local name, lines = table.unpack(case)
  scenario("http.close.origin-" .. name) {
    title  = "a connection on which the origin says close gets no other "
             .. "request: " .. name,
    checks = { "http.close.no-more" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local x = t:exchange { answer = { close = false,
                                        fields = options_of(lines) } }
      local y = t:exchange { reuse = x.client, within = 3 }
      if x.request and x.response and y.request then
        t:check(y.request.connection ~= x.origin, "http.close.no-more",
                "the origin had said close, and got another request")
      end
    end,
  }
end

for _, case in ipairs { { "fin", function (up) up:close() end },
                        { "rst", function (up) up:reset() end } } do
  local name, leave = table.unpack(case)
  scenario("http.close.watch-" .. name) {
    title  = "a kept connection that its origin has left costs no request: "
             .. name,
    checks = { "http.close.watch" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.close.watch"
      local x = t:exchange { breaks = id }
      if not x.origin_end then
        leave(x.origin)
      end
      x.witness:wait(function () return false end, 0.3)
      local y = t:exchange { reuse = x.client, breaks = id }
      t:check(y.response.body == y.nonce, id, "the client saw "
              .. y.response.line)
    end,
  }
end

-- Closes of the client, and of the proxy ---------------------------------------

scenario "http.close.half-closed" {
  title  = "a client that half-closes behind its request gets the answer",
  checks = { "http.close.half-closed-client" },
  needs  = { "http-forward" },
  run    = function (t)
    local w, c = t:witness {}, t:connect()
    c:send(http.request { to = w, path = "/" .. t:nonce() })
    c:shut()
    local got, what = c:response { within = 4 }
    t:check(got, "http.close.half-closed-client", "no answer: "
            .. tostring(what), { absence = true, contested = true })
  end,
}

for _, case in ipairs { { "unreachable", nil }, { "post", "hello" } } do
  local name, body = table.unpack(case)
  scenario("http.close.own-" .. name) {
    title    = "an answer of the proxy's own says whether it closes: " .. name,
    checks   = { "http.close.announce" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local c = t:connect()
      c:send(http.request { to = origin.closed, body = body,
                            method = body and "POST" or "GET" })
      local got = c:response { method = body and "POST" or "GET", within = 5 }
      if not got or got.version == "1.0" or got.framing == "end"
        or got:has("connection", "close") then
        return
      end
      t:check(not c:ended(0.5), "http.close.announce",
              "closed right behind an answer that does not say close",
              { absence = true })
    end,
  }
end

scenario "http.close.linger" {
  title    = "an early answer is not lost when the client goes on sending",
  checks   = { "http.close.linger" },
  needs    = { "http-forward", "ipv4" },
  negative = true,
  segment  = false,
  within   = 20,
  run      = function (t)
    local c = t:connect()
    c:send(http.request { to = origin.closed, method = "POST", fields = {
      { "Content-Length", tostring(1 << 20) } } })
    local piece = ("x"):rep(1 << 16)
    for _ = 1, 16 do
      if not c:send(piece) then
        break
      end
    end
    local got, what, partial = c:response { method = "POST", within = 5 }
    t:check(got or what ~= "rst" or (partial and #partial.raw > 0),
            "http.close.linger",
            "the client saw a reset in place of the answer")
  end,
}

-- No specification says when an idle connection is closed; Keep-Alive does.
scenario "http.close.idle" {
  title    = "an idle connection whose time was told is closed gracefully",
  checks   = { "http.close.graceful" },
  needs    = { "http-forward" },
  negative = true,
  slow     = true,
  within   = 20,
  run      = function (t)
    local x = t:exchange { fields = { { "Connection", "keep-alive" } } }
    local told = x.response and x.response:field("keep-alive") or ""
    local seconds = tonumber(told:match("timeout=(%d+)"))
    if not seconds or seconds > 10 or x:says_close() then
      t:skip("the proxy does not say that it closes in 10 s")
    end
    t:check(x.client:ended(seconds + 3) ~= "rst", "http.close.graceful",
            "reset " .. told .. " behind the response")
  end,
}

-- The same of responses of other kinds.
local ORIGIN_CLOSES = {
  { "head", { method = "HEAD" }, { body = "", fields = {
      { "Content-Length", "1000" } }, bare = true } },
  { "post", { method = "POST", body = "hello" }, {} },
  { "204", {}, { status = 204, bare = true, body = "" } },
  { "304", {}, { status = 304, bare = true, body = "" } },
  { "404", {}, { status = 404 } },
  { "chunked", {}, { chunked = { 5 } } },
  { "empty", {}, { body = "" } },
  { "second", { is_second = true }, {} },
}

for _, case in ipairs(ORIGIN_CLOSES) do
  local name, request, of = table.unpack(case)
  scenario("http.close.origin-of-" .. name) {
    title  = "a connection on which the origin says close gets no other "
             .. "request: " .. name,
    checks = { "http.close.no-more" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local w, answer = t:witness {}, {}
      for key, value in pairs(of) do
        answer[key] = value
      end
      answer.close = false
      answer.fields = { { "Connection", "close" }, DATE,
                        table.unpack(of.fields or {}) }
      local client = request.is_second and t:exchange { origin = w }.client or nil
      local x = t:exchange { origin = w, reuse = client, answer = answer,
                             method = request.method, body = request.body }
      local y = t:exchange { origin = w, reuse = x.client, within = 3 }
      if x.request and x.response and y.request then
        t:check(y.request.connection ~= x.origin, "http.close.no-more",
                "the origin had said close, and got another request")
      end
    end,
  }
end
