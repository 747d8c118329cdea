/*
 * The client's messages of a SOCKS5 dialogue: greeting, credentials, request,
 * and what it sends after it was refused.
 */

#include "oracle_internal.h"

#include <string.h>

/* Takes a whole message of the client off its stream; its offset. */
static uint64_t take_message(struct oracle *o, size_t used)
{
    struct socks5_dialogue *d = &o->u.socks5;
    uint64_t at = o->streams[SIDE_CLIENT].base;

    d->is_message_early = at < d->answered_at;
    oracle_consume(&o->streams[SIDE_CLIENT], used);
    return at;
}

/* The client sent what cannot be framed: only the answer is looked at. */
static void lose_client(struct oracle *o)
{
    o->u.socks5.is_client_lost = true;
    (void)take_message(o, 0);
}

static bool is_new_method(struct socks5_dialogue *d, uint8_t method)
{
    uint8_t bit = (uint8_t)(1u << (method & 7));
    bool is_new = !(d->offered[method >> 3] & bit);

    d->offered[method >> 3] |= bit;
    return is_new;
}

/* " 00 02": the methods as they were listed, cut to fit. */
static void write_methods(struct px_bytes methods, char out[ORACLE_TEXT_MAX])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < methods.len; i++) {
        if (at + 8 > ORACLE_TEXT_MAX) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        out[at++] = ' ';
        out[at++] = hex[methods.data[i] >> 4];
        out[at++] = hex[methods.data[i] & 15];
    }
    out[at] = '\0';
}

/* RFC 1928 section 3. */
static void judge_greeting(struct oracle *o,
                           const struct socks5_greeting *greeting, uint64_t at)
{
    struct socks5_dialogue *d = &o->u.socks5;
    char methods[ORACLE_TEXT_MAX];

    for (size_t i = 0; i < greeting->methods.len; i++)
        d->method_count += is_new_method(d, greeting->methods.data[i]);
    write_methods(greeting->methods, methods);
    oracle_tell(o, SIDE_CLIENT, at, 2 + greeting->methods.len,
                "greeting: methods%s", methods);
    d->is_greeting_empty = greeting->methods.len == 0;
    if (d->is_greeting_empty)
        oracle_accuse(o, REQ_SOCKS5_CLIENT_GREETING, SIDE_CLIENT, at + 1,
                      "the greeting offers no method");
    if (d->offered[0xff >> 3] & 0x80)
        oracle_accuse(o, REQ_SOCKS5_CLIENT_GREETING, SIDE_CLIENT, at,
                      "the greeting lists FF, which is no method");
}

/* RFC 1928 section 5: a counted name without terminator. */
static void judge_name(struct oracle *o, struct px_bytes name, uint64_t at)
{
    struct socks5_dialogue *d = &o->u.socks5;

    d->is_name_empty = name.len == 0;
    if (name.len && !memchr(name.data, 0, name.len))
        return;
    d->is_request_odd = true;
    if (name.len && memchr(name.data, 0, name.len) == name.data + name.len - 1)
        oracle_accuse(o, REQ_SOCKS5_ADDRESS_DOMAIN, SIDE_CLIENT,
                      at + 4 + name.len, "the name is counted with a zero");
    else
        oracle_accuse(o, REQ_SOCKS5_ADDRESS_DOMAIN_FORM, SIDE_CLIENT, at + 4,
                      name.len ? "the name has a zero octet inside"
                               : "the name is empty");
}

/* RFC 1928 section 4; F0 to F2 are known private commands. */
static void judge_request(struct oracle *o,
                          const struct socks5_request *request, uint64_t at)
{
    struct socks5_dialogue *d = &o->u.socks5;
    bool is_private = request->command >= 0xf0 && request->command <= 0xf2;

    o->summary.command = request->command;
    d->is_sure = true;
    d->is_port_zero = request->dst.port == 0;
    d->asked = udp_place_of(&request->dst);
    d->is_request_odd = request->reserved != 0;
    if (request->reserved)
        oracle_accuse(o, REQ_SOCKS5_REQUEST_RSV, SIDE_CLIENT, at + 2,
                      "RSV of the request is %02x, not 00", request->reserved);
    if (!is_private && (request->command < SOCKS5_CONNECT ||
                        request->command > SOCKS5_UDP_ASSOCIATE))
        oracle_accuse(o, REQ_SOCKS5_CLIENT_REQUEST, SIDE_CLIENT, at + 1,
                      "command %02x, 01 to 03 are defined", request->command);
    if (request->dst.addr.kind == PX_ADDRESS_NAME)
        judge_name(o, request->dst.addr.name, at);
    oracle_tell(o, SIDE_CLIENT, at, (size_t)(o->streams[SIDE_CLIENT].seen),
                "request: %s %s", socks5_command_name(request->command),
                oracle_note_endpoint(o->summary.target, &request->dst));
}

