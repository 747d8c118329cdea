-- From findings to verdicts, and from verdicts to the exit status.

local judge = {}

local EFFECTS = {
  MUST = "fail", ["MUST-NOT"] = "fail", DEFINED = "fail", SECURITY = "fail",
  SHOULD = "warn", ["SHOULD-NOT"] = "warn", ROBUST = "warn",
  MAY = "info", ADVICE = "info",
}

-- The three groups that --level names.
local CLASSES = { fail = "must", warn = "should", info = "may" }
local RANK = { info = 1, warn = 2, fail = 3 }

function judge.class_of(id)
  return CLASSES[EFFECTS[native.requirement(id).level]]
end

-- What a violation does: fail, warn or info; a contested reading is never
-- more than info.
function judge.effect(finding)
  if finding.contested then
    return "info"
  end
  return EFFECTS[native.requirement(finding.requirement).level]
end

-- The worst effect of a list of findings, or nil for none.
function judge.worst(findings)
  local worst
  for _, finding in ipairs(findings) do
    local effect = judge.effect(finding)
    if not worst or RANK[effect] > RANK[worst] then
      worst = effect
    end
  end
  return worst
end

-- Whether it needs to be seen twice before it is reported.
function judge.needs_confirmation(findings)
  local worst = judge.worst(findings)
  return worst == "fail" or worst == "warn"
end

-- Those findings of the first run that the second one shows as well.
function judge.repeated(first, second)
  local seen, out = {}, {}
  for _, finding in ipairs(second) do
    seen[finding.requirement] = true
  end
  for _, finding in ipairs(first) do
    if seen[finding.requirement] then
      out[#out + 1] = finding
    end
  end
  return out
end

-- Whether a verdict accuses nobody and leaves nothing open.
function judge.is_clean(verdict)
  return verdict == "pass" or verdict == "info" or verdict == "skip"
end

function judge.tally(results)
  local summary = { pass = 0, fail = 0, warn = 0, info = 0, skip = 0,
                    inconclusive = 0, flaky = 0, error = 0 }
  for _, result in ipairs(results) do
    summary[result.verdict] = summary[result.verdict] + 1
  end
  return summary
end

-- The exit status of a run: 4 > 1 > 3 > 77 > 0; usage errors (2) never come
-- this far. options: strict, min.
function judge.exit_status(run, options)
  local all = { pass = 0, fail = 0, warn = 0, info = 0, skip = 0,
                inconclusive = 0, flaky = 0, error = 0 }
  for _, one in ipairs(run.targets) do
    for verdict, n in pairs(one.summary) do
      all[verdict] = all[verdict] + n
    end
  end
  local judged = all.pass + all.fail + all.warn + all.info
  if all.error > 0 then
    return 4
  elseif all.fail > 0 or (options.strict and all.warn > 0) then
    return 1
  elseif all.inconclusive > 0 or all.flaky > 0 or run.interrupted
    or (options.min and judged < options.min) then
    return 3
  elseif judged == 0 then
    return 77
  end
  return 0
end

return judge
