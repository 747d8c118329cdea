-- What a field of a message has to be: a value, one of several, none of
-- several, or anything.

local match = {}

local Matcher = {}
Matcher.__index = Matcher

local function matcher(kind, values)
  return setmetatable({ kind = kind, values = values }, Matcher)
end

function match.one_of(values)
  return matcher("one of", values)
end

function match.none_of(values)
  return matcher("none of", values)
end

match.anything = matcher("anything", {})

function match.is(value)
  return getmetatable(value) == Matcher
end

local function is_listed(values, got, equal)
  for _, value in ipairs(values) do
    if equal(value, got) then
      return true
    end
  end
  return false
end

local function is_same(want, got)
  return want == got
end

-- Whether got is what want asks for; equal compares two plain values.
function match.holds(want, got, equal)
  equal = equal or is_same
  if getmetatable(want) ~= Matcher then
    return equal(want, got)
  end
  if want.kind == "anything" then
    return true
  end
  return is_listed(want.values, got, equal) == (want.kind == "one of")
end

-- How a wish reads in a finding; show turns one plain value into text.
function match.describe(want, show)
  show = show or tostring
  if getmetatable(want) ~= Matcher then
    return show(want)
  end
  if want.kind == "anything" then
    return "anything"
  end
  local texts = {}
  for i, value in ipairs(want.values) do
    texts[i] = show(value)
  end
  return want.kind .. " " .. table.concat(texts, ", ")
end

return match
