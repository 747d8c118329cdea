#ifndef FRAGMENTS_H
#define FRAGMENTS_H

/*
 * fragments: IP fragments to whole payloads (RFC 791 section 3.2, RFC 8200
 * section 4.5). The first copy of an octet wins. Memory is bounded: when too
 * many datagrams are open, the oldest is given up.
 */

#include "packet.h"

enum { FRAGMENTS_OPEN_MAX = 64 }; /* datagrams of up to 65,535 octets each */

struct fragments;

/* NULL when there is no memory. */
struct fragments *fragments_new(void);

/*
 * Takes one fragment. PX_DONE: the datagram is whole and *out describes it;
 * its payload is borrowed until the next call. PX_NEED_MORE: kept, or useless
 * (cut by the capture, impossible). PX_ERROR: no memory.
 */
enum px_status fragments_add(struct fragments *f,
                             const struct packet_ip *fragment,
                             struct packet_ip *out, struct px_error *err);

/* Accepts NULL. */
void fragments_free(struct fragments *f);

#endif
