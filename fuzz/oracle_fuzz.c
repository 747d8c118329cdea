/*
 * The oracle alone, on two-sided dialogues of any kind. What it finds must not
 * depend on how the octets were cut, nor be more than it says it can find.
 *
 * The input is an octet of configuration (bits 0 and 1: DETECT, SOCKS, HTTP,
 * DETECT; bit 2: credentials are demanded; bit 3: the start was not seen),
 * then steps of one octet, kind in the low half and x in the high half:
 *
 *   x0 x1    the client, the server sends the x octets that follow
 *   x2 x3    as many as the next octet says
 *   x4 x5    the client sends canned message x, SOCKS or HTTP
 *   x6 x7    the server sends canned message x, SOCKS or HTTP
 *   x8 x9    the client, the server ends
 *   xA xB    the client, the server resets
 *   xC xD    2 to the power of x octets of the client, the server are lost
 *   xE       x seconds pass
 *   xF       the server sends (x + 1) * 64 octets of text
 */
#include <stdlib.h>
#include <string.h>

#include "canned.h"
#include "fuzz.h"
#include "oracle.h"
#include "socks5.h"

enum { STEPS_MAX = 64, FOUND_MAX = 512, SIDES = 2, TEXT_MAX = 16 * 64 };

enum cut { CUT_AS_GIVEN, CUT_JOINED, CUT_OCTETS, CUTS };

/* Everything one playing led to. */
struct record {
    struct oracle_finding findings[FOUND_MAX];
    size_t count;
    struct oracle_summary summary;
    uint64_t told; /* digest of the observed messages, in order */
};

struct dialogue {
    enum cut cut;
    struct oracle *oracle;
    struct record *record;
    struct px_cursor in;
    uint64_t now_ms;
    uint64_t total[SIDES];   /* octets sent or lost */
    uint64_t told_to[SIDES]; /* the end of the last message observed */
    bool has_ended[SIDES];
    bool is_midstream;
    enum oracle_stage stage;
    /* CUT_JOINED: what one side sent in steps that follow one another. */
    uint8_t joined[STEPS_MAX * TEXT_MAX];
    size_t joined_len;
    enum oracle_side joined_side;
};

static struct record records[CUTS];

/* What the client sent since the start; without effect once octets are lost. */
static struct {
    uint8_t octets[STEPS_MAX * TEXT_MAX];
    size_t len;
    bool is_lost;
} client;

static void keep_client(struct px_bytes data)
{
    memcpy(client.octets + client.len, data.data, data.len);
    client.len += data.len;
}

/* A request of SOCKS5 is told with its own length, whatever came behind it. */
static void check_request(const struct oracle_message *message)
{
    struct socks5_request request;
    struct px_error err;
    struct px_bytes rest;
    size_t used = 0;

    if (message->side != SIDE_CLIENT || client.is_lost ||
        client.octets[message->offset] != SOCKS5_VERSION ||
        strncmp(message->text, "request: ", strlen("request: ")) != 0)
        return;
    rest = px_bytes_of(client.octets + message->offset,
                       client.len - (size_t)message->offset);
    FUZZ_REQUIRE(
        socks5_decode_request(rest, &request, &used, &err) == PX_DONE &&
            used == message->len,
        "a request of %zu octets is told with %zu", used, message->len);
}

static void observe(void *ctx, const struct oracle_message *message)
{
    struct dialogue *d = ctx;
    const char *end = memchr(message->text, '\0', sizeof(message->text));

    FUZZ_REQUIRE(end && end != message->text && !strchr(message->text, '\n'),
                 "a message is one line");
    FUZZ_REQUIRE(message->offset >= d->told_to[message->side],
                 "messages come in the order of the stream");
    FUZZ_REQUIRE(message->offset + message->len <= d->total[message->side],
                 "a message lies within what was seen");
    check_request(message);
    d->told_to[message->side] = message->offset + message->len;
    d->record->told = (d->record->told ^ message->offset ^ message->len << 20 ^
                       (uint64_t)message->side << 40 ^ message->time_ms << 48) *
                      1099511628211u;
    for (const char *at = message->text; *at; at++)
        d->record->told = (d->record->told ^ (uint8_t)*at) * 1099511628211u;
}

/* Whether the oracle's own list says that it may accuse this side of it. */
static bool is_listed(const struct oracle_finding *f)
{
    for (size_t i = 0; i < oracle_rule_count(); i++) {
        const struct oracle_rule *rule = oracle_rule_at(i);

        if (rule->req == f->req)
            return f->side == SIDE_CLIENT ? rule->accuses_client
                                          : rule->accuses_server;
    }
    return false;
}

