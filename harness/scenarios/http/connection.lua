-- Connection and the fields that end with a connection: RFC 9110 sections 5.6.1
-- and 7.6.1.

local ODD_NAME = "X!#$%&'*+-.^_`|~0"
local LONG_NAME = "X-" .. ("long-"):rep(12) .. "hop"

-- The sides of an exchange: where the fields are put, and who must not see them.
local SIDES = {
  request = {
    put  = function (wishes, fields)
      wishes.fields = fields
    end,
    seen = function (x)
      return x.request, "the origin"
    end,
  },
  response = {
    put  = function (wishes, fields)
      wishes.answer = { fields = fields }
      for _, field in ipairs(fields) do
        local is_option = field[1]:lower() == "connection"
        if is_option and field[2]:lower():find("close") then
          wishes.answer.close = true
        end
      end
    end,
    seen = function (x)
      return x.response, "the client"
    end,
  },
}

-- One exchange with these fields on one side: what the other side saw of them,
-- and who that is.
local function pass(t, side, fields, id, wishes)
  wishes = wishes or {}
  wishes.breaks = id
  SIDES[side].put(wishes, fields)
  return SIDES[side].seen(t:exchange(wishes))
end

local function check_gone(t, id, m, who, name)
  t:check(not m:field(name), id, string.format(
    "%s saw %s, which is a connection-option", who, name))
end

-- Fields that Connection names -------------------------------------------------

