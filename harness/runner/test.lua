-- `proxyspec test`: loads, starts, probes, runs, reports.

local orders = require "report.orders"
local progress = require "report.progress"
local style = require "report.style"
local terminal = require "report.terminal"
local judge = require "runner.judge"
local loader = require "runner.loader"
local network = require "runner.network"
local origins = require "runner.origins"
local probe = require "runner.probe_target"
local schedule = require "runner.schedule"
local selection = require "runner.selection"
local share = require "runner.share"
local target = require "runner.target"

local test = {}

local USAGE, INCONCLUSIVE, INTERNAL = 2, 3, 4

-- Scenarios at once, where the command line says nothing: a proxy may serve few
-- clients, the reference has no such limit.
local JOBS, REFERENCE_JOBS = 64, 192

local function complain(text)
  native.err("proxyspec test: " .. text .. "\n")
end

local function quote(word)
  if word:find("^[%w@%%+=:,./_-]+$") then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The command that repeats one scenario on this target.
local function repeat_command(options)
  local words = { "proxyspec test" }
  for _, dir in ipairs(options.scenarios or {}) do
    words[#words + 1] = "--scenarios " .. quote(dir)
  end
  if options.target then
    words[#words + 1] = "--target " .. quote(options.target)
  end
  for _, name in ipairs { "origin_bind", "origin_addr", "origin_name",
                           "denied" } do
    if options[name] then
      words[#words + 1] = "--" .. name:gsub("_", "-") .. " "
                          .. quote(options[name])
    end
  end
  if options.network and options.network ~= "auto" then
    words[#words + 1] = "--network " .. options.network
  end
  if options.timeout_scale and options.timeout_scale ~= 1 then
    words[#words + 1] = string.format("--timeout-scale %g", options.timeout_scale)
  end
  local tail = {}
  for _, url in ipairs(options.urls or {}) do
    tail[#tail + 1] = quote(url)
  end
  if options.command and #options.command > 0 then
    tail[#tail + 1] = "--"
    for _, word in ipairs(options.command) do
      tail[#tail + 1] = quote(word)
    end
  end
  return function (id)
    return table.concat({ table.concat(words, " "), "--only", id,
                          table.unpack(tail) }, " ")
  end
end

-- Starts and probes; nil, exit status and why.
local function prepare(one, run_options)
  local ok, why, kind = one:start()
  if not ok then
    return nil, kind == "usage" and USAGE or INCONCLUSIVE, why
  end
  for _, endpoint in ipairs(one.endpoints) do
    ok, why = probe.endpoint(endpoint, run_options)
    if not ok then
      return nil, INCONCLUSIVE, one:crash() or "cannot connect to " .. why
    end
  end
  return true
end

local function merge(into, results)
  for i, result in ipairs(results) do
    local known = into[i]
    if not known then
      into[i] = result
    elseif known.verdict ~= result.verdict then
      local verdicts = known.verdict .. " and " .. result.verdict
      if judge.is_clean(known.verdict) then
        into[i] = result
      end
      into[i].verdict = "flaky"
      into[i].reason = "runs differ: " .. verdicts
    end
  end
end

-- Runs all repeats; the results, merged.
local function run_repeats(one, chosen, run_options, count)
  local results = {}
  for _ = 1, count do
    merge(results, schedule.run(one, chosen, run_options))
    if run_options.is_interrupted() then
      break
    end
  end
  return results
end

local function write_reports(run, options)
  local ok, why = orders.write(options.reports, run, style.of(options))
  if not ok then
    complain(why)
    return INTERNAL
  end
  return 0
end

local function report(run, options)
  local status = write_reports(run, options)
  local text = terminal.render(run, style.of(options))
  if orders.has_stdout(options.reports) then
    native.err(text) -- standard output belongs to the other report
  else
    native.out(text)
  end
  return status ~= 0 and status or judge.exit_status(run, options)
end

-- { "must", "may" } as a set; nil when all levels are wanted.
local function level_set(list)
  if not list or #list == 0 then
    return nil
  end
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

-- The results of a run whose target could not be reached.
local function unreached(chosen, why)
  local results = {}
  for i, scenario in ipairs(chosen) do
    results[i] = { scenario = scenario.id, title = scenario.title,
                   verdict = "inconclusive", reason = why, duration_ms = 0,
                   findings = {}, transcript = {} }
  end
  return results
end

-- Those that run with the others, and those that run apart.
local function split(chosen)
  local normal, apart = {}, {}
  for _, scenario in ipairs(chosen) do
    local list = scenario.endurance and apart or normal
    list[#list + 1] = scenario
  end
  return normal, apart
end

-- Endurance: one scenario at a time, on a process that can be looked at.
local function run_apart(one, chosen, run_options, count)
  local two = one.kind == "reference" and target.served() or one
  if two ~= one then
    local ok, _, why = prepare(two, run_options)
    if not ok then
      two:stop()
      return unreached(chosen, why)
    end
  end
  local apart = setmetatable({ jobs = 1 }, { __index = run_options })
  local ok, results = pcall(run_repeats, two, chosen, apart, count)
  if two ~= one then
    two:stop()
  end
  if not ok then
    error(results, 0)
  end
  return results
end

local function run_all(one, chosen, run_options, count)
  local normal, apart = split(chosen)
  run_options.helpers = share.helpers(one, #normal, run_options.jobs)
  local results = run_repeats(one, normal, run_options, count)
  run_options.helpers = 0
  if #apart == 0 or run_options.is_interrupted() then
    return results
  end
  for _, result in ipairs(run_apart(one, apart, run_options, count)) do
    results[#results + 1] = result
  end
  table.sort(results, function (a, b)
    return a.scenario < b.scenario
  end)
  return results
end

local function run_on(one, chosen, options)
  local is_interrupted = false
  local count = options.repeat_ or 1
  local bar = progress.new(one.name, #chosen * count, style.of(options))
  local run_options = {
    jobs = options.jobs or (one.kind == "reference" and REFERENCE_JOBS) or JOBS,
    scale = options.timeout_scale or 1,
    settings = origins.settings(options), levels = options.levels,
    scenario_dirs = options.scenarios,
    segmentation = options.segmentation ~= false,
    transcripts = (#(options.reports or {}) > 0
                   or (options.verbosity or 0) > 0) and "all" or nil,
    repeat_with = repeat_command(options),
    on_step = function (result) bar:step(result) end,
    is_interrupted = function () return is_interrupted end,
  }
  native.on_interrupt(function () is_interrupted = true end)
  local started, epoch = native.now(), native.epoch()
  local function run_of(results)
    return {
      version = native.version(), started = epoch, interrupted = is_interrupted,
      duration_ms = math.floor((native.now() - started) * 1000),
      targets = { {
        name = one.name, urls = one:public_urls(), results = results,
        features = probe.summary(one.endpoints), summary = judge.tally(results),
      } },
    }
  end
  local ok, status, why = prepare(one, run_options)
  if not ok then
    bar:finish()
    complain(why)
    if status == INCONCLUSIVE then
      status = math.max(status, write_reports(run_of(unreached(chosen, why)),
                                              options))
    end
    return status
  end
  local results = run_all(one, chosen, run_options, count)
  bar:finish()
  return report(run_of(results), options)
end

local function needs_network(chosen)
  local count = 0
  for _, scenario in ipairs(chosen) do
    for _, feature in ipairs(scenario.needs) do
      count = count + (feature == "network" and 1 or 0)
    end
  end
  return count
end

-- Makes the network that the run is to have; an exit status when it may not
-- go on without it.
local function enter_network(one, chosen, options)
  local made, why, status = network.choose(options.network or "auto",
                                           one.kind ~= "running")
  options.own_network, options.no_network = made, why
  if status then
    complain("--network own: " .. why)
    return status == "usage" and USAGE or INCONCLUSIVE
  elseif not made and one.kind ~= "running" and options.network ~= "host"
    and needs_network(chosen) > 0 and (options.verbosity or 0) >= 0 then
    complain(string.format("%d scenarios need a network of their own: %s",
                           needs_network(chosen), why))
  end
end

-- Runs the command; its exit status.
function test.main(options)
  math.randomseed(options.seed or math.floor(native.epoch() * 1000) & 0x7fffffff)
  options.levels = level_set(options.levels)
  local ok, wrong = orders.check(options.reports)
  if not ok then
    complain(wrong)
    return USAGE
  end
  local scenarios, why = loader.load(options.scenarios)
  if not scenarios then
    complain(why)
    return INTERNAL
  end
  local chosen = selection.of(scenarios, options)
  if #chosen == 0 then
    complain("no scenario matches the selection (see 'list scenarios')")
    return USAGE
  end
  local one, unknown = target.choose(options)
  if not one then
    complain(unknown)
    return USAGE
  end
  local refused = enter_network(one, chosen, options)
  if refused then
    return refused
  end
  local done, status = pcall(run_on, one, chosen, options)
  one:stop()
  if not done then
    complain(tostring(status))
    return INTERNAL
  end
  return status
end

return test
