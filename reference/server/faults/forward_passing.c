/* Faults of what is to pass through a proxy unseen: status codes, content,
 * conditions, ranges, redirects. RFC 9112 section 4, RFC 9110 sections 7.7, 8.4
 * and 13 to 15. */

#include <string.h>

#include "faults/forward.h"

static enum forward_verdict swap_sent(struct fault_memory *m,
                                      struct forward_part *part,
                                      const char *from, const char *to)
{
    return forward_swap_at(m, part, FORWARD_RESPONSE_SENT, from, to);
}

static enum forward_verdict no_space(struct fault_memory *m,
                                     struct forward_part *part)
{
    return swap_sent(m, part, "HTTP/1.1 200 \r\n", "HTTP/1.1 200\r\n");
}

/* count[0]: the code has four digits. */
static enum forward_verdict four_digits(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->count[0] = faults_find(part->octets, "HTTP/1.1 2000 ") == 0;
        forward_swap(m, part, "HTTP/1.1 2000 ", "HTTP/1.1 200 ");
    }
    return m->count[0] ? swap_sent(m, part, "HTTP/1.1 200 ", "HTTP/1.1 2000 ")
                       : FORWARD_PASS;
}

static enum forward_verdict class_of_code(struct fault_memory *m,
                                          struct forward_part *part)
{
    return swap_sent(m, part, "HTTP/1.1 471 ", "HTTP/1.1 400 ");
}

static enum forward_verdict gateway_for_401(struct fault_memory *m,
                                            struct forward_part *part)
{
    return swap_sent(m, part, "HTTP/1.1 401 ", "HTTP/1.1 407 ");
}

static enum forward_verdict empty_for_304(struct fault_memory *m,
                                          struct forward_part *part)
{
    return swap_sent(m, part, "HTTP/1.1 304 ",
                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Reason: ");
}

/* Once more, an error: where the response was to end. */
static enum forward_verdict error_inside(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_CUT)
        forward_set(m, part, FORWARD_REFUSAL("502 Bad Gateway"));
    return FORWARD_PASS;
}

static enum forward_verdict drops_field(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        (void)forward_cut(m, part, "X-N-100");
    return FORWARD_PASS;
}

static enum forward_verdict drops_request_field(struct fault_memory *m,
                                                struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        (void)forward_cut(m, part, "X-N-150");
    return FORWARD_PASS;
}

/* Content -------------------------------------------------------------------*/

static enum forward_verdict edits_html(struct fault_memory *m,
                                       struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_RESPONSE_BODY, "<b>b</b>",
                           "<i>b</i>");
}

/* What looks like gzip, and is not said to be. */
static enum forward_verdict codes_silently(struct fault_memory *m,
                                           struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_RESPONSE_BODY, "compressible",
                           "\x1f\x8b\x08ompressible");
}

static enum forward_verdict no_condition(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        (void)forward_cut(m, part, "If-Match");
    return FORWARD_PASS;
}

static enum forward_verdict only_bytes(struct fault_memory *m,
                                       struct forward_part *part)
{
    return part->stage == FORWARD_RESPONSE_RECEIVED &&
                   forward_has(part, "Content-Range: pages")
               ? forward_answer(m, part, FORWARD_REFUSAL("502 Bad Gateway"))
               : FORWARD_PASS;
}

/* The client gets a page, as if the proxy had followed. */
static enum forward_verdict follows(struct fault_memory *m,
                                    struct forward_part *part)
{
    return part->stage == FORWARD_RESPONSE_RECEIVED && part->status == 302
               ? forward_answer(m, part, FORWARD_REFUSAL("200 OK"))
               : FORWARD_PASS;
}

/* count[0]: the request is not whole yet. */
static enum forward_verdict waits_for_end(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        m->count[0] = forward_value(part, "Content-Length").len > 0;
    else if (part->stage == FORWARD_REQUEST_END)
        m->count[0] = 0;
    return part->stage == FORWARD_RESPONSE_SENT && m->count[0] ? FORWARD_HANG
                                                               : FORWARD_PASS;
}

#define FAULT(id, what, hook, ...)                                             \
    {                                                                          \
        .name = "forward-" id, .summary = what, .proves = {__VA_ARGS__},       \
        .on_forward = hook,                                                    \
    }

static const struct fault faults[] = {
    FAULT("no-reason-space", "leaves the space before an empty reason out",
          no_space, REQ_HTTP_STATUS_SP),
    FAULT("status-four-digits", "passes a code of four digits on", four_digits,
          REQ_HTTP_STATUS_SYNTAX),
    FAULT("status-class", "makes 400 of 471", class_of_code,
          REQ_HTTP_STATUS_UNKNOWN_FORWARD),
    FAULT("401-made-407", "makes 407 of an origin's 401", gateway_for_401,
          REQ_HTTP_STATUS_401_KEPT),
    FAULT("304-made-200", "makes an empty 200 of a 304", empty_for_304,
          REQ_HTTP_STATUS_304_FORWARD),
    FAULT("error-inside", "sends a 502 where a response breaks off",
          error_inside, REQ_HTTP_ERROR_NO_DOUBLE),
    FAULT("response-field-lost", "loses the field X-N-100 of an origin",
          drops_field, REQ_HTTP_LIMITS_RESPONSE_FIELDS),
    FAULT("request-field-lost", "loses the field X-N-150 of a client",
          drops_request_field, REQ_HTTP_LIMITS_FIELDS_4XX),
    FAULT("content-edited", "edits what is not to be transformed", edits_html,
          REQ_HTTP_TRANSFORM_NO_TRANSFORM),
    FAULT("coding-untold", "applies a content coding and does not tell it",
          codes_silently, REQ_HTTP_TRANSFORM_CODING_LABEL),
    FAULT("no-if-match", "leaves If-Match out", no_condition,
          REQ_HTTP_COND_FORWARD),
    FAULT("range-bytes-only", "takes 206 of another unit for an error",
          only_bytes, REQ_HTTP_RANGE_206_UNKNOWN),
    FAULT("redirect-followed", "answers redirects itself", follows,
          REQ_HTTP_REDIRECT_NOT_FOLLOWED),
    FAULT("response-held", "holds responses until the request is whole",
          waits_for_end, REQ_HTTP_RESPONSE_EARLY),
};

const struct fault_theme forward_passing_faults = FAULT_THEME(faults);
