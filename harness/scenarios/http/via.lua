-- The Via field of forwarded messages: RFC 9110 section 7.6.3.

-- The entries of a Via value: { version, by, text }, or nil for one that is no
-- entry. Comments may hold commas.
local function entries_of(value)
  local plain, count = value, nil
  repeat
    plain, count = plain:gsub("%([^()]*%)", "")
  until count == 0
  local out = {}
  for text in (plain .. ","):gmatch("([^,]*),") do
    text = text:match("^%s*(.-)%s*$")
    if text ~= "" then
      local protocol, by = text:match("^(%S+)%s+(%S+)$")
      out[#out + 1] = { text = text, by = by, protocol = protocol,
                        version = protocol
                                  and protocol:gsub("^[Hh][Tt][Tt][Pp]/", "") }
    end
  end
  return out
end

local function via_of(m)
  return entries_of(m:field("via") or "")
end

-- Two foreign entries, of these versions, and what the origin sees of them.
local function with_two(t, first_version, second_version, id)
  local first, second = "first." .. t:nonce(), "second." .. t:nonce()
  local x = t:exchange { breaks = id, fields = {
    { "Via", first_version .. " " .. first },
    { "Via", second_version .. " " .. second } } }
  local list, at = via_of(x.request), {}
  for i, entry in ipairs(list) do
    at[entry.by or ""] = i
  end
  return list, at[first], at[second], tostring(x.request:field("via"))
end

