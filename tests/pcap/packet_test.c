/* Frames of every link type to the TCP segment inside, at every length. */

#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "fragments.h"
#include "packet.h"
#include "rows.h"

/* 10.0.0.1:4096 -> 10.0.0.2:1080, seq 0x01020304, ack 0x05060708, ACK. */
#define TCP                                                                    \
    "\x10\x00\x04\x38\x01\x02\x03\x04\x05\x06\x07\x08\x50\x10\xff\xff"         \
    "\x00\x00\x00\x00"
#define TCP_OPTIONS                                                            \
    "\x10\x00\x04\x38\x01\x02\x03\x04\x05\x06\x07\x08\x60\x10\xff\xff"         \
    "\x00\x00\x00\x00\x01\x01\x01\x00"
#define FROM4      "\x0a\x00\x00\x01"
#define TO4        "\x0a\x00\x00\x02"
#define IP4(total) IP4_OF(total, "\x00\x00", "\x06")
#define IP4_OF(total, fragment, proto)                                         \
    "\x45\x00\x00" total "\x00\x07" fragment "\x40" proto "\x00\x00" FROM4 TO4
#define FROM6          "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define TO6            "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
#define IP6(len, next) "\x60\x00\x00\x00\x00" len next "\x40" FROM6 TO6
#define MACS           "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
#define SLL(type)                                                              \
    "\x00\x00\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00" type
#define SLL2(type)                                                             \
    type "\x00\x00\x00\x00\x00\x01\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01"    \
         "\x00\x00"
#define PLAIN IP4("\x2b") TCP "abc"

struct row {
    const char *name;
    int link;
    struct px_bytes frame;
    enum packet_kind kind;
    size_t payload; /* octets of it in the frame */
};

static const struct row rows[] = {
    {"raw IPv4", DLT_RAW, BYTES(PLAIN), PACKET_TCP, 3},
    {"IPv4 link", DLT_IPV4, BYTES(PLAIN), PACKET_TCP, 3},
    {"raw IPv6", DLT_RAW, BYTES(IP6("\x17", "\x06") TCP "abc"), PACKET_TCP, 3},
    {"IPv6 link", DLT_IPV6, BYTES(IP6("\x17", "\x06") TCP "abc"), PACKET_TCP,
     3},
    {"Ethernet", DLT_EN10MB, BYTES(MACS "\x08\x00" PLAIN), PACKET_TCP, 3},
    {"Ethernet with padding", DLT_EN10MB,
     BYTES(MACS "\x08\x00" IP4("\x28") TCP "\0\0\0\0\0\0"), PACKET_TCP, 0},
    {"VLAN", DLT_EN10MB, BYTES(MACS "\x81\x00\x00\x05\x08\x00" PLAIN),
     PACKET_TCP, 3},
    {"QinQ", DLT_EN10MB,
     BYTES(MACS "\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00" PLAIN), PACKET_TCP,
     3},
    {"QinQ before its standard", DLT_EN10MB,
     BYTES(MACS "\x91\x00\x00\x05\x81\x00\x00\x06\x08\x00" PLAIN), PACKET_TCP,
     3},
    {"ARP", DLT_EN10MB, BYTES(MACS "\x08\x06\x00\x01"), PACKET_OTHER, 0},
    {"BSD loopback, little-endian", DLT_NULL, BYTES("\x02\x00\x00\x00" PLAIN),
     PACKET_TCP, 3},
    {"BSD loopback, big-endian", DLT_NULL, BYTES("\x00\x00\x00\x02" PLAIN),
     PACKET_TCP, 3},
    {"OpenBSD loopback, IPv6", DLT_LOOP,
     BYTES("\x00\x00\x00\x18" IP6("\x17", "\x06") TCP "abc"), PACKET_TCP, 3},
    {"BSD loopback, another family", DLT_NULL, BYTES("\x07\x00\x00\x00" PLAIN),
     PACKET_OTHER, 0},
    {"Linux cooked", DLT_LINUX_SLL, BYTES(SLL("\x08\x00") PLAIN), PACKET_TCP,
     3},
    {"Linux cooked, VLAN", DLT_LINUX_SLL,
     BYTES(SLL("\x81\x00") "\x00\x05\x08\x00" PLAIN), PACKET_TCP, 3},
    {"Linux cooked 2", DLT_LINUX_SLL2, BYTES(SLL2("\x08\x00") PLAIN),
     PACKET_TCP, 3},
    {"TCP options", DLT_RAW, BYTES(IP4("\x2f") TCP_OPTIONS "abc"), PACKET_TCP,
     3},
    {"IPv4 options", DLT_RAW,
     BYTES("\x46\x00\x00\x2f\x00\x07\x00\x00\x40\x06\x00\x00" FROM4 TO4
           "\x01\x01\x01\x00" TCP "abc"),
     PACKET_TCP, 3},
    {"total length left to the card", DLT_RAW, BYTES(IP4("\x00") TCP "abc"),
     PACKET_TCP, 3},
    {"IPv6 length left to the card", DLT_RAW,
     BYTES(IP6("\x00", "\x06") TCP "abc"), PACKET_TCP, 3},
    {"IPv6 extension headers", DLT_RAW,
     BYTES(IP6("\x37", "\x00") "\x3c\x00\x01\x04\x00\x00\x00\x00"
                               "\x2b\x00\x01\x04\x00\x00\x00\x00"
                               "\x33\x00\x00\x00\x00\x00\x00\x00"
                               "\x06\x00\x00\x00\x00\x00\x00\x01" TCP "abc"),
     PACKET_TCP, 3},
    {"IPv6 fragment that is whole", DLT_RAW,
     BYTES(IP6("\x1f", "\x2c") "\x06\x00\x00\x00\x00\x00\x00\x09" TCP "abc"),
     PACKET_TCP, 3},
    {"IPv4 fragment", DLT_RAW,
     BYTES(IP4_OF("\x1c", "\x20\x00", "\x06") "\x10\x00\x04\x38\x01\x02\x03"
                                              "\x04"),
     PACKET_FRAGMENT, 0},
    {"UDP", DLT_RAW,
     BYTES(IP4_OF("\x1f", "\x00\x00", "\x11") "\x10\x00\x04\x38\x00\x0b"
                                              "\x00\x00"
                                              "abc"),
     PACKET_UDP, 3},
    {"UDP that says it is longer than its packet", DLT_RAW,
     BYTES(IP4_OF("\x1f", "\x00\x00", "\x11") "\x10\x00\x04\x38\x00\x0c"
                                              "\x00\x00"
                                              "abc"),
     PACKET_CUT, 0},
    {"UDP shorter than its header", DLT_RAW,
     BYTES(IP4_OF("\x1f", "\x00\x00", "\x11") "\x10\x00\x04\x38\x00\x07"
                                              "\x00\x00"
                                              "abc"),
     PACKET_CUT, 0},
    {"ICMP that quotes TCP", DLT_RAW,
     BYTES(IP4_OF("\x44", "\x00\x00", "\x01") "\x03\x01\x00\x00\x00\x00\x00"
                                              "\x00" IP4("\x28") TCP),
     PACKET_OTHER, 0},
    {"IP version 9", DLT_RAW, BYTES("\x95\x00\x00\x14"), PACKET_OTHER, 0},
    {"IPv4 header of four words", DLT_RAW,
     BYTES("\x44\x00\x00\x2b\x00\x07\x00\x00\x40\x06\x00\x00" FROM4 TO4 TCP
           "abc"),
     PACKET_CUT, 0},
    {"TCP header longer than its packet", DLT_RAW,
     BYTES(IP4("\x28") "\x10\x00\x04\x38\x01\x02\x03\x04\x05\x06\x07\x08\xf0"
                       "\x10\xff\xff\x00\x00\x00\x00"),
     PACKET_CUT, 0},
};

