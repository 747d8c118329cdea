-- Values that are known only when a dialogue runs: an origin's port, a nonce,
-- the target's credentials. They can be joined to strings with `..` while a
-- scenario is loaded, and are resolved in the context of one run.

local ref = {}

local Ref = { __name = "deferred value" }

function Ref.__index(_, name)
  error("a value that is known when the scenario runs has no '"
        .. tostring(name) .. "'", 2)
end

function ref.new(label, resolve)
  return setmetatable({ label = label, resolve = resolve }, Ref)
end

function ref.is(value)
  return getmetatable(value) == Ref
end

-- The value itself, or what a deferred one stands for in this context.
function ref.resolve(value, context)
  if getmetatable(value) == Ref then
    return value.resolve(context)
  end
  return value
end

local function text_of(value, context)
  local resolved = ref.resolve(value, context)
  if math.type(resolved) == "integer" then
    return string.format("%d", resolved)
  end
  return resolved
end

-- How a deferred value reads where no run is there: in keys and in listings.
function ref.describe(value)
  if getmetatable(value) == Ref then
    return "<" .. value.label .. ">"
  end
  return tostring(value)
end

Ref.__concat = function (a, b)
  return ref.new(ref.describe(a) .. ref.describe(b), function (context)
    return text_of(a, context) .. text_of(b, context)
  end)
end

return ref
