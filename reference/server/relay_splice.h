#ifndef RELAY_SPLICE_H
#define RELAY_SPLICE_H

/*
 * Tunnels whose octets the system moves from socket to socket through a pipe,
 * splice(2), without this process reading them. A pipe belongs to a tunnel
 * only while octets are in it, so that idle tunnels hold none; it bounds what
 * is held of a side that nobody reads.
 */

#include <uv.h>

#include "px.h"

struct splicer;      /* what the tunnels of one loop share */
struct relay_splice; /* one tunnel */

/* The sides of a tunnel. */
enum splice_side { SPLICE_CLIENT, SPLICE_UPSTREAM, SPLICE_SIDES };

/* Each at most once for a side, reset also behind end, and only when all that
 * the side sent before has gone to the other. */
struct splice_events {
    void (*on_end)(void *owner, enum splice_side side);
    void (*on_reset)(void *owner, enum splice_side side);
};

/* NULL when the system has nothing to offer: then relay another way. */
struct splicer *splicer_new(uv_loop_t *loop);

/*
 * Its tunnels have to be closed before; the loop has to run until libuv has
 * let go of it. NULL is accepted.
 */
void splicer_close(struct splicer *s);

/*
 * Takes two connected sockets over, which stay the caller's to close, behind
 * relay_splice_close(): nobody else reads, or writes more than FIN. From a side
 * whose has_ended is true nothing more comes. events outlive it. NULL when
 * memory or descriptors are short; nothing has happened then.
 */
struct relay_splice *relay_splice_new(struct splicer *s,
                                      const int fds[SPLICE_SIDES],
                                      const bool has_ended[SPLICE_SIDES],
                                      const struct splice_events *events,
                                      void *owner);

/* Octets that were read and have not gone to the other side. */
size_t relay_splice_held(const struct relay_splice *r);

/* Lets go of the sockets, drops what is held; allowed inside an event too.
 * NULL is accepted. */
void relay_splice_close(struct relay_splice *r);

#endif
