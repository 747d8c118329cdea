#ifndef HTTP1_CHUNKED_H
#define HTTP1_CHUNKED_H

/*
 * The chunked transfer coding, RFC 9112 section 7.1, octets as they come. The
 * decoder keeps its place and nothing else: content and trailer section are
 * handed through as runs that borrow from the input. It refuses where the rest
 * cannot be read, and marks what a strict recipient refuses with an oddity.
 */

#include "http1.h"

/* Deviations that leave the rest readable; a bit set. */
enum http1_chunk_oddity {
    HTTP1_CHUNK_BARE_LF = 1 << 0,      /* ends a size line */
    HTTP1_CHUNK_DATA_BARE_LF = 1 << 1, /* follows the data of a chunk */
    HTTP1_CHUNK_SIZE_BLANKS = 1 << 2,  /* blanks between size and line end */
    HTTP1_CHUNK_EXT_BLANKS = 1 << 3,   /* around ';' or '=' (7.1.1) */
    HTTP1_CHUNK_EXT_SYNTAX = 1 << 4,   /* no name, value or end of quotes */
    HTTP1_CHUNK_CONTROL = 1 << 5,      /* NUL, or CR or LF out of place */
    HTTP1_CHUNK_TRAILER_BARE_LF = 1 << 6,
};

/* What a body may cost; exceeding one is an error. */
struct http1_chunked_limits {
    /* Octets of all size lines besides their significant digits and line
     * ends: leading zeros, blanks, extensions (http.chunked.ext-limit). */
    size_t extensions;
    /* Octets of the trailer section (http.limits.fields-4xx). */
    size_t trailers;
};

extern const struct http1_chunked_limits http1_chunked_default_limits;

/* Where a decoder is; zero it to begin. Only the decoder writes it. */
struct http1_chunked {
    uint8_t place;
    uint64_t left;       /* octets of the chunk still to come */
    uint64_t content;    /* octets of content so far */
    uint64_t chunks;     /* chunks begun, without the last one */
    uint64_t consumed;   /* octets taken so far; errors count from here */
    uint32_t oddities;   /* enum http1_chunk_oddity, of the body so far */
    size_t extension;    /* octets that limits->extensions bounds */
    size_t trailer;      /* octets of the trailer section */
    size_t trailer_line; /* what its line holds: see the decoder */
};

enum http1_chunk_piece_kind {
    HTTP1_CHUNK_NOTHING, /* the input held framing only */
    HTTP1_CHUNK_CONTENT,
    HTTP1_CHUNK_TRAILER, /* octets of the trailer section, blank line too */
};

struct http1_chunk_piece {
    enum http1_chunk_piece_kind kind;
    struct px_bytes octets; /* borrowed from the input */
};

/*
 * Takes octets from the front of in: framing, then one run at most of content
 * or trailer section, the last of the octets taken. With PX_NEED_MORE and
 * PX_DONE *used and *piece are written; call again with what is left, until
 * nothing is. PX_DONE: the body ended with these octets. PX_ERROR: a size is
 * no number (http.chunked.size-invalid) or too big (http.chunked.size-big),
 * data goes on behind its chunk (http.chunked.data-crlf), or a limit is
 * exceeded; err->offset counts from the start of the body.
 */
enum px_status http1_chunked_decode(struct http1_chunked *d,
                                    const struct http1_chunked_limits *limits,
                                    struct px_bytes in,
                                    struct http1_chunk_piece *piece,
                                    size_t *used, struct px_error *err);

/*
 * Decodes a whole trailer section, up to and including its blank line, as
 * field lines (RFC 9112 section 7.1.2); statuses as of a head.
 */
enum px_status http1_decode_trailers(struct px_bytes in,
                                     const struct http1_limits *limits,
                                     struct http1_fields *out, size_t *used,
                                     struct px_error *err);

/* Octets that a chunk of any size needs around its data at most. */
enum { HTTP1_CHUNK_OVERHEAD = 16 + 2 + 2 };

/* Writes one chunk; nothing for no data, which would end the body. */
void http1_put_chunk(struct px_bytes data, struct px_writer *out);

/* Writes the last chunk and an empty trailer section. */
void http1_put_last_chunk(struct px_writer *out);

#endif
