#!/bin/sh
# The network of a run's own: with it nothing is skipped for want of it, without
# it everything is, with the reason; and this machine never notices.
. "$(dirname "$0")/tap.sh"

places="--only socks5.place.* --only socks4.place.* --only http.connect.place-*"
names="--only *.resolves.* --only socks5.udp.place-* --only socks5.udp.resolves-*"
report="--report json=$scratch/r.json" # scratch is of tap.sh
serve="$PROXYSPEC serve --socks 127.0.0.1:{port}"

# run STATUS WORDS COMMAND…: ends so; every verdict of its report is
# one of WORDS.
run() {
    want=$1
    verdicts=$2
    shift 2
    timeout 120 "$@" >"$scratch/out" 2>&1
    got=$?
    cat "$scratch/out"
    [ "$got" = "$want" ] || { echo "status $got, not $want"; return 1; }
    jq -e --arg words "$verdicts" '.targets[0].results | length > 0 and
        all(.verdict as $v | $words | split(" ") | index($v))' "$scratch/r.json"
}

# Every scenario is skipped for a reason that has WORDS.
skips() {
    words=$1
    shift
    run 77 skip "$@" || return 1
    jq -e --arg words "$words" '.targets[0].results |
        all(.reason | contains($words))' "$scratch/r.json"
}

own() {
    # shellcheck disable=SC2086
    (set -f; run 0 pass "$PROXYSPEC" test $report --network own $places $names "$@")
}

host() {
    # shellcheck disable=SC2086
    (set -f; skips "--network host was given" \
        "$PROXYSPEC" test $report --network host $places $names)
}

# One that runs already is outside of any network of ours.
running() {
    "$PROXYSPEC" serve --socks 127.0.0.1:0 >"$scratch/serve" 2>&1 &
    started="$started $!"
    for _ in $(seq 100); do
        grep -q 127.0.0.1: "$scratch/serve" && break
        sleep 0.05
    done
    port=$(grep -oE '127\.0\.0\.1:[0-9]+' "$scratch/serve" | head -n 1)
    # shellcheck disable=SC2086 # two words
    (set -f; skips "runs already" "$PROXYSPEC" test $report --only 'socks5.place.*' \
        "socks5://$port") &&
        ends_with 2 "runs already" "$PROXYSPEC" test --network own \
            "socks5://$port"
}

# shellcheck disable=SC2086 # a command of several words
spawned() {
    (set -f; run 0 "pass skip" "$PROXYSPEC" test $report --network own \
        --only 'socks5.place.*' --only 'socks5.resolves.*' \
        'socks5://127.0.0.1:{port}' -- "$@" $serve)
    status=$?
    [ "$status" = 0 ] && jq -e '.targets[0].summary.pass > 20' "$scratch/r.json"
}

# Another user has to be able to read what names the resolver.
other_user() {
    cp "$PROXYSPEC" "$scratch/proxyspec" && chmod 755 "$scratch" "$scratch/proxyspec" &&
        serve="$scratch/proxyspec serve --socks 127.0.0.1:{port}" &&
        spawned setpriv --reuid=65534 --regid=65534 --clear-groups
}

# Of a machine that lets nobody make namespaces: in a user namespace that may
# have no other and no network.
cat >"$scratch/denied" <<'END'
exec unshare --user --map-root-user sh -c '
    for kind in user net; do
        echo 0 >/proc/sys/user/max_${kind}_namespaces || exit 1
    done
    exec "$@"' sh "$@"
END

# auto goes on without, and says so; own does not.
refused() {
    # shellcheck disable=SC2086 # two words
    (set -f; skips "no network namespace" sh "$scratch/denied" \
        "$PROXYSPEC" test $report \
        --only 'socks5.place.*') &&
        grep -q "need a network of their own" "$scratch/out" &&
        ends_with 3 "no network namespace" sh "$scratch/denied" \
            "$PROXYSPEC" test \
            --network own --only 'socks5.place.*'
}

# What the self-test cannot see there is told, and held against nobody.
selftest_refused() {
    timeout 120 "$PROXYSPEC" selftest --network host \
        --only far-host-refused >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    [ "$status" = 0 ] &&
        grep -q "not shown: needs a network of its own" "$scratch/out"
}

unprivileged() {
    cp "$PROXYSPEC" "$scratch/proxyspec" &&
        chmod 755 "$scratch" "$scratch/proxyspec" &&
        (set -f; timeout 120 setpriv --reuid=65534 --regid=65534 \
            --clear-groups "$scratch/proxyspec" test --network own -q \
            --only 'socks5.resolves.both' --only 'socks5.place.no-route-*') \
            >"$scratch/out" 2>&1
    status=$?
    cat "$scratch/out"
    [ "$status" = 0 ] && grep -q "3 passed" "$scratch/out"
}

untouched() {
    cmp "$scratch/resolv.conf" /etc/resolv.conf &&
        ! grep -q proxyspec0 /proc/net/dev
}

cat /etc/resolv.conf >"$scratch/resolv.conf" 2>/dev/null

if unshare -n true 2>/dev/null && [ -w /dev/net/tun ]; then
    ok "an own network has every place and name" own
    ok "a proxy that is started is in it" spawned
    ok "one of another user resolves there" other_user
    ok "this machine is as before" untouched
else
    skip "an own network" "this user may not make one, or has no /dev/net/tun"
fi
ok "in the network of this machine all is skipped" host
ok "what runs already is outside" running
if sh "$scratch/denied" true 2>/dev/null; then
    ok "where namespaces are denied all is skipped, aloud" refused
else
    skip "where namespaces are denied" "no user namespace to deny them in"
fi
ok "the self-test tells what it could not see" selftest_refused
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups \
    unshare --user --net true 2>/dev/null; then
    ok "without root a user namespace will do" unprivileged
else
    skip "without root" "user namespaces are denied, or this is not root"
fi
done_testing
