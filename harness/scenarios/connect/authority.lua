-- Request-targets that CONNECT does not have: RFC 9112 section 3.2.3, RFC 9110
-- section 9.3.6. The origin listens where a sloppy reader would end up.

-- Asks for it once: the answer, if one came.
local function ask(t, o, target)
  local c = t:connect()
  c:send(http.connect { target = target, malformed = true,
                        host = string.format("%s:%d", o.host, o.port) })
  -- Where the origin was contacted already, no answer need be waited for.
  local answer, why = c:receive(http.response {}, 0.5)
  if why == "silence" and o:contacts() == 0 then
    answer = c:receive(http.response {}, 8)
  end
  return answer
end

-- Neither a 2xx nor a contact may follow; any refusal is fine. What the way to
-- the origin is said to have spoilt is asked for again.
local function not_granted(id, target_of)
  return function (t)
    local o, answer = t:origin(), nil
    for _ = 1, 3 do
      answer = ask(t, o, target_of(o, o.host))
      if not answer or answer.status < 502 or answer.status > 504 then
        break
      end
    end
    t:check(not answer or answer.status // 100 ~= 2, id, "a tunnel was granted")
    t:check(not o:accept(0.1), id, "it reached the origin")
  end
end

local function family(prefix, id, needs, cases)
  for _, case in ipairs(cases) do
    scenario(prefix .. case[1]) {
      title    = "no tunnel to a target " .. case[2],
      checks   = { id },
      needs    = { "http-connect", needs },
      negative = true,
      within   = 15,
      run      = not_granted(id, case[3]),
    }
  end
end

family("http.connect.port-", "http.connect.port-invalid", "ipv4", {
  { "missing", "without a port", function (_, h) return h end },
  { "empty", "with an empty port", function (_, h) return h .. ":" end },
  { "hex", "with a port in hexadecimal",
    function (o, h) return string.format("%s:0x%x", h, o.port) end },
  { "99999", "with port 99999", function (_, h) return h .. ":99999" end },
  { "wrapped-16", "with a port that wraps at 16 bits",
    function (o, h) return string.format("%s:%d", h, o.port + 0x10000) end },
  { "wrapped-32", "with a port that wraps at 32 bits",
    function (o, h) return string.format("%s:%d", h, o.port + 0x100000000) end },
  { "wrapped-64", "with a port that wraps at 64 bits",
    function (o, h)
      -- 2^64 + port, in two parts that fit
      local low = 709551616 + o.port
      return string.format("%s:18446744073%09d", h, low)
    end },
  { "negative", "with a negative port",
    function (o, h) return string.format("%s:-%d", h, o.port) end },
  { "negative-wrapped", "with a negative port that wraps at 16 bits",
    function (o, h) return string.format("%s:%d", h, o.port - 0x10000) end },
  { "plus", "with a plus before the port",
    function (o, h) return string.format("%s:+%d", h, o.port) end },
  { "letters-behind", "with letters behind the port",
    function (o, h) return string.format("%s:%dx", h, o.port) end },
  { "nul-behind", "with a zero octet behind the port",
    function (o, h) return string.format("%s:%d\0x", h, o.port) end },
  { "fraction", "with a fraction behind the port",
    function (o, h) return string.format("%s:%d.0", h, o.port) end },
  { "twice", "with two ports",
    function (o, h) return string.format("%s:%d:%d", h, o.port, o.port) end },
})

family("http.connect.form-", "http.connect.target-form", "ipv4", {
  { "absolute", "in absolute-form",
    function (o, h) return string.format("http://%s:%d/", h, o.port) end },
  { "absolute-https", "in absolute-form of https",
    function (o, h) return string.format("https://%s:%d/", h, o.port) end },
  { "scheme-relative", "that begins with two slashes",
    function (o, h) return string.format("//%s:%d", h, o.port) end },
  { "origin", "in origin-form", function () return "/path" end },
  { "asterisk", "of an asterisk", function () return "*" end },
  { "path-behind", "with a path behind the port",
    function (o, h) return string.format("%s:%d/path", h, o.port) end },
  { "slash-behind", "with a slash behind the port",
    function (o, h) return string.format("%s:%d/", h, o.port) end },
  { "query-behind", "with a query behind the port",
    function (o, h) return string.format("%s:%d?query", h, o.port) end },
  { "fragment-behind", "with a fragment behind the port",
    function (o, h) return string.format("%s:%d#fragment", h, o.port) end },
  { "user", "with a user",
    function (o, h) return string.format("user@%s:%d", h, o.port) end },
  { "user-password", "with a user and a password",
    function (o, h) return string.format("user:pw@%s:%d", h, o.port) end },
  { "empty-host", "with an empty host",
    function (o) return string.format(":%d", o.port) end },
  { "list", "of two authorities",
    function (o, h) return string.format("%s:%d,%s:%d", h, o.port, h, o.port) end },
  { "bracketed-ipv4", "with an IPv4 address in brackets",
    function (o, h) return string.format("[%s]:%d", h, o.port) end },
  -- No part of an IPv4 address is above 255, so this is a name, of nobody.
  { "octet-wrapped", "with an octet that wraps at 8 bits",
    function (o, h)
      local first, rest = h:match("^(%d+)(.*)$")
      return string.format("%d%s:%d", first + 256, rest, o.port)
    end },
  { "host-nul", "with a zero octet in the host",
    function (o, h) return string.format("%s\0.invalid:%d", h, o.port) end },
})

family("http.connect.ipv6-", "http.connect.ipv6", "ipv6", {
  { "bare", "with an IPv6 address without brackets",
    function (o) return string.format("::1:%d", o.port) end },
  { "unclosed", "with a bracket that is not closed",
    function (o) return string.format("[::1:%d", o.port) end },
  { "unopened", "with a bracket that was not opened",
    function (o) return string.format("::1]:%d", o.port) end },
})
