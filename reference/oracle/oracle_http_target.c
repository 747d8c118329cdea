/*
 * Request-targets and Host values: RFC 9112 section 3.2, RFC 3986 section
 * 3.2. What the grammar allows and http1_parse_authority() does not read
 * (percent-encoding, commas, long names) is not judged.
 */

#include "oracle_internal.h"

#include <string.h>

bool http_has_octet(struct px_bytes text, uint8_t octet)
{
    return text.len && memchr(text.data, octet, text.len) != NULL;
}

uint32_t http_digest_exact(struct px_bytes text)
{
    uint32_t digest = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < text.len; i++)
        digest = (digest ^ text.data[i]) * 16777619u;
    return digest;
}

uint32_t http_digest(struct px_bytes text)
{
    uint32_t digest = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < text.len; i++) {
        uint8_t octet = text.data[i];

        if (octet >= 'A' && octet <= 'Z')
            octet |= 0x20;
        digest = (digest ^ octet) * 16777619u;
    }
    return digest;
}

static size_t count_octets(struct px_bytes text, uint8_t octet)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == octet;
    return count;
}

static bool is_beyond_us(struct px_bytes text)
{
    return text.len > PX_NAME_MAX || http_has_octet(text, '%') ||
           http_has_octet(text, ',') ||
           (text.len > 1 && text.data[0] == '[' &&
            (text.data[1] | 0x20) == 'v'); /* IPvFuture */
}

struct px_bytes http_after(struct px_bytes text, size_t len)
{
    return len ? px_bytes_of(text.data + len, text.len - len) : text;
}

/* Cuts at the first octet of the set. */
static struct px_bytes up_to(struct px_bytes text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] && strchr(set, text.data[i]))
            return px_bytes_of(text.data, i);
    }
    return text;
}

enum http_target http_read_connect_target(struct px_bytes target,
                                          struct px_endpoint *out)
{
    struct px_error err;

    if (http1_parse_authority(target, out, &err))
        return TARGET_GOOD;
    if (up_to(target, "/@?#").len < target.len)
        return TARGET_BAD_FORM;
    if (is_beyond_us(target))
        return TARGET_UNJUDGED;
    if (target.len && target.data[0] == '[')
        return http_has_octet(target, ']') && target.data[target.len - 1] == ']'
                   ? TARGET_NO_PORT
               : err.req == REQ_HTTP_CONNECT_PORT_INVALID ? TARGET_BAD_PORT
                                                          : TARGET_BAD_FORM;
    /* A dotted part stands last in an IPv6 literal (RFC 4291, 2.2). */
    if (count_octets(target, ':') > 1)
        return http_has_octet(up_to(target, ":"), '.') ? TARGET_BAD_PORT
                                                       : TARGET_BAD_IPV6;
    if (!http_has_octet(target, ':') || target.data[target.len - 1] == ':')
        return TARGET_NO_PORT;
    return err.req == REQ_HTTP_CONNECT_PORT_INVALID ? TARGET_BAD_PORT
                                                    : TARGET_BAD_FORM;
}

bool http_begins(struct px_bytes text, struct px_bytes with)
{
    return text.len >= with.len &&
           px_equal_nocase(px_bytes_of(text.data, with.len), with);
}

bool http_is_absolute(struct px_bytes target)
{
    return http_begins(target, PX_LITERAL("http://")) ||
           http_begins(target, PX_LITERAL("https://")) ||
           http_begins(target, PX_LITERAL("ftp://"));
}

struct px_bytes http_authority_of(struct px_bytes target)
{
    const uint8_t *slashes = memchr(target.data, '/', target.len);
    size_t at = (size_t)(slashes - target.data) + 2;

    return up_to(http_after(target, at), "/?#");
}

/* Splits at the colon outside brackets; port.data is NULL without one. */
static void split_host(struct px_bytes text, struct px_bytes *host,
                       struct px_bytes *port)
{
    *host = text;
    *port = (struct px_bytes){0};
    for (size_t i = text.len; i > 0 && text.data[i - 1] != ']'; i--) {
        if (text.data[i - 1] != ':')
            continue;
        *host = px_bytes_of(text.data, i - 1);
        *port = http_after(text, i);
        return;
    }
}

static bool is_digits(struct px_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return true;
}

bool http_is_host_invalid(struct px_bytes value)
{
    struct px_bytes host, port;

    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f ||
            strchr("/?#@\\<>\"^`{|}", value.data[i]))
            return true;
    }
    split_host(value, &host, &port);
    if (!is_digits(port))
        return true;
    if (host.len && host.data[0] == '[')
        return host.data[host.len - 1] != ']';
    return http_has_octet(host, ':') || http_has_octet(host, '[') ||
           http_has_octet(host, ']');
}

static void drop_last_dot(struct px_address *addr)
{
    if (addr->kind == PX_ADDRESS_NAME && addr->name.len > 1 &&
        addr->name.data[addr->name.len - 1] == '.')
        addr->name.len--;
}

static bool parse_port(struct px_bytes text, uint16_t *out)
{
    uint32_t value = 0;

    if (text.len == 0 || text.len > 5 || !is_digits(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    *out = (uint16_t)value;
    return value <= 65535;
}

bool http_read_host(struct px_bytes text, uint16_t default_port,
                    struct px_endpoint *out)
{
    struct px_bytes host, port;

    split_host(text, &host, &port);
    if (!http1_parse_host(host, &out->addr))
        return false;
    drop_last_dot(&out->addr);
    out->port = default_port;
    return port.len == 0 || parse_port(port, &out->port);
}

bool http_is_same(const struct px_endpoint *a, const struct px_endpoint *b)
{
    return a->port == b->port && a->addr.kind == b->addr.kind &&
           memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip)) == 0 &&
           px_equal_nocase(a->addr.name, b->addr.name);
}
