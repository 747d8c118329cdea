-- ATYP, address and port as RFC 1928 sections 4 to 7 write them, the same in
-- requests, replies and the header of datagrams.

local ref = require "lib.ref"
local octets = require "lib.octets"

local address = {}

-- An address as ATYP and octets: of an endpoint, or as the fields say.
local function parts(fields, context)
  local to = ref.resolve(fields.to, context)
  local atyp, addr = ref.resolve(fields.atyp, context),
                     ref.resolve(fields.addr, context)
  if to then
    atyp, addr = atyp or to.atyp, addr or to.host
  end
  if type(addr) == "table" then
    addr = octets.of(addr)
    return atyp or 1, atyp == 3 and string.char(#addr & 0xFF) .. addr or addr
  end
  addr = addr or "0.0.0.0"
  atyp = atyp or (octets.ipv4(addr) and 1) or (octets.ipv6(addr) and 4) or 3
  if atyp == 1 then
    return 1, octets.ipv4(addr) or addr
  elseif atyp == 4 then
    return 4, octets.ipv6(addr) or addr
  elseif atyp == 3 then
    return 3, string.char(#addr & 0xFF) .. addr
  end
  return atyp, octets.ipv4(addr) or addr
end

-- The fields to, atyp, addr and port as octets.
function address.encode(fields, context)
  local to = ref.resolve(fields.to, context)
  local atyp, addr = parts(fields, context)
  local port = ref.resolve(fields.port, context) or (to and to.port) or 0
  return string.char(atyp) .. addr .. string.pack(">I2", port)
end

-- Reads ATYP ADDR PORT that begin at this octet into got: "done" and how many
-- octets end there, "need-more", or "malformed" and why.
function address.decode(data, at, got)
  if #data < at then
    return "need-more"
  end
  got.atyp = data:byte(at)
  local from, len = at + 1, nil
  if got.atyp == 1 then
    len = 4
  elseif got.atyp == 4 then
    len = 16
  elseif got.atyp == 3 then
    if #data < at + 1 then
      return "need-more"
    end
    from, len = at + 2, data:byte(at + 1)
  else
    return "malformed", string.format("ATYP is %02X", got.atyp)
  end
  if #data < from + len + 1 then
    return "need-more"
  end
  local addr = data:sub(from, from + len - 1)
  got.addr = got.atyp == 1 and octets.ipv4_text(addr)
             or got.atyp == 4 and octets.ipv6_text(addr) or addr
  got.port = string.unpack(">I2", data, from + len)
  return "done", from + len + 1
end

return address
