#ifndef ACCESS_WORDS_H
#define ACCESS_WORDS_H

/*
 * The words of rules and requests, "[METHOD ]HOST[:PORT][/PATH]", for the
 * target of access.h: told apart by their marks alone, and read without the
 * codecs that the session uses. Whatever is taken from a text borrows from it.
 */

#include "px.h"

struct words {
    bool has_method, has_port;
    struct px_bytes method, host, port, path;
};

/* Any line has words; method and port are without their marks. */
struct words words_split(struct px_bytes line);

/* Takes what stands before mark, or everything, and leaves what is behind. */
struct px_bytes words_cut(struct px_bytes *rest, char mark);

/* Whether the case of letters is all that they differ in. */
bool words_are_same(struct px_bytes a, struct px_bytes b);

/* Whether it is a letter or a digit; whether all are, or digits alone, or one
 * of those besides, of at least one octet. */
bool words_is_alnum(uint8_t c);
bool words_is_made_of(struct px_bytes text, const char *besides);
bool words_is_numeric(struct px_bytes text, const char *besides);

/* An IPv4 address, or an IPv6 address in brackets; false when it is none. */
PX_CHECKED bool words_read_ip(struct px_bytes text, struct px_address *out);

/* Whether every reader takes it for a name, and for no part of an address. */
bool words_is_name(struct px_bytes text, const char *besides);

/* The number of the first digits; more than 65535 when it is no port. */
unsigned long words_read_port(struct px_bytes digits);

#endif
