-- Max-Forwards, for the methods that it is defined for: RFC 9110 section 7.6.2.

local METHODS = { "TRACE", "OPTIONS" }

-- A proxy may refuse TRACE, and OPTIONS with it.
local function is_declined(x)
  return x.is_own and x.response.status >= 400
end

for _, method in ipairs(METHODS) do
  local small = method:lower()

  scenario("http.maxforwards." .. small .. "-zero") {
    title    = method .. " with Max-Forwards 0 is answered by the proxy",
    checks   = { "http.maxforwards.zero-stop", "http.maxforwards.zero-answer" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local x = t:exchange { method = method, within = 3,
                             fields = { { "Max-Forwards", "0" } } }
      t:check(#x.requests == 0 and x.witness:contacts() == 0,
              "http.maxforwards.zero-stop", "the origin was contacted")
      t:check(x.response or x.request, "http.maxforwards.zero-answer",
              "no answer came: " .. tostring(x.what), { absence = true })
    end,
  }

  scenario("http.maxforwards." .. small .. "-counted") {
    title  = method .. " with Max-Forwards 5 goes on with less",
    checks = { "http.maxforwards.decrement" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { method = method,
                             fields = { { "Max-Forwards", "5" } } }
      if is_declined(x) then
        t:skip(method .. " is answered with " .. x.response.status)
      end
      t:check(x.request, "http.maxforwards.decrement",
              "it did not reach the origin", { absence = true })
      local value = x.request and x.request:field("max-forwards")
      t:check(not x.request or (value and value:find("^[0-4]$")),
              "http.maxforwards.decrement",
              "the origin saw Max-Forwards: " .. tostring(value))
    end,
  }

  for _, case in ipairs { { "one", "1", "^0$" }, { "ten", "10", "^[0-9]$" },
                          { "hundred", "100", "^[0-9][0-9]?$" } } do
    scenario("http.maxforwards." .. small .. "-" .. case[1]) {
      title  = method .. " with Max-Forwards " .. case[2] .. " goes on with less",
      checks = { "http.maxforwards.decrement" },
      needs  = { "http-forward" },
      run    = function (t)
        local id = "http.maxforwards.decrement"
        local plain = t:exchange { method = method,
                                   fields = { { "Max-Forwards", "5" } } }
        if not plain.request then
          t:skip(method .. " with 5 does not come through either")
        end
        local x = t:exchange { method = method,
                               fields = { { "Max-Forwards", case[2] } } }
        t:check(x.request, id, "it did not reach the origin",
                { absence = not x.is_own })
        local value = x.request and x.request:field("max-forwards")
        t:check(not x.request or (value and value:find(case[3])), id,
                "the origin saw Max-Forwards: " .. tostring(value))
      end,
    }
  end

  scenario("http.maxforwards." .. small .. "-none") {
    title  = method .. " without Max-Forwards goes on without",
    checks = { "http.maxforwards.no-add" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { method = method }
      if is_declined(x) then
        t:skip(method .. " is answered with " .. x.response.status)
      end
      local value = x.request and x.request:field("max-forwards")
      t:check(not value, "http.maxforwards.no-add",
              "the origin saw Max-Forwards: " .. tostring(value))
    end,
  }
end

local ODD = {
  { "negative", { "-1" } }, { "letters", { "abc" } }, { "empty", { "" } },
  { "twice", { "5", "3" } }, { "huge", { "99999999999999999999" } },
}

-- Whether a number stands there that nobody sent, and that lets it go on.
local function is_wrapped(value, sent)
  local digits = value:match("^%d+$")
  if not digits then
    return false
  elseif sent == "huge" then
    return #digits > 20
  end
  return tonumber(digits) > 5
end

for _, case in ipairs(ODD) do
  local name, values = case[1], case[2]
  scenario("http.maxforwards.odd-" .. name) {
    title  = "an odd Max-Forwards does not become a large one: " .. name,
    checks = { "http.maxforwards.odd-value" },
    needs  = { "http-forward" },
    negative = true,
    run    = function (t)
      local fields = {}
      for i, value in ipairs(values) do
        fields[i] = { "Max-Forwards", value }
      end
      local x = t:exchange { method = "OPTIONS", fields = fields, within = 3 }
      for _, value in ipairs(x.request and x.request:values("max-forwards")
                             or {}) do
        t:check(not is_wrapped(value, name), "http.maxforwards.odd-value",
                "the origin saw Max-Forwards: " .. value)
      end
    end,
  }
end
