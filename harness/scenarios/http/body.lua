-- Responses without content, and which request a response is read for:
-- RFC 9112 section 6.3, RFC 9110 sections 6.4.1 and 8.6.

local function head(nonce, status, fields)
  return "HTTP/1.1 " .. status .. "\r\nX-Witness: " .. nonce
         .. "\r\nCache-Control: no-store\r\n"
         .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" .. fields .. "\r\n"
end

-- The answer to a request of this method, and a plain exchange behind it on
-- the same connection.
local function answered(t, id, method, status, fields, content)
  local nonce = t:nonce()
  local w = t:witness {}
  local x = t:exchange { nonce = nonce, origin = w, method = method, within = 2,
                         answer = { raw = head(nonce, status, fields)
                                          .. (content or "") } }
  t:check(x.response, id, "no whole response came within 2 s: "
          .. tostring(x.why), { absence = true })
  if not x.response then
    return x
  end
  local y = t:exchange { origin = w, reuse = x.client, within = 3 }
  t:check(not y.response or y.is_own or y.response.body == y.nonce, id,
          "the answer to the next request became "
          .. t:show(y.response and y.response.body or ""))
  if x.request and not x.is_own then
    -- To give up a connection whose octets cannot be told apart is a way, too.
    t:check(y.response, id, "the next request got no answer: " .. tostring(y.why),
            { absence = true, contested = y.what == "fin" or y.what == "rst" })
  end
  t:check(y.what ~= "malformed", id, "what came next cannot be read: "
          .. t:show(y.partial and y.partial.raw or ""))
  return x
end

local BARE = {
  ["204-length"] = { "204 No Content", "Content-Length: 5\r\n", "hello" },
  ["204-length-alone"] = { "204 No Content", "Content-Length: 5\r\n" },
  ["204-chunked"] = { "204 No Content", "Transfer-Encoding: chunked\r\n",
                      "5\r\nhello\r\n0\r\n\r\n" },
  ["204-plain"] = { "204 No Content", "" },
  ["204-octets"] = { "204 No Content", "", "hello" },
  ["304-length"] = { "304 Not Modified", "Content-Length: 1000\r\n" },
  ["304-chunked"] = { "304 Not Modified", "Transfer-Encoding: chunked\r\n" },
  ["304-plain"] = { "304 Not Modified", "ETag: \"a\"\r\n" },
}
for name, case in pairs(BARE) do
  local id = "http.body." .. name:sub(1, 3)
  scenario("http.body." .. name) {
    title  = "a response without content ends with its head: " .. name,
    checks = { id },
    needs  = { "http-forward" },
    run    = function (t)
      answered(t, id, "GET", case[1], case[2], case[3])
    end,
  }
end

for name, fields in pairs { ["length"] = "Content-Length: 1000\r\n",
                            ["chunked"] = "Transfer-Encoding: chunked\r\n",
                            ["neither"] = "", ["zero"] = "Content-Length: 0\r\n" } do
  for _, status in ipairs { "200 OK", "404 Not Found" } do
    scenario("http.body.head-" .. name .. "-" .. status:sub(1, 3)) {
      title  = "the answer to HEAD ends with its head: " .. name .. ", " .. status,
      checks = { "http.body.head" },
      needs  = { "http-forward" },
      run    = function (t)
        answered(t, "http.body.head", "HEAD", status, fields)
      end,
    }
  end
end

for name, methods in pairs { ["head-get"] = { "HEAD", "GET" },
                             ["head-head-get"] = { "HEAD", "HEAD", "GET" },
                             ["get-head-get"] = { "GET", "HEAD", "GET" } } do
  scenario("http.body.memory-" .. name) {
    title  = "each response is read for the request that it answers: " .. name,
    checks = { "http.body.request-memory" },
    needs  = { "http-forward" },
    run    = function (t)
      local w, client = t:witness {}, nil
      for _, method in ipairs(methods) do
        local x = t:exchange { origin = w, method = method, reuse = client,
                               within = 3 }
        client = x.client
        local is_cut = x.request and not x.is_own and not x.response
        t:check(not is_cut, "http.body.request-memory",
                "the answer to " .. method .. " came not whole: "
                .. tostring(x.why), { absence = true })
        t:check(method == "HEAD" or not x.response or x.is_own
                or x.response.body == x.nonce, "http.body.request-memory",
                "the answer to " .. method .. " became "
                .. t:show(x.response and x.response.body or ""))
      end
    end,
  }
end

-- Lengths that describe another response -----------------------------------------

local function told_length(t, id, method, status)
  local nonce = t:nonce()
  local x = t:exchange { nonce = nonce, method = method, within = 3, answer = {
    raw = head(nonce, status, "Content-Length: 1000\r\n"), close = true } }
  if x.response and not x.is_own then
    local told = x.response:field("content-length")
    t:check(told == nil or told == "1000", id,
            "Content-Length: 1000 became " .. tostring(told))
  end
end

for _, status in ipairs { "200 OK", "404 Not Found", "206 Partial Content" } do
  scenario("http.framing.head-length-" .. status:sub(1, 3)) {
    title  = "Content-Length in the answer to HEAD stays or goes: " .. status,
    checks = { "http.framing.head-length" },
    needs  = { "http-forward" },
    run    = function (t)
      told_length(t, "http.framing.head-length", "HEAD", status)
    end,
  }
end

scenario "http.framing.304-length" {
  title  = "Content-Length in a 304 stays or goes",
  checks = { "http.framing.304-length" },
  needs  = { "http-forward" },
  run    = function (t)
    told_length(t, "http.framing.304-length", "GET", "304 Not Modified")
  end,
}

for name, case in pairs { ["cl-204"] = { "Content-Length: 0\r\n", "content-length" },
                          ["te-204"] = { "Transfer-Encoding: chunked\r\n",
                                         "transfer-encoding" } } do
  local id = "http.framing." .. name
  scenario("http.framing.origin-" .. name) {
    title  = "framing fields of an origin's 204 do not pass: " .. case[2],
    checks = { id },
    needs  = { "http-forward" },
    run    = function (t)
      local nonce = t:nonce()
      local x = t:exchange { nonce = nonce, within = 3, answer = {
        raw = head(nonce, "204 No Content", case[1]), close = true } }
      t:check(not x.response or x.is_own or not x.response:field(case[2]), id,
              "the 204 has " .. case[2], { contested = true })
    end,
  }
end
