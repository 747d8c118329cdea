#include "access.h"

#include <assert.h>
#include <string.h>

#include "http1.h"

enum { PATH_MAX_LEN = 16384 }; /* no request-line that is read holds more */

/* Reading a rule ------------------------------------------------------------*/

static bool refuse(struct px_error *err, const char *why)
{
    (void)px_refuse(err, REQ_NONE, 0, "%s", why);
    return false;
}

static struct px_bytes from(struct px_bytes text, size_t at)
{
    return px_bytes_of(text.data + at, text.len - at);
}

/* Where octet stands first; text.len when nowhere. */
static size_t find(struct px_bytes text, uint8_t octet)
{
    const uint8_t *at = text.len ? memchr(text.data, octet, text.len) : NULL;

    return at ? (size_t)(at - text.data) : text.len;
}

static bool is_star(struct px_bytes text)
{
    return px_equal(text, PX_LITERAL("*"));
}

static bool holds_only(struct px_bytes text, const char *octets)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == 0 || !strchr(octets, text.data[i]))
            return false;
    }
    return true;
}

static bool is_tunnel(struct px_bytes method)
{
    return px_equal_nocase(method, PX_LITERAL("CONNECT")) ||
           px_equal_nocase(method, PX_LITERAL("BIND")) ||
           px_equal_nocase(method, PX_LITERAL("UDP"));
}

static bool parse_method(struct px_bytes *rest, struct access_rule *out,
                         struct px_error *err)
{
    size_t len = find(*rest, ' ');

    if (len == rest->len)
        return true;
    out->method = px_bytes_of(rest->data, len);
    *rest = from(*rest, len + 1);
    if (!http1_is_token(out->method))
        return refuse(err, "what is before the space is no method");
    if (is_star(out->method))
        out->method.len = 0;
    return true;
}

static bool parse_host(struct px_bytes *rest, struct access_rule *out,
                       struct px_error *err)
{
    size_t slash = find(*rest, '/'), len = find(*rest, ':');
    bool is_literal = rest->len && rest->data[0] == '[';
    struct px_bytes host;

    if (is_literal)
        len = find(*rest, ']') + 1;
    if (len > slash)
        len = slash;
    host = px_bytes_of(rest->data, len);
    *rest = from(*rest, len);
    if (host.len == 0)
        return refuse(err, "it names no host");
    if (!http1_parse_host(host, &out->host))
        return refuse(err, "its host is no name, IPv4 or [IPv6] address");
    if (out->host.kind == PX_ADDRESS_NAME && !is_star(host) &&
        holds_only(host, "0123456789.*"))
        return refuse(err, "its host is no whole address");
    out->host = px_plain_address(&out->host);
    return true;
}

static bool parse_port(struct px_bytes *rest, struct access_rule *out,
                       struct px_error *err)
{
    struct px_bytes text;
    uint32_t port = 0;
    size_t len;

    if (rest->len == 0 || rest->data[0] != ':')
        return true;
    *rest = from(*rest, 1);
    len = find(*rest, '/');
    text = px_bytes_of(rest->data, len);
    *rest = from(*rest, len);
    if (is_star(text))
        return true;
    if (text.len <= 5 && holds_only(text, "0123456789")) {
        for (size_t i = 0; i < text.len; i++)
            port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    out->port = (uint16_t)port;
    return (port > 0 && port <= 65535) ||
           refuse(err, "its port is no number from 1 to 65535 and no \"*\"");
}

static bool parse_path(struct px_bytes path, struct access_rule *out,
                       struct px_error *err)
{
    bool is_address = out->host.kind != PX_ADDRESS_NAME;

    out->path = path;
    if (path.len == 0)
        return true;
    if (path.data[0] != '/')
        return refuse(err, "what is behind its host is no port and no path");
    if (is_tunnel(out->method))
        return refuse(err, "no path is seen inside of a tunnel");
    if (is_address && out->port == 0 && path.len > 1 && path.len <= 4 &&
        holds_only(from(path, 1), "0123456789"))
        return refuse(err, "addresses have no prefix lengths");
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= ' ' || path.data[i] == 0x7F ||
            strchr("?#%", path.data[i]))
            return refuse(err, "its path holds a space, '?', '#' or '%'");
    }
    return true;
}

bool access_parse(struct px_bytes text, struct access_rule *out,
                  struct px_error *err)
{
    struct access_rule rule = {0};

    if (text.len > ACCESS_RULE_MAX)
        return refuse(err, "it is too long");
    if (!parse_method(&text, &rule, err) || !parse_host(&text, &rule, err) ||
        !parse_port(&text, &rule, err) || !parse_path(text, &rule, err))
        return false;
    *out = rule;
    return true;
}

