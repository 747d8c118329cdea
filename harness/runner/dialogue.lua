-- One run of one scenario: its connections to the proxy and its origins, the
-- transcript of what they saw, and the findings. Every connection to the proxy
-- is watched by the judge.

local credentials = require "runner.credentials"
local endpoints = require "runner.endpoint"
local origins = require "runner.origins"
local octets = require "lib.octets"

local dialogue = {}

local Dialogue = {}
Dialogue.__index = Dialogue

local KEEP = 512          -- octets of one event that a transcript keeps
local EVENTS_MAX = 400    -- events that it keeps

-- options: scenario, endpoint, settings (of origins), scale, within, version
-- (of SOCKS, where the scenario names none); target, and crowd (nil: many), of
-- endurance scenarios; transcript: false, when nobody will read it
function dialogue.new(options)
  local now = native.now()
  local self = setmetatable({
    scenario = options.scenario, endpoint = options.endpoint,
    target = options.target, crowd = options.crowd,
    is_traced = options.transcript ~= false,
    version = options.version or options.scenario.version
              or options.endpoint.version,
    settings = options.settings, scale = options.scale,
    started = now, deadline = now + options.within * options.scale,
    findings = {}, transcript = {}, clients = {}, witnesses = {}, held = {},
    nevers = {},
  }, Dialogue)
  self.context = self:make_context()
  return self
end

-- What deferred values of messages are resolved in.
function Dialogue:make_context()
  local context = { user = self.endpoint.user,
                    password = self.endpoint.password,
                    userid = self.endpoint.userid }
  local nonce = dialogue.nonce(16)
  context.nonce = function ()
    return nonce
  end
  context.credentials = function (method, target)
    return credentials.value(self.endpoint, method, target, self.scale)
  end
  context.origin = function ()
    return self:origin()
  end
  context.closed = function ()
    if not self.closed_port then
      local port, why = origins.closed(self.settings)
      if not port then
        self:inconclusive("no port to refuse with: " .. why)
      end
      self.closed_port = port
      for _, held in ipairs(port.held) do
        self:hold(held)
      end
    end
    return self.closed_port
  end
  return context
end

-- Digits and letters of either case, for four bits each.
local LETTERS = {}
for i, letter in utf8.codes("aKd3QzT8mXbR5vGw") do
  LETTERS[string.format("%x", i - 1)] = utf8.char(letter)
end

-- Unique printable text of n octets. It begins with a digit: no method of HTTP
-- does, and who looks for one in a tunnel is to find none by chance.
function dialogue.nonce(n)
  local out = {}
  for i = 1, (n + 15) // 16 do
    out[i] = string.format("%016x", math.random(0))
  end
  local text = table.concat(out):gsub("%x", LETTERS)
  return (string.format("%d", math.random(0, 9)) .. text:sub(2)):sub(1, n)
end

-- Waits that a scenario may begin after its deadline, to wrap up.
local LATE_WAITS = 200

-- Seconds that a wait may take: as wished, but never past the total deadline.
function Dialogue:span(wished)
  if native.now() > self.deadline then
    self.late_waits = (self.late_waits or 0) + 1
    if self.late_waits > LATE_WAITS then
      self:stop("error", "it goes on for ever: its total deadline has passed")
    end
  end
  return math.max(0, math.min(wished * self.scale,
                              self.deadline - native.now()))
end

-- Ends the run; what the scheduler does with it depends on the kind.
function Dialogue:stop(kind, reason)
  error({ stop = kind, reason = reason }, 0)
end

function Dialogue:inconclusive(reason)
  self:stop("inconclusive", reason)
end

