-- Requests that a proxy forwards: they reach the origin and its answers come
-- back, whole.

local block = {}
for i = 1, 1024 do
  block[i] = string.format("%07d\n", i)
end
block = table.concat(block)

-- Text of n octets in which no stretch is like another: numbered blocks of
-- numbered lines.
local function pattern(n)
  local out = {}
  for i = 1, n // #block + 1 do
    out[i] = string.format("block %d\n", i) .. block
  end
  return table.concat(out):sub(1, n)
end

local every_octet = {}
for i = 0, 255 do
  every_octet[i + 1] = string.char(i)
end
every_octet = table.concat(every_octet)

scenario "http.exchange.get" {
  title   = "a GET reaches the origin and its answer the client",
  checks  = { "http.target.accept-absolute" },
  needs   = { "http-forward" },
  control = false,
  run     = function (t)
    t:exchange { breaks = "http.target.accept-absolute" }
  end,
}

-- Also what the cuts of a request's head are tried with.
scenario "http.exchange.origin-form" {
  title  = "the origin sees the path and the query, and its own Host",
  checks = { "http.target.to-origin-form", "http.host.port",
             "http.target.accept-absolute" },
  needs  = { "http-forward" },
  talk   = {
    C { http.request { to = origin, path = "/a/b?c=" .. nonce() } },
    O { http.forwarded { method = "GET", target = "/a/b?c=" .. nonce() },
        within = 5, breaks = "http.target.to-origin-form" },
    O.sends { http.answer { body = nonce(),
                            fields = { { "Connection", "close" } } } },
    O.closes {},
    S { http.response { status = 200, body = nonce() }, within = 5,
        breaks = "http.target.accept-absolute" },
  },
}

scenario "http.exchange.host" {
  title  = "the origin's Host names the target with its port",
  checks = { "http.host.port" },
  needs  = { "http-forward", "ipv4" },
  run    = function (t)
    local x = t:exchange { breaks = "http.host.port" }
    local host = x.request:values("host")[1]
    t:check(host == x.witness.authority, "http.host.port", "Host is "
            .. tostring(host) .. ", not " .. x.witness.authority)
  end,
}

-- Bodies ---------------------------------------------------------------------

local BODIES = {
  { "empty", "" }, { "one-octet", "\0" }, { "every-octet", every_octet },
  { "64k", pattern(65536) }, { "1m", pattern(1 << 20) }, { "3m", pattern(3 << 20) },
}

local function check_body(t, what, got, want)
  t:check(got == want, "http.body.opaque", string.format(
    "%s: %d octets were sent, %d arrived%s", what, #want, #got,
    #got == #want and ", others" or ""))
end

for _, case in ipairs(BODIES) do
  local name, body = table.unpack(case)
  scenario("http.exchange.body-" .. name) {
    title   = "content passes unchanged both ways: " .. name,
    checks  = { "http.body.opaque" },
    needs   = { "http-forward" },
    within  = 20,
    run     = function (t)
      for _, chunked in ipairs { { 1, 10, 1000 }, false } do
        local x = t:exchange {
          method = "POST", body = body, breaks = "http.body.opaque",
          within = 10, answer = { body = body, chunked = chunked },
        }
        check_body(t, "client to origin", x.request.body, body)
        check_body(t, "origin to client", x.response.body, body)
      end
    end,
  }
end

-- Sizes around those that buffers have, each in both framings.
for _, size in ipairs { 1024, 4096, 8192, 16384, 32768, 65536, 131072 } do
  scenario("http.exchange.sizes-" .. size) {
    title  = "content of about " .. size .. " octets passes unchanged both ways",
    checks = { "http.body.opaque" },
    needs  = { "http-forward" },
    within = 30,
    run    = function (t)
      local w, client = t:witness {}, nil
      for n = size - 1, size + 1 do
        local body = pattern(n)
        for _, chunked in ipairs { { 65536 }, false } do
          local x = t:exchange { origin = w, reuse = client, method = "POST",
            body = body, breaks = "http.body.opaque", within = 10,
            answer = { body = body, chunked = chunked } }
          client = x.client
          check_body(t, "client to origin", x.request.body, body)
          check_body(t, "origin to client", x.response.body, body)
        end
      end
    end,
  }
end

-- Who reads slowly lets the octets pile up on the way.
scenario "http.exchange.slow-client" {
  title  = "content for a client that reads slowly arrives whole",
  checks = { "http.body.opaque" },
  needs  = { "http-forward" },
  within = 30,
  run    = function (t)
    local body, nonce = pattern(8 << 20), t:nonce()
    local w, c = t:origin(), t:connect()
    c:send(http.request { to = w, path = "/" .. nonce,
                          fields = { { "Connection", "close" } } })
    local up = w:accept(3)
    if not up then
      t:inconclusive("the request did not reach the origin")
    end
    up:request {}
    c:pause()
    up:send(http.answer { body = body, fields = { { "Connection", "close" } } })
    up:close()
    c:read_some(0.3) -- nothing comes to who does not read
    c:resume()
    local got, what, partial = c:response { within = 10 }
    t:check(got, "http.body.opaque", string.format("of %d octets %d came: %s",
      #body, partial and #partial.body or 0, tostring(what)), { absence = true })
    if got and got.status == 200 then
      check_body(t, "origin to client", got.body, body)
    end
  end,
}

scenario "http.exchange.until-close" {
  title  = "an answer that ends with its connection arrives whole",
  checks = { "http.body.opaque" },
  needs  = { "http-forward" },
  run    = function (t)
    local body = pattern(3000)
    local nonce = t:nonce()
    local x = t:exchange {
      nonce = nonce, breaks = "http.body.opaque",
      answer = { close = true, raw = "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
                 .. "\r\nConnection: close\r\n\r\n" .. body },
    }
    check_body(t, "origin to client", x.response.body, body)
  end,
}

scenario "http.exchange.head" {
  title  = "the answer to HEAD ends with its head",
  checks = { "http.body.head" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      method = "HEAD", breaks = "http.body.head", within = 3,
      answer = { fields = { { "Content-Length", "1000" } } },
    }
    t:check(x.request.method == "HEAD", "http.body.head",
            "HEAD became " .. x.request.method)
    local y = t:exchange { reuse = x.client, breaks = "http.body.head" }
    t:check(y.response.body == y.nonce, "http.body.head",
            "the answer to the next GET was changed")
  end,
}

-- Persistence ----------------------------------------------------------------

scenario "http.exchange.second" {
  title  = "a connection that nobody said to close carries a second request",
  checks = { "http.persist.default" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.persist.default" }
    if not x:says_close() then
      t:check(x:persists(), "http.persist.default",
              "the connection was closed and no response had said so",
              { absence = true })
    end
    local y = t:exchange { reuse = x.client, breaks = "http.persist.default" }
    t:check(y.response.body == y.nonce, "http.persist.default",
            "the second request got another answer")
  end,
}

scenario "http.exchange.two-origins" {
  title  = "one client connection carries requests for two origins",
  checks = { "http.persist.targets" },
  needs  = { "http-forward" },
  run    = function (t)
    local first, second = t:witness {}, t:witness {}
    local x = t:exchange { origin = first, breaks = "http.persist.targets" }
    local y = t:exchange { origin = second, reuse = x.client,
                           breaks = "http.persist.targets" }
    t:check(y.response.body == y.nonce, "http.persist.targets",
            "the second request got another answer")
    t:check(#first.requests == 1, "http.persist.targets",
            "the first origin got " .. #first.requests .. " requests")
  end,
}
