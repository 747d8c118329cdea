-- The witnesses behind the proxy: listeners of ours that a request names, on
-- one port in both address families; a port that refuses; a name that does
-- not resolve.

local origins = {}

local Origin = {}
Origin.__index = Origin

-- How origins are reached; from --origin-bind, --origin-addr, --origin-name.
function origins.settings(options)
  return {
    bind = options.origin_bind or "127.0.0.1",
    host = options.origin_addr or options.origin_bind or "127.0.0.1",
    name = options.origin_name or "localhost",
    has_ipv6 = not options.origin_bind and not options.origin_addr,
    network = options.own_network, -- of runner.network, or nil and why not
    no_network = options.no_network or "no network of its own was made",
  }
end

-- Origins take one port after the other, below those that the kernel gives to
-- outgoing connections: a port that was let go is not used again soon, so a
-- proxy that is late to connect does not reach another scenario's origin.
local PORTS = { first = 10240, last = 32000 }
local TRIES = 300
local ports, next_port = PORTS, nil

-- The i-th of n parts of these ports, for processes that run side by side.
function origins.part(i, n)
  local size = (PORTS.last - PORTS.first + 1) // n
  return { first = PORTS.first + (i - 1) * size,
           last = PORTS.first + i * size - 1 }
end

-- Has origins take ports of this part only.
function origins.set_ports(part)
  ports, next_port = part, nil
end

local function take_port()
  next_port = next_port and next_port + 1
              or math.random(ports.first, ports.last)
  if next_port > ports.last then
    next_port = ports.first
  end
  return next_port
end

-- Opens the same port in both address families, or in the one that there is:
-- open(host, port) gives an object, or nil and why. port: this one or none.
function origins.open_both(settings, port, open)
  local why
  for _ = 1, port and 1 or TRIES do
    local four
    four, why = open(settings.bind, port or take_port())
    local six = four and settings.has_ipv6 and open("::1", four:port())
    if four and (six or not settings.has_ipv6 or not origins.ipv6_works()) then
      return four, six or nil
    elseif four then
      four:close() -- the port was taken in the other family
    end
  end
  return nil, why or "no port is free in both address families"
end

local ipv6

-- Whether this machine has an IPv6 loopback at all.
function origins.ipv6_works()
  if ipv6 == nil then
    local probe = native.listen { host = "::1", port = 0 }
    ipv6 = probe ~= nil
    if probe then
      probe:close()
    end
  end
  return ipv6
end

-- A fresh origin; nil and why when it cannot be had. options.host: at this
-- address alone.
function origins.new(settings, options)
  if options.host then
    settings = { bind = options.host, host = options.host,
                 name = options.host, has_ipv6 = false }
  end
  local four, six = origins.open_both(settings, options.port,
                                      function (host, port)
    return native.listen { host = host, port = port, backlog = options.backlog,
                           on_accept = options.on_accept }
  end)
  if not four then
    return nil, six
  end
  local port = four:port()
  local self = setmetatable({ four = four, six = six, queue = {} }, Origin)
  self.host, self.port, self.atyp = settings.host, port, 1
  self.ipv6 = { host = "::1", port = port, atyp = 4 }
  self.name = { host = settings.name, port = port, atyp = 3 }
  return self
end

-- A port of our own that refuses every connection.
function origins.closed(settings)
  local four, why = native.reserve { host = settings.bind }
  if not four then
    return nil, why
  end
  local port = four:port()
  if settings.has_ipv6 and origins.ipv6_works() then
    local six = native.reserve { host = "::1", port = port }
    return { host = settings.host, port = port, atyp = 1, held = { four, six } }
  end
  return { host = settings.host, port = port, atyp = 1, held = { four } }
end

-- RFC 6761 section 6.4: names under .invalid never resolve.
origins.nowhere = { host = "nohost.invalid", port = 80, atyp = 3 }

function Origin:contacts()
  return self.four:contacts() + (self.six and self.six:contacts() or 0)
end

function Origin:close()
  self.four:close()
  if self.six then
    self.six:close()
  end
end

return origins
