#!/bin/sh
# Judges the proxies of the distribution, and compares what is found with what
# was verified by hand.
#
#   PROXYSPEC=build/release/proxyspec tests/thirdparty/run.sh [--update] [NAME…]
#
# TOGETHER proxies (3) are judged at a time, since a run mostly waits, each in
# a network of its own; what is said of one comes in one piece.
#
# expected/NAME.tsv has one finding a row: scenario, requirement, effect and the
# octets that prove it. What the judge of dialogues found stands under "judge",
# since it is told in the scenario that happens to show it first; what it only
# informs of is left out, being seen once or not at all. A finding that is not
# there fails the run, and so does one that is there and was not found,
# or has no evidence; a proxy that differs gets a second run, since what only
# informs is seen once. --update rewrites the files and keeps the evidence of
# rows that stay: what is new has to be looked at, and its "?" replaced.
set -u

here=$(cd "$(dirname "$0")" && pwd)
expected=${EXPECTED:-$here/expected}
proxyspec=${PROXYSPEC:-build/release/proxyspec}
together=${TOGETHER:-3}
limit=240 # seconds for one proxy
header=$(printf 'scenario\trequirement\teffect\tevidence')

if [ "${1:-}" = --update ]; then
    export UPDATE=yes
    shift
fi
update=${UPDATE:-}
# Those that take longest come first.
all="trafficserver heroku-socksv5 microsocks-auth dante shadowsocks squid-auth ssh microsocks squid tinyproxy-auth tinyproxy
  apache2 apache2-auth nghttpx privoxy ncat ncat-auth proxy-chain proxy-chain-auth squid-digest apache2-digest
  simple-socks heroku-socksv5-auth tor"

# Where tests/npm.sh puts packages.
NODE_PATH=${NODE_PATH:-$here/../../build/npm/node_modules}
export NODE_PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whether a package of npm is there in this version (see tests/npm.sh).
node_package() {
    grep -qs "\"version\": *\"$2\"" "$NODE_PATH/$1/package.json"
}

# Why a target cannot be run here; nothing when it can.
obstacle() {
    case $1 in
    microsocks*) programs=microsocks ;;
    dante) programs=danted ;;
    shadowsocks) programs="ss-local ss-server" ;;
    ssh) programs="sshd ssh ssh-keygen ssh-keyscan" ;;
    tinyproxy*) programs=tinyproxy ;;
    squid | squid-digest) programs=squid ;;
    squid-auth) programs="squid openssl" ;;
    privoxy) programs=privoxy ;;
    apache2 | apache2-digest) programs=apache2 ;;
    apache2-auth) programs="apache2 openssl" ;;
    ncat*) programs=ncat ;;
    nghttpx) programs="nghttpx squid nc" ;;
    trafficserver) programs=traffic_server ;;
    proxy-chain*)
        programs=node
        node_package proxy-chain 3.0.1 || { echo "proxy-chain is not installed"; return; }
        ;;
    heroku-socksv5*)
        programs=node
        node_package @heroku/socksv5 0.0.9 || { echo "@heroku/socksv5 is not installed"; return; }
        ;;
    simple-socks)
        programs=node
        node_package simple-socks 3.6.0 || { echo "simple-socks is not installed"; return; }
        ;;
    tor) programs=tor ;;
    *) echo "unknown" ; return ;;
    esac
    for program in $programs; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null ||
            { echo "$program is not installed"; return; }
    done
    case $1 in
    dante | ssh | squid* | nghttpx) [ "$(id -u)" = 0 ] || echo "needs root" ;;
    esac
}

# Squid mixes up the checks of one user's passwords when they overlap, and its
# requests are judged without credentials already.
options() {
    case $1 in
    squid-auth) echo "--jobs 1 --only auth.* --only http.parse.*" ;;
    *-digest) echo "--jobs 1 --only auth.*" ;;
    # Many at once are too many for it, and after some of auth.digest it takes
    # no connections for a while.
    ncat) echo "--jobs 8" ;;
    ncat-auth) echo "--jobs 8 --skip auth.digest.*" ;;
    # Squid ends half a head; whether it passes before the end of the stream is
    # seen varies.
    nghttpx) echo "--skip http.incomplete.head-length-fin" ;;
    # Heads of a megabyte keep its threads busy, and whether it passes on a 100
    # or a 103 that comes right ahead of the answer varies.
    trafficserver)
        echo "--jobs 16 --skip http.limits.* --skip http.expect.http10
            --skip http.interim.100-* --skip http.interim.103-*
            --skip http.interim.several-* --skip http.interim.framed-*
            --skip http.interim.hop-fields --skip http.via.interim"
        ;;
    # Names that nobody answers hold its few resolver threads: whether this one
    # is found not to exist, or is given up, varies.
    proxy-chain*) echo "--skip http.error.forward-unresolved" ;;
    # Many channels at once lose octets now and then; why is not known.
    ssh) echo "--jobs 6" ;;
    # All its connections share one buffer for a name and one for a password.
    heroku-socksv5-auth) echo "--jobs 1 --only userpass.* --only socks5.method.*" ;;
    # It takes what one read brings for a request; how much that is varies.
    simple-socks) echo "--no-segmentation" ;;
    esac
}

