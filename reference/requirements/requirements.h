#ifndef REQUIREMENTS_H
#define REQUIREMENTS_H

/*
 * The requirements catalogue: catalogue.tsv is the one list, and the enum and
 * the table below are made from it when the project is built. A requirement
 * that C code names and the catalogue lacks does not compile; scripts look
 * theirs up with requirement_by_id() when they are loaded.
 */

#include <stddef.h>

/* REQ_ and the id in capitals, dots and dashes as underscores. */
enum requirement {
    REQ_NONE,
#include "requirement_ids.h"
    REQ_COUNT
};

/* How strongly the source asks; README.md says how each was chosen. */
enum requirement_level {
    LEVEL_MUST,
    LEVEL_MUST_NOT,
    LEVEL_SHOULD,
    LEVEL_SHOULD_NOT,
    LEVEL_MAY,
    LEVEL_DEFINED,
    LEVEL_SECURITY,
    LEVEL_ROBUST,
    LEVEL_ADVICE,
    LEVEL_COUNT
};

/* Whose duty it is. */
enum requirement_role { ROLE_SERVER, ROLE_CLIENT, ROLE_BOTH };

/* By what means a violation can be seen at all. */
enum requirement_testability {
    SEEN_ACTIVE,
    SEEN_PCAP,
    SEEN_BOTH,
    SEEN_WHITEBOX,
    SEEN_NO
};

/* One row; every string is static. */
struct requirement_row {
    const char *id;      /* dotted lower case: "socks5.request.rsv" */
    const char *source;  /* "RFC1928", "PRACTICE" */
    const char *section; /* "6"; "-" where the source has none */
    enum requirement_level level;
    enum requirement_role role;
    enum requirement_testability testability;
    const char *summary; /* what it asks, in one sentence */
    const char *how;     /* stimulus, what counts, what does not */
};

/* The row of req; REQ_NONE and values out of range are a caller's bug. */
const struct requirement_row *requirement_row(enum requirement req);

/* The requirement with this id of len octets; REQ_NONE when there is none. */
enum requirement requirement_by_id(const char *id, size_t len);

/* The catalogue's word for each: "MUST-NOT", "server", "active". Static. */
const char *requirement_level_name(enum requirement_level level);
const char *requirement_role_name(enum requirement_role role);
const char *requirement_testability_name(enum requirement_testability seen);

#endif
