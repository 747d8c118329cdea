local equal = dofile "tests/script/equal.lua"

local function pair()
  return assert(native.udp {}), assert(native.udp {})
end

-- The longest payload that IPv4 can carry: 65,535 less both headers.
local LONGEST = 65507

return {
  { "a datagram comes whole, with where it is from", function ()
    local here, there = pair()
    equal(here:send("ping\0\255", there:host(), there:port()), true)
    local data, host, port = there:receive(5)
    equal(data, "ping\0\255")
    equal(host, "127.0.0.1")
    equal(port, here:port())
    assert(there:send("pong", host, port))
    equal(here:receive(5), "pong")
  end },

  { "datagrams are not joined, and empty ones count", function ()
    local here, there = pair()
    for _, data in ipairs { "a", "", "bc" } do
      assert(here:send(data, there:host(), there:port()))
    end
    equal(there:receive(5), "a")
    equal(there:receive(5), "")
    equal(there:receive(5), "bc")
  end },

  { "the longest datagram passes, a longer one is told", function ()
    local here, there = pair()
    local data = ("x"):rep(LONGEST)
    equal(here:send(data, there:host(), there:port()), true)
    equal(there:receive(5), data)
    local ok, why = here:send(data .. "x", there:host(), there:port())
    equal(ok, nil)
    assert(why:find("too long"), why)
  end },

  { "receive tells silence at its deadline", function ()
    local here = pair()
    local start = native.now()
    local data, why = here:receive(0.03)
    equal(data, nil)
    equal(why, "silence")
    assert(native.now() - start >= 0.03, "it was early")
  end },

  { "IPv6 has a port space of its own", function ()
    local four = assert(native.udp { host = "127.0.0.1" })
    local six, why = native.udp { host = "::1", port = four:port() }
    if not six and why:find("not available") then
      return -- a machine without IPv6
    end
    assert(six, why)
    equal(six:host(), "::1")
    equal(six:send("six", "::1", six:port()), true)
    local data, host, port = six:receive(5)
    equal(data, "six")
    equal(host, "::1")
    equal(port, four:port())
  end },

  { "the handler hears of what goes and what comes", function ()
    local heard = {}
    local there = assert(native.udp { on_event = function (kind, data, now,
                                                           host, port)
      assert(now <= native.now())
      heard[#heard + 1] = table.concat({ kind, data, host, port }, " ")
    end })
    local here = assert(native.udp {})
    here:send("in", "127.0.0.1", there:port())
    there:receive(5)
    there:send("out", "127.0.0.1", here:port())
    there:on_event(nil)
    there:send("unheard", "127.0.0.1", here:port())
    equal(#heard, 2)
    equal(heard[1], "received in 127.0.0.1 " .. here:port())
    equal(heard[2], "sent out 127.0.0.1 " .. here:port())
  end },

  { "what the handler is told of can be received", function ()
    local here, there = pair()
    local got
    local main = coroutine.running()
    there:on_event(function ()
      got = there:receive(0)
      native.wake(main)
    end)
    here:send("x", there:host(), there:port())
    native.suspend(5)
    equal(got, "x")
  end },

  { "an error of a handler ends the run", function ()
    local here, there = pair()
    there:on_event(function ()
      error("the handler failed")
    end)
    here:send("x", there:host(), there:port())
    native.suspend(5)
  end, fails = "the handler failed" },

  { "an error of a handler reaches whoever sends", function ()
    local here, there = pair()
    here:on_event(function ()
      error("not now", 0)
    end)
    local ok, why = pcall(here.send, here, "x", "127.0.0.1", there:port())
    equal(ok, false)
    equal(why, "not now")
  end },

  { "a port where nobody is does no harm", function ()
    local here, there = pair()
    local port = there:port()
    there:close()
    equal(here:send("x", "127.0.0.1", port), true)
    local data, why = here:receive(0.02)
    equal(data, nil)
    equal(why, "silence")
    equal(here:send("y", "127.0.0.1", here:port()), true)
    equal(here:receive(5), "y")
  end },

  { "reading goes on when a full queue was emptied", function ()
    local here, there = pair()
    local main = coroutine.running()
    native.spawn(function ()
      for i = 1, 5000 do
        here:send(tostring(i), there:host(), there:port())
        if i % 10 == 0 then
          native.sleep(0) -- the kernel's buffer is smaller than the queue
        end
      end
      native.wake(main)
    end)
    native.suspend(10)
    for i = 1, 4096 do
      equal(there:receive(5), tostring(i))
    end
    while there:receive(0) do
    end
    here:send("more", there:host(), there:port())
    equal(there:receive(5), "more")
  end },

  { "closing wakes who receives", function ()
    local here = pair()
    native.spawn(function ()
      here:close()
      here:close()
    end)
    local data, why = here:receive()
    equal(data, nil)
    equal(why, "closed")
    local ok, told = here:send("x", "127.0.0.1", 9)
    equal(ok, nil)
    equal(told, "closed")
  end },

  { "only one task receives", function ()
    local here = pair()
    native.spawn(function ()
      here:receive(5)
    end)
    native.sleep(0)
    local ok, why = pcall(here.receive, here, 5)
    equal(ok, false)
    assert(why:find("another task"), why)
  end },

  { "a collected socket gives its port back", function ()
    local port = assert(native.udp {}):port()
    collectgarbage()
    collectgarbage()
    native.sleep(0)
    assert(native.udp { port = port })
  end },

  { "a port that is taken is told", function ()
    local here = pair()
    local other, why = native.udp { port = here:port() }
    equal(other, nil)
    assert(why:find("in use"), why)
  end },

  { "wrong options are errors", function ()
    local here = pair()
    equal(pcall(native.udp), false)
    equal(pcall(native.udp, { host = "localhost" }), false)
    equal(pcall(native.udp, { port = 65536 }), false)
    equal(pcall(native.udp, { on_event = "f" }), false)
    equal(pcall(here.send, here, "x", "localhost", 9), false)
    equal(pcall(here.send, here, "x", "127.0.0.1", 65536), false)
    equal(pcall(here.send, here, "x", "127.0.0.1"), false)
    equal(pcall(here.send, here, ("x"):rep(70000), "127.0.0.1", 9), false)
  end },
}
