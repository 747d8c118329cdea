#ifndef CHUNKED_WITNESS_H
#define CHUNKED_WITNESS_H

/*
 * A second reader of the chunked coding, RFC 9112 section 7.1: of whole bodies
 * that follow the grammar to the letter, without the blanks that recipients
 * merely tolerate. It was written from the grammar, and shares nothing with the
 * decoder that it is held against.
 */

#include "px.h"

struct chunked_witness {
    bool is_whole;    /* a body that follows the grammar, to its end */
    size_t end;       /* octets of it */
    size_t chunks;    /* without the last one */
    size_t content;   /* octets of content, in the caller's buffer */
    size_t extension; /* leading zeros and extensions, of all size lines */
    struct px_bytes trailers; /* with the blank line; borrows */
};

/* Reads the body at the start of in; content has room for in.len octets. */
struct chunked_witness chunked_witness_read(struct px_bytes in,
                                            uint8_t *content);

#endif
