/* The router of the own network: what it reads, and what comes back. */

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "router.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58 };

/* A SYN of port 0x1234 to 198.51.100.2 port 80, of 20 octets without data; its
 * checksums are not looked at. */
#define IPV4_SYN                                                               \
    "\x45\0\0\x28\0\0\x40\0\x40\x06\0\0\xC0\0\2\1\xC6\x33\x64\2"               \
    "\x12\x34\0\x50\xFF\xFF\xFF\xFF\0\0\0\0\x50\x02\xFF\xFF\0\0\0\0"
#define IPV6_FROM "\x20\x01\x0D\xB8\0\0\0\2\0\0\0\0\0\0\0\1"
#define IPV6_TO   "\x20\x01\x0D\xB8\0\0\1\0\0\0\0\0\0\0\0\5"
#define IPV6_UDP                                                               \
    "\x60\0\0\0\0\x0B\x11\x40" IPV6_FROM IPV6_TO "\x12\x34\0\x35\0\x0B\0\0pxy"

struct read_row {
    const char *name;
    struct px_bytes in;
    bool is_read;
    bool is_opening;
    uint8_t protocol;
    uint16_t to_port;
};

static const struct read_row reads[] = {
    {"a SYN over IPv4", BYTES(IPV4_SYN), true, true, TCP, 80},
    {"a datagram over IPv6", BYTES(IPV6_UDP), true, true, UDP, 53},
    {"an ACK opens nothing",
     BYTES("\x45\0\0\x28\0\0\x40\0\x40\x06\0\0\xC0\0\2\1\xC6\x33\x64\2"
           "\x12\x34\0\x50\0\0\0\1\0\0\0\0\x50\x10\xFF\xFF\0\0\0\0"),
     true, false, TCP, 80},
    {"options of IPv4 are passed over",
     BYTES("\x46\0\0\x20\0\0\0\0\x40\x11\0\0\xC0\0\2\1\xC6\x33\x64\2"
           "\1\1\1\1\x12\x34\0\x35\0\x08\0\0"),
     true, true, UDP, 53},
    {"what is behind the packet is no part of it", BYTES(IPV4_SYN "trailer"),
     true, true, TCP, 80},
    {"a later fragment has no ports",
     BYTES("\x45\0\0\x1C\0\0\0\1\x40\x11\0\0\xC0\0\2\1\xC6\x33\x64\2"
           "\x12\x34\0\x35\0\x08\0\0"),
     false, false, 0, 0},
    {"ICMP is not answered",
     BYTES("\x45\0\0\x1C\0\0\0\0\x40\x01\0\0\xC0\0\2\1\xC6\x33\x64\2"
           "\x08\0\0\0\0\0\0\0"),
     false, false, 0, 0},
    {"another version", BYTES("\x55\0\0\x28"), false, false, 0, 0},
    {"a header shorter than IPv4's",
     BYTES("\x44\0\0\x1C\0\0\0\0\x40\x11\0\0\xC0\0\2\1\xC6\x33\x64\2"
           "\x12\x34\0\x35\0\x08\0\0"),
     false, false, 0, 0},
};

static void check_read(void **state)
{
    const struct read_row *row = *state;
    struct router_packet p = {0};

    assert_int_equal(router_read(row->in, &p), row->is_read);
    assert_int_equal(p.is_opening, row->is_opening);
    assert_int_equal(p.protocol, row->protocol);
    assert_int_equal(p.to.port, row->to_port);
}

/* Of a packet that was cut anywhere nothing is read, nor past its end. */
static void check_cut(void **state)
{
    const struct read_row *row = *state;
    static const char trailer[] = "trailer";
    size_t whole = row->in.len;

    if (!row->is_read)
        return;
    if (memcmp(row->in.data + whole - 7, trailer, 7) == 0)
        whole -= 7;
    for (size_t len = 0; len <= row->in.len; len++) {
        struct router_packet p;
        uint8_t *copy = copy_exact(row->in, len);

        assert_int_equal(router_read(px_bytes_of(copy, len), &p), len >= whole);
        free(copy);
    }
}

