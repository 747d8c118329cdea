#ifndef IDENTD_H
#define IDENTD_H

/* One question to the identd of a client's host (RFC 1413): who it is. */

#include <uv.h>

#include "px.h"

struct identd;

/*
 * Called once, later than identd_new(), unless identd_cancel() came first.
 * is_reached: there was an answer; user borrows, and is empty when the answer
 * names nobody.
 */
typedef void identd_fn(void *owner, bool is_reached, struct px_bytes user);

/*
 * Asks who owns the client's end of this connection, at the address that it
 * comes from, from the one that it came to. It waits as long as the owner does.
 * NULL when memory is short, the client is gone or its host has no route.
 */
struct identd *identd_new(uv_loop_t *loop, const uv_tcp_t *client, void *owner,
                          identd_fn *done);

/* Gives the question up; done is not called. NULL is accepted. */
void identd_cancel(struct identd *i);

#endif
