-- HTTP/1 requests and answers as scenarios write them, each detail settable,
-- and as they are looked at on the origin's side.

local base64 = require "lib.base64"
local http_reader = require "lib.http_reader"
local match = require "lib.match"
local ref = require "lib.ref"

local http_message = {}

-- Pieces --------------------------------------------------------------------

-- "127.0.0.1:80", "[::1]:80", "localhost:80"
function http_message.authority(to)
  if to.atyp == 4 then
    return string.format("[%s]:%d", to.host, to.port)
  end
  return string.format("%s:%d", to.host, to.port)
end

-- RFC 7617 section 2
function http_message.basic(user, password)
  return "Basic " .. base64.encode(user .. ":" .. password)
end

-- What a request to this target brings unless it says otherwise: what the proxy
-- takes, else Basic.
function http_message.credentials(method, target, context)
  return context.credentials and context.credentials(method, target)
         or http_message.basic(context.user, context.password)
end

-- A field is { name, value }, or a whole line as text.
local function check_fields(list, what)
  if type(list) ~= "table" then
    return false, what .. " is a list of { name, value } pairs"
  end
  for _, field in ipairs(list) do
    local is_line = type(field) == "string" or ref.is(field)
    if not is_line and (type(field) ~= "table" or field[1] == nil
                        or field[2] == nil) then
      return false, what .. " is a list of { name, value } pairs"
    end
  end
  return true
end

local function check_message(fields)
  for _, what in ipairs { "fields", "trailers" } do
    if fields[what] then
      local ok, why = check_fields(fields[what], what)
      if not ok then
        return false, why
      end
    end
  end
  if fields.trailers and not fields.chunked then
    return false, "trailers go with chunked"
  end
  return true
end

