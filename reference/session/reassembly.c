#include "reassembly.h"

#include <string.h>

static void begin(struct reassembly *r, const struct px_endpoint *dst,
                  uint64_t now_ms)
{
    r->len = 0;
    r->expires_ms = now_ms + REASSEMBLY_MS;
    r->dst = *dst;
    if (dst->addr.name.len) {
        memcpy(r->name, dst->addr.name.data, dst->addr.name.len);
        r->dst.addr.name.data = r->name;
    }
}

static bool is_same_endpoint(const struct px_endpoint *a,
                             const struct px_endpoint *b)
{
    return a->port == b->port && a->addr.kind == b->addr.kind &&
           memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip)) == 0 &&
           px_equal(a->addr.name, b->addr.name);
}

/* Whether the piece follows what is queued; else *err says why it does not. */
static bool is_next(struct reassembly *r, const struct udp_datagram *piece,
                    unsigned position, struct px_error *err)
{
    unsigned highest = r->highest;

    if (position == highest && highest) {
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_SEQUENCE, 2,
                        "piece %u came before", position);
        return false;
    }
    reassembly_abandon(r);
    if (position < highest)
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_RESTART, 2,
                        "piece %u behind piece %u", position, highest);
    else if (position != highest + 1)
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_SEQUENCE, 2,
                        "piece %u without the one before", position);
    else if (!is_same_endpoint(&piece->dst, &r->dst))
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_SEQUENCE, 3,
                        "piece %u goes somewhere else", position);
    else if (piece->data.len > sizeof(r->octets) - r->len)
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_SEQUENCE, 2,
                        "the pieces are longer than a datagram");
    else
        return true;
    return false;
}

enum reassembly_result reassembly_take(struct reassembly *r,
                                       const struct udp_datagram *piece,
                                       uint64_t now_ms,
                                       struct udp_datagram *whole,
                                       struct px_error *err)
{
    unsigned position = piece->frag & UDP_FRAG_POSITION;

    if (position == 0) {
        (void)px_refuse(err, REQ_SOCKS5_UDP_FRAG_SEQUENCE, 2,
                        "FRAG %#04x has no position", piece->frag);
        return REASSEMBLY_DROPPED;
    }
    if (position == 1) {
        reassembly_abandon(r);
        begin(r, &piece->dst, now_ms);
    }
    if (!is_next(r, piece, position, err))
        return REASSEMBLY_DROPPED;
    if (piece->data.len)
        memcpy(r->octets + r->len, piece->data.data, piece->data.len);
    r->len += piece->data.len;
    if (!(piece->frag & UDP_FRAG_LAST)) {
        r->highest = position;
        return REASSEMBLY_HELD;
    }
    *whole = (struct udp_datagram){
        .dst = r->dst,
        .data = px_bytes_of(r->octets, r->len),
    };
    return REASSEMBLY_WHOLE;
}

void reassembly_abandon(struct reassembly *r)
{
    r->highest = 0;
}

uint64_t reassembly_deadline(const struct reassembly *r)
{
    return r->highest ? r->expires_ms : UINT64_MAX;
}
