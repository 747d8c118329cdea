/* Faults of datagrams on their way to a target: RFC 1928 section 7. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"
#include "udp.h"

static uint8_t atyp_of(const struct association_event *event)
{
    return event->datagram.data.data[FAULTS_UDP_ATYP];
}

/* Puts a datagram's whole octets behind a header of its own, so that the
 * target is sent both. */
static void forward_header(struct fault_memory *m,
                           struct association_event *event)
{
    struct px_bytes whole = event->datagram.data;
    enum { LEN = UDP_HEADER_IPV4 };

    if (whole.len < LEN || whole.len + LEN > sizeof(m->in))
        return;
    memcpy(m->in, whole.data, LEN);
    memcpy(m->in + LEN, whole.data, whole.len);
    event->datagram.data = px_bytes_of(m->in, whole.len + LEN);
}

static enum fault_verdict header_kept(struct fault_memory *m,
                                      struct association_event *event)
{
    if (faults_is_datagram(event) && atyp_of(event) == SOCKS5_IPV4)
        forward_header(m, event);
    return FAULT_PASS;
}

static bool is_reserved_set(const struct association_event *event)
{
    const uint8_t *data = event->datagram.data.data;

    return faults_is_datagram(event) && (data[0] || data[1]);
}

static enum fault_verdict reserved_kept(struct fault_memory *m,
                                        struct association_event *event)
{
    if (is_reserved_set(event) && atyp_of(event) == SOCKS5_IPV4)
        forward_header(m, event);
    return FAULT_PASS;
}

static enum fault_verdict reserved_kills(struct fault_memory *m,
                                         struct association_event *event)
{
    (void)m;
    return is_reserved_set(event) ? FAULT_HANG : FAULT_PASS;
}

/* What a buffer of one Ethernet frame holds. */
static enum fault_verdict cut(struct fault_memory *m,
                              struct association_action *action)
{
    enum { FRAME = 1472 };

    (void)m;
    if (action->kind == ASSOCIATION_SEND_TARGET &&
        action->send.data.len > FRAME)
        action->send.data.len = FRAME;
    return FAULT_PASS;
}

static enum fault_verdict drop_large(struct fault_memory *m,
                                     struct association_action *action)
{
    enum { FRAME = 1472 };

    (void)m;
    return action->kind == ASSOCIATION_SEND_TARGET &&
                   action->send.data.len > FRAME
               ? FAULT_DROP
               : FAULT_PASS;
}

/* Zeros at the front are taken for more of the header. */
static enum fault_verdict skip_zeros(struct fault_memory *m,
                                     struct association_action *action)
{
    (void)m;
    while (action->kind == ASSOCIATION_SEND_TARGET && action->send.data.len &&
           !action->send.data.data[0]) {
        action->send.data.data++;
        action->send.data.len--;
    }
    return FAULT_PASS;
}

static enum fault_verdict drop_names(struct fault_memory *m,
                                     struct association_event *event)
{
    (void)m;
    return faults_is_datagram(event) && atyp_of(event) == SOCKS5_NAME
               ? FAULT_DROP
               : FAULT_PASS;
}

/* The socket toward targets is connected to the first of them. */
static enum fault_verdict first_target(struct fault_memory *m,
                                       struct association_action *action)
{
    if (action->kind == ASSOCIATION_SEND_TARGET) {
        if (!m->count[0])
            m->count[0] = action->send.to.port;
        action->send.to.port = (uint16_t)m->count[0];
    }
    return FAULT_PASS;
}

/* Lets every datagram come from where the client's first one came from. */
static enum fault_verdict anybody(struct fault_memory *m,
                                  struct association_event *event)
{
    if (event->kind == ASSOCIATION_FROM_CLIENT) {
        if (!m->count[0])
            m->count[0] = event->datagram.from.port;
        event->datagram.from.addr = m->association.peer;
        event->datagram.from.port = (uint16_t)m->count[0];
    }
    return FAULT_PASS;
}

/* Who sends from the client's port is the client. */
static enum fault_verdict known_by_port(struct fault_memory *m,
                                        struct association_event *event)
{
    if (event->kind != ASSOCIATION_FROM_CLIENT)
        return FAULT_PASS;
    if (m->count[0] == event->datagram.from.port)
        event->datagram.from.addr = m->association.peer;
    else if (!m->count[0])
        m->count[0] = event->datagram.from.port;
    return FAULT_PASS;
}

