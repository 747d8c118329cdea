#ifndef SESSION_H
#define SESSION_H

/*
 * session: the proxy as a state machine, one client connection each. Events
 * go in, actions come out; no socket, clock, heap or randomness. The result
 * never depends on how the octets were cut. SOCKS5 is RFC 1928 and 1929, SOCKS4
 * and 4A are their memos, HTTP CONNECT is RFC 9110 section 9.3.6, forwarding of
 * other methods RFC 9110 section 7 and RFC 9112; as a gateway to FTP (RFC 1738
 * section 3.2) it asks its server for files. The datagrams of an
 * association are association.h's, what a tap sees is forward_tap.h's, rules
 * about whom nobody is connected to are access.h's.
 */

#include "access.h"
#include "digest.h"
#include "forward_tap.h"
#include "px.h"

struct session; /* one client's connection, as the proxy sees it */

enum session_protocol {
    SESSION_SOCKS, /* 4 or 5, as the first octet tells */
    SESSION_HTTP,
};

/*
 * Whether these credentials are right; called once for each attempt. Both
 * borrow, and may hold any octets.
 */
typedef bool session_verify_fn(const void *ctx, struct px_bytes user,
                               struct px_bytes password);

struct session_config {
    enum session_protocol protocol;
    session_verify_fn *verify; /* NULL: no authentication is asked for; with
                                  it SOCKS4, which has none, is refused */
    const void *verify_ctx;
    const char *realm; /* HTTP's protection space: up to 255 octets that may
                          stand in a quoted-string as they are; with verify */
    const struct digest_config *digest; /* of HTTP, with verify; NULL: Digest
                                           is not offered */
    bool has_no_basic; /* HTTP's Basic is not offered; only with digest */
    bool has_no_udp;   /* SOCKS5's UDP ASSOCIATE is refused */
    bool has_no_bind;  /* BIND is refused, in both versions of SOCKS */
    bool is_tor;       /* SOCKS5 has Tor's RESOLVE and RESOLVE_PTR */
    /* SOCKS as at Tor's own port, in what Tor's socks-extensions add to it, but
     * for the commands: any credentials are right, and may come unasked; names
     * under .onion are refused with extended codes; who speaks HTTP is told of
     * the mistake. Not with verify. */
    bool is_tor_port;
    /* SOCKS4: who says that this is their user id is served once the identd of
     * their host says so, too; NULL: nobody is asked. */
    const char *identd_user;
    bool is_forwarding;  /* HTTP: other methods than CONNECT are served too */
    bool is_ftp_gateway; /* and GET and HEAD of ftp URIs; with is_forwarding */
    /* HTTP: who this proxy is in Via (RFC 9110 section 7.6.3), a token that no
     * other proxy has, up to 64 octets; with is_forwarding. */
    const char *pseudonym;
    /* What makes session_handle()'s clock the time since 1970, for Date; 0:
     * the time is not known. */
    uint64_t unix_offset_ms;
    const struct access_rules *access; /* what is denied to everybody; NULL:
                                          nothing */
    unsigned access_lapses;            /* of enum access_lapse, for faults */
    forward_tap_fn *tap; /* sees what is forwarded, for faults; NULL: nobody */
    void *tap_ctx;
    uint32_t handshake_timeout_ms; /* from the start to a whole request, and
                                      from an answer to the next one */
    uint32_t dial_timeout_ms;      /* for what the request asks for */
    uint32_t bind_timeout_ms;     /* for the connection that BIND listens for */
    uint32_t response_timeout_ms; /* without a sign of whose turn it is, while
                                     a request is forwarded */
};

/* Why an outbound connection could not be made. */
enum dial_failure {
    DIAL_FAILED,      /* no better reason is known */
    DIAL_NOT_ALLOWED, /* by rule */
    DIAL_NET_UNREACHABLE,
    DIAL_HOST_UNREACHABLE,
    DIAL_REFUSED,
    DIAL_TIMED_OUT,
    DIAL_TTL_EXPIRED,
    DIAL_NAME_UNRESOLVED, /* the name has no address */
    DIAL_NAME_TEMPORARY,  /* the resolver failed; later it might answer */
};

