#include "socks4.h"

#include <string.h>

#include "rows.h"

/* Each decodes and encodes again what it decoded. */

static enum px_status request(struct px_bytes in, size_t *used,
                              struct px_error *err, struct px_writer *again)
{
    struct socks4_request out;
    enum px_status status = socks4_decode_request(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks4_encode_request(&out, again));
    return status;
}

static enum px_status reply(struct px_bytes in, size_t *used,
                            struct px_error *err, struct px_writer *again)
{
    struct socks4_reply out;
    enum px_status status = socks4_decode_reply(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks4_encode_reply(&out, again));
    return status;
}

#define HOST        "\x7f\x00\x00\x01"
#define NAMED       "\x04\x01\x00\x50\x00\x00\x00\x01"
#define GOOD(n)     n, PX_DONE, REQ_NONE
#define BAD(n, req) n, PX_ERROR, REQ_##req

static const struct decode_row rows[] = {
    {"no user id", BYTES("\x04\x01\x1f\x90" HOST "\x00"), GOOD(9), request},
    {"a user id", BYTES("\x04\x02\x1f\x90" HOST "me\x00"), GOOD(11), request},
    {"a user id of any octets", BYTES("\x04\x01\x00\x50" HOST "\xff\x01\n\x00"),
     GOOD(12), request},
    {"CD is kept", BYTES("\x04\xee\x00\x50" HOST "\x00"), GOOD(9), request},
    {"data behind it stays", BYTES("\x04\x01\x00\x50" HOST "\x00hello\x00"),
     GOOD(9), request},
    {"another request behind it stays",
     BYTES("\x04\x01\x00\x50" HOST "me\x00\x04\x01\x00\x50" HOST "\x00"),
     GOOD(11), request},
    {"0.0.0.0 is no marker",
     BYTES("\x04\x01\x00\x50\x00\x00\x00\x00\x00hi\x00"), GOOD(9), request},
    {"0.0.1.1 is no marker",
     BYTES("\x04\x01\x00\x50\x00\x00\x01\x01\x00hi\x00"), GOOD(9), request},
    {"0.1.0.1 is no marker",
     BYTES("\x04\x01\x00\x50\x00\x01\x00\x01\x00hi\x00"), GOOD(9), request},
    {"1.0.0.1 is no marker",
     BYTES("\x04\x01\x00\x50\x01\x00\x00\x01\x00hi\x00"), GOOD(9), request},
    {"a name", BYTES(NAMED "\x00hi\x00"), GOOD(12), request},
    {"a name behind a user id", BYTES(NAMED "me\x00hi\x00rest"), GOOD(14),
     request},
    {"a name behind 0.0.0.255",
     BYTES("\x04\x01\x00\x50\x00\x00\x00\xff\x00hi\x00"), GOOD(12), request},
    {"an empty name", BYTES(NAMED "\x00\x00"), GOOD(10), request},
    {"VN 5", BYTES("\x05\x01\x00"), BAD(1, SOCKS4_REQUEST_VERSION), request},
    {"VN 0", BYTES("\x00\x01\x00\x50" HOST "\x00"),
     BAD(1, SOCKS4_REQUEST_VERSION), request},
    {"reply", BYTES("\x00\x5a\x1f\x90" HOST), GOOD(8), reply},
    {"reply, then data", BYTES("\x00\x5b\x00\x00\x00\x00\x00\x00hello"),
     GOOD(8), reply},
    {"reply, every odd octet is kept",
     BYTES("\x04\x00\xff\xff\x00\x00\x00\x05"), GOOD(8), reply},
};

/* The strings at their limit, and one octet behind it. */
static void strings_are_bounded(void **state)
{
    uint8_t text[SOCKS4_REQUEST_MAX + 1];
    struct decode_row row = {.decode = request};
    void *one_row = &row;
    struct px_writer w = px_writer_over(text, sizeof(text));

    (void)state;
    px_put_bytes(&w, PX_LITERAL(NAMED));
    memset(text + 8, 'u', SOCKS4_USER_MAX + 1);
    row.in = px_bytes_of(text, 8 + SOCKS4_USER_MAX + 1);
    row.enough = row.in.len;
    row.status = PX_ERROR;
    row.req = REQ_SOCKS4_REQUEST_USERID_LONG;
    check_decode_row(&one_row);

    w.len = 8 + SOCKS4_USER_MAX;
    px_put_u8(&w, 0);
    memset(text + w.len, 'n', SOCKS4_NAME_MAX + 1);
    row.in = px_bytes_of(text, SOCKS4_REQUEST_MAX);
    row.enough = row.in.len;
    row.req = REQ_SOCKS4A_NAME_LONG;
    check_decode_row(&one_row);

    text[SOCKS4_REQUEST_MAX - 1] = 0;
    row.status = PX_DONE;
    row.req = REQ_NONE;
    check_decode_row(&one_row);
}

static void errors_say_where(void **state)
{
    uint8_t text[8 + SOCKS4_USER_MAX + 5];
    struct px_writer w = px_writer_over(text, sizeof(text));
    struct socks4_request out;
    struct px_error err = {0};
    size_t used;

    (void)state;
    memset(text, 'u', sizeof(text));
    px_put_bytes(&w, PX_LITERAL(NAMED));
    assert_int_equal(socks4_decode_request(px_bytes_of(text, sizeof(text)),
                                           &out, &used, &err),
                     PX_ERROR);
    assert_int_equal(err.offset, 8 + SOCKS4_USER_MAX);
    assert_string_equal(err.detail, "no end after 512 octets");
}

