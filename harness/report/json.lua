-- The report for programs: docs/report.schema.json describes it.

local findings = require "report.findings"
local text = require "report.text"

local json = {}

local verdicts = { "pass", "fail", "warn", "info", "skip", "inconclusive",
  "flaky", "error" }

-- JSON text is UTF-8; what is not is told as \xHH.
local function string_of(s)
  return s == nil and "" or text.printable(s)
end

local function integer_of(n)
  return math.floor((n or 0) + 0.5)
end

local function array_of(list, convert)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = convert(item)
  end
  return native.array(out)
end

local function finding_of(finding)
  local row = findings.row(finding)
  return {
    requirement = string_of(finding.requirement),
    level = row.level,
    source = row.source,
    section = row.section,
    side = string_of(finding.side),
    message = string_of(finding.message),
    contested = finding.contested == true,
    by = finding.source_of == "oracle" and "judge" or "scenario",
    variant = finding.variant and string_of(finding.variant),
  }
end

local function event_of(event)
  local data = event.data
  return {
    time_us = integer_of(event.time_us),
    kind = event.kind,
    witness = event.witness,
    connection = event.connection and integer_of(event.connection),
    from_proxy = event.from_proxy,
    data = data and text.hex(data),
    len = data and integer_of(event.len or #data),
    text = event.text and string_of(event.text),
  }
end

local function result_of(result)
  return {
    scenario = string_of(result.scenario),
    verdict = result.verdict,
    reason = string_of(result.reason),
    duration_ms = integer_of(result.duration_ms),
    findings = array_of(result.findings, finding_of),
    transcript = array_of(result.transcript, event_of),
  }
end

local function features_of(list)
  local features = {}
  for _, feature in ipairs(list or {}) do
    features[string_of(feature.name)] = {
      present = feature.presence == "present",
      presence = feature.presence,
      how = string_of(feature.how),
    }
  end
  return features
end

local function summary_of(summary)
  local counts = {}
  for _, verdict in ipairs(verdicts) do
    counts[verdict] = integer_of(summary[verdict])
  end
  return counts
end

local function target_of(target)
  return {
    name = string_of(target.name),
    urls = array_of(target.urls, string_of),
    features = features_of(target.features),
    summary = summary_of(target.summary),
    results = array_of(target.results, result_of),
  }
end

-- The report of a run as JSON text.
function json.render(run)
  return native.json {
    tool = "proxyspec",
    version = string_of(run.version),
    started = os.date("!%Y-%m-%dT%H:%M:%SZ", integer_of(run.started)),
    duration_ms = integer_of(run.duration_ms),
    interrupted = run.interrupted == true,
    targets = array_of(run.targets, target_of),
  }
end

return json
