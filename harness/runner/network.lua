-- The network of a run's own: places that cannot be reached, each for a reason
-- of its own, and names that resolve as a scenario wishes. Both are witnesses:
-- they know who came.

local dns = require "lib.dns"
local octets = require "lib.octets"

local network = {}

local Network = {}
Network.__index = Network

local RESOLVER_PORT = 53

-- Last octet of an address, by what becomes of those who go there. Those that
-- are routed leave the machine, as far as the proxy can tell, and the answer
-- comes back in a packet; with those of the kernel the attempt fails at once.
local ROUTED = { ["refusing"] = 1, ["net-unreachable"] = 2,
                 ["host-unreachable"] = 3, ["prohibited"] = 4,
                 ["ttl-expired"] = 5, ["black-hole"] = 9 }
local KERNEL = { ["unreachable-route"] = 1, ["prohibited-route"] = 2,
                 ["no-route"] = 3 }

-- The resolver ---------------------------------------------------------------

local STATUS = { nxdomain = dns.NXDOMAIN, servfail = dns.SERVFAIL }

-- What the zone says to a query: a response code, addresses; nil: nothing.
local function look_up(self, query)
  local record = self.zone[query.name:lower()]
  if not record then
    return dns.NXDOMAIN, {}
  end
  record.lookups = record.lookups + 1
  if record.silent then
    return nil
  end
  return STATUS[record.status] or dns.OK, record.addresses, record.after
end

local function answer(self, data, host, port)
  local query, why, broken = dns.decode_query(data)
  if not query then
    if why ~= "header" then
      self.socket:send(dns.encode_answer(broken, dns.FORMERR, {}), host, port)
    end
    return
  end
  local rcode, addresses, after = look_up(self, query)
  if not rcode then
    return
  end
  local reply = dns.encode_answer(query, rcode, addresses)
  if not after then
    self.socket:send(reply, host, port)
    return
  end
  native.spawn(function ()
    native.sleep(after)
    self.socket:send(reply, host, port)
  end)
end

local function serve(self)
  native.spawn(function ()
    while true do
      local data, host, port = self.socket:receive()
      if data then
        answer(self, data, host, port)
      elseif host == "closed" then
        return
      end
    end
  end)
end

-- Entering -------------------------------------------------------------------

-- Moves this process into a network of its own; nil and one line when it may
-- not. Nothing may have been started before.
function network.enter()
  local self = setmetatable({ zone = {}, came = {} }, Network)
  local device, why = native.network(function (protocol, host, port)
    local key = protocol .. " " .. host .. " " .. port
    self.came[key] = (self.came[key] or 0) + 1
  end)
  if not device then
    return nil, why
  end
  self.device, self.parts = device, device:parts()
  self.socket, why = native.udp { host = self.parts.resolver,
                                  port = RESOLVER_PORT }
  if not self.socket then
    return nil, "no resolver: " .. why
  end
  self.zone["localhost"] = { addresses = { "127.0.0.1", "::1" }, lookups = 0 }
  serve(self)
  return self
end

-- The network that a run is to have: a network, or nil and why it has none.
-- wish is "auto", "own" or "host"; is_ours: the target is started by this run.
-- When an own network was insisted on, status says how the run has to end.
function network.choose(wish, is_ours)
  if wish == "host" then
    return nil, "--network host was given"
  elseif not is_ours then
    return nil, "the proxy runs already, outside of a network of ours",
           wish == "own" and "usage" or nil
  end
  local self, why = network.enter()
  return self, why, not self and wish == "own" and "refused" or nil
end

-- Places ---------------------------------------------------------------------

-- Ports that are used once, so that who came is known.
local PORTS = { first = 2000, last = 9999 }
local next_port = PORTS.first

local function take_port()
  next_port = next_port < PORTS.last and next_port + 1 or PORTS.first
  return next_port
end

local Place = {}
Place.__index = Place

-- How many packets came to open something there: SYNs and datagrams. Of a
-- place of the kernel's nothing is ever known.
function Place:contacts()
  local sum = 0
  for _, protocol in ipairs { "tcp", "udp" } do
    sum = sum + (self.network.came[protocol .. " " .. self.host .. " "
                                   .. self.port] or 0)
  end
  return sum
end

-- Whether an attempt came as far as it can: what is told of it can be judged.
function Place:is_reached()
  return self.is_kernels or self:contacts() > 0
end

-- A place of this kind; nil and why when there can be none here. family: 4, 6.
function Network:place(kind, family)
  local parts, last = self.parts, ROUTED[kind] or KERNEL[kind]
  if not last then
    error("there is no place '" .. tostring(kind) .. "'", 3)
  elseif ROUTED[kind] and not parts.device then
    return nil, "no network device can be had (/dev/net/tun)"
  elseif kind == "black-hole" and parts.patient then
    return nil, "the kernel tries for minutes, and cannot be told otherwise"
  elseif family == 6 and not parts.ipv6 then
    return nil, "no IPv6 in this network"
  end
  local prefix = (ROUTED[kind] and "routed" or "kernel")
                 .. (family == 6 and "_ipv6" or "_ipv4")
  return setmetatable({ host = parts[prefix] .. last, port = take_port(),
                        atyp = family == 6 and 4 or 1, network = self,
                        is_kernels = KERNEL[kind] ~= nil }, Place)
end

-- Names ----------------------------------------------------------------------

local Name = {}
Name.__index = Name

-- How often the resolver was asked for it, whatever the type.
function Name:lookups()
  return self.record.lookups
end

local DOMAIN = ".px.test"
local LABEL_MAX = 63

-- A name that nobody else has, of n octets.
local function long_name(nonce, n)
  local name = nonce:lower()
  while #name < n - #DOMAIN do
    local left = n - #DOMAIN - #name - 1
    -- No label may be empty: the last two share what is left.
    local len = math.min(left, LABEL_MAX)
    if left - len == 1 then
      len = len - 1
    end
    name = ("x"):rep(len) .. "." .. name
  end
  return name .. DOMAIN
end

local WISHES = { a = "table", aaaa = "table", status = "string",
                 after = "number", silent = "boolean", length = "number",
                 label = "string",
                 port = "number" }

local function check(wishes)
  for name, value in pairs(wishes) do
    if type(value) ~= WISHES[name] then
      error("a name has no '" .. tostring(name) .. "' like this", 4)
    end
  end
  if wishes.status and not STATUS[wishes.status] then
    error("status is \"nxdomain\" or \"servfail\"", 4)
  end
  for _, list in ipairs { wishes.a or {}, wishes.aaaa or {} } do
    for _, address in ipairs(list) do
      if not octets.ipv4(address) and not octets.ipv6(address) then
        error("'" .. tostring(address) .. "' is no address", 4)
      end
    end
  end
end

-- A fresh name; nil and why when names are not ours to give here.
function Network:name(nonce, wishes)
  check(wishes)
  if not self.parts.names then
    return nil, "/etc/resolv.conf cannot be covered"
  end
  local addresses = {}
  for _, list in ipairs { wishes.a or {}, wishes.aaaa or {} } do
    table.move(list, 1, #list, #addresses + 1, addresses)
  end
  local host = wishes.length and long_name(nonce, wishes.length)
               or nonce:lower() .. DOMAIN
  if wishes.label then
    host = wishes.label:lower() .. "." .. host
  end
  local record = { addresses = addresses, status = wishes.status,
                   after = wishes.after, silent = wishes.silent, lookups = 0 }
  self.zone[host] = record
  return setmetatable({ host = host, port = wishes.port or take_port(),
                        atyp = 3, record = record }, Name)
end

return network
