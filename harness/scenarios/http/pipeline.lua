-- Requests that follow each other without waiting: RFC 9112 sections 9.2 and
-- 9.3.2.

-- An origin whose answers name the path; those whose path says so come late.
local function teller(t)
  local w
  w = t:witness { answer = function (up, request)
    if request.target:find("slow", 1, true) then
      w:wait(function () return false end, 0.3)
    end
    local closes = request.version == "1.0"
                   or request:has("connection", "close")
    local fields = { { "X-Path", request.target } }
    if closes then
      fields[2] = { "Connection", "close" }
    end
    up:send(http.answer { of = request.method, body = request.target,
                          fields = fields })
    return not closes or up:close()
  end }
  return w
end

-- { name, the requests: method, path, and of the two origins which one }
local PIPELINES = {
  { "two", { { "GET", "slow", 1 }, { "GET", "fast", 1 } } },
  { "two-origins", { { "GET", "slow", 1 }, { "GET", "fast", 2 } } },
  { "five", { { "GET", "a", 1 }, { "GET", "b-slow", 1 }, { "GET", "c", 1 },
              { "GET", "d-slow", 1 }, { "GET", "e", 1 } } },
  { "in-turn", { { "GET", "a-slow", 1 }, { "GET", "b", 2 }, { "GET", "c", 1 },
                 { "GET", "d", 2 } } },
  { "head", { { "HEAD", "a-slow", 1 }, { "GET", "b", 1 } } },
  { "post", { { "POST", "a-slow", 1 }, { "GET", "b", 2 } } },
}

for _, case in ipairs(PIPELINES) do
  local name, list = table.unpack(case)
  scenario("http.pipeline.order-" .. name) {
    title  = "pipelined requests are answered in their order: " .. name,
    checks = { "http.pipeline.order" },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      local origins, out, paths = { teller(t), teller(t) }, {}, {}
      for i, one in ipairs(list) do
        local method, path, which = table.unpack(one)
        paths[i] = "/" .. path .. "-" .. t:nonce()
        out[i] = http.request { to = origins[which], method = method,
                                path = paths[i],
                                body = method == "POST" and "hello" or nil }
      end
      local c = t:connect()
      c:send(table.unpack(out))
      for i, one in ipairs(list) do
        local got = c:response { method = one[1], within = 3 }
        local path = got and got:field("x-path")
        if not path then
          return -- it serves no more of them, or answers by itself
        end
        t:check(path == paths[i], "http.pipeline.order", string.format(
          "response %d is to %s, not to %s", i, path, paths[i]))
      end
    end,
  }
end

scenario "http.pipeline.origin-dies" {
  title  = "when the origin dies under a pipeline, what it answered arrives "
           .. "and nobody waits for the rest",
  checks = { "http.pipeline.upstream-failure" },
  needs  = { "http-forward" },
  within = 30,
  run    = function (t)
    local id, paths, out = "http.pipeline.upstream-failure", {}, {}
    local w = t:witness { answer = function (up, request)
      if request.target == paths[1] then
        up:send(http.answer { body = request.target,
                              fields = { { "X-Path", request.target } } })
      end
      up:close()
      return false
    end }
    for i = 1, 3 do
      paths[i] = "/" .. i .. "-" .. t:nonce()
      out[i] = http.request { to = w, path = paths[i] }
    end
    local c = t:connect()
    c:send(table.unpack(out))
    local first, what = c:response { within = 5 }
    t:check(first, id, "the response that had come did not arrive: "
            .. tostring(what), { absence = true })
    for _ = 2, first and 3 or 1 do
      local got, why = c:response { within = 8 }
      if not got then
        t:check(why ~= "silence", id, "8 s after the origin closed the client "
                .. "still waits", { absence = true })
        return
      end
      t:check(not got:field("x-path"), id, "an answer that nobody gave: "
              .. t:show(got.head))
    end
  end,
}

-- Nobody asked -----------------------------------------------------------------

local function evil_answer(evil)
  return "HTTP/1.1 200 OK\r\nX-Evil: " .. evil
         .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
         .. "Cache-Control: no-store\r\nContent-Length: 0\r\n\r\n"
end

local function answer_and(nonce, more)
  return "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
         .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
         .. "Cache-Control: no-store\r\nContent-Length: 2\r\n\r\nok" .. more
end

for _, case in ipairs { { "idle", "pushes when idle" },
                        { "behind", "sends behind an answer" } } do
  local name, what = table.unpack(case)
  scenario("http.pipeline.unsolicited-" .. name) {
    title  = "what an origin " .. what .. " answers nobody",
    checks = { "http.pipeline.client-unsolicited" },
    needs  = { "http-forward" },
    within = 15,
    run    = function (t)
      local id, evil, nonce = "http.pipeline.client-unsolicited", t:nonce(),
                              t:nonce()
      local is_idle = name == "idle"
      local x = t:exchange { nonce = nonce, breaks = id, answer = {
        close = false,
        raw = answer_and(nonce, is_idle and "" or evil_answer(evil)) } }
      if is_idle and not x.origin_end then
        x.origin:send(evil_answer(evil))
      end
      x.client:silent(0.3)
      for _, client in ipairs { x.client, false } do
        local y = t:exchange { reuse = client or nil, within = 2 }
        t:check(not y.response or y.response:field("x-evil") ~= evil, id,
                "a request was answered with what nobody had asked for")
      end
    end,
  }
end
