-- The credentials that a request brings when a scenario wishes for none in
-- particular: Basic where the proxy takes it, else Digest, whose challenge is
-- fetched on a connection of its own.

local digest = require "lib.digest"
local http = require "lib.http"
local endpoints = require "runner.endpoint"

local credentials = {}

local WITHIN = 5 -- seconds for the answer that has the challenge

-- What the proxy answers to a CONNECT that brings no credentials, or nil.
local function bare_answer(conn, authority, scale)
  conn:write(string.format("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority,
                           authority))
  local deadline = native.now() + WITHIN * scale
  while native.now() < deadline do
    local data = conn:peek()
    local status, _, got
    if #data > 0 then
      status, _, got = http.kinds.response.decode(data)
    end
    if status == "done" then
      return got
    elseif status == "malformed" or conn:ended() then
      return nil
    end
    conn:wait(#data + 1, deadline - native.now())
  end
end

-- A fresh challenge of an endpoint that can be answered, or nil.
function credentials.challenge(endpoint, authority, scale)
  local conn = endpoints.connect(endpoint, WITHIN * scale)
  if not conn then
    return nil
  end
  local answer = bare_answer(conn, authority, scale)
  conn:close()
  return answer and digest.find(answer)
end

-- The value of Proxy-Authorization for a request to this target; nil when the
-- endpoint asks for none, or no challenge could be had.
function credentials.value(endpoint, method, target, scale)
  if not endpoint.user then
    return nil
  elseif endpoint.features["http-digest"] ~= "present"
    or endpoint.features["http-basic"] ~= "absent" then
    return http.basic(endpoint.user, endpoint.password)
  end
  local challenge = credentials.challenge(endpoint, "127.0.0.1:9", scale)
  return challenge and digest.text(digest.params(challenge, {
    user = endpoint.user, password = endpoint.password, method = method,
    uri = target,
  }))
end

return credentials
