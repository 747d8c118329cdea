#!/bin/sh
# bench measures the reference beside a direct connection; no figure is judged.
. "$(dirname "$0")/tap.sh"
: "${PROXYSPEC_RELEASE:=build/release/proxyspec}"

measured() {
    timeout 100 "$PROXYSPEC_RELEASE" bench -q --rounds 1 --seconds 0.1 \
        --idle 50 --report json="$scratch/b.json" || return 1
    jq -e '[.rows[].name] == ["direct", "reference socks5", "reference http"]
        and all(.rows[]; .measures | (.down.median > 0 and
            .down_many.median > 0 and .up.median > 0 and
            .up_many.median > 0 and .connects.median > 0 and
            .handshakes.median > 0 and
            .p50_us.median > 0 and .p99_us.median >= .p50_us.median))
        and all(.rows[1:][]; .octets_per_1000_idle != null and
            .measures.down.ratio > 0)' "$scratch/b.json"
}

only_what_is_asked_for() {
    timeout 60 "$PROXYSPEC_RELEASE" bench -q --rounds 2 --seconds 0.1 \
        --only echo --report json="$scratch/b.json" >"$scratch/table" || return 1
    jq -e 'all(.rows[]; .measures | keys == ["p50_us", "p99_us"])
        and all(.rows[]; .measures.p50_us.rounds | length == 2)' \
        "$scratch/b.json" && grep -q 'p99' "$scratch/table" &&
        ! grep -q 'tunnels' "$scratch/table"
}

ok "the reference is measured" measured
ok "only what is asked for" only_what_is_asked_for
ok "nobody answers" ends_with 3 refused \
    "$PROXYSPEC_RELEASE" bench socks5://127.0.0.1:1
ok "no such target" ends_with 2 "no target" \
    "$PROXYSPEC_RELEASE" bench --target no-such
ok "a report of another kind" ends_with 2 "json=FILE" \
    "$PROXYSPEC_RELEASE" bench --report junit=x
done_testing
