/*
 * Judges the datagrams of an association, RFC 1928 sections 6 and 7. Those
 * that come before the reply wait for it: they may have overtaken it.
 */

#include "oracle_internal.h"

#include <stdio.h>

/* What the catalogue allows for the end of the connection to take effect. */
enum { GRACE_MS = 2 * 1000 };

/* Where a finding of the datagram lies: the datagram is its own stream. */
static void accuse(struct oracle *o, enum requirement req,
                   const struct udp_notes *n, uint64_t at, const char *what)
{
    oracle_accuse(o, req, n->side, at, "%s", what);
}

static void contest(struct oracle *o, enum requirement req,
                    const struct udp_notes *n, uint64_t at, const char *what)
{
    oracle_contest(o, req, n->side, at, "%s", what);
}

/* Whether a side's stream had ended so long before the datagram. */
static bool is_past_end(const struct oracle *o, enum oracle_side side,
                        const struct udp_notes *n, uint64_t grace_ms)
{
    const struct stream *s = &o->streams[side];

    return s->has_ended && n->time_ms > s->ended_ms + grace_ms;
}

static void judge_reserved(struct oracle *o, const struct udp_notes *n)
{
    if (n->reserved)
        oracle_accuse(o, REQ_SOCKS5_UDP_HEADER_ZERO, n->side, 0,
                      "RSV of the datagram is %04x, not 0000", n->reserved);
}

/* Section 7: to the address and port that the reply names. */
static void judge_aim(struct oracle *o, const struct udp_notes *n)
{
    const struct udp_place *relay = &o->u.socks5.udp.relay;

    if (n->to.port == 0 || relay->port == 0)
        return;
    if (n->to.port != relay->port)
        oracle_accuse(o, REQ_SOCKS5_CLIENT_UDP_PORT, SIDE_CLIENT, 0,
                      "sent to port %u, the reply names %u", n->to.port,
                      relay->port);
    else if (relay->ip_len && !udp_is_wildcard(relay) && n->to.ip_len &&
             !udp_is_same_ip(&n->to, relay))
        contest(o, REQ_SOCKS5_CLIENT_UDP_PORT, n, 0,
                "sent to another address than the reply names");
}

/* Section 6: the client sends from where it announced, or announces nothing. */
static void note_source(struct association *u, const struct udp_place *from)
{
    bool is_same_ip = udp_is_same_ip(&u->asked, from);

    if (from->ip_len == 0)
        return;
    udp_add_place(&u->sources, from);
    if ((is_same_ip || udp_is_wildcard(&u->asked)) &&
        u->asked.port == from->port)
        u->is_source_right = true;
    else if (is_same_ip)
        u->is_port_wrong = true;
}

static void note_target(struct association *u, const struct udp_notes *n)
{
    if (n->host.port == u->relay.port)
        u->is_relay_addressed = true;
    if (n->is_named)
        u->is_name_sent = true;
    else
        udp_add_place(&u->targets, &n->host);
}

/* A piece of a sequence is never whole by itself, unless it is the last. */
static void note_payload(struct association *u, const struct udp_notes *n)
{
    if (n->frag && n->len == 0)
        u->whole.is_cut = true; /* joined with it, another one is whole */
    if (n->frag && !(n->frag & UDP_FRAG_LAST))
        udp_add_payload(&u->pieces, n);
    else
        udp_add_payload(&u->whole, n);
}

static void judge_client_late(struct oracle *o, const struct udp_notes *n)
{
    if (is_past_end(o, SIDE_CLIENT, n, CROSSING_MS))
        accuse(o, REQ_SOCKS5_CLIENT_UDP_HOLD_TCP, n, 0,
               "sent after the client ended the connection of the "
               "association");
    else if (is_past_end(o, SIDE_SERVER, n, GRACE_MS))
        accuse(o, REQ_SOCKS5_CLIENT_UDP_HOLD_TCP, n, 0,
               "sent more than 2 s after the proxy ended the connection of "
               "the association");
}

static void judge_noise(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (u->is_server_noisy && u->is_client_heard)
        oracle_accuse(o, REQ_SOCKS5_UDP_SILENT, SIDE_SERVER, u->noise_at,
                      "octets on the connection of an association in use");
}

