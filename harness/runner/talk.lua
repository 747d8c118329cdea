-- Plays a conversation table: runs its steps as the client, with an origin
-- behind the proxy. A variant re-cuts the client's messages; the outcome has
-- to be the same.

local message = require "lib.message"
local match = require "lib.match"
local octets = require "lib.octets"
local socks4 = require "lib.socks4"
local socks5 = require "lib.socks5"
local userpass = require "lib.userpass"
local dialogue = require "runner.dialogue"
local request = require "runner.request"
local steps = require "runner.steps"
local variants = require "runner.variants"

local talk = {}

local WAIT = 2 -- seconds, where a step says nothing else

-- A message that took longer than this to hand over was held up by us, not by
-- the target, and says nothing about its patience.
local SENDING_MAX = 8

-- Violates what the step names, else the first of the scenario's checks.
local function violate(run, step, text, is_absence, is_refusal)
  run.dialogue:violation(
    step.breaks or run.dialogue.scenario.checks[1],
    step.why and text .. "; " .. step.why or text,
    { contested = step.contested, absence = is_absence or is_refusal,
      refusal = is_refusal })
  return false
end

-- The client ----------------------------------------------------------------

local client = {}

-- What one write carries: the octets of all its messages.
local function encode_all(run, step)
  local parts = {}
  for i, m in ipairs(step.messages) do
    parts[i] = message.encode(m, run.dialogue.context)
    if step.who == "C" then
      run.dialogue:note_sent(run.client, m)
    end
  end
  return table.concat(parts)
end

-- Sends data in the pieces that the variant wants. A proxy that has ended the
-- connection meanwhile is judged by what it sent.
local function send_cut(run, step, data)
  local conn, started = run.client.conn, native.now()
  for _, piece in ipairs(variants.cut(run.variant, step.number, data)) do
    if not conn:write(piece.data) then
      return
    end
    if piece.pause then
      native.sleep(piece.pause)
    end
  end
  if native.now() - started > SENDING_MAX then
    run.dialogue:stop("starved", "this machine was too busy to send in time")
  end
end

function client.sends(run, step)
  if step.number and run.joined_already == step.number then
    return true -- it went out behind the message before
  end
  local data = encode_all(run, step)
  local next_step = variants.joined(run.variant, step.number) and step.next_send
  if next_step then
    data = data .. encode_all(run, next_step)
    run.joined_already = next_step.number
  end
  send_cut(run, step, data)
  return true
end

function client.shuts(run)
  run.client.conn:shut()
  return true
end

function client.closes(run)
  run.client.conn:close()
  return true
end

function client.resets(run)
  run.client.conn:reset()
  return true
end

function client.ends()
  return true -- a client's duty; here the client is us
end

-- The proxy -----------------------------------------------------------------

local server = {}

