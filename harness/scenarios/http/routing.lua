-- Host of forwarded requests, and who decides where they go: RFC 9112 section
-- 3.2, RFC 9110 section 7.2.

local function told(out)
  return out.status and "answered with " .. out.status or tostring(out.kind)
end

-- The target names one origin, Host something else.
local OTHERS = {
  { "another-origin", function (_, other) return other.authority end },
  { "another-port", function (w) return w.host .. ":" .. (w.port ~ 1) end },
  { "another-name", function () return "another.invalid" end },
  { "no-port", function (w) return w.host end },
  { "empty", function () return "" end },
}

for _, case in ipairs(OTHERS) do
  local name, host_of = table.unpack(case)
  scenario("http.host.route-" .. name) {
    title  = "the target says where a request goes, and Host is made of it: "
             .. name,
    checks = { "http.host.rewrite", "http.host.route-by-target" },
    needs  = { "http-forward", "ipv4" },
    run    = function (t)
      local w, other = t:witness {}, t:witness {}
      local out = t:outcome { origin = w, within = 3, send = http.request {
        to = w, path = "/" .. t:nonce(), host = host_of(w, other) } }
      t:check(other:contacts() == 0, "http.host.route-by-target",
              "the request went where Host said")
      local request = out.requests[1]
      if request then
        local hosts = request:values("host")
        t:check(#hosts == 1 and hosts[1] == w.authority, "http.host.rewrite",
                "Host at the origin is " .. t:show(table.concat(hosts, " and ")))
      end
    end,
  }
end

