-- Rules of an HTTP proxy that deny an address, a name or a path: however a
-- client writes it down, nobody gets there, and the answer is 403 (RFC 9110
-- section 15.5.4). What is denied is ours, so that whoever gets there shows.

-- Sends a request on a connection of its own; the final response or nil.
local function ask(t, octets, method)
  local c = t:connect()
  c:send(octets)
  return c:response { method = method, within = 3 }
end

local function get(t, url, host)
  return ask(t, http.request { to = { host = "origin.invalid", port = 80 },
                               target = url, host = host }, "GET")
end

local function connect(t, host, port)
  return ask(t, http.connect { to = { host = host, port = port } }, "CONNECT")
end

local function told(response)
  return response and tostring(response.status) or "nothing"
end

-- Whoever is refused is told so. Other codes than 403 are a matter of taste.
local function is_told(t, response, what)
  local status = response and response.status
  if status then
    t:check(status >= 300, "http.rule.forbidden",
            what .. " is answered with " .. told(response))
    t:check(status == 403, "http.rule.forbidden",
            what .. " is refused with " .. told(response), { contested = true })
  end
end

-- As getaddrinfo() reads them: the same address in other ways.
local function texts(address)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  local number = ((a << 8 | b) << 8 | c) << 8 | d
  return { string.format("0x%08x", number), tostring(number),
           string.format("%d.%d", a, number & 0xFFFFFF),
           string.format("[::ffff:%s]", address),
           string.format("[::ffff:%x:%x]", number >> 16, number & 0xFFFF) }
end

local WAYS = {
  forward = { "http-forward", function (t, host, port)
    return get(t, string.format("http://%s:%d/", host, port))
  end },
  connect = { "http-connect", function (t, host, port)
    return connect(t, host, port)
  end },
}

for way, parts in pairs(WAYS) do
  local feature, reach = table.unpack(parts)

  scenario("http.rule.address-" .. way) {
    title    = "what a rule denies is refused with 403: " .. way,
    checks   = { "http.rule.address", "http.rule.forbidden" },
    needs    = { feature, "rule" },
    negative = true,
    run      = function (t)
      local o = t:origin { host = t.target.denied }
      local response = reach(t, t.target.denied, o.port)
      t:check(o:contacts() == 0, "http.rule.address", "it is connected to")
      is_told(t, response, "a denied address")
    end,
  }

  scenario("http.rule.address-written-" .. way) {
    title    = "a denied address is denied in other forms as well: " .. way,
    checks   = { "http.rule.address" },
    needs    = { feature, "rule" },
    negative = true,
    within   = 30,
    run      = function (t)
      local o = t:origin { host = t.target.denied }
      for _, text in ipairs(texts(t.target.denied)) do
        reach(t, text, o.port)
        t:check(o:contacts() == 0, "http.rule.address",
                "it is connected to as " .. text)
      end
    end,
  }

  scenario("http.rule.address-resolved-" .. way) {
    title    = "a rule holds for what a name resolves to: " .. way,
    checks   = { "http.rule.address" },
    needs    = { feature, "rule", "network", "name" },
    negative = true,
    run      = function (t)
      local o = t:origin { host = t.target.denied }
      local name = t:name { a = { t.target.denied }, port = o.port }
      reach(t, name.host, o.port)
      t:check(o:contacts() == 0, "http.rule.address",
              "it is connected to by a name that resolves to it")
    end,
  }

  scenario("http.rule.name-" .. way) {
    title    = "a denied name is denied in any case, with a dot or without: " .. way,
    checks   = { "http.rule.name", "http.rule.forbidden" },
    needs    = { feature, "rule-name", "network", "name" },
    negative = true,
    within   = 30,
    run      = function (t)
      local o = t:origin {}
      local name = t:name { label = t.target.denied_label, a = { o.host },
                            port = o.port }
      local host = name.host
      local mixed = host:sub(1, 1):upper() .. host:sub(2)
      for _, text in ipairs { host, mixed, host:upper(), host .. "." } do
        local response = reach(t, text, o.port)
        t:check(o:contacts() == 0, "http.rule.name", "it is connected to as "
                .. text)
        is_told(t, response, text)
      end
    end,
  }
end

scenario "http.rule.name-host-field" {
  title    = "what Host says is no way around a rule about a name",
  checks   = { "http.rule.name" },
  needs    = { "http-forward", "rule-name", "network", "name" },
  negative = true,
  run      = function (t)
    local o = t:origin {}
    local name = t:name { label = t.target.denied_label, a = { o.host },
                          port = o.port }
    get(t, string.format("http://%s:%d/", name.host, o.port), "other.invalid")
    t:check(o:contacts() == 0, "http.rule.name",
            "it is connected to when Host names another")
  end,
}

-- What origins may take for the path; %s is its first letter, then the rest.
local PATHS = {
  { "plain", "/%s%s" }, { "query", "/%s%s?a=b" }, { "below", "/%s%s/x" },
  { "slash", "/%s%s/" }, { "letter", "/%%%02X%s", true },
  { "letter-lower", "/%%%02x%s", true }, { "dot", "/./%s%s" },
  { "dots", "/x/../%s%s" }, { "dots-first", "/../%s%s" },
  { "dots-encoded", "/x/%%2e%%2E/%s%s" }, { "dot-encoded", "/%%2e/%s%s" },
  { "two-slashes", "//%s%s" }, { "slash-encoded", "/%%2F%s%s" },
  { "parameter", "/%s%s;a=b" }, { "parameter-first", "/;a/%s%s" },
}

for _, case in ipairs(PATHS) do
  local name, form, is_coded = table.unpack(case)
  scenario("http.rule.path-" .. name) {
    title    = "a denied path is denied in every form: " .. name,
    checks   = { "http.rule.path", "http.rule.forbidden" },
    needs    = { "http-forward", "rule-path", "ipv4" },
    negative = true,
    run      = function (t)
      local w = t:witness {}
      local first, rest = t.target.denied_path:match("^/(.)(.*)$")
      local path = form:format(is_coded and first:byte() or first, rest)
      local response = get(t, w:url(path), w.authority)
      t:check(#w.requests == 0, "http.rule.path", path .. " is forwarded")
      is_told(t, response, path)
    end,
  }
end
