#include "udp.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define SIXTEEN "0123456789abcdef"

struct datagram_row {
    const char *name;
    struct px_bytes in;
    size_t enough;        /* octets of the header, or up to the unknown ATYP */
    enum requirement req; /* when the header cannot be read */
    uint16_t reserved;
    uint8_t frag;
    enum px_address_kind kind;
    uint16_t port;
};

static const struct datagram_row rows[] = {
    {"IPv4", BYTES("\0\0\0\x01\x7f\0\0\x01\x1f\x90payload"), 10, REQ_NONE, 0, 0,
     PX_ADDRESS_IPV4, 0x1f90},
    {"IPv6", BYTES("\0\0\0\x04" SIXTEEN "\x01\xbbpayload"), 22, REQ_NONE, 0, 0,
     PX_ADDRESS_IPV6, 443},
    {"name", BYTES("\0\0\0\x03\x02hi\0\x35payload"), 9, REQ_NONE, 0, 0,
     PX_ADDRESS_NAME, 53},
    {"empty name", BYTES("\0\0\0\x03\0\0\x35"), 7, REQ_NONE, 0, 0,
     PX_ADDRESS_NAME, 53},
    {"no payload", BYTES("\0\0\0\x01\x7f\0\0\x01\0\0"), 10, REQ_NONE, 0, 0,
     PX_ADDRESS_IPV4, 0},
    {"RSV is kept", BYTES("\x12\x34\0\x01\x7f\0\0\x01\0\x09x"), 10, REQ_NONE,
     0x1234, 0, PX_ADDRESS_IPV4, 9},
    {"FRAG is kept", BYTES("\0\0\x83\x01\x7f\0\0\x01\0\x09x"), 10, REQ_NONE, 0,
     0x83, PX_ADDRESS_IPV4, 9},
    {"ATYP 0", BYTES("\0\0\0\0\x7f\0\0\x01\0\x09x"), 4, REQ_SOCKS5_UDP_ATYP_BAD,
     0, 0, PX_ADDRESS_NONE, 0},
    {"ATYP 2", BYTES("\0\0\0\x02\x7f\0\0\x01\0\x09x"), 4,
     REQ_SOCKS5_UDP_ATYP_BAD, 0, 0, PX_ADDRESS_NONE, 0},
    {"ATYP 5", BYTES("\0\0\0\x05"), 4, REQ_SOCKS5_UDP_ATYP_BAD, 0, 0,
     PX_ADDRESS_NONE, 0},
};

static void assert_unchanged(const struct udp_datagram *out)
{
    assert_int_equal(out->frag, 0x5a);
    assert_int_equal(out->reserved, 0);
    assert_int_equal(out->dst.addr.kind, PX_ADDRESS_NONE);
    assert_null(out->data.data);
}

static void check_refusal(enum px_status status, const struct px_error *err,
                          enum requirement req, size_t offset)
{
    assert_int_equal(status, PX_ERROR);
    assert_int_equal(err->req, req);
    assert_int_equal(err->offset, offset);
    assert_true(strlen(err->detail) > 0);
}

static void check_whole(const struct datagram_row *row,
                        const struct udp_datagram *out, struct px_bytes in)
{
    uint8_t again[512];
    struct px_writer w = px_writer_over(again, sizeof(again));

    assert_int_equal(out->reserved, row->reserved);
    assert_int_equal(out->frag, row->frag);
    assert_int_equal(out->dst.addr.kind, row->kind);
    assert_int_equal(out->dst.port, row->port);
    assert_bytes_equal(
        out->data, px_bytes_of(in.data + row->enough, in.len - row->enough));
    assert_true(udp_encode_datagram(out, &w));
    assert_bytes_equal(px_written(&w), in);
}

/* A datagram is never to be continued: at each length there is an answer. */
static void check_row(void **state)
{
    const struct datagram_row *row = *state;

    for (size_t len = 0; len <= row->in.len; len++) {
        uint8_t *copy = copy_exact(row->in, len);
        struct px_bytes in = px_bytes_of(copy, len);
        struct udp_datagram out = {.frag = 0x5a};
        struct px_error err = {0};
        enum px_status status = udp_decode_datagram(in, &out, &err);

        if (len < row->enough)
            check_refusal(status, &err, REQ_SOCKS5_UDP_SHORT, len);
        else if (row->req)
            check_refusal(status, &err, row->req, row->enough - 1);
        else
            assert_int_equal(status, PX_DONE);
        if (status == PX_DONE)
            check_whole(row, &out, in);
        else
            assert_unchanged(&out);
        free(copy);
    }
}

static void the_longest_header_round_trips(void **state)
{
    uint8_t name[PX_NAME_MAX], octets[UDP_HEADER_MAX + 1];
    struct px_writer w = px_writer_over(octets, sizeof(octets));
    const struct udp_datagram in = {
        .dst = {.addr = {.kind = PX_ADDRESS_NAME, .name = {name, sizeof(name)}},
                .port = 65535},
        .data = BYTES("x"),
    };
    struct udp_datagram out;
    struct px_error err;

    (void)state;
    memset(name, 'n', sizeof(name));
    assert_true(udp_encode_datagram(&in, &w));
    assert_int_equal(w.len, sizeof(octets));
    assert_int_equal(udp_decode_datagram(px_written(&w), &out, &err), PX_DONE);
    assert_bytes_equal(out.dst.addr.name, in.dst.addr.name);
    assert_int_equal(out.dst.port, 65535);
    assert_bytes_equal(out.data, in.data);
}

static void the_encoder_tells_what_does_not_fit(void **state)
{
    const struct udp_datagram nowhere = {.data = BYTES("x")};
    const struct udp_datagram datagram = {
        .dst = {.addr = {.kind = PX_ADDRESS_IPV4}},
        .data = BYTES("data"),
    };
    uint8_t octets[UDP_HEADER_IPV4 + 4];
    struct px_writer w = px_writer_over(octets, sizeof(octets));

    (void)state;
    assert_false(udp_encode_datagram(&nowhere, &w));
    for (size_t cap = 0; cap <= sizeof(octets); cap++) {
        w = px_writer_over(octets, cap);
        assert_int_equal(udp_encode_datagram(&datagram, &w),
                         cap == sizeof(octets));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_header_round_trips),
        cmocka_unit_test(the_encoder_tells_what_does_not_fit),
    };

    return RUN_ROWS(rows, check_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
