-- Requests whose origin gives no answer, and who asks again: RFC 9110 section
-- 9.2.2.

-- { name, how the origin leaves a request that it has read }
local ENDS = {
  { "fin", function (up) up:close() end },
  { "rst", function (up) up:reset() end },
  { "half-head", function (up)
      up:send("HTTP/1.1 200 OK\r\nX-Half")
      up:close()
    end },
}

-- How often the origin got a request that it leaves so; on a connection that
-- has served before, or on a new one.
local function attempts(t, method, leave, is_kept, is_bare)
  local client
  if is_kept then
    client = t:exchange {}.client
  end
  local x = t:exchange {
    method = method, reuse = client, within = 3,
    body = method ~= "GET" and method ~= "DELETE" and not is_bare and "hello"
           or nil,
    answer = function (up)
      leave(up)
      return false
    end,
  }
  x.witness:wait(function () return #x.requests > 2 end, 0.5)
  return #x.requests
end

for _, is_kept in ipairs { false, true } do
  local place = is_kept and "kept" or "fresh"
  for _, case in ipairs(ENDS) do
    local name, leave = table.unpack(case)
    for _, method in ipairs { "POST", "PATCH", "BREW" } do
      scenario(string.format("http.retry.%s-%s-%s", method:lower(), place,
                             name)) {
        title    = string.format("%s is not repeated: the origin leaves a %s "
                                 .. "connection, %s", method, place, name),
        checks   = { "http.retry.proxy" },
        needs    = { "http-forward" },
        negative = true,
        within   = 15,
        run      = function (t)
          local n = attempts(t, method, leave, is_kept)
          t:check(n <= 1, "http.retry.proxy", string.format(
            "the origin read %s %d times", method, n))
        end,
      }
    end
    for _, method in ipairs { "POST", "PATCH", "BREW", "LOCK" } do
      scenario(string.format("http.retry.%s-bare-%s-%s", method:lower(), place,
                             name)) {
        title    = string.format("%s without content is not repeated: the "
                                 .. "origin leaves a %s connection, %s", method,
                                 place, name),
        checks   = { "http.retry.proxy" },
        needs    = { "http-forward" },
        negative = true,
        within   = 15,
        run      = function (t)
          local n = attempts(t, method, leave, is_kept, true)
          t:check(n <= 1, "http.retry.proxy", string.format(
            "the origin read %s %d times", method, n))
        end,
      }
    end
    for _, method in ipairs { "GET", "PUT", "DELETE" } do
      scenario(string.format("http.retry.%s-%s-%s", method:lower(), place,
                             name)) {
        title    = string.format("%s is repeated once at most: the origin "
                                 .. "leaves a %s connection, %s", method,
                                 place, name),
        checks   = { "http.retry.once" },
        needs    = { "http-forward" },
        negative = true,
        within   = 15,
        run      = function (t)
          local n = attempts(t, method, leave, is_kept)
          t:check(n <= 2, "http.retry.once", string.format(
            "the origin read %s %d times", method, n))
        end,
      }
    end
  end
end
