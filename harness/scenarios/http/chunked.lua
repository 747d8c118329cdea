-- The chunked coding of forwarded messages, both ways: RFC 9112 section 7.1.

local CODED = { { "Transfer-Encoding", "chunked" } }
local LAST = "0\r\n\r\n"

-- A POST with these octets as its chunks: the outcome, and what of it the
-- origin saw.
local function post(t, chunks, follow)
  local w = t:witness {}
  local out = t:outcome {
    origin = w, within = 1.5, follow = follow,
    send = http.request { to = w, method = "POST", path = "/" .. t:nonce(),
                          fields = CODED, body = chunks } }
  if out.requests[1] then
    w:whole(out.requests[1], 0.3) -- what is still on its way
  end
  return out.requests[1], out
end

-- A response with these octets as its chunks: what of it the client saw, and
-- whether that is the origin's.
local function fetch(t, chunks, close)
  local nonce = t:nonce()
  local x = t:exchange {
    nonce = nonce, within = 1.5, answer = function (up, request)
      if request.version == "1.0" then
        up:send(http.answer { body = nonce })
      else
        up:send("HTTP/1.1 200 OK\r\nX-Witness: " .. nonce .. "\r\n"
                .. "Cache-Control: no-store\r\n"
                .. "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                .. "Transfer-Encoding: chunked\r\n\r\n" .. chunks)
      end
      if close then
        up:close()
      end
      return not close
    end }
  if x.request and x.request.version == "1.0" then
    t:skip("the proxy asks origins in HTTP/1.0, which knows no chunks")
  end
  return not x.is_own and (x.response or x.partial) or nil, x
end

-- One scenario a way: judge(t, message, who) of what came through of chunks.
local function both_ways(name, title, id, chunks, judge)
  for way, get in pairs { request = post, response = fetch } do
    scenario(name .. "-" .. way) {
      title    = title .. " (" .. way .. ")",
      checks   = { id },
      needs    = { "http-forward" },
      negative = true,
      run      = function (t)
        local got = get(t, chunks)
        if got then
          judge(t, got, way == "request" and "the origin" or "the client")
        end
      end,
    }
  end
end

-- Taken for whole, or passed on with what cannot be read.
local function is_taken(got)
  return got.is_complete or got.broken
end

-- What is sound --------------------------------------------------------------

local function letters(n)
  return ("uvwxyz"):rep(n // 6 + 1):sub(1, n)
end

for _, case in ipairs {
  { "one-octet", 40, { 1 } }, { "growing", 5000, { 1, 16, 255, 256, 4096 } },
  { "one-chunk", 100, { 100 } }, { "1-mib", 1 << 20, { 1 << 20 } },
  { "64k-chunks", 200000, { 65536 } },
  { "boundaries", 172032, { 4095, 4096, 4097, 8191, 8192, 8193, 16383, 16384,
                            16385, 32767, 32768, 15, 16, 17, 9, 10, 11 } },
  { "many-chunks", 20000, { 1 } },
} do
  local name, size, sizes = table.unpack(case)
  scenario("http.chunked.decode-" .. name) {
    title  = "chunked content comes through: " .. name,
    checks = { "http.chunked.decode" },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      local body = letters(size)
      local x = t:exchange { method = "POST", body = body, chunked = sizes,
                             within = 10,
                             answer = { body = body, chunked = sizes } }
      t:check(not x.request or x.request.body == body
              or not x.request.is_complete, "http.chunked.decode",
              "the origin got other content")
      -- A length may be asked for: RFC 9112 section 6.3.
      local own = x.response or x.partial -- which a reset may have cut
      t:check(x.request or (own and own.status == 411), "http.chunked.decode",
              x.why or "no request came",
              { absence = not x.is_own, contested = own and own.status ~= nil })
      t:check(not x.response or x.is_own or x.response.body == body,
              "http.chunked.decode", "the client got other content")
    end,
  }
end

-- Who takes chunks at all takes these: got is what came through.
local function check_taken(t, id, chunks, get, is_contested)
  local plain = get(t, "5\r\nhello\r\n" .. LAST)
  if not plain or not plain.is_complete then
    t:skip("plain chunks do not come through")
  end
  local got = get(t, chunks)
  t:check(got and got.is_complete, id, "it did not come through",
          { absence = true, contested = is_contested })
  t:check(not got or not got.is_complete or got.body == "hello world", id,
          "the content became " .. t:show(got and got.body or ""))
end

local function sound(name, title, id, chunks, ways, is_contested)
  for way, get in pairs(ways or { request = post, response = fetch }) do
    scenario(name .. "-" .. way) {
      title  = title .. " (" .. way .. ")",
      checks = { id },
      needs  = { "http-forward" },
      run    = function (t)
        check_taken(t, id, chunks, get, is_contested)
      end,
    }
  end
end

for name, chunks in pairs {
  ["capital"] = "B\r\nhello world\r\n0\r\n\r\n",
  ["leading-zeros"] = "00b\r\nhello world\r\n0\r\n\r\n",
  ["zeros"] = "b\r\nhello world\r\n000\r\n\r\n",
  ["leading-zeros-capital"] = "0000000B\r\nhello world\r\n0\r\n\r\n",
} do
  sound("http.chunked.hex-" .. name, "sizes are hexadecimal: " .. name,
        "http.chunked.hex", chunks)
end

for name, extension in pairs {
  ["value"] = ";a=b", ["name"] = ";a", ["quoted"] = ";a=\"q;r\"",
  ["two"] = ";a=b;c=d", ["escaped"] = ";a=\"q\\\"r\"", ["empty-quotes"] = ";a=\"\"",
} do
  sound("http.chunked.extension-" .. name, "extensions are ignored: " .. name,
        "http.chunked.ext-ignored", "b" .. extension .. "\r\nhello world\r\n"
        .. LAST)
end
sound("http.chunked.extension-last", "extensions are ignored: of the last chunk",
      "http.chunked.ext-ignored", "b\r\nhello world\r\n0;a=b\r\n\r\n")

for name, extension in pairs {
  ["before"] = " ;a=b", ["behind"] = "; a=b", ["around-equals"] = ";a = b",
} do
  sound("http.chunked.blanks-" .. name, "blanks in extensions: " .. name,
        "http.chunked.ext-bws", "b" .. extension .. "\r\nhello world\r\n" .. LAST,
        { request = post }, true)
end

-- Sizes ----------------------------------------------------------------------

local SIZES = {
  ["prefix"] = "0x5", ["plus"] = "+5", ["minus"] = "-5", ["letter"] = "5g",
  ["underscore"] = "5_", ["empty"] = "", ["blank-before"] = " 5",
  ["tab-before"] = "\t5", ["comma"] = "5,", ["point"] = "5.", ["word"] = "five",
  ["quoted"] = "\"5\"", ["two"] = "5 5", ["percent"] = "%35", ["suffix"] = "5h",
  ["vertical-tab"] = "\v5", ["equals"] = "5=5", ["nul"] = "5\0",
  ["cr"] = "5\r", ["colon"] = "5:", ["bracket"] = "5]", ["octal"] = "0o5",
  ["capital-prefix"] = "0X5", ["two-signs"] = "--5",
  ["high"] = "5\xA0", ["dollar"] = "$5", ["hash"] = "#5", ["junk"] = "5junk",
}
for name, size in pairs(SIZES) do
  both_ways("http.chunked.size-" .. name,
    "a chunk size that is no number does not pass: " .. name,
    "http.chunked.size-invalid", size .. "\r\nhello\r\n" .. LAST,
    function (t, got, who)
      t:check(not is_taken(got), "http.chunked.size-invalid",
              who .. " got content " .. t:show(got.body))
    end)
end

for name, size in pairs { ["prefix"] = "0x0", ["minus"] = "-0", ["plus"] = "+0",
                          ["letter"] = "0g", ["word"] = "end",
                          ["empty"] = "" } do
  both_ways("http.chunked.last-size-" .. name,
    "a last chunk whose size is no number does not end anything: " .. name,
    "http.chunked.size-invalid", "5\r\nhello\r\n" .. size .. "\r\n\r\n",
    function (t, got, who)
      t:check(not is_taken(got), "http.chunked.size-invalid",
              who .. " got a whole message")
    end)
end

for name, size in pairs {
  ["32-bits"] = "100000005", ["33-bits"] = "200000005",
  ["64-bits"] = "10000000000000005", ["68-bits"] = "100000000000000005",
  ["64-bits-zeros"] = "00010000000000000005",
  -- Negative, or none at all, in some width.
  ["31-bits-more"] = "80000000", ["31-bits-five"] = "80000005",
  ["32-bits-less"] = "ffffffff", ["32-bits-minus-five"] = "fffffffb",
  ["32-bits-none"] = "100000000", ["63-bits-less"] = "7fffffffffffffff",
  ["63-bits-more"] = "8000000000000000", ["63-bits-five"] = "8000000000000005",
  ["64-bits-less"] = "ffffffffffffffff",
  ["64-bits-minus-five"] = "fffffffffffffffb",
  ["64-bits-none"] = "10000000000000000", ["68-bits-more"] = "ffffffffffffffff0",
} do
  both_ways("http.chunked.big-" .. name,
    "a chunk size is not cut to the bits of an integer: " .. name,
    "http.chunked.size-big", size .. "\r\nhello\r\n" .. LAST,
    function (t, got, who)
      t:check(not got.is_complete, "http.chunked.size-big",
              who .. " got a whole message of " .. #got.body .. " octets")
    end)
end

-- Line ends and what is between ------------------------------------------------

local LFS = {
  ["size"] = "5\nhello\r\n0\r\n\r\n", ["data"] = "5\r\nhello\n0\r\n\r\n",
  ["last"] = "5\r\nhello\r\n0\n\r\n", ["all"] = "5\nhello\n0\n\n",
  ["extension"] = "5;a=b\nhello\r\n0\r\n\r\n",
  ["no-extension"] = "5;\nhello\r\n0\r\n\r\n",
}
for name, chunks in pairs(LFS) do
  both_ways("http.chunked.lf-" .. name,
    "chunks whose lines end in LF alone are not passed on so: " .. name,
    "http.chunked.bare-lf", chunks,
    function (t, got, who)
      t:check(not got.odd["chunk-bare-lf"], "http.chunked.bare-lf",
              who .. " got chunks with LF alone")
    end)
end

local DATA = {
  ["none"] = "5\r\nhello0\r\n\r\n", ["letters"] = "5\r\nhelloXX0\r\n\r\n",
  ["long"] = "5\r\nhello!\r\n0\r\n\r\n", ["short"] = "5\r\nhell\r\n0\r\n\r\n",
  ["two-cr"] = "5\r\nhello\r\r0\r\n\r\n", ["lf-cr"] = "5\r\nhello\n\r0\r\n\r\n",
  ["blanks"] = "5\r\nhello \r\n0\r\n\r\n",
  ["extra-crlf"] = "5\r\nhello\r\n\r\n0\r\n\r\n",
  ["crlf-first"] = "\r\n5\r\nhello\r\n0\r\n\r\n",
  ["letter-and-lf"] = "5\r\nhelloX\n0\r\n\r\n",
  ["cr-alone"] = "5\r\nhello\r0\r\n\r\n",
  ["cr-and-letter"] = "5\r\nhello\rX0\r\n\r\n",
  ["zero-short"] = "5\r\nhello0\r\n0\r\n\r\n",
}
for name, chunks in pairs(DATA) do
  both_ways("http.chunked.data-" .. name,
    "chunk data that is not followed by CRLF does not pass: " .. name,
    "http.chunked.data-crlf", chunks,
    function (t, got, who)
      t:check(not is_taken(got), "http.chunked.data-crlf",
              who .. " got content " .. t:show(got.body))
    end)
end

-- Two octets that are no line's end, where one has to be.
for name, chunks in pairs {
  ["size"] = "5\rXhello\r\n0\r\n\r\n", ["size-letters"] = "5XXhello\r\n0\r\n\r\n",
  ["last"] = "5\r\nhello\r\n0\rX\r\n", ["last-letters"] = "5\r\nhello\r\n0XX\r\n",
  ["end"] = "5\r\nhello\r\n0\r\nXX", ["end-cr"] = "5\r\nhello\r\n0\r\n\rX",
  ["end-two-cr"] = "5\r\nhello\r\n0\r\n\r\r",
} do
  both_ways("http.chunked.line-" .. name,
    "what ends no line of chunks is not taken for its end: " .. name,
    "http.chunked.terminator", chunks,
    function (t, got, who)
      t:check(not got.is_complete, "http.chunked.terminator",
              who .. " got a whole message")
    end)
end

for name, extension in pairs {
  ["lf"] = ";a=b\nc", ["lf-quoted"] = ";a=\"b\nc\"",
  ["cr"] = ";a=b\rc", ["cr-quoted"] = ";a=\"b\rc\"", ["nul"] = ";a=b\0c",
  ["nul-quoted"] = ";a=\"b\0c\"", ["cr-before"] = "\r;a=b",
  ["two-cr"] = "\r\r;a=b",
} do
  both_ways("http.chunked.control-" .. name,
    "control octets in extensions do not pass: " .. name,
    "http.chunked.ext-ctl", "5" .. extension .. "\r\nhello\r\n" .. LAST,
    function (t, got, who)
      t:check(not got.raw:find(extension, 1, true), "http.chunked.ext-ctl",
              who .. " got the extension " .. t:show(extension))
    end)
end

scenario "http.chunked.extension-endless" {
  title    = "the extensions of chunks have a limit",
  checks   = { "http.chunked.ext-limit" },
  needs    = { "http-forward" },
  negative = true,
  within   = 30,
  run      = function (t)
    local got = post(t, "5;" .. ("e"):rep(64):rep(1 << 16) .. "\r\nhello\r\n" .. LAST)
    t:check(not got or not got.is_complete, "http.chunked.ext-limit",
            "a request with 4 MiB of extensions came through")
  end,
}

-- The end ---------------------------------------------------------------------

local CUTS = {
  ["before-last"] = "5\r\nhello\r\n", ["in-last"] = "5\r\nhello\r\n0",
  ["behind-last"] = "5\r\nhello\r\n0\r\n", ["in-blank-line"] = "5\r\nhello\r\n0\r\n\r",
  ["in-data"] = "5\r\nhel", ["behind-data"] = "5\r\nhello",
  ["in-size"] = "5", ["behind-size"] = "5\r\n",
}
for name, chunks in pairs(CUTS) do
  scenario("http.chunked.cut-request-" .. name) {
    title    = "a chunked request that ends early is not made whole: " .. name,
    checks   = { "http.chunked.terminator" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local w, c = t:witness {}, t:connect {}
      c:send(http.request { to = w, method = "POST", path = "/" .. t:nonce(),
                            fields = CODED, body = chunks })
      local function first() return w.requests[1] end
      w:wait(first, 0.3) -- who ends before is not forwarded at all
      c:shut()
      local got = w:wait(first, 0.7)
      t:check(not got or not w:whole(got, 1), "http.chunked.terminator",
              "the origin got a whole request")
    end,
  }

  scenario("http.chunked.cut-response-" .. name) {
    title    = "a chunked response that ends early is not made whole: " .. name,
    checks   = { "http.chunked.terminator" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local got = fetch(t, chunks, true)
      t:check(not got or not got.is_complete, "http.chunked.terminator",
              "the client got a whole response")
    end,
  }
end

for name, garbage in pairs { ["letters"] = "xx", ["line"] = "xx\r\n",
                             ["chunk"] = "5\r\nhello\r\n" } do
  scenario("http.chunked.garbage-" .. name) {
    title    = "what is behind the last chunk is not skipped: " .. name,
    checks   = { "http.chunked.trailing-garbage" },
    needs    = { "http-forward" },
    negative = true,
    run      = function (t)
      local _, out = post(t, "5\r\nhello\r\n" .. LAST .. garbage, true)
      for _, request in ipairs(out.requests) do
        local line = request.line or ""
        t:check(not (line:find(out.follow, 1, true) and line:find("^GET ")),
                "http.chunked.trailing-garbage",
                "the request behind it was served as if nothing was there")
      end
    end,
  }
end
