-- Proxy authentication of requests that are forwarded: RFC 9110 section 11.7.

local METHODS = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW" }

local function status_of(x)
  return x.response and "answered with " .. x.response.status
         or "no answer came: " .. tostring(x.why or x.what)
end

for _, method in ipairs(METHODS) do
  scenario("auth.forward.without-" .. method:lower()) {
    title    = method .. " without credentials is not forwarded",
    checks   = { "auth.proxy.options-trace", "auth.proxy.demand",
                 "auth.proxy.challenge-field" },
    needs    = { "http-forward" },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local x = t:exchange { method = method, credentials = false,
                             body = (method == "POST" or method == "PUT")
                                    and "hello" or nil }
      if x.request then
        t:violation("auth.proxy.options-trace",
                    method .. " without credentials reached the origin")
        return
      end
      -- Who knows no such method need not ask, and a parser of known methods
      -- finds no request in it; an answer that was cut was one.
      local answer = x.response or x.partial
      local status = answer and answer.status
      t:check(status == 407 or status == 405 or status == 501
              or (status == 400 and method == "BREW"),
              "auth.proxy.demand", status_of(x) .. ", not 407",
              { absence = status == nil })
      t:check(not x.response or status ~= 407
              or x.response:field("proxy-authenticate"),
              "auth.proxy.challenge-field",
              "the 407 has no Proxy-Authenticate")
    end,
  }
end

for _, case in ipairs {
  { "wrong-password", function (u, p) return http.basic(u, "not-" .. p) end },
  { "wrong-user", function (u, p) return http.basic("not-" .. u, p) end },
  { "unreadable", function () return "Basic ?" end },
} do
  scenario("auth.forward." .. case[1]) {
    title    = "a GET with wrong credentials is not forwarded: "
               .. case[1]:gsub("-", " "),
    checks   = { "auth.proxy.options-trace", "auth.proxy.demand" },
    needs    = { "http-forward", "http-basic" },
    config   = "auth",
    negative = true,
    within   = 15,
    run      = function (t)
      local x = t:exchange { fields = {
        { "Proxy-Authorization", case[2](t.target.user, t.target.password) } } }
      t:check(not x.request, "auth.proxy.options-trace",
              "a GET with wrong credentials reached the origin")
      t:check(x.request or x.response
              and (x.response.status == 407 or case[1] == "unreadable"
                   and x.response.status == 400),
              "auth.proxy.demand", status_of(x) .. ", not 407",
              { absence = x.response == nil })
    end,
  }
end

scenario "auth.forward.right" {
  title  = "a GET with right credentials on a fresh connection is forwarded",
  checks = { "auth.proxy.stateless", "auth.proxy.consumed" },
  needs  = { "http-forward" },
  config = "auth",
  run    = function (t)
    local x = t:exchange { breaks = "auth.proxy.stateless" }
    t:check(not x.request:field("proxy-authorization"), "auth.proxy.consumed",
            "the credentials for the proxy were sent to the origin")
  end,
}

-- Digest ---------------------------------------------------------------------

-- An exchange with Digest credentials for this path, sent for another.
local function digest_exchange(t, hashed, sent, breaks)
  local w = t:witness {}
  local bare = t:exchange { origin = w, credentials = false }
  local challenge = bare.response and digest.find(bare.response)
  if not challenge then
    t:inconclusive("no Digest challenge came that can be answered")
  end
  local text = digest.text(digest.params(challenge, {
    user = t.target.user, password = t.target.password, method = "GET",
    uri = w:url(hashed) }))
  return t:exchange { origin = w, path = sent, breaks = breaks,
                      fields = { { "Proxy-Authorization", text } } }
end

scenario "auth.forward.digest" {
  title  = "a GET with right Digest credentials is forwarded",
  checks = { "auth.digest.verify", "auth.proxy.consumed" },
  needs  = { "http-forward", "http-digest" },
  config = "auth",
  within = 20,
  run    = function (t)
    local path = "/" .. t:nonce()
    local x = digest_exchange(t, path, path, "auth.digest.verify")
    t:check(not x.request:field("proxy-authorization"), "auth.proxy.consumed",
            "the credentials for the proxy were sent to the origin")
  end,
}

