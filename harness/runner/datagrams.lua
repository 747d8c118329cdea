-- What `t` knows of UDP: associations with the proxy's relay, sinks behind it,
-- and waits for what must or must not arrive.

local octets = require "lib.octets"
local message = require "lib.message"
local socks5 = require "lib.socks5"
local udp = require "lib.udp"
local dialogue = require "runner.dialogue"
local options = require "runner.options"
local origins = require "runner.origins"
local reach = require "runner.reach"
local request = require "runner.request"

local datagrams = {}

local WAIT = 2
local TRIES, TRY = 3, 0.7 -- of what UDP may lose, and seconds for each

-- Sockets -------------------------------------------------------------------

-- One or two sockets that are received from as one. seen: what
-- Dialogue:note_datagram() wants to know of them.
local function endpoint(d, seen)
  return { d = d, seen = seen, arrivals = {}, arrived = 0 }
end

-- Opens a socket of an endpoint; nil and why. arrivals lists the sockets that
-- hold a datagram, in the order in which they came.
local function open(self, host, port)
  local d, own, socket, why = self.d, { host = host }, nil, nil
  socket, why = native.udp { host = host, port = port,
    on_event = function (kind, data, now, peer_host, peer_port)
      local is_received = kind == "received"
      d:note_datagram(self.seen, is_received, data, now, own,
                      { host = peer_host, port = peer_port })
      if is_received then
        self.arrivals[#self.arrivals + 1] = socket
        self.arrived = self.arrived + 1
        if self.waiter then
          native.wake(self.waiter)
        end
      end
    end }
  if socket then
    own.port = socket:port()
    d:hold(socket)
  end
  return socket, why
end

-- Data, host and port of the sender; nil at the deadline.
local function receive(self, within)
  local deadline = native.now() + self.d:span(within or WAIT)
  while not self.arrivals[1] do
    local left = deadline - native.now()
    if left <= 0 then
      return nil, "silence"
    end
    self.waiter = coroutine.running()
    native.suspend(left)
    self.waiter = nil
  end
  return table.remove(self.arrivals, 1):receive(0)
end

-- The client's side ---------------------------------------------------------

local Socket = {}
Socket.__index = Socket

-- One datagram, from octets or a message.
function Socket:send(x)
  local data = message.encode(message.from(x, 2), self.at.d.context)
  return self.udp:send(data, self.relay.host, self.relay.port)
end

function Socket:receive(within)
  local data, host, port = receive(self.at, within)
  if not data then
    return nil, host
  end
  local status, why, got = udp.kinds.datagram.decode(data)
  if status == "malformed" then
    return nil, status, { why = why, raw = data, from_host = host,
                          from_port = port }
  end
  got.raw, got.from_host, got.from_port = data, host, port
  return got
end

-- A socket at this host; is_other: beside the client's own one. With a port, nil
-- when that one is taken.
local function client_socket(d, client, host, class, is_other, port)
  local at = endpoint(d, { witness = "client", number = client.number,
                           client = client, is_other = is_other })
  local socket, why = open(at, host, port or 0)
  if not socket and port then
    return nil
  elseif not socket then
    d:inconclusive(string.format("no UDP socket at %s: %s", host, why))
  end
  return setmetatable({ at = at, udp = socket, local_host = socket:host(),
                        local_port = socket:port() }, class)
end

local Relay = setmetatable({}, { __index = Socket })
Relay.__index = Relay

function Relay:socket(from, port)
  local at = self.at
  local other = client_socket(at.d, self.client, from or self.local_host,
                              Socket, true, port)
  if other then
    other.relay = self
  end
  return other
end

local function family(host)
  return octets.ipv6(host) and 6 or 4
end

-- A socket from which the relay at this host can be reached.
local function socket_towards(d, c, host)
  local own = c.local_host
  if family(own) ~= family(host) then
    own = family(host) == 6 and "::" or "0.0.0.0"
  end
  return client_socket(d, c.one, own, Relay)
end

-- The relay that a reply to UDP ASSOCIATE names.
local function relay_of(d, c, reply, socket)
  local host, told = reach.host(c, reply)
  if not socket or family(socket.local_host) ~= family(host) then
    socket = socket_towards(d, c, host)
  end
  if reply.port == 0 then
    -- What scenario socks5.udp.relay-address says of it is enough.
    d:stop("skip", "no relay: the reply names port 0")
  end
  socket.host, socket.port, socket.told_host = host, reply.port, told
  socket.reply, socket.client, socket.relay = reply, c.one, socket
  return socket
end

local ZERO = { zero = { host = "0.0.0.0", port = 0 },
               zero6 = { host = "::", port = 0 } }

local is_announce = { host = true, port = true }

local function announced(wish, socket)
  wish = wish or "zero"
  if wish == "own" then
    return { host = socket.local_host, port = socket.local_port }
  end
  if wish == "own-port" then
    local is_ipv6 = family(socket.local_host) == 6
    return { host = is_ipv6 and "::" or "0.0.0.0", port = socket.local_port }
  end
  local announce = ZERO[wish] or wish
  if type(announce) ~= "table" or not announce.host or not announce.port then
    error("announce is \"zero\", \"zero6\", \"own\", \"own-port\" or "
          .. "{ host =, port = }", 3)
  end
  options.check(announce, is_announce)
  return announce
end

-- The origin's side ---------------------------------------------------------

local Sink = {}
Sink.__index = Sink

function Sink:receive(within)
  return receive(self.at, within)
end

function Sink:send(data, host, port)
  local socket = family(host) == 6 and self.six or self.four
  if not socket then
    return nil, "no socket of that family"
  end
  return socket:send(data, host, port)
end

function Sink:count()
  return self.at.arrived
end

local function new_sink(d)
  local at = endpoint(d, { witness = "origin", number = d:next_sink() })
  local four, six = origins.open_both(d.settings, nil, function (host, port)
    return open(at, host, port)
  end)
  if not four then
    d:inconclusive("no sink could be set up: " .. tostring(six))
  end
  local self = setmetatable({ at = at, four = four, six = six,
                              host = d.settings.host, port = four:port(),
                              atyp = 1 }, Sink)
  self.ipv6 = { host = "::1", port = self.port, atyp = 4 }
  self.name = { host = d.settings.name, port = self.port, atyp = 3 }
  return self
end

-- Echo ----------------------------------------------------------------------

-- Sends until what came is what is wanted: what receive returned then; nil
-- and the last that came instead.
local function retried(send, next_arrival, is_wanted)
  local other
  for _ = 1, TRIES do
    local ok, why = send()
    if not ok then
      return nil, "it could not be sent: " .. why
    end
    local deadline = native.now() + TRY
    repeat
      local got = { next_arrival(math.max(0, deadline - native.now())) }
      if got[1] and is_wanted(got[1]) then
        return got
      end
      other = got[1] or other
    until not got[1]
  end
  return nil, other
end

local function there(relay, sink, nonce)
  local got, other = retried(
    function () return relay:send(udp.datagram { to = sink, data = nonce }) end,
    function (within) return sink:receive(within) end,
    function (data) return data == nonce end)
  if got then
    return got
  end
  return nil, other and "the sink received " .. octets.show(other)
              or "nothing reached the sink"
end

local function back(relay, sink, host, port, nonce)
  local got, other = retried(
    function () return sink:send(nonce, host, port) end,
    function (within) return relay:receive(within) end,
    function (fields) return fields.data == nonce end)
  if got then
    return true
  end
  return nil, other and "the client received "
              .. (other.raw and octets.show(other.raw) or tostring(other))
              or "nothing came back to the client"
end

-- t -------------------------------------------------------------------------

local T = {}

function T:relay(c, reply)
  return relay_of(self.d, c, reply)
end

function T:associate(wishes)
  wishes = options.check(wishes, { announce = true, from = true,
                                   within = true })
  local d = self.d
  local c = self:connect { from = wishes.from }
  local socket = client_socket(d, c.one, c.local_host, Relay)
  local announce = announced(wishes.announce, socket)
  self:open(c)
  c:send(socks5.request { command = 3, addr = announce.host,
                          port = announce.port })
  local got, what, details = d:receive(c.one, socks5.kinds.reply,
                                       wishes.within or 5)
  if not got or got.rep ~= 0 then
    d:inconclusive("no association: " .. (got and "the proxy answered "
      .. request.describe(got) or dialogue.reason(what, details)))
  end
  return c, relay_of(d, c, got, socket)
end

function T:sink(wishes)
  wishes = options.check(wishes, { family = true })
  local sink = new_sink(self.d)
  if wishes.family == 6 then
    sink.host, sink.atyp = sink.ipv6.host, 4
  end
  return sink
end

function T:expect_echo(relay, sink)
  sink = sink or self:sink()
  local got, why = there(relay, sink, self:nonce())
  if not got then
    return nil, why
  end
  return back(relay, sink, got[2], got[3], self:nonce())
end

local IDLE = 0.02 -- between two calls of what does not wait itself

function T:never(fn, seconds)
  local deadline = native.now() + self.d:span(seconds)
  repeat
    local begun = native.now()
    local got = fn()
    if got then
      return false, got
    end
    if native.now() - begun < IDLE then
      native.sleep(IDLE)
    end
  until native.now() >= deadline
  return true
end

-- Adds them to the methods of t.
function datagrams.extend(t)
  for name, method in pairs(T) do
    t[name] = method
  end
end

return datagrams