/* Why an ftp URI could not be fetched, once its server was reached. */
enum fetch_failure {
    FETCH_FAILED,    /* no better reason is known */
    FETCH_NOT_FOUND, /* it has no such file and no such directory */
    FETCH_NO_LOGIN,  /* it does not let this user in */
};

/* What an ftp URI is about to bring, in UPSTREAM_DATA, END or RESET. */
struct session_fetched {
    uint64_t length; /* octets; UINT64_MAX: unknown */
    bool is_listing; /* of a directory, as lines of text */
};

enum event_kind {
    EVENT_CLIENT_DATA,    /* .data, at most session_client_room() octets */
    EVENT_CLIENT_END,     /* FIN: no more from the client, it may still read */
    EVENT_CLIENT_RESET,   /* the client's connection broke; it is gone */
    EVENT_DIALLED,        /* .bound is our own address toward the target */
    EVENT_DIAL_FAILED,    /* .failure; also of ASSOCIATE, RESOLVE, IDENTIFY,
                             LISTEN and FETCH */
    EVENT_ASSOCIATED,     /* .bound is where the client is to send to */
    EVENT_RESOLVED,       /* .address: a name's address, or its name */
    EVENT_IDENTIFIED,     /* .data: the user, as identd says; empty: it knows
                             of none */
    EVENT_LISTENING,      /* .bound is where the peer is to connect to */
    EVENT_ACCEPTED,       /* .peer connected there; it waits until it is taken
                             or dropped, or all is closed */
    EVENT_FETCHED,        /* .fetched: what comes now */
    EVENT_FETCH_FAILED,   /* .fetch_failure */
    EVENT_UPSTREAM_DATA,  /* .data */
    EVENT_UPSTREAM_END,   /* FIN: no more from the target */
    EVENT_UPSTREAM_RESET, /* the target's connection broke; it is gone */
    EVENT_TIMER,          /* the deadline that was armed last has passed */
};

struct event {
    enum event_kind kind;
    union {
        struct px_bytes data; /* borrowed until its actions are taken */
        struct px_endpoint bound;
        struct px_endpoint peer;
        struct px_address address; /* a name borrows, like data */
        enum dial_failure failure;
        struct session_fetched fetched;
        enum fetch_failure fetch_failure;
    };
};

/* What octets are sent to the client; faults and traces tell by it. */
enum session_message {
    MESSAGE_METHOD_SELECTION,
    MESSAGE_USERPASS_STATUS,
    MESSAGE_SOCKS5_REPLY,
    MESSAGE_SOCKS4_REPLY,
    MESSAGE_HTTP_RESPONSE, /* of the proxy itself */
    MESSAGE_FORWARDED,     /* a part of a forwarded request or response */
    MESSAGE_RELAYED,       /* octets of the other side, unread */
};

enum action_kind {
    ACTION_SEND_CLIENT,    /* .send */
    ACTION_SEND_UPSTREAM,  /* .send */
    ACTION_DIAL,           /* .target, .rules; answered by DIALLED or
                              DIAL_FAILED */
    ACTION_ASSOCIATE,      /* .target is the client's announcement (see
                              association.h); answered likewise */
    ACTION_RESOLVE,        /* .target's address; answered likewise */
    ACTION_IDENTIFY,       /* the client, by its identd (RFC 1413); answered by
                              IDENTIFIED or DIAL_FAILED */
    ACTION_LISTEN,         /* for .target's address to connect, for anybody when
                              its kind is NONE; answered by LISTENING or
                              DIAL_FAILED, which may also come later */
    ACTION_FETCH,          /* .fetch, .rules; answered by FETCHED, FETCH_FAILED
                              or DIAL_FAILED */
    ACTION_TAKE_PEER,      /* who connected is the target; others are not let
                              in any more */
    ACTION_DROP_PEER,      /* close who connected; listen on */
    ACTION_RELAY,          /* from here octets may pass without the session */
    ACTION_END_CLIENT,     /* FIN to the client after what was sent */
    ACTION_END_UPSTREAM,   /* FIN to the target after what was sent */
    ACTION_CLOSE_UPSTREAM, /* drop what was dialled or asked for, and who
                              connected */
    ACTION_ARM_TIMER,      /* .deadline_ms; replaces the one before */
    ACTION_CLOSE,          /* flush to both, then close both: the last action */
    ACTION_RESET,          /* flush to both, then reset both: the last action */
};

