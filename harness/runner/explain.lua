-- `proxyspec explain ID`: a requirement, scenario or fault, in prose.

local coverage = require "runner.coverage"
local loader = require "runner.loader"
local message = require "lib.message"

local explain = {}

local WIDTH = 78

-- Breaks text into lines of at most WIDTH, each behind an indent.
local function wrap(text, indent)
  local line, out = indent, {}
  for word in text:gmatch("%S+") do
    if #line + #word + 1 > WIDTH and line ~= indent then
      out[#out + 1] = line
      line = indent
    end
    line = line == indent and line .. word or line .. " " .. word
  end
  out[#out + 1] = line
  return table.concat(out, "\n") .. "\n"
end

local function say_list(label, items)
  if #items > 0 then
    native.out(label .. "\n  " .. table.concat(items, "\n  ") .. "\n")
  end
end

local function explain_requirement(row, set)
  native.out(string.format("%s\n  %s section %s, %s, duty of: %s, seen by: %s\n\n",
                           row.id, row.source, row.section, row.level,
                           row.role, row.testability))
  native.out(wrap(row.summary, "") .. "\n" .. wrap(row.how, "  ") .. "\n")
  for _, entry in ipairs(coverage.of(set)) do
    if entry.row.id == row.id then
      if entry.why then
        native.out("Not checked: " .. entry.why .. "\n")
      end
      say_list("Checked by the scenarios", entry.scenarios)
      say_list("Checked by the judge, on the side of the", entry.oracle)
      say_list("Proven by the faults", entry.faults)
    end
  end
  return 0
end

local WHO = { C = "client", S = "proxy", O = "origin" }

local function say_step(step)
  local parts = {}
  for i, m in ipairs(step.messages) do
    parts[i] = message.describe(m)
  end
  native.out(string.format("  %-7s %s %s%s\n", WHO[step.who], step.op,
                           table.concat(parts, ", "),
                           step.breaks and "   [" .. step.breaks .. "]" or ""))
end

local function explain_scenario(scenario)
  native.out(string.format("%s\n  %s\n  defined in %s\n\n", scenario.id,
                           scenario.title, scenario.file))
  say_list("Checks", scenario.checks)
  say_list("Needs", scenario.needs)
  if scenario.talk then
    native.out("The conversation\n")
    for _, step in ipairs(scenario.talk) do
      say_step(step)
    end
  end
  return 0
end

local function explain_fault(fault)
  native.out(fault.name .. "\n" .. wrap(fault.summary, "  ") .. "\n")
  say_list("Proves", fault.proves)
  native.out("\nproxyspec serve --fault " .. fault.name
             .. (fault.needs_auth and " --auth user:password" or "") .. "\n")
  return 0
end

-- options: id, scenarios (directories)
function explain.main(options)
  local set, why = loader.load(options.scenarios)
  if not set then
    native.err("proxyspec explain: " .. why .. "\n")
    return 4
  end
  local id = options.id
  if native.requirement(id) then
    return explain_requirement(native.requirement(id), set)
  elseif set.by_id[id] then
    return explain_scenario(set.by_id[id])
  end
  for _, fault in ipairs(native.faults()) do
    if fault.name == id then
      return explain_fault(fault)
    end
  end
  native.err("proxyspec explain: '" .. id .. "' is no requirement, scenario or fault\n")
  return 2
end

return explain
