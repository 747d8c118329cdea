/*
 * Faults of reading a CONNECT's target, and Host beside it: RFC 9112 section
 * 3.2.3, RFC 9110 section 9.3.6. Each turns a target that has to be refused
 * into one that is served.
 */

#include <string.h>

#include "faults/http.h"

static size_t find(struct px_bytes in, uint8_t octet)
{
    const uint8_t *at = in.len ? memchr(in.data, octet, in.len) : NULL;

    return at ? (size_t)(at - in.data) : in.len;
}

static size_t find_last(struct px_bytes in, uint8_t octet)
{
    size_t at = in.len;

    while (at > 0 && in.data[at - 1] != octet)
        at--;
    return at > 0 ? at - 1 : in.len;
}

static struct px_bytes up_to(struct px_bytes in, size_t at)
{
    return px_bytes_of(in.data, at);
}

static struct px_bytes behind(struct px_bytes in, size_t at)
{
    return at < in.len ? px_bytes_of(in.data + at + 1, in.len - at - 1)
                       : px_bytes_of(in.data + in.len, 0);
}

/* A target is written to m->out while the message still has the old one. */
static struct px_writer rewrite(struct fault_memory *m)
{
    return px_writer_over(m->out, sizeof(m->out));
}

static bool is_authority(struct px_bytes target)
{
    struct px_endpoint endpoint;
    struct px_error err;

    return http1_parse_authority(target, &endpoint, &err);
}

/* host[:port] of the field; false when there is none. */
static bool host_field(const struct http1_request_head *head,
                       struct px_bytes *value)
{
    const struct http1_field *field = http1_find(&head->fields, "Host");

    if (field)
        *value = field->value;
    return field != NULL;
}

/* Another target, or part of one. Who takes that for an authority does so in
 * Host as well, where it stands too. */
static void set_target(struct fault_memory *m, struct event *event,
                       struct px_bytes part, struct px_bytes octets)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (!http_is_head(m, event, &head) || is_authority(head.line.target))
        return;
    http_set_part(m, event, part, octets);
    if (http_is_head(m, event, &head) && is_authority(head.line.target) &&
        host_field(&head, &value) && value.len && !is_authority(value))
        http_set_text(m, event, value, "proxy.invalid");
}

static void cut_target(struct fault_memory *m, struct event *event,
                       struct px_bytes part)
{
    set_target(m, event, part, px_bytes_of(NULL, 0));
}

/* Shown as host and port, split at the first colon behind any bracket. */
static bool split(const struct fault_memory *m, const struct event *event,
                  struct http1_request_head *head, struct px_bytes *host,
                  struct px_bytes *port)
{
    struct px_bytes target;
    size_t bracket, colon;

    if (!http_is_head(m, event, head))
        return false;
    target = head->line.target;
    bracket = find(target, ']');
    colon = bracket < target.len ? bracket + 1 : find(target, ':');
    if (colon >= target.len || target.data[colon] != ':')
        return false;
    *host = up_to(target, colon);
    *port = behind(target, colon);
    return true;
}

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

/* 64 bits that wrap, a sign and all, of which 16 are kept. */
static bool read_wrapped(struct px_bytes text, uint16_t *port)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t value = 0;

    for (size_t i = is_negative; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *port = (uint16_t)((is_negative ? 0 - value : value) & 0xFFFF);
    return text.len > is_negative;
}

static enum fault_verdict port_wraps(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes host, port;
    uint16_t value;

    if (split(m, event, &head, &host, &port) && read_wrapped(port, &value)) {
        px_put_decimal(&out, value);
        set_target(m, event, port, px_written(&out));
    }
    return FAULT_PASS;
}

static enum fault_verdict port_sign(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes host, port;

    if (split(m, event, &head, &host, &port) && port.len &&
        (port.data[0] == '+' || port.data[0] == '-'))
        cut_target(m, event, up_to(port, 1));
    return FAULT_PASS;
}

static unsigned hex_digit(uint8_t octet)
{
    if (is_digit(octet))
        return octet - '0';
    octet |= 0x20;
    return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10U : 16;
}

static enum fault_verdict port_hex(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes host, port;
    uint32_t value = 0;

    if (!split(m, event, &head, &host, &port) || port.len < 3 ||
        port.data[0] != '0' || (port.data[1] | 0x20) != 'x')
        return FAULT_PASS;
    for (size_t i = 2; i < port.len; i++) {
        if (hex_digit(port.data[i]) > 15)
            return FAULT_PASS;
        value = value * 16 + hex_digit(port.data[i]);
    }
    px_put_decimal(&out, value);
    set_target(m, event, port, px_written(&out));
    return FAULT_PASS;
}

