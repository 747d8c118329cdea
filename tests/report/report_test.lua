-- Tests of harness/report with made-up runs; prints TAP. Run by
-- report_test.sh, from the top of the tree.

package.path = "harness/?.lua;tests/report/?.lua;" .. package.path

local stub = require "stub"
native = stub.native

local runs = require "runs"
local ladder = require "report.ladder"
local orders = require "report.orders"
local progress = require "report.progress"
local style = require "report.style"
local terminal = require "report.terminal"
local text = require "report.text"

local count = 0
local failed = 0

local function check(ok, name, why)
  count = count + 1
  failed = failed + (ok and 0 or 1)
  print(string.format("%sok %d - %s", ok and "" or "not ", count, name))
  if not ok and why then
    print("# " .. text.printable(why))
  end
end

local function equal(got, want, name)
  check(got == want, name, string.format("got %s, want %s", got, want))
end

local function look(verbosity, color)
  return { color = color or false, verbosity = verbosity, strict = false }
end

local function times(s, needle)
  local n = 0
  for _ in s:gmatch(needle:gsub("%p", "%%%0")) do
    n = n + 1
  end
  return n
end

-- text

equal(text.printable(runs.hostile),
  "a\\x1B[31m\\x00\\x0D\\n<b>&\"']]>\\xFF\u{E9}\\xE2\\x80\\xAE"
  .. "\\xEF\\xBF\\xBE\\xC2\\x85", "what is not printable is escaped")
for name, octets in pairs {
  ["a lone continuation"] = "\x80", ["an overlong form"] = "\xC0\xAF",
  ["a surrogate"] = "\xED\xA0\x80", ["a cut character"] = "\xE2\x82",
  ["above the last plane"] = "\xF4\x90\x80\x80", ["no lead"] = "\xFF",
} do
  check(not text.printable(octets):find("[\x80-\xFF]"),
    "no UTF-8: " .. name, text.printable(octets))
end
equal(text.printable("\u{20AC} \u{1F600}"), "\u{20AC} \u{1F600}",
  "printable characters stay")
equal(table.concat(text.wrap(("ab "):rep(5), 5), "|"), "ab ab|ab ab|ab",
  "lines break at words")
equal(table.concat(text.wrap("x \u{E9}\u{E9}\u{E9}\u{E9}\u{E9}", 3), "|"),
  "x|\u{E9}\u{E9}\u{E9}|\u{E9}\u{E9}", "and inside words that are too long")
