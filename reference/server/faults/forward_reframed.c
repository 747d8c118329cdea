/* Faults of the framing of responses: RFC 9112 section 6, RFC 9110 section 8.6.
 * What the session would refuse is hidden from it, and put back behind it. */

#include <string.h>

#include "faults/forward.h"

static bool has(const struct forward_part *part, const char *name)
{
    return forward_value(part, name).data != NULL;
}

enum { LENGTH_DIGITS = 10 };

/* The octets at the start that are digits, as far as ten of them. */
static struct px_bytes digits_of(struct px_bytes text)
{
    size_t len = 0;

    while (len < text.len && len < LENGTH_DIGITS && text.data[len] >= '0' &&
           text.data[len] <= '9')
        len++;
    return len ? px_bytes_of(text.data, len) : PX_LITERAL("5");
}

/* A longer number becomes 5; count[0]: lengths were hidden. */
static enum forward_verdict length_unchecked(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        struct px_bytes first = forward_value(part, "Content-Length");
        uint8_t buf[16];
        struct px_writer text = px_writer_over(buf, sizeof(buf));
        size_t before = part->octets.len;

        m->count[0] = 0;
        if (has(part, "Transfer-Encoding"))
            return FORWARD_PASS;
        if (first.len > LENGTH_DIGITS) {
            forward_set_value(m, part, "Content-Length", PX_LITERAL("5"));
            return FORWARD_PASS;
        }
        px_put_bytes(&text, digits_of(first));
        forward_rename(m, part, "Content-Length", "X-Told");
        m->count[0] = part->octets.len != before;
        if (m->count[0])
            forward_add_field(m, part, "Content-Length", px_written(&text));
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0]) {
        forward_cut_all(m, part, "Content-Length");
        forward_rename(m, part, "X-Told", "Content-Length");
    }
    return FORWARD_PASS;
}

static enum forward_verdict keeps_both(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->kept_len = 0;
        if (has(part, "Transfer-Encoding"))
            forward_keep(m, forward_value(part, "Content-Length"));
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->kept_len) {
        forward_add_field(m, part, "Content-Length", forward_kept(m));
    }
    return FORWARD_PASS;
}

/* A coding but chunked makes a short response of it. */
static enum forward_verdict cuts_coded(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes coding = forward_value(part, "Transfer-Encoding");

    if (part->stage == FORWARD_RESPONSE_RECEIVED && coding.len &&
        faults_find(coding, "chunked") == coding.len) {
        (void)forward_cut(m, part, "Transfer-Encoding");
        forward_add(m, part, "Content-Length: 3\r\n");
    }
    return FORWARD_PASS;
}

static enum forward_verdict newer_origin(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        forward_swap(m, part, "HTTP/1.0 ", "HTTP/1.1 ");
    return FORWARD_PASS;
}

static enum forward_verdict newer_client(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_swap(m, part, " HTTP/1.0\r\n", " HTTP/1.1\r\n");
    return FORWARD_PASS;
}

/* count[0]: the response comes in chunks. */
static enum forward_verdict wrong_length(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = has(part, "Transfer-Encoding");
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0] &&
             !has(part, "Transfer-Encoding"))
        forward_add(m, part, "Content-Length: 3\r\n");
    return FORWARD_PASS;
}

/* A second response in one read is kept for the next request. */
static enum fault_verdict keep_second(struct fault_memory *m,
                                      struct event *event)
{
    struct px_bytes rest;
    size_t at;

    if (event->kind != EVENT_UPSTREAM_DATA || event->data.len < 2)
        return FAULT_PASS;
    rest = px_bytes_of(event->data.data + 1, event->data.len - 1);
    at = faults_find(rest, "HTTP/1.1 200");
    if (at < rest.len)
        forward_keep(m, px_bytes_of(rest.data + at, rest.len - at));
    return FAULT_PASS;
}

static enum forward_verdict answers_second(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_RECEIVED || !m->kept_len)
        return FORWARD_PASS;
    part->octets = forward_kept(m);
    m->kept_len = 0;
    return FORWARD_ANSWER;
}

