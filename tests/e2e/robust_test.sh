#!/bin/sh
# Endurance: crowds leave nothing behind, and what does is told. They run apart,
# and only when they are asked for.
. "$(dirname "$0")/tap.sh"
: "${PROXYSPEC_RELEASE:=build/release/proxyspec}"

endures() {
    timeout 120 "$PROXYSPEC_RELEASE" test -q --report json="$scratch/r.json" \
        --only "$1" || return 1
    jq -e '.targets[0].summary | .pass > 0 and .pass == ([.[]] | add)' \
        "$scratch/r.json"
}

runs_only_when_asked() {
    "$PROXYSPEC_RELEASE" list scenarios | grep -q '^robust\.' || return 1
    timeout 60 "$PROXYSPEC_RELEASE" test -q --level must --shard 1/40 \
        --report json="$scratch/r.json" || return 1
    ! jq -r '.targets[0].results[].scenario' "$scratch/r.json" |
        grep '^robust\.'
}

# A fault, seen from outside: what it keeps is named.
leaks() {
    timeout 120 "$PROXYSPEC_RELEASE" test --only robust.socks5.half-open \
        'socks5://127.0.0.1:{port}' -- "$PROXYSPEC_RELEASE" serve \
        --socks '127.0.0.1:{port}' --fault "$1" >"$scratch/leak"
    [ $? = 1 ] && grep "$2" "$scratch/leak"
}

ok "a crowd in its handshake" endures robust.socks5.half-open
ok "a crowd of tunnels" endures robust.http.idle-tunnels
ok "a crowd of associations" endures robust.udp.associations
ok "not in a run that does not ask" runs_only_when_asked
ok "lost descriptors are told" leaks robust-descriptor-leak 'keeps descriptors'
ok "a proxy that serves one at a time" leaks robust-one-at-a-time 'not served'
done_testing