static void check_finding(const struct dialogue *d,
                          const struct oracle_finding *f)
{
    const char *end = memchr(f->message, '\0', sizeof(f->message));
    unsigned before = 0;

    FUZZ_REQUIRE(!d->is_midstream, "nothing is judged without its start");
    FUZZ_REQUIRE(f->req > REQ_NONE && f->req < REQ_COUNT && is_listed(f),
                 "finding %d is in the list of rules", (int)f->req);
    FUZZ_REQUIRE(end && end != f->message && !strchr(f->message, '\n'),
                 "a finding is told in one line");
    FUZZ_REQUIRE(f->offset <= d->total[f->side] && f->time_ms <= d->now_ms,
                 "%s is where and when something was seen",
                 requirement_row(f->req)->id);
    for (size_t i = 0; i < d->record->count; i++) {
        const struct oracle_finding *g = &d->record->findings[i];

        if (g->req != f->req || g->side != f->side)
            continue;
        FUZZ_REQUIRE(g->is_contested && !f->is_contested && before == 0,
                     "%s is told once more", requirement_row(f->req)->id);
        before++;
    }
}

static void take_findings(struct dialogue *d)
{
    struct oracle_finding f;

    while (oracle_next_finding(d->oracle, &f)) {
        check_finding(d, &f);
        FUZZ_REQUIRE(d->record->count < FOUND_MAX, "findings have a bound");
        d->record->findings[d->record->count++] = f;
    }
}

static void check_summary(struct dialogue *d)
{
    const struct oracle_summary *s = oracle_summary(d->oracle);

    FUZZ_REQUIRE(s->stage >= d->stage, "the stage grows");
    FUZZ_REQUIRE(s->relayed[SIDE_CLIENT] <= d->total[SIDE_CLIENT] &&
                     s->relayed[SIDE_SERVER] <= d->total[SIDE_SERVER],
                 "no more is relayed than was sent");
    FUZZ_REQUIRE(memchr(s->target, '\0', sizeof(s->target)),
                 "the target is terminated");
    d->stage = s->stage;
}

static void show(struct dialogue *d, enum oracle_side side,
                 struct px_bytes data)
{
    size_t piece = d->cut == CUT_OCTETS ? 1 : data.len;
    struct px_bytes exact;

    d->total[side] += data.len;
    if (side == SIDE_CLIENT)
        keep_client(data);
    for (size_t at = 0; at < data.len; at += piece) {
        exact = fuzz_copy(px_bytes_of(data.data + at, piece));
        oracle_bytes(d->oracle, side, exact, d->now_ms);
        fuzz_drop(exact);
    }
}

static void show_joined(struct dialogue *d)
{
    if (d->joined_len)
        show(d, d->joined_side, px_bytes_of(d->joined, d->joined_len));
    d->joined_len = 0;
}

static void send_octets(struct dialogue *d, enum oracle_side side,
                        struct px_bytes data)
{
    if (d->has_ended[side] || data.len == 0)
        return;
    if (d->cut != CUT_JOINED) {
        show(d, side, data);
        return;
    }
    if (d->joined_side != side)
        show_joined(d);
    d->joined_side = side;
    memcpy(d->joined + d->joined_len, data.data, data.len);
    d->joined_len += data.len;
}

static struct px_bytes take_some(struct dialogue *d, size_t len)
{
    struct px_bytes some = px_cursor_rest(&d->in);

    if (some.len > len)
        some.len = len;
    d->in.at += some.len;
    return some;
}

static struct px_bytes take_counted(struct dialogue *d)
{
    uint8_t len = 0;

    if (!px_take_u8(&d->in, &len))
        len = 0;
    return take_some(d, len);
}

static void end_side(struct dialogue *d, enum oracle_side side,
                     enum oracle_end end)
{
    if (d->has_ended[side])
        return;
    d->has_ended[side] = true;
    oracle_end(d->oracle, side, end, d->now_ms);
}

static void lose(struct dialogue *d, enum oracle_side side, unsigned arg)
{
    uint64_t len = UINT64_C(1) << arg;

    if (d->has_ended[side])
        return;
    d->total[side] += len;
    client.is_lost |= side == SIDE_CLIENT;
    oracle_gap(d->oracle, side, len, d->now_ms);
}

/* Printable text with a line end now and then. */
static void send_text(struct dialogue *d, unsigned arg)
{
    uint8_t text[TEXT_MAX];
    size_t len = ((size_t)arg + 1) * 64;

    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)(i % 32 == 31 ? '\n' : 'a' + i % 26);
    send_octets(d, SIDE_SERVER, px_bytes_of(text, len));
}

static void send_step(struct dialogue *d, unsigned kind, unsigned arg)
{
    enum oracle_side side = kind & 1 ? SIDE_SERVER : SIDE_CLIENT;

    switch (kind) { /* a number of the input's, not an enum */
    case 0x0:
    case 0x1:
        send_octets(d, side, take_some(d, arg));
        break;
    case 0x2:
    case 0x3:
        send_octets(d, side, take_counted(d));
        break;
    case 0x4:
    case 0x5:
        send_octets(d, SIDE_CLIENT, canned_client(kind & 1, arg));
        break;
    case 0x6:
        send_octets(d, SIDE_SERVER, canned_server(false, arg));
        break;
    case 0x7:
        send_octets(d, SIDE_SERVER, canned_server(true, arg));
        break;
    default:
        send_text(d, arg);
        break;
    }
}

