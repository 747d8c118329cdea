/* Faults of the request, and of how messages are read: RFC 1928 section 4. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

/* Where the fields of a request stand. */
enum { CMD = 1, RSV = 2, ATYP = 3, NAME_LEN = 4 };

static bool is_request(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST);
}

static bool is_request_with(const struct fault_memory *m, enum socks5_atyp atyp)
{
    return is_request(m) && m->in[ATYP] == atyp;
}

static bool is_reply_with(const struct action *action, enum socks5_rep rep)
{
    return faults_sends(action, MESSAGE_SOCKS5_REPLY) &&
           action->send.data.data[1] == rep;
}

/* The first octet of the message passes for 05 whatever it is. */
static enum fault_verdict any_version(struct fault_memory *m,
                                      struct event *event)
{
    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_REQUEST) && !m->held)
        faults_take_octets(m, event)[0] = SOCKS5_VERSION;
    return FAULT_PASS;
}

/* The reply is made of the request, whose reserved octet is taken for the end
 * of what has to be kept: the address type is lost. */
static enum fault_verdict note_rsv(struct fault_memory *m, struct event *event)
{
    (void)event;
    m->count[0] = is_request(m) && m->in[RSV];
    return FAULT_PASS;
}

static enum fault_verdict rsv_misframes(struct fault_memory *m,
                                        struct action *action)
{
    if (m->count[0] && faults_sends(action, MESSAGE_SOCKS5_REPLY)) {
        uint8_t *reply = faults_take_action(m, action);

        action->send.data.len--;
        memmove(reply + ATYP, reply + ATYP + 1, action->send.data.len - ATYP);
    }
    return FAULT_PASS;
}

static enum fault_verdict any_command(struct fault_memory *m,
                                      struct event *event)
{
    (void)event;
    if (is_request(m))
        m->in[CMD] = SOCKS5_CONNECT;
    return FAULT_PASS;
}

/* Changes the code of a reply that carries another one. */
static enum fault_verdict say(struct fault_memory *m, struct action *action,
                              enum socks5_rep instead_of, enum socks5_rep rep)
{
    if (is_reply_with(action, instead_of))
        faults_take_action(m, action)[1] = (uint8_t)rep;
    return FAULT_PASS;
}

static enum fault_verdict command_general(struct fault_memory *m,
                                          struct action *action)
{
    return say(m, action, SOCKS5_COMMAND_NOT_SUPPORTED, SOCKS5_GENERAL_FAILURE);
}

static enum fault_verdict command_success(struct fault_memory *m,
                                          struct action *action)
{
    return say(m, action, SOCKS5_COMMAND_NOT_SUPPORTED, SOCKS5_SUCCEEDED);
}

static enum fault_verdict atyp_general(struct fault_memory *m,
                                       struct action *action)
{
    return say(m, action, SOCKS5_ATYP_NOT_SUPPORTED, SOCKS5_GENERAL_FAILURE);
}

static enum fault_verdict atyp_success(struct fault_memory *m,
                                       struct action *action)
{
    return say(m, action, SOCKS5_ATYP_NOT_SUPPORTED, SOCKS5_SUCCEEDED);
}

static enum fault_verdict unsupported_silent(struct fault_memory *m,
                                             struct action *action)
{
    (void)m;
    return is_reply_with(action, SOCKS5_COMMAND_NOT_SUPPORTED) ||
                   is_reply_with(action, SOCKS5_ATYP_NOT_SUPPORTED)
               ? FAULT_DROP
               : FAULT_PASS;
}

static bool is_known_atyp(uint8_t atyp)
{
    return atyp == SOCKS5_IPV4 || atyp == SOCKS5_NAME || atyp == SOCKS5_IPV6;
}

/* As in "else": what is no IPv4 and no IPv6 address has to be a name. */
static enum fault_verdict atyp_as_name(struct fault_memory *m,
                                       struct event *event)
{
    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_REQUEST) && !m->held &&
        event->data.len > ATYP && !is_known_atyp(event->data.data[ATYP]))
        faults_take_octets(m, event)[ATYP] = SOCKS5_NAME;
    return FAULT_PASS;
}

/* The upper bits mean something else, thought somebody. */
static enum fault_verdict atyp_low_bits(struct fault_memory *m,
                                        struct event *event)
{
    enum { LOW_BITS = 0x0F };

    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_REQUEST) && !m->held &&
        event->data.len > ATYP)
        faults_take_octets(m, event)[ATYP] &= LOW_BITS;
    return FAULT_PASS;
}

static enum fault_verdict ipv6_as_ipv4(struct fault_memory *m,
                                       struct event *event)
{
    enum { LEN_IPV4 = 4 + 4 + 2 };

    if (is_request_with(m, SOCKS5_IPV6)) {
        m->in[ATYP] = SOCKS5_IPV4;
        m->rest = px_bytes_of(m->in + LEN_IPV4,
                              event->data.len + m->rest.len - LEN_IPV4);
        event->data.len = LEN_IPV4;
    }
    return FAULT_PASS;
}