scenario "auth.forward.digest-other-uri" {
  title    = "Digest credentials for one resource do not open another",
  checks   = { "auth.digest.uri-match" },
  needs    = { "http-forward", "http-digest" },
  config   = "auth",
  negative = true,
  within   = 20,
  run      = function (t)
    local path = "/" .. t:nonce()
    local x = digest_exchange(t, path, path .. "/other")
    t:check(not x.request, "auth.digest.uri-match",
            "credentials for another path were accepted")
    local y = digest_exchange(t, path, path .. "?a=b")
    t:check(not y.request, "auth.digest.uri-match",
            "credentials for a path were accepted for a query of it")
  end,
}

-- One connection, several requests -------------------------------------------

scenario "auth.forward.each-request" {
  title    = "each request on a connection brings its own credentials",
  checks   = { "auth.proxy.each-request" },
  needs    = { "http-forward" },
  config   = "auth",
  negative = true,
  within   = 20,
  run      = function (t)
    local x = t:exchange {}
    if not x.request or not x.response or not x:persists() then
      return
    end
    local y = t:exchange { reuse = x.client, credentials = false }
    t:check(not y.request, "auth.proxy.each-request",
            "a request without credentials was forwarded behind one with them")
  end,
}

for _, case in ipairs { { "get", nil }, { "post", ("x"):rep(2000) } } do
  scenario("auth.forward.again-after-" .. case[1]) {
    title  = "after a 407 a connection takes the request again, or closes",
    checks = { "auth.proxy.407-framing" },
    needs  = { "http-forward" },
    config = "auth",
    within = 20,
    run    = function (t)
      local x = t:exchange { method = case[1]:upper(), body = case[2],
                             credentials = false }
      if x.request or not x.response or x.response.status ~= 407
        or x:says_close() or not x:persists() then
        return
      end
      t:exchange { reuse = x.client, method = case[1]:upper(), body = case[2],
                   breaks = "auth.proxy.407-framing" }
    end,
  }
end

-- What is between the client and the origin ----------------------------------

local CHALLENGES = { 'Newauth realm="apps", type=1, title="Log in to \\"a\\""',
                     'Basic realm="simple"' }

scenario "auth.forward.www-authenticate" {
  title  = "an origin's challenges come through as they are",
  checks = { "auth.proxy.www-untouched" },
  needs  = { "http-forward" },
  run    = function (t)
    for _, list in ipairs { CHALLENGES, { table.concat(CHALLENGES, ", ") } } do
      local fields = {}
      for i, value in ipairs(list) do
        fields[i] = { "WWW-Authenticate", value }
      end
      local x = t:exchange { breaks = "auth.proxy.www-untouched",
                             answer = { status = 401, fields = fields } }
      local got = x.response:field("www-authenticate") or "missing"
      t:check(got:gsub("%s*,%s*", ",")
              == table.concat(CHALLENGES, ","):gsub("%s*,%s*", ","),
              "auth.proxy.www-untouched", "the challenges arrive as " .. got)
    end
  end,
}