local function trace(self, event, now)
  if self.is_traced and #self.transcript < EVENTS_MAX then
    event.time_us = math.floor((now - self.started) * 1e6)
    self.transcript[#self.transcript + 1] = event
  end
  return event
end

function Dialogue:note(text, kind)
  trace(self, { kind = kind or "note", witness = "client", connection = 1,
                from_proxy = false, text = text }, native.now())
end

-- Records a violation. options: contested, absence, variant, side.
function Dialogue:violation(id, text, options)
  options = options or {}
  self:note(id .. ": " .. text, "finding")
  self.findings[#self.findings + 1] = {
    requirement = id, side = options.side or "server", message = text,
    contested = options.contested or false, absence = options.absence or false,
    refusal = options.refusal or false,
    source_of = options.source_of or "scenario",
  }
end

-- The judge -----------------------------------------------------------------

local function take_judgement(self, client)
  for _, m in ipairs(self.is_traced and client.judge:messages() or {}) do
    local event = client.last_event[m.side == "server"]
    if event then
      event.text = event.text and event.text .. "; " .. m.text or m.text
    end
  end
  for _, f in ipairs(client.judge:findings()) do
    if f.side == "server" then
      self:violation(f.requirement, f.message,
                     { contested = f.contested, source_of = "oracle" })
    end
  end
end

local function feed_judge(self, client, kind, data, now)
  local judge = client.judge
  if not judge then
    return -- the run is over
  end
  if kind == "sent" or kind == "received" then
    judge:bytes(kind == "sent" and "client" or "server", data, now)
  elseif kind == "fin" or kind == "rst" then
    judge:ended("server", kind, now)
  elseif not client.has_ended then
    client.has_ended = true
    judge:ended("client", kind == "reset" and "rst" or "fin", now)
  end
  take_judgement(self, client)
end

-- What a connection's events are in the transcript.
local KINDS = { sent = "data", received = "data", fin = "fin", rst = "rst",
                shut = "fin", closed = "fin", reset = "rst" }
local FROM_PEER = { received = true, fin = true, rst = true }

-- Has the judge look at a datagram of a client; what it calls it, or nil.
local function judge_datagram(self, client, from_proxy, data, now, own, peer)
  local from, to = own, peer
  if from_proxy then
    from, to = peer, own
  end
  local events, named = client.last_event, {}
  client.last_event = { [true] = named, [false] = named }
  client.judge:datagram(from_proxy and "server" or "client", data, from.host,
                        from.port, to.host, to.port, now)
  take_judgement(self, client)
  client.last_event = events
  return named.text
end

local function place_text(place)
  return string.format(place.host:find(":", 1, true) and "[%s]:%d" or "%s:%d",
                       place.host, place.port)
end

-- A datagram between own and peer, each { host, port }, as a witness saw it.
-- seen: witness, number and, on the client's side, client.
function Dialogue:note_datagram(seen, from_proxy, data, now, own, peer)
  local event = trace(self, {
    kind = "data", witness = seen.witness, connection = seen.number,
    from_proxy = from_proxy, len = #data, data = data:sub(1, KEEP),
  }, now)
  local named = seen.client and judge_datagram(self, seen.client, from_proxy,
                                               data, now, own, peer)
  event.text = named and named .. "; via " .. place_text(peer)
               or (from_proxy and "datagram from " or "datagram to ")
                  .. place_text(peer)
  if seen.is_other then
    event.text = event.text .. (from_proxy and ", to " or ", from ")
                 .. place_text(own)
  end
end

local function watch(self, conn, witness, number, client)
  local seen = {}
  conn:on_event(function (kind, data, now)
    local is_from_proxy = FROM_PEER[kind] or false
    local name = KINDS[kind]
    if name == "data" and self.is_traced then
      local event = trace(self, {
        kind = "data", witness = witness, connection = number,
        from_proxy = is_from_proxy, len = #data, data = data:sub(1, KEEP),
      }, now)
      if client then
        client.last_event[is_from_proxy] = event
      end
    elseif name ~= "data" and not seen[name .. tostring(is_from_proxy)] then
      seen[name .. tostring(is_from_proxy)] = true
      trace(self, { kind = name, witness = witness, connection = number,
                    from_proxy = is_from_proxy }, now)
    end
    if client then
      feed_judge(self, client, kind, data, now)
    end
  end)
end

-- Connections ---------------------------------------------------------------

-- What a fresh connection waits for.
local FIRST_PHASES = { socks5 = "selection", socks4 = "reply4",
                       http = "response" }

-- A new connection to the proxy. Without one, nothing can be concluded.
function Dialogue:connect(from)
  local endpoint = self.endpoint
  local conn, why = endpoints.connect(endpoint, self:span(5), from)
  if not conn then
    self:inconclusive(string.format("cannot connect to %s port %d: %s",
                                    endpoint.host, endpoint.port, why))
  end
  local client = {
    conn = conn, last_event = {},
    phase = FIRST_PHASES[endpoint.protocol .. (self.version or "")],
    judge = native.oracle { protocol = endpoint.protocol,
                            messages = self.is_traced,
                            is_auth_required = endpoint.user ~= nil,
                            is_socks4_served =
                              endpoint.features.socks4 == "present" },
  }
  self.clients[#self.clients + 1] = client
  client.number = #self.clients
  local host, port = conn:address()
  trace(self, { kind = "open", witness = "client", connection = client.number,
                from_proxy = false,
                text = string.format("%s:%d to the proxy", host, port) },
        native.now())
  watch(self, conn, "client", client.number, client)
  return client
end

-- A connection on the origin's side, made by the proxy or to it.
function Dialogue:add_witness(conn, is_from_proxy, text)
  local number = #self.witnesses + 1
  self.witnesses[number] = conn
  trace(self, { kind = "open", witness = "origin", connection = number,
                from_proxy = is_from_proxy, text = text }, native.now())
  watch(self, conn, "origin", number)
end

-- What has a close() and is closed with the dialogue.
function Dialogue:hold(object)
  self.held[#self.held + 1] = object
end

-- Closes what is held so far.
function Dialogue:let_go()
  for _, held in ipairs(self.held) do
    held:close()
  end
  self.held = {}
end

function Dialogue:next_sink()
  self.sinks = (self.sinks or 0) + 1
  return self.sinks
end

-- A fresh origin; the first one is what tables call `origin`. options: backlog,
-- port (nil when that one cannot be had), on_connection(conn), which takes each
-- connection instead of accept().
function Dialogue:new_origin(options)
  local self_ = self
  local queue = {}
  options = options or {}
  local origin, why = origins.new(self.settings, {
    backlog = options.backlog, port = options.port, host = options.host,
    on_accept = function (conn)
      local _, _, host, port = conn:address()
      self_:add_witness(conn, true, string.format("from %s:%d", host, port))
      if options.on_connection then
        options.on_connection(conn)
        return
      end
      queue[#queue + 1] = conn
      local waiter = queue.waiter
      if waiter then
        queue.waiter = nil
        native.wake(waiter)
      end
    end,
  })
  if not origin and options.port then
    return nil
  elseif not origin then
    self:inconclusive("no origin could be set up: " .. why)
  end
  origin.queue = queue
  self:hold(origin)
  return origin
end

function Dialogue:origin()
  if not self.first_origin then
    self.first_origin = self:new_origin()
  end
  return self.first_origin
end

-- The oldest connection that waits at an origin, or nil at the deadline.
function Dialogue:accept(origin, within)
  local queue = origin.queue
  local deadline = native.now() + self:span(within)
  while not queue[1] do
    local left = deadline - native.now()
    if left <= 0 then
      return nil
    end
    queue.waiter = coroutine.running()
    native.suspend(left)
    queue.waiter = nil
  end
  return table.remove(queue, 1)
end

-- Reading -------------------------------------------------------------------

-- Where the handshake stands, by what the client has read. BIND has two
-- replies: the first one is not the last word.
local function next_phase(client, kind, got)
  local name = kind.name
  if client.is_binding and (got.rep == 0 or got.code == 90) then
    client.is_binding = false
    return
  end
  if name == "socks5.method_selection" then
    client.phase = got.method == 0 and "reply" or "status"
  elseif name == "userpass.status" then
    client.phase = got.status == 0 and "reply" or client.phase
  elseif name == "socks5.reply" then
    client.phase = got.rep == 0 and "relay" or client.phase
  elseif name == "socks4.reply" then
    client.phase = got.code == 90 and "relay" or client.phase
  elseif name == "http.response" then
    local is_tunnel = got.status // 100 == 2 and not client.asked
    client.phase = is_tunnel and "relay" or client.phase
  end
end

-- To be told of what a client sends: what answers are due depends on it.
function Dialogue:note_sent(client, m)
  if m.kind.name == "socks5.request" or m.kind.name == "socks4.request" then
    client.is_binding = m.fields.command == 2
  elseif m.kind.name == "http.request" then
    client.asked = m.fields.to and (m.fields.method or "GET")
  elseif m.kind.name == "http.connect" then
    client.asked = nil
  end
end

-- One message of this kind: its fields, or nil, what happened and details:
-- "fin", "rst", "silence" or "malformed".
function Dialogue:receive(client, kind, within)
  local conn = client.conn
  local deadline = native.now() + self:span(within)
  while true do
    local data = conn:peek()
    local status, used, got = "need-more", nil, nil
    if #data > 0 then
      status, used, got = kind.decode(data, client, conn:ended() == "fin")
    end
    if status == "done" then
      conn:consume(used)
      next_phase(client, kind, got)
      return got
    elseif status == "malformed" then
      return nil, "malformed", used .. ": " .. octets.show(data)
    elseif conn:ended() and #data > 0 then
      return nil, "malformed", "cut short: " .. octets.show(data)
    elseif conn:ended() then
      return nil, conn:ended()
    elseif native.now() >= deadline then
      return nil, "silence", #data > 0 and "after " .. octets.show(data) or nil
    end
    conn:wait(#data + 1, deadline - native.now())
  end
end

-- Exactly n octets, or nil and what happened.
function Dialogue:read(conn, n, within)
  if conn:wait(n, self:span(within)) and conn:buffered() >= n then
    return conn:consume(n)
  end
  return nil, conn:ended() or "silence"
end

-- "fin" or "rst", whatever octets come before it, or nil at the deadline.
function Dialogue:ended(conn, within)
  local deadline = native.now() + self:span(within)
  while not conn:ended() do
    conn:consume(conn:buffered())
    local left = deadline - native.now()
    if left <= 0 or not conn:wait(1, left) then
      return conn:ended()
    end
  end
  return conn:ended()
end

local WORDS = {
  fin = "the connection was closed", rst = "the connection was reset",
  silence = "nothing came in time", malformed = "it cannot be read",
}

-- What happened instead of a message, in words.
function dialogue.reason(what, details)
  local text = WORDS[what] or tostring(what)
  return details and text .. " (" .. details .. ")" or text
end

-- The end -------------------------------------------------------------------

-- Judges what may never have happened, closes everything.
function Dialogue:finish()
  local now = native.now()
  self.is_over = true
  for _, client in ipairs(self.clients) do
    client.judge:tick(now)
    take_judgement(self, client)
    client.conn:close()
    client.judge:finish(now)
    take_judgement(self, client)
    client.judge:release()
    client.judge = nil
  end
  for _, conn in ipairs(self.witnesses) do
    conn:close()
  end
  self:let_go()
end

return dialogue
