#include "chunked_witness.h"

#include <string.h>

/* What is still to be read; is_right falls with the first wrong octet. */
struct reader {
    struct px_bytes rest;
    bool is_right;
};

static int peek(const struct reader *r)
{
    return r->rest.len ? r->rest.data[0] : -1;
}

static void skip(struct reader *r, size_t len)
{
    r->rest = px_bytes_of(r->rest.data + len, r->rest.len - len);
}

static bool take(struct reader *r, int octet)
{
    if (peek(r) != octet)
        return false;
    skip(r, 1);
    return true;
}

static void need(struct reader *r, int octet)
{
    r->is_right = r->is_right && take(r, octet);
}

/* RFC 9110 section 5.6.2. */
static bool is_tchar(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') ||
           (c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void need_token(struct reader *r)
{
    r->is_right = r->is_right && is_tchar(peek(r));
    while (is_tchar(peek(r)))
        skip(r, 1);
}

/* RFC 9110 section 5.6.4: what is no control, and blanks. */
static bool is_text(int c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static void need_quoted(struct reader *r)
{
    need(r, '"');
    while (r->is_right && !take(r, '"')) {
        (void)take(r, '\\');
        r->is_right = is_text(peek(r));
        if (r->is_right)
            skip(r, 1);
    }
}

static void need_extensions(struct reader *r)
{
    while (r->is_right && take(r, ';')) {
        need_token(r);
        if (!r->is_right || !take(r, '='))
            continue;
        if (peek(r) == '"')
            need_quoted(r);
        else
            need_token(r);
    }
}

/* Digits of a size; one that no memory holds is wrong here. */
static size_t need_size(struct reader *r, size_t *zeros)
{
    enum { DIGITS_MAX = 2 * sizeof(size_t) - 1 };
    static const char digits[] = "0123456789abcdef";
    size_t value = 0, count = 0, significant = 0;

    *zeros = 0;
    for (const char *at;
         peek(r) > 0 && (at = strchr(digits, peek(r) >= 'A' && peek(r) <= 'F'
                                                 ? peek(r) + ('a' - 'A')
                                                 : peek(r))) != NULL;
         count++) {
        value = value * 16 + (size_t)(at - digits);
        significant += value != 0;
        *zeros += value == 0;
        skip(r, 1);
    }
    r->is_right = r->is_right && count > 0 && significant <= DIGITS_MAX;
    return value;
}

/* The size of the chunk that begins here. */
static size_t need_size_line(struct reader *r, struct chunked_witness *out)
{
    size_t zeros, before;
    size_t size = need_size(r, &zeros);

    before = r->rest.len;
    need_extensions(r);
    out->extension += zeros + before - r->rest.len;
    need(r, '\r');
    need(r, '\n');
    return size;
}

/* Lines up to the first empty one; each ends in CR LF. */
static void need_trailers(struct reader *r, struct chunked_witness *out)
{
    struct px_bytes begin = r->rest;
    size_t len = 0;

    while (r->is_right && len != 2) {
        const uint8_t *lf =
            r->rest.len ? memchr(r->rest.data, '\n', r->rest.len) : NULL;

        len = lf ? (size_t)(lf - r->rest.data) + 1 : 0;
        r->is_right = len >= 2 && lf[-1] == '\r';
        if (r->is_right)
            skip(r, len);
    }
    out->trailers = px_bytes_of(begin.data, begin.len - r->rest.len);
}

struct chunked_witness chunked_witness_read(struct px_bytes in,
                                            uint8_t *content)
{
    struct chunked_witness out = {.is_whole = false};
    struct reader r = {in, true};
    size_t size;

    while ((size = need_size_line(&r, &out)) > 0 && r.is_right) {
        r.is_right = size <= r.rest.len;
        if (!r.is_right)
            break;
        memcpy(content + out.content, r.rest.data, size);
        out.content += size;
        out.chunks++;
        skip(&r, size);
        need(&r, '\r');
        need(&r, '\n');
    }
    need_trailers(&r, &out);
    out.is_whole = r.is_right;
    out.end = in.len - r.rest.len;
    return out;
}
