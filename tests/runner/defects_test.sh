#!/bin/sh
# The list of the field's defects: what is wrong in it is told with its line,
# and the project's own has nothing wrong.
#
#   PROXYSPEC=build/asan/proxyspec defects_test.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${PROXYSPEC:?is the program to test}"

tests=0
result() { # STATUS NAME
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
    fi
}

# parse LINES: "ok N" for N rows, else what is wrong; there is a scenario a.b
# and a fault f.
parse() {
    lua5.4 - "$1" <<'LUA'
package.path = "harness/?.lua"
local defects = require "runner.defects"
local list, why = defects.parse(arg[1]:gsub("|", "\t"):gsub("/", "\n"),
                                { ["a.b"] = true }, { f = true })
print(list and "ok " .. #list or why)
LUA
}

says() { # NAME LINES ANSWER
    answer=$(parse "$2")
    [ "$answer" = "$3" ]
    status=$?
    [ $status = 0 ] || echo "# it says: $answer"
    result $status "$1"
}

says "rows are read" "# words/FD-001|is wrong|a.b|f|/FD-002|is wrong|||why/" "ok 2"
says "fields are counted" "FD-001|is wrong|a.b|f/" \
    "defects.tsv:1: has 4 fields, not 5"
says "ids have a form" "FD-1|is wrong|a.b|f|/" "defects.tsv:1: 'FD-1' is no id"
says "a defect is told" "FD-001||a.b|f|/" \
    "defects.tsv:1: does not say what is wrong"
says "ids are in order" "FD-002|x|a.b|f|/FD-001|x|a.b|f|/" \
    "defects.tsv:2: does not follow FD-002"
says "an id stands once" "FD-002|x|a.b|f|/FD-002|x|a.b|f|/" \
    "defects.tsv:2: does not follow FD-002"
says "a scenario is known" "FD-001|x|a.b a.c|f|/" \
    "defects.tsv:1: there is no scenario 'a.c'"
says "a fault is known" "FD-001|x|a.b|f g|/" \
    "defects.tsv:1: there is no fault 'g'"
says "no scenario needs a reason" "FD-001|x||f|/" \
    "defects.tsv:1: names no scenario, and does not say why"
says "no fault needs a reason" "FD-001|x|a.b||/" \
    "defects.tsv:1: names no fault, and does not say why"

"$PROXYSPEC" list defects --json |
    jq -e 'length > 100 and all(.[]; .scenarios + .faults != [] or .why_not)' \
        >/dev/null
result $? "the project's own list is right"

echo "1..$tests"
