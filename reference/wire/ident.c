#include "ident.h"

#include <string.h>

bool ident_encode_query(uint16_t port_there, uint16_t port_here,
                        struct px_writer *out)
{
    px_put_decimal(out, port_there);
    px_put_text(out, ",");
    px_put_decimal(out, port_here);
    px_put_text(out, "\r\n");
    return !out->is_full;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

static struct px_bytes skip_blanks(struct px_bytes in)
{
    while (in.len && is_blank(in.data[0]))
        in = px_bytes_of(in.data + 1, in.len - 1);
    return in;
}

static struct px_bytes trim(struct px_bytes in)
{
    in = skip_blanks(in);
    while (in.len && is_blank(in.data[in.len - 1]))
        in.len--;
    return in;
}

/* Cuts off what is before the first such octet; false when there is none. */
static bool take_part(struct px_bytes *rest, uint8_t separator,
                      struct px_bytes *part)
{
    const uint8_t *at =
        rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : 0;

    if (!at)
        return false;
    *part = trim(px_bytes_of(rest->data, len));
    *rest = px_bytes_of(at + 1, rest->len - len - 1);
    return true;
}

static bool is_port(struct px_bytes digits, uint16_t port)
{
    uint32_t value = 0;

    if (digits.len == 0 || digits.len > 5)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
    }
    return value == port;
}

/* "PORT , PORT : USERID : SYSTEM : user"; blanks may be around separators, but
 * those of the user id are its own, but for one. */
static struct px_bytes user_of(struct px_bytes line, uint16_t port_there,
                               uint16_t port_here)
{
    static const struct px_bytes none = {0};
    struct px_bytes there, here, kind, system;

    if (!take_part(&line, ',', &there) || !take_part(&line, ':', &here) ||
        !take_part(&line, ':', &kind) || !take_part(&line, ':', &system) ||
        !is_port(there, port_there) || !is_port(here, port_here) ||
        !px_equal_nocase(kind, PX_LITERAL("USERID")))
        return none;
    if (line.len && line.data[0] == ' ')
        line = px_bytes_of(line.data + 1, line.len - 1);
    return line;
}

enum px_status ident_decode_reply(struct px_bytes in, uint16_t port_there,
                                  uint16_t port_here, struct px_bytes *user,
                                  struct px_error *err)
{
    const uint8_t *end = in.len ? memchr(in.data, '\n', in.len) : NULL;
    size_t len = end ? (size_t)(end - in.data) : in.len;

    if (len >= IDENT_REPLY_MAX)
        return px_refuse(err, REQ_NONE, IDENT_REPLY_MAX,
                         "a line of more than %d octets", IDENT_REPLY_MAX);
    if (!end)
        return PX_NEED_MORE;
    if (len && in.data[len - 1] == '\r')
        len--;
    *user = user_of(px_bytes_of(in.data, len), port_there, port_here);
    return PX_DONE;
}
