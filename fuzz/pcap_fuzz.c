/*
 * Captures. An even first octet: the rest is a file, whatever it holds. An odd
 * one: the rest is a conversation, of which two files are made: each message
 * in one packet, and the same messages cut, repeated and out of order. What is
 * found must be the same.
 *
 * A conversation is steps of one octet, kind in the low half and x in the high
 * half:
 *
 *   x0 x1    the client, the server sends the x octets that follow
 *   x4 x5    the client sends canned message x, SOCKS or HTTP
 *   x6 x7    the server sends canned message x, SOCKS or HTTP
 *   x8 x9    the client, the server ends
 *   xA xB    the client, the server resets
 *   xE       x seconds pass
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "canned.h"
#include "capture.h"
#include "fuzz.h"
#include "packet.h"

enum { STEPS_MAX = 32, FILE_MAX = 1 << 20, FINDINGS_MAX = 64 };

/* A capture file under construction: microseconds, raw IP. */
struct tape {
    uint8_t octets[FILE_MAX];
    size_t len;
    uint64_t now_us;
    uint32_t seq[2]; /* next octet of each oracle_side */
    bool has_ended[2];
    bool is_shuffled;
};

/* What a file's one dialogue came to. */
struct verdict {
    size_t dialogues;
    struct oracle_summary summary;
    bool is_candidate;
    size_t count;
    enum requirement found[FINDINGS_MAX];
};

static struct tape tape;

static void put(const void *octets, size_t len)
{
    FUZZ_REQUIRE(len <= FILE_MAX - tape.len, "the file fits");
    if (len)
        memcpy(tape.octets + tape.len, octets, len);
    tape.len += len;
}