# The findings of a report as rows, without evidence.
findings() {
    jq -r '.targets[].results[]
        | select(.verdict != "flaky")
        | .scenario as $scenario | .findings[]
        | [(if .by == "judge" then "judge" else $scenario end), .requirement,
           (if .contested or (.level | test("^(MAY|ADVICE)$")) then "info"
            elif .level | test("^(SHOULD|SHOULD-NOT|ROBUST)$") then "warn"
            else "fail" end)]
        | select(.[0] != "judge" or .[2] != "info")
        | @tsv' "$1" | LC_ALL=C sort -u
}

# Rows of an expected file that this machine can show.
known() {
    tail -n +2 "$1" |
        if grep -q . /proc/net/if_inet6 2>/dev/null; then cat; else grep -v '^[^	]*ipv6'; fi
}

# Every row found, with the evidence that the file has for it, else "?".
rewrite() {
    {
        echo "$header"
        awk -F '\t' -v OFS='\t' '
            FNR == NR { evidence[$1 FS $2 FS $3] = $4; next }
            { e = evidence[$0]; print $0, e == "" ? "?" : e }' "$1" "$2"
    } >"$work/new"
    mv "$work/new" "$1"
}

judge() {
    name=$1
    file=$expected/$name.tsv
    report=$work/$name.json
    # shellcheck disable=SC2046 # a list of options
    (set -f; timeout -k 5 $limit "$proxyspec" test --target "$name" --quiet \
        --report "json=$report" $(options "$name")) >"$work/out" 2>&1
    status=$?
    summary=$(tail -n 1 "$work/out")
    # 0 and 1 are verdicts; 3 may be flaky findings alone.
    if [ ! -s "$report" ] || { [ $status -gt 1 ] && [ $status != 3 ]; }; then
        echo "ended with status $status:"
        cat "$work/out"
        return 1
    fi
    if jq -e '[.targets[].summary | .inconclusive + .error] | add > 0' \
        "$report" >/dev/null; then
        jq -r '.targets[].results[]
            | select(.verdict == "inconclusive" or .verdict == "error")
            | "\(.verdict) \(.scenario): \(.reason)"' "$report"
        return 1
    fi
    findings "$report" >"$work/found"
    if [ -n "$update" ]; then
        [ -e "$file" ] || echo "$header" >"$file"
        rewrite "$file" "$work/found"
    fi
    known "$file" | cut -f 1-3 | LC_ALL=C sort -u >"$work/known"
    if ! diff -u "$work/known" "$work/found" >"$work/diff"; then
        grep '^[-+][^-+]' "$work/diff"
        return 1
    fi
    if awk -F '\t' '$4 == "" || $4 == "?"' "$file" | grep .; then
        echo "these rows have no evidence"
        return 1
    fi
}

# Judges one, and leaves its one-word result and all that is to be said of it.
run_one() {
    name=$1
    why=$(obstacle "$name")
    if [ -n "$why" ]; then
        echo "ok $name # SKIP $why"
        echo skipped >"$RESULTS/$name"
    elif judge "$name" >"$work/log" || judge "$name" >"$work/log"; then
        echo "ok $summary"
        echo passed >"$RESULTS/$name"
    else
        echo "not ok $name"
        sed 's/^/# /' "$work/log"
        echo failed >"$RESULTS/$name"
    fi
}

# On the real network the answers of its resolver and its routes would show.
if [ -n "${RESULTS:-}" ]; then
    run_one "$1" >"$work/told"
    cat "$work/told"
    exit
fi
# shellcheck disable=SC2016 # for the inner shell
if [ "$(id -u)" = 0 ]; then
    one='exec unshare -n sh -c "ip link set lo up && exec sh \"\$0\" \"\$1\"" "$0" "$1"'
else
    one='exec sh "$0" "$1"'
fi

# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $all
for target in "$@"; do
    if [ "$(obstacle "$target")" = unknown ]; then
        echo "run.sh: no target '$target'" >&2
        exit 2
    fi
done
export RESULTS="$work/results"
mkdir "$RESULTS"
printf '%s\n' "$@" |
    xargs -P "$together" -I '{}' sh -c "$one" "$0" '{}'

count() {
    grep -lx "$1" "$RESULTS"/* 2>/dev/null | wc -l
}
passed=$(count passed)
skipped=$(count skipped)
failed=$(($# - passed - skipped)) # what left no result, too
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