equal(text.cut("\u{E9}bcdef", 5), "\u{E9}b...", "what is cut ends in dots")
equal(#text.wrap("", 10), 1, "nothing is one empty line")

-- terminal

local every = terminal.render(runs.every, look(0))
local loud = terminal.render(runs.every, look(1))
local quiet = terminal.render(runs.every, look(-1))

local function is_narrow(report)
  for line in report:gmatch("[^\n]+") do
    line = line:gsub("\27%[[%d;]*m", "")
    if text.width(line) > 100 and not line:find("^ *repeat: ") then
      return false, line
    end
  end
  return true
end

local function is_clean(report)
  for line in report:gmatch("[^\n]*") do
    if text.printable(line) ~= line then
      return false, line
    end
  end
  return true
end

for name, run in pairs(runs) do
  if type(run) == "table" then
    for verbosity = -1, 1 do
      local report = terminal.render(run, look(verbosity))
      local label = name .. ", verbosity " .. verbosity .. ": "
      check(is_clean(report), label .. "printable only")
      if verbosity >= 0 and name ~= "poisoned" then
        local ok, line = is_narrow(report)
        check(ok, label .. "at most 100 columns", line)
      end
    end
  end
end

equal(times(every, "FAIL socks5.method.none\n"), 1, "a failure is told")
equal(times(every, "method 00 was selected"), 1,
  "once, though the reason says it too")
equal(times(every, "FAIL socks5.method.none-again\n"), 0,
  "one that says the same is not told again")
equal(times(every, "also: 1 scenario: socks5.method.none-again"), 1,
  "but named")
equal(times(every, "also when: message 1 split after 1 octet, octet by octet"),
  1, "with the variants")
equal(times(every, "socks5.method.ff  DEFINED  RFC 1928 section 3  server"), 1,
  "with level and section")
equal(times(every, "repeat: proxyspec test --only socks5.method.none\n"), 1,
  "with the command that repeats it")
equal(times(every, "05 01 80"), 3, "with the octets, where there is an exchange")
equal(times(every, "INCONCLUSIVE socks5.slow\n"), 1, "inconclusive is told")
equal(times(every, "also: 1 scenario: socks5.slower"), 1,
  "results with the same reason are told once")
equal(times(every, "mine.lua:3: attempt to index a nil value"), 1,
  "an error is told with its reason")
equal(times(every, "PRACTICE  client  contested"), 1, "a contested reading")
equal(times(every, "socks5.greeting.plain"), 0, "what passed is not told")
equal(times(every, "ipv6 is absent"), 0, "nor what was skipped")
equal(times(loud, "socks5.greeting.plain"), 2, "with -v it is")
equal(times(loud, "skip  socks5.ipv6: ipv6 is absent: REP 08"), 1,
  "and why something was skipped")
equal(times(loud, "userpass: unknown\n"), 2, "and the features")
check(every:find("\nsocks5%.method%.ff +DEFINED +RFC 1928 section 3 +fail +2\n"),
  "the table counts scenarios, not findings")
check(every:find("\nsocks5%.reply%.close%-10s +MUST +RFC 1928 section 6 "
  .. "+flaky +1\n"), "what did not repeat is no failure in the table")
local order = { "socks5.method.ff ", "http.error.refused ",
  "socks5.reply.close-10s ", "socks5.greeting.pipelined " }
local places = {}
for i, id in ipairs(order) do
  places[i] = every:find("\n" .. id, 1, true) or -i
end
check(places[1] > 0 and places[1] < places[2] and places[2] < places[3]
  and places[3] < places[4], "the worst comes first")
local summary = "reference: 1 passed, 2 failed, 1 warned, 1 info, 1 skipped, "
  .. "2 inconclusive, 1 flaky, 1 errors\n"
  .. "other: 1 passed, 0 failed, 0 warned, 0 info, 0 skipped, "
  .. "0 inconclusive, 0 flaky, 0 errors\n"
equal(quiet, summary, "-q is the summary alone")
equal(every:sub(-#summary), summary, "which also ends the report")
check(not every:find("\27"), "no color unless asked for")
local colored = terminal.render(runs.every, look(0, true))
equal((colored:gsub("\27%[[%d;]*m", "")), every, "color changes nothing else")
check(colored ~= every, "and is there when asked for")
check(terminal.render(runs.poisoned, look(-1)):find("interrupted"),
  "an interrupted run says so even with -q")

-- ladder

equal(#ladder.lines({}), 0, "no exchange, no ladder")
equal(#ladder.lines(nil), 0, "nor without a transcript")

local function opens(n, from)
  local events = {}
  for i = 1, n do
    events[i] = { time_us = i, kind = "open", witness = "client",
      connection = (from or 0) * i + 1, from_proxy = false }
  end
  return events
end

equal(times(table.concat(ladder.lines(opens(2, 1)), "\n"), "#3 connects"), 1,
  "several connections are numbered")
equal(times(table.concat(ladder.lines(opens(2)), "\n"), "#"), 0,
  "a single one is not")
local long = table.concat(ladder.lines(opens(100)), "\n")
equal(times(long, "connects"), 60, "a long exchange is cut in the middle")
equal(times(long, ": 40 events left out"), 1, "and says so")
local lines = ladder.lines {
  { time_us = 1000, kind = "fin", witness = "client", from_proxy = false },
  { time_us = 1500, kind = "fin", witness = "client", from_proxy = true },
  { time_us = 2500, kind = "rst", witness = "origin", from_proxy = true },
  { time_us = 13500, kind = "rst", witness = "origin", from_proxy = false },
}
check(lines[2]:find("^    0%.000 |%-%- FIN %-+>| +|$"), "client to proxy",
  lines[2])
check(lines[3]:find("^    0%.500 |<%-+ FIN %-%-| +|$"), "proxy to client",
  lines[3])
check(lines[4]:find("^    1%.500 | +|%-%- RST %-+>|$"), "proxy to origin",
  lines[4])
check(lines[5]:find("^   12%.500 | +|<%-+ RST %-%-|$"), "origin to proxy",
  lines[5])

local function shown(data, len)
  local out = {}
  for _, line in ipairs(ladder.lines {
    { time_us = 0, kind = "data", witness = "client", from_proxy = false,
      data = data, len = len or #data, text = "decoded" } }) do
    out[#out + 1] = line:match("^ +|   (.-) *|")
  end
  return table.concat(out, "|")
end

equal(shown("\5\1\0"), "decoded|05 01 00                 ...",
  "octets are dumped, and decoded")
equal(shown("GET / HTTP/1.1\r\nA: \tb\n\r\n"),
  "GET / HTTP/1.1\\r\\n|A: \\tb\\n|\\r\\n", "lines are lines, ends and all")
equal(shown("a: \0\27[2J\255\rb" .. ("c"):rep(40) .. "\r\n"),
  "a: \\x00\\x1B[2J\\xFF\\rb" .. ("c"):rep(16) .. "|  " .. ("c"):rep(24) .. "\\r\\n",
  "what is odd in them is escaped")
equal(shown(("c"):rep(35) .. "\r\n"), ("c"):rep(35) .. "|  \\r\\n",
  "no escape is cut in two")
equal(shown(("c"):rep(34) .. "\0\n"), ("c"):rep(34) .. "|  \\x00\\n",
  "of any length")
equal(shown("a\n", 9), "a\\n|and 7 more octets", "what is left out is counted")
equal(shown(("\1"):rep(8) .. "\n"), "decoded|01 01 01 01 01 01 01 01  ........|"
  .. "0a                       .", "a line end alone makes no text")

-- progress

local function progress_of(total, verbosity, is_terminal)
  stub.kept.err = {}
  stub.tty[2] = is_terminal
  local p = progress.new("name\27", total, look(verbosity))
  for i = 1, total do
    stub.time = stub.time + 1
    p:step { verdict = i % 2 == 0 and "fail" or "pass",
      scenario = ("long\n"):rep(30) }
  end
  p:finish()
  return table.concat(stub.kept.err), stub.kept.err
end

equal(progress_of(8, 0, false), "name\\x1B: 25%, 2/8, 1 not passed\n"
  .. "name\\x1B: 50%, 4/8, 2 not passed\nname\\x1B: 75%, 6/8, 3 not passed\n"
  .. "name\\x1B: 100%, 8/8, 4 not passed\n", "a line each quarter")
equal(select(2, progress_of(1, 0, false):gsub("\n", "")), 1,
  "one line for a single scenario")
equal(progress_of(8, -1, false), "", "nothing with -q")
equal(progress_of(8, -1, true), "", "on a terminal neither")
local drawn, pieces = progress_of(8, 0, true)
check(not drawn:find("\n") and drawn:find("^\r"), "one line on a terminal")
equal(#pieces, 9, "drawn at each step and wiped at the end")
equal(pieces[9], "\r\27[K", "wiped")
local widest = 0
for _, piece in ipairs(pieces) do
  piece = piece:gsub("\27%[K", ""):gsub("\r", "")
  widest = math.max(widest, text.width(piece))
end
check(widest < 60, "and narrower than the terminal", widest)
stub.tty[2] = true
stub.kept.err = {}
local fast = progress.new("fast", 1000, look(0))
for _ = 1, 1000 do
  fast:step { verdict = "pass", scenario = "a" }
end
equal(#stub.kept.err, 1, "but not more often than can be seen")

-- style

local function color_of(choice, tty, env)
  stub.tty[1] = tty
  stub.env = env or {}
  return style.of({ color = choice }).color
end

equal(color_of("auto", true), true, "color on a terminal")
equal(color_of("auto", false), false, "none elsewhere")
equal(color_of("auto", true, { NO_COLOR = "1" }), false, "NO_COLOR")
equal(color_of("auto", true, { NO_COLOR = "" }), true, "an empty one is none")
equal(color_of("auto", true, { TERM = "dumb" }), false, "a dumb terminal")
equal(color_of("always", false, { NO_COLOR = "1" }), true, "--color=always")
equal(color_of("never", true), false, "--color=never")
local defaults = style.of {}
equal(defaults.verbosity, 0, "not verbose by default")
equal(defaults.strict, false, "nor strict")

-- orders

local function refused(list)
  local ok, why = orders.check(list)
  return ok and "none" or why
end

equal(refused({ { format = "json", path = "a" },
  { format = "junit", path = "-" } }), "none", "good orders")
equal(refused(nil), "none", "no orders")
equal(refused { { format = "pdf", path = "a" } },
  "--report: unknown format 'pdf'", "an unknown format")
equal(refused { { format = "json", path = "/nowhere/a" } },
  "--report: /nowhere/a: No such file or directory", "an unwritable path")
equal(refused { { format = "json", path = "a" }, { format = "junit",
  path = "a" } }, "--report: a is named twice", "one path for two reports")
equal(orders.has_stdout { { format = "json", path = "-" } }, true,
  "a report on stdout")
equal(orders.has_stdout { { format = "json", path = "a" } }, false,
  "none on stdout")
local ok, why = orders.write({ { format = "json", path = "full" },
  { format = "junit", path = "second" } }, runs.every, look(0))
check(not ok and why == "--report: full: No space left on device",
  "a report that could not be written is told", why)
check(stub.kept.files.second, "and the others are written all the same")
equal(orders.write({ { format = "json", path = "good" } }, runs.every,
  look(0)), true, "written")
equal(stub.kept.files.good:sub(-1), "\n", "with a line end at the end")

os.exit(failed == 0)