scenario "http.host.none-10" {
  title  = "HTTP/1.0 needs no Host, and what is forwarded in 1.1 gets one",
  checks = { "http.host.http10" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { version = "1.0", host = false,
                           breaks = "http.host.http10" }
    t:check(x.request.version == "1.0" or x.request:field("host"),
            "http.host.http10", "HTTP/1.1 without Host was forwarded")
  end,
}

-- Whether a request that has to get 400 did. In absolute-form Host decides
-- nothing, and many proxies do not look at it.
local function expect_400(t, id, is_absolute, wishes)
  local w, path = t:witness {}, "/" .. t:nonce()
  local out = t:outcome { origin = w, within = 3, send = http.request {
    to = w, target = is_absolute and w:url(path) or path,
    host = wishes.host, fields = wishes.fields and wishes.fields(w) } }
  local is_lenient = is_absolute and not wishes.is_strict
  if #out.requests > 0 then
    t:violation(id, "it was forwarded", { contested = is_lenient })
  elseif out.status then
    t:check(out.status == 400, id, told(out) .. ", not 400",
            { contested = is_lenient or out.status // 100 == 4 })
  end
end

for _, form in ipairs { "absolute", "origin" } do
  local is_absolute = form == "absolute"

  scenario("http.host.none-" .. form) {
    title    = "a request of HTTP/1.1 without Host gets 400, in " .. form .. "-form",
    checks   = { "http.host.missing" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      expect_400(t, "http.host.missing", is_absolute, { host = false })
    end,
  }

  for _, case in ipairs { { "equal", "" }, { "different", "x" } } do
    scenario("http.host.lines-" .. case[1] .. "-" .. form) {
      title    = "a request with two Host lines gets 400, in " .. form .. "-form",
      checks   = { "http.host.multiple" },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        expect_400(t, "http.host.multiple", is_absolute, {
          is_strict = true,
          fields = function (w)
            return { { "Host", w.authority }, { "Host", case[2] .. w.authority } }
          end })
      end,
    }
  end
end

local NO_HOSTS = {
  { "space", "a b" }, { "list", "a, b" }, { "path", "a/b" }, { "user", "u@a" },
  { "port", "a:x" }, { "bracket", "[::1" }, { "ports", "a:1:2" },
}

for _, case in ipairs(NO_HOSTS) do
  scenario("http.host.odd-" .. case[1]) {
    title    = "a Host that is none gets 400, in origin-form: " .. case[2],
    checks   = { "http.host.invalid" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      expect_400(t, "http.host.invalid", false, { host = case[2] })
    end,
  }
end

scenario "http.host.odd-absolute" {
  title    = "a Host that is none gets 400, in absolute-form",
  checks   = { "http.host.invalid" },
  needs    = { "http-forward" },
  negative = true,
  within   = 30,
  run      = function (t)
    local taken = {}
    for _, case in ipairs(NO_HOSTS) do
      local w = t:witness {}
      local out = t:outcome { origin = w, within = 2, send = http.request {
        to = w, path = "/" .. t:nonce(), host = case[2] } }
      if #out.requests > 0 then
        taken[#taken + 1] = t:show(case[2])
      end
    end
    t:check(#taken == 0, "http.host.invalid",
            "these were forwarded: " .. table.concat(taken, " "),
            { contested = true })
  end,
}

-- The same of other requests than a GET of HTTP/1.1 ----------------------------

local KINDS = {
  { "head", { method = "HEAD" } },
  { "post", { method = "POST", body = "hello" } },
  { "put", { method = "PUT", body = "hello", chunked = true } },
  { "delete", { method = "DELETE" } },
  { "options", { method = "OPTIONS" } },
  { "unknown", { method = "BREW" } },
  { "older", { version = "1.0" } },
  { "newer", { version = "1.2" } },
  { "second", { is_second = true } },
}

-- What has to get 400, and would not be forwarded in a plain GET either.
local BROKEN = {
  { "twice", "http.host.multiple", function (w)
      return { { "Host", w.authority }, { "Host", w.authority } }
    end },
  { "apart", "http.host.multiple", function (w)
      return { { "Host", w.authority }, { "X-A", "1" }, { "X-B", "2" },
               { "Host", "x" .. w.authority } }
    end },
  { "thrice", "http.host.multiple", function (w)
      return { { "Host", w.authority }, { "host", w.authority },
               { "HOST", w.authority } }
    end },
  { "space", "http.host.invalid", function () return { { "Host", "a b" } } end },
  { "list", "http.host.invalid", function () return { { "Host", "a, b" } } end },
  { "path", "http.host.invalid", function () return { { "Host", "a/b" } } end },
  { "user", "http.host.invalid", function () return { { "Host", "u@a" } } end },
  { "port", "http.host.invalid", function () return { { "Host", "a:x" } } end },
  { "missing", "http.host.missing", function () return {} end,
    newer = "http.version.minor" }, -- 1.2 is to be handled like 1.1
}

local function is_forwarded(t, kind, fields_of)
  local w = t:witness {}
  local client = kind.is_second and t:exchange {}.client or nil
  local fields = fields_of(w)
  local x = t:exchange { origin = w, reuse = client, method = kind.method,
    version = kind.version, body = kind.body, chunked = kind.chunked,
    host = false, fields = fields, within = 3 }
  return #x.requests > 0
end

for _, case in ipairs(KINDS) do
  local name, kind = table.unpack(case)
  for _, broken in ipairs(BROKEN) do
    local what, id, fields_of = table.unpack(broken)
    id = broken[name] or id
    if not (what == "missing" and kind.version == "1.0") then
      scenario("http.host." .. what .. "-of-" .. name) {
        title    = "a Host that is refused in a GET is refused here: " .. what
                   .. ", " .. name,
        checks   = { id },
        needs    = { "http-forward", "ipv4" },
        negative = true,
        within   = 15,
        run      = function (t)
          if is_forwarded(t, {}, fields_of) then
            t:skip("such a GET is forwarded, too")
          end
          t:check(not is_forwarded(t, kind, fields_of), id,
                  "it was forwarded, and a GET is not")
        end,
      }
    end
  end
end

for _, case in ipairs(KINDS) do
  local name, kind = table.unpack(case)
  scenario("http.host.route-of-" .. name) {
    title  = "the target says where it goes, and Host is made of it: " .. name,
    checks = { "http.host.rewrite", "http.host.route-by-target" },
    needs  = { "http-forward", "ipv4" },
    within = 15,
    run    = function (t)
      local other = t:witness {}
      local function ask(of, host)
        local w = t:witness {}
        local client = of.is_second and t:exchange {}.client or nil
        local x = t:exchange { origin = w, reuse = client, method = of.method,
          version = of.version, body = of.body, chunked = of.chunked,
          host = host(w), within = 3 }
        return x.request and table.concat(x.request:values("host"), " and "),
               w.authority
      end
      for _, host in ipairs {
        function () return other.authority end,
        function (w) return w.host end,
        function () return "another.invalid" end,
      } do
        local got, want = ask({}, host)
        if got == want then
          got, want = ask(kind, host)
          t:check(not got or got == want, "http.host.rewrite",
                  "Host at the origin is " .. tostring(got))
        end
      end
      t:check(other:contacts() == 0, "http.host.route-by-target",
              "the request went where Host said")
    end,
  }
end

-- Origins that only differ in their address, or in the end of their name ---------

scenario "http.persist.targets-of-one-port" {
  title  = "requests of one connection for two addresses with the same port",
  checks = { "http.persist.targets" },
  needs  = { "http-forward", "ipv4" },
  within = 15,
  run    = function (t)
    local id, first = "http.persist.targets", t:witness {}
    local second = t:origin { host = "127.0.0.3", port = first.port }
    if not second or first.host == second.host then
      t:skip("no second address has this port")
    end
    local x = t:exchange { origin = first, breaks = id }
    local path = "/" .. t:nonce()
    if not x:persists(0.05) or not x.client:send(http.request {
      to = second, path = path }) then
      t:skip("the connection ends behind the first request")
    end
    local up = second:accept(3)
    local request = up and up:request {}
    t:check(not first:request(0.1) or #first.requests == 1, id,
            "the first origin got the request for the second")
    if up then
      t:check(request and request.target == path, id,
              "the second origin got no request")
    end
  end,
}

scenario "http.persist.targets-of-one-name" {
  title  = "requests of one connection for two ports of one name",
  checks = { "http.persist.targets" },
  needs  = { "http-forward", "name" },
  within = 15,
  run    = function (t)
    local id, first, second = "http.persist.targets", t:witness {}, t:witness {}
    local x = t:exchange { origin = first, to = first.name, breaks = id }
    local y = t:exchange { origin = second, to = second.name, reuse = x.client }
    t:check(#first.requests == 1, id,
            "the first origin got the request for the second")
    t:check(not y.response or y.is_own or y.response.body == y.nonce, id,
            "the second request got another answer")
  end,
}

scenario "http.persist.targets-of-like-names" {
  title  = "requests of one connection for two names that begin alike",
  checks = { "http.persist.targets" },
  needs  = { "http-forward", "name", "network" },
  within = 15,
  run    = function (t)
    local id, first = "http.persist.targets", t:witness {}
    local second = t:witness {}
    local begin = "a-long-begin-" .. t:nonce(8):lower()
    local names = {}
    for i, w in ipairs { first, second } do
      names[i] = t:name { a = { w.host }, port = w.port, label = begin .. i }
    end
    local x = t:exchange { origin = first, to = names[1], breaks = id }
    local y = t:exchange { origin = second, to = names[2], reuse = x.client,
                           breaks = id }
    t:check(y.response.body == y.nonce and #first.requests == 1, id,
            "the first origin got " .. #first.requests .. " requests")
  end,
}
