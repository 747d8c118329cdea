-- The reports that --report asked for: a list of { format =, path = }.

local json = require "report.json"
local junit = require "report.junit"

local orders = {}

local renderers = {
  json = function (run)
    return json.render(run) .. "\n"
  end,
  junit = junit.render,
}

-- Before the run: whether each can be written at all. True, or nil and one
-- line that says which cannot.
function orders.check(list)
  local seen = {}
  for _, order in ipairs(list or {}) do
    if not renderers[order.format] then
      return nil, string.format("--report: unknown format '%s'",
        order.format)
    end
    if seen[order.path] then
      return nil, string.format("--report: %s is named twice",
        order.path)
    end
    seen[order.path] = true
    if order.path ~= "-" then
      local ok, why = native.can_write(order.path)
      if not ok then
        return nil, string.format("--report: %s: %s", order.path, why)
      end
    end
  end
  return true
end

-- Whether a report goes to standard output, where nothing else may then go.
function orders.has_stdout(list)
  for _, order in ipairs(list or {}) do
    if order.path == "-" then
      return true
    end
  end
  return false
end

-- After the run: writes them all, whatever happens to one. True, or nil and
-- one line about the first that failed.
function orders.write(list, run, look)
  local failure
  for _, order in ipairs(list or {}) do
    local ok, why = native.write_file(order.path,
      renderers[order.format](run, look))
    if not ok and not failure then
      failure = string.format("--report: %s: %s", order.path, why)
    end
  end
  if failure then
    return nil, failure
  end
  return true
end

return orders