local function expect_octets(run, step, m)
  local want = message.encode(m, run.dialogue.context)
  local within = step.within or WAIT
  local got, what = run.dialogue:read(run.client.conn, #want, within)
  if not got then
    return violate(run, step, string.format(
      "%s is due from the proxy: %s", octets.show(want), dialogue.reason(what)),
      true)
  elseif got ~= want then
    return violate(run, step, string.format(
      "the proxy sent %s where %s is due", octets.show(got), octets.show(want)))
  end
  return true
end

local function expect_message(run, step, m)
  local kind = m.kind
  local got, what, details =
    run.dialogue:receive(run.client, kind, step.within or WAIT)
  if not got then
    return violate(run, step, string.format(
      "%s is due: %s", message.describe(m), dialogue.reason(what, details)),
      what ~= "malformed")
  end
  local ok, why = kind.compare(m.fields, got, run.dialogue.context)
  if not ok then
    -- A well-formed refusal of what should work may be the target's policy:
    -- it counts while the control holds.
    return violate(run, step, kind.name .. ": " .. why, false,
                   not request.is_grant(kind, got))
  end
  return true
end

function server.sends(run, step)
  for _, m in ipairs(step.messages) do
    local ok
    if message.is_raw(m) then
      ok = expect_octets(run, step, m)
    else
      ok = expect_message(run, step, m)
    end
    if not ok then
      return false
    end
  end
  return true
end

local ANSWERS = {
  selection = socks5.kinds.method_selection, status = userpass.kinds.status,
  reply = socks5.kinds.reply, reply4 = socks4.kinds.reply,
  response = require "lib.http".kinds.response,
}

-- Waits for a refusal of the phase that the handshake is in, or an end. True,
-- or false, what came instead, and whether it is only an absence.
function talk.refused(d, one, within)
  local kind = ANSWERS[one.phase]
  if not kind then
    local what = d:ended(one.conn, within)
    if what then
      return true
    end
    return false, "the connection stays open", true
  end
  local got, what = d:receive(one, kind, within)
  if not got and what == "silence" then
    return false, "neither a refusal nor a close came in time", true
  elseif got and request.is_grant(kind, got) then
    return false, "the proxy answered " .. kind.name .. " with success", false
  end
  return true
end

function server.refuses(run, step)
  local ok, why, is_absence =
    talk.refused(run.dialogue, run.client, step.within or WAIT)
  return ok or violate(run, step, "a refusal is due: " .. why, is_absence)
end

function server.ends(run, step)
  local within = step.within or WAIT
  if run.dialogue:ended(run.client.conn, within) then
    return true
  end
  return violate(run, step, string.format(
    "the connection is still open after %g s", within), true)
end

function server.silent(run, step)
  local conn = run.client.conn
  conn:wait(conn:buffered() + 1, run.dialogue:span(step.within or WAIT))
  if conn:buffered() == 0 then
    return true
  end
  return violate(run, step, "nothing is due from the proxy, but it sent "
                            .. octets.show(conn:peek()))
end

-- The origin ----------------------------------------------------------------

local origin = {}

local function accepted(run, step)
  if not run.upstream then
    local d = run.dialogue
    run.upstream = d:accept(d:origin(), step.within or WAIT)
    if not run.upstream then
      violate(run, step, "no connection reached the origin in time", true)
    end
  end
  return run.upstream
end

function origin.accepts(run, step)
  return accepted(run, step) ~= nil
end

-- A forwarded request is read as one, and only what is wished is compared.
local function receives_request(run, step, upstream, m)
  local got, what, details = run.dialogue:receive({ conn = upstream }, m.kind,
                                                  step.within or WAIT)
  if not got then
    return violate(run, step, string.format(
      "%s is due at the origin: %s", message.describe(m),
      dialogue.reason(what, details)), true)
  end
  local ok, why = m.kind.compare(m.fields, got, run.dialogue.context)
  return ok or violate(run, step, "the forwarded request: " .. why)
end

function origin.receives(run, step)
  local upstream = accepted(run, step)
  if not upstream then
    return false
  elseif step.messages[1].kind.name == "http.forwarded" then
    return receives_request(run, step, upstream, step.messages[1])
  end
  local want = encode_all(run, step)
  local got, what = run.dialogue:read(upstream, #want, step.within or WAIT)
  if got == want then
    return true
  elseif got then
    return violate(run, step, string.format(
      "the origin received %s where %s is due", octets.show(got),
      octets.show(want)))
  end
  local partial = upstream:peek()
  return violate(run, step, string.format(
    "%s is due at the origin: %s%s", octets.show(want), dialogue.reason(what),
    #partial > 0 and " after " .. octets.show(partial) or ""), true)
end

function origin.sends(run, step)
  local upstream = accepted(run, step)
  if not upstream then
    return false
  end
  upstream:write(encode_all(run, step))
  return true
end

local function act_on_upstream(method)
  return function (run, step)
    local upstream = accepted(run, step)
    if not upstream then
      return false
    end
    upstream[method](upstream)
    return true
  end
end

origin.shuts = act_on_upstream("shut")
origin.closes = act_on_upstream("close")
origin.resets = act_on_upstream("reset")

function origin.ends(run, step)
  local upstream = accepted(run, step)
  if not upstream then
    return false
  end
  local within = step.within or WAIT
  if run.dialogue:ended(upstream, within) then
    return true
  end
  return violate(run, step, string.format(
    "the origin's connection is still open after %g s", within), true)
end

function origin.never(run, step)
  run.nevers[#run.nevers + 1] = step
  if run.dialogue:origin():contacts() > 0 then
    return violate(run, step, "the proxy connected to the origin")
  end
  return true
end

-- Judged once more at the end, after a moment for what is late.
local function check_nevers(run)
  local step = run.nevers[1]
  if not step then
    return
  end
  local d = run.dialogue
  if d:accept(d:origin(), 0.1) or d:origin():contacts() > 0 then
    violate(run, step, "the proxy connected to the origin")
  end
end

-- The whole -----------------------------------------------------------------

local players = { C = client, S = server, O = origin }

-- The opening that the target wants, as steps of its own.
local function opening(endpoint, version)
  if endpoint.protocol == "http" or version == 4 then
    return {}
  elseif endpoint.user then
    return {
      steps.C { socks5.greeting { methods = { 2 } } },
      steps.S { socks5.method_selection { method = 2 } },
      steps.C { userpass.request {} },
      steps.S { userpass.status { status = 0 } },
    }
  end
  return {
    steps.C { socks5.greeting { methods = { 0 } } },
    steps.S { socks5.method_selection { method = 0 } },
  }
end

-- Plays the opening; false when it failed, with why.
function talk.open(d, one)
  local run = { dialogue = d, client = one, nevers = {} }
  local before = #d.findings
  for _, step in ipairs(opening(d.endpoint, d.version)) do
    if not players[step.who][step.op](run, step) then
      local finding = table.remove(d.findings)
      return false, #d.findings >= before and finding.message or "no answer"
    end
  end
  return true
end

function client.opened(run)
  local ok, why = talk.open(run.dialogue, run.client)
  if not ok then
    run.dialogue:inconclusive("the opening failed: " .. why)
  end
  return true
end

-- Plays all steps on a dialogue; findings land there.
function talk.play(d, variant)
  local run = { dialogue = d, variant = variant, nevers = {} }
  local list = d.scenario.talk
  for _, step in ipairs(list) do
    if step.who == "O" then
      d:origin() -- listens before anybody could ask for it
      break
    end
  end
  run.client = d:connect()
  for _, step in ipairs(list) do
    if not players[step.who][step.op](run, step) then
      break
    end
  end
  check_nevers(run)
end

return talk
