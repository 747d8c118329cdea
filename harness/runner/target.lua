-- What is tested: URLs of something that runs already, a command that is
-- started for the run, or the embedded reference.

local octets = require "lib.octets"
local endpoint = require "runner.endpoint"
local glob = require "runner.glob"

local target = {}

local Target = {}
Target.__index = Target

local START_WITHIN = 15 -- seconds until a started target listens
local USER, PASSWORD = "alice", "s3cret"

local function new(fields)
  fields.restarts = 0
  return setmetatable(fields, Target)
end

local function parse_all(urls, tls)
  local endpoints = {}
  for i, url in ipairs(urls) do
    local one, why = endpoint.parse(url)
    if not one then
      return nil, why
    end
    endpoints[i] = one
  end
  local ok, wrong = endpoint.secure(endpoints, tls)
  return ok and endpoints, wrong
end

-- A rule of the target's own keeps everybody from this address of ours.
local function declare_rule(endpoints, address)
  for _, one in ipairs(address and endpoints or {}) do
    one.denied, one.declared.rule = address, "a rule denies " .. address
  end
end

-- Something that runs already. tls: how it is verified, see endpoint.secure.
function target.running(urls, tls)
  local endpoints, why = parse_all(urls, tls or {})
  if not endpoints then
    return nil, why
  end
  return new { kind = "running", name = endpoint.public_url(endpoints[1]),
               endpoints = endpoints }
end

-- What another process of ours has started and probed: its endpoints, each with
-- its url and what was found out about it.
function target.given(endpoints)
  local out = {}
  for i, known in ipairs(endpoints) do
    out[i] = assert(endpoint.parse(known.url))
    for key, value in pairs(known) do
      out[i][key] = value
    end
  end
  return new { kind = "given", name = "reference", endpoints = out }
end

-- The reference, in this process; fault is the name of one, or nil.
function target.reference(fault)
  return new { kind = "reference", name = fault and "reference with " .. fault
               or "reference", fault = fault, endpoints = {} }
end

-- definition: name, urls, command, files (name to text), each with
-- {port} {port2} {dir} {user} {pass} to be filled in. One that reaches no
-- origins has reaches_nothing = true: a request that is answered is its control,
-- and only = { patterns } names the scenarios that make sense. denies is an address
-- of the loopback that a rule of its configuration keeps everybody from.
function target.spawned(definition, tls)
  return new { kind = "spawned", tls = tls or {}, name = definition.name
               or definition.command[1]:match("[^/]+$"),
               definition = definition, endpoints = {} }
end