static void other_step(struct dialogue *d, unsigned kind, unsigned arg)
{
    enum oracle_side side = kind & 1 ? SIDE_SERVER : SIDE_CLIENT;

    show_joined(d);
    switch (kind) { /* a number of the input's, not an enum */
    case 0x8:
    case 0x9:
        end_side(d, side, END_FIN);
        break;
    case 0xA:
    case 0xB:
        end_side(d, side, END_RESET);
        break;
    case 0xC:
    case 0xD:
        lose(d, side, arg);
        break;
    default:
        d->now_ms += UINT64_C(1000) * arg;
        oracle_tick(d->oracle, d->now_ms);
        break;
    }
}

static void play(struct px_bytes input, enum cut cut)
{
    static struct dialogue d;
    static void *memory; /* one for all: it is large */
    uint8_t octet = 0;
    struct oracle_config cfg;

    memset(&d, 0, offsetof(struct dialogue, joined));
    d.joined_len = client.len = 0;
    client.is_lost = false;
    d.joined_side = SIDE_CLIENT;
    d.cut = cut;
    d.record = &records[cut];
    d.record->count = 0;
    d.record->told = 0;
    d.in = px_cursor_over(input);
    d.now_ms = 1000;
    if (!px_take_u8(&d.in, &octet))
        octet = 0;
    cfg = (struct oracle_config){
        .protocol = (enum oracle_protocol)((octet & 3) % 3),
        .is_auth_required = octet & 4,
        .is_midstream = octet & 8,
    };
    d.is_midstream = cfg.is_midstream;
    if (!memory)
        memory = malloc(oracle_size());
    d.oracle = oracle_init(memory, &cfg, observe, &d);
    for (int i = 0; i < STEPS_MAX && px_take_u8(&d.in, &octet); i++) {
        unsigned kind = octet & 0xFu;

        if (kind < 8 || kind == 0xF)
            send_step(&d, kind, octet >> 4);
        else
            other_step(&d, kind, octet >> 4);
        if (cut != CUT_JOINED) {
            take_findings(&d);
            check_summary(&d);
        }
    }
    show_joined(&d);
    oracle_finish(d.oracle, d.now_ms);
    take_findings(&d);
    check_summary(&d);
    d.record->summary = *oracle_summary(d.oracle);
}

static bool is_same_finding(const struct oracle_finding *f,
                            const struct oracle_finding *g)
{
    return f->req == g->req && f->side == g->side && f->offset == g->offset &&
           f->time_ms == g->time_ms && f->is_contested == g->is_contested &&
           strcmp(f->message, g->message) == 0;
}

static void compare(const struct record *a, const struct record *b)
{
    const struct oracle_summary *s = &a->summary, *t = &b->summary;

    for (size_t i = 0; i < a->count && i < b->count; i++)
        FUZZ_REQUIRE(
            is_same_finding(&a->findings[i], &b->findings[i]),
            "finding %zu: %s (%s), cut otherwise: %s (%s)", i,
            requirement_row(a->findings[i].req)->id, a->findings[i].message,
            requirement_row(b->findings[i].req)->id, b->findings[i].message);
    if (a->count != b->count) {
        const struct record *more = a->count > b->count ? a : b;
        size_t first = a->count > b->count ? b->count : a->count;

        FUZZ_REQUIRE(false, "%zu and %zu findings; only one cut has %s: %s",
                     a->count, b->count,
                     requirement_row(more->findings[first].req)->id,
                     more->findings[first].message);
    }
    FUZZ_REQUIRE(a->told == b->told, "the same messages are observed");
    FUZZ_REQUIRE(s->protocol == t->protocol && s->stage == t->stage &&
                     s->version == t->version && s->method == t->method &&
                     s->command == t->command && s->code == t->code &&
                     strcmp(s->target, t->target) == 0 &&
                     memcmp(s->relayed, t->relayed, sizeof(s->relayed)) == 0,
                 "the same summary");
}

static void tell_reached(const struct record *r)
{
    static const char *const stages[] = {
        "start",     "opened",  "answered", "authenticated",
        "requested", "refused", "granted"};

    fuzz_set_reached("%s", stages[r->summary.stage]);
    for (size_t i = 0; i < r->count; i++) {
        fuzz_add_reached(r->findings[i].side == SIDE_CLIENT ? " client:"
                                                            : " server:");
        fuzz_add_reached(requirement_row(r->findings[i].req)->id);
        if (r->findings[i].is_contested)
            fuzz_add_reached("?");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (enum cut cut = CUT_AS_GIVEN; cut < CUTS; cut++)
        play(px_bytes_of(data, size), cut);
    tell_reached(&records[CUT_AS_GIVEN]);
    if (records[CUT_AS_GIVEN].summary.findings_lost == 0) {
        compare(&records[CUT_AS_GIVEN], &records[CUT_JOINED]);
        compare(&records[CUT_AS_GIVEN], &records[CUT_OCTETS]);
    }
    return 0;
}
