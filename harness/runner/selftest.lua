-- `proxyspec selftest`: the kill matrix. Each fault of the reference runs under
-- the scenarios that check what it breaks; a fault that no check catches has
-- survived, a check that no fault can fail is unproven.

local coverage = require "runner.coverage"
local defects = require "runner.defects"
local glob = require "runner.glob"
local loader = require "runner.loader"
local network = require "runner.network"
local origins = require "runner.origins"
local probe = require "runner.probe_target"
local schedule = require "runner.schedule"
local target = require "runner.target"

local selftest = {}

local CROWD = 48 -- clients of an endurance scenario: more than faults wait for
local LOGIN = "user:password"
local AT_ONCE = 24 -- faults that run side by side; they mostly wait
local AGAIN_MAX = 40 -- survivors: more are no doing of a busy machine

-- What takes a minute or two, since its scenarios wait for what never comes,
-- begins first.
local LONGEST = { "relay-client-reset-leak", "relay-reset-lost",
                  "http-refused-hang", "socks5-unresolved-hang",
                  "relay-banner-lost", "relay-stalls", "http-error-unframed" }

-- Rules that speak of how a message may be cut: their scenarios need variants.
local CUTS = {
  ["socks5.greeting.fragmented"] = true, ["userpass.request.fragmented"] = true,
  ["http.parse.split-delivery"] = true, ["socks5.greeting.pipelined"] = true,
  ["http.connect.early-client-data"] = true,
  ["socks4.request.fragmented"] = true, ["socks4a.request.fragmented"] = true,
  ["socks4.request.early-data"] = true,
}

-- Rules of the judge about minutes of silence, which no run waits for: its unit
-- tests prove them, on a clock of their own.
local MINUTES = { ["socks4.timeout.connect"] = true,
                  ["socks4.timeout.bind"] = true }

local function say(format, ...)
  native.out(string.format(format, ...) .. "\n")
end

local function set_of(list)
  local out = {}
  for _, name in ipairs(list) do
    out[name] = true
  end
  return out
end

-- Scenarios that have to catch a defect of the field, by the faults that
-- imitate it.
local function catchers_of(list)
  local out = {}
  for _, row in ipairs(list) do
    for _, fault in ipairs(row.faults) do
      out[fault] = out[fault] or {}
      for _, scenario in ipairs(row.scenarios) do
        out[fault][scenario] = true
      end
    end
  end
  return out
end

