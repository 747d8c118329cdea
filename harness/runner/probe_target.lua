-- Finds out what a target offers: a feature is present when it worked, absent
-- when the target declined it in so many words, else unknown.

local digest = require "lib.digest"
local http = require "lib.http"
local socks4 = require "lib.socks4"
local socks5 = require "lib.socks5"
local message = require "lib.message"
local api = require "runner.api"
local dialogue = require "runner.dialogue"
local endpoints = require "runner.endpoint"
local loader = require "runner.loader"
local origins = require "runner.origins"
local request = require "runner.request"
local talk = require "runner.talk"

local probe = {}

local SCENARIO = { id = "probe", checks = { "socks5.method.reply" },
                   is_checked = {}, protocol = "socks" }

-- Runs fn(dialogue) and throws away what was found; what fn returns, or nil.
local function try(endpoint, options, fn, version)
  local d = dialogue.new { scenario = SCENARIO, endpoint = endpoint,
                           version = version, settings = options.settings,
                           scale = options.scale, within = 6 }
  local ok, a, b, c = pcall(fn, d)
  d:finish()
  if ok then
    return a, b, c
  elseif type(a) == "table" then
    return nil, a.reason or (d.findings[1] and d.findings[1].message)
  end
  error(a, 0)
end

local function learn(endpoint, feature, presence, how)
  endpoint.features[feature], endpoint.how[feature] = presence, how
end

local function select_method(endpoint, options, method)
  return try(endpoint, options, function (d)
    local client = d:connect()
    client.conn:write(message.encode(socks5.greeting { methods = { method } },
                                     d.context))
    local got, what, details =
      d:receive(client, socks5.kinds.method_selection, 3)
    return got, not got and dialogue.reason(what, details) or nil
  end)
end

local function probe_method(endpoint, options, feature, method)
  local got, why = select_method(endpoint, options, method)
  if not got then
    learn(endpoint, feature, "unknown", why)
  elseif got.version ~= 5 then
    learn(endpoint, feature, "unknown", string.format(
      "VER of the method selection is %02X", got.version))
  elseif got.method == method then
    learn(endpoint, feature, "present", string.format(
      "method %02X was selected", method))
  elseif got.method == 0xFF then
    learn(endpoint, feature, "absent", string.format(
      "method %02X alone was answered with FF", method))
  else
    learn(endpoint, feature, "unknown", string.format(
      "method %02X was selected where %02X was offered", got.method, method))
  end
  return got
end

-- A tunnel to an origin of this kind; the answer's fields, or nil and why.
local function tunnel(endpoint, options, kind)
  return try(endpoint, options, function (d)
    local client = d:connect()
    local ok, why = talk.open(d, client)
    if not ok then
      return nil, why
    end
    local origin = d:origin()
    local m, answer = request.of(d, kind == "ipv4" and origin or origin[kind])
    client.conn:write(message.encode(m, d.context))
    local got, what, details = d:receive(client, answer, 4)
    return got, not got and dialogue.reason(what, details) or nil
  end)
end

-- Who serves some destinations and not others has rules, and says so.
local function is_denied(got)
  return got.rep == 2 or got.status == 403
end

local function probe_destination(endpoint, options, kind)
  if kind == "ipv6" and endpoint.version == 4 then
    learn(endpoint, kind, "absent", "SOCKS4 has no IPv6 addresses")
    return
  elseif kind == "ipv6" and not origins.ipv6_works() then
    learn(endpoint, kind, "unknown", "this machine has no IPv6")
    return
  end
  local got, why = tunnel(endpoint, options, kind)
  if not got then
    learn(endpoint, kind, "unknown", why)
  elseif got.rep == 0 or got.code == 90
    or got.status and got.status // 100 == 2 then
    learn(endpoint, kind, "present", "a tunnel was made")
  elseif got.rep == 8 then
    learn(endpoint, kind, "absent", "the request was answered with REP 08")
  elseif is_denied(got) and endpoint.features.ipv4 == "present" then
    learn(endpoint, kind, "absent", "a rule denies it: "
          .. request.describe(got))
  else
    learn(endpoint, kind, "unknown", request.describe(got))
  end
  return got
end

local function probe_destinations(endpoint, options)
  for _, kind in ipairs { "ipv4", "ipv6", "name" } do
    probe_destination(endpoint, options, kind)
  end
end

-- Extras: what a SOCKS URL does not promise. Each is tried in a dialogue of its
-- own, all at once, and none is waited for long.
local EXTRA_WITHIN = 1

-- What a probe asks, behind the opening; the answer's fields, whether our
-- origin was contacted, or nil and why.
local function ask(endpoint, options, version, message_of)
  return try(endpoint, options, function (d)
    local client = d:connect()
    local ok, why = talk.open(d, client)
    if not ok then
      return nil, why
    end
    local kind = version == 4 and socks4.kinds.reply or socks5.kinds.reply
    client.conn:write(message.encode(message_of(d), d.context))
    local got, what, details = d:receive(client, kind, EXTRA_WITHIN)
    if not got then
      return nil, dialogue.reason(what, details)
    end
    return got, nil, d:origin():contacts() > 0
  end, version)
