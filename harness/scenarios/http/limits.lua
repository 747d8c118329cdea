-- Sizes of forwarded heads: RFC 9110 sections 2.3 and 5.4, RFC 6585 section 5.

local function many(n, width)
  local lines = {}
  for i = 1, n do
    lines[i] = { "X-N-" .. i, ("a"):rep(width) }
  end
  return lines
end

-- How many of these fields a text has, and of the octets of their values.
local function counted(text)
  local octets = 0
  for run in text:gmatch("a+") do
    octets = octets + #run
  end
  return select(2, text:gsub("\n[Xx]%-[Nn]%-%d+:", "")), octets
end

-- What comes until a head has ended, and whether it has.
local function read_head(conn)
  local pieces, tail, is_whole = {}, "", false
  repeat
    local more = conn:read_some(1)
    pieces[#pieces + 1] = more
    tail = tail:sub(-3) .. (more or "")
    is_whole = tail:find("\r\n\r\n", 1, true) ~= nil
  until not more or is_whole
  return table.concat(pieces), is_whole
end

-- Whole, or refused with 4xx; nothing of it may be left out.
for _, case in ipairs {
  { "50-fields", 50, 20 }, { "150-fields", 150, 20 },
  { "1000-fields", 1000, 5 }, { "10000-fields", 10000, 1 },
  { "field-of-4k", 1, 4096 }, { "field-of-16k", 1, 16384 },
  { "field-of-100k", 1, 102400 }, { "field-of-1m", 1, 1 << 20 },
} do
  local name, number, width = table.unpack(case)
  scenario("http.limits.forward-" .. name) {
    title    = "fields are forwarded whole or refused with 4xx: " .. name,
    checks   = { "http.limits.fields-4xx" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local w, id = t:origin(), "http.limits.fields-4xx"
      local c = t:connect()
      c:send(http.request { to = w, path = "/" .. t:nonce(),
                            fields = many(number, width) })
      local up = w:accept(2)
      if up then
        local text, is_whole = read_head(up)
        if is_whole then
          local count, octets = counted(text)
          t:check(count == number, id, string.format(
            "%d fields were sent, %d arrived", number, count))
          t:check(octets >= number * width, id,
                  "a value arrived shorter than it was sent")
        end
      else
        local answer = c:response { within = 3 }
        t:check(not answer or answer.status // 100 ~= 5, id,
                "answered with " .. tostring(answer and answer.status))
      end
    end,
  }
end

-- What comes back of an origin's head that may be too large.
for _, case in ipairs {
  { "100-fields", 100, 20 }, { "1000-fields", 1000, 20 },
  { "field-of-16k", 1, 16384 }, { "field-of-100k", 1, 102400 },
  { "field-of-1m", 1, 1 << 20 },
} do
  local name, number, width = table.unpack(case)
  scenario("http.limits.back-" .. name) {
    title    = "an origin's fields come back whole or not at all: " .. name,
    checks   = { "http.limits.response-fields" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local w, c, id = t:origin(), t:connect(), "http.limits.response-fields"
      c:send(http.request { to = w, path = "/" .. t:nonce(),
                            fields = { { "Connection", "close" } } })
      local up = w:accept(3)
      if not up then
        t:inconclusive("the request did not reach the origin")
      end
      up:request {}
      up:send(http.answer { status = 201, body = "",
                            fields = many(number, width) })
      up:close()
      local text = c:read_end(5) or ""
      if text:find("^HTTP/1%.%d 201") and text:find("\r\n\r\n", 1, true) then
        local count, octets = counted(text)
        t:check(count == number, id, string.format(
          "%d fields were sent, %d came back", number, count))
        t:check(octets >= number * width, id,
                "a value came back shorter than it was sent")
      end
    end,
  }
end

-- Names that are longer than an octet can count, one of which ends as another
-- field does where its length is cut to that.
local NAMES = {
  { "256", "X-" .. ("n"):rep(254) },
  { "257", "X-" .. ("n"):rep(255) }, { "270", "Content-Length0" .. ("a"):rep(255) },
  { "273", "Transfer-Encoding" .. ("a"):rep(256) },
  { "1000", "X-" .. ("n"):rep(998) },
}

for _, case in ipairs(NAMES) do
  local name, long = table.unpack(case)
  scenario("http.limits.forward-name-of-" .. name) {
    title    = "a name of " .. name .. " octets is no other name",
    checks   = { "http.limits.fields-4xx" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local id = "http.limits.fields-4xx"
      local x = t:exchange { method = "POST", body = "hello", within = 3,
        fields = { { long, "3" }, { "Content-Length", "5" } } }
      local got = x.request
      if got then
        t:check(got:field(long) == "3", id, "the field did not arrive")
        t:check(got.body == "hello" and #got:values("content-length") == 1, id,
                "the origin was told " .. table.concat(got:lines(
                  "content-length", "transfer-encoding"), " | "))
      end
    end,
  }

  scenario("http.limits.back-name-of-" .. name) {
    title    = "a name of " .. name .. " octets of an origin is no other name",
    checks   = { "http.limits.response-fields" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local id = "http.limits.response-fields"
      local x = t:exchange { within = 3, answer = { body = "hello",
        fields = { { long, "3" }, { "Content-Length", "5" } } } }
      local got = not x.is_own and x.response
      if got then
        t:check(got:field(long) == "3", id, "the field did not come back")
        t:check(got.body == "hello" and #got:values("content-length") <= 1, id,
                "the client was told " .. table.concat(got:lines(
                  "content-length", "transfer-encoding"), " | "))
      end
    end,
  }
end

-- Heads around the sizes that buffers have: each octet of them comes, or the
-- request is refused.
local BUFFERS = { 1024, 2048, 4096, 8192, 16384, 32768 }

local function sized(size, before)
  local width = size - before - #"X-Fill: \r\n"
  return { "X-Fill", ("p"):rep(width - 1) .. "q" }
end

for _, size in ipairs(BUFFERS) do
  scenario("http.limits.forward-head-of-" .. size) {
    title    = "heads of about " .. size .. " octets are forwarded whole or refused",
    checks   = { "http.limits.fields-4xx" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local id, w, client = "http.limits.fields-4xx", t:witness {}, nil
      for i = -2, 2 do
        local path = "/" .. t:nonce()
        local bare = "GET " .. w:url(path) .. " HTTP/1.1\r\nHost: " .. w.authority
                     .. "\r\nX-Last: last\r\n\r\n"
        local pad = sized(size + i, #bare)
        local x = t:exchange { origin = w, path = path, reuse = client,
          within = 3, fields = { pad, { "X-Last", "last" } } }
        local got = x.request
        client = x.client
        t:check(not got or got:field("x-fill") == pad[2]
                and got:field("x-last") == "last"
                and got:values("host")[1] == w.authority, id, string.format(
                  "a head of %d octets came changed", size + i))
        t:check(got or not x.response or x.response.status // 100 == 4, id,
                "answered with " .. tostring(x.response and x.response.status))
      end
    end,
  }

  scenario("http.limits.back-head-of-" .. size) {
    title    = "heads of about " .. size .. " octets of an origin come back whole",
    checks   = { "http.limits.response-fields" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local id, w, client = "http.limits.response-fields", t:witness {}, nil
      for i = -2, 2 do
        local nonce, pad = t:nonce(), nil
        local x = t:exchange { origin = w, reuse = client, within = 3,
          nonce = nonce, answer = function (up)
            local head = "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
              .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              .. "Cache-Control: no-store\r\nContent-Length: 5\r\n"
            local rest = "X-Last: last\r\n\r\n"
            pad = sized(size + i, #head + #rest)
            up:send(head .. pad[1] .. ": " .. pad[2] .. "\r\n" .. rest .. "hello")
            return true
          end }
        local got = not x.is_own and x.response
        client = x.client
        t:check(not got or got:field("x-fill") == pad[2]
                and got:field("x-last") == "last" and got.body == "hello", id,
                string.format("a head of %d octets came back changed", size + i))
        t:check(x.what ~= "malformed", id, string.format(
          "a head of %d octets came back as what cannot be read", size + i))
      end
    end,
  }
end

-- An entry of Via as long as the proxy's own one, of another proxy: its own
-- would be a loop. Who refuses short ones refuses them for another reason.
scenario "http.limits.own-via" {
  title  = "an entry of Via that is as long as the proxy's own is accepted",
  checks = { "http.limits.own-output" },
  needs  = { "http-forward" },
  run    = function (t)
    local id, client = "http.limits.own-output", nil
    local function with(entry)
      local x = t:exchange { reuse = client, within = 3, fields = {
        entry and { "Via", entry } or nil } }
      client = x.client
      return x
    end
    local plain = with(nil)
    local own = plain.request and plain.request:field("via")
    if not own or #own < #"1.1 ab" then
      t:skip("the proxy adds no entry to Via")
    elseif not with("1.1 a").request then
      t:skip("the proxy serves no request that has been through another one")
    end
    local x = with("1.1 " .. ("v"):rep(#own - #"1.1 "))
    t:check(x.request or not x.is_own, id, string.format(
      "its own entry has %d octets; a request with one of as many was answered "
      .. "with %s", #own, tostring(x.response and x.response.status)))
  end,
}
