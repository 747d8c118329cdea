#!/usr/bin/env bash
# Runs test programs, some side by side, and adds up what they report.
#
#   tests/run.sh [-t SECONDS] [-j JOBS] PROGRAM…
#
# A program prints TAP lines: "ok", "not ok", and either with "# SKIP reason"
# (cmocka writes skips as "not ok"). Beside its own failures a program counts
# one more when it ends with a failure status, prints fewer or more results
# than its plan says, or prints none at all: a crash behind some "ok" lines is
# a failure. The last line is "N passed, N failed, N skipped".
set -u

limit=300
jobs=$(nproc)
while [ "${1:-}" = -t ] || [ "${1:-}" = -j ]; do
    case $1 in
    -t) limit=$2 ;;
    -j) jobs=$2 ;;
    esac
    shift 2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The programs that tests/deps.sh installs, before others of their names.
export PATH="/usr/bin:/bin:$PATH"
export CMOCKA_MESSAGE_OUTPUT=TAP

skip='# ?[Ss][Kk][Ii][Pp]'

# How many lines of a log match the first pattern and not the second.
count() {
    grep -aE "$2" "$1" | grep -avcE "$3"
}

# Runs one program; its counts go to $work/NUMBER.counts.
run() {
    local number=$1 program=$2 log=$work/$1.log begun=$SECONDS
    local status oks bad skips planned why=""
    timeout -k 5 "$limit" "$program" >"$log" 2>&1 </dev/null
    status=$?
    oks=$(count "$log" '^ok\b' "$skip")
    bad=$(count "$log" '^not ok\b' "$skip")
    skips=$(grep -acE "^((not )?ok\b|1\.\.0).*$skip" "$log")
    # One plan a group of tests; a shell program may have none.
    planned=$(grep -aoE '^1\.\.[0-9]+' "$log" |
        awk -F'[.][.]' '{ n += $2; seen = 1 } END { if (seen) print n }')
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        why="did not end within $limit s"
    elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        why="ended with status $status"
    elif [ $((oks + bad + skips)) = 0 ]; then
        why="ran no test"
    elif [ -n "$planned" ] && [ "$planned" != 0 ] &&
        [ "$planned" != $((oks + bad + skips)) ]; then
        why="reported $((oks + bad + skips)) of $planned tests"
    fi
    if [ -n "$why" ]; then
        echo "$program $why" >>"$log"
        bad=$((bad + 1))
    fi
    echo "$oks $bad $skips" >"$work/$number.counts"
    tell "$program" "$log" "$oks" "$bad" $((SECONDS - begun)) >"$work/$number.text"
    # One write, so that two programs' lines never mix.
    cat "$work/$number.text"
}

tell() {
    if [ "$4" != 0 ]; then
        echo "FAILED $1"
        grep -avE '^ok\b' "$2" | tail -n 150
    else
        echo "$3 ok  $1  ($5 s)"
        grep -aE "^((not )?ok\b|1\.\.0).*$skip" "$2"
    fi
}

number=0
for program in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    number=$((number + 1))
    run $number "$program" &
done
wait

cat "$work"/*.counts 2>/dev/null | awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed != 0
    }'
