#!/bin/sh
# Reports from made-up runs: the texts by report_test.lua, JSON against its
# schema, JUnit against xmllint and the counting rules of its readers.
set -u
cd "$(dirname "$0")/../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count=0
result() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        sed 's/^/# /' "$work/log"
    fi
}

render() {
    lua5.4 tests/report/render.lua "$@"
}

# junit_is WHAT XPATH VALUE RUN…: a value in a JUnit report
junit_is() {
    what=$1 path=$2 want=$3
    shift 3
    render "$1" junit ${2:+"$2"} >"$work/report.xml"
    got=$(xmllint --xpath "$path" "$work/report.xml" 2>&1)
    [ "$got" = "$want" ]
    status=$?
    echo "got $got, want $want" >"$work/log"
    result $status "$what"
}

json_is() {
    got=$(render "$3" json | jq -c "$2" 2>&1)
    [ "$got" = "$4" ]
    status=$?
    echo "got $got, want $4" >"$work/log"
    result $status "$1"
}

lua5.4 tests/report/report_test.lua >"$work/texts" 2>&1
status=$?
cat "$work/texts"
count=$(grep -cE '^(not )?ok ' "$work/texts")
tail -n 5 "$work/texts" >"$work/log"
[ "$status" = 0 ] || grep -q '^not ok' "$work/texts"
result $? "report_test.lua came to its end"

for run in every empty none poisoned; do
    render $run json >"$work/report.json" 2>"$work/log" &&
        python3 tests/report/check.py docs/report.schema.json \
            "$work/report.json" 2>"$work/log"
    result $? "JSON of run $run holds to the schema"
    for strict in "" strict; do
        render $run junit $strict >"$work/report.xml" 2>"$work/log" &&
            xmllint --noout "$work/report.xml" 2>"$work/log" &&
            python3 tests/report/check.py "$work/report.xml" 2>"$work/log"
        result $? "JUnit of run $run is sound${strict:+ with --strict}"
    done
done

# The checker itself has to see what is wrong.
render every json | sed 's/"fail":2/"fail":3/' >"$work/report.json"
! python3 tests/report/check.py docs/report.schema.json \
    "$work/report.json" 2>"$work/log"
result $? "a wrong count would be seen"
render every json | sed 's/"contested":true/"contested":1/' \
    >"$work/report.json"
! python3 tests/report/check.py docs/report.schema.json \
    "$work/report.json" 2>"$work/log"
result $? "a wrong type would be seen"

json_is "the level comes from the catalogue" \
    '.targets[0].results[0].findings[0] | [.level, .source, .section]' every \
    '["DEFINED","RFC1928","3"]'
json_is "a variant is told, whole messages have none" \
    '.targets[0].results[0].findings[0:2] | map(.variant)' every \
    '[null,"message 1 split after 1 octet"]'
json_is "octets are hexadecimal" \
    '.targets[0].results[0].transcript[1] | [.data, .len]' every '["050180",3]'
json_is "features are an object by name" \
    '.targets[0].features.ipv6 | [.present, .how]' every '[false,"REP 08"]'
json_is "the start is told in UTC" '.started' every '"2023-11-14T22:13:20Z"'
json_is "no feature is still an object" '.targets[0].features' empty '{}'
json_is "no result is still an array" '.targets[0].results' empty '[]'

suite='string(//testsuite[@name="reference"]'
junit_is "failures are counted" "$suite/@failures)" 2 every
junit_is "with --strict warnings too" "$suite/@failures)" 3 every strict
junit_is "inconclusive, flaky and error are errors" "$suite/@errors)" 4 every
junit_is "skips are counted" "$suite/@skipped)" 1 every
junit_is "the type of a failure is its level" \
    'string(//testcase[@name="socks5.method.none"]/failure/@type)' DEFINED every
junit_is "its message names the requirement" \
    'string(//testcase[@name="socks5.method.none"]/failure/@message)' \
    "socks5.method.ff: method 00 was selected, which was not offered" every
junit_is "its text has the command that repeats it" \
    'contains(//testcase[@name="socks5.method.none"]/failure, "repeat: proxyspec test --only socks5.method.none")' \
    true every
junit_is "a skip says why" \
    'string(//testcase[@name="socks5.ipv6"]/skipped/@message)' \
    "ipv6 is absent: REP 08" every
junit_is "a warning passes and is told" \
    'contains(//testcase[@name="http.refused"]/system-out, "status 500")' \
    true every
junit_is "a pass is empty" \
    'count(//testcase[@name="socks5.greeting.plain"]/*)' 0 every
junit_is "an error has its reason" \
    'string(//testcase[@name="mine.broken"]/error/@message)' \
    "mine.lua:3: attempt to index a nil value" every

echo "1..$count"
