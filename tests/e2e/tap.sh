# Sourced by end-to-end tests: TAP lines, a scratch directory, free ports.

: "${PROXYSPEC:=build/asan/proxyspec}"
scratch=$(mktemp -d)
started=""
number=0
failures=0

finish() {
    for pid in $started; do
        kill "$pid" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap finish EXIT

# ok NAME COMMAND…: one test, passed when the command succeeds.
ok() {
    name=$1
    shift
    number=$((number + 1))
    if "$@" >"$scratch/ok.log" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$scratch/ok.log" | tail -n 30
        failures=$((failures + 1))
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

# ends_with STATUS WORDS COMMAND…: the command ends with this status, and says
# WORDS (a basic regular expression) in one line on standard error.
ends_with() {
    want=$1
    words=$2
    shift 2
    timeout 120 "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    got=$?
    cat "$scratch/err"
    [ "$got" = "$want" ] || { echo "status $got, not $want"; return 1; }
    grep -q -- "$words" "$scratch/err" || { echo "does not say: $words"; return 1; }
    [ "$(grep -c . "$scratch/err")" = 1 ] || { echo "not one line"; return 1; }
}

# summary_of FILE: "fail=0 warn=0 …" of a JSON report's first target.
summary_of() {
    jq -r '.targets[0].summary | to_entries | map("\(.key)=\(.value)") | join(" ")' "$1"
}

# unpassed FILE: a line for each result of a JSON report that is neither passed
# nor skipped.
unpassed() {
    jq -r '.targets[].results[] | select(.verdict | IN("pass", "skip") | not) |
        "\(.scenario) \(.verdict) \(.reason)"' "$1"
}

# start_python SCRIPT: runs it in the background; it prints its port first.
start_python() {
    python3 "$1" >"$scratch/port" 2>"$scratch/python.log" &
    started="$started $!"
    for _ in $(seq 100); do
        [ -s "$scratch/port" ] && break
        sleep 0.05
    done
    port=$(cat "$scratch/port")
    [ -n "$port" ]
}

done_testing() {
    echo "1..$number"
    [ "$failures" = 0 ]
}
