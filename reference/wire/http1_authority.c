#include <string.h>

#include "http1.h"

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

/* RFC 3986 section 3.2.2: dec-octet four times; nothing else is IPv4. */
static bool parse_ipv4(struct px_bytes text, uint8_t out[4])
{
    size_t at = 0;

    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0;
        size_t digits = 0;

        if (i && (at >= text.len || text.data[at++] != '.'))
            return false;
        while (at < text.len && is_digit(text.data[at]) && digits < 4) {
            value = value * 10 + (unsigned)(text.data[at++] - '0');
            digits++;
        }
        if (digits == 0 || digits > 3 || value > 255 ||
            (digits > 1 && text.data[at - digits] == '0'))
            return false;
        out[i] = (uint8_t)value;
    }
    return at == text.len;
}

static int hex_value(uint8_t octet)
{
    if (is_digit(octet))
        return octet - '0';
    octet |= 0x20;
    return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

/* An IPv6 literal being read: groups before and after the "::". */
struct ipv6_reader {
    uint8_t octets[16];
    size_t len; /* octets read so far */
    int gap;    /* where "::" stood; -1 when it did not */
};

/* Reads h16 at *at; false when there is none of 1 to 4 digits. */
static bool take_group(struct px_bytes text, size_t *at, unsigned *value)
{
    size_t digits = 0;

    *value = 0;
    while (*at < text.len && hex_value(text.data[*at]) >= 0 && digits < 5) {
        *value = *value << 4 | (unsigned)hex_value(text.data[(*at)++]);
        digits++;
    }
    return digits > 0 && digits < 5;
}

static bool take_ipv4_tail(struct px_bytes text, size_t at,
                           struct ipv6_reader *r)
{
    if (r->len > 12 || !parse_ipv4(px_bytes_of(text.data + at, text.len - at),
                                   r->octets + r->len))
        return false;
    r->len += 4;
    return true;
}

static bool is_gap(struct px_bytes text, size_t at)
{
    return at + 1 < text.len && text.data[at] == ':' &&
           text.data[at + 1] == ':';
}

/* RFC 4291 section 2.2, with the rule that "::" stands for a group at least. */
static bool read_groups(struct px_bytes text, struct ipv6_reader *r)
{
    size_t at = 0;

    if (is_gap(text, 0)) {
        r->gap = 0;
        at = 2;
    }
    while (at < text.len) {
        size_t begin = at;
        unsigned value;

        if (!take_group(text, &at, &value))
            return false;
        if (at < text.len && text.data[at] == '.')
            return take_ipv4_tail(text, begin, r);
        if (r->len > 14)
            return false;
        r->octets[r->len++] = (uint8_t)(value >> 8);
        r->octets[r->len++] = (uint8_t)value;
        if (at == text.len)
            return true;
        if (is_gap(text, at)) {
            if (r->gap >= 0)
                return false;
            r->gap = (int)r->len;
            at += 2;
        } else if (text.data[at] == ':' && at + 1 < text.len) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

static bool parse_ipv6(struct px_bytes text, uint8_t out[16])
{
    struct ipv6_reader r = {.gap = -1};
    size_t tail;

    if (!read_groups(text, &r))
        return false;
    if (r.gap < 0 ? r.len != 16 : r.len > 14)
        return false;
    memset(out, 0, 16);
    if (r.gap < 0) {
        memcpy(out, r.octets, 16);
        return true;
    }
    tail = r.len - (size_t)r.gap;
    memcpy(out, r.octets, (size_t)r.gap);
    memcpy(out + 16 - tail, r.octets + r.gap, tail);
    return true;
}

/*
 * The reg-name octets of RFC 3986 that a host name may hold: unreserved and
 * sub-delims without the comma, which would make a list of it, and no
 * percent-encoding, which the resolver could not read.
 */
static bool is_name_octet(uint8_t octet)
{
    if (is_digit(octet) || (octet >= 'A' && octet <= 'Z') ||
        (octet >= 'a' && octet <= 'z'))
        return true;
    return octet != 0 && strchr("-._~!$&'()*+;=", octet) != NULL;
}

static bool parse_port(struct px_bytes text, uint16_t *out)
{
    uint32_t value = 0;

    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = (uint16_t)value;
    return value <= 65535;
}

bool http1_parse_host(struct px_bytes in, struct px_address *out)
{
    struct px_address addr = {0};

    if (in.len == 0 || in.len > PX_NAME_MAX)
        return false;
    if (in.data[0] == '[') {
        if (in.data[in.len - 1] != ']' || in.len < 3 ||
            !parse_ipv6(px_bytes_of(in.data + 1, in.len - 2), addr.ip))
            return false;
        addr.kind = PX_ADDRESS_IPV6;
    } else if (parse_ipv4(in, addr.ip)) {
        addr.kind = PX_ADDRESS_IPV4;
    } else {
        for (size_t i = 0; i < in.len; i++) {
            if (!is_name_octet(in.data[i]))
                return false;
        }
        memset(addr.ip, 0, sizeof(addr.ip));
        addr.kind = PX_ADDRESS_NAME;
        addr.name = in;
    }
    *out = addr;
    return true;
}

/* Where the host ends: at the bracket, or else before the only colon. */
static bool split_authority(struct px_bytes in, struct px_bytes *host,
                            struct px_bytes *port)
{
    const uint8_t *end = in.len ? in.data + in.len : NULL;
    const uint8_t *colon;

    if (in.len == 0)
        return false;
    if (in.data[0] == '[') {
        const uint8_t *bracket = memchr(in.data, ']', in.len);

        colon = bracket ? bracket + 1 : end;
    } else {
        colon = memchr(in.data, ':', in.len);
    }
    if (!colon || colon == end || *colon != ':')
        return false;
    *host = px_bytes_of(in.data, (size_t)(colon - in.data));
    *port = px_bytes_of(colon + 1, (size_t)(end - colon - 1));
    return true;
}

bool http1_parse_authority(struct px_bytes in, struct px_endpoint *out,
                           struct px_error *err)
{
    struct px_endpoint endpoint = {0};
    struct px_bytes host, port;

    if (!split_authority(in, &host, &port)) {
        (void)px_refuse(err, REQ_HTTP_CONNECT_TARGET_FORM, 0,
                        "no host \":\" port");
        return false;
    }
    if (!http1_parse_host(host, &endpoint.addr)) {
        (void)px_refuse(err, REQ_HTTP_CONNECT_TARGET_FORM, 0,
                        "the host is no name and no address");
        return false;
    }
    if (!parse_port(port, &endpoint.port)) {
        (void)px_refuse(err, REQ_HTTP_CONNECT_PORT_INVALID, host.len + 1,
                        "the port is no number up to 65535");
        return false;
    }
    *out = endpoint;
    return true;
}
