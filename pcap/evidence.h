#ifndef EVIDENCE_H
#define EVIDENCE_H

/*
 * evidence: how sure it is that octets are SOCKS or HTTP for a proxy. Beyond
 * what the oracle followed it goes by who sent how much in one go, because a
 * capture holds protocols of every kind.
 */

#include "watch.h"

struct evidence {
    uint64_t octets[2];     /* by oracle_side */
    uint64_t first_piece;   /* the client's first octets in one go */
    uint64_t before_answer; /* the client's octets when the server began */
    uint64_t burst;         /* the server's until the client went on */
    bool is_burst_over;
    bool is_gapped; /* octets of the client were lost: opening ends */
    size_t opening_len;
    uint8_t opening[WATCH_KEPT]; /* what the client sent first */
};

/* One side sent octets, or lost some. */
void evidence_note(struct evidence *e, enum oracle_side side,
                   struct px_bytes data);
void evidence_note_gap(struct evidence *e, enum oracle_side side);

/* Whether what the client sent so far can begin any of the protocols. */
bool evidence_can_open(const struct evidence *e);

/* Whether the oracle took the server's first message for an answer. */
bool evidence_is_answered(const struct oracle_summary *summary);

/* Of an answered one: whether both sides' messages leave no doubt. */
bool evidence_is_proof(const struct evidence *e,
                       const struct oracle_summary *summary, bool is_midstream);

/* Of an unanswered one: whether the client's message may have been to a proxy.
 */
bool evidence_is_opening(const struct evidence *e,
                         const struct oracle_summary *summary,
                         bool is_midstream, bool is_octet_lost);

/* Fills in verb and methods, and of a cut CONNECT the summary's target. */
void evidence_report(const struct evidence *e, struct dialogue *out);

#endif
