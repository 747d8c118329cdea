#include "requirements.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const struct requirement_row rows[REQ_COUNT] = {
#include "requirement_rows.h"
};

const struct requirement_row *requirement_row(enum requirement req)
{
    assert(req > REQ_NONE && req < REQ_COUNT);
    return &rows[req];
}

enum requirement requirement_by_id(const char *id, size_t len)
{
    for (int req = REQ_NONE + 1; req < REQ_COUNT; req++) {
        if (strlen(rows[req].id) == len && memcmp(rows[req].id, id, len) == 0)
            return (enum requirement)req;
    }
    return REQ_NONE;
}

const char *requirement_level_name(enum requirement_level level)
{
    static const char *const names[LEVEL_COUNT] = {
        [LEVEL_MUST] = "MUST",         [LEVEL_MUST_NOT] = "MUST-NOT",
        [LEVEL_SHOULD] = "SHOULD",     [LEVEL_SHOULD_NOT] = "SHOULD-NOT",
        [LEVEL_MAY] = "MAY",           [LEVEL_DEFINED] = "DEFINED",
        [LEVEL_SECURITY] = "SECURITY", [LEVEL_ROBUST] = "ROBUST",
        [LEVEL_ADVICE] = "ADVICE",
    };

    assert(level >= 0 && level < LEVEL_COUNT);
    return names[level];
}

const char *requirement_role_name(enum requirement_role role)
{
    switch (role) {
    case ROLE_SERVER:
        return "server";
    case ROLE_CLIENT:
        return "client";
    case ROLE_BOTH:
        return "both";
    }
    assert(false && "a role of the catalogue");
    return "";
}

const char *requirement_testability_name(enum requirement_testability seen)
{
    switch (seen) {
    case SEEN_ACTIVE:
        return "active";
    case SEEN_PCAP:
        return "pcap";
    case SEEN_BOTH:
        return "both";
    case SEEN_WHITEBOX:
        return "whitebox";
    case SEEN_NO:
        return "no";
    }
    assert(false && "a testability of the catalogue");
    return "";
}
