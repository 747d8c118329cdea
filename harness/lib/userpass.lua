-- User name and password, RFC 1929 section 2. Fields that are not given are
-- the target's credentials.

local ref = require "lib.ref"
local match = require "lib.match"
local message = require "lib.message"

local userpass = {}

local request = {
  name = "userpass.request", phase = "status",
  fields = { user = true, password = true, version = true },
}

local function counted(text)
  return string.char(#text & 0xFF) .. text
end

function request.encode(fields, context)
  local user = ref.resolve(fields.user, context) or context.user or ""
  local password = ref.resolve(fields.password, context) or context.password
                   or ""
  return string.char(fields.version or 1) .. counted(user) .. counted(password)
end

function request.decode(data)
  if #data >= 1 and data:byte(1) ~= 1 then
    return "malformed", string.format("VER is %02X", data:byte(1))
  end
  if #data < 2 or #data < 3 + data:byte(2) then
    return "need-more"
  end
  local user_end = 2 + data:byte(2)
  local used = user_end + 1 + data:byte(user_end + 1)
  if #data < used then
    return "need-more"
  end
  return "done", used, { version = 1, user = data:sub(3, user_end),
                         password = data:sub(user_end + 2, used) }
end

function request.show()
  return "credentials"
end

local status = {
  name = "userpass.status", fields = { status = true, version = true },
}

function status.encode(fields)
  return string.char(fields.version or 1, fields.status or 0)
end

function status.decode(data)
  if #data < 2 then
    return "need-more"
  end
  return "done", 2, { version = data:byte(1), status = data:byte(2) }
end

function status.compare(fields, got, context)
  return message.compare_fields({ "version", "status" }, fields, got, context)
end

function status.show(fields)
  return "status " .. match.describe(fields.status or match.anything)
end

userpass.kinds = { request = request, status = status }
userpass.request = message.constructor(request)
userpass.status = message.constructor(status)

return userpass
