#!/bin/sh
# The name server's messages; see dns_test.lua.
cd "$(dirname "$0")/../.." || exit 1
exec lua5.4 tests/network/dns_test.lua
