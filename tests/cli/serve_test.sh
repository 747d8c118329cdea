#!/bin/sh
# The served reference proxy, with curl as client and a web server of Python as
# origin.
#
#   PROXYSPEC=build/asan/proxyspec serve_test.sh
set -u
: "${PROXYSPEC:?is the program to test}"

work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$work"' EXIT
count=0

result() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        cat "$work/log" "$work/err" 2>/dev/null | sed 's/^/# /'
    fi
}

# serve WORD…: starts the proxy and waits until it listens; sets $proxy (its
# pid), $socks and $http (what it printed).
serve() {
    rm -f "$work/pipe"
    mkfifo "$work/pipe"
    "$PROXYSPEC" serve "$@" >"$work/pipe" 2>"$work/err" &
    proxy=$!
    pids="$pids $proxy"
    socks=
    http=
    exec 3<"$work/pipe"
    for _ in $listeners; do
        read -r word url <&3 || break
        [ "$word" = listening: ] || echo "$word $url" >>"$work/err"
        case $url in
        socks5:*) socks=$url ;;
        http:*) http=$url ;;
        esac
    done
}

# ends SIGNAL: the proxy's status after it
ends() {
    kill -"$1" "$proxy"
    wait "$proxy"
    echo "status $?" >"$work/log"
    grep -qx 'status 0' "$work/log" && [ ! -s "$work/err" ]
}

fetch() {
    timeout 20 curl -sS --noproxy '' --max-time 10 "$@" "$origin/file" \
        >"$work/got" 2>"$work/log" && cmp -s "$work/got" "$work/file"
}

head -c 300000 /dev/urandom >"$work/file"
mkfifo "$work/origin"
python3 -u -c '
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                            directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()' "$work" >"$work/origin" 2>/dev/null &
pids="$pids $!"
read -r port <"$work/origin"
origin=http://127.0.0.1:$port

listeners="1 2"
serve --socks 127.0.0.1:0 --http 127.0.0.1:0
fetch -x "$socks"
result $? "SOCKS5 with an address"
fetch -x "$(echo "$socks" | sed 's/socks5/socks5h/')"
result $? "SOCKS5 with a name"
fetch -p -x "$http"
result $? "HTTP CONNECT"

# An occupied port is refused in one line that says which.
timeout 20 "$PROXYSPEC" serve --socks 127.0.0.1:0 --http "${http#http://}" \
    >"$work/log" 2>&1
[ $? = 2 ] && grep -qx \
    'proxyspec serve: cannot listen for HTTP: address already in use' \
    "$work/log" && [ "$(wc -l <"$work/log")" = 1 ]
result $? "a busy port"

ends TERM
result $? "SIGTERM ends it"

serve --socks 127.0.0.1:0 --http 127.0.0.1:0 --auth 'user:pa:ss'
fetch -x "$socks" --proxy-user 'user:pa:ss'
result $? "SOCKS5 with credentials"
fetch -p -x "$http" --proxy-user 'user:pa:ss'
result $? "CONNECT with credentials"
! fetch -x "$socks" --proxy-user user:wrong
result $? "SOCKS5 with wrong credentials"
! fetch -p -x "$http" --proxy-user user:wrong && grep -q 407 "$work/log"
result $? "CONNECT with wrong credentials"
! fetch -x "$socks"
result $? "SOCKS5 without credentials"

# A tunnel that is open while the proxy is told to end.
mkfifo "$work/hold"
python3 -u -c '
import socket, sys
port = int(sys.argv[2])
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"\5\1\2" + b"\1\4user\5pa:ss")
s.sendall(b"\5\1\0\1\x7f\0\0\1" + port.to_bytes(2, "big"))
got = b""
while len(got) < 4 + 10:
    got += s.recv(100)
print("open", flush=True)
try:
    s.recv(1)
except ConnectionResetError:
    pass' "${socks##*:}" "$port" >"$work/hold" 2>"$work/log" &
holder=$!
pids="$pids $holder"
read -r word <"$work/hold"
[ "$word" = open ] && ends INT && wait "$holder"
result $? "SIGINT ends it, clients or not"

listeners=1
serve --socks 127.0.0.1:0
[ -n "$socks" ] && fetch -x "$socks"
result $? "SOCKS5 alone"
ends TERM
result $? "and its end"
serve --http 127.0.0.1:0
[ -n "$http" ] && fetch -p -x "$http"
result $? "HTTP alone"
ends TERM
result $? "and its end"

