/* Faults of UDP ASSOCIATE on its TCP connection: RFC 1928 section 6. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

static bool is_associated(const struct fault_memory *m)
{
    return session_state(m->session) == SESSION_ASSOCIATED;
}

static enum fault_verdict bnd_zero(struct fault_memory *m, struct event *event)
{
    (void)m;
    if (event->kind == EVENT_ASSOCIATED)
        memset(event->bound.addr.ip, 0, sizeof(event->bound.addr.ip));
    return FAULT_PASS;
}

/* The port of an address that was never read back. */
static enum fault_verdict bnd_port_zero(struct fault_memory *m,
                                        struct event *event)
{
    (void)m;
    if (event->kind == EVENT_ASSOCIATED)
        event->bound.port = 0;
    return FAULT_PASS;
}

static enum fault_verdict bnd_port_swapped(struct fault_memory *m,
                                           struct event *event)
{
    (void)m;
    if (event->kind == EVENT_ASSOCIATED) {
        unsigned port = event->bound.port;

        event->bound.port = (uint16_t)(port << 8 | port >> 8);
    }
    return FAULT_PASS;
}

/* Offsets in a request. */
enum { COMMAND = 1, ADDR = 4 };

static bool is_all_zero(const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (octets[i])
            return false;
    }
    return true;
}

/* As if the request named where to send to. */
static enum fault_verdict refuse_zero(struct fault_memory *m,
                                      struct event *event)
{
    const uint8_t *in = event->data.data;

    if (!faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST) || in[0] != 5 ||
        in[COMMAND] != SOCKS5_UDP_ASSOCIATE ||
        !is_all_zero(in + ADDR, event->data.len - ADDR))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\5\2\0\1\0\0\0\0\0\0"));
}

static enum fault_verdict survive_end(struct fault_memory *m,
                                      struct event *event)
{
    return is_associated(m) && event->kind == EVENT_CLIENT_END ? FAULT_DROP
                                                               : FAULT_PASS;
}

static enum fault_verdict survive_reset(struct fault_memory *m,
                                        struct event *event)
{
    return is_associated(m) && event->kind == EVENT_CLIENT_RESET ? FAULT_DROP
                                                                 : FAULT_PASS;
}

/* The TCP connection is let go of as soon as the relay stands. */
static enum fault_verdict close_control(struct fault_memory *m,
                                        struct action *action)
{
    if (action->kind == ACTION_ASSOCIATE)
        m->count[0] = 1;
    if (m->count[0] && faults_sends(action, MESSAGE_SOCKS5_REPLY))
        faults_also(m, ACTION_END_CLIENT);
    return FAULT_PASS;
}

/* What comes behind the request is taken for another one. */
static enum fault_verdict serve_again(struct fault_memory *m,
                                      struct event *event)
{
    if (!is_associated(m) || event->kind != EVENT_CLIENT_DATA)
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\5\7\0\1\0\0\0\0\0\0"));
    return FAULT_DROP;
}

static const struct fault faults[] = {
    {
        .name = "udp-bnd-zero",
        .summary = "names 0.0.0.0 as the address of the UDP relay",
        .proves = {REQ_SOCKS5_UDP_BND_ZERO},
        .on_event = bnd_zero,
    },
    {
        .name = "udp-bnd-port-zero",
        .summary = "names port 0 as the port of the UDP relay",
        .proves = {REQ_SOCKS5_UDP_REPLY},
        .on_event = bnd_port_zero,
    },
    {
        .name = "udp-bnd-port-swapped",
        .summary = "names the port of the UDP relay with its low octet first",
        .proves = {REQ_SOCKS5_UDP_REPLY},
        .on_event = bnd_port_swapped,
    },
    {
        .name = "udp-zero-refused",
        .summary = "refuses UDP ASSOCIATE for 0.0.0.0 and ::",
        .proves = {REQ_SOCKS5_UDP_ACCEPT_ZERO_DST},
        .on_message = refuse_zero,
    },
    {
        .name = "udp-outlives-end",
        .summary = "relays on when the client ends its TCP connection",
        .proves = {REQ_SOCKS5_UDP_TCP_LIFETIME},
        .on_event = survive_end,
    },
    {
        .name = "udp-outlives-reset",
        .summary = "relays on when the client resets its TCP connection",
        .proves = {REQ_SOCKS5_UDP_TCP_LIFETIME},
        .on_event = survive_reset,
    },
    {
        .name = "udp-control-closed",
        .summary = "closes the TCP connection behind the reply to UDP "
                   "ASSOCIATE",
        .proves = {REQ_SOCKS5_UDP_TCP_KEPT},
        .on_action = close_control,
    },
    {
        .name = "udp-control-served",
        .summary = "answers octets behind UDP ASSOCIATE as another request",
        .proves = {REQ_SOCKS5_UDP_TCP_DATA},
        .on_event = serve_again,
    },
};

const struct fault_theme udp_request_faults = FAULT_THEME(faults);
