-- One run of one scenario, judged: what it found, less what rests on an
-- absence while the control does not hold.

local api = require "runner.api"
local dialogue = require "runner.dialogue"
local judge = require "runner.judge"
local talk = require "runner.talk"

local outcome = {}

local function run_scenario(d, variant)
  if d.scenario.talk then
    talk.play(d, variant)
  else
    d.scenario.run(api.new(d))
  end
end

-- Plays one scenario once: its findings, and how it stopped if it did.
local function play(self, entry, variant)
  local scenario = entry.scenario
  local d = dialogue.new {
    scenario = scenario, endpoint = entry.endpoint, within = scenario.within,
    settings = self.options.settings, scale = self.options.scale,
    target = self.target, crowd = self.options.crowd,
    transcript = self.options.transcripts,
  }
  local ok, why = pcall(run_scenario, d, variant)
  d:finish()
  local result = { findings = d.findings, transcript = d.transcript,
                   started = d.started,
                   duration_ms = (native.now() - d.started) * 1000 }
  if not ok then
    if type(why) == "table" then
      result.stop, result.reason = why.stop, why.reason
    else
      result.stop, result.reason = "error", tostring(why)
    end
  end
  if result.stop == "violation" then
    result.stop = nil
  end
  return result
end

local function rests_on_absence(result)
  for _, finding in ipairs(result.findings) do
    if finding.absence then
      return true
    end
  end
  return false
end

local function without_absences(findings, keep)
  local out = {}
  for _, finding in ipairs(findings) do
    if not finding.absence or keep(finding) then
      out[#out + 1] = finding
    end
  end
  return out
end

-- Drops what rests on an absence while the control does not hold.
local function apply_control(entry, result, variant)
  local scenario = entry.scenario
  if scenario.control == false and not variant then
    -- It is itself the control: only a refusal may be the target's policy.
    -- (A variant runs after the whole messages were served.)
    local kept = without_absences(result.findings, function (finding)
      return not finding.refusal
    end)
    if #kept < #result.findings and #kept == 0 then
      result.stop = "inconclusive"
      result.reason = "the target refuses: " .. result.findings[1].message
    end
    result.findings = kept
    return
  end
  if not scenario.negative and not rests_on_absence(result) then
    return
  end
  local watch = entry.control
  local ok, why = watch.before, watch.why_before
  if ok then
    ok, why = watch:holds_since(native.now())
  end
  if ok then
    return
  end
  result.findings = without_absences(result.findings, function ()
    return false
  end)
  if not result.stop then
    result.stop, result.reason = "inconclusive", "the control failed: " .. why
  end
end

-- Keeps the findings that --level asks for.
local function filter_levels(self, result)
  local levels = self.options.levels
  if not levels then
    return
  end
  local kept = {}
  for _, finding in ipairs(result.findings) do
    if levels[judge.class_of(finding.requirement)] then
      kept[#kept + 1] = finding
    end
  end
  result.findings = kept
end

-- Runs entry's scenario once, whole or as a variant: { findings, transcript,
-- started, duration_ms, stop, reason }; stop is nil, "skip", "inconclusive",
-- "starved" or "error". self is the schedule, for its options.
function outcome.run(self, entry, variant)
  local result = play(self, entry, variant)
  apply_control(entry, result, variant)
  filter_levels(self, result)
  return result
end

return outcome
