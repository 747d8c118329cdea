/* Faults of messages that were cut short: RFC 9112 sections 6.3 and 8. */

#include <string.h>

#include "faults/forward.h"

/* count[0]: the response is chunked, or goes until the close. */
static enum forward_verdict pads(struct fault_memory *m,
                                 struct forward_part *part)
{
    size_t len = part->left < FAULT_OCTETS_MAX ? (size_t)part->left : 0;

    if (part->stage == FORWARD_RESPONSE_SENT)
        m->count[0] = forward_value(part, "Content-Length").len == 0;
    if (part->stage != FORWARD_RESPONSE_CUT || m->count[0])
        return FORWARD_PASS;
    memset(m->out, 'x', len);
    part->octets = px_bytes_of(m->out, len);
    return FORWARD_PASS;
}

/* count[0]: a response is awaited, and its head is not whole. */
static enum forward_verdict await_head(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT) {
        m->count[0] = 1;
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

static enum fault_verdict complete_head(struct fault_memory *m,
                                        struct event *event)
{
    struct px_bytes kept;

    if (!m->count[0])
        return FAULT_PASS;
    if (event->kind == EVENT_UPSTREAM_DATA) {
        forward_keep_more(m, event->data);
        kept = forward_kept(m);
        if (faults_find(kept, "\r\n\r\n") == kept.len)
            return FAULT_DROP;
        event->data = kept;
        m->count[0] = 0;
    } else if (event->kind == EVENT_UPSTREAM_END ||
               event->kind == EVENT_UPSTREAM_RESET) {
        event->kind = EVENT_UPSTREAM_DATA;
        event->data =
            PX_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        m->count[0] = 0;
    }
    return FAULT_PASS;
}

/* count[0]: the response goes until its connection is closed. */
static enum forward_verdict breaks_end(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = !forward_value(part, "Content-Length").data &&
                      !forward_value(part, "Transfer-Encoding").data;
    return part->stage == FORWARD_RESPONSE_BODY && part->left == 0 &&
                   m->count[0]
               ? FORWARD_BREAK
               : FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-pads-short-response",
        .summary = "makes up what is missing of a response of known length",
        .proves = {REQ_HTTP_INCOMPLETE_SHORT_RESPONSE},
        .on_forward = pads,
    },
    {
        .name = "forward-completes-cut-head",
        .summary = "answers 200 when the head of a response was cut short",
        .proves = {REQ_HTTP_INCOMPLETE_HEADER},
        .on_event = complete_head,
        .on_forward = await_head,
    },
    {
        .name = "forward-to-close-is-cut",
        .summary = "breaks off where a response ends with its connection",
        .proves = {REQ_HTTP_INCOMPLETE_TO_CLOSE,
                   REQ_HTTP_FRAMING_RESPONSE_TO_CLOSE},
        .on_forward = breaks_end,
    },
};

const struct fault_theme forward_incomplete_faults = FAULT_THEME(faults);
