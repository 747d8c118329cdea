-- Scenarios that mostly wait, and for about how long with a target that is
-- right: what lasts longest begins first. A wrong figure costs time, no more.

local glob = require "runner.glob"

local longest = {}

-- Seconds by id; the first row that matches counts.
local ROWS = {
  { "socks5.udp.pieces-10s-apart", 11 }, { "socks5.bind.control-closed", 10 },
  { "socks5.udp.pieces-4.5s-apart", 5.5 }, { "*.resolves.silent", 2 },
  { "socks5.udp.control-kept", 10 }, { "socks5.udp.idle", 9 },
  { "*.lasting", 9 }, { "*.idle-for-longer", 9 }, { "*.late-peer", 5 },
  { "*black-hole*", 3 }, { "socks5.udp.control-*", 3 },
  { "socks5.udp.many-pieces", 2 }, { "http.limits.forward-*", 2 },
  { "*.idle", 2 }, { "http.chunked.big-3*", 2 },
  { "http.chunked.line-end*-request", 1.8 },
  { "http.chunked.line-end*-response", 1.5 }, { "http.framing.big-*", 1.5 },
  { "*.half-close-by-*", 1.4 }, { "http.persist.*", 1 },
  { "auth.digest.nonces-change", 1 }, { "socks4.reply.granted-layout", 1 },
  { "http.status.kept-*", 1 }, { "*.userid-unterminated", 1 },
  { "socks5.udp.*", 0.8 }, { "http.chunked.*-request", 0.6 },
  { "http.target.line-kept-*", 0.6 }, { "http.exchange.*", 0.5 },
  { "http.retry.*", 0.5 }, { "http.pipeline.*", 0.5 }, { "*.bind.*", 0.5 },
  { "*.resolves.*", 0.5 }, { "http.close.*", 0.4 },
}

for _, row in ipairs(ROWS) do
  row.matches = glob.any { row[1] }
end

-- About how long this scenario waits; 0 for most of them.
function longest.seconds(id)
  for _, row in ipairs(ROWS) do
    if row.matches(id) then
      return row[2]
    end
  end
  return 0
end

return longest
