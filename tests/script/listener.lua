local equal = dofile "tests/script/equal.lua"

local function dial(listener)
  return assert(native.connect { port = listener:port() })
end

return {
  { "connections wait in their order", function ()
    local listener = assert(native.listen { host = "127.0.0.1", port = 0 })
    local first, second = dial(listener), dial(listener)
    for _, conn in ipairs { first, second } do
      local _, port = conn:address()
      local accepted = assert(listener:accept(5))
      local _, _, _, peer_port = accepted:address()
      equal(peer_port, port)
    end
    equal(listener:contacts(), 2)
    equal(listener:host(), "127.0.0.1")
  end },

  { "accept tells silence", function ()
    local listener = assert(native.listen {})
    local conn, why = listener:accept(0.02)
    equal(conn, nil)
    equal(why, "silence")
  end },

  { "only one task accepts", function ()
    local listener = assert(native.listen {})
    native.spawn(function ()
      listener:accept(5)
    end)
    native.sleep(0)
    equal(pcall(listener.accept, listener, 5), false)
  end },

  { "on_accept comes before the first octet", function ()
    local heard = {}
    local listener = assert(native.listen { on_accept = function (conn)
      equal(conn:buffered(), 0)
      heard[1] = "accepted"
      conn:on_event(function (kind)
        heard[#heard + 1] = kind
      end)
    end })
    dial(listener):write("early")
    local conn = assert(listener:accept(5))
    conn:wait(5, 5)
    equal(table.concat(heard, " "), "accepted received")
  end },

  { "an error of on_accept ends the run", function ()
    local listener = assert(native.listen { on_accept = function ()
      error("the witness failed")
    end })
    dial(listener)
    dial(listener)
    native.suspend(5)
  end, fails = "the witness failed" },

  { "closing wakes who waits and resets who came", function ()
    local listener = assert(native.listen {})
    local conn = dial(listener)
    native.spawn(function ()
      listener:accept(5)
      listener:close()
      listener:close()
    end)
    local extra = dial(listener)
    equal(extra:wait(1, 5), true)
    equal(extra:ended(), "rst")
    local none, why = listener:accept(5)
    equal(none, nil)
    equal(why, "closed")
    equal(native.connect { port = listener:port() }, nil)
    equal(conn:ended(), nil)
  end },

  { "closing wakes accept", function ()
    local listener = assert(native.listen {})
    native.spawn(function ()
      listener:close()
    end)
    local none, why = listener:accept()
    equal(none, nil)
    equal(why, "closed")
  end },

  { "a collected listener refuses", function ()
    local port = assert(native.listen {}):port()
    collectgarbage()
    collectgarbage()
    native.sleep(0)
    local _, why = native.connect { port = port }
    equal(why, "refused")
  end },

  { "a port that is taken is told", function ()
    local listener = assert(native.listen {})
    local other, why = native.listen { port = listener:port() }
    equal(other, nil)
    assert(why:find("in use"), why)
  end },

  { "a reserved port refuses and is nobody else's", function ()
    local reserved = assert(native.reserve { host = "127.0.0.1" })
    local port = reserved:port()
    local _, why = native.connect { port = port }
    equal(why, "refused")
    equal(native.listen { port = port }, nil)
    equal(native.reserve { port = port }, nil)
    reserved:close()
    reserved:close()
    assert(native.listen { port = port })
  end },

  { "wrong options are errors", function ()
    equal(pcall(native.listen), false)
    equal(pcall(native.listen, { host = "localhost" }), false)
    equal(pcall(native.listen, { port = -1 }), false)
    equal(pcall(native.listen, { backlog = 0 }), false)
    equal(pcall(native.listen, { on_accept = "f" }), false)
    equal(pcall(native.reserve, { host = "localhost" }), false)
  end },
}
