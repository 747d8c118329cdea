-- What `t` knows of BIND: the proxy listens for one connection from outside.

local dialogue = require "runner.dialogue"
local options = require "runner.options"
local reach = require "runner.reach"
local request = require "runner.request"

local binding = {}

local T = {}

-- Who will come: an address with a port that is held until it is used.
function T:peer(wishes)
  local settings = self.d.settings
  local wish = options.check(wishes, { host = true }).host
  local host = wish or settings.bind
  local held, why = native.reserve { host = host }
  if not held then
    self.d:inconclusive(string.format("no port at %s: %s", host, why))
  end
  self.d:hold(held)
  return { host = wish or settings.host, port = held:port(), held = held,
           from = host, atyp = host:find(":", 1, true) and 4 or 1 }
end

function T:bound(c, reply)
  local host, told = reach.host(c, reply)
  return { host = host, port = reply.port, told_host = told }
end

function T:bind(wishes)
  wishes = options.check(wishes, { to = true, from = true, within = true })
  local d, peer = self.d, wishes.to or self:peer()
  local c = self:connect { from = wishes.from }
  self:open(c)
  local m, kind = request.of(d, peer, 2)
  c:send(m)
  local got, what, details = d:receive(c.one, kind, wishes.within or 5)
  if not got or not request.is_grant(kind, got) then
    d:inconclusive("nothing was bound: " .. (got and "the proxy answered "
      .. request.describe(got) or dialogue.reason(what, details)))
  end
  c.peer, c.reply, c.bound = peer, got, self:bound(c, got)
  return c
end

-- A connection from outside to what the proxy has bound; nil and why.
function T:visit(host, port, wishes)
  wishes = options.check(wishes, { from = true, within = true })
  local from = wishes.from or self.d.settings.bind
  local peer = type(from) == "table" and from or { from = from }
  if peer.held then
    peer.held:close()
  end
  local conn, why = native.connect {
    host = host, port = port, from = peer.from, from_port = peer.port,
    within = self.d:span(wishes.within or 2),
  }
  if not conn then
    return nil, why
  end
  local own_host, own_port = conn:address()
  if own_port == port and own_host == host then
    conn:close() -- nobody listens there: TCP has let it connect to itself
    return nil, "refused"
  end
  self.d:add_witness(conn, false, string.format("%s:%d to what was bound",
                                                own_host, own_port))
  return self:wrap(conn)
end

-- Adds them to the methods of t.
function binding.extend(t)
  for name, method in pairs(T) do
    t[name] = method
  end
end

return binding
