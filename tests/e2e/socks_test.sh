#!/bin/sh
# SOCKS4 URLs, extras of SOCKS5 URLs, and what scenarios can do with BIND and
# datagrams.
. "$(dirname "$0")/tap.sh"

# serve WORDS…: the reference; $port is where its SOCKS listener is.
serve() {
    "$PROXYSPEC" serve --socks 127.0.0.1:0 "$@" >"$scratch/serve" 2>&1 &
    started="$started $!"
    for _ in $(seq 200); do
        port=$(sed -n 's/^listening: socks5:.*:\([0-9]*\)$/\1/p' "$scratch/serve")
        [ -n "$port" ] && return 0
        sleep 0.05
    done
    return 1
}

# features URL: "name presence" lines.
features() {
    timeout 60 "$PROXYSPEC" probe --json "$1" |
        jq -r '.features | to_entries[] | "\(.key) \(.value.presence)"'
}

# has URL LINE…: each line is among its features.
has() {
    features "$1" >"$scratch/features"
    cat "$scratch/features"
    shift
    for line; do
        grep -qx "$line" "$scratch/features" || { echo "no: $line"; return 1; }
    done
}

# verdict SCENARIOS URL ID: runs one scenario of a file; prints its verdict and
# what its findings say.
verdict() {
    rm -rf "$scratch/mine"
    mkdir "$scratch/mine"
    printf '%s\n' "$1" >"$scratch/mine/mine.lua"
    shift
    timeout 60 "$PROXYSPEC" test -q --scenarios "$scratch/mine" --only 'mine.*' \
        --report json="$scratch/r.json" "$@" >"$scratch/out" 2>&1
    cat "$scratch/out"
    jq -r '.targets[0].results[] | "\(.scenario) \(.verdict) \(.reason)"' \
        "$scratch/r.json" | tee "$scratch/verdicts"
}

# becomes WORDS SCENARIOS [URL]: the scenario ends so.
becomes() {
    words=$1
    shift
    verdict "$@"
    grep -q -- "$words" "$scratch/verdicts"
}

