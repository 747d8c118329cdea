#ifndef STAGE_H
#define STAGE_H

/*
 * Many servers at once on one loop, each with a fault or none, and every
 * dialogue with each of them over loopback sockets. What client and target saw
 * is kept. A target's address tells which server's and dialogue's it is.
 */

#include "dialogues.h"
#include "rows.h"
#include "server.h"

enum {
    STAGE_SLOTS = 16,          /* servers at once */
    STAGE_DIALOGUES_MAX = 150, /* 127.(100 + slot).(100 + dialogue).100 */
    TRACE_HEAD_MAX = 1024,     /* kept of a stream; of the rest a hash */
};

/* What one side of a dialogue saw. */
struct trace {
    size_t len;
    uint64_t hash; /* FNV-1a of what is behind the head */
    uint8_t head[TRACE_HEAD_MAX];
    unsigned contacts;
    enum { STAYS_OPEN, ENDED, BROKEN } end;
};

struct outcome {
    struct trace client;
    struct trace target;
};

/* One server and what comes of it. */
struct stage_part {
    const struct fault *fault; /* NULL: the reference as it should be */
    bool is_auth;
    struct outcome *outcomes; /* one for each dialogue */
};

/* cmocka's setup and teardown of a group; descriptors are not to run short. */
int stage_setup(void **state);
int stage_teardown(void **state);

/* Whether a fault of this name can show in it; NULL: the reference can. */
bool dialogue_concerns(const struct dialogue *d, const struct fault *fault);

/*
 * Runs at most STAGE_SLOTS parts until nothing happens any more. A part's slot
 * decides its addresses, and so what some of its octets are.
 */
void stage_run(const struct stage_part *parts, size_t count);

bool outcome_is_same(const struct outcome *a, const struct outcome *b);

#endif
