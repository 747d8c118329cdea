#include "http1_target.h"

#include <string.h>

#include "http1.h"

static bool is_alpha(uint8_t octet)
{
    return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

static bool is_hex(uint8_t octet)
{
    return is_digit(octet) || (octet >= 'A' && octet <= 'F') ||
           (octet >= 'a' && octet <= 'f');
}

static bool is_one_of(uint8_t octet, const char *octets)
{
    return octet != 0 && strchr(octets, octet) != NULL;
}

/* RFC 3986 section 2: unreserved, reserved and what a "%" begins. */
static bool is_uri_octet(uint8_t octet)
{
    return is_alpha(octet) || is_digit(octet) ||
           is_one_of(octet, "-._~:/?#[]@!$&'()*+,;=%");
}

static bool is_percent_encoded(struct px_bytes in, size_t at)
{
    return at + 2 < in.len && is_hex(in.data[at + 1]) &&
           is_hex(in.data[at + 2]);
}

static bool is_uri_text(struct px_bytes in, struct px_error *err)
{
    for (size_t i = 0; i < in.len; i++) {
        if (is_uri_octet(in.data[i]) &&
            (in.data[i] != '%' || is_percent_encoded(in, i)))
            continue;
        (void)px_refuse(err, REQ_HTTP_LINE_INVALID, i,
                        "octet %#04x in the request-target", in.data[i]);
        return false;
    }
    return true;
}

/* RFC 3986 section 3.1; 0 when in does not begin with a scheme and "://". */
static size_t scheme_len(struct px_bytes in)
{
    size_t len = 0;

    while (len < in.len && (is_alpha(in.data[len]) ||
                            (len > 0 && (is_digit(in.data[len]) ||
                                         is_one_of(in.data[len], "+-.")))))
        len++;
    return len + 3 <= in.len && memcmp(in.data + len, "://", 3) == 0 ? len : 0;
}

/* Where the first of these octets stands in text; text.len when none does. */
static size_t find_any(struct px_bytes text, const char *octets)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_one_of(text.data[i], octets))
            return i;
    }
    return text.len;
}

static struct px_bytes from(struct px_bytes text, size_t at)
{
    return px_bytes_of(text.data + at, text.len - at);
}

/* Where the host ends: behind its bracket, or before the first colon. */
static size_t host_len(struct px_bytes authority)
{
    if (authority.len && authority.data[0] == '[') {
        size_t bracket = find_any(authority, "]");

        return bracket < authority.len ? bracket + 1 : authority.len;
    }
    return find_any(authority, ":");
}

static bool parse_port(struct px_bytes text, uint16_t *out)
{
    uint32_t value = 0;

    if (text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = (uint16_t)value;
    return value <= 65535 && (value > 0 || text.len == 0);
}

static bool parse_authority(struct px_bytes authority, struct http1_target *out,
                            struct px_error *err)
{
    size_t at = find_any(authority, "@");
    size_t len;

    out->has_userinfo = at < authority.len;
    if (out->has_userinfo) {
        out->userinfo = px_bytes_of(authority.data, at);
        authority = from(authority, at + 1);
    }
    len = host_len(authority);
    out->host = px_bytes_of(authority.data, len);
    if (len == 0) {
        (void)px_refuse(err, REQ_HTTP_TARGET_EMPTY_HOST, 0, "an empty host");
        return false;
    }
    if (!http1_parse_host(out->host, &out->endpoint.addr)) {
        (void)px_refuse(err, REQ_HTTP_LINE_INVALID, 0,
                        "the host is no name and no address");
        return false;
    }
    if (len == authority.len ||
        (authority.data[len] == ':' &&
         parse_port(from(authority, len + 1), &out->endpoint.port)))
        return true;
    (void)px_refuse(err, REQ_HTTP_TARGET_PORT_RANGE, 0,
                    "the port is no number from 1 to 65535");
    return false;
}

static bool parse_absolute(struct px_bytes in, size_t scheme,
                           struct http1_target *out, struct px_error *err)
{
    struct px_bytes rest = from(in, scheme + 3);
    size_t authority = find_any(rest, "/?#");

    out->form = HTTP1_TARGET_ABSOLUTE;
    out->scheme = px_bytes_of(in.data, scheme);
    out->is_http = px_equal_nocase(out->scheme, PX_LITERAL("http"));
    out->path = from(rest, authority);
    return parse_authority(px_bytes_of(rest.data, authority), out, err);
}

bool http1_parse_target(struct px_bytes in, struct http1_target *out,
                        struct px_error *err)
{
    struct http1_target target = {.path = {in.data, 0}};
    size_t scheme = scheme_len(in);

    if (!is_uri_text(in, err))
        return false;
    target.has_fragment = find_any(in, "#") < in.len;
    if (scheme) {
        if (!parse_absolute(in, scheme, &target, err))
            return false;
    } else if (in.len && in.data[0] == '/') {
        target.form = HTTP1_TARGET_ORIGIN;
        target.path = in;
    } else if (px_equal(in, PX_LITERAL("*"))) {
        target.form = HTTP1_TARGET_ASTERISK;
    } else {
        target.form = HTTP1_TARGET_AUTHORITY;
        target.host = px_bytes_of(in.data, host_len(in));
        if (!http1_parse_authority(in, &target.endpoint, err)) {
            (void)px_refuse(err, REQ_HTTP_LINE_INVALID, 0,
                            "the request-target has no form");
            return false;
        }
    }
    *out = target;
    return true;
}

void http1_put_host(const struct http1_target *target, struct px_writer *out)
{
    px_put_bytes(out, target->host);
    if (target->endpoint.port == 0 || target->endpoint.port == HTTP1_PORT)
        return;
    px_put_u8(out, ':');
    px_put_decimal(out, target->endpoint.port);
}
