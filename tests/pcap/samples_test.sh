#!/bin/sh
# The samples, judged: the lines of each capture are those of its .expected
# file; the messages of findings may be worded anew.
#
#   PROXYSPEC=build/asan/proxyspec samples_test.sh [--update]
set -u
: "${PROXYSPEC:=build/asan/proxyspec}"

samples=$(cd "$(dirname "$0")/../../pcap/samples" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
failures=0

# said FILE: what is checked, without messages and without the folder.
said() {
    timeout 60 "$PROXYSPEC" pcap check -v "$1" 2>"$work/err"
    echo "status $?"
}

stable() {
    said "$1" | sed -e "s|$samples/||" \
        -e 's/^\(    \(fail\|warn\|info\) .* octet [0-9]*\)  .*/\1/' \
        -e '/^          /d'
}

for capture in "$samples"/*.pcap; do
    name=$(basename "$capture" .pcap)
    if [ "${1:-}" = --update ]; then
        stable "$capture" >"$samples/$name.expected"
        continue
    fi
    number=$((number + 1))
    stable "$capture" >"$work/got"
    if diff -u "$samples/$name.expected" "$work/got" >"$work/diff" &&
        [ ! -s "$work/err" ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$work/diff" "$work/err"
        failures=$((failures + 1))
    fi
done
[ "${1:-}" = --update ] || echo "1..$number"
[ "$failures" = 0 ]