end

local function is_granted(got)
  return got.rep == 0 or got.code == 90
end

-- Where passwords are asked for, a refusal is what is to be judged.
local function is_socks4(got, _, endpoint)
  return got.code == 90 or (endpoint.user ~= nil and got.code >= 91
                            and got.code <= 93)
end

-- A proxy that takes any command for CONNECT grants this one too.
local function is_resolved(got, is_contacted)
  return got.rep == 0 and got.atyp ~= 3 and not is_contacted
end

local EXTRAS = {
  { feature = "socks4", version = 4, works = is_socks4,
    message = function (d) return socks4.request { to = d:origin() } end },
  { feature = "socks4a", version = 4, works = is_socks4,
    message = function (d) return socks4.request { to = d:origin().name } end },
  { feature = "bind4", version = 4, works = is_granted,
    message = function (d)
      return socks4.request { to = d:origin(), command = 2 }
    end },
  { feature = "bind", version = 5, works = is_granted,
    message = function (d)
      return socks5.request { to = d:origin(), command = 2 }
    end },
  { feature = "udp", version = 5, works = is_granted,
    message = function () return socks5.request { command = 3 } end },
  { feature = "tor", version = 5, works = is_resolved,
    message = function (d)
      return socks5.request { to = d:origin().name, command = 0xF0 }
    end },
}

local function probe_extra(endpoint, options, extra)
  local got, why, is_contacted = ask(endpoint, options, extra.version,
                                     extra.message)
  if not got then
    learn(endpoint, extra.feature, "absent", why)
  elseif extra.works(got, is_contacted, endpoint) then
    learn(endpoint, extra.feature, "present",
          "the request was answered with " .. request.describe(got))
  else
    learn(endpoint, extra.feature, "absent",
          "the request was answered with " .. request.describe(got))
  end
  return got
end

-- What the port says to a client of HTTP, as it is; or nil and why.
local function hint(endpoint, options)
  return try(endpoint, options, function (d)
    local client = api.new(d):connect()
    client:send("GET / HTTP/1.0\r\n\r\n")
    return client:read_end(EXTRA_WITHIN)
  end)
end

-- Tor's own daemon by two signs: it resolves an address to itself, and what it
-- says to HTTP names it. Arti, of the same makers, says so too, and is another.
local function probe_tor_daemon(endpoint, options)
  local host, page
  local got, why, is_contacted = ask(endpoint, options, 5, function (d)
    host = d:origin().host
    return socks5.request { to = d:origin(), command = 0xF0 }
  end)
  if got and is_resolved(got, is_contacted) and got.addr == host then
    page, why = hint(endpoint, options)
  elseif got then
    why = "RESOLVE was answered with " .. request.describe(got)
  end
  if page and page:find("^HTTP/") and page:find("%f[%w]Tor%f[%W]")
    and page:find("SOCKS", 1, true) and not page:find("Arti", 1, true) then
    learn(endpoint, "tor-daemon", "present",
          "RESOLVE works, and a GET is answered with a page that names Tor")
  else
    learn(endpoint, "tor-daemon", "absent", page
          and "a GET is not answered with a page that names Tor" or why)
  end
end

-- Whether it is worth two more connections to ask for Tor: not where RESOLVE is
-- unknown, or other commands were left without an answer.
local function may_be_tor(answers)
  local resolve = answers.tor
  return answers.bind and answers.udp and not (resolve and resolve.rep == 7)
end

-- Runs the functions as tasks, and on when all have ended.
local function at_once(list)
  local left, main, failure = #list, coroutine.running(), nil
  for _, fn in ipairs(list) do
    native.spawn(function ()
      local ok, why = pcall(fn)
      failure = failure or not ok and why or nil
      left = left - 1
      native.wake(main)
    end)
  end
  while left > 0 do
    native.suspend(1)
  end
  if failure then
    error(failure, 0)
  end
end

