-- Request-targets of forwarded requests: RFC 9112 section 3.2, RFC 9110
-- sections 4.2, 7.1 and 7.7. Fields are in field.lua, Host in routing.lua.

-- What the syntax alone makes equivalent: RFC 3986 section 6.2.2. RFC 9110
-- section 4.2.3 lets it be normalised, section 7.7 does not.
local function normalised(target)
  local path, query = target:match("^([^?]*)(.*)$")
  local function decode(hex)
    local char = string.char(tonumber(hex, 16))
    return char:find("[%w._~-]") and char or "%" .. hex:upper()
  end
  path, query = path:gsub("%%(%x%x)", decode), query:gsub("%%(%x%x)", decode)
  local out = {}
  for segment in path:gmatch("/([^/]*)") do
    if segment == ".." then
      table.remove(out)
    elseif segment ~= "." then
      out[#out + 1] = segment
    end
  end
  if path:find("/%.%.?$") then
    out[#out + 1] = ""
  end
  return "/" .. table.concat(out, "/") .. query
end

-- What a refused request got, in words.
local function told(out)
  return out.status and "answered with " .. out.status or tostring(out.kind)
end

local function is_forwarded(out)
  return #out.requests > 0
end

-- One request by its target; what became of it and the witness. The target is
-- made of the authority of a witness that nobody else has.
local function try(t, target_of, wishes)
  local w, nonce = t:witness {}, t:nonce()
  wishes = wishes or {}
  return t:outcome { origin = w, within = 3, send = http.request {
    to = w, method = wishes.method, target = target_of(w, nonce),
    version = wishes.version, fields = wishes.fields } }, w, nonce
end

-- Paths ----------------------------------------------------------------------

for _, case in ipairs {
  { "none", "", "/" }, { "none-with-query", "?q=1", "/?q=1" },
  { "none-with-empty-query", "?", "/?" },
  { "none-with-query-of-path", "?a/b/../c", "/?a/b/../c" },
  { "none-with-query-of-at", "?a@b:80", "/?a@b:80" },
  { "none-of-head", "", "/", "HEAD" }, { "none-of-post", "", "/", "POST" },
  { "none-of-delete", "", "/", "DELETE" },
  { "none-of-unknown", "", "/", "BREW" },
  { "none-of-older", "", "/", nil, "1.0" },
  { "none-with-query-of-head", "?q", "/?q", "HEAD" },
  { "none-with-query-of-post", "?q", "/?q", "POST" },
} do
  local name, sent, want, method, version = table.unpack(case, 1, 5)
  scenario("http.target.path-" .. name) {
    title  = "an empty path becomes / on its way: " .. name,
    checks = { "http.target.empty-path", "http.target.path-kept",
               "http.target.accept-absolute" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local w = t:witness {}
      local x = t:exchange { origin = w, method = method, version = version,
                             body = method == "POST" and "a" or nil,
                             breaks = (not method or method == "HEAD")
                                      and "http.target.accept-absolute" or nil,
                             target = "http://" .. w.authority .. sent }
      t:check(not w.stray, "http.target.empty-path",
              "the origin got " .. t:show(w.stray or ""))
      if not x.request then
        t:skip("it is not forwarded")
      end
      local got = x.request.target
      local told = string.format("http://HOST%s arrived as %s", sent, t:show(got))
      t:check(got:match("^[^?]*") == "/", "http.target.empty-path", told)
      t:check(got:match("%?.*") == want:match("%?.*"), "http.target.path-kept",
              told)
    end,
  }
end

-- Each stands behind a path that nobody asked for before.
local PATHS = {
  { "plain", "/a" }, { "slash-behind", "/" }, { "dot", "/a/./b" },
  { "dots", "/a/b/../c" }, { "dots-last", "/a/.." },
  { "two-slashes", "//a//b" }, { "three-slashes", "/a///" },
  { "hex-upper", "/%E2%82%AC" }, { "hex-lower", "/%e2%82%ac" },
  { "encoded-slash", "/a%2Fb" }, { "encoded-dots", "/%2E%2E/a" },
  { "encoded-letter", "/%41%7Ea" }, { "encoded-space", "/a%20b" },
  { "encoded-percent", "/%2525" }, { "encoded-question", "/a%3Fb" },
  { "encoded-hash", "/a%23b" }, { "encoded-plus", "/a%2Bb+c" },
  { "encoded-high", "/%80%FF" }, { "pipe-of-url", "/a%7Chttp://example.com/" },
  { "empty-query", "?" }, { "query-of-question", "/a?b?c??" },
  { "query-of-path", "/a?/b/../c//d" }, { "query-encoded", "?a=%26%3D&b=%C3%A9" },
  { "query-of-url", "?u=http://example.com:1/x" }, { "query-repeated", "?a&a&&b=" },
  { "parameters", "/a;b=c;d/e;f" }, { "sub-delims", "/!$&'()*+,;=" },
  { "plus-in-query", "?a=b+c" }, { "parameters-query", "/a;b=c?d=e" },
  { "parameters-in-query", "?a;b;c" }, { "hash-encoded-in-query", "?a=%23b" },
  { "slash-behind-query", "/a/?b" }, { "brackets", "?a[]=1&b[c]=2" },
  { "quote", "/it's" }, { "star", "/*" }, { "two-dots-inside", "/a..b" },
  { "slash-last", "/a/b/" }, { "at-in-query", "?a=b@c:80" },
  { "colon-and-at", "/a:b@c" }, { "tilde", "/~a-b_c.d" },
  { "upper-case", "/Aa/bB" }, { "url-inside", "/http://example.com/" },
}

for _, case in ipairs(PATHS) do
  local name, rest = table.unpack(case)
  scenario("http.target.kept-" .. name) {
    title  = "path and query pass unchanged: " .. name,
    checks = { "http.target.path-kept", "http.target.accept-absolute" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local w, id = t:witness {}, "http.target.path-kept"
      local want = "/" .. t:nonce() .. rest
      local x = t:exchange { origin = w, target = "http://" .. w.authority .. want,
                             breaks = "http.target.accept-absolute" }
      local got = x.request.target
      t:check(got == want, id, t:show(want) .. " arrived as " .. t:show(got), {
        contested = normalised(got) == normalised(want) })
    end,
  }
end

-- What would end the request-line if it were decoded. Who refuses it may.
for _, case in ipairs {
  { "crlf", "/a%0D%0AX-Evil:%201" }, { "lf", "/a%0AX-Evil:%201" },
  { "query-crlf", "?a=%0d%0aX-Evil:%201" }, { "nul", "/a%00b" },
  { "query-nul", "?a=%00&b" },
  { "cr", "/a%0db" }, { "end", "/a%20HTTP/1.1%0d%0a%0d%0a" },
} do
  local name, rest = table.unpack(case)
  scenario("http.target.decoded-" .. name) {
    title  = "encoded controls in a target stay encoded: " .. name,
    checks = { "http.target.path-kept" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local id, want = "http.target.path-kept", nil
      local out, w = try(t, function (w, nonce)
        want = "/" .. nonce .. rest
        return "http://" .. w.authority .. want
      end)
      local got = out.requests[1]
      t:check(not w.stray, id, "the origin got " .. t:show(w.stray or ""))
      t:check(not got or got.target == want, id, t:show(want) .. " arrived as "
              .. t:show(got and got.line or ""), {
        contested = got and normalised(got.target or "") == normalised(want) })
    end,
  }
end

for _, len in ipairs { 2000, 4000, 7900, 8000 } do
  scenario("http.target.line-of-" .. len) {
    title  = "a request-line of " .. len .. " octets is forwarded",
    checks = { "http.target.length", "http.target.path-kept" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local w = t:witness {}
      local before = "http://" .. w.authority
      local path = "/" .. t:nonce() .. "/"
      path = path .. ("a"):rep(len - #("GET " .. before .. path .. " HTTP/1.1"))
      local x = t:exchange { origin = w, target = before .. path,
                             breaks = "http.target.length" }
      t:check(x.request.target == path, "http.target.path-kept", string.format(
        "%d octets of path arrived as %d", #path, #x.request.target))
    end,
  }
end

-- Longer ones may be refused, but not cut.
for _, len in ipairs { 1100, 2200, 4200, 8100, 8192, 8200, 9000, 12000, 16000 } do
  scenario("http.target.line-kept-" .. len) {
    title    = "a request-line of " .. len .. " octets is refused or passes whole",
    checks   = { "http.target.path-kept" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      for _, first in ipairs { "/", "?" } do
        local want
        local out = try(t, function (w, nonce)
          local before = "http://" .. w.authority
          want = "/" .. nonce .. first
          want = want .. ("a"):rep(len - #("GET " .. before .. want .. " HTTP/1.1"))
          return before .. want
        end)
        local got = out.requests[1]
        t:check(not got or got.target == want, "http.target.path-kept",
                string.format("%d octets of target arrived as %d", #want,
                              got and #(got.target or "") or 0))
      end
    end,
  }
end

for _, case in ipairs { { "64k", 65536 }, { "1m", 1 << 20 } } do
  scenario("http.target.line-of-" .. case[1]) {
    title    = "a request-line that is too long is answered with 414: " .. case[1],
    checks   = { "http.target.too-long" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, function (w, nonce)
        return w:url("/" .. nonce .. "/" .. ("a"):rep(case[2]))
      end)
      if not is_forwarded(out) and out.status then
        t:check(out.status == 414, "http.target.too-long",
                "answered with " .. out.status .. ", not 414",
                { contested = out.status == 400 or out.status == 431 })
      end
    end,
  }
end

-- Origins --------------------------------------------------------------------

for _, scheme in ipairs { "HTTP", "Http" } do
  scenario("http.target.case-of-" .. (scheme == "HTTP" and "upper" or "mixed")) {
    title  = "the scheme is matched without regard to case: " .. scheme,
    checks = { "http.target.case", "http.target.path-kept" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local w, path = t:witness {}, "/Aa" .. t:nonce()
      local x = t:exchange { origin = w, breaks = "http.target.case",
                             target = scheme .. "://" .. w.authority .. path }
      t:check(x.request.target == path, "http.target.path-kept",
              path .. " arrived as " .. t:show(x.request.target))
    end,
  }
end

scenario "http.target.case-of-host" {
  title  = "the host is matched without regard to case",
  checks = { "http.target.case", "http.target.host-kept" },
  needs  = { "http-forward", "name" },
  run    = function (t)
    local w = t:witness {}
    local url = "http://" .. w.name.host:upper() .. ":" .. w.name.port .. "/"
    local x = t:exchange { origin = w, to = w.name, target = url .. t:nonce(),
                           breaks = "http.target.case" }
    local host = (x.request:values("host")[1] or ""):lower()
    t:check(host == (w.name.host .. ":" .. w.name.port):lower(),
            "http.target.host-kept", "Host names " .. t:show(host))
  end,
}

scenario "http.target.host-name" {
  title  = "the name of a host is not replaced by another one",
  checks = { "http.target.host-kept" },
  needs  = { "http-forward", "name" },
  run    = function (t)
    local w = t:witness {}
    local x = t:exchange { origin = w, to = w.name,
                           breaks = "http.target.host-kept" }
    local host = (x.request:values("host")[1] or ""):lower()
    t:check(host == (w.name.host .. ":" .. w.name.port):lower(),
            "http.target.host-kept", "Host names " .. t:show(host))
  end,
}

scenario "http.target.host-ipv6" {
  title  = "an IPv6 literal is contacted and keeps its brackets in Host",
  checks = { "http.target.ipv6" },
  needs  = { "http-forward", "ipv6" },
  run    = function (t)
    local w = t:witness {}
    local x = t:exchange { origin = w, to = w.ipv6, breaks = "http.target.ipv6" }
    local host = x.request:values("host")[1] or ""
    t:check(host:find("^%[.*%]:" .. w.port .. "$"), "http.target.ipv6",
            "Host is " .. t:show(host))
  end,
}

scenario "http.target.port-default" {
  title  = "a target without a port is on port 80",
  checks = { "http.target.default-port", "http.target.port-range" },
  needs  = { "http-forward", "ipv4" },
  within = 40,
  run    = function (t)
    local w = t:witness { port = 80 }
    if not w then
      t:skip("port 80 is not to be had")
    end
    for _, port in ipairs { "", ":80", ":" } do
      local path = "/" .. t:nonce()
      local x = t:exchange { origin = w, breaks = "http.target.default-port",
                             target = "http://" .. w.host .. port .. path }
      local host = x.request:values("host")[1] or ""
      -- Another scenario's request may be led to port 80 meanwhile.
      t:check(host == w.host or host == w.host .. ":80" or host == w.host .. ":"
              or not x.request.target:find(path, 1, true),
              "http.target.default-port", "Host is " .. t:show(host))
    end
    for _, port in ipairs { "x", "0x50", "-1", "80x", "x80", "65616", "65536",
                            "%38%30", "99999" } do
      local before = w:contacts() -- a port that is none does not lead here
      t:outcome { origin = w, within = 2, send = http.request {
        to = w, target = "http://" .. w.host .. ":" .. port .. "/" .. t:nonce() } }
      t:check(w:contacts() == before, "http.target.port-range",
              "port " .. port .. " led to port 80")
    end
  end,
}

-- No port, or none that there is: nobody is to be contacted.
local PORTS = {
  { "wrapped", function (w) return w.port + 65536 end },
  { "wrapped-twice", function (w) return w.port + 131072 end },
  { "wrapped-32-bits", function (w) return w.port + (1 << 32) end },
  { "letter-behind", function (w) return w.port .. "x" end },
  { "letter-before", function (w) return "x" .. w.port end },
  { "sign", function (w) return "+" .. w.port end },
  { "minus", function (w) return w.port - 65536 end },
  { "hex", function (w) return string.format("0x%x", w.port) end },
  { "twice", function (w) return w.port .. ":" .. w.port end },
  { "list", function (w) return w.port .. "," .. w.authority end },
  { "comma-behind", function (w) return w.port .. "," end },
  { "semicolon-behind", function (w) return w.port .. ";a" end },
  { "fraction", function (w) return w.port .. ".0" end },
  { "wrapped-64-bits", function (w) return "1844674407370" .. (9551616 + w.port) end },
  { "quoted", function (w) return '"' .. w.port .. '"' end },
  { "encoded", function (w) return "%3" .. w.port end },
}

for _, case in ipairs(PORTS) do
  local name, port_of = table.unpack(case)
  scenario("http.target.port-" .. name) {
    title    = "a port that is none is refused: " .. name,
    checks   = { "http.target.port-range" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      local _, w = try(t, function (w, nonce)
        return "http://" .. w.host .. ":" .. port_of(w) .. "/" .. nonce
      end)
      t:check(w:contacts() == 0, "http.target.port-range", string.format(
        "port %s was taken for %d", port_of(w), w.port))
    end,
  }
end

-- The ends of the range are ports like others.
for _, port in ipairs { 1, 255, 256, 61001, 65535 } do
  scenario("http.target.port-of-" .. port) {
    title  = "a port is taken, and reached: " .. port,
    checks = { "http.target.accept-absolute" },
    needs  = { "http-forward", "ipv4", "network" },
    run    = function (t)
      local w = t:witness { port = port }
      if not w then
        t:skip("this port is not to be had")
      end
      local x = t:exchange { origin = w }
      -- Whether it may go there is another question.
      t:check(x.request or not x.is_own or x.response.status ~= 400,
              "http.target.accept-absolute", "it was answered with 400")
    end,
  }
end

scenario "http.target.host-empty-with-port" {
  title    = "a target whose host is empty is refused, port or not",
  checks   = { "http.target.empty-host" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local out = try(t, function (w, nonce)
      return "http://:" .. w.port .. "/" .. nonce
    end)
    t:check(not is_forwarded(out), "http.target.empty-host",
            "it was forwarded by its port or by Host")
  end,
}

for _, case in ipairs { { "at", "http://@/" }, { "user-alone", "http://user@/" },
                        { "query", "http://?" }, { "space", "http:// /" },
                        { "no-slashes", "http:/" } } do
  scenario("http.target.host-empty-" .. case[1]) {
    title    = "a target of no host is not sent where Host says: " .. case[2],
    checks   = { "http.target.empty-host" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, function (_, nonce) return case[2] .. nonce end)
      t:check(not is_forwarded(out), "http.target.empty-host",
              "it was forwarded by Host")
    end,
  }
end

for _, case in ipairs { { "user", "user@" }, { "user-password", "user:pw@" },
                        { "empty-user", "@" } } do
  scenario("http.target.userinfo-" .. case[1]) {
    title    = "user information in a target is an error, and is not sent on",
    checks   = { "http.target.userinfo-reject", "http.target.userinfo-generate" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      local out = try(t, function (w, nonce)
        return "http://" .. case[2] .. w.authority .. "/" .. nonce
      end)
      if not is_forwarded(out) then
        return
      end
      local request = out.requests[1]
      local host = request:field("host") or ""
      t:check(not (request.target .. host):find("@", 1, true),
              "http.target.userinfo-generate", string.format(
                "the origin saw %s, Host %s", t:show(request.target), t:show(host)))
      t:violation("http.target.userinfo-reject",
                  "a target with " .. case[2] .. " was forwarded",
                  { contested = case[2] == "@" })
    end,
  }
end

-- Forms ----------------------------------------------------------------------

-- What only another method may have; served is forwarded, or a 2xx.
for _, case in ipairs {
  { "authority-get", "http.target.authority-form-other", "GET",
    function (w) return w.authority end },
  { "authority-post", "http.target.authority-form-other", "POST",
    function (w) return w.authority end },
  { "asterisk-get", "http.target.asterisk-other", "GET",
    function () return "*" end },
  { "asterisk-delete", "http.target.asterisk-other", "DELETE",
    function () return "*" end },
  { "asterisk-head", "http.target.asterisk-other", "HEAD",
    function () return "*" end },
  { "asterisk-post", "http.target.asterisk-other", "POST",
    function () return "*" end },
  { "authority-head", "http.target.authority-form-other", "HEAD",
    function (w) return w.authority end },
  { "authority-options", "http.target.authority-form-other", "OPTIONS",
    function (w) return w.authority end },
  { "authority-delete", "http.target.authority-form-other", "DELETE",
    function (w) return w.authority end },
} do
  local name, id, method, target_of = table.unpack(case)
  scenario("http.target.form-" .. name) {
    title    = "a form that the method may not have is refused: " .. name,
    checks   = { id },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    run      = function (t)
      local out = try(t, target_of, { method = method })
      t:check(not is_forwarded(out), id, method .. " of that form was forwarded")
      t:check(out.kind ~= "answered" or out.status // 100 ~= 2, id, told(out))
    end,
  }
end

for _, case in ipairs {
  { "no-path" }, { "counted", { { "Max-Forwards", "5" } } },
  { "older", nil, "1.0" }, { "close", { { "Connection", "close" } } },
} do
  scenario("http.target.options-" .. case[1]) {
    title  = "OPTIONS about a whole server becomes OPTIONS *: " .. case[1],
    checks = { "http.target.options-star" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local out, w = try(t, function (w) return "http://" .. w.authority end,
                         { method = "OPTIONS", fields = case[2],
                           version = case[3] })
      if not is_forwarded(out) then
        return
      end
      local request = out.requests[1]
      t:check(request.target == "*" and request:field("host") == w.authority,
              "http.target.options-star", string.format(
                "the origin saw OPTIONS %s, Host %s", t:show(request.target),
                tostring(request:field("host"))))
    end,
  }
end

for _, case in ipairs { { "slash", "/", "/" }, { "query", "?q", "/?q" } } do
  scenario("http.target.options-" .. case[1]) {
    title  = "OPTIONS with a path or a query keeps it: " .. case[1],
    checks = { "http.target.options-path" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local out = try(t, function (w) return "http://" .. w.authority .. case[2] end,
                      { method = "OPTIONS" })
      local request = out.requests[1]
      t:check(not request or request.target == case[3],
              "http.target.options-path", string.format("%s arrived as %s",
                case[2], request and t:show(request.target) or ""))
    end,
  }
end

scenario "http.target.options-self" {
  title  = "OPTIONS * is answered by the proxy itself",
  checks = { "http.target.options-star-self" },
  needs  = { "http-forward" },
  run    = function (t)
    local out = try(t, function () return "*" end, { method = "OPTIONS" })
    t:check(out.status, "http.target.options-star-self",
            "no answer came: " .. tostring(out.kind), { absence = true })
    t:check(not is_forwarded(out), "http.target.options-star-self",
            "it went to the host in Host", { contested = true })
  end,
}

-- What no target is ----------------------------------------------------------

for _, case in ipairs {
  { "sent", "#f" }, { "empty", "#" }, { "behind-query", "?a#f" },
  { "of-post", "#f", "POST" }, { "of-older", "#f", nil, "1.0" },
} do
  scenario("http.target.fragment-" .. case[1]) {
    title    = "a fragment is not sent on: " .. case[1]:gsub("-", " "),
    checks   = { "http.target.fragment" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, function (w, nonce)
        return w:url("/" .. nonce .. case[2])
      end, { method = case[3], version = case[4] })
      local request = out.requests[1]
      t:check(not request or not request.target:find("#", 1, true),
              "http.target.fragment",
              "the origin saw " .. (request and t:show(request.target) or ""))
    end,
  }
end

scenario "http.target.space-inside" {
  title    = "a target with a space in it is refused, not repaired",
  checks   = { "http.target.whitespace", "http.target.no-autocorrect" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    local out, _, nonce = try(t, function (w, nonce)
      return w:url("/" .. nonce .. "/a b")
    end)
    if is_forwarded(out) then
      t:check(out.requests[1].line:find("/a b ", 1, true),
              "http.target.no-autocorrect", "a space in the target was repaired: "
              .. t:show(out.requests[1].target:gsub(nonce, "")))
      t:violation("http.target.whitespace", "it was forwarded",
                  { contested = true })
    else
      t:check(out.status == 400 or out.status and out.status // 100 == 3,
              "http.target.whitespace", told(out) .. ", not 400",
              { absence = out.status == nil })
    end
  end,
}

for _, scheme in ipairs { "gopher", "foo", "httpx", "coap", "http2", "http-unix",
                          "icap", "shttp", "httpsx", "file" } do
  scenario("http.target.scheme-" .. scheme) {
    title    = "a scheme that is not http is not taken for it: " .. scheme,
    checks   = { "http.target.unknown-scheme" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, function (w, nonce)
        return scheme .. "://" .. w.authority .. "/" .. nonce
      end)
      t:check(not is_forwarded(out), "http.target.unknown-scheme",
              "the origin got a request of HTTP")
    end,
  }
end

for _, case in ipairs {
  { "https", "https" }, { "https-upper", "HTTPS" }, { "https-mixed", "Https" },
  { "https-post", "https", "POST" }, { "https-head", "https", "HEAD" },
  { "https-older", "https", nil, "1.0" },
} do
  scenario("http.target.scheme-" .. case[1]) {
    title    = "a request for https is not forwarded in clear: "
               .. case[1]:gsub("-", " "),
    checks   = { "http.target.https-received" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try(t, function (w, nonce)
        return case[2] .. "://" .. w.authority .. "/" .. nonce
      end, { method = case[3], version = case[4] })
      t:check(not is_forwarded(out), "http.target.https-received",
              "the origin got it in clear")
    end,
  }
end
