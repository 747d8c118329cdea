#!/bin/sh
# The reference as the CONNECT and SOCKS proxy of programs that people use.
. "$(dirname "$0")/clients.sh"

# page_by OPTION…: curl gets a page of each origin with these options.
page_by() {
    is "$page" fetch "$@" "$origin/page" && is "$page" fetch "$@" "$tls_origin/page"
}
large_by() {
    fetch "$@" "$tls_origin/octets/$large" | sum >"$scratch/sum"
    is "$large_sum" cat "$scratch/sum"
}
upload_by() {
    is "PUT $upload $upload_sum" fetch "$@" -T "$scratch/upload" "$tls_origin/u" &&
        is "POST $upload $upload_sum" fetch "$@" -H 'Transfer-Encoding: chunked' \
            -H 'Expect:' --data-binary "@$scratch/upload" "$tls_origin/u"
}

# Three counts of the origin's connections, which stay the same.
kept_alive_by() {
    fetch "$@" "$origin/count" "$origin/count" "$origin/count" >"$scratch/counts"
    cat "$scratch/counts"
    [ "$(wc -l <"$scratch/counts")" = 3 ] && [ "$(sort -u "$scratch/counts" | wc -l)" = 1 ]
}

# connect_code OPTION…: prints the status of the answer to CONNECT.
connect_code() {
    curl -s --max-time 50 --noproxy '' --cacert "$ca" -o "$scratch/out" \
        -w '%{http_connect}' "$@" || true
}

# ssh through nc's three kinds of proxy.
start_sshd() {
    mkdir -p /run/sshd && chmod 700 "$scratch" || return 1
    ssh-keygen -q -t ed25519 -N '' -f "$scratch/host" || return 1
    ssh-keygen -q -t ed25519 -N '' -f "$scratch/client" || return 1
    ssh_port=$(python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$scratch/sshd_config" <<END
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $scratch/host
PidFile none
AuthorizedKeysFile $scratch/client.pub
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
END
    "$(command -v sshd)" -D -e -f "$scratch/sshd_config" 2>"$scratch/sshd.log" &
    started="$started $!"
    for _ in $(seq 100); do
        nc -z 127.0.0.1 "$ssh_port" && return 0
        sleep 0.05
    done
    return 1
}
ssh_by() {
    octets 1000000 | timeout 30 ssh -F none -i "$scratch/client" -p "$ssh_port" \
        -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        -o "ProxyCommand=nc -X $1 -x $2 %h %p" "$3" cat | sum >"$scratch/sum"
    is "$(octets 1000000 | sum)" cat "$scratch/sum"
}

# A tunnel by hand, with what the standard library offers.
python_tunnel() {
    cat >"$scratch/tunnel.py" <<'END'
import http.client, ssl, sys
proxy, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
conn = http.client.HTTPSConnection(proxy, timeout=20,
                                   context=ssl.create_default_context(cafile=ca))
conn.set_tunnel("localhost", port)
for _ in range(3):
    conn.request("GET", "/page")
    assert conn.getresponse().read().endswith(b"hello</html>")
print("ok")
END
    is ok timeout 50 python3 "$scratch/tunnel.py" "$http" "$tls_port" "$ca"
}
node_tunnel() {
    cat >"$scratch/tunnel.cjs" <<'END'
const http = require('node:http');
const https = require('node:https');
const fs = require('node:fs');
const [host, port] = process.argv[2].split(':');
const request = http.request({
    host, port, method: 'CONNECT', path: `localhost:${process.argv[3]}`,
});
request.on('connect', (answer, socket) => {
    if (answer.statusCode !== 200) throw new Error(answer.statusMessage);
    https.get({
        socket, agent: false, path: '/page', servername: 'localhost',
        host: 'localhost', ca: fs.readFileSync(process.argv[4]),
    }, (page) => page.pipe(process.stdout));
});
request.end();
END
    is "$page" timeout 50 node "$scratch/tunnel.cjs" "$http" "$tls_port" "$ca"
}

ok "an origin" start_origin
ok "the reference" start_proxy
for scheme in http socks4 socks4a socks5 socks5h; do
    case $scheme in
    http) way="--proxytunnel -x http://$http" ;;
    *) way="-x $scheme://$socks" ;;
    esac
    # shellcheck disable=SC2086 # options
    ok "curl: pages by $scheme" page_by $way
    # shellcheck disable=SC2086
    ok "curl: one connection for three pages by $scheme" kept_alive_by $way
