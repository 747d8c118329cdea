/* Faults of SOCKS4's BIND: section 2 of its memo. */

#include <string.h>

#include "faults/version4.h"
#include "socks4.h"

/* What is remembered of a BIND: that there is one, and the peer's address. */
enum { IS_BIND, PEER };

static uint32_t address_of(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
           (uint32_t)octets[2] << 8 | octets[3];
}

static enum fault_verdict note_bind(struct fault_memory *m, struct event *event)
{
    (void)event;
    m->count[IS_BIND] = m->in[SOCKS4_AT_CODE] == SOCKS4_BIND;
    m->count[PEER] = address_of(m->in + SOCKS4_AT_ADDR);
    return FAULT_PASS;
}

static bool is_first(const struct fault_memory *m, const struct action *action)
{
    return m->count[IS_BIND] && socks4_grants(action) &&
           session_state(m->session) == SESSION_LISTENING;
}

static bool is_second(const struct fault_memory *m, const struct action *action)
{
    return m->count[IS_BIND] && socks4_is_reply(action) &&
           session_state(m->session) == SESSION_RELAYING;
}

/* Nothing is told before the peer has come. */
static enum fault_verdict first_missing(struct fault_memory *m,
                                        struct action *action)
{
    return is_first(m, action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict first_port_zero(struct fault_memory *m,
                                          struct action *action)
{
    if (is_first(m, action))
        memset(faults_take_action(m, action) + SOCKS4_AT_PORT, 0, 2);
    return FAULT_PASS;
}

static enum fault_verdict first_port_swapped(struct fault_memory *m,
                                             struct action *action)
{
    if (is_first(m, action)) {
        uint8_t *port = faults_take_action(m, action) + SOCKS4_AT_PORT;
        uint8_t high = port[0];

        port[0] = port[1];
        port[1] = high;
    }
    return FAULT_PASS;
}

static enum fault_verdict first_port_other(struct fault_memory *m,
                                           struct action *action)
{
    if (is_first(m, action))
        faults_take_action(m, action)[SOCKS4_AT_PORT + 1] ^= 1;
    return FAULT_PASS;
}

/* DSTIP goes into the reply as it came. */
static enum fault_verdict first_address_peer(struct fault_memory *m,
                                             struct action *action)
{
    if (is_first(m, action)) {
        uint8_t *addr = faults_take_action(m, action) + SOCKS4_AT_ADDR;

        for (unsigned i = 0; i < 4; i++)
            addr[i] = (uint8_t)(m->count[PEER] >> (24 - 8 * i));
    }
    return FAULT_PASS;
}

static enum fault_verdict first_version(struct fault_memory *m,
                                        struct action *action)
{
    if (is_first(m, action))
        faults_take_action(m, action)[0] = SOCKS4_VERSION;
    return FAULT_PASS;
}

static enum fault_verdict first_twice(struct fault_memory *m,
                                      struct action *action)
{
    if (is_first(m, action))
        faults_also_send(m, ACTION_SEND_CLIENT, action->send.data);
    return FAULT_PASS;
}

static enum fault_verdict second_missing(struct fault_memory *m,
                                         struct action *action)
{
    return is_second(m, action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict second_twice(struct fault_memory *m,
                                       struct action *action)
{
    if (is_second(m, action))
        faults_also_send(m, ACTION_SEND_CLIENT, action->send.data);
    return FAULT_PASS;
}

static enum fault_verdict second_version(struct fault_memory *m,
                                         struct action *action)
{
    if (is_second(m, action))
        faults_take_action(m, action)[0] = SOCKS4_VERSION;
    return FAULT_PASS;
}

static enum fault_verdict second_short(struct fault_memory *m,
                                       struct action *action)
{
    if (is_second(m, action))
        action->send.data.len = SOCKS4_AT_ADDR;
    return FAULT_PASS;
}

static enum fault_verdict anybody(struct fault_memory *m, struct event *event)
{
    (void)event;
    if (m->in[SOCKS4_AT_CODE] == SOCKS4_BIND && !socks4_has_marker(m->in))
        memset(m->in + SOCKS4_AT_ADDR, 0, 4);
    return FAULT_PASS;
}

/* As BIND of SOCKS5 has it. */
static enum fault_verdict stranger_ignored(struct fault_memory *m,
                                           struct event *event)
{
    if (!m->count[IS_BIND] || event->kind != EVENT_ACCEPTED ||
        event->peer.addr.kind != PX_ADDRESS_IPV4 ||
        address_of(event->peer.addr.ip) == m->count[PEER])
        return FAULT_PASS;
    faults_also(m, ACTION_DROP_PEER);
    return FAULT_DROP;
}

static bool is_stranger_told(const struct fault_memory *m,
                             const struct action *action)
{
    return m->count[IS_BIND] && socks4_refuses(action);
}

static enum fault_verdict stranger_code(struct fault_memory *m,
                                        struct action *action)
{
    if (is_stranger_told(m, action))
        socks4_set_code(m, action, SOCKS4_IDENTD_MISMATCH);
    return FAULT_PASS;
}

static enum fault_verdict stranger_open(struct fault_memory *m,
                                        struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (is_stranger_told(m, action))
        m->count[2] = 1;
    if (m->count[2])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

/* The peer is told, and left waiting for somebody who takes it. */
static enum fault_verdict not_joined(struct fault_memory *m,
                                     struct event *event)
{
    if (!m->count[IS_BIND] || event->kind != EVENT_ACCEPTED)
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\0\x5A\0\0\0\0\0\0"));
    return FAULT_DROP;
}

static enum fault_verdict client_lost(struct fault_memory *m,
                                      struct event *event)
{
    bool is_gone =
        event->kind == EVENT_CLIENT_END || event->kind == EVENT_CLIENT_RESET;

    return is_gone && faults_is_in(m, SESSION_SOCKS, SESSION_LISTENING)
               ? FAULT_HANG
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks4-bind-first-missing",
        .summary = "answers BIND only when the peer has come",
        .proves = {REQ_SOCKS4_BIND_FIRST_REPLY},
        .on_socks4 = note_bind,
        .on_action = first_missing,
    },
    {
        .name = "socks4-bind-port-zero",
        .summary = "tells port 0 for where BIND listens",
        .proves = {REQ_SOCKS4_BIND_FIRST_REPLY},
        .on_socks4 = note_bind,
        .on_action = first_port_zero,
    },
    {
        .name = "socks4-bind-port-swapped",
        .summary = "tells the port of BIND with its low octet first",
        .proves = {REQ_SOCKS4_REQUEST_PORT_ORDER},
        .on_socks4 = note_bind,
        .on_action = first_port_swapped,
    },
    {
        .name = "socks4-bind-port-other",
        .summary = "listens on another port than BIND tells",
        .proves = {REQ_SOCKS4_BIND_LISTENING},
        .on_socks4 = note_bind,
        .on_action = first_port_other,
    },
    {
        .name = "socks4-bind-address-peer",
        .summary = "tells the address of the peer for where BIND listens",
        .proves = {REQ_SOCKS4_BIND_ADDRESS_ZERO},
        .on_socks4 = note_bind,
        .on_action = first_address_peer,
    },
    {
        .name = "socks4-bind-first-version",
        .summary = "begins the first reply to BIND with 04",
        .proves = {REQ_SOCKS4_REPLY_VN_ZERO},
        .on_socks4 = note_bind,
        .on_action = first_version,
    },
    {
        .name = "socks4-bind-first-twice",
        .summary = "sends the first reply to BIND twice",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT},
        .on_socks4 = note_bind,
        .on_action = first_twice,
    },
    {
        .name = "socks4-bind-second-missing",
        .summary = "does not tell that the peer of BIND has come",
        .proves = {REQ_SOCKS4_BIND_SECOND_REPLY},
        .on_socks4 = note_bind,
        .on_action = second_missing,
    },
    {
        .name = "socks4-bind-second-twice",
        .summary = "sends the second reply to BIND twice",
        .proves = {REQ_SOCKS4_REPLY_SINGLE},
        .on_socks4 = note_bind,
        .on_action = second_twice,
    },
    {
        .name = "socks4-bind-second-version",
        .summary = "begins the second reply to BIND with 04",
        .proves = {REQ_SOCKS4_REPLY_VN_ZERO},
        .on_socks4 = note_bind,
        .on_action = second_version,
    },
    {
        .name = "socks4-bind-second-short",
        .summary = "leaves the address out of the second reply to BIND",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT},
        .on_socks4 = note_bind,
        .on_action = second_short,
    },
    {
        .name = "socks4-bind-anybody",
        .summary = "lets anybody in whom BIND does not name",
        .proves = {REQ_SOCKS4_BIND_PEER_MISMATCH},
        .on_socks4 = anybody,
    },
    {
        .name = "socks4-bind-stranger-ignored",
        .summary = "drops whom BIND does not name, and waits on",
        .proves = {REQ_SOCKS4_BIND_PEER_MISMATCH},
        .on_event = stranger_ignored,
        .on_socks4 = note_bind,
    },
    {
        .name = "socks4-bind-stranger-code",
        .summary = "tells with 93 of somebody whom BIND does not name",
        .proves = {REQ_SOCKS4_BIND_PEER_MISMATCH},
        .on_socks4 = note_bind,
        .on_action = stranger_code,
    },
    {
        .name = "socks4-bind-stranger-open",
        .summary = "leaves the client's connection open behind a stranger",
        .proves = {REQ_SOCKS4_BIND_PEER_MISMATCH},
        .on_socks4 = note_bind,
        .on_action = stranger_open,
    },
    {
        .name = "socks4-bind-not-joined",
        .summary = "tells that the peer of BIND has come, and joins nobody",
        .proves = {REQ_SOCKS4_BIND_RELAY, REQ_SOCKS4_BIND_SECOND_PEER},
        .on_event = not_joined,
        .on_socks4 = note_bind,
    },
    {
        .name = "socks4-bind-client-lost",
        .summary = "listens on for the peer of BIND when the client is gone",
        .proves = {REQ_SOCKS4_BIND_CONTROL_LOST},
        .on_event = client_lost,
    },
};

const struct fault_theme socks4_bind_faults = FAULT_THEME(faults);
