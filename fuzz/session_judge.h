#ifndef SESSION_JUDGE_H
#define SESSION_JUDGE_H

/*
 * The oracle beside a session: it sees what a capture of the client's
 * connection would hold. A finding against the session that no reader could
 * dispute ends the program: either the session is wrong or the oracle is.
 */

#include "oracle.h"
#include "px.h"

struct judge {
    struct oracle *oracle;
    struct oracle_config cfg;
    bool has_ended[2]; /* indexed by oracle_side */
};

/* One at a time; cfg is copied. */
void judge_open(struct judge *j, const struct oracle_config *cfg);

/* What one side sent; nothing is seen of a side after its end. */
void judge_see(struct judge *j, enum oracle_side side, struct px_bytes data,
               uint64_t now_ms);
void judge_see_end(struct judge *j, enum oracle_side side, enum oracle_end end,
                   uint64_t now_ms);
void judge_tick(struct judge *j, uint64_t now_ms);

/* The connection is over: hears the last findings. */
void judge_close(struct judge *j, uint64_t now_ms);

#endif
