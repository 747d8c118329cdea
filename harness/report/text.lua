-- Text for people: what a peer sent never reaches a terminal or a report as
-- anything but printable characters, and lines are broken at words.

local text = {}

-- Controls of ISO 6429, line and paragraph separators, direction overrides:
-- each could rewrite what was printed before or hide what follows.
local function is_harmless(code)
  return code >= 0x20 and not (code >= 0x7F and code <= 0x9F)
    and not (code >= 0x200B and code <= 0x200F)
    and not (code >= 0x2028 and code <= 0x202E)
    and not (code >= 0x2060 and code <= 0x206F)
    and code ~= 0xFEFF and code < 0xFFF0
    or code >= 0x10000 and code < 0xE0000
end

local function escape_octets(octets)
  return (octets:gsub(".", function (c)
    return string.format("\\x%02X", c:byte())
  end))
end

-- The length in octets of the harmless character at i, or nil.
local function character_at(s, i)
  local byte = s:byte(i)
  local len = byte < 0x80 and 1 or byte >= 0xF0 and 4 or byte >= 0xE0 and 3
    or 2
  if byte >= 0x80 and byte < 0xC2 or i + len - 1 > #s then
    return nil
  end
  if not utf8.len(s, i, i) or not is_harmless(utf8.codepoint(s, i)) then
    return nil
  end
  return len
end

-- s as one line: every octet that is no part of a printable character becomes
-- \xHH; line ends become \n, tabs \t.
function text.printable(s)
  s = tostring(s)
  if not s:find("[^\x20-\x7E]") then
    return s
  end
  local out = {}
  local i = 1
  while i <= #s do
    local len = character_at(s, i)
    if len then
      out[#out + 1] = s:sub(i, i + len - 1)
    elseif s:byte(i) == 10 then
      out[#out + 1] = "\\n"
    elseif s:byte(i) == 9 then
      out[#out + 1] = "\\t"
    else
      out[#out + 1] = escape_octets(s:sub(i, i))
    end
    i = i + (len or 1)
  end
  return table.concat(out)
end

local SHORT = { ["\r"] = "\\r", ["\n"] = "\\n", ["\t"] = "\\t" }

-- s octet by octet, as a string of C would hold it: nothing is left to guess.
function text.escaped(s)
  return (s:gsub("[^\x20-\x7E]", function (c)
    return SHORT[c] or escape_octets(c)
  end))
end

-- Columns of a printable string.
function text.width(s)
  return utf8.len(s) or #s
end

-- The first n characters of a printable string, and the rest.
function text.split_at(s, n)
  if text.width(s) <= n then
    return s, ""
  end
  local at = utf8.offset(s, n + 1)
  return s:sub(1, at - 1), s:sub(at)
end

-- Cut to n columns, "..." telling so.
function text.cut(s, n)
  if text.width(s) <= n then
    return s
  end
  return (text.split_at(s, n - 3)) .. "..."
end

function text.pad(s, n)
  return s .. (" "):rep(n - text.width(s))
end

-- A list of lines of at most width columns, broken at spaces where possible.
function text.wrap(s, width)
  local lines = {}
  local line = ""
  for word in text.printable(s):gmatch("%S+") do
    if line ~= "" and text.width(line) + 1 + text.width(word) > width then
      lines[#lines + 1] = line
      line = ""
    end
    line = line == "" and word or line .. " " .. word
    while text.width(line) > width do
      lines[#lines + 1], line = text.split_at(line, width)
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- "1 octet", "3 octets".
function text.count(n, noun)
  return string.format("%d %s%s", n, noun, n == 1 and "" or "s")
end

function text.hex(octets)
  return (octets:gsub(".", function (c)
    return string.format("%02x", c:byte())
  end))
end

-- Lines of `columns` octets each: "05 01 00  ...".
function text.hexdump(octets, columns)
  local lines = {}
  for at = 1, #octets, columns do
    local part = octets:sub(at, at + columns - 1)
    local hex = part:gsub(".", function (c)
      return string.format("%02x ", c:byte())
    end)
    lines[#lines + 1] = string.format("%-" .. columns * 3 .. "s %s", hex,
      (part:gsub("[^\x20-\x7E]", ".")))
  end
  return lines
end

return text
