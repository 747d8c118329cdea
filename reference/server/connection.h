#ifndef CONNECTION_H
#define CONNECTION_H

/* One client of the server: what its session decides is carried out here. */

#include "server.h"

struct connection;
struct spares;
struct splicer;
struct tls_context;

enum { CONNECTION_BUFFER = 64 * 1024 };

/* What every connection of one listener has in common. */
struct connection_context {
    uv_loop_t *loop;
    const struct session_config *config;
    const struct fault *fault;
    uint64_t *fault_shared; /* FAULT_SHARED_MAX, for what a fault remembers */
    const char *user; /* what a fault may compare with; NULL: none asked for */
    const char *password;
    const struct tls_context *tls; /* NULL: clients speak without TLS */
    uint8_t *buffer; /* CONNECTION_BUFFER octets that all read into in turn */
    struct spares *spares;   /* of sessions of this protocol, or NULL */
    struct splicer *splicer; /* NULL: relay through buffers */
    uint64_t splice_from;    /* octets; server_config's */
    bool has_no_fragments;   /* of its UDP associations */
    uint32_t stall_ms;       /* server_config's stall_timeout_ms */
    /* Called once the connection is gone and freed. */
    void (*on_gone)(void *ctx, struct connection *connection);
    void *ctx;
};

/*
 * Accepts the connection that waits at listener and starts serving it; ctx
 * outlives it. NULL when it could not be accepted or memory is short.
 */
struct connection *connection_accept(uv_stream_t *listener,
                                     const struct connection_context *ctx);

/* Resets both sides and lets go of everything; on_gone follows. */
void connection_abort(struct connection *c);

/* For the list that the server keeps. */
struct connection *connection_next(const struct connection *c);
void connection_link(struct connection *c, struct connection **head);
void connection_unlink(struct connection *c, struct connection **head);

#endif
