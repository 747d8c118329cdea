-- Digest credentials, RFC 7616, as a client computes them; and the challenges
-- that they answer. Parameters are lists of { name, value, is_quoted }, so that
-- a scenario can drop, repeat, reorder and rewrite them.

local digest = {}

-- Challenges ------------------------------------------------------------------

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+"

-- Reads "name = value" at `at`: name, value, is_quoted and where it ends; nil
-- when there is none. What is odd about it is the judge's business.
local function take_param(text, at)
  local name, behind = text:match("^(" .. TOKEN:sub(2) .. ")%s*=%s*()", at)
  if not name then
    return nil
  end
  if text:sub(behind, behind) ~= '"' then
    local value = text:match(TOKEN, behind)
    return value and name, value, false, value and behind + #value
  end
  local out, i = {}, behind + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == '"' then
      return name, table.concat(out), true, i + 1
    elseif c == "\\" then
      i = i + 1
      c = text:sub(i, i)
    end
    out[#out + 1] = c
    i = i + 1
  end
  return nil
end

-- Takes the challenges of one field value, as far as they can be read.
local function read_challenges(text, out)
  local at = 1
  while true do
    at = text:match("^[%s,]*()", at)
    local name, value, is_quoted, behind = take_param(text, at)
    local current = out[#out]
    if name and current then
      current[#current + 1] = { name, value, is_quoted }
      current.params[name:lower()] = value
      at = behind
    else
      local scheme, next_at = text:match("^([%w-]+)()", at)
      if not scheme then
        return
      end
      out[#out + 1] = { scheme = scheme:lower(), params = {} }
      at = text:match("^%s+[%w._~+/-]+=*()%s*$", next_at)
           or text:match("^%s+[%w._~+/-]+=*()%s*,", next_at) or next_at
    end
  end
end

-- The challenges in the fields of an answer: { scheme = "basic", params = {
-- realm = … } }, names in lower case, and their parameters in order.
function digest.challenges(answer)
  local out = {}
  for _, field in ipairs(answer.fields) do
    if field.name == "proxy-authenticate" then
      read_challenges(field.value, out)
    end
  end
  return out
end

local KNOWN = { ["md5"] = "MD5", ["sha-256"] = "SHA-256" }

-- The hash that a Digest challenge asks for; nil when it is none of ours.
function digest.algorithm(challenge)
  return KNOWN[(challenge.params.algorithm or "MD5"):lower()]
end

-- The first challenge that can be answered here, or nil; with an algorithm,
-- the first with that one.
function digest.find(answer, algorithm)
  for _, one in ipairs(digest.challenges(answer)) do
    local known = one.scheme == "digest" and digest.algorithm(one)
    if known and (not algorithm or known == algorithm) and one.params.nonce then
      return one
    end
  end
end

-- Credentials -----------------------------------------------------------------

local function has_auth(qop)
  for word in (qop or ""):gmatch("[^%s,]+") do
    if word:lower() == "auth" then
      return true
    end
  end
  return false
end

-- RFC 7616 section 3.4.1; without qop as RFC 2617 section 3.2.2.1 has it.
function digest.response(c)
  local function hash(...)
    return native.hash(c.hash, table.concat({ ... }, ":"))
  end
  local a1 = hash(c.user, c.realm, c.password)
  local a2 = hash(c.method, c.uri)
  if not c.qop then
    return hash(a1, c.nonce, a2)
  end
  return hash(a1, c.nonce, c.nc, c.cnonce, c.qop, a2)
end

local DEFAULTS = { method = "CONNECT", nc = 1, cnonce = "0a4f113b" }

-- The parameters that answer a challenge. wishes: user, password, uri; and,
-- where they are to be others than the challenge or custom has them, method,
-- nc (a number or text), cnonce, realm, nonce, qop, response. The response is
-- computed with all of these.
function digest.params(challenge, wishes)
  local c = { hash = digest.algorithm(challenge), realm =
                challenge.params.realm or "", nonce = challenge.params.nonce,
              qop = has_auth(challenge.params.qop) and "auth" or nil }
  for name, value in pairs(DEFAULTS) do
    c[name] = value
  end
  for name, value in pairs(wishes) do
    c[name] = value
  end
  c.nc = type(c.nc) == "number" and string.format("%08x", c.nc) or c.nc
  local out = {
    { "username", c.user, true }, { "realm", c.realm, true },
    { "nonce", c.nonce, true }, { "uri", c.uri, true },
    { "response", c.response or digest.response(c), true },
  }
  local function add(name, value, is_quoted)
    if value then
      out[#out + 1] = { name, value, is_quoted }
    end
  end
  add("algorithm", challenge.params.algorithm, false)
  add("opaque", challenge.params.opaque, true)
  if c.qop then
    add("qop", c.qop, false)
    add("nc", c.nc, false)
    add("cnonce", c.cnonce, true)
  end
  return out
end

local function put(param)
  local name, value, is_quoted = param[1], param[2], param[3]
  if is_quoted then
    value = '"' .. value:gsub('[\\"]', "\\%0") .. '"'
  end
  return name .. (param.equals or "=") .. value
end

-- "Digest " and the parameters, as the value of a field. options: scheme,
-- separator.
function digest.text(params, options)
  options = options or {}
  local out = {}
  for i, param in ipairs(params) do
    out[i] = put(param)
  end
  return (options.scheme or "Digest") .. " "
         .. table.concat(out, options.separator or ", ")
end

return digest
