-- An HTTP origin behind the proxy that answers by itself: every connection is
-- served by a task of its own, each request is kept, and answered as the
-- exchange that it belongs to wishes.
--
-- A proxy may open several connections, reuse them, open one and not use it,
-- or ask again: requests are told apart by the nonce in their target, and the
-- answers by a field that names the request.

local http = require "lib.http"
local message = require "lib.message"
local http_message = require "lib.http_message"
local octets = require "lib.octets"
local dialogue = require "runner.dialogue"

local witness = {}

local Witness = {}
Witness.__index = Witness

-- The field of an answer that names the request it belongs to.
witness.mark = "X-Witness"

local IDLE = 20 -- seconds that a connection is kept for the next request

-- Answers -------------------------------------------------------------------

local function wants_close(request)
  return request:has("connection", "close")
         or (request.version == "1.0" and not request:has("connection",
                                                          "keep-alive"))
end

local OWN = { close = true, raw = true, mark = true }

-- The octets of a scripted answer, marked, as the request wants it.
local function encode(self, wish, request, closes)
  if wish.raw then
    return wish.raw
  end
  local fields = {}
  for name, value in pairs(wish) do
    if not OWN[name] then
      fields[name] = value
    end
  end
  fields.of = request.method
  if request.version == "1.0" then -- who knows no chunks (RFC 9112 section 6.1)
    fields.chunked, fields.trailers, fields.extension = nil, nil, nil
  end
  fields.body = fields.body or request.nonce
  local list = { table.unpack(fields.fields or {}) }
  if wish.mark ~= false then
    list[#list + 1] = { witness.mark, request.nonce }
  end
  if closes and not fields.bare then
    list[#list + 1] = { "Connection", "close" }
  end
  fields.fields = list
  return message.encode(http.answer(fields), self.d.context)
end

-- Carries a scripted answer out: true when the connection may go on.
local function respond(self, up, wish, request)
  if type(wish) == "string" then
    wish = { raw = wish }
  end
  local closes = wish.close
  if closes == nil then
    closes = wants_close(request)
  end
  up:send(encode(self, wish, request, closes == true))
  if closes == "reset" then
    up:reset()
  elseif closes then
    up:close()
  end
  return not closes
end

-- Requests ------------------------------------------------------------------

-- The exchange whose nonce the target has, else the latest one.
local function exchange_of(self, request)
  for _, one in ipairs(self.exchanges) do
    if one.nonce and (request.target or ""):find(one.nonce, 1, true) then
      return one
    end
  end
  return self.exchanges[#self.exchanges]
end

local function note_request(self, up, request)
  local exchange = exchange_of(self, request)
  request.connection, request.number = up, #self.requests + 1
  request.nonce = dialogue.nonce(16)
  self.requests[request.number] = request
  up.requests[#up.requests + 1] = request
  if exchange then
    request.exchange = exchange
    exchange.requests[#exchange.requests + 1] = request
    request.nonce = exchange.nonce or request.nonce
  end
  self:wake()
  return exchange
end

-- What every origin does with a request that it cannot read.
local function refuse(up)
  up:send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
          .. "Connection: close\r\n\r\n")
  up:close()
  return false
end

-- One request and its answer; whether the connection goes on.
local function serve_one(self, up)
  local request, _, partial = up:request { upto = "head", within = IDLE }
  if not request then
    self.stray = self.stray or (partial and partial.raw ~= "" and partial.raw)
                 or nil
    return false
  end
  local exchange = note_request(self, up, request)
  local answer = exchange and exchange.answer or self.answer or {}
  if type(answer) == "function" and exchange and exchange.at == "head" then
    return answer(up, request) ~= false and request.is_complete
  end
  if request:has("expect", "100-continue") and request.version ~= "1.0" then
    up:send("HTTP/1.1 100 Continue\r\n\r\n")
  end
  local is_whole = up:rest(request)
  self:wake()
  if not is_whole then
    return request.broken and refuse(up)
  elseif type(answer) == "function" then
    return answer(up, request) ~= false
  end
  return respond(self, up, answer, request)
end

local function serve(self, conn)
  local up = self.wrap(conn)
  up.number, up.requests, up.log = #self.connections + 1, {}, {}
  up.is_served = false
  self.connections[up.number] = up
  self:wake()
  local ok, why = pcall(function ()
    while serve_one(self, up) and native.now() < self.d.deadline do
      -- the next request of this connection
    end
  end)
  up.is_served = true
  if not ok and not self.d.is_over then
    self.failure = self.failure or why
    conn:close()
  end
  self:wake()
end

-- The witness ---------------------------------------------------------------

-- wrap(conn) makes a connection of t's. options: answer (of requests that
-- belong to no exchange), backlog, port.
function witness.new(d, wrap, options)
  local self = setmetatable({ d = d, wrap = wrap, answer = options.answer,
                              connections = {}, requests = {}, exchanges = {},
                              waiters = {}, atyp = 1 }, Witness)
  local raw = d:new_origin {
    backlog = options.backlog, port = options.port,
    on_connection = function (conn)
      native.spawn(function ()
        serve(self, conn)
      end)
    end,
  }
  if not raw then
    return nil
  end
  self.raw, self.host, self.port = raw, raw.host, raw.port
  self.ipv6 = { host = raw.ipv6.host, port = raw.port, atyp = 4, of = self }
  self.name = { host = raw.name.host, port = raw.port, atyp = 3, of = self }
  self.authority = http_message.authority(self)
  return self
end

function witness.is(value)
  return getmetatable(value) == Witness
end

-- The witness of something that a request is sent to, or nil.
function witness.of(to)
  if witness.is(to) then
    return to
  end
  return type(to) == "table" and witness.is(rawget(to, "of")) and to.of or nil
end

function Witness:wake()
  local waiting = self.waiters
  self.waiters = {}
  for _, thread in ipairs(waiting) do
    native.wake(thread)
  end
end

-- Waits until what holds() says is true; its last word. What went wrong in a
-- scripted answer is raised here.
function Witness:wait(holds, within)
  local deadline = native.now() + self.d:span(within or 2)
  while true do
    self:raise()
    local got = holds()
    local left = deadline - native.now()
    if got or left <= 0 then
      return got
    end
    self.waiters[#self.waiters + 1] = coroutine.running()
    native.suspend(left)
  end
end

function Witness:raise()
  local failure = self.failure
  self.failure = nil
  if failure then
    error(failure, 0)
  end
end

-- The next request that was not taken yet; nil, "silence".
function Witness:request(within)
  self.taken = self.taken or 0
  local got = self:wait(function ()
    return self.requests[self.taken + 1]
  end, within)
  if not got then
    return nil, "silence"
  end
  self.taken = self.taken + 1
  return got
end

-- Waits for the rest of a request's body; whether it is whole.
function Witness:whole(request, within)
  return self:wait(function ()
    return request.is_complete or request.connection.is_served
  end, within) and request.is_complete
end

function Witness:contacts()
  return self.raw:contacts()
end

-- "http://127.0.0.1:80/path"
function Witness:url(path)
  return "http://" .. self.authority .. (path or "/")
end

-- What was sent on a connection so far, in octets.
function witness.sent(up)
  return table.concat(up.log)
end

function witness.show(request)
  return octets.show(request.line or request.raw, 80)
end

return witness
