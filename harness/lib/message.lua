-- Messages as scenarios write them: plain data with a kind. A kind knows its
-- fields, how a message becomes octets, how octets become fields, and how a
-- wish is compared with what came.
--
--   kind.fields     the set of names that a scenario may give
--   kind.encode(fields, context)  -> octets
--   kind.decode(data)  -> status, used, fields: "done", or "need-more", or
--                         "malformed" and why
--   kind.compare(fields, got, context) -> true, or false and what differs
--   kind.show(fields) -> one line for people

local ref = require "lib.ref"
local match = require "lib.match"
local octets = require "lib.octets"

local message = {}

local Message = {}
Message.__index = Message

function message.is(value)
  return getmetatable(value) == Message
end

local function check_names(kind, fields, level)
  if type(fields) ~= "table" then
    error(kind.name .. " takes a table of named fields", level)
  end
  for name in pairs(fields) do
    if name ~= "malformed" and not kind.fields[name] then
      error(string.format("%s has no field '%s'", kind.name, tostring(name)),
            level)
    end
  end
end

-- The constructor that scenarios call.
function message.constructor(kind)
  return function (fields)
    fields = fields or {}
    check_names(kind, fields, 3)
    if kind.check then
      local ok, why = kind.check(fields)
      if not ok then
        error(kind.name .. ": " .. why, 2)
      end
    end
    return setmetatable({ kind = kind, fields = fields }, Message)
  end
end

-- Octets as they are; what C { } and O { } take beside messages.
local raw = { name = "bytes", fields = { data = true } }

function raw.encode(fields, context)
  return ref.resolve(fields.data, context)
end

function raw.show(fields)
  if ref.is(fields.data) then
    return ref.describe(fields.data)
  end
  return octets.show(fields.data)
end

function message.bytes(data)
  if type(data) == "table" and not ref.is(data) then
    for i, value in ipairs(data) do
      if math.type(value) ~= "integer" or value < 0 or value > 255 then
        error("bytes: octet " .. i .. " is not an integer from 0 to 255", 2)
      end
    end
    data = octets.of(data)
  elseif type(data) ~= "string" and not ref.is(data) then
    error("bytes takes a string or a list of octets", 2)
  end
  return setmetatable({ kind = raw, fields = { data = data } }, Message)
end

function message.is_raw(value)
  return value.kind == raw
end

-- A message, from a message, a string or a deferred string.
function message.from(value, level)
  if message.is(value) then
    return value
  end
  if type(value) == "string" or ref.is(value) then
    return message.bytes(value)
  end
  error("a message is due here, not " .. type(value), (level or 1) + 1)
end

function message.encode(m, context)
  return m.kind.encode(m.fields, context)
end

-- Compares the named fields that a wish gives, in the order of names.
function message.compare_fields(names, fields, got, context, show)
  for _, name in ipairs(names) do
    local want = ref.resolve(fields[name], context)
    if want ~= nil and not match.holds(want, got[name]) then
      return false, string.format("%s is %s, not %s", name,
                                  (show or tostring)(got[name]),
                                  match.describe(want, show))
    end
  end
  return true
end

function message.describe(m)
  if m.kind.show then
    return m.kind.name == "bytes" and m.kind.show(m.fields)
           or m.kind.name .. " " .. m.kind.show(m.fields)
  end
  return m.kind.name
end

-- A key that is the same for messages that encode alike, whatever the run.
local function key_of(value)
  if ref.is(value) then
    return ref.describe(value)
  end
  if type(value) ~= "table" then
    return string.format("%q", value)
  end
  if value.key then
    return value.key
  end
  local names = {}
  for name in pairs(value) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  local parts = {}
  for i, name in ipairs(names) do
    local item = value[name]
    if item == nil then
      item = value[tonumber(name)]
    end
    parts[i] = name .. "=" .. key_of(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function message.key(m)
  return m.kind.name .. key_of(m.fields)
end

return message
