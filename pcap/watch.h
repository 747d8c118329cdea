#ifndef WATCH_H
#define WATCH_H

/*
 * watch: is this connection a proxy dialogue? No proxy speaks first, so who
 * does is taken for the client, whichever side opened the connection, and an
 * oracle listens. It takes two-sided evidence to call it a dialogue: the
 * server's first message has to answer the client's. A connection that cannot
 * become a dialogue any more is dismissed early.
 */

#include "capture.h"

enum {
    /* A first message longer than this opens no dialogue. */
    WATCH_OPENING_MAX = 16 * 1024,
    /* Kept of what the client sent first: an RFC 1928 greeting at its longest.
     */
    WATCH_KEPT = 257,
};

struct trial; /* the oracle, and what it found */

struct watch {
    struct trial *trial; /* NULL before the first octet, and when dismissed */
    int client;          /* which end spoke first; -1: none yet */
    bool is_midstream;   /* the caller's: the start was not captured for sure */
    bool is_dismissed;   /* no proxy dialogue; takes nothing any more */
    uint64_t last_ms;    /* time does not run backwards for an oracle */
};

struct watch watch_init(void);

/*
 * What the end (0 or 1) sent, lost, and how it ended, in order. PX_DONE, or
 * PX_ERROR when there is no memory. *used counts the memory of the oracle.
 */
enum px_status watch_bytes(struct watch *w, int end, struct px_bytes data,
                           uint64_t now_ms, size_t *used, struct px_error *err);
enum px_status watch_gap(struct watch *w, int end, uint64_t len, size_t *used,
                         struct px_error *err);
enum px_status watch_end(struct watch *w, int end, enum oracle_end how,
                         uint64_t now_ms, size_t *used, struct px_error *err);

/* Where datagrams go, once UDP ASSOCIATE was granted; NULL before. */
const struct px_endpoint *watch_relay(const struct watch *w);

/*
 * A datagram of the association, which the end (0 or 1) of the connection sent;
 * whole, header included.
 */
enum px_status watch_datagram(struct watch *w, int end, struct px_bytes data,
                              const struct px_endpoint *from,
                              const struct px_endpoint *to, uint64_t now_ms,
                              struct px_error *err);

/* The dialogue was seen whole, to its end: judges what is missing. */
enum px_status watch_finish(struct watch *w, uint64_t now_ms,
                            struct px_error *err);

enum watch_verdict {
    WATCH_NOTHING,   /* no proxy dialogue */
    WATCH_CANDIDATE, /* a first message, and no answer that fits: there was
                        none, or it was lost */
    WATCH_DIALOGUE,
};

enum watch_verdict watch_verdict(const struct watch *w, bool is_octet_lost);

/*
 * Fills in what the oracle says, after the rest of *out; not for
 * WATCH_NOTHING. The findings become the caller's, to be freed; a candidate
 * has none, nor has a dialogue whose start was not captured.
 */
void watch_report(struct watch *w, struct dialogue *out);

void watch_release(struct watch *w, size_t *used);

#endif
