-- How the connection goes on behind a refused CONNECT: RFC 9112 sections 6.3
-- and 9.6. Ten seconds are the time for which a close is waited.

local CLOSES_WITHIN = 10.5

local function says_close(answer)
  for _, field in ipairs(answer.fields) do
    if field.name == "connection" and field.value:lower():find("%f[%w]close%f[%W]")
    then
      return true
    end
  end
  return false
end

-- The answer that request gets, when it is a refusal.
local function refusal(t, c, request)
  c:send(request)
  local answer = c:receive(http.response {}, 10)
  return answer and answer.status // 100 ~= 2 and answer or nil
end

local function check_end(t, c, id, text)
  t:check(c:ended(CLOSES_WITHIN), id, text, { absence = true })
end

-- What only the close delimits has to be closed; what says close, as well.
local function ends_as_told(request_of, framing)
  return function (t)
    local c = t:connect()
    local answer = refusal(t, c, request_of(t))
    if answer and answer.is_delimited_by_end then
      check_end(t, c, framing, "nothing tells where the answer ends")
    elseif answer and says_close(answer) then
      check_end(t, c, "http.close.after-sending", "it says close and stays open")
    end
  end
end

scenario "http.close.behind-failure" {
  title    = "a refusal has an end, and one that says close closes",
  checks   = { "http.close.after-sending", "http.connect.failure-status" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 30,
  run      = ends_as_told(function ()
    return http.connect { to = origin.closed }
  end, "http.connect.failure-status"),
}

scenario "auth.close-behind-challenge" {
  title    = "a 407 has an end, and one that says close closes",
  checks   = { "http.close.after-sending", "auth.proxy.407-framing" },
  needs    = { "http-connect", "http-basic" },
  config   = "auth",
  negative = true,
  within   = 30,
  run      = ends_as_told(function (t)
    return http.connect { to = t:origin(), credentials = false }
  end, "auth.proxy.407-framing"),
}

scenario "http.close.on-request" {
  title    = "a refusal of a request with close says close, and closes",
  checks   = { "http.close.on-request", "http.close.echo" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 30,
  run      = function (t)
    local c = t:connect()
    local answer = refusal(t, c, http.connect {
      to = origin.closed, fields = { { "Connection", "close" } } })
    if not answer then
      return
    end
    t:check(says_close(answer) or answer.version == "1.0", "http.close.echo",
            "the answer does not say close")
    check_end(t, c, "http.close.on-request", "the connection stays open")
  end,
}

scenario "http.status.error-content" {
  title    = "a refusal explains itself",
  checks   = { "http.status.error-content" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 15,
  run      = function (t)
    local answer = refusal(t, t:connect(), http.connect { to = origin.closed })
    for _, field in ipairs(answer and answer.fields or {}) do
      t:check(field.name ~= "content-length" or tonumber(field.value) ~= 0,
              "http.status.error-content", "the answer has no content")
    end
  end,
}

scenario "http.tunnel.no-answer-inside" {
  title  = "a tunnel that breaks has no second answer in it",
  checks = { "http.error.no-double" },
  needs  = { "http-connect" },
  run    = function (t)
    local c, up = t:tunnel {}
    up:reset()
    local got = c:read_some(2)
    t:check(not got or not got:find("^HTTP/"), "http.error.no-double",
            "an answer came out of the tunnel")
  end,
}
