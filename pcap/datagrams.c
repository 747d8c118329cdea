/*
 * UDP datagrams between a client and the relay of its association (RFC 1928
 * section 7). They come from the host of the TCP connection, to the relay that
 * the reply names, and from one port: another one of that host may be a target
 * that answers, when client and targets share a host.
 */

#include <string.h>

#include "connection.h"

static bool is_same_ip(const struct packet_end *a, const struct packet_end *b)
{
    return a->version == b->version && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool is_wildcard(const struct px_address *addr)
{
    static const uint8_t zero[16];

    return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* Where the relay is: at the host of the proxy when no address is told. */
void connection_note_relay(struct connection *c)
{
    const struct px_endpoint *told = watch_relay(&c->watch);

    if (c->relay.port || !told)
        return;
    c->relay = c->end[!c->watch.client];
    c->relay.port = told->port;
    if (told->addr.kind == PX_ADDRESS_NONE || is_wildcard(&told->addr))
        return;
    c->relay.version = told->addr.kind == PX_ADDRESS_IPV4 ? 4 : 6;
    memset(c->relay.ip, 0, sizeof(c->relay.ip));
    memcpy(c->relay.ip, told->addr.ip, c->relay.version == 4 ? 4 : 16);
}

enum connection_claim connection_claims(const struct connection *c,
                                        const struct packet *p)
{
    const struct packet_end *client;
    bool is_from_relay = packet_is_same_end(&p->from, &c->relay);
    const struct packet_end *other = is_from_relay ? &p->to : &p->from;

    if (c->relay.port == 0 || c->watch.client < 0 ||
        (!is_from_relay && !packet_is_same_end(&p->to, &c->relay)))
        return CONNECTION_NOT_MINE;
    client = &c->end[c->watch.client];
    if (!is_same_ip(other, client))
        return CONNECTION_NOT_MINE;
    if (c->udp_port)
        return other->port == c->udp_port ? CONNECTION_MINE
                                          : CONNECTION_NOT_MINE;
    return is_from_relay ? CONNECTION_NOT_MINE : CONNECTION_MAYBE_MINE;
}

enum px_status connection_add_datagram(struct connection *c,
                                       const struct packet *p,
                                       struct px_error *err)
{
    bool is_from_relay = packet_is_same_end(&p->from, &c->relay);
    struct px_endpoint from = packet_endpoint(&p->from);
    struct px_endpoint to = packet_endpoint(&p->to);

    if (!c->udp_port)
        c->udp_port = p->from.port;
    if (p->time_us > c->end_us && !connection_is_closed(c))
        c->end_us = p->time_us;
    if (p->payload.len < p->wire_len)
        c->is_snaplen_cut = c->is_datagram_cut = true;
    if (c->is_datagram_cut)
        return PX_DONE;
    return watch_datagram(
        &c->watch, is_from_relay ? !c->watch.client : c->watch.client,
        p->payload, &from, &to, connection_since_begin_ms(c, p->time_us), err);
}
