-- Which scenarios a run is about: --only, --skip, --no-slow,
-- --level, --shard.

local glob = require "runner.glob"
local judge = require "runner.judge"

local selection = {}

local function has_level(scenario, levels)
  for _, id in ipairs(scenario.checks) do
    if levels[judge.class_of(id)] then
      return true
    end
  end
  return false
end

-- The chosen scenarios, in order; empty when the selectors match nothing.
function selection.of(scenarios, options)
  local is_wanted = glob.any(options.only)
  local is_skipped = glob.any(options.skip)
  local takes_all = not options.only or #options.only == 0
  local out = {}
  for _, scenario in ipairs(scenarios) do
    local is_meant = takes_all and not scenario.endurance
                     or is_wanted(scenario.id)
                     or (scenario.endurance and options.endurance)
    if is_meant and not is_skipped(scenario.id)
      and not (scenario.slow and options.no_slow)
      and (not options.levels or has_level(scenario, options.levels)) then
      out[#out + 1] = scenario
    end
  end
  local shard = options.shard
  if not shard then
    return out
  end
  local part = {}
  for i, scenario in ipairs(out) do
    if (i - 1) % shard.n == shard.i - 1 then
      part[#part + 1] = scenario
    end
  end
  return part
end

return selection
