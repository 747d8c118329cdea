-- Digest proxy authentication of CONNECT, RFC 7616: what right credentials
-- open, and what wrong ones must not.

local NEEDS = { "http-connect", "http-digest" }

local function authority(o)
  return string.format("%s:%d", o.host, o.port)
end

-- A fresh challenge, with this algorithm if one is named.
local function challenge_of(t, o, algorithm)
  local c = t:connect()
  c:send(http.connect { to = o, credentials = false })
  local answer = c:receive(http.response {}, 5)
  c:close()
  local challenge = answer and digest.find(answer, algorithm)
  if not challenge and algorithm then
    t:skip("no challenge with " .. algorithm)
  elseif not challenge then
    t:inconclusive("no Digest challenge came that can be answered")
  end
  return challenge
end

-- The parameters that answer a challenge for a tunnel to o.
local function params_for(t, o, challenge, wishes)
  local all = { user = t.target.user, password = t.target.password,
                uri = authority(o) }
  for name, value in pairs(wishes or {}) do
    all[name] = value
  end
  return digest.params(challenge, all)
end

local function connect_with(o, value)
  return http.connect { to = o, credentials = false,
                        fields = { { "Proxy-Authorization", value } } }
end

-- The answer to a CONNECT with this value, and the connection.
local function ask(t, o, value)
  local c = t:connect()
  c:send(connect_with(o, value))
  local answer, why = c:receive(http.response {}, 10)
  return answer, c, why
end

local function find(params, name)
  for i, param in ipairs(params) do
    if param[1] == name then
      return i, param
    end
  end
end

local function grants(answer)
  return answer and answer.status // 100 == 2
end

-- What is right ------------------------------------------------

for _, algorithm in ipairs { "MD5", "SHA-256" } do
  scenario("auth.digest.right-" .. algorithm:lower()) {
    title  = "right credentials with " .. algorithm .. " open a tunnel",
    checks = { "auth.digest.verify" },
    needs  = NEEDS,
    config = "auth",
    within = 20,
    run    = function (t)
      local o, c = t:origin(), t:connect()
      local challenge = challenge_of(t, o, algorithm)
      c:send(connect_with(o, digest.text(params_for(t, o, challenge))))
      t:expect(c, http.response { status = "2xx" }, "auth.digest.verify", 5)
      t:accepted(o, "auth.digest.verify")
    end,
  }
end

-- Ways to write right credentials: how the parameters are changed, and what is
-- broken by who does not take them.
local function rename(how)
  return function (params)
    for _, param in ipairs(params) do
      param[1] = how(param[1])
    end
  end
end

local function mixed(name)
  return name:sub(1, 1):upper() .. name:sub(2, -2):lower()
         .. name:sub(-1):upper()
end

local function requote(names, is_quoted)
  return function (params)
    for _, name in ipairs(names) do
      local _, param = find(params, name)
      if param and (is_quoted or param[2]:find("^[%w!#$%%&'*+.^_`|~-]+$")) then
        param[3] = is_quoted
      end
    end
  end
end

