#ifndef NAMESPACE_H
#define NAMESPACE_H

/*
 * A network namespace and a mount namespace for this process and its children,
 * with the loopback, a device whose far end is ours, addresses and routes, and
 * a resolver of our own in /etc/resolv.conf.
 */

#include "px.h"

/* Where things are. The prefixes are those of documentation (RFC 5737,
 * RFC 3849), and exist in the namespace only. */
#define NAMESPACE_RESOLVER    "127.0.0.53" /* names are asked for here */
#define NAMESPACE_ROUTER_IPV4 "192.0.2.254"
#define NAMESPACE_ROUTER_IPV6 "2001:db8:0:2::fe"
#define NAMESPACE_ROUTED_IPV4 "198.51.100."      /* /24: to the device */
#define NAMESPACE_ROUTED_IPV6 "2001:db8:0:100::" /* /64: to the device */
#define NAMESPACE_KERNEL_IPV4 "203.0.113."
#define NAMESPACE_KERNEL_IPV6 "2001:db8:0:113::"

/* Last octet of an address of the kernel's: what connect() says at once. */
enum {
    NAMESPACE_UNREACHABLE = 1, /* EHOSTUNREACH */
    NAMESPACE_PROHIBITED = 2,  /* EACCES */
    NAMESPACE_NO_ROUTE = 3,    /* ENETUNREACH: there is no route at all */
};

/* What could be had. */
struct namespace_parts {
    int device; /* IP packets are read from and written to it; -1: none */
    bool has_ipv6;
    bool has_names;  /* the resolver of this process and its children is ours */
    bool is_patient; /* SYNs are repeated for minutes, as everywhere else */
};

/*
 * Moves this process, which has one thread, into new namespaces. Tried in a
 * child first, so that a refusal leaves everything as it was: then false, and
 * *err says why. The device is the caller's to close.
 */
PX_CHECKED bool namespace_enter(struct namespace_parts *out,
                                struct px_error *err);

#endif
