-- `proxyspec list`: scenarios, requirements, features, targets, faults, defects.

local coverage = require "runner.coverage"
local defects = require "runner.defects"
local loader = require "runner.loader"
local target = require "runner.target"

local list = {}

local FEATURES = {
  socks5 = "a SOCKS5 greeting is answered",
  noauth = "method 00 is selected when it alone is offered",
  userpass = "method 02 is selected when it alone is offered",
  socks4 = "SOCKS4: the URL says so, or a request is granted",
  socks4a = "SOCKS4A: the same, by name",
  bind = "SOCKS5's BIND gets a first reply of 00",
  bind4 = "SOCKS4's BIND gets a first reply of 90",
  udp = "UDP ASSOCIATE is answered with 00",
  tor = "Tor's RESOLVE is answered with an address",
  ["tor-daemon"] = "RESOLVE is served, and a page for HTTP says that it is Tor",
  ["http-connect"] = "CONNECT is served",
  ["http-forward"] = "a plain GET reaches the origin",
  ["http-basic"] = "CONNECT without credentials gets 407 and a Basic challenge",
  ["http-digest"] = "CONNECT without credentials gets 407 and a Digest challenge",
  ipv4 = "a tunnel to an IPv4 address can be made",
  ipv6 = "a tunnel to an IPv6 address can be made",
  name = "a tunnel to a name can be made",
  network = "the proxy runs in a network of our own",
  rule = "a rule of the proxy is known that denies an address",
  ["rule-name"] = "a rule of the proxy is known that denies a name",
  ["rule-path"] = "a rule of the proxy is known that denies a path",
}

local function say(format, ...)
  native.out(string.format(format, ...) .. "\n")
end

local function print_json(value)
  native.out(native.json(value) .. "\n")
  return 0
end

local function scenarios_json(set)
  local out = {}
  for i, s in ipairs(set) do
    out[i] = { id = s.id, title = s.title, checks = native.array(s.checks),
               needs = native.array(s.needs), file = s.file,
               slow = s.slow or false, negative = s.negative or false }
  end
  return print_json(native.array(out))
end

local kinds = {}

function kinds.scenarios(options, set)
  if options.json then
    return scenarios_json(set)
  end
  for _, s in ipairs(set) do
    say("%-48s %s", s.id, s.title)
  end
  return 0
end

local function coverage_json(rows)
  local out = {}
  for i, entry in ipairs(rows) do
    out[i] = { id = entry.row.id, level = entry.row.level,
               role = entry.row.role, testability = entry.row.testability,
               scenarios = native.array(entry.scenarios),
               oracle = native.array(entry.oracle),
               faults = native.array(entry.faults), why_not = entry.why }
  end
  return print_json(native.array(out))
end

local function say_some(label, names)
  for i, name in ipairs(names) do
    say("    %-9s %s", i == 1 and label or "", name)
  end
end

local function say_totals(rows)
  local covered, proven = 0, 0
  for _, entry in ipairs(rows) do
    if not entry.why then
      covered = covered + 1
      proven = proven + (#entry.faults > 0 and 1 or 0)
    end
  end
  say("%d rows: %d checked, %d of them proven by a fault, %d open", #rows,
      covered, proven, #rows - covered)
end

local function print_coverage(options, set)
  local rows = coverage.of(set)
  if options.json then
    return coverage_json(rows)
  end
  for _, entry in ipairs(rows) do
    say("%s  (%s, %s)", entry.row.id, entry.row.level, entry.row.role)
    if entry.why then
      say("    open      %s", entry.why)
    else
      say_some("scenario", entry.scenarios)
      say_some("judge", entry.oracle)
      say_some("fault", entry.faults)
    end
  end
  say_totals(rows)
  return 0
end

function kinds.requirements(options, set)
  if options.coverage then
    return print_coverage(options, set)
  elseif options.json then
    return print_json(native.array(native.requirements()))
  end
  for _, row in ipairs(native.requirements()) do
    say("%-36s %-10s %-7s %s", row.id, row.level, row.role, row.summary)
  end
  return 0
end

function kinds.features(options)
  if options.json then
    local out = {}
    for i, name in ipairs(loader.features) do
      out[i] = { name = name, meaning = FEATURES[name] }
    end
    return print_json(native.array(out))
  end
  for _, name in ipairs(loader.features) do
    say("%-14s %s", name, FEATURES[name])
  end
  return 0
end

function kinds.targets(options)
  local out = {}
  for _, path in ipairs(native.embedded_list()) do
    local name = path:match("^targets/(.+)%.lua$")
    if name then
      local definition = target.known(name)
      out[#out + 1] = { name = name, title = definition.title,
                        packages = native.array(definition.packages or {}) }
    end
  end
  if options.json then
    return print_json(native.array(out))
  end
  for _, one in ipairs(out) do
    say("%-18s %s (%s)", one.name, one.title, table.concat(one.packages, ", "))
  end
  return 0
end

function kinds.faults(options)
  if options.json then
    local out = {}
    for i, fault in ipairs(native.faults()) do
      fault.proves = native.array(fault.proves)
      out[i] = fault
    end
    return print_json(native.array(out))
  end
  for _, fault in ipairs(native.faults()) do
    say("%-36s %s", fault.name, fault.summary)
  end
  return 0
end

local function defects_json(list)
  local out = {}
  for i, row in ipairs(list) do
    out[i] = { id = row.id, defect = row.defect,
               scenarios = native.array(row.scenarios),
               faults = native.array(row.faults), why_not = row.why_not }
  end
  return print_json(native.array(out))
end

function kinds.defects(options, set)
  local list = defects.load(set)
  if options.json then
    return defects_json(list)
  end
  local caught, imitated = 0, 0
  for _, row in ipairs(list) do
    say("%s  %s", row.id, row.defect)
    say_some("scenario", row.scenarios)
    say_some("fault", row.faults)
    say_some("open", { row.why_not })
    caught = caught + (#row.scenarios > 0 and 1 or 0)
    imitated = imitated + (#row.faults > 0 and 1 or 0)
  end
  say("%d defects: %d caught by a scenario, %d imitated by a fault", #list,
      caught, imitated)
  return 0
end

-- options: what, json, coverage, scenarios (directories)
function list.main(options)
  local set, why = loader.load(options.scenarios)
  if not set then
    native.err("proxyspec list: " .. why .. "\n")
    return 4
  end
  return kinds[options.what](options, set)
end

return list
