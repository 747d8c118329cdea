-- Octets and addresses as text, written apart from reference/wire.

local octets = {}

function octets.of(list)
  local out = {}
  for i, value in ipairs(list) do
    out[i] = string.char(value)
  end
  return table.concat(out)
end

-- Pieces as one; a single one is not copied.
function octets.join(pieces)
  return #pieces == 1 and pieces[1] or table.concat(pieces)
end

function octets.hex(data)
  return (data:gsub(".", function (c)
    return string.format("%02x ", c:byte())
  end):gsub(" $", ""))
end

-- A short printable form for findings: text in quotes, anything else in hex.
function octets.show(data, limit)
  limit = limit or 24
  local cut = #data > limit
  local head = data:sub(1, limit)
  local text
  if head:find("^[\x20-\x7e]*$") then
    text = '"' .. head .. '"'
  else
    text = octets.hex(head)
  end
  return cut and text .. " …" or text
end

-- The four octets of "192.0.2.1", or nil.
function octets.ipv4(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if not a then
    return nil
  end
  local list = { tonumber(a), tonumber(b), tonumber(c), tonumber(d) }
  for _, value in ipairs(list) do
    if value > 255 then
      return nil
    end
  end
  return octets.of(list)
end

local function groups_of(text, list)
  if text == "" then
    return true
  end
  for group in (text .. ":"):gmatch("([^:]*):") do
    if not group:find("^%x%x?%x?%x?$") then
      return false
    end
    list[#list + 1] = tonumber(group, 16)
  end
  return true
end

-- The sixteen octets of an IPv6 literal without brackets, or nil.
function octets.ipv6(text)
  local left, right = text, nil
  local at = text:find("::", 1, true)
  if at then
    left, right = text:sub(1, at - 1), text:sub(at + 2)
  end
  local head, tail = {}, {}
  if not groups_of(left, head) or (right and not groups_of(right, tail)) then
    return nil
  end
  local missing = 8 - #head - #tail
  if missing < 0 or (not right and missing ~= 0) then
    return nil
  end
  for _ = 1, missing do
    head[#head + 1] = 0
  end
  for _, group in ipairs(tail) do
    head[#head + 1] = group
  end
  local out = {}
  for i, group in ipairs(head) do
    out[i] = string.pack(">I2", group)
  end
  return table.concat(out)
end

function octets.ipv4_text(data)
  return string.format("%d.%d.%d.%d", data:byte(1, 4))
end

-- Plain groups; zeros are shortened only where all of a run is zero.
function octets.ipv6_text(data)
  local groups = {}
  for i = 1, 15, 2 do
    groups[#groups + 1] = string.format("%x", string.unpack(">I2", data, i))
  end
  local text = ":" .. table.concat(groups, ":") .. ":"
  local best
  for run in text:gmatch("%f[^:]0:[0:]*") do
    if not best or #run > #best then
      best = run
    end
  end
  if best and #best > 2 then
    local at = text:find(":" .. best, 1, true)
    text = text:sub(1, at) .. ":" .. text:sub(at + 1 + #best)
  end
  text = text:gsub("^:(.)", function (c)
    return c == ":" and "::" or c
  end)
  return (text:gsub("(.):$", function (c)
    return c == ":" and "::" or c
  end))
end

return octets
