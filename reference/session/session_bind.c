/*
 * BIND of SOCKS4 and SOCKS5 (RFC 1928 section 6): a connection that comes in.
 * The first reply tells where it is awaited, the second that it came, or that
 * it will not.
 */
#include <string.h>

#include "session_internal.h"

static bool is_zero(const struct px_address *addr)
{
    static const uint8_t zero[sizeof(addr->ip)];

    return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* Listens for addr; an address that is all zero leaves it open who comes. */
static void await(struct session *s, const struct px_address *addr)
{
    struct px_endpoint peer = {.addr = px_plain_address(addr)};

    if (is_zero(&peer.addr))
        peer.addr.kind = PX_ADDRESS_NONE;
    s->bind_peer = peer.addr;
    session_ask(s, ACTION_LISTEN, &peer);
}

static bool is_denied(const struct session *s, const struct px_endpoint *peer)
{
    struct access_request request = {.method = PX_LITERAL("BIND"),
                                     .target = *peer};
    access_set open; /* for who connects */

    return session_denies(s, &request, &open);
}

bool session_bind(struct session *s, const struct px_endpoint *peer)
{
    if (is_denied(s, peer)) {
        session_deny(s);
        return false;
    }
    s->is_binding = true;
    if (peer->addr.kind == PX_ADDRESS_NAME)
        session_ask(s, ACTION_RESOLVE, peer);
    else
        await(s, &peer->addr);
    return false;
}

void session_bind_resolved(struct session *s, const struct px_address *answer)
{
    await(s, answer);
}

static void give_up(struct session *s, enum dial_failure failure)
{
    session_act(s, ACTION_CLOSE_UPSTREAM);
    s->protocol->refused(s, failure);
}

void session_bind_listening(struct session *s, const struct px_endpoint *bound)
{
    session_consume(s, s->request_len);
    if (s->is_client_ended || !s->protocol->announce(s, bound)) {
        give_up(s, DIAL_FAILED);
        return;
    }
    session_arm(s, s->now_ms + s->cfg->bind_timeout_ms);
    session_enter(s, SESSION_LISTENING);
}

static bool is_expected(const struct session *s, const struct px_address *peer)
{
    return s->bind_peer.kind == PX_ADDRESS_NONE ||
           (s->bind_peer.kind == peer->kind &&
            memcmp(s->bind_peer.ip, peer->ip, sizeof(peer->ip)) == 0);
}

/*
 * The expected port is not compared: who connects chooses its own. A stranger
 * ends a BIND of SOCKS4, as its memo says; RFC 1928 has the second reply wait
 * for the anticipated connection, which a stranger's is not.
 */
void session_bind_accepted(struct session *s, const struct px_endpoint *peer)
{
    if (!is_expected(s, &peer->addr) || is_denied(s, peer)) {
        if (s->protocol->is_ended_by_stranger)
            give_up(s, DIAL_NOT_ALLOWED);
        else
            session_act(s, ACTION_DROP_PEER);
        return;
    }
    if (!s->protocol->announce(s, peer)) { /* SOCKS4 has no room for IPv6 */
        give_up(s, DIAL_FAILED);
        return;
    }
    session_act(s, ACTION_TAKE_PEER);
    session_relay(s);
}

/*
 * A client that closes its connection is seen to end it, no more; its port
 * must not stay open behind it, so an end is taken for a close.
 */
void session_bind_ended(struct session *s)
{
    give_up(s, DIAL_FAILED);
}

struct px_error session_why_refused(const struct session *s)
{
    static const struct px_error nobody = {
        .detail = "the expected host did not connect"};
    static const struct px_error unreachable = {
        .detail = "the target could not be reached"};

    return s->state == SESSION_LISTENING ? nobody : unreachable;
}
