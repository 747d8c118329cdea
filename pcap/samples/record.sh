#!/bin/sh
# Records the samples of this folder anew, from the proxies and clients of the
# distribution. Needs root for tcpdump and for a network namespace.
#
#   pcap/samples/record.sh [DIRECTORY]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
dir=$(mktemp -d /tmp/record.XXXXXX)
netns=record$$
started=

cleanup() {
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
    done
    ip netns del "$netns" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
chmod 755 "$dir"

free_port() {
    python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# until_open HOST PORT: returns when something listens there.
until_open() {
    python3 - "$1" "$2" <<'PYTHON'
import socket, sys, time
deadline = time.monotonic() + 20
while True:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
PYTHON
}

# background COMMAND...: runs it until the script ends.
background() {
    "$@" >"$dir/log" 2>&1 </dev/null &
    last=$!
    started="$started $last"
}

# record FILE INTERFACE PORT [OPTION...]: captures until stop_recording.
record() {
    file=$1 interface=$2 port=$3
    shift 3
    rm -f "$dir/said"
    mkfifo "$dir/said"
    tcpdump -i "$interface" -w "$dir/$file" -U --immediate-mode -B 8192 "$@" \
        "tcp port $port" 2>"$dir/said" &
    tcpdump=$!
    started="$started $tcpdump"
    exec 3<"$dir/said"
    while read -r line <&3; do
        case $line in *listening*) break ;; esac
    done
}

stop_recording() {
    sleep 0.5 # the last FIN and its acknowledgement
    kill -INT "$tcpdump"
    cat <&3 >"$dir/statistics"
    exec 3<&-
    wait "$tcpdump" || true
    if ! grep -q '^0 packets dropped by kernel' "$dir/statistics"; then
        echo "$file: tcpdump lost packets; record again" >&2
        exit 1
    fi
    cat "$dir/$file" >"$out/$file"
}

fetch() {
    timeout 15 curl -s -o /dev/null --noproxy '' --max-time 10 "$@" || true
}

# An origin: the same few octets for every GET, on both families.
cat >"$dir/origin.py" <<'PYTHON'
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", int(sys.argv[1])), Handler).serve_forever()
PYTHON
origin=$(free_port)
background python3 "$dir/origin.py" "$origin"
until_open 127.0.0.1 "$origin"
nobody=$(free_port) # nothing listens there

# microsocks without and with a password, curl.
port=$(free_port)
background microsocks -i 127.0.0.1 -p "$port"
until_open 127.0.0.1 "$port"
record microsocks.pcap lo "$port"
fetch -x "socks5://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -x "socks5h://127.0.0.1:$port" "http://localhost:$origin/"
fetch -x "socks5://127.0.0.1:$port" "http://[::1]:$origin/"
fetch -x "socks5://127.0.0.1:$port" "http://127.0.0.1:$nobody/"
fetch -x "socks5h://127.0.0.1:$port" "http://nohost.invalid/"
fetch -x "socks4://127.0.0.1:$port" "http://127.0.0.1:$origin/"
stop_recording

# The same server, met by a client that cuts and joins its messages.
record segments.pcap lo "$port"
timeout 60 python3 "$here/segments.py" "$port" "$origin"
stop_recording

# Cut by the snapshot length, as many captures are.
record snaplen.pcap lo "$port" -s 94
fetch -x "socks5h://127.0.0.1:$port" "http://localhost:$origin/"
stop_recording

port=$(free_port)
background microsocks -i ::1 -p "$port" -u user -P pass
until_open ::1 "$port"
record microsocks-auth.pcap lo "$port"
fetch -x "socks5://user:pass@[::1]:$port" "http://127.0.0.1:$origin/"
fetch -x "socks5://user:wrong@[::1]:$port" "http://127.0.0.1:$origin/"
fetch -x "socks5://[::1]:$port" "http://127.0.0.1:$origin/"
stop_recording

# Dante: SOCKS4, 4a and 5.
port=$(free_port)
cat >"$dir/danted.conf" <<CONF
logoutput: $dir/danted.log
internal: 127.0.0.1 port = $port
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks block { from: 0/0 to: 127.0.0.1/32 port = $nobody }
socks pass { from: 0/0 to: 0/0 }
CONF
background danted -f "$dir/danted.conf" -p "$dir/danted.pid"
until_open 127.0.0.1 "$port"
record dante.pcap any "$port"
fetch -x "socks5://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -x "socks5://127.0.0.1:$port" "http://127.0.0.1:$nobody/"
fetch -x "socks4://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -x "socks4a://127.0.0.1:$port" "http://localhost:$origin/"
stop_recording

# Dante again: BIND, and datagrams. Other UDP of the loopback would be recorded
# as well.
port=$(free_port)
cat >"$dir/danted.conf" <<CONF
logoutput: $dir/danted.log
internal: 127.0.0.1 port = $port
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 command: bind connect udpassociate }
socks pass { from: 0/0 to: 0/0 command: bindreply udpreply }
CONF
background danted -f "$dir/danted.conf" -p "$dir/danted2.pid"
until_open 127.0.0.1 "$port"
record commands.pcap lo "$port or udp"
timeout 60 python3 "$here/commands.py" "$port"
stop_recording

