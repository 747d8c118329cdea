#!/bin/sh
# Bad input gets one clear line and the right exit status.
. "$(dirname "$0")/tap.sh"

test_with() {
    want=$1
    words=$2
    shift 2
    ends_with "$want" "$words" "$PROXYSPEC" test -q "$@"
}

# The scenario file $2 makes loading fail, saying $1.
script() {
    rm -rf "$scratch/scenarios"
    mkdir "$scratch/scenarios"
    printf '%s\n' "$2" >"$scratch/scenarios/mine.lua"
    test_with 4 "mine.lua:[0-9]*: .*$1" --scenarios "$scratch/scenarios"
}

# A scenario that loads but goes wrong ends the run with 4, and is told.
script_error() {
    rm -rf "$scratch/scenarios"
    mkdir "$scratch/scenarios"
    printf '%s\n' "$2" >"$scratch/scenarios/mine.lua"
    timeout 60 "$PROXYSPEC" test --scenarios "$scratch/scenarios" \
        --only 'mine.*' >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    [ "$status" = 4 ] && grep -q "$1" "$scratch/out"
}

mine='checks = { "socks5.reply.sent" }, needs = { "socks5" }, title = "x"'

ok "a URL without a scheme" test_with 2 "no proxy URL" 127.0.0.1:1
ok "an unknown scheme" test_with 2 "unknown scheme 'ftp'" ftp://127.0.0.1:1
ok "a port out of range" test_with 2 "out of range" socks5://127.0.0.1:65536
ok "a malformed host" test_with 2 "malformed" 'socks5://[::1:80'
ok "nobody listens" test_with 3 "refused" socks5://127.0.0.1:1
ok "a command that is not found" test_with 2 "no-such-command" \
    'socks5://127.0.0.1:{port}' -- no-such-command
ok "a command that exits at once" test_with 3 "status 7" \
    'socks5://127.0.0.1:{port}' -- sh -c 'exit 7'
ok "what it said last is told" test_with 3 "cannot frobnicate" \
    'socks5://127.0.0.1:{port}' -- sh -c 'echo cannot frobnicate >&2; exit 1'
ok "an unknown target" test_with 2 "no target 'nobody'" --target nobody
ok "a selector that matches nothing" test_with 2 "no scenario matches" \
    --only 'nothing.*'
ok "a report in a directory that is not there" test_with 2 "/nowhere/x.json" \
    --report json=/nowhere/x.json
ok "a directory of scenarios that is not there" test_with 4 "/nowhere" \
    --scenarios /nowhere
ok "an unknown requirement" script "no requirement 'socks5.nonsense'" \
    'scenario "mine.x" { title = "x", needs = { "socks5" }, checks = { "socks5.nonsense" }, talk = {} }'
ok "an unknown field" script "no field 'chekcs'" \
    'scenario "mine.x" { title = "x", chekcs = {} }'
ok "an unknown feature" script "no feature 'sock5'" \
    'scenario "mine.x" { title = "x", checks = { "socks5.reply.sent" }, needs = { "sock5" }, talk = {} }'
ok "an unknown field of a message" script "no field 'metods'" \
    "scenario \"mine.x\" { $mine, talk = { C { socks5.greeting { metods = {} } } } }"
ok "an unknown step" script "no step 'shutz'" \
    "scenario \"mine.x\" { $mine, talk = { C.shutz {} } }"
ok "a breaks that is not checked" script "not among checks" \
    "scenario \"mine.x\" { $mine, talk = { S.ends { breaks = \"socks5.method.ff\" } } }"
ok "a global is read" script "no 'orgin'" \
    "scenario \"mine.x\" { $mine, talk = { C { socks5.request { to = orgin } } } }"
ok "a global is made" script "cannot be created" 'x = 1'
ok "a malformed message that does not say so" script "malformed = true" \
    "scenario \"mine.x\" { $mine, talk = { C { socks5.greeting { methods = { 0 }, count = 9 } } } }"
ok "an id used twice" script "used in" \
    "scenario \"mine.x\" { $mine, talk = {} } scenario \"mine.x\" { $mine, talk = {} }"
ok "a syntax error" script "expected" 'scenario "mine.x" {'
ok "os is not there" script "no 'os'" 'os.exit(0)'
ok "io is not there" script "no 'io'" 'io.open("/etc/passwd")'
ok "require is not there" script "no 'require'" 'require "lib.ref"'
ok "load is not there" script "no 'load'" 'load("return 1")'
ok "an endless loop while loading" script "too long" 'while true do end'
ok "an endless loop in run" script_error "too long" \
    "scenario \"mine.x\" { $mine, run = function (t) while true do end end }"
ok "waiting for ever in run" script_error "for ever" \
    "scenario \"mine.x\" { $mine, within = 1, run = function (t) local c = t:connect() while true do c:read(1) end end }"
ok "a slip in run" script_error "mine.lua:1:" \
    "scenario \"mine.x\" { $mine, run = function (t) t:conect() end }"
ok "a run that accuses of what it does not check" script_error "not among" \
    "scenario \"mine.x\" { $mine, run = function (t) t:violation(\"socks5.method.ff\", \"x\") end }"
done_testing
