#include "packet.h"

#include <string.h>

#include <pcap/dlt.h>

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,     /* IEEE 802.1ad */
    ETHERTYPE_QINQ_OLD = 0x9100, /* what came before it */
    VLAN_TAGS_MAX = 4,
    EXTENSIONS_MAX = 8,
};

/* RFC 8200 section 4 and RFC 4302: the headers that may precede TCP's. */
enum {
    PROTO_HOP_BY_HOP = 0,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AUTHENTICATION = 51,
    PROTO_DESTINATION = 60,
};

struct px_endpoint packet_endpoint(const struct packet_end *end)
{
    struct px_endpoint endpoint = {
        .addr.kind = end->version == 4 ? PX_ADDRESS_IPV4 : PX_ADDRESS_IPV6,
        .port = end->port,
    };

    memcpy(endpoint.addr.ip, end->ip, sizeof(end->ip));
    return endpoint;
}

bool packet_is_same_end(const struct packet_end *a, const struct packet_end *b)
{
    return a->port == b->port && a->version == b->version &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool packet_knows_link(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
        return true;
    default:
        return false;
    }
}

PX_CHECKED static bool skip(struct px_cursor *c, size_t len)
{
    struct px_bytes skipped;

    return px_take_bytes(c, len, &skipped);
}

PX_CHECKED static bool take_be32(struct px_cursor *c, uint32_t *out)
{
    uint16_t high, low;

    if (!px_take_be16(c, &high) || !px_take_be16(c, &low))
        return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

static enum packet_kind is_ip(uint16_t ethertype)
{
    return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6
               ? PACKET_TCP
               : PACKET_OTHER;
}

/* Skips VLAN tags; PACKET_TCP when an IP header follows. */
static enum packet_kind skip_tags(struct px_cursor *c, uint16_t ethertype)
{
    for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
        if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_QINQ &&
            ethertype != ETHERTYPE_QINQ_OLD)
            break;
        if (!skip(c, 2) || !px_take_be16(c, &ethertype))
            return PACKET_CUT;
    }
    return is_ip(ethertype);
}

/* The address family, in the byte order of whoever wrote the file. */
static enum packet_kind skip_loopback(struct px_cursor *c)
{
    uint32_t family;

    if (!take_be32(c, &family))
        return PACKET_CUT;
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:  /* AF_INET everywhere */
    case 10: /* AF_INET6 of Linux, the BSDs and macOS */
    case 24:
    case 28:
    case 30:
        return PACKET_TCP;
    default:
        return PACKET_OTHER;
    }
}

/* Moves c to the IP header; PACKET_TCP when there is one. */
static enum packet_kind skip_link(int link_type, struct px_cursor *c)
{
    uint16_t ethertype;

    switch (link_type) {
    case DLT_EN10MB:
        if (!skip(c, 12) || !px_take_be16(c, &ethertype))
            return PACKET_CUT;
        return skip_tags(c, ethertype);
    case DLT_LINUX_SLL:
        if (!skip(c, 14) || !px_take_be16(c, &ethertype))
            return PACKET_CUT;
        return skip_tags(c, ethertype);
    case DLT_LINUX_SLL2:
        if (!px_take_be16(c, &ethertype) || !skip(c, 18))
            return PACKET_CUT;
        return skip_tags(c, ethertype);
    case DLT_NULL:
    case DLT_LOOP:
        return skip_loopback(c);
    default:
        return PACKET_TCP;
    }
}

PX_CHECKED static bool take_end(struct px_cursor *c, uint8_t version,
                                struct packet_end *out)
{
    struct px_bytes ip;

    if (!px_take_bytes(c, version == 4 ? 4 : 16, &ip))
        return false;
    memset(out, 0, sizeof(*out));
    out->version = version;
    memcpy(out->ip, ip.data, ip.len);
    return true;
}

/* What is left of c, but no more than the header says (Ethernet pads). */
static void set_payload(struct packet_ip *ip, const struct px_cursor *c,
                        size_t wire_len)
{
    ip->payload = px_cursor_rest(c);
    ip->wire_len = wire_len;
    if (ip->payload.len > wire_len)
        ip->payload.len = wire_len;
}

/* RFC 791 section 3.1. rest: octets from this header on, as sent. */
static enum packet_kind take_ipv4(struct px_cursor *c, size_t rest,
                                  struct packet_ip *ip)
{
    uint8_t version_ihl, ttl;
    uint16_t total, id, fragment;
    size_t header;

    if (!px_take_u8(c, &version_ihl) || !skip(c, 1) ||
        !px_take_be16(c, &total) || !px_take_be16(c, &id) ||
        !px_take_be16(c, &fragment) || !px_take_u8(c, &ttl) ||
        !px_take_u8(c, &ip->proto) || !skip(c, 2) ||
        !take_end(c, 4, &ip->from) || !take_end(c, 4, &ip->to))
        return PACKET_CUT;

    header = (size_t)(version_ihl & 15) * 4;
    if (total != 0) /* 0: the network card was to split it (TSO) */
        rest = total;
    if (header < 20 || rest < header || !skip(c, header - 20))
        return PACKET_CUT;
    ip->id = id;
    ip->is_last = !(fragment & 0x2000);
    ip->offset = (size_t)(fragment & 0x1fff) * 8;
    ip->is_fragment = !ip->is_last || ip->offset != 0;
    set_payload(ip, c, rest - header);
    return PACKET_TCP;
}

/* RFC 8200 section 4.5. */
PX_CHECKED static bool take_fragment(struct px_cursor *c, uint8_t *next,
                                     struct packet_ip *ip)
{
    uint16_t fragment;

