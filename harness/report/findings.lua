-- What a finding rests on, and which findings of a run say the same.

local text = require "report.text"

local findings = {}

local unknown = { level = "-", source = "-", section = "-", summary = "" }

-- The catalogue's row of a finding; dashes when there is none.
function findings.row(finding)
  return finding.requirement and native.requirement(finding.requirement)
    or unknown
end

-- "RFC 1928 section 6", "PRACTICE".
function findings.citation(row)
  local source = row.source:gsub("^RFC(%d)", "RFC %1")
  if row.section == "-" or row.section == "" then
    return source
  end
  return source .. " section " .. row.section
end

-- What a finding comes to: its effect, unless the result as a whole does not
-- stand (flaky, inconclusive, error).
local function effect_of(finding, result)
  local verdict = result.verdict
  if verdict == "flaky" or verdict == "inconclusive" or verdict == "error" then
    return verdict
  end
  return finding.effect
end

-- Findings with the same key tell people the same.
local function key_of(finding, effect)
  return table.concat({ tostring(finding.requirement),
    tostring(finding.message), tostring(finding.side), effect }, "\0")
end

-- The findings of one result without repetition, in order: a list of
-- { key, finding, effect, variants = { text, … }, is_whole }; is_whole when it
-- was also found with whole messages.
function findings.of_result(result)
  local list = {}
  local by_key = {}
  for _, finding in ipairs(result.findings or {}) do
    local effect = effect_of(finding, result)
    local key = key_of(finding, effect)
    local entry = by_key[key]
    if not entry then
      entry = { key = key, finding = finding, effect = effect,
        variants = {} }
      by_key[key] = entry
      list[#list + 1] = entry
    end
    if finding.variant then
      table.insert(entry.variants, finding.variant)
    else
      entry.is_whole = true
    end
  end
  return list
end

-- For each key the ids of the scenarios that found it, in order.
function findings.scenarios_by_key(results)
  local by_key = {}
  for _, result in ipairs(results) do
    for _, entry in ipairs(findings.of_result(result)) do
      local ids = by_key[entry.key] or {}
      by_key[entry.key] = ids
      if ids[#ids] ~= result.scenario then
        ids[#ids + 1] = result.scenario
      end
    end
  end
  return by_key
end

local rank = { fail = 1, warn = 2, flaky = 3, inconclusive = 4, error = 5,
  info = 6 }

local function is_worse(a, b)
  if a.effect ~= b.effect then
    return rank[a.effect] < rank[b.effect]
  end
  return a.requirement < b.requirement
end

-- One entry a requirement: { requirement, row, effect (the worst), scenarios
-- = how many }, the worst first, then by id.
function findings.by_requirement(results)
  local list = {}
  local by_id = {}
  for _, result in ipairs(results) do
    for _, found in ipairs(findings.of_result(result)) do
      local id = text.printable(found.finding.requirement or "-")
      local entry = by_id[id]
      if not entry then
        entry = { requirement = id, row = findings.row(found.finding),
          effect = found.effect, scenarios = 0 }
        by_id[id] = entry
        list[#list + 1] = entry
      end
      if rank[found.effect] < rank[entry.effect] then
        entry.effect = found.effect
      end
      if entry.last ~= result then
        entry.last = result
        entry.scenarios = entry.scenarios + 1
      end
    end
  end
  table.sort(list, is_worse)
  return list
end

-- "socks5.method.ff  MUST  RFC 1928 section 3  (server)".
function findings.headline(finding)
  local row = findings.row(finding)
  local parts = { tostring(finding.requirement or "no requirement"),
    row.level, findings.citation(row) }
  if finding.side then
    parts[#parts + 1] = finding.side
  end
  if finding.contested then
    parts[#parts + 1] = "contested"
  end
  return text.printable(table.concat(parts, "  "))
end

return findings
