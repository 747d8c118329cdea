-- The request for a destination and its answer, in the protocol and version
-- that a dialogue speaks.

local http = require "lib.http"
local socks4 = require "lib.socks4"
local socks5 = require "lib.socks5"

local request = {}

-- Messages that ask for `to`: command is 1 (CONNECT) unless given, and 1 for
-- HTTP always. Also the kind of the answer.
function request.of(dialogue, to, command)
  if dialogue.endpoint.protocol == "http" then
    return http.connect { to = to }, http.kinds.response
  elseif dialogue.version == 4 then
    return socks4.request { to = to, command = command }, socks4.kinds.reply
  end
  return socks5.request { to = to, command = command }, socks5.kinds.reply
end

-- Whether an answer grants what was asked for.
function request.is_grant(kind, got)
  if kind.name == "socks5.method_selection" then
    return got.method ~= 0xFF
  elseif kind.name == "userpass.status" then
    return got.status == 0
  elseif kind.name == "socks5.reply" then
    return got.rep == 0
  elseif kind.name == "socks4.reply" then
    return got.code == 90
  end
  return kind.name ~= "http.response" or got.status // 100 == 2
end

-- What an answer to a request said, in words.
function request.describe(got)
  if got.rep then
    return string.format("REP %02X", got.rep)
  elseif got.code then
    return "code " .. got.code
  end
  return "status " .. got.status
end

return request
