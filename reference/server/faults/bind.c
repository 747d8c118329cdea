/* Faults of BIND: RFC 1928 section 6. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

static bool is_reply(const struct action *action)
{
    return faults_sends(action, MESSAGE_SOCKS5_REPLY);
}

static bool is_listening(const struct fault_memory *m)
{
    return session_state(m->session) == SESSION_LISTENING;
}

/* Notes a BIND, and which of its replies this is: 1, 2; else 0. */
static unsigned nth_reply(struct fault_memory *m, const struct action *action)
{
    if (action->kind == ACTION_LISTEN)
        m->count[0] = 1;
    return m->count[0] && is_reply(action) ? (unsigned)m->count[0]++ : 0;
}

static enum fault_verdict one_reply(struct fault_memory *m,
                                    struct action *action)
{
    return nth_reply(m, action) == 2 ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict port_zero(struct fault_memory *m, struct event *event)
{
    (void)m;
    if (event->kind == EVENT_LISTENING)
        event->bound.port = 0;
    return FAULT_PASS;
}

static enum fault_verdict address_zero(struct fault_memory *m,
                                       struct event *event)
{
    (void)m;
    if (event->kind == EVENT_LISTENING)
        memset(event->bound.addr.ip, 0, sizeof(event->bound.addr.ip));
    return FAULT_PASS;
}

static enum fault_verdict port_swapped(struct fault_memory *m,
                                       struct event *event)
{
    (void)m;
    if (event->kind == EVENT_LISTENING) {
        unsigned port = event->bound.port;

        event->bound.port = (uint16_t)(port << 8 | port >> 8);
    }
    return FAULT_PASS;
}

/* Both replies say the same. */
static enum fault_verdict second_as_first(struct fault_memory *m,
                                          struct event *event)
{
    if (event->kind == EVENT_LISTENING)
        m->count[0] = event->bound.port;
    if (event->kind == EVENT_ACCEPTED)
        event->peer.port = (uint16_t)m->count[0];
    return FAULT_PASS;
}

enum { REPLY_ADDR = 4 };

static enum fault_verdict second_zero(struct fault_memory *m,
                                      struct action *action)
{
    if (nth_reply(m, action) == 2)
        memset(faults_take_action(m, action) + REPLY_ADDR, 0,
               action->send.data.len - REPLY_ADDR);
    return FAULT_PASS;
}

static enum fault_verdict second_at_once(struct fault_memory *m,
                                         struct action *action)
{
    if (nth_reply(m, action) == 1)
        faults_also_send(m, ACTION_SEND_CLIENT, action->send.data);
    return FAULT_PASS;
}

/* Asks for anybody, whomever the client asked for. */
static enum fault_verdict anybody(struct fault_memory *m, struct event *event)
{
    enum { COMMAND = 1, ATYP = 3, ADDR = 4, LEN = 4 };
    uint8_t *request;

    if (!faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST))
        return FAULT_PASS;
    request = faults_take_octets(m, event);
    if (request[0] == 5 && request[COMMAND] == SOCKS5_BIND &&
        request[ATYP] == SOCKS5_IPV4)
        memset(request + ADDR, 0, LEN);
    return FAULT_PASS;
}

/* Not read before the second reply is written, and then thrown away. */
static enum fault_verdict peer_first_lost(struct fault_memory *m,
                                          struct event *event)
{
    if (event->kind == EVENT_ACCEPTED)
        m->count[0] = 1;
    if (!m->count[0] || event->kind != EVENT_UPSTREAM_DATA)
        return FAULT_PASS;
    m->count[0] = 0;
    return FAULT_DROP;
}

static enum fault_verdict early_lost(struct fault_memory *m,
                                     struct event *event)
{
    return is_listening(m) && event->kind == EVENT_CLIENT_DATA ? FAULT_DROP
                                                               : FAULT_PASS;
}

static void listen_on(struct fault_memory *m)
{
    m->listens_on = true;
}

/* Whoever comes next takes the place of the one before. */
static enum fault_verdict take_over(struct fault_memory *m, struct event *event)
{
    if (event->kind != EVENT_ACCEPTED ||
        session_state(m->session) != SESSION_RELAYING)
        return FAULT_PASS;
    faults_also(m, ACTION_TAKE_PEER);
    return FAULT_DROP;
}

static enum fault_verdict outlive(struct fault_memory *m, struct event *event)
{
    return is_listening(m) && (event->kind == EVENT_CLIENT_END ||
                               event->kind == EVENT_CLIENT_RESET)
               ? FAULT_DROP
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "bind-one-reply",
        .summary = "sends no second reply when the peer has connected",
        .proves = {REQ_SOCKS5_BIND_TWO_REPLIES},
        .on_action = one_reply,
    },
    {
        .name = "bind-port-zero",
        .summary = "names port 0 as what BIND listens on",
        .proves = {REQ_SOCKS5_BIND_FIRST_BND},
        .on_event = port_zero,
    },
    {
        .name = "bind-address-zero",
        .summary = "names 0.0.0.0 as the address that BIND listens at",
        .proves = {REQ_SOCKS5_BIND_FIRST_BND},
        .on_event = address_zero,
    },
    {
        .name = "bind-port-swapped",
        .summary = "names the port that BIND listens on with its low octet "
                   "first",
        .proves = {REQ_SOCKS5_BIND_LISTENING},
        .on_event = port_swapped,
    },
    {
        .name = "bind-second-as-first",
        .summary = "names its own port in BIND's second reply",
        .proves = {REQ_SOCKS5_BIND_SECOND_BND},
        .on_event = second_as_first,
    },
    {
        .name = "bind-second-zero",
        .summary = "names 0.0.0.0:0 as the peer in BIND's second reply",
        .proves = {REQ_SOCKS5_BIND_SECOND_BND},
        .on_action = second_zero,
    },
    {
        .name = "bind-second-at-once",
        .summary = "sends BIND's second reply before anybody has connected",
        .proves = {REQ_SOCKS5_BIND_FAILURE},
        .on_action = second_at_once,
    },
    {
        .name = "bind-anybody",
        .summary = "joins whoever connects to what BIND listens on",
        .proves = {REQ_SOCKS5_BIND_PEER_FILTER},
        .on_message = anybody,
    },
    {
        .name = "bind-first-octets-lost",
        .summary = "loses the first octets of BIND's peer",
        .proves = {REQ_SOCKS5_BIND_RELAY},
        .on_event = peer_first_lost,
    },
    {
        .name = "bind-early-data-lost",
        .summary = "loses what the client sends between BIND's two replies",
        .proves = {REQ_SOCKS5_BIND_EARLY_DATA},
        .on_event = early_lost,
    },
    {
        .name = "bind-second-takes-over",
        .summary = "lets a second connection take the place of BIND's peer",
        .proves = {REQ_SOCKS5_BIND_SECOND_PEER},
        .configure = listen_on,
        .on_event = take_over,
    },
    {
        .name = "bind-outlives-control",
        .summary = "listens on when the client of a BIND is gone",
        .proves = {REQ_SOCKS5_BIND_CONTROL_LOST},
        .on_event = outlive,
    },
};

const struct fault_theme bind_faults = FAULT_THEME(faults);