/* count[0]: the family of the first target, whose socket is the only one. */
static enum fault_verdict one_family(struct fault_memory *m,
                                     struct association_action *action)
{
    uint64_t family;

    if (action->kind != ASSOCIATION_SEND_TARGET)
        return FAULT_PASS;
    family = (uint64_t)px_plain_address(&action->send.to.addr).kind;
    if (!m->count[0])
        m->count[0] = family;
    return m->count[0] == family ? FAULT_PASS : FAULT_DROP;
}

/* Keeps what m->association says. */
static void note(struct fault_memory *m)
{
    (void)m;
}

static void expect_localhost(struct fault_memory *m)
{
    static const uint8_t localhost[4] = {127, 0, 0, 1};

    if (m->association.peer.kind == PX_ADDRESS_IPV4)
        memcpy(m->association.peer.ip, localhost, sizeof(localhost));
}

/* Nobody sends from the address that an all-zero announcement names. */
static enum fault_verdict expect_zero(struct fault_memory *m,
                                      struct association_event *event)
{
    return event->kind == ASSOCIATION_FROM_CLIENT &&
                   m->association.announced.port == 0
               ? FAULT_DROP
               : FAULT_PASS;
}

/* Answers go to the port that sent last. */
static enum fault_verdict note_port(struct fault_memory *m,
                                    struct association_event *event)
{
    if (event->kind == ASSOCIATION_FROM_CLIENT)
        m->count[0] = event->datagram.from.port;
    return FAULT_PASS;
}

/* Another port of the client's is another client. */
static enum fault_verdict one_port(struct fault_memory *m,
                                   struct association_event *event)
{
    if (event->kind != ASSOCIATION_FROM_CLIENT)
        return FAULT_PASS;
    if (!m->count[0])
        m->count[0] = event->datagram.from.port;
    return event->datagram.from.port == m->count[0] ? FAULT_PASS : FAULT_HANG;
}

static enum fault_verdict to_noted_port(struct fault_memory *m,
                                        struct association_action *action)
{
    if (action->kind == ASSOCIATION_SEND_CLIENT)
        action->send.to.port = (uint16_t)m->count[0];
    return FAULT_PASS;
}

/* Answers go to whoever of all associations sent last. */
static enum fault_verdict share_port(struct fault_memory *m,
                                     struct association_event *event)
{
    if (event->kind == ASSOCIATION_FROM_CLIENT)
        m->shared[0] = event->datagram.from.port;
    return FAULT_PASS;
}

static enum fault_verdict to_shared_port(struct fault_memory *m,
                                         struct association_action *action)
{
    if (action->kind == ASSOCIATION_SEND_CLIENT)
        action->send.to.port = (uint16_t)m->shared[0];
    return FAULT_PASS;
}

static enum fault_verdict guess_type(struct fault_memory *m,
                                     struct association_event *event)
{
    if (faults_is_datagram(event) && atyp_of(event) != SOCKS5_NAME &&
        atyp_of(event) != SOCKS5_IPV6)
        faults_take_datagram(m, event)[FAULTS_UDP_ATYP] = SOCKS5_IPV4;
    return FAULT_PASS;
}

static enum fault_verdict short_kills(struct fault_memory *m,
                                      struct association_event *event)
{
    (void)m;
    return event->kind == ASSOCIATION_FROM_CLIENT &&
                   event->datagram.data.len < UDP_HEADER_IPV4
               ? FAULT_HANG
               : FAULT_PASS;
}

/* Reads on behind the end of a datagram, where the one before still is. */
static enum fault_verdict short_overread(struct fault_memory *m,
                                         struct association_event *event)
{
    struct px_bytes got = event->datagram.data;

    if (event->kind != ASSOCIATION_FROM_CLIENT || got.len > sizeof(m->in))
        return FAULT_PASS;
    if (got.len)
        memcpy(m->in, got.data, got.len);
    if (got.len >= UDP_HEADER_IPV4)
        m->count[0] = got.len;
    else
        event->datagram.data = px_bytes_of(m->in, (size_t)m->count[0]);
    return FAULT_PASS;
}

