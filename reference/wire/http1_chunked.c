#include "http1_chunked.h"

#include <string.h>

const struct http1_chunked_limits http1_chunked_default_limits = {
    .extensions = 16384,
    .trailers = 16384,
};

/* Zero is the beginning of a body. */
enum place {
    SIZE_FIRST,    /* no digit of the size yet */
    SIZE,          /* a digit was there */
    SIZE_BLANKS,   /* blanks behind the size */
    EXT_NAME,      /* behind ';', no octet of the name yet */
    EXT_IN_NAME,   /* within it */
    EXT_NAME_DONE, /* blanks behind it */
    EXT_VALUE,     /* behind '=', no octet of the value yet */
    EXT_IN_VALUE,  /* a token */
    EXT_QUOTED,    /* a quoted string */
    EXT_ESCAPED,   /* behind its backslash */
    EXT_DONE,      /* behind the value */
    EXT_LOST,      /* no extension of the grammar: up to LF */
    SIZE_CR,       /* CR, which LF has to follow */
    DATA,
    DATA_END,
    DATA_CR,
    TRAILER,
    WHOLE
};

static int hex_value(uint8_t octet)
{
    if (octet >= '0' && octet <= '9')
        return octet - '0';
    octet |= 0x20;
    return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

static bool is_token_octet(uint8_t octet)
{
    return http1_is_token(px_bytes_of(&octet, 1));
}

static bool is_extension(enum place place)
{
    return place >= EXT_NAME && place <= EXT_LOST;
}

/* The size line is whole. */
static void end_size_line(struct http1_chunked *d)
{
    if (d->left) {
        d->chunks++;
        d->place = DATA;
    } else {
        d->place = TRAILER;
    }
}

static void take_digit(struct http1_chunked *d, uint8_t octet)
{
    uint64_t digit = (uint64_t)hex_value(octet);

    if (digit == 0 && d->left == 0)
        d->extension++; /* a leading zero, or the last chunk's size */
    d->left = d->left << 4 | digit;
    d->place = SIZE;
}

/* Where an extension is after an octet that is no line end (7.1.1). */
static enum place after_extension_octet(enum place place, uint8_t octet)
{
    bool is_token = is_token_octet(octet);

    switch (place) {
    case EXT_NAME:
        return is_token ? EXT_IN_NAME : is_blank(octet) ? EXT_NAME : EXT_LOST;
    case EXT_IN_NAME:
    case EXT_NAME_DONE:
        if (is_token && place == EXT_IN_NAME)
            return EXT_IN_NAME;
        return octet == '='      ? EXT_VALUE
               : octet == ';'    ? EXT_NAME
               : is_blank(octet) ? EXT_NAME_DONE
                                 : EXT_LOST;
    case EXT_VALUE:
        return octet == '"'      ? EXT_QUOTED
               : is_token        ? EXT_IN_VALUE
               : is_blank(octet) ? EXT_VALUE
                                 : EXT_LOST;
    case EXT_QUOTED:
        return octet == '"'    ? EXT_DONE
               : octet == '\\' ? EXT_ESCAPED
                               : EXT_QUOTED;
    case EXT_ESCAPED:
        return EXT_QUOTED;
    case EXT_IN_VALUE:
    case EXT_DONE:
        if (is_token && place == EXT_IN_VALUE)
            return EXT_IN_VALUE;
        return octet == ';' ? EXT_NAME : is_blank(octet) ? EXT_DONE : EXT_LOST;
    case EXT_LOST:
    case SIZE_FIRST:
    case SIZE:
    case SIZE_BLANKS:
    case SIZE_CR:
    case DATA:
    case DATA_END:
    case DATA_CR:
    case TRAILER:
    case WHOLE:
        break;
    }
    return EXT_LOST;
}

/* Places where an extension may end: a name or a value is whole. */
static bool is_extension_whole(enum place place)
{
    return place == EXT_IN_NAME || place == EXT_IN_VALUE || place == EXT_DONE ||
           place == EXT_NAME_DONE;
}

static bool is_quoted(enum place place)
{
    return place == EXT_QUOTED || place == EXT_ESCAPED;
}

static void end_extension(struct http1_chunked *d, uint8_t octet)
{
    enum place place = (enum place)d->place;

    if (is_quoted(place))
        d->oddities |= HTTP1_CHUNK_CONTROL;
    if (!is_extension_whole(place))
        d->oddities |= HTTP1_CHUNK_EXT_SYNTAX;
    d->place = SIZE_CR;
    if (octet == '\n') {
        d->oddities |= HTTP1_CHUNK_BARE_LF;
        end_size_line(d);
    }
}

static void take_extension_octet(struct http1_chunked *d, uint8_t octet)
{
    enum place place = (enum place)d->place;

    if (octet == '\r' || octet == '\n') {
        end_extension(d, octet);
        return;
    }
    d->extension++;
    if (octet == '\0')
        d->oddities |= HTTP1_CHUNK_CONTROL;
    if (is_blank(octet) && !is_quoted(place))
        d->oddities |= HTTP1_CHUNK_EXT_BLANKS;
    d->place = (uint8_t)after_extension_octet(place, octet);
    if (d->place == EXT_LOST ||
        (is_quoted(place) && (octet < ' ' || octet == 0x7f) && octet != '\t'))
        d->oddities |= HTTP1_CHUNK_EXT_SYNTAX;
}

static enum px_status bad_size(const struct http1_chunked *d, uint8_t octet,
                               struct px_error *err)
{
    return px_refuse(err, REQ_HTTP_CHUNKED_SIZE_INVALID, (size_t)d->consumed,
                     "octet %#04x in a chunk size", octet);
}

/* An octet of the size or behind it, before any extension. */
static enum px_status take_size_octet(struct http1_chunked *d, uint8_t octet,
                                      struct px_error *err)
{
    if (d->place != SIZE_BLANKS && hex_value(octet) >= 0) {
        if (d->left >> 60)
            return px_refuse(err, REQ_HTTP_CHUNKED_SIZE_BIG,
                             (size_t)d->consumed,
                             "a chunk size beyond 64 bits");
        take_digit(d, octet);
        return PX_NEED_MORE;
    }
    if (d->place == SIZE_FIRST)
        return bad_size(d, octet, err);
    if (octet == '\r' || octet == '\n') {
        if (d->place == SIZE_BLANKS)
            d->oddities |= HTTP1_CHUNK_SIZE_BLANKS;
        d->place = SIZE_CR;
        if (octet == '\n') {
            d->oddities |= HTTP1_CHUNK_BARE_LF;
            end_size_line(d);
        }
    } else if (octet == ';') {
        if (d->place == SIZE_BLANKS)
            d->oddities |= HTTP1_CHUNK_EXT_BLANKS;
        d->extension++;
        d->place = EXT_NAME;
    } else if (is_blank(octet)) {
        d->extension++;
        d->place = SIZE_BLANKS;
    } else {
        return bad_size(d, octet, err);
    }
    return PX_NEED_MORE;
}

/* The octet behind CR on a size line: LF, or the line goes on. */
static enum px_status take_size_lf(struct http1_chunked *d, uint8_t octet)
{
    if (octet == '\n') {
        end_size_line(d);
        return PX_NEED_MORE;
    }
    d->oddities |= HTTP1_CHUNK_CONTROL;
    d->extension++;
    if (octet != '\r')
        d->place = EXT_LOST;
    return PX_NEED_MORE;
}

static enum px_status take_data_end(struct http1_chunked *d, uint8_t octet,
                                    struct px_error *err)
{
    if (octet == '\r' && d->place == DATA_END) {
        d->place = DATA_CR;
        return PX_NEED_MORE;
    }
    if (octet != '\n')
        return px_refuse(err, REQ_HTTP_CHUNKED_DATA_CRLF, (size_t)d->consumed,
                         "octet %#04x behind the data of a chunk", octet);
    if (d->place == DATA_END)
        d->oddities |= HTTP1_CHUNK_DATA_BARE_LF;
    d->place = SIZE_FIRST;
    return PX_NEED_MORE;
}

/* One octet of framing. */
static enum px_status take_octet(struct http1_chunked *d, uint8_t octet,
                                 struct px_error *err)
{
    if (is_extension((enum place)d->place)) {
        take_extension_octet(d, octet);
        return PX_NEED_MORE;
    }
    if (d->place == SIZE_CR)
        return take_size_lf(d, octet);
    if (d->place == DATA_END || d->place == DATA_CR)
        return take_data_end(d, octet, err);
    return take_size_octet(d, octet, err);
}

/*
 * Octets of the trailer section; returns how many. trailer_line counts what a
 * line holds, twice, and the lowest bit is a CR at its end.
 */
static size_t take_trailer(struct http1_chunked *d, struct px_bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t octet = in.data[i];
        bool is_after_cr = d->trailer_line & 1;

        d->trailer++;
        if (octet == '\n') {
            if (!is_after_cr)
                d->oddities |= HTTP1_CHUNK_TRAILER_BARE_LF;
            if (d->trailer_line < 2) {
                d->place = WHOLE;
                return i + 1;
            }
            d->trailer_line = 0;
        } else if (is_after_cr && octet == '\r') {
            d->trailer_line = 3; /* the CR before was of the line */
        } else {
            d->trailer_line = octet == '\r' ? d->trailer_line | 1 : 2;
        }
    }
    return in.len;
}

