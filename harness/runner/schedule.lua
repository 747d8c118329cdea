-- Runs scenarios against one target: many at once, each with its variants,
-- controls around what rests on an absence, and every violation once more,
-- alone, before it is reported.

local confirm = require "runner.confirm"
local control = require "runner.control"
local cuts = require "runner.cuts"
local dialogue = require "runner.dialogue"
local longest = require "runner.longest"
local machine = require "runner.machine"
local outcome = require "runner.outcome"
local results = require "runner.results"
local share = require "runner.share"
local variants = require "runner.variants"

local schedule = {}

local Schedule = {}
Schedule.__index = Schedule

local RESTARTS_MAX = 12 -- while many run at once
local IN_VAIN_MAX = 3 -- scenarios that stay inconclusive when run alone

-- Jobs ----------------------------------------------------------------------

-- Scenarios that compute at the same time. What has run for longer than QUICK
-- seconds mostly waits: beside it another one may begin.
local AT_WORK, QUICK, TICK = 32, 0.1, 0.02

local function push(self, entry, variant)
  local list = variant and self.variants or self.jobs
  list[#list + 1] = { entry = entry, variant = variant }
  entry.open_jobs = entry.open_jobs + 1
end

local function push_variants(self, entry)
  local scenario = entry.scenario
  if not scenario.talk or scenario.segment == false
    or not self.options.segmentation or entry.outcome.stop
    or #entry.outcome.findings > 0 then
    return
  end
  local sample = dialogue.new {
    scenario = scenario, endpoint = entry.endpoint, within = 1,
    settings = self.options.settings, scale = 1,
  }
  local done = self.cuts[entry.endpoint]
  for _, variant in ipairs(variants.of(scenario, sample.context, done)) do
    push(self, entry, variant)
  end
  sample:finish()
end

local function finish_entry(self, entry)
  if entry.open_jobs == 0 and not entry.is_done then
    entry.is_done = true
    self.options.on_step(results.of(self, entry))
  end
end

local function run_job(self, job)
  local entry = job.entry
  local seen = outcome.run(self, entry, job.variant)
  if job.variant and seen.stop == "starved" then
    entry.starved[#entry.starved + 1] = job.variant
  elseif job.variant then
    cuts.add(entry, job.variant, seen)
  else
    entry.outcome = seen
    entry.duration_ms = seen.duration_ms
    if self.options.transcripts ~= "all" and not seen.stop
      and #seen.findings == 0 then
      seen.transcript = {} -- nobody asks how what is right looks
    end
    push_variants(self, entry)
  end
  entry.open_jobs = entry.open_jobs - 1
  entry.ended = native.now()
end

-- A target may die a moment behind what it dies of.
local MOMENT = 0.25

-- A target that died: those that ran then, or had just ended, are suspects and
-- run again, alone.
local function note_crash(self)
  local why = self.target:crash()
  if not why then
    return
  end
  self.crash = why
  for job in pairs(self.running) do
    self.suspects[job.entry] = true
  end
  local since = native.now() - MOMENT
  for _, entry in ipairs(self.entries) do
    if entry.ended and entry.ended > since then
      self.suspects[entry] = true
    end
  end
end

-- The next job, if one may begin now. Variants come first: those of one
-- scenario are many, and each waits as long as the scenario does.
local function take_job(self)
  if self.crash or self.failure or self.options.is_interrupted()
    or self.count >= self.count_max or self.count - self.waiting >= AT_WORK then
    return nil
  end
  return table.remove(self.variants) or table.remove(self.jobs)
end

local begin_jobs

local function end_job(self, job)
  self.running[job] = nil
  self.count = self.count - 1
  self.waiting = self.waiting - (job.is_waiting and 1 or 0)
  begin_jobs(self)
  if self.count == 0 then
    native.wake(self.main)
  end
end

local function play_job(self, job)
  local ok, why = pcall(function ()
    run_job(self, job)
    note_crash(self)
    finish_entry(self, job.entry)
  end)
  self.failure = self.failure or not ok and why
  end_job(self, job)
end

function begin_jobs(self)
  local job = take_job(self)
  while job do
    job.begun = native.now()
    self.running[job] = true
    self.count = self.count + 1
    native.spawn(function (one)
      play_job(self, one)
    end, job)
    job = take_job(self)
  end
end

local function note_waiting(self)
  local since = native.now() - QUICK
  for job in pairs(self.running) do
    if not job.is_waiting and job.begun < since then
      job.is_waiting = true
      self.waiting = self.waiting + 1
    end
  end
end

-- Runs jobs until none is left, or the target has died.
local function run_jobs(self)
  self.main = coroutine.running()
  begin_jobs(self)
  while self.count > 0 do
    native.suspend(TICK)
    note_waiting(self)
    begin_jobs(self)
  end
  if self.failure then
    error(self.failure, 0)
  end
end

-- A target that dies again and again gets the rest one at a time.
local function suspect_the_rest(self)
  for _, list in ipairs { self.jobs, self.variants } do
    for i, job in ipairs(list) do
      self.suspects[job.entry] = self.suspects[job.entry]
                                 or not job.variant or nil
      job.entry.open_jobs = job.entry.open_jobs - 1
      list[i] = nil
    end
  end
end

local function run_all_jobs(self, at_once)
  self.count_max = at_once
  repeat
    self.crash = nil
    run_jobs(self)
    local has_crashed = self.crash ~= nil
    if has_crashed then
      local ok, why = self.target:restart()
      if not ok then
        self.is_dead = self.crash .. "; not started again: " .. tostring(why)
        break
      elseif self.target.restarts == RESTARTS_MAX then
        suspect_the_rest(self)
      end
    end
  until not has_crashed or self.options.is_interrupted()
end

-- What a target cannot do may be what it could not do in time.
local function is_untold(self, seen)
  return seen.stop == "inconclusive"
         or (seen.stop == "skip" and machine.was_busy(self, seen))
end

-- What could not be told of a target that died meanwhile may be told of one
-- that lives.
local function suspect_untold(self)
  for _, entry in ipairs(self.entries) do
    if not entry.skip and (not entry.outcome
                           or is_untold(self, entry.outcome)) then
      self.suspects[entry] = true
    end
  end
end

-- Many at once may be too many for a target, or for this machine: what then
-- could not be told is tried again alone, while that is of any use.
local function run_untold_again(self)
  if self.target.restarts > 0 then
    return suspect_untold(self)
  end
  local in_vain = 0
  for _, watch in pairs(self.controls) do
    watch:check_before()
  end
  for _, entry in ipairs(self.entries) do
    if in_vain == IN_VAIN_MAX or self.is_dead
      or self.options.is_interrupted() then
      break
    end
    if entry.outcome and is_untold(self, entry.outcome) then
      push(self, entry)
      run_all_jobs(self, 1)
      in_vain = in_vain + (entry.outcome.stop == "inconclusive" and 1 or 0)
    end
  end
end

-- The whole -----------------------------------------------------------------

-- The control of the version that a scenario speaks. Where a password is
-- asked for, SOCKS4 cannot be served: there a SOCKS5 tunnel shows that the
-- target lives.
local function control_for(self, scenario, endpoint)
  local version = endpoint.user and endpoint.version or scenario.version
  local by = scenario.forwards and "forward" or self.target:control()
  local key = endpoint.url .. " " .. (version or "") .. by
  if not self.controls[key] then
    self.controls[key] = control.new(endpoint, version, self.options, by)
    self.cuts[endpoint] = self.cuts[endpoint] or {}
  end
  return self.controls[key]
end

-- is_given: by id, what is played elsewhere.
local function prepare(self, scenarios, is_given)
  for _, scenario in ipairs(scenarios) do
    local endpoint, reason = self.target:endpoint_for(scenario)
    local entry = { scenario = scenario, endpoint = endpoint, skip = reason,
                    open_jobs = 0, variant_findings = {}, variant_outcomes = {},
                    by_cut = {}, starved = {} }
    self.entries[#self.entries + 1] = entry
    if endpoint then
      entry.control = control_for(self, scenario, endpoint)
      entry.is_given = is_given[scenario.id]
      if not entry.is_given then
        push(self, entry)
      end
    else
      entry.is_done = true
      self.options.on_step(results.of(self, entry))
    end
  end
  for _, watch in pairs(self.controls) do
    watch:check_before()
  end
end

-- What lasts longest begins first, so that it overlaps with everything else;
-- then what has variants. The last one of the list is the first.
local function order_jobs(self)
  local key = {}
  for _, job in ipairs(self.jobs) do
    local scenario = job.entry.scenario
    key[job] = longest.seconds(scenario.id) + (scenario.talk and 0.5 or 0)
  end
  table.sort(self.jobs, function (a, b)
    if key[a] ~= key[b] then
      return key[a] < key[b]
    end
    return a.entry.scenario.id > b.entry.scenario.id
  end)
end

-- Takes what a helper saw of an entry, unless it has to be seen here.
local function settle(self, entry, account)
  entry.outcome = { findings = {}, started = account.started,
                    transcript = account.transcript,
                    duration_ms = account.duration_ms }
  entry.duration_ms, entry.is_done = account.duration_ms, true
  self.options.on_step(results.of(self, entry))
end

-- What a helper saw and does not show here is noted, for it may come again.
local function note_unrepeated(entry, violation)
  local id, seen = violation.requirement, entry.outcome
  if seen and not seen.stop and not cuts.has(seen.findings, id)
    and not cuts.has(entry.variant_findings, id) then
    entry.flaky = violation.message
  end
end

-- Waits for the helpers, and plays what they could not settle.
local function take_accounts(self, shared)
  local accounts, again = shared:finish(), {}
  for _, entry in ipairs(self.entries) do
    local account = accounts[entry.scenario.id]
    if entry.is_given and account and account.is_clean then
      settle(self, entry, account)
    elseif entry.is_given then
      push(self, entry)
      again[entry] = account and account.violation
    end
  end
  order_jobs(self)
  run_all_jobs(self, self.count_max)
  for entry, violation in pairs(again) do
    note_unrepeated(entry, violation)
  end
end

-- Runs the scenarios once against a started and probed target: a schedule whose
-- entries hold what was seen, unconfirmed. options: see schedule.run.
function schedule.play(target, scenarios, options)
  local self = setmetatable({
    target = target, options = options, entries = {}, jobs = {}, variants = {},
    running = {}, count = 0, waiting = 0,
    suspects = {}, controls = {}, cuts = {},
  }, Schedule)
  native.spawn(function ()
    machine.watch(self)
  end)
  if target:crash() then -- of what it was asked for its features
    target:restart()
  end
  local shared = share.start(target, scenarios, options)
  prepare(self, scenarios, shared and shared.is_given or {})
  order_jobs(self)
  run_all_jobs(self, math.max(1, math.min(options.jobs, 1024)))
  if shared then
    take_accounts(self, shared)
  end
  note_crash(self)
  return self
end

-- Runs the scenarios against a started and probed target: its results, in the
-- order of the scenarios. options: jobs, scale, settings, segmentation, levels,
-- on_step(result), is_interrupted(), repeat_with(id), confirm (false: report
-- what was seen once), transcripts ("all", false: none; else of what was found),
-- helpers (processes that play a part of them; with it scenario_dirs).
function schedule.run(target, scenarios, options)
  local self = schedule.play(target, scenarios, options)
  if options.confirm ~= false then
    run_untold_again(self)
    confirm.all(self)
  end
  self.is_over = true
  local out = {}
  for i, entry in ipairs(self.entries) do
    out[i] = results.of(self, entry)
  end
  return out
end

return schedule
