/* Faults of a relay that joins fragments, and does so badly: RFC 1928 section
 * 7. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"
#include "udp.h"

static uint8_t frag_of(const struct association_event *event)
{
    return faults_is_datagram(event)
               ? event->datagram.data.data[FAULTS_UDP_FRAG]
               : 0;
}

static unsigned position_of(const struct association_event *event)
{
    return frag_of(event) & UDP_FRAG_POSITION;
}

static bool is_last(const struct association_event *event)
{
    return frag_of(event) & UDP_FRAG_LAST;
}

static uint8_t atyp_of(const struct association_event *event)
{
    return event->datagram.data.data[FAULTS_UDP_ATYP];
}

/* Notes in count[0] how many pieces are queued; what it was before. */
static uint64_t count_pieces(struct fault_memory *m,
                             const struct association_event *event)
{
    uint64_t before = m->count[0];

    if (is_last(event))
        m->count[0] = 0;
    else if (position_of(event))
        m->count[0] = position_of(event) == 1 ? 1 : before + 1;
    return before;
}

/* Of 80 the position is looked at alone, and there is none. */
static enum fault_verdict no_position(struct fault_memory *m,
                                      struct association_event *event)
{
    if (frag_of(event) == UDP_FRAG_LAST)
        faults_take_datagram(m, event)[FAULTS_UDP_FRAG] = 0;
    return FAULT_PASS;
}

/* count[0] is the highest position; a lower piece is late, and not missed. */
static enum fault_verdict lower_dropped(struct fault_memory *m,
                                        struct association_event *event)
{
    unsigned position = position_of(event);

    if (position == 0)
        return FAULT_PASS;
    if (position < m->count[0])
        return FAULT_DROP;
    m->count[0] = is_last(event) ? 0 : position;
    return FAULT_PASS;
}

/* What the top bit ends is whole, whether it has begun or not. */
static enum fault_verdict last_alone(struct fault_memory *m,
                                     struct association_event *event)
{
    if (count_pieces(m, event) == 0 && is_last(event))
        faults_take_datagram(m, event)[FAULTS_UDP_FRAG] = 0;
    return FAULT_PASS;
}

/* Pieces are joined in the order of their numbers, whatever is between. */
static enum fault_verdict join_over(struct fault_memory *m,
                                    struct association_event *event)
{
    bool is_end = is_last(event);
    uint64_t before = count_pieces(m, event);

    if (position_of(event) > 1 && before)
        faults_take_datagram(m, event)[FAULTS_UDP_FRAG] =
            (uint8_t)((before + 1) | (is_end ? UDP_FRAG_LAST : 0));
    return FAULT_PASS;
}

/* The queue goes on behind its end. count[0]: the last piece of it. */
static enum fault_verdict never_ended(struct fault_memory *m,
                                      struct association_event *event)
{
    unsigned position = position_of(event);

    if (!position)
        return FAULT_PASS;
    if (is_last(event) && m->count[1] && position == m->count[0] + 1)
        faults_take_datagram(m, event)[FAULTS_UDP_FRAG] = 0;
    m->count[1] = is_last(event);
    m->count[0] = position;
    return FAULT_PASS;
}

static enum fault_verdict eight_pieces(struct fault_memory *m,
                                       struct association_event *event)
{
    enum { PIECES = 8 };

    (void)m;
    return position_of(event) > PIECES ? FAULT_DROP : FAULT_PASS;
}

/* count[1]: what goes out next was joined. */
static enum fault_verdict note_joined(struct fault_memory *m,
                                      struct association_event *event)
{
    m->count[1] = is_last(event);
    return FAULT_PASS;
}

static bool is_joined(const struct fault_memory *m,
                      const struct association_action *action)
{
    return m->count[1] && action->kind == ASSOCIATION_SEND_TARGET;
}

static enum fault_verdict cut_joined(struct fault_memory *m,
                                     struct association_action *action)
{
    enum { QUEUE = 4096 };

    if (is_joined(m, action) && action->send.data.len > QUEUE)
        action->send.data.len = QUEUE;
    return FAULT_PASS;
}

/* The piece that came last is put in front. count[2]: octets of the first. */
static enum fault_verdict note_first(struct fault_memory *m,
                                     struct association_event *event)
{
    if (position_of(event) == 1 && event->datagram.data.len > UDP_HEADER_IPV4)
        m->count[2] = event->datagram.data.len - UDP_HEADER_IPV4;
    return note_joined(m, event);
}

static enum fault_verdict turn_joined(struct fault_memory *m,
                                      struct association_action *action)
{
    struct px_bytes data = action->send.data;
    size_t first = (size_t)m->count[2];

    if (!is_joined(m, action) || first > data.len || data.len > sizeof(m->out))
        return FAULT_PASS;
    memcpy(m->out, data.data + first, data.len - first);
    memcpy(m->out + data.len - first, data.data, first);
    action->send.data.data = m->out;
    return FAULT_PASS;
}

/* The queue is not emptied when it was sent: each datagram has those before it
 * in front, as far as there is room. */
static enum fault_verdict stale_joined(struct fault_memory *m,
                                       struct association_action *action)
{
    struct px_bytes *data = &action->send.data;

