-- Runs as the engine would hand them over, made up for the tests.

local runs = {}

-- What a peer or an author of scenarios could put into any text.
runs.hostile = "a\27[31m\0\r\n<b>&\"']]>\xFF\xC3\xA9\u{202E}\u{FFFE}\u{85}"

local transcript = {
  { time_us = 5000, kind = "open", witness = "client", connection = 1,
    from_proxy = false },
  { time_us = 5131, kind = "data", witness = "client", connection = 1,
    from_proxy = false, data = "\x05\x01\x80", len = 3,
    text = "greeting, methods 80" },
  { time_us = 5500, kind = "open", witness = "origin", connection = 1,
    from_proxy = true },
  { time_us = 5600, kind = "data", witness = "origin", connection = 1,
    from_proxy = true, data = ("x"):rep(512), len = 70000 },
  { time_us = 5700, kind = "data", witness = "origin", connection = 1,
    from_proxy = false, data = "HTTP/1.1 200 OK\r\n\r\n", len = 19,
    text = "200 OK " .. ("long "):rep(30) },
  { time_us = 5800, kind = "note", text = "the origin's half is closed" },
  { time_us = 5900, kind = "finding", text = "socks5.method.ff: 00 came" },
  { time_us = 6000, kind = "fin", witness = "client", connection = 1,
    from_proxy = true },
  { time_us = 6100, kind = "rst", witness = "origin", connection = 1,
    from_proxy = false },
}

local function finding(id, effect, message, more)
  local f = { requirement = id, side = "server", message = message,
    contested = false, effect = effect, source_of = "scenario" }
  for key, value in pairs(more or {}) do
    f[key] = value
  end
  return f
end

local ff = "method 00 was selected, which was not offered"

local results = {
  { scenario = "socks5.method.none", title = "no acceptable method",
    verdict = "fail", reason = ff, duration_ms = 12.4,
    transcript = transcript,
    findings = {
      finding("socks5.method.ff", "fail", ff),
      finding("socks5.method.ff", "fail", ff,
        { variant = "message 1 split after 1 octet" }),
      finding("socks5.method.ff", "fail", ff,
        { variant = "octet by octet" }),
      finding("socks5.greeting.pipelined", "info", "early octets lost",
        { contested = true }),
    },
    repeat_with = "proxyspec test --only socks5.method.none" },
  { scenario = "socks5.method.none-again", title = "the same once more",
    verdict = "fail", duration_ms = 3, transcript = transcript,
    findings = { finding("socks5.method.ff", "fail", ff) },
    repeat_with = "proxyspec test --only socks5.method.none-again" },
  { scenario = "http.refused", title = "a port that refuses",
    verdict = "warn", duration_ms = 2, transcript = transcript,
    findings = { finding("http.error.refused", "warn", "status 500") },
    repeat_with = "proxyspec test --only http.refused" },
  { scenario = "socks5.early", title = "early octets", verdict = "info",
    duration_ms = 2, transcript = {}, findings = {
      finding("socks5.greeting.pipelined", "info", "early octets late",
        { contested = true, side = "client" }) } },
  { scenario = "socks5.greeting.plain", title = "a greeting",
    verdict = "pass", duration_ms = 1, transcript = {}, findings = {} },
  { scenario = "socks5.ipv6", title = "an IPv6 destination",
    verdict = "skip", reason = "ipv6 is absent: REP 08", duration_ms = 0,
    transcript = {}, findings = {} },
  { scenario = "socks5.slow", title = "", verdict = "inconclusive",
    reason = "the control failed: refused", duration_ms = 1,
    transcript = {}, findings = {} },
  { scenario = "socks5.slower", title = "", verdict = "inconclusive",
    reason = "the control failed: refused", duration_ms = 1,
    transcript = {}, findings = {} },
  { scenario = "socks5.sometimes", title = "now and then",
    verdict = "flaky", reason = "did not repeat", duration_ms = 9,
    transcript = transcript, findings = {
      finding("socks5.reply.close-10s", "fail", "open after 10 s") },
    repeat_with = "proxyspec test --only socks5.sometimes" },
  { scenario = "mine.broken", title = "", verdict = "error",
    reason = "mine.lua:3: attempt to index a nil value", duration_ms = 0,
    transcript = {}, findings = {} },
}

local function summary_of(list)
  local summary = {}
  for _, result in ipairs(list) do
    summary[result.verdict] = (summary[result.verdict] or 0) + 1
  end
  return summary
end

local function target_of(name, list)
  return {
    name = name, urls = { "socks5://127.0.0.1:1080" },
    features = {
      { name = "socks5", presence = "present", how = "the URL says so" },
      { name = "ipv6", presence = "absent", how = "REP 08" },
      { name = "userpass", presence = "unknown", how = "" },
    },
    summary = summary_of(list), results = list,
  }
end

local function run_of(targets)
  return { version = "0.1.0", started = 1700000000, duration_ms = 1234.5,
    interrupted = false, targets = targets }
end

-- Every verdict, and a second target that passes.
runs.every = run_of {
  target_of("reference", results),
  target_of("other", { results[5] }),
}

runs.empty = run_of { target_of("nothing", {}) }
runs.empty.targets[1].features = {}
runs.empty.targets[1].urls = {}
runs.none = run_of {}

-- The same text everywhere that is not an enumeration.
local function poisoned(verdict)
  local h = runs.hostile
  return { scenario = h, title = h, verdict = verdict, reason = h,
    duration_ms = 1, repeat_with = h,
    findings = { { requirement = h, side = "server", message = h,
      contested = false, variant = h, effect = "fail" } },
    transcript = { { time_us = 1, kind = "data", witness = "client",
      connection = 1, from_proxy = true, data = h, len = #h, text = h },
      { time_us = 2, kind = "note", text = h } } }
end

local bad = {}
for i, verdict in ipairs { "pass", "fail", "warn", "info", "skip",
  "inconclusive", "flaky", "error" } do
  bad[i] = poisoned(verdict)
end
runs.poisoned = run_of { target_of(runs.hostile, bad) }
runs.poisoned.version = runs.hostile
runs.poisoned.targets[1].urls = { runs.hostile }
runs.poisoned.targets[1].features = {
  { name = runs.hostile, presence = "absent", how = runs.hostile } }
runs.poisoned.interrupted = true

return runs
