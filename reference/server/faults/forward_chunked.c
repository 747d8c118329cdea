/*
 * Faults of reading chunked content, both ways: RFC 9112 section 7.1. Most look
 * at what came behind a head in one read, before the session does.
 */

#include <string.h>

#include "faults/forward.h"

/* Which way octets go, as an index. */
enum { OF_REQUEST, OF_RESPONSE, WAYS };

static const enum event_kind arrival[WAYS] = {EVENT_CLIENT_DATA,
                                              EVENT_UPSTREAM_DATA};
static const enum forward_stage received[WAYS] = {FORWARD_REQUEST_RECEIVED,
                                                  FORWARD_RESPONSE_RECEIVED};
static const enum forward_stage sent[WAYS] = {FORWARD_REQUEST_SENT,
                                              FORWARD_RESPONSE_SENT};

/* The chunks that event brings behind their head; none otherwise. */
static struct px_bytes chunks_of(const struct event *event)
{
    size_t coding, at, next;
    struct px_bytes body;

    if (event->kind != EVENT_CLIENT_DATA && event->kind != EVENT_UPSTREAM_DATA)
        return (struct px_bytes){0};
    coding = faults_find(event->data, "Transfer-Encoding: chunked\r\n");
    at = faults_find(event->data, "\r\n\r\n");
    if (coding == event->data.len || at == event->data.len || coding > at)
        return (struct px_bytes){0};
    at += strlen("\r\n\r\n");
    body = px_bytes_of(event->data.data + at, event->data.len - at);
    next = faults_find(body, "GET http://");
    return px_bytes_of(body.data, next);
}

/* count[way]: octets of chunks behind the head; count[2 + way]: hidden. */
static enum fault_verdict measure(struct fault_memory *m, struct event *event)
{
    struct px_bytes chunks = chunks_of(event);

    for (unsigned way = 0; way < WAYS; way++) {
        if (event->kind == arrival[way])
            m->count[way] = chunks.len;
    }
    return FAULT_PASS;
}

static enum forward_verdict unread(struct fault_memory *m,
                                   struct forward_part *part)
{
    for (unsigned way = 0; way < WAYS; way++) {
        uint8_t buf[24];
        struct px_writer text = px_writer_over(buf, sizeof(buf));

        px_put_decimal(&text, m->count[way]);
        if (part->stage == received[way] && m->count[way] &&
            forward_cut(m, part, "Transfer-Encoding")) {
            m->count[2 + way] = 1;
            forward_add_field(m, part, "Content-Length", px_written(&text));
        } else if (part->stage == sent[way] && m->count[2 + way]) {
            m->count[2 + way] = 0;
            (void)forward_cut(m, part, "Content-Length");
            forward_add(m, part, "Transfer-Encoding: chunked\r\n");
        }
    }
    return FORWARD_PASS;
}

static bool has_extension(struct px_bytes chunks)
{
    return faults_find(chunks, ";") < chunks.len;
}

static bool has_odd_digits(struct px_bytes chunks)
{
    if (chunks.len < 2)
        return false;
    return (chunks.data[0] >= 'A' && chunks.data[0] <= 'F') ||
           (chunks.data[0] == '0' && chunks.data[1] != '\r') ||
           faults_find(chunks, "\r\n000\r\n") < chunks.len;
}

/* count[way]: the message behind the head is refused. */
static enum fault_verdict note(struct fault_memory *m,
                               const struct event *event,
                               bool (*is_refused)(struct px_bytes chunks))
{
    for (unsigned way = 0; way < WAYS; way++) {
        if (event->kind == arrival[way])
            m->count[way] = is_refused(chunks_of(event));
    }
    return FAULT_PASS;
}

static enum fault_verdict note_extension(struct fault_memory *m,
                                         struct event *event)
{
    return note(m, event, has_extension);
}

static enum fault_verdict note_digits(struct fault_memory *m,
                                      struct event *event)
{
    return note(m, event, has_odd_digits);
}

static enum forward_verdict refuse(struct fault_memory *m,
                                   struct forward_part *part)
{
    for (unsigned way = 0; way < WAYS; way++) {
        if (part->stage != received[way] || !m->count[way])
            continue;
        forward_set(m, part,
                    way == OF_REQUEST
                        ? "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                          "Connection: close\r\n\r\n"
                        : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
                          "Connection: close\r\n\r\n");
        return FORWARD_ANSWER;
    }
    return FORWARD_PASS;
}

static enum forward_verdict changes(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_BODY ||
        part->stage == FORWARD_RESPONSE_BODY)
        forward_swap(m, part, "w", "W");
    return FORWARD_PASS;
}

/* Long runs of one letter, which extensions are made of, are swallowed. */
static enum fault_verdict swallow(struct fault_memory *m, struct event *event)
{
    enum { RUN_MAX = 64 };
    uint8_t *octets;
    size_t len = 0, run = 0;

