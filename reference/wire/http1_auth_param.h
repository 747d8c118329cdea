#ifndef HTTP1_AUTH_PARAM_H
#define HTTP1_AUTH_PARAM_H

/*
 * Challenges and credentials as RFC 9110 sections 11.2 to 11.4 have them: a
 * scheme, then one token68 or a list of parameters. These work on whole field
 * values, without whitespace around them; everything borrows from the input.
 */

#include "px.h"

/* name "=" value, with optional whitespace around the sign. */
struct http1_auth_param {
    struct px_bytes name;  /* a token, as sent */
    struct px_bytes value; /* without its quotes; pairs are kept as sent */
    bool is_quoted;
};

enum http1_auth_next {
    HTTP1_AUTH_PARAM, /* *out holds it */
    HTTP1_AUTH_END,   /* nothing but commas and whitespace was left */
    HTTP1_AUTH_BAD,   /* what is left begins with no parameter */
};

/*
 * Splits credentials: the scheme, and what follows the spaces behind it. False
 * when value does not begin with a token that ends there or before a space.
 */
PX_CHECKED bool http1_split_credentials(struct px_bytes value,
                                        struct px_bytes *scheme,
                                        struct px_bytes *rest);

/*
 * Takes the next parameter off a comma-separated list; empty members are
 * skipped (RFC 9110 section 5.6.1.2). A value is a token or a quoted-string,
 * and a comma or the end follows it; *rest stays untouched if not.
 */
enum http1_auth_next http1_next_auth_param(struct px_bytes *rest,
                                           struct http1_auth_param *out);

/*
 * Writes the octets that a value stands for: a quoted-pair is its second
 * octet (RFC 9110 section 5.6.4). The writer is full when they do not fit.
 */
void http1_put_auth_value(const struct http1_auth_param *param,
                          struct px_writer *out);

/* Writes text as a quoted-string, with its quotes and the pairs it needs. */
void http1_put_quoted(struct px_bytes text, struct px_writer *out);

#endif
