-- Sizes of forwarded heads: RFC 9110 sections 2.3 and 5.4, RFC 6585 section 5.

local function many(n, width)
  local lines = {}
  for i = 1, n do
    lines[i] = { "X-N-" .. i, ("a"):rep(width) }
  end
  return lines
end

-- Whole, or refused with 4xx; nothing of it may be left out.
for _, case in ipairs {
  { "50-fields", many(50, 20) }, { "150-fields", many(150, 20) },
  { "1000-fields", many(1000, 5) }, { "10000-fields", many(10000, 1) },
  { "field-of-4k", many(1, 4096) }, { "field-of-16k", many(1, 16384) },
  { "field-of-100k", many(1, 102400) }, { "field-of-1m", many(1, 1 << 20) },
} do
  local name, fields = table.unpack(case)
  scenario("http.limits.forward-" .. name) {
    title    = "fields are forwarded whole or refused with 4xx: " .. name,
    checks   = { "http.limits.fields-4xx" },
    needs    = { "http-forward" },
    negative = true,
    within   = 20,
    run      = function (t)
      local w, id = t:origin(), "http.limits.fields-4xx"
      local c = t:connect()
      c:send(http.request { to = w, path = "/" .. t:nonce(), fields = fields })
      local up = w:accept(2)
      if up then
        local text = ""
        repeat
          local more = up:read_some(1)
          text = text .. (more or "")
        until not more or text:find("\r\n\r\n", 1, true)
        local _, count = text:gsub("\n[Xx]%-[Nn]%-%d+:", "")
        local _, octets = text:gsub("a", "")
        if text:find("\r\n\r\n", 1, true) then
          t:check(count == #fields, id, string.format(
            "%d fields were sent, %d arrived", #fields, count))
          t:check(octets >= #fields * #fields[1][2], id,
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
  { "100-fields", many(100, 20) }, { "1000-fields", many(1000, 20) },
  { "field-of-16k", many(1, 16384) }, { "field-of-100k", many(1, 102400) },
  { "field-of-1m", many(1, 1 << 20) },
} do
  local name, fields = table.unpack(case)
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
      up:send(http.answer { status = 201, body = "", fields = fields })
      up:close()
      local text = c:read_end(5) or ""
      if text:find("^HTTP/1%.%d 201") and text:find("\r\n\r\n", 1, true) then
        local _, count = text:gsub("\n[Xx]%-[Nn]%-%d+:", "")
        local _, octets = text:gsub("a", "")
        t:check(count == #fields, id, string.format(
          "%d fields were sent, %d came back", #fields, count))
        t:check(octets >= #fields * #fields[1][2], id,
                "a value came back shorter than it was sent")
      end
    end,
  }
end
