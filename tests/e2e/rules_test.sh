#!/bin/sh
# The served reference under rules that deny something, and curl.
. "$(dirname "$0")/clients.sh"

# answers CODE OPTION…: what curl is told, as the status of a response or of a
# CONNECT; 000 where there is none.
answers() {
    want=$1
    shift
    got=$(curl -s --max-time 20 --noproxy '' --path-as-is -o "$scratch/out" \
        -w '%{http_code} %{http_connect}' "$@")
    echo "$got"
    cat "$scratch/out" 2>/dev/null
    [ "$got" = "$want 000" ] || [ "$got" = "000 $want" ]
}
via_http() {
    answers "$@" -x "http://$http"
}

explains() {
    via_http 403 "$origin/fields" &&
        grep -qx 'This proxy may not connect there.' "$scratch/out"
}

# Of the same name, all but a denied path of the address that it has.
by_what_resolves() {
    via_http 200 "http://localhost:$origin_port/page" &&
        via_http 403 "http://localhost:$origin_port/fields" &&
        via_http 403 "http://LOCALHOST:$origin_port/./%66ields"
}

on_one_connection() {
    curl -s --max-time 20 --noproxy '' -x "http://$http" -w '%{http_code}\n' \
        -o "$scratch/1" "http://localhost:$origin_port/page" \
        -o "$scratch/2" "http://localhost:$origin_port/fields" \
        -o "$scratch/3" "http://localhost:$origin_port/page" >"$scratch/codes"
    is "200 403 200" paste -s -d ' ' "$scratch/codes"
}


ok "an origin" start_origin
ok "a proxy with rules" start_proxy --deny "127.0.0.1:$origin_port/fields" \
    --deny '*.denied' --deny 'DELETE *' --deny "CONNECT *:$tls_port"
ok "what no rule describes is served" via_http 200 "$origin/page"
ok "a path is denied, and why is told" explains
ok "dots lead nowhere" via_http 403 "$origin/x/../fields"
ok "coded octets neither" via_http 403 "$origin/%66%69elds?x"
ok "another Host neither" via_http 403 -H 'Host: other' "$origin/fields"
ok "rules about an address hold for its names" by_what_resolves
ok "every request of a connection is looked at" on_one_connection
ok "a method is denied" via_http 403 -X DELETE "$origin/page"
ok "a name is denied" via_http 403 http://A.Denied./
ok "CONNECT is denied" via_http 403 "$tls_origin/page" -k
ok "SOCKS5 is told 02" refused 'SOCKS5.*(2)' -x "socks5h://$socks" \
    "$tls_origin/page" -k
ok "SOCKS5 is told 02 of a name" refused 'SOCKS5.*(2)' -x "socks5h://$socks" \
    http://a.denied/
ok "SOCKS4 is told 91" refused 'SOCKS4.*(91)' -x "socks4a://$socks" \
    http://a.denied/
ok "what is in a tunnel is not seen" answers 200 -x "socks5h://$socks" \
    "$origin/fields"
ok "a proxy with a rule about an address alone" start_proxy --deny 127.0.0.1
ok "HTTP is told 403 of its name" via_http 403 "http://localhost:$origin_port/"
ok "and of this host" via_http 403 "http://0.0.0.0:$origin_port/"
ok "CONNECT to its name is denied" via_http 403 "https://localhost:$tls_port/"
ok "SOCKS5 is told 02 of its name" refused 'SOCKS5.*(2)' \
    -x "socks5h://$socks" "http://localhost:$origin_port/"
done_testing