static enum fault_verdict ipv6_hang(struct fault_memory *m, struct event *event)
{
    (void)event;
    return is_request_with(m, SOCKS5_IPV6) ? FAULT_HANG : FAULT_PASS;
}

/* The length counts one octet too few: the last one becomes the port's. */
static enum fault_verdict name_short(struct fault_memory *m,
                                     struct event *event)
{
    if (is_request_with(m, SOCKS5_NAME) && m->in[NAME_LEN] > 1) {
        m->in[NAME_LEN]--;
        event->data.len--;
        m->rest =
            px_bytes_of(event->data.data + event->data.len, m->rest.len + 1);
    }
    return FAULT_PASS;
}

/* A buffer of 128 octets, which a longer request never fills right. */
static enum fault_verdict long_hang(struct fault_memory *m, struct event *event)
{
    return is_request(m) && event->data.len > 128 ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict name_crash(struct fault_memory *m,
                                     struct event *event)
{
    (void)event;
    return is_request_with(m, SOCKS5_NAME) && m->in[NAME_LEN] == PX_NAME_MAX
               ? FAULT_ABORT
               : FAULT_PASS;
}

static enum fault_verdict name_empty(struct fault_memory *m,
                                     struct event *event)
{
    uint8_t instead[] = {5, 1, 0, SOCKS5_IPV4, 127, 0, 0, 1, 0, 0};

    if (is_request_with(m, SOCKS5_NAME) && m->in[NAME_LEN] == 0) {
        memcpy(instead + sizeof(instead) - 2, m->in + event->data.len - 2, 2);
        faults_set_message(m, event, px_bytes_of(instead, sizeof(instead)));
    }
    return FAULT_PASS;
}

static enum fault_verdict name_nul(struct fault_memory *m, struct event *event)
{
    uint8_t *name = m->in + NAME_LEN + 1;
    const uint8_t *nul;

    if (!is_request_with(m, SOCKS5_NAME))
        return FAULT_PASS;
    nul = memchr(name, '\0', m->in[NAME_LEN]);
    if (nul) {
        size_t len = (size_t)(nul - name);
        size_t cut = m->in[NAME_LEN] - len;

        m->in[NAME_LEN] = (uint8_t)len;
        faults_splice(m, event, NAME_LEN + 1 + len, cut, (struct px_bytes){0});
    }
    return FAULT_PASS;
}

static enum fault_verdict port_swapped(struct fault_memory *m,
                                       struct event *event)
{
    if (is_request(m)) {
        uint8_t *port = m->in + event->data.len - 2;
        uint8_t high = port[0];

        port[0] = port[1];
        port[1] = high;
    }
    return FAULT_PASS;
}

static enum fault_verdict note_port_zero(struct fault_memory *m,
                                         struct event *event)
{
    const uint8_t *port = m->in + event->data.len - 2;

    m->count[0] = is_request(m) && !port[0] && !port[1];
    return FAULT_PASS;
}

static enum fault_verdict port_zero(struct fault_memory *m,
                                    struct action *action)
{
    return m->count[0]
               ? say(m, action, SOCKS5_GENERAL_FAILURE, SOCKS5_SUCCEEDED)
               : FAULT_PASS;
}

static enum fault_verdict second_request(struct fault_memory *m,
                                         struct event *event)
{
    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_RELAYING) ||
        event->data.len < 3 || memcmp(event->data.data, "\5\1\0", 3) != 0)
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\5\0\0\1\0\0\0\0\0\0"));
    return FAULT_DROP;
}

static enum fault_verdict greeting_one_read(struct fault_memory *m,
                                            struct event *event)
{
    struct socks5_greeting greeting;
    struct px_error err;
    size_t used;

    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING) ||
        socks5_decode_greeting(event->data, &greeting, &used, &err) !=
            PX_NEED_MORE)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\5\xFF"));
}

static enum fault_verdict request_one_read(struct fault_memory *m,
                                           struct event *event)
{
    struct socks5_request request;
    struct px_error err;
    size_t used;

    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_REQUEST) ||
        socks5_decode_request(event->data, &request, &used, &err) !=
            PX_NEED_MORE)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\5\1\0\1\0\0\0\0\0\0"));
}

