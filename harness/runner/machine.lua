-- Whether this machine lets us run: what did not come in time while it did not
-- may be its doing, not the target's.

local machine = {}

-- This process woke up so much later than it asked to, in seconds.
local LAG = 0.2
local STEP = 0.05

-- Notes when this process was last kept from running, until self.is_over.
function machine.watch(self)
  while not self.is_over do
    local before = native.now()
    native.sleep(STEP)
    if native.now() - before > STEP + LAG then
      self.last_lag = native.now()
    end
  end
end

-- Whether the machine was too busy for what was seen to count as the target's.
function machine.was_busy(self, outcome)
  return outcome.stop == "starved"
         or (self.last_lag and self.last_lag >= outcome.started) or false
end

return machine
