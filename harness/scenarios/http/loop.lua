-- Requests for the proxy itself: RFC 9110 section 7.3 and 7.6.3.

local HOPS_MAX = 8 -- entries of Via in the answer that show a loop

-- Asks the proxy for itself, under this name. An error, a page of its own and
-- a loop that it cuts are all fine.
local function ask_itself(t, id, host)
  local own = { host = host, port = t.target.port,
                atyp = host:find(":", 1, true) and 4 or 3 }
  local c = t:connect()
  c:send(http.request { to = own, path = "/" .. t:nonce() })
  local got, what = c:response { within = 5 }
  t:check(got or what ~= "silence", id,
          "a request for the proxy itself was not answered in 5 s",
          { absence = true })
  local hops = got and #got:tokens("via") or 0
  t:check(hops <= HOPS_MAX, id,
          "the answer has been through " .. hops .. " proxies")
end

scenario "http.loop.self" {
  title    = "a request for the proxy itself does not go round for ever",
  checks   = { "http.loop.self" },
  needs    = { "http-forward" },
  negative = true,
  run      = function (t)
    ask_itself(t, "http.loop.self", t.target.host)
  end,
}

for _, case in ipairs { { "name", "localhost" }, { "ipv6", "::1" },
                        { "other-loopback", "127.0.0.2" },
                        { "mapped", "::ffff:127.0.0.1" } } do
  scenario("http.loop.self-" .. case[1]) {
    title    = "nor does one that names the proxy as " .. case[2],
    checks   = { "http.loop.own-names" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      if not t.target.host:find("^127%.") then
        t:skip("the proxy is not on the loopback")
      end
      ask_itself(t, "http.loop.own-names", case[2])
    end,
  }
end
