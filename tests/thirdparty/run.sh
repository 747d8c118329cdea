#!/bin/sh
# Judges the proxies of the distribution, and compares what is found with what
# was verified by hand.
#
#   PROXYSPEC=build/release/proxyspec tests/thirdparty/run.sh [--update] [NAME…]
#
# expected/NAME.tsv has one finding a row: scenario, requirement, effect and the
# octets that prove it. A finding that is not there fails the run, and so does
# one that is there and was not found, or has no evidence; a proxy that differs
# gets a second run, since what only informs is seen once. --update rewrites the
# files and keeps the evidence of rows that stay: what is new has to be looked
# at, and its "?" replaced.
set -u

here=$(cd "$(dirname "$0")" && pwd)
expected=${EXPECTED:-$here/expected}
proxyspec=${PROXYSPEC:-build/release/proxyspec}
limit=170 # seconds for one proxy
header=$(printf 'scenario\trequirement\teffect\tevidence')

update=
if [ "${1:-}" = --update ]; then
    update=yes
    shift
fi
all="microsocks microsocks-auth dante shadowsocks ssh tinyproxy tinyproxy-auth squid squid-auth
  privoxy apache2 apache2-auth ncat ncat-auth nghttpx proxy-chain proxy-chain-auth"

# Where tests/npm.sh puts packages.
NODE_PATH=${NODE_PATH:-$here/../../build/npm/node_modules}
export NODE_PATH

# On the real network the answers of its resolver and its routes would show.
if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ]; then
    export IN_NAMESPACE=yes
    # shellcheck disable=SC2016 # for the inner shell
    exec unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$0" \
        ${update:+--update} "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

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
    squid) programs=squid ;;
    squid-auth) programs="squid openssl" ;;
    privoxy) programs=privoxy ;;
    apache2) programs=apache2 ;;
    apache2-auth) programs="apache2 openssl" ;;
    ncat*) programs=ncat ;;
    nghttpx) programs="nghttpx squid nc" ;;
    proxy-chain*)
        programs=node
        node_package proxy-chain 3.0.1 || { echo "proxy-chain is not installed"; return; }
        ;;
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
    [ "$1" != squid-auth ] || echo "--jobs 1 --only auth.* --only http.parse.*"
}

# The findings of a report as rows, without evidence.
findings() {
    jq -r '.targets[].results[]
        | select(.verdict != "flaky")
        | .scenario as $scenario | .findings[]
        | [$scenario, .requirement,
           (if .contested or (.level | test("^(MAY|ADVICE)$")) then "info"
            elif .level | test("^(SHOULD|SHOULD-NOT|ROBUST)$") then "warn"
            else "fail" end)]
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

# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $all
for target in "$@"; do
    why=$(obstacle "$target")
    if [ "$why" = unknown ]; then
        echo "run.sh: no target '$target'" >&2
        exit 2
    elif [ -n "$why" ]; then
        echo "ok $target # SKIP $why"
        skipped=$((skipped + 1))
    elif judge "$target" >"$work/log" || judge "$target" >"$work/log"; then
        echo "ok $summary"
        passed=$((passed + 1))
    else
        echo "not ok $target"
        sed 's/^/# /' "$work/log"
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
