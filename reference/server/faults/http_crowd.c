/*
 * Faults that one client does not see alone: what the proxy remembers of the
 * others, in m->shared.
 */

#include "faults/http.h"

/* While a tunnel is open its answer serves others, whatever their target.
 * shared[0] counts tunnels; count[0]: this is one. */
static enum fault_verdict answer_from_cache(struct fault_memory *m,
                                            struct action *action)
{
    if (http_grants(action))
        m->shared[0] += m->count[0] = 1;
    if (action->kind == ACTION_CLOSE || action->kind == ACTION_RESET)
        m->shared[0] -= m->count[0];
    if (m->config.protocol != SESSION_HTTP || action->kind != ACTION_DIAL ||
        !m->shared[0])
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_CLIENT,
                     PX_LITERAL("HTTP/1.1 200 Connection established\r\n\r\n"));
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

static bool has_whole_head(const struct event *event)
{
    return faults_find(event->data, "\r\n\r\n") < event->data.len;
}

/* count[0]: this client has sent a part of its head and keeps a thread. */
static enum fault_verdict few_threads(struct fault_memory *m,
                                      struct event *event)
{
    enum { THREADS = 12 };
    bool is_gone =
        event->kind == EVENT_CLIENT_END || event->kind == EVENT_CLIENT_RESET;

    if (is_gone || (http_is_input(m, event) && has_whole_head(event))) {
        m->shared[0] -= m->count[0];
        m->count[0] = 0;
    } else if (http_is_input(m, event) && !m->count[0]) {
        m->count[0] = 1;
        m->shared[0]++;
    }
    return http_is_input(m, event) && m->shared[0] > THREADS && !m->count[0]
               ? FAULT_HANG
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-200-cached",
        .summary = "answers a CONNECT with the answer to one whose tunnel is "
                   "open",
        .proves = {REQ_HTTP_CONNECT_UNCACHEABLE},
        .on_action = answer_from_cache,
    },
    {
        .name = "http-slow-blocks",
        .summary = "serves nobody while 13 clients are in the middle of a head",
        .proves = {REQ_HTTP_LIMITS_SLOW},
        .on_event = few_threads,
    },
};

const struct fault_theme http_crowd_faults = FAULT_THEME(faults);
