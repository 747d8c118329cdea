/* Faults of liberties: what a proxy may do, and does wrongly. RFC 9110 sections
 * 2.3, 5.3, 6.6.1, 7.7, 14.2 and 15.3.6, RFC 9112 sections 6.1 and 9.5. */

#include "faults/forward.h"

static enum forward_verdict reset_with_content(struct fault_memory *m,
                                               struct forward_part *part)
{
    enum { RESET_CONTENT = 205 };

    if (part->stage == FORWARD_RESPONSE_SENT && part->status == RESET_CONTENT &&
        forward_value(part, "Content-Length").data) {
        forward_set_value(m, part, "Content-Length", PX_LITERAL("4"));
        forward_append(m, part, "done");
    }
    return FORWARD_PASS;
}

/* Less than what it adds itself. */
static enum forward_verdict short_via(struct fault_memory *m,
                                      struct forward_part *part)
{
    enum { LONGEST = 10 };

    return part->stage == FORWARD_REQUEST_RECEIVED &&
                   forward_value(part, "Via").len > LONGEST
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

static enum forward_verdict joins_with_semicolons(struct fault_memory *m,
                                                  struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT &&
        forward_has(part, "X-A: 2\r\n") && forward_has(part, "X-A: 3\r\n")) {
        forward_cut_all(m, part, "X-A");
        forward_add(m, part, "X-A: 1; 2; 3\r\n");
    }
    return FORWARD_PASS;
}

/* count[0]: no digit stands in the date. */
static enum forward_verdict invalid_date_is_epoch(struct fault_memory *m,
                                                  struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = forward_has(part, "Date: yesterday\r\n");
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        forward_set_value(m, part, "Date",
                          PX_LITERAL("Thu, 01 Jan 1970 00:00:00 GMT"));
    return FORWARD_PASS;
}

/* As long as it was, and called gzip as it was. */
static enum forward_verdict unpacks(struct fault_memory *m,
                                    struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_RESPONSE_BODY, "\x1f\x8b", "he");
}

static enum forward_verdict pages_are_octets(struct fault_memory *m,
                                             struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT,
                           "Range: pages=", "Range: bytes=");
}

/* Knows how long the content is, and does not tell. count[0]: this response. */
static enum forward_verdict coded_and_kept(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED &&
        forward_has(part, "Transfer-Encoding: foo\r\n")) {
        (void)forward_cut(m, part, "Transfer-Encoding");
        forward_add(m, part, "Content-Length: 11\r\n");
        m->count[0] = 1;
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0]) {
        (void)forward_cut(m, part, "Content-Length");
        forward_add(m, part, "Transfer-Encoding: foo\r\n");
        m->count[0] = 0;
    }
    return FORWARD_PASS;
}

static void a_second_each(struct fault_memory *m)
{
    m->config.handshake_timeout_ms = 1000;
}

static enum forward_verdict tells_idle_time(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT) {
        forward_add(m, part, "Keep-Alive: timeout=1\r\n");
        m->count[0] = 1;
    }
    return FORWARD_PASS;
}

static enum fault_verdict idle_is_reset(struct fault_memory *m,
                                        struct event *event)
{
    return event->kind == EVENT_TIMER && m->count[0] &&
                   session_state(m->session) == SESSION_REQUEST
               ? FAULT_ABORT
               : FAULT_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("205-content", "gives a 205 content of its own",
                  reset_with_content, REQ_HTTP_STATUS_205),
    FORWARD_FAULT("short-via",
                  "refuses an entry of Via that is as long as its own",
                  short_via, REQ_HTTP_LIMITS_OWN_OUTPUT),
    FORWARD_FAULT("joined-by-semicolons",
                  "joins lines of one name with semicolons",
                  joins_with_semicolons, REQ_HTTP_FIELD_COMBINE),
    FORWARD_FAULT("invalid-date-of-epoch",
                  "puts 1970 in the place of an invalid Date",
                  invalid_date_is_epoch, REQ_HTTP_FIELD_DATE_FIX),
    FORWARD_FAULT("unpacks-quietly",
                  "unpacks content and calls it packed as before", unpacks,
                  REQ_HTTP_TRANSFORM_ALLOWED),
    FORWARD_FAULT("pages-are-octets",
                  "takes a range of an unknown unit for one of octets",
                  pages_are_octets, REQ_HTTP_RANGE_UNKNOWN_UNIT),
    FORWARD_FAULT("coded-and-kept",
                  "keeps the connection behind a response in a coding that "
                  "only its close can end",
                  coded_and_kept, REQ_HTTP_FRAMING_CHUNKED_LAST_RESPONSE),
    {
        .name = "forward-idle-reset",
        .summary = "resets a connection that is idle for the time it tells",
        .proves = {REQ_HTTP_CLOSE_GRACEFUL},
        .configure = a_second_each,
        .on_forward = tells_idle_time,
        .on_event = idle_is_reset,
    },
};

const struct fault_theme forward_liberty_faults = FAULT_THEME(faults);
