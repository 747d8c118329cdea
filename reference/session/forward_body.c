#include "forward_body.h"

#include <assert.h>
#include <string.h>

void forward_begin_body(struct forward_body *b, enum http1_body from,
                        enum http1_body to, uint64_t length,
                        const struct forward_options *options)
{
    b->from = from;
    b->to = to;
    b->left = length;
    b->is_whole =
        from == HTTP1_BODY_NONE || (from == HTTP1_BODY_LENGTH && length == 0);
    b->is_in_chunk = false;
    b->chunked = (struct http1_chunked){0};
    b->options = options;
    b->trailers_len = 0;
}

static void put_hex(uint64_t value, struct px_writer *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 60;

    while (shift && (value >> shift) == 0)
        shift -= 4;
    for (;; shift -= 4) {
        px_put_u8(out, (uint8_t)digits[(value >> shift) & 15]);
        if (shift == 0)
            return;
    }
}

/* Content of a chunk, left octets of which are still to come. */
static void put_content(struct forward_body *b, struct px_bytes octets,
                        uint64_t left, struct px_writer *out)
{
    if (b->to == HTTP1_BODY_CHUNKED && !b->is_in_chunk) {
        put_hex(octets.len + left, out);
        px_put_text(out, "\r\n");
    }
    px_put_bytes(out, octets);
    b->is_in_chunk = left > 0;
    if (b->to == HTTP1_BODY_CHUNKED && !b->is_in_chunk)
        px_put_text(out, "\r\n");
}

static enum px_status end_chunks(struct forward_body *b, struct px_writer *out,
                                 struct px_error *err)
{
    static const struct http1_limits limits = {0, FORWARD_TRAILERS_MAX,
                                               HTTP1_FIELDS_MAX};
    enum {
        REFUSED = HTTP1_BARE_CR | HTTP1_FOLDED | HTTP1_COLON_SPACE |
                  HTTP1_NOT_TOKEN | HTTP1_NO_COLON | HTTP1_INDENTED |
                  HTTP1_CONTROL
    };
    struct http1_fields fields;
    struct px_bytes text = px_bytes_of(b->trailers, b->trailers_len);
    enum px_status status;
    size_t used;

    b->is_whole = true;
    status = http1_decode_trailers(text, &limits, &fields, &used, err);
    if (status != PX_DONE || (fields.oddities & REFUSED))
        return px_refuse(err, REQ_HTTP_PARSE_GRAMMAR_400, b->chunked.consumed,
                         "trailers that do not match their grammar");
    if (b->to != HTTP1_BODY_CHUNKED)
        return PX_DONE;
    px_put_text(out, "0\r\n");
    forward_put_trailers(&fields, b->options, out);
    px_put_text(out, "\r\n");
    return PX_DONE;
}

/* What a strict recipient does not read on from. */
static enum px_status check_oddities(const struct forward_body *b,
                                     struct px_error *err)
{
    static const struct {
        uint32_t oddities;
        enum requirement req;
    } rows[] = {
        {HTTP1_CHUNK_BARE_LF | HTTP1_CHUNK_DATA_BARE_LF,
         REQ_HTTP_CHUNKED_BARE_LF},
        {HTTP1_CHUNK_SIZE_BLANKS, REQ_HTTP_CHUNKED_SIZE_INVALID},
        {HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_CONTROL,
         REQ_HTTP_CHUNKED_EXT_CTL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (b->chunked.oddities & rows[i].oddities)
            return px_refuse(err, rows[i].req, b->chunked.consumed,
                             "chunked content that does not match its grammar");
    }
    return PX_NEED_MORE;
}

static enum px_status pass_chunks(struct forward_body *b, struct px_bytes in,
                                  struct px_writer *out, size_t *used,
                                  struct px_error *err)
{
    static const struct http1_chunked_limits limits = {
        .extensions = 8192, .trailers = FORWARD_TRAILERS_MAX};
    struct http1_chunk_piece piece;
    enum px_status status =
        http1_chunked_decode(&b->chunked, &limits, in, &piece, used, err);

    if (status == PX_ERROR)
        return PX_ERROR;
    if (check_oddities(b, err) == PX_ERROR)
        return PX_ERROR;
    if (piece.kind == HTTP1_CHUNK_CONTENT) {
        put_content(b, piece.octets, b->chunked.left, out);
    } else if (piece.kind == HTTP1_CHUNK_TRAILER) {
        if (piece.octets.len > sizeof(b->trailers) - b->trailers_len)
            return px_refuse(err, REQ_HTTP_LIMITS_FIELDS_4XX,
                             b->chunked.consumed, "trailers of more octets");
        memcpy(b->trailers + b->trailers_len, piece.octets.data,
               piece.octets.len);
        b->trailers_len += piece.octets.len;
    }
    return status == PX_DONE ? end_chunks(b, out, err) : PX_NEED_MORE;
}

static enum px_status pass_length(struct forward_body *b, struct px_bytes in,
                                  struct px_writer *out, size_t *used)
{
    size_t len = in.len < b->left ? in.len : (size_t)b->left;

    px_put_bytes(out, px_bytes_of(in.data, len));
    b->left -= len;
    b->is_whole = b->left == 0;
    *used = len;
    return b->is_whole ? PX_DONE : PX_NEED_MORE;
}

static size_t room_in(const struct px_writer *out)
{
    size_t room = out->cap - out->len;

    return room > FORWARD_BODY_ROOM ? room - FORWARD_BODY_ROOM : 0;
}

enum px_status forward_pass_body(struct forward_body *b, struct px_bytes in,
                                 struct px_writer *out, size_t *used,
                                 struct px_error *err)
{
    enum px_status status = b->is_whole ? PX_DONE : PX_NEED_MORE;

    *used = 0;
    while (status == PX_NEED_MORE && *used < in.len && room_in(out)) {
        struct px_bytes rest = px_bytes_of(in.data + *used, in.len - *used);
        size_t len = 0;

        if (rest.len > room_in(out))
            rest.len = room_in(out);
        if (b->from == HTTP1_BODY_CHUNKED)
            status = pass_chunks(b, rest, out, &len, err);
        else if (b->from == HTTP1_BODY_LENGTH)
            status = pass_length(b, rest, out, &len);
        else {
            put_content(b, rest, 0, out);
            len = rest.len;
        }
        *used += len;
    }
    assert(!out->is_full);
    return status;
}

bool forward_pass_as_is(struct forward_body *b, size_t len)
{
    if (b->from != b->to)
        return false;
    if (b->from == HTTP1_BODY_LENGTH && len <= b->left) {
        b->left -= len;
        b->is_whole = b->left == 0;
        return true;
    }
    return b->from == HTTP1_BODY_TO_CLOSE;
}

bool forward_close_body(struct forward_body *b, struct px_writer *out)
{
    if (b->is_whole)
        return true;
    if (b->from != HTTP1_BODY_TO_CLOSE)
        return false;
    b->is_whole = true;
    if (b->to == HTTP1_BODY_CHUNKED)
        http1_put_last_chunk(out);
    return true;
}

uint64_t forward_body_left(const struct forward_body *b)
{
    if (b->from == HTTP1_BODY_LENGTH)
        return b->left;
    if (b->from == HTTP1_BODY_CHUNKED)
        return b->is_in_chunk ? b->chunked.left : 0;
    return UINT64_MAX;
}
