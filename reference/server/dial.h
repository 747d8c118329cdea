#ifndef DIAL_H
#define DIAL_H

/*
 * Outbound connections: resolves a name and tries each of its addresses until
 * one answers.
 */

#include <uv.h>

#include "session.h"
#include "stream.h"

struct dial;

struct dial_result {
    struct stream *stream;    /* connected, the caller's to own; NULL: failed */
    struct px_endpoint bound; /* our own address toward the target */
    enum dial_failure failure;
};

/* Called once, later than dial_new(), unless dial_cancel() came first. */
typedef void dial_fn(void *owner, const struct dial_result *result);

/* What rules about addresses are applied to. */
enum dial_rule {
    DIAL_RULE_CONNECTED, /* what is connected to */
    DIAL_RULE_WRITTEN,   /* a fault: a name that is an address as text */
    DIAL_RULE_NONE,      /* a fault: no name */
};

struct dial_options {
    /* An address that has not answered after so long makes room for the next,
     * if there is one; there is no other limit. */
    uint32_t attempt_ms;
    bool tries_one;    /* a fault: of a name only its first address */
    bool is_ipv4_only; /* a fault: of a name only IPv4 addresses */
    /* What the target's name may not turn out to be: these rules' addresses.
     * access outlives the dialling; NULL with no rules. */
    const struct access_rules *access;
    access_set rules;
    enum dial_rule rule;
};

/*
 * Starts dialling; target's name and the options are copied. events are those
 * of the stream that comes of it; done is told owner. NULL when memory is
 * short.
 */
struct dial *dial_new(uv_loop_t *loop, const struct px_endpoint *target,
                      const struct dial_options *options,
                      const struct stream_events *events, void *owner,
                      dial_fn *done);

/* Gives the attempt up; done is not called. NULL is accepted. */
void dial_cancel(struct dial *d);

/* What libuv's error means for the client. */
enum dial_failure dial_failure_of(int uv_error);

#endif
