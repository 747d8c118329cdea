-- The segmentation algebra: every client message of a conversation cut at
-- every point, octet by octet, and joined to the next one.

local message = require "lib.message"
local socks4 = require "lib.socks4"

local variants = {}

-- Pauses that let a proxy on this machine read one piece before the next.
local PAUSE, DRIP_PAUSE = 0.004, 0.0012

-- Cuts beyond this are left to the fuzzers; no handshake message is longer.
local SPLITS_MAX = 600

-- The requirement that speaks of how a message may arrive.
local SPLIT_RULES = {
  ["socks5.greeting"] = "socks5.greeting.fragmented",
  ["socks5.request"] = "socks5.greeting.fragmented",
  ["socks4.request"] = "socks4.request.fragmented",
  ["userpass.request"] = "userpass.request.fragmented",
  ["http.connect"] = "http.parse.split-delivery",
  ["http.request"] = "http.parse.split-delivery",
}

-- What a joined message breaks, by the first message of the one before it.
local JOIN_RULES = {
  ["socks4.request"] = "socks4.request.early-data",
  ["http.connect"] = "http.connect.early-client-data",
  ["http.request"] = "http.connect.early-client-data",
}

local function is_success(step)
  local m = step.messages[1]
  local fields = m.fields
  if m.kind.name == "socks5.method_selection" then
    return fields.method == 0 or fields.method == 2
  elseif m.kind.name == "userpass.status" then
    return fields.status == 0
  elseif m.kind.name == "socks5.reply" then
    return fields.rep == 0
  elseif m.kind.name == "socks4.reply" then
    return fields.code == 90
  end
  return m.kind.name == "http.response"
         and (fields.status == "2xx" or fields.status == 200)
end

local function is_granting_reply(step)
  local name = step.messages[1] and step.messages[1].kind.name
  return step.who == "S" and step.op == "sends"
         and (name == "socks5.reply" or name == "socks4.reply"
              or name == "http.response")
         and is_success(step)
end

-- Whether what a client sent was to be forwarded, so that no tunnel follows.
local function is_forwarded(step)
  local last = step and step.messages[#step.messages]
  return last ~= nil and last.kind.name == "http.request"
         and last.fields.to ~= nil
end

-- Whether a client in a hurry may go on behind it: behind a request for
-- anything but a connection, nothing is due.
local function ends_joinable(step)
  local last = step.messages[#step.messages]
  if is_forwarded(step) then
    return false
  end
  local command = last.fields.command or 1
  return last.kind.phase == nil or command == 1
end

-- Numbers the client's writes and links each to the next one that a client
-- in a hurry could have sent right behind it. Called once, at load.
function variants.prepare(list)
  local previous, is_joinable = nil, false
  local key = {}
  local is_relaying = false
  for _, step in ipairs(list) do
    if step.who == "C" and step.op == "sends" then
      step.number = previous and previous.number + 1 or 1
      step.is_relayed = is_relaying
      for _, m in ipairs(step.messages) do
        key[#key + 1] = message.key(m)
      end
      step.key = table.concat(key, ";")
      if previous and is_joinable then
        previous.next_send = step
        previous.join_breaks = JOIN_RULES[previous.messages[1].kind.name]
                               or "socks5.greeting.pipelined"
      end
      previous, is_joinable = step, ends_joinable(step)
    elseif step.who == "S" and step.op == "sends" then
      is_joinable = is_joinable and is_success(step)
      is_relaying = is_relaying
                    or (is_granting_reply(step) and not is_forwarded(previous))
    else
      key[#key + 1] = step.who .. "." .. step.op
      is_joinable = is_joinable and step.op == "accepts"
    end
  end
end

local OTHER_SPLIT_RULES = {
  http = "http.parse.split-delivery", socks4 = "socks4.request.fragmented",
  socks5 = "socks5.greeting.fragmented",
}

-- The requirement that a cut of this write speaks of; nil: none does.
local function split_rule(step, scenario)
  if step.is_relayed then
    return nil -- payload: TCP may cut it anyway
  end
  local first = step.messages[1]
  return SPLIT_RULES[first.kind.name]
         or OTHER_SPLIT_RULES[scenario.protocol .. (scenario.version or "")]
end

local function encode(step, context)
  local parts = {}
  for i, m in ipairs(step.messages) do
    parts[i] = message.encode(m, context)
  end
  return table.concat(parts)
end

-- 4A has a rule of its own for the name and what is before it.
local function name_at(step, data)
  return step.messages[1].kind.name == "socks4.request"
         and socks4.name_at(data) or math.huge
end

-- Every variant of a scenario. done holds the keys of cuts that another
-- scenario of this run tries already; they are not tried again.
function variants.of(scenario, context, done)
  local out = {}
  local function add(step, key, fields)
    key = step.key .. "|" .. key
    if done[key] then
      return
    end
    done[key] = true
    fields.step = step.number
    out[#out + 1] = fields
  end
  for _, step in ipairs(scenario.talk) do
    local rule = step.number and split_rule(step, scenario)
    local data = rule and encode(step, context) or ""
    local len, name_from = #data, rule and name_at(step, data)
    for at = 1, math.min(len - 1, SPLITS_MAX) do
      add(step, "split " .. at, {
        kind = "split", at = at,
        breaks = at + 1 >= name_from and "socks4a.request.fragmented" or rule,
        name = string.format("message %d split after %d octet%s", step.number,
                             at, at == 1 and "" or "s") })
    end
    if len > 2 then
      add(step, "drip", {
        kind = "drip", breaks = rule,
        name = string.format("message %d octet by octet", step.number) })
    end
    if step.next_send then
      add(step, "joined " .. step.next_send.key, {
        kind = "joined", breaks = step.join_breaks, contested = true,
        name = string.format("message %d joined to the next", step.number) })
    end
  end
  return out
end

function variants.joined(variant, number)
  return variant and variant.kind == "joined" and variant.step == number
end

-- The pieces that a write is sent in: a list of { data, pause }.
function variants.cut(variant, number, data)
  if not variant or variant.step ~= number or variant.kind == "joined" then
    return { { data = data } }
  end
  if variant.kind == "split" then
    return { { data = data:sub(1, variant.at), pause = PAUSE },
             { data = data:sub(variant.at + 1) } }
  end
  local out = {}
  for at = 1, #data do
    out[at] = { data = data:sub(at, at), pause = at < #data and DRIP_PAUSE or nil }
  end
  return out
end

return variants
