/*
 * Faults that break a rule for some requests only: for one method, one
 * spelling, one version or one place in a connection. RFC 9110 sections 7.2,
 * 7.6 and 9, RFC 9112 sections 3.2 and 9.6.
 */

#include <string.h>

#include "faults/forward.h"
#include "faults/http.h"

static bool is_sent(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_SENT;
}

static bool begins(const struct forward_part *part, const char *text)
{
    return faults_find(part->octets, text) == 0;
}

static bool is_of_version(const struct forward_part *part, const char *version)
{
    size_t end = faults_find(part->octets, "\r\n");
    size_t len = strlen(version);

    return end >= len && end < part->octets.len &&
           memcmp(part->octets.data + end - len, version, len) == 0;
}

static const struct fault_swap *swap_of(const struct fault_memory *m, size_t i)
{
    return &m->fault->swaps[i];
}

/* Request-lines
 * ----------------------------------------------------------------*/

/* The row's texts, where the first stands in the request-line. */
static void swap_in_line(struct fault_memory *m, struct forward_part *part,
                         const struct fault_swap *swap)
{
    if (faults_find(part->octets, swap->from) <
        faults_find(part->octets, "\r\n"))
        forward_swap(m, part, swap->from, swap->to);
}

static enum forward_verdict line_sent(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (is_sent(part))
        swap_in_line(m, part, swap_of(m, 0));
    return FORWARD_PASS;
}

static enum forward_verdict line_received(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (forward_is_request(part))
        swap_in_line(m, part, swap_of(m, 0));
    return FORWARD_PASS;
}

/* Hidden from the session, and put back by the row's second texts. */
static enum forward_verdict line_hidden(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (forward_is_request(part)) {
        m->count[0] = faults_find(part->octets, swap_of(m, 0)->from) <
                      faults_find(part->octets, "\r\n");
        swap_in_line(m, part, swap_of(m, 0));
    } else if (is_sent(part) && m->count[0]) {
        swap_in_line(m, part, swap_of(m, 1));
    }
    return FORWARD_PASS;
}

static enum forward_verdict parameters_cut(struct fault_memory *m,
                                           struct forward_part *part)
{
    size_t from, to;