local function reverse(params)
  for i = 1, #params // 2 do
    params[i], params[#params + 1 - i] = params[#params + 1 - i], params[i]
  end
end

local FORMS = {
  { "names-upper", "auth.param.case", rename(string.upper) },
  { "names-mixed", "auth.param.case", rename(mixed) },
  { "spaces-around-equals", "auth.param.both-forms", function (params)
      for _, param in ipairs(params) do
        param.equals = " = "
      end
    end },
  { "tabs-around-equals", "auth.param.both-forms", function (params)
      for _, param in ipairs(params) do
        param.equals = "\t=\t"
      end
    end },
  { "quoted", "auth.param.both-forms",
    requote({ "qop", "nc", "algorithm" }, true), contested = true },
  { "bare", "auth.param.both-forms",
    requote({ "username", "realm", "response", "cnonce", "opaque" }, false),
    contested = true },
  { "unknown-last", "auth.digest.unknown-param", function (params)
      params[#params + 1] = { "foo", "bar", true }
    end },
  { "unknown-first", "auth.digest.unknown-param", function (params)
      table.insert(params, 1, { "foo", "bar, username", true })
    end },
  { "unknown-bare", "auth.digest.unknown-param", function (params)
      table.insert(params, 3, { "x-foo", "bar", false })
    end },
  { "pair-before-others", "auth.param.quoted-pair", function (params)
      table.insert(params, 1, { "foo", 'bar", nc=0, nonce="', true })
    end },
  { "reverse-order", "auth.digest.verify", reverse },
  { "no-spaces", "auth.digest.verify", function () end,
    options = { separator = "," } },
  { "empty-members", "http.parse.list-empty", function () end,
    options = { separator = ", ," } },
  { "scheme-lower", "auth.scheme.case", function () end,
    options = { scheme = "digest" } },
  { "scheme-upper", "auth.scheme.case", function () end,
    options = { scheme = "DIGEST" } },
}

for _, form in ipairs(FORMS) do
  local name, id, change = form[1], form[2], form[3]
  scenario("auth.digest.form." .. name) {
    title  = "right credentials are understood: " .. name:gsub("-", " "),
    checks = { id },
    needs  = NEEDS,
    config = "auth",
    within = 20,
    run    = function (t)
      local o = t:origin()
      local params = params_for(t, o, challenge_of(t, o))
      change(params)
      local answer, _, why = ask(t, o, digest.text(params, form.options))
      t:check(grants(answer), id, answer
              and string.format("right credentials were answered with %d",
                                answer.status)
              or "no answer came: " .. why,
              { contested = form.contested, absence = true })
    end,
  }
end

-- Whether the backslash is hashed is open (RFC 7616 section 3.4): one of the
-- two readings has to be taken.
scenario "auth.digest.form.pair-in-username" {
  title  = "a quoted-pair in the user name stands for one octet",
  checks = { "auth.param.quoted-pair" },
  needs  = NEEDS,
  config = "auth",
  within = 30,
  run    = function (t)
    local user = t.target.user
    local paired = "\\" .. user
    local answer
    for _, hashed in ipairs { user, paired } do
      local o = t:origin()
      local params = params_for(t, o, challenge_of(t, o), { user = hashed })
      local text = digest.text(params)
      local wanted = 'username="' .. paired .. '"'
      answer = ask(t, o, (text:gsub('username="[^"]*"', function ()
        return wanted
      end, 1)))
      if grants(answer) then
        return
      end
    end
    t:violation("auth.param.quoted-pair", answer
                and string.format("both readings were answered with %d",
                                  answer.status)
                or "both readings were refused without an answer",
                { absence = true })
  end,
}

scenario "auth.digest.next-count" {
  title  = "a nonce serves again with the next count, or is said to be stale",
  checks = { "auth.digest.stale" },
  needs  = NEEDS,
  config = "auth",
  within = 30,
  run    = function (t)
    local o = t:origin()
    local challenge = challenge_of(t, o)
    for nc = 1, 3 do
      local answer = ask(t, o, digest.text(
        params_for(t, o, challenge, { nc = nc })))
      if answer and answer.status == 407 then
        local fresh = digest.find(answer)
        t:check(nc > 1 and fresh
                and (fresh.params.stale or ""):lower() == "true",
                "auth.digest.stale",
                "right credentials with count " .. nc .. " of a fresh nonce "
                .. "were refused, and not for a stale nonce")
        return
      end
    end
  end,
}

-- What is wrong ------------------------------------------------

-- Credentials in which one part is not what the response was computed with.
local WRONG = {
  { "password", function (_, p) return { password = "not-" .. p } end },
  { "password-empty", function () return { password = "" } end },
  { "user", function (u) return { user = "not-" .. u } end },
  { "user-empty", function () return { user = "" } end },
  { "realm", function () return { realm = "another realm" } end },
  { "method", function () return { method = "GET" } end },
  { "response-empty", function () return { response = "" } end },
  { "response-short", function () return { response = "0" } end },
  { "response-zero", function ()
      return { response = ("0"):rep(32) }
    end },
}

-- And those that say something else than what was hashed. A server may take
-- its own realm, whatever the credentials say.
for _, name in ipairs { "nonce", "nc", "cnonce", "realm" } do
  WRONG[#WRONG + 1] = { name .. "-unhashed", function () return {} end,
    function (params)
      local _, param = find(params, name)
      if not param then
        return nil
      end
      param[2] = name == "nc" and "00000002" or "x" .. param[2]
      return true
    end, contested = name == "realm" }
end

for _, case in ipairs(WRONG) do
  local name, wishes_of, change = case[1], case[2], case[3]
  scenario("auth.digest.wrong." .. name) {
    title    = "wrong credentials get a 407: " .. name:gsub("-", " "),
    checks   = { "auth.digest.verify", "auth.proxy.demand",
                 "auth.proxy.no-tunnel" },
    needs    = NEEDS,
    config   = "auth",
    negative = true,
    within   = 25,
    run      = function (t)
      local o = t:origin()
      local params = params_for(t, o, challenge_of(t, o),
                                wishes_of(t.target.user, t.target.password))
      if change and not change(params) then
        t:skip("the challenge has no qop")
      end
      local answer, _, why = ask(t, o, digest.text(params))
      if grants(answer) then
        t:violation("auth.digest.verify", "the credentials were accepted",
                    { contested = case.contested })
        return
      end
      t:check(not o:accept(0.1), "auth.proxy.no-tunnel",
              "the destination was connected to")
      local is_malformed = name:find("empty") or name:find("short")
      t:check(answer and (answer.status == 407
                          or is_malformed and answer.status == 400),
              "auth.proxy.demand",
              answer and string.format("answered with %d, not 407",
                                       answer.status)
              or "no answer came: " .. why, { absence = answer == nil })
    end,
  }
end

scenario "auth.digest.other-uri" {
  title    = "credentials for another destination are not taken for this one",
  checks   = { "auth.digest.uri-match" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  within   = 20,
  run      = function (t)
    local o = t:origin()
    local own = authority(o)
    for _, uri in ipairs { "elsewhere.example:443", "*", "/", own:sub(1, -2),
                           own .. "0" } do
      local answer = ask(t, o, digest.text(params_for(t, o, challenge_of(t, o), {
        uri = uri })))
      t:check(not grants(answer), "auth.digest.uri-match",
              "credentials for " .. uri .. " opened a tunnel to " .. own)
    end
  end,
}

scenario "auth.digest.same-twice" {
  title    = "the same credentials twice are a replay",
  checks   = { "auth.digest.replay" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  within   = 25,
  run      = function (t)
    local o = t:origin()
    local challenge = challenge_of(t, o)
    if not challenge.params.qop then
      t:skip("the challenge has no qop")
    end
    local text = digest.text(params_for(t, o, challenge))
    if not grants((ask(t, o, text))) then
      t:inconclusive("the first request with these credentials was refused")
    end
    t:check(not grants((ask(t, o, text))), "auth.digest.replay",
            "the same nonce count was taken twice", { contested = true })
  end,
}

-- stale ------------------------------------------------

local function says_stale(answer)
  for _, one in ipairs(answer and answer.status == 407
                       and digest.challenges(answer) or {}) do
    if one.scheme == "digest"
      and (one.params.stale or ""):lower() == "true" then
      return true
    end
  end
  return false
end

for _, case in ipairs {
  { "fresh-nonce", "a wrong password with a fresh nonce", {} },
  { "made-up-nonce", "a wrong password with a made-up nonce",
    { nonce = "bm90IGEgbm9uY2Ugb2YgdGhpcyBwcm94eQ==" } },
} do
  scenario("auth.digest.not-stale." .. case[1]) {
    title    = case[2] .. " is not called stale",
    checks   = { "auth.digest.stale" },
    needs    = NEEDS,
    config   = "auth",
    negative = true,
    within   = 20,
    run      = function (t)
      local o = t:origin()
      local wishes = { password = "not-" .. t.target.password,
                       nonce = case[3].nonce }
      local answer = ask(t, o, digest.text(
        params_for(t, o, challenge_of(t, o), wishes)))
      t:check(not says_stale(answer), "auth.digest.stale",
              case[2] .. " was answered with stale=true")
    end,
  }
end

-- A server that keeps no record of its nonces may take this for a wrong
-- answer: only what is let in is beyond doubt.
scenario "auth.digest.made-up-nonce" {
  title    = "a nonce that the proxy never gave out opens nothing",
  checks   = { "auth.digest.nonce-use", "auth.digest.stale" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  within   = 20,
  run      = function (t)
    local o = t:origin()
    local answer = ask(t, o, digest.text(params_for(t, o, challenge_of(t, o), {
      nonce = "bm90IGEgbm9uY2Ugb2YgdGhpcyBwcm94eQ==" })))
    if grants(answer) then
      t:violation("auth.digest.nonce-use",
                  "a nonce that was made up by the client was accepted")
    elseif answer and answer.status == 407 then
      t:check(says_stale(answer), "auth.digest.stale",
              "a right response with an unknown nonce was not called stale",
              { contested = true })
    end
  end,
}

scenario "auth.digest.nonces-change" {
  title    = "the nonce changes from challenge to challenge",
  checks   = { "auth.digest.nonce-use" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  within   = 40,
  run      = function (t)
    local o, first = t:origin(), nil
    for _ = 1, 4 do
      local c = t:connect()
      c:send(http.connect { to = o, credentials = false })
      local answer = c:receive(http.response {}, 5)
      local challenge = answer and digest.find(answer)
      if not challenge then
        t:inconclusive("no Digest challenge came that can be answered")
      end
      local nonce = challenge.params.nonce
      if first and nonce ~= first then
        return
      end
      first = nonce
      c:close()
      t:never(function () return o:accept(0.5) end, 1)
    end
    t:violation("auth.digest.nonce-use",
                "four challenges in three seconds had the same nonce",
                { contested = true })
  end,
}

-- What cannot be read ------------------------------------------------

local function without(name)
  return function (params)
    local at = find(params, name)
    return at and table.remove(params, at)
  end
end

local function instead(name, value)
  return { wishes = { [name] = value } }
end

local MALFORMED = {
  { "no-username", without "username" }, { "no-realm", without "realm" },
  { "no-nonce", without "nonce" }, { "no-uri", without "uri" },
  { "no-response", without "response" }, { "no-nc", without "nc" },
  { "no-cnonce", without "cnonce" },
  { "nc-short", instead("nc", "1") }, { "nc-word", instead("nc", "0000000x") },
  { "nc-long", instead("nc", "0000000000000001") },
  { "qop-unknown", instead("qop", "auth-none") },
  { "qop-prefix", instead("qop", "auth-") }, { "qop-empty", instead("qop", "") },
  { "alone", text = "Digest" }, { "space", text = "Digest " },
  { "token68", text = "Digest YWxpY2U6czNjcmV0" },
  { "no-equals", text = "Digest username, realm, nonce" },
  { "commas", text = "Digest ,,,,," },
  { "open-quote", function (params) return params end,
    edit = function (text) return text .. ', foo="bar' end,
    contested = true },
  { "no-commas", function (params) return params end,
    edit = function (text) return (text:gsub(",", "")) end,
    contested = true },
  { "response-twice", function (params)
      table.insert(params, 1, { "response", ("0"):rep(32), true })
      return true
    end, contested = true },
  { "long", text = 'Digest username="' .. ("a"):rep(16384) .. '"' },
}

-- The value to send, or nil where the challenge does not allow the case.
local function malformed_value(t, o, case)
  if case.text then
    return case.text
  end
  local how = case[2]
  local is_wish = type(how) == "table"
  local challenge = challenge_of(t, o)
  if is_wish and not challenge.params.qop then
    return nil
  end
  local params = params_for(t, o, challenge, is_wish and how.wishes or nil)
  if not is_wish and not how(params) then
    return nil
  end
  local text = digest.text(params)
  return case.edit and case.edit(text) or text
end

for _, case in ipairs(MALFORMED) do
  local name = case[1]
  scenario("auth.digest.malformed." .. name) {
    title    = "improper Digest credentials get a 4xx: " .. name:gsub("-", " "),
    checks   = { "auth.digest.malformed", "auth.proxy.no-tunnel" },
    needs    = NEEDS,
    config   = "auth",
    negative = true,
    within   = 25,
    run      = function (t)
      local o = t:origin()
      local value = malformed_value(t, o, case)
      if not value then
        t:skip("the challenge does not allow this case")
      end
      local answer = ask(t, o, value)
      local group = answer and answer.status // 100
      t:check(group ~= 2 and group ~= 5, "auth.digest.malformed",
              answer and string.format("answered with %d", answer.status),
              { contested = case.contested })
      t:check(group == 2 or not o:accept(0.1), "auth.proxy.no-tunnel",
              "the destination was connected to")
    end,
  }
end

-- The challenge ------------------------------------------------

local QUOTED = { realm = true, nonce = true, opaque = true, qop = true,
                 domain = true, stale = false, algorithm = false }

scenario "auth.digest.challenge" {
  title    = "a Digest challenge has realm, nonce and qop, quoted as is due",
  checks   = { "auth.digest.exchange", "auth.digest.qop-offer",
               "auth.digest.quoting-challenge", "auth.realm.quoted",
               "auth.param.once" },
  needs    = NEEDS,
  config   = "auth",
  negative = true,
  run      = function (t)
    local c = t:connect()
    c:send(http.connect { to = t:origin(), credentials = false })
    local answer = c:receive(http.response {}, 5)
    if not answer or answer.status ~= 407 then
      return -- auth.challenge judges it
    end
    local count = 0
    for _, challenge in ipairs(digest.challenges(answer)) do
      if challenge.scheme == "digest" then
        count = count + 1
        t:check(challenge.params.realm, "auth.digest.exchange",
                "a Digest challenge without realm")
        t:check(challenge.params.nonce, "auth.digest.exchange",
                "a Digest challenge without nonce")
        t:check(challenge.params.qop, "auth.digest.qop-offer",
                "a Digest challenge without qop", { contested = true })
        local seen = {}
        for _, param in ipairs(challenge) do
          local name = param[1]:lower()
          local id = name == "realm" and "auth.realm.quoted"
                     or "auth.digest.quoting-challenge"
          t:check(not seen[name], "auth.param.once", name .. " is there twice")
          seen[name] = true
          t:check(QUOTED[name] == nil or QUOTED[name] == param[3], id,
                  name .. (param[3] and " is quoted" or " is not quoted"))
        end
      end
    end
    t:check(count > 0, "auth.digest.exchange", "a 407 without a Digest "
            .. "challenge, where another one had it")
  end,
}
