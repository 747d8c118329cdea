#ifndef HTTP1_DATE_H
#define HTTP1_DATE_H

/* Dates of HTTP: the fixed-length format of RFC 9110 section 5.6.7. */

#include "px.h"

enum { HTTP1_DATE_LEN = 29 };

/*
 * Writes this time, in seconds since 1970-01-01 00:00:00 UTC, up to the end of
 * the year 9999: "Sun, 06 Nov 1994 08:49:37 GMT".
 */
void http1_put_date(uint64_t unix_s, struct px_writer *out);

#endif
