/* Faults of requests that the proxy answers itself: Max-Forwards, TRACE,
 * OPTIONS and loops (RFC 9110 sections 7.3, 7.6.2, 9.3.7 and 9.3.8). */

#include <string.h>

#include "faults/forward.h"

static bool is_method(const struct forward_part *part, const char *method)
{
    return part->stage == FORWARD_REQUEST_RECEIVED &&
           faults_find(part->octets, method) == 0;
}

static bool has_hops(const struct forward_part *part)
{
    return is_method(part, "TRACE ") || is_method(part, "OPTIONS ");
}

static bool is_text(struct px_bytes value, const char *text)
{
    return px_equal_nocase(value, px_bytes_of(text, strlen(text)));
}

static bool ends_here(const struct forward_part *part)
{
    return has_hops(part) && is_text(forward_value(part, "Max-Forwards"), "0");
}

static enum forward_verdict forwards_zero(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (ends_here(part))
        (void)forward_cut(m, part, "Max-Forwards");
    return FORWARD_PASS;
}

/* It is itself one of the hops that are left. */
static enum forward_verdict counts_itself(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (has_hops(part) && is_text(forward_value(part, "Max-Forwards"), "1"))
        forward_set_value(m, part, "Max-Forwards", PX_LITERAL("0"));
    return FORWARD_PASS;
}

static enum forward_verdict closes_on_zero(struct fault_memory *m,
                                           struct forward_part *part)
{
    (void)m;
    return ends_here(part) ? FORWARD_BREAK : FORWARD_PASS;
}

/* count[0]: the field is due on the request. */
static enum forward_verdict adds_hops(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] =
            has_hops(part) && !forward_value(part, "Max-Forwards").data;
    else if (part->stage == FORWARD_REQUEST_SENT && m->count[0])
        forward_add(m, part, "Max-Forwards: 70\r\n");
    return FORWARD_PASS;
}

static bool is_odd(struct px_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return true;
    }
    return false;
}

/* count[0]: the value is taken for a number of 16 bits. */
static enum forward_verdict wraps_hops(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->count[0] = is_odd(forward_value(part, "Max-Forwards"));
        if (m->count[0])
            (void)forward_cut(m, part, "Max-Forwards");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_add(m, part, "Max-Forwards: 65535\r\n");
    }
    return FORWARD_PASS;
}

static enum forward_verdict echoes_nothing(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (!is_method(part, "TRACE ") || !ends_here(part))
        return FORWARD_PASS;
    forward_set(m, part,
                "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\n"
                "Content-Length: 4\r\nConnection: close\r\n\r\nnone");
    return FORWARD_ANSWER;
}

static enum forward_verdict echoes_all(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (!is_method(part, "TRACE ") || !ends_here(part))
        return FORWARD_PASS;
    forward_put(m, part, 0, 0,
                PX_LITERAL("HTTP/1.1 200 OK\r\nContent-Type: message/http\r\n"
                           "Connection: close\r\n\r\n"));
    return FORWARD_ANSWER;
}

/* Of many fields the last ones are not echoed. */
static enum forward_verdict echoes_first(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (is_method(part, "TRACE ") && ends_here(part))
        forward_cut_all(m, part, "X-N-20");
    return FORWARD_PASS;
}

static enum forward_verdict echoes_small(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (is_method(part, "TRACE ") && ends_here(part))
        forward_swap(m, part, "\r\ncookie: ", "\r\nx-cookie: ");
    return FORWARD_PASS;
}

static enum forward_verdict offers_nothing(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (!is_method(part, "OPTIONS ") ||
        (!ends_here(part) && !is_text(forward_word(part), "*")))
        return FORWARD_PASS;
    forward_set(m, part,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n");
    return FORWARD_ANSWER;
}

/* A request that has been here: each hop waits for the next one. */
static enum forward_verdict waits_for_itself(struct fault_memory *m,
                                             struct forward_part *part)
{
    struct px_bytes via = forward_value(part, "Via");

    return part->stage == FORWARD_REQUEST_RECEIVED && via.data &&
                   faults_find(via, m->config.pseudonym) < via.len
               ? FORWARD_HANG
               : FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-max-forwards-zero-on",
        .summary = "forwards what came with Max-Forwards 0",
        .proves = {REQ_HTTP_MAXFORWARDS_ZERO_STOP},
        .on_forward = forwards_zero,
    },
    {
        .name = "forward-max-forwards-one-short",
        .summary = "answers what came with Max-Forwards 1",
        .proves = {REQ_HTTP_MAXFORWARDS_DECREMENT},
        .on_forward = counts_itself,
    },
    {
        .name = "forward-max-forwards-zero-close",
        .summary = "closes on Max-Forwards 0 without an answer",
        .proves = {REQ_HTTP_MAXFORWARDS_ZERO_ANSWER},
        .on_forward = closes_on_zero,
    },
    {
        .name = "forward-max-forwards-added",
        .summary = "adds Max-Forwards to TRACE and OPTIONS without it",
        .proves = {REQ_HTTP_MAXFORWARDS_NO_ADD},
        .on_forward = adds_hops,
    },
    {
        .name = "forward-max-forwards-wraps",
        .summary = "takes a Max-Forwards that is no number for 65535",
        .proves = {REQ_HTTP_MAXFORWARDS_ODD_VALUE},
        .on_forward = wraps_hops,
    },
    {
        .name = "forward-trace-no-echo",
        .summary = "answers TRACE without the request",
        .proves = {REQ_HTTP_TRACE_ECHO},
        .on_forward = echoes_nothing,
    },
    {
        .name = "forward-trace-secrets",
        .summary = "shows cookies and credentials in what TRACE echoes",
        .proves = {REQ_HTTP_TRACE_NO_SECRETS},
        .on_forward = echoes_all,
    },
    {
        .name = "forward-trace-first-fields",
        .summary = "echoes the first fields of a TRACE",
        .proves = {REQ_HTTP_TRACE_ECHO},
        .on_forward = echoes_first,
    },
    {
        .name = "forward-trace-small-cookie",
        .summary = "shows a cookie in small letters in what TRACE echoes",
        .proves = {REQ_HTTP_TRACE_NO_SECRETS},
        .on_forward = echoes_small,
    },
    {
        .name = "forward-options-nothing",
        .summary = "answers OPTIONS without saying what it offers",
        .proves = {REQ_HTTP_OPTIONS_ANSWER},
        .on_forward = offers_nothing,
    },
    {
        .name = "forward-loop-waits",
        .summary = "waits for ever when it is asked for itself",
        .proves = {REQ_HTTP_LOOP_SELF, REQ_HTTP_LOOP_OWN_NAMES},
        .on_forward = waits_for_itself,
    },
};

const struct fault_theme forward_hops_faults = FAULT_THEME(faults);
