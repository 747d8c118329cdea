-- What scenarios with `endurance = true` have beside the rest of t: crowds of
-- clients, round after round, and whether the target stands them. What the
-- target's process tree holds is compared between rounds.

local endpoints = require "runner.endpoint"

local endurance = {}

local CROWD = 1000
local AT_ONCE = 32   -- clients of a crowd that begin at the same time
local ROUNDS = 2     -- behind the first, which fills caches and pools,
local ROUNDS_MAX = 5 -- and while something grows
local LEAK = 4       -- rounds in a row that all leave something behind
local FEW = 8        -- clients that nobody may be kept waiting by
local BACK_WITHIN = 5 -- seconds for what a crowd held to be given back
local SERVED_WITHIN = 10 -- seconds for a newcomer to be served behind a crowd
local SETTLED_WITHIN = 60 -- and at most, while the target is at work on it

-- What a round may leave behind for each client of its crowd, and at least: a
-- leak loses something for every client, or for every tenth.
local KINDS = {
  { name = "descriptors", each = 0.1, least = 4, unit = "descriptors" },
  { name = "threads", each = 0.1, least = 4, unit = "threads" },
  { name = "memory", each = 2048, least = 512 * 1024, unit = "octets" },
}

local T = {}

-- How many clients are a crowd here.
function T:crowd()
  return self.d.crowd or CROWD
end

-- A connection to the target that no judge watches and no transcript notes;
-- nil and why. It is closed at the end of the round.
function T:newcomer()
  local conn, why = endpoints.connect(self.d.endpoint, self.d:span(5))
  if not conn then
    return nil, why
  end
  self.d:hold(conn)
  return self:wrap(conn)
end

-- Runs fn(i) for i from 1 to n, many at once; an error in one is raised.
function T:each(n, fn)
  local main, at, left, failure = coroutine.running(), 0, 0, nil
  local function worker()
    while at < n and not failure do
      at = at + 1
      fn(at)
    end
  end
  for _ = 1, math.min(AT_ONCE, n) do
    left = left + 1
    native.spawn(function ()
      local ok, why = pcall(worker)
      failure = failure or (not ok and why) or nil
      left = left - 1
      native.wake(main)
    end)
  end
  while left > 0 do
    native.suspend(1)
  end
  if failure then
    error(failure, 0)
  end
end

-- A crowd of n newcomers, each greeted with fn(c, i); a list of those that
-- could connect. Those that could not are counted.
function T:gather(n, fn)
  local list, refused, why = {}, 0, nil
  self:each(n, function (i)
    local c, wrong = self:newcomer()
    if not c then
      refused, why = refused + 1, wrong
      return
    end
    list[#list + 1] = c
    if fn then
      fn(c, i)
    end
  end)
  if #list == 0 then
    self:inconclusive("no client of a crowd could connect: " .. tostring(why))
  elseif refused > 0 then
    self:note(string.format("%d of %d clients could not connect: %s", refused,
                            n, why))
  end
  return list
end

-- n tunnels at once that have carried an octet each; close() ends them.
function T:tunnels(n)
  local d = self.d
  local settings, one = d.settings, d.endpoint
  local sink, why = native.sink { host = settings.bind }
  local held
  if sink then
    held, why = native.load {
      kind = "hold", streams = n, sink = sink, target = settings.host,
      protocol = one.protocol == "http" and "http" or "socks" .. d.version,
      host = self.target_address, port = one.port,
    }
  end
  if not held then
    if sink then
      sink:close()
    end
    self:inconclusive(string.format("%d tunnels at once do not come about: %s",
                                    n, why))
  end
  return { close = function ()
    held:close()
    sink:close()
  end }
end

-- Service -------------------------------------------------------------------

local function is_served(self)
  local control = require "runner.control" -- which needs t itself
  local d = self.d
  local watch = control.new(d.endpoint, d.version,
                            { settings = d.settings, scale = d.scale },
                            "tunnel")
  return watch:holds_since(native.now())
end

local function usage(self)
  local pid = self.d.target and self.d.target:pid()
  return pid and native.process_usage(pid)
end

-- Whether it still takes clients of the crowd in, or lets them go: more of them
-- than those who ask for this.
local function has_moved(before, after)
  return before and after
    and (math.abs(before.processes - after.processes) > FEW
         or math.abs(before.sockets - after.sockets) > FEW)
end

-- The same behind a crowd that has left, which the target may see late: as long
-- as it is at work on it, on a machine that is slow, it does not hang.
local function is_served_soon(self)
  local scale, begun = self.d.scale, native.now()
  local deadline, last = begun + SERVED_WITHIN * scale, begun + SETTLED_WITHIN * scale
  local before = usage(self)
  local ok, why = is_served(self)
  while not ok and native.now() < deadline do
    native.sleep(0.2)
    ok, why = is_served(self)
    local after = usage(self)
    if has_moved(before, after) then
      deadline = math.min(last, native.now() + SERVED_WITHIN * scale)
    end
    before = after
  end
  return ok, why
end

-- Another client's tunnel while a crowd of n is there.
function T:others_served(n)
  local ok, why = is_served(self)
  if not ok then
    self:violation("robust.crowd.served",
      string.format("with %d such clients another one is not served: %s", n,
                    why), { contested = n > FEW })
  end
  return ok
end

-- Resources -----------------------------------------------------------------

local function tolerance(self, kind)
  return math.max(kind.least, kind.each * self:crowd())
end

-- What one round adds. Memory that is lost takes address space, too; pages of
-- a heap that only are touched for the first time do not.
local function step_of(kind, before, after)
  local step = after[kind.name] - before[kind.name]
  if kind.name == "memory" then
    step = math.min(step, after.data - before.data)
  end
  return step
end

local function has_grown(self, before, after)
  for _, kind in ipairs(KINDS) do
    if step_of(kind, before, after) > tolerance(self, kind) then
      return true
    end
  end
  return false
end

local STEADY = 4  -- readings in a row that say the same
local PAUSE = 0.05 -- seconds between two readings

-- What the target holds once the first crowd is gone: as soon as that changes
-- no more, or after a while. nil: there is no process to look at.
local function steady_usage(self)
  local deadline = native.now() + BACK_WITHIN * self.d.scale
  local first = usage(self)
  local now, alike = first, 0
  while now and alike < STEADY and native.now() < deadline do
    native.sleep(PAUSE)
    now = usage(self) or now
    if has_grown(self, first, now) or has_grown(self, now, first) then
      first, alike = now, 0
    else
      alike = alike + 1
    end
  end
  return now
end

-- What it holds once another crowd is gone: as soon as it is back to what it
-- was before, or after a while.
local function settled_usage(self, before)
  local deadline = native.now() + (self.d.crowd and 0.4 or BACK_WITHIN)
                                  * self.d.scale
  local now = usage(self)
  while now and has_grown(self, before, now) and native.now() < deadline do
    native.sleep(PAUSE)
    now = usage(self) or now
  end
  return now
end

local function growth_of(kind, seen)
  local words = {}
  for i = 2, #seen do
    words[#words + 1] = string.format("%+d", math.floor(step_of(
      kind, seen[i - 1], seen[i])))
  end
  return table.concat(words, ", ")
