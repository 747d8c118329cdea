-- Messages of DNS (RFC 1035 section 4), as far as a name server needs them that
-- knows addresses only: a question, and the answer to it. Pure: octets in,
-- octets out.

local octets = require "lib.octets"

local dns = {}

dns.A, dns.AAAA = 1, 28
dns.OK, dns.FORMERR, dns.SERVFAIL, dns.NXDOMAIN, dns.NOTIMP = 0, 1, 2, 3, 4

local HEADER = 12
local LABEL_MAX, NAME_MAX = 63, 255 -- section 2.3.4; octets on the wire
local IN = 1

-- The name at this position, dotted and as sent, and what follows it; nil when
-- it is cut short or too long. A question has no use for compression.
local function read_name(data, at)
  local labels, first = {}, at
  while true do
    local len = data:byte(at)
    if not len or len > LABEL_MAX or at + len > #data
       or at + len + 1 - first > NAME_MAX then
      return nil
    elseif len == 0 then
      return table.concat(labels, "."), at + 1
    end
    labels[#labels + 1] = data:sub(at + 1, at + len)
    at = at + 1 + len
  end
end

-- The one question of a query: id, flags, name, qtype, qclass, and raw, its
-- octets behind the header. nil when it is none that could be answered; with
-- "header" as the reason even the id cannot be told.
function dns.decode_query(data)
  if #data < HEADER then
    return nil, "header"
  end
  local id, flags, questions = string.unpack(">I2I2I2", data)
  if flags & 0x8000 ~= 0 then
    return nil, "header" -- an answer: to be answered by nobody
  end
  local name, at = read_name(data, HEADER + 1)
  if questions ~= 1 or not name or at + 3 > #data then
    return nil, "question", { id = id, flags = flags, raw = "" }
  end
  local qtype, qclass = string.unpack(">I2I2", data, at)
  return { id = id, flags = flags, name = name, qtype = qtype, qclass = qclass,
           raw = data:sub(HEADER + 1, at + 3) }
end

local function opcode(query)
  return query.flags >> 11 & 0xF
end

local function resource(qtype, address)
  local data = qtype == dns.A and octets.ipv4(address) or octets.ipv6(address)
  -- C00C: the name of the question. It lives for no time: nobody keeps it.
  return string.pack(">I2I2I2I4s2", 0xC00C, qtype, IN, 0, data)
end

-- The answer to a query: a response code and, of those addresses that the
-- question asks for, all. Neither is checked against the size of a datagram.
function dns.encode_answer(query, rcode, addresses)
  if opcode(query) ~= 0 then
    rcode, addresses = dns.NOTIMP, {}
  end
  local records = {}
  for _, address in ipairs(query.qclass == IN and addresses or {}) do
    local qtype = address:find(":", 1, true) and dns.AAAA or dns.A
    if qtype == query.qtype then
      records[#records + 1] = resource(qtype, address)
    end
  end
  -- A response, authoritative, recursion available; opcode and RD as asked.
  local flags = 0x8480 | query.flags & 0x7900 | rcode
  return string.pack(">I2I2I2I2I2I2", query.id, flags,
                     query.raw == "" and 0 or 1, #records, 0, 0)
         .. query.raw .. table.concat(records)
end

return dns