static enum fault_verdict pipelined_lost(struct fault_memory *m,
                                         struct event *event)
{
    (void)event;
    if (m->config.protocol == SESSION_SOCKS && !is_request(m))
        m->rest.len = 0;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks5-greeting-one-read",
        .summary = "takes what one read brings for the whole greeting, and "
                   "refuses one that comes in pieces",
        .proves = {REQ_SOCKS5_GREETING_FRAGMENTED},
        .on_event = greeting_one_read,
    },
    {
        .name = "socks5-request-one-read",
        .summary = "takes what one read brings for the whole request, and "
                   "refuses one that comes in pieces",
        .proves = {REQ_SOCKS5_GREETING_FRAGMENTED},
        .on_event = request_one_read,
        .on_message = faults_pass,
    },
    {
        .name = "socks5-pipelined-lost",
        .summary = "throws away what came with the greeting or the credentials",
        .proves = {REQ_SOCKS5_GREETING_PIPELINED},
        .on_message = pipelined_lost,
    },
    {
        .name = "socks5-request-any-version",
        .summary = "does not look at the version of the request",
        .proves = {REQ_SOCKS5_REQUEST_VERSION},
        .on_event = any_version,
        .on_message = faults_pass,
    },
    {
        .name = "socks5-request-rsv-misframes",
        .summary = "leaves the address type out of its reply when the reserved "
                   "octet of the request is not 00",
        .proves = {REQ_SOCKS5_REQUEST_RSV_NONZERO},
        .on_message = note_rsv,
        .on_action = rsv_misframes,
    },
    {
        .name = "socks5-command-as-connect",
        .summary = "takes every command for CONNECT",
        .proves = {REQ_SOCKS5_REQUEST_CMD_UNKNOWN},
        .on_message = any_command,
    },
    {
        .name = "socks5-command-general-failure",
        .summary = "answers an unknown command with 01",
        .proves = {REQ_SOCKS5_REQUEST_CMD_UNKNOWN},
        .on_action = command_general,
    },
    {
        .name = "socks5-command-success",
        .summary = "answers an unknown command with 00",
        .proves = {REQ_SOCKS5_REQUEST_CMD_UNKNOWN},
        .on_action = command_success,
    },
    {
        .name = "socks5-atyp-general-failure",
        .summary = "answers an unknown address type with 01",
        .proves = {REQ_SOCKS5_REQUEST_ATYP_UNKNOWN},
        .on_action = atyp_general,
    },
    {
        .name = "socks5-atyp-success",
        .summary = "answers an unknown address type with 00",
        .proves = {REQ_SOCKS5_REQUEST_ATYP_UNKNOWN},
        .on_action = atyp_success,
    },
    {
        .name = "socks5-atyp-as-name",
        .summary = "reads an address of an unknown type as a name",
        .proves = {REQ_SOCKS5_REQUEST_ATYP_UNKNOWN},
        .on_event = atyp_as_name,
        .on_message = faults_pass,
    },
    {
        .name = "socks5-atyp-low-bits",
        .summary = "reads the lower four bits of the address type",
        .proves = {REQ_SOCKS5_REQUEST_ATYP_UNKNOWN},
        .on_event = atyp_low_bits,
        .on_message = faults_pass,
    },
    {
        .name = "socks5-unsupported-silent",
        .summary = "closes without a reply when it does not support the "
                   "command or the address type",
        .proves = {REQ_SOCKS5_REPLY_SENT},
        .on_action = unsupported_silent,
    },
    {
        .name = "socks5-ipv6-as-ipv4",
        .summary = "reads four octets of an IPv6 address",
        .proves = {REQ_SOCKS5_ADDRESS_IPV6},
        .on_message = ipv6_as_ipv4,
    },
    {
        .name = "socks5-ipv6-hang",
        .summary = "never answers a request with an IPv6 address",
        .proves = {REQ_SOCKS5_REQUEST_IPV6_UNSUPPORTED},
        .on_message = ipv6_hang,
    },
    {
        .name = "socks5-name-short",
        .summary = "reads a name without its last octet, and the port from "
                   "one octet earlier",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE},
        .on_message = name_short,
    },
    {
        .name = "socks5-request-long-hang",
        .summary = "waits for ever when a request has more than 128 octets",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN_MAX},
        .on_message = long_hang,
    },
    {
        .name = "socks5-name-long-crash",
        .summary = "crashes when a name has 255 octets",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN_MAX},
        .on_message = name_crash,
    },
    {
        .name = "socks5-name-empty",
        .summary = "takes an empty name for its own host",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN_ZERO},
        .on_message = name_empty,
    },
    {
        .name = "socks5-name-nul",
        .summary = "resolves a name up to its first zero octet",
        .proves = {REQ_SOCKS5_ADDRESS_DOMAIN_NUL},
        .on_message = name_nul,
    },
    {
        .name = "socks5-port-swapped",
        .summary = "reads the port with its low octet first",
        .proves = {REQ_SOCKS5_PORT_ORDER},
        .on_message = port_swapped,
    },
    {
        .name = "socks5-port-zero",
        .summary = "tells success for port 0",
        .proves = {REQ_SOCKS5_PORT_ZERO},
        .on_message = note_port_zero,
        .on_action = port_zero,
    },
    {
        .name = "socks5-second-request",
        .summary = "answers what looks like a request in the relayed octets",
        .proves = {REQ_SOCKS5_REQUEST_SECOND},
        .on_event = second_request,
    },
};

const struct fault_theme request_faults = FAULT_THEME(faults);