for _, case in ipairs {
  { "token68", "Negotiate " .. ("TlRMTVNTUAABAAAA"):rep(128) .. "==" },
  { "parameters", 'Digest username="a\\"b", realm="x, y", nc=01,uri="/"' },
  { "unknown", "X-Unheard.of a=1,b=\"2\"" },
} do
  scenario("auth.forward.authorization-" .. case[1]) {
    title  = "Authorization reaches the origin as it is: " .. case[1],
    checks = { "auth.proxy.authorization-untouched" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { fields = { { "Authorization", case[2] } },
                             breaks = "auth.proxy.authorization-untouched" }
      t:check(x.request:field("authorization") == case[2],
              "auth.proxy.authorization-untouched", "the origin got "
              .. tostring(x.request:field("authorization")))
    end,
  }
end

scenario "auth.forward.authentication-info" {
  title  = "Authentication-Info comes through as it is",
  checks = { "auth.proxy.info-untouched" },
  needs  = { "http-forward" },
  run    = function (t)
    local info = 'nextnonce="a, b", qop=auth, rspauth="0123", nc=00000001'
    local x = t:exchange { breaks = "auth.proxy.info-untouched", answer = {
      fields = { { "Authentication-Info", info } } } }
    t:check(x.response:field("authentication-info") == info,
            "auth.proxy.info-untouched", "it arrives as "
            .. tostring(x.response:field("authentication-info")))
  end,
}

-- What is hashed, and what is asked for: { name, uri, path, whether they match }.
-- A uri is a path, or "url:" and one.
local URIS = {
  { "path", "%s", "%s", true },
  { "path-with-query", "%s?a=b", "%s?a=b", true },
  { "url-with-query", "url:%s?a=b", "%s?a=b", true },
  { "longer", "%s/more", "%s", false },
  { "shorter", "%s", "%s/more", false },
  { "url-longer", "url:%s/more", "%s", false },
  { "url-shorter", "url:%s", "%s/more", false },
  { "root", "/", "%s", false },
  { "other-query", "%s?a=b", "%s?a=c", false },
  { "no-query", "%s", "%s?a=b", false },
  { "query-alone", "%s?a=b", "%s", false },
  { "case", "%s/a", "%s/A", false },
}

-- An exchange whose credentials are for this method and uri.
local function digest_of(t, method, hashed, sent, hashed_method)
  local w = t:witness {}
  local bare = t:exchange { origin = w, credentials = false }
  local challenge = bare.response and digest.find(bare.response)
  if not challenge then
    t:inconclusive("no Digest challenge came that can be answered")
  end
  local path = hashed:match("^url:(.*)$")
  local text = digest.text(digest.params(challenge, {
    user = t.target.user, password = t.target.password,
    method = hashed_method or method, uri = path and w:url(path) or hashed }))
  return t:exchange { origin = w, path = sent, method = method, within = 3,
                      body = method == "POST" and "hello" or nil,
                      fields = { { "Proxy-Authorization", text } } }
end

for _, case in ipairs(URIS) do
  local name, hashed, sent, is_right = table.unpack(case)
  scenario("auth.forward.uri-" .. name) {
    title    = "Digest credentials are for the resource that uri names: "
               .. name:gsub("-", " "),
    checks   = { is_right and "auth.digest.verify" or "auth.digest.uri-match" },
    needs    = { "http-forward", "http-digest" },
    config   = "auth",
    negative = not is_right,
    within   = 20,
    run      = function (t)
      local path = "/" .. t:nonce()
      local x = digest_of(t, "GET", (hashed:gsub("%%s", path)),
                          (sent:gsub("%%s", path)))
      if is_right then
        t:check(x.request or not x.response or x.response.status ~= 407,
                "auth.digest.verify", "right credentials were refused",
                { contested = hashed:find("^url") == nil })
      else
        t:check(not x.request, "auth.digest.uri-match",
                "credentials for another resource were accepted")
      end
    end,
  }
end

for _, case in ipairs { { "HEAD", "HEAD" }, { "POST", "POST" },
                        { "DELETE", "DELETE" }, { "HEAD", "GET" },
                        { "POST", "GET" }, { "GET", "POST" },
                        { "GET", "HEAD" }, { "GET", "CONNECT" },
                        { "GET", "get" } } do
  local method, hashed = table.unpack(case)
  local is_right = method == hashed
  scenario(string.format("auth.forward.method-%s-with-%s", method:lower(),
                         hashed == "get" and "small-get" or hashed:lower())) {
    title    = string.format("Digest credentials are for one method: those of "
                             .. "%s with %s", hashed, method),
    checks   = { "auth.digest.verify" },
    needs    = { "http-forward", "http-digest" },
    config   = "auth",
    negative = not is_right,
    within   = 20,
    run      = function (t)
      local path = "/" .. t:nonce()
      local x = digest_of(t, method, "url:" .. path, path, hashed)
      if is_right then
        t:check(x.request or not x.response or x.response.status ~= 407,
                "auth.digest.verify", "right credentials were refused")
      else
        t:check(not x.request, "auth.digest.verify",
                "credentials for another method were accepted")
      end
    end,
  }
end
