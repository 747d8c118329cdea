#!/bin/sh
# The reports that the program itself writes, of a few scenarios against the
# reference as it should be and with a fault.
#
#   PROXYSPEC=build/asan/proxyspec program_test.sh
set -u
: "${PROXYSPEC:?is the program to test}"
cd "$(dirname "$0")/../.." || exit 1

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
count=0

result() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        head -n 20 "$work/out" "$work/err" "$work/log" | sed 's/^/# /'
    fi
}

# tested STATUS WORD…: runs a small test, which has to end so
tested() {
    want=$1
    shift
    : >"$work/log"
    timeout 120 "$PROXYSPEC" test --only 'socks5.method.*' "$@" \
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
    echo "status $status" >"$work/log"
    [ "$status" = "$want" ]
}

is_valid() {
    python3 tests/report/check.py docs/report.schema.json "$1" 2>"$work/log"
}

tested 0 -q --report "json=$work/r.json" --report "junit=$work/r.xml" &&
    is_valid "$work/r.json"
result $? "the JSON of a run that passes holds to the schema"
xmllint --noout "$work/r.xml" 2>"$work/log" &&
    python3 tests/report/check.py "$work/r.xml" 2>"$work/log"
result $? "its JUnit is sound"
[ "$(wc -l <"$work/out")" = 1 ] && [ ! -s "$work/err" ] &&
    grep -qE '^reference: [1-9][0-9]* passed, 0 failed, ' "$work/out"
result $? "-q prints the summary alone"

# The program that is tested has ports and a fault of its own.
faulty() {
    status=$1
    shift
    tested "$status" "$@" 'socks5://127.0.0.1:{port}' -- "$PROXYSPEC" serve \
        --socks '127.0.0.1:{port}' --fault socks5-method-version
}

faulty 1 --report json=- && is_valid "$work/out"
result $? "with a fault too, on standard output, and nothing else there"
[ -s "$work/out" ] && jq -e '[.targets[].results[] | select(.verdict == "fail") |
    .findings[] | select(.requirement == "socks5.method.reply" and
    .level == "DEFINED" and .source == "RFC1928")] | length > 0' \
    "$work/out" >"$work/log" 2>&1
result $? "the finding names requirement, level and source"
[ -s "$work/out" ] && jq -e '[.targets[].results[] | select(.verdict == "fail") | .transcript[] |
    select(.kind == "data" and .from_proxy)] | length > 0' \
    "$work/out" >"$work/log" 2>&1
result $? "and the transcript has what the proxy sent"
grep -q '^FAIL ' "$work/err" && grep -q ' time ms client ' "$work/err" &&
    ! grep -q "$(printf '\r')" "$work/err"
result $? "the text for people goes to standard error, without carriage returns"

faulty 1 --color=always && grep -q "$(printf '\033')\\[" "$work/out"
result $? "color when it is asked for"
faulty 1 && ! grep -q "$(printf '\033')" "$work/out" "$work/err"
result $? "none where no terminal is"
grep -qE '^ +repeat: proxyspec test --only [^ ]+ .*\{port\}' "$work/out"
result $? "the command that repeats a failure"
faulty 1 --report "junit=$work/f.xml" -q &&
    python3 tests/report/check.py "$work/f.xml" 2>"$work/log" &&
    [ "$(xmllint --xpath 'count(//failure) > 0' "$work/f.xml")" = true ]
result $? "failures in JUnit"

# What cannot be written is told before anything runs.
tested 2 --report "json=$work/no/such/r.json" &&
    [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
    grep -q "^proxyspec test: --report: $work/no/such/r.json: " "$work/err"
result $? "a path that cannot be written"
tested 2 --report "json=$work/r" --report "junit=$work/r" &&
    [ "$(wc -l <"$work/err")" = 1 ]
result $? "one path for two reports"

echo before >"$work/kept"
tested 2 --report "json=$work/kept" --only no-such-scenario --skip '*'
[ "$status" = 2 ] && [ "$(cat "$work/kept")" = before ]
result $? "a run that does not begin leaves the old report alone"

echo "1..$count"