/* Answers ------------------------------------------------------------------ */

struct answer_row {
    const char *name;
    enum router_reaction reaction;
    uint8_t type4, code4; /* of ICMP */
    uint8_t type6, code6; /* of ICMPv6 */
};

static const struct answer_row answers[] = {
    {"network unreachable", ROUTER_NET_UNREACHABLE, 3, 0, 1, 0},
    {"host unreachable", ROUTER_HOST_UNREACHABLE, 3, 1, 1, 3},
    {"administratively prohibited", ROUTER_PROHIBITED, 3, 13, 1, 1},
    {"time exceeded", ROUTER_TTL_EXPIRED, 11, 0, 3, 0},
    {"port unreachable", ROUTER_REFUSES, 3, 3, 1, 4},
};

static const struct px_address router4 = {
    PX_ADDRESS_IPV4, {192, 0, 2, 254}, {NULL, 0}};
static const struct px_address router6 = {
    PX_ADDRESS_IPV6, {0x20, 1, 0x0D, 0xB8, [15] = 0xFE}, {NULL, 0}};

/* RFC 1071: with the checksum among them, the words add up to all ones. */
static uint32_t sum_of(const uint8_t *data, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return sum;
}

/* IPv4, which has a checksum of its own; what it carries begins at 20. */
static void assert_ipv4(const uint8_t *out, size_t len, uint8_t protocol)
{
    assert_int_equal(out[0], 0x45);
    assert_int_equal(out[2] << 8 | out[3], len);
    assert_int_equal(out[9], protocol);
    assert_int_equal(sum_of(out, 20, 0), 0xFFFF);
    assert_memory_equal(out + 16, "\xC0\0\2\1", 4);
}

static void assert_ipv6(const uint8_t *out, size_t len, uint8_t protocol)
{
    assert_int_equal(out[0] >> 4, 6);
    assert_int_equal((out[4] << 8 | out[5]) + 40, len);
    assert_int_equal(out[6], protocol);
    assert_memory_equal(out + 24, IPV6_FROM, 16);
    /* Addresses, length and protocol are summed too. */
    assert_int_equal(sum_of(out + 8, len - 8, (uint32_t)len - 40 + protocol),
                     0xFFFF);
}

/* A datagram, so that a refusal is ICMP as well. */
static void check_icmp4(void **state)
{
    static const struct px_bytes datagram =
        BYTES("\x45\0\0\x1F\0\0\0\0\x40\x11\0\0\xC0\0\2\1\xC6\x33\x64\2"
              "\x12\x34\0\x35\0\x0B\0\0pxy");
    const struct answer_row *row = *state;
    struct router_packet p;
    uint8_t out[ROUTER_ANSWER_MAX];
    size_t len;

    assert_true(router_read(datagram, &p));
    len = router_answer(&p, row->reaction, &router4, out);
    assert_int_equal(len, 20 + 8 + datagram.len);
    assert_ipv4(out, len, ICMP);
    assert_int_equal(sum_of(out + 20, len - 20, 0), 0xFFFF);
    assert_int_equal(out[20], row->type4);
    assert_int_equal(out[21], row->code4);
    assert_memory_equal(out + 28, datagram.data, datagram.len);
    /* The host refuses; all else is said by the router. */
    assert_memory_equal(
        out + 12,
        row->reaction == ROUTER_REFUSES ? "\xC6\x33\x64\2" : "\xC0\0\2\xFE", 4);
}