static void judge_client_datagram(struct oracle *o, const struct udp_notes *n)
{
    struct association *u = &o->u.socks5.udp;
    bool is_astray = n->to.port && u->relay.port && n->to.port != u->relay.port;

    if (n->form != UDP_HEADED && is_astray)
        return; /* nothing says that it is meant for the relay */
    u->is_client_heard = true;
    judge_client_late(o, n);
    note_source(u, &n->from);
    if (n->form == UDP_EMPTY)
        contest(o, REQ_SOCKS5_CLIENT_UDP_HEADER, n, 0,
                "a datagram without a header, or of nothing at all");
    else if (n->form == UDP_BARE)
        accuse(o, REQ_SOCKS5_CLIENT_UDP_HEADER, n, 0,
               "no header that can be read");
    if (n->form != UDP_HEADED)
        return;
    judge_aim(o, n);
    judge_reserved(o, n);
    if (n->frag)
        oracle_contest(o, REQ_SOCKS5_CLIENT_UDP_FRAG_AVOID, SIDE_CLIENT, 2,
                       "FRAG is %02x, and fragments are better avoided",
                       n->frag);
    note_target(u, n);
    note_payload(u, n);
}

/*
 * The association ends with its connection: by a reset, or when both sides
 * have ended. What a FIN of one side alone does is read either way.
 */
static void judge_server_late(struct oracle *o, const struct udp_notes *n)
{
    bool is_reset = false;
    bool is_half = false;
    bool is_whole = true;

    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        bool is_past = is_past_end(o, (enum oracle_side)side, n, GRACE_MS);

        is_reset |= is_past && o->streams[side].end == END_RESET;
        is_half |= is_past;
        is_whole &= is_past;
    }
    if (is_reset || is_whole)
        accuse(o, REQ_SOCKS5_UDP_TCP_LIFETIME, n, 0,
               "relayed more than 2 s after the connection of the "
               "association ended");
    else if (is_half)
        contest(o, REQ_SOCKS5_UDP_TCP_LIFETIME, n, 0,
                "relayed more than 2 s after one side ended the connection "
                "of the association");
}

/* Section 7: the header of what comes back says who sent it. */
static void judge_sender(struct oracle *o, const struct udp_notes *n)
{
    struct association *u = &o->u.socks5.udp;

    if (n->is_named)
        contest(o, REQ_SOCKS5_UDP_REPLY_SOURCE, n, 3,
                "the header names the sender by a name");
    else if (udp_is_wildcard(&n->host))
        accuse(o, REQ_SOCKS5_UDP_REPLY_SOURCE, n, 3,
               "the header names the wildcard, which is no sender");
    else if (n->host.port == 0)
        contest(o, REQ_SOCKS5_UDP_REPLY_SOURCE, n, 3,
                "the header names port 0 of the sender");
    else if (udp_is_same(&n->host, &u->relay) ||
             udp_is_same(&n->host, &n->from))
        u->relay_named_in = n->number;
    else
        udp_add_place(&u->senders, &n->host);
}

/* Section 7: the relay serves the one address that it recorded. */
static void judge_served(struct oracle *o, const struct udp_notes *n)
{
    struct association *u = &o->u.socks5.udp;
    bool is_announced = !udp_is_wildcard(&u->asked);

    if (n->to.ip_len == 0 || n->reserved)
        return;
    if (u->served.ip_len == 0)
        u->served = n->to;
    if (udp_is_same_ip(&u->served, &n->to))
        return;
    if (is_announced)
        contest(o, REQ_SOCKS5_UDP_SOURCE_DROP, n, 0,
                "two addresses are served by one association");
    else
        accuse(o, REQ_SOCKS5_UDP_SOURCE_DROP, n, 0,
               "two addresses are served by one association");
}

