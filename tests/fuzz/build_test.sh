#!/bin/sh
# fuzz/build.sh keeps the OSS-Fuzz contract: each target starts from its seeds
# with its options. (The smoke runs them under AFL++ as well.)
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
log=$work/log

check() {
    if "$@" >"$log" 2>&1; then
        echo "ok - $what"
    else
        sed 's/^/# /' "$log" | tail -n 20
        echo "not ok - $what"
        failed=1
    fi
}

# $1 is the folder of a target: seeds, options, and four executions, which is
# how OSS-Fuzz finds out whether a build is good.
starts() {
    mkdir "$work/seeds" "$work/new" &&
        python3 -m zipfile -e "$1_seed_corpus.zip" "$work/seeds" &&
        [ "$(find "$work/seeds" -type f | wc -l)" -gt 10 ] &&
        grep -q '^max_len' "$1.options" &&
        timeout 60 "$1" -seed=1337 -runs=4 "$work/new" &&
        timeout 60 "$1" -runs=1 "$work/new" "$work/seeds"
    status=$?
    rm -rf "$work/seeds" "$work/new"
    return $status
}

# What the gate plants still fits the sources.
applies() {
    for patch in tests/fuzz/planted/*.patch; do
        patch -s -p1 --dry-run <"$patch" >"$work/patch" ||
            { echo "$patch"; cat "$work/patch"; return 1; }
    done
}

what="every planted mistake applies"
check applies
what="build.sh builds for libFuzzer"
check env CC=clang-14 CXX=clang++-14 WORK="$work/lf" OUT="$work/lf.out" \
    CFLAGS="-O0 -fsanitize=address,fuzzer-no-link" \
    CXXFLAGS="-fsanitize=address" LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
    fuzz/build.sh
for source in fuzz/*_fuzz.c; do
    target=$(basename "$source" .c)
    what="$target starts under libFuzzer"
    check starts "$work/lf.out/$target"
done
exit $failed
