#!/bin/bash
# Do the fuzz targets find mistakes? Each patch in tests/fuzz/planted plants
# one that no sanitizer sees into a copy of the sources; its target must end
# on it in time. The first line of a patch is "target: NAME".
#
#   tests/fuzz/gate.sh SECONDS CORE PATCH…
set -u
seconds=$1 core=$2
shift 2
tree=build/gate/tree

rm -rf build/gate
mkdir -p $tree/build
cp -a Makefile house.mk fuzz reference harness pcap tests corpus $tree
cp -a build/fuzz $tree/build
passed=0 failed=0

# Prints how long the search took and whether a seed was enough.
search() {
    local scratch=build/gate.$1 started ended how=fuzzing
    rm -rf "$scratch"
    started=$(date +%s%N)
    if fuzz/engine.sh libfuzzer "$2" "$seconds" "$core" "$scratch" \
        >/dev/null; then
        return 1
    fi
    ended=$(date +%s%N)
    # One that was only slow did not show a mistake.
    ls "$scratch"/found/crash-* >/dev/null 2>&1 || return 1
    grep -q INITED "$scratch/log" || how="a seed"
    echo "$(((ended - started) / 1000000)) ms by $how:" \
        "$(grep -m 1 -oE 'does not hold: .*|Assertion.*failed|ERROR: .*' "$scratch/log")"
}

try() {
    local name target result
    name=$(basename "$1" .patch)
    target=$(sed -n '1s/^target: //p' "$1")
    (
        cd $tree || exit 1
        if ! patch -s -p1 <"../../../$1" >/dev/null; then
            echo "does not apply"
            exit 1
        fi
        if ! make -s MODE=fuzz CC=clang-14 "build/fuzz/fuzz/${target}_fuzz" \
            >/dev/null; then
            patch -s -R -p1 <"../../../$1"
            echo "does not compile"
            exit 1
        fi
        search "$name" "$target"
        found=$?
        patch -s -R -p1 <"../../../$1"
        exit $found
    )
}

for patch in "$@"; do
    if result=$(try "$patch"); then
        echo "ok - $(basename "$patch" .patch): $result"
        passed=$((passed + 1))
    else
        echo "not ok - $(basename "$patch" .patch): ${result:-not found in $seconds s}"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
