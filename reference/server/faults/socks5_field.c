/* Faults of SOCKS5 that proxies in the field had, beside those of the single
 * messages: RFC 1928 sections 3 to 6, RFC 1929 section 2. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"
#include "userpass.h"

/* Where the fields of a request stand. */
enum { CMD = 1, ATYP = 3, NAME_LEN = 4, NAME = 5 };

static bool is_request(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST);
}

/* All of one read is the request, so that its port stands at the end of it. */
static enum fault_verdict take_all(struct fault_memory *m, struct event *event)
{
    enum { PORT = 2 };

    if (is_request(m) && m->rest.len >= PORT) {
        memcpy(m->in + event->data.len - PORT,
               m->rest.data + m->rest.len - PORT, PORT);
        m->rest = (struct px_bytes){0};
    }
    return FAULT_PASS;
}

static enum fault_verdict close_on(struct fault_memory *m,
                                   enum socks5_command command)
{
    return is_request(m) && m->in[CMD] == command
               ? faults_answer(m, (struct px_bytes){0})
               : FAULT_PASS;
}

static enum fault_verdict close_on_associate(struct fault_memory *m,
                                             struct event *event)
{
    (void)event;
    return close_on(m, SOCKS5_UDP_ASSOCIATE);
}

static enum fault_verdict close_on_bind(struct fault_memory *m,
                                        struct event *event)
{
    (void)event;
    return close_on(m, SOCKS5_BIND);
}

/* The name that is asked for; NULL when it is none. */
static const uint8_t *requested_name(const struct fault_memory *m, size_t *len)
{
    if (!is_request(m) || m->in[ATYP] != SOCKS5_NAME)
        return NULL;
    *len = m->in[NAME_LEN];
    return m->in + NAME;
}

static enum fault_verdict refuse(struct fault_memory *m)
{
    return faults_answer(m, PX_LITERAL("\5\4\0\1\0\0\0\0\0\0"));
}

/* A resolver that knows names alone. */
static enum fault_verdict refuse_literal(struct fault_memory *m,
                                         struct event *event)
{
    static const char literal[] = "0123456789.";
    size_t len = 0;
    size_t digits = 0;
    const uint8_t *name = requested_name(m, &len);

    (void)event;
    while (name && digits < len && name[digits] &&
           strchr(literal, name[digits]))
        digits++;
    return digits > 0 && digits == len ? refuse(m) : FAULT_PASS;
}

/* Labels are split at dots, and the last one is empty. */
static enum fault_verdict refuse_last_dot(struct fault_memory *m,
                                          struct event *event)
{
    size_t len = 0;
    const uint8_t *name = requested_name(m, &len);

    (void)event;
    return name && len > 0 && name[len - 1] == '.' ? refuse(m) : FAULT_PASS;
}

/* Letters, digits and hyphens alone: RFC 952. */
static enum fault_verdict refuse_underscore(struct fault_memory *m,
                                            struct event *event)
{
    size_t len = 0;
    const uint8_t *name = requested_name(m, &len);

    (void)event;
    return name && memchr(name, '_', len) ? refuse(m) : FAULT_PASS;
}

static enum fault_verdict refused_general(struct fault_memory *m,
                                          struct action *action)
{
    enum { REP = 1 };

    if (faults_sends(action, MESSAGE_SOCKS5_REPLY) &&
        action->send.data.data[REP] == SOCKS5_CONNECTION_REFUSED)
        faults_take_action(m, action)[REP] = SOCKS5_GENERAL_FAILURE;
    return FAULT_PASS;
}

/* count[0]: this client's greeting has begun, and it keeps a thread. */
static enum fault_verdict few_threads(struct fault_memory *m,
                                      struct event *event)
{
    enum { THREADS = 12, SHORTEST = 3 };
    bool is_gone =
        event->kind == EVENT_CLIENT_END || event->kind == EVENT_CLIENT_RESET;
    bool is_greeting =
        faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING);

    if (is_greeting && event->data.len < SHORTEST && !m->count[0]) {
        m->count[0] = 1;
        m->shared[0]++;
    } else if (is_gone || is_greeting) {
        m->shared[0] -= m->count[0];
        m->count[0] = 0;
    }
    return is_greeting && m->shared[0] > THREADS && !m->count[0] ? FAULT_HANG
                                                                 : FAULT_PASS;
}

static bool begins_with(struct px_bytes octets, const char *text)
{
    size_t len = strlen(text);

    return octets.len > len &&
           px_equal(px_bytes_of(octets.data, len), px_bytes_of(text, len));
}

/* No zero octet is written behind a name, and that of the last client is still
 * there: shared[0] tells that it was longer. */
static enum fault_verdict stale(struct fault_memory *m, struct event *event)
{
    struct userpass_request request;
    struct px_error err;
    size_t used;

    if (!faults_is_in(m, SESSION_SOCKS, SESSION_AUTH) || !m->user ||
        userpass_decode_request(event->data, &request, &used, &err) != PX_DONE)
        return FAULT_PASS;
    if (begins_with(request.user, m->user)) {
        m->shared[0] = 1;
    } else if (m->shared[0]) {
        m->shared[0] = 0;
        m->in[event->data.len - 1] ^= 1;
    }
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks5-request-takes-all",
        .summary = "takes all that one read brings for the request, and the "
                   "last two octets of it for the port",
        .proves = {REQ_SOCKS5_GREETING_PIPELINED},
        .on_message = take_all,
    },
    {
        .name = "socks5-associate-silent",
        .summary = "closes without a reply on UDP ASSOCIATE",
        .proves = {REQ_SOCKS5_REPLY_SENT},
        .on_message = close_on_associate,
    },
    {
        .name = "socks5-bind-silent",
        .summary = "closes without a reply on BIND",
        .proves = {REQ_SOCKS5_REPLY_SENT},
        .on_message = close_on_bind,
    },
    {
        .name = "socks5-name-literal-refused",
        .summary = "refuses an address that is sent as a name",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE},
        .on_message = refuse_literal,
    },
    {
        .name = "socks5-name-dot-refused",
        .summary = "refuses a name that ends with a dot",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE},
        .on_message = refuse_last_dot,
    },
    {
        .name = "socks5-name-underscore-refused",
        .summary = "refuses a name with an underscore",
        .proves = {REQ_SOCKS5_ADDRESS_RESOLVE},
        .on_message = refuse_underscore,
    },
    {
        .name = "socks5-refused-general",
        .summary = "tells a refused connection as a general failure",
        .proves = {REQ_SOCKS5_REPLY_REFUSED},
        .on_action = refused_general,
    },
    {
        .name = "socks5-silent-blocks",
        .summary = "serves nobody while 13 clients are in the middle of a "
                   "greeting",
        .proves = {REQ_SOCKS5_GREETING_IDLE},
        .on_event = few_threads,
    },
    {
        .name = "auth-stale-octets",
        .summary = "refuses the right credentials behind a longer user name "
                   "of somebody else",
        .proves = {REQ_USERPASS_REPLY_SUCCESS},
        .needs_auth = true,
        .on_message = stale,
    },
};

const struct fault_theme socks5_field_faults = FAULT_THEME(faults);
