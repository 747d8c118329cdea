/*
 * Faults of numbers that tell the length of content, and of what the content
 * is when they are misread: RFC 9110 section 8.6, RFC 9112 sections 6 and 7.1.
 */

#include <string.h>

#include "faults/forward.h"

static bool is_coded(const struct forward_part *part)
{
    return forward_value(part, "Transfer-Encoding").data != NULL;
}

static bool is_of(const struct forward_part *part, const char *method)
{
    return faults_find(part->octets, method) == 0;
}

static uint64_t number_of(struct px_bytes text, unsigned base)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');

        if (digit >= base)
            break;
        value = value * base + digit;
    }
    return value;
}

static void set_length(struct fault_memory *m, struct forward_part *part,
                       uint64_t length)
{
    uint8_t buf[24];
    struct px_writer text = px_writer_over(buf, sizeof(buf));

    px_put_decimal(&text, length);
    forward_set_value(m, part, "Content-Length", px_written(&text));
}

/* Lengths ------------------------------------------------------------------*/

/* Hides the length that was told behind another one; it is told again. */
static void hide_length(struct fault_memory *m, struct forward_part *part,
                        uint64_t length)
{
    forward_keep(m, forward_value(part, "Content-Length"));
    set_length(m, part, length);
}

static enum forward_verdict show_length(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (forward_is_sent(part) && m->kept_len) {
        forward_set_value(m, part, "Content-Length", forward_kept(m));
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

static enum forward_verdict octal_length(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes text = forward_value(part, "Content-Length");

    if (forward_is_received(part) && text.len > 1 && text.data[0] == '0' &&
        !is_coded(part))
        hide_length(m, part, number_of(text, 8));
    return show_length(m, part);
}

static enum forward_verdict signed_length(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct px_bytes text = forward_value(part, "Content-Length");

    if (forward_is_received(part) && number_of(text, 10) > INT32_MAX &&
        !is_coded(part))
        hide_length(m, part, 0);
    return show_length(m, part);
}

static enum forward_verdict response_length_31_bits(struct fault_memory *m,
                                                    struct forward_part *part)
{
    uint64_t value = number_of(forward_value(part, "Content-Length"), 10);

    if (part->stage == FORWARD_RESPONSE_RECEIVED && value > INT32_MAX)
        set_length(m, part, value & INT32_MAX);
    return FORWARD_PASS;
}

/* The last octet of the content is taken for what comes behind it. */
static enum forward_verdict response_one_short(struct fault_memory *m,
                                               struct forward_part *part)
{
    uint64_t value = number_of(forward_value(part, "Content-Length"), 10);

    if (part->stage == FORWARD_RESPONSE_RECEIVED && value > 0 &&
        !is_coded(part))
        set_length(m, part, value - 1);
    return FORWARD_PASS;
}

/* Content that goes with its method ----------------------------------------*/

/* count[0]: the request is a GET, whose content nobody wants. */
static enum forward_verdict content_of_get(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = is_of(part, "GET ");
    return part->stage == FORWARD_REQUEST_BODY && m->count[0] ? FORWARD_SKIP
                                                              : FORWARD_PASS;
}

static enum forward_verdict uncoded_delete(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT && !is_of(part, "POST ") &&
        !is_of(part, "PUT ") && forward_cut(m, part, "Transfer-Encoding"))
        forward_add(m, part, "Content-Length: 0\r\n");
    return FORWARD_PASS;
}

/* count[way]: octets of content so far; a buffer holds 4 MiB, no more. */
static enum forward_verdict four_mib(struct fault_memory *m,
                                     struct forward_part *part)
{
    enum { BUFFER = 4 << 20 };
    bool is_back = part->stage == FORWARD_RESPONSE_BODY;

    if (forward_is_sent(part))
        m->count[part->stage == FORWARD_RESPONSE_SENT] = 0;
    if (part->stage != FORWARD_REQUEST_BODY && !is_back)
        return FORWARD_PASS;
    m->count[is_back] += part->octets.len;
    return m->count[is_back] > BUFFER ? FORWARD_SKIP : FORWARD_PASS;
}

/* Chunks and a length ------------------------------------------------------*/

/* What the chunks hold that are whole in octets. */
static void decode(struct fault_memory *m, struct forward_part *part)
{
    size_t len = 0, to = 0;
    uint8_t *octets = forward_take(m, part);

    for (size_t at = 0; at < part->octets.len; at += len + 2) {
        struct px_bytes rest = px_bytes_of(octets + at, part->octets.len - at);
        size_t line = faults_find(rest, "\r\n") + 2;

        len = 0;
        for (size_t i = 0; i + 2 < line; i++) {
            unsigned digit = octets[at + i];

            len = len * 16 +
                  (digit > '9' ? (digit | 0x20) - 'a' + 10 : digit - '0');
        }
        at += line;
        if (at > part->octets.len || len > part->octets.len - at)
            break;
        memmove(octets + to, octets + at, len);
        to += len;
    }
    part->octets.len = to;
}

/* count[0]: both were there; the chunks are decoded, the length stays. */
static enum forward_verdict received_length(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_keep(m, forward_value(part, "Content-Length"));
        m->count[0] = is_coded(part) && forward_cut(m, part, "Content-Length");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        (void)forward_cut(m, part, "Transfer-Encoding");
        forward_add_field(m, part, "Content-Length", forward_kept(m));
    } else if (part->stage == FORWARD_REQUEST_BODY && m->count[0]) {
        decode(m, part);
    }
    return FORWARD_PASS;
}

