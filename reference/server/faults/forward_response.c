/* Faults of the response that comes back: RFC 9110 section 7, RFC 9112. */

#include <string.h>

#include "faults/forward.h"

static enum forward_verdict no_via(struct fault_memory *m,
                                   struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

static enum forward_verdict drops_interim(struct fault_memory *m,
                                          struct forward_part *part)
{
    (void)m;
    return part->stage == FORWARD_RESPONSE_SENT && part->status < 200
               ? FORWARD_SKIP
               : FORWARD_PASS;
}

/* The last octet of a long body, as far as its length is known. */
static enum forward_verdict drops_tail(struct fault_memory *m,
                                       struct forward_part *part)
{
    (void)m;
    if (part->stage == FORWARD_RESPONSE_BODY && part->left == 0 &&
        part->octets.len > 512)
        part->octets.len--;
    return FORWARD_PASS;
}

static enum forward_verdict completes_cut(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        m->count[0] = forward_value(part, "Transfer-Encoding").len > 0;
    if (part->stage == FORWARD_RESPONSE_CUT && m->count[0])
        forward_complete_chunks(m, part);
    return FORWARD_PASS;
}

/* count[0]: heads that came in one read; count[1]: of the exchange whose
 * response waits in m->kept. */
static enum fault_verdict count_heads(struct fault_memory *m,
                                      struct event *event)
{
    struct px_bytes rest = event->data;
    size_t at;

    if (event->kind != EVENT_CLIENT_DATA)
        return FAULT_PASS;
    m->count[0] = 0;
    while ((at = faults_find(rest, "\r\n\r\n")) < rest.len) {
        m->count[0]++;
        rest = px_bytes_of(rest.data + at + 4, rest.len - at - 4);
    }
    return FAULT_PASS;
}

static enum forward_verdict swaps_order(struct fault_memory *m,
                                        struct forward_part *part)
{
    bool is_content = part->stage == FORWARD_RESPONSE_SENT ||
                      part->stage == FORWARD_RESPONSE_BODY;

    if (part->stage == FORWARD_RESPONSE_RECEIVED && m->count[0] > 1 &&
        !m->count[1])
        m->count[1] = part->exchange;
    if (is_content && m->count[1] == part->exchange) {
        forward_keep_more(m, part->octets);
        return FORWARD_SKIP;
    }
    if (part->stage == FORWARD_RESPONSE_END && m->kept_len &&
        m->count[1] != part->exchange) {
        part->octets = forward_kept(m);
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-no-via-response",
        .summary = "adds no Via to responses",
        .proves = {REQ_HTTP_VIA_APPEND_RESPONSE},
        .on_forward = no_via,
    },
    {
        .name = "forward-drops-interim",
        .summary = "keeps 1xx responses to itself",
        .proves = {REQ_HTTP_INTERIM_FORWARD},
        .on_forward = drops_interim,
    },
    {
        .name = "forward-drops-body-tail",
        .summary = "loses the last octet of a long body of known length",
        .proves = {REQ_HTTP_BODY_OPAQUE},
        .on_forward = drops_tail,
    },
    {
        .name = "forward-completes-cut-response",
        .summary = "ends a chunked response whose origin broke off as if it "
                   "were whole",
        .proves = {REQ_HTTP_INCOMPLETE_CHUNKED_RESPONSE},
        .on_forward = completes_cut,
    },
    {
        .name = "forward-joins-responses-out-of-order",
        .summary = "sends the first of pipelined responses behind the second",
        .proves = {REQ_HTTP_PIPELINE_ORDER},
        .on_event = count_heads,
        .on_forward = swaps_order,
    },
};

const struct fault_theme forward_response_faults = FAULT_THEME(faults);
