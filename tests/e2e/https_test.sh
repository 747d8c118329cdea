#!/bin/sh
# The reference behind TLS: curl and the scenarios reach it as they reach it
# without, and who does not speak TLS does not.
. "$(dirname "$0")/tap.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>"$scratch/openssl.log"

# serve WORD…: starts the proxy; $https is where it listens.
serve() {
    rm -f "$scratch/pipe"
    mkfifo "$scratch/pipe"
    "$PROXYSPEC" serve --https 127.0.0.1:0 --cert "$scratch/cert.pem" \
        --key "$scratch/key.pem" "$@" >"$scratch/pipe" 2>"$scratch/served" &
    proxy=$!
    started="$started $proxy"
    read -r _ https <"$scratch/pipe"
    [ -n "$https" ]
}

# How it ended: in order, and without a word of a sanitizer.
ends() {
    kill -TERM "$proxy"
    wait "$proxy"
    status=$?
    cat "$scratch/served"
    [ "$status" = 0 ] && [ ! -s "$scratch/served" ]
}

head -c 3000000 /dev/urandom >"$scratch/file"
cat >"$scratch/origin.py" <<'END'
import functools, http.server, os, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                            directory=os.path.dirname(sys.argv[0]))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
END
start_python "$scratch/origin.py"

fetch() {
    timeout 60 curl -sS --noproxy '' --max-time 50 -p -x "$https" "$@" \
        "http://127.0.0.1:$port/file" -o "$scratch/got" &&
        cmp "$scratch/got" "$scratch/file"
}

unverified() {
    ! fetch >"$scratch/curl.log" 2>&1 && grep -q certificate "$scratch/curl.log"
}

in_the_clear() {
    printf 'CONNECT 127.0.0.1:%s HTTP/1.1\r\nHost: x\r\n\r\n' "$port" |
        timeout 10 curl -sS --max-time 5 "telnet://${https#https://}" \
            >"$scratch/clear" 2>/dev/null
    ! grep -a -q HTTP "$scratch/clear"
}

passes() {
    timeout 400 "$PROXYSPEC" test -q --cacert "$scratch/cert.pem" \
        --report json="$scratch/r.json" "$@"
    status=$?
    unpassed "$scratch/r.json"
    [ "$status" = 0 ] && jq -e '.targets[0].summary | .pass > 50 and
        .pass + .skip == ([.[]] | add)' "$scratch/r.json" >/dev/null
}

ok "it listens" serve
ok "curl reaches an origin" fetch --proxy-cacert "$scratch/cert.pem"
ok "and refuses a certificate that nobody knows" unverified
ok "octets in the clear are not answered" in_the_clear
ok "every HTTP scenario passes" passes "$https"
ok "it ends in order" ends

ok "it listens, with credentials" serve --auth user:pass --auth-scheme both
ok "curl answers the challenge" fetch --proxy-cacert "$scratch/cert.pem" \
    --proxy-anyauth --proxy-user user:pass
ok "every scenario of credentials passes" passes --only 'auth.*' \
    "https://user:pass@${https#https://}"
ok "it ends in order" ends
done_testing
