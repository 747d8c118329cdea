#include "userpass.h"

#include <string.h>

#include "rows.h"

static enum px_status request(struct px_bytes in, size_t *used,
                              struct px_error *err, struct px_writer *again)
{
    struct userpass_request out;
    enum px_status status = userpass_decode_request(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(userpass_encode_request(&out, again));
    return status;
}

static enum px_status status_message(struct px_bytes in, size_t *used,
                                     struct px_error *err,
                                     struct px_writer *again)
{
    struct userpass_status out;
    enum px_status status = userpass_decode_status(in, &out, used, err);

    if (status == PX_DONE)
        assert_true(userpass_encode_status(&out, again));
    return status;
}

#define GOOD(n) n, PX_DONE, REQ_NONE

static const struct decode_row rows[] = {
    {"request", BYTES("\x01\x04user\x04pass"), GOOD(11), request},
    {"request, both empty", BYTES("\x01\x00\x00"), GOOD(3), request},
    {"request, empty user", BYTES("\x01\x00\x01p"), GOOD(4), request},
    {"request, empty password", BYTES("\x01\x01u\x00"), GOOD(4), request},
    {"request, any octets", BYTES("\x01\x03\x00\xff:\x02\r\n"), GOOD(8),
     request},
    {"request, then more", BYTES("\x01\x01u\x01p\x05\x01"), GOOD(5), request},
    {"request, VER 5", BYTES("\x05\x01u\x01p"), 1, PX_ERROR,
     REQ_USERPASS_REQUEST_BAD_VERSION, request},
    {"status, success", BYTES("\x01\x00"), GOOD(2), status_message},
    {"status, failure", BYTES("\x01\xff"), GOOD(2), status_message},
    {"status, odd version", BYTES("\x05\x00\x00"), GOOD(2), status_message},
};

static void longest_fields_round_trip(void **state)
{
    uint8_t all[256];
    uint8_t storage[USERPASS_REQUEST_MAX];
    struct px_writer w = px_writer_over(storage, sizeof(storage));
    struct userpass_request longest = {px_bytes_of(all, 255),
                                       px_bytes_of(all, 255)};
    struct decode_row row = {"longest", {0},      sizeof(storage),
                             PX_DONE,   REQ_NONE, request};
    void *one_row = &row;

    (void)state;
    memset(all, 'x', sizeof(all));
    assert_true(userpass_encode_request(&longest, &w));
    row.in = px_written(&w);
    check_decode_row(&one_row);

    longest.password.len = 256;
    w = px_writer_over(storage, sizeof(storage));
    assert_false(userpass_encode_request(&longest, &w));
    longest.user.len = 256;
    longest.password.len = 1;
    w = px_writer_over(storage, sizeof(storage));
    assert_false(userpass_encode_request(&longest, &w));
}

static void fields_land_where_they_belong(void **state)
{
    struct userpass_request out;
    struct px_error err = {0};
    size_t used;

    (void)state;
    assert_int_equal(userpass_decode_request(PX_LITERAL("\x01\x02me\x03let"),
                                             &out, &used, &err),
                     PX_DONE);
    assert_bytes_equal(out.user, PX_LITERAL("me"));
    assert_bytes_equal(out.password, PX_LITERAL("let"));
}

static void encoders_tell_when_it_does_not_fit(void **state)
{
    const struct userpass_request req = {BYTES("me"), BYTES("let")};
    uint8_t storage[8];

    (void)state;
    for (size_t cap = 0; cap <= sizeof(storage); cap++) {
        struct px_writer w = px_writer_over(storage, cap);

        assert_int_equal(userpass_encode_request(&req, &w), cap == 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_fields_round_trip),
        cmocka_unit_test(fields_land_where_they_belong),
        cmocka_unit_test(encoders_tell_when_it_does_not_fit),
    };

    return RUN_ROWS(rows, check_decode_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
