-- The exchange of one scenario as a ladder:
--
--     time ms client              proxy              origin
--       0.000 |-- connects ------->|                    |
--       0.131 |-- 3 octets ------->|                    |
--             |   greeting         |                    |
--             |   05 01 80  ...    |                    |
--       0.402 |                    |-- connects ------->|
--       0.511 |                    |-- 18 octets ------>|
--             |                    |   GET / HTTP/1.1\r\n
--             |                    |   \r\n             |

local text = require "report.text"

local ladder = {}

local TIME = 9  -- columns of "12345.678"
local GAP = 41  -- between two lanes
local OCTETS = 8 -- of a hexdump line
local DUMP_MAX = 64 -- octets shown of one event,
local TEXT_MAX = 512 -- and when they are lines of text
local EVENTS_MAX = 60
local EVENTS_LAST = 20 -- of these, how many from the end

ladder.width = TIME + 1 + 3 + 2 * GAP

-- Which gap an event belongs in: 1 client to proxy, 2 proxy to origin.
local function gap_of(event)
  return event.witness == "origin" and 2 or 1
end

-- Whether its arrow points right.
local function goes_right(event)
  return (event.witness == "origin") == (event.from_proxy == true)
end

-- One line: a time or "", and what stands in the two gaps.
local function line_of(time, gap, content)
  local empty = (" "):rep(GAP)
  local filled = text.pad(content, GAP)
  return string.format("%" .. TIME .. "s |%s|%s|", time,
    gap == 1 and filled or empty, gap == 2 and filled or empty)
end

local function arrow(event, label)
  local room = GAP - 6
  label = text.cut(label, room - 2)
  local shaft = ("-"):rep(room - text.width(label))
  if goes_right(event) then
    return "-- " .. label .. " " .. shaft .. "->"
  end
  return "<-" .. shaft .. " " .. label .. " --"
end

local function octets_of(event)
  return event.len or event.data and #event.data or 0
end

local function label_of(event, is_numbered)
  local what
  if event.kind == "open" then
    what = "connects"
  elseif event.kind == "data" then
    what = text.count(octets_of(event), "octet")
  else
    what = event.kind:upper()
  end
  if is_numbered then
    what = "#" .. tostring(event.connection or "?") .. " " .. what
  end
  return what
end

local function time_of(event, start)
  return string.format("%.3f", ((event.time_us or start) - start) / 1000)
end

-- Whether it reads best as lines: a head of HTTP does, odd octets and all.
local function is_text(data)
  local _, odd = data:gsub("[^\x20-\x7E\r\n\t]", "")
  return data:find("\n", 1, true) and odd * 10 <= #data
end

-- The first n columns of an escaped line, no escape cut in two; and the rest.
local function split_escaped(line, n)
  local first, rest = text.split_at(line, n)
  local begun = first:match("()\\r\\?$") or first:match("()\\x?%x?$")
  if rest == "" or not begun or begun == 1 then
    return first, rest
  end
  return line:sub(1, begun - 1), line:sub(begun)
end

-- Each octet as it is or escaped; lines that are too long go on below.
local function text_lines(data)
  local lines = {}
  for line in data:gmatch("[^\n]*\n?") do
    local rest, indent = text.escaped(line), ""
    while rest ~= "" do
      local part
      part, rest = split_escaped(rest, GAP - 4 - #indent)
      lines[#lines + 1], indent = indent .. part, "  "
    end
  end
  return lines
end

-- The octets of a data event, as far as they were kept and are shown.
local function dump(event)
  local data = event.data or ""
  local reads_well = is_text(data)
  local shown = data:sub(1, reads_well and TEXT_MAX or DUMP_MAX)
  local lines = reads_well and text_lines(shown)
                or text.hexdump(shown, OCTETS)
  if octets_of(event) > #shown then
    lines[#lines + 1] = "and "
      .. text.count(octets_of(event) - #shown, "more octet")
  end
  return lines
end

-- A note or finding stands across both gaps.
local function add_across(lines, event, start)
  local mark = event.kind == "finding" and "! " or "* "
  local width = 2 * GAP - 3
  for i, part in ipairs(text.wrap(event.text or "", width)) do
    lines[#lines + 1] = string.format("%" .. TIME .. "s |%s%s",
      i == 1 and time_of(event, start) or "", i == 1 and mark or "  ",
      part)
  end
end

local function add_event(lines, event, start, numbered)
  if event.kind == "note" or event.kind == "finding" then
    add_across(lines, event, start)
    return
  end
  local gap = gap_of(event)
  local label = label_of(event, numbered[gap])
  lines[#lines + 1] = line_of(time_of(event, start), gap,
    arrow(event, label))
  if event.text and event.text ~= "" and not is_text(event.data or "") then
    for _, part in ipairs(text.wrap(event.text, GAP - 4)) do
      lines[#lines + 1] = line_of("", gap, "   " .. part)
    end
  end
  if event.kind == "data" then
    for _, part in ipairs(dump(event)) do
      lines[#lines + 1] = line_of("", gap, "   " .. part)
    end
  end
end

-- Connections are told apart by number only where there are several.
local function numbered_gaps(events)
  local first = {}
  local numbered = { false, false }
  for _, event in ipairs(events) do
    local gap = gap_of(event)
    if event.connection then
      first[gap] = first[gap] or event.connection
      numbered[gap] = numbered[gap] or first[gap] ~= event.connection
    end
  end
  return numbered
end

-- A list of lines without indentation, none wider than ladder.width; empty
-- when nothing was exchanged.
function ladder.lines(events)
  if not events or #events == 0 then
    return {}
  end
  local numbered = numbered_gaps(events)
  local start = events[1].time_us or 0
  local header = text.pad("client", GAP - 1) .. "proxy"
  local lines = { (" "):rep(TIME - 7) .. "time ms " .. header
    .. (" "):rep(GAP - 7) .. "origin" }
  local left_out = #events - EVENTS_MAX
  for i, event in ipairs(events) do
    if left_out <= 0 or i <= EVENTS_MAX - EVENTS_LAST
      or i > #events - EVENTS_LAST then
      add_event(lines, event, start, numbered)
    elseif i == EVENTS_MAX - EVENTS_LAST + 1 then
      lines[#lines + 1] = (" "):rep(TIME) .. " : "
        .. text.count(left_out, "event") .. " left out"
    end
  end
  return lines
end

return ladder
