#!/bin/sh
# A target that serves nobody passes no negative scenario, and the run ends.
. "$(dirname "$0")/tap.sh"
here=$(dirname "$0")

# Scenarios that expect a refusal, as the program lists them.
negatives=$("$PROXYSPEC" list scenarios --json |
    jq -r '[.[] | select(.negative) | .id] | tojson')

# The scenario of a refusal passed, although this target refuses everything.
judge() {
    kind=$1
    scheme=$2
    python3 "$here/dead_proxy.py" "$kind" >"$scratch/port" &
    pid=$!
    started="$started $pid"
    for _ in $(seq 100); do
        [ -s "$scratch/port" ] && break
        python3 -c 'import time; time.sleep(0.05)'
    done
    timeout 240 "$PROXYSPEC" test -q --timeout-scale 0.5 \
        --report json="$scratch/report.json" \
        "$scheme://127.0.0.1:$(cat "$scratch/port")" >/dev/null 2>&1
    status=$?
    kill "$pid"
    : >"$scratch/port"
    [ "$status" = 1 ] || [ "$status" = 3 ] || {
        echo "ended with status $status"
        return 1
    }
    passed=$(jq --argjson negatives "$negatives" '[.targets[0].results[] |
        select(.verdict == "pass" and (.scenario | IN($negatives[]))) |
        .scenario] | join(" ")' "$scratch/report.json")
    [ "$passed" = '""' ] || { echo "passed: $passed"; return 1; }
}

ok "there are negative scenarios" [ "$negatives" != "[]" ]
for kind in closes silent refuses refuses-methods; do
    ok "SOCKS5: a proxy that $kind passes no negative scenario" judge $kind socks5
done
for kind in closes silent refuses-http; do
    ok "HTTP: a proxy that $kind passes no negative scenario" judge $kind http
done
done_testing
