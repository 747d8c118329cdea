-- Plain values as octets, for another process of the same program: booleans,
-- numbers, strings, and tables of them without cycles.

local parcel = {}

local SCALARS = { integer = "j", float = "n", string = "s4" }

local pack

local function pack_table(value, out)
  out[#out + 1] = "{"
  for key, item in pairs(value) do
    pack(key, out)
    pack(item, out)
  end
  out[#out + 1] = "}"
end

function pack(value, out)
  local kind = math.type(value) or type(value)
  if kind == "table" then
    pack_table(value, out)
  elseif kind == "boolean" then
    out[#out + 1] = value and "+" or "-"
  elseif SCALARS[kind] then
    out[#out + 1] = SCALARS[kind]:sub(1, 1)
    out[#out + 1] = string.pack("<" .. SCALARS[kind], value)
  else
    error("a " .. kind .. " fits in no parcel", 0)
  end
end

function parcel.pack(value)
  local out = {}
  pack(value, out)
  return table.concat(out)
end

local READ = { ["+"] = true, ["-"] = false }
local FORMATS = { j = "<j", n = "<n", s = "<s4" }

local unpack

local function unpack_table(data, at)
  local out = {}
  while data:sub(at, at) ~= "}" do
    local key, item
    key, at = unpack(data, at)
    item, at = unpack(data, at)
    out[key] = item
  end
  return out, at + 1
end

function unpack(data, at)
  local mark = data:sub(at, at)
  if mark == "{" then
    return unpack_table(data, at + 1)
  elseif READ[mark] ~= nil then
    return READ[mark], at + 1
  elseif FORMATS[mark] then
    return string.unpack(FORMATS[mark], data, at + 1)
  end
  error("no parcel", 0)
end

-- The value; nil when the octets are no whole parcel.
function parcel.unpack(data)
  local ok, value, at = pcall(unpack, data, 1)
  if ok and at == #data + 1 then
    return value
  end
  return nil
end

return parcel
