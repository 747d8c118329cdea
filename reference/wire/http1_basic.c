#include <string.h>

#include "http1.h"

static int base64_value(uint8_t octet)
{
    if (octet >= 'A' && octet <= 'Z')
        return octet - 'A';
    if (octet >= 'a' && octet <= 'z')
        return octet - 'a' + 26;
    if (octet >= '0' && octet <= '9')
        return octet - '0' + 52;
    return octet == '+' ? 62 : octet == '/' ? 63 : -1;
}

/* RFC 4648 section 4, padding required, nothing tolerated in between. */
static bool decode_base64(struct px_bytes in, struct px_writer *out)
{
    for (size_t at = 0; at < in.len; at += 4) {
        size_t pad = 0;
        uint32_t bits = 0;

        if (in.len - at < 4)
            return false;
        if (at + 4 == in.len) {
            pad += in.data[at + 3] == '=';
            pad += pad && in.data[at + 2] == '=';
        }
        for (size_t i = 0; i < 4 - pad; i++) {
            int value = base64_value(in.data[at + i]);

            if (value < 0)
                return false;
            bits |= (uint32_t)value << (18 - 6 * i);
        }
        for (size_t i = 0; i < 3 - pad; i++)
            px_put_u8(out, (uint8_t)(bits >> (16 - 8 * i)));
        if (pad && (bits & (pad == 1 ? 0xffu : 0xffffu)))
            return false; /* bits that no encoder sets */
    }
    return !out->is_full;
}

bool http1_parse_basic(struct px_bytes value, uint8_t *buf, size_t cap,
                       struct px_bytes *user, struct px_bytes *password)
{
    static const struct px_bytes scheme = {(const uint8_t *)"Basic", 5};
    struct px_writer out = px_writer_over(buf, cap);
    const uint8_t *colon;
    size_t at = scheme.len;

    if (value.len <= at ||
        !px_equal_nocase(px_bytes_of(value.data, at), scheme) ||
        value.data[at] != ' ')
        return false;
    while (at < value.len && value.data[at] == ' ')
        at++;
    if (at == value.len ||
        !decode_base64(px_bytes_of(value.data + at, value.len - at), &out) ||
        out.len == 0)
        return false;
    colon = memchr(buf, ':', out.len);
    if (!colon)
        return false;
    *user = px_bytes_of(buf, (size_t)(colon - buf));
    *password = px_bytes_of(colon + 1, out.len - user->len - 1);
    return true;
}

/* Octet i of user ":" password. */
static uint8_t credential_octet(struct px_bytes user, struct px_bytes password,
                                size_t i)
{
    if (i < user.len)
        return user.data[i];
    return i == user.len ? ':' : password.data[i - user.len - 1];
}

void http1_write_basic(struct px_bytes user, struct px_bytes password,
                       struct px_writer *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = user.len + 1 + password.len;

    px_put_text(out, "Basic ");
    for (size_t at = 0; at < len; at += 3) {
        size_t have = len - at < 3 ? len - at : 3;
        uint32_t bits = 0;

        for (size_t i = 0; i < have; i++)
            bits |= (uint32_t)credential_octet(user, password, at + i)
                    << (16 - 8 * i);
        for (size_t i = 0; i < 4; i++) {
            if (i <= have)
                px_put_u8(out, (uint8_t)alphabet[bits >> (18 - 6 * i) & 63u]);
            else
                px_put_u8(out, '=');
        }
    }
}
