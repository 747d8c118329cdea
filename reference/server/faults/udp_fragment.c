/* Faults of fragments: RFC 1928 section 7. */

#include "faults/faults.h"
#include "udp.h"

static uint8_t frag_of(const struct association_event *event)
{
    return faults_is_datagram(event)
               ? event->datagram.data.data[FAULTS_UDP_FRAG]
               : 0;
}

/* Every piece is a datagram. */
static enum fault_verdict ignored(struct fault_memory *m,
                                  struct association_event *event)
{
    if (frag_of(event))
        faults_take_datagram(m, event)[FAULTS_UDP_FRAG] = 0;
    return FAULT_PASS;
}

static enum fault_verdict third_lost(struct fault_memory *m,
                                     struct association_event *event)
{
    (void)m;
    if ((frag_of(event) & UDP_FRAG_POSITION) > 2 &&
        event->datagram.data.len > UDP_HEADER_IPV4)
        event->datagram.data.len = UDP_HEADER_IPV4;
    return FAULT_PASS;
}

/* The position that a piece names is not looked at. */
static enum fault_verdict as_they_come(struct fault_memory *m,
                                       struct association_event *event)
{
    uint8_t frag = frag_of(event);

    if (!frag)
        return FAULT_PASS;
    m->count[0]++;
    faults_take_datagram(m, event)[FAULTS_UDP_FRAG] =
        (uint8_t)(m->count[0] | (frag & UDP_FRAG_LAST));
    if (frag & UDP_FRAG_LAST)
        m->count[0] = 0;
    return FAULT_PASS;
}

/* The clock runs so fast that the timer expires after a second. */
static enum fault_verdict impatient(struct fault_memory *m,
                                    struct association_event *event)
{
    enum { TIMES = 5 };

    (void)event;
    m->now_ms *= TIMES;
    return FAULT_PASS;
}

/* The clock stands still, and so does the timer. */
static enum fault_verdict patient(struct fault_memory *m,
                                  struct association_event *event)
{
    m->now_ms = 0;
    return event->kind == ASSOCIATION_TIMER ? FAULT_DROP : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "udp-frag-ignored",
        .summary = "relays each piece as a datagram of its own",
        .proves = {REQ_SOCKS5_UDP_FRAG_DROP},
        .on_datagram = ignored,
    },
    {
        .name = "udp-frag-third-lost",
        .summary = "joins two pieces, and loses the octets of a third",
        .proves = {REQ_SOCKS5_UDP_FRAG_SEQUENCE},
        .on_datagram = third_lost,
    },
    {
        .name = "udp-frag-appended",
        .summary = "joins pieces as they come, whatever their positions",
        .proves = {REQ_SOCKS5_UDP_FRAG_RESTART},
        .on_datagram = as_they_come,
    },
    {
        .name = "udp-frag-timer-short",
        .summary = "abandons pieces after one second",
        .proves = {REQ_SOCKS5_UDP_FRAG_TIMER},
        .on_datagram = impatient,
    },
    {
        .name = "udp-frag-timer-never",
        .summary = "never abandons pieces for their age",
        .proves = {REQ_SOCKS5_UDP_FRAG_EXPIRY},
        .on_datagram = patient,
    },
};

const struct fault_theme udp_fragment_faults = FAULT_THEME(faults);
