#!/bin/sh
# What the command line refuses, and with which words: status 2, one line on
# standard error, nothing on standard output.
#
#   PROXYSPEC=build/asan/proxyspec usage_test.sh
set -u
: "${PROXYSPEC:?is the program to test}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

result() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        sed 's/^/# /' "$work/out" "$work/err"
    fi
}

# refused MESSAGE WORD…
refused() {
    want=$1
    shift
    timeout 30 "$PROXYSPEC" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ "$status" = 2 ] && [ ! -s "$work/out" ] &&
        [ "$(cat "$work/err")" = "proxyspec$want" ] &&
        [ "$(wc -l <"$work/err")" = 1 ]
    result $? "refused: $(echo "$*" | cut -c 1-60)"
}

# told PATTERN WORD…: status 0 and the pattern on standard output
told() {
    want=$1
    shift
    timeout 30 "$PROXYSPEC" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ "$status" = 0 ] && [ ! -s "$work/err" ] && grep -qE "$want" "$work/out"
    result $? "told: $*"
}

refused ": no subcommand; see proxyspec --help"
refused ": unknown subcommand 'tset'; see proxyspec --help" tset
refused ": unknown option '--tset'; see proxyspec --help" --tset

refused " test: unknown option '--onyl'" test --onyl
refused " test: unknown option '--onyl'" test --onyl=x
refused " test: unknown option '--onl'" test --onl x
refused " test: unknown option '-x'" test -x
refused " test: unknown option '-x'" test -vx
refused " test: unknown option '--baseline'" test --baseline FILE
refused " test: --only needs a value (GLOB)" test --only
refused " test: --only needs a value (GLOB)" test u --only -- cmd
refused " test: --only: '' is empty" test --only ''
refused " test: --only: '' is empty" test --only=
refused " test: --strict takes no value" test --strict=yes
refused " test: -j: '0x' is no number" test -j 0x
refused " test: -j: '0x10' is no number" test -j0x10
refused " test: -j: '4.5' is no number" test -j 4.5
refused " test: -j: ' 4' is no number" test -j ' 4'
refused " test: --jobs: '' is empty" test --jobs=
refused " test: --jobs: 0 is not between 1 and 1024" test --jobs 0
refused " test: --jobs: -1 is not between 1 and 1024" test --jobs -1
refused " test: -j: 1025 is not between 1 and 1024" test -vj1025
refused " test: -j: 99999999999999999999 is not between 1 and 1024" \
    test -j 99999999999999999999
refused " test: --repeat: 0 is not between 1 and 100000" test --repeat 0
refused " test: --min: -1 is not between 0 and 1000000" test --min=-1
refused " test: --seed: 9007199254740992 is not between 0 and 9007199254740991" \
    test --seed 9007199254740992
for number in inf nan 0x1p3 1e3 1.2.3 . -1 '1 '; do
    refused " test: --timeout-scale: '$number' is no number" \
        test --timeout-scale "$number"
done
refused " test: --timeout-scale: 0 is not between 0.01 and 1000" \
    test --timeout-scale 0
refused " test: --timeout-scale: 1001 is not between 0.01 and 1000" \
    test --timeout-scale 1001
for shard in 1 1/ /2 a/b 1/2/3 11111111111111111/2; do
    refused " test: --shard: '$shard' is no I/N" test --shard "$shard"
done
for shard in 0/2 3/2 1/0 1/1001 -1/2; do
    refused " test: --shard: $shard: 1 <= I <= N <= 1000 is asked" \
        test --shard "$shard"
done
refused " test: --level: 'must|should' is none of must|should|may" \
    test --level 'must|should'
refused " test: --level: 'mus' is none of must|should|may" test --level mus
refused " test: --color: 'blue' is none of auto|always|never" test --color blue
refused " test: --report: 'json' is no json=FILE or junit=FILE" \
    test --report json
refused " test: --report: 'tap=x' is no json=FILE or junit=FILE" \
    test --report tap=x
refused " test: --report: 'jso=x' is no json=FILE or junit=FILE" \
    test --report jso=x
refused " test: --report: 'json=' names no file" test --report json=
refused " test: --report: only one can go to stdout" \
    test --report json=- --report junit=-
refused " test: -v and -q exclude each other" test -v -q
refused " test: '--': no command follows" test socks5://127.0.0.1:1 --
refused " test: CMD needs the URL that it answers at" test -- cmd
refused " test: --target starts a proxy itself; no CMD is taken" \
    test --target microsocks socks5://127.0.0.1:1 -- cmd

