/* How much a capture may hold: each maximum reached, and what follows. */

#include <pcap/dlt.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "capture.h"
#include "packet.h"
#include "rows.h"
#include "tape.h"

enum { PIECE = 60000, TABLE_ROOM = 1 << 20 };

static void syn(struct tape *tape, uint16_t port)
{
    tape_segment(tape, &(struct tape_segment){
                           .flags = PACKET_SYN, .port = port, .seq = 99});
    tape_segment(tape, &(struct tape_segment){.is_from_server = true,
                                              .flags = PACKET_SYN | PACKET_ACK,
                                              .port = port,
                                              .seq = 499,
                                              .ack = 100});
}

static void greet(struct tape *tape, uint16_t port)
{
    tape_segment(tape, &(struct tape_segment){.flags = PACKET_ACK,
                                              .port = port,
                                              .seq = 100,
                                              .ack = 500,
                                              .data = "\x05\x01\x00",
                                              .len = 3});
    tape_segment(tape, &(struct tape_segment){.is_from_server = true,
                                              .flags = PACKET_ACK,
                                              .port = port,
                                              .seq = 500,
                                              .ack = 103,
                                              .data = "\x05\x00",
                                              .len = 2});
}

static void reset(struct tape *tape, uint16_t port)
{
    tape_segment(tape, &(struct tape_segment){
                           .flags = PACKET_RST, .port = port, .seq = 103});
}

static struct capture *open_tape(struct tape *tape)
{
    struct px_error err;
    struct capture *cap = capture_open(tape->path, &err);

    assert_non_null(cap);
    return cap;
}

/* A hole that nobody acknowledged, and megabytes behind it. */
static void octets_that_wait(void **state)
{
    static char piece[PIECE];
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    for (uint32_t i = 0; i < 60; i++)
        tape_segment(&tape, &(struct tape_segment){.flags = PACKET_ACK,
                                                   .port = 1,
                                                   .seq = 104 + i * PIECE,
                                                   .ack = 502,
                                                   .data = piece,
                                                   .len = PIECE});
    alloc_reset_peak();
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.flaws, CAPTURE_LOST);
    assert_int_equal(d.lost[SIDE_CLIENT], 1);
    assert_int_equal(d.octets[SIDE_CLIENT], 3 + 60 * PIECE);
    assert_true(alloc_peak() < CAPTURE_HELD_MAX + TABLE_ROOM + 2 * PIECE);
    capture_close(cap);
    tape_close(&tape);
}

/* The same octets again and again, behind a hole. */
static void copies_that_wait(void **state)
{
    static char piece[PIECE];
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    for (uint32_t i = 0; i < 10; i++)
        tape_segment(&tape, &(struct tape_segment){.flags = PACKET_ACK,
                                                   .port = 1,
                                                   .seq = 104 + i,
                                                   .ack = 502,
                                                   .data = piece,
                                                   .len = PIECE});
    alloc_reset_peak();
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.octets[SIDE_CLIENT], 3 + 9 + PIECE);
    assert_true(alloc_peak() < TABLE_ROOM / 2);
    capture_close(cap);
    tape_close(&tape);
}

/* A hole that was acknowledged: what comes behind does not wait for ever. */
static void octets_that_are_lost(void **state)
{
    static char piece[400];
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;
    uint32_t count = CAPTURE_HELD_MAX / 2 / sizeof(piece);

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = 104 + i * (uint32_t)sizeof(piece);

        tape_segment(&tape, &(struct tape_segment){.flags = PACKET_ACK,
                                                   .port = 1,
                                                   .seq = next,
                                                   .ack = 502,
                                                   .data = piece,
                                                   .len = sizeof(piece)});
        tape_segment(&tape, &(struct tape_segment){.is_from_server = true,
                                                   .flags = PACKET_ACK,
                                                   .port = 1,
                                                   .seq = 502,
                                                   .ack = next});
    }
    alloc_reset_peak();
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.lost[SIDE_CLIENT], 1);
    assert_int_equal(d.octets[SIDE_CLIENT], 3 + count * sizeof(piece));
    assert_true(alloc_peak() < CAPTURE_HELD_MAX / 2);
    capture_close(cap);
    tape_close(&tape);
}

