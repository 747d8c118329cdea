/*
 * Which datagrams of a capture belong to an association, and what is found in
 * them. The client is 10.0.0.1, the proxy 10.0.0.2; each row says what passes
 * once UDP ASSOCIATE was granted, with the relay at port 3000.
 */

#include <pcap/dlt.h>
#include <string.h>

#include "capture.h"
#include "packet.h"
#include "rows.h"
#include "tape.h"

enum { ISN_C = 1000, ISN_S = 5000, C = ISN_C + 1, S = ISN_S + 1 };
enum { CLIENT = 1, PROXY, TARGET, RELAY_PORT = 3000, STEPS_MAX = 6 };

#define OCTETS(s) .data = (s), .len = sizeof(s) - 1
#define ASK       "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"
#define TOLD(ip)  "\x05\x00\x00\x01" ip "\x0b\xb8"
#define HEADED    "\x00\x00\x00\x01\x0a\x00\x00\x03\x00\x35 12345678"
#define TO_RELAY(port)                                                         \
    .from = CLIENT, .to = PROXY, .from_port = (port), .to_port = RELAY_PORT
#define TO_CLIENT(port)                                                        \
    .from = PROXY, .to = CLIENT, .from_port = RELAY_PORT, .to_port = (port)

struct row {
    const char *name;
    const char *reply; /* NULL: the relay's address is 10.0.0.2 */
    struct tape_datagram steps[STEPS_MAX];
    bool is_shared;    /* another client has the same relay */
    bool is_ended;     /* the connection is, before the steps */
    uint64_t count[2]; /* by side */
    uint64_t skipped;
    unsigned flaws;
    enum requirement finding; /* the only one; NONE for none */
};

static const struct row rows[] = {
    {"both ways",
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)},
               {TO_CLIENT(4000), OCTETS(HEADED)}},
     .count = {1, 1}},
    {"a wildcard stands for the proxy", .reply = TOLD("\x00\x00\x00\x00"),
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)}}, .count = {1, 0},
     .finding = REQ_SOCKS5_UDP_BND_ZERO},
    {"another relay than the reply names", .reply = TOLD("\x0a\x00\x00\x09"),
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)}}, .skipped = 1},
    {"the target's side",
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)},
               {.from = PROXY,
                .to = TARGET,
                .from_port = RELAY_PORT,
                .to_port = 53,
                OCTETS("ping")},
               {.from = TARGET,
                .to = PROXY,
                .from_port = 53,
                .to_port = RELAY_PORT,
                OCTETS("pong")}},
     .count = {1, 0}, .skipped = 2},
    {"a target at the client's host",
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)},
               {TO_CLIENT(53), OCTETS("ping")},
               {TO_RELAY(53), OCTETS("pong")},
               {TO_CLIENT(4000), OCTETS(HEADED)}},
     .count = {1, 1}, .skipped = 2},
    {"an answer before any question",
     .steps = {{TO_CLIENT(4000), OCTETS("ping")}}, .skipped = 1},
    {"an answer without a header",
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)},
               {TO_CLIENT(4000), OCTETS("pong")}},
     .count = {1, 1}, .finding = REQ_SOCKS5_UDP_REPLY_ENCAP},
    {"cut by the snapshot length, and no more is judged",
     .steps = {{TO_RELAY(4000), OCTETS(HEADED), .cut = 4},
               {TO_CLIENT(4000), OCTETS("pong")}},
     .flaws = CAPTURE_SNAPLEN},
    {"behind the end of the connection", .is_ended = true,
     .steps = {{TO_RELAY(4000), OCTETS(HEADED), .after_ms = 1500}},
     .count = {1, 0}, .finding = REQ_SOCKS5_CLIENT_UDP_HOLD_TCP},
    {"one relay for two clients of a host: whose is it?", .is_shared = true,
     .steps = {{TO_RELAY(4000), OCTETS(HEADED)}}, .skipped = 1},
};

static void say(struct tape *tape, uint16_t port, bool is_from_server,
                uint8_t flags, uint32_t at, uint32_t ack, const char *data,
                size_t len)
{
    struct tape_segment segment = {
        .is_from_server = is_from_server,
        .flags = flags,
        .seq = (is_from_server ? ISN_S : ISN_C) + at,
        .ack = ack ? (is_from_server ? ISN_C : ISN_S) + ack : 0,
        .data = data,
        .len = len,
        .port = port,
    };

    tape_segment(tape, &segment);
}

static void associate(struct tape *tape, const char *reply, uint16_t port)
{
    say(tape, port, false, PACKET_SYN, 0, 0, NULL, 0);
    say(tape, port, true, PACKET_SYN | PACKET_ACK, 0, 1, NULL, 0);
    say(tape, port, false, PACKET_ACK, 1, 1, "\x05\x01\x00", 3);
    say(tape, port, true, PACKET_ACK, 1, 4, "\x05\x00", 2);
    say(tape, port, false, PACKET_ACK, 4, 3, ASK, 10);
    say(tape, port, true, PACKET_ACK, 3, 14, reply, 10);
}

static void end(struct tape *tape)
{
    say(tape, 0, false, PACKET_FIN | PACKET_ACK, 14, 13, NULL, 0);
    say(tape, 0, true, PACKET_FIN | PACKET_ACK, 13, 15, NULL, 0);
}

static void record(struct tape *tape, const struct row *row)
{
    const char *reply = row->reply ? row->reply : TOLD("\x0a\x00\x00\x02");

    tape_open(tape, DLT_RAW, 65535);
    associate(tape, reply, 0);
    if (row->is_shared)
        associate(tape, reply, 40001);
    if (row->is_ended)
        end(tape);
    for (size_t i = 0; i < STEPS_MAX && row->steps[i].from; i++)
        tape_datagram(tape, &row->steps[i]);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct tape tape;
    struct dialogue d;
    struct px_error err;
    struct capture *cap;

    record(&tape, row);
    cap = capture_open(tape.path, &err);
    assert_non_null(cap);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.flaws, row->flaws);
    assert_int_equal(d.summary.relay.port, RELAY_PORT);
    for (size_t side = 0; side < 2; side++)
        assert_int_equal(d.summary.datagrams[side], row->count[side]);
    assert_int_equal(capture_stats(cap)->skipped_packets, row->skipped);
    assert_int_equal(d.finding_count, row->finding != REQ_NONE);
    if (row->finding != REQ_NONE)
        assert_int_equal(d.findings[0].req, row->finding);
    capture_close(cap);
    tape_close(&tape);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
