#include "px.h"

#include <stdio.h>
#include <string.h>

bool px_equal(struct px_bytes a, struct px_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

bool px_equal_nocase(struct px_bytes a, struct px_bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

enum px_status px_refuse(struct px_error *err, enum requirement req,
                         size_t offset, const char *format, ...)
{
    va_list args;

    *err = (struct px_error){.req = req, .offset = offset};
    va_start(args, format);
    (void)vsnprintf(err->detail, sizeof(err->detail), format, args);
    va_end(args);
    return PX_ERROR;
}

enum px_status px_fail(struct px_error *err, int sys_errno, const char *format,
                       ...)
{
    va_list args;

    *err = (struct px_error){.sys_errno = sys_errno};
    va_start(args, format);
    (void)vsnprintf(err->detail, sizeof(err->detail), format, args);
    va_end(args);
    return PX_ERROR;
}

struct px_cursor px_cursor_over(struct px_bytes in)
{
    return (struct px_cursor){.in = in};
}

size_t px_cursor_used(const struct px_cursor *c)
{
    return c->at;
}

struct px_bytes px_cursor_rest(const struct px_cursor *c)
{
    if (c->at == c->in.len)
        return (struct px_bytes){0};
    return px_bytes_of(c->in.data + c->at, c->in.len - c->at);
}

bool px_take_u8(struct px_cursor *c, uint8_t *out)
{
    if (c->in.len - c->at < 1)
        return false;
    *out = c->in.data[c->at++];
    return true;
}

bool px_take_be16(struct px_cursor *c, uint16_t *out)
{
    if (c->in.len - c->at < 2)
        return false;
    *out = (uint16_t)(c->in.data[c->at] << 8 | c->in.data[c->at + 1]);
    c->at += 2;
    return true;
}

bool px_take_bytes(struct px_cursor *c, size_t len, struct px_bytes *out)
{
    if (c->in.len - c->at < len)
        return false;
    *out = len ? px_bytes_of(c->in.data + c->at, len) : (struct px_bytes){0};
    c->at += len;
    return true;
}

struct px_writer px_writer_over(uint8_t *data, size_t cap)
{
    return (struct px_writer){.data = data, .cap = cap};
}

void px_put_bytes(struct px_writer *w, struct px_bytes bytes)
{
    if (w->is_full || w->cap - w->len < bytes.len) {
        w->is_full = true;
        return;
    }
    if (bytes.len)
        memcpy(w->data + w->len, bytes.data, bytes.len);
    w->len += bytes.len;
}

void px_put_u8(struct px_writer *w, uint8_t value)
{
    px_put_bytes(w, px_bytes_of(&value, 1));
}

void px_put_be16(struct px_writer *w, uint16_t value)
{
    const uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    px_put_bytes(w, px_bytes_of(octets, sizeof(octets)));
}

void px_put_text(struct px_writer *w, const char *text)
{
    px_put_bytes(w, px_bytes_of(text, strlen(text)));
}

void px_put_decimal(struct px_writer *w, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value);
    px_put_bytes(w, px_bytes_of(digits + at, sizeof(digits) - at));
}

struct px_bytes px_written(const struct px_writer *w)
{
    return px_bytes_of(w->data, w->len);
}

static void put_printable(struct px_writer *w, struct px_bytes text)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t octet = text.data[i];

        if (octet > ' ' && octet < 0x7f && octet != '\\') {
            px_put_u8(w, octet);
        } else {
            px_put_text(w, "\\x");
            px_put_u8(w, (uint8_t)hex[octet >> 4]);
            px_put_u8(w, (uint8_t)hex[octet & 15]);
        }
    }
}

static void put_ipv4(struct px_writer *w, const uint8_t ip[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i)
            px_put_u8(w, '.');
        px_put_decimal(w, ip[i]);
    }
}

/* The longest run of zero groups, two at least (RFC 5952 section 4.2). */
static size_t longest_zero_run(const uint16_t group[8], size_t *run)
{
    size_t best = 8;

    *run = 1;
    for (size_t at = 0; at < 8; at++) {
        size_t len = 0;

        while (at + len < 8 && group[at + len] == 0)
            len++;
        if (len > *run) {
            *run = len;
            best = at;
        }
    }
    return best;
}

static void put_hex_group(struct px_writer *w, uint16_t group)
{
    static const char hex[] = "0123456789abcdef";
    bool is_started = false;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = (unsigned)group >> shift & 15u;

        if (digit || is_started || shift == 0) {
            px_put_u8(w, (uint8_t)hex[digit]);
            is_started = true;
        }
    }
}

static void put_ipv6(struct px_writer *w, const uint8_t ip[16])
{
    uint16_t group[8];
    size_t run, gap;

    for (size_t i = 0; i < 8; i++)
        group[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
    gap = longest_zero_run(group, &run);
    px_put_u8(w, '[');
    for (size_t i = 0; i < 8; i++) {
        if (i == gap) {
            px_put_text(w, "::");
            i += run - 1;
            continue;
        }
        if (i && i != gap + run)
            px_put_u8(w, ':');
        put_hex_group(w, group[i]);
    }
    px_put_u8(w, ']');
}

struct px_address px_plain_address(const struct px_address *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct px_address out = {.kind = PX_ADDRESS_IPV4};

    if (addr->kind != PX_ADDRESS_IPV6 ||
        memcmp(addr->ip, mapped, sizeof(mapped)) != 0)
        return *addr;
    memcpy(out.ip, addr->ip + sizeof(mapped), 4);
    return out;
}

void px_format_endpoint(const struct px_endpoint *endpoint,
                        char out[PX_ENDPOINT_TEXT_MAX])
{
    struct px_writer w =
        px_writer_over((uint8_t *)out, PX_ENDPOINT_TEXT_MAX - 1);

    switch (endpoint->addr.kind) {
    case PX_ADDRESS_NONE:
        px_put_text(&w, "-");
        break;
    case PX_ADDRESS_IPV4:
        put_ipv4(&w, endpoint->addr.ip);
        break;
    case PX_ADDRESS_IPV6:
        put_ipv6(&w, endpoint->addr.ip);
        break;
    case PX_ADDRESS_NAME:
        put_printable(&w, endpoint->addr.name);
        break;
    }
    px_put_u8(&w, ':');
    px_put_decimal(&w, endpoint->port);
    out[w.len] = '\0';
}
