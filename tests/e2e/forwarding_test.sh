#!/bin/sh
# The reference as the forwarding proxy of programs that people use.
. "$(dirname "$0")/clients.sh"

if ! "$PROXYSPEC_RELEASE" serve --help | grep -q -- --no-forward; then
    skip "forwarding" "this reference only makes tunnels"
    done_testing
    exit
fi

# by OPTION…: the options of curl for this run of the proxy.
by() {
    fetch -x "http://$credentials$http" "$@"
}
credentials=""

large() {
    by "$origin/octets/$large" | sum >"$scratch/sum"
    is "$large_sum" cat "$scratch/sum"
}

upload() {
    is "PUT $upload $upload_sum" by -T "$scratch/upload" "$origin/u"
}

upload_chunked() {
    is "POST $upload $upload_sum" by -H 'Transfer-Encoding: chunked' -H 'Expect:' \
        --data-binary "@$scratch/upload" "$origin/u"
}

upload_expecting() {
    is "POST $upload $upload_sum" by -H 'Expect: 100-continue' --expect100-timeout 20 \
        --data-binary "@$scratch/upload" "$origin/u"
}

coded() {
    octets 101011 >"$scratch/plain"
    by "$origin/chunked" >"$scratch/out" || return 1
    # The parts are the first octets of the same block.
    { octets 1; octets 10; octets 1000; octets 100000; } | cmp - "$scratch/out"
}

closed() {
    is "$(octets 262144 | sum)" sh -c "$(
        # shellcheck disable=SC2016 # for the inner shell
        echo 'curl -sS --fail --noproxy "" --max-time 50 -x "$0" "$1" | sha256sum | cut -d " " -f 1'
    )" "http://$http" "$origin/to-the-end"
}

# Three requests of one client on one connection, which is counted once. The
# proxy may keep the origin's as well, or open one for each.
kept_alive() {
    by -w '%{num_connects}\n' -o "$scratch/1" "$origin/page" -o "$scratch/2" \
        "$origin/page" -o "$scratch/3" "$origin/page" >"$scratch/connects"
    cat "$scratch/connects"
    [ "$(paste -s -d ' ' "$scratch/connects")" = "1 0 0" ] &&
        is "$page" cat "$scratch/1" && is "$page" cat "$scratch/3"
}

# What is between client and proxy does not reach the origin; what is not does.
fields() {
    by -H 'X-Mine: 1' -H 'Connection: X-Hop' -H 'X-Hop: 1' "$origin/fields" \
        >"$scratch/fields" || return 1
    cat "$scratch/fields"
    grep -q '^X-Mine: 1' "$scratch/fields" &&
        grep -q "^Host: 127.0.0.1:$origin_port" "$scratch/fields" &&
        grep -qi '^Via: ' "$scratch/fields" &&
        ! grep -qi '^X-Hop:\|^Proxy-' "$scratch/fields"
}

code() {
    curl -s --max-time 50 --noproxy '' -o "$scratch/out" -w '%{http_code}' "$@" || true
}

# A repository of one package, and all of apt's state in the scratch directory.
make_apt() (
    mkdir -p "$scratch/package/DEBIAN" "$scratch/root/apt" &&
        octets 300000 >"$scratch/package/file" &&
        cat >"$scratch/package/DEBIAN/control" <<END &&
Package: proxied
Version: 1.0
Architecture: all
Maintainer: me <me@me.test>
Description: octets
END
        dpkg-deb -b "$scratch/package" "$scratch/root/apt/proxied_1.0_all.deb" &&
        cd "$scratch/root/apt" &&
        apt-ftparchive packages . >Packages && gzip -k Packages &&
        apt-ftparchive release . >"$scratch/Release" && mv "$scratch/Release" .
)
apt_by() (
    rm -rf "$scratch/apt" && mkdir -p "$scratch/apt/lists/partial" \
        "$scratch/apt/archives/partial" "$scratch/apt/etc" && cd "$scratch/apt" || return 1
    touch status
    echo "deb [trusted=yes] $origin/files/apt ./" >sources
    cat >conf <<END
Dir::Etc "$scratch/apt/etc";
Dir::Etc::SourceList "$scratch/apt/sources";
Dir::Etc::SourceParts "-";
Dir::State "$scratch/apt";
Dir::State::Lists "$scratch/apt/lists";
Dir::State::Status "$scratch/apt/status";
Dir::Cache "$scratch/apt";
Dir::Cache::Archives "$scratch/apt/archives";
APT::Sandbox::User "root";
Acquire::http::Proxy "http://$credentials$http/";
Acquire::http::Timeout "20";
Acquire::Retries "0";
END
    export APT_CONFIG="$scratch/apt/conf"
    timeout 50 apt-get -q update 2>&1 && timeout 50 apt-get -q download proxied 2>&1 &&
        cmp proxied_1.0_all.deb "$scratch/root/apt/proxied_1.0_all.deb"
)

# The protocol that needs no program at the origin: files alone.
git_files() {
    git -C "$scratch/root/project.git" update-server-info &&
        rm -rf "$scratch/clone" &&
        GIT_SMART_HTTP=0 timeout 50 git -c http.proxy="http://$credentials$http" \
            clone -q "$origin/files/project.git" "$scratch/clone" &&
        cmp "$scratch/work/file" "$scratch/clone/file"
}

