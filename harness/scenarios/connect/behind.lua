-- A CONNECT behind other requests of its connection: RFC 9110 section 9.3.6,
-- RFC 9112 section 9.3.

-- A connection that has carried these requests, or nil when it has ended.
local function used(t, kinds)
  local client
  for _, kind in ipairs(kinds) do
    local x = t:exchange { reuse = client, method = kind.method,
                           body = kind.body, chunked = kind.chunked }
    if not x.response or x.is_own or x:says_close() or not x:persists(0.05) then
      return nil
    end
    client = x.client
  end
  return client
end

local KINDS = {
  { "get", { {} } },
  { "post", { { method = "POST", body = "hello" } } },
  { "post-chunked", { { method = "POST", body = "hello", chunked = { 2 } } } },
  { "head", { { method = "HEAD" } } },
  { "two", { {}, {} } },
}

for _, case in ipairs(KINDS) do
  local name, kinds = table.unpack(case)
  scenario("http.connect.behind-" .. name) {
    title  = "a CONNECT opens its tunnel behind a forwarded request: " .. name,
    checks = { "http.connect.tunnel", "http.connect.blind" },
    needs  = { "http-connect", "http-forward", "ipv4" },
    within = 20,
    run    = function (t)
      local c = used(t, kinds)
      if not c then
        t:skip("the connection ends behind a request")
      end
      local o = t:origin()
      c:send(http.connect { to = o })
      local answer, why = c:receive(http.response {}, 5)
      if not answer and (why == "fin" or why == "rst") then
        return -- any connection may end at any time
      end
      t:check(answer, "http.connect.tunnel", "no answer: " .. tostring(why),
              { absence = true })
      if not answer or answer.status // 100 ~= 2 then
        return -- refused, or not served behind others
      end
      local up = t:accepted(o, "http.connect.tunnel")
      local there, back = t:nonce(200), "\0" .. t:nonce(200)
      c:send(there)
      up:send(back)
      t:check(up:read(#there, 3) == there, "http.connect.blind",
              "the origin got other octets than were sent")
      t:check(c:read(#back, 3) == back, "http.connect.blind",
              "the client got other octets than were sent")
    end,
  }
end
