#!/bin/sh
# What a process of ours tells another comes out as it went in, or not at all.
set -u
cd "$(dirname "$0")/../.." || exit 1

lua5.4 - <<'LUA'
package.path = "harness/?.lua"
local parcel = require "runner.parcel"
local number = 0

local function result(ok, name)
  number = number + 1
  print((ok and "ok " or "not ok ") .. number .. " - " .. name)
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return math.type(a) == math.type(b) and a == b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

local octets = {}
for i = 0, 255 do
  octets[i + 1] = string.char(i)
end
local whole = { 1, 2.5, -7, true, false, "", table.concat(octets), {},
                math.mininteger, math.maxinteger, 0.1, math.huge,
                { a = { b = { "c" } }, [2.5] = "key", [true] = 1 } }
local data = parcel.pack(whole)
result(same(parcel.unpack(data), whole), "every kind of value comes back")
result(same(parcel.unpack(parcel.pack("text")), "text"), "one that is no table")

local is_refused = true
for n = 0, #data - 1 do
  is_refused = is_refused and parcel.unpack(data:sub(1, n)) == nil
end
result(is_refused, "no part of a parcel is one")
result(parcel.unpack(data .. "+") == nil, "nor one with something behind it")
result(parcel.unpack("?") == nil, "nor what is none")

local ok, why = pcall(parcel.pack, { print })
result(not ok and why == "a function fits in no parcel",
       "what cannot be told is refused: " .. tostring(why))
print("1.." .. number)
LUA
