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

-- Runs a suspect alone: did the target die of it?
local function try_suspect(self, entry)
  if self.is_dead then
    return
  end
  local alone = outcome.run(self, entry, nil)
  native.sleep(0.05) -- a moment for it to die in
  local why = self.target:crash()
  entry.outcome = alone
  if not why then
    return
  end
  alone.stop = nil
  table.insert(alone.findings, 1, {
    requirement = entry.scenario.checks[1], side = "server", contested = false,
    absence = false, source_of = "scenario", is_crash = true,
    message = "the target crashed: " .. why,
  })
  entry.is_confirmed = true
  local ok, wrong = self.target:restart()
  if not ok then
    self.is_dead = wrong
  end
end

-- What only informs stands as it was seen, unless the machine was too busy.
local function is_doubtful(self, first)
  return judge.needs_confirmation(first.findings)
         or (#first.findings > 0 and machine.was_busy(self, first))
end

local function confirm_base(self, entry)
  local first = entry.outcome
  local may_stand = not first.stop or first.stop == "inconclusive"
  if not may_stand or entry.is_confirmed or not is_doubtful(self, first) then
    return
  end
  local is_starved = machine.was_busy(self, first)
  local second = outcome.run(self, entry, nil)
  -- What the judge told elsewhere is not told here again.
  local kept = judge.repeated(first.findings, second.findings)
  if #kept > 0 then
    second.findings = kept
    entry.outcome = second
  elseif is_starved then
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
    local alone = outcome.run(self, entry, variant)
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
      local again = outcome.run(self, entry, finding.of_variant)
      local found = cuts.findings(entry, finding.of_variant, again)
      if cuts.has(found, finding.requirement) then
        kept[#kept + 1] = finding
        entry.variant_outcomes[finding] = again
      elseif not entry.outcome.stop and #entry.outcome.findings == 0
        and not machine.was_busy(self, first) then
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

-- Confirms what the entries of a schedule found; is_dead is set when a target
-- that died cannot be started again.
function confirm.all(self)
  credit_judge(self)
  for _, entry in ipairs(self.entries) do
    if self.options.is_interrupted() or self.is_dead then
      return
    end
    if self.suspects[entry] then
      try_suspect(self, entry)
    end
    if entry.outcome and not entry.skip then
      confirm_base(self, entry)
      run_starved(self, entry)
      confirm_variants(self, entry)
    end
  end
end

return confirm
