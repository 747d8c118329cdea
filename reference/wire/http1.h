#ifndef HTTP1_H
#define HTTP1_H

/*
 * HTTP/1 message heads: start-line and field section, RFC 9112 sections 2 to
 * 5. A head is decoded whole, once its blank line is there; the decoders
 * refuse only where the rest cannot be read, and mark every other deviation
 * with an oddity, so that a strict proxy and a tolerant judge share them.
 * All text borrows from the input.
 */

#include "px.h"

/* Deviations that leave the rest readable; a bit set. */
enum http1_oddity {
    HTTP1_BARE_LF = 1 << 0,       /* a line ended in LF alone (2.2) */
    HTTP1_BARE_CR = 1 << 1,       /* CR not followed by LF (2.2) */
    HTTP1_FOLDED = 1 << 2,        /* obs-fold (5.2) */
    HTTP1_COLON_SPACE = 1 << 3,   /* whitespace before the colon (5.1) */
    HTTP1_NOT_TOKEN = 1 << 4,     /* name or method is empty or no token */
    HTTP1_NO_COLON = 1 << 5,      /* a field line without a colon (5) */
    HTTP1_INDENTED = 1 << 6,      /* whitespace before the first field (2.2) */
    HTTP1_CONTROL = 1 << 7,       /* NUL in a value (RFC 9110, 5.5) */
    HTTP1_LOOSE_SPACING = 1 << 8, /* start-line spacing is not single SP */
    HTTP1_EXTRA_WORDS = 1 << 9,   /* more than three words (3) */
    HTTP1_NO_VERSION = 1 << 10,   /* the version is missing: HTTP/0.9 form */
    HTTP1_BAD_VERSION = 1 << 11,  /* not HTTP/DIGIT.DIGIT (2.3) */
    HTTP1_BAD_STATUS = 1 << 12,   /* the code is not three digits (4) */
    HTTP1_NO_REASON_SPACE = 1 << 13, /* SP after the code is missing (4) */
    HTTP1_LEADING_CRLF = 1 << 14, /* empty lines before the start-line (2.2) */
};

/* What a head may cost; exceeding one is an error naming http.limits.*. */
struct http1_limits {
    size_t start_line; /* octets of the request-line; http.target.too-long */
    size_t section;    /* octets of the whole field section */
    size_t fields;     /* field lines */
};

/* 8000 octets of request-line are recommended at least (section 3). */
extern const struct http1_limits http1_default_limits;

struct http1_field {
    struct px_bytes name;  /* as sent, without whitespace around it */
    struct px_bytes value; /* without whitespace around it; folds are kept */
    uint32_t oddities;     /* enum http1_oddity of this line */
};

enum { HTTP1_FIELDS_MAX = 256 };

struct http1_fields {
    size_t count;
    uint32_t oddities; /* of every line together */
    struct http1_field at[HTTP1_FIELDS_MAX];
};

struct http1_request_line {
    struct px_bytes method;
    struct px_bytes target;
    uint8_t major, minor; /* 0.9 when the version is missing */
    uint32_t oddities;
};

struct http1_status_line {
    uint8_t major, minor;
    uint16_t code; /* 0 with HTTP1_BAD_STATUS */
    struct px_bytes reason;
    uint32_t oddities;
};

struct http1_request_head {
    struct http1_request_line line;
    struct http1_fields fields;
};

struct http1_response_head {
    struct http1_status_line line;
    struct http1_fields fields;
};

/*
 * Decodes a head up to and including its blank line. PX_NEED_MORE until that
 * line is there, PX_ERROR when a limit is exceeded (known before the blank
 * line) or, for a response, when the input does not begin with "HTTP/".
 * A request of the HTTP/0.9 form ends with its first line. Until PX_DONE *out
 * holds parts of the head: it is too large to be built elsewhere and copied.
 */
enum px_status http1_decode_request_head(struct px_bytes in,
                                         const struct http1_limits *limits,
                                         struct http1_request_head *out,
                                         size_t *used, struct px_error *err);
enum px_status http1_decode_response_head(struct px_bytes in,
                                          const struct http1_limits *limits,
                                          struct http1_response_head *out,
                                          size_t *used, struct px_error *err);

/* The first field with this name, any case; NULL when there is none. */
const struct http1_field *http1_find(const struct http1_fields *fields,
                                     const char *name);

/* How many field lines carry this name. */
size_t http1_count(const struct http1_fields *fields, const char *name);

/*
 * Takes the next member off a comma-separated list, without whitespace around
 * it; empty members are skipped (RFC 9110 section 5.6.1.2). False at the end.
 */
PX_CHECKED bool http1_next_member(struct px_bytes *list,
                                  struct px_bytes *member);

/* Whether the list in the fields of this name has this member, any case. */
bool http1_lists(const struct http1_fields *fields, const char *name,
                 const char *member);

/*
 * Authority-form, host ":" port (RFC 9112, 3.2.3): a name, an IPv4 literal or
 * a bracketed IPv6 literal, and a port of 1 to 5 digits up to 65535. Refuses
 * everything else (http.connect.port-invalid, http.connect.target-form,
 * http.connect.ipv6). out borrows a name from in.
 */
PX_CHECKED bool http1_parse_authority(struct px_bytes in,
                                      struct px_endpoint *out,
                                      struct px_error *err);

/* A host as in a URI (RFC 3986, 3.2.2): a name, IPv4 or bracketed IPv6. */
PX_CHECKED bool http1_parse_host(struct px_bytes in, struct px_address *out);

/* Whether every octet may stand in a token, and there is one (RFC 9110). */
bool http1_is_token(struct px_bytes text);

/*
 * Basic credentials (RFC 7617): the value of Proxy-Authorization. Decodes the
 * base64 into buf; user and password borrow from it, split at the first colon.
 * False when it is not Basic, not base64, has no colon or does not fit.
 */
PX_CHECKED bool http1_parse_basic(struct px_bytes value, uint8_t *buf,
                                  size_t cap, struct px_bytes *user,
                                  struct px_bytes *password);

/* Writes "Basic " and the base64 of user ":" password. */
void http1_write_basic(struct px_bytes user, struct px_bytes password,
                       struct px_writer *out);

#endif
