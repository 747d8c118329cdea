#ifndef HTTP1_FRAMING_H
#define HTTP1_FRAMING_H

/*
 * Where the body of an HTTP/1 message ends: RFC 9112 section 6, from the
 * fields of a decoded head. Every head gets an answer, and each defect of its
 * framing fields a bit of its own: a strict recipient refuses on a bit, a
 * tolerant one goes on with the answer for as long as it is certain.
 */

#include "http1.h"

enum http1_body {
    HTTP1_BODY_NONE,     /* the message ends with its blank line */
    HTTP1_BODY_LENGTH,   /* as many octets as its Content-Length says */
    HTTP1_BODY_CHUNKED,  /* RFC 9112 section 7.1 */
    HTTP1_BODY_TO_CLOSE, /* until the sender closes; responses only */
};

/* What is wrong with the fields that tell the framing; a bit set. */
enum http1_defect {
    /* Content-Length (RFC 9112 section 6.2, RFC 9110 section 8.6) */
    HTTP1_LENGTH_REPEATED = 1 << 0, /* one value, in a list or on two lines */
    HTTP1_LENGTH_CONFLICT = 1 << 1, /* values that differ */
    HTTP1_LENGTH_INVALID = 1 << 2,  /* empty, a sign, no decimal digit */
    HTTP1_LENGTH_OVERFLOW = 1 << 3, /* digits beyond 2^64 - 1 */
    /* Transfer-Encoding (RFC 9112 sections 6.1 and 7) */
    HTTP1_CODING_AND_LENGTH = 1 << 4, /* both fields are there */
    HTTP1_CODING_OTHER = 1 << 5,      /* a registered one besides chunked */
    HTTP1_CODING_UNKNOWN = 1 << 6,    /* one that is not registered */
    HTTP1_CODING_INVALID = 1 << 7,    /* no token, or no member at all */
    HTTP1_CODING_PARAMETERS = 1 << 8, /* on chunked or a compression (7.2) */
    HTTP1_CHUNKED_NOT_LAST = 1 << 9,  /* another coding follows it */
    HTTP1_CHUNKED_TWICE = 1 << 10,
    HTTP1_CHUNKED_MISSING = 1 << 11, /* codings, and none of them chunked */
    HTTP1_CODING_HTTP10 = 1 << 12,   /* in a message older than HTTP/1.1 */
    /* Either, in a response that can have no body: 1xx, 204, 2xx to CONNECT */
    HTTP1_LENGTH_FORBIDDEN = 1 << 13,
    HTTP1_CODING_FORBIDDEN = 1 << 14,
};

struct http1_framing {
    enum http1_body body;
    uint64_t length;  /* with HTTP1_BODY_LENGTH */
    uint32_t defects; /* enum http1_defect */
    /*
     * Whether every careful recipient finds this end; false where the fields
     * leave it open, and what follows the head can no longer be told apart.
     */
    bool is_certain;
};

/* The request that a response answers, as far as its framing depends on it. */
struct http1_asked {
    bool is_head;
    bool is_connect;
};

/* Section 6.3, rules 3 to 7. Without either field a request has no body. */
struct http1_framing
http1_request_framing(const struct http1_request_head *head);

/*
 * Section 6.3, rules 1 to 5 and 8. Fields that a HEAD response or a 304 may
 * carry are read, their defects told, and do not count.
 */
struct http1_framing
http1_response_framing(const struct http1_response_head *head,
                       struct http1_asked asked);

/*
 * The requirement for which a strict recipient refuses such a request; NONE
 * when its framing is sound. A repeated length may be collapsed instead.
 */
enum requirement http1_request_defect(uint32_t defects);

/* The same for a response: what makes it one that is answered with 502. */
enum requirement http1_response_defect(uint32_t defects);

#endif
