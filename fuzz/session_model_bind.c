/* BIND, as RFC 1928 section 6 and the memo of SOCKS4 describe it. */
#include <string.h>

#include "fuzz.h"
#include "session_model_internal.h"

/*
 * Who is let in when a BIND names addr: nobody in particular when it is all
 * zero; an IPv4 address may be written as an IPv6 one.
 */
static struct px_address peer_of(const struct px_address *addr)
{
    struct px_address peer = *addr;
    unsigned sum = 0;

    for (size_t i = 0; i < 12; i++)
        sum += addr->ip[i];
    if (addr->kind == PX_ADDRESS_IPV6 && sum == 2 * 0xffu &&
        addr->ip[10] == 0xff && addr->ip[11] == 0xff) {
        peer = (struct px_address){.kind = PX_ADDRESS_IPV4};
        memcpy(peer.ip, addr->ip + 12, 4);
    }
    sum = 0;
    for (size_t i = 0; i < sizeof(peer.ip); i++)
        sum += peer.ip[i];
    if (sum == 0)
        peer.kind = PX_ADDRESS_NONE;
    return peer;
}

struct outlook model_bind_outlook(struct outlook o)
{
    o.is_bind = true;
    o.due = DUE_LOOKUP;
    if (o.target.addr.kind == PX_ADDRESS_NAME)
        return o;
    o.due = DUE_LISTENER;
    o.target = (struct px_endpoint){.addr = peer_of(&o.target.addr)};
    return o;
}

void model_settle_bind_lookup(struct model *m)
{
    struct px_endpoint target = {.addr = peer_of(&m->event.address)};

    model_expect_silence(m);
    model_expect(m, DID(ACTION_LISTEN) | DID(ACTION_ARM_TIMER));
    FUZZ_REQUIRE(model_is_same_target(&m->deeds.target, &target),
                 "the answer is who is awaited");
    FUZZ_REQUIRE(m->deadline_ms == m->now_ms + m->cfg->dial_timeout_ms,
                 "the listener's time is bounded");
    m->bind_peer = target.addr;
}

static bool is_socks4(const struct model *m)
{
    return m->client[0] == 4;
}

/* A reply that grants, and tells of this endpoint. */
static void expect_told(const struct model *m, struct px_bytes told,
                        const struct px_endpoint *endpoint)
{
    if (!is_socks4(m)) {
        model_expect_grant(told, endpoint);
        return;
    }
    model_expect_reply(m, told, 0);
    FUZZ_REQUIRE(told.data[2] * 256 + told.data[3] == endpoint->port &&
                     memcmp(told.data + 4, endpoint->addr.ip, 4) == 0,
                 "the reply tells the endpoint");
}

static void give_up(struct model *m, struct px_bytes told, unsigned besides)
{
    model_expect_refusal(m, told, ANY_FAILURE);
    model_enter_failed(m, besides);
}

void model_settle_listener(struct model *m, struct px_bytes told)
{
    const struct px_endpoint *bound = &m->event.bound;

    if (m->is_client_ended ||
        (is_socks4(m) && bound->addr.kind != PX_ADDRESS_IPV4)) {
        give_up(m, told, DID(ACTION_CLOSE_UPSTREAM));
        return;
    }
    expect_told(m, told, bound);
    model_expect(m, DID(ACTION_ARM_TIMER));
    FUZZ_REQUIRE(m->deadline_ms == m->now_ms + m->cfg->bind_timeout_ms,
                 "the peer's time is bounded");
    m->phase = PHASE_LISTENING;
}

/* A reply of SOCKS4 has no room for other peers than those of IPv4. */
static bool is_right_peer(const struct model *m)
{
    const struct px_address *peer = &m->event.peer.addr;

    if (is_socks4(m) && peer->kind != PX_ADDRESS_IPV4)
        return false;
    return m->bind_peer.kind == PX_ADDRESS_NONE ||
           (m->bind_peer.kind == peer->kind &&
            memcmp(m->bind_peer.ip, peer->ip, sizeof(peer->ip)) == 0);
}

static void settle_peer(struct model *m, struct px_bytes told)
{
    if (is_right_peer(m)) {
        expect_told(m, told, &m->event.peer);
        model_expect(m, DID(ACTION_TAKE_PEER) | DID(ACTION_RELAY) |
                            DID(ACTION_ARM_TIMER));
        FUZZ_REQUIRE(m->relayed_up == m->given, "early octets are passed on");
        FUZZ_REQUIRE(m->deadline_ms == SESSION_NEVER,
                     "a relay has no deadline");
        m->phase = PHASE_RELAYING;
    } else if (is_socks4(m)) { /* the memo: 91, and both are closed */
        give_up(m, told, DID(ACTION_CLOSE_UPSTREAM));
    } else {
        model_expect_silence(m);
        model_expect(m, DID(ACTION_DROP_PEER));
    }
}

void model_settle_listening(struct model *m)
{
    struct px_bytes told = px_bytes_of(m->deeds.answer, m->deeds.answer_len);

    switch (m->event.kind) {
    case EVENT_CLIENT_DATA:
        model_expect_silence(m);
        model_expect(m, 0);
        break;
    case EVENT_CLIENT_END: /* of a close, nothing else is seen */
    case EVENT_TIMER:
        give_up(m, told, DID(ACTION_CLOSE_UPSTREAM));
        break;
    case EVENT_CLIENT_RESET:
        model_close_at_once(m, DID(ACTION_CLOSE_UPSTREAM));
        break;
    case EVENT_DIAL_FAILED:
        model_expect_refusal(m, told, ANY_FAILURE);
        model_enter_failed(m, 0);
        break;
    case EVENT_ACCEPTED:
        settle_peer(m, told);
        break;
    case EVENT_DIALLED:
    case EVENT_ASSOCIATED:
    case EVENT_RESOLVED:
    case EVENT_LISTENING:
    case EVENT_UPSTREAM_DATA:
    case EVENT_UPSTREAM_END:
    case EVENT_UPSTREAM_RESET:
    case EVENT_IDENTIFIED:
    case EVENT_FETCHED:
    case EVENT_FETCH_FAILED:
        FUZZ_REQUIRE(false, "the driver made up event %d", m->event.kind);
        break;
    }
}
