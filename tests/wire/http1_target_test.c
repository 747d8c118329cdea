#include "http1_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

struct target_row {
    const char *name; /* what is parsed */
    const char *text; /* how it looks; NULL: refused */
    enum requirement req;
};

/* "form scheme host port path": o, a, h for "host:port", s for "*"; then u for
 * user information, f for a fragment, p for http. */
static const struct target_row rows[] = {
    {"/", "o||- 0|/", REQ_NONE},
    {"/a?b=%2F", "o||- 0|/a?b=%2F", REQ_NONE},
    {"//a", "o||- 0|//a", REQ_NONE},
    {"/a#b", "of||- 0|/a#b", REQ_NONE},
    {"*", "s||- 0|", REQ_NONE},
    {"a:80", "h|a|a:80 80|", REQ_NONE},
    {"[::1]:80", "h|[::1]|[::1]:80 80|", REQ_NONE},
    {"http://a", "ap|a|a:0 0|", REQ_NONE},
    {"http://a:", "ap|a|a:0 0|", REQ_NONE},
    {"HTTP://A/B", "ap|A|A:0 0|/B", REQ_NONE},
    {"http://a:81?q", "ap|a|a:81 81|?q", REQ_NONE},
    {"http://192.0.2.1/", "ap|192.0.2.1|192.0.2.1:0 0|/", REQ_NONE},
    {"http://[::1]:8080/x", "ap|[::1]|[::1]:8080 8080|/x", REQ_NONE},
    {"http://[::1]", "ap|[::1]|[::1]:0 0|", REQ_NONE},
    {"http://u:p@a/", "apu|a|a:0 0|/", REQ_NONE},
    {"http://@a/", "apu|a|a:0 0|/", REQ_NONE},
    {"http://a/@b", "ap|a|a:0 0|/@b", REQ_NONE},
    {"http://a#f", "apf|a|a:0 0|#f", REQ_NONE},
    {"https://a/", "a|a|a:0 0|/", REQ_NONE},
    {"a+b-c.9://a/", "a|a|a:0 0|/", REQ_NONE},
    {"http://a/:;=,!$&'()*+~", "ap|a|a:0 0|/:;=,!$&'()*+~", REQ_NONE},
    {"", NULL, REQ_HTTP_LINE_INVALID},
    {"a", NULL, REQ_HTTP_LINE_INVALID},
    {"a:b", NULL, REQ_HTTP_LINE_INVALID},
    {"9a://b/", NULL, REQ_HTTP_LINE_INVALID},
    {"mailto:a", NULL, REQ_HTTP_LINE_INVALID},
    {"http:/a", NULL, REQ_HTTP_LINE_INVALID},
    {"/a\"b", NULL, REQ_HTTP_LINE_INVALID},
    {"/a\x80", NULL, REQ_HTTP_LINE_INVALID},
    {"/a\x7f", NULL, REQ_HTTP_LINE_INVALID},
    {"/a\x01", NULL, REQ_HTTP_LINE_INVALID},
    {"/%", NULL, REQ_HTTP_LINE_INVALID},
    {"/%a", NULL, REQ_HTTP_LINE_INVALID},
    {"/%ag", NULL, REQ_HTTP_LINE_INVALID},
    {"http:///x", NULL, REQ_HTTP_TARGET_EMPTY_HOST},
    {"http://:80/x", NULL, REQ_HTTP_TARGET_EMPTY_HOST},
    {"http://u@/x", NULL, REQ_HTTP_TARGET_EMPTY_HOST},
    {"http://", NULL, REQ_HTTP_TARGET_EMPTY_HOST},
    {"http://[::1/", NULL, REQ_HTTP_LINE_INVALID},
    {"http://[::1]a/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a:0/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a:65536/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a:065535/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a:80x/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a:80:80/", NULL, REQ_HTTP_TARGET_PORT_RANGE},
    {"http://a@b@c/", NULL, REQ_HTTP_LINE_INVALID},
};

static void put(const struct http1_target *t, char *out, size_t cap)
{
    static const char forms[] = {'o', 'a', 'h', 's'};
    char endpoint[PX_ENDPOINT_TEXT_MAX] = "-";

    if (t->endpoint.addr.kind != PX_ADDRESS_NONE)
        px_format_endpoint(&t->endpoint, endpoint);
    (void)snprintf(out, cap, "%c%s%s%s|%.*s|%s %u|%.*s", forms[t->form],
                   t->is_http ? "p" : "", t->has_userinfo ? "u" : "",
                   t->has_fragment ? "f" : "", (int)t->host.len,
                   (const char *)t->host.data, endpoint, t->endpoint.port,
                   (int)t->path.len, (const char *)t->path.data);
}

static void check_row(void **state)
{
    const struct target_row *row = *state;
    struct px_bytes in = px_bytes_of(row->name, strlen(row->name));
    uint8_t *copy = copy_exact(in, in.len);
    struct http1_target target;
    struct px_error err = {0};
    char text[PX_ENDPOINT_TEXT_MAX + 256];

    if (http1_parse_target(px_bytes_of(copy, in.len), &target, &err)) {
        assert_non_null(row->text);
        put(&target, text, sizeof(text));
        assert_string_equal(text, row->text);
    } else {
        assert_null(row->text);
        assert_int_equal(err.req, row->req);
    }
    free(copy);
}

struct host_row {
    const char *name;
    struct px_bytes host;
};

static const struct host_row hosts[] = {
    {"http://Origin/", BYTES("Origin")},
    {"http://origin:80/", BYTES("origin")},
    {"http://origin:00080/", BYTES("origin")},
    {"http://origin:8080/", BYTES("origin:8080")},
    {"http://[::A]:81/", BYTES("[::A]:81")},
};

static void check_host(void **state)
{
    const struct host_row *row = *state;
    uint8_t octets[64];
    struct px_writer out = px_writer_over(octets, sizeof(octets));
    struct http1_target target;
    struct px_error err;

    assert_true(http1_parse_target(px_bytes_of(row->name, strlen(row->name)),
                                   &target, &err));
    http1_put_host(&target, &out);
    assert_bytes_equal(px_written(&out), row->host);
}

int main(void)
{
    return RUN_ROWS(rows, check_row) + RUN_ROWS(hosts, check_host);
}
