/* Faults of an association that its first datagram does not show: those of
 * what comes second, later, larger, or from somebody else. RFC 1928 sections 6
 * and 7. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"
#include "udp.h"

static bool is_answer(const struct association_action *action)
{
    return action->kind == ASSOCIATION_SEND_CLIENT;
}

static bool is_sent(const struct association_action *action)
{
    return action->kind == ASSOCIATION_SEND_TARGET;
}

static void cut_to(struct association_action *action, size_t len)
{
    if (action->send.data.len > len)
        action->send.data.len = len;
}

/* A buffer of one frame, and of a page or two. */
enum { FRAME = 1472, PAGES = 8192 };

static enum fault_verdict answer_cut(struct fault_memory *m,
                                     struct association_action *action)
{
    (void)m;
    if (is_answer(action))
        cut_to(action, FRAME);
    return FAULT_PASS;
}

static enum fault_verdict huge_cut(struct fault_memory *m,
                                   struct association_action *action)
{
    (void)m;
    if (is_sent(action) || is_answer(action))
        cut_to(action, PAGES);
    return FAULT_PASS;
}

/* count[0]: the answer to the last datagram has come. */
static enum fault_verdict one_answer(struct fault_memory *m,
                                     struct association_action *action)
{
    if (is_sent(action))
        m->count[0] = 0;
    return is_answer(action) && m->count[0]++ ? FAULT_DROP : FAULT_PASS;
}

/* count[0]: the port that was addressed last. */
static enum fault_verdict last_addressed(struct fault_memory *m,
                                         struct association_action *action)
{
    if (is_sent(action))
        m->count[0] = action->send.to.port;
    return FAULT_PASS;
}

static enum fault_verdict from_last_addressed(struct fault_memory *m,
                                              struct association_event *event)
{
    return event->kind == ASSOCIATION_FROM_TARGET && m->count[0] &&
                   event->datagram.from.port != m->count[0]
               ? FAULT_DROP
               : FAULT_PASS;
}

/* A socket that is connected to the target it was opened for. */
static enum fault_verdict from_first(struct fault_memory *m,
                                     struct association_event *event)
{
    if (event->kind != ASSOCIATION_FROM_TARGET)
        return FAULT_PASS;
    if (!m->count[0])
        m->count[0] = event->datagram.from.port;
    event->datagram.from.port = (uint16_t)m->count[0];
    return FAULT_PASS;
}

static enum fault_verdict twice(struct fault_memory *m,
                                struct association_event *event)
{
    struct udp_datagram datagram;
    struct px_error err;

    if (event->kind != ASSOCIATION_FROM_CLIENT ||
        udp_decode_datagram(event->datagram.data, &datagram, &err) != PX_DONE ||
        datagram.frag || datagram.dst.addr.kind == PX_ADDRESS_NAME)
        return FAULT_PASS;
    m->notice = (struct association_action){.kind = ASSOCIATION_SEND_TARGET};
    m->notice.send.to = datagram.dst;
    m->notice.send.data = datagram.data;
    m->has_notice = true;
    return FAULT_PASS;
}

/* Who sends first is the client, wherever its connection is from: the session
 * is shown the right address, and answers go to that one's. */
static enum fault_verdict first_sender(struct fault_memory *m,
                                       struct association_event *event)
{
    struct px_endpoint *from = &event->datagram.from;
    struct px_endpoint first;

    if (event->kind != ASSOCIATION_FROM_CLIENT)
        return FAULT_PASS;
    if (!m->kept_len) {
        m->kept_len = sizeof(*from);
        memcpy(m->kept, from, sizeof(*from));
    }
    memcpy(&first, m->kept, sizeof(first));
    if (first.port != from->port ||
        memcmp(first.addr.ip, from->addr.ip, sizeof(first.addr.ip)) != 0)
        return FAULT_DROP;
    from->addr = m->association.peer;
    return FAULT_PASS;
}

static enum fault_verdict to_first_sender(struct fault_memory *m,
                                          struct association_action *action)
{
    if (is_answer(action) && m->kept_len)
        memcpy(&action->send.to, m->kept, sizeof(action->send.to));
    return FAULT_PASS;
}

