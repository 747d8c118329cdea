local equal = dofile "tests/script/equal.lua"

local function read(conn, n)
  assert(conn:wait(n, 5))
  return conn:consume(n)
end

return {
  { "a dialogue with the reference, to an origin of ours", function ()
    local server = assert(native.server { socks = "127.0.0.1:0",
                                          user = "me", password = "secret" })
    local origin = assert(native.listen {})
    local conn = assert(native.connect { port = server:socks_port() })
    conn:write("\5\1\2")
    equal(read(conn, 2), "\5\2")
    conn:write("\1\2me\6secret")
    equal(read(conn, 2), "\1\0")
    conn:write("\5\1\0\1\127\0\0\1" .. string.pack(">I2", origin:port()))
    equal(read(conn, 10):sub(1, 4), "\5\0\0\1")
    local there = assert(origin:accept(5))
    conn:write("question")
    equal(read(there, 8), "question")
    there:write("answer")
    equal(read(conn, 6), "answer")
    there:close()
    conn:wait(1, 5)
    equal(conn:ended(), "fin")
    server:close()
    server:close()
    equal(pcall(server.socks_port, server), false)
  end },

  { "both listeners at once", function ()
    local server = assert(native.server { socks = "127.0.0.1:0",
                                          http = "127.0.0.1:0" })
    local conn = assert(native.connect { port = server:http_port() })
    local closed = assert(native.reserve {})
    conn:write("CONNECT 127.0.0.1:" .. closed:port() .. " HTTP/1.1\r\n" ..
               "Host: 127.0.0.1:" .. closed:port() .. "\r\n\r\n")
    equal(read(conn, 10), "HTTP/1.1 5")
    assert(server:socks_port() ~= server:http_port())
  end },

  { "a server that is running dies with the state", function ()
    _G.held = assert(native.server { socks = "127.0.0.1:0" })
    local conn = assert(native.connect { port = held:socks_port() })
    conn:write("\5\1\0")
    equal(read(conn, 2), "\5\0")
  end },

  { "an address that is taken is told", function ()
    local listener = assert(native.listen {})
    local server, why = native.server { socks = "127.0.0.1:" ..
                                                listener:port() }
    equal(server, nil)
    assert(why:find("in use"), why)
  end },

  { "every fault can be served", function ()
    for _, fault in ipairs(native.faults()) do
      assert(fault.name:find("^[a-z0-9-]+$"), fault.name)
      assert(#fault.summary > 0)
      equal(type(fault.needs_auth), "boolean")
      assert(#fault.proves > 0, fault.name)
      for _, id in ipairs(fault.proves) do
        assert(native.requirement(id), id)
      end
      assert(native.server { socks = "127.0.0.1:0", fault = fault.name })
    end
    assert(#native.faults() > 0)
  end },

  { "wrong options are errors", function ()
    for _, address in ipairs { "127.0.0.1", "127.0.0.1:", ":1", "localhost:1",
                               "127.0.0.1:65536", "127.0.0.1:1x", "[::1:1",
                               "::1:1", "[::1]1", "127.0.0.1:-1" } do
      equal(pcall(native.server, { socks = address }), false)
    end
    equal(pcall(native.server, { fault = "none-of-that-name" }), false)
    equal(pcall(native.server, { user = 1 }), false)
  end },

  { "the catalogue is told row by row", function ()
    local rows = native.requirements()
    assert(#rows > 100)
    for _, row in ipairs(rows) do
      for _, field in ipairs { "id", "source", "section", "level", "role",
                               "testability", "summary", "how" } do
        equal(type(row[field]), "string")
      end
      equal(native.requirement(row.id).summary, row.summary)
    end
    equal(native.requirement("no.such.id"), nil)
    equal(native.requirement("socks5.request.rsv").level, "MUST")
  end },
}
