#ifndef FORWARD_FIELDS_H
#define FORWARD_FIELDS_H

/*
 * Which fields of a message a proxy passes on and which end with the
 * connection they came on: RFC 9110 section 7.6. For this folder only.
 */

#include "http1.h"

enum { FORWARD_OPTIONS_MAX = 2048 };

/* The connection-options of a message, for its head and its trailers. */
struct forward_options {
    bool is_over; /* there are more than fit */
    size_t len;
    char names[FORWARD_OPTIONS_MAX]; /* each with a comma behind it */
};

/* Gathers the members of every Connection line. */
void forward_read_options(const struct http1_fields *fields,
                          struct forward_options *out);

/* Whether name, in any case, is one of them. */
bool forward_has_option(const struct forward_options *options,
                        struct px_bytes name);

/* What is left out of a head besides what is never passed on. */
struct forward_filter {
    const struct forward_options *options;
    bool drops_host, drops_expect, drops_max_forwards, drops_trailer;
};

/*
 * Writes the lines that are passed on, in their order, each with its CRLF:
 * without the options, Connection, the fields of framing, and those known to
 * end with a connection. Folds become blanks (RFC 9112 section 5.2).
 */
void forward_put_fields(const struct http1_fields *fields,
                        const struct forward_filter *filter,
                        struct px_writer *out);

/* Writes the trailer lines that may be passed on as trailers. */
void forward_put_trailers(const struct http1_fields *fields,
                          const struct forward_options *options,
                          struct px_writer *out);

/* Writes one field line. */
void forward_put_field(const char *name, struct px_bytes value,
                       struct px_writer *out);

/* Writes this proxy's Via line for a message that came in HTTP/1.minor. */
void forward_put_via(unsigned minor, const char *pseudonym,
                     struct px_writer *out);

/* Whether Via says that the message has passed pseudonym. */
bool forward_has_passed(const struct http1_fields *fields,
                        const char *pseudonym);

#endif
