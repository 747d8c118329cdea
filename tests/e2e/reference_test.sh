#!/bin/sh
# The embedded reference passes everything, every time, at any concurrency and
# under load, within the time that the suite promises.
. "$(dirname "$0")/tap.sh"
: "${PROXYSPEC_RELEASE:=build/release/proxyspec}"
: "${RUNS:=2}"    # before a release: RUNS=20 ALONE=1/1
: "${ALONE:=1/8}" # the share of the scenarios that runs one by one

# What waits on times that a specification sets runs once; elsewhere it would
# only add up.
skip_slow=$("$PROXYSPEC_RELEASE" list scenarios --json |
    jq -r '.[] | select(.slow) | "--skip " + .id')

clean() {
    program=$1
    shift
    timeout 400 "$program" test -q --report json="$scratch/r.json" "$@" \
        >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    unpassed "$scratch/r.json"
    [ "$status" = 0 ] || return 1
    jq -e '.targets[0].summary | .pass > 0 and
        .pass + .skip == ([.[]] | add)' \
        "$scratch/r.json" >/dev/null
}

repeated() {
    count=$1
    shift
    for _ in $(seq "$count"); do
        clean "$@" || return 1
    done
}

# Both cores busy with something else, and the suite beside it.
loaded() {
    (while :; do :; done) &
    one=$!
    (while :; do :; done) &
    two=$!
    started="$started $one $two"
    # shellcheck disable=SC2086 # a list of options
    clean "$PROXYSPEC_RELEASE" $skip_slow
    result=$?
    kill $one $two
    return $result
}

ok "the reference passes under sanitizers" clean "$PROXYSPEC"
# shellcheck disable=SC2086 # a list of options
ok "$RUNS runs in a row" repeated "$RUNS" "$PROXYSPEC_RELEASE" $skip_slow
# shellcheck disable=SC2086
ok "one scenario at a time" clean "$PROXYSPEC_RELEASE" -j 1 \
    --shard "$ALONE" $skip_slow
# shellcheck disable=SC2086
ok "256 scenarios at a time" clean "$PROXYSPEC_RELEASE" -j 256 $skip_slow
ok "both cores loaded" loaded
done_testing
