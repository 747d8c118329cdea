/*
 * Follows a SOCKS5 dialogue: RFC 1928 sections 3 to 6 with RFC 1929 inside.
 * The phase says which message is due next. Client octets that come while the
 * server's turn is on are kept; server octets that come while the client's
 * turn is on answer a message that is not whole. What whole messages show is
 * judged in oracle_socks5_judge.c.
 */

#include "oracle_internal.h"

bool socks5_is_client_due(enum socks5_phase phase)
{
    return phase == PHASE_GREETING || phase == PHASE_CREDENTIALS ||
           phase == PHASE_REQUEST;
}

void socks5_enter(struct oracle *o, enum socks5_phase next)
{
    o->u.socks5.phase = next;
    if (next == PHASE_LOST)
        oracle_fall_quiet(o);
}

/* Section 6: one request a connection; everything after it is payload. */
static void watch_second_request(struct oracle *o, struct px_bytes data)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct socks5_request request;
    struct px_error err;
    size_t used;

    if (d->second == SECOND_ASKED || d->second_len == sizeof(d->second_asked)) {
        d->second = SECOND_OVER;
        return;
    }
    d->second_asked[d->second_len++] = data.data[0];
    switch (socks5_decode_request(px_bytes_of(d->second_asked, d->second_len),
                                  &request, &used, &err)) {
    case PX_DONE:
        d->second = SECOND_ASKED;
        break;
    case PX_ERROR:
        d->second = SECOND_OVER;
        break;
    case PX_NEED_MORE:
        break;
    }
}

/*
 * The destination may say anything, a copy of the request above all; octets
 * that form a reply are still no proof of who sent them.
 */
static void watch_second_reply(struct oracle *o, struct px_bytes data)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct px_bytes reply;
    struct socks5_reply decoded;
    struct px_error err;
    size_t used;

    if (d->second == SECOND_UNSEEN || d->reply_len == sizeof(d->second_reply)) {
        d->second = SECOND_OVER;
        return;
    }
    d->second_reply[d->reply_len++] = data.data[0];
    reply = px_bytes_of(d->second_reply, d->reply_len);
    switch (socks5_decode_reply(reply, &decoded, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_ERROR:
        break;
    case PX_DONE:
        if (decoded.version == SOCKS5_VERSION && decoded.reserved == 0 &&
            decoded.rep == SOCKS5_SUCCEEDED)
            oracle_contest(o, REQ_SOCKS5_REQUEST_SECOND, SIDE_SERVER,
                           o->streams[SIDE_SERVER].total - used,
                           "a second request seems to be answered by a reply");
        break;
    }
    d->second = SECOND_OVER;
}

static size_t relay(struct oracle *o, enum oracle_side side,
                    struct px_bytes data)
{
    size_t len = o->u.socks5.second == SECOND_OVER ? data.len : 1;

    oracle_skip(&o->streams[side], len);
    if (o->u.socks5.second == SECOND_OVER)
        return len;
    if (side == SIDE_CLIENT)
        watch_second_request(o, data);
    else
        watch_second_reply(o, data);
    return len;
}

/* Section 6: this connection only says how long the association lives. */
static size_t control(struct oracle *o, enum oracle_side side,
                      struct px_bytes data)
{
    udp_note_octets(o, side);
    oracle_skip(&o->streams[side], data.len);
    return data.len;
}

static size_t socks5_bytes(struct oracle *o, enum oracle_side side,
                           struct px_bytes data)
{
    if (o->u.socks5.phase == PHASE_ASSOCIATED)
        return control(o, side, data);
    if (o->u.socks5.phase == PHASE_RELAY)
        return relay(o, side, data);
    return side == SIDE_CLIENT ? socks5_client_bytes(o, data)
                               : socks5_server_bytes(o, data);
}

/*
 * A status 05 00 that nothing followed, after credentials that were not those
 * of RFC 1929: more would have shown whether it is the head of a reply.
 */
