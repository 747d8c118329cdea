-- What `t` knows of HTTP exchanges: a request through the proxy to an origin of
-- ours, the scripted answer, and what each side saw of both.

local http_reader = require "lib.http_reader"
local message = require "lib.message"
local http_message = require "lib.http_message"
local octets = require "lib.octets"
local dialogue = require "runner.dialogue"
local options = require "runner.options"
local oddity = require "runner.oddity"
local witness = require "runner.witness"

local exchange = {}

local WITHIN = 5

-- Seen ----------------------------------------------------------------------

local Seen = {}
Seen.__index = Seen

-- The octets that the origin sent in answer to this exchange.
local function sent_of(entry)
  local parts = {}
  for _, request in ipairs(entry.requests) do
    local log = request.connection.log
    parts[#parts + 1] = octets.join(log)
  end
  return octets.join(parts)
end

-- Whether the origin sent a response of this status.
local function has_status(sent, status)
  for one in sent:gmatch("HTTP/%d%.%d (%d%d%d)") do
    if one == tostring(status) then
      return true
    end
  end
  return false
end

-- Whether a response is of the proxy's own making. An error page may show the
-- nonce, which is in the target.
function exchange.is_own(response, sent, nonce)
  if not has_status(sent, response.status) then
    return true
  end
  return nonce ~= nil and sent:find(nonce, 1, true) ~= nil
         and not response.raw:find(nonce, 1, true)
end

local REASONS = {
  fin = "the connection was closed", rst = "the connection was reset",
  silence = "nothing whole came in time", cut = "it was cut short",
  closed = "we closed it",
  malformed = "it cannot be read",
}

-- Why an exchange is not whole, in words; nil when it is.
local function why_not(x)
  local response = x.response
  if x.is_own then
    return string.format("the proxy answered %d by itself", response.status)
  elseif not x.request then
    return "no request reached the origin"
           .. (x.what and "; " .. REASONS[x.what] or "")
  elseif not response then
    local text = "no whole response came: " .. (REASONS[x.what] or x.what)
    local why = x.partial and x.partial.broken
    return why and text .. " (" .. why .. ")" or text
  elseif not x.request.is_complete then
    return "the request reached the origin in part only"
  end
  return nil
end

-- What became of the origin's answer on its way: "passed", "modified", "own"
-- (the proxy answered by itself), "cut", "malformed", "dropped" (closed without
-- an octet) or "silent". Names are of fields whose lines have to be the same.
function Seen:outcome(...)
  local response = self.response
  if not response then
    return ({ cut = "cut", malformed = "malformed" })[self.what]
           or (self.what == "silence" and (#self.partial.raw > 0 and "cut"
                                           or "silent"))
           or "dropped"
  elseif self.is_own then
    return "own"
  end
  local reader = http_reader.response(self.method)
  reader:feed(self.sent)
  local said = reader:finish("fin")
  local is_same = said and said.status == response.status
                  and said.body == response.body
  if is_same and select("#", ...) > 0 then
    is_same = table.concat(said:lines(...), "\n")
              == table.concat(response:lines(...), "\n")
  end
  return is_same and "passed" or "modified"
end

-- Whether the response announces that the connection ends behind it.
local function says_close(response)
  return response:has("connection", "close")
         or response:has("proxy-connection", "close")
         or (response.version == "1.0"
             and not response:has("connection", "keep-alive")
             and not response:has("proxy-connection", "keep-alive"))
         or response.framing == "end"
end

function Seen:says_close()
  return self.response == nil or says_close(self.response)
end

-- Whether the client's connection stays open behind the response.
local function stays_open(c, within)
  return c.conn:buffered() == 0 and not c.conn:ended() and c:silent(within)
end

function Seen:persists(within)
  return stays_open(self.client, within or 0.1)
end

-- One exchange --------------------------------------------------------------

local WISHES = {
  method = true, path = true, target = true, version = true, fields = true,
  body = true, host = true, credentials = true, chunked = true,
  extension = true, trailers = true, last_chunk = true, eol = true, to = true,
  client = true, origin = true, answer = true, answer_at = true, from = true,
  within = true, nonce = true, breaks = true, send = true, reuse = true,
}
local OF_REQUEST = { "method", "target", "version", "fields", "body", "host",
                     "credentials", "chunked", "extension", "trailers",
                     "last_chunk", "eol" }

local function request_of(wishes, to, nonce)
  local fields = { to = to, path = wishes.path or "/" .. nonce }
  for _, name in ipairs(OF_REQUEST) do
    fields[name] = wishes[name]
  end
  return http_message.kinds.request, fields
end

local function default_witness(t)
  local d = t.d
  if not d.witness then
    d.witness = t:witness {}
  end
  return d.witness
end

-- Waits a moment for what is still on its way to the origin.
local function settle(x, entry, w)
  local is_ours = x.response and not exchange.is_own(x.response, x.sent, x.nonce)
  if entry.requests[1] and is_ours then
    w:whole(entry.requests[1], 1)
  end
  w:raise()
end

local function send_all(c, send)
  if type(send) == "table" and not message.is(send) then
    c:send(table.unpack(send))
  else
    c:send(send)
  end
end

local function carry_out(t, x, wishes, to)
  local w, c = x.witness, x.client
  local entry = { nonce = x.nonce, answer = wishes.answer,
                  at = wishes.answer_at, requests = {} }
  w.exchanges[#w.exchanges + 1] = entry
  if wishes.send then
    send_all(c, wishes.send)
  else
    local _, fields = request_of(wishes, to, x.nonce)
    c:send(require "lib.http".request(fields))
  end
  local got, what, partial, interim = c:response {
    within = wishes.within or WITHIN, method = x.method }
  x.response, x.what, x.partial = got, what, partial
  x.interim = got and got.interim or interim or {}
  x.sent = sent_of(entry)
  settle(x, entry, w)
  x.sent = sent_of(entry)
  x.requests, x.request = entry.requests, entry.requests[1]
  x.origin = x.request and x.request.connection
  x.is_own = got ~= nil and exchange.is_own(got, x.sent, x.nonce)
  x.client_end = c.conn:ended()
  if not got or says_close(got) then
    rawset(c, "is_closing", true)
  end
  x.origin_end = x.origin and x.origin.conn:ended()
  x.why = why_not(x)
end

-- The connection that it goes out on: reuse takes one while it lasts.
local function client_of(t, wishes)
  local old = wishes.reuse
  if wishes.client then
    return wishes.client
  elseif old and not rawget(old, "is_closing") and stays_open(old, 0.02) then
    return old
  end
  return t:connect { from = wishes.from }
end

local T = {}

-- An origin that answers by itself.
function T:witness(wishes)
  wishes = options.check(wishes, { answer = true, backlog = true, port = true })
  return witness.new(self.d, function (conn)
    return self:wrap(conn)
  end, wishes)
end

function T:exchange(wishes)
  wishes = options.check(wishes, WISHES)
  if wishes.breaks and not self.d.scenario.is_checked[wishes.breaks] then
    error("'" .. tostring(wishes.breaks)
          .. "' is not among the scenario's checks", 2)
  end
  local to = wishes.to or wishes.origin or default_witness(self)
  local w = witness.of(wishes.origin) or witness.of(to)
            or default_witness(self)
  local x = setmetatable({
    witness = w, client = client_of(self, wishes),
    nonce = wishes.nonce or dialogue.nonce(16),
    method = wishes.method or "GET",
  }, Seen)
  carry_out(self, x, wishes, to)
  if x.why and wishes.breaks then
    self.d:violation(wishes.breaks, x.why, { absence = x.what ~= "malformed",
                                             refusal = x.is_own })
    self.d:stop("violation")
  end
  return x
end

-- Adds them to the methods of t.
function exchange.extend(t)
  for name, method in pairs(T) do
    t[name] = method
  end
  oddity.extend(t)
end

return exchange