/* An ftp URI, taken apart; everything borrows. */
struct session_fetch {
    struct px_endpoint target;
    struct px_bytes path;           /* as in the URI; begins with "/" */
    bool has_user;                  /* false: anonymous */
    struct px_bytes user, password; /* decoded, without control characters */
    bool is_head;                   /* none of its content is wanted */
};

struct action {
    enum action_kind kind;
    union {
        struct {
            struct px_bytes data;
            enum session_message message;
        } send;
        struct px_endpoint target;
        const struct session_fetch *fetch; /* borrowed, like data */
        uint64_t deadline_ms; /* on session_handle()'s clock; or NEVER */
    };
    access_set rules; /* of DIAL and FETCH: those that deny the target should
                         one of their addresses be its name's */
};

/* A deadline that does not come. */
#define SESSION_NEVER UINT64_MAX

enum session_state {
    SESSION_GREETING,
    SESSION_AUTH,
    SESSION_REQUEST,   /* SOCKS request or HTTP head */
    SESSION_DIALLING,  /* or what else the request asks for is awaited */
    SESSION_LISTENING, /* BIND's first reply was given */
    SESSION_RELAYING,
    SESSION_FORWARDING, /* a request is under way, or its response; then comes
                           SESSION_REQUEST again, or the end */
    SESSION_ASSOCIATED, /* lasts as long as the client's connection */
    SESSION_CLOSING,    /* the last answer was given; input is discarded */
    SESSION_CLOSED,
};

/* Octets a session needs, aligned as malloc() aligns. */
size_t session_size(enum session_protocol protocol);

/*
 * Builds a session in mem and starts its handshake timer at now_ms, so that
 * the first action is there at once; mem and cfg stay the caller's and outlive
 * it.
 */
struct session *session_init(void *mem, const struct session_config *cfg,
                             uint64_t now_ms);

/*
 * Octets that suffice for a session that relays, and moves it there once all
 * actions have been taken: a tunnel needs no room for requests. mem is as for
 * session_init(); the memory of before is the caller's again.
 */
size_t session_relay_size(void);
struct session *session_move(void *mem, const struct session *s);

/*
 * How many octets the session takes from the client, or the target, now. 0
 * means: do not read; ask again after the next event. In SESSION_RELAYING it
 * is bounded by nothing but what the caller can queue on the other side.
 */
size_t session_client_room(const struct session *s);
size_t session_upstream_room(const struct session *s);

/*
 * Tells the session what happened at now_ms (any monotonic clock). Cannot
 * fail: what the client did wrong turns into actions, a reply and a close,
 * and session_error() names the requirement it broke. All actions of the
 * event before must have been taken. What a side sends after its end, and what
 * comes after the last action, has no effect.
 */
void session_handle(struct session *s, const struct event *event,
                    uint64_t now_ms);

/*
 * Takes the next action; false when none is left. Bytes and names in *out are
 * borrowed until the next call of this or of session_handle(), so carry them
 * out before that.
 */
PX_CHECKED bool session_next(struct session *s, struct action *out);

enum session_state session_state(const struct session *s);

/* Why the session failed; NULL when nothing went wrong. */
const struct px_error *session_error(const struct session *s);

#endif
