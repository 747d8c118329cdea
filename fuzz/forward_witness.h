#ifndef FORWARD_WITNESS_H
#define FORWARD_WITNESS_H

/*
 * What a forwarding session's origins get, held against what its client sent:
 * each request is of the strict grammar, is one that the client sent, in its
 * order, holds its content, and had the right to pass; a request that the
 * client did not send, or whose framing can be read in two ways, is passed on
 * by nobody.
 */

#include "forward_auth.h"
#include "px.h"

enum { WITNESS_STREAM_MAX = 1 << 17 };

/* Octets that one side sent, from the first one. */
struct witness_stream {
    uint8_t octets[WITNESS_STREAM_MAX];
    size_t len;
    bool is_full; /* some did not fit: nothing is checked */
};

void witness_keep(struct witness_stream *s, struct px_bytes data);

/* Where in the client's stream the last request on its way began, and how many
 * reached origins. */
struct witness {
    struct forward_auth *auth; /* what requests need to pass; or NULL */
    size_t at;
    bool is_begun;
    unsigned count;
};

/*
 * Checks everything that one connection to an origin was sent; it ends the
 * program when something does not hold. client is all that the client sent.
 * A message may be cut at the end of the connection.
 */
void witness_check(struct witness *w, const struct witness_stream *client,
                   const struct witness_stream *origin);

#endif