    if (event->kind != EVENT_CLIENT_DATA)
        return FAULT_PASS;
    octets = faults_take_octets(m, event);
    for (size_t i = 0; i < event->data.len; i++) {
        run = octets[i] == 'e' ? run + 1 : 0;
        if (run <= RUN_MAX)
            octets[len++] = octets[i];
    }
    event->data.len = len;
    return FAULT_PASS;
}

static bool is_hex(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'f') ||
           (octet >= 'A' && octet <= 'F');
}

/* Of the first size of a message eight digits are kept. */
static enum fault_verdict cut_size(struct fault_memory *m, struct event *event)
{
    enum { DIGITS = 8 };
    struct px_bytes chunks = chunks_of(event);
    size_t at, len = 0;
    uint8_t *octets;

    while (len < chunks.len && is_hex(chunks.data[len]))
        len++;
    if (len <= DIGITS)
        return FAULT_PASS;
    at = (size_t)(chunks.data - event->data.data);
    octets = faults_take_octets(m, event);
    event->data.len -= len - DIGITS;
    memmove(octets + at, octets + at + len - DIGITS, event->data.len - at);
    return FAULT_PASS;
}

/* What is between the last chunk and the next request is skipped. */
static enum fault_verdict skip_garbage(struct fault_memory *m,
                                       struct event *event)
{
    static const char end[] = "\r\n0\r\n\r\n";
    struct px_bytes rest;
    size_t at, next;
    uint8_t *octets;

    if (event->kind != EVENT_CLIENT_DATA)
        return FAULT_PASS;
    at = faults_find(event->data, end) + strlen(end);
    if (at > event->data.len)
        return FAULT_PASS;
    octets = faults_take_octets(m, event);
    rest = px_bytes_of(octets + at, event->data.len - at);
    next = faults_find(rest, "GET http://");
    memmove(octets + at, octets + at + next, rest.len - next);
    event->data.len -= next;
    return FAULT_PASS;
}

/* count[way]: the message is chunked. */
static enum forward_verdict completes(struct fault_memory *m,
                                      struct forward_part *part)
{
    static const enum forward_stage cut[WAYS] = {FORWARD_REQUEST_CUT,
                                                 FORWARD_RESPONSE_CUT};

    for (unsigned way = 0; way < WAYS; way++) {
        if (part->stage == sent[way])
            m->count[way] = forward_value(part, "Transfer-Encoding").len > 0;
        if (part->stage == cut[way] && m->count[way])
            forward_complete_chunks(m, part);
    }
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-chunks-unread",
        .summary = "passes chunks on without reading them",
        .proves = {REQ_HTTP_CHUNKED_SIZE_INVALID, REQ_HTTP_CHUNKED_DATA_CRLF,
                   REQ_HTTP_CHUNKED_BARE_LF, REQ_HTTP_CHUNKED_EXT_CTL},
        .on_event = measure,
        .on_forward = unread,
    },
    {
        .name = "forward-chunk-extensions-refused",
        .summary = "refuses chunks with extensions",
        .proves = {REQ_HTTP_CHUNKED_EXT_IGNORED, REQ_HTTP_CHUNKED_EXT_BWS},
        .on_event = note_extension,
        .on_forward = refuse,
    },
    {
        .name = "forward-chunk-digits-refused",
        .summary = "refuses chunk sizes in capitals and with leading zeros",
        .proves = {REQ_HTTP_CHUNKED_HEX},
        .on_event = note_digits,
        .on_forward = refuse,
    },
    {
        .name = "forward-changes-content",
        .summary = "puts a capital in the place of a letter of the content",
        .proves = {REQ_HTTP_CHUNKED_DECODE},
        .on_forward = changes,
    },
    {
        .name = "forward-chunk-extensions-endless",
        .summary = "reads chunk extensions of any length",
        .proves = {REQ_HTTP_CHUNKED_EXT_LIMIT},
        .on_event = swallow,
    },
    {
        .name = "forward-chunk-size-32-bits",
        .summary = "reads the last 32 bits of the first chunk size",
        .proves = {REQ_HTTP_CHUNKED_SIZE_BIG},
        .on_event = cut_size,
    },
    {
        .name = "forward-skips-garbage",
        .summary = "skips what comes between chunks and the next request",
        .proves = {REQ_HTTP_CHUNKED_TRAILING_GARBAGE},
        .on_event = skip_garbage,
    },
    {
        .name = "forward-completes-chunks",
        .summary = "adds the last chunk where the sender left it out",
        .proves = {REQ_HTTP_CHUNKED_TERMINATOR},
        .on_forward = completes,
    },
};

const struct fault_theme forward_chunked_faults = FAULT_THEME(faults);
