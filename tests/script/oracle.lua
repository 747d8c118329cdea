local equal = dofile "tests/script/equal.lua"

local GREETING, SELECTION = "\5\1\0", "\5\0"
local REQUEST = "\5\1\0\1\127\0\0\1\0\80"
local REPLY = "\5\0\0\1\127\0\0\1\0\80"

-- A judge that was shown these octets: {side, octets}, one a second.
local function judge(dialogue)
  local oracle = native.oracle { protocol = "socks" }
  for i, entry in ipairs(dialogue) do
    oracle:bytes(entry[1], entry[2], i)
  end
  return oracle
end

return {
  { "a clean dialogue is followed without a finding", function ()
    local oracle = judge {
      { "client", GREETING }, { "server", SELECTION }, { "client", REQUEST },
      { "server", REPLY }, { "client", "ping" }, { "server", "pong!" },
    }
    local messages = oracle:messages()
    assert(#messages >= 4)
    equal(messages[1].side, "client")
    equal(messages[1].offset, 0)
    equal(messages[1].len, #GREETING)
    equal(messages[1].time, 1.0)
    assert(#messages[1].text > 0)
    equal(#oracle:messages(), 0)
    local summary = oracle:summary()
    equal(summary.protocol, "socks")
    equal(summary.stage, "granted")
    equal(summary.version, 5)
    equal(summary.method, 0)
    equal(summary.command, 1)
    equal(summary.code, 0)
    equal(summary.target, "127.0.0.1:80")
    equal(summary.relayed.client, 4)
    equal(summary.relayed.server, 5)
    oracle:ended("client", "fin", 7)
    oracle:ended("client", "rst", 7) -- it has ended already
    oracle:ended("server", "fin", 7)
    oracle:finish(8)
    equal(#oracle:findings(), 0)
  end },

  { "nothing is known at the start", function ()
    local summary = native.oracle {}:summary()
    equal(summary.stage, "start")
    for _, field in ipairs { "protocol", "version", "method", "command",
                             "code", "target" } do
      equal(summary[field], nil)
    end
  end },

  { "a finding names its requirement, once", function ()
    local oracle = judge {
      { "client", GREETING }, { "server", SELECTION }, { "client", REQUEST },
      { "server", "\5\0\7\1\127\0\0\1\0\80" },
    }
    local findings = oracle:findings()
    equal(#findings, 1)
    equal(findings[1].side, "server")
    equal(findings[1].time, 4.0)
    equal(findings[1].contested, false)
    equal(math.type(findings[1].offset), "integer")
    assert(native.requirement(findings[1].requirement))
    assert(findings[1].message:find("RSV"), findings[1].message)
    equal(#oracle:findings(), 0)
  end },

  { "time alone can be judged", function ()
    local oracle = judge {
      { "client", GREETING }, { "server", SELECTION }, { "client", REQUEST },
      { "server", "\5\5\0\1\0\0\0\0\0\0" },
    }
    oracle:tick(5)
    equal(#oracle:findings(), 0)
    oracle:tick(60)
    local findings = oracle:findings()
    assert(#findings > 0)
    equal(findings[1].side, "server")
    assert(findings[1].requirement:find("^socks5%.reply%.close"))
    equal(oracle:summary().code, 5)
    equal(oracle:summary().stage, "refused")
  end },

  { "a great many messages do not pile up", function ()
    local oracle = native.oracle { protocol = "http",
                                   is_auth_required = true }
    local denial = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n" ..
                   "Content-Length: 0\r\n\r\n"
    for i = 1, 3000 do
      oracle:bytes("client", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", i)
      oracle:bytes("server", denial, i)
    end
    assert(#oracle:messages() <= 1024)
  end },

  { "the rules are of the catalogue", function ()
    local rules = native.oracle_rules()
    assert(#rules > 0)
    for _, rule in ipairs(rules) do
      assert(native.requirement(rule.requirement), rule.requirement)
      assert(rule.client or rule.server, rule.requirement)
    end
  end },

  { "wrong arguments are errors", function ()
    local oracle = native.oracle { protocol = "socks" }
    equal(pcall(native.oracle, { protocol = "ftp" }), false)
    equal(pcall(oracle.bytes, oracle, "origin", "x", 1), false)
    equal(pcall(oracle.bytes, oracle, "client", "x"), false)
    equal(pcall(oracle.bytes, oracle, "client", "x", -1), false)
    equal(pcall(oracle.ended, oracle, "client", "silence", 1), false)
    equal(pcall(oracle.tick, oracle, 0 / 0), false)
  end },
}
