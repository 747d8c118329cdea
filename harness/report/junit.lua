-- The report for CI systems: one testsuite a target, one testcase a result.

local findings = require "report.findings"
local terminal = require "report.terminal"
local text = require "report.text"

local junit = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
  ['"'] = "&quot;", ["'"] = "&apos;" }

local plain = { color = false, verbosity = 0, strict = false }

-- Printable characters only, so that nothing is left that XML forbids.
local function attribute(s)
  return (text.printable(s or ""):gsub("[&<>\"']", entities))
end

-- The same line by line.
local function content(s)
  local lines = {}
  for line in (s .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = attribute(line)
  end
  return table.concat(lines, "\n")
end

local function seconds(ms)
  return string.format("%.3f", (ms or 0) / 1000)
end

-- How CI has to take a result: "passed", "failures", "errors" or "skipped".
local function class_of(result, look)
  local verdict = result.verdict
  if verdict == "fail" or verdict == "warn" and look.strict then
    return "failures"
  elseif verdict == "skip" then
    return "skipped"
  elseif verdict == "pass" or verdict == "warn" or verdict == "info" then
    return "passed"
  end
  return "errors"
end

-- The finding that decided the verdict.
local function deciding(result)
  for _, finding in ipairs(result.findings or {}) do
    if finding.effect == result.verdict then
      return finding
    end
  end
  return (result.findings or {})[1]
end

local function message_of(result)
  local finding = deciding(result)
  if not finding then
    return result.reason or ""
  end
  return string.format("%s: %s", finding.requirement or "",
    finding.message or "")
end

local function level_of(result)
  local finding = deciding(result)
  return finding and findings.row(finding).level or result.verdict
end

local function body_of(result, class)
  local told = terminal.result(result, plain)
  if class == "failures" then
    return string.format('<failure type="%s" message="%s">%s</failure>',
      attribute(level_of(result)), attribute(message_of(result)),
      content(told))
  elseif class == "errors" then
    local message = result.reason
    if not message or message == "" then
      message = message_of(result)
    end
    return string.format('<error type="%s" message="%s">%s</error>',
      attribute(result.verdict), attribute(message), content(told))
  elseif class == "skipped" then
    return string.format('<skipped message="%s"/>',
      attribute(result.reason))
  elseif result.verdict ~= "pass" then
    return string.format("<system-out>%s</system-out>", content(told))
  end
end

-- "socks5.method" of "socks5.method.none-acceptable".
local function class_name(scenario)
  return scenario:match("^(.*)%.[^.]*$") or scenario
end

local function testcase(result, class)
  local head = string.format('    <testcase classname="%s" name="%s" time="%s"',
    attribute(class_name(result.scenario)), attribute(result.scenario),
    seconds(result.duration_ms))
  local body = body_of(result, class)
  if not body then
    return head .. "/>"
  end
  return head .. ">\n      " .. body .. "\n    </testcase>"
end

local function suite(target, run, look)
  local counts = { passed = 0, failures = 0, errors = 0, skipped = 0 }
  local cases = {}
  local total_ms = 0
  for i, result in ipairs(target.results) do
    local class = class_of(result, look)
    counts[class] = counts[class] + 1
    total_ms = total_ms + (result.duration_ms or 0)
    cases[i] = testcase(result, class)
  end
  counts.tests = #cases
  local head = string.format('  <testsuite name="%s" tests="%d" failures="%d"'
    .. ' errors="%d" skipped="%d" time="%s" timestamp="%s">',
    attribute(target.name), counts.tests, counts.failures, counts.errors,
    counts.skipped, seconds(total_ms),
    os.date("!%Y-%m-%dT%H:%M:%S", math.floor(run.started or 0)))
  cases[#cases + 1] = "  </testsuite>"
  table.insert(cases, 1, head)
  return table.concat(cases, "\n"), counts
end

-- The report of a run as JUnit XML; look.strict makes warnings failures.
function junit.render(run, look)
  local suites = {}
  local sums = { tests = 0, failures = 0, errors = 0, skipped = 0 }
  for i, target in ipairs(run.targets) do
    local counts
    suites[i], counts = suite(target, run, look)
    for name, sum in pairs(sums) do
      sums[name] = sum + counts[name]
    end
  end
  local head = string.format('<?xml version="1.0" encoding="UTF-8"?>\n'
    .. '<testsuites name="proxyspec" tests="%d" failures="%d" errors="%d"'
    .. ' skipped="%d" time="%s">', sums.tests, sums.failures, sums.errors,
    sums.skipped, seconds(run.duration_ms))
  table.insert(suites, 1, head)
  suites[#suites + 1] = "</testsuites>"
  return table.concat(suites, "\n") .. "\n"
end

return junit