local function probe_extras(endpoint, options)
  local list, answers = {}, {}
  for _, extra in ipairs(EXTRAS) do
    if extra.version <= endpoint.version
      and not endpoint.declared[extra.feature] then
      list[#list + 1] = function ()
        answers[extra.feature] = probe_extra(endpoint, options, extra)
      end
    end
  end
  at_once(list)
  if endpoint.version == 5 and not endpoint.declared["tor-daemon"] then
    if may_be_tor(answers) then
      probe_tor_daemon(endpoint, options)
    else
      learn(endpoint, "tor-daemon", "absent",
            "nothing that was tried speaks for it")
    end
  end
end

local function probe_socks5(endpoint, options)
  local none = probe_method(endpoint, options, "noauth", 0)
  local userpass = probe_method(endpoint, options, "userpass", 2)
  if none and none.version == 5 or userpass and userpass.version == 5 then
    learn(endpoint, "socks5", "present", "a greeting was answered")
    probe_destinations(endpoint, options)
  else
    learn(endpoint, "socks5", "unknown", endpoint.how.noauth)
  end
  probe_extras(endpoint, options)
end

local function probe_socks4(endpoint, options)
  probe_destinations(endpoint, options)
  probe_extras(endpoint, options)
end

local function connect_bare(endpoint, options)
  return try(endpoint, options, function (d)
    local client = d:connect()
    client.conn:write(message.encode(
      http.connect { to = d:origin(), credentials = false }, d.context))
    local got, what, details = d:receive(client, http.kinds.response, 4)
    return got, not got and dialogue.reason(what, details) or nil
  end)
end

-- Who knows no CONNECT says so, or takes it for a request that is none.
local DECLINED = { [405] = true, [501] = true }
local NOT_UNDERSTOOD = { [400] = true, [404] = true }

-- Which schemes a 407 offers; one that challenges in a way that cannot be read
-- declines none.
local function learn_schemes(endpoint, answer, how)
  local offered = {}
  for _, one in ipairs(answer.status == 407 and digest.challenges(answer)
                       or {}) do
    offered[one.scheme] = true
  end
  for scheme, feature in pairs { basic = "http-basic",
                                 digest = "http-digest" } do
    local name = scheme == "basic" and "Basic" or "Digest"
    if offered[scheme] then
      learn(endpoint, feature, "present", "407 with a " .. name .. " challenge")
    elseif next(offered) then
      learn(endpoint, feature, "absent",
            "407 without a " .. name .. " challenge")
    elseif answer.status // 100 == 2 then
      learn(endpoint, feature, "absent", "no credentials were asked for")
    else
      learn(endpoint, feature, "unknown", how)
    end
  end
end

-- What a proxy says that forwards no requests at all: 407 and its like speak of
-- this request, 502 and its like of the way to the origin.
local NOT_FORWARDED = { [400] = true, [403] = true, [404] = true, [405] = true,
                        [501] = true }

local function probe_forward(endpoint, options)
  local x, why = try(endpoint, options, function (d)
    return api.new(d):exchange { within = 4 }
  end)
  if not x then
    learn(endpoint, "http-forward", "unknown", why)
  elseif x.request then
    learn(endpoint, "http-forward", "present", "a GET reached the origin")
  elseif x.is_own and NOT_FORWARDED[x.response.status] then
    learn(endpoint, "http-forward", "absent",
          "a GET was answered with " .. x.response.status)
  else
    learn(endpoint, "http-forward", "unknown", x.why)
  end
end

local function probe_http(endpoint, options)
  local got, why = connect_bare(endpoint, options)
  if got then
    local how = "CONNECT was answered with " .. got.status
    learn(endpoint, "http-connect",
          DECLINED[got.status] and "absent" or "present", how)
    learn_schemes(endpoint, got, how)
  else
    learn(endpoint, "http-connect", "unknown", why)
  end
  if not endpoint.declared["http-forward"] then
    probe_forward(endpoint, options) -- with credentials of a scheme it takes
  end
  if got and NOT_UNDERSTOOD[got.status] and not endpoint.declared["http-connect"]
    and endpoint.features["http-forward"] == "present" then
    learn(endpoint, "http-connect", "absent", string.format(
      "CONNECT was answered with %d, and a GET reached the origin", got.status))
  end
  if endpoint.features["http-connect"] == "present" then
    probe_destinations(endpoint, options)
  end
end

local PROBES = { socks5 = probe_socks5, socks4 = probe_socks4,
                 http = probe_http }

-- Probes one endpoint; nil and why when it cannot even be connected to.
function probe.endpoint(endpoint, options)
  local conn, why = endpoints.connect(endpoint, 5 * options.scale)
  if not conn then
    return nil, string.format("%s port %d: %s", endpoint.host, endpoint.port,
                              why)
  end
  conn:close()
  for feature, how in pairs(endpoint.declared) do
    learn(endpoint, feature, "present", how)
  end
  if not endpoint.denied then
    learn(endpoint, "rule", "absent", "no address is known that a rule denies")
  end
  for _, what in ipairs { "name", "path" } do
    if not endpoint.declared["rule-" .. what] then
      learn(endpoint, "rule-" .. what, "absent",
            "no " .. what .. " is known that a rule denies")
    end
  end
  local settings = options.settings
  learn(endpoint, "network", settings.network and "present" or "absent",
        settings.network and "the proxy runs in a network of our own"
        or settings.no_network)
  PROBES[endpoint.protocol .. (endpoint.version or "")](endpoint, options)
  return true
end

local ORDER = { present = 1, absent = 2, unknown = 3 }

-- All features over all endpoints, for reports: the best word on each.
function probe.summary(endpoints)
  local out = {}
  for _, name in ipairs(loader.features) do
    local best
    for _, one in ipairs(endpoints) do
      local presence = one.features[name]
      if presence and (not best or ORDER[presence] < ORDER[best.presence]) then
        best = { name = name, presence = presence, how = one.how[name] }
      end
    end
    out[#out + 1] = best or { name = name, presence = "unknown",
                              how = "no URL speaks this protocol" }
  end
  return out
end

return probe