/* Nothing to send is taken for the end. */
static enum fault_verdict empty_kills(struct fault_memory *m,
                                      struct association_action *action)
{
    (void)m;
    return action->kind == ASSOCIATION_SEND_TARGET && !action->send.data.len
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict unresolved_kills(struct fault_memory *m,
                                           struct association_event *event)
{
    (void)m;
    return event->kind == ASSOCIATION_RESOLVED &&
                   event->resolved.address.kind == PX_ADDRESS_NONE
               ? FAULT_HANG
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "udp-header-forwarded",
        .summary = "sends the target the header as well",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = header_kept,
    },
    {
        .name = "udp-reserved-forwarded",
        .summary = "sends the target a header whose RSV is not zero",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = reserved_kept,
    },
    {
        .name = "udp-reserved-ends",
        .summary = "relays nothing any more behind a datagram whose RSV is "
                   "not zero",
        .proves = {REQ_SOCKS5_UDP_RSV_NONZERO},
        .on_datagram = reserved_kills,
    },
    {
        .name = "udp-large-cut",
        .summary = "cuts datagrams to what one Ethernet frame holds",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = cut,
    },
    {
        .name = "udp-large-dropped",
        .summary = "drops datagrams that one Ethernet frame does not hold",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = drop_large,
    },
    {
        .name = "udp-leading-zeros-lost",
        .summary = "loses zero octets at the front of a datagram",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = skip_zeros,
    },
    {
        .name = "udp-names-dropped",
        .summary = "drops datagrams for a name",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = drop_names,
    },
    {
        .name = "udp-first-target",
        .summary = "sends every datagram to the port of the first",
        .proves = {REQ_SOCKS5_UDP_MULTI_TARGET},
        .on_relay = first_target,
    },
    {
        .name = "udp-anybody",
        .summary = "relays datagrams from any source address",
        .proves = {REQ_SOCKS5_UDP_SOURCE_DROP},
        .on_associate = note,
        .on_datagram = anybody,
    },
    {
        .name = "udp-known-by-port",
        .summary = "takes who sends from the client's port for the client, "
                   "whatever its address",
        .proves = {REQ_SOCKS5_UDP_SOURCE_DROP},
        .on_associate = note,
        .on_datagram = known_by_port,
    },
    {
        .name = "udp-one-family",
        .summary = "relays to addresses of the family of the first target only",
        .proves = {REQ_SOCKS5_UDP_MULTI_TARGET},
        .on_relay = one_family,
    },
    {
        .name = "udp-expects-localhost",
        .summary = "expects every client's datagrams from 127.0.0.1",
        .proves = {REQ_SOCKS5_UDP_SOURCE_LEARN},
        .on_associate = expect_localhost,
    },
    {
        .name = "udp-expects-zero",
        .summary = "waits for datagrams from 0.0.0.0 when that is announced",
        .proves = {REQ_SOCKS5_UDP_SOURCE_LEARN},
        .on_associate = note,
        .on_datagram = expect_zero,
    },
    {
        .name = "udp-newest-port",
        .summary = "sends answers to the port whose datagram came last",
        .proves = {REQ_SOCKS5_UDP_SOURCE_PORT},
        .on_datagram = note_port,
        .on_relay = to_noted_port,
    },
    {
        .name = "udp-second-port-ends",
        .summary = "relays nothing any more behind a datagram from another "
                   "port of the client's",
        .proves = {REQ_SOCKS5_UDP_SOURCE_PORT},
        .on_datagram = one_port,
    },
    {
        .name = "udp-newest-client",
        .summary = "sends answers to the client of all whose datagram came "
                   "last",
        .proves = {REQ_SOCKS5_UDP_ISOLATION},
        .on_datagram = share_port,
        .on_relay = to_shared_port,
    },
    {
        .name = "udp-atyp-guessed",
        .summary = "takes unassigned address types of datagrams for IPv4",
        .proves = {REQ_SOCKS5_UDP_ATYP_BAD},
        .on_datagram = guess_type,
    },
    {
        .name = "udp-short-ends",
        .summary = "relays nothing any more behind a datagram that ends in "
                   "its header",
        .proves = {REQ_SOCKS5_UDP_SHORT},
        .on_datagram = short_kills,
    },
    {
        .name = "udp-short-overread",
        .summary = "completes a short datagram with octets of the last one",
        .proves = {REQ_SOCKS5_UDP_SHORT},
        .on_datagram = short_overread,
    },
    {
        .name = "udp-empty-ends",
        .summary = "relays nothing any more behind an empty datagram",
        .proves = {REQ_SOCKS5_UDP_EMPTY},
        .on_relay = empty_kills,
    },
    {
        .name = "udp-unresolved-ends",
        .summary = "relays nothing any more once a name did not resolve",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = unresolved_kills,
    },
};

const struct fault_theme udp_relay_faults = FAULT_THEME(faults);
