#include <assert.h>
#include <string.h>

#include "destination.h"
#include "session_internal.h"
#include "socks4.h"
#include "socks5.h"
#include "userpass.h"

static void send_selection(struct session *s, uint8_t method)
{
    struct px_writer out = session_message(s);
    struct socks5_selection selection = {SOCKS5_VERSION, method};
    bool is_encoded = socks5_encode_selection(&selection, &out);

    assert(is_encoded);
    session_send(s, &out, MESSAGE_METHOD_SELECTION);
}

static void send_status(struct session *s, uint8_t status)
{
    struct px_writer out = session_message(s);
    struct userpass_status message = {USERPASS_VERSION, status};
    bool is_encoded = userpass_encode_status(&message, &out);

    assert(is_encoded);
    session_send(s, &out, MESSAGE_USERPASS_STATUS);
}

void session_reply(struct session *s, uint8_t rep,
                   const struct px_endpoint *bnd)
{
    static const struct px_endpoint nowhere = {
        .addr = {.kind = PX_ADDRESS_IPV4},
    };
    struct px_writer out = session_message(s);
    struct socks5_reply reply = {
        .version = SOCKS5_VERSION,
        .rep = rep,
        .bnd = bnd->addr.kind == PX_ADDRESS_NONE ? nowhere : *bnd,
    };
    bool is_encoded = socks5_encode_reply(&reply, &out);

    assert(is_encoded);
    session_send(s, &out, MESSAGE_SOCKS5_REPLY);
}

bool session_refuse(struct session *s, uint8_t rep, const struct px_error *err)
{
    static const struct px_endpoint none = {0};

    session_reply(s, rep, &none);
    session_fail(s, err);
    return false;
}

/* The one method that is selected, if it was offered. */
static uint8_t wanted_of(const struct session *s,
                         const struct socks5_greeting *greeting)
{
    return s->cfg->verify || session_tor_wants_userpass(s, greeting->methods)
               ? SOCKS5_USERPASS
               : SOCKS5_NO_AUTH;
}

/*
 * RFC 1928 section 3: the one method that the configuration wants, or FF. A
 * client of SOCKS4 has no greeting: its first message is the request.
 */
static bool step_greeting(struct session *s)
{
    struct socks5_greeting greeting;
    struct px_error err;
    uint8_t wanted;
    size_t used;

    if (s->in_len && s->in[0] == SOCKS4_VERSION) {
        s->protocol = &socks4_protocol;
        session_enter(s, SESSION_REQUEST);
        return true;
    }
    if (session_tor_answers_http(s))
        return false;
    switch (
        socks5_decode_greeting(session_pending(s), &greeting, &used, &err)) {
    case PX_NEED_MORE:
        return false;
    case PX_ERROR:
        session_fail(s, &err); /* no SOCKS5 client would understand more */
        return false;
    case PX_DONE:
        break;
    }
    wanted = wanted_of(s, &greeting);
    if (greeting.methods.len == 0 ||
        !memchr(greeting.methods.data, wanted, greeting.methods.len)) {
        (void)px_refuse(&err, REQ_SOCKS5_METHOD_FF, 2,
                        "method %#04x was not offered", wanted);
        send_selection(s, SOCKS5_NO_ACCEPTABLE);
        session_fail(s, &err);
        return false;
    }
    send_selection(s, wanted);
    session_consume(s, used);
    session_enter(s,
                  wanted == SOCKS5_USERPASS ? SESSION_AUTH : SESSION_REQUEST);
    return true;
}

/* Whether these credentials are right; else *err says why not. */
static bool are_right(const struct session *s,
                      const struct userpass_request *request,
                      struct px_error *err)
{
    if (s->cfg->is_tor_port)
        return !session_tor_denies(request, err);
    if (s->cfg->verify(s->cfg->verify_ctx, request->user, request->password))
        return true;
    (void)px_refuse(err, REQ_USERPASS_VERIFY_BOTH, 0,
                    "the credentials are wrong");
    return false;
}

/* RFC 1929 section 2. */
static bool step_auth(struct session *s)
{
    struct userpass_request request;
    struct px_error err;
    size_t used = 0;

    switch (
        userpass_decode_request(session_pending(s), &request, &used, &err)) {
    case PX_NEED_MORE:
        return false;
    case PX_ERROR:
        break;
    case PX_DONE:
        if (!are_right(s, &request, &err))
            break;
        send_status(s, 0);
        s->has_credentials = true;
        session_consume(s, used);
        session_enter(s, SESSION_REQUEST);
        return true;
    }
    send_status(s, 1);
    session_fail(s, &err);
    return false;
}

