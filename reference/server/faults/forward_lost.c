/*
 * Faults of proxies that lose a part of a head: lines of one name, what is
 * behind a line that is none, what stands at the end of a buffer; and of those
 * that carry something of one exchange over to the next. RFC 9110 section 5,
 * RFC 9112 sections 5 and 9.3.
 */

#include <string.h>

#include "faults/forward.h"

static struct px_bytes rest_of(const struct forward_part *part, size_t at)
{
    return px_bytes_of(part->octets.data + at, part->octets.len - at);
}

/* Where the line behind the one at at begins; the end of the part: nowhere. */
static size_t next_line(const struct forward_part *part, size_t at)
{
    size_t len = faults_find(rest_of(part, at), "\r\n");

    return at + len + 2 < part->octets.len ? at + len + 2 : part->octets.len;
}

static struct px_bytes name_at(const struct forward_part *part, size_t at)
{
    struct px_bytes line =
        px_bytes_of(part->octets.data + at, next_line(part, at) - at);

    return px_bytes_of(line.data, faults_find(line, ":"));
}

/* Names that are there more than once --------------------------------------*/

static bool comes_again(const struct forward_part *part, size_t at)
{
    struct px_bytes name = name_at(part, at);

    while ((at = next_line(part, at)) < part->octets.len) {
        if (px_equal_nocase(name_at(part, at), name))
            return true;
    }
    return false;
}

static enum forward_verdict last_of_a_name(struct fault_memory *m,
                                           struct forward_part *part)
{
    size_t at;

    if (!forward_is_sent(part))
        return FORWARD_PASS;
    at = next_line(part, 0);
    while (at < part->octets.len) {
        if (comes_again(part, at))
            forward_put(m, part, at, next_line(part, at) - at,
                        (struct px_bytes){0});
        else
            at = next_line(part, at);
    }
    return FORWARD_PASS;
}

/* Lines that are none ------------------------------------------------------*/

/* The head ends at the first line that is odd. */
static enum forward_verdict ends_at(struct fault_memory *m,
                                    struct forward_part *part,
                                    bool (*is_odd)(struct px_bytes line))
{
    if (!forward_is_received(part))
        return FORWARD_PASS;
    for (size_t at = next_line(part, 0), next; at < part->octets.len;
         at = next) {
        next = next_line(part, at);
        if (next == part->octets.len ||
            !is_odd(px_bytes_of(part->octets.data + at, next - at)))
            continue;
        forward_put(m, part, at, part->octets.len - at, PX_LITERAL("\r\n"));
        break;
    }
    return FORWARD_PASS;
}

static bool has_no_colon(struct px_bytes line)
{
    return faults_find(line, ":") == line.len;
}

static bool has_no_name(struct px_bytes line)
{
    return line.data[0] == ':';
}

static enum forward_verdict ends_at_no_colon(struct fault_memory *m,
                                             struct forward_part *part)
{
    return ends_at(m, part, has_no_colon);
}

static enum forward_verdict ends_at_no_name(struct fault_memory *m,
                                            struct forward_part *part)
{
    return ends_at(m, part, has_no_name);
}

/* Sizes --------------------------------------------------------------------*/

/* Of a name that is longer than an octet counts, so many are left. */
static enum forward_verdict name_len_8_bits(struct fault_memory *m,
                                            struct forward_part *part)
{
    enum { LEN_MAX = 255 };

    if (!forward_is_sent(part))
        return FORWARD_PASS;
    for (size_t at = next_line(part, 0); at < part->octets.len;
         at = next_line(part, at)) {
        struct px_bytes name = name_at(part, at);

        if (name.len > LEN_MAX && at + name.len < next_line(part, at)) {
            size_t left = name.len & LEN_MAX;

            forward_put(m, part, at + left, name.len - left,
                        (struct px_bytes){0});
        }
    }
    return FORWARD_PASS;
}

/* A head that fills its buffer to the last octet loses that of the line before
 * its end. */
static enum forward_verdict full_buffer(struct fault_memory *m,
                                        struct forward_part *part)
{
    enum { BUFFER = 1024, END = 5 };

