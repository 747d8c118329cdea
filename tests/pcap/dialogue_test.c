/*
 * What becomes of packets: each row is a capture of one connection, or of a
 * few, and says what the first dialogue is.
 */

#include <pcap/dlt.h>
#include <string.h>

#include "capture.h"
#include "packet.h"
#include "rows.h"
#include "tape.h"

enum { SEGMENTS_MAX = 20, ISN_C = 1000, ISN_S = 5000 };

#define DATA(s) .data = (s), .len = sizeof(s) - 1
#define FROM_S  .is_from_server = true
#define C       (ISN_C + 1) /* the client's first octet */
#define S       (ISN_S + 1)
#define ACKED   .flags = PACKET_ACK
#define SYN                                                                    \
    {                                                                          \
        .flags = PACKET_SYN, .seq = ISN_C                                      \
    }
#define SYN_ACK                                                                \
    {                                                                          \
        FROM_S, .flags = PACKET_SYN | PACKET_ACK, .seq = ISN_S, .ack = C       \
    }
#define OPENED    SYN, SYN_ACK
#define GREETING  "\x05\x01\x00"
#define SELECTION "\x05\x00"
#define REQUEST   "\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x50"
#define REPLY     "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define REFUSAL   "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
#define GREETS                                                                 \
    {                                                                          \
        ACKED, .seq = C, .ack = S, DATA(GREETING)                              \
    }
#define SELECTS                                                                \
    {                                                                          \
        FROM_S, ACKED, .seq = S, .ack = C + 3, DATA(SELECTION)                 \
    }
#define REQUESTS                                                               \
    {                                                                          \
        ACKED, .seq = C + 3, .ack = S + 2, DATA(REQUEST)                       \
    }
#define REPLIES                                                                \
    {                                                                          \
        FROM_S, ACKED, .seq = S + 2, .ack = C + 13, DATA(REPLY)                \
    }
#define REFUSES                                                                \
    {                                                                          \
        FROM_S, ACKED, .seq = S + 2, .ack = C + 13, DATA(REFUSAL)              \
    }
#define ENDS(c, s)                                                             \
    {.flags = PACKET_FIN | PACKET_ACK, .seq = C + (c), .ack = S + (s)},        \
        {FROM_S, .flags = PACKET_FIN | PACKET_ACK, .seq = S + (s),             \
         .ack = C + (c) + 1},                                                  \
    {                                                                          \
        ACKED, .seq = C + (c) + 1, .ack = S + (s) + 1                          \
    }

struct row {
    const char *name;
    struct tape_segment segments[SEGMENTS_MAX];
    bool is_none;  /* no dialogue */
    size_t others; /* after the first */
    bool is_candidate, is_reversed;
    unsigned flaws;
    int code; /* -1: none */
    const char *target;
    uint64_t octets[2], lost[2];
    enum capture_ending ending[2];
    size_t findings;
    enum requirement finding; /* the first */
};

#define WHOLE(c, s)                                                            \
    .target = "10.0.0.7:80", .octets = {(c), (s)},                             \
    .ending = {CAPTURE_FIN, CAPTURE_FIN}