static void fields_land_where_they_belong(void **state)
{
    struct px_error err = {0};
    struct socks4_request out;
    struct socks4_reply rep;
    size_t used;

    (void)state;
    assert_int_equal(socks4_decode_request(
                         PX_LITERAL("\x04\x02\x1f\x90\x01\x02\x03\x04me\0"),
                         &out, &used, &err),
                     PX_DONE);
    assert_int_equal(out.command, SOCKS4_BIND);
    assert_int_equal(out.marker, 0);
    assert_bytes_equal(out.user, PX_LITERAL("me"));
    assert_int_equal(out.dst.port, 0x1f90);
    assert_int_equal(out.dst.addr.kind, PX_ADDRESS_IPV4);
    assert_memory_equal(out.dst.addr.ip, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0", 16);

    assert_int_equal(
        socks4_decode_request(PX_LITERAL("\x04\x01\0\x50\0\0\0\x09\0hi\0"),
                              &out, &used, &err),
        PX_DONE);
    assert_int_equal(out.marker, 9);
    assert_int_equal(out.dst.addr.kind, PX_ADDRESS_NAME);
    assert_bytes_equal(out.dst.addr.name, PX_LITERAL("hi"));
    assert_memory_equal(out.dst.addr.ip, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);

    assert_int_equal(socks4_decode_reply(PX_LITERAL("\0\x5d\x1f\x90\1\2\3\4"),
                                         &rep, &used, &err),
                     PX_DONE);
    assert_int_equal(rep.version, 0);
    assert_int_equal(rep.code, SOCKS4_IDENTD_MISMATCH);
    assert_int_equal(rep.endpoint.port, 0x1f90);
    assert_memory_equal(rep.endpoint.addr.ip, "\1\2\3\4", 4);
}

struct unfit_row {
    const char *name;
    struct socks4_request request;
};

static const struct unfit_row unfit[] = {
    {"nowhere", {.command = 1}},
    {"IPv6", {.dst = {.addr = {.kind = PX_ADDRESS_IPV6}}}},
    {"an address that is a marker",
     {.dst = {.addr = {.kind = PX_ADDRESS_IPV4, .ip = {0, 0, 0, 7}}}}},
    {"a zero octet in the user id",
     {.dst = {.addr = {.kind = PX_ADDRESS_IPV4}}, .user = BYTES("m\0e")}},
    {"a zero octet in the name",
     {.marker = 1,
      .dst = {.addr = {.kind = PX_ADDRESS_NAME, .name = BYTES("h\0i")}}}},
};

static void has_no_form(void **state)
{
    const struct unfit_row *row = *state;
    uint8_t storage[64];
    struct px_writer w = px_writer_over(storage, sizeof(storage));

    assert_false(socks4_encode_request(&row->request, &w));
}

static void a_reply_holds_ipv4_only(void **state)
{
    const struct socks4_reply named = {
        .endpoint = {.addr = {.kind = PX_ADDRESS_NAME, .name = BYTES("hi")}},
    };
    uint8_t storage[64];
    struct px_writer w = px_writer_over(storage, sizeof(storage));

    (void)state;
    assert_false(socks4_encode_reply(&named, &w));
}

/* What a client does wrong can be written too: a name behind 0.0.0.0. */
static void a_name_is_written_behind_any_marker(void **state)
{
    const struct socks4_request odd = {
        .command = 1,
        .dst = {{.kind = PX_ADDRESS_NAME, .name = BYTES("hi")}, 80},
    };
    uint8_t storage[64];
    struct px_writer w = px_writer_over(storage, sizeof(storage));

    (void)state;
    assert_true(socks4_encode_request(&odd, &w));
    assert_bytes_equal(px_written(&w),
                       PX_LITERAL("\x04\x01\x00\x50\0\0\0\0\0hi\0"));
}

static void encoders_tell_when_it_does_not_fit(void **state)
{
    const struct socks4_request req = {
        .command = 1,
        .marker = 1,
        .dst = {{.kind = PX_ADDRESS_NAME, .name = BYTES("hi")}, 80},
        .user = BYTES("me"),
    };
    const struct socks4_reply rep = {
        .endpoint = {.addr = {.kind = PX_ADDRESS_IPV4}},
    };
    uint8_t storage[14];

    (void)state;
    for (size_t cap = 0; cap <= sizeof(storage); cap++) {
        struct px_writer w = px_writer_over(storage, cap);

        assert_int_equal(socks4_encode_request(&req, &w), cap == 14);
        w = px_writer_over(storage, cap);
        assert_int_equal(socks4_encode_reply(&rep, &w), cap >= 8);
    }
}

static void every_octet_has_a_name(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        assert_non_null(socks4_code_name((uint8_t)octet));
        assert_non_null(socks4_command_name((uint8_t)octet));
    }
    assert_string_equal(socks4_code_name(90), "granted");
    assert_string_equal(socks4_code_name(91), "rejected or failed");
    assert_string_equal(socks4_code_name(94), "unassigned");
    assert_string_equal(socks4_command_name(1), "CONNECT");
    assert_string_equal(socks4_command_name(2), "BIND");
    assert_string_equal(socks4_command_name(3), "unassigned");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_bounded),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(fields_land_where_they_belong),
        cmocka_unit_test(a_reply_holds_ipv4_only),
        cmocka_unit_test(a_name_is_written_behind_any_marker),
        cmocka_unit_test(encoders_tell_when_it_does_not_fit),
        cmocka_unit_test(every_octet_has_a_name),
    };

    return RUN_ROWS(rows, check_decode_row) + RUN_ROWS(unfit, has_no_form) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