-- What no scenario names, the judge may see in any dialogue: then all run. The
-- plain dialogues run with every fault.
local function scenarios_for(fault, scenarios, named, catchers)
  local proves, out = set_of(fault.proves), {}
  local needs_cuts, needs_all = false, false
  for id in pairs(proves) do
    needs_cuts = needs_cuts or CUTS[id] or false
    needs_all = needs_all or not named[id]
  end
  for _, scenario in ipairs(scenarios) do
    local is_wanted = not scenario.endurance
                      and (needs_all or scenario.control == false
                           or catchers[scenario.id])
    for _, id in ipairs(scenario.checks) do
      is_wanted = is_wanted or proves[id] or false
    end
    if is_wanted or (needs_cuts and scenario.talk) then
      out[#out + 1] = scenario
    end
  end
  return out, needs_cuts
end

local function ids_of(scenarios)
  local out = {}
  for _, scenario in ipairs(scenarios) do
    for _, id in ipairs(scenario.checks) do
      out[id] = true
    end
  end
  return out
end

-- What only a crowd shows is seen from outside, on a process of its own.
local function those_apart(chosen)
  local out = {}
  for _, scenario in ipairs(chosen) do
    if scenario.endurance then
      out[#out + 1] = scenario
    end
  end
  return out
end

local function is_killed(fault, results)
  local seen = {}
  for _, result in ipairs(results) do
    for _, finding in ipairs(result.findings) do
      seen[finding.requirement] = true
    end
  end
  for _, id in ipairs(fault.proves) do
    if not seen[id] then
      return false
    end
  end
  return true
end

-- Endurance scenarios, one at a time; every fault but the prover, of which all
-- of them have to tell, stops at the one that shows it.
local function run_in_turn(one, fault, chosen, run_options, options)
  local all = {}
  for _, scenario in ipairs(chosen) do
    for _, result in ipairs(schedule.run(one, { scenario }, run_options)) do
      all[#all + 1] = result
    end
    if fault ~= options.prover and is_killed(fault, all) then
      break
    end
  end
  return all
end

-- The scenarios that could not tell, on a machine that was busy with others.
local function untold(chosen, results)
  local is_untold, out = {}, {}
  for _, result in ipairs(results) do
    is_untold[result.scenario] = result.verdict == "inconclusive"
  end
  for _, scenario in ipairs(chosen) do
    if is_untold[scenario.id] then
      out[#out + 1] = scenario
    end
  end
  return out
end

-- What none has failed yet runs first, and all else only as long as the fault
-- is not killed; what waits for seconds comes last. The whole matrix is run for
-- those who want to see it.
local function run_until_killed(one, fault, chosen, run_options, options)
  local fresh, known, slow, is_named = {}, {}, {}, false
  for _, scenario in ipairs(chosen) do
    local has_to = options.catchers[fault.name]
                   and options.catchers[fault.name][scenario.id] or false
    local is_fresh = has_to or not options.proven[scenario.id]
    local list = scenario.slow and slow or is_fresh and fresh or known
    list[#list + 1] = scenario
    is_named = is_named or scenario.slow and has_to
  end
  local results = {}
  local function run(list)
    table.move(schedule.run(one, list, run_options), 1, #list, #results + 1,
               results)
  end
  run(fresh)
  if options.is_whole or not is_killed(fault, results) then
    run(known)
  end
  if is_named or not is_killed(fault, results) then
    run(slow)
  end
  if not is_killed(fault, results) then
    run(untold(chosen, results))
  end
  return results
end

local function run_fault(fault, scenarios, options)
  local catchers = options.catchers[fault.name] or {}
  local chosen, needs_cuts = scenarios_for(fault, scenarios, options.named,
                                           catchers)
  local apart = those_apart(chosen)
  local is_apart = #apart > 0
  local one = is_apart and target.served(fault.name,
                                         fault.needs_auth and LOGIN)
              or target.reference(fault.name)
  assert(one:start())
  local run_options = {
    jobs = is_apart and 1 or options.jobs or 64, crowd = CROWD,
    scale = options.timeout_scale or 1, settings = origins.settings(options),
    segmentation = needs_cuts, confirm = false, transcripts = false,
    repeat_with = function () return "" end, on_step = function () end,
    is_interrupted = function () return false end,
  }
  for _, endpoint in ipairs(one.endpoints) do
    probe.endpoint(endpoint, run_options)
  end
  local results = is_apart
                  and run_in_turn(one, fault, apart, run_options, options)
                  or run_until_killed(one, fault, chosen, run_options, options)
  one:stop()
  return results
end

-- Adds what one fault's run showed: to kills who saw which requirement broken,
-- to seen_by whether a scenario that could tell found anything.
local function note_kills(results, proven_scenarios, seen_by, kills)
  for _, result in ipairs(results) do
    if result.verdict ~= "inconclusive" then
      seen_by[result.scenario] = seen_by[result.scenario]
                                 or #result.findings > 0
    end
    for _, finding in ipairs(result.findings) do
      local by = kills[finding.requirement] or {}
      kills[finding.requirement] = by
      by[#by + 1] = finding.source_of == "oracle" and "judge in "
                    .. result.scenario or result.scenario
      proven_scenarios[result.scenario] = true
    end
  end
end

-- Runs these faults, so many side by side, each with the scenarios that
-- scenarios_of gives; kills gets what each of them showed.
local function run_some(faults, at_once, scenarios_of, options, seen_by, kills)
  local next_fault, left = 0, 0
  local main, failure = coroutine.running(), nil
  local function worker()
    while next_fault < #faults and not failure do
      next_fault = next_fault + 1
      local fault = faults[next_fault]
      seen_by[fault.name] = seen_by[fault.name] or {}
      kills[fault.name] = kills[fault.name] or {}
      note_kills(run_fault(fault, scenarios_of(fault), options), options.proven,
                 seen_by[fault.name], kills[fault.name])
    end
  end
  for _ = 1, math.min(at_once, #faults) do
    left = left + 1
    native.spawn(function ()
      local ok, why = pcall(worker)
      failure = failure or (not ok and why) or nil
      left = left - 1
      native.wake(main)
    end)
  end
  while left > 0 do
    native.suspend(1)
  end
  if failure then
    error(failure, 0)
  end
end

-- The requirements that some fault was seen to break.
local function proven_ids(kills)
  local proven = {}
  for _, by_id in pairs(kills) do
    for id in pairs(by_id) do
      proven[id] = true
    end
  end
  return proven
end

local function is_of_crowds(fault)
  return fault.proves[1]:find("^robust%.") ~= nil
end

-- What a check or a scenario would have needed to fail may be among what was
-- left out because the fault was killed already.
local function run_rest(faults, scenarios, options, seen_by, kills)
  local proven = proven_ids(kills)
  local function is_open(fault, scenario)
    if seen_by[fault.name][scenario.id] ~= nil then
      return false
    end
    local is_wanted = not options.proven[scenario.id]
    for _, id in ipairs(scenario.checks) do
      is_wanted = is_wanted or not proven[id]
    end
    return is_wanted
  end
  run_some(faults, AT_ONCE, function (fault)
    local rest = {}
    for _, scenario in ipairs(scenarios) do
      if is_open(fault, scenario) then
        rest[#rest + 1] = scenario
      end
    end
    return rest
  end, options, seen_by, kills)
end

-- Whether some requirement that the fault breaks was not seen broken, or a
-- defect of the field that it imitates was seen by none of its scenarios.
local function has_survived(fault, options, seen_by, kills)
  for _, id in ipairs(fault.proves) do
    if not kills[fault.name][id] and not options.unseen[id] then
      return true
    end
  end
  for _, row in ipairs(options.defects) do
    local is_caught = not set_of(row.faults)[fault.name]
    for _, scenario in ipairs(row.scenarios) do
      is_caught = is_caught or seen_by[fault.name][scenario]
    end
    if not is_caught then
      return true
    end
  end
  return false
end

-- A machine that is busy with so much else shows less than there is: what has
-- survived in the crowd is tried once more, alone.
local function run_again(faults, scenarios, options, seen_by, kills)
  local left = {}
  for _, fault in ipairs(faults) do
    if has_survived(fault, options, seen_by, kills) then
      left[#left + 1] = fault
    end
  end
  if #left == 0 or #left > AGAIN_MAX then
    return
  end
  run_some(left, 1, function () return scenarios end, options, seen_by, kills)
  for _, fault in ipairs(left) do
    say("%s %s when it was tried again, alone", fault.name,
        has_survived(fault, options, seen_by, kills) and "survived"
        or "was killed only")
  end
end

-- Crowds come last: beside everything else they would be kept waiting by it.
local function run_all(faults, scenarios, options, seen_by)
  local others, crowds, kills = {}, {}, {}
  local function all()
    return scenarios
  end
  local is_long, long = set_of(LONGEST), 0
  for _, fault in ipairs(faults) do
    if is_of_crowds(fault) then
      crowds[#crowds + 1] = fault
    elseif is_long[fault.name] then
      long = long + 1
      table.insert(others, long, fault)
    else
      others[#others + 1] = fault
    end
  end
  options.prover = crowds[1]
  run_some(others, AT_ONCE, all, options, seen_by, kills)
  if not options.only or #options.only == 0 then
    run_rest(others, scenarios, options, seen_by, kills)
  end
  run_some(crowds, AT_ONCE, all, options, seen_by, kills)
  run_again(faults, scenarios, options, seen_by, kills)
  return kills
end

-- The rows that scenarios in a network of their own speak of, when there is
-- none here: what they would show cannot be seen.
local function unseen_here(scenarios, options)
  local ids = {}
  for _, scenario in ipairs(options.own_network and {} or scenarios) do
    if set_of(scenario.needs).network then
      for _, id in ipairs(scenario.checks) do
        ids[id] = true
      end
    end
  end
  return ids
end

local function say_fault(fault, kills, unseen, verbosity)
  local survived = {}
  for _, id in ipairs(fault.proves) do
    local by = kills[id]
    if not by and unseen[id] then
      say("  %-36s %-36s not shown: needs a network of its own", fault.name, id)
    elseif not by then
      survived[#survived + 1] = id
    elseif verbosity > 0 then
      say("  %-36s %-36s %s%s", fault.name, id, by[1],
          #by > 1 and string.format(" and %d more", #by - 1) or "")
    end
  end
  for _, id in ipairs(survived) do
    say("  %-36s %-36s SURVIVED", fault.name, id)
  end
  return #survived == 0
end

local function say_unproven(scenarios, kills, proven_scenarios, unseen)
  local proven, unproven, checked = proven_ids(kills), 0, 0
  for _, entry in ipairs(coverage.of(scenarios)) do
    local is_checked = #entry.scenarios > 0 or set_of(entry.oracle).server
    if is_checked then
      checked = checked + 1
      if not proven[entry.row.id] and not MINUTES[entry.row.id]
        and not unseen[entry.row.id] then
        unproven = unproven + 1
        say("  %-36s no fault makes this check fail", entry.row.id)
      end
    end
  end
  local idle = 0
  for _, scenario in ipairs(scenarios) do
    if not proven_scenarios[scenario.id]
      and (next(unseen) == nil or not set_of(scenario.needs).network) then
      idle = idle + 1
      say("  %-36s no fault makes this scenario fail", scenario.id)
    end
  end
  return checked, unproven, idle
end

-- Each fault that imitates a defect has to be seen by one of its scenarios.
local function say_defects(list, seen_by)
  local imitated, missed = 0, 0
  for _, row in ipairs(list) do
    local has_run = false
    for _, fault in ipairs(row.faults) do
      local seen, caught = seen_by[fault], false
      for _, scenario in ipairs(seen and row.scenarios or {}) do
        caught = caught or seen[scenario] or false
      end
      has_run = has_run or seen ~= nil
      if seen and not caught then
        missed = missed + 1
        say("  %-36s none of its scenarios sees %s", row.id, fault)
      end
    end
    imitated = imitated + (has_run and 1 or 0)
  end
  return imitated, missed
end

local function choose(options)
  local is_wanted, out = glob.any(options.only), {}
  for _, fault in ipairs(native.faults()) do
    if not options.only or #options.only == 0 or is_wanted(fault.name) then
      out[#out + 1] = fault
    end
  end
  return out
end

local function report(faults, scenarios, kills, proven_scenarios, options, missed)
  local survivors = 0
  local unseen = options.unseen
  if next(unseen) then
    say("no network of its own: %s", options.no_network)
  end
  for _, fault in ipairs(faults) do
    if not say_fault(fault, kills[fault.name], unseen,
                     options.verbosity or 0) then
      survivors = survivors + 1
    end
  end
  if options.only and #options.only > 0 then
    say("%d faults: %d killed, %d survived", #faults, #faults - survivors,
        survivors)
    return survivors + missed == 0 and 0 or 1
  end
  local checked, unproven, idle =
    say_unproven(scenarios, kills, proven_scenarios, unseen)
  say("%d faults: %d killed, %d survived", #faults, #faults - survivors,
      survivors)
  say("%d requirements checked: %d proven, %d unproven", checked,
      checked - unproven, unproven)
  say("%d scenarios: %d fail under some fault, %d under none", #scenarios,
      #scenarios - idle, idle)
  return survivors + unproven + idle + missed == 0 and 0 or 1
end

-- options: only (globs over faults), jobs, verbosity, timeout_scale
function selftest.main(options)
  math.randomseed(options.seed or 1)
  local scenarios, why = loader.load()
  if not scenarios then
    native.err("proxyspec selftest: " .. why .. "\n")
    return 4
  end
  local faults = choose(options)
  if #faults == 0 then
    native.err("proxyspec selftest: no fault matches (see 'list faults')\n")
    return 2
  end
  local made, wanting, status = network.choose(options.network or "auto", true)
  options.own_network, options.no_network = made, wanting
  if status then
    native.err("proxyspec selftest: --network own: " .. wanting .. "\n")
    return 3
  end
  local known, seen_by = defects.load(scenarios), {}
  options.catchers, options.named = catchers_of(known), ids_of(scenarios)
  options.defects, options.unseen = known, unseen_here(scenarios, options)
  options.proven, options.is_whole = {}, (options.verbosity or 0) > 0
  local kills = run_all(faults, scenarios, options, seen_by)
  local imitated, missed = say_defects(known, seen_by)
  local status = report(faults, scenarios, kills, options.proven, options,
                        missed)
  say("%d defects of the field imitated: %d times no scenario sees it",
      imitated, missed)
  return status
end

return selftest
