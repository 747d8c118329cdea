#ifndef FORWARD_BODY_H
#define FORWARD_BODY_H

/*
 * A message body on its way through: framed as it came, framed anew as it goes
 * on (RFC 9112 sections 6 and 7). Octets as they come; chunks keep their sizes,
 * so that cuts do not show. For this folder only.
 */

#include "forward_fields.h"
#include "http1_chunked.h"
#include "http1_framing.h"

enum {
    FORWARD_TRAILERS_MAX = 8192,
    /* Room that forward_pass_body() wants at least, and for forward_end_body.
     */
    FORWARD_BODY_ROOM = FORWARD_TRAILERS_MAX + 1024,
};

struct forward_body {
    enum http1_body from; /* how it comes; and goes on, not LENGTH to others */
    enum http1_body to;
    bool is_request;
    bool is_whole;
    uint64_t left; /* octets to come of a known length */
    bool is_in_chunk;
    struct http1_chunked chunked;
    const struct forward_options *options; /* never trailers; outlive this */
    size_t trailers_len;
    uint8_t trailers[FORWARD_TRAILERS_MAX];
};

/* Begins a body; length counts with HTTP1_BODY_LENGTH. */
void forward_begin_body(struct forward_body *b, enum http1_body from,
                        enum http1_body to, uint64_t length,
                        const struct forward_options *options);

/*
 * Takes octets from the front of in, as many as *out has room for, and writes
 * them as they go on. PX_DONE: the body is whole. PX_ERROR: it is malformed,
 * and incomplete for good.
 */
enum px_status forward_pass_body(struct forward_body *b, struct px_bytes in,
                                 struct px_writer *out, size_t *used,
                                 struct px_error *err);

/* Whether the next len octets go on as they come; then they are accounted for,
 * and forward_pass_body() is not to see them. The body may be whole by them. */
PX_CHECKED bool forward_pass_as_is(struct forward_body *b, size_t len);

/* The sender has closed: writes what ends a body that goes until then. False
 * when the body is incomplete. */
PX_CHECKED bool forward_close_body(struct forward_body *b,
                                   struct px_writer *out);

/* What is to come of the body, or of its chunk; UINT64_MAX: not known. */
uint64_t forward_body_left(const struct forward_body *b);

#endif