# The datagrams of a scenario stand in its report.
has_datagrams() {
    jq -e '[.targets[0].results[0].transcript[] | select(.kind == "data")
        | select((.text // "") | test("^datagram (to|from) "))
        | "\(.witness) \(.from_proxy)"] | unique
        == ["client false", "client true", "origin false", "origin true"]' \
        "$scratch/r.json"
}

udp='checks = { "socks5.udp.relay" }, needs = { "socks5", "udp" }, title = "x"'
bind='checks = { "socks5.bind.listening" }, needs = { "socks5", "bind" }, title = "x"'
bind4='checks = { "socks4.bind.listening" }, needs = { "socks4", "bind4" }, title = "x"'
four='checks = { "socks4.reply.sent" }, needs = { "socks4" }, title = "x"'

serve
plain=$port
ok "the reference has the extras" has "socks5://127.0.0.1:$plain" \
    "socks4 present" "socks4a present" "bind present" "bind4 present" \
    "udp present" "tor absent"
ok "a SOCKS4 URL declares SOCKS4" has "socks4://me@127.0.0.1:$plain" \
    "socks4 present" "socks4a present" "bind4 present" "ipv6 absent" \
    "socks5 unknown"
ok "a SOCKS4 URL is tested" becomes "mine.x pass" \
    "scenario \"mine.x\" { $four, talk = { C { socks4.request { to = origin } }, S { socks4.reply { code = 90 } } } }" \
    "socks4://127.0.0.1:$plain"
ok "its user id is sent" becomes "mine.x fail .*no answer to me" \
    "scenario \"mine.x\" { $four, run = function (t) local c = t:tunnel {} t:violation(\"socks4.reply.sent\", \"no answer to \" .. (c.sent == 11 and \"me\" or \"nobody\")) end }" \
    "socks4://me@127.0.0.1:$plain"
ok "SOCKS5 is not expected of a SOCKS4 URL" becomes "mine.x skip .*no SOCKS5 URL" \
    "scenario \"mine.x\" { $udp, run = function (t) end }" \
    "socks4://127.0.0.1:$plain"
ok "a password is none of SOCKS4's" ends_with 2 "no password" \
    "$PROXYSPEC" test -q "socks4://me:too@127.0.0.1:$plain"
serve --no-udp --tor
ok "an absent extra is told, a present one too" has "socks5://127.0.0.1:$port" \
    "udp absent" "tor present"
ok "what is absent is skipped" becomes "mine.x skip udp is absent" \
    "scenario \"mine.x\" { $udp, run = function (t) end }" \
    "socks5://127.0.0.1:$port"
ok "another URL that has it is taken" becomes "mine.x pass" \
    "scenario \"mine.x\" { $udp, run = function (t) t:associate {} end }" \
    "socks5://127.0.0.1:$port" "socks5://127.0.0.1:$plain"

ok "an echo" becomes "mine.x pass" \
    "scenario \"mine.x\" { $udp, run = function (t) local _, relay = t:associate { announce = \"own\" } local ok, why = t:expect_echo(relay) t:check(ok, \"socks5.udp.relay\", why) end }"
ok "a stranger is not served" becomes "mine.x pass" \
    "scenario \"mine.x\" { $udp, run = function (t) local _, relay = t:associate {} local sink = t:sink { family = 6 } relay:socket(\"127.0.0.2\"):send(udp.datagram { to = sink, data = \"x\" }) t:check(t:never(function () return sink:receive(0.1) end, 0.2), \"socks5.udp.relay\", \"x\") end }"
ok "never tells what came" becomes "mine.x fail .*ping" \
    "scenario \"mine.x\" { $udp, run = function (t) local _, relay = t:associate {} local sink = t:sink {} relay:send(udp.datagram { to = sink, data = \"ping\" }) local ok, what = t:never(function () return (sink:receive(1)) end, 2) t:check(ok, \"socks5.udp.relay\", what) end }"
ok "a broken datagram is told" becomes "mine.x pass" \
    "scenario \"mine.x\" { $udp, run = function (t) local c, relay = t:associate {} local sink = t:sink {} relay:send(udp.datagram { to = sink, data = \"\" }) relay:send(\"short\") t:check(sink:receive() == \"\", \"socks5.udp.relay\", \"not empty\") local got, why = relay:receive(0.1) t:check(not got and why == \"silence\", \"socks5.udp.relay\", \"x\") end }"
verdict "scenario \"mine.x\" { $udp, run = function (t) local _, relay = t:associate {} t:expect_echo(relay) t:violation(\"socks5.udp.relay\", \"x\") end }" >/dev/null
ok "datagrams are in the report" has_datagrams

ok "BIND joins who comes" becomes "mine.x pass" \
    "scenario \"mine.x\" { $bind, run = function (t) local c = t:bind {} local up = t:visit(c.bound.host, c.bound.port, { from = c.peer }) t:expect(c, socks5.reply { rep = 0, port = c.peer.port }, \"socks5.bind.listening\") up:send(\"x\") t:check(c:read(1) == \"x\", \"socks5.bind.listening\", \"x\") end }"
ok "SOCKS4 binds too, and its second reply can be a refusal" becomes "mine.x pass" \
    "scenario \"mine.x\" { $bind4, run = function (t) local c = t:bind {} t:visit(c.bound.host, c.bound.port, { from = \"127.0.0.2\" }) t:refused(c, \"socks4.bind.listening\") end }"
ok "nobody listens where nothing is bound" becomes "mine.x pass" \
    "scenario \"mine.x\" { $bind, run = function (t) local up, why = t:visit(\"127.0.0.1\", t:closed().port) t:check(not up and why == \"refused\", \"socks5.bind.listening\", tostring(why)) end }"

ok "two versions at once" ends_with 4 "speaks one protocol" "$PROXYSPEC" test -q \
    --scenarios "$(verdict 'scenario "mine.x" { title = "x", checks = { "socks4.reply.sent" }, needs = { "socks4", "udp" }, talk = {} }' >/dev/null; echo "$scratch/mine")"
ok "an unknown option" becomes "mine.x error .*no option 'anounce'" \
    "scenario \"mine.x\" { $udp, run = function (t) t:associate { anounce = \"own\" } end }"
ok "an unknown announcement" becomes "mine.x error .*announce is" \
    "scenario \"mine.x\" { $udp, run = function (t) t:associate { announce = \"mine\" } end }"
ok "SOCKS4 has no IPv6" ends_with 4 "mine.lua:1: SOCKS4 has no IPv6" \
    "$PROXYSPEC" test -q --scenarios "$(verdict "scenario \"mine.x\" { $four, talk = { C { socks4.request { to = origin.ipv6 } } } }" >/dev/null; echo "$scratch/mine")"
done_testing
