-- Messages that are cut short on their way through: RFC 9112 sections 6.3, 8.

-- The origin sends these octets of a response and ends.
local function cut(t, octets, reset, options)
  options = options or {}
  local nonce = t:nonce()
  local x = t:exchange {
    nonce = nonce, within = 2, method = options.method,
    answer = { raw = (octets:gsub("NONCE", nonce)),
               close = reset and "reset" or true } }
  return x
end

local HEAD = "HTTP/1.1 200 OK\r\nX-Witness: NONCE\r\nCache-Control: no-store\r\n"
             .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
local ENDS = { fin = false, rst = true }

local function is_passed(x)
  return x.response and not x.is_own
end

local CONTENT = ("0123456789"):rep(100)

for name, length in pairs { ["no-octet"] = 0, ["one-octet"] = 1, ["half"] = 500,
                            ["all-but-one"] = 999 } do
  for how, reset in pairs(ENDS) do
    scenario("http.incomplete.response-" .. name .. "-" .. how) {
      title    = "a response that ends early is not made whole: " .. name .. ", "
                 .. how,
      checks   = { "http.incomplete.short-response" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local x = cut(t, HEAD .. "Content-Length: 1000\r\n\r\n"
                      .. CONTENT:sub(1, length), reset)
        t:check(not is_passed(x), "http.incomplete.short-response",
                "the client got a whole response of "
                .. #(x.response and x.response.body or "") .. " octets")
      end,
    }
  end
end

local CHUNKS = {
  ["head"] = "", ["one-chunk"] = "5\r\nhello\r\n", ["data"] = "5\r\nhel",
  ["size"] = "5\r\nhello\r\n5", ["last-size"] = "5\r\nhello\r\n0",
  ["blank-line"] = "5\r\nhello\r\n0\r\n",
  ["trailers"] = "5\r\nhello\r\n0\r\nX-Trailer: a\r\n",
}
for name, chunks in pairs(CHUNKS) do
  for how, reset in pairs(ENDS) do
    scenario("http.incomplete.chunks-" .. name .. "-" .. how) {
      title    = "chunks that end early get no last one: " .. name .. ", " .. how,
      checks   = { "http.incomplete.chunked-response" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local x = t:exchange { within = 2, answer = function (up, request)
          if request.version == "1.0" then
            up:send(http.answer { body = request.nonce })
          else
            up:send((HEAD:gsub("NONCE", request.nonce))
                    .. "Transfer-Encoding: chunked\r\n\r\n" .. chunks)
          end
          if reset then
            up:reset()
          else
            up:close()
          end
          return false
        end }
        if x.request and x.request.version == "1.0" then
          t:skip("the proxy asks origins in HTTP/1.0, which knows no chunks")
        end
        t:check(not is_passed(x), "http.incomplete.chunked-response",
                "the client got a whole response of "
                .. #(x.response and x.response.body or "") .. " octets")
      end,
    }
  end
end

local HEADS = {
  ["nothing"] = "", ["version"] = "HTTP/1.", ["status"] = "HTTP/1.1 20",
  ["status-line"] = "HTTP/1.1 200 OK", ["first-line"] = "HTTP/1.1 200 OK\r\n",
  ["name"] = "HTTP/1.1 200 OK\r\nX-Witn",
  ["value"] = "HTTP/1.1 200 OK\r\nX-Witness: NONCE",
  ["field"] = "HTTP/1.1 200 OK\r\nX-Witness: NONCE\r\n",
  ["length"] = "HTTP/1.1 200 OK\r\nX-Witness: NONCE\r\nContent-Length: 1",
  ["blank-line"] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r",
}
for name, head in pairs(HEADS) do
  for how, reset in pairs(ENDS) do
    scenario("http.incomplete.head-" .. name .. "-" .. how) {
      title    = "a head that is cut short is no response: " .. name .. ", " .. how,
      checks   = { "http.incomplete.header" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local x = cut(t, head, reset)
        local got = x.response or x.partial
        t:check(not got or not got.head or got.status // 100 ~= 2,
                "http.incomplete.header", "the client got "
                .. t:show(got and got.line or ""))
      end,
    }
  end
end

-- Until the connection is closed -----------------------------------------------

for name, size in pairs { ["empty"] = 0, ["short"] = 10, ["long"] = 1000 } do
  local content = CONTENT:sub(1, size)
  local function check(t, id, reset)
    local x = cut(t, HEAD .. "Connection: close\r\n\r\n" .. content, reset)
    t:check(is_passed(x) and x.response.body == content, id,
            "the client got no whole response: " .. tostring(x.why or "other content"),
            { absence = not is_passed(x), contested = reset })
  end

  scenario("http.incomplete.to-close-" .. name) {
    title  = "a response that ends with its connection is whole: " .. name,
    checks = { "http.incomplete.to-close" },
    needs  = { "http-forward" },
    run    = function (t)
      check(t, "http.incomplete.to-close", false)
    end,
  }

  scenario("http.framing.to-close-" .. name) {
    title  = "where a response until the close ends can be told: " .. name,
    checks = { "http.framing.response-to-close" },
    needs  = { "http-forward" },
    run    = function (t)
      check(t, "http.framing.response-to-close", false)
    end,
  }
end

-- Requests ----------------------------------------------------------------------

local REQUESTS = {
  ["length-none"] = { { "Content-Length", "100" }, "" },
  ["length-half"] = { { "Content-Length", "100" }, CONTENT:sub(1, 50) },
  ["length-all-but-one"] = { { "Content-Length", "100" }, CONTENT:sub(1, 99) },
  ["chunks-none"] = { { "Transfer-Encoding", "chunked" }, "" },
  ["chunks-one"] = { { "Transfer-Encoding", "chunked" }, "5\r\nhello\r\n" },
  ["chunks-data"] = { { "Transfer-Encoding", "chunked" }, "5\r\nhel" },
  ["chunks-last"] = { { "Transfer-Encoding", "chunked" }, "5\r\nhello\r\n0\r\n" },
}
for name, case in pairs(REQUESTS) do
  for _, how in ipairs { "shut", "close" } do
    scenario("http.incomplete.request-" .. name .. "-" .. how) {
      title    = "a request that ends early is not made whole: " .. name .. ", "
                 .. how,
      checks   = { "http.incomplete.request" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local w = t:witness {}
        local c = t:connect {}
        c:send(http.request { to = w, method = "POST", path = "/" .. t:nonce(),
                              fields = { case[1] }, body = case[2] })
        w:wait(function () return w.requests[1] end, 0.3)
        c[how](c)
        local got = w:wait(function () return w.requests[1] end, 0.7)
        t:check(not got or not w:whole(got, 1), "http.incomplete.request",
                "the origin got a whole request with "
                .. #(got and got.body or "") .. " octets")
      end,
    }
  end
end
