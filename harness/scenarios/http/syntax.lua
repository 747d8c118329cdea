-- The grammar of forwarded messages: RFC 9112 sections 2.2 and 5, RFC 9110
-- sections 2.2, 5.5 and 5.6.

local every_high = {}
for i = 0x80, 0xFF do
  every_high[#every_high + 1] = string.char(i)
end
every_high = table.concat(every_high)

-- A request with these octets in its field section, and what became of it. The
-- credentials stand last, so that nothing is decided before they were read.
local function try(t, fields_of, wishes)
  wishes = wishes or {}
  local w, path = t:witness {}, "/" .. t:nonce()
  local lines = { "GET " .. w:url(path) .. " HTTP/1.1", "Host: " .. w.authority }
  if wishes.is_first then
    table.insert(lines, 2, fields_of)
  else
    lines[#lines + 1] = fields_of
  end
  if t.target.user then
    lines[#lines + 1] = "Proxy-Authorization: "
                        .. http.basic(t.target.user, t.target.password)
  end
  lines[#lines + 1] = "X-Last: last"
  local head = (wishes.before or "") .. table.concat(lines, "\r\n") .. "\r\n\r\n"
  return t:outcome { origin = w, within = 3,
                     send = wishes.eol and head:gsub("\r\n", wishes.eol) or head }
end

local function told(out)
  return out.status and "answered with " .. out.status or tostring(out.kind)
end

-- An answer whose head has this line, through the proxy.
local function answer_with(t, line, reason)
  local nonce = t:nonce()
  return t:exchange { nonce = nonce, within = 3, answer = { close = true, raw =
    "HTTP/1.1 200 " .. (reason or "OK") .. "\r\nX-Witness: " .. nonce
    .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-store\r\n"
    .. (line and line .. "\r\nX-Last: last\r\n" or "")
    .. "Content-Length: " .. #nonce
    .. "\r\nConnection: close\r\n\r\n" .. nonce } }
end

-- The octets of a head that is known; "" without one.
local function head_of(m)
  return m and m.head or ""
end

-- The octets around what should not be there.
local function shown(t, m, never)
  local head = head_of(m)
  local at = head:find(never, 1, true) or 1
  return t:show(head:sub(math.max(1, at - 8), at + 12))
end

-- Requests: what is never passed on as it is ----------------------------------

local NEVER = {
  { "cr-in-value", "http.parse.bare-cr-receive", "X-Odd: a\rb", "a\rb" },
  { "cr-before-field", "http.parse.bare-cr-receive", "X-Odd: a\rX-Evil: b", "a\rX" },
  { "cr-in-name", "http.parse.bare-cr-receive", "X-O\rdd: a", "O\rdd" },
  { "cr-last", "http.parse.bare-cr-receive", "X-Odd: a\r\r", "a\r\r" },
  { "nul-in-value", "http.parse.value-ctl", "X-Odd: a\0b", "a\0b" },
  { "nul-last", "http.parse.value-ctl", "X-Odd: ab\0", "ab\0" },
  { "fold-space", "http.parse.fold-request", "X-Odd: a\r\n b", "\r\n b" },
  { "fold-tab", "http.parse.fold-request", "X-Odd: a\r\n\tb", "\r\n\tb" },
  { "fold-of-field", "http.parse.fold-request", "X-Odd: a\r\n X-Evil: b",
    "\r\n X-Evil" },
  { "no-colon", "http.parse.no-colon", "X-Odd", "X-Odd\r\n" },
  { "no-name", "http.parse.name-token", ": odd", "\n: odd" },
  { "space-in-name", "http.parse.name-token", "X Odd: a", "X Odd" },
  { "bracket-in-name", "http.parse.name-token", "X(Odd): a", "X(Odd)" },
  { "high-in-name", "http.parse.name-token", "X-\xC3\xA9: a", "X-\xC3\xA9" },
  { "nul-in-name", "http.parse.name-token", "X-\0: a", "X-\0:" },
  { "cr-first", "http.parse.bare-cr-receive", "\rX-Odd: a", "\rX-Odd" },
  { "cr-and-space", "http.parse.bare-cr-receive", "X-Odd: a\r b", "a\r b" },
  { "cr-behind-colon", "http.parse.bare-cr-receive", "X-Odd:\ra", "\ra" },
  { "space-first", "http.parse.fold-request", "X-Odd: a\r\n  ", "\r\n  " },
}

-- Octets that no name has.
local NO_NAMES = {
  { "at", "X@Odd" }, { "quote", 'X"Odd' }, { "slash", "X/Odd" },
  { "comma", "X,Odd" }, { "semicolon", "X;Odd" }, { "equals", "X=Odd" },
  { "brace", "X{Odd" }, { "backslash", "X\\Odd" }, { "square", "X[Odd]" },
  { "question", "X?Odd" }, { "less", "X<Odd>" }, { "control", "X\1Odd" },
  { "delete", "X\127Odd" }, { "nbsp", "X\xA0Odd" }, { "next-line", "X\x85Odd" },
  { "tab", "X\tOdd" }, { "vertical-tab", "X\vOdd" },
}
for _, case in ipairs(NO_NAMES) do
  local name, text = table.unpack(case)
  NEVER[#NEVER + 1] = { name .. "-in-name", "http.parse.name-token",
                        text .. ": a", text }
end

-- Nothing says what becomes of these but the grammar, and to that what is
-- generated has to keep, not what is passed on as it came: RFC 9110 section 2.2.
-- A server ought to refuse a request of them: RFC 9112 section 2.2.
local GRAMMAR = { ["http.parse.no-colon"] = true,
                  ["http.parse.name-token"] = true }

for _, case in ipairs(NEVER) do
  local name, id, line, never = table.unpack(case)
  scenario("http.parse.forward-" .. name) {
    title    = "what no field line is is not passed on as it is: " .. name,
    checks   = { id, "http.field.unknown-forward",
                 GRAMMAR[id] and "http.parse.grammar-400" or nil },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, line)
      local head = head_of(out.requests[1])
      local is_kept = head:find(never, 1, true)
      local told = "the origin saw " .. shown(t, out.requests[1], never)
      t:check(not is_kept, id, told, { contested = GRAMMAR[id] })
      if GRAMMAR[id] then
        t:check(not is_kept, "http.parse.grammar-400", told)
      end
      t:check(head == "" or out.requests[1]:field("x-last") == "last",
              "http.field.unknown-forward", "X-Last behind it was lost")
    end,
  }
end

-- Whatever is done with a fold, its second line is no field of its own.
scenario "http.parse.forward-fold-evil" {
  title    = "a folded line is not taken for a field",
  checks   = { "http.parse.fold-request" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local out = try(t, "X-Odd: a\r\n X-Evil: b")
    local request = out.requests[1]
    t:check(not request or not request:field("x-evil"), "http.parse.fold-request",
            "the origin got it as a field")
    t:check(not request or not request:field("x-odd")
            or request:field("x-odd"):find("X-Evil", 1, true),
            "http.parse.fold-request", "the second line was lost: X-Odd is "
            .. t:show(request and request:field("x-odd") or ""))
  end,
}

for _, case in ipairs { { "space", " " }, { "tab", "\t" } } do
  scenario("http.parse.forward-indented-" .. case[1]) {
    title    = "an indented line behind the request-line is not passed on",
    checks   = { "http.parse.space-before-field" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, case[2] .. "X-Smuggle: 1", { is_first = true })
      t:check(not head_of(out.requests[1]):find("Smuggle", 1, true),
              "http.parse.space-before-field",
              "the origin saw " .. t:show(head_of(out.requests[1])))
    end,
  }
end

for _, case in ipairs { { "space", "X-Odd : a" }, { "tab", "X-Odd\t: a" },
                        { "length", "Content-Length : 0" } } do
  scenario("http.parse.forward-400-" .. case[1]) {
    title    = "white space before a colon gets 400, not a forwarded request",
    checks   = { "http.parse.colon-space-request" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, case[2])
      t:check(#out.requests == 0, "http.parse.colon-space-request",
              "it was forwarded")
      t:check(#out.requests > 0 or not out.status or out.status == 400,
              "http.parse.colon-space-request", told(out) .. ", not 400")
    end,
  }
end

scenario "http.parse.forward-bare-lf" {
  title    = "lines that end in LF are refused, or go on with CRLF",
  checks   = { "http.parse.sender-grammar" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local out = try(t, "X-Odd: a", { eol = "\n" })
    local head = head_of(out.requests[1]):gsub("\r\n", "")
    t:check(not head:find("\n", 1, true), "http.parse.sender-grammar",
            "the origin saw a line that ends in LF alone", { contested = true })
  end,
}

-- Requests: what is taken -------------------------------------------------------

for _, case in ipairs { { "one", 1 }, { "two", 2 } } do
  scenario("http.parse.forward-crlf-" .. case[1]) {
    title  = "empty lines before a request are passed over: " .. case[1],
    checks = { "http.parse.leading-crlf" },
    needs  = { "http-forward" },
    run    = function (t)
      local out = try(t, "X-Odd: a", { before = ("\r\n"):rep(case[2]) })
      t:check(#out.requests > 0, "http.parse.leading-crlf", told(out),
              { absence = true, contested = case[2] > 1 })
    end,
  }
end

-- Opaque octets come through; white space around them need not.
local VALUES = {
  { "high", "http.parse.obs-text", "a" .. every_high .. "b" },
  { "high-at-ends", "http.parse.obs-text", "\xA0\x85a\x85\xA0" },
  { "bad-utf8", "http.parse.octets", "\xC3(\xFF\xFE\xC0\x80" },
  { "gbk-backslash", "http.parse.octets", "\x81\x5C\xB2\x5C" },
  -- U+560A and U+560D end in LF and CR where they are cut to an octet.
  { "cut-to-crlf", "http.parse.octets", "a\xE5\x98\x8D\xE5\x98\x8AX-Evil: 1" },
  { "quoted", "http.parse.octets", '"a\\"b, c" (d "e)' },
  { "colons", "http.parse.octets", "a:b: c::" },
  { "commas", "http.parse.octets", "a,b ,, c;d=e" },
  { "blanks", "http.parse.octets", "a  b   c\td" },
  { "percent", "http.parse.octets", "%0d%0aX-Evil: 1%00" },
  { "controls", "http.parse.octets", "a!#$%&'*+-.^_`|~{}[]<>@?=/\\b" },
  { "quoted-blanks", "http.parse.octets", '"a  b   c"' },
  { "empty", "http.field.unknown-forward", "" },
}

for _, case in ipairs(VALUES) do
  local name, id, value = table.unpack(case)
  scenario("http.parse.value-" .. name) {
    title  = "a value passes both ways as the octets that it is: " .. name,
    checks = { id },
    needs  = { "http-forward" },
    run    = function (t)
      local fields = { { "X-Odd", value } }
      local x = t:exchange { fields = fields, breaks = id,
                             answer = { fields = fields } }
      for who, m in pairs { ["the origin"] = x.request,
                            ["the client"] = x.response } do
        -- Blanks are nobody's but between quotes.
        local got = m:field("x-odd")
        t:check(got == value, id, who .. " saw " .. t:show(tostring(got)), {
          contested = name == "blanks" and got
                      and got:gsub("%s+", " ") == value:gsub("%s+", " ") })
        t:check(not m:field("x-evil"), id, who .. " saw another field")
      end
    end,
  }
end

scenario "http.parse.forward-trim" {
  title  = "white space around a value is no part of it",
  checks = { "http.parse.trim" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { method = "POST", body = "hello",
      breaks = "http.parse.trim",
      fields = { "Content-Length: \t 5 \t ", "X-Odd: \t a b\t " } }
    t:check(x.request.body == "hello", "http.parse.trim",
            "the origin got " .. t:show(x.request.body))
    t:check(x.request:field("x-odd") == "a b", "http.parse.trim",
            "X-Odd became " .. t:show(tostring(x.request:field("x-odd"))))
  end,
}

for _, case in ipairs { { "connection", { "Connection", ",, close ," } },
                        { "via", { "Via", ", 1.1 a,, ,1.0 b," } },
                        { "unknown", { "X-List", ",a,,b," } } } do
  scenario("http.parse.list-" .. case[1]) {
    title  = "empty members of a list are passed over: " .. case[1],
    checks = { "http.parse.list-empty" },
    needs  = { "http-forward" },
    run    = function (t)
      t:exchange { breaks = "http.parse.list-empty", fields = { case[2] } }
    end,
  }
end

-- Host is what a proxy might go by before the head is whole.
scenario "http.parse.forward-whole-head" {
  title  = "nothing is forwarded before the empty line",
  checks = { "http.parse.whole-header" },
  needs  = { "http-forward" },
  run    = function (t)
    local w, c, path = t:witness {}, t:connect(), "/" .. t:nonce()
    local lines = { "GET " .. w:url(path) .. " HTTP/1.1", "Host: " .. w.authority }
    if t.target.user then
      lines[3] = "Proxy-Authorization: "
                 .. http.basic(t.target.user, t.target.password)
    end
    c:send(table.concat(lines, "\r\n") .. "\r\n")
    t:check(not w:request(0.4), "http.parse.whole-header",
            "the request was forwarded before its head was whole")
  end,
}

-- Requests and answers that come in parts.
local SPLITS = { { "octets", 1 }, { "sevens", 7 } }

for _, case in ipairs(SPLITS) do
  local name, step = table.unpack(case)
  scenario("http.parse.split-" .. name) {
    title   = "what comes in small parts is read as a whole: " .. name,
    checks  = { "http.parse.split-delivery" },
    needs   = { "http-forward" },
    segment = false,
    within  = 20,
    run     = function (t)
      local nonce, body = t:nonce(), "chunk"
      local x = t:exchange { nonce = nonce, within = 10,
        breaks = "http.parse.split-delivery", answer = function (up, request)
          local text = "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
            .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          if request.version == "1.0" then
            text = text .. "Content-Length: 5\r\n\r\n" .. body
          else
            text = text .. "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\n" .. body
                   .. "\r\n0\r\n\r\n"
          end
          for i = 1, #text, step do
            up:send(text:sub(i, i + step - 1))
            up:silent(0.002)
          end
          up:close()
          return false
        end }
      t:check(x.response.body == body, "http.parse.split-delivery",
              "the client got " .. t:show(x.response.body))
    end,
  }
end

-- The same for content of requests, in both framings.
for _, case in ipairs(SPLITS) do
  local name, step = table.unpack(case)
  for _, framing in ipairs { "length", "chunks" } do
    scenario("http.parse.split-" .. framing .. "-" .. name) {
      title   = "content that comes in small parts is read as a whole: "
                .. framing .. ", " .. name,
      checks  = { "http.parse.split-delivery" },
      needs   = { "http-forward" },
      segment = false,
      within  = 20,
      run     = function (t)
        local id, w = "http.parse.split-delivery", t:witness {}
        local is_chunked = framing == "chunks"
        local plain = t:exchange { origin = w, method = "POST", body = "hello",
                                   chunked = is_chunked and { 2 } or nil }
        if plain.why then
          t:skip("it does not come through as a whole either: " .. plain.why)
        end
        local text = is_chunked and "5;a=b\r\nhello\r\n0C\r\n world again\r\n0\r\n\r\n"
                     or "hello world again"
        local path, c = "/" .. t:nonce(), t:connect()
        c:send(http.request { to = w, method = "POST", path = path, fields = {
          is_chunked and { "Transfer-Encoding", "chunked" }
          or { "Content-Length", tostring(#text) } } })
        for i = 1, #text, step do
          c:send(text:sub(i, i + step - 1))
          c:silent(0.002)
        end
        local got, why = c:response { method = "POST", within = 5 }
        t:check(got and got.status == 200, id, got and "answered with "
                .. got.status or "no answer came: " .. tostring(why),
                { absence = not got })
        local request = w.requests[#w.requests]
        t:check(not got or request.body == "hello world again", id,
                "the origin got " .. t:show(request.body))
      end,
    }
  end
end

for _, case in ipairs {
  { "binary", "\x80\x81\xFE\xFF\1\2\127\r\n\r\n" },
  { "tls", "\22\3\1\0\5\1\0\0\1\3\r\n\r\n" },
  { "socks", "\5\1\0\r\n\r\n" }, { "socks4", "\4\1\0\80\127\0\0\1\0\r\n\r\n" },
  { "ssh", "SSH-2.0-a\r\n\r\n" }, { "smtp", "EHLO a\r\n\r\n" },
} do
  scenario("http.parse.no-request-" .. case[1]) {
    title    = "what is no request is not served: " .. case[1],
    checks   = { "http.parse.grammar-400" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local c = t:connect()
      c:send(case[2])
      local answer = c:receive(http.response {}, 2)
      t:check(not answer or answer.status // 100 ~= 2, "http.parse.grammar-400",
              "answered with " .. tostring(answer and answer.status))
    end,
  }
end

-- Answers ------------------------------------------------------------------------

local NEVER_BACK = {
  { "cr-in-value", "http.parse.bare-cr-receive", "X-Odd: a\rb", "a\rb" },
  { "nul-in-value", "http.parse.value-ctl", "X-Odd: a\0b", "a\0b" },
  { "fold-space", "http.parse.fold-response", "X-Odd: a\r\n b", "\r\n b" },
  { "fold-tab", "http.parse.fold-response", "X-Odd: a\r\n\tb", "\r\n\tb" },
  { "no-colon", "http.parse.no-colon", "X-Odd", "X-Odd\r\n" },
  { "no-name", "http.parse.name-token", ": odd", "\n: odd" },
  { "space-in-name", "http.parse.name-token", "X Odd: a", "X Odd" },
  { "bracket-in-name", "http.parse.name-token", "X(Odd): a", "X(Odd)" },
  { "space-before-colon", "http.parse.colon-space-response", "X-Odd : a", "Odd :" },
  { "tab-before-colon", "http.parse.colon-space-response", "X-Odd\t: a", "Odd\t:" },
  { "cr-before-field", "http.parse.bare-cr-receive", "X-Odd: a\rX-Evil: b", "a\rX" },
  { "cr-first", "http.parse.bare-cr-receive", "\rX-Odd: a", "\rX-Odd" },
  { "cr-last", "http.parse.bare-cr-receive", "X-Odd: a\r\r", "a\r\r" },
  { "nul-in-name", "http.parse.name-token", "X-\0: a", "X-\0:" },
  { "nul-last", "http.parse.value-ctl", "X-Odd: ab\0", "ab\0" },
  { "high-in-name", "http.parse.name-token", "X-\xC3\xA9: a", "X-\xC3\xA9" },
  { "fold-of-field", "http.parse.fold-response", "X-Odd: a\r\n X-Evil: b",
    "\r\n X-Evil" },
}
for _, case in ipairs(NO_NAMES) do
  local name, text = table.unpack(case)
  NEVER_BACK[#NEVER_BACK + 1] = { name .. "-in-name", "http.parse.name-token",
                                  text .. ": a", text }
end

for _, case in ipairs(NEVER_BACK) do
  local name, id, line, never = table.unpack(case)
  scenario("http.parse.back-" .. name) {
    title    = "what no field line is does not come back as it is: " .. name,
    checks   = { id, "http.field.unknown-forward" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = answer_with(t, line)
      local head = head_of(x.response)
      t:check(not head:find(never, 1, true), id,
              "the client saw " .. shown(t, x.response, never),
              { contested = GRAMMAR[id] })
      local got = not x.is_own and x.response
      t:check(not got or got:field("x-last") == "last",
              "http.field.unknown-forward", "X-Last behind it was lost")
    end,
  }
end

scenario "http.parse.back-bare-lf" {
  title    = "lines of an answer that end in LF come back with CRLF",
  checks   = { "http.parse.sender-grammar" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local nonce = t:nonce()
    local x = t:exchange { nonce = nonce, within = 3, answer = { close = true,
      raw = "HTTP/1.1 200 OK\nX-Witness: " .. nonce .. "\nContent-Length: 0\n"
            .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\nConnection: close\n\n" } }
    local head = head_of(x.response):gsub("\r\n", "")
    t:check(not head:find("\n", 1, true), "http.parse.sender-grammar",
            "the client saw a line that ends in LF alone", { contested = true })
  end,
}

-- Octets of an origin that are no response, not even of HTTP/0.9 that anybody
-- asked for.
local NO_RESPONSES = {
  { "banner", "SSH-2.0-OpenSSH_9.2\r\n" }, { "smtp", "220 mail ESMTP\r\n" },
  { "body", "<html>hello</html>\r\n" }, { "binary", "\0\1\2\3\255\254\r\n\r\n" },
  { "no-version", "200 OK\r\nContent-Length: 0\r\n\r\n" },
  { "icy", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n" },
  { "lower-case", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
  { "request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
  { "nothing", "" }, { "half", "HTTP/1.1 200 OK\r\nX-Odd: a\r\n" },
  { "half-line", "HTTP/1.1 2" },
}

for _, case in ipairs(NO_RESPONSES) do
  local name, octets = table.unpack(case)
  scenario("http.parse.garbage-of-origin-" .. name) {
    title    = "what is no response of an origin is answered with 502: " .. name,
    checks   = { "http.parse.response-garbage", "http.error.bad-gateway" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { within = 3, method = "POST", body = "a",
        answer = { close = true, raw = octets, body = "" } }
      local status = x.response and x.response.status
      if status and status // 100 == 2 then
        -- Where anything came at all, HTTP/0.9 is how it used to be taken.
        t:violation("http.error.bad-gateway", "the client got a " .. status,
                    { contested = octets ~= "" })
      else
        t:check(not status or status == 502, "http.error.bad-gateway",
                "the client got a " .. tostring(status) .. ", not 502",
                { contested = true })
      end
      if x.what == "malformed" then
        t:violation("http.parse.response-garbage",
                    "the client got it as it was: " .. t:show(octets),
                    { contested = name == "icy" }) -- some speak that, too
      end
    end,
  }
end

-- Blanks around values that the proxy acts on.
for _, case in ipairs { { "tabs", "\t%s\t" }, { "many", "  \t  %s \t\t  " },
                        { "none", "%s" } } do
  local name, pattern = table.unpack(case)
  local function line(field, value)
    return field .. ":" .. pattern:format(value)
  end
  scenario("http.parse.trim-acted-on-" .. name) {
    title  = "blanks around values that mean something to the proxy: " .. name,
    checks = { "http.parse.trim" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.parse.trim"
      local function ask(lines)
        return t:exchange { fields = lines, breaks = id,
                            answer = { fields = lines } }
      end
      local plain = ask { "Connection: X-Hop", "X-Hop: 1" }
      local x = ask { line("Connection", "X-Hop"), "X-Hop: 1" }
      t:check(not x.request:field("x-hop") or plain.request:field("x-hop"), id,
              "the origin saw a connection-option")
      t:check(not x.response:field("x-hop") or plain.response:field("x-hop"), id,
              "the client saw a connection-option")
      plain = t:exchange { fields = { "Connection: close" } }
      x = t:exchange { fields = { line("Connection", "close") }, breaks = id }
      t:check(not plain:says_close() or x:says_close() or x.client:ended(1), id,
              "close between blanks was not seen", { absence = true })
    end,
  }
end

-- NUL in fields that are known.
for _, field in ipairs { "Host", "User-Agent", "Cookie", "Via" } do
  scenario("http.parse.nul-in-" .. field:lower()) {
    title    = "a zero octet in " .. field .. " is not passed on",
    checks   = { "http.parse.value-ctl" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local value = field == "Host" and w.authority .. "\0b"
                    or field == "Via" and "1.1 a\0b" or "a\0b"
      local x = t:exchange { origin = w, within = 2, fields = {
        field .. ": " .. value } }
      local raw = x.request and x.request.head or w.stray or ""
      t:check(not raw:find("\0", 1, true), "http.parse.value-ctl",
              "the origin got a zero octet")
      t:check(field == "Host" or not x.request
              or (x.request:field(field) or ""):find("b", 1, true),
              "http.parse.value-ctl", "the value ends at the zero octet")
    end,
  }
end
