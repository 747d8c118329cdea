-- What holds for a plain GET holds for every message: RFC 9110 sections 6.6.1,
-- 7.2, 7.6 and 7.7, RFC 9112 sections 3.2 and 9.3. Each kind of exchange is
-- looked at in the same way as a plain one on a connection of its own, and
-- only what that one has right is asked of it.

local DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
local COOKIES = { "a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT",
                  "a=3; Path=/b" }
local LONG = ("l"):rep(5000)

-- Every octet, and some of them again: nothing of it is text.
local BINARY = {}
for i = 0, 255 do
  BINARY[i + 1] = string.char(i)
end
BINARY = table.concat(BINARY) .. "\r\n\r\n\0\255" .. table.concat(BINARY)

-- Fields that are no lists: a second line of them is the proxy's.
local SINGLE = { "host", "content-length", "content-type", "date", "location",
                 "user-agent", "etag", "server", "authorization", "referer" }

-- Fields that end here: listed ones, and those that do so by themselves.
local HOPS = { "X-Hop", "Proxy-Connection", "Keep-Alive", "Upgrade" }
local HOP_IDS = {
  ["X-Hop"] = "http.connection.listed-removed",
  ["Proxy-Connection"] = "http.connection.proxy-connection",
  ["Keep-Alive"] = "http.connection.keep-alive-field",
  ["Upgrade"] = "http.connection.upgrade-field",
}

-- Fields that go on, and the requirement that says so.
local REQUEST_FIELDS = {
  { "X-Mark", "a:b;c=\"d, e\" #f%g?h\\i", "http.field.unknown-forward" },
  { "X-Long", LONG, "http.field.unknown-forward" },
  { "X-Same", "1", "http.field.order-same" },
  { "X-Same", "2", "http.field.order-same" },
  { "X-Same", "1", "http.field.order-same" },
  { "Authorization", "Custom a=\"b, c\", d=e", "auth.proxy.authorization-untouched" },
  { "Cookie", "a=b; c=\"d\"", "http.field.unknown-forward" },
  { "Accept", "text/x-test;q=0.5, */*", "http.field.unknown-forward" },
  { "User-Agent", "proxyspec/1 (every)", "http.field.endpoint-info" },
  { "If-Match", "\"e\", W/\"f\"", "http.cond.forward" },
  { "If-None-Match", "W/\"g\"", "http.cond.forward" },
  { "If-Modified-Since", DATE, "http.cond.forward" },
  { "If-Unmodified-Since", DATE, "http.cond.forward" },
  { "Referer", "http://example.com/a?b=c", "http.field.referer" },
  { "Content-Type", "text/x-test; a=b", "http.field.endpoint-info" },
  { "Content-Language", "eo", "http.field.endpoint-info" },
  { "Accept-Language", "eo", "http.field.endpoint-info" },
}
local RESPONSE_FIELDS = {
  { "X-Mark", "a:b;c=\"d, e\" #f%g?h\\i", "http.field.unknown-forward" },
  { "X-Long", LONG, "http.field.unknown-forward" },
  { "X-Same", "1", "http.field.order-same" },
  { "X-Same", "2", "http.field.order-same" },
  { "X-Same", "1", "http.field.order-same" },
  { "ETag", "W/\"e\"", "http.field.endpoint-info" },
  { "Server", "witness/1 (every)", "http.field.endpoint-info" },
  { "Vary", "X-A, X-B", "http.field.vary-star" },
  { "WWW-Authenticate", "Custom realm=\"a, b\"", "auth.proxy.www-untouched" },
  { "WWW-Authenticate", "Basic realm=\"c\"", "auth.proxy.www-untouched" },
  { "Authentication-Info", "nextnonce=\"a\"", "auth.proxy.info-untouched" },
  { "Allow", "GET, BREW", "http.field.allow" },
  { "Content-Type", "text/x-test; a=b", "http.field.endpoint-info" },
  { "Content-Language", "eo", "http.field.endpoint-info" },
  { "Content-Location", "/elsewhere", "http.field.endpoint-info" },
  { "Last-Modified", DATE, "http.field.endpoint-info" },
  { "Location", "/there?a=b;c", "http.field.endpoint-info" },
}

