-- OpenSSH's dynamic forwarding: a client whose -D listens for SOCKS, and a
-- server behind it with keys made for this run. Both end with the script.

return {
  title    = "ssh -D",
  packages = { "openssh-server", "openssh-client" },
  urls     = { "socks5://127.0.0.1:{port}" },
  command  = { "sh", "{dir}/start.sh" },
  files    = {
    ["sshd_config"] = [[
Port {port2}
ListenAddress 127.0.0.1
HostKey {dir}/host
PidFile none
AuthorizedKeysFile {dir}/client.pub
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
MaxStartups 1000
MaxSessions 1000
]],
    ["start.sh"] = [[
set -eu
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f {dir}/host
ssh-keygen -q -t ed25519 -N '' -f {dir}/client
$(command -v sshd) -D -e -f {dir}/sshd_config &
server=$!
client=
trap 'kill $client $server 2>/dev/null; wait; exit 0' TERM INT
trap 'kill $client $server 2>/dev/null' EXIT
# The server may not listen yet, and tells nobody when it does.
tries=0
until ssh-keyscan -T 1 -p {port2} 127.0.0.1 >{dir}/known 2>/dev/null &&
      [ -s {dir}/known ]; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || exit 1
done
ssh -N -D 127.0.0.1:{port} -p {port2} -i {dir}/client -F none \
    -o IdentitiesOnly=yes -o BatchMode=yes -o ExitOnForwardFailure=yes \
    -o UserKnownHostsFile={dir}/known -o StrictHostKeyChecking=yes 127.0.0.1 &
client=$!
wait $client
]],
  },
}
