#include "oracle_internal.h"

#include <assert.h>
#include <string.h>

size_t oracle_size(void)
{
    return sizeof(struct oracle);
}

struct oracle *oracle_init(void *mem, const struct oracle_config *cfg,
                           oracle_message_fn *observe, void *ctx)
{
    struct oracle *o = mem;

    memset(o, 0, offsetof(struct oracle, streams));
    for (size_t i = 0; i < 2; i++) {
        struct stream *s = &o->streams[i];

        s->len = s->seen = 0;
        s->base = s->total = 0;
        s->ended_ms = 0;
        s->has_ended = false;
        s->end = END_FIN;
    }
    o->cfg = cfg;
    o->observe = observe;
    o->ctx = ctx;
    o->summary.method = -1;
    o->summary.command = -1;
    o->summary.code = -1;
    if (cfg->is_midstream)
        o->protocol = &oracle_quiet;
    return o;
}

bool oracle_keep(struct stream *s, struct px_bytes data)
{
    s->total++;
    if (s->len == sizeof(s->kept) || s->base + s->len + 1 != s->total)
        return false; /* a hole would shift what follows */
    s->kept[s->len++] = data.data[0];
    return true;
}

struct px_bytes oracle_shown(const struct stream *s)
{
    return px_bytes_of(s->kept, s->seen);
}

void oracle_consume(struct stream *s, size_t len)
{
    assert(len <= s->len);
    memmove(s->kept, s->kept + len, s->len - len);
    s->len -= len;
    s->base += len;
    s->seen = 0;
}

void oracle_skip(struct stream *s, size_t len)
{
    s->total += len;
    s->base = s->total;
    s->len = 0;
    s->seen = 0;
}

static size_t quiet_bytes(struct oracle *o, enum oracle_side side,
                          struct px_bytes data)
{
    oracle_skip(&o->streams[side], data.len);
    return data.len;
}

static void quiet_ended(struct oracle *o, enum oracle_side side)
{
    (void)o;
    (void)side;
}

static void quiet_finished(struct oracle *o)
{
    (void)o;
}

const struct protocol oracle_quiet = {
    .bytes = quiet_bytes,
    .ended = quiet_ended,
    .finished = quiet_finished,
};

void oracle_stop_reading(struct oracle *o)
{
    o->protocol = &oracle_quiet;
}

void oracle_fall_quiet(struct oracle *o)
{
    oracle_forgive(o);
    oracle_stop_reading(o);
}

void oracle_reach(struct oracle *o, enum oracle_stage stage)
{
    if (stage > o->summary.stage)
        o->summary.stage = stage;
}

void oracle_grant(struct oracle *o)
{
    oracle_reach(o, STAGE_GRANTED);
    for (size_t i = 0; i < 2; i++) {
        o->relay_from[i] = o->streams[i].base;
        oracle_skip(&o->streams[i], 0);
    }
    oracle_count_relayed(o);
}

void oracle_count_relayed(struct oracle *o)
{
    for (size_t i = 0; i < 2; i++)
        o->summary.relayed[i] = o->streams[i].total - o->relay_from[i];
}

void oracle_note_answer(struct oracle *o)
{
    o->reaction.answered_ms = o->now_ms;
    o->reaction.is_awaited = true;
}

static uint64_t since_answer(const struct oracle *o)
{
    return o->now_ms > o->reaction.answered_ms
               ? o->now_ms - o->reaction.answered_ms
               : 0;
}

bool oracle_is_reaction(const struct oracle *o)
{
    const struct reaction *r = &o->reaction;

    if (r->is_optimistic)
        return false;
    return since_answer(o) >= (r->is_known ? r->least_ms : CROSSING_MS);
}

/* The first octet after an answer tells how far away the client is. */
static void note_reaction(struct oracle *o)
{
    struct reaction *r = &o->reaction;

    if (!r->is_awaited)
        return;
    r->is_awaited = false;
    if (!r->is_known || since_answer(o) < r->least_ms)
        r->least_ms = since_answer(o);
    r->is_known = true;
}

enum oracle_side oracle_other(enum oracle_side side)
{
    return side == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT;
}

bool oracle_is_excused(const struct oracle *o, enum oracle_side side)
{
    return o->streams[oracle_other(side)].has_ended;
}

static bool may_begin_method(uint8_t octet)
{
    return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

static const struct protocol *begin_socks(struct oracle *o, uint8_t version)
{
    o->summary.protocol = ORACLE_SOCKS;
    o->summary.version = version == 4 ? 4 : 5;
    return version == 4 ? &oracle_socks4 : &oracle_socks5;
}

/* By whom and with which octet the dialogue begins. */
static const struct protocol *recognise(struct oracle *o, enum oracle_side side,
                                        uint8_t octet)
{
    switch (o->cfg->protocol) {
    case ORACLE_SOCKS:
        return begin_socks(o, side == SIDE_CLIENT ? octet : 5);
    case ORACLE_HTTP:
        o->summary.protocol = ORACLE_HTTP;
        return &oracle_http;
    case ORACLE_DETECT:
        break;
    }
    if (side == SIDE_SERVER)
        return &oracle_quiet; /* no proxy speaks first */
    if (octet == 4 || octet == 5)
        return begin_socks(o, octet);
    return may_begin_method(octet) ? &oracle_http : &oracle_quiet;
}

void oracle_bytes(struct oracle *o, enum oracle_side side, struct px_bytes data,
                  uint64_t now_ms)
{
    oracle_tick(o, now_ms);
    if (data.len == 0)
        return;
    if (!o->protocol)
        o->protocol = recognise(o, side, data.data[0]);
    while (data.len) {
        size_t used = o->protocol->bytes(o, side, data);

        if (side == SIDE_CLIENT)
            note_reaction(o);
        data.data += used;
        data.len -= used;
    }
    if (o->summary.stage == STAGE_GRANTED)
        oracle_count_relayed(o);
}

void oracle_gap(struct oracle *o, enum oracle_side side, uint64_t len,
                uint64_t now_ms)
{
    oracle_tick(o, now_ms);
    oracle_skip(&o->streams[side], (size_t)len);
    if (o->summary.stage == STAGE_GRANTED)
        oracle_count_relayed(o);
    oracle_fall_quiet(o);
}

void oracle_end(struct oracle *o, enum oracle_side side, enum oracle_end end,
                uint64_t now_ms)
{
    oracle_tick(o, now_ms);
    assert(!o->streams[side].has_ended);
    o->streams[side].end = end;
    if (o->protocol)
        o->protocol->ended(o, side);
    o->streams[side].has_ended = true;
    o->streams[side].ended_ms = now_ms;
    oracle_forgive(o);
}

void oracle_tick(struct oracle *o, uint64_t now_ms)
{
    o->now_ms = now_ms;
    oracle_check_duties(o);
}

void oracle_finish(struct oracle *o, uint64_t now_ms)
{
    oracle_tick(o, now_ms);
    if (o->protocol)
        o->protocol->finished(o);
    oracle_fall_quiet(o);
}

const struct oracle_summary *oracle_summary(const struct oracle *o)
{
    return &o->summary;
}
