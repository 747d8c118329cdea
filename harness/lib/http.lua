-- HTTP/1 messages as scenarios write and read them: heads of RFC 9112 and,
-- behind an answer that has one, the body.

local ref = require "lib.ref"
local match = require "lib.match"
local message = require "lib.message"
local base64 = require "lib.base64"
local http_message = require "lib.http_message"
local http_reader = require "lib.http_reader"

local http = {}

-- Names are put as they are given: a name that ends in a space stays so.
local function put_fields(out, fields, context)
  for _, field in ipairs(fields or {}) do
    out[#out + 1] = ref.resolve(field[1], context) .. ": "
                    .. ref.resolve(field[2], context)
  end
end

local function check_pairs(fields)
  for _, field in ipairs(fields.fields or {}) do
    if type(field) ~= "table" or field[1] == nil or field[2] == nil then
      return false, "fields is a list of { name, value } pairs"
    end
  end
  return true
end

-- A CONNECT as RFC 9110 section 9.3.6 has it, with the target's credentials.
local connect = {
  name = "http.connect", phase = "response", check = check_pairs,
  fields = { to = true, target = true, method = true, version = true,
             fields = true, credentials = true, host = true },
}

function connect.encode(fields, context)
  local to = ref.resolve(fields.to, context)
  local authority = to and http_message.authority(to)
  local method = fields.method or "CONNECT"
  local target = ref.resolve(fields.target, context) or authority
  local out = { string.format("%s %s HTTP/%s", method, target,
                              fields.version or "1.1") }
  if fields.host ~= false then
    out[2] = "Host: " .. (ref.resolve(fields.host, context) or authority
                          or ref.resolve(fields.target, context))
  end
  if fields.credentials ~= false and context.user then
    out[#out + 1] = "Proxy-Authorization: "
                    .. http_message.credentials(method, target, context)
  end
  put_fields(out, fields.fields, context)
  return table.concat(out, "\r\n") .. "\r\n\r\n"
end

function connect.show(fields)
  return "to " .. ref.describe(fields.target or fields.to)
end

-- Takes a head apart; lines may end in LF alone: what is odd about a head is
-- the judge's business, not the reader's.
function http.decode_head(data)
  local _, stop = data:find("\r?\n\r?\n")
  if not stop then
    return nil
  end
  local lines = {}
  for line in data:sub(1, stop):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = (line:gsub("\r$", ""))
  end
  local fields = {}
  for i = 2, #lines do
    local name, value = lines[i]:match("^([^:]-)%s*:%s*(.-)%s*$")
    if name then
      fields[#fields + 1] = { name = name:lower(), value = value }
    end
  end
  return stop, lines[1], fields
end

local function field(fields, name)
  for _, one in ipairs(fields) do
    if one.name == name then
      return one.value
    end
  end
  return nil
end

-- Where a chunked body ends (RFC 9112 section 7.1), or nil, or "malformed".
local function chunked_end(data, at)
  while true do
    local size, next_at = data:match("^(%x+)[^\n]*\n()", at)
    if not size then
      return #data - at < 4096 and nil or "malformed"
    end
    local octets = tonumber(size, 16)
    at = next_at + octets
    if octets == 0 then
      local trailer_end = select(2, data:find("^\r?\n", next_at))
                          or select(2, data:find("\r?\n\r?\n", next_at))
      return trailer_end
    end
    if #data < at then
      return nil
    end
    at = at + (data:find("^\r\n", at) and 2 or 1)
  end
end

local response = {
  name = "http.response",
  fields = { status = true, version = true, fields = true, without = true,
             body = true },
}

-- An answer to a forwarded request, whose body belongs to it.
local function decode_forwarded(data, method, has_ended)
  local skipped = 0
  while true do
    local reader = http_reader.response(method)
    local used = reader:feed(data:sub(skipped + 1))
    local got = has_ended and reader:finish("fin") or reader:message()
    if reader.broken then
      return "malformed", reader.broken
    elseif not reader:is_done() then
      return "need-more"
    end
    skipped = skipped + used
    if got.status >= 200 or got.status == 101 then
      return "done", skipped, got
    end
  end
end

function response.encode()
  error("http.response is what a proxy sends; it is not sent to one")
end

local function body_end(data, head_end, got)
  local length = field(got.fields, "content-length")
  if got.status // 100 == 2 or got.status // 100 == 1 then
    return head_end -- the answer to CONNECT: a tunnel follows
  end
  if field(got.fields, "transfer-encoding") then
    return chunked_end(data, head_end + 1)
  end
  if length and length:find("^%d+$") then
    local stop = head_end + tonumber(length)
    return #data >= stop and stop or nil
  end
  got.is_delimited_by_end = true
  return head_end
end

-- The final answer; 1xx answers before it are passed over (RFC 9110, 15.2).
-- client: its `asked` is the method of a request that was to be forwarded.
function response.decode(data, client, has_ended)
  if client and client.asked then
    return decode_forwarded(data, client.asked, has_ended)
  end
  local skipped = 0
  while true do
    local rest = data:sub(skipped + 1)
    if not ("HTTP/"):find(rest:sub(1, 5), 1, true) then
      return "malformed", "no status line"
    end
    local stop, line, fields = http.decode_head(rest)
    if not stop then
      return #rest < 65536 and "need-more" or "malformed", "an endless head"
    end
    local version, status = line:match("^HTTP/(%S+)%s+(%d%d%d)%f[%D]")
    if not status then
      return "malformed", "the status line has no status"
    end
    local got = { status = tonumber(status), version = version, fields = fields }
    local used = body_end(rest, stop, got)
    if used == "malformed" then
      return "malformed", "a broken chunked body"
    elseif not used then
      return "need-more"
    elseif got.status >= 200 or got.status == 101 then
      return "done", skipped + used, got
    end
    skipped = skipped + used
  end
end

local function is_status(want, got)
  if type(want) == "string" then
    return want:sub(1, 1) == tostring(got // 100)
  end
  return want == got
end

local function compare_one(name, want, got, equal)
  if want ~= nil and not match.holds(want, got, equal) then
    return false, string.format("%s is %s, not %s", name, tostring(got),
                                match.describe(want))
  end
  return true
end

function response.compare(fields, got, context)
  local ok, why = compare_one("the status", fields.status, got.status, is_status)
  if ok then
    ok, why = compare_one("the version", fields.version, got.version)
  end
  if ok then
    ok, why = compare_one("the body", ref.resolve(fields.body, context),
                          got.body)
  end
  for name, want in pairs(fields.fields or {}) do
    local value = field(got.fields, name:lower())
    if ok then
      ok, why = compare_one(name, ref.resolve(want, context), value)
      if ok and value == nil then
        ok, why = false, name .. " is missing"
      end
    end
  end
  for _, name in ipairs(fields.without or {}) do
    if ok and field(got.fields, name:lower()) then
      ok, why = false, name .. " is there"
    end
  end
  return ok, why
end

function response.show(fields)
  return "status " .. match.describe(fields.status or match.anything)
end

http.field = field
http.base64, http.basic = base64.encode, http_message.basic
http.kinds = { connect = connect, response = response,
               request = http_message.kinds.request,
               answer = http_message.kinds.answer,
               forwarded = http_message.kinds.forwarded }
for name, kind in pairs(http.kinds) do
  http[name] = message.constructor(kind)
end

return http
