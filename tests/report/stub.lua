-- The part of `native` that reports use, for a plain Lua interpreter. What is
-- printed or written is kept in `kept` for the tests to look at.

local stub = { kept = { err = {}, files = {} }, env = {}, tty = {}, time = 0 }

local rows = {
  ["socks5.method.ff"] = { level = "DEFINED", source = "RFC1928",
    section = "3", summary = "FF when no method is acceptable" },
  ["socks5.reply.close-10s"] = { level = "MUST", source = "RFC1928",
    section = "6", summary = "close within ten seconds" },
  ["http.error.refused"] = { level = "SHOULD", source = "RFC9110",
    section = "15.6.3", summary = "a gateway status" },
  ["socks5.greeting.pipelined"] = { level = "ADVICE", source = "PRACTICE",
    section = "-", summary = "early octets are kept" },
}

local array_mark = {}

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function (c)
    return string.format("\\u%04x", c:byte())
  end) .. '"'
end

local function encode(value)
  if type(value) == "string" then
    assert(utf8.len(value), "no UTF-8")
    return quote(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if getmetatable(value) == array_mark then
    for i, item in ipairs(value) do
      parts[i] = encode(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    parts[#parts + 1] = quote(key) .. ":" .. encode(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

stub.native = {
  requirement = function (id)
    return rows[id]
  end,
  array = function (t)
    return setmetatable(t, array_mark)
  end,
  json = encode,
  getenv = function (name)
    return stub.env[name]
  end,
  is_tty = function (fd)
    return stub.tty[fd] == true
  end,
  columns = function ()
    return 60
  end,
  now = function ()
    return stub.time
  end,
  err = function (s)
    table.insert(stub.kept.err, s)
  end,
  can_write = function (path)
    if path:find("^/nowhere") then
      return nil, "No such file or directory"
    end
    return true
  end,
  write_file = function (path, data)
    if path:find("full") then
      return nil, "No space left on device"
    end
    stub.kept.files[path] = data
    return true
  end,
}

return stub
