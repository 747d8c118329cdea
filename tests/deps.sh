#!/bin/sh
# Installs the Debian packages that a group of make targets needs, and does
# nothing when they are there.
#
#   tests/deps.sh build|test|proxies|npm|clients …
set -eu

build="gcc make pkg-config libuv1-dev liblua5.4-dev libpcap-dev libjansson-dev
  libssl-dev libcurl4-openssl-dev"
# clang and afl++ build the fuzz targets; the clients drive the reference.
check="libcmocka-dev libhttp-parser-dev lua5.4 clang-14 libclang-rt-14-dev llvm-14 afl++ clang-format
  clang-tidy cppcheck python3 python3-jsonschema libxml2-utils curl ncat netcat-openbsd
  iproute2 util-linux tcpdump man-db jq patch python3-pyftpdlib"
# microsocks and tinyproxy are small enough for every test run.
proxies="microsocks tinyproxy dante-server squid openssh-server openssh-client
  shadowsocks-libev privoxy apache2 ncat nghttp2-proxy tor trafficserver
  netcat-openbsd openssl"
# Programs whose proxy the reference is (tests/e2e/tunnels_test.sh …).
clients="curl wget git openssl openssh-server openssh-client netcat-openbsd nodejs
  apt-utils dpkg-dev chromium"

want=""
for group in "$@"; do
    case $group in
    build) want="$want $build" ;;
    test) want="$want $check" ;;
    proxies) want="$want $proxies" ;;
    clients) want="$want $clients" ;;
    # Some packages of Node.js bring npm along.
    npm) command -v node >/dev/null && command -v npm >/dev/null ||
        want="$want nodejs npm" ;;
    *) echo "deps.sh: unknown group '$group'" >&2; exit 2 ;;
    esac
done

missing=""
for package in $want; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "deps.sh: no apt-get here; please install:$missing" >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi

# The proxies are run by the tests alone: keep their packages from starting
# services of their own.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
    made_policy=yes
fi
cleanup() {
    [ -z "$made_policy" ] || $as_root rm -f $policy
}
trap cleanup EXIT

echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
# shellcheck disable=SC2086 # a list of packages
$as_root apt-get -qq -o DPkg::Lock::Timeout=300 install -y \
    --no-install-recommends $missing >/dev/null
