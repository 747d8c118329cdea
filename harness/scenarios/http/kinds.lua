-- What a plain request or response may not have, no other one may: RFC 9112
-- sections 2.2, 5 and 6. Each oddity that does not pass in a plain one is tried
-- in messages of other kinds.

local KINDS = {
  { "get", { method = "GET" } },
  { "head", { method = "HEAD" } },
  { "put", { method = "PUT" } },
  { "delete", { method = "DELETE" } },
  { "options", { method = "OPTIONS" } },
  { "patch", { method = "PATCH" } },
  { "unknown", { method = "BREW" } },
  { "older", { version = "1.0" } },
  { "second", { is_second = true } },
  { "close", { fields = { { "Connection", "close" } } } },
}

-- Sends it so; the exchange, and its witness.
local function ask(t, kind, fields, body)
  local w = t:witness {}
  local client = kind.is_second and t:exchange {}.client or nil
  local lines = { table.unpack(fields) }
  table.move(kind.fields or {}, 1, #(kind.fields or {}), #lines + 1, lines)
  local x = t:exchange { origin = w, reuse = client, method = kind.method,
                         version = kind.version, fields = lines, body = body,
                         within = 2 }
  return x, w
end

-- Heads ---------------------------------------------------------------------------

-- { requirement, the line, what must not come through }
local ODD_LINES = {
  { "http.parse.colon-space-request", "X-Odd : a", "X-Odd :" },
  { "http.parse.colon-space-request", "X-Odd\t: a", "X-Odd\t:" },
  { "http.parse.fold-request", "X-Odd: a\r\n b", "a\r\n b" },
  { "http.parse.bare-cr-receive", "X-Odd: a\rb", "a\rb" },
  { "http.parse.value-ctl", "X-Odd: a\0b", "a\0b" },
}

for _, case in ipairs(KINDS) do
  local name, kind = table.unpack(case)
  scenario("http.kinds.head-of-" .. name) {
    title    = "what does not pass in the head of a POST does not here: " .. name,
    checks   = { "http.parse.colon-space-request", "http.parse.fold-request",
                 "http.parse.bare-cr-receive", "http.parse.value-ctl" },
    needs    = { "http-forward" },
    negative = true,
    within   = 40,
    run      = function (t)
      local function passes(of, line, odd)
        local x, w = ask(t, of, { line }, of.method == "POST" and "a" or nil)
        local raw = x.request and x.request.head or w.stray or ""
        return raw:find(odd, 1, true)
      end
      for _, one in ipairs(ODD_LINES) do
        local id, line, odd = table.unpack(one)
        t:check(not passes(kind, line, odd)
                or passes({ method = "POST" }, line, odd), id,
                "the origin got " .. t:show(odd) .. ", and of a POST it does not")
      end
    end,
  }
end

-- Framing of requests ----------------------------------------------------------------

local CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
local ODD_FRAMING = {
  { "http.framing.cl-invalid-request", { { "Content-Length", "+5" } }, "hello" },
  { "http.framing.cl-invalid-request", { { "Content-Length", "5x" } }, "hello" },
  { "http.framing.cl-invalid-request", { { "Content-Length", "" } }, "hello" },
  { "http.framing.cl-conflict-request", { { "Content-Length", "5" },
                                          { "Content-Length", "6" } }, "hello" },
  { "http.framing.cl-conflict-request", { { "Content-Length", "5, 6" } }, "hello" },
  { "http.framing.te-request-not-final", { { "Transfer-Encoding", "chunked, gzip" } },
    CHUNKS },
  { "http.framing.te-unknown", { { "Transfer-Encoding", "foo, chunked" } }, CHUNKS },
  { "http.framing.te-obfuscated", { { "Transfer-Encoding", "xchunked" } }, CHUNKS },
  { "http.framing.te-lines", { { "Transfer-Encoding", "chunked" },
                               { "Transfer-Encoding", "chunked" } }, CHUNKS },
}

for _, case in ipairs(KINDS) do
  local name, kind = table.unpack(case)
  scenario("http.kinds.framing-of-" .. name) {
    title    = "framing that is refused in a POST is refused here: " .. name,
    checks   = { "http.framing.cl-invalid-request",
                 "http.framing.cl-conflict-request",
                 "http.framing.te-request-not-final", "http.framing.te-unknown",
                 "http.framing.te-obfuscated", "http.framing.te-lines" },
    needs    = { "http-forward" },
    negative = true,
    within   = 60,
    run      = function (t)
      local function passes(of, fields, body)
        local x = ask(t, of, fields, body)
        local m = x.request -- without a framing field there is nothing to doubt
        return m and (m:field("transfer-encoding") or m:field("content-length"))
      end
      for _, one in ipairs(ODD_FRAMING) do
        local id, fields, body = table.unpack(one)
        t:check(not passes(kind, fields, body)
                or passes({ method = "POST" }, fields, body), id,
                string.format("with %s: %s it was forwarded, and a POST is not",
                              fields[1][1], fields[#fields][2]))
      end
    end,
  }
end

-- Responses --------------------------------------------------------------------------

local RESPONSES = {
  { "404", { status = 404 } }, { "500", { status = 500 } },
  { "302", { status = 302 } }, { "206", { status = 206 } },
  { "401", { status = 401 } },
  { "head", { method = "HEAD" } }, { "post", { method = "POST" } },
  { "second", { is_second = true } }, { "older", { version = "1.0" } },
  { "304", { status = 304, is_bare = true } },
  { "interim", { is_interim = true } },
}

local ODD_ANSWERS = {
  { "http.parse.fold-response", "X-Odd: a\r\n b", "a\r\n b" },
  { "http.parse.bare-cr-receive", "X-Odd: a\rb", "a\rb" },
  { "http.parse.value-ctl", "X-Odd: a\0b", "a\0b" },
  { "http.parse.colon-space-response", "X-Odd : a", "X-Odd :" },
  { "http.framing.cl-invalid-response", "Content-Length: +7", "+7", true },
  { "http.framing.cl-invalid-response", "Content-Length: 7\r\nContent-Length: 8",
    "Content-Length: 7", true },
}

-- What the client sees of an answer with this line.
local function seen(t, kind, line, has_length)
  local client = kind.is_second and t:exchange {}.client or nil
  local status = (kind.status or 200) .. " Status"
  local c = client or t:connect()
  local x = t:exchange { client = c, method = kind.method, version = kind.version,
    body = kind.method == "POST" and "a" or nil, within = 2,
    answer = function (up, request)
      local head = "X-Witness: " .. request.nonce
                   .. "\r\nCache-Control: no-store\r\n"
      if not has_length and not kind.is_bare then
        head = head .. "Content-Length: 7\r\n"
      end
      if kind.is_interim and request.version ~= "1.0" then
        up:send("HTTP/1.1 103 Early Hints\r\n" .. line .. "\r\n\r\n")
        up:send("HTTP/1.1 200 OK\r\n" .. head .. "\r\ncontent")
      else
        up:send("HTTP/1.1 " .. status .. "\r\n" .. head .. line .. "\r\n\r\n"
                .. ((kind.is_bare or kind.method == "HEAD") and "" or "content"))
      end
      up:close()
      return false
    end }
  local got = x.response or x.partial
  local raw = not x.is_own and got and (got.head or got.raw) or ""
  for _, one in ipairs(x.interim) do
    raw = raw .. one.head
  end
  return raw
end

for _, case in ipairs(RESPONSES) do
  local name, kind = table.unpack(case)
  scenario("http.kinds.answer-" .. name) {
    title    = "what does not pass in a plain response does not here: " .. name,
    checks   = { "http.parse.fold-response", "http.parse.bare-cr-receive",
                 "http.parse.value-ctl", "http.parse.colon-space-response",
                 "http.framing.cl-invalid-response" },
    needs    = { "http-forward" },
    negative = true,
    within   = 40,
    run      = function (t)
      for _, one in ipairs(ODD_ANSWERS) do
        local id, line, odd, is_framing = table.unpack(one, 1, 4)
        -- These have no content, and no length of their own.
        local is_free = is_framing and (kind.is_bare or kind.is_interim
                                        or kind.method == "HEAD")
        if not is_free then
          t:check(not seen(t, kind, line, is_framing):find(odd, 1, true)
                  or seen(t, {}, line, is_framing):find(odd, 1, true), id,
                  "the client got " .. t:show(odd)
                  .. ", and not so in a plain response")
        end
      end
    end,
  }
end
