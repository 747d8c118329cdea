/* Faults of BIND that a peer at its own address, who comes at once and stays,
 * does not show: RFC 1928 section 6, and the memo of SOCKS4. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

/* Where the fields of requests and replies stand. */
enum { CMD = 1, ATYP = 3, ADDR = 4 };

/* count[0]: this client's request was a BIND. */
static bool is_joined(const struct fault_memory *m)
{
    return m->count[0] && session_state(m->session) == SESSION_RELAYING;
}

static enum fault_verdict note_bind(struct fault_memory *m,
                                    struct action *action)
{
    if (action->kind == ACTION_LISTEN)
        m->count[0] = 1;
    return FAULT_PASS;
}

static enum fault_verdict peer_end_lost(struct fault_memory *m,
                                        struct event *event)
{
    return is_joined(m) && (event->kind == EVENT_UPSTREAM_END ||
                            event->kind == EVENT_UPSTREAM_RESET)
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict client_end_lost(struct fault_memory *m,
                                          struct event *event)
{
    return is_joined(m) && (event->kind == EVENT_CLIENT_END ||
                            event->kind == EVENT_CLIENT_RESET)
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict one_end_closes(struct fault_memory *m,
                                         struct event *event)
{
    if (!is_joined(m) ||
        (event->kind != EVENT_UPSTREAM_END && event->kind != EVENT_CLIENT_END))
        return FAULT_PASS;
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

static bool is_second_reply(const struct fault_memory *m,
                            const struct action *action)
{
    return is_joined(m) && faults_sends(action, MESSAGE_SOCKS5_REPLY);
}

static enum fault_verdict own_address(struct fault_memory *m,
                                      struct action *action)
{
    static const uint8_t localhost[] = {127, 0, 0, 1};

    (void)note_bind(m, action);
    if (is_second_reply(m, action) &&
        action->send.data.data[ATYP] == SOCKS5_IPV4)
        memcpy(faults_take_action(m, action) + ADDR, localhost,
               sizeof(localhost));
    return FAULT_PASS;
}

static enum fault_verdict ipv6_untold(struct fault_memory *m,
                                      struct action *action)
{
    (void)note_bind(m, action);
    return is_second_reply(m, action) &&
                   action->send.data.data[ATYP] == SOCKS5_IPV6
               ? FAULT_DROP
               : FAULT_PASS;
}

/* A name is looked up, and its address forgotten; or mistaken. */
static enum fault_verdict name_is_anybody(struct fault_memory *m,
                                          struct event *event)
{
    (void)m;
    if (event->kind == EVENT_RESOLVED)
        memset(event->address.ip, 0, sizeof(event->address.ip));
    return FAULT_PASS;
}

static enum fault_verdict name_is_nobody(struct fault_memory *m,
                                         struct event *event)
{
    (void)m;
    if (event->kind == EVENT_RESOLVED)
        event->address.ip[1] ^= 1;
    return FAULT_PASS;
}

static enum fault_verdict zero_is_nobody(struct fault_memory *m,
                                         struct event *event)
{
    (void)event;
    if (faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST) &&
        m->in[CMD] == SOCKS5_BIND && m->in[ATYP] == SOCKS5_IPV4 && !m->in[ADDR])
        m->in[ADDR] = 1;
    return FAULT_PASS;
}

static enum fault_verdict stranger_ends(struct fault_memory *m,
                                        struct action *action)
{
    (void)m;
    return action->kind == ACTION_DROP_PEER ? FAULT_ABORT : FAULT_PASS;
}

/* One place to wait in, and the stranger keeps it. */
static enum fault_verdict stranger_stays(struct fault_memory *m,
                                         struct action *action)
{
    (void)m;
    return action->kind == ACTION_DROP_PEER ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict impatient(struct fault_memory *m,
                                    struct action *action)
{
    enum { PATIENCE_MS = 3000 };

    if (session_state(m->session) == SESSION_LISTENING &&
        action->kind == ACTION_ARM_TIMER)
        action->deadline_ms = m->now_ms + PATIENCE_MS;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "bind-peer-end-lost",
        .summary = "does not tell the client that BIND's peer has ended",
        .proves = {REQ_SOCKS5_BIND_RELAY, REQ_SOCKS4_BIND_RELAY},
        .on_event = peer_end_lost,
        .on_action = note_bind,
    },
    {
        .name = "bind-client-end-lost",
        .summary = "does not tell BIND's peer that the client has ended",
        .proves = {REQ_SOCKS5_BIND_RELAY, REQ_SOCKS4_BIND_RELAY},
        .on_event = client_end_lost,
        .on_action = note_bind,
    },
    {
        .name = "bind-end-closes",
        .summary = "closes both connections of a BIND when one side has "
                   "finished",
        .proves = {REQ_SOCKS5_BIND_RELAY, REQ_SOCKS4_BIND_RELAY},
        .on_event = one_end_closes,
        .on_action = note_bind,
    },
    {
        .name = "bind-second-own-address",
        .summary = "names its own address in BIND's second reply",
        .proves = {REQ_SOCKS5_BIND_SECOND_BND},
        .on_action = own_address,
    },
    {
        .name = "bind-ipv6-untold",
        .summary = "does not tell that a peer has come from an IPv6 address",
        .proves = {REQ_SOCKS5_BIND_TWO_REPLIES},
        .on_action = ipv6_untold,
    },
    {
        .name = "bind-name-anybody",
        .summary = "joins whoever connects when BIND names its peer by name",
        .proves = {REQ_SOCKS5_BIND_PEER_FILTER},
        .on_event = name_is_anybody,
    },
    {
        .name = "bind-name-nobody",
        .summary = "lets nobody in when BIND names its peer by name",
        .proves = {REQ_SOCKS5_BIND_TWO_REPLIES},
        .on_event = name_is_nobody,
    },
    {
        .name = "bind-zero-nobody",
        .summary = "lets nobody in when BIND names its peer by 0.0.0.0",
        .proves = {REQ_SOCKS5_BIND_TWO_REPLIES},
        .on_message = zero_is_nobody,
    },
    {
        .name = "bind-stranger-ends",
        .summary = "closes without a second reply when a stranger connects",
        .proves = {REQ_SOCKS5_BIND_FAILURE},
        .on_action = stranger_ends,
    },
    {
        .name = "bind-stranger-stays",
        .summary = "lets nobody in behind a stranger, and does not say so",
        .proves = {REQ_SOCKS5_BIND_TWO_REPLIES},
        .on_action = stranger_stays,
    },
    {
        .name = "bind-impatient",
        .summary = "waits three seconds for BIND's peer",
        .proves = {REQ_SOCKS5_BIND_LISTENING, REQ_SOCKS4_BIND_LISTENING},
        .on_action = impatient,
    },
};

const struct fault_theme bind_later_faults = FAULT_THEME(faults);
