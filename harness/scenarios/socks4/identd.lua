-- SOCKS4: a server that asks the identd of the client's host (RFC 1413) who the
-- client is, before it serves a user id. Whether it does shows at port 113 of an
-- address that only this client has.

local USER = "identified" -- the reference asks about this one
local LAYOUT = socks4.reply {}

-- A client of such an address, and its request; or the run is over.
local function ask(t, from)
  local c = t:connect { from = from }
  c:send(socks4.request { to = t:origin(), user = USER })
  return c
end

local function read_line(up)
  local line = ""
  while not line:find("\n", 1, true) do
    local more = up:read_some(3)
    if not more then
      break
    end
    line = line .. more
  end
  return line
end

-- Answers the question that comes to identd; false when none comes.
local function answer(t, identd, text)
  local up = identd:accept(2)
  if not up then
    return false
  end
  local line = read_line(up)
  local ports = line:match("^%s*%d+%s*,%s*%d+")
  if not ports then
    t:inconclusive("what came to port 113 is no query: " .. t:show(line))
  end
  up:send(ports .. " : " .. text .. "\r\n")
  return true
end

local function code_of(t, c, id)
  local reply, why = c:receive(LAYOUT, 8)
  if not reply then
    t:violation(id, "no reply came: " .. why, { absence = true })
    return nil
  end
  return reply.code
end

scenario "socks4.reply.identd" {
  title  = "who asks an identd tells what came of it: 92 nothing, 93 another user",
  checks = { "socks4.reply.identd-unreachable", "socks4.reply.identd-mismatch" },
  needs  = { "socks4", "ipv4" },
  within = 40,
  run    = function (t)
    local from = string.format("127.113.%d.%d", math.random(1, 254),
                               math.random(1, 254))
    local identd = t:origin { host = from, port = 113 }
    if not identd then
      t:skip("port 113 is not to be had")
    end
    local c = ask(t, from)
    if not answer(t, identd, "USERID : UNIX : " .. USER) then
      t:skip("no identd is asked")
    end
    local code = c:receive(LAYOUT, 8)
    if not code or code.code ~= 90 then
      t:skip("a user whom identd confirms is not served")
    end
    for _, other in ipairs { "USERID : UNIX : somebody", "USERID : UNIX : "
                             .. USER .. "2", "ERROR : NO-USER" } do
      c = ask(t, from)
      code = answer(t, identd, other)
             and code_of(t, c, "socks4.reply.identd-mismatch")
      t:check(not code or code == 93, "socks4.reply.identd-mismatch",
              string.format("identd says %s, and the reply is %s", other, code),
              { contested = code == 91 or other:find("ERROR") ~= nil
                            and code == 92 })
    end
    identd:close()
    code = code_of(t, ask(t, from), "socks4.reply.identd-unreachable")
    -- Who goes on without an answer does not need one.
    t:check(not code or code == 92 or code == 90,
            "socks4.reply.identd-unreachable",
            string.format("no identd is there, and the reply is %s", code),
            { contested = code == 91 })
  end,
}
