-- Shell-like patterns over ids: * is any run of characters, ? is one.

local glob = {}

local function to_pattern(text)
  local escaped = text:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0")
  return "^" .. escaped:gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

-- A function that tells whether an id matches one of the patterns.
function glob.any(patterns)
  local list = {}
  for i, text in ipairs(patterns or {}) do
    list[i] = to_pattern(text)
  end
  return function (id)
    for _, pattern in ipairs(list) do
      if id:find(pattern) then
        return true
      end
    end
    return false
  end
end

return glob
