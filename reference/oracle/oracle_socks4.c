/*
 * Follows a SOCKS4 or SOCKS4A dialogue: a request, a reply of eight octets, for
 * BIND another one. What whole messages show is judged in
 * oracle_socks4_judge.c.
 */

#include "oracle_internal.h"

#include <string.h>

enum {
    /* The memo: at once. Above this it is told, above CLOSE_MS it is judged. */
    PROMPT_MS = 2 * 1000,
    /* For establishing the connection; two minutes are one server's way. */
    ESTABLISH_MS = 5 * 60 * 1000,
    BANNER_MAX = 512,
};

/* The only writer of the phase. */
static void enter(struct oracle *o, enum socks4_phase next)
{
    o->u.socks4.phase = next;
    if (next == SOCKS4_LOST)
        oracle_fall_quiet(o);
}

static void owe(struct oracle *o, const struct duty *duty)
{
    struct duty d = *duty;

    d.side = SIDE_SERVER;
    d.offset = o->streams[SIDE_SERVER].base;
    oracle_owe(o, &d);
}

static void owe_reply(struct oracle *o)
{
    const struct socks4_dialogue *d = &o->u.socks4;

    owe(o, &(struct duty){.req = REQ_SOCKS4_TIMEOUT_CONNECT,
                          .within_ms = ESTABLISH_MS,
                          .is_contested = !o->cfg->is_socks4_served,
                          .what = "no reply and no close for five minutes"});
    if (d->is_all_zero)
        owe(o, &(struct duty){.req = REQ_SOCKS4A_MARKER_ZERO,
                              .is_contested = true,
                              .what = "no answer to a request for 0.0.0.0, as "
                                      "if a name were to follow"});
}

