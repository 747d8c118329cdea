-- What the proxy says itself when it cannot forward: RFC 9110 sections 15.5 and
-- 15.6.

local function get(t, to, method)
  local c = t:connect()
  c:send(http.request { to = to, path = "/" .. t:nonce(), method = method })
  local answer, why = c:response { method = method, within = 8 }
  return answer, why, c
end

for _, case in ipairs {
  { "refused", "http.error.refused", "closed" },
  { "unresolved", "http.error.dns", "nowhere" },
} do
  local name, id, where = table.unpack(case)
  scenario("http.error.forward-" .. name) {
    title    = "an origin that is not to be had is answered with an error: " .. name,
    checks   = { id, "http.status.error-content" },
    needs    = { "http-forward" },
    negative = true,
    within   = 15,
    run      = function (t)
      local answer, why = get(t, origin[where])
      t:check(answer, id, "no answer came: " .. tostring(why), { absence = true })
      if answer then
        local class = answer.status // 100
        t:check(class >= 4, id, "answered with " .. answer.status)
        t:check(class == 5 and answer.status ~= 500, id, "answered with "
                .. answer.status .. ", not 502 to 504", { contested = true })
        t:check(class < 4 or answer.body ~= "", "http.status.error-content",
                "the " .. answer.status .. " explains nothing")
      end
    end,
  }
end

-- An origin that ends before it says anything.
for _, how in ipairs { "close", "reset" } do
  scenario("http.error.forward-" .. how) {
    title    = "an origin that ends without a response is answered with an error: "
               .. how,
    checks   = { "http.error.bad-gateway" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { method = "POST", body = "a", within = 5,
        answer = function (up) up[how](up) return false end }
      local status = x.response and x.response.status
      t:check(not status or status // 100 ~= 2, "http.error.bad-gateway",
              "the client got a " .. tostring(status))
      t:check(not status or status == 502 or status // 100 == 2,
              "http.error.bad-gateway", "the client got a " .. tostring(status)
              .. ", not 502", { contested = true })
    end,
  }
end

for _, case in ipairs {
  { "length", "Content-Length: 1000\r\n\r\n" .. ("a"):rep(100) },
  { "chunked", "Transfer-Encoding: chunked\r\n\r\n64\r\n" .. ("a"):rep(50) },
  { "between-chunks", "Transfer-Encoding: chunked\r\n\r\n5\r\naaaaa\r\n" },
} do
  for _, how in ipairs { "close", "reset" } do
    scenario("http.error.cut-" .. case[1] .. "-" .. how) {
      title    = "behind a response that broke off comes no other one: " .. case[1],
      checks   = { "http.error.no-double" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local c, w, path = t:connect(), t:origin(), "/" .. t:nonce()
        c:send(http.request { to = w, path = path })
        local up = w:accept(3)
        if not up then
          t:inconclusive("the request did not reach the origin")
        end
        up:request {}
        up:send("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                case[2])
        up:silent(0.05)
        up[how](up)
        local got = c:read_end(3) or ""
        -- The page of an answer of the proxy's own may speak of HTTP.
        local behind = got:match("^HTTP/1%.%d 200(.*)") or ""
        local second = behind:match("HTTP/1%.%d %d%d%d[^\r\n]*")
        t:check(not second, "http.error.no-double",
                "a second status-line came: " .. t:show(second or ""))
      end,
    }
  end
end

-- What else a refusal tells: 431 is about fields alone (RFC 6585, 5), and may
-- be thought to count the line before them; Retry-After is seconds or a date.
local function check_told(t, name, answer)
  t:check(answer.status ~= 431 or name == "long-field", "http.limits.431",
          "431 came, and no field is large",
          { contested = name == "long-line" })
  local after = answer:field("retry-after")
  t:check(not after or after:find("^%d+$")
          or after:find("^%u%l%l+, %d%d[ -]%u%l%l[ -]%d+ %d%d:%d%d:%d%d GMT$")
          or after:find("^%u%l%l %u%l%l [ %d]%d %d%d:%d%d:%d%d %d%d%d%d$"),
          "http.error.retry-after", "Retry-After is " .. t:show(after or ""))
end

-- Every refusal explains itself, whatever it refuses.
local REFUSED = {
  { "garbage", function () return "!\"$% nothing\r\n\r\n" end },
  { "no-host", function (w)
      return "GET / HTTP/1.1\r\nX-A: " .. w.port .. "\r\n\r\n"
    end },
  { "scheme", function (w)
      return "GET foo://" .. w.authority .. "/ HTTP/1.1\r\nHost: a\r\n\r\n"
    end },
  { "version", function (w)
      return "GET " .. w:url("/") .. " HTTP/3.7\r\nHost: a\r\n\r\n"
    end },
  { "length", function (w)
      return "POST " .. w:url("/") .. " HTTP/1.1\r\nHost: " .. w.authority
             .. "\r\nContent-Length: x\r\n\r\n"
    end },
  { "coding", function (w)
      return "POST " .. w:url("/") .. " HTTP/1.1\r\nHost: " .. w.authority
             .. "\r\nTransfer-Encoding: foo\r\n\r\n"
    end },
  { "long-line", function (w)
      return "GET " .. w:url("/" .. ("a"):rep(1 << 17)) .. " HTTP/1.1\r\nHost: "
             .. w.authority .. "\r\n\r\n"
    end },
  { "long-field", function (w)
      return "GET " .. w:url("/") .. " HTTP/1.1\r\nHost: " .. w.authority
             .. "\r\nX-A: " .. ("a"):rep(1 << 17) .. "\r\n\r\n"
    end },
}

for _, case in ipairs(REFUSED) do
  local name, request_of = table.unpack(case)
  scenario("http.error.explained-" .. name) {
    title    = "a refusal has an explanation: " .. name,
    checks   = { "http.status.error-content", "http.limits.431",
                 "http.error.retry-after" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local out = t:outcome { origin = w, send = request_of(w) }
      local answer = out.refusal
      if not answer or w:contacts() > 0 then
        return -- an origin that cannot read it has a refusal of its own
      end
      t:check(answer.body ~= "" or answer.framing == "end",
              "http.status.error-content",
              "the " .. answer.status .. " explains nothing")
      check_told(t, name, answer)
    end,
  }
end

scenario "auth.forward.explained" {
  title    = "a 407 has an explanation",
  checks   = { "http.status.error-content" },
  needs    = { "http-forward" },
  config   = "auth",
  negative = true,
  run      = function (t)
    local x = t:exchange { credentials = false }
    t:check(not x.is_own or x.response.status ~= 407 or x.response.body ~= "",
            "http.status.error-content", "the 407 explains nothing")
  end,
}
