/* Faults of Tor's RESOLVE and RESOLVE_PTR. */

#include "faults/faults.h"
#include "socks5.h"

/* Where the fields of requests and replies stand. */
enum { CODE = 1, ATYP = 3 };

/* The command of the request is remembered. */
static enum fault_verdict note_command(struct fault_memory *m,
                                       struct event *event)
{
    (void)event;
    if (faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST))
        m->count[0] = m->in[CODE];
    return FAULT_PASS;
}

static void connect_for(struct fault_memory *m, uint8_t command)
{
    if (faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST) &&
        m->in[CODE] == command)
        m->in[CODE] = SOCKS5_CONNECT;
}

static enum fault_verdict resolve_connects(struct fault_memory *m,
                                           struct event *event)
{
    (void)event;
    connect_for(m, SOCKS5_TOR_RESOLVE);
    return FAULT_PASS;
}

static enum fault_verdict reverse_connects(struct fault_memory *m,
                                           struct event *event)
{
    (void)event;
    connect_for(m, SOCKS5_TOR_RESOLVE_PTR);
    return FAULT_PASS;
}

static bool is_answer(const struct fault_memory *m, const struct action *action,
                      uint8_t command)
{
    return m->count[0] == command && faults_sends(action, MESSAGE_SOCKS5_REPLY);
}

static bool is_success(const struct action *action)
{
    return action->send.data.data[CODE] == SOCKS5_SUCCEEDED;
}

static enum fault_verdict resolve_name(struct fault_memory *m,
                                       struct action *action)
{
    if (is_answer(m, action, SOCKS5_TOR_RESOLVE) && is_success(action))
        faults_replace(m, action, PX_LITERAL("\5\0\0\3\x09localhost\0\0"));
    return FAULT_PASS;
}

/* A failure is no address, which is told as the address that is none. */
static enum fault_verdict resolve_zero(struct fault_memory *m,
                                       struct action *action)
{
    if (is_answer(m, action, SOCKS5_TOR_RESOLVE) && !is_success(action))
        faults_replace(m, action, PX_LITERAL("\5\0\0\1\0\0\0\0\0\0"));
    return FAULT_PASS;
}

/* Room for four octets alone. */
static enum fault_verdict resolve_no_ipv6(struct fault_memory *m,
                                          struct action *action)
{
    if (is_answer(m, action, SOCKS5_TOR_RESOLVE) && is_success(action) &&
        action->send.data.data[ATYP] == SOCKS5_IPV6)
        faults_replace(m, action, PX_LITERAL("\5\4\0\1\0\0\0\0\0\0"));
    return FAULT_PASS;
}

static enum fault_verdict reverse_address(struct fault_memory *m,
                                          struct action *action)
{
    if (is_answer(m, action, SOCKS5_TOR_RESOLVE_PTR) && is_success(action))
        faults_replace(m, action, PX_LITERAL("\5\0\0\1\177\0\0\1\0\0"));
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "tor-resolve-connects",
        .summary = "connects to the name that RESOLVE asks for",
        .proves = {REQ_TOR_RESOLVE_FORWARD},
        .on_message = resolve_connects,
    },
    {
        .name = "tor-resolve-name",
        .summary = "answers RESOLVE with a name",
        .proves = {REQ_TOR_RESOLVE_FORWARD},
        .on_message = note_command,
        .on_action = resolve_name,
    },
    {
        .name = "tor-resolve-zero",
        .summary = "answers RESOLVE with 0.0.0.0 when there is no address",
        .proves = {REQ_TOR_RESOLVE_FORWARD},
        .on_message = note_command,
        .on_action = resolve_zero,
    },
    {
        .name = "tor-resolve-no-ipv6",
        .summary = "fails to RESOLVE a name with an IPv6 address",
        .proves = {REQ_TOR_RESOLVE_FORWARD},
        .on_message = note_command,
        .on_action = resolve_no_ipv6,
    },
    {
        .name = "tor-reverse-connects",
        .summary = "connects to the address that RESOLVE_PTR asks for",
        .proves = {REQ_TOR_RESOLVE_REVERSE},
        .on_message = reverse_connects,
    },
    {
        .name = "tor-reverse-address",
        .summary = "answers RESOLVE_PTR with an address",
        .proves = {REQ_TOR_RESOLVE_REVERSE},
        .on_message = note_command,
        .on_action = reverse_address,
    },
};

const struct fault_theme tor_faults = FAULT_THEME(faults);
