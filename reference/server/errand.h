#ifndef ERRAND_H
#define ERRAND_H

/*
 * What a session sends its server for: a connection to dial, a relay for
 * datagrams, a lookup, who the client is, a port to listen on, a file to
 * fetch. One of them at a time, each told as an event.
 */

#include "connection.h"
#include "stream.h"

struct errand {
    const struct connection_context *ctx;
    struct fault_memory *memory;               /* NULL without a fault */
    const struct stream_events *stream_events; /* of streams that come of it */
    /* Told what came of it, later than errand_run(): DIALLED, whose stream is
     * the owner's then, DIAL_FAILED, ASSOCIATED, RESOLVED, IDENTIFIED,
     * LISTENING, ACCEPTED, or what gateway_ftp.h tells. */
    void (*on_event)(void *owner, struct event event, struct stream *stream);
    void *owner;
    /* At most one is under way, or stands. */
    struct dial *dial;
    struct relay_udp *relay;
    struct lookup *lookup;
    struct identd *identd;
    struct listen *listen;
    struct gateway_ftp *gateway;
};

/*
 * Starts what action asks for, one of DIAL, ASSOCIATE, RESOLVE, IDENTIFY,
 * LISTEN and FETCH, on behalf of the client that is connected to tcp. False
 * when memory is short.
 */
PX_CHECKED bool errand_run(struct errand *e, const struct action *action,
                           const uv_tcp_t *client);

/* Who connected, for the caller to own, and no more listening (but for a
 * fault); or NULL. */
struct stream *errand_take_peer(struct errand *e);

/* Resets who connected, if anybody did; listens on. */
void errand_drop_peer(struct errand *e);

/* How many octets of what is fetched may be told now. */
void errand_read(struct errand *e, size_t room);

/* Drops what it was about; nothing more is told. */
void errand_drop(struct errand *e);

#endif