static void judge_server_datagram(struct oracle *o, const struct udp_notes *n)
{
    struct association *u = &o->u.socks5.udp;

    if (n->from.port && u->relay.port && n->from.port != u->relay.port)
        return; /* somebody else's */
    judge_server_late(o, n);
    if (n->form == UDP_EMPTY)
        contest(o, REQ_SOCKS5_UDP_EMPTY, n, 0,
                "an empty datagram came back without a header");
    else if (n->form == UDP_BARE)
        accuse(o, REQ_SOCKS5_UDP_REPLY_ENCAP, n, 0,
               "no header that can be read");
    if (n->form != UDP_HEADED)
        return;
    judge_reserved(o, n);
    if (n->frag)
        oracle_contest(o, REQ_SOCKS5_UDP_HEADER_ZERO, SIDE_SERVER, 2,
                       "FRAG is %02x, which only a piece of a larger datagram "
                       "may have",
                       n->frag);
    judge_sender(o, n);
    judge_served(o, n);
    udp_add_payload(&u->returned, n);
}

static void judge_datagram(struct oracle *o, const struct udp_notes *n)
{
    struct association *u = &o->u.socks5.udp;

    o->datagram = n->number;
    if (n->side == SIDE_CLIENT)
        judge_client_datagram(o, n);
    else
        judge_server_datagram(o, n);
    o->datagram = 0;
    if (n->time_ms > u->heard_ms)
        u->heard_ms = n->time_ms;
    judge_noise(o);
}

static void tell_datagram(struct oracle *o, const struct udp_notes *n,
                          size_t len, const struct px_endpoint *host)
{
    char text[PX_ENDPOINT_TEXT_MAX];
    char piece[32] = "";

    o->datagram = n->number;
    if (n->form == UDP_HEADED) {
        px_format_endpoint(host, text);
        if (n->frag)
            (void)snprintf(piece, sizeof(piece), ", piece %u%s",
                           (unsigned)(n->frag & UDP_FRAG_POSITION),
                           n->frag & UDP_FRAG_LAST ? ", the last" : "");
        oracle_tell(o, n->side, 0, len, "datagram %s %.80s, %zu octets%s",
                    n->side == SIDE_CLIENT ? "to" : "from", text, n->len,
                    piece);
    } else {
        oracle_tell(o, n->side, 0, len, "datagram without a header, %zu octets",
                    len);
    }
    o->datagram = 0;
}

/* Whether a datagram before the reply may be one of an association. */
static bool is_waiting(const struct oracle *o)
{
    return o->protocol == &oracle_socks5 && !o->u.socks5.udp.is_open &&
           o->u.socks5.phase < PHASE_RELAY;
}

static bool is_associated(const struct oracle *o)
{
    return o->summary.protocol == ORACLE_SOCKS && o->summary.version == 5 &&
           o->u.socks5.udp.is_open;
}

void oracle_datagram(struct oracle *o, enum oracle_side side,
                     struct px_bytes data, const struct px_endpoint *from,
                     const struct px_endpoint *to, uint64_t now_ms)
{
    struct udp_notes n = {.side = side,
                          .time_ms = now_ms,
                          .from = udp_place_of(from),
                          .to = udp_place_of(to)};
    struct udp_datagram datagram = {0};
    struct px_error err;

    oracle_tick(o, now_ms);
    n.number = ++o->summary.datagrams[side];
    if (udp_decode_datagram(data, &datagram, &err) == PX_DONE) {
        n.reserved = datagram.reserved;
        n.frag = datagram.frag;
        n.host = udp_place_of(&datagram.dst);
        n.is_named = datagram.dst.addr.kind == PX_ADDRESS_NAME;
        n.len = datagram.data.len;
        n.digest = udp_digest(datagram.data);
    } else {
        n.form = data.len ? UDP_BARE : UDP_EMPTY;
    }
    tell_datagram(o, &n, data.len, &datagram.dst);
    if (is_associated(o))
        judge_datagram(o, &n);
    else if (is_waiting(o) && o->u.socks5.udp.waiting_count < UDP_WAITING_MAX)
        o->u.socks5.udp.waiting[o->u.socks5.udp.waiting_count++] = n;
}

