#include "http1_auth_param.h"

#include "http1.h"

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

static struct px_bytes behind(struct px_bytes in, size_t len)
{
    return px_bytes_of(in.data + len, in.len - len);
}

static struct px_bytes skip_blanks(struct px_bytes in)
{
    size_t len = 0;

    while (len < in.len && is_blank(in.data[len]))
        len++;
    return len ? behind(in, len) : in;
}

/* How many octets at the front make a token; 0 when there is none. */
static size_t token_len(struct px_bytes in)
{
    size_t len = 0;

    while (len < in.len && http1_is_token(px_bytes_of(&in.data[len], 1)))
        len++;
    return len;
}

/* qdtext and obs-text of RFC 9110 section 5.6.4, and what a pair may hold. */
static bool may_be_quoted(uint8_t octet)
{
    return octet == '\t' || (octet >= ' ' && octet != 0x7f);
}

/* How many octets a quoted-string at the front has, with its quotes; 0 when
 * it does not end or holds what may not stand in it. */
static size_t quoted_len(struct px_bytes in)
{
    for (size_t at = 1; at < in.len; at++) {
        if (in.data[at] == '"')
            return at + 1;
        if (in.data[at] == '\\')
            at++;
        if (at < in.len && !may_be_quoted(in.data[at]))
            return 0;
    }
    return 0;
}

static bool take_value(struct px_bytes *rest, struct http1_auth_param *out)
{
    size_t len;

    out->is_quoted = rest->len && rest->data[0] == '"';
    len = out->is_quoted ? quoted_len(*rest) : token_len(*rest);
    if (len == 0)
        return false;
    out->value = out->is_quoted ? px_bytes_of(rest->data + 1, len - 2)
                                : px_bytes_of(rest->data, len);
    *rest = behind(*rest, len);
    return true;
}

bool http1_split_credentials(struct px_bytes value, struct px_bytes *scheme,
                             struct px_bytes *rest)
{
    size_t len = token_len(value);
    size_t end = len;

    if (len == 0 || (len < value.len && value.data[len] != ' '))
        return false;
    while (end < value.len && value.data[end] == ' ')
        end++;
    *scheme = px_bytes_of(value.data, len);
    *rest = behind(value, end);
    return true;
}

enum http1_auth_next http1_next_auth_param(struct px_bytes *rest,
                                           struct http1_auth_param *out)
{
    struct px_bytes in = *rest;
    struct http1_auth_param param;
    size_t len;

    while (in.len && (is_blank(in.data[0]) || in.data[0] == ','))
        in = behind(in, 1);
    if (in.len == 0) {
        *rest = in;
        return HTTP1_AUTH_END;
    }
    len = token_len(in);
    param.name = px_bytes_of(in.data, len);
    in = skip_blanks(behind(in, len));
    if (len == 0 || in.len == 0 || in.data[0] != '=')
        return HTTP1_AUTH_BAD;
    in = skip_blanks(behind(in, 1));
    if (!take_value(&in, &param))
        return HTTP1_AUTH_BAD;
    in = skip_blanks(in);
    if (in.len && in.data[0] != ',')
        return HTTP1_AUTH_BAD;
    *rest = in;
    *out = param;
    return HTTP1_AUTH_PARAM;
}

void http1_put_auth_value(const struct http1_auth_param *param,
                          struct px_writer *out)
{
    for (size_t at = 0; at < param->value.len; at++) {
        if (param->is_quoted && param->value.data[at] == '\\' &&
            at + 1 < param->value.len)
            at++;
        px_put_u8(out, param->value.data[at]);
    }
}

void http1_put_quoted(struct px_bytes text, struct px_writer *out)
{
    px_put_u8(out, '"');
    for (size_t at = 0; at < text.len; at++) {
        if (text.data[at] == '"' || text.data[at] == '\\')
            px_put_u8(out, '\\');
        px_put_u8(out, text.data[at]);
    }
    px_put_u8(out, '"');
}
