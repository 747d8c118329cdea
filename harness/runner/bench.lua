-- `proxyspec bench`: measures proxies in turn, round by round, and a direct
-- connection as the limit. harness/bench makes the load.

local bench_report = require "report.bench"
local target = require "runner.target"

local bench = {}

local USAGE, INCONCLUSIVE, INTERNAL = 2, 3, 4
local WARM = 20 -- tunnels before memory is looked at
local CONNECTS_AT_ONCE = 16
local ASKERS = 16

local function complain(text)
  native.err("proxyspec bench: " .. text .. "\n")
end

local function is_wanted(options, kind)
  for _, name in ipairs(options.only) do
    if name == kind then
      return true
    end
  end
  return #options.only == 0
end

-- What is measured of each row, in this order; streams: how many at once.
local function measures_of(options)
  local all = {
    { name = "down", kind = "down", streams = 1 },
    { name = "down_many", kind = "down", streams = options.streams },
    { name = "up", kind = "up", streams = 1 },
    { name = "up_many", kind = "up", streams = options.streams },
    { name = "connects", kind = "connects", streams = CONNECTS_AT_ONCE },
    { name = "handshakes", kind = "handshakes", streams = CONNECTS_AT_ONCE },
    { name = "echo", kind = "echo", streams = 1 },
    { name = "requests", kind = "requests", streams = ASKERS, is_http = true },
    { name = "response", kind = "response", streams = 1, is_http = true },
  }
  local out = {}
  for _, measure in ipairs(all) do
    if is_wanted(options, measure.kind) then
      out[#out + 1] = measure
    end
  end
  return out
end

-- Targets -------------------------------------------------------------------

local function choose_known(name)
  if name == "reference" then
    return target.served()
  end
  local definition, why = target.known(name)
  if not definition then
    return nil, why
  end
  return target.spawned(definition)
end

-- What the command line names; nil and why.
local function choose(options)
  local list = {}
  for _, name in ipairs(options.targets) do
    local one, why = choose_known(name)
    if not one then
      return nil, why
    end
    list[#list + 1] = one
  end
  if options.command and #options.command > 0 then
    list[#list + 1] = target.spawned { urls = options.urls,
                                       command = options.command }
  else
    for _, url in ipairs(options.urls) do
      local one, why = target.running { url }
      if not one then
        return nil, why
      end
      list[#list + 1] = one
    end
  end
  if #list == 0 then
    list[1] = target.served()
  end
  return list
end

-- Where a load goes; nil and why when it cannot.
local function route_to(one)
  if one.scheme == "https" then
    return nil, one.url .. ": TLS to the proxy is not measured"
  end
  local conn, why = native.connect { host = one.host, port = one.port }
  if not conn then
    return nil, string.format("%s:%d: %s", one.host, one.port, why)
  end
  local _, _, host, port = conn:address()
  conn:close()
  return { protocol = one.protocol == "http" and "http"
                      or "socks" .. one.version,
           host = host, port = port, user = one.user or one.userid,
           password = one.password }
end

-- A row for each URL of a started target.
local function add_rows(rows, one)
  for _, endpoint in ipairs(one.endpoints) do
    local route, why = route_to(endpoint)
    if not route then
      return nil, why
    end
    local is_only = #one.endpoints == 1
    rows[#rows + 1] = {
      name = is_only and one.name or one.name .. " " .. endpoint.scheme,
      target = one, endpoint = endpoint, route = route, is_http = route.protocol == "http",
      values = {}, notes = {},
    }
  end
  return true
end

-- Measuring -----------------------------------------------------------------

local function load(self, row, fields)
  for name, value in pairs(row.route) do
    fields[name] = value
  end
  fields.target = self.options.origin_addr or self.options.origin_bind
  if fields.kind ~= "connects" and fields.kind ~= "handshakes" then
    fields.sink = self.sink
    return native.load(fields)
  end
  -- A port that nobody has connected to: thousands of connections that linger
  -- (TIME_WAIT) would slow down whoever comes next.
  local fresh, wrong = native.sink { host = self.options.origin_bind }
  if not fresh then
    return nil, wrong
  end
  fields.sink = fresh
  local got, why = native.load(fields)
  fresh:close()
  return got, why
end

local function note(row, name, why)
  row.notes[#row.notes + 1] = { measure = name, why = why }
end

-- Memory that was given back is taken again: a process is measured once.
local function refresh(self, row)
  local one = row.target
  if not one.is_used then
    one.is_used = true
    return true
  end
  local ok, why = one:restart()
  if not ok then
    return nil, why
  end
  for _, other in ipairs(self.rows) do
    if other.target == one then
      other.route.port = other.endpoint.port
    end
  end
  return true
end

-- Octets for each 1,000 idle tunnels, of a target that was started for this.
local function measure_memory(self, row)
  local count = self.options.idle
  if not row.target or not row.target:pid() or count == 0
    or not is_wanted(self.options, "memory") then
    return
  end
  local ok, wrong = refresh(self, row)
  if not ok then
    row.has_failed = true
    note(row, "memory", wrong)
    return
  end
  local pid = row.target:pid()
  local held, why = load(self, row, { kind = "hold", streams = WARM })
  if held then
    native.sleep(0.2)
    local before = native.process_usage(pid)
    local many
    many, why = load(self, row, { kind = "hold", streams = count })
    local after = many and native.process_usage(pid)
    if before and after then
      row.memory = (after.memory - before.memory) * 1000 / count
    end
    if many then
      many:close()
    end
    held:close()
  end
  if not row.memory then
    row.has_failed = true
    note(row, "memory", why or "the process is gone")
  end
end

local function measure_one(self, row, measure)
  if row.is_given_up and row.is_given_up[measure.name] then
    return
  end
  local got, why = load(self, row, { kind = measure.kind,
    streams = measure.streams, seconds = self.options.seconds })
  if not got then
    note(row, measure.name, why)
    row.is_given_up = row.is_given_up or {}
    row.is_given_up[measure.name] = true
    row.has_failed = row.has_failed or not measure.is_http
    return
  end
  local values = row.values[measure.name] or {}
  row.values[measure.name] = values
  values[self.round] = got
end

local function progress(self, row, what)
  if not self.options.quiet and native.is_tty(2) then
    native.err(string.format("\r\27[Kround %d/%d: %s: %s", self.round,
                             self.options.rounds, row.name, what))
  end
end

local function measure_all(self)
  for _, row in ipairs(self.rows) do
    measure_memory(self, row)
  end
  for round = 1, self.options.rounds do
    self.round = round
    for _, measure in ipairs(self.measures) do
      for _, row in ipairs(self.rows) do
        local is_meant = not measure.is_http
                         or (self.has_http and (row.is_http or row.is_direct))
        if self.is_interrupted() then
          return
        elseif is_meant then
          progress(self, row, measure.name)
          measure_one(self, row, measure)
        end
      end
    end
  end
end

-- The whole -----------------------------------------------------------------

local function start_all(self, list)
  self.rows = { { name = "direct", is_direct = true, values = {}, notes = {},
                  route = { protocol = "direct" } } }
  for _, one in ipairs(list) do
    local ok, why, kind = one:start()
    if not ok then
      return nil, why, kind == "usage" and USAGE or INCONCLUSIVE
    end
    ok, why = add_rows(self.rows, one)
    if not ok then
      return nil, why, INCONCLUSIVE
    end
  end
  for _, row in ipairs(self.rows) do
    self.has_http = self.has_http or row.is_http
  end
  return true
end

local function report(self)
  if not self.options.quiet and native.is_tty(2) then
    native.err("\r\27[K")
  end
  local text = bench_report.render(self)
  if self.options.json == "-" then
    native.err(text)
  else
    native.out(text)
  end
  if self.options.json then
    local ok, why = native.write_file(self.options.json,
                                      bench_report.json(self) .. "\n")
    if not ok then
      complain(why)
      return INTERNAL
    end
  end
  for _, row in ipairs(self.rows) do
    if row.has_failed then
      return INCONCLUSIVE
    end
  end
  return self.is_interrupted() and INCONCLUSIVE or 0
end

local function run(self, list)
  local sink, why = native.sink { host = self.options.origin_bind }
  if not sink then
    return nil, why, INCONCLUSIVE
  end
  self.sink = sink
  local ok, wrong, status = start_all(self, list)
  if ok then
    local began = native.now()
    self.started = native.epoch()
    measure_all(self)
    self.duration_ms = math.floor((native.now() - began) * 1000)
  end
  sink:close()
  return ok, wrong, status
end

-- options: urls, command, targets, only, seconds, rounds, streams, idle, json,
-- origin_bind, origin_addr, quiet
function bench.main(options)
  if options.json and options.json ~= "-" then
    local ok, why = native.can_write(options.json)
    if not ok then
      complain(why)
      return USAGE
    end
  end
  local list, why = choose(options)
  if not list then
    complain(why)
    return USAGE
  end
  local is_interrupted = false
  native.on_interrupt(function () is_interrupted = true end)
  local self = { options = options, measures = measures_of(options),
                 is_interrupted = function () return is_interrupted end }
  local done, ok, wrong, status = pcall(run, self, list)
  for _, one in ipairs(list) do
    one:stop()
  end
  if not done then
    complain(tostring(ok))
    return INTERNAL
  elseif not ok then
    complain(wrong)
    return status
  end
  return report(self)
end

return bench