done
ok "curl: 64 MiB by CONNECT" large_by -x "http://$http"
ok "curl: 64 MiB by SOCKS5" large_by -x "socks5h://$socks"
ok "curl: uploads of 16 MiB by CONNECT" upload_by -x "http://$http"
ok "curl: uploads of 16 MiB by SOCKS4" upload_by -x "socks4://$socks"
ok "curl: nobody listens, by CONNECT" is 502 connect_code --proxytunnel \
    -x "http://$http" http://127.0.0.1:1/
ok "curl: nobody listens, by SOCKS5" refused "(5)" -x "socks5://$socks" http://127.0.0.1:1/
ok "curl: nobody listens, by SOCKS4" refused "91" -x "socks4://$socks" http://127.0.0.1:1/
ok "wget: a page by CONNECT" is "$page" timeout 50 wget -q -O - --ca-certificate="$ca" \
    -e use_proxy=yes -e "https_proxy=http://$http" -e no_proxy= "$tls_origin/page"
ok "a repository" make_repository
ok "git: clone and push by CONNECT" git_by "http://$http" "$tls_origin"
ok "git: clone and push by SOCKS5" git_by "socks5h://$socks" "$origin"
ok "git: clone and push by SOCKS4" git_by "socks4://$socks" "$tls_origin"
ok "python: three pages by http.client's tunnel" python_tunnel
if has node; then
    ok "node: a page by CONNECT" node_tunnel
else
    skip "node: a page by CONNECT" "$missing is not installed"
fi
if ! has sshd nc; then
    skip "ssh by nc" "$missing is not installed"
elif [ "$(id -u)" != 0 ]; then
    skip "ssh by nc" "needs root"
else
    ok "an ssh server" start_sshd
    ok "ssh: by nc's CONNECT" ssh_by connect "$http" localhost
    ok "ssh: by nc's SOCKS5" ssh_by 5 "$socks" 127.0.0.1
    ok "ssh: by nc's SOCKS4" ssh_by 4 "$socks" 127.0.0.1
fi
if has chromium; then
    ok "chromium: a page by CONNECT" chromium_by "http://$http" "$tls_origin/page"
    ok "chromium: a page by SOCKS5" chromium_by "socks5://$socks" "$origin/page"
else
    skip "chromium: pages" "$missing is not installed"
fi

ok "a reference that wants a password" start_proxy --auth alice:s3cret
ok "curl: no password, by CONNECT" is 407 connect_code -x "http://$http" \
    "$tls_origin/page"
ok "curl: the wrong one, by CONNECT" is 407 connect_code \
    -x "http://alice:other@$http" "$tls_origin/page"
ok "curl: the right one, by CONNECT" page_by --proxytunnel -x "http://alice:s3cret@$http"
ok "curl: any scheme, by CONNECT" page_by --proxytunnel --proxy-anyauth \
    -x "http://alice:s3cret@$http"
ok "curl: no password, by SOCKS5" refused "(97)" -x "socks5h://$socks" "$origin/page"
ok "curl: the wrong one, by SOCKS5" refused "(97)" -x "socks5h://alice:other@$socks" \
    "$origin/page"
ok "curl: the right one, by SOCKS5" page_by -x "socks5h://alice:s3cret@$socks"
ok "git: clone and push with a password by CONNECT" \
    git_by "http://alice:s3cret@$http" "$tls_origin"
ok "git: clone and push with a password by SOCKS5" \
    git_by "socks5h://alice:s3cret@$socks" "$tls_origin"

for algorithm in MD5 SHA-256; do
    ok "a reference that wants Digest with $algorithm" start_proxy --auth alice:s3cret \
        --auth-scheme digest --digest-algorithm $algorithm
    ok "curl: Digest with $algorithm, by CONNECT" page_by --proxytunnel --proxy-digest \
        -x "http://alice:s3cret@$http"
    ok "curl: Basic instead, by CONNECT" is 407 connect_code \
        -x "http://alice:s3cret@$http" "$tls_origin/page"
    ok "curl: the wrong password with $algorithm, by CONNECT" is 407 connect_code \
        --proxy-digest -x "http://alice:other@$http" "$tls_origin/page"
done
done_testing
