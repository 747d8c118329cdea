-- Interim responses on their way through a proxy: RFC 9110 section 15.2.

local function send_final(up, request)
  local fields = { { "X-Witness", request.nonce } }
  local closes = request.version == "1.0" or request:has("connection", "close")
  if closes then
    fields[2] = { "Connection", "close" }
  end
  up:send(http.answer { body = request.nonce, fields = fields })
  return not closes or up:close()
end

-- An answer of these interim heads, octets or tables, and a plain final one.
-- HTTP/1.0 gets none of them.
local function behind(interim)
  return function (up, request)
    for _, one in ipairs(request.version ~= "1.0" and interim or {}) do
      up:send(type(one) == "string" and one or http.answer(one))
    end
    return send_final(up, request)
  end
end

-- Nothing is asked of who speaks HTTP/1.0 to origins.
local function skip_old(t, x)
  if x.request and x.request.version == "1.0" then
    t:skip("the proxy asks origins in HTTP/1.0")
  end
end

local function count(list, status)
  local n = 0
  for _, one in ipairs(list) do
    n = n + (one.status == status and 1 or 0)
  end
  return n
end

-- Passed on ------------------------------------------------------------------

for _, status in ipairs { 102, 103, 104, 199 } do
  for _, case in ipairs { { "get", {} },
                          { "post", { method = "POST", body = "hello" } } } do
    local name, wishes = table.unpack(case)
    scenario(string.format("http.interim.%d-%s", status, name)) {
      title  = string.format("%d before the answer to %s is passed on", status,
                             name:upper()),
      checks = { "http.interim.forward" },
      needs  = { "http-forward" },
      run    = function (t)
        local id = "http.interim.forward"
        local x = t:exchange {
          method = wishes.method, body = wishes.body, breaks = id,
          answer = behind { { status = status, bare = true,
                              fields = { { "X-Hint", "4711" } } } },
        }
        skip_old(t, x)
        t:check(count(x.interim, status) > 0, id,
                string.format("the client saw no %d", status))
      end,
    }
  end
end

scenario "http.interim.100-unasked" {
  title  = "a 100 that nobody waits for is passed on as well",
  checks = { "http.interim.forward" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.interim.forward",
                           answer = behind { { status = 100, bare = true } } }
    skip_old(t, x)
    t:check(count(x.interim, 100) > 0, "http.interim.forward",
            "the client saw no 100", { contested = true })
  end,
}

