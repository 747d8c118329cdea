#!/bin/sh
# The catalogue's generator refuses rows that are wrong, and the counts that
# its README tells are those of the catalogue.
set -u

here=$(cd "$(dirname "$0")/../.." && pwd)
folder=$here/reference/requirements
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=0

result() { # STATUS NAME
    tests=$((tests + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
        sed 's/^/# /' "$work/err"
    fi
}

header=$(printf 'id\tsource\tsection\tlevel\trole\tsummary\ttestability\thow')
good=$(printf 'a.b\tRFC1\t2\tMUST\tserver\tIt does.\tactive\tLook.')

# Runs the generator over lines; its output stands in out, its words in err.
generate() { # LINE…
    printf '%s\n' "$@" >"$work/table.tsv"
    awk -f "$folder/generate.awk" -v part="$part" "$work/table.tsv" \
        >"$work/out" 2>"$work/err"
}

refuses() { # NAME LINE-NUMBER WORDS LINE…
    name=$1 line=$2 words=$3
    shift 3
    for part in ids rows; do
        if generate "$@"; then
            echo "was accepted" >>"$work/err"
            result 1 "$name ($part)"
        else
            grep -qF "table.tsv:$line: " "$work/err" &&
                grep -qF "$words" "$work/err"
            result $? "$name ($part)"
        fi
    done
}

row() { # FIELD NUMBER, VALUE: the good row with one field changed
    printf '%s\n' "$good" | value=$2 awk -F'\t' -v OFS='\t' -v at="$1" \
        '{ $at = ENVIRON["value"]; print }'
}

part=ids
generate "$header" "$good" && grep -qx '    REQ_A_B,' "$work/out"
result $? "a good row has a symbol"
part=rows
generate "$header" "$good" && grep -qF '[REQ_A_B] = {"a.b", "RFC1", "2", ' "$work/out"
result $? "a good row has an entry"
generate "$header" "$(row 6 'Say "\" and ??/.')" &&
    grep -qF '"Say \"\\\" and ?\?/."' "$work/out"
result $? "quotes, backslashes and trigraphs are escaped"

refuses "another header" 1 "header" "$good"
refuses "a field too few" 2 "7 fields" "$header" "${good%	*}"
refuses "a field too many" 2 "9 fields" "$header" "$good	more"
refuses "an id in capitals" 2 "dotted lower case" "$header" "$(row 1 A.b)"
refuses "an id without a dot" 2 "dotted lower case" "$header" "$(row 1 ab)"
refuses "an empty id" 2 "dotted lower case" "$header" "$(row 1 '')"
refuses "an unknown level" 2 "level" "$header" "$(row 4 SHALL)"
refuses "an unknown role" 2 "role" "$header" "$(row 5 proxy)"
refuses "an unknown testability" 2 "testability" "$header" "$(row 7 maybe)"
refuses "an id used twice" 3 "line 2" "$header" "$good" "$good"
refuses "two ids with one symbol" 3 "symbol" "$header" "$(row 1 a.b-c)" "$(row 1 a.b.c)"

# README.md has one table a kind of count; its header row names the columns.
counts() { # COLUMN OF THE CATALOGUE, WORDS…: checks the table with these words
    column=$1
    shift
    awk -F'\t' -v column="$column" -v words="$*" '
        BEGIN { n = split(words, word, " ") }
        NR == FNR {
            if (FNR > 1) {
                prefix = $1
                sub(/\..*/, ".", prefix)
                count[prefix, $column]++
                count["all", $column]++
            }
            next
        }
        $0 == "| prefix | " wanted() " | total |" { inside = 1; next }
        inside && !/^\|/ { inside = 0 }
        inside && !/^\|-/ {
            m = split($0, cell, / *\| */)
            name = cell[2]
            gsub(/[`*]/, "", name)
            total = 0
            for (i = 1; i <= n; i++) {
                have = count[name, word[i]] + 0
                total += have
                if (cell[2 + i] != have)
                    wrong(name " " word[i] ": " cell[2 + i] " for " have)
            }
            if (cell[3 + n] != total)
                wrong(name " total: " cell[3 + n] " for " total)
            lines++
        }
        function wanted(   i, text) {
            for (i = 1; i <= n; i++)
                text = text (i > 1 ? " | " : "") word[i]
            return text
        }
        function wrong(why) { print why > "/dev/stderr"; failed = 1 }
        END { exit failed || lines < 2 }
    ' "$folder/catalogue.tsv" "$folder/README.md" 2>"$work/err"
}

counts 4 MUST MUST-NOT SHOULD SHOULD-NOT MAY DEFINED SECURITY ROBUST ADVICE
result $? "README counts levels"
counts 7 active pcap both whitebox no
result $? "README counts testability"
counts 5 server client both
result $? "README counts roles"

awk -F'\t' '
    NR == FNR { if (FNR > 1) rows[$2]++; next }
    /^\| source \| rows \|/ { inside = 1; next }
    inside && !/^\|/ { inside = 0 }
    inside && !/^\|-/ {
        split($0, cell, / *\| */)
        if (cell[3] != rows[cell[2]] + 0) {
            print cell[2] ": " cell[3] " for " rows[cell[2]] > "/dev/stderr"
            failed = 1
        }
        delete rows[cell[2]]
        lines++
    }
    END {
        for (source in rows) {
            print source " is not listed" > "/dev/stderr"
            failed = 1
        }
        exit failed || lines < 2
    }
' "$folder/catalogue.tsv" "$folder/README.md" 2>"$work/err"
result $? "README counts sources"

echo "1..$tests"