static void read_greeting(struct oracle *o, struct px_bytes in)
{
    struct socks5_greeting greeting;
    struct px_error err;
    size_t used;

    switch (socks5_decode_greeting(in, &greeting, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_DONE:
        judge_greeting(o, &greeting, o->streams[SIDE_CLIENT].base);
        oracle_reach(o, STAGE_OPENED);
        (void)take_message(o, used);
        break;
    case PX_ERROR:
        oracle_accuse(o, REQ_SOCKS5_CLIENT_GREETING, SIDE_CLIENT,
                      o->streams[SIDE_CLIENT].base,
                      "the greeting begins with %02x, its version is 05",
                      in.data[0]);
        oracle_tell(o, SIDE_CLIENT, o->streams[SIDE_CLIENT].base, in.len,
                    "greeting of unknown version %02x", in.data[0]);
        o->u.socks5.is_greeting_bad = true;
        lose_client(o);
        break;
    }
    socks5_enter(o, PHASE_SELECTION);
}

/* Credentials ahead of the choice among several methods (section 4). */
static void judge_order(struct oracle *o, uint8_t octet)
{
    if (octet == USERPASS_VERSION && o->u.socks5.method_count > 1)
        oracle_accuse(o, REQ_SOCKS5_CLIENT_ORDER, SIDE_CLIENT,
                      o->streams[SIDE_CLIENT].base,
                      "credentials before a method was selected out of %zu",
                      o->u.socks5.method_count);
}

/* What the first octet of a message shows by coming now. */
static void judge_begin(struct oracle *o, struct px_bytes in)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    uint64_t at = o->streams[SIDE_CLIENT].base;

    if (in.len != 1)
        return;
    if (at < d->answered_at)
        judge_order(o, in.data[0]);
    else if (d->is_unoffered)
        oracle_accuse_reaction(o, REQ_SOCKS5_CLIENT_UNOFFERED, at,
                               "goes on with a method that it did not offer");
}

static void read_credentials(struct oracle *o, struct px_bytes in)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct userpass_request request;
    struct px_error err;
    char user[ORACLE_TEXT_MAX];
    size_t used;

    judge_begin(o, in);
    switch (userpass_decode_request(in, &request, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_DONE:
        d->is_credentials_zero =
            request.user.len == 0 || request.password.len == 0;
        oracle_tell(o, SIDE_CLIENT, o->streams[SIDE_CLIENT].base, used,
                    "credentials: user \"%s\", password of %zu octets",
                    oracle_text(request.user, user), request.password.len);
        (void)take_message(o, used);
        break;
    case PX_ERROR:
        oracle_accuse(o, REQ_USERPASS_CLIENT_LAYOUT, SIDE_CLIENT,
                      o->streams[SIDE_CLIENT].base,
                      "the credentials begin with %02x, their version is 01",
                      in.data[0]);
        d->is_credentials_bad = true;
        lose_client(o);
        break;
    }
    socks5_enter(o, PHASE_STATUS);
}

/* RFC 1929 without 02 being selected; Tor reads it all the same. */
static bool read_stray(struct oracle *o, struct px_bytes in)
{
    struct socks5_dialogue *d = &o->u.socks5;
    struct userpass_request request;
    struct px_error err;
    size_t used;

    if (in.data[0] != USERPASS_VERSION || o->summary.method != SOCKS5_NO_AUTH ||
        d->is_stray)
        return false;
    if (userpass_decode_request(in, &request, &used, &err) != PX_DONE)
        return true;
    if (o->streams[SIDE_CLIENT].base >= d->answered_at)
        oracle_accuse_reaction(o, REQ_USERPASS_CLIENT_ONLY_SELECTED,
                               o->streams[SIDE_CLIENT].base,
                               "credentials although 00 was selected");
    oracle_tell(o, SIDE_CLIENT, o->streams[SIDE_CLIENT].base, used,
                "credentials that nobody asked for");
    d->is_stray = true;
    (void)take_message(o, used);
    return true;
}

