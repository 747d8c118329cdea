#!/bin/sh
# Every seed and every regression holds, and reaches what corpus/reached.tsv
# says: a seed that no longer gets anywhere is no seed.
set -u
export LC_ALL=C
build=${BUILD:-build/asan}
list=$(mktemp)
reached=$(mktemp)
trap 'rm -f "$list" "$reached"' EXIT
failed=0

for replay in "$build"/fuzz/*_replay; do
    name=$(basename "$replay" _replay)
    "$replay" -r "$reached" "corpus/$name" | grep -v '^1\.\.' || failed=1
    sed 's,^corpus/,,' "$reached" >>"$list"
done

if diff corpus/reached.tsv "$list"; then
    echo "ok - each seed reaches what corpus/reached.tsv says"
else
    echo "not ok - each seed reaches what corpus/reached.tsv says"
    failed=1
fi
exit $failed