    if (!px_take_u8(c, next) || !skip(c, 1) || !px_take_be16(c, &fragment) ||
        !take_be32(c, &ip->id))
        return false;
    ip->is_last = !(fragment & 1);
    ip->offset = fragment & 0xfff8u;
    ip->is_fragment = !ip->is_last || ip->offset != 0;
    return true;
}

/* A header that says its own length, in units of 8 (RFC 4302: of 4). */
PX_CHECKED static bool take_extension(struct px_cursor *c, uint8_t kind,
                                      uint8_t *next)
{
    uint8_t len;

    if (!px_take_u8(c, next) || !px_take_u8(c, &len))
        return false;
    if (kind == PROTO_AUTHENTICATION)
        return skip(c, (size_t)len * 4 + 6);
    return skip(c, (size_t)len * 8 + 6);
}

PX_CHECKED static bool skip_extensions(struct px_cursor *c, uint8_t next,
                                       struct packet_ip *ip)
{
    for (int i = 0; i < EXTENSIONS_MAX && !ip->is_fragment; i++) {
        uint8_t kind = next;

        if (kind == PROTO_FRAGMENT) {
            if (!take_fragment(c, &next, ip))
                return false;
        } else if (kind == PROTO_HOP_BY_HOP || kind == PROTO_ROUTING ||
                   kind == PROTO_DESTINATION || kind == PROTO_AUTHENTICATION) {
            if (!take_extension(c, kind, &next))
                return false;
        } else {
            break;
        }
    }
    ip->proto = next;
    return true;
}

/* RFC 8200 section 3. */
static enum packet_kind take_ipv6(struct px_cursor *c, size_t rest,
                                  struct packet_ip *ip)
{
    uint16_t payload;
    uint8_t next;
    size_t start, extensions;

    if (!skip(c, 4) || !px_take_be16(c, &payload) || !px_take_u8(c, &next) ||
        !skip(c, 1) || !take_end(c, 6, &ip->from) || !take_end(c, 6, &ip->to))
        return PACKET_CUT;
    if (payload != 0) /* 0: a jumbogram, or left to the network card */
        rest = payload;
    else
        rest = rest > 40 ? rest - 40 : 0;

    start = px_cursor_used(c);
    ip->is_last = true;
    if (!skip_extensions(c, next, ip))
        return PACKET_CUT;
    extensions = px_cursor_used(c) - start;
    if (extensions > rest)
        return PACKET_CUT;
    set_payload(ip, c, rest - extensions);
    return PACKET_TCP;
}

static enum packet_kind decode_udp(const struct packet_ip *ip,
                                   struct packet *out)
{
    enum { HEADER = 8 };
    struct px_cursor c = px_cursor_over(ip->payload);
    struct packet p = {.from = ip->from, .to = ip->to};
    uint16_t len;

    if (!px_take_be16(&c, &p.from.port) || !px_take_be16(&c, &p.to.port) ||
        !px_take_be16(&c, &len) || !skip(&c, 2) || len < HEADER ||
        len > ip->wire_len)
        return PACKET_CUT;
    p.wire_len = (size_t)len - HEADER;
    p.payload = px_cursor_rest(&c);
    if (p.payload.len > p.wire_len)
        p.payload.len = p.wire_len;
    *out = p;
    return PACKET_UDP;
}

static enum packet_kind decode_tcp(const struct packet_ip *ip,
                                   struct packet *out)
{
    struct px_cursor c = px_cursor_over(ip->payload);
    struct packet p = {.from = ip->from, .to = ip->to};
    uint8_t offset;
    size_t header;

    if (!px_take_be16(&c, &p.from.port) || !px_take_be16(&c, &p.to.port) ||
        !take_be32(&c, &p.seq) || !take_be32(&c, &p.ack) ||
        !px_take_u8(&c, &offset) || !px_take_u8(&c, &p.flags) || !skip(&c, 6))
        return PACKET_CUT;
    header = (size_t)(offset >> 4) * 4;
    if (header < 20 || header > ip->wire_len)
        return PACKET_CUT;
    p.wire_len = ip->wire_len - header;
    if (skip(&c, header - 20)) /* else the options were cut, payload and all */
        p.payload = px_cursor_rest(&c);
    *out = p;
    return PACKET_TCP;
}

enum packet_kind packet_decode_payload(const struct packet_ip *ip,
                                       struct packet *out)
{
    if (ip->proto == PROTO_UDP)
        return decode_udp(ip, out);
    return ip->proto == PROTO_TCP ? decode_tcp(ip, out) : PACKET_OTHER;
}

enum packet_kind packet_decode(int link_type, struct px_bytes frame,
                               size_t wire_len, struct packet *out,
                               struct packet_ip *ip)
{
    struct px_cursor c = px_cursor_over(frame);
    enum packet_kind kind = skip_link(link_type, &c);
    struct packet_ip decoded = {0};
    struct px_cursor peek = c;
    uint8_t version;
    size_t rest;

    if (kind != PACKET_TCP)
        return kind;
    if (!px_take_u8(&peek, &version))
        return PACKET_CUT;
    rest = wire_len > c.at ? wire_len - c.at : 0;
    if (version >> 4 == 4)
        kind = take_ipv4(&c, rest, &decoded);
    else if (version >> 4 == 6)
        kind = take_ipv6(&c, rest, &decoded);
    else
        kind = PACKET_OTHER;
    if (kind != PACKET_TCP)
        return kind;
    *ip = decoded;
    return decoded.is_fragment ? PACKET_FRAGMENT
                               : packet_decode_payload(&decoded, out);
}
