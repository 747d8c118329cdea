/* Faults of a port that is as Tor's own; elsewhere they do nothing. */

#include "faults/faults.h"
#include "socks5.h"
#include "userpass.h"

enum {
    CODE = 1,    /* where it stands in selections, statuses and replies */
    FORMAT = 10, /* and that of a structured user name in its message */
    NO_DESCRIPTOR = 0xF0,
    BAD_ADDRESS = 0xF6,
};

static void serve_bind(struct fault_memory *m)
{
    m->config.has_no_bind = false;
}

static void serve_udp(struct fault_memory *m)
{
    m->config.has_no_udp = false;
}

static bool is_message(const struct fault_memory *m, enum session_state state)
{
    return m->config.is_tor_port && faults_is_in(m, SESSION_SOCKS, state);
}

static bool sends(const struct fault_memory *m, const struct action *action,
                  enum session_message message)
{
    return m->config.is_tor_port && faults_sends(action, message);
}

static enum fault_verdict gssapi(struct fault_memory *m, struct event *event)
{
    if (is_message(m, SESSION_GREETING) &&
        px_equal(event->data, PX_LITERAL("\5\1\1")))
        return faults_answer(m, PX_LITERAL("\5\1"));
    return FAULT_PASS;
}

static enum fault_verdict nobody_known(struct fault_memory *m,
                                       struct action *action)
{
    if (sends(m, action, MESSAGE_USERPASS_STATUS))
        faults_take_action(m, action)[CODE] = 1;
    return FAULT_PASS;
}

/* Credentials behind method 00 pass for a request of another version. */
static enum fault_verdict unasked(struct fault_memory *m, struct action *action)
{
    if (sends(m, action, MESSAGE_METHOD_SELECTION))
        m->count[0] = action->send.data.data[CODE] == SOCKS5_NO_AUTH;
    if (sends(m, action, MESSAGE_USERPASS_STATUS) && m->count[0])
        faults_replace(m, action, PX_LITERAL("\5\1\0\1\0\0\0\0\0\0"));
    return FAULT_PASS;
}

/* The credentials that on_message was shown; false where there are none. */
static bool read_credentials(const struct fault_memory *m,
                             const struct event *event,
                             struct userpass_request *out)
{
    struct px_error err;
    size_t used;

    return is_message(m, SESSION_AUTH) &&
           userpass_decode_request(event->data, out, &used, &err) == PX_DONE;
}

static enum fault_verdict note_empty(struct fault_memory *m,
                                     struct event *event)
{
    struct userpass_request request;

    if (read_credentials(m, event, &request))
        m->count[0] = request.user.len == 0 || request.password.len == 0;
    return FAULT_PASS;
}

static enum fault_verdict empty_refused(struct fault_memory *m,
                                        struct action *action)
{
    return m->count[0] ? nobody_known(m, action) : FAULT_PASS;
}

static bool is_structured(const struct fault_memory *m,
                          const struct event *event)
{
    static const struct px_bytes prefix = {(const uint8_t *)"<torS0X>", 8};
    struct userpass_request request;

    return read_credentials(m, event, &request) &&
           request.user.len > prefix.len &&
           px_equal(px_bytes_of(request.user.data, prefix.len), prefix);
}

static enum fault_verdict any_format(struct fault_memory *m,
                                     struct event *event)
{
    if (is_structured(m, event))
        faults_set_message(m, event, PX_LITERAL("\1\1x\1x"));
    return FAULT_PASS;
}

static enum fault_verdict no_format(struct fault_memory *m, struct event *event)
{
    if (is_structured(m, event))
        m->in[FORMAT] = 'z';
    return FAULT_PASS;
}

static void swap_rep(struct fault_memory *m, struct action *action,
                     uint8_t from, uint8_t to)
{
    if (sends(m, action, MESSAGE_SOCKS5_REPLY) &&
        action->send.data.data[CODE] == from)
        faults_take_action(m, action)[CODE] = to;
}

static enum fault_verdict bad_name_unfound(struct fault_memory *m,
                                           struct action *action)
{
    swap_rep(m, action, BAD_ADDRESS, NO_DESCRIPTOR);
    return FAULT_PASS;
}

static enum fault_verdict extended_for_all(struct fault_memory *m,
                                           struct action *action)
{
    swap_rep(m, action, SOCKS5_CONNECTION_REFUSED, NO_DESCRIPTOR);
    return FAULT_PASS;
}

static enum fault_verdict onion_granted(struct fault_memory *m,
                                        struct action *action)
{
    swap_rep(m, action, BAD_ADDRESS, SOCKS5_SUCCEEDED);
    return FAULT_PASS;
}

static enum fault_verdict http_ff(struct fault_memory *m, struct action *action)
{
    if (sends(m, action, MESSAGE_HTTP_RESPONSE))
        faults_replace(m, action, PX_LITERAL("\5\377"));
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "tor-bind-served",
        .summary = "serves BIND on Tor's port",
        .proves = {REQ_TOR_BIND_UNSUPPORTED},
        .configure = serve_bind,
    },
    {
        .name = "tor-udp-served",
        .summary = "serves UDP ASSOCIATE on Tor's port",
        .proves = {REQ_TOR_UDP_UNSUPPORTED},
        .configure = serve_udp,
    },
    {
        .name = "tor-gssapi-selected",
        .summary = "selects GSSAPI on Tor's port when it alone is offered",
        .proves = {REQ_TOR_GSSAPI_UNSUPPORTED},
        .on_message = gssapi,
    },
    {
        .name = "tor-credentials-checked",
        .summary = "knows none of the credentials that come to Tor's port",
        .proves = {REQ_TOR_USERPASS_ISOLATION},
        .on_action = nobody_known,
    },
    {
        .name = "tor-credentials-unasked",
        .summary = "takes credentials behind method 00 for a bad request",
        .proves = {REQ_TOR_USERPASS_UNSELECTED},
        .on_action = unasked,
    },
    {
        .name = "tor-credentials-empty",
        .summary = "refuses an empty user name or password on Tor's port",
        .proves = {REQ_TOR_USERPASS_EMPTY},
        .on_message = note_empty,
        .on_action = empty_refused,
    },
    {
        .name = "tor-format-any",
        .summary = "takes a user name of an unknown format for a plain one",
        .proves = {REQ_TOR_USERPASS_EXTENDED},
        .on_message = any_format,
    },
    {
        .name = "tor-format-none",
        .summary = "refuses every structured user name",
        .proves = {REQ_TOR_USERPASS_EXTENDED},
        .on_message = no_format,
    },
    {
        .name = "tor-onion-unfound",
        .summary = "says of a name that no onion service can have that it was "
                   "not found",
        .proves = {REQ_TOR_REPLY_EXTENDED},
        .on_action = bad_name_unfound,
    },
    {
        .name = "tor-onion-granted",
        .summary = "grants a connection to a name that no onion service can "
                   "have",
        .proves = {REQ_TOR_REPLY_EXTENDED},
        .on_action = onion_granted,
    },
    {
        .name = "tor-extended-for-all",
        .summary = "tells of a refused connection with a code for onion "
                   "services",
        .proves = {REQ_TOR_REPLY_EXTENDED},
        .on_action = extended_for_all,
    },
    {
        .name = "tor-http-ff",
        .summary = "answers HTTP on Tor's port with method FF",
        .proves = {REQ_TOR_HTTP_HINT},
        .on_action = http_ff,
    },
};

const struct fault_theme tor_port_faults = FAULT_THEME(faults);
