#!/bin/sh
# A proxy that dies, and late: the scenario that it died of is blamed, and no
# other, and what was spoilt is told by one that lives.
. "$(dirname "$0")/tap.sh"
here=$(dirname "$0")

judge() {
    # The release build: the proxy is not to be kept waiting.
    timeout 100 "${PROXYSPEC_RELEASE:-build/release/proxyspec}" test -q \
        --no-segmentation --only 'socks5.request.command-*' \
        --only 'socks5.request.version-*' --only 'socks5.relay.banner-first' \
        --report json="$scratch/r.json" "socks5://127.0.0.1:{port}" -- \
        python3 "$here/mortal_proxy.py" '{port}'
    [ -s "$scratch/r.json" ]
}

blamed() {
    killers=$(jq -r '.targets[0].results[] | select(.findings[] |
        .message | test("crashed")) | .scenario' "$scratch/r.json")
    [ "$killers" = socks5.request.command-ff ] || {
        echo "blamed: $killers"
        return 1
    }
}

told() {
    jq -e '.targets[0].summary | .fail == 1 and .pass > 5 and
        .inconclusive + .flaky + .error == 0' "$scratch/r.json" >/dev/null || {
        unpassed "$scratch/r.json"
        return 1
    }
}

ok "a mortal proxy is judged" judge
ok "its killer is blamed alone" blamed
ok "everything else is told" told
done_testing