static enum forward_verdict adds_length(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (forward_is_sent(part) && is_coded(part))
        forward_add(m, part, "Content-Length: 5\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict no_chunks(struct fault_memory *m,
                                      struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED && is_coded(part)
               ? forward_answer(m, part, FORWARD_REFUSAL("501 Not Implemented"))
               : FORWARD_PASS;
}

/* In another spelling chunked is an unknown coding, and ends with the
 * connection. */
static enum forward_verdict response_coding_case(struct fault_memory *m,
                                                 struct forward_part *part)
{
    struct px_bytes coding = forward_value(part, "Transfer-Encoding");

    if (part->stage == FORWARD_RESPONSE_RECEIVED && coding.len &&
        !px_equal(coding, PX_LITERAL("chunked")))
        forward_rename(m, part, "Transfer-Encoding", "X-Coding");
    return FORWARD_PASS;
}

/* Chunks -------------------------------------------------------------------*/

/* The chunks that event brings behind their head; none otherwise. */
static struct px_bytes chunks_of(const struct event *event)
{
    size_t coding, at;

    if (event->kind != EVENT_CLIENT_DATA && event->kind != EVENT_UPSTREAM_DATA)
        return (struct px_bytes){0};
    coding = faults_find(event->data, "Transfer-Encoding: chunked\r\n");
    at = faults_find(event->data, "\r\n\r\n");
    if (coding == event->data.len || at == event->data.len || coding > at)
        return (struct px_bytes){0};
    at += strlen("\r\n\r\n");
    return px_bytes_of(event->data.data + at, event->data.len - at);
}

/* Puts to in the place of cut octets of the chunks, at at. */
static void mend(struct fault_memory *m, struct event *event, size_t at,
                 size_t cut, const char *to)
{
    struct px_bytes chunks = chunks_of(event);
    size_t from = (size_t)(chunks.data - event->data.data) + at;
    size_t len = strlen(to), rest = event->data.len - from - cut;
    uint8_t *octets = faults_take_octets(m, event);

    memmove(octets + from + len, octets + from + cut, rest);
    for (size_t i = 0; i < len; i++)
        octets[from + i] = (uint8_t)to[i];
    event->data.len = from + len + rest;
}

/* What follows a first chunk of "hello"; nothing when there is none. */
static struct px_bytes behind_hello(const struct event *event)
{
    static const struct px_bytes begin = {(const uint8_t *)"5\r\nhello", 8};
    struct px_bytes chunks = chunks_of(event);

    if (chunks.len < begin.len + 2 ||
        !px_equal(px_bytes_of(chunks.data, begin.len), begin))
        return (struct px_bytes){0};
    return px_bytes_of(chunks.data + begin.len, chunks.len - begin.len);
}

enum { AT_HELLO_END = 8 };

static enum fault_verdict any_and_lf(struct fault_memory *m,
                                     struct event *event)
{
    struct px_bytes end = behind_hello(event);

    if (end.len && end.data[0] != '\r' && end.data[1] == '\n')
        mend(m, event, AT_HELLO_END, 2, "\r\n");
    return FAULT_PASS;
}

static enum fault_verdict cr_alone(struct fault_memory *m, struct event *event)
{
    struct px_bytes end = behind_hello(event);

    if (end.len && end.data[0] == '\r' && end.data[1] != '\n')
        mend(m, event, AT_HELLO_END, 1, "\r\n");
    return FAULT_PASS;
}

static enum fault_verdict empty_size(struct fault_memory *m,
                                     struct event *event)
{
    struct px_bytes end = behind_hello(event);

    if (end.len > 3 && memcmp(end.data, "\r\n\r\n", 4) == 0)
        mend(m, event, AT_HELLO_END + 2, 0, "0");
    return FAULT_PASS;
}

static bool is_hex(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'f') ||
           (octet >= 'A' && octet <= 'F');
}

/* A size of more than 31 bits is less than none. */
static enum fault_verdict signed_size(struct fault_memory *m,
                                      struct event *event)
{
    enum { DIGITS = 8 };
    struct px_bytes chunks = chunks_of(event);
    size_t from = 0, len = 0;

    while (from < chunks.len && chunks.data[from] == '0')
        from++;
    while (from + len < chunks.len && is_hex(chunks.data[from + len]))
        len++;
    if (len > DIGITS || (len == DIGITS && chunks.data[from] >= '8'))
        mend(m, event, 0, chunks.len, "0\r\n\r\n");
    return FAULT_PASS;
}

/* CR ends a line, and takes an octet with it. */
static enum fault_verdict cr_and_any(struct fault_memory *m,
                                     struct event *event)
{
    struct px_bytes chunks = chunks_of(event);

