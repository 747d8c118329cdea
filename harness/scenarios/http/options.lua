-- OPTIONS that the proxy answers: RFC 9110 section 9.3.7.

-- Fields that say what can be asked for.
local function names_features(response)
  for _, field in ipairs(response.fields) do
    local name = field.name
    if name == "allow" or name == "public" or name == "dav"
      or name:find("^accept") then
      return true
    end
  end
  return false
end

local function check(t, x, options)
  if not x.is_own or x.response.status // 100 ~= 2 then
    t:skip("the proxy does not answer OPTIONS with success")
  end
  t:check(names_features(x.response), "http.options.answer",
          "the answer names no optional feature, such as Allow", options)
end

scenario "http.options.max-forwards" {
  title    = "an OPTIONS that ends at the proxy is told what it offers",
  checks   = { "http.options.answer" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    check(t, t:exchange { method = "OPTIONS", within = 3,
                          fields = { { "Max-Forwards", "0" } } })
  end,
}

scenario "http.options.asterisk" {
  title    = "OPTIONS * asks about the proxy itself",
  checks   = { "http.options.answer" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    -- Section 9.3.7 calls it useful only as a "ping" or "no-op".
    check(t, t:exchange { method = "OPTIONS", target = "*", within = 3 },
          { contested = true })
  end,
}
