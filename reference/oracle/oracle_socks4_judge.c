/* What whole messages of SOCKS4 and 4A show, and what their lack does. */

#include "oracle_internal.h"

#include <string.h>

enum {
    /* No establishment timer is so short: the close is about the request. */
    HASTY_MS = 2 * 1000,
};

bool socks4_is_code(uint8_t code)
{
    return code >= SOCKS4_GRANTED && code <= SOCKS4_IDENTD_MISMATCH;
}

/* CONNECT and BIND; Tor adds RESOLVE, and RESOLVE_PTR for SOCKS5. */
static bool is_command(int command)
{
    return command == SOCKS4_CONNECT || command == SOCKS4_BIND ||
           command == SOCKS5_TOR_RESOLVE || command == SOCKS5_TOR_RESOLVE_PTR;
}

static const char *command_name(uint8_t command)
{
    return is_command(command) ? socks5_command_name(command)
                               : socks4_command_name(command);
}

static bool is_lower(uint8_t octet, char letter)
{
    return octet == (uint8_t)letter || octet == (uint8_t)(letter - 'a' + 'A');
}

/* RFC 6761 section 6.4: no name under .invalid exists. */
static bool is_never_resolved(struct px_bytes name)
{
    static const char end[] = "invalid";
    size_t len = sizeof(end) - 1;

    if (name.len && name.data[name.len - 1] == '.')
        name.len--;
    if (name.len < len ||
        (name.len > len && name.data[name.len - len - 1] != '.'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_lower(name.data[name.len - len + i], end[i]))
            return false;
    }
    return true;
}

void socks4_judge_request(struct oracle *o,
                          const struct socks4_request *request, uint64_t at)
{
    static const uint8_t zero[4] = {0};
    const struct px_address *addr = &request->dst.addr;
    struct socks4_dialogue *d = &o->u.socks4;
    char user[ORACLE_TEXT_MAX];

    o->summary.command = request->command;
    d->is_marked = request->marker != 0;
    d->is_name_empty = d->is_marked && addr->name.len == 0;
    d->is_name_invalid = d->is_marked && is_never_resolved(addr->name);
    d->is_all_zero = !d->is_marked && memcmp(addr->ip, zero, 4) == 0;
    if (!is_command(request->command))
        oracle_accuse(o, REQ_SOCKS4_CLIENT_REQUEST, SIDE_CLIENT, at + 1,
                      "command %u, 1 and 2 are defined", request->command);
    if (d->is_name_empty)
        oracle_accuse(
            o, REQ_SOCKS4A_CLIENT_NAME, SIDE_CLIENT, at + SOCKS4_HEAD_LEN,
            "0.0.0.%u announces a name, and it is empty", request->marker);
    oracle_tell(o, SIDE_CLIENT, at, o->streams[SIDE_CLIENT].seen,
                "SOCKS4 request: %s %.64s, user \"%s\"",
                command_name(request->command),
                oracle_note_endpoint(o->summary.target, &request->dst),
                oracle_text(request->user, user));
}

static bool is_name_octet(uint8_t octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= '0' && octet <= '9') || octet == '-' || octet == '.';
}

/* Whether these octets are a host name and its terminator, and nothing else. */
static bool is_name(struct px_bytes in)
{
    if (in.len < 2 || in.data[in.len - 1] != 0)
        return false;
    for (size_t i = 0; i + 1 < in.len; i++) {
        if (!is_name_octet(in.data[i]))
            return false;
    }
    return true;
}

void socks4_judge_ahead(struct oracle *o, struct px_bytes ahead)
{
    uint64_t at = o->streams[SIDE_CLIENT].base;

    if (o->u.socks4.is_unread || ahead.len == 0)
        return;
    if (!is_name(ahead))
        oracle_contest(o, REQ_SOCKS4_CLIENT_WAIT, SIDE_CLIENT, at,
                       "octets before the reply");
    else if (o->u.socks4.is_all_zero)
        oracle_accuse(o, REQ_SOCKS4A_CLIENT_MARKER, SIDE_CLIENT, at,
                      "a name follows 0.0.0.0, which is no marker");
    else
        oracle_contest(o, REQ_SOCKS4A_CLIENT_MARKER, SIDE_CLIENT, at,
                       "what looks like a name follows an address that is no "
                       "marker");
}

