local equal = dofile "tests/script/equal.lua"

-- Both ends of a fresh connection: ours, the accepted one, the listener.
local function pair(options)
  options = options or {}
  local listener = assert(native.listen { on_accept = options.on_accept })
  local conn = assert(native.connect { port = listener:port(),
                                       from = options.from })
  return conn, assert(listener:accept(5)), listener
end

-- Everything until the end: octets, "fin" or "rst".
local function read_all(conn)
  local parts = {}
  while conn:wait(1, 5) do
    if conn:buffered() == 0 then
      return table.concat(parts), conn:ended()
    end
    parts[#parts + 1] = conn:consume(conn:buffered())
  end
  error("neither octets nor an end came", 2)
end

-- Writes until the kernel takes no more.
local function fill(conn)
  local chunk = ("x"):rep(1024 * 1024)
  local written = 0
  repeat
    assert(conn:write(chunk))
    written = written + #chunk
  until conn:flush(0.02) == nil
  return written
end

return {
  { "octets pass both ways", function ()
    local here, there = pair()
    equal(here:write("ping"), true)
    equal(there:wait(4, 5), true)
    equal(there:consume(4), "ping")
    equal(there:write("pong\0\255"), true)
    equal(here:wait(6, 5), true)
    equal(here:peek(), "pong\0\255")
  end },

  { "peek leaves and consume takes", function ()
    local here, there = pair()
    here:write("abcdef")
    there:wait(6, 5)
    equal(there:peek(2), "ab")
    equal(there:peek(100), "abcdef")
    equal(there:consume(2), "ab")
    equal(there:buffered(), 4)
    equal(there:peek(0), "")
    equal(there:consume(4), "cdef")
    equal(there:peek(), "")
    equal(pcall(there.peek, there, -1), false)
  end },

  { "the handler hears of everything, in order", function ()
    local heard, times = {}, {}
    local function note(kind, data, now)
      heard[#heard + 1] = kind .. (data and "=" .. data or "")
      times[#times + 1] = now
    end
    local here, there = pair { on_accept = function (conn)
      conn:on_event(function (kind, data, now)
        note("there " .. kind, data, now)
      end)
    end }
    here:on_event(note)
    here:write("a")
    there:wait(1, 5)
    there:write("b")
    here:wait(1, 5)
    here:shut()
    here:shut()
    there:wait(2, 5)
    there:close()
    there:close()
    here:wait(2, 5)
    here:close()
    here:reset()
    equal(table.concat(heard, " "),
          "sent=a there received=a there sent=b received=b shut there fin " ..
          "there closed fin closed")
    for i = 2, #times do
      assert(times[i - 1] <= times[i] and times[i] <= native.now())
    end
  end },

  { "a handler can be taken away", function ()
    local here, there = pair()
    here:on_event(error)
    here:on_event(nil)
    here:write("x")
    equal(there:wait(1, 5), true)
  end },

  { "an error of a handler ends the run", function ()
    local here, there = pair()
    there:on_event(function ()
      error("the handler failed")
    end)
    here:write("x")
    native.suspend(5)
  end, fails = "the handler failed" },

  { "an error of a handler reaches whoever writes", function ()
    local here = pair()
    here:on_event(function ()
      error("not now", 0)
    end)
    local ok, why = pcall(here.write, here, "x")
    equal(ok, false)
    equal(why, "not now")
  end },

  { "wait returns at once, at its deadline and at the end", function ()
    local here, there = pair()
    equal(there:wait(0), true)
    local start = native.now()
    equal(there:wait(1, 0.05), false)
    assert(native.now() - start >= 0.05, "it was early")
    here:write("ab")
    equal(there:wait(3, 0.05), false)
    equal(there:buffered(), 2)
    equal(there:ended(), nil)
    here:close()
    equal(there:wait(3, 5), true)
    equal(there:ended(), "fin")
    equal(there:wait(1000), true)
    equal(pcall(there.wait, there, 8 * 1024 * 1024 + 1, 0), false)
    equal(pcall(there.wait, there, -1, 0), false)
  end },

  { "wait on what we closed is over at once", function ()
    local here = pair()
    here:close()
    equal(here:wait(1), false)
  end },

  { "closing wakes who waits", function ()
    local here = pair()
    native.spawn(function ()
      here:close()
    end)
    equal(here:wait(1), false)
  end },

  { "only one task reads", function ()
    local here = pair()
    native.spawn(function ()
      here:wait(1, 5)
    end)
    native.sleep(0)
    local ok, why = pcall(here.wait, here, 1, 5)
    equal(ok, false)
    assert(why:find("another task"), why)
  end },

  { "one task reads while another flushes", function ()
    local here, there = pair()
    there:pause()
    fill(here)
    local flushed
    native.spawn(function ()
      flushed = here:flush(5)
      there:write("done")
    end)
    native.sleep(0)
    there:resume()
    native.spawn(function ()
      while there:wait(1, 5) and not there:ended() do
        there:consume(there:buffered())
      end
    end)
    equal(here:wait(4, 5), true)
    equal(flushed, true)
    here:close()
  end },

  { "a FIN leaves the other direction open", function ()
    local here, there = pair()
    here:write("question")
    here:shut()
    local text, how = read_all(there)
    equal(text, "question")
    equal(how, "fin")
    there:write("answer")
    there:close()
    text, how = read_all(here)
    equal(text, "answer")
    equal(how, "fin")
    local ok, why = here:write("more")
    equal(ok, nil)
    equal(why, "closed")
  end },

  { "an RST is told from a FIN", function ()
    local here, there = pair()
    here:write("last words")
    there:wait(10, 5)
    here:reset()
    equal(there:wait(11, 5), true)
    equal(there:ended(), "rst")
    equal(there:peek(), "last words")
    local ok, why = there:write("more")
    equal(ok, nil)
    equal(why, "rst")
    ok, why = there:flush(5)
    equal(ok, nil)
    equal(why, "rst")
  end },

  { "octets and an RST at once are both told", function ()
    local here, there = pair()
    there:pause()
    here:write("last words")
    here:reset()
    there:resume()
    local text, how = read_all(there)
    equal(text, "last words")
    equal(how, "rst")
  end },

  { "octets and a FIN at once are both told", function ()
    local here, there = pair()
    there:pause()
    here:write("last words")
    here:close()
    there:resume()
    local text, how = read_all(there)
    equal(text, "last words")
    equal(how, "fin")
  end },

  { "closing with unread octets is an RST, as the kernel has it", function ()
    local here, there = pair { on_accept = function (conn)
      conn:pause()
    end }
    here:write("unread")
    native.suspend(0.05)
    there:close()
    equal(here:wait(1, 5), true)
    equal(here:ended(), "rst")
  end },

  { "an RST that a write meets first is still told", function ()
    local here, there = pair()
    there:pause()
    fill(there)
    here:reset()
    local ok, why = there:flush(5)
    equal(ok, nil)
    equal(why, "rst")
    equal(there:ended(), nil)
    there:resume()
    equal(there:wait(1, 5), true)
    equal(there:ended(), "rst")
  end },

  { "a FIN before the RST stays a FIN", function ()
    local here, there = pair()
    here:close()
    there:wait(1, 5)
    local ok, why
    repeat
      ok, why = there:write("x")
      native.sleep(0)
    until not ok
    equal(why, "rst")
    equal(there:ended(), "fin")
  end },

  { "a reset while a FIN is on its way is an RST", function ()
    local here, there = pair()
    there:pause()
    fill(here)
    here:shut()
    here:reset()
    there:resume()
    local _, how = read_all(there)
    equal(how, "rst")
  end },

  { "a reset behind a FIN is an RST", function ()
    local here, there = pair()
    here:shut()
    equal(there:wait(1, 5), true)
    here:reset()
    local ok
    repeat
      ok = there:write("x")
      native.sleep(0)
    until not ok
  end },

  { "a paused reader is felt by the writer", function ()
    local here, there = pair()
    there:pause()
    local written = fill(here)
    assert(here:queued() > 0)
    equal(there:buffered(), 0)
    here:shut()
    there:resume()
    local text, how = read_all(there)
    equal(#text, written)
    equal(how, "fin")
    equal(here:queued(), 0)
    equal(here:flush(5), true)
  end },

  { "reading stops by itself", function ()
    local limit = 8 * 1024 * 1024
    local here, there = pair()
    here:write(("x"):rep(3 * limit))
    equal(there:wait(limit, 60), true)
    equal(here:flush(0.02), nil)
    assert(there:buffered() < limit + 65536, there:buffered())
    here:close()
    equal(#(read_all(there)), 3 * limit)
  end },

  { "flush tells silence and success", function ()
    local here, there = pair()
    equal(here:flush(), true)
    there:pause()
    fill(here)
    local ok, why = here:flush(0.02)
    equal(ok, nil)
    equal(why, "silence")
    there:resume()
    native.spawn(function ()
      read_all(there)
    end)
    equal(here:flush(5), true)
    here:close()
  end },

  { "closing sends what was written before, kept or not", function ()
    local here, there = pair()
    there:pause()
    local written = fill(here)
    here:close()
    here:reset() -- closed is closed
    here = nil
    collectgarbage()
    collectgarbage()
    there:resume()
    local text, how = read_all(there)
    equal(#text, written)
    equal(how, "fin")
  end },

  { "what is left to send dies with the state", function ()
    local here, there, listener = pair()
    there:pause()
    fill(here)
    here:close()
    _G.held = { there, listener }
  end },

  { "a collected connection is closed", function ()
    local here, there = pair()
    here = nil
    collectgarbage()
    collectgarbage()
    equal(there:wait(1, 5), true)
    equal(there:ended(), "fin")
  end },

  { "a queue that nobody reads ends with an error", function ()
    local here, there = pair()
    there:pause()
    local chunk = ("x"):rep(32 * 1024 * 1024)
    local ok, why
    for _ = 1, 9 do
      ok, why = pcall(here.write, here, chunk)
    end
    equal(ok, false)
    assert(why:find("too much"), why)
  end },

  { "addresses are numeric", function ()
    local here, there, listener = pair { from = "127.0.0.2" }
    local host, port, peer, peer_port = here:address()
    equal(host, "127.0.0.2")
    equal(peer, "127.0.0.1")
    equal(peer_port, listener:port())
    local a, b, c, d = there:address()
    equal(a, peer)
    equal(b, peer_port)
    equal(c, host)
    equal(d, port)
    here:close()
    equal(here:address(), "127.0.0.2")
  end },

  { "IPv6 has no brackets", function ()
    local listener = native.listen { host = "::1" }
    if listener then
      local conn = assert(native.connect { host = "::1",
                                           port = listener:port() })
      equal(conn:address(), "::1")
      equal(listener:host(), "::1")
    end
  end },

  { "names are resolved, and every address of theirs tried", function ()
    local listener = assert(native.listen { host = "127.0.0.1" })
    local conn = assert(native.connect { host = "localhost",
                                         port = listener:port() })
    local _, _, host = conn:address()
    equal(host, "127.0.0.1")
  end },

  { "why there is no connection", function ()
    local closed = assert(native.reserve {})
    local ok, why = native.connect { port = closed:port() }
    equal(ok, nil)
    equal(why, "refused")
    ok, why = native.connect { port = deaf_port(), within = 0.05 }
    equal(ok, nil)
    equal(why, "timeout")
    ok, why = native.connect { host = "a..b", port = 1 }
    equal(ok, nil)
    equal(type(why), "string")
    ok, why = native.connect { port = closed:port(), from = "::1" }
    equal(ok, nil)
    equal(type(why), "string")
  end },

  { "wrong options are errors", function ()
    equal(pcall(native.connect), false)
    equal(pcall(native.connect, { port = 65536 }), false)
    equal(pcall(native.connect, { port = "x" }), false)
    equal(pcall(native.connect, { port = 1, host = {} }), false)
    equal(pcall(native.connect, { port = 1, from = "localhost" }), false)
    equal(pcall(native.connect, { port = 1, within = "soon" }), false)
  end },
}
