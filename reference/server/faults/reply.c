/* Faults of the reply, and of what follows a failure: RFC 1928 section 6. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

/* Where the fields of a reply stand. */
enum { REP = 1, RSV = 2, ATYP = 3, ADDR = 4 };

static bool is_reply(const struct action *action)
{
    return faults_sends(action, MESSAGE_SOCKS5_REPLY);
}

static bool is_success(const struct action *action)
{
    return is_reply(action) && action->send.data.data[REP] == SOCKS5_SUCCEEDED;
}

static bool is_failure(const struct action *action)
{
    return is_reply(action) && action->send.data.data[REP] != SOCKS5_SUCCEEDED;
}

static enum fault_verdict version(struct fault_memory *m, struct action *action)
{
    if (is_reply(action))
        faults_take_action(m, action)[0] = 4;
    return FAULT_PASS;
}

static enum fault_verdict rsv(struct fault_memory *m, struct action *action)
{
    if (is_reply(action))
        faults_take_action(m, action)[RSV] = 1;
    return FAULT_PASS;
}

static enum fault_verdict failure_short(struct fault_memory *m,
                                        struct action *action)
{
    (void)m;
    if (is_failure(action))
        action->send.data.len = RSV;
    return FAULT_PASS;
}

/* As SOCKS4 has it: the address stands where the type should. */
static enum fault_verdict no_atyp(struct fault_memory *m, struct action *action)
{
    if (is_reply(action)) {
        uint8_t *reply = faults_take_action(m, action);

        action->send.data.len--;
        memmove(reply + ATYP, reply + ADDR, action->send.data.len - ATYP);
    }
    return FAULT_PASS;
}

static enum fault_verdict always_name(struct fault_memory *m,
                                      struct action *action)
{
    if (is_reply(action))
        faults_take_action(m, action)[ATYP] = SOCKS5_NAME;
    return FAULT_PASS;
}

static enum fault_verdict ipv6_short(struct fault_memory *m,
                                     struct action *action)
{
    enum { MISSING = 16 - 4 };

    if (is_reply(action) && action->send.data.data[ATYP] == SOCKS5_IPV6) {
        uint8_t *reply = faults_take_action(m, action);

        action->send.data.len -= MISSING;
        memmove(reply + ADDR, reply + ADDR + MISSING,
                action->send.data.len - ADDR);
    }
    return FAULT_PASS;
}

static enum fault_verdict ipv4_short(struct fault_memory *m,
                                     struct action *action)
{
    if (is_reply(action) && action->send.data.data[ATYP] == SOCKS5_IPV4) {
        uint8_t *reply = faults_take_action(m, action);

        action->send.data.len--;
        memmove(reply + ADDR, reply + ADDR + 1, action->send.data.len - ADDR);
    }
    return FAULT_PASS;
}

/* An IPv4-mapped address under the type of an IPv4 address. */
static enum fault_verdict ipv4_long(struct fault_memory *m,
                                    struct action *action)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

    if (is_reply(action) && action->send.data.data[ATYP] == SOCKS5_IPV4) {
        uint8_t *reply = faults_take_action(m, action);

        memmove(reply + ADDR + sizeof(mapped), reply + ADDR,
                action->send.data.len - ADDR);
        memcpy(reply + ADDR, mapped, sizeof(mapped));
        action->send.data.len += sizeof(mapped);
    }
    return FAULT_PASS;
}

static enum fault_verdict name_terminated(struct fault_memory *m,
                                          struct action *action)
{
    if (is_success(action))
        faults_replace(m, action, PX_LITERAL("\5\0\0\3\12localhost\0\0\0"));
    return FAULT_PASS;
}

static enum fault_verdict bnd_swapped(struct fault_memory *m,
                                      struct action *action)
{
    if (is_success(action)) {
        uint8_t *port =
            faults_take_action(m, action) + action->send.data.len - 2;
        uint8_t high = port[0];

        port[0] = port[1];
        port[1] = high;
    }
    return FAULT_PASS;
}

/* BND.PORT is the target's port, not that of our own socket. */
static enum fault_verdict bnd_target(struct fault_memory *m,
                                     struct action *action)
{
    if (action->kind == ACTION_DIAL)
        m->count[0] = action->target.port;
    if (is_success(action)) {
        uint8_t *port =
            faults_take_action(m, action) + action->send.data.len - 2;

        port[0] = (uint8_t)(m->count[0] >> 8);
        port[1] = (uint8_t)(m->count[0] & 0xFF);
    }
    return FAULT_PASS;
}

static enum fault_verdict twice(struct fault_memory *m, struct action *action)
{
    if (is_success(action))
        faults_also_send(m, ACTION_SEND_CLIENT, action->send.data);
    return FAULT_PASS;
}

