#ifndef ORACLE_H
#define ORACLE_H

/*
 * oracle: the judge of a dialogue. It watches from outside what one client
 * connection exchanged with the proxy and says which requirements were broken,
 * by which side. A pure state machine with bounded memory; it knows nothing
 * of how the proxy is built. Judges SOCKS4 and 4A (CONNECT and BIND), SOCKS5
 * (RFC 1928, 1929) with the datagrams of its associations, and HTTP (RFC 9110,
 * 9112): CONNECT, and requests that are forwarded, as their client sees them.
 * What an origin may have sent accuses a proxy only where no proxy passes such
 * a thing on. What Tor documents as its own way accuses nobody.
 *
 * The order of the calls is the order in which things were seen: octets of the
 * proxy that come before the client's message was whole answer nothing. Octets
 * that the client sends ahead wait until it is known what they are.
 */

#include "px.h"

struct oracle; /* the judge of one dialogue */

enum oracle_side { SIDE_CLIENT, SIDE_SERVER };

enum oracle_protocol {
    ORACLE_DETECT, /* by the client's first octets */
    ORACLE_SOCKS,
    ORACLE_HTTP,
};

/* How one side's stream ended. */
enum oracle_end { END_FIN, END_RESET };

/* What the judge may take as known; false and NULL where it is not. */
struct oracle_config {
    enum oracle_protocol protocol;
    bool is_auth_required; /* the proxy is configured to demand credentials */
    bool is_midstream;     /* the start was not seen: nothing is judged */
    bool is_socks4_served; /* the proxy is known to speak SOCKS4: silence does
                              not mean that it knows SOCKS5 alone */
};

struct oracle_finding {
    enum requirement req;
    enum oracle_side side; /* whose fault */
    uint64_t offset;       /* in that side's stream, from 0 */
    uint64_t datagram;     /* not 0: in that side's datagram of this number,
                              counted from 1, and not in its stream */
    uint64_t time_ms;
    bool is_contested; /* a reading on which competent readers differ */
    char message[160]; /* one line: what was seen, what is asked */
};

/* What a stretch of one side's stream is; for ladders and reports. */
struct oracle_message {
    enum oracle_side side;
    uint64_t offset;   /* of its first octet in that side's stream */
    uint64_t datagram; /* as in oracle_finding */
    size_t len;
    uint64_t time_ms;
    char text[160]; /* "reply: succeeded, bound to 127.0.0.1:40000" */
};

/* Called while oracle_*() runs, in stream order; the message is borrowed. */
typedef void oracle_message_fn(void *ctx, const struct oracle_message *message);

/*
 * How far the dialogue came; grows monotonically: a refusal may be followed by
 * another try (407, then CONNECT with credentials), a grant is the end of it.
 */
enum oracle_stage {
    STAGE_START,    /* nothing recognised */
    STAGE_OPENED,   /* the client's first message was whole */
    STAGE_ANSWERED, /* the server's first message fitted it: two-sided */
    STAGE_AUTHENTICATED,
    STAGE_REQUESTED,
    STAGE_REFUSED, /* method FF, failed status, failure reply, non-2xx */
    STAGE_GRANTED, /* success reply: the rest is relayed */
};

struct oracle_summary {
    enum oracle_protocol protocol; /* ORACLE_DETECT: not recognised */
    enum oracle_stage stage;
    uint8_t version;          /* SOCKS: 4 or 5 */
    int method;               /* SOCKS5 method selected; -1 before */
    int command;              /* SOCKS command; -1 before */
    int code;                 /* CD, REP, RFC 1929 or HTTP status; -1 before */
    char target[96];          /* "origin.test:80"; "" before the request */
    char bind_peer[96];       /* BIND: what the second reply names; "" before */
    struct px_endpoint relay; /* UDP ASSOCIATE: what the reply names; port 0
                                 before, no address when it is a name */
    uint64_t relayed[2];      /* octets after success, indexed by oracle_side */
    uint64_t datagrams[2];    /* handed to oracle_datagram(), likewise */
    unsigned findings_lost;   /* for which the queue had no room */
};

/* Octets an oracle needs, aligned as malloc() aligns. */
size_t oracle_size(void);

/*
 * Builds an oracle in mem; mem and cfg stay the caller's and outlive it.
 * observe may be NULL.
 */
struct oracle *oracle_init(void *mem, const struct oracle_config *cfg,
                           oracle_message_fn *observe, void *ctx);

/* What one side sent, in order; any cut gives the same findings. */
void oracle_bytes(struct oracle *o, enum oracle_side side, struct px_bytes data,
                  uint64_t now_ms);

/*
 * A whole datagram between the client and the UDP relay of its association, as
 * seen on the client's side of the proxy, in any order; not those between the
 * relay and the hosts beyond. from and to may be NULL or of no address where
 * they are not known. Those that come before the reply to UDP ASSOCIATE wait
 * for it, up to a few.
 */
void oracle_datagram(struct oracle *o, enum oracle_side side,
                     struct px_bytes data, const struct px_endpoint *from,
                     const struct px_endpoint *to, uint64_t now_ms);

/* len octets of one side were lost: that side is not judged past them. */
void oracle_gap(struct oracle *o, enum oracle_side side, uint64_t len,
                uint64_t now_ms);

/*
 * One side ended its stream; at most once a side. What a side owes is not
 * asked of it after the other side has ended.
 */
void oracle_end(struct oracle *o, enum oracle_side side, enum oracle_end end,
                uint64_t now_ms);

/*
 * Nothing happened up to now_ms: judges what has to happen in time (RFC 1928
 * section 6: the close within ten seconds of a failure reply).
 */
void oracle_tick(struct oracle *o, uint64_t now_ms);

/* The dialogue was watched up to now_ms and is over: judges what is missing. */
void oracle_finish(struct oracle *o, uint64_t now_ms);

/*
 * Takes the next finding, oldest first; false when none is left. A requirement
 * is told once for each side, and once more when what was contested at first
 * turns out to be beyond doubt. With ORACLE_DETECT nothing is told before the
 * dialogue is known to be of the protocol, so a look-alike accuses nobody.
 */
PX_CHECKED bool oracle_next_finding(struct oracle *o,
                                    struct oracle_finding *out);

const struct oracle_summary *oracle_summary(const struct oracle *o);

/*
 * Every requirement that the judge may accuse somebody of, each once, with the
 * sides it can accuse; the coverage view and the self-test are made from it.
 */
struct oracle_rule {
    enum requirement req;
    bool accuses_client;
    bool accuses_server;
};

size_t oracle_rule_count(void);
const struct oracle_rule *oracle_rule_at(size_t i); /* i < count */

#endif
