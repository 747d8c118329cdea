/*
 * Faults of a proxy that was tried with what is usual, and with nothing else:
 * a few fields, a few ports, one way to write a line. RFC 9110 sections 5, 7.6
 * and 10.1.1.
 */

#include <string.h>

#include "faults/forward.h"

static bool is_usual(const struct forward_part *part, struct px_bytes name)
{
    static const char *const names[] = {
        "Host",
        "Via",
        "Connection",
        "Transfer-Encoding",
        "Content-Length",
        "Content-Type",
        "Max-Forwards",
        "Trailer",
        "TE",
        "Upgrade",
        "Expect",
        "Server",
        "Accept",
        "User-Agent",
        "Authorization",
        "Cookie",
        "WWW-Authenticate",
        "Proxy-Authenticate",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (px_equal_nocase(
                name, px_bytes_of((const uint8_t *)names[i], strlen(names[i]))))
            return true;
    }
    return part->stage == FORWARD_RESPONSE_SENT &&
           px_equal_nocase(name, PX_LITERAL("Date"));
}

/* Where the line that begins at `at` ends, behind its LF. */
static size_t line_end(struct px_bytes head, size_t at)
{
    const uint8_t *end = memchr(head.data + at, '\n', head.len - at);

    return end ? (size_t)(end - head.data) + 1 : head.len;
}

static enum forward_verdict few_fields(struct fault_memory *m,
                                       struct forward_part *part)
{
    size_t at =
        forward_is_sent(part) ? line_end(part->octets, 0) : part->octets.len;

    while (at < part->octets.len) {
        size_t end = line_end(part->octets, at);
        const uint8_t *line = part->octets.data + at;
        const uint8_t *colon = memchr(line, ':', end - at);

        if (!colon || is_usual(part, px_bytes_of(line, (size_t)(colon - line))))
            at = end;
        else
            forward_put(m, part, at, end - at, (struct px_bytes){0});
    }
    return FORWARD_PASS;
}

/* Expect is seen in a POST that has little else. */
static enum forward_verdict expects_of_little(struct fault_memory *m,
                                              struct forward_part *part)
{
    bool is_plain = faults_find(part->octets, "PATCH") != 0 &&
                    !forward_value(part, "X-B").data &&
                    !forward_value(part, "Connection").data;

    if (forward_is_request(part) && !is_plain)
        forward_cut_all(m, part, "Expect");
    return FORWARD_PASS;
}

/* The last 16 bits of a decimal number. */
static unsigned low_bits(struct px_bytes digits)
{
    unsigned low = 0;

    for (size_t i = 0; i < digits.len; i++)
        low = (low * 10 + (digits.data[i] - '0')) & 0xffff;
    return low;
}

static enum forward_verdict short_hops(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Max-Forwards");

    if (forward_is_request(part) && value.len > 4 && low_bits(value) == 0)
        forward_set_value(m, part, "Max-Forwards", PX_LITERAL("0"));
    return FORWARD_PASS;
}

static enum forward_verdict needs_blank(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (forward_is_request(part))
        forward_swap(m, part, "\r\nConnection:X", "\r\nXonnection:X");
    return FORWARD_PASS;
}

static enum forward_verdict no_path(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT) {
        forward_swap(m, part, "DELETE / HTTP/", "DELETE  HTTP/");
        forward_swap(m, part, "HEAD / HTTP/", "HEAD  HTTP/");
        forward_swap(m, part, "BREW / HTTP/", "BREW  HTTP/");
    }
    return FORWARD_PASS;
}

static enum forward_verdict few_ports(struct fault_memory *m,
                                      struct forward_part *part)
{
    static const char *const others[] = {":1/", ":255/", ":256/", ":61001/"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (forward_is_request(part) && forward_has(part, others[i]))
            return forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"));
    }
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("few-fields", "passes on the fields that it knows alone",
                  few_fields, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("expect-of-little",
                  "leaves Expect out of PATCH, and beside other fields",
                  expects_of_little, REQ_HTTP_INTERIM_EXPECTED_100),
    FORWARD_FAULT("hops-of-16-bits", "keeps 16 bits of Max-Forwards",
                  short_hops, REQ_HTTP_MAXFORWARDS_DECREMENT),
    FORWARD_FAULT("needs-blank", "reads Connection only behind a blank",
                  needs_blank, REQ_HTTP_PARSE_TRIM),
    FORWARD_FAULT("no-path", "asks for nothing by DELETE, HEAD and others",
                  no_path, REQ_HTTP_TARGET_EMPTY_PATH),
    FORWARD_FAULT("few-ports", "refuses ports that are seldom used", few_ports,
                  REQ_HTTP_TARGET_ACCEPT_ABSOLUTE),
};

const struct fault_theme forward_narrow_faults = FAULT_THEME(faults);