scenario "http.interim.fields" {
  title  = "the fields of a 103 are passed on",
  checks = { "http.field.unknown-forward" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.field.unknown-forward"
    local x = t:exchange { breaks = id, answer = behind {
      { status = 103, bare = true, fields = { { "Link", "</a>" },
                                              { "X-Unknown", "4711" } } } } }
    for _, one in ipairs(x.interim) do
      if one.status == 103 then
        t:check(one:field("x-unknown") == "4711", id,
                "the 103 that the client saw has no X-Unknown")
      end
    end
  end,
}

scenario "http.interim.hop-fields" {
  title  = "a field of a 103 that Connection names ends here",
  checks = { "http.connection.listed-removed" },
  needs  = { "http-forward" },
  run    = function (t)
    local id = "http.connection.listed-removed"
    local x = t:exchange { breaks = id, answer = behind {
      { status = 103, bare = true, fields = { { "Connection", "X-Hop" },
                                              { "X-Hop", "1" } } } } }
    for _, one in ipairs(x.interim) do
      t:check(not one:field("x-hop"), id,
              "the client saw X-Hop, which is a connection-option of the "
              .. one.status)
    end
  end,
}

-- Several --------------------------------------------------------------------

local MANY = {
  ["two"]  = { { status = 103, bare = true }, { status = 103, bare = true } },
  ["mixed"] = { { status = 102, bare = true }, { status = 103, bare = true },
                { status = 100, bare = true }, { status = 199, bare = true } },
  ["ten"]  = {},
}
for i = 1, 10 do
  MANY.ten[i] = { status = 103, bare = true,
                  fields = { { "X-Number", tostring(i) } } }
end

for name, list in pairs(MANY) do
  scenario("http.interim.several-" .. name) {
    title  = "the answer behind several interim responses is the answer: "
             .. name,
    checks = { "http.interim.several" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.interim.several"
      local x = t:exchange { answer = behind(list) }
      skip_old(t, x)
      if x.is_own then -- it may have set itself a limit
        t:violation(id, x.why, { contested = true })
        return
      end
      t:check(x.response, id, x.why, { absence = x.what ~= "malformed" })
      if not x.response then
        return
      end
      t:check(x.response.status == 200 and x.response.body == x.nonce, id,
              "the client saw " .. x.response.line)
      local y = t:exchange { reuse = x.client, breaks = id }
      t:check(y.response.body == y.nonce, id,
              "the answer to the next request is " .. t:show(y.response.body))
    end,
  }
end

scenario "http.interim.paused" {
  title  = "a 103 is passed on while the answer is still to come",
  checks = { "http.interim.forward", "http.interim.several" },
  needs  = { "http-forward" },
  run    = function (t)
    local w, c, nonce = t:origin(), t:connect(), t:nonce()
    c:send(http.request { to = w, path = "/" .. nonce })
    local up = w:accept(3)
    local request = up and up:request {}
    if not request then
      t:inconclusive("the request did not reach the origin")
    elseif request.version == "1.0" then
      t:skip("the proxy asks origins in HTTP/1.0")
    end
    up:send(http.answer { status = 103, bare = true,
                          fields = { { "X-Hint", "4711" } } })
    local hint, what = c:response { interim = true, within = 2 }
    t:check(hint and hint.status == 103, "http.interim.forward",
            "2 s and no 103: " .. tostring(what or hint and hint.line),
            { absence = true })
    up:send(http.answer { body = nonce, fields = { { "X-Witness", nonce } } })
    local final, why = c:response { within = 3 }
    t:check(final and final.body == nonce, "http.interim.several",
            "the answer behind it did not come: " .. tostring(why),
            { absence = not final })
  end,
}

-- No content -----------------------------------------------------------------

for _, case in ipairs { { "length", "Content-Length: 5" },
                        { "chunked", "Transfer-Encoding: chunked" } } do
  local name, line = table.unpack(case)
  scenario("http.interim.framed-" .. name) {
    title  = "a 103 ends with its head though it says " .. line,
    checks = { "http.interim.no-content", "http.interim.no-framing-fields" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local x = t:exchange { within = 3, answer = behind {
        "HTTP/1.1 103 Early Hints\r\n" .. line .. "\r\n\r\n" } }
      skip_old(t, x)
      if x.request and not x.is_own then
        t:check(x.response and x.response.body == x.nonce,
                "http.interim.no-content",
                x.response and "the client saw another body" or x.why,
                { absence = not x.response })
      end
      for _, one in ipairs(x.interim) do
        t:check(not one:field("content-length")
                and not one:field("transfer-encoding"),
                "http.interim.no-framing-fields",
                "the 103 came with " .. line, { contested = true })
      end
    end,
  }
end

-- 100 ------------------------------------------------------------------------

scenario "http.interim.expected-100" {
  title  = "who waits for a 100 gets one before its body, and then the answer",
  checks = { "http.interim.expected-100", "http.interim.no-framing-fields" },
  needs  = { "http-forward" },
  within = 20,
  run    = function (t)
    local id = "http.interim.expected-100"
    local w, c = t:witness {}, t:connect()
    c:send(http.request { to = w, method = "POST", fields = {
      { "Expect", "100-continue" }, { "Content-Length", "5" } } })
    local first, what = c:response { interim = true, method = "POST",
                                     within = 5 }
    if first and first.status ~= 100 then
      return -- a final answer: no body is wanted
    end
    -- An origin that is asked in HTTP/1.0, or not told, has none to pass on.
    local up = w.connections[1]
    local is_made = not up or up.sent > 0
    t:check(first, id, "no 100 came: " .. tostring(what),
            { absence = true, contested = not is_made })
    if first then
      t:check(not first:field("content-length")
              and not first:field("transfer-encoding"),
              "http.interim.no-framing-fields",
              "the 100 has " .. t:show(first.head))
      c:send("hello")
      local final, why = c:response { method = "POST", within = 5 }
      t:check(final, id, "no answer behind the 100: " .. tostring(why),
              { absence = true })
      local got = w.requests[1]
      t:check(not got or got.body == "hello", id, "the origin got another body")
    end
  end,
}

-- HTTP/1.0 -------------------------------------------------------------------

for _, status in ipairs { 100, 102, 103 } do
  scenario(string.format("http.interim.http10-%d", status)) {
    title  = string.format("a client of HTTP/1.0 gets no %d", status),
    checks = { "http.interim.http10" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange {
        version = "1.0", breaks = "http.interim.http10",
        answer = behind { { status = status, bare = true } },
      }
      t:check(#x.interim == 0, "http.interim.http10",
              string.format("the client saw a %d", status))
      t:check(x.response.body == x.nonce, "http.interim.http10",
              "the client saw " .. x.response.line)
    end,
  }
end

-- Other requests whose clients wait for a 100. What a POST gets they get.
local WAITING = {
  { "put", { method = "PUT" } },
  { "patch", { method = "PATCH" } },
  { "chunked", { is_chunked = true } },
  { "second", { is_second = true } },
  { "close", { fields = { { "Connection", "close" } } } },
  { "behind-other-fields", { fields = { { "X-A", "1" }, { "X-B", "2" } } } },
}

local function waits(t, kind)
  local w, c = t:witness {}, nil
  if kind.is_second then
    local x = t:exchange {}
    if x:says_close() or not x:persists(0.05) then
      t:skip("the connection ends behind a request")
    end
    c = x.client
  end
  c = c or t:connect()
  local method = kind.method or "POST"
  local fields = { { "Expect", "100-continue" } }
  fields[2] = kind.is_chunked and { "Transfer-Encoding", "chunked" }
              or { "Content-Length", "5" }
  table.move(kind.fields or {}, 1, #(kind.fields or {}), 3, fields)
  c:send(http.request { to = w, method = method, fields = fields })
  local first, what = c:response { interim = true, method = method, within = 4 }
  if kind.is_second and (what == "fin" or what == "rst") then
    t:skip("the connection ends behind a request")
  end
  if not first or first.status ~= 100 then
    return first and first.status, w
  end
  c:send(kind.is_chunked and "5\r\nhello\r\n0\r\n\r\n" or "hello")
  local final = c:response { method = method, within = 4 }
  return 100, w, final
end

for _, case in ipairs(WAITING) do
  local name, kind = table.unpack(case)
  scenario("http.interim.expected-100-" .. name) {
    title  = "who waits for a 100 gets one as with a plain POST: " .. name,
    checks = { "http.interim.expected-100" },
    needs  = { "http-forward" },
    within = 25,
    run    = function (t)
      local id = "http.interim.expected-100"
      if waits(t, {}) ~= 100 then
        t:skip("a plain POST gets no 100")
      end
      local got, w, final = waits(t, kind)
      t:check(got, id, "no 100 came", { absence = true })
      if got == 100 then
        t:check(final, id, "no answer behind the 100", { absence = true })
        local request = w.requests[1]
        t:check(not request or request.body == "hello", id,
                "the origin got another body")
      end
    end,
  }
end

-- An interim response while the content is still to come.
scenario "http.interim.before-content" {
  title  = "an interim response passes before the content has come",
  checks = { "http.interim.forward" },
  needs  = { "http-forward" },
  within = 15,
  run    = function (t)
    local w, c, path = t:origin(), t:connect(), "/" .. t:nonce()
    c:send(http.request { to = w, path = path, method = "POST", body = "he",
                          fields = { { "Content-Length", "5" } } })
    local up = w:accept(3)
    local request = up and up:request { upto = "head", within = 3 }
    if not request or request.version == "1.0" then
      return -- the request may be buffered
    end
    up:send(http.answer { status = 103, bare = true, body = "",
                          fields = { { "Link", "</a>" } } })
    up:silent(0.1)
    c:send("llo")
    up:rest(request)
    up:send(http.answer { status = 200, body = "ok" })
    local final = c:response { method = "POST", within = 4 }
    if final and final.status == 200 then
      local is_there = false
      for _, one in ipairs(final.interim) do
        is_there = is_there or one.status == 103
      end
      t:check(is_there, "http.interim.forward", "the client saw no 103")
    end
  end,
}