static void read_request(struct oracle *o)
{
    struct socks4_dialogue *d = &o->u.socks4;
    struct stream *s = &o->streams[SIDE_CLIENT];
    struct socks4_request request;
    struct px_error err;
    size_t used;

    switch (socks4_decode_request(oracle_shown(s), &request, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_DONE:
        socks4_judge_request(o, &request, s->base);
        oracle_consume(s, used);
        break;
    case PX_ERROR:
        o->summary.command = s->kept[1];
        d->is_unread = true;
        oracle_tell(o, SIDE_CLIENT, s->base, s->len,
                    "SOCKS4 request that is not read to its end: %s",
                    err.detail);
        oracle_skip(s, 0);
        break;
    }
    oracle_reach(o, STAGE_REQUESTED);
    d->asked_ms = o->now_ms;
    enter(o, SOCKS4_ANSWERING);
    if (!d->is_unread && d->haste == HASTE_NONE)
        owe_reply(o);
}

static void refuse(struct oracle *o)
{
    oracle_reach(o, STAGE_REFUSED);
    oracle_skip(&o->streams[SIDE_CLIENT], 0);
    enter(o, SOCKS4_TURNED_AWAY);
    owe(o, &(struct duty){.req = REQ_SOCKS4_CLOSE_AFTER_REFUSAL,
                          .within_ms = PROMPT_MS,
                          .is_contested = true,
                          .what = "still open 2 s after a refusal"});
    owe(o, &(struct duty){.req = REQ_SOCKS4_CLOSE_AFTER_REFUSAL,
                          .what = "still open 10 s after a refusal"});
}

static void grant(struct oracle *o)
{
    struct socks4_dialogue *d = &o->u.socks4;
    bool is_first = d->phase == SOCKS4_ANSWERING;

    if (d->haste != HASTE_NONE || d->is_unread) {
        oracle_grant(o);
        enter(o, SOCKS4_LOST);
        return;
    }
    if (o->summary.command == SOCKS4_BIND && is_first) {
        enter(o, SOCKS4_BINDING);
        owe(o, &(struct duty){.req = REQ_SOCKS4_TIMEOUT_BIND,
                              .within_ms = BIND_WAIT_MS,
                              .what = "no second reply to BIND and no close "
                                      "for ten minutes"});
        return;
    }
    oracle_grant(o);
    d->is_watched = !d->has_talked;
    enter(o, SOCKS4_RELAYING);
}

/*
 * Octets that are no reply. Those of another protocol accuse nobody: that the
 * server speaks SOCKS4 is not known before it has answered in kind.
 */
static void read_no_reply(struct oracle *o, struct px_bytes in)
{
    if (o->u.socks4.phase == SOCKS4_BINDING)
        oracle_accuse(o, REQ_SOCKS4_BIND_SECOND_REPLY, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "octets %02x %02x... where the second reply to BIND is "
                      "due",
                      in.data[0], in.data[1]);
    enter(o, SOCKS4_LOST);
}

static bool is_text(uint8_t octet)
{
    return (octet >= ' ' && octet < 0x7f) || octet == '\r' || octet == '\n';
}

/* Text, then a whole grant: what the destination said came too early. */
static void read_banner(struct oracle *o, struct px_bytes in)
{
    size_t len = 0;

    while (len < in.len && is_text(in.data[len]))
        len++;
    if (len == in.len && len < BANNER_MAX)
        return;
    if (len < in.len &&
        (in.data[len] != SOCKS4_REPLY_VERSION ||
         (len + 1 < in.len && in.data[len + 1] != SOCKS4_GRANTED))) {
        enter(o, SOCKS4_LOST);
        return;
    }
    if (len == in.len || in.len - len < SOCKS4_REPLY_LEN) {
        if (len == BANNER_MAX)
            enter(o, SOCKS4_LOST);
        return;
    }
    o->u.socks4.is_sure = true;
    oracle_accuse(o, REQ_SOCKS4_RELAY_SERVER_FIRST, SIDE_SERVER,
                  o->streams[SIDE_SERVER].base,
                  "%zu octets of text come before the reply", len);
    o->summary.code = SOCKS4_GRANTED;
    oracle_grant(o);
    enter(o, SOCKS4_LOST);
}

/* Whether the first two octets are those of a reply, a faulty one included. */
static bool is_reply(const struct oracle *o, struct px_bytes in)
{
    bool is_loose = o->cfg->protocol != ORACLE_DETECT || o->u.socks4.is_sure;
    bool is_likely =
        in.data[0] == SOCKS4_REPLY_VERSION || in.data[0] == SOCKS4_VERSION;

    if (socks4_is_code(in.data[1]))
        return is_likely || (is_loose && !is_text(in.data[0]));
    return is_likely && is_loose;
}

static void read_reply(struct oracle *o, struct px_bytes in)
{
    struct socks4_dialogue *d = &o->u.socks4;
    struct stream *s = &o->streams[SIDE_SERVER];
    struct socks4_reply reply;
    struct px_error err;
    size_t used;

    if (in.len < 2)
        return;
    if (d->phase != SOCKS4_BINDING && is_text(in.data[0]) &&
        is_text(in.data[1])) {
        read_banner(o, in);
        return;
    }
    if (!is_reply(o, in) ||
        (d->phase != SOCKS4_BINDING && in.data[0] == SOCKS5_VERSION)) {
        read_no_reply(o, in);
        return;
    }
    if (socks4_decode_reply(in, &reply, &used, &err) != PX_DONE)
        return;
    oracle_forgive(o);
    if (d->phase == SOCKS4_ANSWERING && d->haste == HASTE_NONE)
        socks4_judge_ahead(o, px_bytes_of(o->streams[SIDE_CLIENT].kept,
                                          o->streams[SIDE_CLIENT].len));
    socks4_judge_reply(o, &reply, s->base);
    memcpy(d->reply, in.data, sizeof(d->reply));
    oracle_consume(s, used);
    oracle_note_answer(o);
    if (reply.code == SOCKS4_GRANTED)
        grant(o);
    else
        refuse(o);
}

/* Nothing may follow a refusal: a reply has eight octets, and there is one. */
static void read_surplus(struct oracle *o, struct px_bytes in)
{
    const struct socks4_dialogue *d = &o->u.socks4;
    bool is_reply_so_far = in.data[0] == SOCKS4_REPLY_VERSION &&
                           (in.len < 2 || socks4_is_code(in.data[1]));
    uint64_t at = o->streams[SIDE_SERVER].base;

    if (is_reply_so_far && in.len < SOCKS4_REPLY_LEN)
        return;
    if (!is_reply_so_far)
        oracle_accuse(o, REQ_SOCKS4_REPLY_LAYOUT, SIDE_SERVER, at,
                      "octet %02x after the eight of a refusal", in.data[0]);
    else if (d->has_talked)
        oracle_contest(o, REQ_SOCKS4_REQUEST_EARLY_DATA, SIDE_SERVER, at,
                       "another reply, as if to what the client sent behind "
                       "its request");
    else
        oracle_accuse(o, REQ_SOCKS4_REPLY_SINGLE, SIDE_SERVER, at,
                      "another reply (%u) after a refusal", in.data[1]);
    oracle_stop_reading(o);
}

/* A silent client gets the grant a second time: no destination knows it. */
static void watch_copy(struct oracle *o, struct px_bytes in)
{
    struct socks4_dialogue *d = &o->u.socks4;

    if (memcmp(in.data, d->reply, in.len) != 0)
        d->is_watched = false;
    if (!d->is_watched || in.len < SOCKS4_REPLY_LEN)
        return;
    oracle_contest(o, REQ_SOCKS4_REPLY_SINGLE, SIDE_SERVER,
                   o->streams[SIDE_SERVER].base,
                   "the relayed octets begin with a copy of the reply");
    d->is_watched = false;
}

/* How far the request is when the answer begins. */
static enum socks4_haste haste_of(const struct stream *s)
{
    size_t len = s->len > SOCKS4_HEAD_LEN ? s->len - SOCKS4_HEAD_LEN : 0;

    if (len && memchr(s->kept + SOCKS4_HEAD_LEN, 0, len))
        return HASTE_NAME;
    return len > PX_NAME_MAX ? HASTE_LONG_USER : HASTE_USER;
}

static size_t server_bytes(struct oracle *o, struct px_bytes data)
{
    struct socks4_dialogue *d = &o->u.socks4;
    struct stream *s = &o->streams[SIDE_SERVER];

    if (d->phase == SOCKS4_RELAYING && !d->is_watched) {
        oracle_skip(s, data.len);
        return data.len;
    }
    if (s->len == 0 && d->phase == SOCKS4_ASKING)
        d->haste = haste_of(&o->streams[SIDE_CLIENT]);
    if (!oracle_keep(s, data))
        return 1; /* cannot be: no message is that long */
    switch (d->phase) {
    case SOCKS4_ASKING:
    case SOCKS4_ANSWERING:
    case SOCKS4_BINDING:
        read_reply(o, px_bytes_of(s->kept, s->len));
        break;
    case SOCKS4_RELAYING:
        watch_copy(o, px_bytes_of(s->kept, s->len));
        break;
    case SOCKS4_TURNED_AWAY:
        read_surplus(o, px_bytes_of(s->kept, s->len));
        break;
    case SOCKS4_LOST:
    case SOCKS4_PHASE_COUNT:
        break;
    }
    return 1;
}

static void judge_after_refusal(struct oracle *o)
{
    struct socks4_dialogue *d = &o->u.socks4;
    uint64_t at = o->streams[SIDE_CLIENT].total;

    if (d->has_gone_on || d->is_unread || d->haste != HASTE_NONE)
        return;
    d->has_gone_on = true;
    if (socks4_is_code(d->reply[1]))
        oracle_accuse_reaction(o, REQ_SOCKS4_CLIENT_WAIT, at,
                               "octets after a refusal");
    else
        oracle_accuse_reaction(o, REQ_SOCKS4_CLIENT_RESULT, at,
                               "octets after a code that is not 90");
}

/* Octets that wait for a reply; those that fit are enough to judge. */
static size_t keep_ahead(struct oracle *o, struct px_bytes data)
{
    struct stream *s = &o->streams[SIDE_CLIENT];

    o->reaction.is_optimistic = true;
    o->u.socks4.has_talked = true;
    if (oracle_keep(s, data))
        return 1;
    s->total += data.len - 1;
    return data.len;
}

static size_t client_bytes(struct oracle *o, struct px_bytes data)
{
    struct socks4_dialogue *d = &o->u.socks4;
    struct stream *s = &o->streams[SIDE_CLIENT];

    switch (d->phase) {
    case SOCKS4_ASKING:
        if (oracle_keep(s, data)) {
            s->seen = s->len;
            read_request(o);
        }
        return 1;
    case SOCKS4_ANSWERING:
    case SOCKS4_BINDING:
        return keep_ahead(o, data);
    case SOCKS4_TURNED_AWAY:
        judge_after_refusal(o);
        break;
    case SOCKS4_RELAYING:
    case SOCKS4_LOST:
    case SOCKS4_PHASE_COUNT:
        break;
    }
    d->has_talked = true;
    d->is_watched = false;
    oracle_skip(s, data.len);
    return data.len;
}

static size_t socks4_bytes(struct oracle *o, enum oracle_side side,
                           struct px_bytes data)
{
    return side == SIDE_CLIENT ? client_bytes(o, data) : server_bytes(o, data);
}

static void server_ended(struct oracle *o)
{
    const struct stream *s = &o->streams[SIDE_SERVER];

    switch (o->u.socks4.phase) {
    case SOCKS4_ANSWERING:
    case SOCKS4_BINDING:
        socks4_judge_missing(o, s);
        break;
    case SOCKS4_TURNED_AWAY:
        if (s->len && s->len < SOCKS4_REPLY_LEN && s->end == END_FIN)
            oracle_accuse(o, REQ_SOCKS4_REPLY_LAYOUT, SIDE_SERVER, s->base,
                          "%zu octets after the eight of a refusal", s->len);
        break;
    case SOCKS4_ASKING:
    case SOCKS4_RELAYING:
    case SOCKS4_LOST:
    case SOCKS4_PHASE_COUNT:
        break;
    }
}

static void socks4_ended(struct oracle *o, enum oracle_side side)
{
    const struct stream *s = &o->streams[side];

    if (oracle_is_excused(o, side))
        return;
    if (side == SIDE_SERVER)
        server_ended(o);
    else if (o->u.socks4.phase == SOCKS4_ASKING && s->end == END_FIN)
        socks4_judge_cut_request(o, px_bytes_of(s->kept, s->len));
}

static void socks4_finished(struct oracle *o)
{
    (void)o;
}

const struct protocol oracle_socks4 = {
    .bytes = socks4_bytes,
    .ended = socks4_ended,
    .finished = socks4_finished,
};
