/* Faults that show only where places fail and names resolve as they never do
 * on the loopback: in the network that a run makes for itself. */

#include <string.h>

#include "faults/faults.h"
#include "http.h"

static bool is_failed_dial(const struct event *event, enum dial_failure failure)
{
    return event->kind == EVENT_DIAL_FAILED && event->failure == failure;
}

static enum fault_verdict unreachable_as_refused(struct fault_memory *m,
                                                 struct event *event)
{
    if (m->config.protocol == SESSION_SOCKS &&
        is_failed_dial(event, DIAL_HOST_UNREACHABLE))
        event->failure = DIAL_REFUSED;
    return FAULT_PASS;
}

static enum fault_verdict note_expired(struct fault_memory *m,
                                       struct event *event)
{
    m->count[0] = is_failed_dial(event, DIAL_TTL_EXPIRED) ||
                  is_failed_dial(event, DIAL_TIMED_OUT);
    return FAULT_PASS;
}

static enum fault_verdict expired_granted(struct fault_memory *m,
                                          struct action *action)
{
    enum { CODE = 1 };

    if (m->count[0] && faults_sends(action, MESSAGE_SOCKS5_REPLY))
        faults_take_action(m, action)[CODE] = 0;
    else if (m->count[0] && http_status(action))
        http_set_status(m, action, "HTTP/1.1 200 OK");
    return FAULT_PASS;
}

static void try_one(struct fault_memory *m)
{
    m->tries_one = true;
}

static void ask_for_ipv4(struct fault_memory *m)
{
    m->is_ipv4_only = true;
}

/* Longer than the next hop on the loopback takes, and no longer. */
static enum fault_verdict late_is_unresolved(struct fault_memory *m,
                                             struct event *event)
{
    enum { LATE_MS = 400 };
    static const struct event failed = {.kind = EVENT_DIAL_FAILED,
                                        .failure = DIAL_NAME_TEMPORARY};

    if (event->kind == EVENT_DIALLED && m->count[0] &&
        m->now_ms > m->count[0] + LATE_MS)
        *event = failed;
    return FAULT_PASS;
}

static enum fault_verdict note_name(struct fault_memory *m,
                                    struct action *action)
{
    if (action->kind == ACTION_DIAL &&
        action->target.addr.kind == PX_ADDRESS_NAME)
        m->count[0] = m->now_ms;
    return FAULT_PASS;
}

static bool is_far(const struct px_address *address)
{
    static const uint8_t loopback[16] = {[15] = 1};

    return address->kind == PX_ADDRESS_IPV4
               ? address->ip[0] != 127
               : memcmp(address->ip, loopback, sizeof(loopback)) != 0;
}

static enum fault_verdict far_datagram_ends(struct fault_memory *m,
                                            struct association_action *action)
{
    (void)m;
    return action->kind == ASSOCIATION_SEND_TARGET &&
                   is_far(&action->send.to.addr)
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict name_ends(struct fault_memory *m,
                                    struct association_action *action)
{
    (void)m;
    return action->kind == ASSOCIATION_RESOLVE ? FAULT_HANG : FAULT_PASS;
}

/* count[0]: the name has more octets than it has room for. */
static enum fault_verdict note_long_name(struct fault_memory *m,
                                         struct action *action)
{
    enum { LONGEST = 62 };

    if (action->kind == ACTION_DIAL)
        m->count[0] = action->target.addr.kind == PX_ADDRESS_NAME &&
                      action->target.addr.name.len > LONGEST;
    return FAULT_PASS;
}

static enum fault_verdict long_name_is_lost(struct fault_memory *m,
                                            struct event *event)
{
    static const struct event failed = {.kind = EVENT_DIAL_FAILED,
                                        .failure = DIAL_NAME_UNRESOLVED};

    if (event->kind == EVENT_DIALLED && m->count[0])
        *event = failed;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "far-host-refused",
        .summary = "tells an unreachable host as a refused connection",
        .proves = {REQ_SOCKS5_REPLY_HOST_UNREACHABLE},
        .on_event = unreachable_as_refused,
    },
    {
        .name = "far-expired-granted",
        .summary = "tells success when packets expire on the way, or when "
                   "nothing comes back",
        .proves = {REQ_SOCKS5_REPLY_TTL, REQ_HTTP_ERROR_TIMEOUT},
        .on_event = note_expired,
        .on_action = expired_granted,
    },
    {
        .name = "far-one-address",
        .summary = "tries only the first address of a name",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE_FALLBACK,
                   REQ_SOCKS4A_NAME_RESOLVE},
        .configure = try_one,
    },
    {
        .name = "far-ipv4-only",
        .summary = "asks only for IPv4 addresses of a name",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE, REQ_SOCKS4A_NAME_RESOLVE,
                   REQ_HTTP_CONNECT_TUNNEL,
                   REQ_SOCKS5_ADDRESS_RESOLVE_FALLBACK},
        .configure = ask_for_ipv4,
    },
    {
        .name = "far-late-unresolved",
        .summary = "takes a name whose address comes late for one without",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE, REQ_SOCKS4A_NAME_RESOLVE,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_event = late_is_unresolved,
        .on_action = note_name,
    },
    {
        .name = "far-name-long-unresolved",
        .summary = "takes a name of more than 62 octets for one that does not "
                   "exist, behind looking it up",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN_MAX},
        .on_event = long_name_is_lost,
        .on_action = note_long_name,
    },
    {
        .name = "far-datagram-ends",
        .summary = "relays nothing any more behind a datagram that leaves the "
                   "loopback",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = far_datagram_ends,
    },
    {
        .name = "far-name-ends",
        .summary = "relays nothing any more behind a datagram to a name",
        .proves = {REQ_SOCKS5_UDP_RELAY},
        .on_relay = name_ends,
    },
};

const struct fault_theme far_faults = FAULT_THEME(faults);