    for (size_t i = 0; i + 1 < chunks.len; i++) {
        if (chunks.data[i] == '\r' && chunks.data[i + 1] != '\n')
            mend(m, event, i++, 2, "\r\n");
    }
    return FAULT_PASS;
}

/* Behind a size any two octets are the end of the line. */
static enum fault_verdict any_line(struct fault_memory *m, struct event *event)
{
    struct px_bytes chunks = chunks_of(event);
    size_t at = faults_find(chunks, "XX");

    if (at > 0 && at < chunks.len && is_hex(chunks.data[at - 1]))
        mend(m, event, at, 2, "\r\n");
    return FAULT_PASS;
}

/* Behind the last chunk any two octets are the end. */
static enum fault_verdict any_end(struct fault_memory *m, struct event *event)
{
    static const char last[] = "\r\n0\r\n";
    struct px_bytes chunks = chunks_of(event);
    size_t at = faults_find(chunks, last) + strlen(last);

    if (chunks.len >= 2 && at == chunks.len - 2)
        mend(m, event, at, 2, "\r\n");
    return FAULT_PASS;
}

static enum fault_verdict empty_lines(struct fault_memory *m,
                                      struct event *event)
{
    struct px_bytes chunks = chunks_of(event);
    size_t at = faults_find(chunks, "\r\n\r\n0\r\n");

    if (at < chunks.len)
        mend(m, event, at, 2, "");
    return FAULT_PASS;
}

#define OF_CHUNKS(id, what, hook, ...)                                         \
    {                                                                          \
        .name = "forward-" id, .summary = what, .proves = {__VA_ARGS__},       \
        .on_event = hook,                                                      \
    }

static const struct fault faults[] = {
    FORWARD_FAULT("length-octal",
                  "reads a length with a zero before it as octal", octal_length,
                  REQ_HTTP_FRAMING_CL_EXACT),
    FORWARD_FAULT("length-signed",
                  "takes lengths beyond 31 bits for none at all", signed_length,
                  REQ_HTTP_FRAMING_CL_BIG),
    FORWARD_FAULT("response-length-31-bits",
                  "cuts the length of a response to 31 bits",
                  response_length_31_bits, REQ_HTTP_FRAMING_CL_BIG),
    FORWARD_FAULT("response-one-short",
                  "loses the last octet of a response's content",
                  response_one_short, REQ_HTTP_FRAMING_CL_EXACT),
    FORWARD_FAULT("content-of-get-lost",
                  "loses the content of GET and passes its length on",
                  content_of_get, REQ_HTTP_FRAMING_CL_EXACT),
    FORWARD_FAULT("content-of-4-mib", "loses what is behind 4 MiB of content",
                  four_mib, REQ_HTTP_BODY_OPAQUE),
    FORWARD_FAULT(
        "delete-uncoded",
        "says that chunks of other methods than POST and PUT are no content, "
        "and sends them",
        uncoded_delete, REQ_HTTP_FRAMING_CL_EXACT),
    FORWARD_FAULT(
        "received-length-kept",
        "decodes chunks and passes on the length that came beside them",
        received_length, REQ_HTTP_FRAMING_TE_CL_STRIP),
    FORWARD_FAULT("length-beside-chunks",
                  "tells a length of what it sends in chunks", adds_length,
                  REQ_HTTP_FRAMING_SENDER_NOT_BOTH),
    FORWARD_FAULT("chunks-refused", "refuses chunked requests", no_chunks,
                  REQ_HTTP_CHUNKED_DECODE),
    FORWARD_FAULT("response-coding-case",
                  "knows chunked of a response in small letters alone",
                  response_coding_case, REQ_HTTP_FRAMING_TE_CASE),
    OF_CHUNKS("chunk-size-signed", "takes sizes of more than 31 bits for zero",
              signed_size, REQ_HTTP_CHUNKED_SIZE_BIG),
    OF_CHUNKS("chunk-cr-any", "ends lines of chunks at CR and any octet",
              cr_and_any, REQ_HTTP_CHUNKED_DATA_CRLF,
              REQ_HTTP_CHUNKED_TERMINATOR),
    OF_CHUNKS("chunk-line-any", "ends the size of a chunk at any two octets",
              any_line, REQ_HTTP_CHUNKED_TERMINATOR),
    OF_CHUNKS("chunks-end-any", "ends chunks at any two octets", any_end,
              REQ_HTTP_CHUNKED_TERMINATOR),
    OF_CHUNKS("chunk-lf-any", "ends the data of a chunk at any octet and LF",
              any_and_lf, REQ_HTTP_CHUNKED_DATA_CRLF),
    OF_CHUNKS("chunk-cr-alone", "ends the data of a chunk at CR alone",
              cr_alone, REQ_HTTP_CHUNKED_DATA_CRLF),
    OF_CHUNKS("chunk-size-empty", "takes an empty size of a chunk for zero",
              empty_size, REQ_HTTP_CHUNKED_SIZE_INVALID),
    OF_CHUNKS("chunks-empty-lines", "skips empty lines between chunks",
              empty_lines, REQ_HTTP_CHUNKED_DATA_CRLF),
};

const struct fault_theme forward_sizes_faults = FAULT_THEME(faults);
