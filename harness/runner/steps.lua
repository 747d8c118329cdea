-- The steps of a conversation table, as inert data: C is the client, S the
-- proxy's side toward the client, O the origin that the request names.

local message = require "lib.message"

local steps = {}

local Step = {}
Step.__index = Step

function steps.is(value)
  return getmetatable(value) == Step
end

local OPTIONS = { breaks = "string", within = "number", contested = "boolean",
                  why = "string" }

local function take_options(step, fields, level)
  for name, value in pairs(fields) do
    if type(name) ~= "number" then
      if not OPTIONS[name] then
        error("a step has no field '" .. tostring(name) .. "'", level)
      elseif type(value) ~= OPTIONS[name] then
        error(string.format("%s is a %s", name, OPTIONS[name]), level)
      end
      step[name] = value
    end
  end
end

local function make(who, op, fields, level)
  if type(fields) ~= "table" then
    error("a step takes a table: " .. who .. " { … }", level)
  end
  local step = setmetatable({ who = who, op = op, messages = {} }, Step)
  take_options(step, fields, level + 1)
  for i, value in ipairs(fields) do
    step.messages[i] = message.from(value, level)
  end
  return step
end

-- A step without messages: C.shuts { }, O.never { }.
local function bare(who, op)
  return function (fields)
    local step = make(who, op, fields or {}, 3)
    if #step.messages > 0 then
      error(who .. "." .. op .. " takes no message", 2)
    end
    return step
  end
end

local function with_messages(who, op)
  return function (fields)
    local step = make(who, op, fields, 3)
    if #step.messages == 0 then
      error(who .. " { } without a message", 2)
    end
    return step
  end
end

-- S { } waits for messages that can be decoded; raw octets are compared.
local function party(who, op, others)
  local call = with_messages(who, op)
  local out = {}
  for name, fn in pairs(others) do
    out[name] = fn
  end
  return setmetatable(out, {
    __call = function (_, fields)
      return call(fields)
    end,
    __newindex = function ()
      error(who .. " cannot be changed", 2)
    end,
    __index = function (_, name)
      error(who .. " has no step '" .. tostring(name) .. "'", 2)
    end,
  })
end

steps.C = party("C", "sends", {
  shuts = bare("C", "shuts"), closes = bare("C", "closes"),
  resets = bare("C", "resets"), ends = bare("C", "ends"),
})

steps.S = party("S", "sends", {
  refuses = bare("S", "refuses"), ends = bare("S", "ends"),
  silent = bare("S", "silent"),
})

steps.O = party("O", "receives", {
  accepts = bare("O", "accepts"), never = bare("O", "never"),
  sends = with_messages("O", "sends"), shuts = bare("O", "shuts"),
  closes = bare("O", "closes"), resets = bare("O", "resets"),
  ends = bare("O", "ends"),
})

steps.opened = bare("C", "opened")

return steps