-- Others that specifications know.
local KNOWN_OF_REQUEST = {
  { "Content-Encoding", "x-test" }, { "Accept-Encoding", "x-test" },
  { "Accept-Charset", "x-test" }, { "Origin", "http://example.com" },
  { "Pragma", "x-test" }, { "Prefer", "wait=10" }, { "From", "a@example.com" },
  { "Sec-Fetch-Mode", "cors" },
}
local KNOWN_OF_RESPONSE = {
  { "Content-Encoding", "x-test" }, { "Content-Disposition", "inline" },
  { "Expires", "0" }, { "Retry-After", "120" }, { "Accept-Ranges", "bytes" },
  { "Link", "</a>; rel=next" }, { "Refresh", "5" },
  { "Access-Control-Allow-Origin", "*" },
  { "Strict-Transport-Security", "max-age=1" },
  { "Content-Security-Policy", "default-src 'self'" },
}
for to, known in pairs { [REQUEST_FIELDS] = KNOWN_OF_REQUEST,
                         [RESPONSE_FIELDS] = KNOWN_OF_RESPONSE } do
  for _, field in ipairs(known) do
    to[#to + 1] = { field[1], field[2], "http.field.unknown-forward" }
  end
end

local function joined(fields, name)
  local out = {}
  for _, field in ipairs(fields) do
    if field[1] == name then
      out[#out + 1] = field[2]
    end
  end
  return table.concat(out, ", ")
end

local function without(list, names)
  local out = {}
  for _, one in ipairs(list) do
    if not (names or {})[one[1]] then
      out[#out + 1] = one
    end
  end
  return out
end

-- Adds to a list of { key, id, whether it is right, what was seen }.
local function look(out, key, id, ok, message)
  out[#out + 1] = { key = key, id = id, ok = not not ok, message = message }
end

local function shown(octets)
  return #octets .. " octets: "
         .. (octets:sub(1, 40):gsub("[^%g ]", "."))
end

local function spaceless(text)
  return (text:gsub("%s*,%s*", ", "))
end

local function look_at_fields(out, side, m, fields, who)
  local seen = {}
  for _, field in ipairs(fields) do
    local name, id = field[1], field[3]
    if not seen[name] then
      seen[name] = true
      local want, got = joined(fields, name), m:field(name)
      look(out, side .. name, id, got and spaceless(got) == spaceless(want),
           string.format("%s saw %s: %s", who, name, tostring(got):sub(1, 80)))
    end
  end
  for _, name in ipairs(SINGLE) do
    look(out, side .. "lines of " .. name, "http.field.no-repeat",
         #m:values(name) <= 1, string.format("%s saw %d lines of %s", who,
                                             #m:values(name), name))
  end
  for _, name in ipairs(HOPS) do
    look(out, side .. name, HOP_IDS[name], not m:field(name), string.format(
      "%s saw %s: %s", who, name, tostring(m:field(name))))
  end
end

local function entries(m)
  return m:tokens("via")
end

-- Of an entry of Via: that of the message that came, where this is a known one.
local function look_at_version(out, key, entry, version, what)
  local got = entry and entry:gsub("^[Hh][Tt][Tt][Pp]/", ""):match("^(%d%.%d)%s")
  if got and version ~= "1.2" then
    look(out, key, "http.via.version", got == (version or "1.1"), string.format(
         "Via says %s of %s in HTTP/%s", entry, what, version or "1.1"))
  end
end

local function look_at_request(x, kind)
  local m, out = x.request, {}
  look_at_fields(out, "request ", m, without(REQUEST_FIELDS, kind.lacks), "the origin")
  look(out, "target", "http.target.to-origin-form", m.target == kind.path,
       "the target arrived as " .. m.target:sub(1, 80))
  look(out, "host", "http.host.rewrite", #m:values("host") == 1
       and m:field("host"):lower() == kind.authority:lower(),
       "the origin saw Host: " .. tostring(m:field("host")))
  look(out, "method", "http.method.case", m.method == (kind.method or "GET"),
       "the method arrived as " .. m.method)
  look(out, "body", "http.body.opaque", m.body == (kind.body or ""),
       "the origin got the content " .. shown(m.body))
  look(out, "version", "http.version.own", m.version == "1.1",
       "the origin was asked in HTTP/" .. m.version)
  look(out, "credentials", "auth.proxy.consumed",
       not m:field("proxy-authorization"),
       "the credentials for the proxy were sent to the origin")
  look(out, "hops", "http.maxforwards.no-add", not m:field("max-forwards"),
       "the origin saw Max-Forwards")
  local via = entries(m)
  look(out, "via", "http.via.append", #via >= 1, "the origin saw no Via")
  if not kind.version or kind.before then -- else http.via.version-of-request-0
    look_at_version(out, "via version", via[1], kind.version,
                    "the request of the client")
  end
  look(out, "via number", "http.via.append", #via == 1, string.format(
       "the origin saw %d entries of Via", #via))
  return out
end

local STATUS_IDS = { [304] = "http.status.304-forward",
                     [401] = "http.status.401-kept" }

local function look_at_response(x, kind)
  local m, out, status = x.response, {}, kind.status or 200
  local fields = without(RESPONSE_FIELDS, kind.lacks_back)
  look_at_fields(out, "response ", m, fields, "the client")
  look(out, "status", STATUS_IDS[status] or "http.status.unknown-forward",
       m.status == status,
       status .. " came back as " .. m.status)
  if kind.version ~= "1.0" then -- who is asked in 1.0 may answer in it
    look(out, "response version", "http.version.own", m.version == "1.1",
         "the client was answered in HTTP/" .. m.version)
  end
  look(out, "response via", "http.via.append-response", #entries(m) >= 1,
       "the client saw no Via")
  if not kind.version and not kind.version_back then
    look_at_version(out, "response via version", entries(m)[1], nil,
                    "the response of the origin")
  end
  look(out, "response via number", "http.via.append-response",
       #entries(m) <= 1, "the client saw more than one entry of Via")
  look(out, "date", "http.field.date-accept", m:field("date") == DATE,
       "the client saw Date: " .. tostring(m:field("date")))
  if not (kind.lacks_back or {})["Set-Cookie"] then
    look(out, "cookies", "http.field.set-cookie",
         table.concat(m:values("set-cookie"), "|") == table.concat(COOKIES, "|"),
         "the client saw " .. #m:values("set-cookie") .. " lines of Set-Cookie")
  end
  for _, field in ipairs(kind.fields_back or {}) do
    look(out, "status", "http.field.endpoint-info", m:field(field[1]) == field[2],
         string.format("the client saw %s: %s", field[1],
                       tostring(m:field(field[1]))))
  end
  if not kind.is_bare then
    look(out, "response body", "http.body.opaque", m.body == kind.content,
         "the client got the content " .. shown(m.body))
  end
  return out
end

-- One exchange of this kind -------------------------------------------------------

local function fields_of_request(kind)
  local out = { { "Connection", "X-Hop" }, { "X-Hop", "1" },
                { "Proxy-Connection", "keep-alive" },
                { "Keep-Alive", "timeout=5" }, { "Upgrade", "foo/1" } }
  for _, field in ipairs(without(REQUEST_FIELDS, kind.lacks)) do
    out[#out + 1] = { field[1], field[2] }
  end
  return table.move(kind.fields or {}, 1, #(kind.fields or {}), #out + 1, out)
end

local function fields_of_response(kind, nonce)
  local out = { { "X-Witness", nonce }, { "Cache-Control", "no-store" },
                not kind.is_undated and { "Date", DATE } or { "X-Date", "none" },
                { "X-Hop", "1" },
                { "Proxy-Connection", "keep-alive" },
                { "Keep-Alive", "timeout=5" }, { "Upgrade", "foo/1" },
                { "Connection", kind.closes and "X-Hop, close" or "X-Hop" } }
  for _, field in ipairs(without(RESPONSE_FIELDS, kind.lacks_back)) do
    out[#out + 1] = { field[1], field[2] }
  end
  if not (kind.lacks_back or {})["Set-Cookie"] then
    for _, cookie in ipairs(COOKIES) do
      out[#out + 1] = { "Set-Cookie", cookie }
    end
  end
  return table.move(kind.fields_back or {}, 1, #(kind.fields_back or {}),
                    #out + 1, out)
end

local function answer(kind, up, request)
  local fields = fields_of_response(kind, request.nonce)
  local is_old = request.version == "1.0"
  if kind.interim and not is_old then
    up:send(http.answer { status = 103, bare = true, body = "", fields = {
      { "Link", "</a>; rel=preload" }, { "X-Mark", "b" }, { "X-Hop", "1" },
      { "Connection", "X-Hop" }, { "Keep-Alive", "timeout=5" } } })
  end
  local is_chunked = kind.chunked_back and not is_old
  if not kind.is_bare and not is_chunked and not kind.to_close then
    fields[#fields + 1] = { "Content-Length", tostring(#kind.content) }
  elseif kind.method == "HEAD" then
    fields[#fields + 1] = { "Content-Length", "1000" }
  end
  if is_chunked then
    fields[#fields + 1] = { "Transfer-Encoding", "chunked" }
  end
  up:send(http.answer {
    status = kind.status or 200, version = kind.version_back, bare = true,
    fields = fields, chunked = is_chunked and { 5, 300 } or nil,
    body = kind.is_bare and "" or kind.content })
  if kind.closes or is_old or request:has("connection", "close") then
    up:close()
    return false
  end
  return true
end

local function ask(t, w, kind, client)
  local nonce = t:nonce()
  local to = kind.to and w[kind.to]
  kind.path = "/a/B." .. nonce .. "?c=d%2Fe&f="
  kind.authority = to and to.host .. ":" .. to.port or w.authority
  if kind.to == "ipv6" then
    kind.authority = "[" .. to.host .. "]:" .. to.port
  end
  kind.content = "content of " .. nonce .. BINARY
  return t:exchange {
    nonce = nonce, origin = w, to = to, reuse = client, method = kind.method,
    version = kind.version, path = kind.path, fields = fields_of_request(kind),
    body = kind.body, chunked = kind.chunked, within = 4,
    answer = function (up, request) return answer(kind, up, request) end }
end

local function look_at_interim(x)
  local out, m = {}, x.interim[1]
  if not m then
    return out
  end
  look(out, "response X-Hop", "http.connection.listed-removed",
       not m:field("x-hop"), "the client saw X-Hop of a 103")
  look(out, "response Keep-Alive", "http.connection.keep-alive-field",
       not m:field("keep-alive"), "the client saw Keep-Alive of a 103")
  look(out, "response X-Mark", "http.field.unknown-forward",
       m:field("x-mark") == "b" and m:field("link"),
       "the client saw no X-Mark and Link of a 103")
  return out
end

-- Kinds ------------------------------------------------------------------------------

-- RFC 9110 section 15.4.5: a 304 has few fields.
local OF_304 = { ["Set-Cookie"] = true }
for _, field in ipairs(RESPONSE_FIELDS) do
  OF_304[field[1]] = true
end
for _, name in ipairs { "X-Mark", "ETag", "Vary", "Content-Location", "Expires" } do
  OF_304[name] = nil
end

local KINDS = {
  { "head", { method = "HEAD", is_bare = true } },
  { "post", { method = "POST", body = BINARY } },
  { "post-chunked", { method = "POST", body = BINARY, chunked = { 2, 300 } } },
  { "post-expect", { method = "POST", body = BINARY,
                     fields = { { "Expect", "100-continue" } } } },
  { "put", { method = "PUT", body = BINARY } },
  { "patch", { method = "PATCH", body = BINARY } },
  { "delete", { method = "DELETE" } },
  { "options", { method = "OPTIONS" } },
  { "propfind", { method = "PROPFIND", body = "<a/>" } },
  { "older-client", { version = "1.0" } },
  { "older-post", { version = "1.0", method = "POST", body = BINARY } },
  { "older-head", { version = "1.0", method = "HEAD", is_bare = true } },
  { "newer-client", { version = "1.2" } },
  { "older-second", { version = "1.0", before = { {} } } },
  { "close", { fields = { { "Connection", "close" } } } },
  { "name", { to = "name" } },
  { "ipv6", { to = "ipv6" } },
  { "second", { before = { {} } } },
  { "third", { before = { {}, {} } } },
  { "post-second", { method = "POST", body = BINARY, before = { {} } } },
  { "behind-post", { before = { { method = "POST", body = BINARY,
                                  chunked = { 2, 300 } } } } },
  { "behind-answer-older", { before = { { version_back = "1.0",
                                          closes = true } } } },
  { "behind-head", { before = { { method = "HEAD", is_bare = true } } } },
  { "answer-201", { method = "POST", body = BINARY, status = 201 } },
  { "answer-204", { status = 204, is_bare = true } },
  { "answer-206", { status = 206, fields = { { "Range", "bytes=0-9" } },
                    fields_back = { { "Content-Range", "bytes 0-9/100" } } } },
  { "answer-302", { status = 302 } },
  { "answer-304", { status = 304, is_bare = true, lacks_back = OF_304 } },
  { "answer-304-to-head", { status = 304, method = "HEAD", is_bare = true,
                            lacks_back = OF_304 } },
  { "answer-401", { status = 401 } },
  { "answer-299", { status = 299 } },
  { "answer-471-to-post", { status = 471, method = "POST", body = BINARY } },
  { "answer-599-to-head", { status = 599, method = "HEAD", is_bare = true } },
  { "answer-chunked-to-older", { chunked_back = true, version = "1.0" } },
  { "answer-403", { status = 403 } },
  { "answer-404", { status = 404 } },
  { "answer-404-to-post", { status = 404, method = "POST", body = BINARY } },
  { "answer-404-to-head", { status = 404, method = "HEAD", is_bare = true } },
  { "answer-500", { status = 500 } },
  { "answer-503", { status = 503 } },
  { "answer-chunked", { chunked_back = true } },
  { "answer-chunked-second", { chunked_back = true, before = { {} } } },
  { "answer-to-close", { to_close = true, closes = true } },
  { "answer-older", { version_back = "1.0", closes = true } },
  { "answer-older-404", { version_back = "1.0", closes = true, status = 404 } },
  { "interim", { interim = true } },
  { "interim-second", { interim = true, before = { {} } } },
  { "interim-of-head", { interim = true, method = "HEAD", is_bare = true } },
  { "interim-of-post", { interim = true, method = "POST", body = BINARY } },
}

local IDS = {
  "http.target.to-origin-form", "http.host.rewrite", "http.method.case",
  "http.body.opaque", "http.version.own", "auth.proxy.consumed",
  "http.maxforwards.no-add", "http.via.append", "http.via.append-response",
  "http.status.unknown-forward", "http.field.date-accept",
  "http.field.set-cookie", "http.field.unknown-forward",
  "http.field.order-same", "http.field.endpoint-info", "http.field.vary-star",
  "auth.proxy.authorization-untouched", "auth.proxy.www-untouched",
  "auth.proxy.info-untouched", "http.connection.listed-removed",
  "http.connection.proxy-connection", "http.connection.keep-alive-field",
  "http.connection.upgrade-field", "http.field.no-repeat", "http.cond.forward",
  "http.status.401-kept", "http.status.304-forward", "http.persist.default",
  "http.interim.forward", "http.via.version", "http.field.allow",
  "http.field.referer",
}

local function copy(of)
  local out = {}
  for key, value in pairs(of) do
    out[key] = value
  end
  return out
end

local function looks(x, kind)
  local out = look_at_request(x, kind)
  return table.move(look_at_response(x, kind), 1, 100, #out + 1, out)
end

-- Whether the connection goes on, or ends as the response said it would.
local function look_at_end(out, x)
  look(out, "end", "http.persist.default", x:says_close() or x:persists(0.05),
       "the connection was closed, and the response had not said so")
end

-- What a plain exchange has right.
local function expected(t, w)
  local kind, right = {}, {}
  local x = ask(t, w, kind)
  if x.why or x.is_own then
    t:skip("a plain exchange does not come through: " .. tostring(x.why))
  end
  local all = looks(x, kind)
  look_at_end(all, x)
  for _, one in ipairs(all) do
    right[one.key] = one.ok
  end
  return right
end

for _, case in ipairs(KINDS) do
  local name, of = table.unpack(case)
  scenario("http.every." .. name) {
    title  = "what a plain GET gets right is right of this one: "
             .. name:gsub("-", " "),
    checks = IDS,
    needs  = { "http-forward", of.to or "ipv4" },
    within = 20,
    run    = function (t)
      local w, kind, client = t:witness {}, copy(of), nil
      local right = expected(t, w)
      for _, before in ipairs(kind.before or {}) do
        client = ask(t, w, copy(before), client).client
      end
      local x = ask(t, w, kind, client)
      if x.why or x.is_own then
        local want, got = kind.status or 200, x.response and x.response.status
        t:check(not x.request or not got or got == want or got // 100 > 3,
                STATUS_IDS[want] or "http.status.unknown-forward",
                want .. " came back as " .. tostring(got))
        t:skip("it does not come through: " .. tostring(x.why))
      end
      local all = looks(x, kind)
      if kind.version ~= "1.0" and not kind.closes and name ~= "close" then
        look_at_end(all, x)
      end
      t:check(#x.interim > 0 or not kind.interim
              or #ask(t, w, { interim = true }).interim == 0,
              "http.interim.forward",
              "the client saw no 103, and in a plain exchange one")
      for _, one in ipairs(kind.interim and look_at_interim(x) or {}) do
        all[#all + 1] = one
      end
      for _, one in ipairs(all) do
        t:check(one.ok or not right[one.key], one.id, one.message
                .. ", and not so in a plain exchange")
      end
    end,
  }
end

-- The same for a response without Date ------------------------------------------

local IMF = "^%u%l%l, %d%d %u%l%l %d%d%d%d %d%d:%d%d:%d%d GMT$"

local function is_dated(t, w, kind, client)
  kind.is_undated = true
  local x = ask(t, w, kind, client)
  if x.why or x.is_own then
    t:skip("it does not come through: " .. tostring(x.why))
  end
  local date = x.response:field("date")
  return date and date:find(IMF), tostring(date), x
end

-- A connection that ends with this exchange -----------------------------------------

-- Whether the response says close and no other request is answered behind it.
local function ends(t, w, kind, client)
  local other = t:witness {}
  if kind.version ~= "1.0" then
    kind.fields = { { "Connection", "close" }, table.unpack(kind.fields or {}) }
  end
  local x = ask(t, w, kind, client)
  if x.why or x.is_own then
    t:skip("it does not come through: " .. tostring(x.why))
  end
  local behind = t:exchange { origin = other, reuse = x.client, within = 1 }
  return x.response:has("connection", "close"),
         behind.client ~= x.client or #other.requests == 0
end

local function is_one_of(name, prefixes)
  for _, prefix in ipairs(prefixes) do
    if name:find(prefix, 1, true) == 1 then
      return true
    end
  end
  return false
end

for _, case in ipairs(KINDS) do
  local name, of = table.unpack(case)
  local function behind(t, w, kind)
    local client
    for _, before in ipairs(kind.before or {}) do
      client = ask(t, w, copy(before), client).client
    end
    return client
  end

  scenario("http.every.undated-" .. name) {
    title  = "a response without Date gets one: " .. name:gsub("-", " "),
    checks = { "http.field.date-add" },
    needs  = { "http-forward", of.to or "ipv4" },
    within = 20,
    run    = function (t)
      local w, kind = t:witness {}, copy(of)
      if not is_dated(t, w, {}) then
        t:skip("that of a plain GET gets none either")
      end
      local is_right, date = is_dated(t, w, kind, behind(t, w, kind))
      t:check(is_right, "http.field.date-add", "the client saw Date: " .. date
              .. ", and not so in a plain exchange")
    end,
  }

  -- Whose origin closes is looked at elsewhere.
  if not is_one_of(name, { "close", "answer-to-close", "answer-older" }) then
    scenario("http.every.last-" .. name) {
      title  = "a connection ends with the answer to close: "
               .. name:gsub("-", " "),
      checks = { "http.close.echo", "http.close.no-more",
                 "http.persist.http10" },
      needs  = { "http-forward", of.to or "ipv4" },
      within = 20,
      run    = function (t)
        local w, kind = t:witness {}, copy(of)
        local is_older = of.version == "1.0"
        local says, is_last = ends(t, w, { version = of.version })
        local says_here, is_last_here = ends(t, w, kind, behind(t, w, kind))
        t:check(says_here or not says or is_older, "http.close.echo",
                "the response does not say close, and not so in a plain exchange")
        t:check(is_last_here or not is_last,
                is_older and "http.persist.http10" or "http.close.no-more",
                "another request was answered behind the last one")
      end,
    }
  end
end
