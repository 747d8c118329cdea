-- What the tests of this folder compare with: equal(got, want).

local function show(value)
  return type(value) == "string" and string.format("%q", value)
      or tostring(value)
end

return function (got, want)
  if got ~= want then
    error("got " .. show(got) .. " where " .. show(want) .. " is due", 2)
  end
end