static const struct row rows[] = {
    {"in order",
     {OPENED, GREETS, SELECTS, REQUESTS, REPLIES, ENDS(13, 12)},
     WHOLE(13, 12)},
    {"an answer recorded before its question",
     {OPENED, SELECTS, GREETS, REPLIES, REQUESTS, ENDS(13, 12)},
     WHOLE(13, 12)},
    {"a server's octets before its SYN-ACK",
     {SYN, GREETS, SELECTS, SYN_ACK, REQUESTS, REPLIES, ENDS(13, 12)},
     WHOLE(13, 12)},
    {"an acknowledgement before the SYN",
     {{ACKED, .seq = C, .ack = S},
      OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"the ends before the last octets",
     {OPENED, GREETS, SELECTS, ENDS(13, 12), REPLIES, REQUESTS},
     WHOLE(13, 12)},
    {"halves in the wrong order",
     {OPENED,
      GREETS,
      SELECTS,
      {ACKED, .seq = C + 7, .ack = S + 2, DATA("\x0a\x00\x00\x07\x00\x50")},
      {ACKED, .seq = C + 3, .ack = S + 2, DATA("\x05\x01\x00\x01")},
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"a copy with other octets: the first wins",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      {ACKED, .seq = C + 3, .ack = S + 2, DATA("\x05\x02\x07\x01zzzzzz")},
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"an overlap while octets wait: the first wins",
     {OPENED,
      GREETS,
      SELECTS,
      {ACKED, .seq = C + 7, .ack = S + 2, DATA("\x0a\x00\x00\x07")},
      {ACKED, .seq = C + 5, .ack = S + 2, DATA("\x00\x01zzzz\x00\x50")},
      {ACKED, .seq = C + 3, .ack = S + 2, DATA("\x05\x01")},
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"every packet twice",
     {SYN, SYN, SYN_ACK, SYN_ACK, GREETS, GREETS, SELECTS, SELECTS, REQUESTS,
      REQUESTS, REPLIES, REPLIES, ENDS(13, 12), ENDS(13, 12)},
     WHOLE(13, 12)},
    {"a keepalive",
     {OPENED,
      GREETS,
      SELECTS,
      {ACKED, .seq = C + 2, .ack = S + 2, DATA("z")},
      REQUESTS,
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"octets in the SYN",
     {{.flags = PACKET_SYN, .seq = ISN_C, DATA(GREETING)},
      {FROM_S, .flags = PACKET_SYN | PACKET_ACK, .seq = ISN_S, .ack = C + 3},
      SELECTS,
      REQUESTS,
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12)},
    {"text in a reset is no data",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      {FROM_S, .flags = PACKET_RST, .seq = S + 12, DATA("go away")}},
     .target = "10.0.0.7:80",
     .octets = {13, 12},
     .ending = {CAPTURE_OPEN_END, CAPTURE_RESET}},
    {"a new connection between the same ports",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      ENDS(13, 12),
      {.flags = PACKET_SYN, .seq = 77000},
      {FROM_S, .flags = PACKET_SYN | PACKET_ACK, .seq = 99000, .ack = 77001},
      {ACKED, .seq = 77001, .ack = 99001, DATA(GREETING)},
      {FROM_S, ACKED, .seq = 99001, .ack = 77004, DATA("\x05\xff")}},
     WHOLE(13, 12),
     .others = 1},
    {"the SYN from the proxy's side",
     {{FROM_S, .flags = PACKET_SYN, .seq = ISN_S},
      {.flags = PACKET_SYN | PACKET_ACK, .seq = ISN_C, .ack = S},
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12),
     .is_reversed = true},

    /* What the capture does not hold. */
    {"no SYN: told, not judged",
     {GREETS,
      SELECTS,
      {ACKED, .seq = C + 3, .ack = S + 2,
       DATA("\x05\x01\x07\x01\x0a\x00\x00\x07\x00\x50")},
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12),
     .flaws = CAPTURE_NO_START},
    {"no SYN-ACK",
     {SYN, GREETS, SELECTS, REQUESTS, REPLIES, ENDS(13, 12)},
     WHOLE(13, 12),
     .flaws = CAPTURE_NO_START},
    {"no SYN, an acknowledgement recorded too early",
     {{ACKED, .seq = C + 3, .ack = S + 2},
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12),
     .flaws = CAPTURE_NO_START},
    {"from the request on: 05 01 00 is no greeting there",
     {REQUESTS, REPLIES, ENDS(13, 12)},
     .is_none = true},
    {"the selection lost",
     {OPENED, GREETS, REQUESTS, REPLIES, ENDS(13, 12)},
     .is_candidate = true,
     .flaws = CAPTURE_LOST,
     .code = -1,
     .target = "",
     .octets = {13, 10},
     .lost = {0, 2},
     .ending = {CAPTURE_FIN, CAPTURE_FIN}},
    {"relayed octets lost",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      {ACKED, .seq = C + 20, .ack = S + 12, DATA("xyz")},
      {FROM_S, ACKED, .seq = S + 12, .ack = C + 23},
      ENDS(23, 12)},
     WHOLE(16, 12),
     .flaws = CAPTURE_LOST,
     .lost = {7, 0}},
    {"octets that come again long after",
     {OPENED,
      GREETS,
      SELECTS,
      {ACKED, .seq = C + 13, .ack = S + 2, DATA("early")},
      {FROM_S, ACKED, .seq = S + 2, .ack = C + 3},
      {ACKED, .seq = C + 3, .ack = S + 2, DATA(REQUEST), .after_ms = 60000},
      REPLIES,
      ENDS(18, 12)},
     WHOLE(18, 12)},
    {"cut by the snapshot length",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REPLIES,
      {ACKED, .seq = C + 13, .ack = S + 12, DATA("0123456789"), .cut = 6},
      ENDS(23, 12)},
     WHOLE(17, 12),
     .flaws = CAPTURE_LOST | CAPTURE_SNAPLEN,
     .lost = {6, 0}},
    {"the client's side alone",
     {SYN,
      GREETS,
      REQUESTS,
      {.flags = PACKET_FIN | PACKET_ACK, .seq = C + 13, .ack = S + 12}},
     .is_candidate = true,
     .flaws = CAPTURE_NO_START | CAPTURE_LOST | CAPTURE_ONE_SIDED,
     .code = -1,
     .target = "",
     .octets = {13, 0},
     .lost = {0, 12},
     .ending = {CAPTURE_FIN, CAPTURE_OPEN_END}},
    {"the server's side alone", {SYN_ACK, SELECTS, REPLIES}, .is_none = true},
    {"no answer",
     {OPENED, GREETS, {.flags = PACKET_RST, .seq = C + 3}},
     .is_candidate = true,
     .code = -1,
     .target = "",
     .octets = {3, 0},
     .ending = {CAPTURE_RESET, CAPTURE_OPEN_END}},

    /* Judged. */
    {"RSV 7 in the request",
     {OPENED,
      GREETS,
      SELECTS,
      {ACKED, .seq = C + 3, .ack = S + 2,
       DATA("\x05\x01\x07\x01\x0a\x00\x00\x07\x00\x50")},
      REPLIES,
      ENDS(13, 12)},
     WHOLE(13, 12),
     .findings = 1,
     .finding = REQ_SOCKS5_REQUEST_RSV},
    {"no reply before the end of the file",
     {OPENED, GREETS, SELECTS, REQUESTS},
     .code = -1,
     .target = "10.0.0.7:80",
     .octets = {13, 2}},
    {"no reply before the end of the connection",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      {FROM_S, .flags = PACKET_FIN | PACKET_ACK, .seq = S + 2, .ack = C + 13},
      {.flags = PACKET_FIN | PACKET_ACK, .seq = C + 13, .ack = S + 3}},
     WHOLE(13, 2),
     .code = -1,
     .findings = 1,
     .finding = REQ_SOCKS5_REPLY_SENT},
    {"no close after a failure",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REFUSES,
      {ACKED, .seq = C + 13, .ack = S + 12, .after_ms = 60000},
      ENDS(13, 12)},
     WHOLE(13, 12),
     .code = 5,
     .findings = 2,
     .finding = REQ_SOCKS5_REPLY_CLOSE},
    {"a close after a failure that was not recorded",
     {OPENED,
      GREETS,
      SELECTS,
      REQUESTS,
      REFUSES,
      {.flags = PACKET_FIN | PACKET_ACK,
       .seq = C + 13,
       .ack = S + 13,
       .after_ms = 60000}},
     .target = "10.0.0.7:80",
     .code = 5,
     .flaws = CAPTURE_LOST,
     .octets = {13, 12},
     .lost = {0, 1},
     .ending = {CAPTURE_FIN, CAPTURE_OPEN_END}},

    /* What is no proxy dialogue. */
    {"DCE RPC: 05 00 at both ends",
     {OPENED,
      {ACKED, .seq = C, .ack = S, DATA("\x05\x00\x0b\x03\x10\x00")},
      {FROM_S, ACKED, .seq = S, .ack = C + 6, DATA("\x05\x00\x0c\x03\x10")},
      ENDS(6, 5)},
     .is_none = true},
    {"DNP3: 05 64 at both ends",
     {OPENED,
      {ACKED, .seq = C, .ack = S, DATA("\x05\x64\x05\xc0\x01\x00\x00\x04")},
      {FROM_S, ACKED, .seq = S, .ack = C + 8, DATA("\x05\x64\x05\x40\x00")},
      ENDS(8, 5)},
     .is_none = true},
    {"a request to an origin",
     {OPENED,
      {ACKED, .seq = C, .ack = S, DATA("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
      {FROM_S, ACKED, .seq = S, .ack = C + 27,
       DATA("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")}},
     .is_none = true},
    {"the server speaks first",
     {OPENED,
      {FROM_S, ACKED, .seq = S, .ack = C, DATA("220 hello\r\n")},
      {ACKED, .seq = C, .ack = S + 11, DATA(GREETING)},
      {FROM_S, ACKED, .seq = S + 11, .ack = C + 3, DATA(SELECTION)}},
     .is_none = true},

    /* HTTP. */
    {"CONNECT",
     {OPENED,
      {ACKED, .seq = C, .ack = S,
       DATA("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")},
      {FROM_S, ACKED, .seq = S, .ack = C + 49, DATA("HTTP/1.1 200 OK\r\n\r\n")},
      ENDS(49, 19)},
     .code = 200,
     .target = "a.test:443",
     .octets = {49, 19},
     .ending = {CAPTURE_FIN, CAPTURE_FIN}},
    {"absolute-form",
     {OPENED,
      {ACKED, .seq = C, .ack = S,
       DATA("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n")},
      {FROM_S, ACKED, .seq = S, .ack = C + 45,
       DATA("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")}},
     .code = 404,
     .target = "a.test:80",
     .octets = {45, 38}},
    {"a CONNECT cut before its end",
     {OPENED,
      {ACKED, .seq = C, .ack = S,
       DATA("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"),
       .cut = 20},
      {FROM_S, ACKED, .seq = S, .ack = C + 49, DATA("HTTP/1.1 200 OK\r\n\r\n")},
      ENDS(49, 19)},
     .is_candidate = true,
     .flaws = CAPTURE_LOST | CAPTURE_SNAPLEN,
     .code = -1,
     .target = "a.test:443",
     .octets = {29, 19},
     .lost = {20, 0},
     .ending = {CAPTURE_FIN, CAPTURE_FIN}},
};

/* Moves both sequence spaces, so that the numbers may wrap on the way. */
static void record(struct tape *tape, const struct row *row, uint32_t shift)
{
    tape_open(tape, DLT_RAW, 65535);
    for (size_t i = 0; i < SEGMENTS_MAX; i++) {
        struct tape_segment segment = row->segments[i];

        if (!segment.flags)
            break;
        segment.seq += shift;
        if (segment.flags & PACKET_ACK)
            segment.ack += shift;
        tape_segment(tape, &segment);
    }
}

static void check_dialogue(const struct row *row, const struct dialogue *d)
{
    assert_int_equal(d->is_candidate, row->is_candidate);
    assert_int_equal(d->is_reversed, row->is_reversed);
    assert_int_equal(d->flaws, row->flaws);
    assert_int_equal(d->first_frame, 1);
    assert_int_equal(d->client.port, 40000);
    assert_int_equal(d->server.port, 1080);
    assert_int_equal(d->summary.code, row->code);
    assert_string_equal(d->summary.target, row->target);
    for (size_t side = 0; side < 2; side++) {
        assert_int_equal(d->octets[side], row->octets[side]);
        assert_int_equal(d->lost[side], row->lost[side]);
        assert_int_equal(d->ending[side], row->ending[side]);
    }
    assert_int_equal(d->finding_count, row->findings);
    if (row->findings)
        assert_int_equal(d->findings[0].req, row->finding);
}

static void check_at(const struct row *row, uint32_t shift)
{
    struct tape tape;
    struct dialogue dialogue;
    struct px_error err;
    struct capture *cap;
    size_t count = 0;

    record(&tape, row, shift);
    cap = capture_open(tape.path, &err);
    assert_non_null(cap);
    while (capture_next_dialogue(cap, &dialogue, &err) == PX_DONE) {
        if (count++ == 0)
            check_dialogue(row, &dialogue);
    }
    assert_int_equal(count, row->is_none ? 0 : 1 + row->others);
    assert_int_equal(capture_next_dialogue(cap, &dialogue, &err), PX_NEED_MORE);
    capture_close(cap);
    tape_close(&tape);
}

static void check_row(void **state)
{
    const struct row *row = *state;

    check_at(row, 0);
    for (uint32_t wrap = 0; wrap < 70; wrap++) {
        check_at(row, 0U - (uint32_t)C - wrap); /* the client's wrap */
        check_at(row, 0U - (uint32_t)S - wrap);
    }
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
