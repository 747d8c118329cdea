#!/bin/sh
# A proxy that serves one client at a time is too narrow for many scenarios at
# once: what they could not tell is told when they are tried again alone.
. "$(dirname "$0")/tap.sh"

told() {
    # The release build: only the proxy is to be slow.
    timeout 200 "${PROXYSPEC_RELEASE:-build/release/proxyspec}" test -q \
        --no-segmentation --timeout-scale 0.5 --only 'socks5.request.command-??' \
        --report json="$scratch/r.json" "socks5://127.0.0.1:$port"
    unpassed "$scratch/r.json"
    jq -e '.targets[0].summary | .pass > 3 and .pass == ([.[]] | add)' \
        "$scratch/r.json" >/dev/null
}

ok "a narrow proxy starts" start_python "$(dirname "$0")/narrow_proxy.py"
ok "what it does is told" told
done_testing
