/*
 * The server's messages of a SOCKS5 dialogue: method selection, RFC 1929
 * status, replies, and what it sends after it refused.
 */

#include "oracle_internal.h"

static void owe_close(struct oracle *o, enum requirement req,
                      enum oracle_side side, const char *what)
{
    const struct duty duty = {
        .req = req,
        .side = side,
        .offset = o->streams[side].base,
        .is_contested = req == REQ_USERPASS_FAILURE_CLOSE,
        .what = what,
    };

    oracle_owe(o, &duty);
}

static void refuse(struct oracle *o, enum socks5_refusal why)
{
    o->u.socks5.refusal = why;
    oracle_reach(o, STAGE_REFUSED);
    oracle_skip(&o->streams[SIDE_CLIENT], 0);
    oracle_skip(&o->streams[SIDE_SERVER], 0);
    socks5_enter(o, PHASE_REFUSED);
    switch (why) {
    case REFUSED_METHOD:
        owe_close(o, REQ_SOCKS5_METHOD_NO_ACCEPTABLE, SIDE_CLIENT,
                  "still open 10 s after method FF");
        break;
    case REFUSED_STATUS:
        owe_close(o, REQ_USERPASS_FAILURE_CLOSE, SIDE_SERVER,
                  "still open 10 s after a failure status");
        break;
    case REFUSED_REPLY:
        owe_close(o, REQ_SOCKS5_REPLY_CLOSE, SIDE_SERVER,
                  "still open 10 s after a failure reply");
        owe_close(o, REQ_SOCKS5_REPLY_CLOSE_10S, SIDE_SERVER,
                  "more than 10 s pass between the failure reply and the "
                  "close");
        break;
    }
}

static void take_answer(struct oracle *o, size_t used)
{
    oracle_consume(&o->streams[SIDE_SERVER], used);
    o->u.socks5.answered_at = o->streams[SIDE_CLIENT].total;
    oracle_note_answer(o);
}

/* The phase that a method leads to; others speak what is not known here. */
static enum socks5_phase phase_after(uint8_t method)
{
    if (method == SOCKS5_NO_AUTH)
        return PHASE_REQUEST;
    return method == SOCKS5_USERPASS ? PHASE_CREDENTIALS : PHASE_LOST;
}

/* Whether SOCKS4 grants what is long enough to be one of its requests. */
static bool is_socks4_grant(const struct oracle *o, struct px_bytes in)
{
    return in.data[0] == SOCKS4_REPLY_VERSION && in.data[1] == SOCKS4_GRANTED &&
           o->streams[SIDE_CLIENT].total > SOCKS4_HEAD_LEN;
}

/* A greeting that is none of version 5 was answered. */
static void read_wrong_selection(struct oracle *o, struct px_bytes in)
{
    if (in.len < 2 &&
        (in.data[0] == SOCKS5_VERSION || in.data[0] == SOCKS4_REPLY_VERSION))
        return;
    if (is_socks4_grant(o, in) && in.len < SOCKS4_REPLY_LEN)
        return;
    if (is_socks4_grant(o, in))
        oracle_accuse(o, REQ_SOCKS4_REQUEST_VERSION, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "granted by SOCKS4 what does not begin with 04");
    else if (in.data[0] == SOCKS5_VERSION && in.data[1] != SOCKS5_NO_ACCEPTABLE)
        oracle_accuse(o, REQ_SOCKS5_GREETING_BAD_VERSION, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "method %02x selected for a greeting whose version is "
                      "not 05",
                      in.data[1]);
    socks5_enter(o, PHASE_LOST);
}

static void read_selection(struct oracle *o, struct px_bytes in)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct socks5_selection selection;
    struct px_error err;
    size_t used;

    if (d->is_greeting_bad) {
        read_wrong_selection(o, in);
        return;
    }
    if (in.data[0] != SOCKS5_VERSION && o->cfg->protocol == ORACLE_DETECT) {
        socks5_enter(o, PHASE_LOST); /* not SOCKS5 after all */
        return;
    }
    if (socks5_decode_selection(in, &selection, &used, &err) != PX_DONE)
        return;
    socks5_judge_selection(o, &selection, o->streams[SIDE_SERVER].base);
    take_answer(o, used);
    if (selection.version != SOCKS5_VERSION) {
        socks5_enter(o, PHASE_LOST);
        return;
    }
    oracle_reach(o, STAGE_ANSWERED);
    if (selection.method == SOCKS5_NO_ACCEPTABLE)
        refuse(o, REFUSED_METHOD);
    else if (d->is_early)
        socks5_enter(o, PHASE_LOST);
    else
        socks5_enter(o, phase_after(selection.method));
}

/*
 * The client's message under method 02 was not the one of RFC 1929, and the
 * answer begins with 05: it may be a status or, the sub-negotiation being
 * skipped, a reply.
 */
