-- Versions and request-lines of forwarded messages: RFC 9112 sections 2.3 and
-- 3, RFC 9110 sections 2.5 and 6.2.

-- A proxy that always speaks HTTP/1.0 copies nothing.
for _, case in ipairs { { "request", "http.version.own" },
                        { "response", "http.version.own" } } do
  local which, id = table.unpack(case)
  scenario("http.version.own-of-" .. which) {
    title  = "a forwarded " .. which .. " has the version of the proxy",
    checks = { id },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      local seen = {}
      for _, version in ipairs { "1.1", "1.0" } do
        local x = which == "request"
                  and t:exchange { version = version, breaks = id }
                  or t:exchange { breaks = id, answer = { version = version,
                                                          close = true } }
        seen[version] = x[which].version
      end
      t:check(seen["1.1"] ~= "1.1" or seen["1.0"] == "1.1", id, string.format(
        "HTTP/1.0 was passed on as HTTP/%s, and 1.1 as 1.1", seen["1.0"]))
    end,
  }
end

for _, version in ipairs { "1.2", "1.9" } do
  local minor = version:sub(3)

  scenario("http.version.request-1" .. minor) {
    title  = "a higher minor version is served, and not passed on: " .. version,
    checks = { "http.version.minor", "http.version.own" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { version = version, breaks = "http.version.minor" }
      t:check(x.request.version ~= version, "http.version.own",
              "the origin saw HTTP/" .. x.request.version)
    end,
  }

  scenario("http.version.response-1" .. minor) {
    title  = "an origin's higher minor version is taken, and not passed on: "
             .. version,
    checks = { "http.version.minor", "http.version.own" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.version.minor",
                             answer = { version = version } }
      t:check(x.response.version ~= version, "http.version.own",
              "the client saw HTTP/" .. x.response.version)
    end,
  }
end

-- A request-line as it is, with a Host and the credentials of the target.
local function try_line(t, line_of)
  local w, path = t:witness {}, "/" .. t:nonce()
  local lines = { line_of(w:url(path)), "Host: " .. w.authority }
  if t.target.user then
    lines[3] = "Proxy-Authorization: "
               .. http.basic(t.target.user, t.target.password)
  end
  return t:outcome { origin = w, within = 3,
                     send = table.concat(lines, "\r\n") .. "\r\n\r\n" }
end

for _, case in ipairs { { "37", "3.7" }, { "20", "2.0" }, { "00", "0.0" } } do
  scenario("http.version.major-" .. case[1]) {
    title    = "another major version is not passed on: " .. case[2],
    checks   = { "http.version.own" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try_line(t, function (url)
        return "GET " .. url .. " HTTP/" .. case[2]
      end)
      local request = out.requests[1]
      t:check(not request or request.version ~= case[2], "http.version.own",
              "the origin saw HTTP/" .. case[2])
    end,
  }
end

local VERSIONS = {
  { "lower-case", "http/1.1" }, { "mixed-case", "Http/1.1" },
  { "two-digits", "HTTP/1.10" }, { "leading-zero", "HTTP/01.1" },
  { "no-minor", "HTTP/1" }, { "no-digits", "HTTP/x.y" },
  { "three-parts", "HTTP/1.1.1" }, { "other-name", "HTTPS/1.1" },
  { "sign", "HTTP/+1.1" }, { "no-slash", "HTTP1.1" }, { "behind", "HTTP/1.1x" },
}

for _, case in ipairs(VERSIONS) do
  local name, text = table.unpack(case)
  scenario("http.version.odd-" .. name) {
    title    = "what is no version is not passed on: " .. text,
    checks   = { "http.version.syntax" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try_line(t, function (url)
        return "GET " .. url .. " " .. text
      end)
      local request = out.requests[1]
      local got = request and request.line:match("(%S*)%s*$")
      t:check(got ~= text, "http.version.syntax", "the origin saw " .. text)
    end,
  }
end

for _, case in ipairs { { "line", "\r\n" }, { "line-and-blank", "\r\n\r\n" } } do
  scenario("http.line.version-missing-" .. case[1]) {
    title    = "HTTP/0.9 is not served: " .. case[1],
    checks   = { "http.line.http09" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w, c = t:witness {}, t:connect()
      c:send("GET " .. w:url("/" .. t:nonce()) .. case[2])
      local got = c:read_some(2)
      t:check(not got or got:find("^HTTP/"), "http.line.http09",
              "content without a head came: " .. t:show(got or ""))
    end,
  }
end

-- Octets that no request-line may have; where a URI alone has none of them,
-- passing them on is common.
local ODD = {
  { "control", "/a\1b" }, { "delete", "/a\127b" }, { "escape", "/a\27b" },
  { "nul", "/a\0b" }, { "tab", "/a\tb" }, { "cr", "/a\rb" },
}
local NOT_ENCODED = { "/a\xC3\xA9b", '/a"b', "/a<b>", "/a\\b", "/{a}", "/a|b",
                      "/a^b", "/a%b", "/%zz" }

-- The request-line at the origin, if it has this path.
local function line_with(t, rest)
  local out = try_line(t, function (url)
    return "GET " .. url .. rest .. " HTTP/1.1"
  end)
  local request = out.requests[1]
  return request and request.line:find(rest, 1, true) and request.line
end

for _, case in ipairs(ODD) do
  local name, rest = table.unpack(case)
  scenario("http.line.target-with-" .. name) {
    title    = "an octet that no target has is not passed on: " .. name,
    checks   = { "http.line.invalid" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local line = line_with(t, rest)
      t:check(not line, "http.line.invalid",
              "the origin saw " .. t:show(line or ""))
    end,
  }
end

scenario "http.line.target-not-encoded" {
  title    = "what a URI has to encode is not passed on as it is",
  checks   = { "http.line.invalid" },
  needs    = { "http-forward" },
  negative = true,
  within   = 40,
  run      = function (t)
    local taken = {}
    for _, rest in ipairs(NOT_ENCODED) do
      if line_with(t, rest) then
        taken[#taken + 1] = t:show(rest)
      end
    end
    t:check(#taken == 0, "http.line.invalid",
            "these were forwarded: " .. table.concat(taken, " "),
            { contested = true })
  end,
}

for _, case in ipairs {
  { "two-spaces-first", "GET  %s HTTP/1.1" },
  { "two-spaces-last", "GET %s  HTTP/1.1" },
  { "tab-first", "GET\t%s HTTP/1.1" }, { "tab-last", "GET %s\tHTTP/1.1" },
  { "space-behind", "GET %s HTTP/1.1 " }, { "form-feed", "GET\f%s HTTP/1.1" },
} do
  scenario("http.line.spaced-" .. case[1]) {
    title    = "where loose spacing is taken, single spaces go on: " .. case[1],
    checks   = { "http.parse.sender-grammar" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local out = try_line(t, function (url) return case[2]:format(url) end)
      local request = out.requests[1]
      t:check(not request or request.line:find("^%S+ %S+ HTTP/1%.%d$"),
              "http.parse.sender-grammar",
              "the origin saw " .. t:show(request and request.line or ""))
    end,
  }
end
