#ifndef LOOKUP_H
#define LOOKUP_H

/* One question to the resolver: the address of a name, the name of one. */

#include <uv.h>

#include "session.h"

struct lookup;

struct lookup_result {
    struct px_address answer; /* kind NONE: .failure; a name borrows */
    enum dial_failure failure;
};

/* Called once, later than lookup_new(), unless lookup_cancel() came first. */
typedef void lookup_fn(void *owner, struct lookup *l,
                       const struct lookup_result *result);

/*
 * Asks for an address of a name, which is copied, or for the name of an IP
 * address. Of several addresses the first IPv4 one is the answer, since who
 * cannot try the next one is best served by what nearly every host has; else
 * the first. NULL when memory is short.
 */
struct lookup *lookup_new(uv_loop_t *loop, const struct px_address *question,
                          void *owner, lookup_fn *done);

/* Gives the question up; done is not called. NULL is accepted. */
void lookup_cancel(struct lookup *l);

#endif