static void read_bypass(struct oracle *o, struct px_bytes in)
{
    if (in.len < 4)
        return;
    if (in.data[1] == SOCKS5_SUCCEEDED && in.data[2] == 0 &&
        (in.data[3] == SOCKS5_IPV4 || in.data[3] == SOCKS5_NAME ||
         in.data[3] == SOCKS5_IPV6))
        oracle_accuse(o, REQ_SOCKS5_METHOD_SUBNEG_FIRST, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "success although the sub-negotiation of method 02 was "
                      "not completed");
    socks5_enter(o, PHASE_LOST);
}

static void read_status(struct oracle *o, struct px_bytes in)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    uint64_t at = o->streams[SIDE_SERVER].base;
    struct userpass_status status;
    struct px_error err;
    size_t used;

    if (d->is_early && o->streams[SIDE_CLIENT].len == 0) {
        oracle_accuse(o, REQ_USERPASS_START_CLIENT_FIRST, SIDE_SERVER, at,
                      "octet %02x before the client opened the "
                      "sub-negotiation",
                      in.data[0]);
        socks5_enter(o, PHASE_LOST);
        return;
    }
    if (in.data[0] == SOCKS5_VERSION &&
        (d->is_credentials_bad || d->is_early)) {
        read_bypass(o, in);
        return;
    }
    if (userpass_decode_status(in, &status, &used, &err) != PX_DONE)
        return;
    socks5_judge_status(o, &status, at);
    take_answer(o, used);
    if (status.status != 0) {
        refuse(o, REFUSED_STATUS);
        return;
    }
    oracle_reach(o, STAGE_AUTHENTICATED);
    socks5_enter(o,
                 d->is_client_lost || d->is_early ? PHASE_LOST : PHASE_REQUEST);
}

/* Nothing of a request was sent: these octets make the last answer longer. */
static void judge_surplus(struct oracle *o, uint8_t octet)
{
    enum requirement req = o->summary.method == SOCKS5_USERPASS
                               ? REQ_USERPASS_REPLY_LAYOUT
                               : REQ_SOCKS5_METHOD_REPLY;

    oracle_accuse(o, req, SIDE_SERVER, o->streams[SIDE_SERVER].base,
                  "octet %02x after the two of the answer, before any request",
                  octet);
    socks5_enter(o, PHASE_LOST);
}

/* No reply can begin or go on like this. */
static void lose_reply(struct oracle *o, struct px_bytes in)
{
    uint64_t at = o->streams[SIDE_SERVER].base;

    if (o->u.socks5.phase == PHASE_BIND_REPLY)
        oracle_accuse(o, REQ_SOCKS5_BIND_TWO_REPLIES, SIDE_SERVER, at,
                      "octets %02x... where the second reply to BIND is due",
                      in.data[0]);
    else if (in.data[0] > ' ' && in.data[0] < 0x7f)
        oracle_accuse(o, REQ_SOCKS5_CONNECT_SERVER_FIRST, SIDE_SERVER, at,
                      "octet %02x ('%c') where the reply is due", in.data[0],
                      in.data[0]);
    else
        oracle_accuse(o, REQ_SOCKS5_REPLY_LAYOUT, SIDE_SERVER, at,
                      "the reply begins with %02x, its version is 05",
                      in.data[0]);
    socks5_enter(o, PHASE_LOST);
}

/* The length of the address cannot be known; the verdict of the reply can. */
static void lose_address(struct oracle *o, struct px_bytes in)
{
    oracle_accuse(o, REQ_SOCKS5_REPLY_LAYOUT, SIDE_SERVER,
                  o->streams[SIDE_SERVER].base + in.len - 1,
                  "ATYP %02x in a reply, 01, 03 and 04 are defined",
                  in.data[in.len - 1]);
    o->summary.code = in.data[1];
    if (in.data[1] != SOCKS5_SUCCEEDED) {
        refuse(o, REFUSED_REPLY);
        oracle_stop_reading(o);
        return;
    }
    oracle_grant(o);
    socks5_enter(o, PHASE_LOST);
}

/* Tor answers credentials that nobody asked for with a status. */
static bool read_stray_status(struct oracle *o, struct px_bytes in)
{
    struct socks5_dialogue *d = &o->u.socks5;

    if (!d->is_stray || in.data[0] != USERPASS_VERSION)
        return false;
    if (in.len < 2)
        return true;
    take_answer(o, 2);
    d->is_early = false;
    return true;
}

static void await_peer(struct oracle *o)
{
    const struct duty duty = {
        .req = REQ_SOCKS5_BIND_FAILURE,
        .side = SIDE_SERVER,
        .offset = o->streams[SIDE_SERVER].base,
        .within_ms = BIND_WAIT_MS,
        .what = "no second reply to BIND and no close for ten minutes",
    };

    oracle_owe(o, &duty);
    socks5_enter(o, PHASE_BIND_REPLY);
}

/* What was asked for is there. */
static void join(struct oracle *o, const struct socks5_reply *reply)
{
    if (o->summary.command == SOCKS5_UDP_ASSOCIATE) {
        udp_open(o, &o->u.socks5.asked, &reply->bnd);
        socks5_enter(o, PHASE_ASSOCIATED);
    } else {
        socks5_enter(o, PHASE_RELAY);
    }
}

