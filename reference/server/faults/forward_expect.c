/* Faults of expectations and interim responses: RFC 9110 sections 10.1.1 and
 * 15.2. */

#include "faults/forward.h"

static const char expected[] = "100-continue";
static const char own_100[] = "HTTP/1.1 100 Continue\r\n\r\n";

static bool is_interim(const struct forward_part *part)
{
    return part->status >= 100 && part->status < 200;
}

static bool is_http10(const struct forward_part *part)
{
    return faults_find(part->octets, " HTTP/1.0\r\n") < part->octets.len;
}

static struct px_bytes expectation(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED
               ? forward_value(part, "Expect")
               : (struct px_bytes){0};
}

/* Interim responses ---------------------------------------------------------*/

static enum forward_verdict drops_100(struct fault_memory *m,
                                      struct forward_part *part)
{
    (void)m;
    return part->stage == FORWARD_RESPONSE_SENT && part->status == 100
               ? FORWARD_SKIP
               : FORWARD_PASS;
}

/* What is no final response waits for it. */
static enum forward_verdict holds_interim(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage != FORWARD_RESPONSE_SENT)
        return FORWARD_PASS;
    if (part->status == 103) {
        forward_keep_more(m, part->octets);
        return FORWARD_SKIP;
    }
    if (m->kept_len && part->status >= 200) {
        forward_put(m, part, 0, 0, forward_kept(m));
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

static enum forward_verdict trims(struct fault_memory *m,
                                  struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && is_interim(part))
        forward_cut_all(m, part, "X-Unknown");
    return FORWARD_PASS;
}

/* count[0]: interim responses of this exchange. */
static enum forward_verdict second_is_final(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = 0;
    return part->stage == FORWARD_RESPONSE_RECEIVED && is_interim(part) &&
                   ++m->count[0] == 2
               ? FORWARD_ANSWER
               : FORWARD_PASS;
}

static enum forward_verdict awaits_content(struct fault_memory *m,
                                           struct forward_part *part)
{
    (void)m;
    return part->stage == FORWARD_RESPONSE_RECEIVED && is_interim(part) &&
                   (forward_value(part, "Content-Length").len ||
                    forward_value(part, "Transfer-Encoding").len)
               ? FORWARD_HANG
               : FORWARD_PASS;
}

static enum forward_verdict frames(struct fault_memory *m,
                                   struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && is_interim(part))
        forward_add(m, part, "Content-Length: 0\r\n");
    return FORWARD_PASS;
}

/* count[0]: the client speaks HTTP/1.0. */
static enum forward_verdict interim_to_http10(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->count[0] = is_http10(part);
        m->kept_len = 0;
    } else if (part->stage == FORWARD_RESPONSE_RECEIVED && is_interim(part)) {
        forward_keep_more(m, part->octets);
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0]) {
        forward_put(m, part, 0, 0, forward_kept(m));
    }
    return FORWARD_PASS;
}

/* Expectations --------------------------------------------------------------*/

static enum forward_verdict waits_for_body(struct fault_memory *m,
                                           struct forward_part *part)
{
    (void)m;
    return expectation(part).len && !is_http10(part) ? FORWARD_HANG
                                                     : FORWARD_PASS;
}

/* count[0]: a 100 is due. */
static enum forward_verdict waits_for_100(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = expectation(part).len > 0;
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = 0;
    return part->stage == FORWARD_REQUEST_BODY && m->count[0] ? FORWARD_HANG
                                                              : FORWARD_PASS;
}

/* count[0]: a 100 came. */
static enum forward_verdict notes_100(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = part->status == 100;
    return FORWARD_PASS;
}

static enum fault_verdict misses_end(struct fault_memory *m,
                                     struct event *event)
{
    return event->kind == EVENT_UPSTREAM_END && m->count[0] ? FAULT_HANG
                                                            : FAULT_PASS;
}

