-- What `t` knows of the network of the run's own: places that cannot be reached,
-- and names that resolve as a scenario wishes.

local dialogue = require "runner.dialogue"
local options = require "runner.options"

local places = {}

local T = {}

local function network_of(self)
  local network = self.d.settings.network
  if not network then
    error("needs does not name 'network'", 3)
  end
  return network
end

function T:place(kind, wishes)
  wishes = options.check(wishes, { family = true })
  local place, why = network_of(self):place(kind, wishes.family or 4)
  return place or self:skip("there is no " .. kind .. " place: "
                            .. tostring(why))
end

function T:name(wishes)
  local name, why = network_of(self):name(dialogue.nonce(16), wishes)
  return name or self:skip("no names of ours: " .. tostring(why))
end

-- Adds them to the methods of t.
function places.extend(t)
  for name, method in pairs(T) do
    t[name] = method
  end
end

return places
