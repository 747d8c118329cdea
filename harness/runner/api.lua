-- `t`, what a scenario's run function is given: connections, origins, waits
-- with deadlines, and violations. docs/scenarios.md is its manual.

local http_message = require "lib.http_message"
local message = require "lib.message"
local octets = require "lib.octets"
local binding = require "runner.binding"
local datagrams = require "runner.datagrams"
local dialogue = require "runner.dialogue"
local endurance = require "runner.endurance"
local exchange = require "runner.exchange"
local messages = require "runner.messages"
local origins = require "runner.origins"
local places = require "runner.places"
local request = require "runner.request"
local talk = require "runner.talk"

local api = {}

local WAIT = 2

-- Connections ---------------------------------------------------------------

local Connection = {}

local function connection(d, conn, one)
  return setmetatable({ d = d, conn = conn, one = one }, Connection)
end

local getters = {}

function getters.received(self)
  return rawget(self, "octets_received") or 0
end

function getters.sent(self)
  return rawget(self, "octets_sent") or 0
end

local function address_getter(i)
  return function (self)
    return (select(i, self.conn:address()))
  end
end

getters.local_host, getters.local_port = address_getter(1), address_getter(2)
getters.peer_host, getters.peer_port = address_getter(3), address_getter(4)

local methods = {}

function Connection.__index(self, name)
  if methods[name] then
    return methods[name]
  end
  local getter = getters[name]
  if not getter then
    error("a connection has no '" .. tostring(name) .. "'", 2)
  end
  return getter(self)
end

local function count(self, data)
  self.octets_received = (rawget(self, "octets_received") or 0) + #data
  return data
end

-- What HTTP messages consumed by themselves.
function methods.took(self, data)
  count(self, data)
end

