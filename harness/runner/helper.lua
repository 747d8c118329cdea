-- The other end of runner.share: a process that plays some scenarios of a run
-- for the one that started it, and writes down how they went.

local judge = require "runner.judge"
local loader = require "runner.loader"
local machine = require "runner.machine"
local origins = require "runner.origins"
local parcel = require "runner.parcel"
local schedule = require "runner.schedule"
local target = require "runner.target"

local helper = {}

local INTERNAL = 4

-- The first violation of a list, { requirement, message }; nil: none, or seen
-- at a time when nothing that was seen counts.
local function violation_in(play, findings, outcome_of)
  for _, finding in ipairs(findings) do
    if judge.effect(finding) ~= "info"
      and not machine.was_busy(play, outcome_of(finding)) then
      local where = finding.variant and " (" .. finding.variant .. ")" or ""
      return { requirement = finding.requirement,
               message = finding.requirement .. where .. " did not repeat: "
                         .. finding.message }
    end
  end
  return nil
end

local function violation_of(play, entry)
  return violation_in(play, entry.outcome.findings, function ()
    return entry.outcome
  end) or violation_in(play, entry.variant_findings, function (finding)
    return entry.variant_outcomes[finding]
  end)
end

-- What is told of an entry that was played.
local function account_of(play, entry)
  local seen = entry.outcome
  local is_clean = not seen.stop and #seen.findings == 0
                   and #entry.variant_findings == 0 and #entry.starved == 0
  if not is_clean then
    return { is_clean = false, violation = violation_of(play, entry) }
  end
  return { is_clean = true, duration_ms = entry.duration_ms,
           started = seen.started, transcript = seen.transcript }
end

local function chosen_of(order)
  local scenarios, why = loader.load(order.scenarios)
  if not scenarios then
    return nil, why
  end
  local is_wanted, out = {}, {}
  for _, id in ipairs(order.ids) do
    is_wanted[id] = true
  end
  for _, scenario in ipairs(scenarios) do
    if is_wanted[scenario.id] then
      out[#out + 1] = scenario
    end
  end
  return out
end

local function play(order, chosen)
  local is_interrupted = false
  native.on_interrupt(function () is_interrupted = true end)
  local options = order.options
  options.on_step = function () end
  options.repeat_with = options.on_step
  options.is_interrupted = function () return is_interrupted end
  return schedule.play(target.given(order.endpoints), chosen, options)
end

-- Plays what the file options.order asks for; the exit status.
function helper.main(options)
  local data, why = native.read_file(options.order)
  local order = data and parcel.unpack(data)
  if not order then
    native.err("proxyspec helper: " .. (why or options.order .. ": no order")
               .. "\n")
    return INTERNAL
  end
  math.randomseed(order.seed)
  origins.set_ports(order.ports)
  local chosen, wrong = chosen_of(order)
  if not chosen then
    native.err("proxyspec helper: " .. wrong .. "\n")
    return INTERNAL
  end
  local played, accounts = play(order, chosen), {}
  for _, entry in ipairs(played.entries) do
    if entry.is_done and entry.outcome then
      accounts[entry.scenario.id] = account_of(played, entry)
    end
  end
  local ok
  ok, why = native.write_file(order.answer, parcel.pack(accounts))
  if not ok then
    native.err("proxyspec helper: " .. why .. "\n")
    return INTERNAL
  end
  return 0
end

return helper