/* count[0]: the request is HEAD. */
static enum forward_verdict zero_length(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = faults_find(part->octets, "HEAD ") == 0;
    if (part->stage == FORWARD_RESPONSE_SENT &&
        (m->count[0] || part->status == 304)) {
        forward_cut_all(m, part, "Content-Length");
        forward_add(m, part, "Content-Length: 0\r\n");
    }
    return FORWARD_PASS;
}

/* What a 204 may not have is passed on. */
static enum forward_verdict keeps_framing(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->status != 204)
        return FORWARD_PASS;
    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->count[0] = has(part, "Transfer-Encoding");
        m->count[1] = has(part, "Content-Length");
    } else if (part->stage == FORWARD_RESPONSE_SENT) {
        if (m->count[0])
            forward_add(m, part, "Transfer-Encoding: chunked\r\n");
        if (m->count[1])
            forward_add(m, part, "Content-Length: 0\r\n");
    }
    return FORWARD_PASS;
}

static enum forward_verdict awaits_body(struct fault_memory *m,
                                        struct forward_part *part)
{
    (void)m;
    return part->stage == FORWARD_RESPONSE_RECEIVED &&
                   (part->status == 204 || part->status == 304)
               ? FORWARD_HANG
               : FORWARD_PASS;
}

/* count[0]: the last request was HEAD, count[1]: and the one before it. */
static enum forward_verdict remembers_head(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->count[1] = m->count[0];
        m->count[0] = faults_find(part->octets, "HEAD ") == 0;
    }
    return part->stage == FORWARD_RESPONSE_BODY && m->count[1] ? FORWARD_SKIP
                                                               : FORWARD_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("response-length-unchecked",
                  "takes any Content-Length of an origin and passes it on",
                  length_unchecked, REQ_HTTP_FRAMING_CL_INVALID_RESPONSE,
                  REQ_HTTP_FRAMING_CL_BIG),
    FORWARD_FAULT("response-both-framings",
                  "passes Content-Length on beside Transfer-Encoding",
                  keeps_both, REQ_HTTP_FRAMING_TE_CL_STRIP),
    FORWARD_FAULT(
        "response-coding-cut",
        "takes three octets of a response in another coding than chunked",
        cuts_coded, REQ_HTTP_FRAMING_TE_RESPONSE_NOT_FINAL),
    FORWARD_FAULT("origin-version-unseen",
                  "takes origins of HTTP/1.0 for those of HTTP/1.1",
                  newer_origin, REQ_HTTP_FRAMING_TE_HTTP10_RESPONSE,
                  REQ_HTTP_FRAMING_TE_TO_UNKNOWN_ORIGIN),
    FORWARD_FAULT("chunks-to-http10", "sends chunks to clients of HTTP/1.0",
                  newer_client, REQ_HTTP_FRAMING_TE_HTTP10_CLIENT),
    FORWARD_FAULT("wrong-length",
                  "gives what came in chunks a length that is wrong",
                  wrong_length, REQ_HTTP_FRAMING_CL_KNOWN_WRONG),
    {
        .name = "forward-second-response-used",
        .summary = "answers the next request with what came unasked",
        .proves = {REQ_HTTP_FRAMING_EXTRA_RESPONSE_DATA},
        .on_event = keep_second,
        .on_forward = answers_second,
    },
    FORWARD_FAULT(
        "zero-length", "says 0 for the length of HEAD responses and of 304s",
        zero_length, REQ_HTTP_FRAMING_HEAD_LENGTH, REQ_HTTP_FRAMING_304_LENGTH),
    FORWARD_FAULT("204-framing", "passes framing fields of a 204 on",
                  keeps_framing, REQ_HTTP_FRAMING_CL_204,
                  REQ_HTTP_FRAMING_TE_204),
    FORWARD_FAULT("204-awaits-body", "waits for content behind a 204 or 304",
                  awaits_body, REQ_HTTP_BODY_204, REQ_HTTP_BODY_304),
    FORWARD_FAULT("head-remembered",
                  "takes the answer behind one to HEAD for another",
                  remembers_head, REQ_HTTP_BODY_REQUEST_MEMORY),
};

const struct fault_theme forward_reframed_faults = FAULT_THEME(faults);
