#!/bin/sh
# The reference as a gateway to FTP: curl asks it for ftp URLs of a server of
# its own.
. "$(dirname "$0")/clients.sh"

PROXYSPEC_RELEASE=$PROXYSPEC # its memory is looked after here
large=67108864

find_python() {
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import pyftpdlib' 2>/dev/null && return
    done
    echo "pyftpdlib is missing"
    return 1
}

start_ftp() {
    root=$scratch/ftp
    mkdir -p "$root/dir" "$root/empty-dir"
    echo hello >"$root/hello"
    echo inner >"$root/dir/a file"
    : >"$root/empty"
    : >"$root/hang"
    head -c $large /dev/urandom >"$root/large"
    head -c 10000000 /dev/zero >"$root/cut"
    find_python || return 1
    "$python" "$here/ftp_server.py" "$root" "$scratch/commands" \
        >"$scratch/ftp-port" 2>"$scratch/ftp.log" &
    started="$started $!"
    await "$scratch/ftp-port" || return 1
    read -r ftp_port <"$scratch/ftp-port"
    ftp=ftp://127.0.0.1:$ftp_port
}

by() {
    curl -sS --max-time 30 --noproxy '' -x "http://$http" "$@"
}

# code WANT OPTION…: the status of the response; its head is in head.
code() {
    want=$1
    shift
    got=$(by -D "$scratch/head" -o "$scratch/out" -w '%{http_code}' "$@")
    cat "$scratch/head" "$scratch/out"
    [ "$got" = "$want" ] || { echo "got $got, not $want"; return 1; }
}

has_line() {
    tr -d '\r' <"$scratch/head" | grep -qix "$1"
}

file() {
    code 200 "$ftp/hello" && is hello cat "$scratch/out" &&
        has_line 'Content-Length: 6' &&
        has_line 'Content-Type: application/octet-stream'
}

head_of_file() {
    code 200 -I "$ftp/hello" && has_line 'Content-Length: 6' &&
        code 404 -I "$ftp/nothing"
}

empty_file() {
    code 200 "$ftp/empty" && has_line 'Content-Length: 0'
}

as_text() {
    code 200 "$ftp/hello;type=a" && grep -q '^hello' "$scratch/out" &&
        has_line 'Transfer-Encoding: chunked'
}

to_http10() {
    code 200 -0 "$ftp/hello;type=a" && grep -q '^hello' "$scratch/out" &&
        ! has_line 'Transfer-Encoding: chunked'
}

directory() {
    code 200 "$ftp/$1" && has_line 'Content-Type: text/plain' &&
        grep -q 'a file' "$scratch/out"
}

empty_directory() {
    code 200 "$ftp/empty-dir/" && [ ! -s "$scratch/out" ]
}

names_of_directory() {
    code 200 "$ftp/dir/;type=d" && is 'a file' sh -c 'tr -d "\r" <"$0"' "$scratch/out"
}

whole() {
    by "$ftp/large" >"$scratch/got" && cmp "$scratch/got" "$root/large"
}

