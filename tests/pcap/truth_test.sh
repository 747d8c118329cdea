#!/bin/sh
# Captures of others, when they lie beside the repository in ../shared: every
# session of their truth files is found, and nothing else.
#
#   PROXYSPEC=build/asan/proxyspec truth_test.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${PROXYSPEC:=build/asan/proxyspec}"
export PROXYSPEC

captures=../shared/captures
if [ ! -d "$captures/truth" ]; then
    echo "ok 1 - sessions of the truth files # SKIP no $captures"
    echo "1..1"
    exit 0
fi
exec python3 tests/pcap/truth.py "$captures"
