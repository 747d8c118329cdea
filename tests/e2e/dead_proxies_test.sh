#!/bin/sh
# A target that serves nobody passes no negative scenario, and the run ends.
. "$(dirname "$0")/tap.sh"
here=$(dirname "$0")
: "${PROXYSPEC_RELEASE:=build/release/proxyspec}"

# Scenarios that expect a refusal, as the program lists them.
negatives=$("$PROXYSPEC_RELEASE" list scenarios --json |
    jq -r '[.[] | select(.negative) | .id] | tojson')
only=$(echo "$negatives" | jq -r '.[] | "--only " + .')

# The whole suite of refusals against a proxy of this kind; what it found goes
# to a report of its own.
try() {
    kind=$1
    scheme=$2
    python3 "$here/dead_proxy.py" "$kind" >"$scratch/$kind.$scheme.port" &
    proxy=$!
    for _ in $(seq 100); do
        [ -s "$scratch/$kind.$scheme.port" ] && break
        sleep 0.05
    done
    # shellcheck disable=SC2086 # a list of options
    timeout 240 "$PROXYSPEC_RELEASE" test -q -j 256 --timeout-scale 0.5 $only \
        --report json="$scratch/$kind.$scheme.json" \
        "$scheme://127.0.0.1:$(cat "$scratch/$kind.$scheme.port")" \
        >/dev/null 2>&1
    echo $? >"$scratch/$kind.$scheme.status"
    kill "$proxy"
}

# No scenario of a refusal passed, although this target refuses everything.
judge() {
    status=$(cat "$scratch/$1.$2.status")
    [ "$status" = 1 ] || [ "$status" = 3 ] || {
        echo "ended with status $status"
        return 1
    }
    passed=$(jq --argjson negatives "$negatives" '[.targets[0].results[] |
        select(.verdict == "pass" and (.scenario | IN($negatives[]))) |
        .scenario] | join(" ")' "$scratch/$1.$2.json")
    [ "$passed" = '""' ] || { echo "passed: $passed"; return 1; }
}

# They mostly wait, so all wait at once.
proxies="closes.socks5 silent.socks5 refuses.socks5 refuses-methods.socks5
  closes.http silent.http refuses-http.http"
tries=""
for proxy in $proxies; do
    try "${proxy%.*}" "${proxy#*.}" &
    tries="$tries $!"
done
# shellcheck disable=SC2086 # a list
wait $tries

ok "there are negative scenarios" [ "$negatives" != "[]" ]
for proxy in $proxies; do
    ok "${proxy#*.}: a proxy that ${proxy%.*} passes no negative scenario" \
        judge "${proxy%.*}" "${proxy#*.}"
done
done_testing
