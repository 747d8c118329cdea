/* Faults of SOCKS4's request: section 1 of its memo. */

#include "faults/version4.h"

#include <string.h>

#include "socks4.h"

bool socks4_begins(const struct fault_memory *m, const struct event *event)
{
    return faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING) &&
           !m->held && event->data.data[0] == SOCKS4_VERSION;
}

bool socks4_is_part(struct px_bytes octets)
{
    struct socks4_request request;
    struct px_error err;
    size_t used;

    return socks4_decode_request(octets, &request, &used, &err) == PX_NEED_MORE;
}

bool socks4_has_marker(const uint8_t *request)
{
    static const uint8_t zero[3];
    const uint8_t *addr = request + SOCKS4_AT_ADDR;

    return memcmp(addr, zero, sizeof(zero)) == 0 && addr[3] != 0;
}

size_t socks4_user_end(struct px_bytes octets)
{
    size_t at = SOCKS4_AT_USER;

    while (at < octets.len && octets.data[at])
        at++;
    return at < octets.len ? at : octets.len;
}

static enum fault_verdict port_swapped(struct fault_memory *m,
                                       struct event *event)
{
    uint8_t *port = m->in + SOCKS4_AT_PORT;
    uint8_t high = port[0];

    (void)event;
    port[0] = port[1];
    port[1] = high;
    return FAULT_PASS;
}

static enum fault_verdict any_version(struct fault_memory *m,
                                      struct event *event)
{
    enum { SOCKS5 = 5 };

    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING) &&
        event->data.data[0] != SOCKS5)
        faults_take_octets(m, event)[0] = SOCKS4_VERSION;
    return FAULT_PASS;
}

static bool is_known(uint8_t command)
{
    return command == SOCKS4_CONNECT || command == SOCKS4_BIND;
}

static enum fault_verdict any_command(struct fault_memory *m,
                                      struct event *event)
{
    (void)event;
    if (!is_known(m->in[SOCKS4_AT_CODE]))
        m->in[SOCKS4_AT_CODE] = SOCKS4_CONNECT;
    return FAULT_PASS;
}

static enum fault_verdict command_granted(struct fault_memory *m,
                                          struct action *action)
{
    if (socks4_refuses(action) &&
        socks4_failed_for(m, REQ_SOCKS4_REQUEST_COMMAND))
        socks4_set_code(m, action, SOCKS4_GRANTED);
    return FAULT_PASS;
}

static enum fault_verdict one_read(struct fault_memory *m, struct event *event)
{
    return socks4_begins(m, event) && socks4_is_part(event->data)
               ? socks4_refuse(m)
               : FAULT_PASS;
}

/* The end of what one read brings stands for the end of the user id. */
static enum fault_verdict userid_unterminated(struct fault_memory *m,
                                              struct event *event)
{
    if (socks4_begins(m, event) && event->data.len > SOCKS4_AT_USER &&
        socks4_user_end(event->data) == event->data.len &&
        event->data.len < session_client_room(m->session)) {
        faults_take_octets(m, event)[event->data.len] = '\0';
        event->data.len++;
    }
    return FAULT_PASS;
}

/* A request ends here; what comes behind is data. */
static void end_at(struct fault_memory *m, struct event *event, size_t len)
{
    m->rest = px_bytes_of(m->in + len, event->data.len - len + m->rest.len);
    event->data.len = len;
}

/* What is behind this many octets of a user id goes on as data. */
static void cut_userid(struct fault_memory *m, struct event *event, size_t max)
{
    size_t at = SOCKS4_AT_USER + max;

    if (socks4_has_marker(m->in) || socks4_user_end(event->data) <= at)
        return;
    faults_splice(m, event, at, 0, PX_LITERAL("\0"));
    end_at(m, event, at + 1);
}

static enum fault_verdict userid_ignored(struct fault_memory *m,
                                         struct event *event)
{
    cut_userid(m, event, 0);
    return FAULT_PASS;
}

static enum fault_verdict userid_255(struct fault_memory *m,
                                     struct event *event)
{
    cut_userid(m, event, 255);
    return FAULT_PASS;
}

/* The request ends before the zero octet of its user id. */
static enum fault_verdict nul_relayed(struct fault_memory *m,
                                      struct event *event)
{
    if (!socks4_has_marker(m->in)) {
        faults_splice(m, event, event->data.len, 0, PX_LITERAL("\0"));
        end_at(m, event, event->data.len - 1);
    }
    return FAULT_PASS;
}

static enum fault_verdict userid_hang(struct fault_memory *m,
                                      struct event *event)
{
    enum { UNIX_NAME_MAX = 32 };