static enum px_status check_limits(const struct http1_chunked *d,
                                   const struct http1_chunked_limits *limits,
                                   struct px_error *err)
{
    if (d->extension > limits->extensions)
        return px_refuse(err, REQ_HTTP_CHUNKED_EXT_LIMIT, (size_t)d->consumed,
                         "chunk extensions beyond %zu octets",
                         limits->extensions);
    if (d->trailer > limits->trailers)
        return px_refuse(err, REQ_HTTP_LIMITS_FIELDS_4XX, (size_t)d->consumed,
                         "a trailer section beyond %zu octets",
                         limits->trailers);
    return PX_NEED_MORE;
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* A run of content at the front of in. */
static void take_content(struct http1_chunked *d, struct px_bytes in,
                         struct http1_chunk_piece *piece)
{
    size_t len = least(d->left, in.len);

    *piece = (struct http1_chunk_piece){HTTP1_CHUNK_CONTENT,
                                        px_bytes_of(in.data, len)};
    d->left -= len;
    d->content += len;
    d->consumed += len;
    if (d->left == 0)
        d->place = DATA_END;
}

/* A run of the trailer section, no longer than the limit lets it be. */
static enum px_status take_trailers(struct http1_chunked *d,
                                    const struct http1_chunked_limits *limits,
                                    struct px_bytes in,
                                    struct http1_chunk_piece *piece,
                                    struct px_error *err)
{
    size_t room = limits->trailers - d->trailer + 1;
    size_t len = take_trailer(d, px_bytes_of(in.data, least(room, in.len)));

