-- Where an address that a reply named can be reached. 0.0.0.0 and :: stand for
-- the address at which the client reached the proxy: SOCKS4 says so of BIND,
-- and clients take it so elsewhere.

local reach = {}

local UNSPECIFIED = { ["0.0.0.0"] = true, ["::"] = true }

-- The host, and the one that was told.
function reach.host(c, reply)
  if UNSPECIFIED[reply.addr] or reply.atyp == 3 then
    return c.peer_host, reply.addr
  end
  return reply.addr, reply.addr
end

return reach