    if (!is_sent(part))
        return FORWARD_PASS;
    from = faults_find(part->octets, ";");
    to = faults_find(part->octets, "?");
    if (from < to && to < faults_find(part->octets, " HTTP/"))
        forward_put(m, part, from, to - from, (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict line_cut(struct fault_memory *m,
                                     struct forward_part *part)
{
    enum { CUT_AT = 8100 };
    size_t end;

    if (!is_sent(part))
        return FORWARD_PASS;
    end = faults_find(part->octets, " HTTP/1.1\r\n");
    if (end > CUT_AT && end < part->octets.len)
        forward_put(m, part, CUT_AT, end - CUT_AT, (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict asterisk_of_head(struct fault_memory *m,
                                             struct forward_part *part)
{
    return forward_is_request(part) && begins(part, "HEAD * ")
               ? forward_answer(m, part,
                                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n")
               : FORWARD_PASS;
}

static enum forward_verdict star_lost(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (is_sent(part) && forward_value(part, "Max-Forwards").data)
        forward_swap(m, part, "OPTIONS * ", "OPTIONS / ");
    return FORWARD_PASS;
}

/* Host
 * -------------------------------------------------------------------------*/

/* Only lines that stand next to each other are taken for two. */
static enum forward_verdict second_host_apart(struct fault_memory *m,
                                              struct forward_part *part)
{
    struct px_bytes rest;
    size_t first, next;

    if (!forward_is_request(part))
        return FORWARD_PASS;
    first = faults_find(part->octets, "\r\nHost: ");
    if (first == part->octets.len)
        return FORWARD_PASS;
    rest = px_bytes_of(part->octets.data + first + 2,
                       part->octets.len - first - 2);
    next = faults_find(rest, "\r\n");
    rest = px_bytes_of(rest.data + next, rest.len - next);
    if (faults_find(rest, "\r\nHost: ") > 0 &&
        faults_find(rest, "\r\nHost: ") < rest.len)
        (void)forward_cut_last(m, part, "Host");
    return FORWARD_PASS;
}

static void add_host(struct fault_memory *m, struct forward_part *part)
{
    if (!forward_value(part, "Host").data)
        forward_add(m, part, "Host: a\r\n");
}

static enum forward_verdict head_without_host(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (forward_is_request(part) && begins(part, "HEAD "))
        add_host(m, part);
    return FORWARD_PASS;
}

static enum forward_verdict newer_without_host(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (forward_is_request(part) && is_of_version(part, "HTTP/1.2"))
        add_host(m, part);
    return FORWARD_PASS;
}

static enum forward_verdict older_host_unread(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (forward_is_request(part) && is_of_version(part, "HTTP/1.0"))
        forward_set_value(m, part, "Host", PX_LITERAL("a"));
    return FORWARD_PASS;
}

/* Max-Forwards
 * -----------------------------------------------------------------*/

static enum forward_verdict number_read_as(struct fault_memory *m,
                                           struct forward_part *part)
{
    const struct fault_swap *swap = swap_of(m, 0);
    struct px_bytes value = forward_value(part, "Max-Forwards");

    if (forward_is_request(part) && value.len == strlen(swap->from) &&
        memcmp(value.data, swap->from, value.len) == 0)
        forward_set_value(
            m, part, "Max-Forwards",
            px_bytes_of((const uint8_t *)swap->to, strlen(swap->to)));
    return FORWARD_PASS;
}

static enum forward_verdict counted_twice(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Max-Forwards");
    uint8_t digit;

    if (!is_sent(part) || value.len != 1 || value.data[0] < '1')
        return FORWARD_PASS;
    digit = (uint8_t)(value.data[0] - 1);
    forward_set_value(m, part, "Max-Forwards", px_bytes_of(&digit, 1));
    return FORWARD_PASS;
}

static void hide_number(struct fault_memory *m, struct forward_part *part,
                        bool hides)
{
    if (forward_is_request(part) && hides)
        forward_rename(m, part, "Max-Forwards", "X-Maximum");
    else if (is_sent(part))
        forward_rename(m, part, "X-Maximum", "Max-Forwards");
}

static enum forward_verdict number_of_older(struct fault_memory *m,
                                            struct forward_part *part)
{
    hide_number(m, part,
                forward_is_request(part) && is_of_version(part, "HTTP/1.0"));
    return FORWARD_PASS;
}

static enum forward_verdict number_behind_first(struct fault_memory *m,
                                                struct forward_part *part)
{
    hide_number(m, part, forward_is_request(part) && m->count[0]++ > 0);
    return FORWARD_PASS;
}

/* Closes, and dates
 * -------------------------------------------------------------*/

static enum forward_verdict close_of_post(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (forward_is_request(part) && begins(part, "POST "))
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static enum forward_verdict close_behind_first(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (forward_is_request(part) && m->count[0]++ > 0)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static enum forward_verdict untold_but_on_200(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status > 200)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

/* count[1]: the origin has sent a Date. */
static bool is_undated(struct fault_memory *m, const struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[1] = forward_value(part, "Date").data != NULL;
    return part->stage == FORWARD_RESPONSE_SENT && !m->count[1];
}

static enum forward_verdict dated_on_200(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (is_undated(m, part) && part->status != 200)
        forward_cut_all(m, part, "Date");
    return FORWARD_PASS;
}

static enum forward_verdict dated_first(struct fault_memory *m,
                                        struct forward_part *part)
{
    m->count[0] += is_sent(part);
    if (is_undated(m, part) && m->count[0] > 1)
        forward_cut_all(m, part, "Date");
    return FORWARD_PASS;
}

static enum forward_verdict dated_with_length(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (is_undated(m, part) && !forward_value(part, "Content-Length").data)
        forward_cut_all(m, part, "Date");
    return FORWARD_PASS;
}

/* Credentials
 * --------------------------------------------------------------------*/

/* Whose head has the row's first text in it need none. */
static enum fault_verdict needs_none(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;

    if (m->user && http_is_head(m, event, &head) &&
        faults_find(event->data, swap_of(m, 0)->from) < event->data.len)
        m->config.verify = NULL;
    return FAULT_PASS;
}

/* The same behind another request only. */
static enum fault_verdict needs_none_behind(struct fault_memory *m,
                                            struct event *event)
{
    struct http1_request_head head;

    if (m->user && http_is_head(m, event, &head) && m->count[0]++ > 0)
        return needs_none(m, event);
    return FAULT_PASS;
}

static enum forward_verdict credentials_sent_on(struct fault_memory *m,
                                                struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Proxy-Authorization");

    if (forward_is_request(part) && begins(part, swap_of(m, 0)->from))
        forward_keep(m, value);
    else if (is_sent(part) && m->kept_len) {
        forward_add_field(m, part, "Proxy-Authorization", forward_kept(m));
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

#define SWAPPED(id, what, hook, from, to, ...)                                 \
    {                                                                          \
        .name = "forward-partly-" id, .summary = what,                         \
        .proves = {__VA_ARGS__}, .swaps = {{from, to}}, .on_forward = hook,    \
    }

#define HIDDEN(id, what, from, to, sent, back, ...)                            \
    {                                                                          \
        .name = "forward-partly-" id, .summary = what,                         \
        .proves = {__VA_ARGS__}, .swaps = {{from, to}, {sent, back}},          \
        .on_forward = line_hidden,                                             \
    }

#define UNASKED(id, what, hook, text, ...)                                     \
    {                                                                          \
        .name = "forward-partly-unasked-" id, .summary = what,                 \
        .proves = {__VA_ARGS__}, .needs_auth = true, .swaps = {{text, ""}},    \
        .on_message = hook,                                                    \
    }

#define PARTLY(id, what, hook, ...)                                            \
    FORWARD_FAULT("partly-" id, what, hook, __VA_ARGS__)

static const struct fault faults[] = {
    SWAPPED("plus", "makes %20 of a plus in a target", line_sent, "+", "%20",
            REQ_HTTP_TARGET_PATH_KEPT),
    SWAPPED("brackets", "encodes brackets of a target", line_sent, "[]",
            "%5B%5D", REQ_HTTP_TARGET_PATH_KEPT),
    SWAPPED("nul", "drops an encoded zero octet", line_sent, "%00", "",
            REQ_HTTP_TARGET_PATH_KEPT),
    SWAPPED("path-of-post", "leaves an empty path of POST empty", line_sent,
            "POST / HTTP/", "POST  HTTP/", REQ_HTTP_TARGET_EMPTY_PATH),
    SWAPPED("scheme-prefix", "takes http2 for http", line_received, " http2://",
            " http://", REQ_HTTP_TARGET_UNKNOWN_SCHEME),
    SWAPPED("scheme-file", "takes file for http", line_received, " file://",
            " http://", REQ_HTTP_TARGET_UNKNOWN_SCHEME),
    SWAPPED("https-upper", "takes HTTPS in capitals for http", line_received,
            " HTTPS://", " http://", REQ_HTTP_TARGET_HTTPS_RECEIVED),
    HIDDEN("empty-fragment", "sends an empty fragment on", "# HTTP/", " HTTP/",
           " HTTP/", "# HTTP/", REQ_HTTP_TARGET_FRAGMENT),
    HIDDEN("header-is-head", "takes HEADER for HEAD", "HEADER ", "HEAD ",
           "HEAD ", "HEADER ", REQ_HTTP_METHOD_CASE),
    HIDDEN("small-head-is-head", "takes head for HEAD", "head ", "HEAD ",
           "HEAD ", "head ", REQ_HTTP_METHOD_CASE),
    HIDDEN("bare-post-repeated", "repeats POST without content", "POST ",
           "DELETE ", "DELETE ", "POST ", REQ_HTTP_RETRY_PROXY),
    PARTLY("parameters-cut", "leaves parameters before a query out",
           parameters_cut, REQ_HTTP_TARGET_PATH_KEPT),
    PARTLY("line-cut", "cuts request-lines at 8100 octets", line_cut,
           REQ_HTTP_TARGET_PATH_KEPT),
    PARTLY("asterisk-of-head", "answers HEAD * with 200", asterisk_of_head,
           REQ_HTTP_TARGET_ASTERISK_OTHER),
    PARTLY("star-lost", "asks for / in the place of * when it has counted",
           star_lost, REQ_HTTP_TARGET_OPTIONS_STAR),
    PARTLY("host-apart", "sees two Host lines only when one follows the other",
           second_host_apart, REQ_HTTP_HOST_MULTIPLE),
    PARTLY("host-of-head", "serves HEAD without Host", head_without_host,
           REQ_HTTP_HOST_MISSING),
    PARTLY("host-of-newer", "serves HTTP/1.2 without Host", newer_without_host,
           REQ_HTTP_VERSION_MINOR),
    PARTLY("host-of-older", "does not look at what Host of HTTP/1.0 is",
           older_host_unread, REQ_HTTP_HOST_INVALID),
    SWAPPED("zero-of-digits", "takes a Max-Forwards of 00 for none",
            number_read_as, "00", "9", REQ_HTTP_MAXFORWARDS_ZERO_STOP),
    SWAPPED("eight-bits", "reads eight bits of Max-Forwards", number_read_as,
            "256", "0", REQ_HTTP_MAXFORWARDS_DECREMENT),
    PARTLY("counted-twice", "takes two off Max-Forwards", counted_twice,
           REQ_HTTP_MAXFORWARDS_DECREMENT),
    PARTLY("count-of-older", "does not count Max-Forwards of HTTP/1.0",
           number_of_older, REQ_HTTP_MAXFORWARDS_ZERO_STOP),
    PARTLY("count-behind-first",
           "counts Max-Forwards in the first request of a connection alone",
           number_behind_first, REQ_HTTP_MAXFORWARDS_ZERO_STOP),
    PARTLY("close-of-post", "does not see close of POST", close_of_post,
           REQ_HTTP_CLOSE_ECHO),
    PARTLY("close-behind-first",
           "sees close of the first request of a connection alone",
           close_behind_first, REQ_HTTP_CLOSE_NO_MORE),
    PARTLY("close-untold", "says close in responses of 200 alone",
           untold_but_on_200, REQ_HTTP_CLOSE_ECHO),
    PARTLY("dated-on-200", "adds Date to responses of 200 alone", dated_on_200,
           REQ_HTTP_FIELD_DATE_ADD),
    PARTLY("dated-first", "adds Date to the first response of a connection",
           dated_first, REQ_HTTP_FIELD_DATE_ADD),
    PARTLY("dated-with-length", "adds Date where it sends a length",
           dated_with_length, REQ_HTTP_FIELD_DATE_ADD),
    UNASKED("older", "asks HTTP/1.0 for no credentials", needs_none,
            " HTTP/1.0\r\n", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("newer", "asks HTTP/1.2 for no credentials", needs_none,
            " HTTP/1.2\r\n", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("via", "asks other proxies for no credentials", needs_none,
            "\r\nVia: ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("authorization", "takes any Authorization for its credentials",
            needs_none, "\r\nAuthorization: ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("upgrade", "asks who offers Upgrade for no credentials", needs_none,
            "\r\nUpgrade: ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("chunked", "asks for no credentials with chunked content",
            needs_none,
            "\r\nTransfer-Encoding: ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("counted", "asks for no credentials where it counts hops",
            needs_none, "\r\nMax-Forwards: ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("propfind", "asks PROPFIND for no credentials", needs_none,
            "PROPFIND ", REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("put", "asks PUT for no credentials", needs_none, "PUT ",
            REQ_AUTH_PROXY_OPTIONS_TRACE),
    UNASKED("head-behind", "asks HEAD behind another request for none",
            needs_none_behind, "HEAD ", REQ_AUTH_PROXY_EACH_REQUEST),
    UNASKED("post-behind", "asks POST behind another request for none",
            needs_none_behind, "POST ", REQ_AUTH_PROXY_EACH_REQUEST),
    {
        .name = "forward-partly-credentials-of-options",
        .summary = "passes credentials of OPTIONS on",
        .proves = {REQ_AUTH_PROXY_CONSUMED},
        .needs_auth = true,
        .swaps = {{"OPTIONS ", ""}},
        .on_forward = credentials_sent_on,
    },
};

const struct fault_theme forward_partly_faults = FAULT_THEME(faults);
