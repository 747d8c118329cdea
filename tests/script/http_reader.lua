-- The tolerant reader of HTTP messages, every row cut at every octet.

local equal = dofile "tests/script/equal.lua"

local function flat(list)
  local out = {}
  for i, field in ipairs(list) do
    out[i] = field[1] .. "=" .. field[2]
  end
  return table.concat(out, "|")
end

local function odd(message)
  local out = {}
  for name in pairs(message.odd) do
    out[#out + 1] = name
  end
  table.sort(out)
  return table.concat(out, ",")
end

-- Loaded when a test runs: whoever lists them has no embedded files.
local function reader_of()
  return require "lib.http_reader"
end

local function new(row)
  local http_reader = reader_of()
  return row.method and http_reader.response(row.method ~= "-" and row.method
                                             or "GET")
         or http_reader.request()
end

-- Feeds data in these pieces; the message and what was left over of it.
local function play(row, pieces)
  local reader, rest = new(row), ""
  for _, piece in ipairs(pieces) do
    if rest == "" then
      rest = piece:sub(reader:feed(piece) + 1)
    else
      rest = rest .. piece
    end
  end
  if row.ends then
    reader:finish(row.ends)
  end
  return reader, rest
end

local function check(row, pieces)
  local reader, rest = play(row, pieces)
  local got = reader:message()
  equal(reader.broken, row.broken)
  equal(got.is_complete, row.is_complete ~= false and not row.broken)
  equal(rest, row.rest or "")
  equal(got.framing, row.framing)
  equal(got.body, row.body or "")
  equal(odd(got), row.odd or "")
  equal(flat(got.fields), row.fields or "")
  equal(flat(got.trailers), row.trailers or "")
  for _, name in ipairs { "target", "status", "version", "reason" } do
    if row[name] then
      equal(got[name], row[name])
    end
  end
  if not row.broken then
    equal(got.raw, row.data:sub(1, #row.data - #rest))
  end
end

local ROWS = {
  { name = "a request", data = "GET /a HTTP/1.1\r\nA: b\r\n\r\n", target = "/a",
    version = "1.1", framing = "none", fields = "A=b" },
  { name = "octets behind a request stay", data = "GET / HTTP/1.1\r\n\r\nGET",
    framing = "none", rest = "GET" },
  { name = "a length", data = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd",
    framing = "length", body = "abc", rest = "d", fields = "Content-Length=3" },
  { name = "an empty length",
    data = "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
    framing = "length", fields = "content-length=0" },
  { name = "the same length twice",
    data = "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx",
    framing = "length", body = "x",
    fields = "Content-Length=1, 1|Content-Length=1" },
  { name = "two lengths", broken = "Content-Length has two values",
    data = "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    fields = "Content-Length=1|Content-Length=2" },
  { name = "a length that is none", broken = "Content-Length is no number",
    data = "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
    fields = "Content-Length=+1" },
  { name = "a body that is not whole", is_complete = false,
    data = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", framing = "length",
    body = "ab", fields = "Content-Length=3" },
  { name = "chunks", framing = "chunked", body = "hello world",
    data = "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"
           .. "5\r\nhello\r\n06 ;a=\"b\"\r\n world\r\n0\r\nT: u\r\n V\r\n\r\nX",
    fields = "Transfer-Encoding=gzip, Chunked", trailers = "T=u V",
    odd = "obs-fold", rest = "X" },
  { name = "chunked overrides a length", framing = "chunked", body = "a",
    data = "POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked"
           .. "\r\n\r\n1\r\na\r\n0\r\n\r\n",
    fields = "Content-Length=9|Transfer-Encoding=chunked" },
  { name = "chunks with bare LF", framing = "chunked", body = "a",
    odd = "chunk-bare-lf",
    data = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
           .. "1\na\n0\r\n\r\n", fields = "Transfer-Encoding=chunked" },
  { name = "a chunk size that is none", broken = "no chunk size",
    framing = "chunked", fields = "Transfer-Encoding=chunked",
    data = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n" },
  { name = "a chunk longer than it says", framing = "chunked", body = "a",
    broken = "a chunk longer than its size",
    fields = "Transfer-Encoding=chunked",
    data = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n" },
  { name = "a request whose last coding is another",
    broken = "Transfer-Encoding does not end in chunked",
    data = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
    fields = "Transfer-Encoding=chunked, gzip" },
  { name = "an empty line first", odd = "empty-line-first", framing = "none",
    data = "\r\nGET / HTTP/1.0\r\n\r\n", version = "1.0" },
  { name = "bare LF", odd = "bare-lf", framing = "none", fields = "A=b",
    data = "GET / HTTP/1.1\nA: b\r\n\r\n" },
  { name = "odd lines", framing = "none",
    odd = "bare-cr,no-colon,no-name,nul,space-before-colon,space-before-field",
    data = "GET / HTTP/1.1\r\n A: b\r\nC : d\0\r\nnothing\r\n: x\r\nE: f\rg\r\n\r\n",
    fields = " A=b|C =d\0|nothing=|=x|E=f\rg" },
  { name = "a target with a space", framing = "none", target = "/a b",
    data = "GET /a b HTTP/1.1\r\n\r\n" },
  { name = "a line in disorder", odd = "request-line", framing = "none",
    target = "/a", data = "GET  /a \t HTTP/1.1 \r\n\r\n" },
  { name = "a line without a version", broken = "no request-line",
    odd = "request-line", data = "GET /a\r\n" },
  { name = "a response", method = "GET", framing = "length", body = "ok",
    data = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1",
    status = 200, reason = "OK", rest = "HTTP/1.1", fields = "Content-Length=2" },
  { name = "a response to HEAD", method = "HEAD", framing = "none",
    data = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP", rest = "HTTP",
    fields = "Content-Length=2" },
  { name = "a response to CONNECT", method = "CONNECT", framing = "none",
    data = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxy", rest = "xy",
    fields = "Content-Length=2" },
  { name = "an interim response", method = "-", framing = "none",
    data = "HTTP/1.1 103 Early\r\n\r\nH", rest = "H", status = 103 },
  { name = "not modified", method = "GET", framing = "none", rest = "x",
    data = "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\nx",
    fields = "Content-Length=9" },
  { name = "no content", method = "GET", framing = "none", rest = "x",
    data = "HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\nx",
    fields = "Transfer-Encoding=chunked" },
  { name = "a response that goes on", method = "GET", framing = "end",
    data = "HTTP/1.1 200 OK\r\n\r\nabc", body = "abc", is_complete = false },
  { name = "a response that ends with FIN", method = "GET", framing = "end",
    data = "HTTP/1.0 200 OK\r\n\r\nabc", body = "abc", ends = "fin" },
  { name = "a response that ends with RST", method = "GET", framing = "end",
    data = "HTTP/1.0 200 OK\r\n\r\nabc", body = "abc", ends = "rst",
    is_complete = false },
  { name = "a response in another coding", method = "GET", framing = "end",
    data = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    body = "abc", ends = "fin", fields = "Transfer-Encoding=gzip" },
  { name = "a response without reason or space", method = "GET",
    framing = "none", status = 204, odd = "status-line",
    data = "HTTP/1.1 204\r\n\r\n" },
  { name = "no response", method = "GET", broken = "no status line",
    data = "hello" },
  { name = "a status that is none", method = "GET", broken = "no status line",
    odd = "status-line", data = "HTTP/1.1 20 OK\r\n" },
}

local function each_cut(row)
  return function ()
    local data = row.data
    check(row, { data })
    local octets = {}
    for at = 1, #data do
      octets[at] = data:sub(at, at)
      if at < #data then
        check(row, { data:sub(1, at), data:sub(at + 1) })
      end
    end
    check(row, octets)
  end
end

local out = {}
for i, row in ipairs(ROWS) do
  out[i] = { row.name, each_cut(row) }
end

out[#out + 1] = { "fields by name", function ()
  local reader = reader_of().request()
  reader:feed("GET / HTTP/1.1\r\nVia: 1.1 a\r\nX: y\r\nvia:1.0 b;c , Close\r\n\r\n")
  local got = reader:message()
  equal(got:field("VIA"), "1.1 a, 1.0 b;c , Close")
  equal(#got:values("via"), 2)
  equal(got:field("none"), nil)
  equal(table.concat(got:tokens("via"), "|"), "1.1 a|1.0 b|close")
  equal(got:has("via", "close"), true)
  equal(got:has("x", "close"), false)
  equal(table.concat(got:lines("x", "via"), "|"),
        "via:1.1 a|x:y|via:1.0 b;c , Close")
end }

return out
