-- What became of octets that are no plain request: refused, dropped, passed on
-- as they are or changed, and whether the origin took them for a request more
-- than the client meant.

local http_reader = require "lib.http_reader"
local http = require "lib.http"
local message = require "lib.message"
local dialogue = require "runner.dialogue"
local options = require "runner.options"
local witness = require "runner.witness"

local oddity = {}

-- Behind the first response others are waited for this long.
local QUIET = 0.3

-- The origin --------------------------------------------------------------

-- The request that a response answers, by the mark that the origin put on it.
local function request_answered(self, response)
  local mark = response:field(witness.mark)
  for _, request in ipairs(self.witness.requests) do
    if mark == request.nonce or (not mark
      and response.body:find(request.nonce, 1, true)) then
      return request
    end
  end
  return nil
end

-- The requests that the client did not mean: those whose line has the evil
-- nonce, else those beyond the number that were meant.
local function smuggled(self, wishes)
  local out, arrived = {}, 0
  for _, request in ipairs(self.requests) do
    local line = request.line or ""
    local is_follower = self.follow and line:find(self.follow, 1, true)
    if wishes.evil then
      if line:find(wishes.evil, 1, true) then
        out[#out + 1] = request
      end
    elseif not is_follower then
      arrived = arrived + 1
      if arrived > (wishes.meant or 1) then
        out[#out + 1] = request
      end
    end
  end
  return out
end

-- The client --------------------------------------------------------------

local function read_responses(self, c, within)
  local wait = within
  while true do
    local got, what, partial, interim = c:response { within = wait }
    for _, one in ipairs(got and got.interim or interim or {}) do
      self.interim[#self.interim + 1] = one
    end
    if not got then
      self.what, self.partial = what, partial
      return
    end
    self.responses[#self.responses + 1] = got
    got.of = request_answered(self, got)
    got.is_own = got.of == nil
    wait = QUIET
  end
end

local function pieces(send)
  return type(send) == "table" and not message.is(send) and send or { send }
end

local function send_all(t, self, c, wishes)
  local all = pieces(wishes.send)
  for i = 1, #all - 1 do
    c:send(all[i])
  end
  -- In one write with what it follows: how two are read would vary.
  if wishes.follow then
    self.follow = dialogue.nonce(16)
    c:send(all[#all], http.request { to = self.witness,
                                     path = "/" .. self.follow })
  else
    c:send(all[#all])
  end
  if wishes.shut then
    c:shut()
  end
end

-- Judging -----------------------------------------------------------------

local FRAMING = { "content-length", "transfer-encoding" }

-- Whether the origin got the framing fields and the body as they were sent.
local function is_same(self, request, wishes)
  local reader = http_reader.request()
  local parts = {}
  for i, piece in ipairs(pieces(wishes.send)) do
    parts[i] = message.encode(message.from(piece), self.d.context)
  end
  reader:feed(table.concat(parts))
  local sent = reader:message()
  local names = wishes.watch or FRAMING
  return table.concat(sent:lines(table.unpack(names)), "\n")
         == table.concat(request:lines(table.unpack(names)), "\n")
         and sent.body == request.body
end

local function own_refusal(self)
  for _, response in ipairs(self.responses) do
    if response.is_own and response.status >= 400 then
      return response
    end
  end
  return nil
end

-- "refused": an error status of the proxy's own and nothing at the origin;
-- "forwarded" or "modified": a request reached the origin; "answered": the
-- proxy answered with something else; "dropped": closed without an answer;
-- "silent".
local function kind_of(self, wishes)
  local request = self.requests[1]
  if request then
    return is_same(self, request, wishes) and "forwarded" or "modified"
  elseif self.refusal then
    return "refused"
  elseif self.responses[1] then
    return "answered"
  elseif self.what == "silence" then
    return "silent"
  end
  return "dropped"
end

local T = {}

local WISHES = { send = true, origin = true, client = true, follow = true,
                 shut = true, evil = true, meant = true, watch = true,
                 within = true }

-- Sends octets to the proxy and tells what became of them.
function T:outcome(wishes)
  wishes = options.check(wishes, WISHES)
  local w = wishes.origin or self:witness {}
  local c = wishes.client or self:connect {}
  local self_ = { witness = w, client = c, d = self.d, responses = {},
                  interim = {} }
  local before = #w.requests
  w.exchanges[#w.exchanges + 1] = { answer = w.answer, requests = {} }
  send_all(self, self_, c, wishes)
  read_responses(self_, c, wishes.within or 3)
  w:raise()
  self_.requests = { table.unpack(w.requests, before + 1) }
  self_.response, self_.refusal = self_.responses[1], own_refusal(self_)
  self_.status = self_.response and self_.response.status
  self_.kind = kind_of(self_, wishes)
  self_.smuggled = smuggled(self_, wishes)
  self_.client_end = c.conn:ended()
  self_.d = nil
  return self_
end

-- Adds them to the methods of t.
function oddity.extend(t)
  for name, method in pairs(T) do
    t[name] = method
  end
end

return oddity