-- Names are put as they are given: a name that ends in a space stays so.
local function put_fields(out, list, context)
  for _, field in ipairs(list or {}) do
    if type(field) == "string" or ref.is(field) then
      out[#out + 1] = ref.resolve(field, context)
    else
      out[#out + 1] = ref.resolve(field[1], context) .. ": "
                      .. ref.resolve(field[2], context)
    end
  end
end

local function names(list, name)
  for _, field in ipairs(list or {}) do
    local own = type(field) == "table" and not ref.is(field) and field[1]
                or ref.describe(field):match("^[^:]*")
    if tostring(own):lower():match("^%s*(.-)%s*$") == name then
      return true
    end
  end
  return false
end

-- A body in chunks of these sizes; the last size serves for all that is left.
local function chunk(body, fields, context, eol)
  local sizes = type(fields.chunked) == "table" and fields.chunked or {}
  local extension = ref.resolve(fields.extension, context) or ""
  local out, at, i = {}, 1, 1
  while at <= #body do
    local size = sizes[i] or sizes[#sizes] or #body
    local piece = body:sub(at, at + size - 1)
    out[#out + 1] = string.format("%x%s%s%s%s", #piece, extension, eol, piece,
                                  eol)
    at, i = at + size, i + 1
  end
  if fields.last_chunk == false then
    return table.concat(out)
  end
  out[#out + 1] = "0" .. extension .. eol
  local lines = {}
  put_fields(lines, fields.trailers, context)
  for _, line in ipairs(lines) do
    out[#out + 1] = line .. eol
  end
  return table.concat(out) .. eol
end

-- Lines and body as octets.
local function assemble(lines, body, fields, context)
  local eol = fields.eol or "\r\n"
  if fields.chunked then
    body = chunk(body, fields, context, eol)
  end
  return table.concat(lines, eol) .. eol .. eol .. body
end

-- Whether the scenario itself says how the body is delimited.
local function is_framed(fields)
  return names(fields.fields, "content-length")
         or names(fields.fields, "transfer-encoding")
end

local function put_framing(lines, body, fields)
  if is_framed(fields) then
    return
  elseif fields.chunked then
    lines[#lines + 1] = "Transfer-Encoding: chunked"
  else
    lines[#lines + 1] = "Content-Length: " .. #body
  end
end

-- Reading back --------------------------------------------------------------

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"

local function is_clean(list)
  for _, field in ipairs(list) do
    if not field[1]:find(TOKEN) or field[2]:find("[%z\1-\8\10-\31\127]") then
      return false
    end
  end
  return true
end

-- Whether a whole message is well-formed: for what scenarios write.
local function lint(reader, data)
  local used = reader:feed(data)
  if reader.state == "rest" then
    reader:finish("fin")
  end
  local got = reader:message()
  if not reader:is_done() or used ~= #data or next(got.odd) ~= nil
    or not is_clean(got.fields) or not is_clean(got.trailers) then
    return "malformed", got.broken or "not well-formed"
  end
  return "done", used, got
end

-- Requests ------------------------------------------------------------------

-- With `to` it is what a client of a proxy sends: absolute-form, Host,
-- credentials and the length of the body are filled in. Without, only what is
-- given is sent.
local request = {
  name = "http.request", phase = "response", check = check_message,
  fields = { method = true, target = true, version = true, fields = true,
             body = true, to = true, path = true, host = true,
             credentials = true, chunked = true, extension = true,
             trailers = true, last_chunk = true, eol = true },
}

local function target_of(fields, context, to)
  local target = ref.resolve(fields.target, context)
  local path = ref.resolve(fields.path, context)
  return target or to and "http://" .. http_message.authority(to)
         .. (path or "/") or path or "/"
end

local function put_own(lines, fields, context, to, target)
  local host = ref.resolve(fields.host, context)
  if host == nil and to and not names(fields.fields, "host") then
    host = http_message.authority(to)
  end
  if host then
    lines[#lines + 1] = "Host: " .. host
  end
  if to and fields.credentials ~= false and context.user
    and not names(fields.fields, "proxy-authorization") then
    lines[#lines + 1] = "Proxy-Authorization: "
                        .. http_message.credentials(fields.method or "GET",
                                                    target, context)
  end
end

function request.encode(fields, context)
  local to = ref.resolve(fields.to, context)
  local body = ref.resolve(fields.body, context) or ""
  local target = target_of(fields, context, to)
  local lines = { (fields.method or "GET") .. " " .. target
                  .. " HTTP/" .. (fields.version or "1.1") }
  put_own(lines, fields, context, to, target)
  put_fields(lines, fields.fields, context)
  if fields.chunked or (to and fields.body) then
    put_framing(lines, body, fields)
  end
  return assemble(lines, body, fields, context)
end

function request.decode(data)
  return lint(http_reader.request(), data)
end

function request.show(fields)
  return (fields.method or "GET") .. " "
         .. ref.describe(fields.target or fields.path or fields.to or "/")
end

-- Answers of an origin ------------------------------------------------------

local answer = {
  name = "http.answer", check = check_message,
  fields = { status = true, reason = true, version = true, fields = true,
             body = true, chunked = true, extension = true, trailers = true,
             last_chunk = true, eol = true, bare = true, of = true },
}

local REASONS = {
  [100] = "Continue", [101] = "Switching Protocols", [103] = "Early Hints",
  [200] = "OK", [201] = "Created", [204] = "No Content",
  [206] = "Partial Content", [301] = "Moved Permanently", [302] = "Found",
  [304] = "Not Modified", [400] = "Bad Request", [401] = "Unauthorized",
  [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [500] = "Internal Server Error", [503] = "Service Unavailable",
}

-- RFC 9110 section 5.6.7
function http_message.date(epoch)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(epoch))
end

-- What an honest origin says beside: the date, and that nothing is to be kept.
local function put_honest(lines, fields)
  if not names(fields.fields, "date") then
    lines[#lines + 1] = "Date: " .. http_message.date(native.epoch())
  end
  if not names(fields.fields, "cache-control") then
    lines[#lines + 1] = "Cache-Control: no-store"
  end
end

local function may_have_body(status)
  return status // 100 ~= 1 and status ~= 204 and status ~= 304
end

-- of: the method of the request that it answers; HEAD has no body.
function answer.encode(fields, context)
  local status = fields.status or 200
  local body = ref.resolve(fields.body, context) or ""
  local reason = ref.resolve(fields.reason, context)
  local lines = { string.format("HTTP/%s %s %s", fields.version or "1.1",
                                status, reason or REASONS[status] or "Status") }
  if not fields.bare and status // 100 ~= 1 then
    put_honest(lines, fields)
  end
  put_fields(lines, fields.fields, context)
  if not fields.bare and may_have_body(status) then
    put_framing(lines, body, fields)
  end
  if fields.of == "HEAD" or (not may_have_body(status) and not fields.body) then
    return table.concat(lines, fields.eol or "\r\n") .. (fields.eol or "\r\n"):rep(2)
  end
  return assemble(lines, body, fields, context)
end

function answer.decode(data)
  return lint(http_reader.response("GET"), data)
end

function answer.show(fields)
  return "status " .. (fields.status or 200)
end

-- What reached the origin ---------------------------------------------------

-- A wish: only what is given is compared. fields: { name = value }, value being
-- all values of that name joined.
local forwarded = {
  name = "http.forwarded",
  fields = { method = true, target = true, version = true, body = true,
             fields = true, without = true },
}

function forwarded.encode()
  error("http.forwarded is what an origin receives; it is not sent")
end

function forwarded.decode(data)
  local reader = http_reader.request()
  local used = reader:feed(data)
  if reader.broken then
    return "malformed", reader.broken
  elseif not reader:is_done() then
    return "need-more"
  end
  return "done", used, reader:message()
end

-- The fields of a message against { name = value } and a list of absent names.
function http_message.compare_fields(fields, got, context)
  for name, want in pairs(fields.fields or {}) do
    local value = got:field(name)
    if value == nil then
      return false, name .. " is missing"
    elseif not match.holds(ref.resolve(want, context), value) then
      return false, string.format("%s is %s, not %s", name, value,
                                  match.describe(ref.resolve(want, context)))
    end
  end
  for _, name in ipairs(fields.without or {}) do
    if got:field(name) then
      return false, name .. " is there"
    end
  end
  return true
end

function http_message.compare_values(list, fields, got, context)
  for _, name in ipairs(list) do
    local want = ref.resolve(fields[name], context)
    if want ~= nil and not match.holds(want, got[name]) then
      return false, string.format("the %s is %s, not %s", name,
                                  tostring(got[name]), match.describe(want))
    end
  end
  return true
end

function forwarded.compare(fields, got, context)
  local ok, why = http_message.compare_values(
    { "method", "target", "version", "body" }, fields, got, context)
  if not ok then
    return ok, why
  end
  return http_message.compare_fields(fields, got, context)
end

function forwarded.show(fields)
  return (fields.method or "a request") .. " "
         .. match.describe(fields.target or match.anything)
end

http_message.kinds = { request = request, answer = answer,
                       forwarded = forwarded }

return http_message