    if (!is_joined(m, action) || data->len > sizeof(m->kept) - m->kept_len)
        return FAULT_PASS;
    memcpy(m->kept + m->kept_len, data->data, data->len);
    m->kept_len += data->len;
    *data = px_bytes_of(m->kept, m->kept_len);
    return FAULT_PASS;
}

static enum fault_verdict not_of_type(const struct association_event *event,
                                      uint8_t atyp)
{
    return frag_of(event) && atyp_of(event) == atyp ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict not_for_ipv6(struct fault_memory *m,
                                       struct association_event *event)
{
    (void)m;
    return not_of_type(event, SOCKS5_IPV6);
}

static enum fault_verdict not_for_names(struct fault_memory *m,
                                        struct association_event *event)
{
    (void)m;
    return not_of_type(event, SOCKS5_NAME);
}

/* Only the first piece's destination is read. */
static enum fault_verdict first_destination(struct fault_memory *m,
                                            struct association_event *event)
{
    size_t len = UDP_HEADER_IPV4 - FAULTS_UDP_ADDR;

    if (!frag_of(event) || atyp_of(event) != SOCKS5_IPV4 ||
        event->datagram.data.len < UDP_HEADER_IPV4)
        return FAULT_PASS;
    if (position_of(event) == 1)
        memcpy(m->kept, event->datagram.data.data + FAULTS_UDP_ADDR,
               m->kept_len = len);
    else if (m->kept_len)
        memcpy(faults_take_datagram(m, event) + FAULTS_UDP_ADDR, m->kept, len);
    return FAULT_PASS;
}

/* One queue for all clients, as far as eight octets of it go: a last piece
 * whose first one is another client's is joined to those. */
static enum fault_verdict one_queue(struct fault_memory *m,
                                    struct association_event *event)
{
    size_t len = event->datagram.data.len;
    uint64_t before = count_pieces(m, event);
    uint8_t *octets;

    if (!frag_of(event) || atyp_of(event) != SOCKS5_IPV4 ||
        len < UDP_HEADER_IPV4 + sizeof(*m->shared) ||
        len + sizeof(*m->shared) > sizeof(m->in))
        return FAULT_PASS;
    octets = faults_take_datagram(m, event);
    if (position_of(event) == 1)
        memcpy(m->shared, octets + UDP_HEADER_IPV4, sizeof(*m->shared));
    if (before || !is_last(event) || !*m->shared)
        return FAULT_PASS;
    memmove(octets + UDP_HEADER_IPV4 + sizeof(*m->shared),
            octets + UDP_HEADER_IPV4, len - UDP_HEADER_IPV4);
    memcpy(octets + UDP_HEADER_IPV4, m->shared, sizeof(*m->shared));
    octets[FAULTS_UDP_FRAG] = 0;
    event->datagram.data.len = len + sizeof(*m->shared);
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "udp-frag-last-alone",
        .summary = "relays the last piece of a datagram by itself",
        .proves = {REQ_SOCKS5_UDP_FRAG_DROP},
        .on_datagram = last_alone,
    },
    {
        .name = "udp-frag-gap-joined",
        .summary = "joins pieces over one that is missing",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = join_over,
    },
    {
        .name = "udp-frag-never-ended",
        .summary = "relays a last piece that follows the one that was last",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = never_ended,
    },
    {
        .name = "udp-frag-eight",
        .summary = "drops pieces behind the eighth",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = eight_pieces,
    },
    {
        .name = "udp-frag-queue-cut",
        .summary = "loses what more than 4 KiB of pieces bring",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = note_joined,
        .on_relay = cut_joined,
    },
    {
        .name = "udp-frag-turned",
        .summary = "puts the last piece in front of the first",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = note_first,
        .on_relay = turn_joined,
    },
    {
        .name = "udp-frag-queue-kept",
        .summary = "sends the pieces of one datagram again before those of the "
                   "next",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = note_joined,
        .on_relay = stale_joined,
    },
    {
        .name = "udp-frag-not-for-ipv6",
        .summary = "joins no pieces that are for an IPv6 address",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = not_for_ipv6,
    },
    {
        .name = "udp-frag-not-for-names",
        .summary = "joins no pieces that are for a name",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = not_for_names,
    },
    {
        .name = "udp-frag-first-destination",
        .summary = "joins pieces for two destinations, and sends them to the "
                   "first",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = first_destination,
    },
    {
        .name = "udp-frag-no-position",
        .summary = "relays a piece of FRAG 80, which has no position",
        .proves = {REQ_SOCKS5_UDP_FRAG_DROP},
        .on_datagram = no_position,
    },
    {
        .name = "udp-frag-lower-dropped",
        .summary = "drops a lower piece, and goes on with the queue",
        .proves = {REQ_SOCKS5_UDP_FRAG_RESTART},
        .on_datagram = lower_dropped,
    },
    {
        .name = "udp-frag-one-queue",
        .summary = "joins pieces of two clients",
        .proves = {REQ_SOCKS5_UDP_ISOLATION},
        .on_datagram = one_queue,
    },
};

const struct fault_theme udp_pieces_faults = FAULT_THEME(faults);
