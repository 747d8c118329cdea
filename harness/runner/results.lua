-- From an entry of the schedule to the result that reports show.

local judge = require "runner.judge"

local results = {}

local function transcript_of(entry)
  if #entry.outcome.findings == 0 and entry.variant_findings[1] then
    return entry.variant_outcomes[entry.variant_findings[1]].transcript
  end
  return entry.outcome.transcript
end

local function findings_of(entry)
  local out = {}
  for _, list in ipairs { entry.outcome.findings, entry.variant_findings } do
    for _, finding in ipairs(list) do
      finding.effect = judge.effect(finding)
      out[#out + 1] = finding
    end
  end
  return out
end

-- The finding that decides the verdict, in words.
local function reason_of(findings, worst)
  for _, finding in ipairs(findings) do
    if finding.effect == worst then
      return finding.message
    end
  end
  return nil
end

-- How a run that stopped early ends, unless what it saw before is worse.
local IS_STOP = { skip = true, inconclusive = true, error = true, flaky = true }

function results.of(self, entry)
  local scenario = entry.scenario
  local result = {
    scenario = scenario.id, title = scenario.title, findings = {},
    transcript = {}, duration_ms = math.floor(entry.duration_ms or 0),
    repeat_with = self.options.repeat_with(scenario.id),
  }
  if entry.skip then
    result.verdict, result.reason = "skip", entry.skip
    return result
  end
  local outcome = entry.outcome
  if not outcome then
    result.verdict = "inconclusive"
    result.reason = self.is_dead or "the run was interrupted"
    return result
  end
  result.findings = findings_of(entry)
  result.transcript = transcript_of(entry)
  local worst = judge.worst(result.findings)
  local is_violation = worst == "fail" or worst == "warn"
  if outcome.stop == "error" or outcome.stop == "flaky"
    or (IS_STOP[outcome.stop] and not is_violation) then
    result.verdict, result.reason = outcome.stop, outcome.reason
  elseif is_violation then
    result.verdict, result.reason = worst, reason_of(result.findings, worst)
  elseif entry.flaky then
    result.verdict, result.reason = "flaky", entry.flaky
  else
    result.verdict = worst or "pass"
    result.reason = worst and reason_of(result.findings, worst)
  end
  return result
end

return results
