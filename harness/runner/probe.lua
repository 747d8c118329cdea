-- `proxyspec probe URL`: what a target offers.

local origins = require "runner.origins"
local probe_target = require "runner.probe_target"
local target = require "runner.target"

local probe = {}

local function complain(text, status)
  native.err("proxyspec probe: " .. text .. "\n")
  return status
end

local function features_of(endpoints)
  local features = {}
  for _, one in ipairs(probe_target.summary(endpoints)) do
    features[one.name] = { presence = one.presence, how = one.how }
  end
  return features
end

local function show(one, options)
  if options.json then
    native.out(native.json {
      name = one.name, urls = native.array(one:public_urls()),
      features = features_of(one.endpoints) } .. "\n")
    return 0
  end
  native.out(table.concat(one:public_urls(), " ") .. "\n")
  for _, feature in ipairs(probe_target.summary(one.endpoints)) do
    native.out(string.format("  %-14s %-8s %s\n", feature.name,
                             feature.presence, feature.how))
  end
  return 0
end

local function run(one, options)
  local ok, why, kind = one:start()
  if not ok then
    return complain(why, kind == "usage" and 2 or 3)
  end
  for _, endpoint in ipairs(one.endpoints) do
    ok, why = probe_target.endpoint(endpoint, {
      settings = origins.settings(options), scale = options.timeout_scale or 1 })
    if not ok then
      return complain(one:crash() or "cannot connect to " .. why, 3)
    end
  end
  return show(one, options)
end

-- options: urls, command, target, json, timeout_scale
function probe.main(options)
  local one, why = target.choose(options)
  if not one then
    return complain(why, 2)
  end
  local done, status = pcall(run, one, options)
  one:stop()
  return done and status or complain(tostring(status), 4)
end

return probe