-- The reference in a process of its own, so that what it holds can be seen;
-- fault as above; with login ("user:password") it asks for these credentials.
function target.served(fault, login)
  local command = { "/proc/self/exe", "serve", "--socks", "127.0.0.1:{port}",
                    "--http", "127.0.0.1:{port2}" }
  local function add(option, value)
    if value then
      command[#command + 1] = option
      command[#command + 1] = value
    end
  end
  add("--fault", fault)
  add("--auth", login)
  local at = login and login .. "@127.0.0.1" or "127.0.0.1"
  return target.spawned {
    name = "reference", command = command,
    urls = { "socks5://" .. at .. ":{port}", "http://" .. at .. ":{port2}" },
  }
end

-- The definition in harness/targets, or nil and why.
function target.known(name)
  local text = native.embedded("targets/" .. name .. ".lua")
  if not text then
    return nil, "there is no target '" .. name .. "' (see 'list targets')"
  end
  local definition = assert(load(text, "@targets/" .. name .. ".lua", "t", {}))()
  definition.name = name
  return definition
end

-- The target that the command line names; nil and why.
function target.choose(options)
  if options.denied and not octets.ipv4(options.denied) then
    return nil, "--denied: '" .. options.denied .. "' is no IPv4 address"
  end
  local tls = { cacert = options.cacert, insecure = options.insecure }
  if options.target then
    local definition, why = target.known(options.target)
    if not definition then
      return nil, why
    end
    return target.spawned(definition, tls)
  elseif options.command and #options.command > 0 then
    if #options.urls == 0 then
      return nil, "a command needs the URL at which it will listen, "
                  .. "such as 'socks5://127.0.0.1:{port}'"
    end
    return target.spawned({ urls = options.urls, command = options.command,
                            denies = options.denied }, tls)
  elseif #options.urls > 0 then
    local one, why = target.running(options.urls, tls)
    declare_rule(one and one.endpoints or {}, options.denied)
    return one, why
  end
  return target.reference(nil)
end

-- Starting ------------------------------------------------------------------

local function fill(text, values)
  return (text:gsub("{(%w+)}", values))
end

local function fill_all(list, values)
  local out = {}
  for i, text in ipairs(list) do
    out[i] = fill(text, values)
  end
  return out
end

local function free_port()
  local held = native.reserve { host = "127.0.0.1" }
  local port = held:port()
  held:close()
  return tostring(port)
end

local function last_line(text)
  local line
  for one in text:gmatch("[^\r\n]+") do
    line = one
  end
  return line and line:gsub("[%c]", " "):sub(1, 200)
end

-- Waits until every URL answers; nil and why when it does not, or ended.
function Target:wait_until_listening()
  local deadline = native.now() + START_WITHIN
  for _, one in ipairs(self.endpoints) do
    while true do
      local conn = native.connect { host = one.host, port = one.port, within = 1 }
      if conn then
        conn:close()
        break
      end
      local status = self.process:status()
      if status then
        return nil, self:describe_end(status)
      elseif native.now() > deadline then
        return nil, string.format("%s does not listen on port %d after %d s",
                                  self.name, one.port, START_WITHIN)
      end
      native.sleep(0.02)
    end
  end
  return true
end

-- How the process ended, in one line.
function Target:describe_end(status)
  local how = status.signal and "was ended by signal " .. status.signal
              or "ended with status " .. tostring(status.code)
  local line = last_line(self.process:output())
  return self.name .. " " .. how .. (line and ": " .. line or "")
end

function Target:start_process()
  local definition = self.definition
  self.dir = native.temp_dir()
  local values = { port = free_port(), port2 = free_port(), dir = self.dir,
                   user = USER, pass = PASSWORD }
  for name, text in pairs(definition.files or {}) do
    local ok, why = native.write_file(self.dir .. "/" .. name,
                                      fill(text, values))
    if not ok then
      return nil, why
    end
  end
  local endpoints, wrong = parse_all(fill_all(definition.urls, values),
                                     self.tls)
  if not endpoints then
    return nil, wrong, "usage"
  end
  for i, one in ipairs(endpoints) do
    local old = self.endpoints[i] -- after a restart what was probed stays true
    if old then
      old.port, old.url = one.port, one.url
    else
      self.endpoints[i] = one
    end
  end
  declare_rule(self.endpoints, definition.denies)
  local process, why = native.process { argv = fill_all(definition.command,
                                                        values) }
  if not process then
    return nil, why, "usage"
  end
  self.process = process
  return self:wait_until_listening()
end

-- What the reference serves beside what its URLs say: with a fault it is still
-- to be judged by it.
local REFERENCE = {
  socks = { "socks4", "socks4a", "bind", "bind4", "udp", "tor" },
  http = { "http-forward" },
}

local DENIED = "127.0.0.66"

-- What else the reference denies: names that begin so, and this path.
local DENIED_LABEL, DENIED_PATH = "denied", "/denied-by-rule"
local RULES = { DENIED, DENIED_LABEL .. ".*.px.test", "*" .. DENIED_PATH }

local function declare_all(one)
  for _, feature in ipairs(REFERENCE[one.protocol]) do
    one.declared[feature] = "the reference has it"
  end
end

-- A reference whose SOCKS port is as Tor's; kept for those scenarios that need
-- that, so that no other meets what it leaves out of SOCKS.
function Target:start_tor_port()
  local server, why = native.server { socks = "127.0.0.1:0", tor_port = true,
                                      fault = self.fault }
  if not server then
    return nil, why
  end
  self.servers[#self.servers + 1] = server
  local one = assert(endpoint.parse("socks5://127.0.0.1:"
                                    .. server:socks_port()))
  one.kept_for = "tor-daemon"
  for _, feature in ipairs { "socks4", "socks4a", "tor", "tor-daemon" } do
    one.declared[feature] = "the reference has it"
  end
  self.endpoints[#self.endpoints + 1] = one
  return true
end

function Target:start_reference()
  self.servers = {}
  for _, user in ipairs { false, USER } do
    local server, why = native.server {
      socks = "127.0.0.1:0", http = "127.0.0.1:0", user = user or nil,
      password = user and PASSWORD or nil, auth_scheme = "both",
      fault = self.fault, tor = true, deny = RULES,
      identd_user = "identified",
    }
    if not server then
      return nil, why
    end
    self.servers[#self.servers + 1] = server
    local at = user and USER .. ":" .. PASSWORD .. "@" or ""
    for scheme, port in pairs { socks5 = server:socks_port(),
                                http = server:http_port() } do
      local one = assert(endpoint.parse(string.format("%s://%s127.0.0.1:%d",
                                                      scheme, at, port)))
      declare_all(one)
      one.denied_label, one.denied_path = DENIED_LABEL, DENIED_PATH
      one.declared["rule-name"] = "it denies names that begin with "
                                  .. DENIED_LABEL
      one.declared["rule-path"] = "it denies " .. DENIED_PATH
      self.endpoints[#self.endpoints + 1] = one
    end
  end
  declare_rule(self.endpoints, DENIED)
  table.sort(self.endpoints, function (a, b)
    return a.url < b.url
  end)
  return self:start_tor_port()
end

-- True, or nil, why and "usage" when the command or URL is at fault.
function Target:start()
  if self.kind == "spawned" then
    return self:start_process()
  elseif self.kind == "reference" then
    return self:start_reference()
  end
  return true
end

-- The process that was started for it, or nil.
function Target:pid()
  return self.process and self.process:pid()
end

-- Whether a started target has ended by itself: one line, or nil.
function Target:crash()
  local status = self.process and self.process:status()
  return status and self:describe_end(status)
end

function Target:restart()
  self.restarts = self.restarts + 1
  self:stop()
  return self:start()
end

-- Ends what was started, and only that: its group too, where a part of it may
-- outlive the first process.
function Target:stop()
  if self.process then
    self.process:kill("TERM")
    self.process:wait(3)
    self.process:kill("KILL")
    self.process:wait(2)
    self.process = nil
  end
  for _, server in ipairs(self.servers or {}) do
    server:close()
  end
  self.servers = nil
  if self.dir then
    native.remove_tree(self.dir)
    self.dir = nil
  end
end

-- Choosing ------------------------------------------------------------------

-- SOCKS5 may have SOCKS4 beside it, but not the other way round.
local function speaks(one, scenario)
  return one.protocol == scenario.protocol
         and (one.version or 0) >= (scenario.version or 0)
end

-- Why a scenario cannot run on a URL that speaks its protocol; nil: it can.
local function misfit(one, scenario)
  if scenario.config == "auth" and not one.user then
    return "needs a target that asks for credentials: none are in the URL"
  elseif scenario.config == "noauth" and one.user then
    return "needs a target that asks for no credentials"
  elseif scenario.version == 4 and one.user and scenario.config ~= "auth" then
    return "needs a target that asks for no credentials: SOCKS4 has none"
  end
  local is_kept = one.kept_for ~= nil
  for _, feature in ipairs(scenario.needs) do
    is_kept = is_kept and feature ~= one.kept_for
    if one.features[feature] == "absent" then
      return string.format("%s is absent: %s", feature, one.how[feature])
    end
  end
  return is_kept and "is kept for those that need " .. one.kept_for or nil
end

-- How a control shows that this target lives.
function Target:control()
  local definition = self.definition
  return definition and definition.reaches_nothing and "answer" or "tunnel"
end

-- Why this target is not asked for a scenario at all; nil: it is.
function Target:leaves_out(scenario)
  local only = self.definition and self.definition.only
  if only and not glob.any(only)(scenario.id) then
    return "not asked of " .. self.definition.title
  end
  return nil
end

local NAMES = { socks4 = "SOCKS4", socks5 = "SOCKS5", http = "HTTP" }

-- The first URL that speaks the scenario's protocol, is configured as it wants
-- and lacks nothing; nil and the reason for a skip.
function Target:endpoint_for(scenario)
  local reason = self:leaves_out(scenario)
  if reason then
    return nil, reason
  end
  for _, one in ipairs(self.endpoints) do
    if speaks(one, scenario) then
      local why = misfit(one, scenario)
      if not why then
        return one
      end
      reason = reason or why
    end
  end
  local name = NAMES[scenario.protocol .. (scenario.version or "")]
  return nil, reason or "the target has no " .. name .. " URL"
end

-- The URLs as reports show them.
function Target:public_urls()
  local urls = {}
  for i, one in ipairs(self.endpoints) do
    urls[i] = endpoint.public_url(one)
  end
  return urls
end

return target
