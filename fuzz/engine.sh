#!/bin/sh
# Runs one target with one engine for some seconds, on one core.
#
#   fuzz/engine.sh libfuzzer|afl TARGET SECONDS CORE SCRATCH [OPTION…]
#
# New inputs, crashes and the engine's log go to SCRATCH, which must be new;
# the corpus is only read. Prints the number of executions. Ends with 1 when
# an input broke the target or the engine did not get to run it.
set -u
engine=$1 target=$2 seconds=$3 core=$4 scratch=$5
shift 5
corpus=corpus/$target
mkdir -p "$scratch/new" "$scratch/found"
log=$scratch/log

# Dictionaries are small; a target without one has nothing to spell.
dict=fuzz/$target.dict

libfuzzer() {
    ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=5 \
        timeout -k 5 $((seconds + 30)) taskset -c "$core" \
        "build/fuzz/fuzz/${target}_fuzz" -max_total_time="$seconds" \
        -max_len=4096 -timeout=10 -print_final_stats=1 -print_funcs=0 \
        -artifact_prefix="$scratch/found/" \
        $([ ! -e "$dict" ] || echo "-dict=$dict") "$@" \
        "$scratch/new" $(find "$corpus" -type d) >"$log" 2>&1
    status=$?
    execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    [ $status = 0 ]
}

# AFL++ wants one folder without folders in it, and the target's own mutations
# as a library.
afl() {
    mutator=$PWD/build/afl/mutator.so
    mkdir "$scratch/in"
    find "$corpus" -type f -size -4k -exec cp {} "$scratch/in" \;
    AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
        AFL_NO_AFFINITY=1 AFL_ALLOW_TMP=1 AFL_QUIET=1 \
        AFL_CUSTOM_MUTATOR_LIBRARY="$mutator" FUZZ_TARGET="$target" \
        timeout -k 5 $((seconds + 30)) taskset -c "$core" \
        afl-fuzz -V "$seconds" -i "$scratch/in" -o "$scratch/afl" \
        $([ ! -e "$dict" ] || echo "-x $dict") "$@" \
        -- "build/afl/fuzz/${target}_fuzz" >"$log" 2>&1
    status=$?
    cp "$scratch"/afl/default/crashes/id* "$scratch"/afl/default/hangs/id* \
        "$scratch/found" 2>/dev/null
    execs=$(sed -n 's/^execs_done *: *//p' \
        "$scratch/afl/default/fuzzer_stats" 2>/dev/null)
    [ $status = 0 ]
}

ran=yes
"$engine" "$@" || ran=no
found=$(find "$scratch/found" -type f | head -n 1)
if [ -n "$found" ]; then
    tail -n 40 "$log"
    echo "$target: an input broke it: $found"
    echo "again: build/asan/fuzz/${target}_replay $found"
    exit 1
fi
if [ $ran = no ] || [ "${execs:-0}" = 0 ]; then
    tail -n 40 "$log"
    echo "$target: $engine did not run"
    exit 1
fi
echo "$execs executions"