    *piece = (struct http1_chunk_piece){HTTP1_CHUNK_TRAILER,
                                        px_bytes_of(in.data, len)};
    if (d->trailer > limits->trailers) {
        d->consumed += len - 1; /* the octet too many is the last one */
        return check_limits(d, limits, err);
    }
    d->consumed += len;
    return d->place == WHOLE ? PX_DONE : PX_NEED_MORE;
}

enum px_status http1_chunked_decode(struct http1_chunked *d,
                                    const struct http1_chunked_limits *limits,
                                    struct px_bytes in,
                                    struct http1_chunk_piece *piece,
                                    size_t *used, struct px_error *err)
{
    struct http1_chunk_piece found = {.kind = HTTP1_CHUNK_NOTHING};
    enum px_status status = d->place == WHOLE ? PX_DONE : PX_NEED_MORE;
    size_t at = 0;

    while (at < in.len && status == PX_NEED_MORE &&
           found.kind == HTTP1_CHUNK_NOTHING) {
        struct px_bytes rest = px_bytes_of(in.data + at, in.len - at);

        if (d->place == DATA) {
            take_content(d, rest, &found);
        } else if (d->place == TRAILER) {
            status = take_trailers(d, limits, rest, &found, err);
        } else {
            status = take_octet(d, in.data[at], err);
            if (status == PX_NEED_MORE)
                status = check_limits(d, limits, err);
            if (status == PX_NEED_MORE)
                d->consumed++;
            at++;
        }
        at += found.octets.len;
    }
    if (status == PX_ERROR)
        return PX_ERROR;
    *piece = found;
    *used = at;
    return status;
}

void http1_put_chunk(struct px_bytes data, struct px_writer *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned shift = 0;

    if (data.len == 0)
        return;
    while (shift + 4 < 8 * sizeof(data.len) && data.len >> (shift + 4))
        shift += 4;
    for (unsigned i = 0; i <= shift; i += 4)
        px_put_u8(out, (uint8_t)digits[(data.len >> (shift - i)) & 15]);
    px_put_text(out, "\r\n");
    px_put_bytes(out, data);
    px_put_text(out, "\r\n");
}

void http1_put_last_chunk(struct px_writer *out)
{
    px_put_text(out, "0\r\n\r\n");
}