scenario "http.via.request" {
  title  = "a forwarded request has a Via entry of the proxy",
  checks = { "http.via.append", "http.via.name" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.via.append" }
    local list = via_of(x.request)
    t:check(#list > 0, "http.via.append", "the origin saw no Via")
    for _, entry in ipairs(list) do
      t:check(entry.protocol and entry.version:find("^%d%.%d$"),
              "http.via.name", "no version and name in " .. t:show(entry.text))
    end
  end,
}

scenario "http.via.response" {
  title  = "a forwarded response has a Via entry of the proxy",
  checks = { "http.via.append-response" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { breaks = "http.via.append-response" }
    t:check(x.response:field("via"), "http.via.append-response",
            "the client saw no Via", { contested = true })
  end,
}

scenario "http.via.interim" {
  title  = "a forwarded 103 has a Via entry as well",
  checks = { "http.via.interim" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange {
      breaks = "http.via.interim",
      answer = function (up, request)
        if request.version ~= "1.0" then
          up:send(http.answer { status = 103, fields = { { "Link", "</a>" } } })
        end
        up:send(http.answer { body = request.nonce,
                              fields = { { "X-Witness", request.nonce } } })
        return not request:has("connection", "close") or up:close()
      end,
    }
    for _, one in ipairs(x.interim) do
      t:check(one.status ~= 103 or one:field("via"), "http.via.interim",
              "the forwarded 103 has no Via", { contested = true })
    end
  end,
}

for _, version in ipairs { "1.0", "1.1" } do
  scenario("http.via.version-of-request-" .. version:sub(3)) {
    title  = "the entry on a request has the client's version: " .. version,
    checks = { "http.via.version" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { version = version, breaks = "http.via.version" }
      local list = via_of(x.request)
      local own = list[1] -- behind it may be another proxy
      if own and own.version then
        t:check(own.version == version, "http.via.version", string.format(
          "the entry of a request of HTTP/%s is %s", version, own.text))
      end
    end,
  }

  scenario("http.via.version-of-response-" .. version:sub(3)) {
    title  = "the entry on a response has the origin's version: " .. version,
    checks = { "http.via.version" },
    needs  = { "http-forward" },
    run    = function (t)
      local x = t:exchange { breaks = "http.via.version",
                             answer = { version = version, close = true } }
      local list = via_of(x.response)
      local own = list[1] -- behind it may be another proxy
      if own and own.version then
        t:check(own.version == version, "http.via.version", string.format(
          "the entry of a response of HTTP/%s is %s", version, own.text))
      end
    end,
  }
end

scenario "http.via.others" {
  title  = "entries of others stay, in order, before the proxy's own",
  checks = { "http.via.kept", "http.via.order", "http.via.combine-version" },
  needs  = { "http-forward" },
  run    = function (t)
    local list, first, second, text = with_two(t, "1.0", "1.1", "http.via.kept")
    -- A name may be replaced by a pseudonym: only the number tells then.
    t:check(#list >= 2 and (#list > 2 or (first == nil) == (second == nil)),
            "http.via.kept", "the origin saw " .. t:show(text))
    if first and second then
      t:check(first < second, "http.via.order", "the order changed: " .. text)
      t:check(#list == 2 or second < #list, "http.via.order",
              "the proxy's entry is not the last one: " .. text)
      t:check(list[first].version == "1.0" and list[second].version == "1.1",
              "http.via.combine-version", "a version was replaced: " .. text)
    elseif #list == 2 and (first or second) then
      t:violation("http.via.combine-version",
                  "entries of two versions became one: " .. text)
    end
  end,
}

scenario "http.via.others-alike" {
  title  = "foreign entries of one version are not merged",
  checks = { "http.via.combine-owner" },
  needs  = { "http-forward" },
  run    = function (t)
    local list, first, second, text = with_two(t, "1.1", "1.1",
                                               "http.via.combine-owner")
    t:check(#list ~= 2 or (first == nil) == (second == nil),
            "http.via.combine-owner", "two foreign entries became one: " .. text)
  end,
}

for _, case in ipairs { { "alone", "Via" }, { "with-close", "close, Via" },
                        { "lower", "via" } } do
  local name, options = table.unpack(case)
  scenario("http.via.named-" .. name) {
    title  = "the proxy's own entry is there though the client calls Via a "
             .. "connection-option: " .. options,
    checks = { "http.via.append" },
    needs  = { "http-forward" },
    run    = function (t)
      local plain = t:exchange { breaks = "http.via.append" }
      if not plain.request:field("via") then
        t:skip("the proxy adds no entry to plain requests either")
      end
      local x = t:exchange { breaks = "http.via.append",
                             fields = { { "Connection", options } } }
      t:check(x.request:field("via"), "http.via.append",
              "the origin saw no Via")
    end,
  }
end

-- Entries of others beside the proxy's own -----------------------------------------

local OTHERS = {
  { "one", { "1.1 first" } },
  { "one-older", { "1.0 first" } },
  { "three-lines", { "1.0 first", "1.1 second", "1.0 third" } },
  { "one-line", { "1.0 first, 1.1 second, 1.0 third" } },
  { "lines-of-lists", { "1.0 first, 1.1 second", "1.0 third, 1.1 fourth" } },
  { "empty-members", { ", 1.0 first, ,1.1 second," } },
  { "comment", { "1.0 first (a, b), 1.1 second" } },
  { "port", { "1.0 first:8080, HTTP/1.1 second:3128" } },
  { "long", { "1.0 first, 1.1 " .. ("long-"):rep(100) .. "name, 1.0 third" } },
  { "ten", { "1.0 a, 1.1 b, 1.0 c, 1.1 d, 1.0 e, 1.1 f, 1.0 g, 1.1 h, 1.0 i, "
             .. "1.1 j" } },
}

local SIDES = {
  request  = function (t, id, fields)
    local x = t:exchange { breaks = id, fields = fields }
    return x.request, "the origin"
  end,
  response = function (t, id, fields)
    local x = t:exchange { breaks = id, answer = { fields = fields } }
    return x.response, "the client"
  end,
}

local function fields_of(lines)
  local out = {}
  for i, line in ipairs(lines) do
    out[i] = { "Via", line }
  end
  return out
end

local function names_of(list)
  local out = {}
  for i, entry in ipairs(list) do
    out[i] = entry.version .. " " .. (entry.by or "?")
  end
  return out
end

for side, send in pairs(SIDES) do
  for _, case in ipairs(OTHERS) do
    local name, lines = table.unpack(case)
    scenario("http.via.kept-" .. side .. "-" .. name) {
      title  = "the proxy's own entry comes behind those of others: " .. side
               .. ", " .. name,
      checks = { "http.via.kept", "http.via.order", "http.via.append",
                 "http.via.append-response" },
      needs  = { "http-forward" },
      run    = function (t)
        local append = side == "request" and "http.via.append"
                       or "http.via.append-response"
        local plain = via_of((send(t, append, {})))
        if #plain == 0 then
          t:skip("the proxy adds no entry to a plain " .. side)
        end
        local m, who = send(t, "http.via.kept", fields_of(lines))
        local list = via_of(m)
        local want = names_of(entries_of(table.concat(lines, ", ")))
        local got, at = names_of(list), 0
        local text = who .. " saw " .. t:show(tostring(m:field("via")))
        for _, entry in ipairs(want) do
          for i = at + 1, #got do
            if got[i] == entry then
              at = i
              break
            end
          end
        end
        local first = #got > 0 and got[1] ~= want[1] and got[#got] == want[#want]
        t:check(not first, "http.via.order",
                "the proxy's entry is not the last one: " .. text)
        -- With pseudonyms in the place of names only the number tells.
        t:check(#got >= #want, "http.via.kept", text)
        -- Nothing can be merged with an entry of HTTP/1.0 behind one of 1.1.
        local is_lost = at > 0 and at < #want and #got <= #want
        t:check(not (is_lost and want[#want]:find("^1%.0")), "http.via.kept",
                text .. ", with one entry less")
        t:check(#got > #want or at < #want, append,
                text .. ", and no entry of the proxy")
      end,
    }
  end
end

-- A name that only holds that of the proxy is somebody else's.
for _, case in ipairs { { "longer", "%sx" }, { "behind", "x-%s" },
                        { "within", "a.%s.example" },
                        { "comment", "other (%s)" } } do
  local name, pattern = table.unpack(case)
  scenario("http.via.alike-" .. name) {
    title  = "an entry whose name holds the proxy's does not make a loop: "
             .. name,
    checks = { "http.via.kept" },
    needs  = { "http-forward" },
    run    = function (t)
      local plain = t:exchange { breaks = "http.via.kept" }
      local own = via_of(plain.request)[1]
      if not own or not own.by then
        t:skip("the proxy adds no entry to plain requests")
      end
      local other = pattern:format(own.by:gsub(":.*", ""))
      local x = t:exchange { fields = { { "Via", "1.1 " .. other } } }
      t:check(x.request, "http.via.kept", "it was not forwarded: "
              .. tostring(x.why), { contested = true })
    end,
  }
end
