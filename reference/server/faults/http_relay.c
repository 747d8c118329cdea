/*
 * Faults of the octets around a CONNECT that the other protocols do not have,
 * and of what becomes of them: RFC 9110 section 9.3.6.
 */

#include <string.h>

#include "faults/http.h"

static bool is_relaying(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_HTTP, SESSION_RELAYING);
}

static bool is_to_target(const struct fault_memory *m,
                         const struct action *action)
{
    return is_relaying(m) && action->kind == ACTION_SEND_UPSTREAM;
}

/* Octets behind the request wait in m->in, m->held of them. */
static enum fault_verdict hold_early(struct fault_memory *m,
                                     struct event *event)
{
    if (!faults_is_input(m, event, SESSION_HTTP, SESSION_DIALLING))
        return FAULT_PASS;
    memmove(m->in + m->held, event->data.data, event->data.len);
    m->held += event->data.len;
    return FAULT_DROP;
}

static enum fault_verdict early_late(struct fault_memory *m,
                                     struct action *action)
{
    if (is_to_target(m, action) && m->held) {
        faults_also_send(m, ACTION_SEND_UPSTREAM, px_bytes_of(m->in, m->held));
        m->held = 0;
    }
    return FAULT_PASS;
}

static enum fault_verdict echo_late(struct fault_memory *m, struct event *event)
{
    if (faults_is_input(m, event, SESSION_HTTP, SESSION_CLOSING))
        faults_also_send(m, ACTION_SEND_CLIENT, event->data);
    return FAULT_PASS;
}

static enum fault_verdict rewrite(struct fault_memory *m, struct action *action)
{
    if (is_to_target(m, action))
        faults_swap(m, action, "GET http://example.invalid/", "GET /");
    return FAULT_PASS;
}

/* The last octet of a large read waits for the next one. count[0]: there is
 * one, in count[1]. */
static enum fault_verdict lag_behind(struct fault_memory *m,
                                     struct action *action)
{
    enum { LARGE = 4096 };
    uint8_t late = (uint8_t)m->count[1];
    size_t len;

    if (!is_to_target(m, action) || action->send.data.len == 0)
        return FAULT_PASS;
    len = action->send.data.len;
    if (m->count[0]) {
        memmove(m->out + 1, action->send.data.data, len);
        m->out[0] = late;
        action->send.data = px_bytes_of(m->out, ++len);
    }
    m->count[0] = len >= LARGE;
    if (m->count[0]) {
        m->count[1] = action->send.data.data[len - 1];
        action->send.data.len--;
    }
    return FAULT_PASS;
}

static enum fault_verdict lose_reset(struct fault_memory *m,
                                     struct event *event)
{
    return event->kind == EVENT_UPSTREAM_RESET && is_relaying(m) ? FAULT_HANG
                                                                 : FAULT_PASS;
}

/* An idle tunnel is taken for a connection that waits for a request. */
static enum fault_verdict watch_idle(struct fault_memory *m,
                                     struct action *action)
{
    enum { IDLE_MS = 200 };

    if (!is_relaying(m))
        return FAULT_PASS;
    if (action->kind == ACTION_ARM_TIMER)
        return FAULT_DROP;
    if (action->kind == ACTION_RELAY || is_to_target(m, action) ||
        faults_sends(action, MESSAGE_RELAYED)) {
        faults_also_arm(m, IDLE_MS);
    }
    return FAULT_PASS;
}

static enum fault_verdict tell_idle(struct fault_memory *m, struct event *event)
{
    if (event->kind != EVENT_TIMER || !is_relaying(m))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("HTTP/1.1 408 Request Timeout\r\n"
                                       "Connection: close\r\n\r\n"));
}

static const struct fault faults[] = {
    {
        .name = "http-early-late",
        .summary = "sends octets that came with a CONNECT behind later ones",
        .proves = {REQ_HTTP_CONNECT_BLIND},
        .on_event = hold_early,
        .on_message = faults_pass,
        .on_action = early_late,
    },
    {
        .name = "http-error-echo",
        .summary = "sends back what comes behind a refusal",
        .proves = {REQ_HTTP_CONNECT_AFTER_FAILURE},
        .on_event = echo_late,
        .on_action = http_go_on,
    },
    {
        .name = "http-tunnel-rewrites",
        .summary = "rewrites what looks like a request in a tunnel",
        .proves = {REQ_HTTP_CONNECT_BLIND},
        .on_action = rewrite,
    },
    {
        .name = "http-tunnel-tail-lost",
        .summary = "loses the last octet that a client sent before it closed",
        .proves = {REQ_HTTP_CONNECT_FLUSH_ON_CLOSE},
        .on_action = lag_behind,
    },
    {
        .name = "http-tunnel-idle",
        .summary = "writes a 408 into a tunnel that was idle for 200 "
                   "milliseconds, and closes it",
        .proves = {REQ_HTTP_CONNECT_BLIND},
        .on_event = tell_idle,
        .on_action = watch_idle,
    },
    {
        .name = "http-tunnel-reset-lost",
        .summary = "does not tell the client that the target has reset",
        .proves = {REQ_HTTP_CONNECT_ABORT},
        .on_event = lose_reset,
    },
};

const struct fault_theme http_relay_faults = FAULT_THEME(faults);
