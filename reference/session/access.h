#ifndef ACCESS_H
#define ACCESS_H

/*
 * access: rules about what nobody is connected to, and whether one of them
 * holds for a request. A rule is written
 *
 *     [METHOD ]HOST[:PORT][/PATH]
 *
 * and denies what it describes, however a client writes that down:
 *
 * METHOD  of HTTP, or what a SOCKS client asks for: CONNECT, BIND or UDP. The
 *         case of its letters does not matter. Without it, or as "*": any.
 * HOST    a name in which each "*" stands for any octets, an IPv4 address, or
 *         an IPv6 address in brackets; "*" alone is every host. A name holds in
 *         any case of its letters, with a dot behind it and without. An address
 *         holds for the names that have it as well, and for the unspecified
 *         address, which systems take for the loopback's.
 * PORT    1 to 65535, or "*": any, as without it.
 * PATH    compared with the path of an http URI, without the query: what is
 *         under it is denied as well. "*" stands for any octets, "/" too; other
 *         octets are written as they are, never percent-encoded. Origins differ
 *         in how they read a path (RFC 3986 section 6.2.2): one that has the
 *         rule's form in any of these readings is denied.
 *
 * Nobody sees a path inside of a tunnel, so a rule with a path does not hold
 * for CONNECT, and one that names both is refused.
 */

#include "px.h"

enum {
    ACCESS_RULES_MAX = 64,
    ACCESS_RULE_MAX = 1024, /* octets of one rule */
};

/* A rule; its text is borrowed. */
struct access_rule {
    struct px_bytes method; /* len 0: any */
    struct px_address host; /* a name may hold "*" */
    uint16_t port;          /* 0: any */
    struct px_bytes path;   /* begins with "/"; len 0: any, and none */
};

struct access_rules {
    struct access_rule at[ACCESS_RULES_MAX];
    size_t count;
};

/* What a fault neglects; a bit set. */
enum access_lapse {
    ACCESS_LAPSE_CASE = 1 << 0,    /* of names counts */
    ACCESS_LAPSE_DOT = 1 << 1,     /* behind a name counts */
    ACCESS_LAPSE_READING = 1 << 2, /* a path is compared as it was sent */
    ACCESS_LAPSE_PORT = 1 << 3,    /* a port that was not sent matches none */
};

struct access_request {
    struct px_bytes method;
    struct px_endpoint
        target;            /* port 0: none was sent, which is default_port */
    uint16_t default_port; /* 0: unknown */
    bool has_path;         /* false: a tunnel, or datagrams */
    struct px_bytes path;  /* with its query, percent-encoded as it was sent;
                              empty is "/" */
    unsigned lapses;
};

/* A set of rules: bit i for rules->at[i]. */
typedef uint64_t access_set;

/*
 * Reads a rule. False with *err (its detail alone) set when it is none, or
 * could never hold.
 */
PX_CHECKED bool access_parse(struct px_bytes text, struct access_rule *out,
                             struct px_error *err);

/*
 * Whether a rule denies the request, by what is written in it. When none does
 * and the target is a name, *open is the set of those that do as soon as an
 * address of theirs turns out to be the name's.
 */
PX_CHECKED bool access_denies(const struct access_rules *rules,
                              const struct access_request *request,
                              access_set *open);

/* Whether one of the set is a rule about this IP address. */
PX_CHECKED bool access_denies_address(const struct access_rules *rules,
                                      access_set set,
                                      const struct px_address *addr);

#endif
