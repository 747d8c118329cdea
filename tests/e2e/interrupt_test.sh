#!/bin/sh
# Whatever way a run is ended, nothing of the target outlives it.
. "$(dirname "$0")/tap.sh"

# A target that no SIGTERM ends, or whose first process leaves one behind, on
# the port $2. It writes who stays to the file $1.
cat >"$scratch/target.sh" <<'EOF'
case $3 in
stays | kept) trap '' TERM ;;
leaves) trap 'exit 0' TERM ;;
esac
(trap '' TERM; exec nc -lk 127.0.0.1 "$2") &
echo $! >"$1"
wait
[ "$3" = leaves ] || wait
EOF

is_gone() {
    for _ in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    echo "process $1 still runs"
    return 1
}

# Starts a run with a target of this kind, and sends it these signals.
try() {
    kind=$1
    stays=$scratch/$1.$#
    shift
    "$PROXYSPEC" test -q --network host --timeout-scale 0.1 \
        --only http.connect.ipv6-bare 'http://127.0.0.1:{port}' -- \
        sh "$scratch/target.sh" "$stays" '{port}' "$kind" >/dev/null 2>&1 &
    run=$!
    for _ in $(seq 200); do
        [ -s "$stays" ] && break
        sleep 0.05
    done
    sleep 0.5
    for signal in "$@"; do
        kill "-$signal" "$run"
        sleep 0.2
    done
    wait "$run"
}

# They mostly wait, so all wait at once.
try stays TERM &
first=$!
try leaves TERM &
second=$!
try stays TERM TERM &
third=$!
try kept KILL &
wait $first $second $third $!

# timeout(1) signals its child twice, which is not to insist.
reported() {
    for i in 1 2; do
        timeout 4 "${PROXYSPEC_RELEASE:-build/release/proxyspec}" test -q \
            --network host --only http.tunnel.lasting \
            --report json="$scratch/report.$i" >/dev/null 2>&1
        [ -s "$scratch/report.$i" ] || { echo "run $i left no report"; return 1; }
    done
}

ok "a run that timeout(1) ends leaves its report" reported
ok "one signal, and a target that has to be made to end" \
    is_gone "$(cat "$scratch/stays.2")"
ok "one signal, and a target that leaves a process behind" \
    is_gone "$(cat "$scratch/leaves.2")"
ok "a second signal ends the target at once" \
    is_gone "$(cat "$scratch/stays.3")"
ok "the target ends even when the run is killed" \
    is_gone "$(cat "$scratch/kept.2")"
