-- The report for people: what did not pass with everything needed to judge
-- and repeat it, a table by requirement, one summary line a target.

local findings = require "report.findings"
local ladder = require "report.ladder"
local style = require "report.style"
local text = require "report.text"

local terminal = {}

local WIDTH = 100
local ALSO_MAX = 12 -- scenarios named behind "also"
local VARIANTS_MAX = 3

local names = {
  { "pass", "passed" }, { "fail", "failed" }, { "warn", "warned" },
  { "info", "info" }, { "skip", "skipped" },
  { "inconclusive", "inconclusive" }, { "flaky", "flaky" },
  { "error", "errors" },
}

-- Verdicts that deserve the exchange.
local has_ladder = { fail = true, warn = true, flaky = true,
  inconclusive = true, error = true }

local function add_wrapped(out, first, rest, s)
  for i, line in ipairs(text.wrap(s, WIDTH - #first)) do
    out[#out + 1] = (i == 1 and first or rest) .. line
  end
end

local function listed(items, max)
  local shown = table.concat(items, ", ", 1, math.min(#items, max))
  if #items > max then
    shown = string.format("%s, and %d more", shown, #items - max)
  end
  return shown
end

-- The scenarios beside result's own that say the same.
local function add_also(out, ids, own, look)
  local others = {}
  for _, id in ipairs(ids) do
    if id ~= own then
      others[#others + 1] = id
    end
  end
  if #others == 0 then
    return
  end
  local max = look.verbosity > 0 and #others or ALSO_MAX
  add_wrapped(out, "        ", "          ", string.format("also: %s: %s",
    text.count(#others, "scenario"), listed(others, max)))
end

local function add_variants(out, entry)
  if #entry.variants == 0 then
    return
  end
  local when = entry.is_whole and "also when: " or "only when: "
  add_wrapped(out, "        ", "          ",
    when .. listed(entry.variants, VARIANTS_MAX))
end

local function add_finding(out, entry, look)
  local finding = entry.finding
  local effect = entry.effect
  local head = text.cut(findings.headline(finding), WIDTH - 8 - #effect)
  out[#out + 1] = "      " .. style.paint(look, effect, effect) .. ": " .. head
  add_wrapped(out, "        ", "        ", finding.message or "")
  add_variants(out, entry)
end

-- Whether there is no reason beyond what the findings tell.
local function is_in_findings(result)
  for _, finding in ipairs(result.findings or {}) do
    if finding.message == result.reason then
      return true
    end
  end
  return not result.reason or result.reason == ""
end

local function add_head(out, result, look)
  local verdict = result.verdict
  local line = text.cut(text.printable(result.scenario),
    WIDTH - 1 - #verdict)
  out[#out + 1] = style.paint(look, verdict, verdict:upper()) .. " "
    .. style.paint(look, "strong", line)
  if result.title and result.title ~= "" then
    add_wrapped(out, "      ", "      ", result.title)
  end
  if not is_in_findings(result) then
    add_wrapped(out, "      ", "      ", result.reason)
  end
end

-- Results without findings (inconclusive, error) say the same when verdict
-- and reason are alike.
local function reason_key(result)
  return result.verdict .. "\0" .. tostring(result.reason)
end

-- Appends to out what is to be known about one result. seen.by_key and
-- seen.by_reason list the scenarios that tell the same; what seen.printed names
-- is not repeated.
local function add_result(out, result, seen, look)
  local entries = findings.of_result(result)
  add_head(out, result, look)
  if #entries == 0 then
    add_also(out, seen.by_reason[reason_key(result)] or {},
      result.scenario, look)
  end
  for _, entry in ipairs(entries) do
    if not seen.printed[entry.key] then
      seen.printed[entry.key] = true
      out[#out + 1] = ""
      add_finding(out, entry, look)
      add_also(out, seen.by_key[entry.key] or {}, result.scenario, look)
    end
  end
  if has_ladder[result.verdict] or look.verbosity > 0 then
    local lines = ladder.lines(result.transcript)
    if #lines > 0 then
      out[#out + 1] = ""
    end
    for _, line in ipairs(lines) do
      out[#out + 1] = "    " .. line
    end
    if result.repeat_with then
      out[#out + 1] = ""
      -- One line, however long, so that it can be copied.
      out[#out + 1] = "      repeat: " .. text.printable(result.repeat_with)
    end
  end
  out[#out + 1] = ""
end

-- One result in full, as text; for reports that quote it.
function terminal.result(result, look)
  local out = {}
  add_result(out, result, { by_key = {}, by_reason = {}, printed = {} }, look)
  return table.concat(out, "\n")
end

local function ids_by_reason(results)
  local by_key = {}
  for _, result in ipairs(results) do
    local key = reason_key(result)
    by_key[key] = by_key[key] or {}
    table.insert(by_key[key], result.scenario)
  end
  return by_key
end

-- Whether everything that result has to tell was told by one before it.
local function is_told(result, seen)
  local entries = findings.of_result(result)
  if #entries == 0 then
    local key = reason_key(result)
    local is_printed = seen.printed[key]
    seen.printed[key] = true
    return is_printed
  end
  for _, entry in ipairs(entries) do
    if not seen.printed[entry.key] then
      return false
    end
  end
  return true
end

local function add_quiet_result(out, result, look)
  local verdict = result.verdict
  local line = text.printable(result.scenario)
  if result.reason and result.reason ~= "" then
    line = line .. ": " .. result.reason
  end
  local wrapped = text.wrap(line, WIDTH - 6)
  out[#out + 1] = style.paint(look, verdict, text.pad(verdict, 6))
    .. wrapped[1]
  for i = 2, #wrapped do
    out[#out + 1] = (" "):rep(8) .. wrapped[i]
  end
end

local function add_results(out, target, look)
  local seen = {
    by_key = findings.scenarios_by_key(target.results),
    by_reason = ids_by_reason(target.results),
    printed = {},
  }
  for _, result in ipairs(target.results) do
    if result.verdict == "pass" or result.verdict == "skip" then
      if look.verbosity > 0 then
        add_quiet_result(out, result, look)
      end
    elseif not is_told(result, seen) then
      if out[#out] and out[#out] ~= "" then
        out[#out + 1] = ""
      end
      add_result(out, result, seen, look)
    elseif look.verbosity > 0 then
      add_quiet_result(out, result, look)
    end
  end
  if #target.results > 0 and out[#out] and out[#out] ~= "" then
    out[#out + 1] = ""
  end
end

local function add_features(out, target)
  for _, feature in ipairs(target.features or {}) do
    add_wrapped(out, "  ", "      ", string.format("%s: %s%s",
      feature.name, feature.presence,
      feature.how and feature.how ~= "" and ", " .. feature.how or ""))
  end
  out[#out + 1] = ""
end

local function add_table(out, target, look)
  local list = findings.by_requirement(target.results)
  if #list == 0 then
    return
  end
  local format = "%-40s %-10s %-24s %-12s %9s"
  out[#out + 1] = style.paint(look, "strong", string.format(format,
    "requirement", "level", "where", "effect", "scenarios"))
  for _, entry in ipairs(list) do
    out[#out + 1] = string.format(format, text.cut(entry.requirement, 40),
      entry.row.level, text.cut(findings.citation(entry.row), 24),
      entry.effect, entry.scenarios)
  end
  out[#out + 1] = ""
end

-- "reference: 92 passed, 0 failed, …".
function terminal.summary(target, look)
  local parts = {}
  for _, name in ipairs(names) do
    local n = target.summary[name[1]] or 0
    local part = string.format("%d %s", n, name[2])
    if n > 0 then
      part = style.paint(look, name[1], part)
    end
    parts[#parts + 1] = part
  end
  return text.printable(target.name) .. ": " .. table.concat(parts, ", ")
end

-- The whole report of a run.
function terminal.render(run, look)
  local out = {}
  if look.verbosity >= 0 then
    for _, target in ipairs(run.targets) do
      if #run.targets > 1 or look.verbosity > 0 then
        out[#out + 1] = style.paint(look, "strong", "== "
          .. text.cut(text.printable(target.name), WIDTH - 6)
          .. " ==")
      end
      if look.verbosity > 0 then
        add_features(out, target)
      end
      add_results(out, target, look)
      add_table(out, target, look)
    end
  end
  if run.interrupted then
    out[#out + 1] = "interrupted: what follows is not the whole run"
  end
  for _, target in ipairs(run.targets) do
    out[#out + 1] = terminal.summary(target, look)
  end
  return table.concat(out, "\n") .. "\n"
end

return terminal
