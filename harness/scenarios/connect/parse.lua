-- The grammar of a request's head, RFC 9112 sections 2, 3 and 5, as far as a
-- CONNECT can tell; nothing of it is forwarded. Where a proxy asks for
-- credentials, what it took for a field shows by whether it lets the client in.

local function authority_of(o)
  return string.format("%s:%d", o.host, o.port)
end

-- A head as octets, with the target's credentials.
local function head(t, o, request_line, ...)
  local lines = { request_line, "Host: " .. authority_of(o), ... }
  if t.target.user then
    lines[#lines + 1] = "Proxy-Authorization: "
                        .. http.basic(t.target.user, t.target.password)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function connect_line(o)
  return "CONNECT " .. authority_of(o) .. " HTTP/1.1"
end

-- Fields ---------------------------------------------------------------------

for _, case in ipairs {
  { "space", "X-Test : 1" }, { "tab", "X-Test\t: 1" },
  { "length", "Content-Length : 0" },
} do
  scenario("http.parse.colon-" .. case[1]) {
    title    = "white space before a field's colon is answered with 400",
    checks   = { "http.parse.colon-space-request" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(head(t, o, connect_line(o), case[2]))
      local answer, why = c:receive(http.response {}, 5)
      t:check(answer and answer.status == 400, "http.parse.colon-space-request",
              answer and string.format("answered with %d, not 400",
                                       answer.status)
              or "no answer came: " .. why, { absence = answer == nil })
      t:check(not o:accept(0.1), "http.parse.colon-space-request",
              "it reached the origin")
    end,
  }
end

-- Credentials that stand where no field does must not count: each line hides
-- the right ones in a way that a sloppy reader finds.
local HIDDEN = {
  { "colon-space", "http.parse.colon-space-request",
    function (field, value) return field .. " : " .. value end },
  { "bare-cr", "http.parse.bare-cr-receive",
    function (field, value) return "X-Test: 1\r" .. field .. ": " .. value end },
  { "fold", "http.parse.fold-request",
    function (field, value) return "X-Test: 1\r\n " .. field .. ": " .. value end },
  { "fold-tab", "http.parse.fold-request",
    function (field, value) return "X-Test: 1\r\n\t" .. field .. ": " .. value end },
  { "nul", "http.parse.value-ctl",
    function (field, value) return "X-Test: 1\0" .. field .. ": " .. value end },
}

for _, case in ipairs(HIDDEN) do
  local name, id, line_of = table.unpack(case)
  scenario("http.parse.hidden-" .. name) {
    title    = "what stands inside another field is no field: " .. name,
    checks   = { id },
    needs    = { "http-connect", "http-basic" },
    config   = "auth",
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      local line = line_of("Proxy-Authorization",
                           http.basic(t.target.user, t.target.password))
      c:send(connect_line(o), "\r\nHost: ", authority_of(o), "\r\n", line,
             "\r\n\r\n")
      local answer = c:receive(http.response {}, 2)
      t:check(not answer or answer.status // 100 ~= 2, id,
              "the credentials were taken for a field of their own")
      t:check(not o:accept(0.1), id, "it reached the origin")
    end,
  }
end

scenario "http.parse.indented-first" {
  title    = "an indented line right behind the request-line is not read",
  checks   = { "http.parse.space-before-field" },
  needs    = { "http-connect", "http-basic" },
  config   = "auth",
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(connect_line(o), "\r\n Proxy-Authorization: ",
           http.basic(t.target.user, t.target.password), "\r\nHost: ",
           authority_of(o), "\r\n\r\n")
    local answer = c:receive(http.response {}, 2)
    t:check(not answer or answer.status // 100 ~= 2,
            "http.parse.space-before-field", "the line was taken for a field")
    t:check(not o:accept(0.1), "http.parse.space-before-field",
            "it reached the origin")
  end,
}

-- The request-line -----------------------------------------------------------

-- Repairing such a line is a deviation, and so is ending without a word.
local LINES = {
  { "no-version", "without a version",
    function (a) return "CONNECT " .. a end },
  { "four-words", "of four words",
    function (a) return "CONNECT " .. a .. " extra HTTP/1.1" end },
  { "no-method", "without a method",
    function (a) return " " .. a .. " HTTP/1.1" end },
  { "control-in-method", "with a control character in its method",
    function (a) return "CONN\1ECT " .. a .. " HTTP/1.1" end },
}

for _, case in ipairs(LINES) do
  local name, what, line_of = table.unpack(case)
  scenario("http.line." .. name) {
    title    = "a request-line " .. what .. " is refused",
    checks   = { "http.line.invalid" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(head(t, o, line_of(authority_of(o))))
      local answer, why = c:receive(http.response {}, 5)
      t:check(not answer or answer.status // 100 ~= 2, "http.line.invalid",
              "a tunnel was granted")
      t:check(answer or why == "malformed", "http.line.invalid",
              "no answer came: " .. tostring(why), { absence = true })
      t:check(not o:accept(0.1), "http.line.invalid", "it reached the origin")
    end,
  }
end

-- A space in place of the CR would break the port apart: only dropping the CR
-- leads to the origin.
scenario "http.line.bare-cr-in-port" {
  title    = "a bare CR inside the target is not dropped",
  checks   = { "http.parse.bare-cr-receive" },
  needs    = { "http-connect", "ipv4" },
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    local broken = authority_of(o):gsub("(%d)$", "\r%1")
    c:send(head(t, o, "CONNECT " .. broken .. " HTTP/1.1"))
    local answer = c:receive(http.response {}, 2)
    t:check(not answer or answer.status // 100 ~= 2,
            "http.parse.bare-cr-receive", "a tunnel was granted")
    t:check(not o:accept(0.1), "http.parse.bare-cr-receive",
            "it reached the origin")
  end,
}

-- Methods are matched by case, so this one is unknown; repairing it is not
-- the proxy's business.
scenario "http.line.method-lower-case" {
  title    = "connect in lower case is not CONNECT",
  checks   = { "http.method.case" },
  needs    = { "http-connect" },
  negative = true,
  run      = function (t)
    local o, c = t:origin(), t:connect()
    c:send(head(t, o, "connect " .. authority_of(o) .. " HTTP/1.1"))
    local answer = c:receive(http.response {}, 2)
    t:check(not answer or answer.status // 100 ~= 2, "http.method.case",
            "a tunnel was granted", { contested = true })
  end,
}

for _, case in ipairs { { "one", 1 }, { "two", 2 } } do
  scenario("http.parse.leading-crlf-" .. case[1]) {
    title  = "empty lines before the request are passed over: " .. case[1],
    checks = { "http.parse.leading-crlf" },
    needs  = { "http-connect" },
    run    = function (t)
      local o, c = t:origin(), t:connect()
      c:send(("\r\n"):rep(case[2]), http.connect { to = o })
      local answer, why = c:receive(http.response {}, 5)
      t:check(answer and answer.status // 100 == 2, "http.parse.leading-crlf",
              answer and string.format("answered with %d", answer.status)
              or "no answer came: " .. why,
              { absence = true, contested = case[2] > 1 })
    end,
  }
end

scenario "http.parse.whole-head" {
  title  = "a CONNECT is not answered before its empty line",
  checks = { "http.parse.whole-header" },
  needs  = { "http-connect" },
  run    = function (t)
    local o, c = t:origin(), t:connect()
    c:send((head(t, o, connect_line(o)):gsub("\r\n$", "")))
    t:check(not c:read_some(0.4), "http.parse.whole-header",
            "octets came before the head was whole")
    c:send("\r\n")
    t:expect(c, http.response { status = "2xx" }, "http.parse.whole-header", 5)
  end,
}

-- What is no request ---------------------------------------------------------

local GARBAGE = {
  { "status-line", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
  { "words", "this is not a request at all\r\n\r\n" },
  { "binary", "\x80\x81\xFE\xFF\x01\x02\x7F\r\n\r\n" },
}

for _, case in ipairs(GARBAGE) do
  scenario("http.parse.garbage-" .. case[1]) {
    title    = "what is no request is answered with an error",
    checks   = { "http.parse.grammar-400" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local c = t:connect()
      c:send(case[2])
      local answer, why = c:receive(http.response {}, 5)
      t:check(answer, "http.parse.grammar-400", "no answer came: "
              .. tostring(why), { absence = true })
      t:check(not answer or answer.status // 100 ~= 2, "http.parse.grammar-400",
              "it was answered with success")
    end,
  }
end

-- Size and patience ----------------------------------------------------------

-- A 4xx, all of it taken, or a reset that eats the answer: but no 5xx.
for _, case in ipairs {
  { "long", function () return "X-Long: " .. ("a"):rep(1 << 20) end },
  { "many", function ()
      local lines = {}
      for i = 1, 10000 do
        lines[i] = "X-" .. i .. ": 1"
      end
      return table.concat(lines, "\r\n")
    end },
} do
  scenario("http.limits.fields-" .. case[1]) {
    title    = "more field octets than a proxy may want get no 5xx: " .. case[1],
    checks   = { "http.limits.fields-4xx" },
    needs    = { "http-connect" },
    negative = true,
    run      = function (t)
      local o, c = t:origin(), t:connect()
      c:send(head(t, o, connect_line(o), case[2]()))
      local answer = c:receive(http.response {}, 5)
      t:check(not answer or answer.status // 100 ~= 5, "http.limits.fields-4xx",
              answer and string.format("answered with %d", answer.status))
    end,
  }
end

scenario "http.limits.slow-others" {
  title  = "clients that stop in their heads do not keep others waiting",
  checks = { "http.limits.slow" },
  needs  = { "http-connect" },
  run    = function (t)
    for _ = 1, 20 do
      t:connect():send("CONNECT slow")
    end
    local o, c = t:origin(), t:connect()
    c:send(http.connect { to = o })
    local answer, why = c:receive(http.response {}, 5)
    t:check(answer, "http.limits.slow", "no answer came: " .. tostring(why),
            { absence = true })
  end,
}