/* As atoi() does: digits count, and what follows them does not. */
static enum fault_verdict port_junk(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes host, port;
    size_t digits = 0;

    if (!split(m, event, &head, &host, &port))
        return FAULT_PASS;
    while (digits < port.len && is_digit(port.data[digits]))
        digits++;
    if (digits > 0 && digits < port.len)
        cut_target(m, event,
                   px_bytes_of(port.data + digits, port.len - digits));
    return FAULT_PASS;
}

/* A target that cannot be read is told, under the wrong status. */
static enum fault_verdict note_bad(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head))
        m->count[0] = px_equal(head.line.method, PX_LITERAL("CONNECT")) &&
                      !is_authority(head.line.target);
    return FAULT_PASS;
}

static enum fault_verdict say_200(struct fault_memory *m, struct action *action)
{
    if (m->count[0] && http_status(action) == 400)
        http_set_status(m, action, "HTTP/1.1 200 OK");
    return FAULT_PASS;
}

/* Host decides, whatever the target says. */
static enum fault_verdict host_routes(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes value;

    if (http_is_head(m, event, &head) && host_field(&head, &value) &&
        is_authority(value)) {
        px_put_bytes(&out, value);
        http_set_part(m, event, head.line.target, px_written(&out));
    }
    return FAULT_PASS;
}

/* The target as a URL: scheme off, and everything behind the authority. */
static enum fault_verdict as_url(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    static const uint8_t marks[] = {'/', '?', '#'};
    struct px_bytes target;
    size_t slashes, end = 0;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    target = head.line.target;
    slashes = faults_find(target, "//");
    if (slashes < target.len)
        target = behind(target, slashes + 1);
    while (end < target.len && !memchr(marks, target.data[end], sizeof(marks)))
        end++;
    px_put_bytes(&out, up_to(target, end));
    set_target(m, event, head.line.target, px_written(&out));
    return FAULT_PASS;
}

static enum fault_verdict user_skipped(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    size_t at;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    at = find_last(head.line.target, '@');
    if (at < head.line.target.len)
        cut_target(m, event, up_to(head.line.target, at + 1));
    return FAULT_PASS;
}

static enum fault_verdict list_cut(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes target;
    size_t at;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    target = head.line.target;
    at = find(target, ',');
    cut_target(m, event, px_bytes_of(target.data + at, target.len - at));
    return FAULT_PASS;
}

static enum fault_verdict slash_cut(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes target;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    target = head.line.target;
    if (target.len && target.data[target.len - 1] == '/')
        cut_target(m, event, behind(target, target.len - 2));
    return FAULT_PASS;
}

/* The numbers of an address go to octets whatever they are. */
static enum fault_verdict octets_wrap(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes host, port;
    uint64_t value = 0;

    if (!split(m, event, &head, &host, &port))
        return FAULT_PASS;
    for (size_t i = 0; i < host.len; i++) {
        if (!is_digit(host.data[i]) && host.data[i] != '.')
            return FAULT_PASS;
        if (is_digit(host.data[i]))
            value = value * 10 + (uint64_t)(host.data[i] - '0');
        if (i + 1 < host.len && host.data[i] != '.')
            continue;
        px_put_decimal(&out, (uint8_t)value);
        px_put_text(&out, i + 1 < host.len ? "." : "");
        value = 0;
    }
    http_set_part(m, event, host, px_written(&out));
    return FAULT_PASS;
}

/* Host and port as C strings, each cut at its zero octet. */
static enum fault_verdict nul_cut(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes host, port;

    if (!split(m, event, &head, &host, &port))
        return FAULT_PASS;
    px_put_bytes(&out, up_to(host, find(host, '\0')));
    px_put_u8(&out, ':');
    px_put_bytes(&out, up_to(port, find(port, '\0')));
    set_target(m, event, head.line.target, px_written(&out));
    return FAULT_PASS;
}

static enum fault_verdict empty_host(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct px_bytes host, port;

    if (split(m, event, &head, &host, &port) && host.len == 0)
        set_target(m, event, host, PX_LITERAL("127.0.0.1"));
    return FAULT_PASS;
}

/* The last colon is the port's, and brackets do not matter. */
static enum fault_verdict loose_brackets(struct fault_memory *m,
                                         struct event *event)
{
    struct http1_request_head head;
    struct px_writer out = rewrite(m);
    struct px_bytes target, host;
    size_t colon;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    target = head.line.target;
    colon = find_last(target, ':');
    host = up_to(target, colon);
    if (host.len && host.data[0] == '[')
        host = behind(host, 0);
    if (host.len && host.data[host.len - 1] == ']')
        host.len--;
    if (find(host, ':') == host.len) {
        px_put_bytes(&out, host);
    } else {
        px_put_u8(&out, '[');
        px_put_bytes(&out, host);
        px_put_u8(&out, ']');
    }
    px_put_u8(&out, ':');
    px_put_bytes(&out, behind(target, colon));
    set_target(m, event, target, px_written(&out));
    return FAULT_PASS;
}

