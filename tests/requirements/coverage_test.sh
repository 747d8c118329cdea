#!/bin/sh
# What `list requirements --coverage` says of rows that nothing checks: each
# has a reason of its own, and no reason outlives the check that came.
#
#   PROXYSPEC=build/asan/proxyspec coverage_test.sh
set -u
: "${PROXYSPEC:?is the program to test}"

here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

result() { # STATUS NAME
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        sed 's/^/# /' "$work/bad"
    fi
}

timeout 60 "$PROXYSPEC" list requirements --coverage >"$work/out" 2>"$work/bad"
result $? "the coverage is told"

sed -n 's/^ *open  *//p' "$work/out" | LC_ALL=C sort -u >"$work/told"
[ -s "$work/told" ]
result $? "some rows are open"

grep -v '^#' "$here/harness/runner/uncovered.tsv" | cut -f 2 |
    LC_ALL=C sort -u >"$work/known"
LC_ALL=C comm -23 "$work/known" "$work/told" >"$work/bad"
[ ! -s "$work/bad" ]
result $? "every reason belongs to an open row"

grep -B 1 '^ *open  *not checked yet' "$work/out" >"$work/bad"
[ ! -s "$work/bad" ]
result $? "every open row has its reason"
