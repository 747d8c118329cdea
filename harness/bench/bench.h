#ifndef BENCH_H
#define BENCH_H

/*
 * bench: what loads a proxy from both sides. A sink answers for the targets,
 * on a thread of its own; a load opens connections through a proxy, or none,
 * and measures what comes of them on the thread that calls it. Both are meant
 * to need far less of the machine than any proxy.
 */

#include <netinet/in.h>

#include "px.h"

/* Targets -------------------------------------------------------------- */

/* What a port of the sink does with a connection until it ends. */
enum sink_kind {
    SINK_ECHO,    /* sends back what comes */
    SINK_DISCARD, /* reads */
    SINK_SOURCE,  /* sends zeros without end */
    SINK_HTTP,    /* GET /N is answered with N octets, again and again */
    SINK_KINDS
};

struct sink; /* running */

/* Listens on address, an IPv4 one, and free ports. NULL with *err set. */
struct sink *sink_open(struct in_addr address, struct px_error *err);
uint16_t sink_port(const struct sink *s, enum sink_kind kind);

/* Octets that the port that discards has read so far. */
uint64_t sink_discarded(const struct sink *s);

/* Ends the thread and closes everything; NULL is accepted. */
void sink_close(struct sink *s);

/* The way to a target -------------------------------------------------- */

enum bench_protocol { BENCH_DIRECT, BENCH_SOCKS4, BENCH_SOCKS5, BENCH_HTTP };

enum { BENCH_CREDENTIAL_MAX = 255 };

struct bench_route {
    enum bench_protocol protocol;
    struct sockaddr_storage proxy; /* unless direct */
    const char *user;              /* NULL: none; borrowed like password */
    const char *password;
    struct in_addr target; /* where the proxy finds the sink */
};

enum { OPENING_STEPS_MAX = 3, OPENING_STEP_MAX = 1024 };

enum opening_reply {
    REPLY_METHOD,   /* RFC 1928 section 3 */
    REPLY_USERPASS, /* RFC 1929 section 2 */
    REPLY_SOCKS5,
    REPLY_SOCKS4,
    REPLY_HTTP,
};

/* What a client says to open a tunnel, and what it then waits for. */
struct opening {
    struct {
        uint8_t octets[OPENING_STEP_MAX];
        size_t len;
        enum opening_reply reply;
    } steps[OPENING_STEPS_MAX];
    size_t count; /* 0: nothing has to be said */
};

/* The opening of a tunnel to this port of the target. */
void opening_build(struct opening *o, const struct bench_route *route,
                   uint16_t port);

/*
 * Looks at what has come so far: DONE once the reply is whole and grants, with
 * its length in *used; ERROR when it refuses, or is none.
 */
PX_CHECKED enum px_status opening_read(enum opening_reply reply,
                                       struct px_bytes in, size_t *used,
                                       struct px_error *err);

/* Load ----------------------------------------------------------------- */

enum load_kind {
    LOAD_DOWN,     /* octets from the target to the client, .streams at once */
    LOAD_UP,       /* and the other way */
    LOAD_CONNECTS, /* tunnels: opened, one octet echoed, closed */
    LOAD_HANDSHAKES, /* connections: the opening's replies read, then reset */
    LOAD_ECHO,       /* 64 octets to and fro in one tunnel */
    LOAD_REQUESTS,   /* GET of 100 octets on .streams kept connections */
    LOAD_RESPONSE,   /* GET of much on one connection */
    LOAD_HOLD,       /* opens .streams tunnels and keeps them */
};

struct load {
    enum load_kind kind;
    struct bench_route route;
    const struct sink *sink;
    unsigned streams;
    double seconds; /* how long it is to take; HOLD takes what it needs */
    /* What came of it: octets, tunnels or answers in a second. */
    double per_second;
    double p50_us, p99_us; /* ECHO: of the round trips */
    uint64_t failed;       /* CONNECTS, HANDSHAKES: that came to nothing */
    int *held;             /* HOLD: streams descriptors, the caller's */
};

/*
 * Carries a load out; the caller waits. PX_ERROR with *err set when it could
 * not be done.
 */
PX_CHECKED enum px_status load_run(struct load *l, struct px_error *err);

/* Closes what HOLD kept. */
void load_release(struct load *l);

#endif