    if (forward_is_received(part) && part->octets.len > 0 &&
        part->octets.len % BUFFER == 0)
        forward_put(m, part, part->octets.len - END, 1, (struct px_bytes){0});
    return FORWARD_PASS;
}

/* From one exchange to the next --------------------------------------------*/

static const char before[] = "X-Before";

/* The value of a field stands in a table that nobody empties. */
static enum forward_verdict carries_field(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (!forward_is_sent(part))
        return FORWARD_PASS;
    if (forward_value(part, before).len)
        forward_keep(m, forward_value(part, before));
    else if (m->kept_len && part->exchange > 1)
        forward_add_field(m, part, before, forward_kept(m));
    return FORWARD_PASS;
}

/* The status of the response before is still there. */
static enum forward_verdict carries_status(struct fault_memory *m,
                                           struct forward_part *part)
{
    static const size_t at = sizeof("HTTP/1.1 ") - 1;

    if (part->stage != FORWARD_RESPONSE_SENT || part->status < 200)
        return FORWARD_PASS;
    if (m->count[0] == 404)
        forward_put(m, part, at, 3, PX_LITERAL("404"));
    else if (m->count[0] == 503)
        forward_put(m, part, at, 3, PX_LITERAL("503"));
    m->count[0] = part->status;
    return FORWARD_PASS;
}

/* Chunks are read only where a connection begins with them. */
static enum forward_verdict chunks_come_first(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED && part->exchange > 0 &&
        forward_value(part, "Transfer-Encoding").len)
        return forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"));
    return FORWARD_PASS;
}

/* Chunks of a response are passed on where a connection begins with them. */
static enum forward_verdict answers_chunks_first(struct fault_memory *m,
                                                 struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        m->count[0] = forward_value(part, "Transfer-Encoding").len > 0;
    return part->stage == FORWARD_RESPONSE_BODY && part->exchange > 1 &&
                   m->count[0]
               ? FORWARD_SKIP
               : FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-last-of-a-name",
        .summary = "passes on the last line of each name only",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD, REQ_HTTP_FIELD_SET_COOKIE},
        .on_forward = last_of_a_name,
    },
    {
        .name = "forward-no-colon-ends-head",
        .summary = "takes a line without a colon for the end of the head",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD},
        .on_forward = ends_at_no_colon,
    },
    {
        .name = "forward-no-name-ends-head",
        .summary = "takes a line without a name for the end of the head",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD},
        .on_forward = ends_at_no_name,
    },
    {
        .name = "forward-name-8-bits",
        .summary = "cuts the length of names to eight bits",
        .proves = {REQ_HTTP_LIMITS_FIELDS_4XX, REQ_HTTP_LIMITS_RESPONSE_FIELDS},
        .on_forward = name_len_8_bits,
    },
    {
        .name = "forward-head-fills-buffer",
        .summary = "loses an octet of a head that fills blocks of 1024",
        .proves = {REQ_HTTP_LIMITS_FIELDS_4XX, REQ_HTTP_LIMITS_RESPONSE_FIELDS},
        .on_forward = full_buffer,
    },
    {
        .name = "forward-field-carried-over",
        .summary = "adds X-Before of one exchange to the next ones",
        .proves = {REQ_HTTP_PERSIST_SEPARATE},
        .on_forward = carries_field,
    },
    {
        .name = "forward-status-carried-over",
        .summary = "answers 404 and 503 again behind the first one",
        .proves = {REQ_HTTP_PERSIST_SEPARATE},
        .on_forward = carries_status,
    },
    {
        .name = "forward-chunks-answer-first",
        .summary = "loses chunks of responses behind the first of a connection",
        .proves = {REQ_HTTP_PERSIST_SEPARATE},
        .on_forward = answers_chunks_first,
    },
    {
        .name = "forward-chunks-come-first",
        .summary = "refuses chunks behind the first request of a connection",
        .proves = {REQ_HTTP_PERSIST_DEFAULT},
        .on_forward = chunks_come_first,
    },
};

const struct fault_theme forward_lost_faults = FAULT_THEME(faults);
