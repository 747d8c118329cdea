#!/bin/sh
# Builds every fuzz target the way that OSS-Fuzz and ClusterFuzzLite ask:
# with $CC $CFLAGS, linked by $CXX $CXXFLAGS with $LIB_FUZZING_ENGINE, into
# $OUT together with its seeds, its dictionary and its options. Intermediate
# files go to $WORK. Knows nothing about the engine or the sanitizer. Where
# $OUT moves to another machine, $PCAP_LIBS and $PARSER_LIBS name static ones of
# libpcap and libhttp-parser.
set -eu
cd "$(dirname "$0")/.."
: "${CC:?}" "${CXX:?}" "${OUT:?}" "${WORK:?}" "${LIB_FUZZING_ENGINE:?}"
gen=$WORK/gen
mkdir -p "$gen" "$OUT"

for part in ids rows; do
    awk -f reference/requirements/generate.awk -v part=$part \
        reference/requirements/catalogue.tsv >"$gen/requirement_$part.h"
done

folders="reference/requirements reference/wire reference/session
  reference/oracle pcap fuzz"
includes="-I$gen"
sources=""
for folder in $folders; do
    includes="$includes -I$folder"
    sources="$sources $(ls $folder/*.c)"
done

# One object for each source, as many at once as there are processors.
# shellcheck disable=SC2086 # lists of flags and files
printf '%s\n' $sources | grep -v '^fuzz/replay.c$' |
    xargs -P "$(nproc)" -I{} sh -c '
        object=$(echo "$1" | tr / .)
        '"$CC -std=c17 -D_GNU_SOURCE ${CFLAGS:-} $includes"' \
            -c -o "$WORK/${object%.c}.o" "$1"' sh {}

for source in fuzz/*_fuzz.c; do
    target=$(basename "$source" .c)
    name=${target%_fuzz}
    # shellcheck disable=SC2046,SC2086
    $CXX ${CXXFLAGS:-} -o "$OUT/$target" "$WORK/fuzz.$target.o" \
        $(ls "$WORK"/*.o | grep -v '_fuzz\.o$') $LIB_FUZZING_ENGINE \
        ${PCAP_LIBS:--lpcap} ${PARSER_LIBS:--lhttp_parser}
    (cd "corpus/$name" && python3 -m zipfile -c \
        "$OUT/${target}_seed_corpus.zip" $(find . -type f | LC_ALL=C sort))
    printf '[libfuzzer]\nmax_len = 4096\n' >"$OUT/$target.options"
    if [ -e "fuzz/$name.dict" ]; then
        cp "fuzz/$name.dict" "$OUT/$target.dict"
        printf 'dict = %s.dict\n' "$target" >>"$OUT/$target.options"
    fi
done
