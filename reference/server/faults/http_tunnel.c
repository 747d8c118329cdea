/*
 * Faults of making the tunnel, and of what happens when there is none: RFC
 * 9110 sections 9.3.6 and 15.6, RFC 9112 section 9; and of limits.
 */

#include <string.h>

#include "faults/http.h"

#define GRANTED "HTTP/1.1 200 Connection established\r\n\r\n"

/* The answer goes out with the attempt; what comes of it is told no more. */
static enum fault_verdict early_200(struct fault_memory *m,
                                    struct action *action)
{
    if (m->config.protocol == SESSION_HTTP && action->kind == ACTION_DIAL) {
        m->count[0] = 1;
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL(GRANTED));
    }
    return m->count[0] && http_status(action) ? FAULT_DROP : FAULT_PASS;
}

/* Connects when the client has something to send: the target waits in out,
 * with its name behind it, and count[0] tells how far that is. */
enum { NOT_ASKED, GRANTED_AHEAD, DIALLED };

static enum fault_verdict lazy_200(struct fault_memory *m,
                                   struct action *action)
{
    if (m->config.protocol == SESSION_HTTP && action->kind == ACTION_DIAL) {
        struct px_endpoint target = action->target;

        if (target.addr.name.len)
            memcpy(m->out + sizeof(target), target.addr.name.data,
                   target.addr.name.len);
        target.addr.name.data = m->out + sizeof(target);
        memcpy(m->out, &target, sizeof(target));
        m->count[0] = GRANTED_AHEAD;
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL(GRANTED));
        return FAULT_DROP;
    }
    if (m->count[0] == GRANTED_AHEAD && action->kind == ACTION_ARM_TIMER)
        action->deadline_ms = SESSION_NEVER;
    return m->count[0] && http_status(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict dial_at_last(struct fault_memory *m,
                                       struct event *event)
{
    if (m->count[0] == GRANTED_AHEAD && event->kind == EVENT_CLIENT_DATA) {
        m->count[0] = DIALLED;
        faults_also(m, ACTION_DIAL);
        memcpy(&m->after[0].target, m->out, sizeof(m->after[0].target));
    }
    return FAULT_PASS;
}

static bool is_failed_dial(const struct fault_memory *m,
                           const struct event *event)
{
    return m->config.protocol == SESSION_HTTP &&
           event->kind == EVENT_DIAL_FAILED;
}

static bool is_unresolved(const struct event *event)
{
    return event->failure == DIAL_NAME_UNRESOLVED ||
           event->failure == DIAL_NAME_TEMPORARY;
}

static enum fault_verdict note_refused(struct fault_memory *m,
                                       struct event *event)
{
    m->count[0] = is_failed_dial(m, event) && !is_unresolved(event);
    return FAULT_PASS;
}

static enum fault_verdict note_unresolved(struct fault_memory *m,
                                          struct event *event)
{
    m->count[0] = is_failed_dial(m, event) && is_unresolved(event);
    return FAULT_PASS;
}

static enum fault_verdict noted_200(struct fault_memory *m,
                                    struct action *action)
{
    if (m->count[0] && http_status(action))
        http_set_answer(m, action, GRANTED);
    return FAULT_PASS;
}

static enum fault_verdict noted_page(struct fault_memory *m,
                                     struct action *action)
{
    if (m->count[0] && http_status(action))
        http_set_status(m, action, "HTTP/1.1 200 OK");
    return FAULT_PASS;
}

static enum fault_verdict noted_silent(struct fault_memory *m,
                                       struct action *action)
{
    return m->count[0] && http_status(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict refused_hang(struct fault_memory *m,
                                       struct event *event)
{
    return is_failed_dial(m, event) && !is_unresolved(event) ? FAULT_HANG
                                                             : FAULT_PASS;
}

/* The target broke the tunnel, and the client reads an error in it. */
static enum fault_verdict error_in_tunnel(struct fault_memory *m,
                                          struct event *event)
{
    if (event->kind == EVENT_UPSTREAM_RESET &&
        faults_is_in(m, SESSION_HTTP, SESSION_RELAYING))
        faults_also_send(m, ACTION_SEND_CLIENT,
                         PX_LITERAL("HTTP/1.1 502 Bad Gateway\r\n"
                                    "Content-Length: 0\r\n\r\n"));
    return FAULT_PASS;
}

/* Octets behind a CONNECT that fails are run as a request. */
static enum fault_verdict run_tail(struct fault_memory *m, struct event *event)
{
    if (faults_hold_early(m, event, SESSION_HTTP))
        return FAULT_DROP;
    return faults_is_input(m, event, SESSION_HTTP, SESSION_CLOSING)
               ? FAULT_RESTART
               : FAULT_PASS;
}

/* Only content that a CONNECT announces is run as a request; of a first chunk
 * the size line is skipped. */
static enum fault_verdict note_content(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    size_t skip = 0;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    m->count[0] = http1_find(&head.fields, "Content-Length") ||
                  http1_find(&head.fields, "Transfer-Encoding");
    if (http1_find(&head.fields, "Transfer-Encoding"))
        skip = faults_find(m->rest, "\r\n") + 2;
    if (skip < m->rest.len)
        m->rest = px_bytes_of(m->rest.data + skip, m->rest.len - skip);
    return FAULT_PASS;
}

static enum fault_verdict run_content(struct fault_memory *m,
                                      struct event *event)
{
    return m->count[0] ? run_tail(m, event) : FAULT_PASS;
}

static enum fault_verdict go_on_if_content(struct fault_memory *m,
                                           struct action *action)
{
    return m->count[0] ? http_go_on(m, action) : FAULT_PASS;
}

static enum fault_verdict limits_500(struct fault_memory *m,
                                     struct action *action)
{
    if (http_status(action) == 431)
        http_set_status(m, action, "HTTP/1.1 500 Internal Server Error");
    return FAULT_PASS;
}

static enum fault_verdict target_431(struct fault_memory *m,
                                     struct action *action)
{
    if (http_status(action) == 414)
        http_set_status(m, action,
                        "HTTP/1.1 431 Request Header Fields Too Large");
    return FAULT_PASS;
}

/* A line of more than 4 KiB overruns a buffer. */
static enum fault_verdict long_crash(struct fault_memory *m,
                                     struct event *event)
{
    enum { LINE_MAX_LEN = 4096 };

    if (!http_is_input(m, event))
        return FAULT_PASS;
    for (size_t i = 0; i < event->data.len; i++) {
        m->count[0] = event->data.data[i] == '\n' ? 0 : m->count[0] + 1;
        if (m->count[0] > LINE_MAX_LEN)
            return FAULT_ABORT;
    }
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-200-early",
        .summary = "grants a tunnel before it has a connection",
        .proves = {REQ_HTTP_CONNECT_SUCCESS_REAL},
        .on_action = early_200,
    },
    {
        .name = "http-200-lazy",
        .summary = "grants a tunnel, and connects when the client sends",
        .proves = {REQ_HTTP_CONNECT_SUCCESS_REAL, REQ_HTTP_CONNECT_UNCACHEABLE},
        .on_event = dial_at_last,
        .on_action = lazy_200,
    },
    {
        .name = "http-refused-200",
        .summary = "answers 200 when the target cannot be reached, and closes",
        .proves = {REQ_HTTP_CONNECT_SUCCESS_REAL},
        .on_event = note_refused,
        .on_action = noted_200,
    },
    {
        .name = "http-refused-silent",
        .summary = "closes without an answer when the target cannot be reached",
        .proves = {REQ_HTTP_CONNECT_FAILURE_STATUS, REQ_HTTP_ERROR_REFUSED},
        .on_event = note_refused,
        .on_action = noted_silent,
    },
    {
        .name = "http-refused-hang",
        .summary = "never answers when the target cannot be reached",
        .proves = {REQ_HTTP_CONNECT_FAILURE_STATUS, REQ_HTTP_ERROR_REFUSED},
        .on_event = refused_hang,
    },
    {
        .name = "http-unresolved-200",
        .summary = "answers a name that does not resolve with a page and 200",
        .proves = {REQ_HTTP_ERROR_DNS},
        .on_event = note_unresolved,
        .on_action = noted_page,
    },
    {
        .name = "http-error-in-tunnel",
        .summary = "writes a 502 into a tunnel that the target has broken",
        .proves = {REQ_HTTP_ERROR_NO_DOUBLE},
        .on_event = error_in_tunnel,
    },
    {
        .name = "http-tail-run",
        .summary = "runs what came behind a CONNECT that fails as a request",
        .proves = {REQ_HTTP_CONNECT_EARLY_CLIENT_DATA},
        .on_event = run_tail,
        .on_message = faults_pass,
        .on_action = http_go_on,
    },
    {
        .name = "http-content-run",
        .summary = "runs the content of a CONNECT as a request",
        .proves = {REQ_HTTP_CONNECT_REQUEST_BODY},
        .on_event = run_content,
        .on_message = note_content,
        .on_action = go_on_if_content,
    },
    {
        .name = "http-limits-500",
        .summary = "answers 500 when a head is too large",
        .proves = {REQ_HTTP_LIMITS_FIELDS_4XX, REQ_AUTH_BASIC_MALFORMED},
        .on_action = limits_500,
    },
    {
        .name = "http-target-431",
        .summary = "answers 431 when the request-line is too long",
        .proves = {REQ_HTTP_TARGET_TOO_LONG},
        .on_action = target_431,
    },
    {
        .name = "http-long-crash",
        .summary = "crashes on a line of more than 4 KiB",
        .proves = {REQ_HTTP_LIMITS_DEFENSIVE},
        .on_event = long_crash,
    },
};

const struct fault_theme http_tunnel_faults = FAULT_THEME(faults);
