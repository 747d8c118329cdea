-- Names of fields in another case than most people write them: RFC 9110
-- section 5.1. Each stands for something that the proxy has to act on.

local ID = "http.field.name-case"

local function turned(text)
  return (text:gsub("%a", function (letter)
    return letter == letter:lower() and letter:upper() or letter:lower()
  end))
end

local SPELLINGS = { { "lower", string.lower }, { "upper", string.upper },
                    { "turned", turned } }

-- An answer of this head and content, and a plain exchange behind it on the
-- same connection. Who asks in HTTP/1.0 gets no chunks.
local function answered(t, lines, content)
  local w = t:witness {}
  local x = t:exchange { origin = w, within = 3, breaks = ID,
                         answer = function (up, request)
    if request.version == "1.0" then
      up:send(http.answer { body = request.nonce })
    else
      up:send("HTTP/1.1 200 OK\r\nX-Witness: " .. request.nonce
              .. "\r\nCache-Control: no-store\r\n"
              .. table.concat(lines, "\r\n") .. "\r\n\r\n" .. content)
    end
    return true
  end }
  if x.request and x.request.version == "1.0" then
    t:skip("the proxy asks origins in HTTP/1.0")
  end
  return x, w
end

local DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

-- { name, what is tried: (t, spell) }
local CASES = {
  { "request-length", function (t, spell)
      local x = t:exchange { method = "POST", body = "hello", breaks = ID,
                             fields = { { spell "Content-Length", "5" } } }
      t:check(x.request.body == "hello", ID,
              "the origin got " .. t:show(x.request.body))
      t:check(#x.request:values("content-length") <= 1, ID,
              "the origin was told two lengths")
      t:exchange { reuse = x.client, breaks = ID }
    end },
  { "request-coding", function (t, spell)
      local plain = t:exchange { method = "POST", body = "hello",
                                 chunked = true }
      if plain.why then
        t:skip("the proxy takes no chunked requests")
      end
      local x = t:exchange { method = "POST", body = "5\r\nhello\r\n0\r\n\r\n",
        breaks = ID, fields = { { spell "Transfer-Encoding", "chunked" } } }
      t:check(x.request.body == "hello", ID,
              "the origin got " .. t:show(x.request.body))
      t:check(#x.request:values("transfer-encoding") <= 1, ID,
              "the origin was told of two codings")
    end },
  { "request-close", function (t, spell)
      local plain = t:exchange { fields = { { "Connection", "close" } } }
      if not plain:says_close() then
        t:skip("Connection: close is not heeded either")
      end
      local x = t:exchange { breaks = ID,
                             fields = { { spell "Connection", "close" } } }
      t:check(x:says_close() or x.client:ended(1), ID,
              "close was not seen", { absence = true })
    end },
  { "request-option", function (t, spell)
      local function ask(name)
        return t:exchange { breaks = ID, fields = { { name, "X-Hop" },
                                                    { "X-Hop", "1" } } }
      end
      if ask("Connection").request:field("x-hop") then
        t:skip("Connection is not heeded either")
      end
      local x = ask(spell "Connection")
      t:check(not x.request:field("x-hop"), ID, "the origin saw X-Hop, which "
              .. "is a connection-option")
    end },
  { "request-host", function (t, spell)
      local w = t:witness {}
      local function count(name)
        local x = t:exchange { origin = w, breaks = ID, host = false,
                               fields = { { name, w.authority } } }
        return #x.request:values("host")
      end
      local usual, got = count "Host", count(spell "Host")
      t:check(got == usual, ID, string.format(
        "the origin got %d lines of Host, and %d of the usual spelling", got,
        usual))
    end },
  { "request-max-forwards", function (t, spell)
      local function ask(name)
        return t:exchange { method = "OPTIONS", within = 3,
                            fields = { { name, "0" } } }
      end
      if ask("Max-Forwards").request then
        t:skip("Max-Forwards is not heeded either")
      end
      t:check(not ask(spell "Max-Forwards").request, ID,
              "OPTIONS with 0 was forwarded")
    end },
  { "response-length", function (t, spell)
      local x, w = answered(t, { "Date: " .. DATE,
                                 spell "Content-Length" .. ": 5" }, "hello")
      t:check(x.response.body == "hello", ID,
              "the client got " .. t:show(x.response.body))
      t:check(#x.response:values("content-length") <= 1, ID,
              "the client was told two lengths")
      t:exchange { origin = w, reuse = x.client, breaks = ID }
    end },
  { "response-coding", function (t, spell)
      local x = answered(t, { "Date: " .. DATE,
                              spell "Transfer-Encoding" .. ": chunked" },
                         "5\r\nhello\r\n0\r\n\r\n")
      t:check(x.response.body == "hello", ID,
              "the client got " .. t:show(x.response.body))
      t:check(#x.response:values("transfer-encoding") <= 1, ID,
              "the client was told of two codings")
    end },
  { "response-option", function (t, spell)
      local function ask(name)
        return (answered(t, { "Date: " .. DATE, name .. ": X-Hop", "X-Hop: 1",
                              "Content-Length: 5" }, "hello"))
      end
      if ask("Connection").response:field("x-hop") then
        t:skip("Connection is not heeded either")
      end
      local x = ask(spell "Connection")
      t:check(not x.response:field("x-hop"), ID, "the client saw X-Hop, which "
              .. "is a connection-option")
    end },
  { "response-close", function (t, spell)
      local function is_used_again(name)
        local w = t:witness {}
        local x = t:exchange { origin = w, breaks = ID, answer = {
          close = false, fields = { { name, "close" } } } }
        local y = t:exchange { origin = w, reuse = x.client, breaks = ID }
        return y.request.connection == x.origin
      end
      if is_used_again("Connection") then
        t:skip("close of an origin is not heeded either")
      end
      t:check(not is_used_again(spell "Connection"), ID,
              "the origin had said close, and got another request")
    end },
  { "response-date", function (t, spell)
      local x = answered(t, { spell "Date" .. ": " .. DATE,
                              "Content-Length: 5" }, "hello")
      local n = #x.response:values("date")
      t:check(n == 1, ID, "the client saw " .. n .. " lines of Date")
    end },
}

for _, case in ipairs(CASES) do
  local name, try = table.unpack(case)
  for _, spelling in ipairs(SPELLINGS) do
    scenario("http.field.case-" .. name .. "-" .. spelling[1]) {
      title  = "the case of a field's name does not matter: " .. name .. ", "
               .. spelling[1],
      checks = { ID },
      needs  = { "http-forward" },
      within = 20,
      run    = function (t)
        try(t, spelling[2])
      end,
    }
  end
end

-- Credentials ----------------------------------------------------------------

for _, spelling in ipairs(SPELLINGS) do
  local field = spelling[2] "Proxy-Authorization"
  scenario("auth.field-name-" .. spelling[1]) {
    title  = "credentials are found under " .. field,
    checks = { ID, "auth.proxy.consumed" },
    needs  = { "http-forward", "http-basic" },
    config = "auth",
    run    = function (t)
      local right = http.basic(t.target.user, t.target.password)
      local x = t:exchange { credentials = false, breaks = ID,
                             fields = { { field, right } } }
      t:check(not x.request:field("proxy-authorization"), "auth.proxy.consumed",
              "the credentials for the proxy were sent to the origin")
    end,
  }
end
