#include <assert.h>
#include <string.h>

#include "session_internal.h"
#include "socks4.h"

/* What has no IPv4 address is told as 0.0.0.0; a refusal means nothing. */
static void send_reply(struct session *s, uint8_t code,
                       const struct px_endpoint *endpoint)
{
    struct px_writer out = session_message(s);
    struct socks4_reply reply = {
        .version = SOCKS4_REPLY_VERSION,
        .code = code,
        .endpoint = {.addr = {.kind = PX_ADDRESS_IPV4}},
    };
    bool is_encoded;

    if (endpoint->addr.kind == PX_ADDRESS_IPV4)
        reply.endpoint = *endpoint;
    is_encoded = socks4_encode_reply(&reply, &out);
    assert(is_encoded);
    session_send(s, &out, MESSAGE_SOCKS4_REPLY);
}

static bool refuse_with(struct session *s, uint8_t code,
                        const struct px_error *err)
{
    static const struct px_endpoint none = {0};

    send_reply(s, code, &none);
    session_fail(s, err);
    return false;
}

/* 92 and 93 are for what has to do with identd. */
static bool refuse(struct session *s, const struct px_error *err)
{
    return refuse_with(s, SOCKS4_REJECTED, err);
}

static bool is_zero(const struct px_address *addr)
{
    static const uint8_t zero[4];

    return addr->kind == PX_ADDRESS_IPV4 &&
           memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* Whether this request can be served at all; else *err says why not. */
static bool is_servable(const struct session *s,
                        const struct socks4_request *request,
                        struct px_error *err)
{
    const struct px_address *addr = &request->dst.addr;
    uint8_t rep; /* of SOCKS5; this version has one code for all */

    if (s->cfg->verify) /* the user id claims, it does not prove */
        (void)px_refuse(err, REQ_SOCKS4_ACCESS_CRITERIA, 0,
                        "credentials are asked for, SOCKS4 carries none");
    else if (request->command != SOCKS4_CONNECT &&
             (request->command != SOCKS4_BIND || s->cfg->has_no_bind))
        (void)px_refuse(err, REQ_SOCKS4_REQUEST_COMMAND, 1, "CD is %#04x",
                        request->command);
    else if (addr->kind == PX_ADDRESS_NAME && addr->name.len == 0)
        (void)px_refuse(err, REQ_SOCKS4A_NAME_EMPTY, 4, "empty name");
    else
        return !session_tor_is_onion(s, addr, &rep, err);
    return false;
}

/* Systems take 0.0.0.0 for themselves. A BIND may name it, and any port. */
static bool is_dialable(const struct px_endpoint *dst, struct px_error *err)
{
    if (is_zero(&dst->addr))
        (void)px_refuse(err, REQ_SOCKS4A_MARKER_ZERO, 4, "address 0.0.0.0");
    else if (dst->port == 0)
        (void)px_refuse(err, REQ_SOCKS4_REPLY_GENERAL_FAILURE, 2, "port 0");
    else
        return true;
    return false;
}

/* Whether its host has to say first that this is the user. */
static bool has_to_identify(const struct session *s,
                            const struct socks4_request *request)
{
    const char *user = s->cfg->identd_user;

    return user && !s->is_identified &&
           px_equal(request->user, px_bytes_of(user, strlen(user)));
}

static void identify(struct session *s)
{
    static const struct px_endpoint client = {0};

    s->is_identifying = true;
    session_ask(s, ACTION_IDENTIFY, &client);
}

/* A request is whole with its last NUL. */
static bool step_request(struct session *s)
{
    struct socks4_request request;
    struct px_error err;
    size_t used;

    switch (socks4_decode_request(session_pending(s), &request, &used, &err)) {
    case PX_NEED_MORE:
        return false;
    case PX_ERROR:
        return refuse(s, &err);
    case PX_DONE:
        break;
    }
    if (!is_servable(s, &request, &err))
        return refuse(s, &err);
    if (has_to_identify(s, &request)) {
        identify(s);
        return false;
    }
    /* The name moves with the octets before it: dial first, then consume. */
    s->request_len = used;
    if (request.command == SOCKS4_BIND)
        return session_bind(s, &request.dst);
    if (!is_dialable(&request.dst, &err))
        return refuse(s, &err);
    session_dial(s, &request.dst);
    return false;
}

static void identified(struct session *s, struct px_bytes user)
{
    const char *claimed = s->cfg->identd_user;
    struct px_error err;

    s->is_identifying = false;
    if (!px_equal(user, px_bytes_of(claimed, strlen(claimed)))) {
        (void)px_refuse(&err, REQ_SOCKS4_REPLY_IDENTD_MISMATCH, 8,
                        "identd names another user, or none");
        (void)refuse_with(s, SOCKS4_IDENTD_MISMATCH, &err);
        return;
    }
    s->is_identified = true;
    (void)step_request(s); /* the whole of it waits there */
}

static void unidentified(struct session *s)
{
    struct px_error err;

    (void)px_refuse(&err, REQ_SOCKS4_REPLY_IDENTD_UNREACHABLE, 8,
                    "no identd answers at the client's host");
    (void)refuse_with(s, SOCKS4_NO_IDENTD, &err);
}

/* A client of SOCKS4 can be told IPv4 addresses only. */
static bool announce(struct session *s, const struct px_endpoint *endpoint)
{
    if (endpoint->addr.kind != PX_ADDRESS_IPV4)
        return false;
    send_reply(s, SOCKS4_GRANTED, endpoint);
    return true;
}

static void granted(struct session *s, const struct px_endpoint *bound)
{
    session_consume(s, s->request_len);
    send_reply(s, SOCKS4_GRANTED, bound);
    session_relay(s);
}

static void refused(struct session *s, enum dial_failure failure)
{
    struct px_error err = session_why_refused(s);

    (void)failure; /* 91 stands for all */
    if (s->is_identifying)
        unidentified(s);
    else
        (void)refuse(s, &err);
}

/* Nothing was asked for yet that a reply could refuse. */
static void timed_out(struct session *s)
{
    struct px_error err;

    (void)px_refuse(&err, REQ_SOCKS4_REQUEST_USERID_LONG, s->in_len,
                    "the request took too long");
    session_fail(s, &err);
}

const struct protocol socks4_protocol = {
    .request = step_request,
    .granted = granted,
    .refused = refused,
    .identified = identified,
    .announce = announce,
    .is_ended_by_stranger = true,
    .timed_out = timed_out,
};