many=$(printf -- ' --only a%.0s' $(seq 4097))
# shellcheck disable=SC2086 # a list of words
refused " test: --only: given more than 4096 times" test $many

kinds="scenarios|requirements|features|targets|faults|defects"
refused " list: too few arguments; usage: proxyspec list $kinds" list
refused " list: 'all' is none of $kinds" list all
refused " list: '' is none of $kinds" list ''
refused " list: 'more' is one argument too many" list faults more
refused " list: --coverage is for requirements only" list faults --coverage
refused " list: '--': no command is taken here" list faults -- x
refused " explain: too few arguments; usage: proxyspec explain ID" explain
refused " explain: 'b' is one argument too many" explain a b
refused " probe: too few arguments; usage: proxyspec probe URL [-- CMD...]" \
    probe
refused " probe: 'b' is one argument too many" probe a b
refused " selftest: 'a' is one argument too many" selftest a
refused " selftest: unknown option '--level'" selftest --level must

refused " serve: 'x' is one argument too many" serve x
refused " serve: unknown option '--socks4'" serve --socks4 127.0.0.1:0
for address in 1080 127.0.0.1 127.0.0.1: :1080 ::1:1080 '[]:1' '[::1]' \
    127.0.0.1:-1 127.0.0.1:x '[127.0.0.1]:1'; do
    refused " serve: --socks: '$address' is no ADDR:PORT or [ADDR]:PORT" \
        serve --socks "$address"
done
refused " serve: --http: '127.0.0.1:65536': the port is above 65535" \
    serve --http 127.0.0.1:65536
refused " serve: --http: '127.0.0.1:99999999999999999999': the port is above 65535" \
    serve --http 127.0.0.1:99999999999999999999
refused " serve: --http: 'localhost' is no IP address" serve --http localhost:1
refused " serve: --http: '127.0.0.256' is no IP address" \
    serve --http 127.0.0.256:1
refused " serve: --socks: '1::2::3' is no IP address" serve --socks '[1::2::3]:1'
refused " serve: --auth: no USER:PASS" serve --auth user
refused " serve: --auth: no USER:PASS" serve --auth :pass
refused " serve: --auth: no USER:PASS" serve --auth user:
refused " serve: --auth: longer than 255 octets" \
    serve --auth "$(printf '%0256d' 0):p"
refused " serve: --https, --cert and --key need each other" \
    serve --https 127.0.0.1:0
refused " serve: --https, --cert and --key need each other" \
    serve --https 127.0.0.1:0 --cert x
refused " serve: --https, --cert and --key need each other" \
    serve --cert x --key y
refused " serve: /no/cert: No such file or directory" \
    serve --https 127.0.0.1:0 --cert /no/cert --key /no/key
refused " serve: --auth-scheme: 'ntlm' is none of basic|digest|both" \
    serve --auth a:b --auth-scheme ntlm
refused " serve: --auth-scheme: only together with --auth" \
    serve --auth-scheme digest
refused " serve: --digest-algorithm: only together with --auth" \
    serve --digest-algorithm MD5
refused " serve: --digest-algorithm: --auth-scheme does not offer Digest" \
    serve --auth a:b --digest-algorithm MD5
refused " serve: --fault: 'no-such' is unknown; see 'proxyspec list faults'" \
    serve --fault no-such
refused " serve: --deny: 'GET ' is no rule: it names no host" serve --deny 'GET '
refused " serve: --deny: '127.*' is no rule: its host is no whole address" \
    serve --deny a --deny '127.*'
refused " serve: --max-connections: 0 is not between 1 and 1000000" \
    serve --max-connections 0
refused " serve: cannot listen for SOCKS: address not available" \
    serve --socks 192.0.2.1:0

told '^proxyspec [0-9]+\.[0-9]+\.[0-9]+$' --version
told '^usage: proxyspec SUBCOMMAND' --help
for subcommand in test probe serve selftest list explain; do
    told "^usage: proxyspec $subcommand \[options\]" $subcommand --help
    told "^  $subcommand +[a-z]" --help
done
told '^  -j, --jobs N +scenarios at once' test -v --help
told '^usage: proxyspec test' test -h --onyl

# What could not be printed is no success.
"$PROXYSPEC" --help >/dev/full 2>"$work/err"
status=$?
: >"$work/out"
[ "$status" = 4 ] && grep -q '^proxyspec: standard output: ' "$work/err"
result $? "a full disk ends with status 4"

echo "1..$count"
