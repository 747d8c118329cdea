-- The datagrams between a SOCKS5 client and its UDP relay, RFC 1928 section 7:
-- RSV RSV FRAG ATYP DST.ADDR DST.PORT DATA.

local ref = require "lib.ref"
local address = require "lib.address"
local message = require "lib.message"
local octets = require "lib.octets"

local udp = {}

local function is_below(value, limit)
  return value == nil or (math.type(value) == "integer" and value >= 0
                          and value < limit)
end

local datagram = {
  name = "udp.datagram",
  fields = { to = true, atyp = true, addr = true, port = true, frag = true,
             reserved = true, data = true },
}

function datagram.check(fields)
  if not is_below(fields.frag, 256) then
    return false, "frag is no octet"
  elseif not is_below(fields.atyp, 256) then
    return false, "atyp is no octet"
  elseif not is_below(fields.reserved, 65536) then
    return false, "reserved is no number of two octets"
  elseif fields.data == nil then
    return false, "data is missing"
  end
  return true
end

function datagram.encode(fields, context)
  local data = ref.resolve(fields.data, context)
  if type(data) == "table" then
    data = octets.of(data)
  end
  return string.pack(">I2B", fields.reserved or 0, fields.frag or 0)
         .. address.encode(fields, context) .. data
end

-- A datagram comes whole or not at all: what is short is malformed.
function datagram.decode(data)
  if #data < 4 then
    return "malformed", "the header is cut short"
  end
  local got = {}
  got.reserved, got.frag = string.unpack(">I2B", data)
  local status, used = address.decode(data, 4, got)
  if status == "need-more" then
    return "malformed", "the header is cut short"
  elseif status == "malformed" then
    return status, used
  end
  got.data = data:sub(used + 1)
  return "done", #data, got
end

function datagram.show(fields)
  return "to " .. (fields.to and ref.describe(fields.to)
                   or tostring(ref.describe(fields.addr or "0.0.0.0")))
end

udp.kinds = { datagram = datagram }
udp.datagram = message.constructor(datagram)

return udp
