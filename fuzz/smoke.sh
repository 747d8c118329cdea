#!/bin/sh
# Both engines over every target for a few seconds, each engine on a core of
# its own. The last line is "N passed, N failed, N skipped". The engines begin
# with the same seed each time, so that a change is blamed for what it broke
# and not for what chance found; looking for the new is `make fuzz`.
#
#   fuzz/smoke.sh SECONDS TARGET…
set -u
seconds=$1
shift
scratch=$(mktemp -d build/smoke.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

cores=$(taskset -cp $$ | sed 's/.*: //')
first=${cores%%[-,]*}
last=${cores##*[-,]}

seed() {
    case $1 in
    libfuzzer) echo "-seed=1" ;;
    afl) echo "-s 1" ;;
    esac
}

# A target with one engine: a TAP line into a file of its own.
try() {
    if result=$(fuzz/engine.sh "$1" "$2" "$seconds" "$3" "$scratch/$1.$2" \
        $(seed "$1")); then
        echo "ok - $2 under $1: $result"
    else
        echo "$result"
        echo "not ok - $2 under $1"
        mkdir -p build/found
        cp "$scratch/$1.$2"/found/* build/found 2>/dev/null
    fi >"$scratch/$1.$2.tap" 2>&1
}

try_all() {
    engine=$1 core=$2
    shift 2
    for target in "$@"; do
        try "$engine" "$target" "$core"
    done
}

try_all libfuzzer "$first" "$@" &
try_all afl "$last" "$@" &
wait

cat "$scratch"/*.tap
passed=$(cat "$scratch"/*.tap | grep -c '^ok ')
failed=$(($# * 2 - passed))
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
