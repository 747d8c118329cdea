/* Faults of connections that carry several exchanges, of pipelines, repeats and
 * closes: RFC 9110 section 9.2.2, RFC 9112 sections 9.3 and 9.6. */

#include <string.h>

#include "faults/forward.h"
#include "faults/http.h"

static bool is_forwarding(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_HTTP, SESSION_FORWARDING);
}

static bool is_idle(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_HTTP, SESSION_REQUEST);
}

static bool ends_upstream(const struct event *event)
{
    return event->kind == EVENT_UPSTREAM_END ||
           event->kind == EVENT_UPSTREAM_RESET;
}

static bool is_close(struct px_bytes value)
{
    return px_equal_nocase(value, PX_LITERAL("close"));
}

/* Another request -----------------------------------------------------------*/

static enum forward_verdict one_request(struct fault_memory *m,
                                        struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED && m->count[0]++ > 0
               ? FORWARD_HANG
               : FORWARD_PASS;
}

/* It answers the request by itself, and its content is what comes next. */
static enum forward_verdict forgets_content(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        faults_find(part->octets, "POST ") == 0)
        forward_set(m, part, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    return FORWARD_PASS;
}

/* count[0]: the request is whole; count[1]: it was answered before. */
static enum forward_verdict notes_early(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = m->count[1] = 0;
    m->count[0] |= part->stage == FORWARD_REQUEST_END;
    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 200 &&
        !m->count[0]) {
        m->count[1] = 1;
        forward_cut_all(m, part, "Connection");
    }
    return FORWARD_PASS;
}

static enum fault_verdict stays_behind_early(struct fault_memory *m,
                                             struct action *action)
{
    return m->count[1] ? http_go_on(m, action) : FAULT_PASS;
}

/* What comes then is taken for the next request. */
static enum fault_verdict begins_anew(struct fault_memory *m,
                                      struct event *event)
{
    return m->count[1] &&
                   faults_is_input(m, event, SESSION_HTTP, SESSION_CLOSING)
               ? FAULT_RESTART
               : FAULT_PASS;
}

/* count[0]: the client says close; count[1]: the origin says keep-alive. */
static enum forward_verdict copies_options(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Connection");

    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = is_close(value);
    else if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[1] = px_equal_nocase(value, PX_LITERAL("keep-alive"));
    else if (part->stage == FORWARD_REQUEST_SENT && m->count[0])
        forward_add(m, part, "Connection: close\r\n");
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[1])
        forward_add(m, part, "Connection: keep-alive\r\n");
    return FORWARD_PASS;
}

/* Pipelines -----------------------------------------------------------------*/

/* count[0]: requests of this connection. */
static enum forward_verdict counts(struct fault_memory *m,
                                   struct forward_part *part)
{
    m->count[0] += part->stage == FORWARD_REQUEST_SENT;
    return FORWARD_PASS;
}

static enum fault_verdict misses_end(struct fault_memory *m,
                                     struct event *event)
{
    return ends_upstream(event) && is_forwarding(m) && m->count[0] > 1
               ? FAULT_HANG
               : FAULT_PASS;
}

/* What comes unasked, by itself or behind a response, is kept ... */
static enum fault_verdict keeps_unasked(struct fault_memory *m,
                                        struct event *event)
{
    struct px_bytes rest = event->data;
    size_t at;

    if (event->kind != EVENT_UPSTREAM_DATA || rest.len == 0)
        return FAULT_PASS;
    if (is_idle(m)) {
        forward_keep(m, rest);
        return FAULT_DROP;
    }
    at = faults_find(px_bytes_of(rest.data + 1, rest.len - 1), "HTTP/1.1 ") + 1;
    if (at < rest.len) {
        forward_keep(m, px_bytes_of(rest.data + at, rest.len - at));
        event->data.len = at;
        m->count[0] = 1; /* for the next exchange, not for this one */
    }
    return FAULT_PASS;
}

/* ... and taken for the next one. */
static enum forward_verdict takes_unasked(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_END)
        m->count[0] = 0;
    if (part->stage == FORWARD_RESPONSE_RECEIVED && m->kept_len &&
        !m->count[0]) {
        forward_put(m, part, 0, part->octets.len, forward_kept(m));
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

/* Repeats -------------------------------------------------------------------*/

enum { REPEATS = 3 };

static struct px_endpoint *origin_of(struct fault_memory *m)
{
    return (struct px_endpoint *)(void *)m->in;
}

static enum fault_verdict notes_origin(struct fault_memory *m,
                                       struct action *action)
{
    if (action->kind == ACTION_DIAL)
        memcpy(origin_of(m), &action->target, sizeof(action->target));
    return FAULT_PASS;
}

/* count[0]: repeats of this request; count[1]: it was answered. */
static enum forward_verdict notes_request(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT) {
        m->count[0] = m->count[1] = 0;
        forward_keep(m, part->octets);
    } else if (part->stage == FORWARD_REQUEST_BODY) {
        forward_keep_more(m, part->octets);
    } else if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->count[1] = 1;
    }
    return FORWARD_PASS;
}

