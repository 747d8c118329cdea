/* What whole messages of a SOCKS5 server show, RFC 1928 and RFC 1929. */

#include "oracle_internal.h"

static bool is_offered(const struct socks5_dialogue *d, uint8_t method)
{
    return d->offered[method >> 3] >> (method & 7) & 1;
}

/* A method other than FF was selected. */
static void judge_method(struct oracle *o, uint8_t method, uint64_t at)
{
    struct socks5_dialogue *d = &o->u.socks5;

    if (d->is_early) {
        oracle_accuse(o, REQ_SOCKS5_GREETING_NMETHODS, SIDE_SERVER, at,
                      "method %02x selected before the greeting was whole",
                      method);
        return;
    }
    if (d->is_greeting_empty)
        oracle_accuse(o, REQ_SOCKS5_GREETING_NMETHODS_ZERO, SIDE_SERVER, at + 1,
                      "method %02x selected for a greeting without methods",
                      method);
    else if (!is_offered(d, method))
        oracle_accuse(o, REQ_SOCKS5_METHOD_OFFERED_ONLY, SIDE_SERVER, at + 1,
                      "method %02x selected, which was not offered", method);
    d->is_unoffered = !is_offered(d, method);
    if (method == SOCKS5_NO_AUTH && o->cfg->is_auth_required)
        oracle_accuse(o, REQ_SOCKS5_METHOD_NO_DOWNGRADE, SIDE_SERVER, at + 1,
                      "method 00 selected although credentials are demanded");
}

void socks5_judge_selection(struct oracle *o,
                            const struct socks5_selection *selection,
                            uint64_t at)
{
    oracle_tell(o, SIDE_SERVER, at, 2, "method selection: %02x %s",
                selection->method, socks5_method_name(selection->method));
    if (selection->version != SOCKS5_VERSION) {
        oracle_accuse(o, REQ_SOCKS5_METHOD_REPLY, SIDE_SERVER, at,
                      "the method selection begins with %02x, its version is "
                      "05",
                      selection->version);
        return;
    }
    o->summary.method = selection->method;
    o->u.socks5.is_sure = !o->u.socks5.is_greeting_empty &&
                          (selection->method == SOCKS5_NO_ACCEPTABLE ||
                           is_offered(&o->u.socks5, selection->method));
    if (selection->method != SOCKS5_NO_ACCEPTABLE)
        judge_method(o, selection->method, at);
}

void socks5_judge_status(struct oracle *o, const struct userpass_status *status,
                         uint64_t at)
{
    const struct socks5_dialogue *d = &o->u.socks5;

    oracle_tell(o, SIDE_SERVER, at, 2, "status: %02x %s", status->status,
                status->status == 0 ? "success" : "failure");
    o->summary.code = status->status;
    if (status->version != USERPASS_VERSION)
        oracle_contest(o, REQ_USERPASS_REPLY_VERSION, SIDE_SERVER, at,
                       "the status has version %02x, that of the "
                       "sub-negotiation is 01",
                       status->version);
    if (status->status != 0)
        return;
    if (d->is_credentials_bad)
        oracle_accuse(o, REQ_USERPASS_REQUEST_BAD_VERSION, SIDE_SERVER, at,
                      "success for credentials whose version is not 01");
    else if (d->is_early)
        oracle_accuse(o, REQ_USERPASS_VERIFY_BOTH, SIDE_SERVER, at,
                      "success before the credentials were whole");
}

/* Section 6: 00 to 08; Tor documents F0 to F7. */
static bool is_assigned(uint8_t rep)
{
    return rep <= SOCKS5_ATYP_NOT_SUPPORTED || (rep >= 0xf0 && rep <= 0xf7);
}

static bool is_private_command(int command)
{
    return command >= 0xf0 && command <= 0xf2;
}

static bool is_unknown_command(int command)
{
    return command != SOCKS5_CONNECT && command != SOCKS5_BIND &&
           command != SOCKS5_UDP_ASSOCIATE && !is_private_command(command);
}

/* A success that no reading of the request allows. */
static void judge_success(struct oracle *o, uint64_t at)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    int command = o->summary.command;

    if (d->is_request_bad)
        oracle_accuse(o, REQ_SOCKS5_REQUEST_VERSION, SIDE_SERVER, at + 1,
                      "success for a request whose version is not 05");
    else if (d->is_atyp_bad)
        oracle_accuse(o, REQ_SOCKS5_REQUEST_ATYP_UNKNOWN, SIDE_SERVER, at + 1,
                      "success for an address of unassigned type");
    else if (d->is_early)
        oracle_accuse(o, REQ_SOCKS5_REPLY_SUCCESS_REAL, SIDE_SERVER, at + 1,
                      "success before the request was whole");
    else if (is_unknown_command(command))
        oracle_accuse(o, REQ_SOCKS5_REQUEST_CMD_UNKNOWN, SIDE_SERVER, at + 1,
                      "success for the unassigned command %02x",
                      (unsigned)command);
    else if (command == SOCKS5_CONNECT && d->is_name_empty)
        oracle_accuse(o, REQ_SOCKS5_ADDRESS_DOMAIN_ZERO, SIDE_SERVER, at + 1,
                      "success for a name of no octets");
    else if (command == SOCKS5_CONNECT && d->is_port_zero)
        oracle_accuse(o, REQ_SOCKS5_PORT_ZERO, SIDE_SERVER, at + 1,
                      "success for a connection to port 0");
}

