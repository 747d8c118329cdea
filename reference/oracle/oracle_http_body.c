/* Where message bodies end, RFC 9112 sections 6.3 and 7.1. */

#include "oracle_internal.h"

#include <string.h>

/* A Content-Length: one number, or the same one repeated. */
static bool parse_length(const struct http1_fields *fields, uint64_t *out)
{
    const struct http1_field *field = http1_find(fields, "Content-Length");

    *out = 0;
    if (http1_count(fields, "Content-Length") > 1 || field->value.len == 0 ||
        field->value.len > 18)
        return false;
    for (size_t i = 0; i < field->value.len; i++) {
        uint8_t octet = field->value.data[i];

        if (octet < '0' || octet > '9')
            return false;
        *out = *out * 10 + (uint64_t)(octet - '0');
    }
    return true;
}

static bool is_chunked_last(const struct http1_fields *fields)
{
    const struct px_bytes chunked = PX_LITERAL("chunked");
    bool is_last = false;

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes list = fields->at[i].value;
        struct px_bytes member;

        if (!px_equal_nocase(fields->at[i].name,
                             PX_LITERAL("Transfer-Encoding")))
            continue;
        while (http1_next_member(&list, &member))
            is_last = px_equal_nocase(member, chunked);
    }
    return is_last;
}

/* The framing by the fields; otherwise where neither is there. */
static struct http_body body_by_fields(const struct http1_fields *fields,
                                       enum http_framing otherwise)
{
    struct http_body body = {.framing = otherwise};

    if (http1_find(fields, "Transfer-Encoding")) {
        body.framing = is_chunked_last(fields) ? BODY_CHUNKED : BODY_TO_CLOSE;
    } else if (http1_find(fields, "Content-Length")) {
        body.framing = BODY_COUNTED;
        body.is_bad = !parse_length(fields, &body.left);
    }
    return body;
}

struct http_body http_request_body(const struct http1_fields *fields)
{
    struct http_body body = body_by_fields(fields, BODY_NONE);

    if (body.framing == BODY_TO_CLOSE || /* no request ends so */
        (body.framing == BODY_CHUNKED && http1_find(fields, "Content-Length")))
        body.is_bad = true;
    return body;
}

struct http_body http_response_body(const struct http1_fields *fields)
{
    return body_by_fields(fields, BODY_TO_CLOSE);
}

static int hex_value(uint8_t octet)
{
    if (octet >= '0' && octet <= '9')
        return octet - '0';
    octet |= 0x20;
    return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

static void take_size_octet(struct http_body *body, uint8_t octet)
{
    int digit = hex_value(octet);

    if (digit >= 0 && body->line_len < 15) {
        body->left = body->left << 4 | (uint64_t)digit;
        body->line_len++;
    } else if (body->line_len == 0 || digit >= 0) {
        body->is_bad = true;
    } else {
        body->chunk = CHUNK_EXTENSION;
    }
}

static void end_size_line(struct http_body *body)
{
    body->chunk = body->left ? CHUNK_DATA : CHUNK_TRAILER;
    body->line_len = 0;
}

/* One octet outside chunk data; true after the last one of the body. */
static bool take_chunk_octet(struct http_body *body, uint8_t octet)
{
    switch (body->chunk) {
    case CHUNK_SIZE:
        take_size_octet(body, octet);
        if (body->chunk == CHUNK_EXTENSION && octet == '\n')
            end_size_line(body);
        return false;
    case CHUNK_EXTENSION:
        if (octet == '\n')
            end_size_line(body);
        return false;
    case CHUNK_DATA_END:
        if (octet == '\n')
            body->chunk = CHUNK_SIZE;
        else
            body->is_bad = octet != '\r';
        return false;
    case CHUNK_TRAILER:
        if (octet == '\n' && body->line_len == 0)
            return true;
        if (octet == '\n')
            body->line_len = 0;
        else if (octet != '\r')
            body->line_len++;
        return false;
    case CHUNK_DATA:
        break;
    }
    return false;
}

static size_t take_counted(uint64_t *left, size_t len)
{
    size_t used = *left < len ? (size_t)*left : len;

    *left -= used;
    return used;
}

size_t http_body_take(struct http_body *body, struct px_bytes data,
                      bool *is_whole)
{
    size_t used;

    *is_whole = false;
    switch (body->framing) {
    case BODY_NONE:
        break;
    case BODY_COUNTED:
        used = take_counted(&body->left, data.len);
        *is_whole = body->left == 0;
        return used;
    case BODY_CHUNKED:
        if (body->chunk == CHUNK_DATA) {
            used = take_counted(&body->left, data.len);
            if (body->left == 0)
                body->chunk = CHUNK_DATA_END;
            return used;
        }
        *is_whole = take_chunk_octet(body, data.data[0]);
        return 1;
    case BODY_TO_CLOSE:
        return data.len;
    }
    *is_whole = true;
    return 0;
}