-- { name, Connection's lines, the fields }; fields_first: they stand before it.
local LISTED = {
  { "plain", { "X-Hop" }, { "X-Hop" } },
  { "option-lower", { "x-hop" }, { "X-Hop" } },
  { "option-upper", { "X-HOP" }, { "X-Hop" } },
  { "field-lower", { "X-Hop" }, { "x-hop" } },
  { "field-upper", { "X-Hop" }, { "X-HOP" } },
  { "mixed", { "x-HoP" }, { "X-hOp" } },
  { "one-letter", { "Q" }, { "Q" } },
  { "odd-name", { ODD_NAME }, { ODD_NAME } },
  { "long-name", { LONG_NAME }, { LONG_NAME } },
  { "two", { "X-Hop, X-Jump" }, { "X-Hop", "X-Jump" } },
  { "twice", { "X-Hop" }, { "X-Hop", "X-Hop" } },
  { "named-twice", { "X-Hop, X-Hop" }, { "X-Hop" } },
  { "with-close", { "close, X-Hop" }, { "X-Hop" } },
  { "before-close", { "X-Hop, close" }, { "X-Hop" } },
  { "with-keep-alive", { "keep-alive, X-Hop" }, { "X-Hop" } },
  { "connection-last", { "X-Hop" }, { "X-Hop" }, fields_first = true },
  { "between", { "X-Hop" }, { "X-Hop", "X-Other", "X-Hop" } },
  { "behind-itself", { "Connection, X-Hop" }, { "X-Hop" } },
  { "before-itself", { "X-Hop, connection" }, { "X-Hop" } },
  { "behind-proxy-connection", { "Proxy-Connection, X-Hop" }, { "X-Hop" } },
}

local MANY = {
  { "empty-members", { "close, , X-A", "x-b" } },
  { "leading-comma", { ",X-A", ", x-b" } },
  { "trailing-comma", { "X-A,", "X-B ,," } },
  { "no-blanks", { "X-A,X-B" } },
  { "tab", { "X-A,\tX-B" } }, { "tabs", { "\tX-A\t,\tX-B\t" } },
  { "odd-blanks", { "  X-A \t,\t X-B\t " } },
  { "two-lines", { "X-A", "X-B" } },
  { "four-lines", { "keep-alive", "X-A", "X-C", "X-B" } },
  { "empty-line", { "X-A", "", "X-B" } },
  { "empty-line-first", { "", "X-A, X-B" } },
  { "comma-line-first", { " , ", "X-A", "X-B" } },
  { "thirty", { "X-A, " .. ("X-Hop, "):rep(28) .. "X-B" } },
  { "behind-long", { ("x"):rep(300) .. ", X-A", "X-B" } },
  { "case-of-name", { "X-A" }, "CONNECTION: X-B" },
}

local function fields_of(lines, names, fields_first)
  local out, options = {}, {}
  for _, line in ipairs(lines) do
    options[#options + 1] = { "Connection", line }
  end
  for _, name in ipairs(names) do
    out[#out + 1] = { name, "1" }
  end
  local first, second = options, out
  if fields_first then
    first, second = out, options
  end
  return table.move(second, 1, #second, #first + 1, first)
end

for side in pairs(SIDES) do
  for _, case in ipairs(LISTED) do
    local name, lines, names = table.unpack(case)
    scenario("http.connection." .. side .. "-" .. name) {
      title  = "a field that Connection names ends here: " .. side .. ", "
               .. name,
      checks = { "http.connection.listed-removed",
                 "http.connection.self-removed" },
      needs  = { "http-forward" },
      run    = function (t)
        local id = "http.connection.listed-removed"
        local m, who = pass(t, side,
                            fields_of(lines, names, case.fields_first), id)
        for _, one in ipairs(names) do
          if one ~= "X-Other" then
            check_gone(t, id, m, who, one)
            t:check(not m:has("connection", one),
                    "http.connection.self-removed",
                    who .. " saw the connection-option " .. one)
          end
        end
      end,
    }
  end

  for _, case in ipairs(MANY) do
    local name, lines, extra = table.unpack(case)
    scenario("http.connection." .. side .. "-" .. name) {
      title  = "all members of a list of connection-options count: " .. side
               .. ", " .. name,
      checks = { "http.connection.many-lines" },
      needs  = { "http-forward" },
      run    = function (t)
        local id = "http.connection.many-lines"
        local fields = fields_of(lines, { "X-A", "X-B" })
        if extra then
          local first, second = extra:match("^(.-): (.*)$")
          table.insert(fields, 1, { first, second })
        end
        local m, who = pass(t, side, fields, id)
        check_gone(t, id, m, who, "X-A")
        check_gone(t, id, m, who, "X-B")
      end,
    }
  end

  scenario("http.connection." .. side .. "-alike") {
    title  = "a field whose name only begins like an option is passed on: "
             .. side,
    checks = { "http.field.unknown-forward" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.field.unknown-forward"
      local m, who = pass(t, side, {
        { "Connection", "X-Hop" }, { "X-Hop-Count", "1" }, { "X-Ho", "2" },
        { "Hop", "3" } }, id)
      for i, name in ipairs { "X-Hop-Count", "X-Ho", "Hop" } do
        t:check(m:field(name) == tostring(i), id, who .. " did not see "
                .. name .. ", and X-Hop alone was an option")
      end
    end,
  }
end

-- Trailers -----------------------------------------------------------------------

local function has_trailer(m, name)
  return m:trailer(name) or m:field(name)
end

scenario "http.connection.trailer-request" {
  title  = "a trailer of a request that Connection names ends here",
  checks = { "http.connection.trailers" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      method = "POST", body = "hello", chunked = true,
      fields = { { "Connection", "x-t" } }, trailers = { { "X-T", "1" } },
    }
    t:check(not x.request or not has_trailer(x.request, "x-t"),
            "http.connection.trailers", "the origin saw the trailer X-T")
  end,
}

scenario "http.connection.trailer-response" {
  title  = "a trailer of a response that Connection names ends here",
  checks = { "http.connection.trailers" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      fields = { { "TE", "trailers" }, { "Connection", "TE" } },
      answer = { chunked = true, fields = { { "Connection", "x-t" } },
                 trailers = { { "X-T", "1" } } },
    }
    t:check(not x.response or not has_trailer(x.response, "x-t"),
            "http.connection.trailers", "the client saw the trailer X-T")
  end,
}

-- Fields that end here by themselves ------------------------------------------------

-- { name, side, requirement, field, value, what of it may not be seen again }
local UNLISTED = {
  { "proxy-connection", "request", "http.connection.proxy-connection",
    "Proxy-Connection", "keep-alive", "" },
  { "proxy-connection-close", "request", "http.connection.proxy-connection",
    "Proxy-Connection", "close", "" },
  { "proxy-connection-odd-case", "request", "http.connection.proxy-connection",
    "proxy-CONNECTION", "Keep-Alive", "" },
  { "proxy-connection", "response", "http.connection.proxy-connection",
    "Proxy-Connection", "x-4711", "4711" },
  { "keep-alive", "request", "http.connection.keep-alive-field", "Keep-Alive",
    "timeout=4711", "4711" },
  { "keep-alive-odd-case", "request", "http.connection.keep-alive-field",
    "KEEP-ALIVE", "timeout=4711", "4711" },
  { "keep-alive", "response", "http.connection.keep-alive-field", "Keep-Alive",
    "timeout=4711, max=4712", "471" },
  { "te", "request", "http.connection.te-field", "TE",
    "gzip;q=0.5, trailers", "gzip" },
  { "te-odd-case", "request", "http.connection.te-field", "te", "Deflate",
    "Deflate" },
  { "upgrade", "request", "http.connection.upgrade-field", "Upgrade", "foo/1",
    "foo" },
  { "upgrade-odd-case", "request", "http.connection.upgrade-field", "UPGRADE",
    "foo/1, bar", "bar" },
  { "upgrade", "response", "http.connection.upgrade-field", "Upgrade", "foo/1",
    "foo" },
}

for _, case in ipairs(UNLISTED) do
  local name, side, id, field, value, mark = table.unpack(case)
  scenario("http.connection.unlisted-" .. side .. "-" .. name) {
    title  = "it ends here though Connection does not name it: " .. field
             .. ", " .. side,
    checks = { id },
    needs  = { "http-forward" },
    run    = function (t)
      local m, who = pass(t, side, { { field, value } }, id)
      local got = m:field(field)
      t:check(not got or not got:find(mark, 1, true)
              or (name:find("upgrade") and m:has("connection", "upgrade")),
              id, who .. " saw " .. field .. ": " .. tostring(got))
    end,
  }
end

-- The same fields with their names in Connection: { name, field, value, mark }.
local KNOWN = {
  { "keep-alive", "Keep-Alive", "timeout=4711", "4711" },
  { "te", "TE", "gzip;q=0.5, trailers", "gzip" },
  { "upgrade", "Upgrade", "foo/1", "foo" },
  { "proxy-connection", "Proxy-Connection", "x-4711", "4711" },
}

for side in pairs(SIDES) do
  for _, case in ipairs(KNOWN) do
    local name, field, value, mark = table.unpack(case)
    if side == "request" or name ~= "te" then
      scenario("http.connection.listed-" .. side .. "-" .. name) {
        title  = "a known field that Connection names ends here: " .. field
                 .. ", " .. side,
        checks = { "http.connection.listed-removed" },
        needs  = { "http-forward" },
        run    = function (t)
          local id = "http.connection.listed-removed"
          local fields = { { "Connection", field }, { field, value } }
          -- Who refuses a switch has nothing to remove.
          if field == "Upgrade" and side == "request"
            and t:exchange({ fields = fields }).is_own then
            t:skip("the proxy refuses what asks for another protocol")
          end
          local m, who = pass(t, side, fields, id)
          local got = m:field(field)
          -- Who names it again may have a part in it.
          t:check(not got or not got:find(mark, 1, true)
                  or m:has("connection", field), id,
                  who .. " saw " .. field .. ": " .. tostring(got))
        end,
      }
    end
  end
end

-- HTTP/1.0 -----------------------------------------------------------------------------

for _, case in ipairs { { "alone", "X-Hop" }, { "lower", "x-hop" },
                        { "with-keep-alive", "keep-alive, X-Hop" },
                        { "with-close", "X-Hop, close" } } do
  local name, options = table.unpack(case)
  scenario("http.connection.http10-" .. name) {
    title  = "Connection counts in a request of HTTP/1.0 as well: " .. options,
    checks = { "http.connection.http10-honoured" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.connection.http10-honoured"
      local m, who = pass(t, "request", fields_of({ options }, { "X-Hop" }), id,
                          { version = "1.0" })
      check_gone(t, id, m, who, "X-Hop")
    end,
  }
end

-- End-to-end fields as options --------------------------------------------------------

for _, case in ipairs { { "host", "Host" },
                        { "content-length", "Content-Length" },
                        { "transfer-encoding", "Transfer-Encoding" } } do
  local name, field = table.unpack(case)
  scenario("http.connection.abuse-" .. name) {
    title    = "Connection does not rob a request of its framing and its host: "
               .. field,
    checks   = { "http.connection.end-to-end-abuse" },
    needs    = { "http-forward", "ipv4" },
    negative = true,
    within   = 15,
    run      = function (t)
      local id = "http.connection.end-to-end-abuse"
      local x = t:exchange {
        method = "POST", body = "hello", within = 2,
        chunked = name == "transfer-encoding" or nil,
        fields = { { "Connection", field } },
      }
      if not x.request then
        return
      end
      t:check(x.request.body == "hello" and x.request.framing ~= "none", id,
              "the origin got another body: " .. t:show(x.request.body),
              { contested = true })
      t:check(x.request:field("host") == x.witness.authority, id,
              "Host is " .. tostring(x.request:field("host")),
              { contested = true })
    end,
  }
end

-- What the proxy says of itself -----------------------------------------------------

-- Fields about one connection, and fields for everybody.
local OF_HOP = { "TE", "Upgrade", "Keep-Alive" }
local OF_ALL = { "host", "date", "via", "cache-control", "content-type",
                 "content-length", "user-agent", "server", "set-cookie",
                 "expires", "x-witness" }

local OWN = {
  { "get", {} },
  { "post", { method = "POST", body = "hello" } },
  { "http10", { version = "1.0" } },
  { "close", { fields = { { "Connection", "close" } } } },
  { "chunked", { answer = { chunked = { 5 } } } },
}

for _, case in ipairs(OWN) do
  local name, wishes = table.unpack(case)
  scenario("http.connection.own-" .. name) {
    title  = "the proxy's own connection-options are right: " .. name,
    checks = { "http.connection.sender-list",
               "http.connection.sender-no-e2e" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange {
        method = wishes.method, body = wishes.body, version = wishes.version,
        fields = wishes.fields, answer = wishes.answer,
        breaks = "http.connection.sender-list",
      }
      for who, m in pairs { ["the origin"] = x.request,
                            ["the client"] = x.response } do
        for _, field in ipairs(OF_HOP) do
          t:check(not m:field(field) or m:has("connection", field),
                  "http.connection.sender-list", string.format(
                    "%s saw %s: %s, and Connection does not name it", who,
                    field, tostring(m:field(field))))
        end
        for _, field in ipairs(OF_ALL) do
          t:check(not m:has("connection", field),
                  "http.connection.sender-no-e2e",
                  who .. " saw the connection-option " .. field)
        end
      end
    end,
  }
end