# What is held for a client that takes its time, in kB.
slowly() {
    pid=${started##* }
    before=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
    by --limit-rate 1M --max-time 3 -o "$scratch/got" "$ftp/large"
    after=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
    echo "$before kB before, at most $after kB"
    [ -s "$scratch/got" ] && [ $((after - before)) -lt 32768 ]
}

cut_off() {
    by -o "$scratch/got" "$ftp/cut" 2>"$scratch/err"
    echo "status $?" >>"$scratch/err"
    cat "$scratch/err"
    grep -qx 'status 18' "$scratch/err"
}

leave() {
    for _ in 1 2; do
        by --limit-rate 100k --max-time 0.3 -o "$scratch/got" "$ftp/large"
        by --max-time 0.3 -o "$scratch/got" "$ftp/hang"
    done
    file
}

# Three of one client's connection; the origin's is HTTP.
among_others() {
    by -w '%{num_connects} %{http_code}\n' -o "$scratch/1" "$ftp/hello" \
        -o "$scratch/2" "$origin/page" -o "$scratch/3" "$ftp/dir" >"$scratch/got"
    is "1 200 0 200 0 200" paste -s -d ' ' "$scratch/got" &&
        is hello cat "$scratch/1" && is "$page" cat "$scratch/2"
}

# As a client does that sends no Authorization.
in_url() {
    code "$1" --request-target "ftp://$2@127.0.0.1:$ftp_port/hello" "http://127.0.0.1/"
}

in_field() {
    code 200 -u 'alice:s3cret%' --request-target "$ftp/hello" http://127.0.0.1/ &&
        grep -qx 'PASS s3cret%' "$scratch/commands"
}

wrong_password() {
    in_url 401 alice:wrong && has_line 'WWW-Authenticate: Basic realm="FTP"'
}

anonymous() {
    : >"$scratch/commands"
    code 200 --proxy-user other:secret "$ftp/hello" &&
        grep -qx 'USER anonymous' "$scratch/commands" &&
        ! grep -q secret "$scratch/commands"
}

mute() {
    begun=$(date +%s)
    in_url 401 mute:x && [ $(($(date +%s) - begun)) -lt 20 ]
}

# Nothing that is decoded becomes a command.
injected() {
    : >"$scratch/commands"
    code 400 "$ftp/hello%0D%0ANOOP" && code 400 "$ftp/%00hello" &&
        in_url 400 'alice%0a:x' && in_url 400 'alice:x%0D' &&
        [ ! -s "$scratch/commands" ]
}

other_methods() {
    code 501 -X DELETE "$ftp/hello" && code 501 -X PUT -d x "$ftp/hello" &&
        code 400 -X GET -d x "$ftp/hello" && code 400 "$ftp/hello?x"
}

hanging() {
    code 504 "$ftp/hang"
}

by_rules() {
    code 403 "$ftp/hello" && code 403 "$ftp/dir/..%2fhello" && code 403 "$ftp/%68ello;type=i" &&
        code 403 ftp://127.0.0.1/ && code 403 "ftp://localhost:$ftp_port/dir/" &&
        code 403 "ftp://Denied.:$ftp_port/" && code 200 "$ftp/empty"
}

ends_well() {
    kill "${started##* }"
    wait "${started##* }"
    status=$?
    cat "$scratch/serve"
    [ $status = 0 ] && [ "$(grep -vc '^listening: ' "$scratch/serve")" = 0 ]
}

ok "an origin" start_origin
ok "an FTP server" start_ftp
ok "a gateway" start_proxy --ftp
ok "a file" file
ok "HEAD" head_of_file
ok "a file of nothing" empty_file
ok "a file as text, of unknown length" as_text
ok "the same for HTTP/1.0" to_http10
ok "a directory" directory dir/
ok "a directory without its slash" directory dir
ok "an empty directory" empty_directory
ok "the names in a directory" names_of_directory
ok "a name with a space" code 200 "$ftp/dir/a%20file"
ok "a missing file" code 404 "$ftp/nothing"
ok "a missing directory" code 404 "$ftp/nothing/"
ok "a large file" whole
ok "a slow client holds the server up" slowly
ok "a file that is broken off" cut_off
ok "clients that leave" leave
ok "among other requests of a connection" among_others
ok "credentials in the URL" in_url 200 alice:s3cret%25
ok "credentials in a field" in_field
ok "wrong credentials" wrong_password
ok "the proxy's own credentials go nowhere" anonymous
ok "a server that answers no QUIT" mute
ok "no commands in disguise" injected
ok "what FTP does not have" other_methods
ok "no server" code 502 "ftp://127.0.0.1:1/hello"
ok "the gateway ends" ends_well
ok "a gateway with rules" start_proxy --ftp --response-timeout 1 \
    --deny "*:$ftp_port/hello" --deny '*:21' --deny "127.0.0.1:$ftp_port/dir" --deny denied
ok "what rules deny" by_rules
ok "a server that does not answer" hanging
ok "that gateway ends" ends_well
ok "a proxy that is no gateway" start_proxy
ok "knows no ftp URLs" code 501 "$ftp/hello"
done_testing
