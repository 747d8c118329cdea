#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

/* What the files of this folder share; nobody else includes it. */

#include "session.h"
#include "session_auth.h"

enum {
    /* What a client may send ahead of its reply before it is not read on. */
    SOCKS_IN_MAX = 4096,
    /* A whole head: the limits of http1_default_limits and the blank line. */
    HTTP_IN_MAX = 16384 + 32768 + 64,
    REALM_MAX = 255,
    OUT_MAX = 2048,   /* every message of ours; the longest is a 407 */
    ACTIONS_MAX = 16, /* of one event; asserted */
    /* After a failure: time for the client to read it, then the connection
     * goes. RFC 1928 section 6 allows ten seconds. */
    LINGER_MS = 2 * 1000,
};

/* Works on what is stored; true when it could do something and may again. */
typedef bool step_fn(struct session *s);

/* What differs between the protocols that a client may speak. */
struct protocol {
    step_fn *greeting;
    step_fn *auth;
    step_fn *request;
    /* The outbound connection stands, or does not. */
    void (*granted)(struct session *s, const struct px_endpoint *bound);
    void (*refused)(struct session *s, enum dial_failure failure);
    /* The relay is there; the lookup has an answer. */
    void (*associated)(struct session *s, const struct px_endpoint *relay);
    void (*resolved)(struct session *s, const struct px_address *answer);
    void (*identified)(struct session *s, struct px_bytes user);
    /* BIND: a reply of success that tells this; false if it cannot. */
    bool (*announce)(struct session *s, const struct px_endpoint *endpoint);
    bool is_ended_by_stranger; /* BIND: who comes unexpected is no mere noise */
    /* The handshake took too long. */
    void (*timed_out)(struct session *s);
};

extern const struct protocol socks4_protocol;
extern const struct protocol socks5_protocol;
extern const struct protocol http_protocol;

struct forward;

struct session {
    const struct session_config *cfg;
    const struct protocol *protocol;
    enum session_state state;
    uint64_t now_ms;
    bool has_failed;
    bool is_client_ended;
    bool is_upstream_ended;
    struct px_error error;
    struct action actions[ACTIONS_MAX];
    size_t action_count;
    size_t action_next;
    uint8_t out[OUT_MAX]; /* messages that actions borrow */
    size_t out_len;
    enum auth_verdict auth; /* on the HTTP request at hand */
    size_t request_len;     /* octets of the request that is being dialled */
    bool is_binding;        /* the request is a BIND */
    bool has_credentials;   /* SOCKS5: they came */
    bool is_identifying;    /* SOCKS4: it is awaited what identd says */
    bool is_identified;
    struct px_address bind_peer; /* who may connect; NONE: anybody */
    struct forward *forward; /* behind in; NULL but for HTTP that forwards */
    size_t in_len;           /* client octets that nothing has consumed yet */
    size_t in_cap;
    uint8_t in[];
};

/* The client octets that wait to be read. */
struct px_bytes session_pending(const struct session *s);

/* Forgets the first len of them. */
void session_consume(struct session *s, size_t len);

/* The only writer of s->state. */
void session_enter(struct session *s, enum session_state next);

void session_act(struct session *s, enum action_kind kind);
void session_arm(struct session *s, uint64_t deadline_ms);

/* Room for one more message of ours, to be sent with session_send(). */
struct px_writer session_message(struct session *s);
void session_send(struct session *s, const struct px_writer *message,
                  enum session_message kind);

/* Octets that stay where they are until the next action is taken. */
void session_send_octets(struct session *s, enum action_kind to,
                         struct px_bytes data, enum session_message kind);

/* Notes why; the first of several stays. */
void session_note(struct session *s, const struct px_error *err);

/* Drops what was dialled, then the connection. */
void session_abandon(struct session *s);

/* Dials target, whose name borrows from what is pending, or refuses to. */
void session_dial(struct session *s, const struct px_endpoint *target);

/* Whether a rule denies the request, whose lapses are filled in here; *open is
 * that of access_denies(). */
PX_CHECKED bool session_denies(const struct session *s,
                               struct access_request *request,
                               access_set *open);

/* Notes that a rule did, and refuses what was asked for. */
void session_deny(struct session *s);

/* The same for what another action of one target asks the server for. */
void session_ask(struct session *s, enum action_kind kind,
                 const struct px_endpoint *target);

/* After the success message: hands over what came early, then relays. */
void session_relay(struct session *s);

/* Ends the client's side, discards input, closes in a while. */
void session_finish(struct session *s);

/* Notes why, ends the client's side, discards input, closes in a while. */
void session_fail(struct session *s, const struct px_error *err);

/* SOCKS5: a reply; bnd of kind NONE is told as all zero. */
void session_reply(struct session *s, uint8_t rep,
                   const struct px_endpoint *bnd);