/* Codes that section 6 assigns to what the request shows by itself. */
static void judge_failure(struct oracle *o, uint8_t rep, uint64_t at)
{
    const struct socks5_dialogue *d = &o->u.socks5;
    bool is_unknown = is_unknown_command(o->summary.command);
    bool is_optional = o->summary.command != SOCKS5_CONNECT;

    /* Credentials that nobody asked for are no request: the refusal may be of
     * them, and not of what follows. */
    if (d->is_early || d->is_request_bad || d->is_stray)
        return;
    if (d->is_atyp_bad) {
        if (rep != SOCKS5_ATYP_NOT_SUPPORTED &&
            !(is_optional && rep == SOCKS5_COMMAND_NOT_SUPPORTED))
            oracle_accuse(o, REQ_SOCKS5_REQUEST_ATYP_UNKNOWN, SIDE_SERVER,
                          at + 1,
                          "reply %02x for an address of unassigned type, 08 "
                          "is its code",
                          rep);
        return;
    }
    if (is_unknown && !d->is_request_odd && rep != SOCKS5_COMMAND_NOT_SUPPORTED)
        oracle_accuse(o, REQ_SOCKS5_REQUEST_CMD_UNKNOWN, SIDE_SERVER, at + 1,
                      "reply %02x for the unassigned command %02x, 07 is its "
                      "code",
                      rep, (unsigned)o->summary.command);
}

/* Section 6: where a BIND listens. */
static void judge_listener(struct oracle *o, const struct px_endpoint *bnd,
                           uint64_t at)
{
    const struct udp_place place = udp_place_of(bnd);

    if (bnd->port == 0)
        oracle_accuse(o, REQ_SOCKS5_BIND_FIRST_BND, SIDE_SERVER, at,
                      "BIND succeeded on port 0");
    else if (udp_is_wildcard(&place))
        oracle_contest(o, REQ_SOCKS5_BIND_FIRST_BND, SIDE_SERVER, at + 3,
                       "BIND succeeded on the wildcard address");
}

/* Section 6: who connected. Where NAT lies between, who it was is open. */
static void judge_peer(struct oracle *o, const struct px_endpoint *bnd,
                       uint64_t at)
{
    const struct udp_place *asked = &o->u.socks5.asked;
    const struct udp_place peer = udp_place_of(bnd);

    if ((udp_is_wildcard(&peer) || peer.port == 0) &&
        o->streams[SIDE_CLIENT].len > 0)
        /* It may be the answer to what the client sent before its turn. */
        oracle_contest(o, REQ_SOCKS5_BIND_SECOND_BND, SIDE_SERVER, at + 3,
                       "a second reply that names nobody, behind octets of the "
                       "client");
    else if (udp_is_wildcard(&peer) || peer.port == 0)
        oracle_accuse(o, REQ_SOCKS5_BIND_SECOND_BND, SIDE_SERVER, at + 3,
                      "the second reply names nobody who could have connected");
    else if (peer.ip_len && asked->ip_len && !udp_is_wildcard(asked) &&
             !udp_is_same_ip(&peer, asked))
        oracle_contest(o, REQ_SOCKS5_BIND_PEER_FILTER, SIDE_SERVER, at + 3,
                       "another host than the request names was let in");
}

/* Section 6: where the client is to send datagrams. */
static void judge_relay(struct oracle *o, const struct px_endpoint *bnd,
                        uint64_t at)
{
    const struct udp_place place = udp_place_of(bnd);

    if (bnd->port == 0)
        oracle_accuse(o, REQ_SOCKS5_UDP_REPLY, SIDE_SERVER, at,
                      "UDP ASSOCIATE succeeded with relay port 0");
    else if (udp_is_wildcard(&place))
        oracle_contest(o, REQ_SOCKS5_UDP_BND_ZERO, SIDE_SERVER, at + 3,
                       "UDP ASSOCIATE succeeded with the wildcard for a relay "
                       "address");
}

static void judge_bound(struct oracle *o, const struct socks5_reply *reply,
                        uint64_t at)
{
    if (reply->rep != SOCKS5_SUCCEEDED || o->u.socks5.is_early)
        return;
    if (o->u.socks5.phase == PHASE_BIND_REPLY) {
        (void)oracle_note_endpoint(o->summary.bind_peer, &reply->bnd);
        judge_peer(o, &reply->bnd, at);
    } else if (o->summary.command == SOCKS5_BIND) {
        judge_listener(o, &reply->bnd, at);
    } else if (o->summary.command == SOCKS5_UDP_ASSOCIATE) {
        judge_relay(o, &reply->bnd, at);
    }
}

void socks5_judge_reply(struct oracle *o, const struct socks5_reply *reply,
                        uint64_t at)
{
    bool is_second = o->u.socks5.phase == PHASE_BIND_REPLY;
    char bound[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(&reply->bnd, bound);
    oracle_tell(o, SIDE_SERVER, at, o->streams[SIDE_SERVER].seen,
                "%s: %02x %s, %s %.80s", is_second ? "second reply" : "reply",
                reply->rep, socks5_rep_name(reply->rep),
                is_second ? "peer" : "bound", bound);
    o->summary.code = reply->rep;
    if (reply->reserved)
        oracle_accuse(o, REQ_SOCKS5_REQUEST_RSV, SIDE_SERVER, at + 2,
                      "RSV of the reply is %02x, not 00", reply->reserved);
    if (!is_assigned(reply->rep))
        oracle_accuse(o, REQ_SOCKS5_REPLY_CODE_RANGE, SIDE_SERVER, at + 1,
                      "reply code %02x is unassigned", reply->rep);
    if (reply->rep == SOCKS5_SUCCEEDED)
        judge_success(o, at);
    else
        judge_failure(o, reply->rep, at);
    judge_bound(o, reply, at);
}
