/*
 * Faults of finding where a forwarded request ends: RFC 9112 sections 6 and
 * 7.2. What the session would refuse is hidden from it, and put back behind it.
 */

#include <string.h>

#include "faults/forward.h"

static bool has(const struct forward_part *part, const char *name)
{
    return forward_value(part, name).data != NULL;
}

/* Moves the values of all lines of that name to m->kept, as one list. */
static void take_values(struct fault_memory *m, struct forward_part *part,
                        const char *name)
{
    forward_keep(m, (struct px_bytes){0});
    for (size_t i = 0; has(part, name); i++) {
        if (i)
            forward_keep_more(m, PX_LITERAL(", "));
        forward_keep_more(m, forward_value(part, name));
        (void)forward_cut(m, part, name);
    }
    /* A name without any value has none to find. */
    forward_cut_all(m, part, name);
}

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

/* The first digits that are there, as far as they fit into 64 bits. */
static uint64_t first_number(struct px_bytes text)
{
    uint64_t value = 0;
    size_t at = 0;

    while (at < text.len && !is_digit(text.data[at]))
        at++;
    for (; at < text.len && is_digit(text.data[at]); at++)
        value = value * 10 + (uint64_t)(text.data[at] - '0');
    return value;
}

static void add_length(struct fault_memory *m, struct forward_part *part,
                       uint64_t length)
{
    uint8_t buf[24];
    struct px_writer text = px_writer_over(buf, sizeof(buf));

    px_put_decimal(&text, length);
    forward_add_field(m, part, "Content-Length", px_written(&text));
}

/* count[0]: a length was hidden. */
static enum forward_verdict length_unchecked(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        size_t before = part->octets.len;

        m->count[0] = 0;
        if (has(part, "Transfer-Encoding"))
            return FORWARD_PASS;
        take_values(m, part, "Content-Length");
        m->count[0] = part->octets.len != before;
        if (m->count[0])
            add_length(m, part, first_number(forward_kept(m)));
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_cut_all(m, part, "Content-Length");
        forward_add_field(m, part, "Content-Length", forward_kept(m));
    }
    return FORWARD_PASS;
}

/* A length of more bits than there are is cut to those. */
static enum forward_verdict cut_length(struct fault_memory *m,
                                       struct forward_part *part, uint64_t max)
{
    struct px_bytes text = forward_value(part, "Content-Length");
    uint64_t value = first_number(text) & max;

    if (part->stage == FORWARD_REQUEST_RECEIVED && text.len > 9) {
        forward_cut_all(m, part, "Content-Length");
        add_length(m, part, value);
    }
    return FORWARD_PASS;
}

static enum forward_verdict length_32_bits(struct fault_memory *m,
                                           struct forward_part *part)
{
    return cut_length(m, part, UINT32_MAX);
}

static enum forward_verdict length_31_bits(struct fault_memory *m,
                                           struct forward_part *part)
{
    return cut_length(m, part, INT32_MAX);
}

static enum forward_verdict length_64_bits(struct fault_memory *m,
                                           struct forward_part *part)
{
    return cut_length(m, part, UINT64_MAX);
}

/* One octet of the content is left for the next request. */
static enum forward_verdict length_short(struct fault_memory *m,
                                         struct forward_part *part)
{
    uint64_t value = first_number(forward_value(part, "Content-Length"));

    if (part->stage == FORWARD_REQUEST_RECEIVED && value > 0 &&
        !has(part, "Transfer-Encoding")) {
        forward_cut_all(m, part, "Content-Length");
        add_length(m, part, value - 1);
    }
    return FORWARD_PASS;
}

/* count[0]: a coding was hidden. A length beside it tells the framing. */
static enum forward_verdict coding_unchecked(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        size_t before = part->octets.len;

        take_values(m, part, "Transfer-Encoding");
        m->count[0] = part->octets.len != before;
        if (m->count[0] && !has(part, "Content-Length"))
            forward_add(m, part, "Transfer-Encoding: chunked\r\n");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_cut_all(m, part, "Transfer-Encoding");
        forward_add_field(m, part, "Transfer-Encoding", forward_kept(m));
    }
    return FORWARD_PASS;
}

/* In capitals it is no coding, and there is no content. */
static enum forward_verdict coding_case(struct fault_memory *m,
                                        struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Transfer-Encoding");

    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        px_equal_nocase(value, PX_LITERAL("chunked")) &&
        !px_equal(value, PX_LITERAL("chunked")))
        forward_rename(m, part, "Transfer-Encoding", "X-Coding");
    else if (part->stage == FORWARD_REQUEST_SENT)
        forward_rename(m, part, "X-Coding", "Transfer-Encoding");
    return FORWARD_PASS;
}

