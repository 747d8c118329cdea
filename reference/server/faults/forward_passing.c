/* Faults of what is to pass through a proxy unseen: status codes, content,
 * methods, conditions, ranges, redirects. RFC 9112 section 4, RFC 9110 sections
 * 7.7, 8.4, 9 and 13 to 15. */

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
    enum { SPACE = sizeof("HTTP/1.1 200") - 1 };

    if (part->stage == FORWARD_RESPONSE_SENT &&
        faults_find(part->octets, " \r\n") == SPACE)
        forward_put(m, part, SPACE, 1, (struct px_bytes){0});
    return FORWARD_PASS;
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

/* Whatever stands there, some of its bits are those of 200. */
static enum forward_verdict code_16_bits(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes code = forward_word(part);
    bool is_code = code.len == 3;

    if (part->stage != FORWARD_RESPONSE_RECEIVED)
        return FORWARD_PASS;
    for (size_t i = 0; i < code.len; i++)
        is_code = is_code && code.data[i] >= '0' && code.data[i] <= '9';
    if (!is_code)
        forward_put(m, part, (size_t)(code.data - part->octets.data), code.len,
                    PX_LITERAL("200"));
    return FORWARD_PASS;
}

static enum forward_verdict class_of_code(struct fault_memory *m,
                                          struct forward_part *part)
{
    return swap_sent(m, part, "HTTP/1.1 471 ", "HTTP/1.1 400 ");
}

/* What becomes of a code where only the common ones are known. */
static const char *common_code(unsigned status)
{
    switch (status / 100) {
    case 2:
        return "200";
    case 3:
        return "302";
    case 5:
        return "500";
    default:
        return NULL;
    }
}

static enum forward_verdict common_codes(struct fault_memory *m,
                                         struct forward_part *part)
{
    const char *code = common_code(part->status);
    struct px_bytes word = forward_word(part);

    if (part->stage == FORWARD_RESPONSE_SENT && code)
        forward_put(m, part, (size_t)(word.data - part->octets.data), word.len,
                    px_bytes_of(code, strlen(code)));
    return FORWARD_PASS;
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

/* Content read and written as text: a zero octet becomes a blank, LF alone CR,
 * the second of two blanks a tab. Of the framing it changes nothing. */
static enum forward_verdict text_mode(struct fault_memory *m,
                                      struct forward_part *part)
{
    uint8_t *octets;

    if (part->stage != FORWARD_REQUEST_BODY &&
        part->stage != FORWARD_RESPONSE_BODY)
        return FORWARD_PASS;
    octets = forward_take(m, part);
    for (size_t i = 0; i < part->octets.len; i++) {
        if (octets[i] == '\0')
            octets[i] = ' ';
        else if (i > 0 && octets[i] == '\n' && octets[i - 1] != '\r')
            octets[i] = '\r';
        else if (i > 0 && octets[i] == ' ' && octets[i - 1] == ' ')
            octets[i] = '\t';
    }
    return FORWARD_PASS;
}

static enum forward_verdict page_for_nothing(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_has(part, "Content-Length: 0\r\n")) {
        forward_swap(m, part, "Content-Length: 0\r\n", "Content-Length: 4\r\n");
        forward_append(m, part, "no\r\n");
    }
    return FORWARD_PASS;
}

static enum forward_verdict no_conditions(struct fault_memory *m,
                                          struct forward_part *part)
{
    static const char *const names[] = {"If-Match", "If-None-Match",
                                        "If-Modified-Since",
                                        "If-Unmodified-Since", "If-Range"};

    for (size_t i = 0; part->stage == FORWARD_REQUEST_SENT &&
                       i < sizeof(names) / sizeof(names[0]);
         i++)
        (void)forward_cut(m, part, names[i]);
    return FORWARD_PASS;
}

/* Methods that it knows; what is none of them is asked for by GET. */
static enum forward_verdict known_methods(struct fault_memory *m,
                                          struct forward_part *part)
{
    static const char *const known[] = {"GET ", "HEAD ", "CONNECT ", "OPTIONS ",
                                        "TRACE "};
    static const uint8_t get[] = {'G', 'E', 'T'};