for algorithm in MD5 SHA-256; do
    serve --http 127.0.0.1:0 --auth user:pa:ss --auth-scheme digest \
        --digest-algorithm $algorithm
    fetch -p -x "$http" --proxy-digest --proxy-user user:pa:ss
    result $? "Digest with $algorithm"
    ! fetch -p -x "$http" --proxy-digest --proxy-user user:wrong &&
        grep -q 407 "$work/log"
    result $? "and a wrong password"
    ! fetch -p -x "$http" --proxy-basic --proxy-user user:pa:ss &&
        grep -q 407 "$work/log"
    result $? "and Basic, which is not offered"
    ends TERM
    result $? "and its end"
done

serve --http 127.0.0.1:0 --auth user:pa:ss --auth-scheme both
fetch -p -x "$http" --proxy-basic --proxy-user user:pa:ss &&
    fetch -p -x "$http" --proxy-digest --proxy-user user:pa:ss &&
    fetch -p -x "$http" --proxy-anyauth --proxy-user user:pa:ss
result $? "both schemes"
ends TERM
result $? "and its end"

if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    serve --socks '[::1]:0'
    case $socks in
    'socks5://[::1]:'[1-9]*) fetch -x "$socks" ;;
    *) false ;;
    esac
    result $? "SOCKS5 over IPv6"
    ends TERM
    result $? "and its end"
else
    count=$((count + 1))
    echo "ok - SOCKS5 over IPv6 # SKIP no IPv6 on the loopback"
fi

# reply REQUEST: the REP that the proxy answers this request with, in hex; the
# request is what Python writes in a string.
reply() {
    timeout 20 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(10)
s.sendall(b"\5\1\0" + sys.argv[2].encode().decode("unicode_escape")
          .encode("latin-1"))
got = b""
while len(got) < 4:
    got += s.recv(4 - len(got)) or sys.exit("the end")
print("%02x" % got[3])' "${socks##*:}" "$1" 2>"$work/log"
}

# echoes FRAG…: whether a datagram in pieces with these FRAGs comes back whole
# through an association.
echoes() {
    timeout 20 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(10)
s.sendall(b"\5\1\0" + b"\5\3\0\1" + bytes(6))
got = b""
while len(got) < 12:
    got += s.recv(12 - len(got)) or sys.exit("the end")
client, target = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                  for _ in range(2))
client.settimeout(2)
target.settimeout(2)
target.bind(("127.0.0.1", 0))
header = b"\1\x7f\0\0\1" + target.getsockname()[1].to_bytes(2, "big")
relay = (socket.inet_ntoa(got[6:10]), int.from_bytes(got[10:], "big"))
for frag in sys.argv[2:]:
    client.sendto(b"\0\0" + bytes([int(frag, 16)]) + header + b"piece", relay)
data, sender = target.recvfrom(100)
assert data == b"piece" * len(sys.argv[2:]), data
target.sendto(data, sender)
assert client.recv(100) == b"\0\0\0" + header + data' "${socks##*:}" "$@" \
        2>"$work/log"
}

associate='\5\3\0\1\0\0\0\0\0\0'
resolve='\5\360\0\1\177\0\0\1\0\0'
serve --socks 127.0.0.1:0
echoes 00 && echoes 01 82
result $? "datagrams, whole and in pieces"
[ "$(reply "$resolve")" = 07 ]
result $? "no RESOLVE unless it is asked for"
ends TERM
result $? "and its end"

serve --socks 127.0.0.1:0 --no-fragments --tor
echoes 00 && ! echoes 01 82
result $? "--no-fragments"
[ "$(reply "$resolve")" = 00 ]
result $? "--tor"
ends TERM
result $? "and its end"

serve --socks 127.0.0.1:0 --tor-port
[ "$(reply "$resolve")" = 00 ] && [ "$(reply "$associate")" = 07 ]
result $? "--tor-port"
ends TERM
result $? "and its end"

serve --socks 127.0.0.1:0 --no-udp
[ "$(reply "$associate")" = 07 ]
result $? "--no-udp"
ends TERM
result $? "and its end"

serve --socks 127.0.0.1:0 --fault socks5-method-version
! fetch -x "$socks"
result $? "a fault shows"
ends TERM
result $? "and its end"

echo "1..$count"
