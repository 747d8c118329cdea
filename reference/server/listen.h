#ifndef LISTEN_H
#define LISTEN_H

/*
 * A BIND's listener: one port for one connection, at the address at which the
 * client reached us.
 */

#include <uv.h>

#include "session.h"
#include "stream.h"

struct listen;

/* What a listener tells its owner, later than listen_new(). */
struct listen_events {
    /* Once: where it listens. */
    void (*on_listening)(void *owner, const struct px_endpoint *bound);
    /* It cannot listen, or no longer; it frees itself behind this. */
    void (*on_failed)(void *owner, enum dial_failure failure);
    /* Somebody connected, and waits until it is taken or dropped. */
    void (*on_peer)(void *owner, const struct px_endpoint *peer);
};

/* Whom to listen for, and on whose behalf. */
struct listen_config {
    uv_loop_t *loop;
    const uv_tcp_t *client;
    const struct px_address *peer; /* an IP address; kind NONE: anybody */
    const struct stream_events *stream_events; /* of the peer's stream */
    const struct listen_events *events;
    void *owner;
};

/*
 * Starts to listen. For a peer of another IP version than the client's it
 * does so at our address toward that peer. cfg and peer are copied, what they
 * point to otherwise outlives the listener. NULL when memory is short.
 */
struct listen *listen_new(const struct listen_config *cfg);

/*
 * The connection that waits, for the caller to own; NULL when there is none.
 * It listens on; who else connected is reset by the system once it is closed.
 */
struct stream *listen_take(struct listen *l);

/* Resets the connection that waits, if there is one; listens on. */
void listen_drop(struct listen *l);

/* Closes all; nothing more is told. NULL is accepted. */
void listen_close(struct listen *l);

#endif
