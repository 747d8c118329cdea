#ifndef ROUTER_H
#define ROUTER_H

/*
 * network: a network of the run's own, in which what a proxy is asked to reach
 * fails for real. namespace makes it; router answers, as a router or a host far
 * away would, the packets that leave the loopback. Nothing leaves the machine.
 *
 * The router is pure: one IP packet in, at most one out. What becomes of a
 * packet is decided by the last octet of its destination's address.
 */

#include "px.h"

enum router_reaction {
    ROUTER_SILENT, /* nothing comes back */
    /* A host that nobody listens on: RST (RFC 9293 section 3.10.7.1), of a
     * datagram ICMP port unreachable (RFC 1122 section 4.1.3.1). */
    ROUTER_REFUSES,
    ROUTER_NET_UNREACHABLE,  /* RFC 792 code 0; RFC 4443 section 3.1 code 0 */
    ROUTER_HOST_UNREACHABLE, /* code 1; code 3 */
    ROUTER_PROHIBITED,       /* code 13 (RFC 1812 5.2.7.1); code 1 */
    ROUTER_TTL_EXPIRED,      /* type 11 code 0; type 3 code 0 */
    ROUTER_REACTIONS,
};

/* One packet of TCP or UDP, as far as its ports. */
struct router_packet {
    struct px_bytes whole; /* header included; borrowed */
    uint8_t protocol;      /* 6 or 17 */
    bool is_opening;       /* a SYN that opens a connection, or a datagram */
    size_t transport;      /* where the header of TCP or UDP begins */
    struct px_endpoint from;
    struct px_endpoint to;
};

/* The most that an answer may hold: what IPv6 carries everywhere. */
enum { ROUTER_ANSWER_MAX = 1280 };

/*
 * Reads a packet of IPv4 or IPv6 without extension headers. False for one that
 * is cut short, a later fragment, or neither TCP nor UDP.
 */
PX_CHECKED bool router_read(struct px_bytes packet, struct router_packet *out);

/* What becomes of what is sent to this address: its last octet, if it is one
 * of the reactions, else ROUTER_SILENT. */
enum router_reaction router_reaction_to(const struct px_address *address);

/*
 * Writes to out what comes back for an opening packet, checksums included; its
 * length, 0 when nothing does. ICMP comes from the router, whose address is
 * router (of the packet's family); RST from the destination.
 */
size_t router_answer(const struct router_packet *packet,
                     enum router_reaction reaction,
                     const struct px_address *router,
                     uint8_t out[ROUTER_ANSWER_MAX]);

#endif
