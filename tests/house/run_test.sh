#!/bin/sh
# tests/run.sh counts what programs print, and misses no failure.
set -u

run=$(cd "$(dirname "$0")/.." && pwd)/run.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=0

# The program is a shell script of these lines.
counts() { # NAME, LAST LINE, STATUS, SCRIPT
    tests=$((tests + 1))
    printf '#!/bin/sh\n%s\n' "$4" >"$work/program"
    chmod +x "$work/program"
    "$run" -t 2 "$work/program" >"$work/out" 2>&1
    status=$?
    if [ "$status" = "$3" ] && [ "$(tail -n 1 "$work/out")" = "$2" ]; then
        echo "ok $tests - $1"
    else
        echo "not ok $tests - $1"
        sed 's/^/# /' "$work/out"
    fi
}

counts "all pass" "2 passed, 0 failed, 0 skipped" 0 \
    'echo 1..2; echo ok 1 - a; echo ok 2 - b'
counts "no plan" "1 passed, 0 failed, 0 skipped" 0 'echo ok 1'
counts "two plans" "2 passed, 0 failed, 0 skipped" 0 \
    'echo 1..1; echo ok 1; echo 1..1; echo ok 1'
counts "one fails" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..2; echo ok 1; echo not ok 2; exit 1'
counts "one fails and the status hides it" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..2; echo ok 1; echo not ok 2'
counts "a skip" "1 passed, 0 failed, 1 skipped" 0 \
    'echo 1..2; echo ok 1; echo "ok 2 # SKIP no IPv6"'
counts "a skip of cmocka" "1 passed, 0 failed, 1 skipped" 0 \
    'echo 1..2; echo ok 1; echo "not ok 2 # SKIP name"'
counts "all is skipped" "0 passed, 0 failed, 1 skipped" 0 \
    'echo "1..0 # SKIP no root"'
counts "a crash behind a pass" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..1; echo ok 1; kill -SEGV $$'
counts "a crash before the last test" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..2; echo ok 1; kill -SEGV $$'
counts "an exit before the last test" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..2; echo ok 1; exit 0'
counts "a leak told at the exit" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..1; echo ok 1; exit 23'
counts "a hang" "1 passed, 1 failed, 0 skipped" 1 \
    'echo 1..1; echo ok 1; exec tail -f /dev/null'
counts "nothing" "0 passed, 1 failed, 0 skipped" 1 'exit 0'
counts "talk that looks like it" "1 passed, 0 failed, 0 skipped" 0 \
    'echo "okay then"; echo "# not ok"; echo ok 1'
echo "1..$tests"
