-- Upgrade through a proxy that may take part in the switch, or ignore it: RFC
-- 9110 section 7.8.

-- A request that offers these protocols, as a client does.
local function offer(protocols, more)
  local fields = { { "Connection", "Upgrade" }, { "Upgrade", protocols } }
  return table.move(more or {}, 1, #(more or {}), #fields + 1, fields)
end

-- Whether the proxy has passed the offer on.
local function is_offered(request)
  return request and request:has("connection", "upgrade")
         and request:field("upgrade") ~= nil
end

local function skip_ignored(t, request)
  if request and not is_offered(request) then
    t:skip("the proxy takes no part in upgrades")
  end
end

-- An origin that switches to protocol when it is offered, and sends octets
-- behind its 101; what it got is in seen.
local function switch(protocol, octets, seen)
  return function (up, request)
    if not is_offered(request) then
      up:send(http.answer { body = request.nonce,
                            fields = { { "X-Witness", request.nonce } } })
      return not request:has("connection", "close") or up:close()
    end
    up:send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
            .. "Upgrade: " .. protocol .. "\r\nX-Witness: " .. request.nonce
            .. "\r\n\r\n" .. (octets or ""))
    local first, why = up:read(5, 5)
    seen.first = first or why
    up:send("behind")
    return false
  end
end

-- { name, the protocol that is offered, and switched to }
for _, protocol in ipairs { "websocket", "foo/1" } do
  local name = protocol:match("%a+")
  scenario("http.upgrade.switch-" .. name) {
    title  = "a 101 that is passed on is whole, and so is what follows: "
             .. protocol,
    checks = { "http.upgrade.relay", "http.upgrade.101-field" },
    needs  = { "http-forward" },
    run    = function (t)
      local seen = {}
      local x = t:exchange { fields = offer(protocol), within = 3,
                             answer = switch(protocol, "ahead", seen) }
      skip_ignored(t, x.request)
      if not x.response or x.response.status ~= 101 then
        return -- it refuses after all
      end
      t:check(x.response:field("upgrade"), "http.upgrade.101-field",
              "the 101 has no Upgrade")
      t:check(x.response:has("connection", "upgrade"), "http.upgrade.101-field",
              "Connection of the 101 does not name Upgrade")
      local ahead, why = x.client:read(5, 2)
      t:check(ahead == "ahead", "http.upgrade.relay",
              "behind the 101 came " .. t:show(tostring(ahead or why)))
      x.client:send("\0\1\r\n\xff")
      local behind, what = x.client:read(6, 2)
      t:check(seen.first == "\0\1\r\n\xff", "http.upgrade.relay",
              "the origin got " .. t:show(tostring(seen.first or "nothing")))
      t:check(behind == "behind", "http.upgrade.relay",
              "the client got " .. t:show(tostring(behind or what)))
    end,
  }
end

