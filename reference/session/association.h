#ifndef ASSOCIATION_H
#define ASSOCIATION_H

/*
 * association: what a UDP relay does with the datagrams of one UDP ASSOCIATE
 * request, RFC 1928 section 7, as a state machine: events go in, actions come
 * out; no socket, resolver, clock or heap. The relay has one address toward
 * the client and others toward targets. Nothing that a datagram says or does
 * ends the association; that is for the TCP connection to do.
 */

#include "access.h"
#include "udp.h"

struct association;

struct association_config {
    /* DST of the request: where the client said that it would send from. */
    struct px_endpoint announced;
    struct px_address peer; /* the client's end of the TCP connection */
    bool has_no_fragments;  /* every datagram with a FRAG is dropped */
    /* Where no datagram goes, as the method UDP, or NULL; it outlives the
     * association. access_lapses are for faults. */
    const struct access_rules *access;
    unsigned access_lapses;
};

/* What waits for names to be resolved; datagrams beyond that are dropped. */
enum {
    ASSOCIATION_NAMES_MAX = 8,
    ASSOCIATION_WAITING_MAX = 64,
    ASSOCIATION_WAITING_OCTETS = 128 * 1024,
};

enum association_event_kind {
    ASSOCIATION_FROM_CLIENT, /* .datagram came to the address for the client */
    ASSOCIATION_FROM_TARGET, /* .datagram came to one toward targets */
    ASSOCIATION_RESOLVED,    /* .resolved */
    ASSOCIATION_TIMER,       /* the deadline that was armed last has passed */
};

struct association_event {
    enum association_event_kind kind;
    union {
        struct {
            struct px_endpoint from; /* an IP address */
            struct px_bytes data;    /* borrowed until its actions are taken */
        } datagram;
        struct {
            unsigned slot;             /* that ASSOCIATION_RESOLVE named */
            struct px_address address; /* kind NONE: it has none */
        } resolved;
    };
};

enum association_action_kind {
    ASSOCIATION_SEND_CLIENT, /* .send, from the address for the client */
    ASSOCIATION_SEND_TARGET, /* .send, from one toward targets */
    ASSOCIATION_RESOLVE,     /* .resolve; answered by ASSOCIATION_RESOLVED */
    ASSOCIATION_ARM_TIMER,   /* .deadline_ms; replaces the one before */
};

struct association_action {
    enum association_action_kind kind;
    union {
        struct {
            struct px_endpoint to; /* an IP address */
            struct px_bytes data;  /* one whole datagram, perhaps empty */
        } send;
        struct {
            unsigned slot; /* below ASSOCIATION_NAMES_MAX */
            struct px_bytes name;
        } resolve;
        uint64_t deadline_ms; /* on association_handle()'s clock; or NEVER */
    };
};

/* A deadline that does not come. */
#define ASSOCIATION_NEVER UINT64_MAX

/* Octets an association needs, aligned as malloc() aligns. */
size_t association_size(void);

/*
 * Builds an association in mem, which stays the caller's; cfg is copied. The
 * client is expected at the announced address, or at the peer's when that is
 * all zero, a name, or of the other family; and at the announced port, or at
 * the one that its first readable datagram comes from when that is 0. What
 * comes from elsewhere to the address for the client is dropped.
 *
 * The announced address stands for the recorded one that section 7 speaks of;
 * section 6 says that a server may hold a client to it. A target may be any
 * host: what comes to an address toward targets goes to the client, whether
 * the client has addressed that host or not.
 */
struct association *association_init(void *mem,
                                     const struct association_config *cfg);

/*
 * Tells the association what happened at now_ms (any monotonic clock). All
 * actions of the event before must have been taken.
 */
void association_handle(struct association *a,
                        const struct association_event *event, uint64_t now_ms);

/*
 * Takes the next action; false when none is left. Octets and names in *out
 * are borrowed until the next association_handle().
 */
PX_CHECKED bool association_next(struct association *a,
                                 struct association_action *out);

/* Why the last event's datagram was dropped; NULL when it was not. */
const struct px_error *association_error(const struct association *a);

#endif
