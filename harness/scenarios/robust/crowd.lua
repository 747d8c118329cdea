-- Crowds of clients, one after the other: each kind takes something of the
-- proxy that it has to give back. They run apart (`--endurance`).

local CHECKS = { "robust.crowd.served", "robust.crowd.survived",
                 "robust.crowd.released" }

-- What ends in another way than it began: each client does one of these, so
-- that what one of them leaves behind shows.
local function in_turn(t, n, kinds)
  t:each(n, function (i)
    local c = t:newcomer()
    if c then
      kinds[i % #kinds + 1](c)
      c:close()
    end
  end)
  t:others_served(n)
end

-- Sends it and waits for an answer to it, or the end.
local function asks(c, x)
  c:send(x)
  return c:read_some(0.5)
end

local function greeted(request)
  return function (c)
    if asks(c, "\5\1\0") then
      asks(c, request)
    end
  end
end

local function plain(request)
  return function (c)
    asks(c, request)
  end
end

-- What fails, and a BIND that is given up, of either version.
local FAILURES = {
  socks5 = function (closed)
    return {
      greeted(socks5.request { to = closed }), plain("\5\1\254"),
      greeted("\5\127\0\1\127\0\0\1\0\9"), greeted("\5\1\0\5\127\0\0\1\0\9"),
      greeted("\5\2\0\1\127\0\0\1\0\9"),
    }
  end,
  socks4 = function (closed)
    return {
      plain(socks4.request { to = closed }), plain("\4\9\0\9\127\0\0\1\0"),
      plain("\4\2\0\9\127\0\0\1\0"),
    }
  end,
}

for name, of in pairs(FAILURES) do
  scenario ("robust." .. name .. ".failures") {
    title = "a crowd of clients whose requests fail", checks = CHECKS,
    needs = { name }, config = "noauth", endurance = true,
    run = function (t)
      local kinds = of(t:closed())
      t:endure(function (n)
        in_turn(t, n, kinds)
      end)
    end,
  }

  -- The destination closes and resets in turn; the client may half-close.
  scenario ("robust." .. name .. ".ended-tunnels") {
    title = "a crowd of tunnels that their destination ends", checks = CHECKS,
    needs = { name }, config = "noauth", endurance = true,
    run = function (t)
      local o = t:origin { backlog = 128 }
      local ask = name == "socks5" and greeted(socks5.request { to = o })
                  or plain(socks4.request { to = o })
      t:endure(function (n)
        local crowd = t:gather(n, ask)
        for i = 1, #crowd do
          local up = o:accept(0.5)
          if not up then
            break
          elseif i % 3 == 0 then
            crowd[i]:shut()
          end
          up[i % 3 == 1 and "reset" or "close"](up)
        end
        t:each(#crowd, function (k)
          crowd[k]:ended(0.5)
          crowd[k]:close()
        end)
        t:others_served(n)
      end)
    end,
  }
end

scenario "robust.userpass.wrong" {
  title = "a crowd of clients with wrong credentials", checks = CHECKS,
  needs = { "socks5", "userpass" }, config = "auth", endurance = true,
  run = function (t)
    t:endure(function (n)
      in_turn(t, n, { function (c)
        if asks(c, "\5\1\2") then
          asks(c, userpass.request { password = "not the password" })
        end
      end })
    end)
  end,
}

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