/* Comparing -----------------------------------------------------------------*/

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

/* How much of a text a pattern has to describe. */
enum extent {
    WHOLE,
    UP_TO_SEGMENT, /* or its begin, up to a "/" */
};

struct comparison {
    struct px_bytes pattern;
    struct px_bytes text;
    bool is_case_ignored;
    enum extent extent;
};

static bool is_same(const struct comparison *c, size_t p, size_t t)
{
    uint8_t a = c->pattern.data[p], b = c->text.data[t];

    return c->is_case_ignored ? lower(a) == lower(b) : a == b;
}

/* Whether the pattern may end where t octets of the text are described. */
static bool is_end(const struct comparison *c, size_t t)
{
    if (t == c->text.len)
        return true;
    return c->extent == UP_TO_SEGMENT &&
           (c->text.data[t] == '/' || (t > 0 && c->text.data[t - 1] == '/'));
}

/*
 * A "*" takes as few octets as possible, and one more whenever what follows it
 * fails: only the last one needs to be tried again.
 */
static bool matches(const struct comparison *c)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

    for (;;) {
        if (p < c->pattern.len && c->pattern.data[p] == '*') {
            star = p++;
            taken = t;
        } else if (p == c->pattern.len && is_end(c, t)) {
            return true;
        } else if (p < c->pattern.len && t < c->text.len && is_same(c, p, t)) {
            p++;
            t++;
        } else if (star != SIZE_MAX && taken < c->text.len) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
}

/* The name without what says that it is whole (RFC 1034 section 3.1). */
static struct px_bytes without_dot(struct px_bytes name)
{
    while (name.len > 1 && name.data[name.len - 1] == '.')
        name.len--;
    return name;
}

static bool is_name_ruled(struct px_bytes pattern, struct px_bytes name,
                          unsigned lapses)
{
    const struct comparison c = {
        .pattern = without_dot(pattern),
        .text = lapses & ACCESS_LAPSE_DOT ? name : without_dot(name),
        .is_case_ignored = !(lapses & ACCESS_LAPSE_CASE),
    };

    return matches(&c);
}

/* Connecting to "this host" (RFC 1122 section 3.2.1.3) ends at the loopback. */
static struct px_address connected_address(const struct px_address *addr)
{
    static const uint8_t zero[16];
    struct px_address out = px_plain_address(addr);

    if (memcmp(out.ip, zero, sizeof(zero)) != 0)
        return out;
    if (out.kind == PX_ADDRESS_IPV4) {
        out.ip[0] = 127;
        out.ip[3] = 1;
    } else {
        out.ip[15] = 1;
    }
    return out;
}

static bool is_same_address(const struct px_address *rule,
                            const struct px_address *addr)
{
    struct px_address a = connected_address(rule), b = connected_address(addr);

    return a.kind == b.kind && memcmp(a.ip, b.ip, sizeof(a.ip)) == 0;
}

/* Readings of a path --------------------------------------------------------*/

/* What origins do, or do not do, before they look at a path. */
enum reading {
    READ_CODED_SLASH = 1 << 0,   /* "%2F" and "%5C" separate segments */
    READ_MERGED = 1 << 1,        /* empty segments do not count */
    READ_NO_PARAMETERS = 1 << 2, /* what follows a ";" in a segment neither */
    READ_TO_ZERO = 1 << 3,       /* "%00" ends the path */
    READINGS = 1 << 4,
};

/* A path being read: decoded, without "." and ".." (RFC 3986, 5.2.4). */
struct reader {
    struct px_bytes in;
    size_t at;
    unsigned reading;
    size_t len;
    size_t segment; /* where the last one begins in out */
    uint8_t out[PATH_MAX_LEN + 1];
};

static uint8_t hex_value(uint8_t octet)
{
    return octet <= '9' ? octet - '0' : (uint8_t)(lower(octet) - 'a' + 10);
}

static bool is_coded(const struct reader *r)
{
    return r->in.data[r->at] == '%' && r->in.len - r->at > 2;
}

static uint8_t decoded(const struct reader *r)
{
    return (uint8_t)(hex_value(r->in.data[r->at + 1]) << 4 |
                     hex_value(r->in.data[r->at + 2]));
}

static bool is_dots(const struct reader *r, size_t count)
{
    return r->len - r->segment == count &&
           memcmp(r->out + r->segment, "..", count) == 0;
}

/* Forgets a "." and what a ".." takes back; false when it was neither. */
static bool drop_dots(struct reader *r)
{
    bool is_up = is_dots(r, 2);

    if (!is_up && !is_dots(r, 1))
        return false;
    r->len = r->segment;
    if (is_up && r->len > 1) {
        r->len--;
        while (r->out[r->len - 1] != '/')
            r->len--;
    }
    r->segment = r->len;
    return true;
}

