-- Options of t's methods: a slip of the pen must not pass for a wish.

local options = {}

-- The table of named options, or an empty one; an unknown name is an error of
-- whoever called the method that asks.
function options.check(given, known)
  if given ~= nil and type(given) ~= "table" then
    error("options are a table of names", 3)
  end
  for name in pairs(given or {}) do
    if not known[name] then
      error("there is no option '" .. tostring(name) .. "'", 3)
    end
  end
  return given or {}
end

return options
