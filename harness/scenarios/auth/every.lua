-- Credentials are asked for with every kind of request: RFC 9110 sections 11.7
-- and 15.5.8. None of these may reach its origin without them, alone or behind
-- a request that had them.

-- { name, the request }
local KINDS = {
  { "get", {} },
  { "head", { method = "HEAD" } },
  { "post", { method = "POST", body = "hello" } },
  { "post-chunked", { method = "POST", body = "hello", chunked = { 2 } } },
  { "post-empty", { method = "POST", body = "" } },
  { "put", { method = "PUT", body = "hello" } },
  { "patch", { method = "PATCH", body = "hello" } },
  { "delete", { method = "DELETE" } },
  { "options", { method = "OPTIONS" } },
  { "options-of-server", { method = "OPTIONS", target = "" } },
  { "options-counted", { method = "OPTIONS",
                         fields = { { "Max-Forwards", "5" } } } },
  { "trace-counted", { method = "TRACE", fields = { { "Max-Forwards", "5" } } } },
  { "propfind", { method = "PROPFIND" } },
  { "unknown", { method = "BREW" } },
  { "lower-case", { method = "get" } },
  { "older", { version = "1.0" } },
  { "older-keep-alive", { version = "1.0",
                          fields = { { "Connection", "keep-alive" } } } },
  { "older-no-host", { version = "1.0", host = false } },
  { "newer", { version = "1.2" } },
  { "query", { target = "/?a=b" } },
  { "no-path", { target = "" } },
  { "close", { fields = { { "Connection", "close" } } } },
  { "upgrade", { fields = { { "Upgrade", "websocket" },
                            { "Connection", "Upgrade" } } } },
  { "expect", { method = "POST", body = "hello",
                fields = { { "Expect", "100-continue" } } } },
  { "via", { fields = { { "Via", "1.1 another" } } } },
  { "forwarded", { fields = { { "Forwarded", "for=127.0.0.1" },
                              { "X-Forwarded-For", "127.0.0.1" } } } },
  { "authorization", { fields = { { "Authorization", "Basic eDp5" } } } },
  { "cookie", { fields = { { "Cookie", "Proxy-Authorization=a" } } } },
  { "conditional", { fields = { { "If-None-Match", "*" } } } },
  { "range", { fields = { { "Range", "bytes=0-1" } } } },
  { "name", { to = "name" } },
  { "ipv6", { to = "ipv6" } },
}

local function status_of(x)
  return x.response and "answered with " .. x.response.status
         or "no answer came: " .. tostring(x.why or x.what)
end

local function authority_of(w, to)
  local at = to and w[to]
  if not at then
    return w.authority
  end
  return (to == "ipv6" and "[" .. at.host .. "]" or at.host) .. ":" .. at.port
end

-- Asks so, with the given line of credentials, or as any client would.
local function ask(t, w, kind, more)
  local fields = { table.unpack(kind.fields or {}) }
  for _, field in ipairs(more.fields or {}) do
    fields[#fields + 1] = field
  end
  return t:exchange {
    origin = w, to = kind.to and w[kind.to], reuse = more.reuse, within = 3,
    method = kind.method, version = kind.version, body = kind.body,
    chunked = kind.chunked, host = kind.host, fields = fields,
    credentials = more.credentials,
    target = kind.target and "http://" .. authority_of(w, kind.to)
                             .. kind.target }
end

local function is_refusal(status)
  return status == 407 or status == 405 or status == 501
end

for _, case in ipairs(KINDS) do
  local name, kind = table.unpack(case)
  local needs = { "http-forward", kind.to }

  scenario("auth.every.without-" .. name) {
    title    = "without credentials it is not forwarded: " .. name:gsub("-", " "),
    checks   = { "auth.proxy.options-trace", "auth.proxy.demand" },
    needs    = needs,
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local w = t:witness {}
      local right = ask(t, w, kind, {})
      local x = ask(t, t:witness {}, kind, { credentials = false })
      t:check(#x.requests == 0, "auth.proxy.options-trace",
              "it reached the origin without credentials")
      -- Who does not serve it with credentials need not ask for them.
      if right.request and not right.is_own and #x.requests == 0 then
        local answer = x.response or x.partial
        t:check(answer and is_refusal(answer.status), "auth.proxy.demand",
                status_of(x) .. ", not 407", { absence = answer == nil })
      end
    end,
  }

  scenario("auth.every.wrong-" .. name) {
    title    = "with a wrong password it is not forwarded: "
               .. name:gsub("-", " "),
    checks   = { "auth.proxy.options-trace" },
    needs    = { "http-forward", "http-basic", kind.to },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local x = ask(t, t:witness {}, kind, { fields = {
        { "Proxy-Authorization", http.basic(t.target.user, "not-"
                                            .. t.target.password) } } })
      t:check(#x.requests == 0, "auth.proxy.options-trace",
              "it reached the origin with a wrong password")
    end,
  }

  scenario("auth.every.behind-" .. name) {
    title    = "behind a request with credentials it brings its own: "
               .. name:gsub("-", " "),
    checks   = { "auth.proxy.each-request", "auth.proxy.consumed" },
    needs    = needs,
    config   = "auth",
    negative = true,
    within   = 20,
    run      = function (t)
      local w = t:witness {}
      local x = ask(t, w, kind, {})
      t:check(not x.request or not x.request:field("proxy-authorization"),
              "auth.proxy.consumed",
              "the credentials for the proxy were sent to the origin")
      local first = t:exchange {}
      if not first.request or not first.response or not first:persists() then
        return
      end
      local y = ask(t, t:witness {}, kind, { reuse = first.client,
                                             credentials = false })
      t:check(#y.requests == 0, "auth.proxy.each-request",
              "without credentials it was forwarded behind one with them")
    end,
  }
end
