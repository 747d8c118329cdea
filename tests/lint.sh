#!/bin/sh
# Static analysis over every C file of the project, and the syntax of its
# scripts. Prints what it finds; any finding is a failure.
#
#   tests/lint.sh FLAG…       the include paths and defines of the compiler
set -u

jobs=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# The files of ours that end so, also those that are not committed yet.
ours() {
    git ls-files -co --exclude-standard "$@" | while read -r file; do
        [ ! -e "$file" ] || echo "$file"
    done
}

# Runs a command; its output is shown, its failure remembered.
check() {
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok $name"
    else
        failed=1
        echo "not ok $name"
    fi
    # clang-tidy counts on stderr what it hid in system headers.
    grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated\.$' "$log"
}

format() {
    ours '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# One process a file, a few at a time; any failure becomes xargs' status.
tidy() {
    ours '*.c' | xargs -P "$jobs" -I FILE \
        clang-tidy --quiet FILE -- -std=c17 "$@"
}

headers_alone() {
    ours '*.h' | xargs -P "$jobs" -I FILE \
        cc -std=c17 -fsyntax-only -Wall -Wextra -Werror "$@" -include FILE \
        -x c /dev/null
}

# Without the headers of libraries, which it would judge by its own defines, and
# without the table of embedded files, which takes it as long as all the rest.
cpp_check() {
    for flag in "$@"; do
        shift
        case $flag in
        -I/*) ;;
        *) set -- "$@" "$flag" ;;
        esac
    done
    ours '*.c' | grep -v '^harness/script/embedded.c$' | xargs cppcheck --quiet --std=c11 --error-exitcode=1 \
        --inline-suppr -j "$jobs" --enable=warning,portability \
        --suppress=missingIncludeSystem \
        --suppress=normalCheckLevelMaxBranches "$@"
}

each() {
    pattern=$1
    shift
    ours "$pattern" | xargs -r -I FILE "$@" FILE
}

check "clang-format" format
check "clang-tidy" tidy "$@"
check "headers stand alone" headers_alone "$@"
check "cppcheck" cpp_check "$@"
check "Lua syntax" each '*.lua' luac5.4 -p
check "shell syntax" each '*.sh' sh -n
check "shell syntax of .ci/run" bash -n .ci/run
exit $failed
