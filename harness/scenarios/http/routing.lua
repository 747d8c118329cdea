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