static enum fault_verdict repeats(struct fault_memory *m, struct event *event)
{
    if (!is_forwarding(m) || m->count[1])
        return FAULT_PASS;
    if (event->kind == EVENT_DIALLED && m->count[0]) {
        faults_also_send(m, ACTION_SEND_UPSTREAM, forward_kept(m));
        return FAULT_DROP;
    }
    if (!ends_upstream(event) || !m->kept_len || m->count[0] == REPEATS)
        return FAULT_PASS;
    m->count[0]++;
    faults_also(m, ACTION_CLOSE_UPSTREAM);
    faults_also(m, ACTION_DIAL);
    m->after[m->after_count - 1].target = *origin_of(m);
    return FAULT_DROP;
}

/* Closes --------------------------------------------------------------------*/

/* Longer than anybody waits for the close. */
static void stays(struct fault_memory *m)
{
    m->config.handshake_timeout_ms = 60 * 1000;
}

static enum forward_verdict client_goes_on(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static enum forward_verdict overrides(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_value(part, "Proxy-Connection").len)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static enum forward_verdict origin_goes_on(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

/* count[0]: the kept connection is gone. */
static enum fault_verdict notes_gone(struct fault_memory *m,
                                     struct event *event)
{
    if (ends_upstream(event) && is_idle(m))
        m->count[0] = 1;
    return FAULT_PASS;
}

static enum forward_verdict fails_when_gone(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_RECEIVED || !m->count[0])
        return FORWARD_PASS;
    forward_set(m, part,
                "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n");
    return FORWARD_ANSWER;
}

static enum fault_verdict ends_with_client(struct fault_memory *m,
                                           struct event *event)
{
    return event->kind == EVENT_CLIENT_END && is_forwarding(m) ? FAULT_ABORT
                                                               : FAULT_PASS;
}

static enum fault_verdict resets_on_error(struct fault_memory *m,
                                          struct action *action)
{
    (void)m;
    return http_refuses(action) ? FAULT_ABORT : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-one-request",
        .summary = "does nothing with a second request of a connection",
        .proves = {REQ_HTTP_PERSIST_DEFAULT},
        .on_forward = one_request,
    },
    {
        .name = "forward-forgets-content",
        .summary = "takes the content of a request that it answers itself for "
                   "the next request",
        .proves = {REQ_HTTP_PERSIST_DRAIN},
        .on_forward = forgets_content,
    },
    {
        .name = "forward-early-answer-ends",
        .summary = "takes the content that follows an early answer for the "
                   "next request",
        .proves = {REQ_HTTP_PERSIST_DRAIN},
        .on_event = begins_anew,
        .on_action = stays_behind_early,
        .on_forward = notes_early,
    },
    {
        .name = "forward-options-copied",
        .summary = "passes close and keep-alive on as they came",
        .proves = {REQ_HTTP_PERSIST_PER_HOP},
        .on_forward = copies_options,
    },
    {
        .name = "forward-pipeline-hangs",
        .summary = "does not see that the origin leaves a later request",
        .proves = {REQ_HTTP_PIPELINE_UPSTREAM_FAILURE},
        .on_event = misses_end,
        .on_forward = counts,
    },
    {
        .name = "forward-takes-unasked",
        .summary = "takes what an origin sends unasked for the next response",
        .proves = {REQ_HTTP_PIPELINE_CLIENT_UNSOLICITED},
        .on_event = keeps_unasked,
        .on_forward = takes_unasked,
    },
    {
        .name = "forward-repeats",
        .summary = "repeats every request that an origin leaves unanswered",
        .proves = {REQ_HTTP_RETRY_PROXY, REQ_HTTP_RETRY_ONCE},
        .on_event = repeats,
        .on_action = notes_origin,
        .on_forward = notes_request,
    },
    {
        .name = "forward-close-ignored",
        .summary = "keeps connections that the client wants closed",
        .proves = {REQ_HTTP_CLOSE_ON_REQUEST},
        .configure = stays,
        .on_forward = client_goes_on,
    },
    {
        .name = "forward-proxy-connection-overrides",
        .summary = "goes by Proxy-Connection and not by Connection",
        .proves = {REQ_HTTP_CLOSE_ON_REQUEST, REQ_HTTP_CLOSE_NO_MORE,
                   REQ_HTTP_CLOSE_ECHO},
        .configure = stays,
        .on_forward = overrides,
    },
    {
        .name = "forward-origin-goes-on",
        .summary = "sends more requests where the origin has said close",
        .proves = {REQ_HTTP_CLOSE_NO_MORE},
        .on_forward = origin_goes_on,
    },
    {
        .name = "forward-kept-connection-gone",
        .summary = "fails when an origin has left the connection that it kept",
        .proves = {REQ_HTTP_CLOSE_WATCH},
        .on_event = notes_gone,
        .on_forward = fails_when_gone,
    },
    {
        .name = "forward-ends-with-client",
        .summary = "gives a request up when its client half-closes",
        .proves = {REQ_HTTP_CLOSE_HALF_CLOSED_CLIENT},
        .on_event = ends_with_client,
    },
    {
        .name = "forward-error-reset",
        .summary = "resets the connection in place of an error",
        .proves = {REQ_HTTP_CLOSE_LINGER},
        .on_action = resets_on_error,
    },
};

const struct fault_theme forward_persist_faults = FAULT_THEME(faults);