/* Success goes out with the attempt; what comes of it is told no more. */
static enum fault_verdict lazy(struct fault_memory *m, struct action *action)
{
    if (m->config.protocol != SESSION_SOCKS)
        return FAULT_PASS;
    if (action->kind == ACTION_DIAL) {
        m->count[0] = 1;
        faults_also_send(m, ACTION_SEND_CLIENT,
                         PX_LITERAL("\5\0\0\1\0\0\0\0\0\0"));
    }
    return m->count[0] && is_reply(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict lazy_open(struct fault_memory *m,
                                    struct action *action)
{
    enum fault_verdict verdict = lazy(m, action);

    if (m->count[0])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

static bool is_failed_dial(const struct fault_memory *m,
                           const struct event *event, enum dial_failure failure)
{
    return m->config.protocol == SESSION_SOCKS &&
           event->kind == EVENT_DIAL_FAILED && event->failure == failure;
}

static bool is_unresolved(const struct fault_memory *m,
                          const struct event *event)
{
    return is_failed_dial(m, event, DIAL_NAME_UNRESOLVED) ||
           is_failed_dial(m, event, DIAL_NAME_TEMPORARY);
}

static enum fault_verdict note_refused(struct fault_memory *m,
                                       struct event *event)
{
    m->count[0] = is_failed_dial(m, event, DIAL_REFUSED);
    return FAULT_PASS;
}

static enum fault_verdict note_unreachable(struct fault_memory *m,
                                           struct event *event)
{
    m->count[0] = is_failed_dial(m, event, DIAL_NET_UNREACHABLE) ||
                  is_failed_dial(m, event, DIAL_HOST_UNREACHABLE);
    return FAULT_PASS;
}

static enum fault_verdict note_unresolved(struct fault_memory *m,
                                          struct event *event)
{
    m->count[0] = is_unresolved(m, event);
    return FAULT_PASS;
}

static enum fault_verdict noted_success(struct fault_memory *m,
                                        struct action *action)
{
    if (m->count[0] && is_reply(action))
        faults_take_action(m, action)[REP] = SOCKS5_SUCCEEDED;
    return FAULT_PASS;
}

static enum fault_verdict noted_silent(struct fault_memory *m,
                                       struct action *action)
{
    return m->count[0] && is_reply(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict noted_unassigned(struct fault_memory *m,
                                           struct action *action)
{
    if (m->count[0] && is_reply(action))
        faults_take_action(m, action)[REP] = 9;
    return FAULT_PASS;
}

static enum fault_verdict refused_as_unreachable(struct fault_memory *m,
                                                 struct event *event)
{
    if (is_failed_dial(m, event, DIAL_REFUSED))
        event->failure = DIAL_HOST_UNREACHABLE;
    return FAULT_PASS;
}

static enum fault_verdict refused_hang(struct fault_memory *m,
                                       struct event *event)
{
    return is_failed_dial(m, event, DIAL_REFUSED) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict unresolved_hang(struct fault_memory *m,
                                          struct event *event)
{
    return is_unresolved(m, event) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict failure_open(struct fault_memory *m,
                                       struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (is_failure(action))
        m->count[0] = 1;
    if (m->count[0])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

/* Closes, but later than the ten seconds of section 6. */
static enum fault_verdict failure_slow(struct fault_memory *m,
                                       struct action *action)
{
    enum { LATER_MS = 20 * 1000 };
    enum fault_verdict verdict = failure_open(m, action);

    if (m->count[0] && action->kind == ACTION_ARM_TIMER)
        action->deadline_ms = m->now_ms + LATER_MS;
    return verdict;
}

/* Another request behind a failure reply, or with the one that fails: begins
 * anew, greeting skipped. */
static enum fault_verdict serve_again(struct fault_memory *m,
                                      struct event *event)
{
    if (faults_hold_early(m, event, SESSION_SOCKS))
        return FAULT_DROP;
    if (!m->count[0] ||
        !faults_is_input(m, event, SESSION_SOCKS, SESSION_CLOSING))
        return FAULT_PASS;
    m->count[0] = 0;
    m->count[1] = 1;
    m->config.verify = NULL;
    faults_prepend(m, event, PX_LITERAL("\5\1\0"));
    return FAULT_RESTART;
}

static enum fault_verdict stay_for_more(struct fault_memory *m,
                                        struct action *action)
{
    if (is_failure(action))
        m->count[0] = 1;
    if (m->count[0] && action->kind == ACTION_END_CLIENT)
        return FAULT_DROP;
    return m->count[1] && faults_sends(action, MESSAGE_METHOD_SELECTION)
               ? FAULT_DROP
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks5-reply-version",
        .summary = "begins the reply with 04",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT},
        .on_action = version,
    },
    {
        .name = "socks5-reply-rsv",
        .summary = "sends 01 in the reserved octet of the reply",
        .proves = {REQ_SOCKS5_REQUEST_RSV},
        .on_action = rsv,
    },
    {
        .name = "socks5-reply-failure-short",
        .summary = "tells a failure with version and code only",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT, REQ_SOCKS5_REPLY_SENT},
        .on_action = failure_short,
    },
    {
        .name = "socks5-reply-no-atyp",
        .summary = "leaves the address type out of the reply",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT},
        .on_action = no_atyp,
    },
    {
        .name = "socks5-reply-always-name",
        .summary = "says in the reply that a name follows, whatever does",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT},
        .on_action = always_name,
    },
    {
        .name = "socks5-reply-ipv6-short",
        .summary = "sends four octets of an IPv6 address in the reply",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT, REQ_SOCKS5_ADDRESS_IPV6},
        .on_action = ipv6_short,
    },
    {
        .name = "socks5-reply-ipv4-short",
        .summary = "sends three octets of an IPv4 address in the reply",
        .proves = {REQ_SOCKS5_ADDRESS_IPV4},
        .on_action = ipv4_short,
    },
    {
        .name = "socks5-reply-ipv4-long",
        .summary = "says in the reply that an IPv4 address follows, and sends "
                   "sixteen octets",
        .proves = {REQ_SOCKS5_REPLY_LAYOUT},
        .on_action = ipv4_long,
    },
    {
        .name = "socks5-reply-name-terminated",
        .summary = "ends the name in its reply with a zero octet",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN},
        .on_action = name_terminated,
    },
    {
        .name = "socks5-reply-twice",
        .summary = "sends the reply twice",
        .proves = {REQ_SOCKS5_CONNECT_RELAY},
        .on_action = twice,
    },
    {
        .name = "socks5-bnd-port-swapped",
        .summary = "sends BND.PORT with its low octet first",
        .proves = {REQ_SOCKS5_PORT_ORDER},
        .on_action = bnd_swapped,
    },
    {
        .name = "socks5-bnd-port-target",
        .summary = "sends the port of the target as BND.PORT",
        .proves = {REQ_SOCKS5_CONNECT_BND},
        .on_action = bnd_target,
    },
    {
        .name = "socks5-success-early",
        .summary = "tells success before it has a connection",
        .proves = {REQ_SOCKS5_REPLY_SUCCESS_REAL},
        .on_action = lazy,
    },
    {
        .name = "socks5-success-early-open",
        .summary = "tells success before it has a connection, and stays open "
                   "when none comes of it",
        .proves = {REQ_SOCKS5_REPLY_SUCCESS_REAL},
        .on_action = lazy_open,
    },
    {
        .name = "socks5-refused-success",
        .summary = "tells success when the target refuses the connection",
        .proves = {REQ_SOCKS5_REPLY_SUCCESS_REAL},
        .on_event = note_refused,
        .on_action = noted_success,
    },
    {
        .name = "socks5-refused-unreachable",
        .summary = "tells a refused connection as an unreachable host",
        .proves = {REQ_SOCKS5_REPLY_REFUSED},
        .on_event = refused_as_unreachable,
    },
    {
        .name = "socks5-refused-silent",
        .summary = "closes without a reply when the target refuses",
        .proves = {REQ_SOCKS5_REPLY_SENT},
        .on_event = note_refused,
        .on_action = noted_silent,
    },
    {
        .name = "socks5-refused-hang",
        .summary = "never answers when the target refuses",
        .proves = {REQ_SOCKS5_REPLY_SENT},
        .on_event = refused_hang,
    },
    {
        .name = "socks5-unreachable-success",
        .summary = "tells success when network or host cannot be reached",
        .proves = {REQ_SOCKS5_REPLY_NET_UNREACHABLE},
        .on_event = note_unreachable,
        .on_action = noted_success,
    },
    {
        .name = "socks5-unresolved-success",
        .summary = "tells success for a name that does not resolve",
        .proves = {REQ_SOCKS5_REPLY_DNS_FAILURE},
        .on_event = note_unresolved,
        .on_action = noted_success,
    },
    {
        .name = "socks5-unresolved-unassigned",
        .summary = "answers a name that does not resolve with 09",
        .proves = {REQ_SOCKS5_REPLY_CODE_RANGE},
        .on_event = note_unresolved,
        .on_action = noted_unassigned,
    },
    {
        .name = "socks5-unresolved-hang",
        .summary = "never answers when a name does not resolve",
        .proves = {REQ_SOCKS5_REPLY_DNS_FAILURE},
        .on_event = unresolved_hang,
    },
    {
        .name = "socks5-failure-open",
        .summary = "leaves the connection open after a failure reply",
        .proves = {REQ_SOCKS5_REPLY_CLOSE, REQ_SOCKS5_REPLY_CLOSE_10S},
        .on_action = failure_open,
    },
    {
        .name = "socks5-failure-slow",
        .summary = "closes 20 seconds after a failure reply",
        .proves = {REQ_SOCKS5_REPLY_CLOSE_10S},
        .on_action = failure_slow,
    },
    {
        .name = "socks5-failure-honoured",
        .summary = "serves another request behind a failure reply",
        .proves = {REQ_SOCKS5_REPLY_DEAD_AFTER_FAILURE},
        .on_event = serve_again,
        .on_message = faults_pass,
        .on_action = stay_for_more,
    },
};

const struct fault_theme reply_faults = FAULT_THEME(faults);
