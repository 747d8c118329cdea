#include "session_judge.h"

#include <stdlib.h>

#include "fuzz.h"

void judge_open(struct judge *j, const struct oracle_config *cfg)
{
    static void *memory; /* one for all: it is large */

    if (!memory)
        memory = malloc(oracle_size());
    *j = (struct judge){.cfg = *cfg};
    FUZZ_REQUIRE(memory, "memory for an oracle");
    j->oracle = oracle_init(memory, &j->cfg, NULL, NULL);
}

static void hear(struct judge *j)
{
    struct oracle_finding f;

    while (oracle_next_finding(j->oracle, &f))
        FUZZ_REQUIRE(f.side == SIDE_CLIENT || f.is_contested,
                     "the oracle accuses the session: %s at %llu, %llu ms: %s",
                     requirement_row(f.req)->id, (unsigned long long)f.offset,
                     (unsigned long long)f.time_ms, f.message);
}

void judge_see(struct judge *j, enum oracle_side side, struct px_bytes data,
               uint64_t now_ms)
{
    if (data.len == 0 || j->has_ended[side])
        return;
    oracle_bytes(j->oracle, side, data, now_ms);
    hear(j);
}

void judge_see_end(struct judge *j, enum oracle_side side, enum oracle_end end,
                   uint64_t now_ms)
{
    if (j->has_ended[side])
        return;
    j->has_ended[side] = true;
    oracle_end(j->oracle, side, end, now_ms);
    hear(j);
}

void judge_tick(struct judge *j, uint64_t now_ms)
{
    oracle_tick(j->oracle, now_ms);
    hear(j);
}

void judge_close(struct judge *j, uint64_t now_ms)
{
    oracle_finish(j->oracle, now_ms);
    hear(j);
}
