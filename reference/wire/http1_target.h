#ifndef HTTP1_TARGET_H
#define HTTP1_TARGET_H

/*
 * Request-targets of HTTP/1, RFC 9112 section 3.2, and the http URI in them,
 * RFC 9110 section 4.2.1. A target is taken apart as it was sent: what a
 * proxy refuses (user information, a fragment) is told, not judged. All text
 * borrows from the input.
 */

#include "px.h"

enum http1_target_form {
    HTTP1_TARGET_ORIGIN,    /* "/path?query" (3.2.1) */
    HTTP1_TARGET_ABSOLUTE,  /* "scheme://host/path" (3.2.2) */
    HTTP1_TARGET_AUTHORITY, /* "host:port" (3.2.3) */
    HTTP1_TARGET_ASTERISK,  /* "*" (3.2.4) */
};

struct http1_target {
    enum http1_target_form form;
    struct px_bytes scheme;   /* without ':'; empty in other forms */
    bool is_http;             /* the scheme is "http", in any case */
    bool has_userinfo;        /* an '@' in the authority */
    struct px_bytes userinfo; /* what is before it, as sent */
    bool has_fragment;        /* a '#' anywhere */
    struct px_bytes host;     /* as sent, a literal with its brackets */
    /* port is 0 when none was sent, or an empty one. */
    struct px_endpoint endpoint;
    struct px_bytes path; /* path and query, as sent; may be empty */
};

enum { HTTP1_PORT = 80 }; /* of http without a port (RFC 9110, 4.2.1) */

/*
 * Takes a target apart. False with *err set when it has none of the forms, an
 * octet that no URI has (http.line.invalid), no host (http.target.empty-host)
 * or no port up to 65535 behind a colon (http.target.port-range).
 */
PX_CHECKED bool http1_parse_target(struct px_bytes in, struct http1_target *out,
                                   struct px_error *err);

/* Writes host [":" port], without http's own port: the value of Host. */
void http1_put_host(const struct http1_target *target, struct px_writer *out);

#endif