# tinyproxy.
port=$(free_port)
cat >"$dir/tinyproxy.conf" <<CONF
Port $port
Listen 127.0.0.1
Timeout 60
CONF
background tinyproxy -d -c "$dir/tinyproxy.conf"
until_open 127.0.0.1 "$port"
record tinyproxy.pcap lo "$port"
fetch -p -x "http://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -p -x "http://127.0.0.1:$port" "http://127.0.0.1:$nobody/"
fetch -x "http://127.0.0.1:$port" "http://127.0.0.1:$origin/"
stop_recording

# Squid with a password.
port=$(free_port)
printf 'user:%s\n' "$(openssl passwd -apr1 pass)" >"$dir/passwords"
mkdir "$dir/squid" "$dir/pages"
# Pages of ours: a few words instead of Squid's.
for page in ERR_CONNECT_FAIL ERR_CACHE_ACCESS_DENIED; do
    echo "$page" >"$dir/pages/$page"
done
cat >"$dir/squid.conf" <<CONF
http_port 127.0.0.1:$port
auth_param basic program /usr/lib/squid/basic_ncsa_auth $dir/passwords
auth_param basic children 1
auth_param basic realm proxy
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
pid_filename $dir/squid/squid.pid
cache_log $dir/squid/cache.log
access_log none
coredump_dir $dir/squid
pinger_enable off
via off
visible_hostname proxy.invalid
max_filedescriptors 1024
shutdown_lifetime 0 seconds
error_directory $dir/pages
CONF
chown proxy "$dir/squid"
background squid -N -f "$dir/squid.conf"
until_open 127.0.0.1 "$port"
record squid.pcap lo "$port"
fetch -p -x "http://user:pass@127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -p -x "http://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -p -x "http://user:pass@127.0.0.1:$port" "http://127.0.0.1:$nobody/"
fetch -x "http://user:pass@127.0.0.1:$port" "http://127.0.0.1:$origin/"
stop_recording

# ssh -D, whose SOCKS server is the client's.
port=$(free_port)
sshd=$(free_port)
mkdir -p "$dir/ssh" /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/key"
cp "$dir/ssh/key.pub" "$dir/ssh/keys"
background /usr/sbin/sshd -D -f /dev/null -h "$dir/ssh/host" -p "$sshd" \
    -o ListenAddress=127.0.0.1 -o StrictModes=no -o PidFile=none \
    -o AuthorizedKeysFile="$dir/ssh/keys" -o PermitRootLogin=yes
until_open 127.0.0.1 "$sshd"
background ssh -F none -N -D "127.0.0.1:$port" -i "$dir/ssh/key" -p "$sshd" \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    root@127.0.0.1
until_open 127.0.0.1 "$port"
record ssh.pcap lo "$port"
fetch -x "socks5h://127.0.0.1:$port" "http://127.0.0.1:$origin/"
fetch -x "socks5h://127.0.0.1:$port" "http://127.0.0.1:$nobody/"
fetch -x "socks4a://127.0.0.1:$port" "http://localhost:$origin/"
stop_recording

# Over a veth pair: Ethernet with addresses, and no proxy at all.
ip netns add "$netns"
ip link add rec0 type veth peer name rec1 netns "$netns"
ip addr add 10.77.0.1/24 dev rec0
ip link set rec0 up
ip netns exec "$netns" ip addr add 10.77.0.2/24 dev rec1
ip netns exec "$netns" ip link set rec1 up
ip netns exec "$netns" ip link set lo up
background ip netns exec "$netns" python3 "$dir/origin.py" 8000
background ip netns exec "$netns" microsocks -i 10.77.0.2 -p 1080
until_open 10.77.0.2 8000
until_open 10.77.0.2 1080
record veth.pcap rec0 "1080 or tcp port 8000"
fetch -x "socks5://10.77.0.2:1080" "http://10.77.0.2:8000/"
fetch "http://10.77.0.2:8000/"
stop_recording
