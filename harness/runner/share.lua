-- Scenarios compute on one core. Where there are more, processes of our own play
-- a part of them beside this one. What they saw that is not clean is looked at
-- again here: they never decide a verdict but a pass.

local glob = require "runner.glob"
local origins = require "runner.origins"
local parcel = require "runner.parcel"

local share = {}

local HELPERS_MAX = 3
local WORTHWHILE = 200 -- scenarios for each process, else starting it costs more
local ROW = 24 -- neighbours stay together: what they send is alike, and cut once
local LOOK = 0.05 -- seconds between two looks at whether the run was interrupted

-- They want ports that there is only one of.
local ALONE = glob.any { "*.odd-ports", "http.target.port-default" }

-- Whether a scenario may be played by another process: the network's places and
-- names belong to this one.
local function is_portable(scenario)
  if scenario.endurance or ALONE(scenario.id) then
    return false
  end
  for _, feature in ipairs(scenario.needs) do
    if feature == "network" then
      return false
    end
  end
  return true
end

-- Rows of neighbours that may be played elsewhere, and how many may not.
local function rows_of(scenarios)
  local rows, stay = { {} }, 0
  for _, scenario in ipairs(scenarios) do
    local row = rows[#rows]
    if not is_portable(scenario) then
      stay = stay + 1
    elseif #row < ROW then
      row[#row + 1] = scenario.id
    else
      rows[#rows + 1] = { scenario.id }
    end
  end
  return rows, stay
end

-- Who plays what: lists of ids for the helpers, and by id which of them are ours
-- no more. A row goes to who has least; list 0 is ours.
local function divide(scenarios, helpers)
  local rows, stay = rows_of(scenarios)
  local lists, sizes, is_given = {}, { [0] = stay }, {}
  for i = 1, helpers do
    lists[i], sizes[i] = {}, 0
  end
  for _, row in ipairs(rows) do
    local least = helpers
    for i = helpers - 1, 0, -1 do
      least = sizes[i] < sizes[least] and i or least
    end
    sizes[least] = sizes[least] + #row
    for _, id in ipairs(least > 0 and row or {}) do
      lists[least][#lists[least] + 1] = id
      is_given[id] = true
    end
  end
  return lists, is_given
end

-- How many helpers a run of so many scenarios on this target gets.
function share.helpers(target, count, jobs)
  if target.kind ~= "reference" then
    return 0 -- who of those that ran killed a target is told by when it died
  end
  local most = math.min(native.cpus() - 1, HELPERS_MAX, jobs - 1)
  return math.max(0, math.min(most, count // WORTHWHILE - 1))
end

local function plain_endpoints(endpoints)
  local out = {}
  for i, one in ipairs(endpoints) do
    out[i] = { url = one.url, features = one.features, how = one.how,
               declared = one.declared, denied = one.denied,
               denied_label = one.denied_label, denied_path = one.denied_path,
               kept_for = one.kept_for }
  end
  return out
end

local function order_of(self, ids, number, answer)
  local options, settings = self.options, {}
  for key, value in pairs(options.settings) do
    settings[key] = key ~= "network" and value or nil
  end
  return parcel.pack {
    ids = ids, scenarios = options.scenario_dirs or {}, answer = answer,
    endpoints = plain_endpoints(self.target.endpoints),
    seed = math.random(0) >> 1, ports = origins.part(number, self.count),
    options = {
      jobs = math.max(1, options.jobs // self.count), scale = options.scale,
      levels = options.levels, segmentation = options.segmentation,
      transcripts = options.transcripts, settings = settings,
    },
  }
end

local function start_one(self, ids, number)
  local order = self.dir .. "/order" .. number
  local answer = self.dir .. "/answer" .. number
  local ok, why = native.write_file(order, order_of(self, ids, number, answer))
  if not ok then
    return nil, why
  end
  local process
  process, why = native.process { argv = { "/proc/self/exe", "helper", order } }
  return process and { process = process, answer = answer }, why
end

-- An interrupted run ends with what is there: a helper's, too.
local function pass_interrupt_on(self)
  native.spawn(function ()
    while not self.is_over do
      if self.options.is_interrupted() then
        for _, one in ipairs(self.helpers) do
          one.process:kill("TERM")
        end
        return
      end
      native.sleep(LOOK)
    end
  end)
end

-- Starts helpers for a part of the scenarios; nil when there are to be none.
-- self.is_given tells which ids are theirs. options as of schedule.run, and
-- helpers (how many), scenario_dirs (of --scenarios).
function share.start(target, scenarios, options)
  local count = options.helpers or 0
  if count == 0 then
    return nil
  end
  local self = setmetatable({ target = target, options = options,
                              count = count + 1, helpers = {} },
                            { __index = share })
  local lists, is_given = divide(scenarios, count)
  self.dir, self.is_given = native.temp_dir(), is_given
  for number, ids in ipairs(lists) do
    local one, why = start_one(self, ids, number)
    if not one then
      native.err("proxyspec test: no helper: " .. why .. "\n")
      break
    end
    self.helpers[number] = one
  end
  origins.set_ports(origins.part(self.count, self.count))
  pass_interrupt_on(self)
  return self
end

-- Waits for the helpers: by id what they saw, { is_clean, … }. An id that is
-- missing was not played.
function share:finish()
  local accounts = {}
  for _, one in ipairs(self.helpers) do
    local status = one.process:wait()
    local data = status.code == 0 and native.read_file(one.answer)
    local part = data and parcel.unpack(data)
    if part then
      for id, account in pairs(part) do
        accounts[id] = account
      end
    else
      native.err("proxyspec test: a helper failed, its scenarios run here: "
                 .. one.process:output():gsub("%s+$", "") .. "\n")
    end
  end
  self.is_over = true
  native.remove_tree(self.dir)
  return accounts
end

return share