static bool ask_to_connect(struct session *s, const struct px_endpoint *dst)
{
    struct px_error err;
    uint8_t rep;

    if (!destination_is_reachable(dst, &err))
        return session_refuse(s, SOCKS5_GENERAL_FAILURE, &err);
    if (session_tor_is_onion(s, &dst->addr, &rep, &err))
        return session_refuse(s, rep, &err);
    session_dial(s, dst);
    return false;
}

/* Any port will do, since none of those that connect is known to matter. */
static bool ask_to_bind(struct session *s, const struct px_endpoint *dst)
{
    struct px_error err;

    if (!destination_is_nameable(&dst->addr, &err))
        return session_refuse(s, SOCKS5_GENERAL_FAILURE, &err);
    return session_bind(s, dst);
}

static bool is_served(const struct session *s, uint8_t command)
{
    return command == SOCKS5_CONNECT ||
           (command == SOCKS5_BIND && !s->cfg->has_no_bind);
}

/* RFC 1928 sections 4 to 6. */
static bool step_request(struct session *s)
{
    struct socks5_request request;
    struct px_error err;
    size_t used;

    if (session_tor_has_unasked(s)) {
        session_enter(s, SESSION_AUTH);
        return true;
    }
    switch (socks5_decode_request(session_pending(s), &request, &used, &err)) {
    case PX_NEED_MORE:
        return false;
    case PX_ERROR:
        return session_refuse(s,
                              err.req == REQ_SOCKS5_REQUEST_ATYP_UNKNOWN
                                  ? SOCKS5_ATYP_NOT_SUPPORTED
                                  : SOCKS5_GENERAL_FAILURE,
                              &err);
    case PX_DONE:
        break;
    }
    if (session_is_udp_command(s, request.command))
        return session_request_udp(s, &request);
    if (session_is_tor_command(s, request.command))
        return session_request_tor(s, &request);
    if (!is_served(s, request.command)) {
        (void)px_refuse(&err, REQ_SOCKS5_REQUEST_CMD_UNKNOWN, 1, "CMD is %#04x",
                        request.command);
        return session_refuse(s, SOCKS5_COMMAND_NOT_SUPPORTED, &err);
    }
    /* The name moves with the octets before it: dial first, then consume. */
    s->request_len = used;
    return request.command == SOCKS5_BIND ? ask_to_bind(s, &request.dst)
                                          : ask_to_connect(s, &request.dst);
}

static bool announce(struct session *s, const struct px_endpoint *endpoint)
{
    session_reply(s, SOCKS5_SUCCEEDED, endpoint);
    return true;
}

static void granted(struct session *s, const struct px_endpoint *bound)
{
    session_consume(s, s->request_len);
    session_reply(s, SOCKS5_SUCCEEDED, bound);
    session_relay(s);
}

/*
 * RFC 1928 section 6. A time-out is told as an unreachable host: TTL expired
 * would claim to know what an ICMP message said. For a name that does not
 * resolve no code exists; the host cannot be reached, says 04.
 */
static uint8_t rep_of(enum dial_failure failure)
{
    switch (failure) {
    case DIAL_FAILED:
        return SOCKS5_GENERAL_FAILURE;
    case DIAL_NOT_ALLOWED:
        return SOCKS5_NOT_ALLOWED;
    case DIAL_NET_UNREACHABLE:
        return SOCKS5_NETWORK_UNREACHABLE;
    case DIAL_HOST_UNREACHABLE:
    case DIAL_TIMED_OUT:
    case DIAL_NAME_UNRESOLVED:
    case DIAL_NAME_TEMPORARY:
        return SOCKS5_HOST_UNREACHABLE;
    case DIAL_REFUSED:
        return SOCKS5_CONNECTION_REFUSED;
    case DIAL_TTL_EXPIRED:
        return SOCKS5_TTL_EXPIRED;
    }
    assert(false && "a dial failure");
    return SOCKS5_GENERAL_FAILURE;
}

static void refused(struct session *s, enum dial_failure failure)
{
    struct px_error err = session_why_refused(s);

    (void)session_refuse(s, rep_of(failure), &err);
}

static void timed_out(struct session *s)
{
    struct px_error err;

    (void)px_refuse(&err, REQ_SOCKS5_GREETING_IDLE, s->in_len,
                    "the handshake took too long");
    session_fail(s, &err);
}

const struct protocol socks5_protocol = {
    .greeting = step_greeting,
    .auth = step_auth,
    .request = step_request,
    .granted = granted,
    .refused = refused,
    .associated = session_associated,
    .resolved = session_resolved,
    .announce = announce,
    .timed_out = timed_out,
};