static void put_le32(uint32_t value)
{
    const uint8_t octets[4] = {(uint8_t)value, (uint8_t)(value >> 8),
                               (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

    put(octets, sizeof(octets));
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void begin_tape(bool is_shuffled)
{
    static const uint8_t header[] = {0xd4, 0xc3, 0xb2, 0xa1, 2,   0, 4, 0,
                                     0,    0,    0,    0,    0,   0, 0, 0,
                                     0xff, 0xff, 0,    0,    101, 0, 0, 0};

    tape.len = 0;
    tape.now_us = 1000000;
    tape.seq[SIDE_CLIENT] = 1000;
    tape.seq[SIDE_SERVER] = 0xfffffff0; /* wraps soon */
    tape.has_ended[0] = tape.has_ended[1] = false;
    tape.is_shuffled = is_shuffled;
    put(header, sizeof(header));
}

static void put_packet(enum oracle_side side, uint32_t seq, uint8_t flags,
                       struct px_bytes payload)
{
    uint8_t head[40] = {[0] = 0x45, [8] = 64, [9] = 6, [32] = 0x50};
    uint8_t *ip = head, *tcp = head + 20;
    bool is_client = side == SIDE_CLIENT;
    size_t total = sizeof(head) + payload.len;
    uint32_t ack = tape.seq[is_client ? SIDE_SERVER : SIDE_CLIENT];

    ip[2] = (uint8_t)(total >> 8);
    ip[3] = (uint8_t)total;
    ip[12] = ip[16] = 10;
    ip[15] = tcp[1] = is_client ? 1 : 2;
    ip[19] = tcp[3] = is_client ? 2 : 1;
    tcp[0] = tcp[2] = 4; /* ports 1025 and 1026 */
    put_be32(tcp + 4, seq);
    put_be32(tcp + 8, flags & PACKET_ACK ? ack : 0);
    tcp[13] = flags;
    put_le32((uint32_t)(tape.now_us / 1000000));
    put_le32((uint32_t)(tape.now_us % 1000000));
    put_le32((uint32_t)total);
    put_le32((uint32_t)total);
    put(head, sizeof(head));
    put(payload.data, payload.len);
}

/* The piece that begins at `at`; how large depends on where. */
static struct px_bytes piece_at(struct px_bytes data, size_t at)
{
    size_t len = 1 + at * 5 % 11;

    return px_bytes_of(data.data + at,
                       len < data.len - at ? len : data.len - at);
}

/* In pieces: every second one late, and every third one twice. */
static void put_shuffled(enum oracle_side side, struct px_bytes data)
{
    struct px_bytes held = {0};
    uint32_t held_seq = 0, seq = tape.seq[side];
    unsigned count = 0;

    for (size_t at = 0; at < data.len; count++) {
        struct px_bytes piece = piece_at(data, at);

        if (count % 2 == 0 && at + piece.len < data.len) {
            held = piece;
            held_seq = seq;
        } else {
            put_packet(side, seq, PACKET_ACK, piece);
            if (held.len)
                put_packet(side, held_seq, PACKET_ACK, held);
            held.len = 0;
            if (count % 3 == 0)
                put_packet(side, seq, PACKET_ACK, piece);
        }
        at += piece.len;
        seq += (uint32_t)piece.len;
    }
}

static void say(enum oracle_side side, struct px_bytes data)
{
    if (data.len == 0 || tape.has_ended[side])
        return;
    tape.now_us += 1000;
    if (tape.is_shuffled)
        put_shuffled(side, data);
    else
        put_packet(side, tape.seq[side], PACKET_ACK, data);
    tape.seq[side] += (uint32_t)data.len;
}

static void end(enum oracle_side side, uint8_t flag)
{
    if (tape.has_ended[side])
        return;
    tape.now_us += 1000;
    put_packet(side, tape.seq[side], flag | PACKET_ACK, (struct px_bytes){0});
    tape.seq[side] += flag == PACKET_FIN;
    tape.has_ended[side] = true;
    if (flag == PACKET_RST)
        tape.has_ended[0] = tape.has_ended[1] = true;
}

static void shake_hands(void)
{
    const struct px_bytes nothing = {0};

    put_packet(SIDE_CLIENT, tape.seq[SIDE_CLIENT]++, PACKET_SYN, nothing);
    put_packet(SIDE_SERVER, tape.seq[SIDE_SERVER]++, PACKET_SYN | PACKET_ACK,
               nothing);
    put_packet(SIDE_CLIENT, tape.seq[SIDE_CLIENT], PACKET_ACK, nothing);
}

static void take_step(struct px_cursor *in, unsigned kind, unsigned arg)
{
    enum oracle_side side = kind & 1 ? SIDE_SERVER : SIDE_CLIENT;
    struct px_bytes some = px_cursor_rest(in);

    switch (kind) { /* a number of the input's, not an enum */
    case 0x4:
    case 0x5:
        say(SIDE_CLIENT, canned_client(kind & 1, arg));
        break;
    case 0x6:
    case 0x7:
        say(SIDE_SERVER, canned_server(kind & 1, arg));
        break;
    case 0x8:
    case 0x9:
        end(side, PACKET_FIN);
        break;
    case 0xA:
    case 0xB:
        end(side, PACKET_RST);
        break;
    case 0xE:
        tape.now_us += UINT64_C(1000000) * arg;
        break;
    default:
        if (some.len > arg)
            some.len = arg;
        in->at += some.len;
        say(side, some);
        break;
    }
}

static void record(struct px_bytes input, bool is_shuffled)
{
    struct px_cursor in = px_cursor_over(input);
    uint8_t octet;

    begin_tape(is_shuffled);
    shake_hands();
    for (int i = 0; i < STEPS_MAX && px_take_u8(&in, &octet); i++)
        take_step(&in, octet & 0xFu, octet >> 4);
}

static void check_dialogue(const struct dialogue *d,
                           const struct capture_stats *stats)
{
    FUZZ_REQUIRE(d->begin_us <= d->end_us, "time does not run back");
    FUZZ_REQUIRE(d->first_frame >= 1 && d->first_frame <= stats->packets,
                 "the first frame was read");
    FUZZ_REQUIRE(d->finding_count <= CAPTURE_FINDINGS_MAX,
                 "findings have a bound");
    FUZZ_REQUIRE(memchr(d->verb, '\0', sizeof(d->verb)), "a verb ends");
    FUZZ_REQUIRE(!d->is_candidate || d->finding_count == 0,
                 "one-sided evidence accuses nobody");
    FUZZ_REQUIRE(!(d->flaws & CAPTURE_NO_START) || d->finding_count == 0,
                 "nothing is judged without its start");
}

/* Reads a file; false when it is none. */
static bool judge(struct px_bytes file, struct verdict *out)
{
    static int fd = -1;
    char path[32];
    struct px_error err;
    struct capture *cap;
    struct dialogue d;
    enum px_status status;

    *out = (struct verdict){0};
    if (fd < 0)
        fd = memfd_create("capture", 0);
    FUZZ_REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0 &&
                     pwrite(fd, file.data, file.len, 0) == (ssize_t)file.len,
                 "a file in memory");
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    cap = capture_open(path, &err);
    if (!cap)
        return false;
    while ((status = capture_next_dialogue(cap, &d, &err)) == PX_DONE) {
        check_dialogue(&d, capture_stats(cap));
        out->dialogues++;
        out->summary = d.summary;
        out->is_candidate = d.is_candidate;
        out->count = d.finding_count;
        for (size_t i = 0; i < d.finding_count; i++)
            out->found[i] = d.findings[i].req;
    }
    FUZZ_REQUIRE(status != PX_ERROR || err.req == REQ_NONE,
                 "a damaged file breaks no requirement");
    capture_close(cap);
    return true;
}

static void compare(const struct verdict *a, const struct verdict *b)
{
    FUZZ_REQUIRE(
        a->dialogues == b->dialogues && a->is_candidate == b->is_candidate,
        "%zu dialogues in order, %zu out of order", a->dialogues, b->dialogues);
    FUZZ_REQUIRE(a->summary.protocol == b->summary.protocol &&
                     a->summary.stage == b->summary.stage &&
                     a->summary.code == b->summary.code &&
                     memcmp(a->summary.relayed, b->summary.relayed,
                            sizeof(a->summary.relayed)) == 0,
                 "the same summary, whatever the order of packets");
    FUZZ_REQUIRE(
        a->count == b->count &&
            memcmp(a->found, b->found, a->count * sizeof(a->found[0])) == 0,
        "%zu findings in order, %zu out of order", a->count, b->count);
}

static void tell_reached(const char *what, const struct verdict *v)
{
    static const char *const stages[] = {
        "start",     "opened",  "answered", "authenticated",
        "requested", "refused", "granted"};

    fuzz_set_reached("%s: %zu dialogues%s, the last %s", what, v->dialogues,
                     v->is_candidate ? " (candidate)" : "",
                     v->dialogues ? stages[v->summary.stage] : "none");
    for (size_t i = 0; i < v->count; i++) {
        fuzz_add_reached(" ");
        fuzz_add_reached(requirement_row(v->found[i])->id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verdict in_order, out_of_order;
    struct px_bytes rest =
        px_bytes_of(size ? data + 1 : data, size ? size - 1 : 0);

    fuzz_set_reached("no capture");
    if (size && data[0] & 1) {
        record(rest, false);
        FUZZ_REQUIRE(judge(px_bytes_of(tape.octets, tape.len), &in_order),
                     "what was recorded can be read");
        record(rest, true);
        FUZZ_REQUIRE(judge(px_bytes_of(tape.octets, tape.len), &out_of_order),
                     "what was recorded can be read");
        tell_reached("conversation", &in_order);
        compare(&in_order, &out_of_order);
    } else if (judge(rest, &in_order)) {
        tell_reached("file", &in_order);
    }
    return 0;
}