static void read_bad_request(struct oracle *o, struct px_bytes in,
                             const struct px_error *err)
{
    struct socks5_dialogue *d = &o->u.socks5;

    d->is_atyp_bad = err->req == REQ_SOCKS5_REQUEST_ATYP_UNKNOWN;
    d->is_request_bad = !d->is_atyp_bad;
    d->is_request_odd = true;
    if (d->is_atyp_bad)
        o->summary.command = in.data[1];
    oracle_accuse(o, REQ_SOCKS5_CLIENT_REQUEST, SIDE_CLIENT,
                  o->streams[SIDE_CLIENT].base + err->offset,
                  "in the request, %s", err->detail);
    oracle_tell(o, SIDE_CLIENT, o->streams[SIDE_CLIENT].base, in.len,
                "request that cannot be read: %s", err->detail);
    lose_client(o);
}

static void read_request(struct oracle *o, struct px_bytes in)
{
    struct socks5_request request;
    struct px_error err;
    size_t used;

    judge_begin(o, in);
    if (read_stray(o, in))
        return;
    switch (socks5_decode_request(in, &request, &used, &err)) {
    case PX_NEED_MORE:
        return;
    case PX_DONE:
        judge_request(o, &request, o->streams[SIDE_CLIENT].base);
        (void)take_message(o, used);
        break;
    case PX_ERROR:
        read_bad_request(o, in, &err);
        break;
    }
    oracle_reach(o, STAGE_REQUESTED);
    socks5_enter(o, PHASE_REPLY);
}

/* Shows kept client octets to the parser, one more each time. */
void socks5_read_client(struct oracle *o)
{
    struct stream *s = &o->streams[SIDE_CLIENT];

    while (socks5_is_client_due(o->u.socks5.phase) && s->seen < s->len) {
        s->seen++;
        switch (o->u.socks5.phase) {
        case PHASE_GREETING:
            read_greeting(o, oracle_shown(s));
            break;
        case PHASE_CREDENTIALS:
            read_credentials(o, oracle_shown(s));
            break;
        case PHASE_REQUEST:
            read_request(o, oracle_shown(s));
            break;
        case PHASE_SELECTION:
        case PHASE_STATUS:
        case PHASE_REPLY:
        case PHASE_BIND_REPLY:
        case PHASE_RELAY:
        case PHASE_ASSOCIATED:
        case PHASE_REFUSED:
        case PHASE_LOST:
        case PHASE_COUNT:
            break;
        }
    }
}

/* What the client sends although it was refused. */
static void judge_after_refusal(struct oracle *o, uint8_t octet)
{
    struct socks5_dialogue *d = &o->u.socks5;
    uint64_t at = o->streams[SIDE_CLIENT].total;

    if (d->has_talked || d->is_client_lost || d->is_early)
        return;
    switch (d->refusal) {
    case REFUSED_METHOD:
        oracle_accuse_reaction(o, REQ_SOCKS5_METHOD_NO_ACCEPTABLE, at,
                               "goes on after method FF");
        if (octet == USERPASS_VERSION)
            oracle_accuse_reaction(o, REQ_USERPASS_CLIENT_ONLY_SELECTED, at,
                                   "credentials after method FF");
        break;
    case REFUSED_STATUS:
        oracle_accuse_reaction(o, REQ_USERPASS_CLIENT_FAILURE, at,
                               "goes on after a failure status");
        break;
    case REFUSED_REPLY:
        oracle_accuse_reaction(o, REQ_SOCKS5_CLIENT_DATA_AFTER_SUCCESS, at,
                               "octets after a failure reply");
        break;
    }
}

size_t socks5_client_bytes(struct oracle *o, struct px_bytes data)
{
    struct socks5_dialogue *d = &o->u.socks5;

    if (d->phase == PHASE_REFUSED) {
        judge_after_refusal(o, data.data[0]);
        d->has_talked = true;
        oracle_skip(&o->streams[SIDE_CLIENT], data.len);
        return data.len;
    }
    if (d->is_client_lost) {
        oracle_skip(&o->streams[SIDE_CLIENT], data.len);
        return data.len;
    }
    if (d->phase == PHASE_BIND_REPLY)
        oracle_contest(o, REQ_SOCKS5_CLIENT_BIND_TWO_REPLIES, SIDE_CLIENT,
                       o->streams[SIDE_CLIENT].total,
                       "octets before the second reply to BIND");
    if (!socks5_is_client_due(d->phase))
        o->reaction.is_optimistic = true;
    if (oracle_keep(&o->streams[SIDE_CLIENT], data))
        socks5_read_client(o);
    return 1;
}
