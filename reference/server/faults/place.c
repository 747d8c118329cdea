/*
 * Faults of where a connection goes: to another address than was asked for. RFC
 * 1928 section 4, SOCKS4, RFC 9110 section 9.3.6.
 */

#include <string.h>

#include "faults/faults.h"

static const uint8_t loopback[] = {127, 0, 0, 1};

static bool dials(const struct action *action, enum px_address_kind kind)
{
    return action->kind == ACTION_DIAL && action->target.addr.kind == kind;
}

static void set_address(struct action *action, enum px_address_kind kind)
{
    struct px_address *addr = &action->target.addr;

    addr->kind = kind;
    memset(addr->ip, 0, sizeof(addr->ip));
    if (kind == PX_ADDRESS_IPV4)
        memcpy(addr->ip, loopback, sizeof(loopback));
    else
        addr->ip[sizeof(addr->ip) - 1] = 1;
}

static enum fault_verdict local_is_loopback(struct fault_memory *m,
                                            struct action *action)
{
    (void)m;
    if (dials(action, PX_ADDRESS_IPV4) &&
        action->target.addr.ip[0] == loopback[0])
        set_address(action, PX_ADDRESS_IPV4);
    return FAULT_PASS;
}

static enum fault_verdict ipv4_for_ipv6(struct fault_memory *m,
                                        struct action *action)
{
    (void)m;
    if (dials(action, PX_ADDRESS_IPV6))
        set_address(action, PX_ADDRESS_IPV4);
    return FAULT_PASS;
}

static enum fault_verdict ipv6_for_ipv4(struct fault_memory *m,
                                        struct action *action)
{
    (void)m;
    if (dials(action, PX_ADDRESS_IPV4))
        set_address(action, PX_ADDRESS_IPV6);
    return FAULT_PASS;
}

static enum fault_verdict name_is_loopback(struct fault_memory *m,
                                           struct action *action)
{
    (void)m;
    if (dials(action, PX_ADDRESS_NAME))
        set_address(action, PX_ADDRESS_IPV4);
    return FAULT_PASS;
}

/* count[0]: the port that was asked for last. */
static enum fault_verdict note_port(struct fault_memory *m,
                                    struct action *action)
{
    if (action->kind == ACTION_DIAL)
        m->count[0] = action->target.port;
    return FAULT_PASS;
}

static void fail_if(struct event *event, bool is_odd)
{
    static const struct event failed = {.kind = EVENT_DIAL_FAILED,
                                        .failure = DIAL_FAILED};

    if (event->kind == EVENT_DIALLED && is_odd)
        *event = failed;
}

static enum fault_verdict signed_port(struct fault_memory *m,
                                      struct event *event)
{
    enum { SIGN = 0x8000 };

    fail_if(event, m->count[0] & SIGN);
    return FAULT_PASS;
}

static enum fault_verdict zero_ends_port(struct fault_memory *m,
                                         struct event *event)
{
    enum { LOW = 0xFF };

    fail_if(event, !(m->count[0] & LOW));
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "place-loopback",
        .summary = "connects to 127.0.0.1 for every address of its own machine",
        .proves = {REQ_SOCKS5_ADDRESS_IPV4, REQ_SOCKS4_REPLY_AFTER_ESTABLISH,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_action = local_is_loopback,
    },
    {
        .name = "place-ipv4-for-ipv6",
        .summary = "connects to 127.0.0.1 for every IPv6 address",
        .proves = {REQ_SOCKS5_ADDRESS_IPV6, REQ_HTTP_CONNECT_TUNNEL},
        .on_action = ipv4_for_ipv6,
    },
    {
        .name = "place-ipv6-for-ipv4",
        .summary = "connects to ::1 for every IPv4 address",
        .proves = {REQ_SOCKS5_ADDRESS_IPV4, REQ_SOCKS4_REPLY_AFTER_ESTABLISH,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_action = ipv6_for_ipv4,
    },
    {
        .name = "place-name-loopback",
        .summary = "connects to 127.0.0.1 for every name",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE, REQ_SOCKS4A_NAME_RESOLVE,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_action = name_is_loopback,
    },
    {
        .name = "place-port-signed",
        .summary = "fails for ports from 32768 on",
        .proves = {REQ_SOCKS5_PORT_ORDER, REQ_SOCKS4_REQUEST_PORT_ORDER,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_event = signed_port,
        .on_action = note_port,
    },
    {
        .name = "place-port-zero",
        .summary = "fails for ports whose low octet is zero",
        .proves = {REQ_SOCKS5_PORT_ORDER, REQ_SOCKS4_REQUEST_PORT_ORDER,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_event = zero_ends_port,
        .on_action = note_port,
    },
};

const struct fault_theme place_faults = FAULT_THEME(faults);
