-- The messages of the own network's name server, as TAP lines.

package.path = "harness/?.lua;" .. package.path

local dns = require "lib.dns"

local number, failures = 0, 0

local function test(name, fn)
  number = number + 1
  local ok, why = pcall(fn)
  print(string.format("%s %d - %s", ok and "ok" or "not ok", number, name))
  if not ok then
    failures = failures + 1
    print("# " .. tostring(why))
  end
end

local function hex(data)
  return (data:gsub(".", function (c)
    return string.format("%02x", c:byte())
  end))
end

local function octets(text)
  return (text:gsub("%s", ""):gsub("%x%x", function (pair)
    return string.char(tonumber(pair, 16))
  end))
end

local function equal(got, want)
  if got ~= want then
    error(string.format("got %s where %s is due", tostring(got),
                        tostring(want)), 2)
  end
end

-- RD is set, as stub resolvers do; then "a.test", A, IN.
local HEADER = "1234 0100 0001 0000 0000 0000"
local NAME = "01 61 04 74657374 00"
local QUERY = octets(HEADER .. NAME .. "0001 0001")

test("a query is read", function ()
  local query = dns.decode_query(QUERY)
  equal(query.id, 0x1234)
  equal(query.name, "a.test")
  equal(query.qtype, 1)
  equal(query.qclass, 1)
  equal(hex(query.raw), "0161047465737400" .. "00010001")
end)

test("what follows the question is no part of it", function ()
  local query = dns.decode_query(QUERY .. octets "00 0029 1000 00000000 0000")
  equal(hex(query.raw), "0161047465737400" .. "00010001")
end)

test("case is kept, for resolvers that mix it", function ()
  local query = dns.decode_query(octets(HEADER .. "01 41 04 54655354 00"
                                        .. "001c 0001"))
  equal(query.name, "A.TeST")
  equal(query.qtype, 28)
end)

test("a name of 255 octets on the wire is read, one of 256 is not", function ()
  local label = string.char(63) .. ("x"):rep(63)
  local function query(last)
    local name = label:rep(3) .. string.char(last) .. ("y"):rep(last) .. "\0"
    return dns.decode_query(octets(HEADER) .. name .. octets "0001 0001")
  end
  equal(#query(61).name, 253)
  equal(query(62), nil)
end)

test("a query that is cut anywhere is none", function ()
  for len = 0, #QUERY - 1 do
    local query, why, broken = dns.decode_query(QUERY:sub(1, len))
    equal(query, nil)
    equal(why, len < 12 and "header" or "question")
    equal(broken and broken.id, len >= 12 and 0x1234 or nil)
  end
end)

test("an answer is no query, and is not answered", function ()
  local query, why = dns.decode_query(octets "1234 8180 0001 0000 0000 0000"
                                      .. QUERY:sub(13))
  equal(query, nil)
  equal(why, "header")
end)

test("two questions, and compression in one, are none", function ()
  equal(dns.decode_query(octets "1234 0100 0002 0000 0000 0000"
                         .. QUERY:sub(13)), nil)
  equal(dns.decode_query(octets(HEADER .. "c00c 0001 0001")), nil)
end)

test("an address is answered", function ()
  local query = dns.decode_query(QUERY)
  equal(hex(dns.encode_answer(query, dns.OK, { "192.0.2.7", "2001:db8::1" })),
        hex(octets("1234 8580 0001 0001 0000 0000" .. NAME .. "0001 0001"
                   .. "c00c 0001 0001 00000000 0004 c0000207")))
end)

test("of IPv6 likewise", function ()
  local query = dns.decode_query(octets(HEADER .. NAME .. "001c 0001"))
  equal(hex(dns.encode_answer(query, dns.OK, { "192.0.2.7", "2001:db8::1" })),
        hex(octets("1234 8580 0001 0001 0000 0000" .. NAME .. "001c 0001"
                   .. "c00c 001c 0001 00000000 0010"
                   .. "20010db8 00000000 00000000 00000001")))
end)

test("all addresses of the type come, in order", function ()
  local query = dns.decode_query(QUERY)
  local answer = dns.encode_answer(query, dns.OK, { "192.0.2.2", "192.0.2.1" })
  equal(string.unpack(">I2", answer, 7), 2)
  equal(hex(answer:sub(-4)), "c0000201")
  equal(hex(answer:sub(-20, -17)), "c0000202")
end)

test("another type or class has an answer without records", function ()
  for _, tail in ipairs { "000f 0001", "0001 0003" } do
    local query = dns.decode_query(octets(HEADER .. NAME .. tail))
    equal(hex(dns.encode_answer(query, dns.OK, { "192.0.2.7" })),
          hex(octets("1234 8580 0001 0000 0000 0000" .. NAME .. tail)))
  end
end)

test("a name that does not exist, and a server that fails", function ()
  local query = dns.decode_query(QUERY)
  for _, rcode in ipairs { dns.NXDOMAIN, dns.SERVFAIL } do
    local answer = dns.encode_answer(query, rcode, {})
    equal(string.unpack(">I2", answer, 3), 0x8580 | rcode)
    equal(string.unpack(">I2", answer, 7), 0)
  end
end)

test("RD that was not set is not set in the answer", function ()
  local query = dns.decode_query(octets "1234 0000 0001 0000 0000 0000"
                                 .. QUERY:sub(13))
  equal(string.unpack(">I2", dns.encode_answer(query, dns.OK, {}), 3), 0x8480)
end)

test("other operations than a query are not implemented", function ()
  local query = dns.decode_query(octets "1234 1000 0001 0000 0000 0000"
                                 .. QUERY:sub(13))
  equal(string.unpack(">I2", dns.encode_answer(query, dns.OK, { "192.0.2.7" }),
                      3), 0x9480 | dns.NOTIMP)
end)

test("a broken question is answered without it", function ()
  local _, _, broken = dns.decode_query(QUERY:sub(1, 14))
  equal(hex(dns.encode_answer(broken, dns.FORMERR, {})),
        "123485810000000000000000")
end)

print("1.." .. number)
os.exit(failures == 0)
