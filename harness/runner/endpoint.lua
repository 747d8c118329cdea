-- One URL of a target, as in curl: how the proxy is reached, what it offers.

local endpoint = {}

-- declares: the features that the URL promises.
local SCHEMES = {
  socks5 = { protocol = "socks", version = 5, declares = {} },
  socks5h = { protocol = "socks", version = 5, declares = {} },
  socks4 = { protocol = "socks", version = 4, declares = { "socks4" } },
  socks4a = { protocol = "socks", version = 4,
              declares = { "socks4", "socks4a" } },
  http = { protocol = "http", declares = {} },
  https = { protocol = "http", declares = {}, port = 443 },
}

local function decode(text)
  return (text:gsub("%%(%x%x)", function (hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function split_authority(rest)
  local userinfo, host_port = rest:match("^(.*)@([^@]*)$")
  host_port = host_port or rest
  local host, port = host_port:match("^%[(.-)%]:?(%d*)$")
  if not host then
    host, port = host_port:match("^([^:%[%]]+):?(%d*)$")
  end
  return userinfo, host, port
end

-- SOCKS4 knows a user id; the others a user name and a password.
local function take_userinfo(self, userinfo)
  if self.version == 4 then
    if userinfo:find(":", 1, true) then
      return nil, string.format("'%s': SOCKS4 has a user id and no password",
                                self.url)
    end
    self.userid = decode(userinfo)
    if self.userid:find("\0", 1, true) or #self.userid > 255 then
      return nil, string.format(
        "'%s': a user id has up to 255 octets and none is zero", self.url)
    end
    return true
  end
  local user, password = userinfo:match("^([^:]*):?(.*)$")
  self.user, self.password = decode(user), decode(password)
  if #self.user > 255 or #self.password > 255 then
    return nil, string.format("'%s': user name or password is over 255 octets",
                              self.url)
  end
  return true
end

-- The endpoint that a URL names; nil and one line when it is none.
function endpoint.parse(url)
  local scheme, rest = url:match("^([%w+.-]+)://(.-)/?$")
  if not scheme then
    return nil, string.format("'%s' is no proxy URL (scheme://host:port)", url)
  end
  scheme = scheme:lower()
  local known = SCHEMES[scheme]
  if not known then
    return nil, string.format("'%s': unknown scheme '%s'", url, scheme)
  end
  local userinfo, host, port = split_authority(rest)
  if not host then
    return nil, string.format("'%s': the host is malformed", url)
  end
  local number = port == "" and (known.port or 1080) or tonumber(port)
  if number < 1 or number > 65535 then
    return nil, string.format("'%s': the port is out of range", url)
  end
  local self = { url = url, scheme = scheme, protocol = known.protocol,
                 version = known.version, host = host, port = number,
                 features = {}, how = {}, declared = {} }
  for _, feature in ipairs(known.declares) do
    self.declared[feature] = "the URL says so"
  end
  if userinfo then
    local ok, why = take_userinfo(self, userinfo)
    if not ok then
      return nil, why
    end
  end
  return self
end

-- A connection to the proxy, over TLS where the URL says so; from: the local
-- address, or nil. As native.connect() otherwise.
function endpoint.connect(self, within, from)
  return native.connect { host = self.host, port = self.port, from = from,
                          within = within, tls = self.tls }
end

-- How https:// URLs are verified: cacert (a file; nil: the system's) and
-- insecure. Nil and why when the file is unusable.
function endpoint.secure(endpoints, wishes)
  for _, one in ipairs(endpoints) do
    if one.scheme == "https" and not one.tls then
      if not wishes.context then
        local context, why = native.tls { cacert = wishes.cacert,
                                          insecure = wishes.insecure }
        if not context then
          return nil, "--cacert: " .. why
        end
        wishes.context = context
      end
      one.tls = wishes.context
    end
  end
  return true
end

-- The URL with its password blanked, for reports.
function endpoint.public_url(self)
  return (self.url:gsub("//([^/@:]*):([^/@]*)@", "//%1:***@"))
end

return endpoint