static enum fault_verdict no_ipv6(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) && head.line.target.len &&
        head.line.target.data[0] == '[')
        http_spoil(m);
    return FAULT_PASS;
}

static enum fault_verdict host_missing(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) && http1_count(&head.fields, "Host") == 0)
        http_add_line(m, event, "Host: proxy.invalid\r\n");
    return FAULT_PASS;
}

static enum fault_verdict host_first(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    bool has_host = false;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    for (size_t i = 0; i < head.fields.count; i++) {
        struct px_bytes name = head.fields.at[i].name;

        if (px_equal_nocase(name, PX_LITERAL("Host")) && has_host) {
            http_cut_line(m, event, name);
            break;
        }
        has_host |= px_equal_nocase(name, PX_LITERAL("Host"));
    }
    return FAULT_PASS;
}

static enum fault_verdict host_any(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (http_is_head(m, event, &head) && host_field(&head, &value) && value.len)
        http_set_text(m, event, value, "proxy.invalid");
    return FAULT_PASS;
}

static enum fault_verdict host_same(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (http_is_head(m, event, &head) && host_field(&head, &value) &&
        !px_equal(value, head.line.target))
        http_spoil(m);
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-port-wraps",
        .summary = "keeps 16 bits of the port, whatever the number",
        .proves = {REQ_HTTP_CONNECT_PORT_INVALID},
        .on_message = port_wraps,
    },
    {
        .name = "http-port-sign",
        .summary = "skips a sign before the port",
        .proves = {REQ_HTTP_CONNECT_PORT_INVALID},
        .on_message = port_sign,
    },
    {
        .name = "http-port-hex",
        .summary = "reads a port in hexadecimal",
        .proves = {REQ_HTTP_CONNECT_PORT_INVALID},
        .on_message = port_hex,
    },
    {
        .name = "http-port-junk",
        .summary = "skips what stands behind the digits of the port",
        .proves = {REQ_HTTP_CONNECT_PORT_INVALID},
        .on_message = port_junk,
    },
    {
        .name = "http-target-bad-200",
        .summary = "sends its page about a target that it cannot read with 200",
        .proves = {REQ_HTTP_CONNECT_PORT_INVALID, REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = note_bad,
        .on_action = say_200,
    },
    {
        .name = "http-target-url",
        .summary = "reads the target as a URL, with a scheme and a path",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = as_url,
    },
    {
        .name = "http-target-user",
        .summary = "skips a user before the host",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = user_skipped,
    },
    {
        .name = "http-target-list",
        .summary = "takes the first of several targets",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = list_cut,
    },
    {
        .name = "http-target-slash",
        .summary = "skips a slash behind the port",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = slash_cut,
    },
    {
        .name = "http-target-octet-wraps",
        .summary = "keeps eight bits of each number of an IPv4 address",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = octets_wrap,
    },
    {
        .name = "http-target-nul",
        .summary = "reads host and port up to a zero octet",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM, REQ_HTTP_CONNECT_PORT_INVALID},
        .on_message = nul_cut,
    },
    {
        .name = "http-target-empty-host",
        .summary = "takes an empty host for its own",
        .proves = {REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = empty_host,
    },
    {
        .name = "http-target-brackets",
        .summary = "splits the target at its last colon, with brackets or "
                   "without",
        .proves = {REQ_HTTP_CONNECT_IPV6, REQ_HTTP_CONNECT_TARGET_FORM},
        .on_message = loose_brackets,
    },
    {
        .name = "http-ipv6-refused",
        .summary = "refuses an IPv6 address in brackets",
        .proves = {REQ_HTTP_CONNECT_IPV6},
        .on_message = no_ipv6,
    },
    {
        .name = "http-host-routes",
        .summary = "connects to Host, and not to the target",
        .proves = {REQ_HTTP_HOST_CONNECT},
        .on_message = host_routes,
    },
    {
        .name = "http-host-same",
        .summary = "refuses a Host that is not the target, letter by letter",
        .proves = {REQ_HTTP_HOST_CONNECT},
        .on_message = host_same,
    },
    {
        .name = "http-host-missing",
        .summary = "serves HTTP/1.1 without Host",
        .proves = {REQ_HTTP_HOST_MISSING},
        .on_message = host_missing,
    },
    {
        .name = "http-host-twice",
        .summary = "serves a request with two Host lines",
        .proves = {REQ_HTTP_HOST_MULTIPLE},
        .on_message = host_first,
    },
    {
        .name = "http-host-any",
        .summary = "serves a request whatever its Host says",
        .proves = {REQ_HTTP_HOST_INVALID},
        .on_message = host_any,
    },
};

const struct fault_theme http_target_faults = FAULT_THEME(faults);
