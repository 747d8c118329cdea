-- CONNECT that cannot work: RFC 9110 sections 9.3.6 and 15.6.

-- What no tunnel can be made to, and which row speaks of it. TCP has no
-- connections to a group address: the attempt fails at once, sending nothing.
local CASES = {
  { "refusing-port", "http.error.refused", origin.closed, "ipv4" },
  { "unknown-name", "http.error.dns", origin.nowhere, "name" },
  { "no-route", "http.error.refused",
    { atyp = 1, host = "224.0.0.1", port = 9 }, "ipv4" },
}

for _, case in ipairs(CASES) do
  local name, id, to, kind = table.unpack(case)
  scenario("http.connect.to-" .. name) {
    title    = "a destination that cannot be reached: " .. name:gsub("-", " "),
    checks   = { id, "http.connect.success-real", "http.connect.failure-status" },
    needs    = { "http-connect", kind },
    negative = true,
    within   = 60,
    run      = function (t)
      local c = t:connect()
      c:send(http.connect { to = to })
      local answer, why = c:receive(http.response {}, 45)
      if not answer then
        local options = { absence = why ~= "malformed" }
        t:violation("http.connect.failure-status", "no answer came: " .. why,
                    options)
        t:check(id ~= "http.error.refused", id, "no answer came: " .. why,
                options)
        return
      end
      t:check(answer.status // 100 ~= 2,
              id == "http.error.dns" and id or "http.connect.success-real",
              string.format("answered with %d, and there is no tunnel",
                            answer.status))
    end,
  }
end

-- Whether the connection is kept for another request.
local function goes_on(answer, c)
  if answer.is_delimited_by_end or answer.version == "1.0" then
    return false
  end
  for _, field in ipairs(answer.fields) do
    if field.name == "connection"
       and field.value:lower():find("close", 1, true) then
      return false
    end
  end
  return not c:ended(0.1)
end

-- What follows a failure on the same connection is a request again, or the
-- connection is closed.
scenario "http.connect.request-behind-failure" {
  title    = "behind a failed CONNECT the connection is HTTP, or closed",
  checks   = { "http.connect.after-failure" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 25,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = origin.closed })
    local first = c:receive(http.response {}, 10)
    if not first or first.status // 100 == 2 or not goes_on(first, c) then
      return -- http.connect.to-refusing-port speaks of it
    end
    c:send(http.connect { to = o })
    local second, why = c:receive(http.response {}, 10)
    t:check(second or why == "fin" or why == "rst", "http.connect.after-failure",
            "neither an answer nor a close: " .. tostring(why),
            { absence = why == "silence" })
  end,
}

-- Octets behind a CONNECT that fails were meant for a tunnel. RFC 9112 reads
-- them as the next request of a pipeline all the same, so that running them
-- is told and not judged.
local function glued(request_of)
  return function (t)
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = origin.closed }, request_of(o))
    local answer = c:receive(http.response {}, 10)
    if not answer or answer.status // 100 == 2 then
      return
    end
    t:check(not o:accept(0.5), "http.connect.early-client-data",
            "octets behind a failed CONNECT were run as a request",
            { contested = true })
  end
end

scenario "http.connect.connect-joined-to-failing" {
  title    = "a CONNECT joined to one that fails",
  checks   = { "http.connect.early-client-data" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 15,
  run      = glued(function (o) return http.connect { to = o } end),
}

scenario "http.connect.get-joined-to-failing" {
  title    = "a GET joined to a CONNECT that fails",
  checks   = { "http.connect.early-client-data" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  within   = 15,
  run      = glued(function (o)
    local authority = string.format("%s:%d", o.host, o.port)
    return http.request { target = "http://" .. authority .. "/",
                          fields = { { "Host", authority } } }
  end),
}

-- A CONNECT has no content; a request that its fields call content is the
-- classic way to hide one.
for _, how in ipairs { "content-length", "chunked" } do
  scenario("http.connect.body-" .. how) {
    title    = "a request inside the content of a failing CONNECT: " .. how,
    checks   = { "http.connect.request-body" },
    needs    = { "http-connect", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      local authority = string.format("%s:%d", o.host, o.port)
      local hidden = "CONNECT " .. authority .. " HTTP/1.1\r\nHost: "
                     .. authority .. "\r\n\r\n"
      local field = how == "chunked" and { "Transfer-Encoding", "chunked" }
                    or { "Content-Length", tostring(#hidden) }
      if how == "chunked" then
        hidden = string.format("%x\r\n%s\r\n0\r\n\r\n", #hidden, hidden)
      end
      c:send(http.connect { to = origin.closed, fields = { field } }, hidden)
      local answer = c:receive(http.response {}, 10)
      if not answer or answer.status // 100 == 2 then
        return
      end
      t:check(not o:accept(0.5), "http.connect.request-body",
              "the content was run as a request", { contested = true })
    end,
  }
end