/*
 * SOCKS5: a failure, for a step to return. It carries no address: its fields
 * have no meaning then.
 */
bool session_refuse(struct session *s, uint8_t rep, const struct px_error *err);

/*
 * BIND (session_bind.c): awaits a connection from peer, of any port; its name
 * borrows from what is pending. False, for a step to return.
 */
bool session_bind(struct session *s, const struct px_endpoint *peer);
void session_bind_resolved(struct session *s, const struct px_address *answer);
void session_bind_listening(struct session *s, const struct px_endpoint *bound);
void session_bind_accepted(struct session *s, const struct px_endpoint *peer);
void session_bind_ended(struct session *s); /* by the client */

/* What HTTP itself answers with (session_http.c). */
enum http_answer {
    ANSWER_BAD_REQUEST,
    ANSWER_UNAUTHORIZED,
    ANSWER_FORBIDDEN,
    ANSWER_NOT_FOUND,
    ANSWER_NEEDS_CREDENTIALS,
    ANSWER_REQUEST_TIMEOUT,
    ANSWER_LENGTH_REQUIRED,
    ANSWER_URI_TOO_LONG,
    ANSWER_EXPECTATION_FAILED,
    ANSWER_FIELDS_TOO_LARGE,
    ANSWER_CONNECT_ONLY,
    ANSWER_NOT_IMPLEMENTED,
    ANSWER_BAD_GATEWAY,
    ANSWER_BAD_RESPONSE,
    ANSWER_GATEWAY_TIMEOUT,
    ANSWER_BAD_VERSION,
    ANSWER_LOOP,
};

/* HTTP: an answer that ends the connection; false, for a step to return. */
bool session_http_refuse(struct session *s, enum http_answer answer,
                         const struct px_error *err);

struct http1_request_head;

/*
 * HTTP: forwards a request that may pass, whose head are the first len octets
 * that are pending (session_forward.c); for a step to return.
 */
bool session_forward(struct session *s, const struct http1_request_head *head,
                     size_t len);

/* Lays forwarding out behind the first len octets of mem; their size. */
size_t session_forward_size(size_t len);
struct forward *session_forward_init(void *mem, size_t len);

/* The request that is being forwarded asks for no content (HEAD). */
bool session_forward_is_head(const struct session *s);

/* Octets that are taken from the target now. */
size_t session_forward_room(const struct session *s);

/* True when nobody else is to look at the event. */
PX_CHECKED bool session_forward_event(struct session *s,
                                      const struct event *event);

/*
 * Shows the tap the head that the first *len octets pending are, which may
 * become others. PX_DONE: *head is what is there now; PX_ERROR: no head is; or
 * the tap decided otherwise, and nothing more is to be done: PX_NEED_MORE.
 */
enum px_status session_forward_tap_head(struct session *s,
                                        struct http1_request_head *head,
                                        size_t *len);

/* One step of what is to be done in SESSION_FORWARDING, of few actions; false
 * when nothing is. */
bool session_forward_step(struct session *s);

/* Closes what the last request was forwarded to, if it still stands. */
void session_forward_drop(struct session *s);

/* Runs the step of the state until it wants more from somebody. */
void session_advance(struct session *s);

/* What went wrong, for a refusal. */
struct px_error session_why_refused(const struct session *s);

struct socks5_request;

/* SOCKS5: UDP ASSOCIATE, if it is served (session_udp.c). */
bool session_is_udp_command(const struct session *s, uint8_t command);
bool session_request_udp(struct session *s,
                         const struct socks5_request *request);
void session_associated(struct session *s, const struct px_endpoint *relay);

/* SOCKS5: Tor's RESOLVE and RESOLVE_PTR, if they are served (session_tor.c). */
bool session_is_tor_command(const struct session *s, uint8_t command);
bool session_request_tor(struct session *s,
                         const struct socks5_request *request);
void session_resolved(struct session *s, const struct px_address *answer);

struct userpass_request;

/*
 * What Tor's own SOCKS port does otherwise; all false elsewhere. What pends is
 * HTTP, which was answered with a page; 02 is selected of these methods;
 * credentials come that no method asked for; these are wrong; a name under
 * .onion cannot be connected to, as *rep says. *err says why not.
 */
PX_CHECKED bool session_tor_answers_http(struct session *s);
PX_CHECKED bool session_tor_wants_userpass(const struct session *s,
                                           struct px_bytes methods);
PX_CHECKED bool session_tor_has_unasked(const struct session *s);
PX_CHECKED bool session_tor_denies(const struct userpass_request *request,
                                   struct px_error *err);
PX_CHECKED bool session_tor_is_onion(const struct session *s,
                                     const struct px_address *addr,
                                     uint8_t *rep, struct px_error *err);

#endif
