-- For each row of the catalogue: what checks it, what proves the check, or why
-- nothing does.

local glob = require "runner.glob"

local coverage = {}

-- The first pattern of uncovered.tsv that fits an id says why it is open.
local function reasons()
  local list = {}
  for line in native.embedded("runner/uncovered.tsv"):gmatch("[^\n]+") do
    local pattern, reason = line:match("^([^\t]+)\t(.+)$")
    if pattern and not line:find("^#") then
      list[#list + 1] = { matches = glob.any { pattern }, reason = reason }
    end
  end
  return list
end

local BY_SIGHT = {
  whitebox = "cannot be seen from outside: needs code or keys",
  no = "cannot be observed",
}

local function why_open(row, list)
  if BY_SIGHT[row.testability] then
    return BY_SIGHT[row.testability]
  end
  for _, one in ipairs(list) do
    if one.matches(row.id) then
      return one.reason
    end
  end
  if row.role == "client" then
    return "a client's duty: this version drives proxies, not clients"
  elseif row.testability == "pcap" then
    return "seen in captures only; the judge has no rule for it yet"
  end
  return "not checked yet"
end

local function index(scenarios)
  local by_id = {}
  for _, row in ipairs(native.requirements()) do
    by_id[row.id] = { row = row, scenarios = {}, faults = {}, oracle = {} }
  end
  for _, scenario in ipairs(scenarios) do
    for _, id in ipairs(scenario.checks) do
      table.insert(by_id[id].scenarios, scenario.id)
    end
  end
  for _, rule in ipairs(native.oracle_rules()) do
    local entry = by_id[rule.requirement]
    if rule.server then
      table.insert(entry.oracle, "server")
    end
    if rule.client then
      table.insert(entry.oracle, "client")
    end
  end
  for _, fault in ipairs(native.faults()) do
    for _, id in ipairs(fault.proves) do
      table.insert(by_id[id].faults, fault.name)
    end
  end
  return by_id
end

-- One entry a row, in the catalogue's order: { row, scenarios, oracle (sides),
-- faults, why (when nothing checks it) }.
function coverage.of(scenarios)
  local by_id, list, out = index(scenarios), reasons(), {}
  for i, row in ipairs(native.requirements()) do
    local entry = by_id[row.id]
    if #entry.scenarios == 0 and #entry.oracle == 0 then
      entry.why = why_open(row, list)
    end
    out[i] = entry
  end
  return out
end

return coverage