for _, case in ipairs { { "mixed", "WebSocket" }, { "upper", "WEBSOCKET" } } do
  local name, spelling = table.unpack(case)
  scenario("http.upgrade.case-" .. name) {
    title  = "a protocol is known in any case: " .. spelling,
    checks = { "http.upgrade.case" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { fields = offer("websocket"), within = 3 }
      skip_ignored(t, x.request)
      local y = t:exchange { fields = offer(spelling), within = 3 }
      t:check(not y.request or is_offered(y.request), "http.upgrade.case",
              "websocket is offered to the origin, " .. spelling .. " is not")
    end,
  }
end

for _, connection in ipairs { "Upgrade", "keep-alive, Upgrade" } do
  local name = connection == "Upgrade" and "alone" or "with-keep-alive"
  scenario("http.upgrade.http10-" .. name) {
    title  = "Upgrade in a request of HTTP/1.0 is ignored: Connection: "
             .. connection,
    checks = { "http.upgrade.http10" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { version = "1.0", fields = {
        { "Connection", connection }, { "Upgrade", "websocket" } } }
      if is_offered(x.request) then
        -- In a request of HTTP/1.0 the origin ignores it in turn.
        t:violation("http.upgrade.http10", "the origin saw Upgrade, and that "
                    .. "Connection names it",
                    { contested = x.request.version == "1.0" })
      end
    end,
  }
end

scenario "http.upgrade.with-expect" {
  title  = "the 100 of a request that offers an upgrade comes before the 101",
  checks = { "http.upgrade.with-expect" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      method = "POST", body = "hello", within = 3,
      fields = offer("websocket", { { "Expect", "100-continue" } }),
      answer = switch("websocket", "", {}),
    }
    skip_ignored(t, x.request)
    -- An origin sends no 100 to HTTP/1.0.
    if x.response and x.response.status == 101 and x.request.version ~= "1.0"
      and x.request:has("expect", "100-continue") then
      local first = x.interim[1]
      t:check(first and first.status == 100, "http.upgrade.with-expect",
              "the 101 came without a 100 before it")
    end
  end,
}

-- Until the origin has agreed, the connection is HTTP: what follows is read as a
-- request of its own, for another origin.
scenario "http.upgrade.declined-later" {
  title    = "an upgrade that the origin declines opens no tunnel",
  checks   = { "http.persist.targets" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local id, after = "http.persist.targets", t:nonce()
    local w, other, c = t:witness {}, t:witness {}, t:connect()
    c:send(http.request { to = w, path = "/" .. t:nonce(),
                          fields = offer("websocket") })
    c:response { within = 3 }
    c:send(http.request { to = other, path = "/" .. after })
    other:wait(function () return other.requests[1] end, 1)
    for _, request in ipairs(w.requests) do
      t:check(not (request.line or ""):find(after, 1, true), id,
              "the origin that declined got the request for another one")
    end
    local got = other.requests[1]
    t:check(not got or got.target == "/" .. after, id, "the other origin got "
            .. t:show(got and got.line or ""))
  end,
}

for _, case in ipairs { { "length", nil }, { "chunked", { 2 } } } do
  scenario("http.upgrade.with-content-" .. case[1]) {
    title  = "content of a request that offers an upgrade is content: "
             .. case[1],
    checks = { "http.framing.cl-exact" },
    needs  = { "http-forward" },
    run    = function (t)
      local id, w = "http.framing.cl-exact", t:witness {}
      local out = t:outcome { origin = w, follow = true, within = 3,
        send = http.request { to = w, path = "/" .. t:nonce(), method = "POST",
          body = "hello", chunked = case[2], fields = offer("websocket") } }
      local got = out.requests[1]
      t:check(not got or not got.is_complete or got.body == "hello", id,
              "the origin got " .. t:show(got and got.body or ""))
      t:check(not got or got.is_complete, id, "its content did not arrive",
              { absence = true })
      t:check(#out.smuggled == 0 and not w.stray, id,
              "the origin got another request: " .. t:show(w.stray or ""))
    end,
  }
end

-- Nobody asked ---------------------------------------------------------------

-- An origin that switches without being asked; what comes then is read as
-- requests.
local function seize(up, request)
  up:send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
          .. "Upgrade: foo\r\nX-Witness: " .. request.nonce .. "\r\n\r\n")
  return true
end

scenario "http.upgrade.unrequested" {
  title    = "a 101 that nobody asked for opens no tunnel",
  checks   = { "http.upgrade.unrequested-101" },
  needs    = { "http-forward" },
  negative = true,
  within   = 15,
  run      = function (t)
    local id = "http.upgrade.unrequested-101"
    local w, evil = t:witness {}, t:nonce()
    local x = t:exchange { origin = w, within = 2, answer = seize }
    if not x.request then
      return
    end
    if x.response and x.response.status ~= 101 then
      local y = t:exchange { origin = w, reuse = x.client, within = 2 }
      t:check(not y.request or y.request.connection ~= x.origin, id,
              "the connection on which the origin switched got another request")
    elseif not x.client_end then
      x.client:send("GET /" .. evil .. " HTTP/1.1\r\nHost: " .. w.authority
                    .. "\r\n\r\n")
      local got = w:wait(function ()
        for _, request in ipairs(w.requests) do
          if (request.target or ""):find(evil, 1, true) == 2 then
            return request
          end
        end
        return nil
      end, 1)
      t:check(not got or got.connection ~= x.origin, id,
              "behind the 101 the origin got the client's octets as they were")
    end
  end,
}