static enum forward_verdict exact_case(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes value = expectation(part);

    if (value.len != sizeof(expected) - 1 || faults_find(value, expected) == 0)
        return FORWARD_PASS;
    forward_set(m, part,
                "HTTP/1.1 417 Expectation Failed\r\n"
                "Content-Length: 0\r\nConnection: close\r\n\r\n");
    return FORWARD_ANSWER;
}

static enum forward_verdict closes_on_unknown(struct fault_memory *m,
                                              struct forward_part *part)
{
    struct px_bytes value = expectation(part);

    (void)m;
    return faults_find(value, "foo") < value.len ? FORWARD_BREAK : FORWARD_PASS;
}

/* count[0]: the request has the expectation. */
static void note_expectation(struct fault_memory *m,
                             const struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = expectation(part).len > 0;
}

static enum forward_verdict sends_100(struct fault_memory *m,
                                      struct forward_part *part)
{
    note_expectation(m, part);
    if (part->stage == FORWARD_RESPONSE_SENT && !is_interim(part) &&
        m->count[0])
        forward_put(m, part, 0, 0, px_bytes_of(own_100, sizeof(own_100) - 1));
    return FORWARD_PASS;
}

static enum forward_verdict hides_close(struct fault_memory *m,
                                        struct forward_part *part)
{
    note_expectation(m, part);
    if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("drops-100", "keeps every 100 to itself", drops_100,
                  REQ_HTTP_INTERIM_EXPECTED_100),
    FORWARD_FAULT("interim-held", "holds interim responses until the final one",
                  holds_interim, REQ_HTTP_INTERIM_FORWARD),
    FORWARD_FAULT("interim-trimmed",
                  "leaves X-Unknown out of interim responses", trims,
                  REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("interim-second-final",
                  "takes the second interim response for the final one",
                  second_is_final, REQ_HTTP_INTERIM_SEVERAL),
    FORWARD_FAULT("interim-awaits-content",
                  "waits for the content that an interim response tells of",
                  awaits_content, REQ_HTTP_INTERIM_NO_CONTENT),
    FORWARD_FAULT("interim-framed", "adds Content-Length to interim responses",
                  frames, REQ_HTTP_INTERIM_NO_FRAMING_FIELDS),
    FORWARD_FAULT("interim-to-http10",
                  "passes interim responses on to clients of HTTP/1.0",
                  interim_to_http10, REQ_HTTP_INTERIM_HTTP10),
    FORWARD_FAULT("expect-waits", "waits for the body of a request with Expect",
                  waits_for_body, REQ_HTTP_EXPECT_FORWARD),
    FORWARD_FAULT("expect-waits-for-100",
                  "waits for a 100 though the body is there already",
                  waits_for_100, REQ_HTTP_EXPECT_SKIP_100),
    {
        .name = "forward-expect-origin-dies",
        .summary = "does not see that an origin closes behind its 100",
        .proves = {REQ_HTTP_EXPECT_FINAL_AFTER_100},
        .on_event = misses_end,
        .on_forward = notes_100,
    },
    FORWARD_FAULT("expect-exact-case",
                  "does not know 100-continue when its case is another",
                  exact_case, REQ_HTTP_EXPECT_CASE),
    FORWARD_FAULT("expect-unknown-closes",
                  "closes on an expectation unknown to it", closes_on_unknown,
                  REQ_HTTP_EXPECT_UNKNOWN),
    FORWARD_FAULT("expect-own-100",
                  "sends a 100 of its own before every answer", sends_100,
                  REQ_HTTP_EXPECT_OWN_100, REQ_HTTP_EXPECT_HTTP10),
    FORWARD_FAULT(
        "expect-unsaid-close",
        "does not say that it closes behind an answer before the body",
        hides_close, REQ_HTTP_EXPECT_EARLY_FINAL),
};

const struct fault_theme forward_expect_faults = FAULT_THEME(faults);
