-- The positive twin of every negative scenario: a plain tunnel through the
-- target, with a nonce echoed both ways, or a request that is forwarded; for a
-- target that reaches nothing, a request that is answered. What a target does
-- not do counts only while this works before and after.

local message = require "lib.message"
local dialogue = require "runner.dialogue"
local request = require "runner.request"
local talk = require "runner.talk"

local api = require "runner.api"

local control = {}

local Control = {}
Control.__index = Control

local SCENARIO = { id = "control", checks = { "socks5.connect.relay" },
                   is_checked = {} }

-- version: of SOCKS, or nil. by: "tunnel", "forward" or "answer".
function control.new(endpoint, version, options, by)
  return setmetatable({ endpoint = endpoint, version = version, by = by,
                        options = options, waiting = {}, is_running = false,
                        begun = -1, ok_since = -1 }, Control)
end

-- Opens, and asks for a tunnel: the answer and its kind, or nil and why.
local function ask(d, client)
  local ok, why = talk.open(d, client)
  if not ok then
    return nil, why
  end
  local m, kind = request.of(d, d:origin())
  client.conn:write(message.encode(m, d.context))
  local got, what, details = d:receive(client, kind, 5)
  if not got then
    return nil, "no answer to the request: " .. dialogue.reason(what, details)
  end
  return got, kind
end

local function echo(d, from, to)
  local nonce = dialogue.nonce(16)
  from:write(nonce)
  return d:read(to, #nonce, 3) == nonce
end

local BY = {}

function BY.tunnel(d)
  local client = d:connect()
  local got, kind = ask(d, client)
  if not got then
    return nil, kind
  elseif not request.is_grant(kind, got) then
    return nil, "the request was refused with " .. request.describe(got)
  end
  local upstream = d:accept(d:origin(), 3)
  if not upstream then
    return nil, "success was told, but no connection came"
  elseif not echo(d, client.conn, upstream) or not echo(d, upstream, client.conn)
  then
    return nil, "octets were lost on the way"
  end
  return true
end

-- A plain GET that is forwarded, for scenarios that need no tunnel.
function BY.forward(d)
  local x = api.new(d):exchange { within = 5 }
  if x.why then
    return nil, "a plain GET was not forwarded: " .. x.why
  elseif x.response.status ~= 200 or x.response.body ~= x.nonce then
    return nil, "the answer to a plain GET was changed"
  end
  return true
end

-- Any answer, for a target that reaches no origin.
function BY.answer(d)
  local got, why = ask(d, d:connect())
  return got and true, why
end

local function run_once(self)
  local options = self.options
  local d = dialogue.new { scenario = SCENARIO, endpoint = self.endpoint,
                           version = self.version,
                           settings = options.settings, scale = options.scale,
                           within = 10 }
  local ok, a, b = pcall(BY[self.by], d)
  d:finish()
  if ok then
    return a, b
  elseif type(a) == "table" then
    return nil, a.reason or "no tunnel"
  end
  error(a, 0)
end

local function wake_all(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, thread in ipairs(waiting) do
    native.wake(thread)
  end
end

-- Whether a control that began at or after this time holds; callers that ask
-- at once share one. True, or false and why.
function Control:holds_since(time)
  while true do
    if self.finished_begun and self.finished_begun >= time then
      return self.is_ok, self.why
    elseif self.is_running then
      self.waiting[#self.waiting + 1] = coroutine.running()
      native.suspend()
    else
      self.is_running, self.begun = true, native.now()
      self.is_ok, self.why = run_once(self)
      self.is_ok = self.is_ok or false
      self.finished_begun, self.is_running = self.begun, false
      wake_all(self)
    end
  end
end

-- Makes sure of the control that has to hold before what rests on absences:
-- self.before, and self.why_before when it does not hold.
function Control:check_before()
  if not self.before then
    self.before, self.why_before = self:holds_since(native.now())
  end
end

-- What the last one said, without another.
function Control:last()
  return self.is_ok, self.why
end

return control