end

-- How many of the last rounds have left something of this kind behind.
local function rounds_grown(self, kind, seen)
  local count = 0
  for i = #seen, 2, -1 do
    if step_of(kind, seen[i - 1], seen[i]) <= tolerance(self, kind) then
      break
    end
    count = count + 1
  end
  return count
end

-- Whether more rounds are to tell: something grows, and is no leak yet.
local function is_open(self, seen)
  local most = 0
  for _, kind in ipairs(KINDS) do
    most = math.max(most, rounds_grown(self, kind, seen))
  end
  return most > 0 and most < LEAK
end

local function judge_growth(self, seen)
  for _, kind in ipairs(KINDS) do
    local words = growth_of(kind, seen)
    if rounds_grown(self, kind, seen) >= LEAK then
      self:violation("robust.crowd.released", string.format(
        "the target keeps %s of connections that have ended: %s after rounds "
        .. "of %d clients", kind.name, words, self:crowd()))
    else
      self:note(string.format("%s after each round: %s", kind.unit, words))
    end
  end
end

-- The whole -----------------------------------------------------------------

-- Who comes behind a crowd is served behind it: then the target has met all of
-- it, and what it holds is told of no crowd that still waits at its door.
local function run_round(self, round, n)
  round(n)
  self.d:let_go()
  local ok, why = is_served_soon(self)
  if not ok then
    self:violation("robust.crowd.survived",
                   "after the crowd has left nobody is served: " .. why)
  end
  return ok
end

-- What the target holds after each round of a crowd; nil: it did not survive.
local function run_rounds(self, round)
  local crowd, seen = self:crowd(), {}
  if not run_round(self, round, FEW) then
    return nil
  end
  for i = 0, ROUNDS_MAX do
    if i > ROUNDS and not is_open(self, seen) then
      break
    elseif not run_round(self, round, crowd) then
      return nil
    end
    seen[#seen + 1] = seen[i] and settled_usage(self, seen[i])
                      or steady_usage(self)
  end
  return seen
end

-- Runs round(n) with a few clients and then with crowds; it has to begin and
-- end the clients, or leave them to be closed.
function T:endure(round)
  local ok, why = is_served(self)
  if not ok then
    self:inconclusive("the control failed: " .. why)
  end
  local conn = self:newcomer()
  if conn then
    self.target_address = select(3, conn.conn:address())
    conn:close()
  end
  local seen = run_rounds(self, round)
  if seen and #seen > 0 then
    judge_growth(self, seen)
  end
end

-- Adds these to the methods of t.
function endurance.extend(methods)
  for name, fn in pairs(T) do
    methods[name] = fn
  end
end

return endurance
