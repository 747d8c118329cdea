#!/bin/sh
# The manual page: no warnings from its formatter, and for every subcommand
# exactly the options that --help tells.
#
#   PROXYSPEC=build/asan/proxyspec man_test.sh
set -u
: "${PROXYSPEC:?is the program to test}"

page=$(dirname "$0")/../../man/proxyspec.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

result() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        sed 's/^/# /' "$work/log"
    fi
}

if command -v groff >/dev/null; then
    groff -mandoc -ww -z "$page" >"$work/log" 2>&1 && [ ! -s "$work/log" ]
    result $? "the formatter has nothing to say"
else
    count=$((count + 1))
    echo "ok - the formatter has nothing to say # SKIP no groff"
fi

# The long options under the heading of a subcommand.
documented() {
    awk -v name="$1" '
        /^\.S[hs] / { is_inside = $0 == ".Ss " name }
        is_inside && /^\.It .*Fl -/ {
            sub(/.*Fl -/, "--"); print $1
        }' "$page" | sort
}

for subcommand in test probe "pcap check" bench serve selftest list explain; do
    # shellcheck disable=SC2086 # one or two words
    timeout 30 "$PROXYSPEC" $subcommand --help |
        grep -oE '^  (-., |    )--[a-z-]+' | grep -oE -e '--[a-z-]+' |
        grep -vx -e --help | sort >"$work/helped"
    documented "${subcommand%% *}" >"$work/documented"
    diff "$work/helped" "$work/documented" >"$work/log" &&
        [ -s "$work/helped" ]
    result $? "the options of $subcommand"
done

echo "1..$count"