/* The server did not wait for the end of the request. */
static void judge_haste(struct oracle *o, uint8_t code, uint64_t at)
{
    bool is_granted = code == SOCKS4_GRANTED;

    switch (o->u.socks4.haste) {
    case HASTE_NONE:
        break;
    case HASTE_USER:
        if (is_granted)
            oracle_accuse(o, REQ_SOCKS4_REQUEST_USERID_NUL, SIDE_SERVER, at,
                          "granted before the user id was whole");
        break;
    case HASTE_LONG_USER: /* it may be bounded */
        if (is_granted)
            oracle_contest(o, REQ_SOCKS4_REQUEST_USERID_NUL, SIDE_SERVER, at,
                           "granted inside a user id of more than 255 octets");
        break;
    case HASTE_NAME: /* a server without 4A refuses at once */
        if (is_granted)
            oracle_accuse(o, REQ_SOCKS4A_REQUEST_FRAGMENTED, SIDE_SERVER, at,
                          "granted before the name was whole");
        else
            oracle_contest(o, REQ_SOCKS4A_REQUEST_FRAGMENTED, SIDE_SERVER, at,
                           "refused before the name was whole");
        break;
    }
}

static void judge_grant(struct oracle *o, uint64_t at)
{
    const struct socks4_dialogue *d = &o->u.socks4;

    if (d->haste != HASTE_NONE || d->is_unread)
        return;
    if (!is_command(o->summary.command))
        oracle_accuse(o, REQ_SOCKS4_REQUEST_COMMAND, SIDE_SERVER, at + 1,
                      "granted the undefined command %d", o->summary.command);
    if (d->is_name_empty)
        oracle_accuse(o, REQ_SOCKS4A_NAME_EMPTY, SIDE_SERVER, at + 1,
                      "granted a name of no octets");
    if (d->is_name_invalid)
        oracle_contest(o, REQ_SOCKS4A_NAME_FAIL, SIDE_SERVER, at + 1,
                       "granted a name under .invalid, which cannot be "
                       "resolved");
}

/* "This" network other than 0.0.0.0, multicast, reserved, broadcast. */
static bool is_nowhere(const uint8_t ip[4])
{
    return (ip[0] == 0 && (ip[1] || ip[2] || ip[3])) || ip[0] >= 224;
}

/* The first reply to BIND says where the server listens. */
static void judge_listener(struct oracle *o, const struct socks4_reply *reply,
                           uint64_t at)
{
    const struct px_endpoint *e = &reply->endpoint;
    char text[PX_ENDPOINT_TEXT_MAX];

    if (e->port == 0)
        oracle_accuse(o, REQ_SOCKS4_BIND_FIRST_REPLY, SIDE_SERVER, at + 2,
                      "BIND granted on port 0");
    px_format_endpoint(e, text);
    if (is_nowhere(e->addr.ip))
        oracle_accuse(o, REQ_SOCKS4_BIND_ADDRESS_ZERO, SIDE_SERVER, at + 4,
                      "BIND granted at %.32s, where nobody can be reached",
                      text);
}

