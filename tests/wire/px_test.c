#include "px.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

struct endpoint_row {
    const char *name; /* what it is to look like */
    struct px_endpoint endpoint;
};

#define V4(...)                                                                \
    {                                                                          \
        .kind = PX_ADDRESS_IPV4, .ip = { __VA_ARGS__ }                         \
    }
#define V6(...)                                                                \
    {                                                                          \
        .kind = PX_ADDRESS_IPV6, .ip = { __VA_ARGS__ }                         \
    }
#define NAMED(s)                                                               \
    {                                                                          \
        .kind = PX_ADDRESS_NAME, .name = BYTES(s)                              \
    }

static const struct endpoint_row endpoints[] = {
    {"-:0", {{0}, 0}},
    {"192.0.2.1:80", {V4(192, 0, 2, 1), 80}},
    {"0.0.0.0:65535", {V4(0), 65535}},
    {"[::]:1", {V6(0), 1}},
    {"[::1]:1", {V6([15] = 1), 1}},
    {"[1::]:1", {V6(0, 1), 1}},
    {"[2001:db8::1]:443", {V6(0x20, 1, 0x0d, 0xb8, [15] = 1), 443}},
    /* RFC 5952 section 4.2.3: the longer run, the first of two alike. */
    {"[1:0:0:1::1]:1", {V6(0, 1, [7] = 1, [15] = 1), 1}},
    {"[1::1:0:0:1:1]:1", {V6(0, 1, [7] = 1, [13] = 1, [15] = 1), 1}},
    /* Section 4.2.2: one group of zeros is not shortened. */
    {"[1:0:1:1:1:1:1:1]:1",
     {V6(0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1), 1}},
    {"[abcd:f00::e]:1", {V6(0xab, 0xcd, 0x0f, 0, [15] = 0x0e), 1}},
    {"example.org:80", {NAMED("example.org"), 80}},
    {":80", {NAMED(""), 80}},
    {"a\\x20b\\x0a\\x00\\xff\\x5c:80", {NAMED("a b\n\0\xff\\"), 80}},
};

static void check_endpoint(void **state)
{
    const struct endpoint_row *row = *state;
    char text[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(&row->endpoint, text);
    assert_string_equal(text, row->name);
}

static void longest_name_fits(void **state)
{
    uint8_t name[PX_NAME_MAX];
    char text[PX_ENDPOINT_TEXT_MAX];
    struct px_endpoint endpoint = {
        .addr = {.kind = PX_ADDRESS_NAME,
                 .name = px_bytes_of(name, sizeof(name))},
        .port = 65535,
    };

    (void)state;
    memset(name, 0xff, sizeof(name));
    px_format_endpoint(&endpoint, text);
    assert_int_equal(strlen(text), 4 * sizeof(name) + strlen(":65535"));
}

static void cursor_takes_or_leaves(void **state)
{
    static const struct px_bytes in = BYTES("\x01\x02\x03\x04");
    uint8_t *copy = copy_exact(in, in.len);
    struct px_cursor c = px_cursor_over(px_bytes_of(copy, in.len));
    struct px_bytes bytes;
    uint16_t be16;
    uint8_t u8;

    (void)state;
    assert_false(px_take_bytes(&c, 5, &bytes));
    assert_false(px_take_bytes(&c, SIZE_MAX, &bytes));
    assert_true(px_take_u8(&c, &u8));
    assert_int_equal(u8, 1);
    assert_true(px_take_be16(&c, &be16));
    assert_int_equal(be16, 0x0203);
    assert_false(px_take_be16(&c, &be16));
    assert_int_equal(px_cursor_used(&c), 3);
    assert_int_equal(px_cursor_rest(&c).len, 1);
    assert_true(px_take_bytes(&c, 1, &bytes));
    assert_int_equal(bytes.data[0], 4);
    assert_false(px_take_u8(&c, &u8));
    assert_true(px_take_bytes(&c, 0, &bytes));
    assert_int_equal(px_cursor_rest(&c).len, 0);
    free(copy);
}

static void writer_stays_full(void **state)
{
    uint8_t *storage = malloc(4);
    struct px_writer w = px_writer_over(storage, 4);

    (void)state;
    assert_non_null(storage);
    px_put_be16(&w, 0x0102);
    px_put_u8(&w, 3);
    assert_bytes_equal(px_written(&w), PX_LITERAL("\x01\x02\x03"));
    px_put_be16(&w, 0x0405);
    assert_true(w.is_full);
    px_put_u8(&w, 6); /* would fit, but behind a hole */
    assert_true(w.is_full);
    assert_int_equal(w.len, 3);
    free(storage);
}

static void decimals_have_no_padding(void **state)
{
    uint8_t storage[64];
    struct px_writer w = px_writer_over(storage, sizeof(storage));

    (void)state;
    px_put_decimal(&w, 0);
    px_put_text(&w, " ");
    px_put_decimal(&w, 10);
    px_put_text(&w, " ");
    px_put_decimal(&w, UINT64_MAX);
    assert_bytes_equal(px_written(&w), PX_LITERAL("0 10 18446744073709551615"));
}

static void case_folds_letters_only(void **state)
{
    (void)state;
    assert_true(px_equal_nocase(PX_LITERAL("HoSt"), PX_LITERAL("hOsT")));
    assert_false(px_equal_nocase(PX_LITERAL("@["), PX_LITERAL("`{")));
    assert_false(px_equal_nocase(PX_LITERAL("Host"), PX_LITERAL("Hos")));
    assert_true(px_equal((struct px_bytes){0}, PX_LITERAL("")));
    assert_false(px_equal(PX_LITERAL("a"), PX_LITERAL("A")));
}

static void errors_are_one_whole_line(void **state)
{
    char text[200];
    struct px_error err;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(px_refuse(&err, REQ_SOCKS5_PORT_ZERO, 7, "%s", text),
                     PX_ERROR);
    assert_int_equal(err.req, REQ_SOCKS5_PORT_ZERO);
    assert_int_equal(err.offset, 7);
    assert_int_equal(err.sys_errno, 0);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_int_equal(px_fail(&err, 2, "%d", 5), PX_ERROR);
    assert_int_equal(err.req, REQ_NONE);
    assert_int_equal(err.sys_errno, 2);
    assert_string_equal(err.detail, "5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_name_fits),
        cmocka_unit_test(cursor_takes_or_leaves),
        cmocka_unit_test(writer_stays_full),
        cmocka_unit_test(decimals_have_no_padding),
        cmocka_unit_test(case_folds_letters_only),
        cmocka_unit_test(errors_are_one_whole_line),
    };

    return RUN_ROWS(endpoints, check_endpoint) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