static void judge_pending_status(struct oracle *o)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (d->phase != PHASE_STATUS || !d->is_credentials_bad || s->len != 2 ||
        s->kept[1] != 0)
        return;
    oracle_accuse(o, REQ_USERPASS_REQUEST_BAD_VERSION, SIDE_SERVER, s->base,
                  "success for credentials whose version is not 01");
}

/* The server ended while it owed a method selection. */
static void judge_missing_selection(struct oracle *o)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (d->is_greeting_bad || d->is_greeting_empty)
        return;
    if (s->len && s->end == END_FIN)
        oracle_accuse(o, REQ_SOCKS5_METHOD_REPLY, SIDE_SERVER, s->base,
                      "the stream ends inside the method selection");
    else if (s->len == 0)
        oracle_contest(o, REQ_SOCKS5_METHOD_FF, SIDE_SERVER, s->base,
                       "the stream ends without a method selection");
}

static void judge_missing_status(struct oracle *o)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (d->is_credentials_bad) {
        judge_pending_status(o);
        return;
    }
    if (d->is_credentials_zero || d->is_message_early)
        return;
    if (s->len && s->end == END_FIN)
        oracle_accuse(o, REQ_USERPASS_REPLY_LAYOUT, SIDE_SERVER, s->base,
                      "the stream ends inside the status");
    else if (s->len == 0)
        oracle_accuse(o, REQ_USERPASS_FAILURE_SENT, SIDE_SERVER, s->base,
                      "the stream ends without a status for the credentials");
}

/*
 * A reset may destroy a reply under way when the client sent more than the
 * server read. A client that sends more before it is answered has not waited
 * for its turn.
 */
static void judge_missing_reply(struct oracle *o)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    const struct stream *s = &o->streams[SIDE_SERVER];
    bool is_hasty = o->streams[SIDE_CLIENT].len > 0;

    if (s->len && s->end == END_FIN)
        oracle_accuse(o, REQ_SOCKS5_REPLY_LAYOUT, SIDE_SERVER, s->base,
                      "the stream ends after %zu octets of a reply", s->len);
    else if (s->len || d->is_request_odd || d->is_message_early ||
             (is_hasty && s->end == END_RESET))
        return;
    else if (is_hasty)
        oracle_contest(o, REQ_SOCKS5_REPLY_SENT, SIDE_SERVER, s->base,
                       "the stream ends without a reply to the request");
    else
        oracle_accuse(o, REQ_SOCKS5_REPLY_SENT, SIDE_SERVER, s->base,
                      "the stream ends without a reply to the request");
}

/* A half-written second reply; that it never came may be a timeout. */
static void judge_cut_bind(struct oracle *o)
{
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (s->len && s->end == END_FIN)
        oracle_accuse(o, REQ_SOCKS5_REPLY_LAYOUT, SIDE_SERVER, s->base,
                      "the stream ends after %zu octets of the second reply",
                      s->len);
}

static void judge_server_end(struct oracle *o)
{
    switch (o->u.socks5.phase) {
    case PHASE_SELECTION:
        judge_missing_selection(o);
        break;
    case PHASE_STATUS:
        judge_missing_status(o);
        break;
    case PHASE_REPLY:
        judge_missing_reply(o);
        break;
    case PHASE_BIND_REPLY:
        judge_cut_bind(o);
        break;
    case PHASE_ASSOCIATED:
        udp_server_ended(o);
        break;
    case PHASE_GREETING:
    case PHASE_CREDENTIALS:
    case PHASE_REQUEST:
    case PHASE_RELAY:
    case PHASE_REFUSED:
    case PHASE_LOST:
    case PHASE_COUNT:
        break;
    }
}

static void socks5_ended(struct oracle *o, enum oracle_side side)
{
    if (side == SIDE_SERVER && !oracle_is_excused(o, side))
        judge_server_end(o);
}

static void socks5_finished(struct oracle *o)
{
    judge_pending_status(o);
    udp_finished(o);
}

const struct protocol oracle_socks5 = {
    .bytes = socks5_bytes,
    .ended = socks5_ended,
    .finished = socks5_finished,
};
