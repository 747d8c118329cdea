#include "router.h"

#include <string.h>

enum {
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    ICMP_HEADER = 8,
    ICMP_MAX = 576, /* RFC 1812 section 4.3.2.3 */
    HOPS = 64,
};

/* Where fields of TCP stand. */
enum { TCP_SEQ = 4, TCP_ACK = 8, TCP_OFFSET = 12, TCP_FLAGS = 13 };
enum { FLAG_SYN = 0x02, FLAG_RST = 0x04, FLAG_ACK = 0x10 };

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void set_be16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Reading ------------------------------------------------------------------ */

static struct px_address address_at(enum px_address_kind kind,
                                    const uint8_t *at)
{
    struct px_address address = {.kind = kind};

    memcpy(address.ip, at, kind == PX_ADDRESS_IPV4 ? 4 : 16);
    return address;
}

static bool read_ipv4(struct px_bytes in, struct router_packet *out)
{
    enum { LENGTH = 2, FRAGMENT = 6, PROTOCOL = 9, SOURCE = 12, TARGET = 16 };
    size_t header;
    size_t total;

    if (in.len < IPV4_HEADER)
        return false;
    header = (size_t)(in.data[0] & 0x0F) * 4;
    total = be16(in.data + LENGTH);
    if (header < IPV4_HEADER || total < header || total > in.len ||
        be16(in.data + FRAGMENT) & 0x1FFF)
        return false;
    out->whole = px_bytes_of(in.data, total);
    out->transport = header;
    out->protocol = in.data[PROTOCOL];
    out->from.addr = address_at(PX_ADDRESS_IPV4, in.data + SOURCE);
    out->to.addr = address_at(PX_ADDRESS_IPV4, in.data + TARGET);
    return true;
}

static bool read_ipv6(struct px_bytes in, struct router_packet *out)
{
    enum { LENGTH = 4, NEXT = 6, SOURCE = 8, TARGET = 24 };
    size_t total;

    if (in.len < IPV6_HEADER)
        return false;
    total = IPV6_HEADER + (size_t)be16(in.data + LENGTH);
    if (total > in.len)
        return false;
    out->whole = px_bytes_of(in.data, total);
    out->transport = IPV6_HEADER;
    out->protocol = in.data[NEXT];
    out->from.addr = address_at(PX_ADDRESS_IPV6, in.data + SOURCE);
    out->to.addr = address_at(PX_ADDRESS_IPV6, in.data + TARGET);
    return true;
}

bool router_read(struct px_bytes packet, struct router_packet *out)
{
    struct router_packet p = {0};
    const uint8_t *transport;
    size_t left;
    bool is_read = false;

    if (packet.len == 0)
        return false;
    if (packet.data[0] >> 4 == 4)
        is_read = read_ipv4(packet, &p);
    else if (packet.data[0] >> 4 == 6)
        is_read = read_ipv6(packet, &p);
    if (!is_read)
        return false;
    transport = p.whole.data + p.transport;
    left = p.whole.len - p.transport;
    if (p.protocol == PROTOCOL_TCP && left >= TCP_HEADER)
        p.is_opening = (transport[TCP_FLAGS] &
                        (FLAG_SYN | FLAG_ACK | FLAG_RST)) == FLAG_SYN;
    else if (p.protocol == PROTOCOL_UDP && left >= UDP_HEADER)
        p.is_opening = true;
    else
        return false;
    p.from.port = be16(transport);
    p.to.port = be16(transport + 2);
    *out = p;
    return true;
}

enum router_reaction router_reaction_to(const struct px_address *address)
{
    uint8_t last = address->ip[address->kind == PX_ADDRESS_IPV4 ? 3 : 15];

    return last < ROUTER_REACTIONS ? (enum router_reaction)last : ROUTER_SILENT;
}

/* Writing ------------------------------------------------------------------ */