static void end_segment(struct reader *r)
{
    bool is_merged = r->len == r->segment && (r->reading & READ_MERGED);

    if (drop_dots(r) || is_merged)
        return;
    r->out[r->len++] = '/';
    r->segment = r->len;
}

static void skip_parameters(struct reader *r)
{
    while (r->at < r->in.len && r->in.data[r->at] != '/')
        r->at++;
}

/* Takes one octet of the path; false at its end. */
static bool take_octet(struct reader *r)
{
    uint8_t octet;

    if (r->at == r->in.len)
        return false;
    octet = r->in.data[r->at];
    if (octet == ';' && (r->reading & READ_NO_PARAMETERS)) {
        skip_parameters(r);
        return true;
    }
    if (is_coded(r)) {
        uint8_t meant = decoded(r);
        bool is_slash = meant == '/' || meant == '\\';

        if (meant == 0 && (r->reading & READ_TO_ZERO))
            return false;
        if (!is_slash || (r->reading & READ_CODED_SLASH)) {
            octet = is_slash ? '/' : meant;
            r->at += 2;
        }
    }
    r->at++;
    if (octet == '/')
        end_segment(r);
    else
        r->out[r->len++] = octet;
    return true;
}

/* Reads the whole path, which begins with "/"; borrowed from r. */
static struct px_bytes read_path(struct reader *r, struct px_bytes path,
                                 unsigned reading)
{
    r->in = path;
    r->at = 1;
    r->reading = reading;
    r->out[0] = '/';
    r->len = r->segment = 1;
    while (take_octet(r))
        continue;
    (void)drop_dots(r);
    return px_bytes_of(r->out, r->len);
}

static bool is_path_ruled(struct px_bytes pattern,
                          const struct access_request *request)
{
    struct px_bytes path =
        px_bytes_of(request->path.data, find(request->path, '?'));
    struct comparison c = {.pattern = pattern, .extent = UP_TO_SEGMENT};
    struct reader reader;

    if (path.len == 0 || path.data[0] != '/')
        path = PX_LITERAL("/");
    if (request->lapses & ACCESS_LAPSE_READING) {
        c.text = path;
        return matches(&c);
    }
    if (path.len > PATH_MAX_LEN) /* what cannot be read is not let through */
        return true;
    for (unsigned reading = 0; reading < READINGS; reading++) {
        c.text = read_path(&reader, path, reading);
        if (matches(&c))
            return true;
    }
    return false;
}

/* Deciding ------------------------------------------------------------------*/

static uint16_t port_of(const struct access_request *request)
{
    if (request->target.port || (request->lapses & ACCESS_LAPSE_PORT))
        return request->target.port;
    return request->default_port;
}

/* Whether the rule holds but for its host, which is not looked at. */
static bool is_kind_ruled(const struct access_rule *rule,
                          const struct access_request *request)
{
    if (rule->method.len && !px_equal_nocase(rule->method, request->method))
        return false;
    if (rule->port && rule->port != port_of(request))
        return false;
    return rule->path.len == 0 ||
           (request->has_path && is_path_ruled(rule->path, request));
}

static bool is_host_ruled(const struct access_rule *rule,
                          const struct access_request *request)
{
    const struct px_address *host = &request->target.addr;

    if (rule->host.kind != PX_ADDRESS_NAME)
        return is_same_address(&rule->host, host);
    if (is_star(rule->host.name))
        return true;
    return host->kind == PX_ADDRESS_NAME &&
           is_name_ruled(rule->host.name, host->name, request->lapses);
}

bool access_denies(const struct access_rules *rules,
                   const struct access_request *request, access_set *open)
{
    bool is_name = request->target.addr.kind == PX_ADDRESS_NAME;

    assert(rules->count <= ACCESS_RULES_MAX);
    *open = 0;
    for (size_t i = 0; i < rules->count; i++) {
        const struct access_rule *rule = &rules->at[i];
        bool is_open = is_name && rule->host.kind != PX_ADDRESS_NAME;

        if ((!is_open && !is_host_ruled(rule, request)) ||
            !is_kind_ruled(rule, request))
            continue;
        if (!is_open)
            return true;
        *open |= (access_set)1 << i;
    }
    return false;
}

bool access_denies_address(const struct access_rules *rules, access_set set,
                           const struct px_address *addr)
{
    for (size_t i = 0; i < rules->count; i++) {
        if ((set >> i & 1) && is_same_address(&rules->at[i].host, addr))
            return true;
    }
    return false;
}
