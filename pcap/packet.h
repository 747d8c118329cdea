#ifndef PACKET_H
#define PACKET_H

/*
 * packet: from a captured frame to the TCP segment, or the UDP datagram, inside
 * it. Pure decoding: Ethernet with VLAN tags, BSD loopback, raw IP and both
 * Linux cooked headers; IPv4 (RFC 791), IPv6 with extension headers (RFC 8200),
 * TCP (RFC 9293), UDP (RFC 768). Nothing else is looked into, so what an ICMP
 * error quotes stays unseen.
 */

#include "px.h"

/* One end of a connection. */
struct packet_end {
    uint8_t ip[16];  /* network order; unused octets are 0 */
    uint16_t port;   /* host order */
    uint8_t version; /* 4 or 6 */
};

bool packet_is_same_end(const struct packet_end *a, const struct packet_end *b);

/* The same as the codecs write it. */
struct px_endpoint packet_endpoint(const struct packet_end *end);

enum {
    PACKET_FIN = 0x01,
    PACKET_SYN = 0x02,
    PACKET_RST = 0x04,
    PACKET_ACK = 0x10,
};

struct packet {
    struct packet_end from, to;
    uint32_t seq, ack;       /* of TCP */
    uint8_t flags;           /* of TCP: PACKET_* and the rest as sent */
    struct px_bytes payload; /* what was captured; borrowed from the frame */
    size_t wire_len;         /* payload octets that were sent, >= payload.len */
    uint64_t frame;          /* the caller's: number in the file, from 1 */
    uint64_t time_us;        /* the caller's: since the epoch */
};

/* An IP packet's payload and, where it is one, which fragment it is. */
struct packet_ip {
    struct packet_end from, to; /* ports 0 */
    uint32_t id;
    uint8_t proto;
    bool is_fragment;
    bool is_last;            /* no more fragments follow */
    size_t offset;           /* of the fragment in its datagram, octets */
    struct px_bytes payload; /* what was captured */
    size_t wire_len;
};

enum packet_kind {
    PACKET_TCP,
    PACKET_UDP,
    PACKET_FRAGMENT, /* reassemble it, then packet_decode_payload() */
    PACKET_OTHER,    /* not IP, or neither TCP nor UDP */
    PACKET_CUT,      /* a header is cut short, or impossible */
};

/* Whether frames of this libpcap link type (DLT_*) can be decoded. */
bool packet_knows_link(int link_type);

/*
 * Decodes one frame; wire_len is its length before the capture cut it. *out is
 * written for PACKET_TCP and PACKET_UDP only, *ip for those and
 * PACKET_FRAGMENT.
 */
enum packet_kind packet_decode(int link_type, struct px_bytes frame,
                               size_t wire_len, struct packet *out,
                               struct packet_ip *ip);

/* What a whole IP payload holds: PACKET_TCP, _UDP, _OTHER or _CUT. */
enum packet_kind packet_decode_payload(const struct packet_ip *ip,
                                       struct packet *out);

#endif
