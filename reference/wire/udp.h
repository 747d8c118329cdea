#ifndef UDP_H
#define UDP_H

/*
 * What a client and its UDP relay send each other, RFC 1928 section 7: a
 * header that says where the datagram goes, or where it came from, and the
 * datagram itself.
 */

#include "px.h"

/* FRAG: 00 stands alone; else a position, and whether it is the last one. */
enum {
    UDP_FRAG_POSITION = 0x7F,
    UDP_FRAG_LAST = 0x80,
};

enum {
    UDP_HEADER_IPV4 = 2 + 1 + 1 + 4 + 2,
    UDP_HEADER_IPV6 = 2 + 1 + 1 + 16 + 2,
    UDP_HEADER_MAX = 2 + 1 + 1 + 1 + PX_NAME_MAX + 2,
    /* UDP's length field counts its own header: no payload is longer. */
    UDP_PAYLOAD_MAX = 65535 - 8,
};

/* RSV FRAG ATYP DST.ADDR DST.PORT DATA. */
struct udp_datagram {
    uint16_t reserved; /* as sent */
    uint8_t frag;
    struct px_endpoint dst; /* of a reply: the host that sent it */
    struct px_bytes data;   /* borrowed */
};

/*
 * Decodes a whole datagram, which is never to be continued: one that ends
 * within its header breaks socks5.udp.short, one whose ATYP is unknown
 * socks5.udp.atyp-bad. Never PX_NEED_MORE. Name and data borrow from in.
 */
enum px_status udp_decode_datagram(struct px_bytes in, struct udp_datagram *out,
                                   struct px_error *err);

/* As the struct says; false when the format cannot carry it, or no room is. */
PX_CHECKED bool udp_encode_datagram(const struct udp_datagram *datagram,
                                    struct px_writer *out);

#endif
