#ifndef IDENT_H
#define IDENT_H

/*
 * RFC 1413, the Identification Protocol: who owns a connection, as the host
 * where it comes from says. One line each way.
 */

#include "px.h"

enum {
    IDENT_PORT = 113,
    IDENT_QUERY_MAX = 16, /* two ports of five digits, comma, CR LF, and room */
    IDENT_REPLY_MAX = 1000, /* section 5: the longest line, with its end */
};

/*
 * Section 3: the ports of the connection asked about, at the host that is asked
 * and at the one that asks. False when out has no room.
 */
PX_CHECKED bool ident_encode_query(uint16_t port_there, uint16_t port_here,
                                   struct px_writer *out);

/*
 * Section 4: a reply, up to its line's end. *user borrows the user id of a
 * USERID reply, all that is behind the last separator's space; it is empty when
 * the reply is an ERROR, speaks of other ports or is none. PX_NEED_MORE while
 * the line has no end, PX_ERROR when it is longer than IDENT_REPLY_MAX.
 */
enum px_status ident_decode_reply(struct px_bytes in, uint16_t port_there,
                                  uint16_t port_here, struct px_bytes *user,
                                  struct px_error *err);

#endif
