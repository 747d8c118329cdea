-- SOCKS version 5, RFC 1928, as scenarios write and read it.

local ref = require "lib.ref"
local match = require "lib.match"
local address = require "lib.address"
local octets = require "lib.octets"
local message = require "lib.message"

local socks5 = {}

local function set(names)
  local out = {}
  for _, name in ipairs(names) do
    out[name] = true
  end
  return out
end

local function hex(value)
  return type(value) == "number" and string.format("%02X", value)
         or tostring(value)
end

local function is_octet(value)
  return value == nil or ref.is(value) or match.is(value)
         or (math.type(value) == "integer" and value >= 0 and value <= 255)
end

local function check_octets(names)
  return function (fields)
    for _, name in ipairs(names) do
      if not is_octet(fields[name]) then
        return false, name .. " is no octet"
      end
    end
    return true
  end
end

-- Section 3: VER NMETHODS METHODS.
local greeting = {
  name = "socks5.greeting", phase = "selection",
  fields = set { "methods", "version", "count" },
  check = function (fields)
    if type(fields.methods) ~= "table" then
      return false, "methods is a list of octets"
    end
    return check_octets { "version", "count" } (fields)
  end,
}

function greeting.encode(fields)
  local list = octets.of(fields.methods)
  return string.char(fields.version or 5, fields.count or #list & 0xFF) .. list
end

function greeting.decode(data)
  if #data >= 1 and data:byte(1) ~= 5 then
    return "malformed", "VER is " .. hex(data:byte(1))
  end
  if #data < 2 or #data < 2 + data:byte(2) then
    return "need-more"
  end
  local count = data:byte(2)
  return "done", 2 + count, { methods = { data:byte(3, 2 + count) }, version = 5,
                              count = count }
end

function greeting.show(fields)
  return "methods " .. octets.hex(octets.of(fields.methods))
end

-- Section 3: VER METHOD.
local selection = {
  name = "socks5.method_selection", fields = set { "method", "version" },
  check = check_octets { "method", "version" },
}

function selection.encode(fields)
  return string.char(fields.version or 5, fields.method)
end

function selection.decode(data)
  if #data < 2 then
    return "need-more"
  end
  return "done", 2, { version = data:byte(1), method = data:byte(2) }
end

function selection.compare(fields, got, context)
  return message.compare_fields({ "version", "method" },
                                { version = fields.version or 5,
                                  method = fields.method },
                                got, context, hex)
end

function selection.show(fields)
  return "method " .. match.describe(fields.method or match.anything, hex)
end

local function encode_tail(fields, context)
  return string.char(fields.reserved or 0) .. address.encode(fields, context)
end

-- Reads RSV ATYP ADDR PORT that begin at octet 3.
local function decode_tail(data, got)
  if #data < 4 then
    return "need-more"
  end
  got.reserved = data:byte(3)
  local status, used = address.decode(data, 4, got)
  return status, used, got
end

-- Section 4: VER CMD RSV ATYP DST.ADDR DST.PORT.
local request = {
  name = "socks5.request", phase = "reply",
  fields = set { "to", "command", "version", "reserved", "atyp", "addr", "port" },
  check = check_octets { "command", "version", "reserved", "atyp" },
}

function request.encode(fields, context)
  return string.char(fields.version or 5, fields.command or 1)
         .. encode_tail(fields, context)
end

function request.decode(data)
  if #data >= 1 and data:byte(1) ~= 5 then
    return "malformed", "VER is " .. hex(data:byte(1))
  end
  if #data < 4 then
    return "need-more"
  end
  return decode_tail(data, { version = 5, command = data:byte(2) })
end

function request.show(fields)
  if fields.to then
    return "to " .. ref.describe(fields.to)
  end
  return "to " .. (type(fields.addr) == "string" and fields.addr
                   or "an address of ATYP " .. hex(fields.atyp or 1))
end

-- Section 6: VER REP RSV ATYP BND.ADDR BND.PORT.
local reply = {
  name = "socks5.reply",
  fields = set { "rep", "version", "reserved", "atyp", "addr", "port" },
  check = check_octets { "rep", "version", "reserved", "atyp" },
}

function reply.encode(fields, context)
  return string.char(fields.version or 5, fields.rep or 0)
         .. encode_tail(fields, context)
end

function reply.decode(data)
  if #data >= 1 and data:byte(1) ~= 5 then
    return "malformed", "VER is " .. hex(data:byte(1))
  end
  if #data < 4 then
    return "need-more"
  end
  return decode_tail(data, { version = data:byte(1), rep = data:byte(2) })
end

function reply.compare(fields, got, context)
  return message.compare_fields({ "version", "rep", "reserved", "atyp", "addr",
                                  "port" }, fields, got, context, hex)
end

function reply.show(fields)
  return "REP " .. match.describe(fields.rep or match.anything, hex)
end

socks5.kinds = { greeting = greeting, method_selection = selection,
                 request = request, reply = reply }
socks5.greeting = message.constructor(greeting)
socks5.method_selection = message.constructor(selection)
socks5.request = message.constructor(request)
socks5.reply = message.constructor(reply)

return socks5
