-- Crowds of clients, one after the other: each kind takes something of the
-- proxy that it has to give back. They run apart (`--endurance`).

local CHECKS = { "robust.crowd.served", "robust.crowd.survived",
                 "robust.crowd.released" }

-- A handshake of each protocol that stops in the middle.
local PROTOCOLS = {
  socks5 = { need = "socks5", begun = "\5", whole = "\5\1\0" },
  socks4 = { need = "socks4", begun = "\4\1\0\80",
             whole = "\4\1\0\80\127\0\0\1user" },
  http = { need = "http-connect", begun = "CONNECT 127.0.0.1:9 HT",
           whole = "CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" },
}

for name, protocol in pairs(PROTOCOLS) do
  local function define(what, title, round)
    scenario ("robust." .. name .. "." .. what) {
      title = title, checks = CHECKS, needs = { protocol.need },
      config = "noauth", endurance = true,
      run = function (t)
        t:endure(function (n)
          round(t, n)
        end)
      end,
    }
  end

  define("half-open", "a crowd of clients that stop within the handshake",
    function (t, n)
      t:gather(n, function (c)
        c:send(protocol.begun)
      end)
      t:others_served(n)
    end)

  define("drip", "a crowd of clients that send their handshake drop by drop",
    function (t, n)
      local crowd = t:gather(n)
      for i = 1, math.min(#protocol.whole, 4) do
        t:each(#crowd, function (k)
          crowd[k]:send(protocol.whole:sub(i, i))
        end)
      end
      t:others_served(n)
    end)

  define("reset-storm", "clients that reset the connection right away",
    function (t, n)
      t:each(n, function (i)
        local c = t:newcomer()
        if c then
          c:send(protocol.whole:sub(1, i % #protocol.whole))
          c:reset()
        end
      end)
    end)

  define("idle-tunnels", "a crowd of tunnels that carry nothing",
    function (t, n)
      local tunnels = t:tunnels(n)
      t:others_served(n)
      tunnels:close()
    end)
end

scenario "robust.udp.associations" {
  title = "a crowd of UDP associations",
  checks = CHECKS, needs = { "socks5", "udp" }, config = "noauth",
  endurance = true,
  run = function (t)
    t:endure(function (n)
      t:gather(n, function (c)
        c:send("\5\1\0")
        if c:read(2) == "\5\0" then
          c:send("\5\3\0\1\0\0\0\0\0\0")
          c:read(10)
        end
      end)
      t:others_served(n)
    end)
  end,
}
