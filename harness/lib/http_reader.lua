-- Reads one HTTP/1 message from octets as they come, cut anywhere (RFC 9112).
-- It is tolerant: what is odd about a message is kept, named and left to the
-- judges. Only a body whose end cannot be told is broken.
--
--   local reader = http_reader.request()           -- or .response(method)
--   local used = reader:feed(octets)               -- what belonged to it
--   reader:head()                                  -- the message, once its head is whole
--   reader:is_done()                               -- the message is whole
--   reader.broken                                  -- why its end cannot be told
--   reader:finish("fin")                           -- the stream ended
--   reader:message()                               -- what is there so far
--
-- A message: kind line method target version (requests), status reason version
-- (responses), fields { { name, value, raw = } … }, head (its octets),
-- framing "none", "length", "chunked" or "end", length, body, chunks
-- { { size =, extension = } … }, trailers, raw (all octets), is_complete,
-- broken, odd (a set of names of oddities), rest (octets behind what broke).

local octets = require "lib.octets"

local http_reader = {}

local Message = {}
Message.__index = Message

local Reader = {}
Reader.__index = Reader

-- Messages ------------------------------------------------------------------

-- The values of all fields of that name, in order.
local function values_in(fields, name)
  local out, wanted = {}, name:lower()
  for _, field in ipairs(fields) do
    if field.name == wanted then
      out[#out + 1] = field[2]
    end
  end
  return out
end

function Message:values(name)
  return values_in(self.fields, name)
end

-- Their values joined, as RFC 9110 section 5.3 combines them; nil: none.
function Message:field(name)
  local values = self:values(name)
  return values[1] and table.concat(values, ", ") or nil
end

function Message:trailer(name)
  local values = values_in(self.trailers, name)
  return values[1] and table.concat(values, ", ") or nil
end

-- The members of a list field in lower case, without their parameters.
function Message:tokens(name)
  local out = {}
  for member in (self:field(name) or ""):gmatch("[^,]+") do
    local token = member:match("^%s*([^;]-)%s*;") or member:match("^%s*(.-)%s*$")
    if token ~= "" then
      out[#out + 1] = token:lower()
    end
  end
  return out
end

function Message:has(name, token)
  for _, one in ipairs(self:tokens(name)) do
    if one == token:lower() then
      return true
    end
  end
  return false
end

-- The lines of these names as "name:value", to be compared.
function Message:lines(...)
  local wanted, out = {}, {}
  for _, name in ipairs { ... } do
    wanted[name:lower()] = true
  end
  for _, field in ipairs(self.fields) do
    local name = field[1]:lower()
    if wanted[name] or wanted[(name:gsub("%s+$", ""))] then
      out[#out + 1] = name .. ":" .. field[2]
    end
  end
  return out
end

-- Lines ---------------------------------------------------------------------

-- Takes n octets of what waits.
local function take(self, n)
  local data = self.pending:sub(self.at, self.at + n - 1)
  self.at = self.at + n
  self.raw[#self.raw + 1] = data
  return data
end

local function waiting(self)
  return #self.pending - self.at + 1
end

-- The next line without its end, and as it was; nil when it is not whole.
local function take_line(self)
  local stop = self.pending:find("\n", math.max(self.at, self.scanned), true)
  if not stop then
    self.scanned = #self.pending + 1
    return nil
  end
  self.scanned = 1
  local raw = take(self, stop - self.at + 1)
  local line = raw:sub(1, -2)
  if line:sub(-1) == "\r" then
    return line:sub(1, -2), raw
  end
  return line, raw, true
end

local function note_octets(message, line, is_bare)
  if is_bare then
    message.odd["bare-lf"] = true
  end
  if line:find("\r", 1, true) then
    message.odd["bare-cr"] = true
  end
  if line:find("\0", 1, true) then
    message.odd["nul"] = true
  end
end

local function add_field(message, list, line, raw)
  local last = list[#list]
  if line:find("^[ \t]") then
    if last then
      message.odd["obs-fold"] = true
      last[2] = last[2] .. " " .. line:match("^%s*(.-)%s*$")
      last.value = last[2]
      last.raw = last.raw .. raw
      return
    end
    message.odd["space-before-field"] = true
  end
  local name, value = line:match("^([^:]*):[ \t]*(.-)[ \t]*$")
  if not name then
    message.odd["no-colon"] = true
    name, value = line, ""
  elseif name:find("[ \t]$") then
    message.odd["space-before-colon"] = true
  elseif name == "" then
    message.odd["no-name"] = true
  end
  list[#list + 1] = { name, value, name = name:lower(), value = value, raw = raw }
end

-- Framing -------------------------------------------------------------------

-- Whether it has no body whatever its fields say (RFC 9112 section 6.3).
local function is_bodiless(message, method)
  local status = message.status
  return message.kind == "response"
         and (method == "HEAD" or status // 100 == 1 or status == 204
              or status == 304
              or (method == "CONNECT" and status // 100 == 2))
end

-- One length that all Content-Length values agree on; nil and why.
local function length_of(message)
  local length
  for member in (message:field("content-length") .. ","):gmatch("([^,]*),") do
    local digits = member:match("^%s*(%d+)%s*$")
    local value = digits and math.tointeger(tonumber(digits))
    if not value then
      return nil, "Content-Length is no number"
    elseif length and length ~= value then
      return nil, "Content-Length has two values"
    end
    length = value
  end
  return length
end

local function set_framing(message, method)
  if is_bodiless(message, method) then
    message.framing = "none"
  elseif message:field("transfer-encoding") then
    local codings = message:tokens("transfer-encoding")
    if codings[#codings] == "chunked" then
      message.framing = "chunked"
    elseif message.kind == "response" then
      message.framing = "end"
    else
      return "Transfer-Encoding does not end in chunked"
    end
  elseif message:field("content-length") then
    local length, why = length_of(message)
    if not length then
      return why
    end
    message.framing, message.length = "length", length
  else
    message.framing = message.kind == "response" and "end" or "none"
  end
  return nil
end

-- States --------------------------------------------------------------------

local step = {}

local function break_off(self, why)
  self.broken, self.got.broken, self.state = why, why, "broken"
  return false
end

local function read_request_line(message, line)
  local method, target, version = line:match("^(%S+) (.*) HTTP/(%d%.%d)$")
  if not method then
    message.odd["request-line"] = true
    method, target, version = line:match("^%s*(%S+)%s+(.-)%s+HTTP/(%S+)%s*$")
  end
  message.method, message.target, message.version = method, target, version
  return method ~= nil or "no request-line"
end

local function read_status_line(message, line)
  local version, status, reason = line:match("^HTTP/(%d%.%d) (%d%d%d) (.*)$")
  if not version then
    message.odd["status-line"] = true
    version, status, reason = line:match("^HTTP/(%S+)%s+(%d%d%d)%f[%D]%s*(.*)$")
  end
  message.version, message.reason = version, reason
  message.status = tonumber(status)
  return version ~= nil or "no status line"
end

function step.start(self)
  local line, raw, is_bare = take_line(self)
  local message = self.got
  if not line then
    local seen = self.pending:sub(self.at, self.at + 4)
    if message.kind == "response"
      and seen ~= ("HTTP/"):sub(1, #seen) and not seen:find("^[\r\n]") then
      return break_off(self, "no status line")
    end
    return false
  elseif line == "" then
    message.odd["empty-line-first"] = true
    return true
  end
  note_octets(message, line, is_bare)
  message.line, message.line_raw = line, raw
  local read = message.kind == "request" and read_request_line
               or read_status_line
  local why = read(message, line)
  if why ~= true then
    return break_off(self, why)
  end
  self.state = "fields"
  return true
end

function step.fields(self)
  local line, raw, is_bare = take_line(self)
  if not line then
    return false
  end
  local message = self.got
  note_octets(message, line, is_bare)
  if line ~= "" then
    add_field(message, message.fields, line, raw)
    return true
  end
  message.head = octets.join(self.raw)
  self.raw = { message.head }
  self.has_head = true
  local why = set_framing(message, self.method)
  if why then
    return break_off(self, why)
  end
  self.left = message.length
  self.state = ({ none = "done", length = "length", ["end"] = "rest",
                  chunked = "size" })[message.framing]
  return true
end

local function take_body(self, n)
  self.body[#self.body + 1] = take(self, n)
end

function step.length(self)
  local n = math.min(self.left, waiting(self))
  take_body(self, n)
  self.left = self.left - n
  if self.left == 0 then
    self.state = "done"
  end
  return self.left == 0
end

function step.rest(self)
  take_body(self, waiting(self))
  return false
end

-- Takes the whole chunks that come next, as long as nothing about them is
-- worth a remark.
local function take_plain_chunks(self)
  local pending, at, chunks, body = self.pending, self.at, self.got.chunks,
                                    self.body
  while true do
    local _, stop, digits = pending:find("^(%x%x?%x?%x?%x?%x?)\r\n", at)
    local size = stop and tonumber(digits, 16)
    if not size or size == 0 or pending:find("^\r\n", stop + size + 1) == nil then
      break
    end
    chunks[#chunks + 1] = { size = size, extension = "" }
    body[#body + 1] = pending:sub(stop + 1, stop + size)
    at = stop + size + 3
  end
  if at > self.at then
    take(self, at - self.at)
  end
end

-- RFC 9112 section 7.1
function step.size(self)
  take_plain_chunks(self)
  local line, _, is_bare = take_line(self)
  if not line then
    return waiting(self) > 65536 and break_off(self, "an endless chunk size")
  end
  local message = self.got
  local digits, extension = line:match("^(%x+)(.*)$")
  if not digits or #digits > 15 or extension:find("^[^ \t;]") then
    return break_off(self, "no chunk size")
  elseif is_bare then
    message.odd["chunk-bare-lf"] = true
  end
  local size = tonumber(digits, 16)
  message.chunks[#message.chunks + 1] = { size = size, extension = extension }
  self.left = size
  self.state = size > 0 and "data" or "trailers"
  return true
end

function step.data(self)
  local n = math.min(self.left, waiting(self))
  take_body(self, n)
  self.left = self.left - n
  if self.left == 0 then
    self.state = "gap"
  end
  return self.left == 0
end

function step.gap(self)
  local two = self.pending:sub(self.at, self.at + 1)
  if two:sub(1, 1) == "\n" then
    self.got.odd["chunk-bare-lf"] = true
    take(self, 1)
  elseif two == "\r\n" then
    take(self, 2)
  else
    return two ~= "" and two ~= "\r"
           and break_off(self, "a chunk longer than its size")
  end
  self.state = "size"
  return true
end

function step.trailers(self)
  local line, raw, is_bare = take_line(self)
  if not line then
    return false
  end
  note_octets(self.got, line, is_bare)
  if line == "" then
    self.state = "done"
  else
    add_field(self.got, self.got.trailers, line, raw)
  end
  return true
end

-- The reader ----------------------------------------------------------------

local function new(kind, method)
  return setmetatable({
    state = "start", method = method, pending = "", at = 1, scanned = 1,
    raw = {}, body = {},
    got = setmetatable({ kind = kind, fields = {}, trailers = {}, chunks = {},
                         odd = {}, body = "", raw = "", is_complete = false },
                       Message),
  }, Reader)
end

function http_reader.request()
  return new("request")
end

-- method: of the request that it answers; HEAD and CONNECT decide about bodies.
function http_reader.response(method)
  return new("response", method)
end

-- How many of these octets belong to the message; all, until it is done. Of
-- one that is broken all are taken, the unread ones into `rest`.
function Reader:feed(data)
  if self.state == "done" then
    return 0
  end
  self.pending = self.pending:sub(self.at) .. data
  self.scanned = math.max(1, self.scanned - self.at + 1)
  self.at = 1
  while step[self.state] and waiting(self) > 0 and step[self.state](self) do
    -- each step takes what it can and says whether to go on
  end
  if self.state == "length" and self.left == 0 then
    self.state = "done" -- an empty body
  end
  if self.state == "broken" then
    local rest = take(self, waiting(self))
    self.got.rest = (self.got.rest or "") .. rest
    return #data
  elseif self.state == "done" then
    local left = waiting(self)
    self.pending, self.at = "", 1
    return #data - left
  end
  return #data
end

function Reader:is_done()
  return self.state == "done"
end

-- The message with what came so far.
function Reader:message()
  local message = self.got
  if #self.body > 0 then
    message.body = message.body .. octets.join(self.body)
    self.body = {}
  end
  message.raw = octets.join(self.raw) .. self.pending:sub(self.at)
  message.is_complete = self.state == "done"
  return message
end

-- The message when its head is whole, else nil.
function Reader:head()
  return self.has_head and self.got or nil
end

-- The stream ended: the message, whole or not; nil when nothing of one came.
function Reader:finish(how)
  if self.state == "rest" and how == "fin" then
    self.state = "done"
  end
  local message = self:message()
  return #message.raw > 0 and message or nil
end

return http_reader
