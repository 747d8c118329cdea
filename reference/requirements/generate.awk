# Makes the enum and the table of requirements from catalogue.tsv.
#
#   awk -f generate.awk -v part=ids  catalogue.tsv > requirement_ids.h
#   awk -f generate.awk -v part=rows catalogue.tsv > requirement_rows.h
#
# A malformed row, an unknown level, role or testability, or an id used twice
# stops the build with the file and line.
BEGIN {
    FS = "\t"
    split("MUST MUST-NOT SHOULD SHOULD-NOT MAY DEFINED SECURITY ROBUST ADVICE",
          names, " ")
    for (i in names) levels[names[i]] = 1
    split("server client both", names2, " ")
    for (i in names2) roles[names2[i]] = 1
    split("active pcap both whitebox no", names3, " ")
    for (i in names3) seen_by[names3[i]] = 1
    print "/* Generated from catalogue.tsv; change that file instead. */"
}

function fail(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    failed = 1
    exit 1
}

function symbol(id) {
    gsub(/[.-]/, "_", id)
    return "REQ_" toupper(id)
}

function constant(prefix, word) {
    gsub(/-/, "_", word)
    return prefix toupper(word)
}

function quoted(text) {
    gsub(/\\/, "&&", text) # doubles it under every awk
    gsub(/"/, "\\\"", text)
    gsub(/\?\?/, "?\\?", text)
    return "\"" text "\""
}

NR == 1 {
    if ($1 != "id" || NF != 8) fail("the header row is not the expected one")
    next
}

{
    if (NF != 8) fail(NF " fields where 8 are due")
    if ($1 !~ /^[a-z0-9]+(\.[a-z0-9-]+)+$/) fail("id '" $1 "' is not dotted lower case")
    if ($1 in lines) fail("id '" $1 "' was used on line " lines[$1])
    if (symbol($1) in symbols) fail("id '" $1 "' has the symbol of '" symbols[symbol($1)] "'")
    if (!($4 in levels)) fail("unknown level '" $4 "'")
    if (!($5 in roles)) fail("unknown role '" $5 "'")
    if (!($7 in seen_by)) fail("unknown testability '" $7 "'")
    lines[$1] = FNR
    symbols[symbol($1)] = $1
    if (part == "ids")
        printf "    %s,\n", symbol($1)
    else
        printf "[%s] = {%s, %s, %s, %s, %s, %s, %s, %s},\n", symbol($1),
               quoted($1), quoted($2), quoted($3), constant("LEVEL_", $4),
               constant("ROLE_", $5), constant("SEEN_", $7), quoted($6),
               quoted($8)
}

END { exit failed }
