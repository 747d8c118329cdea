-- Defects that proxies in the field have, or had: which scenarios catch each,
-- and which faults of the reference imitate it, so that the self-test proves
-- that they do.

local defects = {}

local COLUMNS = 5

local function words(text)
  local out = {}
  for word in text:gmatch("%S+") do
    out[#out + 1] = word
  end
  return out
end

local function split(line)
  local fields = {}
  for field in (line .. "\t"):gmatch("([^\t]*)\t") do
    fields[#fields + 1] = field
  end
  return fields
end

-- Why a row says too little; nil when it does not.
local function gap(row)
  if row.defect == "" then
    return "does not say what is wrong"
  elseif row.why_not then
    return nil
  elseif #row.scenarios == 0 then
    return "names no scenario, and does not say why"
  elseif #row.faults == 0 then
    return "names no fault, and does not say why"
  end
  return nil
end

local function unknown(names, is_known, what)
  for _, name in ipairs(names) do
    if not is_known[name] then
      return string.format("there is no %s '%s'", what, name)
    end
  end
end

-- The rows of text: { id, defect, scenarios (ids), faults (names), why_not };
-- nil and one line with the number of the line that is wrong.
function defects.parse(text, is_scenario, is_fault)
  local list, number = {}, 0
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    if line ~= "" and not line:find("^#") then
      local fields = split(line)
      local row = { id = fields[1], defect = fields[2] or "",
                    scenarios = words(fields[3] or ""),
                    faults = words(fields[4] or ""),
                    why_not = fields[5] ~= "" and fields[5] or nil }
      local last = list[#list]
      local wrong = #fields ~= COLUMNS
                    and string.format("has %d fields, not %d", #fields, COLUMNS)
                    or not row.id:find("^FD%-%d%d%d$")
                    and "'" .. row.id .. "' is no id"
                    or last and last.id >= row.id and "does not follow " .. last.id
                    or gap(row)
                    or unknown(row.scenarios, is_scenario, "scenario")
                    or unknown(row.faults, is_fault, "fault")
      if wrong then
        return nil, string.format("defects.tsv:%d: %s", number, wrong)
      end
      list[#list + 1] = row
    end
  end
  return list
end

-- The rows of the project's own list. An error when it is wrong: its test
-- loads it.
function defects.load(set)
  local is_fault = {}
  for _, fault in ipairs(native.faults()) do
    is_fault[fault.name] = true
  end
  local list, why = defects.parse(native.embedded("runner/defects.tsv"),
                                  set.by_id, is_fault)
  return list or error(why, 0)
end

return defects