void udp_open(struct oracle *o, const struct udp_place *asked,
              const struct px_endpoint *relay)
{
    struct association *u = &o->u.socks5.udp;

    u->is_open = true;
    u->asked = *asked;
    u->relay = udp_place_of(relay);
    o->summary.relay = *relay;
    if (relay->addr.kind == PX_ADDRESS_NAME)
        o->summary.relay.addr = (struct px_address){0};
    u->is_client_noisy = o->streams[SIDE_CLIENT].len > 0;
    if (asked->ip_len && !udp_is_wildcard(asked) && asked->port == 0)
        oracle_contest(o, REQ_SOCKS5_CLIENT_UDP_UNKNOWN_DST, SIDE_CLIENT,
                       o->streams[SIDE_CLIENT].base,
                       "UDP ASSOCIATE names an address and no port");
    for (size_t i = 0; i < u->waiting_count; i++)
        judge_datagram(o, &u->waiting[i]);
}

void udp_note_octets(struct oracle *o, enum oracle_side side)
{
    struct association *u = &o->u.socks5.udp;
    uint64_t at = o->streams[side].total;

    if (side == SIDE_CLIENT) {
        u->is_client_noisy = true;
        return;
    }
    if (u->is_client_noisy) {
        oracle_contest(o, REQ_SOCKS5_UDP_TCP_DATA, SIDE_SERVER, at,
                       "octets on the connection of an association answer "
                       "stray ones");
        return;
    }
    if (!u->is_server_noisy)
        u->noise_at = at;
    u->is_server_noisy = true;
    judge_noise(o);
}

/* Section 6: the server keeps the connection for as long as it is used. */
void udp_server_ended(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (u->is_client_heard && o->now_ms <= u->heard_ms + GRACE_MS)
        oracle_contest(o, REQ_SOCKS5_UDP_TCP_KEPT, SIDE_SERVER,
                       o->streams[SIDE_SERVER].total,
                       "the connection ends while datagrams flow");
}

static void judge_announced(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (u->sources.count == 0 || u->is_source_right || u->asked.ip_len == 0 ||
        u->asked.port == 0)
        return;
    if (u->is_port_wrong)
        oracle_accuse(o, REQ_SOCKS5_CLIENT_UDP_UNKNOWN_DST, SIDE_CLIENT, 0,
                      "announces port %u and sends from port %u", u->asked.port,
                      u->sources.list[0].port);
    else
        oracle_contest(o, REQ_SOCKS5_CLIENT_UDP_UNKNOWN_DST, SIDE_CLIENT, 0,
                       "sends from elsewhere than it announced");
}

/* Who is named as a sender, and was never sent anything. A host that was not
 * addressed may be passed on or not (socks5.udp.unsolicited). */
static void judge_strangers(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (u->is_name_sent || u->targets.is_cut || u->senders.is_cut)
        return;
    for (size_t i = 0; i < u->senders.count; i++) {
        const struct udp_place *sender = &u->senders.list[i];

        if (udp_has_place(&u->targets, sender))
            continue;
        if (udp_has_place(&u->sources, sender))
            oracle_contest(o, REQ_SOCKS5_UDP_REPLY_SOURCE, SIDE_SERVER, 0,
                           "a header names the client as the sender");
    }
}

/* Section 7: a relay that does not join pieces drops them. */
static void judge_pieces(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (u->pieces.is_cut || u->whole.is_cut || u->returned.is_cut)
        return;
    for (size_t i = 0; i < u->pieces.count; i++) {
        uint64_t digest = u->pieces.list[i];

        if (udp_has_payload(&u->returned, digest) &&
            !udp_has_payload(&u->whole, digest))
            oracle_accuse(o, REQ_SOCKS5_UDP_FRAG_DROP, SIDE_SERVER, 0,
                          "the payload of a single piece came back");
    }
}

void udp_finished(struct oracle *o)
{
    const struct association *u = &o->u.socks5.udp;

    if (!u->is_open)
        return;
    if (u->is_server_noisy && !u->is_client_heard)
        oracle_contest(o, REQ_SOCKS5_UDP_SILENT, SIDE_SERVER, u->noise_at,
                       "octets on the connection of an association");
    if (u->relay_named_in && !u->is_relay_addressed) {
        o->datagram = u->relay_named_in;
        oracle_accuse(o, REQ_SOCKS5_UDP_REPLY_SOURCE, SIDE_SERVER, 3,
                      "the header names the relay as the sender");
        o->datagram = 0;
    }
    judge_announced(o);
    judge_strangers(o);
    judge_pieces(o);
}
