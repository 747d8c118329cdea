#!/bin/sh
# proxyspec pcap: options, exit statuses, JSON, and files that are no captures
# or end too early.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/tap.sh

samples=pcap/samples
check() {
    timeout 60 "$PROXYSPEC" pcap check "$@" </dev/null
}

status_is() {
    want=$1
    shift
    check "$@" >"$scratch/out" 2>"$scratch/err"
    got=$?
    [ "$got" = "$want" ] || { echo "status $got, not $want"; cat "$scratch/err"; return 1; }
}

says() {
    grep -q -- "$1" "$scratch/out" || { echo "not said: $1"; cat "$scratch/out"; return 1; }
}

nothing_said() {
    [ ! -s "$scratch/out" ] || { cat "$scratch/out"; return 1; }
}

json_says() {
    jq -e "$1" "$scratch/out"
}

ok "no finding: status 0" status_is 0 $samples/veth.pcap
ok "one line a session" says '^frame 1  +0.000000  10.77.0.1:.* -> 10.77.0.2:1080  socks5  0,1>0  CONNECT 10.77.0.2:8000  0 succeeded  .*fin/fin$'
ok "one line a file" says 'veth.pcap: [0-9]* packets, 2 connections, 1 session, 0 candidates; 0 failures, 0 warnings, 0 notes$'
ok "a violation: status 1" status_is 1 $samples/ssh.pcap
ok "a finding names requirement, side and offset" says '^    fail  DEFINED  socks5.reply.sent  server octet 2  '
ok "warnings alone: status 0" status_is 0 $samples/tinyproxy.pcap
ok "--strict: warnings are violations" status_is 1 --strict $samples/tinyproxy.pcap
ok "-q: silence without findings" status_is 0 -q $samples/veth.pcap
ok "-q says nothing then" nothing_said
ok "-q: sessions with findings" status_is 0 -q $samples/squid.pcap
ok "-q says them" says '^    warn  SHOULD '
ok "-v tells the requirement" status_is 1 -v $samples/ssh.pcap
ok "-v says its source" says '^          RFC1928 section 6: '

ok "several files: headings" status_is 1 $samples/veth.pcap $samples/ssh.pcap
ok "several files: each named" says "^$samples/ssh.pcap:\$"

ok "--json" status_is 1 --json $samples/veth.pcap $samples/ssh.pcap $samples/snaplen.pcap
ok "json: one document with every file" json_says '.tool == "proxyspec" and (.files | length == 3)'
ok "json: sessions" json_says '.files[0].sessions[0] | .protocol == "socks5" and .methods_offered == [0,1] and .method == 0 and .command == "CONNECT" and .target == "10.77.0.2:8000" and .code == 0 and .stage == "granted" and .frame == 1 and .server == "10.77.0.2:1080" and .ending.client == "fin" and .incomplete == [] and .findings == []'
ok "json: findings" json_says '.files[1].sessions[1].findings[0] | .requirement == "socks5.reply.sent" and .level == "DEFINED" and .source == "RFC1928" and .section == "6" and .effect == "fail" and .side == "server" and .offset == 2 and .contested == false and (.message | length > 0)'
ok "json: what was lost" json_says '.files[2].sessions[0] | (.incomplete | length == 2) and .lost.client > 0'
ok "json: summary" json_says '.files[1].summary | .sessions == 3 and .fail == 1 and .connections == 3 and .packets > 0'

# Names that JSON cannot hold.
ok "json: a missing file with a strange name" status_is 2 --json "$scratch/$(printf 'a\377"b')"
ok "json: is valid all the same" json_says '.files[0].error == "No such file or directory"'

ok "no such file: status 2" ends_with 2 "missing.pcap: No such file or directory" "$PROXYSPEC" pcap check "$scratch/missing.pcap"
: >"$scratch/empty"
ok "an empty file: status 2" ends_with 2 "empty: not a capture: truncated dump file" "$PROXYSPEC" pcap check "$scratch/empty"
echo "this is no capture, whatever its name" >"$scratch/text.pcap"
ok "a text file: status 2" ends_with 2 "text.pcap: not a capture: unknown file format" "$PROXYSPEC" pcap check "$scratch/text.pcap"
ok "a folder: status 2" ends_with 2 "not a capture" "$PROXYSPEC" pcap check "$scratch"
head -c 20 $samples/veth.pcap >"$scratch/header"
ok "half a file header: status 2" ends_with 2 "header: not a capture" "$PROXYSPEC" pcap check "$scratch/header"
head -c 24 $samples/veth.pcap >"$scratch/none"
ok "no packet: status 0" status_is 0 "$scratch/none"
ok "no packet: is said" says 'none: 0 packets, 0 connections, 0 sessions'
printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\377\377\0\0\151\0\0\0' >"$scratch/wifi"
ok "an unknown link type: status 2" ends_with 2 "link type 105 (IEEE802_11) is not supported" "$PROXYSPEC" pcap check "$scratch/wifi"

size=$(wc -c <$samples/veth.pcap)
head -c $((size - 5)) $samples/veth.pcap >"$scratch/cut"
packets=$(check $samples/veth.pcap | sed -n 's/.*: \([0-9]*\) packets.*/\1/p')
ok "a cut file: status 3" ends_with 3 "cut: cut after packet $((packets - 1))\$" "$PROXYSPEC" pcap check "$scratch/cut"
ok "a cut file: sessions before the cut" status_is 3 "$scratch/cut"
ok "a cut file: they are told" says '^frame 1 .*socks5'
ok "a cut file: json says so" status_is 3 --json "$scratch/cut"
ok "a cut file: in its error" json_says '.files[0].error | startswith("cut after packet")'

ok "worst status: no file over a violation" status_is 2 $samples/ssh.pcap "$scratch/missing"
ok "worst status: a violation over a cut file" status_is 1 "$scratch/cut" $samples/ssh.pcap
ok "worst status: a cut file over none" status_is 3 $samples/veth.pcap "$scratch/cut"

pcap() {
    timeout 60 "$PROXYSPEC" pcap "$@" </dev/null
}
ok "no action: status 2" ends_with 2 "'' is no action" "$PROXYSPEC" pcap
ok "an unknown action: status 2" ends_with 2 "'replay' is no action" "$PROXYSPEC" pcap replay x
ok "no file: status 2" ends_with 2 "too few arguments" "$PROXYSPEC" pcap check
ok "an unknown option: status 2" ends_with 2 "unknown option '--frob'" "$PROXYSPEC" pcap check --frob x
ok "--help" pcap check --help
ok "pcap --help" pcap --help

done_testing