static void tell_reply(struct oracle *o, const struct socks4_reply *reply,
                       bool is_second, uint64_t at)
{
    bool is_bind = o->summary.command == SOCKS4_BIND;
    char text[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(&reply->endpoint, text);
    oracle_tell(o, SIDE_SERVER, at, SOCKS4_REPLY_LEN,
                "%sSOCKS4 reply: %u %s%s%.32s", is_second ? "second " : "",
                reply->code, socks4_code_name(reply->code),
                is_second ? ", peer "
                : is_bind ? ", bound "
                          : ", ",
                text);
}

/* SOCKS4 is certain once a code answers what can be a request. */
static bool is_certain(const struct oracle *o, uint8_t code)
{
    const struct socks4_dialogue *d = &o->u.socks4;

    return socks4_is_code(code) &&
           (d->haste == HASTE_NONE ||
            o->streams[SIDE_CLIENT].len >= SOCKS4_HEAD_LEN);
}

void socks4_judge_reply(struct oracle *o, const struct socks4_reply *reply,
                        uint64_t at)
{
    struct socks4_dialogue *d = &o->u.socks4;
    bool is_second = d->phase == SOCKS4_BINDING;
    bool is_granted = reply->code == SOCKS4_GRANTED;

    d->is_sure = d->is_sure || is_certain(o, reply->code);
    tell_reply(o, reply, is_second, at);
    o->summary.code = reply->code;
    if (reply->version != SOCKS4_REPLY_VERSION)
        oracle_accuse(o, REQ_SOCKS4_REPLY_VN_ZERO, SIDE_SERVER, at,
                      "the reply begins with %02x, its version is 00",
                      reply->version);
    if (!socks4_is_code(reply->code))
        oracle_accuse(o, REQ_SOCKS4_REPLY_CODE_RANGE, SIDE_SERVER, at + 1,
                      "code %u, 90 to 93 are defined", reply->code);
    if (is_second && is_granted)
        (void)oracle_note_endpoint(o->summary.bind_peer, &reply->endpoint);
    if (is_second)
        return;
    judge_haste(o, reply->code, at);
    if (!is_granted)
        return;
    judge_grant(o, at);
    if (o->summary.command == SOCKS4_BIND && d->haste == HASTE_NONE)
        judge_listener(o, reply, at);
}

/*
 * A close where a reply is due, soon after the request. A client that sends
 * more before it is answered has not waited for its turn.
 */
static void judge_silent_close(struct oracle *o, uint64_t at)
{
    const struct socks4_dialogue *d = &o->u.socks4;

    if (!is_command(o->summary.command))
        oracle_contest(o, REQ_SOCKS4_REQUEST_COMMAND, SIDE_SERVER, at,
                       "the stream ends without a reply to command %d",
                       o->summary.command);
    else if (o->summary.command != SOCKS4_CONNECT || d->is_marked ||
             !o->cfg->is_socks4_served || o->streams[SIDE_CLIENT].len > 0)
        oracle_contest(o, REQ_SOCKS4_REPLY_SENT, SIDE_SERVER, at,
                       "the stream ends without a reply");
    else
        oracle_accuse(o, REQ_SOCKS4_REPLY_SENT, SIDE_SERVER, at,
                      "the stream ends without a reply to the request");
}

void socks4_judge_missing(struct oracle *o, const struct stream *s)
{
    const struct socks4_dialogue *d = &o->u.socks4;
    bool is_late = o->now_ms > d->asked_ms + HASTY_MS;
    /* A reset may destroy a reply when more was sent than was read. */
    bool is_destroyed = s->end == END_RESET && o->streams[SIDE_CLIENT].len > 0;

    if (s->len && s->end == END_FIN &&
        (s->kept[0] == SOCKS4_REPLY_VERSION || d->phase == SOCKS4_BINDING)) {
        oracle_accuse(o, REQ_SOCKS4_REPLY_LAYOUT, SIDE_SERVER, s->base,
                      "the stream ends after %zu of the eight octets of a "
                      "reply",
                      s->len);
        return;
    }
    if (s->len || d->phase == SOCKS4_BINDING || d->is_unread || is_late ||
        d->is_name_empty || is_destroyed || d->haste != HASTE_NONE)
        return;
    judge_silent_close(o, s->base);
}

void socks4_judge_cut_request(struct oracle *o, struct px_bytes in)
{
    const uint8_t *nul;

    if (in.len < SOCKS4_HEAD_LEN)
        return;
    nul = memchr(in.data + SOCKS4_HEAD_LEN, 0, in.len - SOCKS4_HEAD_LEN);
    if (!nul)
        oracle_contest(o, REQ_SOCKS4_CLIENT_REQUEST, SIDE_CLIENT,
                       o->streams[SIDE_CLIENT].base,
                       "the stream ends inside the user id");
    else if (nul == in.data + in.len - 1)
        oracle_contest(o, REQ_SOCKS4A_CLIENT_NAME, SIDE_CLIENT,
                       o->streams[SIDE_CLIENT].base,
                       "the stream ends without the name that is announced");
    else
        oracle_contest(o, REQ_SOCKS4A_NAME_POSITION, SIDE_CLIENT,
                       o->streams[SIDE_CLIENT].base,
                       "the stream ends inside the name");
}