python_urllib() {
    cat >"$scratch/uploads.py" <<'END'
import hashlib, sys, urllib.request
proxy, origin = sys.argv[1:3]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
page = opener.open(origin + "/moved", timeout=20)
assert page.geturl() == origin + "/page", page.geturl()
assert page.read().endswith(b"hello</html>")
data = bytes(range(256)) * 4096
parts = (data[i:i + 10000] for i in range(0, len(data), 10000))
for body in (data, parts):
    answer = opener.open(urllib.request.Request(origin + "/u", body, method="PUT"),
                         timeout=20).read().decode()
    assert answer == f"PUT {len(data)} {hashlib.sha256(data).hexdigest()}", answer
print("ok")
END
    is ok timeout 50 python3 "$scratch/uploads.py" "http://$credentials$http" "$origin"
}

node_requests() {
    cat >"$scratch/requests.cjs" <<'END'
const http = require('node:http');
const [host, port] = process.argv[2].split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const get = (method, body) => new Promise((done, fail) => {
    const request = http.request({
        host, port, agent, method, path: process.argv[3] + (body ? '/u' : '/page'),
        headers: { Host: new URL(process.argv[3]).host },
    }, (answer) => {
        let text = '';
        answer.on('data', (part) => { text += part; });
        answer.on('end', () => done([text, request.reusedSocket]));
    });
    request.on('error', fail);
    request.end(body);
});
(async () => {
    const [first] = await get('GET');
    const [second, reused] = await get('GET');
    const [third] = await get('POST', 'x'.repeat(100000));
    console.log(first === second, reused, third.slice(0, 11));
    agent.destroy();
})();
END
    is "true true POST 100000" timeout 50 node "$scratch/requests.cjs" "$http" "$origin"
}

ok "an origin" start_origin
ok "the reference" start_proxy
ok "curl: a page" is "$page" by "$origin/page"
ok "curl: HEAD" is 200 code -I -x "http://$http" "$origin/page"
ok "curl: a redirect" is "$page" by -L "$origin/moved"
ok "curl: HTTP/1.0" is "$page" by -0 "$origin/page"
ok "curl: fields" fields
ok "curl: one connection for three pages" kept_alive
ok "curl: 64 MiB" large
ok "curl: 16 MiB up" upload
ok "curl: 16 MiB up in chunks" upload_chunked
ok "curl: 16 MiB up that wait for 100 Continue" upload_expecting
ok "curl: chunks" coded
ok "curl: a body that ends with the connection" closed
ok "curl: nobody listens" is 502 code -x "http://$http" http://127.0.0.1:1/
ok "curl: the origin's own 404" is 404 code -x "http://$http" "$origin/nothing"
ok "wget: a page" is "$page" timeout 50 wget -q -O - -e use_proxy=yes -e no_proxy= \
    -e "http_proxy=http://$http" "$origin/page"
ok "a repository" make_repository
ok "git: clone and push" git_by "http://$http" "$origin"
ok "git: clone of plain files" git_files
if has apt-get apt-ftparchive dpkg-deb; then
    ok "a repository of packages" make_apt
    ok "apt: update and download" apt_by
else
    skip "apt: update and download" "$missing is not installed"
fi
ok "python: urllib" python_urllib
if has node; then
    ok "node: requests on one connection" node_requests
else
    skip "node: requests" "$missing is not installed"
fi
if has chromium; then
    ok "chromium: a page" chromium_by "http://$http" "$origin/page"
else
    skip "chromium: a page" "$missing is not installed"
fi

ok "a reference that wants a password" start_proxy --auth alice:s3cret
ok "curl: no password" is 407 code -x "http://$http" "$origin/page"
ok "curl: the wrong one" is 407 code -x "http://alice:other@$http" "$origin/page"
credentials=alice:s3cret@
ok "curl: the right one" is "$page" by "$origin/page"
ok "curl: the password stays here" fields
ok "curl: 16 MiB up with a password" upload
ok "wget: a page with a password" is "$page" timeout 50 wget -q -O - -e use_proxy=yes \
    -e no_proxy= -e "http_proxy=http://$http" --proxy-user=alice \
    --proxy-password=s3cret "$origin/page"
ok "git: clone and push with a password" git_by "http://$credentials$http" "$origin"
if has apt-get apt-ftparchive; then
    ok "apt: update and download with a password" apt_by
fi
ok "python: urllib with a password" python_urllib

ok "a reference that wants Digest" start_proxy --auth alice:s3cret --auth-scheme digest
ok "curl: Basic, which is not offered" is 407 code -x "http://$credentials$http" \
    "$origin/page"
ok "curl: Digest" is "$page" by --proxy-digest "$origin/page"
ok "curl: whatever is offered" is "$page" by --proxy-anyauth "$origin/page"
ok "curl: the wrong password with Digest" is 407 code --proxy-digest \
    -x "http://alice:other@$http" "$origin/page"
ok "curl: 16 MiB up with Digest" is "PUT $upload $upload_sum" by --proxy-digest \
    -T "$scratch/upload" "$origin/u"
done_testing
