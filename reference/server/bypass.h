#ifndef BYPASS_H
#define BYPASS_H

/*
 * Decides when the octets of a tunnel stop passing through its session, and
 * then lets the system relay them (relay_splice.h). A tunnel that little
 * passes through is as well off with buffers, and costs less.
 */

#include "relay_splice.h"
#include "session.h"
#include "stream.h"

/* What a side does from then on, as its stream would have told. */
typedef void bypass_event_fn(void *owner, enum event_kind kind);

struct bypass {
    struct splicer *splicer; /* NULL: never */
    uint64_t from;           /* after so many octets, of much at a time */
    bypass_event_fn *on_event;
    void *owner;
    bool is_allowed;             /* the session has said ACTION_RELAY */
    uint64_t relayed;            /* octets of both sides since */
    struct relay_splice *splice; /* NULL: not yet */
};

/* A bypass in storage of the caller's; fields as above. */
void bypass_init(struct bypass *b, struct splicer *splicer, uint64_t from,
                 bypass_event_fn *on_event, void *owner);

/* Counts octets that passed through the session. */
void bypass_count(struct bypass *b, size_t octets);

/*
 * Whether the system relays, from now on if it was time: then the streams are
 * not to be read or written any more.
 */
bool bypass_try(struct bypass *b, struct stream *client,
                struct stream *upstream);

/* Octets on their way through the system. */
size_t bypass_held(const struct bypass *b);

/* The streams are their owner's again, or closed right behind. */
void bypass_close(struct bypass *b);

#endif
