#ifndef SESSION_MODEL_H
#define SESSION_MODEL_H

/*
 * The model of a session: what RFC 1928, 1929 and 9110 ask a proxy to do with
 * one client connection, told from the whole of the client's octets each time
 * and written without a look at the session's. It watches events and actions
 * and ends the program when an action is missing, wrong or too much.
 */

#include "forward_auth.h"
#include "session.h"

enum { MODEL_ANSWER_MAX = 1200, MODEL_STREAM_MAX = 1 << 17 };

/* What the client's octets oblige the proxy to. */
enum due {
    DUE_NOTHING, /* more octets are awaited */
    DUE_DIAL,
    DUE_REFUSAL,
    DUE_ASSOCIATION,
    DUE_LOOKUP,   /* of target, an address or a name */
    DUE_LISTENER, /* for target's address */
    DUE_ANSWER,   /* target itself, at once */
    DUE_EITHER,   /* readers differ: a dial and a refusal are both right */
};

struct outlook {
    enum due due;
    bool may_refuse; /* with DUE_NOTHING: what is there is wrong already */
    bool is_bind;    /* a lookup, if that is due, is for a BIND */
    size_t end;      /* of the request, in the octets looked at */
    struct px_endpoint target; /* the name borrows */
    int16_t answer[4]; /* SOCKS, before the reply; ANY_FAILURE or an octet */
    size_t answer_len;
    int code; /* REP or status that refuses; NO_REPLY, ANY_FAILURE or itself */
};

enum { ANY_FAILURE = -1, NO_REPLY = -2 };

/* What the client's octets up to now ask for, with the right credentials. */
struct outlook model_socks_outlook(struct px_bytes in,
                                   const struct session_config *cfg);
struct outlook model_socks4_outlook(struct px_bytes in, bool has_auth);
struct outlook model_http_outlook(struct px_bytes in,
                                  const struct session_config *cfg,
                                  const struct forward_auth *digest);

/* A SOCKS5 reply that grants, and names bnd. */
void model_expect_grant(struct px_bytes reply, const struct px_endpoint *bnd);

/* The same for a BIND whose target is sound. */
struct outlook model_bind_outlook(struct outlook o);

/* RFC 1928 section 6: layout, VER, RSV and this REP, or ANY_FAILURE. */
void model_expect_socks5_reply(struct px_bytes reply, int rep);

/* A SOCKS4 reply that says what rep says in SOCKS5: success is 0. */
void model_expect_socks4_reply(struct px_bytes reply, int rep);

/* Host and port; false when it cannot be one. *is_sure: every reader agrees. */
PX_CHECKED bool model_read_authority(struct px_bytes text,
                                     struct px_endpoint *out, bool *is_sure);

/*
 * The status of an answer of the proxy's own to a client that sent `in`;
 * checks that it is one whole HTTP/1.1 message after which nothing follows.
 */
unsigned model_read_answer(struct px_bytes in, struct px_bytes answer);

enum phase {
    PHASE_HANDSHAKE,
    PHASE_DIALLING,
    PHASE_LISTENING, /* the first reply to BIND was given */
    PHASE_RELAYING,
    PHASE_ASSOCIATED,
    PHASE_ANSWERED, /* all that was asked for, and the close is near */
    PHASE_FAILED,
    PHASE_CLOSED,
};

/* What one event led to. */
struct deeds {
    unsigned kinds; /* of actions other than sends, 1 << enum action_kind */
    uint8_t answer[MODEL_ANSWER_MAX]; /* messages to the client, joined */
    size_t answer_len;
    size_t relayed_down; /* octets of the event's data, passed on */
    uint64_t deadline_ms;
    struct px_endpoint target;
    uint8_t name[PX_NAME_MAX];
};

struct model {
    const struct session_config *cfg;
    const struct forward_auth *digest; /* NULL: Basic alone is offered */
    bool is_lenient; /* does not ask whether something more was due: to look
                        at every octet again at each of them costs too much */
    const uint8_t *client; /* every octet that the session got; borrowed */
    size_t given;          /* how many */
    size_t relayed_up;     /* the next octet to be passed on */
    uint64_t now_ms;
    uint64_t deadline_ms; /* as armed */
    enum phase phase;
    enum due asked;     /* PHASE_DIALLING: what the session awaits */
    struct event event; /* the one that is being handled */
    struct deeds deeds;
    uint8_t said[16]; /* SOCKS: messages to the client so far */
    size_t said_len;
    bool is_binding;
    struct px_address bind_peer; /* with a listener: who may connect */
    bool is_client_told_end;
    bool is_target_told_end;
    bool is_client_ended;
    bool is_upstream_ended;
};

/* client is where the octets given to the session will stand. */
void model_init(struct model *m, const struct session_config *cfg,
                const uint8_t *client, uint64_t now_ms);

/* Before session_handle(); client data is client[given, given + len). */
void model_event(struct model *m, const struct event *event, uint64_t now_ms);

/* For each action, and after the last one of the event. */
void model_action(struct model *m, const struct action *action);
void model_settle(struct model *m, const struct session *s);

#endif