static void note(struct fault_memory *m)
{
    (void)m;
}

/* Where the client says that it sends from, its address is believed of all. */
static enum fault_verdict announced_anybody(struct fault_memory *m,
                                            struct association_event *event)
{
    struct px_endpoint *from = &event->datagram.from;

    if (event->kind == ASSOCIATION_FROM_CLIENT && m->association.announced.port)
        *from = (struct px_endpoint){.addr = m->association.peer,
                                     .port = m->association.announced.port};
    return FAULT_PASS;
}

static void swap_announced(struct fault_memory *m)
{
    unsigned port = m->association.announced.port;

    m->association.announced.port = (uint16_t)(port << 8 | port >> 8);
}

/* count[0]: when the last datagram came. */
static enum fault_verdict idle_ends(struct fault_memory *m,
                                    struct association_event *event)
{
    enum { IDLE_MS = 2000 };
    uint64_t last_ms = m->count[0];

    (void)event;
    m->count[0] = m->now_ms;
    return last_ms && m->now_ms > last_ms + IDLE_MS ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict age_ends(struct fault_memory *m,
                                   struct association_event *event)
{
    enum { LIFE_MS = 4000 };

    (void)event;
    if (!m->count[0])
        m->count[0] = m->now_ms;
    return m->now_ms > m->count[0] + LIFE_MS ? FAULT_HANG : FAULT_PASS;
}

/* The deadline of the handshake goes on behind it. */
static enum fault_verdict keep_deadline(struct fault_memory *m,
                                        struct action *action)
{
    enum { HANDSHAKE_MS = 4000 };

    if (session_state(m->session) == SESSION_ASSOCIATED &&
        action->kind == ACTION_ARM_TIMER)
        action->deadline_ms = m->now_ms + HANDSHAKE_MS;
    return FAULT_PASS;
}

static enum fault_verdict deadline_closes(struct fault_memory *m,
                                          struct event *event)
{
    return session_state(m->session) == SESSION_ASSOCIATED &&
                   event->kind == EVENT_TIMER
               ? FAULT_ABORT
               : FAULT_PASS;
}

static enum fault_verdict half_zero(struct fault_memory *m, struct event *event)
{
    enum { CMD = 1, ATYP = 3, ADDR = 4, PORT = 8 };
    static const uint8_t zero[4];

    (void)event;
    if (!faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST) ||
        m->in[CMD] != SOCKS5_UDP_ASSOCIATE || m->in[ATYP] != SOCKS5_IPV4 ||
        memcmp(m->in + ADDR, zero, sizeof(zero)) != 0 ||
        !(m->in[PORT] || m->in[PORT + 1]))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\5\1\0\1\0\0\0\0\0\0"));
}

/* The first name's address is every name's. */
static enum fault_verdict one_name(struct fault_memory *m,
                                   struct association_event *event)
{
    struct px_address *address = &event->resolved.address;

    if (event->kind != ASSOCIATION_RESOLVED)
        return FAULT_PASS;
    if (!m->kept_len) {
        m->kept_len = sizeof(*address);
        memcpy(m->kept, address, sizeof(*address));
    }
    memcpy(address, m->kept, sizeof(*address));
    return FAULT_PASS;
}

static enum fault_verdict trailing_zeros_lost(struct fault_memory *m,
                                              struct association_action *action)
{
    enum { HEADER = 22 };
    struct px_bytes *data = &action->send.data;

    (void)m;
    if (is_sent(action) || is_answer(action))
        while (data->len > HEADER && !data->data[data->len - 1])
            data->len--;
    return FAULT_PASS;
}

static enum fault_verdict hundred(struct fault_memory *m,
                                  struct association_event *event)
{
    enum { MANY = 100 };

    return event->kind == ASSOCIATION_FROM_CLIENT && m->count[0]++ >= MANY
               ? FAULT_DROP
               : FAULT_PASS;
}

