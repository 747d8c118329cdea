-- Loads scenarios: strict about names, fields and ids, and in a sandbox.

local digest = require "lib.digest"
local http = require "lib.http"
local match = require "lib.match"
local message = require "lib.message"
local ref = require "lib.ref"
local socks4 = require "lib.socks4"
local socks5 = require "lib.socks5"
local udp = require "lib.udp"
local userpass = require "lib.userpass"
local origins = require "runner.origins"
local steps = require "runner.steps"
local variants = require "runner.variants"

local loader = {}

-- What a scenario can need.
loader.features = { "socks5", "noauth", "userpass", "socks4", "socks4a",
                    "bind", "bind4", "udp", "tor", "tor-daemon",
                    "http-connect", "http-forward", "http-basic", "http-digest", "ipv4", "ipv6",
                    "name", "network", "rule", "rule-name",
                    "rule-path" }

-- Those that say which protocol, in which version, a scenario speaks; one that
-- is no opening by itself needs another beside it.
local SPOKEN = {
  socks5 = { "socks", 5 }, socks4 = { "socks", 4 }, socks4a = { "socks", 4 },
  ["http-connect"] = { "http" }, ["http-forward"] = { "http" },
}
local PART_OF = { bind = { "socks", 5 }, udp = { "socks", 5 },
                  bind4 = { "socks", 4 }, noauth = { "socks", 5 },
                  userpass = { "socks", 5 }, ["http-basic"] = { "http" },
                  ["http-digest"] = { "http" } }
local is_feature = {}
for _, name in ipairs(loader.features) do
  is_feature[name] = true
end

local FIELDS = {
  title = "string", checks = "table", needs = "table", config = "string",
  negative = "boolean", control = "boolean", segment = "boolean",
  slow = "boolean", endurance = "boolean", within = "number", talk = "table", run = "function",
}

-- Ids that the catalogue has or, found once, has not.
local is_requirement = setmetatable({}, {
  __index = function (self, id)
    local has = native.requirement(tostring(id)) ~= nil
    rawset(self, id, has)
    return has
  end,
})

-- Definition ----------------------------------------------------------------

local function check_fields(fields, level)
  for name, value in pairs(fields) do
    if not FIELDS[name] then
      error("a scenario has no field '" .. tostring(name) .. "'", level)
    elseif type(value) ~= FIELDS[name] then
      error(string.format("%s is a %s", name, FIELDS[name]), level)
    end
  end
  for _, name in ipairs { "title", "checks", "needs" } do
    if not fields[name] then
      error("a scenario says its " .. name, level)
    end
  end
  if (fields.talk == nil) == (fields.run == nil) then
    error("a scenario has either talk or run", level)
  elseif fields.endurance and (fields.negative or fields.talk) then
    error("endurance goes with run, and not with negative", level)
  end
end

local function check_ids(fields, level)
  if #fields.checks == 0 then
    error("checks names no requirement", level)
  end
  local is_checked = {}
  for _, id in ipairs(fields.checks) do
    if not is_requirement[id] then
      error("the catalogue has no requirement '" .. tostring(id) .. "'", level)
    end
    is_checked[id] = true
  end
  return is_checked
end

-- The protocol that a scenario speaks, and of SOCKS the version.
local function protocol_of(fields, level)
  local spoken
  for _, name in ipairs(fields.needs) do
    if not is_feature[name] then
      error("there is no feature '" .. tostring(name) .. "'", level)
    end
    spoken = spoken or SPOKEN[name]
  end
  if not spoken then
    error("needs names none of socks5, socks4, socks4a, http-connect and http-forward", level)
  end
  for _, name in ipairs(fields.needs) do
    local other = SPOKEN[name] or PART_OF[name]
    if other and (other[1] ~= spoken[1] or other[2] ~= spoken[2]) then
      error("a scenario speaks one protocol in one version: '" .. name
            .. "' is of another", level)
    end
  end
  return spoken[1], spoken[2]
end

local CONFIGS = { auth = true, noauth = true }

-- What is sent is well-formed for a decoder of our own, or says that it is
-- not: a slip of the pen must not pass for a test.
local function lint_message(m, level)
  local kind = m.kind
  if not kind.decode or kind.name == "http.forwarded" then
    return
  end
  local sample = { user = "user", password = "password",
                   nonce = function () return "nonce" end,
                   origin = function ()
                     local o = { host = "127.0.0.1", port = 80, atyp = 1 }
                     o.ipv6 = { host = "::1", port = 80, atyp = 4 }
                     o.name = { host = "localhost", port = 80, atyp = 3 }
                     return o
                   end,
                   closed = function ()
                     return { host = "127.0.0.1", port = 9, atyp = 1 }
                   end }
  local data = message.encode(m, sample)
  local status, used = kind.decode(data)
  local is_whole = status == "done" and used == #data
  if not is_whole and not m.fields.malformed then
    error(kind.name .. " cannot be read back: say malformed = true", level)
  end
end

local function check_talk(fields, is_checked, level)
  for i, step in ipairs(fields.talk) do
    if not steps.is(step) then
      error("step " .. i .. " of talk is none", level)
    end
    if step.breaks and not is_checked[step.breaks] then
      error(string.format("step %d breaks '%s', which is not among checks", i,
                          step.breaks), level)
    end
    for _, m in ipairs(step.messages) do
      if step.who == "C" or step.who == "O" then
        lint_message(m, level + 1)
      end
    end
  end
end

