# Sourced by the tests of real clients: an origin, the reference as their proxy,
# and what is asked of both. As root everything happens in a network namespace
# with nothing but the loopback.

if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ]; then
    export IN_NAMESPACE=yes
    # shellcheck disable=SC2016 # for the inner shell
    exec unshare -n sh -c 'ip link set lo up && exec sh "$@"' sh "$0" "$@"
fi

. "$(dirname "$0")/tap.sh"
here=$(dirname "$0")
: "${PROXYSPEC_RELEASE:=build/release/proxyspec}"

# Nothing of the user's or the machine's settings counts.
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY \
    ALL_PROXY NO_PROXY SSL_CERT_FILE CURL_CA_BUNDLE
export HOME="$scratch" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 LC_ALL=C

# await FILE: until something is in it, at most 10 seconds.
await() {
    for _ in $(seq 200); do
        [ -s "$1" ] && return 0
        sleep 0.05
    done
    return 1
}

# A certificate for 127.0.0.1 and localhost, which is its own authority.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 2 -subj /CN=localhost -keyout "$scratch/key.pem" \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -out "$scratch/cert.pem" 2>"$scratch/openssl.log"
}

# The origin: $origin and $tls_origin are where it is.
start_origin() {
    mkdir -p "$scratch/root"
    make_certificate || return 1
    python3 "$here/client_origin.py" "$scratch/root" "$scratch/cert.pem" \
        "$scratch/key.pem" >"$scratch/ports" 2>"$scratch/origin.log" &
    started="$started $!"
    await "$scratch/ports" || return 1
    read -r origin_port tls_port <"$scratch/ports"
    ca=$scratch/cert.pem
    export GIT_SSL_CAINFO="$ca"
    origin=http://127.0.0.1:$origin_port
    tls_origin=https://127.0.0.1:$tls_port
}

# start_proxy WORDS…: the reference; $socks and $http are its ADDR:PORT.
start_proxy() {
    : >"$scratch/serve" # of one before
    "$PROXYSPEC_RELEASE" serve --socks 127.0.0.1:0 --http 127.0.0.1:0 "$@" \
        >"$scratch/serve" 2>&1 &
    started="$started $!"
    for _ in $(seq 200); do
        socks=$(sed -n 's,^listening: socks5://\(.*@\)\{0\,1\},,p' "$scratch/serve")
        http=$(sed -n 's,^listening: http://\(.*@\)\{0\,1\},,p' "$scratch/serve")
        [ -n "$socks" ] && [ -n "$http" ] && return 0
        sleep 0.05
    done
    return 1
}

# has PROGRAM…: whether they are there; says which one is not.
has() {
    for program; do
        command -v "$program" >/dev/null || { missing=$program; return 1; }
    done
}

# is WANT COMMAND…: the command succeeds and prints just that.
is() {
    want=$1
    shift
    got=$("$@") || { echo "status $?; $got"; return 1; }
    [ "$got" = "$want" ] || { echo "got '$got', not '$want'"; return 1; }
}

# fetch WORDS…: curl as it comes, within a time.
fetch() {
    curl -sS --max-time 50 --fail --cacert "$ca" --noproxy '' "$@"
}

# refused WORDS OPTION…: curl fails and says so.
refused() {
    want=$1
    shift
    if fetch "$@" >"$scratch/out" 2>"$scratch/err"; then
        echo "it was served"
        return 1
    fi
    cat "$scratch/err"
    grep -q -- "$want" "$scratch/err"
}

# Git and its smart protocol: git_by PROXY ORIGIN clones, commits and pushes.
as_me="-c user.name=me -c user.email=me@me.test"
make_repository() (
    git init -q --bare "$scratch/root/project.git" &&
        git -C "$scratch/root/project.git" config http.receivepack true &&
        git init -q "$scratch/work" && cd "$scratch/work" &&
        octets 1000000 >file && git add file &&
        git $as_me commit -qm first &&
        git push -q "$scratch/root/project.git" HEAD:refs/heads/main &&
        git -C "$scratch/root/project.git" symbolic-ref HEAD refs/heads/main
)
git_by() (
    rm -rf "$scratch/clone"
    timeout 50 git -c http.proxy="$1" clone -q "$2/git/project.git" "$scratch/clone" &&
        cmp "$scratch/work/file" "$scratch/clone/file" &&
        cd "$scratch/clone" && echo "by $1" >>more && git add more &&
        git $as_me commit -qm more &&
        timeout 50 git -c http.proxy="$1" push -q origin main &&
        is "$(git rev-parse HEAD)" git -C "$scratch/root/project.git" rev-parse main
)

chromium_by() {
    timeout 50 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --disable-background-networking --disable-component-update --disable-sync \
        --no-first-run --ignore-certificate-errors --proxy-bypass-list='<-loopback>' \
        --user-data-dir="$scratch/chromium" --proxy-server="$1" --dump-dom "$2" \
        >"$scratch/dom" 2>"$scratch/chromium.log" </dev/null
    cat "$scratch/dom"
    tail -n 5 "$scratch/chromium.log"
    grep -q '<title>page</title>.*hello' "$scratch/dom"
}

# The octets that the origin sends below /octets/, and what it says of uploads.
block='import sys; b = bytes(range(256)) * 256; n = int(sys.argv[1])
while n > 0: sys.stdout.buffer.write(b[:n]); n -= len(b)'
octets() {
    python3 -c "$block" "$1"
}
sum() {
    sha256sum | cut -d ' ' -f 1
}

page="<html><title>page</title>hello</html>"
large=67108864 # 64 MiB
upload=16777216
large_sum=$(octets $large | sum)
octets $upload >"$scratch/upload"
upload_sum=$(sum <"$scratch/upload")
