#ifndef LOAD_INTERNAL_H
#define LOAD_INTERNAL_H

/* What the files of load_run() share. */

#include "bench.h"

/* Seconds, monotonic. */
double load_now(void);

/* Fills *err with errno. */
enum px_status load_fail(struct px_error *err, const char *what);

/*
 * A connection toward this port of the sink: to the proxy, or to itself when
 * the route is direct. flags as for socket(); -1 with errno set.
 */
int load_connect(const struct load *l, enum sink_kind kind, int flags);

/* A tunnel, its socket blocking; the caller closes it. */
PX_CHECKED enum px_status load_open(const struct load *l, enum sink_kind kind,
                                    int *out, struct px_error *err);

/* The credentials of a route as a value of Proxy-Authorization. */
void bench_put_basic(struct px_writer *w, const struct bench_route *route);

/* load_run() for CONNECTS; for REQUESTS and RESPONSE. */
PX_CHECKED enum px_status load_connects(struct load *l, struct px_error *err);
PX_CHECKED enum px_status load_requests(struct load *l, struct px_error *err);

#endif
