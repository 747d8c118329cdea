-- SOCKS version 4, and 4A, which has the proxy look names up: as the two
-- memoranda have them. A request is VN CD DSTPORT DSTIP USERID 00, and in 4A
-- DSTIP is 0.0.0.x and a name and its own 00 follow.

local ref = require "lib.ref"
local match = require "lib.match"
local octets = require "lib.octets"
local message = require "lib.message"

local socks4 = {}

local MARKER = "\0\0\0\1" -- says that a name follows

local function is_octet(value)
  return value == nil or match.is(value)
         or (math.type(value) == "integer" and value >= 0 and value <= 255)
end

local function check_octets(fields, names)
  for _, name in ipairs(names) do
    if not is_octet(fields[name]) then
      return false, name .. " is no octet"
    end
  end
  return true
end

-- Four octets, from "192.0.2.1" or a list.
local function ip_of(addr)
  if type(addr) == "table" then
    return octets.of(addr)
  end
  return octets.ipv4(addr)
end

local request = {
  name = "socks4.request", phase = "reply4",
  fields = { to = true, command = true, user = true, version = true,
             addr = true, port = true, name = true, terminated = true },
}

function request.check(fields)
  local ok, why = check_octets(fields, { "command", "version" })
  if not ok then
    return ok, why
  elseif fields.addr and not ref.is(fields.addr) and not ip_of(fields.addr) then
    return false, "addr is no IPv4 address"
  elseif fields.terminated ~= nil and type(fields.terminated) ~= "boolean" then
    return false, "terminated is true or false"
  end
  return true
end

-- The address, and the name that 4A puts behind the user id or nil.
local function destination(fields, context)
  local to = ref.resolve(fields.to, context)
  local name = ref.resolve(fields.name, context)
  local addr = ref.resolve(fields.addr, context)
  if to and not name and not addr then
    if to.atyp == 4 then
      error("SOCKS4 has no IPv6 addresses", 0)
    elseif to.atyp == 3 then
      name = to.host
    else
      addr = to.host
    end
  end
  return addr and ip_of(addr) or (name and MARKER) or "\0\0\0\0", name
end

function request.encode(fields, context)
  local to = ref.resolve(fields.to, context)
  local port = ref.resolve(fields.port, context) or (to and to.port) or 0
  local user = ref.resolve(fields.user, context) or context.userid or ""
  local ip, name = destination(fields, context)
  local data = string.pack(">BBI2", fields.version or 4, fields.command or 1,
                           port)
               .. ip .. user .. "\0" .. (name and name .. "\0" or "")
  return fields.terminated == false and data:sub(1, -2) or data
end

function request.decode(data)
  if #data >= 1 and data:byte(1) ~= 4 then
    return "malformed", string.format("VN is %02X", data:byte(1))
  end
  local user_end = #data > 8 and data:find("\0", 9, true)
  if not user_end then
    return "need-more"
  end
  local got = { version = 4, command = data:byte(2),
                port = string.unpack(">I2", data, 3),
                addr = octets.ipv4_text(data:sub(5, 8)),
                user = data:sub(9, user_end - 1) }
  if not data:find("^\0\0\0[^\0]", 5) then
    return "done", user_end, got
  end
  local name_end = data:find("\0", user_end + 1, true)
  if not name_end then
    return "need-more"
  end
  got.name = data:sub(user_end + 1, name_end - 1)
  return "done", name_end, got
end

-- Where in an encoded request the part begins that 4A added, or nil.
function socks4.name_at(data)
  local user_end = data:find("^\0\0\0[^\0]", 5) and data:find("\0", 9, true)
  return user_end and user_end + 1
end

function request.show(fields)
  return "to " .. ref.describe(fields.to or fields.name
                               or type(fields.addr) == "string" and fields.addr
                               or "an address")
end

-- VN CD DSTPORT DSTIP.
local reply = {
  name = "socks4.reply",
  fields = { code = true, version = true, port = true, addr = true },
  check = function (fields)
    return check_octets(fields, { "code", "version" })
  end,
}

function reply.encode(fields, context)
  return string.pack(">BBI2", fields.version or 0, fields.code or 90,
                     ref.resolve(fields.port, context) or 0)
         .. ip_of(ref.resolve(fields.addr, context) or "0.0.0.0")
end

function reply.decode(data)
  if #data < 8 then
    return "need-more"
  end
  return "done", 8, { version = data:byte(1), code = data:byte(2),
                      port = string.unpack(">I2", data, 3),
                      addr = octets.ipv4_text(data:sub(5, 8)) }
end

function reply.compare(fields, got, context)
  return message.compare_fields({ "version", "code", "addr", "port" }, fields,
                                got, context)
end

function reply.show(fields)
  return "code " .. match.describe(fields.code or match.anything)
end

socks4.kinds = { request = request, reply = reply }
socks4.request = message.constructor(request)
socks4.reply = message.constructor(reply)

return socks4