    if (part->stage != FORWARD_REQUEST_SENT)
        return FORWARD_PASS;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (faults_find(part->octets, known[i]) == 0)
            return FORWARD_PASS;
    }
    forward_put(m, part, 0, faults_find(part->octets, " "),
                px_bytes_of(get, sizeof(get)));
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
    return part->stage == FORWARD_RESPONSE_RECEIVED &&
                   forward_has(part, "HTTP/1.1 3") &&
                   forward_has(part, "\r\nLocation: ")
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

static const struct fault faults[] = {
    FORWARD_FAULT("no-reason-space",
                  "leaves the space before an empty reason out", no_space,
                  REQ_HTTP_STATUS_SP),
    FORWARD_FAULT("status-four-digits", "passes a code of four digits on",
                  four_digits, REQ_HTTP_STATUS_SYNTAX),
    FORWARD_FAULT("status-16-bits", "makes 200 of a status code that is none",
                  code_16_bits, REQ_HTTP_STATUS_SYNTAX),
    FORWARD_FAULT("status-class", "makes 400 of 471", class_of_code,
                  REQ_HTTP_STATUS_UNKNOWN_FORWARD),
    FORWARD_FAULT("status-common",
                  "knows of 2xx, 3xx and 5xx only 200, 302 and 500",
                  common_codes, REQ_HTTP_STATUS_UNKNOWN_FORWARD),
    FORWARD_FAULT("401-made-407", "makes 407 of an origin's 401",
                  gateway_for_401, REQ_HTTP_STATUS_401_KEPT),
    FORWARD_FAULT("304-made-200", "makes an empty 200 of a 304", empty_for_304,
                  REQ_HTTP_STATUS_304_FORWARD),
    FORWARD_FAULT("error-inside", "sends a 502 where a response breaks off",
                  error_inside, REQ_HTTP_ERROR_NO_DOUBLE),
    FORWARD_FAULT("response-field-lost", "loses the field X-N-100 of an origin",
                  drops_field, REQ_HTTP_LIMITS_RESPONSE_FIELDS),
    FORWARD_FAULT("request-field-lost", "loses the field X-N-150 of a client",
                  drops_request_field, REQ_HTTP_LIMITS_FIELDS_4XX),
    FORWARD_FAULT("content-edited", "edits what is not to be transformed",
                  edits_html, REQ_HTTP_TRANSFORM_NO_TRANSFORM),
    FORWARD_FAULT("coding-untold",
                  "applies a content coding and does not tell it",
                  codes_silently, REQ_HTTP_TRANSFORM_CODING_LABEL),
    FORWARD_FAULT("text-mode", "takes content for text", text_mode,
                  REQ_HTTP_BODY_OPAQUE, REQ_HTTP_TRANSFORM_NO_TRANSFORM),
    FORWARD_FAULT("page-for-nothing",
                  "puts a page in the place of empty content", page_for_nothing,
                  REQ_HTTP_BODY_OPAQUE),
    FORWARD_FAULT("no-conditions", "leaves conditions out", no_conditions,
                  REQ_HTTP_COND_FORWARD),
    FORWARD_FAULT("known-methods",
                  "asks by GET where it does not know the method",
                  known_methods, REQ_HTTP_METHOD_UNKNOWN, REQ_HTTP_METHOD_CASE),
    FORWARD_FAULT("range-bytes-only", "takes 206 of another unit for an error",
                  only_bytes, REQ_HTTP_RANGE_206_UNKNOWN),
    FORWARD_FAULT("redirect-followed", "answers redirects itself", follows,
                  REQ_HTTP_REDIRECT_NOT_FOLLOWED),
    FORWARD_FAULT("response-held", "holds responses until the request is whole",
                  waits_for_end, REQ_HTTP_RESPONSE_EARLY),
};

const struct fault_theme forward_passing_faults = FAULT_THEME(faults);