static void finish_reply(struct oracle *o, const struct socks5_reply *reply)
{
    bool is_first = o->u.socks5.phase != PHASE_BIND_REPLY;

    oracle_forgive(o);
    if (reply->rep != SOCKS5_SUCCEEDED)
        refuse(o, REFUSED_REPLY);
    else if (o->u.socks5.is_early || o->u.socks5.is_client_lost)
        socks5_enter(o, PHASE_LOST);
    else if (o->summary.command == SOCKS5_BIND && is_first)
        await_peer(o);
    else
        join(o, reply);
    if (reply->rep == SOCKS5_SUCCEEDED && o->u.socks5.phase != PHASE_BIND_REPLY)
        oracle_grant(o);
}

static void read_reply(struct oracle *o, struct px_bytes in)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct socks5_reply reply;
    struct px_error err;
    size_t used;

    if (read_stray_status(o, in))
        return;
    if (d->is_early && o->streams[SIDE_CLIENT].len == 0 && !d->is_stray) {
        judge_surplus(o, in.data[0]);
        return;
    }
    if (in.data[0] != SOCKS5_VERSION) {
        lose_reply(o, in);
        return;
    }
    switch (socks5_decode_reply(in, &reply, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_ERROR:
        lose_address(o, in);
        return;
    case PX_DONE:
        break;
    }
    socks5_judge_reply(o, &reply, o->streams[SIDE_SERVER].base);
    take_answer(o, used);
    finish_reply(o, &reply);
}

/* Whether there is nothing that the server, having refused, can answer. */
static bool is_client_silent(const struct oracle *o)
{
    const struct socks5_dialogue *d = &o->u.socks5;

    return !d->has_talked && !o->reaction.is_optimistic && !d->is_client_lost;
}

/* After FF or a failure status: only what grants something is judged. */
static void read_after_refusal(struct oracle *o, struct px_bytes in)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    bool is_method = d->refusal == REFUSED_METHOD;

    if (in.len == 1 && is_client_silent(o)) {
        oracle_accuse(
            o, is_method ? REQ_SOCKS5_METHOD_REPLY : REQ_USERPASS_REPLY_LAYOUT,
            SIDE_SERVER, o->streams[SIDE_SERVER].base,
            "octet %02x after the two of the answer", in.data[0]);
        oracle_stop_reading(o);
        return;
    }
    if (in.len < 2)
        return;
    if (in.data[1] == 0 &&
        (in.data[0] == SOCKS5_VERSION || in.data[0] == USERPASS_VERSION)) {
        oracle_accuse(o,
                      is_method ? REQ_SOCKS5_METHOD_FF_CLOSE
                                : REQ_USERPASS_FAILURE_NO_REQUEST,
                      SIDE_SERVER, o->streams[SIDE_SERVER].base,
                      "success (%02x 00) after the client was refused",
                      in.data[0]);
        if (!is_method && in.data[0] == SOCKS5_VERSION)
            oracle_accuse(o, REQ_USERPASS_REPLY_SUCCESS, SIDE_SERVER,
                          o->streams[SIDE_SERVER].base,
                          "the session goes on after a failure status");
    }
    oracle_stop_reading(o);
}

static void read_refused(struct oracle *o, struct px_bytes in)
{
    if (o->u.socks5.refusal != REFUSED_REPLY) {
        read_after_refusal(o, in);
        return;
    }
    oracle_accuse(o, REQ_SOCKS5_REPLY_DEAD_AFTER_FAILURE, SIDE_SERVER,
                  o->streams[SIDE_SERVER].base,
                  "octet %02x after a failure reply", in.data[0]);
    oracle_stop_reading(o);
}

static void read_server(struct oracle *o)
{
    struct px_bytes in = oracle_shown(&o->streams[SIDE_SERVER]);

    switch (o->u.socks5.phase) {
    case PHASE_GREETING:
    case PHASE_SELECTION:
        read_selection(o, in);
        break;
    case PHASE_CREDENTIALS:
    case PHASE_STATUS:
        read_status(o, in);
        break;
    case PHASE_REQUEST:
    case PHASE_REPLY:
    case PHASE_BIND_REPLY:
        read_reply(o, in);
        break;
    case PHASE_REFUSED:
        read_refused(o, in);
        break;
    case PHASE_RELAY:
    case PHASE_ASSOCIATED:
    case PHASE_LOST:
    case PHASE_COUNT:
        break;
    }
}

size_t socks5_server_bytes(struct oracle *o, struct px_bytes data)
{
    struct stream *s = &o->streams[SIDE_SERVER];

    if (s->len == 0)
        o->u.socks5.is_early = o->u.socks5.phase == PHASE_REFUSED
                                   ? o->u.socks5.is_early
                                   : socks5_is_client_due(o->u.socks5.phase);
    if (!oracle_keep(s, data))
        return 1; /* cannot be: no message is that long */
    s->seen = s->len;
    read_server(o);
    if (o->protocol == &oracle_socks5)
        socks5_read_client(o);
    return 1;
}