static enum forward_verdict coding_last_line(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_keep(m, forward_value(part, "Transfer-Encoding"));
        if (forward_cut(m, part, "Transfer-Encoding") &&
            !has(part, "Transfer-Encoding"))
            forward_add_field(m, part, "Transfer-Encoding", forward_kept(m));
    }
    return FORWARD_PASS;
}

static bool begins_with(struct px_bytes octets, const char *text)
{
    return faults_find(octets, text) == 0;
}

static enum forward_verdict awaits_content(struct fault_memory *m,
                                           struct forward_part *part)
{
    static const char *const methods[] = {"POST ", "PUT ", "PATCH ", "DELETE "};

    (void)m;
    if (part->stage != FORWARD_REQUEST_RECEIVED ||
        has(part, "Content-Length") || has(part, "Transfer-Encoding"))
        return FORWARD_PASS;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (begins_with(part->octets, methods[i]))
            return FORWARD_HANG;
    }
    return FORWARD_PASS;
}

/* An HTTP/1.0 request goes on as one of HTTP/1.1. */
static enum forward_verdict old_coding(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        has(part, "Transfer-Encoding"))
        forward_swap(m, part, " HTTP/1.0\r\n", " HTTP/1.1\r\n");
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-length-unchecked",
        .summary = "takes the first digits of any Content-Length, and passes "
                   "on what it got",
        .proves = {REQ_HTTP_FRAMING_CL_INVALID_REQUEST,
                   REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST,
                   REQ_HTTP_FRAMING_CL_REPEAT},
        .on_forward = length_unchecked,
    },
    {
        .name = "forward-length-32-bits",
        .summary = "cuts the length of a request to 32 bits",
        .proves = {REQ_HTTP_FRAMING_CL_BIG},
        .on_forward = length_32_bits,
    },
    {
        .name = "forward-length-31-bits",
        .summary = "cuts the length of a request to 31 bits",
        .proves = {REQ_HTTP_FRAMING_CL_BIG},
        .on_forward = length_31_bits,
    },
    {
        .name = "forward-length-64-bits",
        .summary = "cuts the length of a request to 64 bits",
        .proves = {REQ_HTTP_FRAMING_CL_BIG},
        .on_forward = length_64_bits,
    },
    {
        .name = "forward-length-one-short",
        .summary = "takes the last octet of content for the next request's",
        .proves = {REQ_HTTP_FRAMING_CL_EXACT},
        .on_forward = length_short,
    },
    {
        .name = "forward-coding-unchecked",
        .summary = "takes any Transfer-Encoding, goes by Content-Length where "
                   "both are there, and passes both on",
        .proves = {REQ_HTTP_FRAMING_TE_CL_STRIP,
                   REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL,
                   REQ_HTTP_FRAMING_TE_UNKNOWN, REQ_HTTP_FRAMING_TE_OBFUSCATED,
                   REQ_HTTP_FRAMING_CODING_PARAMS, REQ_HTTP_CHUNKED_PARAMS,
                   REQ_HTTP_FRAMING_TE_IDENTITY},
        .on_forward = coding_unchecked,
    },
    {
        .name = "forward-coding-twice",
        .summary = "takes chunked that is told twice, and passes it on",
        .proves = {REQ_HTTP_FRAMING_CHUNKED_ONCE},
        .on_forward = coding_unchecked,
    },
    {
        .name = "forward-coding-case",
        .summary = "knows chunked in small letters alone",
        .proves = {REQ_HTTP_FRAMING_TE_CASE},
        .on_forward = coding_case,
    },
    {
        .name = "forward-coding-last-line",
        .summary = "forgets all lines of Transfer-Encoding but the last",
        .proves = {REQ_HTTP_FRAMING_TE_LINES},
        .on_forward = coding_last_line,
    },
    {
        .name = "forward-awaits-content",
        .summary = "waits for content that no field announces",
        .proves = {REQ_HTTP_FRAMING_NONE_REQUEST},
        .on_forward = awaits_content,
    },
    {
        .name = "forward-http10-coding",
        .summary = "takes chunked requests of HTTP/1.0 for those of HTTP/1.1",
        .proves = {REQ_HTTP_FRAMING_TE_HTTP10_REQUEST},
        .on_forward = old_coding,
    },
};

const struct fault_theme forward_framing_faults = FAULT_THEME(faults);
