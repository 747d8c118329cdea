#include "socks5.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Each decodes and encodes again what it decoded. */

static enum px_status greeting(struct px_bytes in, size_t *used,
                               struct px_error *err, struct px_writer *again)
{
    struct socks5_greeting out;
    enum px_status status = socks5_decode_greeting(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks5_encode_greeting(&out, again));
    return status;
}

static enum px_status selection(struct px_bytes in, size_t *used,
                                struct px_error *err, struct px_writer *again)
{
    struct socks5_selection out;
    enum px_status status = socks5_decode_selection(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks5_encode_selection(&out, again));
    return status;
}

static enum px_status request(struct px_bytes in, size_t *used,
                              struct px_error *err, struct px_writer *again)
{
    struct socks5_request out;
    enum px_status status = socks5_decode_request(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks5_encode_request(&out, again));
    return status;
}

static enum px_status reply(struct px_bytes in, size_t *used,
                            struct px_error *err, struct px_writer *again)
{
    struct socks5_reply out;
    enum px_status status = socks5_decode_reply(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(socks5_encode_reply(&out, again));
    return status;
}

#define SIXTEEN     "0123456789abcdef"
#define GOOD(n)     n, PX_DONE, REQ_NONE
#define BAD(n, req) n, PX_ERROR, REQ_##req

static const struct decode_row rows[] = {
    {"greeting, one method", BYTES("\x05\x01\x00"), GOOD(3), greeting},
    {"greeting, no method", BYTES("\x05\x00"), GOOD(2), greeting},
    {"greeting, the same method twice", BYTES("\x05\x02\x02\x02"), GOOD(4),
     greeting},
    {"greeting, then more", BYTES("\x05\x01\x00\x05\x01"), GOOD(3), greeting},
    {"greeting of SOCKS4", BYTES("\x04\x01\x00"),
     BAD(1, SOCKS5_GREETING_BAD_VERSION), greeting},
    {"greeting of HTTP", BYTES("GET"), BAD(1, SOCKS5_GREETING_BAD_VERSION),
     greeting},
    {"selection", BYTES("\x05\x02"), GOOD(2), selection},
    {"selection, none acceptable", BYTES("\x05\xff"), GOOD(2), selection},
    {"selection, odd version", BYTES("\x00\x80\x00"), GOOD(2), selection},
    {"request, IPv4", BYTES("\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90"),
     GOOD(10), request},
    {"request, IPv6", BYTES("\x05\x01\x00\x04" SIXTEEN "\x01\xbb"), GOOD(22),
     request},
    {"request, name", BYTES("\x05\x01\x00\x03\x02hi\x00\x50"), GOOD(9),
     request},
    {"request, empty name", BYTES("\x05\x01\x00\x03\x00\x00\x50"), GOOD(7),
     request},
    {"request, zero octets in a name",
     BYTES("\x05\x01\x00\x03\x03\x00\x61\x00\x00\x50"), GOOD(10), request},
    {"request, RSV is kept", BYTES("\x05\x01\x07\x03\x02hi\x00\x50"), GOOD(9),
     request},
    {"request, CMD is kept", BYTES("\x05\xee\x00\x01\x01\x02\x03\x04\x00\x00"),
     GOOD(10), request},
    {"request, then data", BYTES("\x05\x01\x00\x03\x01h\x00\x50GET"), GOOD(8),
     request},
    {"request, VER 4", BYTES("\x04\x01\x00\x01"),
     BAD(1, SOCKS5_REQUEST_VERSION), request},
    {"request, ATYP 2", BYTES("\x05\x01\x00\x02\x01"),
     BAD(4, SOCKS5_REQUEST_ATYP_UNKNOWN), request},
    {"request, ATYP 0", BYTES("\x05\x01\x00\x00\x01"),
     BAD(4, SOCKS5_REQUEST_ATYP_UNKNOWN), request},
    {"request, ATYP 255", BYTES("\x05\x01\x00\xff\x01"),
     BAD(4, SOCKS5_REQUEST_ATYP_UNKNOWN), request},
    {"reply, IPv4", BYTES("\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90"), GOOD(10),
     reply},
    {"reply, IPv6", BYTES("\x05\x05\x00\x04" SIXTEEN "\x00\x00"), GOOD(22),
     reply},
    {"reply, name", BYTES("\x05\x00\x00\x03\x02hi\x00\x50rest"), GOOD(9),
     reply},
    {"reply, every odd octet is kept",
     BYTES("\x00\xee\x07\x01\x01\x02\x03\x04\x00\x00"), GOOD(10), reply},
    {"reply, ATYP 2", BYTES("\x05\x00\x00\x02\x01"),
     BAD(4, SOCKS5_REPLY_LAYOUT), reply},
};

/* 255 of whatever a length octet counts: the most that the format carries. */
static void longest_fields_round_trip(void **state)
{
    uint8_t all[255];
    struct px_bytes longest = px_bytes_of(all, sizeof(all));
    const struct socks5_greeting greet = {longest};
    const struct socks5_request req = {
        .command = SOCKS5_CONNECT,
        .dst = {.addr = {.kind = PX_ADDRESS_NAME, .name = longest}, .port = 1},
    };
    uint8_t storage[SOCKS5_REQUEST_MAX];
    struct px_writer w = px_writer_over(storage, SOCKS5_GREETING_MAX);
    struct decode_row row = {.name = "longest", .status = PX_DONE};
    void *one_row = &row;

    (void)state;
    memset(all, 'n', sizeof(all));
    assert_true(socks5_encode_greeting(&greet, &w));
    row.in = px_written(&w);
    row.enough = SOCKS5_GREETING_MAX;
    row.decode = greeting;
    check_decode_row(&one_row);

    w = px_writer_over(storage, SOCKS5_REQUEST_MAX);
    assert_true(socks5_encode_request(&req, &w));
    row.in = px_written(&w);
    row.enough = SOCKS5_REQUEST_MAX;
    row.decode = request;
    check_decode_row(&one_row);
}

static void fields_land_where_they_belong(void **state)
{
    struct px_error err = {0};
    struct socks5_request out;
    size_t used;

    (void)state;
    assert_int_equal(
        socks5_decode_request(PX_LITERAL("\x05\x02\x07\x03\x02hi\x1f\x90"),
                              &out, &used, &err),
        PX_DONE);
    assert_int_equal(out.command, SOCKS5_BIND);
    assert_int_equal(out.reserved, 7);
    assert_int_equal(out.dst.addr.kind, PX_ADDRESS_NAME);
    assert_bytes_equal(out.dst.addr.name, PX_LITERAL("hi"));
    assert_int_equal(out.dst.port, 0x1f90);
    assert_int_equal(socks5_decode_request(
                         PX_LITERAL("\x05\x01\0\x01\x01\x02\x03\x04\0\x09"),
                         &out, &used, &err),
                     PX_DONE);
    assert_int_equal(out.dst.addr.kind, PX_ADDRESS_IPV4);
    assert_memory_equal(out.dst.addr.ip, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(out.dst.port, 9);
}

static void encoders_refuse_what_has_no_form(void **state)
{
    static const uint8_t long_name[256] = {'n'};
    const struct px_bytes too_long = px_bytes_of(long_name, 256);
    const struct socks5_greeting greet = {too_long};
    const struct socks5_request named = {
        .dst = {.addr = {.kind = PX_ADDRESS_NAME, .name = too_long}},
    };
    const struct socks5_reply nowhere = {.version = 5};
    uint8_t storage[512];
    struct px_writer w = px_writer_over(storage, sizeof(storage));

    (void)state;
    assert_false(socks5_encode_greeting(&greet, &w));
    assert_false(socks5_encode_request(&named, &w));
    assert_false(socks5_encode_reply(&nowhere, &w));
}

static void encoders_tell_when_it_does_not_fit(void **state)
{
    const struct socks5_request req = {
        .command = 1,
        .dst = {.addr = {.kind = PX_ADDRESS_NAME, .name = BYTES("hi")}},
    };
    const struct socks5_selection sel = {5, 0};
    uint8_t storage[9];

    (void)state;
    for (size_t cap = 0; cap <= sizeof(storage); cap++) {
        struct px_writer w = px_writer_over(storage, cap);

        assert_int_equal(socks5_encode_request(&req, &w), cap == 9);
        w = px_writer_over(storage, cap);
        assert_int_equal(socks5_encode_selection(&sel, &w), cap >= 2);
    }
}

static void every_octet_has_a_name(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        assert_non_null(socks5_rep_name((uint8_t)octet));
        assert_non_null(socks5_method_name((uint8_t)octet));
        assert_non_null(socks5_command_name((uint8_t)octet));
    }
    assert_string_equal(socks5_rep_name(5), "connection refused");
    assert_string_equal(socks5_rep_name(9), "unassigned");
    assert_string_equal(socks5_method_name(0x7f), "IANA assigned");
    assert_string_equal(socks5_method_name(0x80), "private");
    assert_string_equal(socks5_command_name(3), "UDP ASSOCIATE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_fields_round_trip),
        cmocka_unit_test(fields_land_where_they_belong),
        cmocka_unit_test(encoders_refuse_what_has_no_form),
        cmocka_unit_test(encoders_tell_when_it_does_not_fit),
        cmocka_unit_test(every_octet_has_a_name),
    };

    return RUN_ROWS(rows, check_decode_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
