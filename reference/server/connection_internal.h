#ifndef CONNECTION_INTERNAL_H
#define CONNECTION_INTERNAL_H

/* What connection.c and connection_fault.c share; nobody else includes it. */

#include "bypass.h"
#include "connection.h"
#include "errand.h"
#include "stream.h"

struct connection {
    const struct connection_context *ctx;
    struct connection *next;
    struct connection *previous;
    struct session *session;
    struct fault_memory *memory; /* NULL without a fault */
    struct stream *client;
    struct stream *upstream;
    struct errand errand;
    struct bypass bypass;
    uv_timer_t timer;
    unsigned open_handles; /* streams and the timer; freed at 0 */
    bool is_shrunk;        /* the session keeps what a tunnel needs */
    bool is_hanging;       /* a fault wants nothing done any more */
    bool is_fault_timer;   /* a fault has armed the timer while relaying */
    bool is_closing;       /* the session is done; what is left goes out */
    bool is_resetting;     /* and then both sides are reset */
    size_t left;           /* octets that were left at the last progress */
    uint64_t stalled_ms;   /* when to give up without further progress */
};

/* Shows the session an event, and carries out what it decides. */
void connection_deliver(struct connection *c, const struct event *event);

/* Carries out what the session has decided, until it waits. */
void connection_drain(struct connection *c);

/* Carries out one action. */
void connection_carry_out(struct connection *c, const struct action *action);

/* Reads from each side as long as the session and the other side allow. */
void connection_update_reading(struct connection *c);

/* Does nothing any more, and is dropped after hang_ms milliseconds. */
void connection_hang(struct connection *c, uint64_t hang_ms);

/* Beside a fault, c->memory: the same for an event and for an action that the
 * fault is shown before, and may change. */
void connection_feed_fault(struct connection *c, struct event event);
void connection_carry_out_fault(struct connection *c, struct action *action);

/* What the session is configured by; one beside a fault has a configuration of
 * its own to be led astray. */
const struct session_config *connection_configure(struct connection *c);

#endif
