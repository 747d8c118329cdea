-- Violations are seen twice before they are reported: the second time alone.

local cuts = require "runner.cuts"
local judge = require "runner.judge"
local machine = require "runner.machine"
local outcome = require "runner.outcome"

local confirm = {}

-- The judge watches every dialogue, so a habit of the target shows in all of
-- them. It is told once: where a scenario asks for it, else where it was seen
-- first.
local function own_findings(owner, entry, findings)
  local is_told, kept = {}, {}
  for _, finding in ipairs(findings) do
    if finding.source_of == "scenario" then
      is_told[finding.requirement] = true -- the judge need not repeat it
    end
  end
  for _, finding in ipairs(findings) do
    local id = finding.requirement
    owner[id] = owner[id] or { entry = entry }
    if finding.source_of ~= "oracle" or (not is_told[id]
      and (owner[id].entry == entry or entry.scenario.is_checked[id])) then
      kept[#kept + 1] = finding
    end
  end
  return kept
end

local function credit_judge(self)
  local owner = {}
  for _, entry in ipairs(self.entries) do
    for _, finding in ipairs(entry.outcome and entry.outcome.findings or {}) do
      local id = finding.requirement
      local is_asked = entry.scenario.is_checked[id] or false
      if not owner[id] or (is_asked and not owner[id].is_asked) then
        owner[id] = { entry = entry, is_asked = is_asked }
      end
    end
  end
  for _, entry in ipairs(self.entries) do
    if entry.outcome then
      entry.outcome.findings = own_findings(owner, entry,
                                            entry.outcome.findings)
    end
  end
  self.owner = owner
end

-- Runs an entry alone; self.ran is the one that did last.
local function run_alone(self, entry, variant)
  self.ran = entry
  entry.control:check_before()
  return outcome.run(self, entry, variant)
end

-- A target that has died is started again; false when that cannot be.
local function revive(self)
  if not self.is_dead and self.target:crash() then
    local ok, why = self.target:restart()
    self.is_dead = not ok and "not started again: " .. tostring(why) or nil
  end
  return not self.is_dead
end

-- Why the target died within so many seconds; nil when it lives on.
local function death_within(self, seconds)
  local deadline = native.now() + seconds
  local why = self.target:crash()
  while not why and native.now() < deadline do
    native.sleep(0.05)
    why = self.target:crash()
  end
  return why
end

local function blame(entry, alone, why)
  alone.stop = nil
  table.insert(alone.findings, 1, {
    requirement = entry.scenario.checks[1], side = "server", contested = false,
    absence = false, source_of = "scenario", is_crash = true,
    message = "the target crashed: " .. why,
  })
  entry.outcome, entry.is_confirmed = alone, true
end

-- A moment for a target to die in, and a longer one where it is known to.
local SOON, LATE = 0.05, 0.5

-- Runs a suspect alone against a target that lives: whether it died of it, and
-- what was seen.
local function dies_of(self, entry, seconds)
  if not revive(self) then
    return nil
  end
  local alone = run_alone(self, entry, nil)
  return death_within(self, seconds), alone
end

-- Whether the target dies late of what ran last: it is blamed then.
local function blame_last(self, last)
  if not last or last.is_confirmed then
    return false
  end
  local why, seen = dies_of(self, last, LATE)
  if why then
    blame(last, seen, why)
  end
  return why ~= nil
end

-- Did the target die of this suspect? It may have died late of the one before,
-- so each is tried on a target that nobody else has used.
local function try_suspect(self, entry, before)
  local once, alone = dies_of(self, entry, SOON)
  local why
  if once then
    why, alone = dies_of(self, entry, LATE)
  end
  if self.is_dead then
    return
  end
  entry.outcome, entry.is_tried = alone, true
  if why then
    blame(entry, alone, why)
  elseif once and not blame_last(self, before)
    and not alone.stop and #alone.findings == 0 then
    entry.flaky = "the target died once: " .. once
  end
end

-- What only informs stands as it was seen, unless the machine was too busy.
local function is_doubtful(self, first)
  return judge.needs_confirmation(first.findings)
         or (#first.findings > 0 and machine.was_busy(self, first))
end

-- What does not repeat was the machine's doing, or went down with a target that
-- died of something else.
local function was_spoilt(self, first)
  return machine.was_busy(self, first) or self.target.restarts > 0
end

local function confirm_base(self, entry)
  local first = entry.outcome
  local may_stand = not first.stop or first.stop == "inconclusive"
  if not may_stand or entry.is_confirmed or not is_doubtful(self, first) then
    return
  end
  local is_spoilt = was_spoilt(self, first)
  local second = run_alone(self, entry, nil)
  -- What the judge told elsewhere is not told here again.
  local kept = judge.repeated(first.findings, second.findings)
  if #kept > 0 then
    second.findings = kept
    entry.outcome = second
  elseif is_spoilt then
    second.findings = own_findings(self.owner, entry, second.findings)
    entry.outcome = second
  else
    first.stop = "flaky"
    first.reason = first.findings[1].requirement .. " did not repeat: "
                   .. first.findings[1].message
  end
end

-- Runs the variants that the machine was too busy for once more, alone.
local function run_starved(self, entry)
  for _, variant in ipairs(entry.starved) do
    local alone = run_alone(self, entry, variant)
    if alone.stop ~= "starved" then
      cuts.add(entry, variant, alone)
    elseif not entry.outcome.stop then
      entry.outcome.stop, entry.outcome.reason = "inconclusive", alone.reason
    end
  end
end

local function confirm_variants(self, entry)
  local kept = {}
  for _, finding in ipairs(entry.variant_findings) do
    local first = entry.variant_outcomes[finding]
    if judge.effect(finding) == "info" and not machine.was_busy(self, first) then
      kept[#kept + 1] = finding
    else
      local again = run_alone(self, entry, finding.of_variant)
      local found = cuts.findings(entry, finding.of_variant, again)
      if cuts.has(found, finding.requirement) then
        kept[#kept + 1] = finding
        entry.variant_outcomes[finding] = again
      elseif not entry.outcome.stop and #entry.outcome.findings == 0
        and not was_spoilt(self, first) then
        entry.flaky = finding.requirement .. " (" .. finding.variant
                      .. ") did not repeat: " .. finding.message
      end
    end
    if finding.also then
      finding.variant = string.format("%s, and %d more like it",
                                      finding.variant, finding.also)
    end
  end
  entry.variant_findings = kept
end

local function confirm_entry(self, entry)
  local before = self.ran
  if self.suspects[entry] then
    try_suspect(self, entry, before)
  end
  if entry.outcome and not entry.skip and revive(self) then
    confirm_base(self, entry)
    run_starved(self, entry)
    confirm_variants(self, entry)
    if self.target:crash() and not self.suspects[entry] then
      try_suspect(self, entry, before)
    end
  end
end

local function drop(entry, why)
  local seen = entry.outcome
  seen.findings, entry.variant_findings = {}, {}
  seen.stop, seen.reason = "inconclusive", why
end

-- What was found once, and cannot be tried again.
local function drop_doubtful(self, entry)
  local seen = entry.outcome
  if seen and not entry.is_confirmed and not entry.skip
    and (self.suspects[entry] or is_doubtful(self, seen)
         or #entry.variant_findings > 0) then
    drop(entry, self.is_dead)
  end
end

-- What was seen while the target died, of a run that ends before it is tried.
local function drop_suspects(self)
  for entry in pairs(self.suspects) do
    if entry.outcome and entry.outcome.stop ~= "skip"
      and not entry.is_confirmed and not entry.is_tried then
      drop(entry, "the target died, and the run was interrupted")
    end
  end
end

-- Confirms what the entries of a schedule found; is_dead is set when a target
-- that died cannot be started again.
function confirm.all(self)
  credit_judge(self)
  for _, entry in ipairs(self.entries) do
    if self.options.is_interrupted() then
      drop_suspects(self)
      return
    elseif self.target:crash() then
      blame_last(self, self.ran)
    end
    if revive(self) then
      confirm_entry(self, entry)
    else
      drop_doubtful(self, entry)
    end
  end
  if self.ran and death_within(self, SOON) then
    blame_last(self, self.ran)
  end
end

return confirm
