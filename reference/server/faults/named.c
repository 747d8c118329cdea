/* Faults that show when a destination is given by its name: RFC 1928 sections
 * 4 to 6, 4A, and CONNECT of HTTP. */

#include <string.h>

#include "faults/version4.h"
#include "socks5.h"

enum { REP = 1, CMD = 1, ATYP = 3 };

static bool is_named(const struct action *action)
{
    return action->kind == ACTION_DIAL &&
           action->target.addr.kind == PX_ADDRESS_NAME;
}

/* count[0]: the client has asked for a name. */
static enum fault_verdict note_name(struct fault_memory *m,
                                    struct action *action)
{
    if (action->kind == ACTION_DIAL)
        m->count[0] = is_named(action);
    return FAULT_PASS;
}

static bool is_refused(const struct fault_memory *m, const struct event *event)
{
    return m->count[0] && event->kind == EVENT_DIAL_FAILED &&
           event->failure == DIAL_REFUSED;
}

static enum fault_verdict refused_unreachable(struct fault_memory *m,
                                              struct event *event)
{
    if (is_refused(m, event))
        event->failure = DIAL_HOST_UNREACHABLE;
    return FAULT_PASS;
}

/* count[1]: and was refused. */
static enum fault_verdict note_refused(struct fault_memory *m,
                                       struct event *event)
{
    if (is_refused(m, event))
        m->count[1] = 1;
    return FAULT_PASS;
}

static enum fault_verdict refused_granted(struct fault_memory *m,
                                          struct action *action)
{
    (void)note_name(m, action);
    if (m->count[1] && faults_sends(action, MESSAGE_SOCKS5_REPLY))
        faults_take_action(m, action)[REP] = SOCKS5_SUCCEEDED;
    if (m->count[1] && socks4_is_reply(action))
        socks4_set_code(m, action, 90);
    return FAULT_PASS;
}

static enum fault_verdict refused_no_identd(struct fault_memory *m,
                                            struct action *action)
{
    (void)note_name(m, action);
    if (m->count[1] && socks4_is_reply(action))
        socks4_set_code(m, action, 92);
    return FAULT_PASS;
}

/* Of lower-case letters and digits, which do not come first, and more than one
 * in the first label. Addresses in text are no names. */
static bool is_odd(struct px_bytes name)
{
    bool has_odd = name.len > 1 && name.data[1] == '.';

    for (size_t i = 0; i < name.len; i++)
        has_odd = has_odd || name.data[i] == '-' ||
                  (name.data[i] >= 'A' && name.data[i] <= 'Z');
    return has_odd || (name.len && name.data[0] >= '0' && name.data[0] <= '9' &&
                       name.data[name.len - 1] >= 'a');
}

/* count[0]: such a name was asked for. */
static enum fault_verdict note_odd(struct fault_memory *m,
                                   struct action *action)
{
    if (is_named(action))
        m->count[0] = is_odd(action->target.addr.name);
    return FAULT_PASS;
}

static enum fault_verdict odd_is_unresolved(struct fault_memory *m,
                                            struct event *event)
{
    static const struct event failed = {.kind = EVENT_DIAL_FAILED,
                                        .failure = DIAL_NAME_UNRESOLVED};

    if (event->kind == EVENT_DIALLED && m->count[0])
        *event = failed;
    return FAULT_PASS;
}

static enum fault_verdict command_by_type(struct fault_memory *m,
                                          struct event *event)
{
    (void)event;
    return faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST) &&
                   m->in[CMD] > SOCKS5_UDP_ASSOCIATE && m->in[CMD] < 0xF0 &&
                   m->in[ATYP] != SOCKS5_IPV4
               ? faults_answer(m, PX_LITERAL("\5\1\0\1\0\0\0\0\0\0"))
               : FAULT_PASS;
}

/* count[0]: the command of the request. */
static enum fault_verdict note_command(struct fault_memory *m,
                                       struct event *event)
{
    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_REQUEST) &&
        event->data.len > CMD)
        m->count[0] = event->data.data[CMD];
    return FAULT_PASS;
}

static enum fault_verdict type_by_command(struct fault_memory *m,
                                          struct action *action)
{
    if (m->count[0] > SOCKS5_CONNECT &&
        faults_sends(action, MESSAGE_SOCKS5_REPLY) &&
        action->send.data.data[REP] == SOCKS5_ATYP_NOT_SUPPORTED)
        faults_take_action(m, action)[REP] = SOCKS5_GENERAL_FAILURE;
    return FAULT_PASS;
}

/* Early octets have a buffer of their own. count[0]: the tunnel stands. */
static enum fault_verdict early_cut(struct fault_memory *m,
                                    struct action *action)
{
    enum { ROOM = 1024 };

    if (action->kind == ACTION_RELAY)
        m->count[0] = 1;
    if (action->kind == ACTION_SEND_UPSTREAM && !m->count[0] &&
        action->send.data.len > ROOM)
        action->send.data.len = ROOM;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "named-refused-unreachable",
        .summary = "tells a refused connection as an unreachable host, for a "
                   "name",
        .proves = {REQ_SOCKS5_REPLY_REFUSED},
        .on_event = refused_unreachable,
        .on_action = note_name,
    },
    {
        .name = "named-refused-granted",
        .summary = "tells success when the address of a name refuses",
        .proves = {REQ_SOCKS5_REPLY_REFUSED, REQ_SOCKS5_REPLY_SUCCESS_REAL,
                   REQ_SOCKS4_REPLY_AFTER_ESTABLISH},
        .on_event = note_refused,
        .on_action = refused_granted,
    },
    {
        .name = "socks4a-refused-no-identd",
        .summary = "tells with 92 that the address of a name refuses",
        .proves = {REQ_SOCKS4_REPLY_GENERAL_FAILURE},
        .on_event = note_refused,
        .on_action = refused_no_identd,
    },
    {
        .name = "named-odd-unresolved",
        .summary = "takes a name with capital letters or hyphens, one that "
                   "begins with a digit, and one whose first label is a single "
                   "letter for names that do not exist",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE, REQ_SOCKS4A_NAME_RESOLVE,
                   REQ_HTTP_CONNECT_TUNNEL},
        .on_event = odd_is_unresolved,
        .on_action = note_odd,
    },
    {
        .name = "socks5-command-by-type",
        .summary = "answers an unknown command with 01 unless an IPv4 address "
                   "comes with it",
        .proves = {REQ_SOCKS5_REQUEST_CMD_UNKNOWN},
        .on_message = command_by_type,
    },
    {
        .name = "socks5-atyp-by-command",
        .summary = "answers an unknown address type with 01 unless it comes "
                   "with CONNECT",
        .proves = {REQ_SOCKS5_REQUEST_ATYP_UNKNOWN},
        .on_event = note_command,
        .on_action = type_by_command,
    },
    {
        .name = "relay-early-cut",
        .summary = "keeps 1024 octets of what the client sends before it has "
                   "the answer",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_SOCKS4_RELAY_BOTH_WAYS,
                   REQ_HTTP_CONNECT_BLIND},
        .on_action = early_cut,
    },
};

const struct fault_theme named_faults = FAULT_THEME(faults);
