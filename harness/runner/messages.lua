-- What a connection of t's knows of HTTP messages: whole ones are read off it,
-- however the octets are cut, and what is behind them stays.

local http_reader = require "lib.http_reader"
local options = require "runner.options"

local messages = {}

local WAIT = 2

-- Feeds a reader until done() or an end: the message, or nil, what happened
-- ("fin", "rst", "cut", "malformed", "silence", or "closed" by ourselves) and
-- what came of it.
local function read(self, reader, within, done)
  local conn = self.conn
  local deadline = native.now() + self.d:span(within or WAIT)
  while true do
    if conn:buffered() > 0 then
      local used = reader:feed(conn:peek())
      self:took(conn:consume(used))
    end
    if done(reader) then
      return reader:message()
    elseif reader.broken then
      return nil, "malformed", reader:message()
    elseif conn:ended() and conn:buffered() == 0 then
      local message = reader:finish(conn:ended())
      if message and message.is_complete then
        return message
      end
      return nil, message and "cut" or conn:ended(), message
    end
    local left = deadline - native.now()
    if left <= 0 then
      return nil, "silence", reader:message()
    end
    conn:wait(1, left)
    if conn:buffered() == 0 and not conn:ended() and native.now() < deadline - 0.01 then
      return nil, "closed", reader:message() -- by us
    end
  end
end

local function is_done(reader)
  return reader:is_done()
end

local function has_head(reader)
  return reader:head() ~= nil or reader:is_done()
end

local METHODS = {}

-- One request; upto = "head": as soon as its head is there, see rest().
function METHODS.request(self, wishes)
  wishes = options.check(wishes, { within = true, upto = true })
  local reader = rawget(self, "reader") or http_reader.request()
  rawset(self, "reader", reader)
  local got, what, partial = read(self, reader, wishes.within,
    wishes.upto == "head" and has_head or is_done)
  if reader:is_done() or (not got and what ~= "silence") then
    rawset(self, "reader", nil)
  end
  return got, what, partial
end

-- The rest of a request whose head was read: whether it is whole now.
function METHODS.rest(self, request, within)
  local reader = rawget(self, "reader")
  if request.is_complete or not reader then
    return request.is_complete
  end
  local got = read(self, reader, within or 20, is_done)
  rawset(self, "reader", nil)
  return got ~= nil
end

-- What the proxy sent of a response that it did not finish stays with the
-- reader, so that a later call goes on with it.
local function next_response(self, method, within)
  local reader = rawget(self, "reader") or http_reader.response(method)
  rawset(self, "reader", reader)
  local got, what, partial = read(self, reader, within, is_done)
  if got or what ~= "silence" then
    rawset(self, "reader", nil)
  end
  return got, what, partial
end

-- The final response to the oldest request that was sent and not answered, and
-- the interim ones before it. method: of that request.
function METHODS.response(self, wishes)
  wishes = options.check(wishes, { within = true, method = true,
                                   interim = true })
  local asked = rawget(self, "asked") or {}
  local method = wishes.method or asked[1] or "GET"
  local interim = {}
  local deadline = native.now() + (wishes.within or WAIT)
  while true do
    local got, what, partial = next_response(self, method,
                                             deadline - native.now())
    if not got then
      return nil, what, partial, interim
    elseif got.status // 100 ~= 1 or got.status == 101 or wishes.interim then
      if got.status // 100 ~= 1 or got.status == 101 then
        table.remove(asked, 1)
      end
      got.interim = interim
      return got
    end
    interim[#interim + 1] = got
  end
end

-- The method that octets of a client begin to ask with, or nil.
function messages.method_of(data)
  return data:match("^[\r\n]*(%u+) [^\r\n]* HTTP/%d")
end

-- Adds them to the methods of connections.
function messages.extend(methods)
  for name, method in pairs(METHODS) do
    methods[name] = method
  end
end

return messages