local function define(set, file, id, fields)
  local level = 3
  if type(fields) ~= "table" then
    error("a scenario is a table", level)
  elseif not id:find("^[a-z0-9-]+%.[a-z0-9.-]+$") then
    error("the id '" .. id .. "' is not dotted lower case", level)
  elseif set.by_id[id] then
    error(string.format("the id '%s' is used in %s already", id,
                        set.by_id[id].file), level)
  end
  check_fields(fields, level + 1)
  if fields.config and not CONFIGS[fields.config] then
    error("config is \"auth\" or \"noauth\"", level)
  end
  local scenario = {}
  for name, value in pairs(fields) do
    scenario[name] = value
  end
  scenario.id, scenario.file = id, file
  scenario.is_checked = check_ids(fields, level + 1)
  scenario.protocol, scenario.version = protocol_of(fields, level + 1)
  for _, name in ipairs(fields.needs) do
    scenario.forwards = scenario.forwards or name == "http-forward"
  end
  scenario.within = fields.within
                    or (fields.endurance and 120) or (fields.slow and 60) or 10
  if fields.talk then
    check_talk(fields, scenario.is_checked, level + 1)
    variants.prepare(fields.talk)
  end
  set.by_id[id] = scenario
  set[#set + 1] = scenario
end

-- The sandbox ---------------------------------------------------------------

local function origin_kind(name, pick)
  local self = ref.new(name, function (context)
    return pick(context)
  end)
  local function field(what)
    return ref.new(name .. "." .. what, function (context)
      return pick(context)[what]
    end)
  end
  rawset(self, "port", field "port")
  rawset(self, "host", field "host")
  return self
end

local function origin_value()
  local self = origin_kind("origin", function (c) return c.origin() end)
  rawset(self, "ipv6", origin_kind("origin.ipv6", function (c)
    return c.origin().ipv6
  end))
  rawset(self, "name", origin_kind("origin.name", function (c)
    return c.origin().name
  end))
  rawset(self, "closed", origin_kind("origin.closed", function (c)
    return c.closed()
  end))
  rawset(self, "nowhere", origin_kind("origin.nowhere", function ()
    return origins.nowhere
  end))
  return self
end

local SAFE = { "assert", "error", "ipairs", "next", "pairs", "rawequal",
               "rawlen", "select", "tonumber", "tostring", "type" }

local function copy(library)
  local out = {}
  for name, value in pairs(library) do
    out[name] = value
  end
  return out
end

local function environment(set, file)
  local env = {
    C = steps.C, S = steps.S, O = steps.O, opened = steps.opened,
    bytes = message.bytes, anything = match.anything,
    one_of = match.one_of, none_of = match.none_of,
    nonce = function ()
      return ref.new("nonce", function (context)
        return context.nonce()
      end)
    end,
    origin = origin_value(),
    socks5 = { greeting = socks5.greeting, request = socks5.request,
               method_selection = socks5.method_selection,
               reply = socks5.reply },
    socks4 = { request = socks4.request, reply = socks4.reply },
    udp = { datagram = udp.datagram },
    userpass = { request = userpass.request, status = userpass.status },
    http = { connect = http.connect, request = http.request,
             response = http.response, answer = http.answer,
             forwarded = http.forwarded, basic = http.basic,
             base64 = http.base64 },
    digest = { challenges = digest.challenges, find = digest.find,
               algorithm = digest.algorithm, params = digest.params,
               text = digest.text },
    scenario = function (id)
      if type(id) ~= "string" then
        error("a scenario's id is a string", 2)
      end
      return function (fields)
        define(set, file, id, fields)
      end
    end,
  }
  for _, name in ipairs(SAFE) do
    env[name] = _G[name]
  end
  for _, name in ipairs { "math", "string", "table", "utf8" } do
    env[name] = copy(_G[name])
  end
  env.string.dump = nil
  return setmetatable({}, {
    __index = function (_, name)
      local value = env[name]
      if value == nil then
        error("there is no '" .. tostring(name) .. "' here", 2)
      end
      return value
    end,
    __newindex = function (_, name)
      error("globals cannot be created: '" .. tostring(name) .. "'", 2)
    end,
    __metatable = false,
  })
end

-- Loading -------------------------------------------------------------------

local function load_text(set, file, text)
  local before = #set
  local ok, why = native.run_sandboxed(text, "@" .. file,
                                       environment(set, file))
  if not ok then
    return nil, why
  elseif #set == before then
    return nil, file .. ": defines no scenario"
  end
  return true
end

-- The built-in scenarios and those of the directories, sorted by id; nil and
-- one line when a file is wrong.
function loader.load(directories)
  local set = { by_id = {} }
  for _, path in ipairs(native.embedded_list()) do
    if path:find("^scenarios/.*%.lua$") then
      local ok, why = load_text(set, path, native.embedded(path))
      if not ok then
        return nil, why
      end
    end
  end
  for _, dir in ipairs(directories or {}) do
    local files, why = native.list_files(dir, ".lua")
    if not files then
      return nil, why
    elseif #files == 0 then
      return nil, dir .. ": holds no .lua file"
    end
    for _, path in ipairs(files) do
      local text, unreadable = native.read_file(path)
      if not text then
        return nil, unreadable
      end
      local ok, wrong = load_text(set, path, text)
      if not ok then
        return nil, wrong
      end
    end
  end
  table.sort(set, function (a, b)
    return a.id < b.id
  end)
  return set
end

return loader