-- The methods of the requests that a client sent, whose responses are due.
local function note_asked(self, m, data)
  local method = m.kind.name == "http.request" and (m.fields.method or "GET")
                 or messages.method_of(data)
  if method then
    local asked = rawget(self, "asked") or {}
    asked[#asked + 1] = method
    rawset(self, "asked", asked)
  end
end

function methods.send(self, ...)
  local parts = {}
  for i = 1, select("#", ...) do
    local m = message.from((select(i, ...)), 2)
    parts[i] = message.encode(m, self.d.context)
    if rawget(self, "one") then
      self.d:note_sent(self.one, m)
      note_asked(self, m, parts[i])
    end
  end
  local data = octets.join(parts)
  local log = rawget(self, "log")
  if log then
    log[#log + 1] = data
  end
  self.octets_sent = (rawget(self, "octets_sent") or 0) + #data
  return self.conn:write(data)
end

function methods.read(self, n, within)
  local data, what = self.d:read(self.conn, n, within or WAIT)
  if not data then
    return nil, what
  end
  return count(self, data)
end

function methods.read_some(self, within)
  local conn = self.conn
  conn:wait(1, self.d:span(within or WAIT))
  if conn:buffered() > 0 then
    return count(self, conn:consume(conn:buffered()))
  end
  return nil, conn:ended() or "silence"
end

function methods.read_end(self, within)
  local conn, parts = self.conn, {}
  local deadline = native.now() + self.d:span(within or WAIT)
  while true do
    parts[#parts + 1] = count(self, conn:consume(conn:buffered()))
    if conn:ended() then
      return octets.join(parts), conn:ended()
    end
    local left = deadline - native.now()
    if left <= 0 then
      return nil, "silence"
    end
    conn:wait(1, left)
  end
end

function methods.receive(self, m, within)
  if not rawget(self, "one") then
    error("receive works on connections to the proxy", 2)
  end
  return self.d:receive(self.one, message.from(m, 2).kind, within or WAIT)
end

function methods.ended(self, within)
  return self.d:ended(self.conn, within or WAIT)
end

function methods.silent(self, within)
  local conn = self.conn
  conn:wait(conn:buffered() + 1, self.d:span(within or WAIT))
  return conn:buffered() == 0 and not conn:ended()
end

for _, name in ipairs { "shut", "close", "reset", "pause", "resume" } do
  methods[name] = function (self)
    self.conn[name](self.conn)
  end
end

messages.extend(methods)

-- Origins -------------------------------------------------------------------

local Origin = {}
Origin.__index = Origin

local function wrap_origin(d, origin)
  return setmetatable({
    d = d, origin = origin, host = origin.host, port = origin.port, atyp = 1,
    ipv6 = origin.ipv6, name = origin.name,
  }, Origin)
end

function Origin:accept(within)
  local conn = self.d:accept(self.origin, within or WAIT)
  if not conn then
    return nil, "silence"
  end
  return connection(self.d, conn)
end

function Origin:contacts()
  return self.origin:contacts()
end

-- From here on its port refuses.
function Origin:close()
  self.origin:close()
end

-- t -------------------------------------------------------------------------

local T = {}
T.__index = T

local function stop(self)
  self.d:stop("violation")
end

local function check_id(self, id, level)
  if not self.d.scenario.is_checked[id] then
    error(string.format("'%s' is not among the scenario's checks",
                        tostring(id)), level + 1)
  end
  return id
end

function T:connect(options)
  local one = self.d:connect(options and options.from)
  return connection(self.d, one.conn, one)
end

-- The opening that the target wants.
function T:open(c)
  local ok, why = talk.open(self.d, c.one)
  if not ok then
    self.d:inconclusive("the opening failed: " .. why)
  end
end

-- Connect, open, request, success: the client's and the origin's connection.
function T:tunnel(options)
  options = options or {}
  local origin = options.origin or options.to
  if getmetatable(origin) ~= Origin then
    origin = origin and origin.of or self:origin()
  end
  local c = self:connect(options)
  self:open(c)
  local m, kind = request.of(self.d, options.to or origin)
  c:send(m)
  local got, what, details = self.d:receive(c.one, kind, options.within or 5)
  if not got or not request.is_grant(kind, got) then
    self.d:inconclusive("no tunnel: " .. (got
      and "the proxy answered " .. request.describe(got)
      or dialogue.reason(what, details)))
  end
  local up = origin:accept(options.within or WAIT)
  if not up then
    self.d:inconclusive("no tunnel: success was told, no connection came")
  end
  return c, up
end

function T:origin(options)
  options = options or {}
  local raw = self.d:new_origin(options)
  if not raw then
    return nil
  end
  local origin = wrap_origin(self.d, raw)
  if options.family == 6 then
    origin.host, origin.atyp = origin.ipv6.host, 4
  end
  origin.ipv6 = { host = raw.ipv6.host, port = raw.port, atyp = 4, of = origin }
  origin.name = { host = raw.name.host, port = raw.port, atyp = 3, of = origin }
  return origin
end

-- A port that refuses, and a name that does not resolve.
function T:closed()
  return self.d.context.closed()
end

function T:nowhere()
  return origins.nowhere
end

function T:expect(c, m, id, within)
  check_id(self, id, 2)
  m = message.from(m, 2)
  local got, what, details = self.d:receive(c.one, m.kind, within or WAIT)
  if not got then
    self.d:violation(id, string.format("%s is due: %s", message.describe(m),
                                       dialogue.reason(what, details)),
                     { absence = what ~= "malformed" })
    stop(self)
  end
  local ok, why = m.kind.compare(m.fields, got, self.d.context)
  if not ok then
    local is_refusal = not request.is_grant(m.kind, got)
    self.d:violation(id, m.kind.name .. ": " .. why,
                     { absence = is_refusal, refusal = is_refusal })
    stop(self)
  end
  return got
end

function T:accepted(origin, id, within)
  check_id(self, id, 2)
  local up = origin:accept(within or WAIT)
  if not up then
    self.d:violation(id, "no connection reached the origin in time",
                     { absence = true })
    stop(self)
  end
  return up
end

function T:refused(c, id, within)
  check_id(self, id, 2)
  local ok, why, is_absence = talk.refused(self.d, c.one, within or WAIT)
  if not ok then
    self.d:violation(id, "a refusal is due: " .. why, { absence = is_absence })
    stop(self)
  end
end

function T:violation(id, text, options)
  check_id(self, id, 2)
  self.d:violation(id, text, options)
end

function T:check(ok, id, text, options)
  check_id(self, id, 2)
  if not ok then
    self.d:violation(id, text, options)
  end
  return ok
end

function T:note(text)
  self.d:note(text)
end

function T:skip(reason)
  self.d:stop("skip", reason)
end

function T:inconclusive(reason)
  self.d:inconclusive(reason)
end

-- The date this many seconds from now: RFC 9110 section 5.6.7.
function T:http_date(seconds)
  return http_message.date(native.epoch() + seconds)
end

function T:nonce(n)
  return dialogue.nonce(n or 16)
end

-- What octets look like in a finding.
function T:show(data)
  return octets.show(data)
end

-- A connection that some other part of t has made.
function T:wrap(conn)
  return connection(self.d, conn)
end

binding.extend(T)
datagrams.extend(T)
endurance.extend(T)
exchange.extend(T)
places.extend(T)

function api.new(d)
  local endpoint = d.endpoint
  return setmetatable({
    d = d,
    target = {
      protocol = endpoint.protocol, version = d.version,
      host = endpoint.host, port = endpoint.port,
      user = endpoint.user, password = endpoint.password,
      denied = endpoint.denied, denied_label = endpoint.denied_label,
      denied_path = endpoint.denied_path,
      has = function (_, feature)
        return endpoint.features[feature] == "present"
      end,
    },
  }, T)
end

return api