static enum packet_kind decode(const struct row *row, size_t len,
                               struct packet *out)
{
    struct packet_ip ip;
    uint8_t *copy = copy_exact(row->frame, len);
    enum packet_kind kind = packet_decode(row->link, px_bytes_of(copy, len),
                                          row->frame.len, out, &ip);

    if (kind == PACKET_TCP || kind == PACKET_UDP)
        out->payload.data = NULL; /* it goes with the copy */
    free(copy);
    return kind;
}

/* Whole, and at every length: the payload shrinks, or a header is cut. */
static void check_row(void **state)
{
    const struct row *row = *state;
    struct packet p = {0};

    assert_true(packet_knows_link(row->link));
    assert_int_equal(decode(row, row->frame.len, &p), row->kind);
    if (row->kind != PACKET_TCP && row->kind != PACKET_UDP)
        return;
    assert_int_equal(p.payload.len, row->payload);
    assert_int_equal(p.wire_len, row->payload);
    assert_int_equal(p.from.port, 4096);
    assert_int_equal(p.to.port, 1080);
    assert_int_equal(p.from.ip[p.from.version == 4 ? 3 : 15], 1);
    assert_int_equal(p.to.ip[p.to.version == 4 ? 3 : 15], 2);
    if (row->kind == PACKET_TCP) {
        assert_int_equal(p.seq, 0x01020304);
        assert_int_equal(p.ack, 0x05060708);
        assert_int_equal(p.flags, PACKET_ACK);
    }
    for (size_t len = 0; len < row->frame.len; len++) {
        enum packet_kind kind = decode(row, len, &p);
        size_t cut = row->frame.len - len;

        assert_true(kind == PACKET_CUT || kind == row->kind);
        if (kind == row->kind)
            assert_true(p.payload.len <= p.wire_len);
        if (kind == row->kind && cut <= row->payload)
            assert_int_equal(p.payload.len, row->payload - cut);
    }
}