/* count[0]: the client's connection has ended. */
static enum fault_verdict half_outlives(struct fault_memory *m,
                                        struct event *event)
{
    if (session_state(m->session) != SESSION_ASSOCIATED ||
        (event->kind != EVENT_CLIENT_END && event->kind != EVENT_CLIENT_RESET))
        return FAULT_PASS;
    m->count[0] = 1;
    return FAULT_DROP;
}

static enum fault_verdict only_answers(struct fault_memory *m,
                                       struct association_event *event)
{
    return event->kind == ASSOCIATION_FROM_CLIENT && m->count[0] ? FAULT_DROP
                                                                 : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "udp-answer-cut",
        .summary = "cuts answers to what one Ethernet frame holds",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = answer_cut,
    },
    {
        .name = "udp-huge-cut",
        .summary = "cuts what is longer than 8 KiB, in either direction",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = huge_cut,
    },
    {
        .name = "udp-one-answer",
        .summary = "relays one answer to a datagram, and no more",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = one_answer,
    },
    {
        .name = "udp-last-target-answers",
        .summary = "relays answers of the target that was addressed last, and "
                   "of no other",
        .proves = {REQ_SOCKS5_UDP_MULTI_TARGET},
        .on_datagram = from_last_addressed,
        .on_relay = last_addressed,
    },
    {
        .name = "udp-answer-from-first",
        .summary = "names the port that answered first as the source of every "
                   "answer",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_datagram = from_first,
    },
    {
        .name = "udp-twice",
        .summary = "sends the target every datagram twice",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = twice,
    },
    {
        .name = "udp-first-sender",
        .summary = "takes who sends the first datagram for the client",
        .proves = {REQ_SOCKS5_UDP_SOURCE_DROP, REQ_SOCKS5_UDP_SOURCE_LEARN},
        .on_associate = note,
        .on_datagram = first_sender,
        .on_relay = to_first_sender,
    },
    {
        .name = "udp-announced-anybody",
        .summary = "relays datagrams from any address when the client said "
                   "where it sends from",
        .proves = {REQ_SOCKS5_UDP_SOURCE_DROP},
        .on_associate = note,
        .on_datagram = announced_anybody,
    },
    {
        .name = "udp-announced-swapped",
        .summary = "reads the port that the client sends from with its low "
                   "octet first",
        .proves = {REQ_SOCKS5_UDP_SOURCE_LEARN},
        .on_associate = swap_announced,
    },
    {
        .name = "udp-idle-ends",
        .summary = "relays nothing any more behind two seconds without a "
                   "datagram",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = idle_ends,
    },
    {
        .name = "udp-age-ends",
        .summary = "relays nothing any more four seconds behind the first "
                   "datagram",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = age_ends,
    },
    {
        .name = "udp-control-timed",
        .summary = "closes the TCP connection four seconds behind the reply to "
                   "UDP ASSOCIATE",
        .proves = {REQ_SOCKS5_UDP_TCP_KEPT},
        .on_event = deadline_closes,
        .on_action = keep_deadline,
    },
    {
        .name = "udp-half-zero-refused",
        .summary = "refuses UDP ASSOCIATE for 0.0.0.0 with a port",
        .proves = {REQ_SOCKS5_UDP_ACCEPT_ZERO_DST},
        .on_message = half_zero,
    },
    {
        .name = "udp-one-name",
        .summary = "sends datagrams for any name to the address of the first",
        .proves = {REQ_SOCKS5_UDP_MULTI_TARGET},
        .on_datagram = one_name,
    },
    {
        .name = "udp-trailing-zeros-lost",
        .summary = "loses zero octets at the end of a datagram",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = trailing_zeros_lost,
    },
    {
        .name = "udp-hundred",
        .summary = "relays a hundred datagrams of an association, and no more",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_datagram = hundred,
    },
    {
        .name = "udp-answers-outlive",
        .summary = "relays answers on when the client's TCP connection has "
                   "ended",
        .proves = {REQ_SOCKS5_UDP_TCP_LIFETIME},
        .on_event = half_outlives,
        .on_datagram = only_answers,
    },
};

const struct fault_theme udp_later_faults = FAULT_THEME(faults);
