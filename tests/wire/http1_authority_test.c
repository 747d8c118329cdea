#include <stdlib.h>
#include <string.h>

#include "http1.h"
#include "rows.h"

struct authority_row {
    const char *name; /* what is parsed */
    const char *text; /* how the endpoint looks; NULL: refused */
    enum requirement req;
};

static const struct authority_row rows[] = {
    {"example.org:80", "example.org:80", REQ_NONE},
    {"a:1", "a:1", REQ_NONE},
    {"a_b-c~d!$&'()*+;=.e:443", "a_b-c~d!$&'()*+;=.e:443", REQ_NONE},
    {"192.0.2.1:65535", "192.0.2.1:65535", REQ_NONE},
    {"0.0.0.0:0", "0.0.0.0:0", REQ_NONE},
    {"a:00080", "a:80", REQ_NONE},
    /* no dec-octet, so a name: RFC 3986 section 3.2.2, first match wins */
    {"256.0.0.1:80", "256.0.0.1:80", REQ_NONE},
    {"1.2.3:80", "1.2.3:80", REQ_NONE},
    {"01.2.3.4:80", "01.2.3.4:80", REQ_NONE},
    {"1.2.3.4.:80", "1.2.3.4.:80", REQ_NONE},
    {"[::]:80", "[::]:80", REQ_NONE},
    {"[::1]:80", "[::1]:80", REQ_NONE},
    {"[1::]:80", "[1::]:80", REQ_NONE},
    {"[2001:DB8::a:0001]:80", "[2001:db8::a:1]:80", REQ_NONE},
    {"[1:2:3:4:5:6:7:8]:80", "[1:2:3:4:5:6:7:8]:80", REQ_NONE},
    {"[1:2:3:4:5:6:7::]:80", "[1:2:3:4:5:6:7:0]:80", REQ_NONE},
    {"[::2:3:4:5:6:7:8]:80", "[0:2:3:4:5:6:7:8]:80", REQ_NONE},
    {"[::192.0.2.1]:80", "[::c000:201]:80", REQ_NONE},
    {"[1:2:3:4:5:6:1.2.3.4]:80", "[1:2:3:4:5:6:102:304]:80", REQ_NONE},
    {"[1::5:6:1.2.3.4]:80", "[1::5:6:102:304]:80", REQ_NONE},
    {"", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {":", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {":80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"a", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"/", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"*", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"u@a:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"a%41:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"a,b:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"\xc3\xa9:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"a:", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:-1", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:+1", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:0x50", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:80x", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:65536", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:99999", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:000080", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"a:4294967376", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"http://a:80/", NULL, REQ_HTTP_CONNECT_PORT_INVALID},
    {"::1:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[::1]", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[::1", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[::1]80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[:]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[:::]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1:]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[:1]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1::2::3]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1:2:3:4:5:6:7]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1:2:3:4:5:6:7:8:9]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1:2:3:4::5:6:7:8]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[12345::]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[g::]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1.2.3.4]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[::1.2.3]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[1:2:3:4:5:6:7:1.2.3.4]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[::1%25lo]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
    {"[v1.a]:80", NULL, REQ_HTTP_CONNECT_TARGET_FORM},
};

/* Every prefix is parsed too: it must not read past its end. */
static void check_authority(void **state)
{
    const struct authority_row *row = *state;
    struct px_bytes in = px_bytes_of(row->name, strlen(row->name));

    for (size_t len = 0; len <= in.len; len++) {
        uint8_t *copy = copy_exact(in, len);
        struct px_endpoint endpoint = {0};
        struct px_error err = {0};
        bool is_good =
            http1_parse_authority(px_bytes_of(copy, len), &endpoint, &err);

        if (len == in.len) {
            char text[PX_ENDPOINT_TEXT_MAX];

            px_format_endpoint(&endpoint, text);
            assert_int_equal(is_good, row->text != NULL);
            assert_int_equal(err.req, row->req);
            assert_string_equal(is_good ? text : "",
                                row->text ? row->text : "");
        }
        free(copy);
    }
}

static void names_have_a_longest(void **state)
{
    uint8_t text[PX_NAME_MAX + 1];
    struct px_address addr;

    (void)state;
    memset(text, 'n', sizeof(text));
    assert_true(http1_parse_host(px_bytes_of(text, PX_NAME_MAX), &addr));
    assert_int_equal(addr.kind, PX_ADDRESS_NAME);
    assert_int_equal(addr.name.len, PX_NAME_MAX);
    assert_false(http1_parse_host(px_bytes_of(text, PX_NAME_MAX + 1), &addr));
}

/* A name carries no octets of the address that it almost was. */
static void names_leave_no_address(void **state)
{
    struct px_address addr;
    static const uint8_t zeros[16];

    (void)state;
    assert_true(http1_parse_host(PX_LITERAL("1.2.3.x"), &addr));
    assert_int_equal(addr.kind, PX_ADDRESS_NAME);
    assert_memory_equal(addr.ip, zeros, sizeof(zeros));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_a_longest),
        cmocka_unit_test(names_leave_no_address),
    };

    return RUN_ROWS(rows, check_authority) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