static void check_icmp6(void **state)
{
    static const struct px_bytes datagram = BYTES(IPV6_UDP);
    const struct answer_row *row = *state;
    struct router_packet p;
    uint8_t out[ROUTER_ANSWER_MAX];
    size_t len;

    assert_true(router_read(datagram, &p));
    len = router_answer(&p, row->reaction, &router6, out);
    assert_int_equal(len, 40 + 8 + datagram.len);
    assert_ipv6(out, len, ICMPV6);
    assert_int_equal(out[40], row->type6);
    assert_int_equal(out[41], row->code6);
    assert_memory_equal(out + 48, datagram.data, datagram.len);
}

static void a_refused_syn_is_reset(void **state)
{
    static const struct px_bytes syn = BYTES(IPV4_SYN);
    struct router_packet p;
    uint8_t out[ROUTER_ANSWER_MAX];
    uint8_t pseudo[12] = {0xC6, 0x33, 0x64, 2, 0xC0, 0, 2, 1, 0, TCP, 0, 20};
    size_t len;

    (void)state;
    assert_true(router_read(syn, &p));
    len = router_answer(&p, ROUTER_REFUSES, &router4, out);
    assert_int_equal(len, 40);
    assert_ipv4(out, len, TCP);
    /* Ports in reverse, sequence 0, one octet behind FFFFFFFF acknowledged. */
    assert_memory_equal(out + 20, "\0\x50\x12\x34\0\0\0\0\0\0\0\0\x50\x14", 14);
    assert_int_equal(sum_of(out + 20, 20, sum_of(pseudo, sizeof(pseudo), 0)),
                     0xFFFF);
}

/* RFC 792 and RFC 4443 section 2.4 (c): an error never grows without end. */
static void a_long_packet_is_quoted_in_part(void **state)
{
    enum { LONG = 4000 };
    uint8_t in[LONG] = {0x45, 0, LONG >> 8, LONG & 0xFF, [9] = UDP};
    struct router_packet p;
    uint8_t out[ROUTER_ANSWER_MAX];

    (void)state;
    assert_true(router_read(px_bytes_of(in, sizeof(in)), &p));
    assert_int_equal(router_answer(&p, ROUTER_PROHIBITED, &router4, out), 576);
    memset(in, 0, sizeof(in));
    in[0] = 0x60;
    in[4] = (LONG - 40) >> 8;
    in[5] = (LONG - 40) & 0xFF;
    in[6] = UDP;
    assert_true(router_read(px_bytes_of(in, sizeof(in)), &p));
    assert_int_equal(router_answer(&p, ROUTER_PROHIBITED, &router6, out), 1280);
}

static void nothing_comes_back(void **state)
{
    static const struct px_bytes syn = BYTES(IPV4_SYN);
    struct router_packet p;
    uint8_t out[ROUTER_ANSWER_MAX];

    (void)state;
    assert_true(router_read(syn, &p));
    assert_int_equal(router_answer(&p, ROUTER_SILENT, &router4, out), 0);
    p.is_opening = false;
    for (int i = 0; i < ROUTER_REACTIONS; i++)
        assert_int_equal(
            router_answer(&p, (enum router_reaction)i, &router4, out), 0);
}

static void the_last_octet_decides(void **state)
{
    struct px_address four = {.kind = PX_ADDRESS_IPV4};
    struct px_address six = {.kind = PX_ADDRESS_IPV6};

    (void)state;
    for (int last = 0; last < 256; last++) {
        enum router_reaction want = last < ROUTER_REACTIONS
                                        ? (enum router_reaction)last
                                        : ROUTER_SILENT;

        four.ip[3] = six.ip[15] = (uint8_t)last;
        assert_int_equal(router_reaction_to(&four), want);
        assert_int_equal(router_reaction_to(&six), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_syn_is_reset),
        cmocka_unit_test(a_long_packet_is_quoted_in_part),
        cmocka_unit_test(nothing_comes_back),
        cmocka_unit_test(the_last_octet_decides),
    };

    return RUN_ROWS(reads, check_read) + RUN_ROWS(reads, check_cut) +
           RUN_ROWS(answers, check_icmp4) + RUN_ROWS(answers, check_icmp6) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
