-- Max-Forwards, for the methods that it is defined for: RFC 9110 section 7.6.2.

local METHODS = { "TRACE", "OPTIONS" }

-- A proxy may refuse TRACE, and OPTIONS with it.
local function is_declined(x)
  return x.is_own and x.response.status >= 400
end

-- One that knows the method not at all need not say so.
local function skip_unknown(t, method)
  local x = t:exchange { method = method, within = 3 }
  if not x.request and not x.response then
    t:skip(method .. " without Max-Forwards is not answered either")
  end
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
      if not x.response and not x.request then
        skip_unknown(t, method)
      end
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
      if not x.request and not x.response then
        skip_unknown(t, method)
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

-- Whose own maximum is lower says the same number whatever came.
for _, method in ipairs(METHODS) do
  scenario("http.maxforwards." .. method:lower() .. "-by-one") {
    title  = method .. " goes on with one less, or with a maximum",
    checks = { "http.maxforwards.decrement" },
    needs  = { "http-forward" },
    run    = function (t)
      local got = {}
      for _, sent in ipairs { 6, 3, 2 } do
        local x = t:exchange { method = method, fields = {
          { "Max-Forwards", tostring(sent) } } }
        local value = x.request and tonumber(x.request:field("max-forwards") or "")
        if not value then
          t:skip(method .. " does not come through with a number")
        end
        got[sent] = value
      end
      t:check(got[6] == 5 or got[6] == got[3], "http.maxforwards.decrement",
              string.format("6 became %d, and 3 became %d", got[6], got[3]))
      t:check(got[3] == 2 or got[3] == got[2], "http.maxforwards.decrement",
              string.format("3 became %d, and 2 became %d", got[3], got[2]))
    end,
  }
end

-- Zero in other words, and zero in other requests.
local ZEROS = {
  { "of-two-digits", { fields = { { "Max-Forwards", "00" } } } },
  { "of-blanks", { fields = { { "Max-Forwards", " \t0 " } } } },
  { "older", { version = "1.0", fields = { { "Max-Forwards", "0" } } } },
  { "newer", { version = "1.2", fields = { { "Max-Forwards", "0" } } } },
  { "no-path", { target = "", fields = { { "Max-Forwards", "0" } } } },
  { "query", { target = "/?a", fields = { { "Max-Forwards", "0" } } } },
  { "close", { fields = { { "Max-Forwards", "0" }, { "Connection", "close" } } } },
  { "second", { is_second = true, fields = { { "Max-Forwards", "0" } } } },
  { "name", { to = "name", fields = { { "Max-Forwards", "0" } } } },
}

for _, method in ipairs(METHODS) do
  for _, case in ipairs(ZEROS) do
    local name, of = table.unpack(case)
    scenario("http.maxforwards." .. method:lower() .. "-zero-" .. name) {
      title    = "Max-Forwards 0 ends at the proxy: " .. method .. ", "
                 .. name:gsub("-", " "),
      checks   = { "http.maxforwards.zero-stop" },
      needs    = { "http-forward", of.to or "ipv4" },
      negative = true,
      run      = function (t)
        local w = t:witness {}
        local plain = t:exchange { method = method, within = 3,
                                   fields = { { "Max-Forwards", "0" } } }
        if #plain.requests > 0 then
          t:skip("a plain one goes on as well")
        end
        local client = of.is_second and t:exchange {}.client or nil
        local x = t:exchange { origin = w, to = of.to and w[of.to],
          reuse = client, method = method, version = of.version, within = 3,
          target = of.target and "http://" .. w.authority .. of.target,
          fields = of.fields }
        t:check(#x.requests == 0, "http.maxforwards.zero-stop",
                "it reached the origin, and a plain one does not")
      end,
    }
  end
end

-- What no number of a few bits holds is not zero, nor a number beyond it.
for _, sent in ipairs { "256", "65536", "4294967296", "18446744073709551616" } do
  scenario("http.maxforwards.wrapped-" .. sent) {
    title    = "a large Max-Forwards is no small one: " .. sent,
    checks   = { "http.maxforwards.decrement" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local function ask(value)
        return t:exchange { method = "OPTIONS", within = 3,
                            fields = { { "Max-Forwards", value } } }
      end
      local plain = ask("100")
      if not plain.request then
        t:skip("100 is not forwarded either")
      end
      local x = ask(sent)
      local is_served = x.is_own and x.response.status // 100 == 2
      t:check(not is_served, "http.maxforwards.decrement",
              "it was answered as if it were 0")
      t:check(not x.request or (x.request:field("max-forwards") or "") ~= "0",
              "http.maxforwards.decrement", "it went on with 0")
    end,
  }
end