/* RFC 1071: the sum of 16-bit words, in ones' complement. */
static uint32_t add_words(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += be16(data + i);
    if (len % 2)
        sum += (uint32_t)data[len - 1] << 8;
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Writes the header of IP; its length. */
static size_t put_ip(uint8_t *out, const struct px_address *from,
                     const struct px_address *to, uint8_t protocol, size_t len)
{
    if (from->kind == PX_ADDRESS_IPV4) {
        enum { TTL = 8, SUM = 10 };

        memset(out, 0, IPV4_HEADER);
        out[0] = 0x45;
        set_be16(out + 2, (uint32_t)(IPV4_HEADER + len));
        out[TTL] = HOPS;
        out[TTL + 1] = protocol;
        memcpy(out + 12, from->ip, 4);
        memcpy(out + 16, to->ip, 4);
        set_be16(out + SUM, checksum(add_words(0, out, IPV4_HEADER)));
        return IPV4_HEADER;
    }
    memset(out, 0, IPV6_HEADER);
    out[0] = 0x60;
    set_be16(out + 4, (uint32_t)len);
    out[6] = protocol;
    out[7] = HOPS;
    memcpy(out + 8, from->ip, 16);
    memcpy(out + 24, to->ip, 16);
    return IPV6_HEADER;
}

/* The pseudo-header of TCP (RFC 9293 section 3.1) and ICMPv6 (RFC 8200 8.1). */
static uint32_t pseudo_sum(const struct px_address *from,
                           const struct px_address *to, uint8_t protocol,
                           size_t len)
{
    size_t width = from->kind == PX_ADDRESS_IPV4 ? 4 : 16;

    return add_words(add_words((uint32_t)len + protocol, from->ip, width),
                     to->ip, width);
}

/* RFC 9293 section 3.10.7.1: acknowledges the SYN and what it carries. */
static size_t reset(const struct router_packet *p, uint8_t *out)
{
    enum { SUM = 16 };
    const uint8_t *syn = p->whole.data + p->transport;
    size_t at =
        put_ip(out, &p->to.addr, &p->from.addr, PROTOCOL_TCP, TCP_HEADER);
    uint8_t *rst = out + at;
    size_t header = (size_t)(syn[TCP_OFFSET] >> 4) * 4;
    size_t segment = p->whole.len - p->transport;
    uint32_t ack =
        (uint32_t)be16(syn + TCP_SEQ) << 16 | be16(syn + TCP_SEQ + 2);

    ack += 1 + (uint32_t)(segment > header ? segment - header : 0);
    memset(rst, 0, TCP_HEADER);
    set_be16(rst, p->to.port);
    set_be16(rst + 2, p->from.port);
    set_be16(rst + TCP_ACK, ack >> 16);
    set_be16(rst + TCP_ACK + 2, ack & 0xFFFF);
    rst[TCP_OFFSET] = TCP_HEADER / 4 << 4;
    rst[TCP_FLAGS] = FLAG_RST | FLAG_ACK;
    set_be16(rst + SUM,
             checksum(add_words(pseudo_sum(&p->to.addr, &p->from.addr,
                                           PROTOCOL_TCP, TCP_HEADER),
                                rst, TCP_HEADER)));
    return at + TCP_HEADER;
}

struct icmp {
    uint8_t type;
    uint8_t code;
};

static size_t put_icmp(const struct router_packet *p, struct icmp kind,
                       const struct px_address *from, uint8_t *out)
{
    bool is_ipv4 = p->from.addr.kind == PX_ADDRESS_IPV4;
    size_t header = is_ipv4 ? IPV4_HEADER : IPV6_HEADER;
    size_t room =
        (is_ipv4 ? ICMP_MAX : ROUTER_ANSWER_MAX) - header - ICMP_HEADER;
    size_t quoted = p->whole.len < room ? p->whole.len : room;
    size_t len = ICMP_HEADER + quoted;
    uint8_t protocol = is_ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    uint8_t *icmp = out + header;
    uint32_t sum = is_ipv4 ? 0 : pseudo_sum(from, &p->from.addr, protocol, len);

    (void)put_ip(out, from, &p->from.addr, protocol, len);
    memset(icmp, 0, ICMP_HEADER);
    icmp[0] = kind.type;
    icmp[1] = kind.code;
    memcpy(icmp + ICMP_HEADER, p->whole.data, quoted);
    set_be16(icmp + 2, checksum(add_words(sum, icmp, len)));
    return header + len;
}

size_t router_answer(const struct router_packet *packet,
                     enum router_reaction reaction,
                     const struct px_address *router,
                     uint8_t out[ROUTER_ANSWER_MAX])
{
    /* By reaction: of ICMP, and of ICMPv6. */
    static const struct icmp icmp4[ROUTER_REACTIONS] = {
        [ROUTER_REFUSES] = {3, 3},
        [ROUTER_NET_UNREACHABLE] = {3, 0},
        [ROUTER_PROHIBITED] = {3, 13},
        [ROUTER_HOST_UNREACHABLE] = {3, 1},
        [ROUTER_TTL_EXPIRED] = {11, 0}};
    static const struct icmp icmp6[ROUTER_REACTIONS] = {
        [ROUTER_REFUSES] = {1, 4},
        [ROUTER_NET_UNREACHABLE] = {1, 0},
        [ROUTER_PROHIBITED] = {1, 1},
        [ROUTER_HOST_UNREACHABLE] = {1, 3},
        [ROUTER_TTL_EXPIRED] = {3, 0}};
    bool is_ipv4 = packet->from.addr.kind == PX_ADDRESS_IPV4;

    if (!packet->is_opening || reaction == ROUTER_SILENT)
        return 0;
    if (reaction == ROUTER_REFUSES) {
        if (packet->protocol == PROTOCOL_TCP)
            return reset(packet, out);
        router = &packet->to.addr; /* the host itself says so */
    }
    return put_icmp(packet, is_ipv4 ? icmp4[reaction] : icmp6[reaction], router,
                    out);
}
