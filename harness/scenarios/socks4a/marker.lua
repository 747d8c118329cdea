-- SOCKS4A: which addresses say that a name follows.

for _, last in ipairs { 1, 2, 127, 255 } do
  scenario("socks4a.marker.x-" .. last) {
    title  = string.format("0.0.0.%d says that a name follows", last),
    checks = { "socks4a.marker.detect" },
    needs  = { "socks4a", "name" },
    run    = function (t)
      local o, c = t:origin(), t:connect()
      c:send(socks4.request { addr = { 0, 0, 0, last }, port = o.port,
                              name = o.name.host })
      t:expect(c, socks4.reply { code = 90 }, "socks4a.marker.detect", 5)
      local up, text = t:accepted(o, "socks4a.marker.detect"), t:nonce()
      c:send(text)
      t:check(up:read(#text) == text, "socks4a.marker.detect",
              "what came behind the name did not arrive as it was sent")
    end,
  }
end

-- To wait may be to connect, which takes its time; a name that is taken for
-- one when it comes cannot be mistaken.
local function check_no_name(t, addr, id, options)
  local o, c = t:origin(), t:connect()
  c:send(socks4.request { addr = addr, port = o.port })
  if not c:silent(1) then
    return
  end
  c:send(o.name.host .. "\0")
  local reply = c:receive(socks4.reply {}, 2)
  t:check(o:contacts() == 0 and (not reply or reply.code ~= 90), id,
          "a name was awaited, and connected to", options)
end

scenario "socks4a.marker.zero" {
  title    = "0.0.0.0 does not say that a name follows",
  checks   = { "socks4a.marker.zero" },
  needs    = { "socks4a", "name" },
  negative = true,
  run      = function (t)
    check_no_name(t, "0.0.0.0", "socks4a.marker.zero", { contested = true })
  end,
}

for _, addr in ipairs { "0.0.1.1", "0.1.0.1" } do
  scenario("socks4a.marker.other-" .. addr:gsub("%.", "-")) {
    title    = addr .. " does not say that a name follows",
    checks   = { "socks4a.marker.other" },
    needs    = { "socks4a", "name" },
    negative = true,
    run      = function (t)
      check_no_name(t, addr, "socks4a.marker.other")
    end,
  }
end
