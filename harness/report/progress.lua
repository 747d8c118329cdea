-- How far a run is, on standard error: one line that is rewritten on a
-- terminal, a line each quarter elsewhere, nothing with -q.

local text = require "report.text"

local progress = {}
progress.__index = progress

local BAR = 20
local REDRAW = 0.1 -- seconds

-- total results are to come for the target of that name.
function progress.new(name, total, look)
  return setmetatable({
    name = text.printable(name),
    total = total,
    done = 0,
    bad = 0,
    quarter = 0,
    drawn = -math.huge,
    is_quiet = look.verbosity < 0,
    is_terminal = native.is_tty(2),
  }, progress)
end

local function state_of(self)
  return string.format("%d/%d, %d not passed", self.done, self.total,
    self.bad)
end

local function draw(self, last)
  local filled = self.total > 0 and self.done * BAR // self.total or BAR
  local columns = native.columns() or 80
  local line = string.format("%s [%s%s] %s %s", self.name,
    ("#"):rep(filled), ("-"):rep(BAR - filled), state_of(self), last)
  -- The last column stays free: some terminals would wrap there.
  line = text.cut(line, math.max(columns - 1, 4))
  self.drawn = native.now()
  self.is_drawn = true
  native.err("\r" .. line .. "\27[K")
end

-- A result is there.
function progress:step(result)
  self.done = self.done + 1
  local verdict = result.verdict
  if verdict ~= "pass" and verdict ~= "skip" and verdict ~= "info" then
    self.bad = self.bad + 1
  end
  if self.is_quiet then
    return
  end
  if self.is_terminal then
    if native.now() - self.drawn >= REDRAW then
      draw(self, text.printable(result.scenario))
    end
    return
  end
  local quarter = self.total > 0 and self.done * 4 // self.total or 4
  if quarter > self.quarter then
    self.quarter = quarter
    native.err(string.format("%s: %d%%, %s\n", self.name, quarter * 25,
      state_of(self)))
  end
end

-- Makes room for the report.
function progress:finish()
  if self.is_drawn then
    self.is_drawn = false
    native.err("\r\27[K")
  end
end

return progress
