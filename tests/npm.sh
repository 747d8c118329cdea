#!/bin/sh
# Installs one npm package, with what it depends on, into build/npm, and does
# nothing when this version is there. No script of any package is run.
#
#   tests/npm.sh NAME VERSION
#
# Programs find it with NODE_PATH=build/npm/node_modules.
set -eu

[ $# = 2 ] || { echo "usage: npm.sh NAME VERSION" >&2; exit 2; }
name=$1
version=$2
root=$(cd "$(dirname "$0")/.." && pwd)
to=$root/build/npm

installed() {
    [ -e "$to/node_modules/$name/package.json" ] &&
        grep -q "\"version\": *\"$version\"" "$to/node_modules/$name/package.json"
}

mkdir -p "$to"
# One at a time: npm rewrites the whole folder.
exec 9>"$to/.lock"
flock 9
installed && exit 0
command -v npm >/dev/null || {
    echo "npm.sh: npm is not installed" >&2
    exit 1
}
[ -e "$to/package.json" ] || echo '{"private": true}' >"$to/package.json"
timeout 120 npm install --prefix "$to" --ignore-scripts --no-audit --no-fund \
    --no-update-notifier --loglevel=error --save-exact \
    "$name@$version" >&2
installed