    (void)m;
    return socks4_user_end(event->data) > SOCKS4_AT_USER + UNIX_NAME_MAX
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict userid_long_hang(struct fault_memory *m,
                                           struct action *action)
{
    return socks4_refuses(action) &&
                   socks4_failed_for(m, REQ_SOCKS4_REQUEST_USERID_LONG)
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict userid_long_granted(struct fault_memory *m,
                                              struct action *action)
{
    if (socks4_refuses(action) &&
        socks4_failed_for(m, REQ_SOCKS4_REQUEST_USERID_LONG))
        socks4_set_code(m, action, SOCKS4_GRANTED);
    return FAULT_PASS;
}

/* What follows the request has no place in it. */
static enum fault_verdict early_refused(struct fault_memory *m,
                                        struct event *event)
{
    (void)event;
    return m->rest.len > 0 ? socks4_refuse(m) : FAULT_PASS;
}

/* User ids are made of what can be printed, and of no space. */
static enum fault_verdict odd_userid(struct fault_memory *m,
                                     struct event *event)
{
    size_t end = socks4_user_end(event->data);
    bool is_odd = false;

    for (size_t i = SOCKS4_AT_USER; i < end; i++)
        is_odd = is_odd || m->in[i] <= ' ' || m->in[i] > '~';
    return is_odd ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict command_low_bits(struct fault_memory *m,
                                           struct event *event)
{
    enum { LOW_BITS = 0x7F };

    (void)event;
    m->in[SOCKS4_AT_CODE] &= LOW_BITS;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks4-command-low-bits",
        .summary = "reads seven bits of the command",
        .proves = {REQ_SOCKS4_REQUEST_COMMAND},
        .on_socks4 = command_low_bits,
    },
    {
        .name = "socks4-port-swapped",
        .summary = "reads the port of a request with its low octet first",
        .proves = {REQ_SOCKS4_REQUEST_PORT_ORDER},
        .on_socks4 = port_swapped,
    },
    {
        .name = "socks4-any-version",
        .summary = "takes whatever is not SOCKS5 for SOCKS4",
        .proves = {REQ_SOCKS4_REQUEST_VERSION},
        .on_event = any_version,
    },
    {
        .name = "socks4-any-command",
        .summary = "treats a command that it does not know as CONNECT",
        .proves = {REQ_SOCKS4_REQUEST_COMMAND},
        .on_socks4 = any_command,
    },
    {
        .name = "socks4-command-granted",
        .summary = "grants a command that it does not know",
        .proves = {REQ_SOCKS4_REQUEST_COMMAND},
        .on_action = command_granted,
    },
    {
        .name = "socks4-request-one-read",
        .summary = "takes what one read brings for the whole request, and "
                   "refuses one that comes in pieces",
        .proves = {REQ_SOCKS4_REQUEST_FRAGMENTED,
                   REQ_SOCKS4A_REQUEST_FRAGMENTED},
        .on_event = one_read,
    },
    {
        .name = "socks4-userid-unterminated",
        .summary = "takes the end of a read for the end of the user id",
        .proves = {REQ_SOCKS4_REQUEST_USERID_NUL,
                   REQ_SOCKS4_REQUEST_FRAGMENTED},
        .on_event = userid_unterminated,
    },
    {
        .name = "socks4-userid-ignored",
        .summary = "takes a request for nine octets long, and what the user "
                   "id has more for data",
        .proves = {REQ_SOCKS4_REQUEST_USERID_NUL},
        .on_socks4 = userid_ignored,
    },
    {
        .name = "socks4-userid-nul-relayed",
        .summary = "relays the zero octet that ends the user id",
        .proves = {REQ_SOCKS4_REQUEST_USERID_NUL},
        .on_socks4 = nul_relayed,
    },
    {
        .name = "socks4-userid-hang",
        .summary = "never answers a user id of more than 32 octets",
        .proves = {REQ_SOCKS4_REQUEST_USERID_NUL},
        .on_socks4 = userid_hang,
    },
    {
        .name = "socks4-userid-cut",
        .summary = "reads 255 octets of a user id, and takes the rest for data",
        .proves = {REQ_SOCKS4_REQUEST_USERID_LONG},
        .on_socks4 = userid_255,
    },
    {
        .name = "socks4-userid-long-hang",
        .summary = "never answers a user id that does not fit its buffer",
        .proves = {REQ_SOCKS4_REQUEST_USERID_LONG},
        .on_action = userid_long_hang,
    },
    {
        .name = "socks4-userid-long-granted",
        .summary = "grants a request whose user id does not fit its buffer",
        .proves = {REQ_SOCKS4_REQUEST_USERID_LONG},
        .on_action = userid_long_granted,
    },
    {
        .name = "socks4-early-refused",
        .summary = "refuses a request that has octets behind it",
        .proves = {REQ_SOCKS4_REQUEST_EARLY_DATA},
        .on_socks4 = early_refused,
    },
    {
        .name = "socks4-userid-odd-hang",
        .summary = "never answers a user id with a space or a high octet",
        .proves = {REQ_SOCKS4_REQUEST_USERID_NUL},
        .on_socks4 = odd_userid,
    },
};

const struct fault_theme socks4_request_faults = FAULT_THEME(faults);