/* One connection more than are kept: the longest idle is ended. */
static void connections_at_once(void **state)
{
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    for (uint32_t i = 0; i < CAPTURE_CONNECTIONS_MAX; i++) {
        uint8_t frame[40] = {0x45, 0, 0, 40, [8] = 64, [9] = 6, 10, 1};

        frame[14] = (uint8_t)(i >> 8); /* a source address of its own */
        frame[15] = (uint8_t)i;
        frame[32] = 0x50;
        frame[33] = PACKET_SYN;
        tape_frame(&tape, frame, sizeof(frame), sizeof(frame));
    }
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.flaws, CAPTURE_EVICTED);
    assert_int_equal(capture_stats(cap)->packets, CAPTURE_CONNECTIONS_MAX + 4);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_NEED_MORE);
    capture_close(cap);
    tape_close(&tape);
}

/* Dialogues come in the order of their first packets, not of their ends. */
static void in_order_of_begin(void **state)
{
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    for (uint16_t port = 1; port <= 40; port++) {
        syn(&tape, port);
        greet(&tape, port);
    }
    for (uint16_t port = 40; port > 1; port--) {
        tape.time_us += UINT64_C(2000) * CAPTURE_LINGER_MS;
        reset(&tape, port);
    }
    cap = open_tape(&tape);
    for (uint16_t port = 1; port <= 40; port++) {
        assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
        assert_int_equal(d.client.port, port);
        assert_int_equal(d.ending[SIDE_CLIENT],
                         port == 1 ? CAPTURE_OPEN_END : CAPTURE_RESET);
    }
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_NEED_MORE);
    assert_int_equal(capture_stats(cap)->connections, 40);
    capture_close(cap);
    tape_close(&tape);
}

/* Unless one stays open while more end than may wait for it. */
static void waiting_for_the_first(void **state)
{
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;
    uint64_t count = 1;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    for (uint32_t i = 0; i < CAPTURE_OUTBOX_MAX + 2; i++) {
        tape.time_us += UINT64_C(2000) * CAPTURE_LINGER_MS;
        syn(&tape, 2);
        greet(&tape, 2);
        reset(&tape, 2);
    }
    alloc_reset_peak();
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.client.port, 2);
    assert_true(capture_stats(cap)->packets <
                4 + 5 * (uint64_t)(CAPTURE_OUTBOX_MAX + 2));
    while (capture_next_dialogue(cap, &d, &err) == PX_DONE)
        count++;
    assert_int_equal(count, CAPTURE_OUTBOX_MAX + 3);
    assert_true(alloc_peak() < 2L * (long)sizeof(d) * CAPTURE_OUTBOX_MAX);
    capture_close(cap);
    tape_close(&tape);
}

/* What is in order is passed on, however long it is. */
static void long_streams_need_no_memory(void **state)
{
    static const uint8_t request[] = {5, 1, 0, 1, 10, 0, 0, 7, 0, 80};
    static char piece[PIECE];
    struct tape tape;
    struct capture *cap;
    struct dialogue d;
    struct px_error err;

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    syn(&tape, 1);
    greet(&tape, 1);
    memcpy(piece, request, sizeof(request));
    for (uint32_t i = 0; i < 100; i++)
        tape_segment(&tape, &(struct tape_segment){.flags = PACKET_ACK,
                                                   .port = 1,
                                                   .seq = 103 + i * PIECE,
                                                   .ack = 502,
                                                   .data = piece,
                                                   .len = PIECE});
    alloc_reset_peak();
    cap = open_tape(&tape);
    assert_int_equal(capture_next_dialogue(cap, &d, &err), PX_DONE);
    assert_int_equal(d.octets[SIDE_CLIENT], 3 + 100 * PIECE);
    assert_true(alloc_peak() < TABLE_ROOM);
    capture_close(cap);
    tape_close(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_that_wait),
        cmocka_unit_test(octets_that_are_lost),
        cmocka_unit_test(copies_that_wait),
        cmocka_unit_test(connections_at_once),
        cmocka_unit_test(in_order_of_begin),
        cmocka_unit_test(waiting_for_the_first),
        cmocka_unit_test(long_streams_need_no_memory),
    };

    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
