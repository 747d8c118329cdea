#include <stdlib.h>
#include <string.h>

#include "http1.h"
#include "rows.h"

/* Small enough that rows can exceed them. */
static const struct http1_limits small = {
    .start_line = 40,
    .section = 60,
    .fields = 4,
};

struct head_row {
    const char *name;
    struct px_bytes in;
    size_t enough;
    enum px_status status;
    enum requirement req;
    uint32_t line_oddities;
    uint32_t field_oddities;
};

#define GOOD(n)     n, PX_DONE, REQ_NONE
#define BAD(n, req) n, PX_ERROR, REQ_##req, 0, 0

static const struct head_row requests[] = {
    {"plain", BYTES("GET / HTTP/1.1\r\nA: b\r\n\r\n"), GOOD(24), 0, 0},
    {"no fields", BYTES("GET / HTTP/1.1\r\n\r\n"), GOOD(18), 0, 0},
    {"body is left", BYTES("GET / HTTP/1.0\r\n\r\nGET"), GOOD(18), 0, 0},
    {"empty lines first", BYTES("\r\n\nGET / HTTP/1.1\r\n\r\n"), GOOD(21),
     HTTP1_LEADING_CRLF, 0},
    {"bare LF in the request-line", BYTES("GET / HTTP/1.1\n\r\n"), GOOD(17),
     HTTP1_BARE_LF, 0},
    {"bare LF in a field line", BYTES("GET / HTTP/1.1\r\nA:b\n\r\n"), GOOD(22),
     0, HTTP1_BARE_LF},
    {"bare LF ends the section", BYTES("GET / HTTP/1.1\r\n\n"), GOOD(17), 0,
     HTTP1_BARE_LF},
    {"bare CR in the request-line", BYTES("GE\rT / HTTP/1.1\r\n\r\n"), GOOD(19),
     HTTP1_BARE_CR | HTTP1_NOT_TOKEN, 0},
    {"bare CR in a value", BYTES("GET / HTTP/1.1\r\nA:b\rc\r\n\r\n"), GOOD(25),
     0, HTTP1_BARE_CR},
    {"bare CR is no empty line", BYTES("GET / HTTP/1.1\r\n\r\r\n\r\n"),
     GOOD(21), 0, HTTP1_BARE_CR | HTTP1_NO_COLON},
    {"a folded value", BYTES("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), GOOD(28),
     0, HTTP1_FOLDED},
    {"a fold of blanks only", BYTES("GET / HTTP/1.1\r\nA: b\r\n\t\r\n\r\n"),
     GOOD(27), 0, HTTP1_FOLDED},
    {"whitespace before the first field",
     BYTES("GET / HTTP/1.1\r\n A: b\r\n\r\n"), GOOD(25), 0, HTTP1_INDENTED},
    {"whitespace before the colon", BYTES("GET / HTTP/1.1\r\nA : b\r\n\r\n"),
     GOOD(25), 0, HTTP1_COLON_SPACE},
    {"a name that is no token", BYTES("GET / HTTP/1.1\r\nA(: b\r\n\r\n"),
     GOOD(25), 0, HTTP1_NOT_TOKEN},
    {"an empty name", BYTES("GET / HTTP/1.1\r\n: b\r\n\r\n"), GOOD(23), 0,
     HTTP1_NOT_TOKEN},
    {"no colon", BYTES("GET / HTTP/1.1\r\nA b\r\n\r\n"), GOOD(23), 0,
     HTTP1_NO_COLON},
    {"zero octet in a value", BYTES("GET / HTTP/1.1\r\nA: \0\r\n\r\n"),
     GOOD(24), 0, HTTP1_CONTROL},
    {"zero octet in the target", BYTES("GET /\0 HTTP/1.1\r\n\r\n"), GOOD(19),
     HTTP1_CONTROL, 0},
    {"two spaces", BYTES("GET  / HTTP/1.1\r\n\r\n"), GOOD(19),
     HTTP1_LOOSE_SPACING, 0},
    {"a tab", BYTES("GET\t/ HTTP/1.1\r\n\r\n"), GOOD(18), HTTP1_LOOSE_SPACING,
     0},
    {"a space at the end", BYTES("GET / HTTP/1.1 \r\n\r\n"), GOOD(19),
     HTTP1_LOOSE_SPACING, 0},
    {"four words", BYTES("GET / x HTTP/1.1\r\n\r\n"), GOOD(20),
     HTTP1_LOOSE_SPACING | HTTP1_EXTRA_WORDS | HTTP1_BAD_VERSION, 0},
    {"HTTP/0.9", BYTES("GET /\r\nA: b\r\n\r\n"), GOOD(7), HTTP1_NO_VERSION, 0},
    {"one word", BYTES("GET\r\n\r\n"), GOOD(5),
     HTTP1_NO_VERSION | HTTP1_LOOSE_SPACING, 0},
    {"no version behind a space", BYTES("GET / \r\n\r\n"), GOOD(8),
     HTTP1_NO_VERSION, 0},
    {"a version in small letters", BYTES("GET / http/1.1\r\n\r\n"), GOOD(18),
     HTTP1_BAD_VERSION, 0},
    {"a version of two digits", BYTES("GET / HTTP/1.10\r\n\r\n"), GOOD(19),
     HTTP1_BAD_VERSION, 0},
    {"a method that is no token", BYTES("G@T / HTTP/1.1\r\n\r\n"), GOOD(18),
     HTTP1_NOT_TOKEN, 0},
    {"no method", BYTES(" / HTTP/1.1\r\n\r\n"), GOOD(15), HTTP1_NOT_TOKEN, 0},
    {"a request-line at the limit",
     BYTES("GET /234567890123456789012345 HTTP/1.1\r\n\r\n"), GOOD(42), 0, 0},
    {"a request-line beyond it",
     BYTES("GET /2345678901234567890123456 HTTP/1.1\r\n"),
     BAD(41, HTTP_TARGET_TOO_LONG)},
    {"a line that does not end",
     BYTES("GET /23456789012345678901234567890123456789"),
     BAD(41, HTTP_TARGET_TOO_LONG)},
    {"as many fields as allowed",
     BYTES("GET / HTTP/1.1\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n"), GOOD(34), 0, 0},
    {"one field more",
     BYTES("GET / HTTP/1.1\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n"),
     BAD(37, HTTP_LIMITS_FIELDS_4XX)},
    {"a section at the limit",
     BYTES("GET / HTTP/1.1\r\n"
           "A:345678901234567890123456789012345678901234567890123456\r\n\r\n"),
     GOOD(76), 0, 0},
    {"a section beyond it",
     BYTES("GET / HTTP/1.1\r\n"
           "A:3456789012345678901234567890123456789012345678901234567\r\n\r\n"),
     BAD(77, HTTP_LIMITS_FIELDS_4XX)},
    {"a field line that does not end",
     BYTES("GET / HTTP/1.1\r\n"
           "A:34567890123456789012345678901234567890123456789012345678901"),
     BAD(77, HTTP_LIMITS_FIELDS_4XX)},
    {"a fold that ends beyond it",
     BYTES("GET / HTTP/1.1\r\nA:\r\n"
           " 5678901234567890123456789012345678901234567890123456789\r\nB"),
     BAD(77, HTTP_LIMITS_FIELDS_4XX)},
    {"a fold that does not end",
     BYTES("GET / HTTP/1.1\r\nA:\r\n"
           " 567890123456789012345678901234567890123456789012345678901"),
     BAD(77, HTTP_LIMITS_FIELDS_4XX)},
};

static const struct head_row responses[] = {
    {"plain", BYTES("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), GOOD(25), 0, 0},
    {"empty reason", BYTES("HTTP/1.1 200 \r\n\r\n"), GOOD(17), 0, 0},
    {"no space behind the code", BYTES("HTTP/1.1 200\r\n\r\n"), GOOD(16),
     HTTP1_NO_REASON_SPACE, 0},
    {"empty lines first", BYTES("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), GOOD(23),
     HTTP1_LEADING_CRLF, 0},
    {"a code of two digits", BYTES("HTTP/1.1 20 OK\r\n\r\n"), GOOD(18),
     HTTP1_BAD_STATUS, 0},
    {"a code of letters", BYTES("HTTP/1.1 2OO OK\r\n\r\n"), GOOD(19),
     HTTP1_BAD_STATUS, 0},
    {"no code", BYTES("HTTP/1.1\r\n\r\n"), GOOD(12),
     HTTP1_BAD_STATUS | HTTP1_LOOSE_SPACING | HTTP1_NO_REASON_SPACE, 0},
    {"a longer version", BYTES("HTTP/1.1x 200 OK\r\n\r\n"), GOOD(20),
     HTTP1_BAD_VERSION, 0},
    {"two spaces", BYTES("HTTP/1.1  200 OK\r\n\r\n"), GOOD(20),
     HTTP1_LOOSE_SPACING, 0},
    {"zero octet in the reason", BYTES("HTTP/1.1 200 \0\r\n\r\n"), GOOD(18),
     HTTP1_CONTROL, 0},
    {"no HTTP", BYTES("SSH-2.0-x\r\n"), BAD(1, HTTP_STATUS_SYNTAX)},
    {"HTTP late", BYTES("HTXP/1.1 200 OK\r\n"), BAD(3, HTTP_STATUS_SYNTAX)},
    {"CR before HTTP", BYTES("\rHTTP/1.1"), BAD(2, HTTP_STATUS_SYNTAX)},
    {"a status-line beyond the limit",
     BYTES("HTTP/1.1 200 4567890123456789012345678901234"),
     BAD(41, HTTP_TARGET_TOO_LONG)},
    {"a status-line that ends beyond it",
     BYTES("HTTP/1.1 200 4567890123456789012345678901234\r\n"),
     BAD(41, HTTP_TARGET_TOO_LONG)},
};

struct decoded {
    enum px_status status;
    size_t used;
    struct px_error err;
    uint32_t line_oddities;
    const struct http1_fields *fields;
};

typedef struct decoded decode_head_fn(struct px_bytes in);

static struct decoded decode_request(struct px_bytes in)
{
    static struct http1_request_head head;
    struct decoded got = {.fields = &head.fields};

    got.status =
        http1_decode_request_head(in, &small, &head, &got.used, &got.err);
    got.line_oddities = head.line.oddities;
    return got;
}

static struct decoded decode_response(struct px_bytes in)
{
    static struct http1_response_head head;
    struct decoded got = {.fields = &head.fields};

    got.status =
        http1_decode_response_head(in, &small, &head, &got.used, &got.err);
    got.line_oddities = head.line.oddities;
    return got;
}

static void check_head(const struct head_row *row, decode_head_fn *decode)
{
    for (size_t len = 0; len <= row->in.len; len++) {
        uint8_t *copy = copy_exact(row->in, len);
        struct decoded got = decode(px_bytes_of(copy, len));

        assert_int_equal(got.status,
                         len < row->enough ? PX_NEED_MORE : row->status);
        assert_int_equal(got.used, got.status == PX_DONE ? row->enough : 0);
        if (got.status == PX_DONE) {
            assert_int_equal(got.line_oddities, row->line_oddities);
            assert_int_equal(got.fields->oddities, row->field_oddities);
        }
        if (got.status == PX_ERROR) {
            assert_int_equal(got.err.req, row->req);
            assert_true(got.err.offset < len);
        }
        free(copy);
    }
}

static void check_request(void **state)
{
    check_head(*state, decode_request);
}

static void check_response(void **state)
{
    check_head(*state, decode_response);
}

static void words_and_fields_are_split(void **state)
{
    static const struct px_bytes in =
        BYTES("CONNECT a:1 HTTP/1.0\r\nHost:\t a:1 \r\nX-y:\r\nx-Y: 2\r\n\r\n");
    struct http1_request_head head;
    struct px_error err = {0};
    size_t used = 0;

    (void)state;
    assert_int_equal(http1_decode_request_head(in, &http1_default_limits, &head,
                                               &used, &err),
                     PX_DONE);
    assert_bytes_equal(head.line.method, PX_LITERAL("CONNECT"));
    assert_bytes_equal(head.line.target, PX_LITERAL("a:1"));
    assert_int_equal(head.line.major, 1);
    assert_int_equal(head.line.minor, 0);
    assert_int_equal(head.fields.count, 3);
    assert_bytes_equal(head.fields.at[0].name, PX_LITERAL("Host"));
    assert_bytes_equal(http1_find(&head.fields, "hOST")->value,
                       PX_LITERAL("a:1"));
    assert_int_equal(http1_find(&head.fields, "X-Y")->value.len, 0);
    assert_int_equal(http1_count(&head.fields, "x-y"), 2);
    assert_null(http1_find(&head.fields, "Hos"));
}

static void status_lines_are_split(void **state)
{
    struct http1_response_head head;
    struct px_error err = {0};
    size_t used = 0;

    (void)state;
    assert_int_equal(
        http1_decode_response_head(PX_LITERAL("HTTP/1.0 407 Not a  word\r\n"
                                              "Via: 1.1 x\r\n\r\n"),
                                   &http1_default_limits, &head, &used, &err),
        PX_DONE);
    assert_int_equal(head.line.major, 1);
    assert_int_equal(head.line.minor, 0);
    assert_int_equal(head.line.code, 407);
    assert_bytes_equal(head.line.reason, PX_LITERAL("Not a  word"));
}

/* Whatever the caller allows, the table's own room is the last word. */
static void field_table_does_not_overflow(void **state)
{
    struct http1_limits generous = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    static uint8_t in[16 + 3 * (HTTP1_FIELDS_MAX + 1) + 2];
    struct px_writer w = px_writer_over(in, sizeof(in));
    struct http1_request_head head;
    struct px_error err = {0};
    size_t used = 0;

    (void)state;
    px_put_text(&w, "GET / HTTP/1.1\n");
    for (int i = 0; i < HTTP1_FIELDS_MAX + 1; i++)
        px_put_text(&w, "a:\n");
    px_put_text(&w, "\n");
    assert_int_equal(http1_decode_request_head(px_written(&w), &generous, &head,
                                               &used, &err),
                     PX_ERROR);
    assert_int_equal(err.req, REQ_HTTP_LIMITS_FIELDS_4XX);
}

static void lists_skip_empty_members(void **state)
{
    struct px_bytes list = PX_LITERAL(" ,a\t,, b c ,");
    struct px_bytes member;
    struct http1_fields fields = {
        .count = 3,
        .at = {{.name = BYTES("Connection"), .value = BYTES("x, CLOSE")},
               {.name = BYTES("Other"), .value = BYTES("upgrade")},
               {.name = BYTES("connection"), .value = BYTES("te")}},
    };

    (void)state;
    assert_true(http1_next_member(&list, &member));
    assert_bytes_equal(member, PX_LITERAL("a"));
    assert_true(http1_next_member(&list, &member));
    assert_bytes_equal(member, PX_LITERAL("b c"));
    assert_false(http1_next_member(&list, &member));
    assert_true(http1_lists(&fields, "Connection", "close"));
    assert_true(http1_lists(&fields, "Connection", "TE"));
    assert_false(http1_lists(&fields, "Connection", "upgrade"));
    assert_false(http1_lists(&fields, "Connection", "clos"));
}

static void tokens_are_tchars(void **state)
{
    static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";

    (void)state;
    assert_false(http1_is_token((struct px_bytes){0}));
    for (unsigned i = 0; i < 256; i++) {
        uint8_t octet = (uint8_t)i;

        assert_int_equal(http1_is_token(px_bytes_of(&octet, 1)),
                         i != 0 && strchr(tchars, (int)i) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_fields_are_split),
        cmocka_unit_test(status_lines_are_split),
        cmocka_unit_test(field_table_does_not_overflow),
        cmocka_unit_test(lists_skip_empty_members),
        cmocka_unit_test(tokens_are_tchars),
    };

    return RUN_ROWS(requests, check_request) +
           RUN_ROWS(responses, check_response) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