/* Ethernet pads short frames: what is behind a datagram is none of it. */
static void padded_datagram(void **state)
{
    struct px_bytes frame =
        BYTES(IP4_OF("\x1f", "\x00\x00", "\x11") "\x10\x00\x04\x38\x00\x09"
                                                 "\x00\x00"
                                                 "abc");
    struct packet p;
    struct packet_ip ip;

    (void)state;
    assert_int_equal(packet_decode(DLT_RAW, frame, frame.len, &p, &ip),
                     PACKET_UDP);
    assert_bytes_equal(p.payload, (struct px_bytes)BYTES("a"));
    assert_int_equal(p.wire_len, 1);
}

static void unknown_links(void **state)
{
    (void)state;
    assert_false(packet_knows_link(DLT_IEEE802_11));
    assert_false(packet_knows_link(-1));
}

/* One datagram of 24 octets, "abcdefgh" three times. */
struct piece {
    size_t offset, len;
    bool is_last;
    char octet; /* what it is filled with; 0: the right ones */
};

struct fragments_row {
    const char *name;
    struct piece pieces[6];
    bool is_whole;
    const char *want;
};

static const struct fragments_row fragments_rows[] = {
    {"in order",
     {{0, 8, false, 0}, {8, 8, false, 0}, {16, 4, true, 0}},
     true,
     "abcdefghabcdefghabcd"},
    {"the last first",
     {{16, 4, true, 0}, {8, 8, false, 0}, {0, 8, false, 0}},
     true,
     "abcdefghabcdefghabcd"},
    {"sent twice: the first copy wins",
     {{0, 8, false, 0}, {0, 8, false, 'z'}, {8, 8, true, 0}},
     true,
     "abcdefghabcdefgh"},
    {"one is missing", {{0, 8, false, 0}, {16, 4, true, 0}}, false, ""},
    {"what lies behind the end does not fill a hole",
     {{0, 8, false, 0}, {24, 8, false, 0}, {8, 16, true, 0}},
     true,
     "abcdefghabcdefghabcdefgh"},
    {"no multiple of eight", {{0, 7, false, 0}, {8, 8, true, 0}}, false, ""},
    {"beyond the longest datagram",
     {{65528, 16, true, 0}, {0, 8, false, 0}},
     false,
     ""},
};

static void check_fragments(void **state)
{
    const struct fragments_row *row = *state;
    struct fragments *f = fragments_new();
    struct packet_ip ip = {.id = 7, .proto = 6, .is_fragment = true};
    struct packet_ip whole = {0};
    struct px_error err;
    enum px_status status = PX_NEED_MORE;

    assert_non_null(f);
    for (size_t i = 0; row->pieces[i].len; i++) {
        const struct piece *piece = &row->pieces[i];
        char text[] = "abcdefghabcdefghabcdefgh";

        if (piece->octet)
            memset(text, piece->octet, sizeof(text));
        assert_int_equal(status, PX_NEED_MORE);
        ip.offset = piece->offset;
        ip.is_last = piece->is_last;
        ip.wire_len = piece->len;
        ip.payload = px_bytes_of(text, piece->len);
        status = fragments_add(f, &ip, &whole, &err);
    }
    assert_int_equal(status, row->is_whole ? PX_DONE : PX_NEED_MORE);
    if (row->is_whole)
        assert_bytes_equal(whole.payload,
                           px_bytes_of(row->want, strlen(row->want)));
    fragments_free(f);
}

/* More datagrams than are kept open: the oldest is given up. */
static void too_many_datagrams(void **state)
{
    struct fragments *f = fragments_new();
    struct px_error err;
    struct packet_ip whole;
    struct packet_ip ip = {.proto = 6,
                           .is_fragment = true,
                           .payload = BYTES("abcdefgh"),
                           .wire_len = 8};

    (void)state;
    for (ip.id = 0; ip.id <= FRAGMENTS_OPEN_MAX; ip.id++)
        assert_int_equal(fragments_add(f, &ip, &whole, &err), PX_NEED_MORE);
    ip.offset = 8;
    ip.is_last = true;
    ip.id = FRAGMENTS_OPEN_MAX;
    assert_int_equal(fragments_add(f, &ip, &whole, &err), PX_DONE);
    ip.id = 1;
    assert_int_equal(fragments_add(f, &ip, &whole, &err), PX_DONE);
    ip.id = 0;
    assert_int_equal(fragments_add(f, &ip, &whole, &err), PX_NEED_MORE);
    fragments_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_links),
        cmocka_unit_test(padded_datagram),
        cmocka_unit_test(too_many_datagrams),
    };

    return RUN_ROWS(rows, check_row) +
           RUN_ROWS(fragments_rows, check_fragments) +
           cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
