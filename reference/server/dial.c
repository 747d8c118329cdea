#include "dial.h"

#include <assert.h>
#include <linux/errqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

struct dial {
    uv_loop_t *loop;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_timer_t timer; /* starts what needs no resolver; ends slow attempts */
    struct dial_options options;
    const struct stream_events *events;
    void *owner;
    dial_fn *done; /* NULL: cancelled, or told already */
    struct stream *attempt;
    struct addrinfo *addresses; /* of a name; freed with the dial */
    struct addrinfo *next;
    struct sockaddr_storage literal; /* ss_family 0: a name */
    sa_family_t family;              /* of the attempt */
    bool is_icmp_kept;               /* of the attempt; see keep_icmp() */
    uint16_t port;                   /* of the target */
    bool is_resolving;
    bool is_slow; /* the attempt was given up for the next */
    enum dial_failure failure;
    char name[PX_NAME_MAX + 1];
    char service[8];
};

static void on_freed(uv_handle_t *handle)
{
    struct dial *d = handle->data;

    if (d->addresses)
        uv_freeaddrinfo(d->addresses);
    free(d);
}

static void dial_free(struct dial *d)
{
    if (!uv_is_closing((uv_handle_t *)&d->timer))
        uv_close((uv_handle_t *)&d->timer, on_freed);
}

/*
 * On one host a connection to a port that nobody listens on may be given that
 * very port to come from, and then meets itself (simultaneous open).
 */
static bool is_own_peer(const struct dial *d, const uv_tcp_t *tcp,
                        const struct px_endpoint *bound)
{
    struct sockaddr_storage sa;
    struct px_endpoint peer = {0};
    int len = sizeof(sa);

    if (bound->port != d->port)
        return false;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&sa, &len) == 0)
        peer = endpoint_of((struct sockaddr *)&sa);
    return peer.port == bound->port && peer.addr.kind == bound->addr.kind &&
           memcmp(peer.addr.ip, bound->addr.ip, sizeof(peer.addr.ip)) == 0;
}

static void tell(struct dial *d, const struct dial_result *result)
{
    dial_fn *done = d->done;

    d->done = NULL;
    if (done)
        done(d->owner, result);
    dial_free(d);
}

static void fail(struct dial *d)
{
    struct dial_result result = {.failure = d->failure};

    tell(d, &result);
}

enum dial_failure dial_failure_of(int uv_error)
{
    switch (uv_error) {
    case UV_ECONNREFUSED:
        return DIAL_REFUSED;
    case UV_ENETUNREACH:
        return DIAL_NET_UNREACHABLE;
    case UV_EHOSTUNREACH:
        return DIAL_HOST_UNREACHABLE;
    case UV_ETIMEDOUT:
        return DIAL_TIMED_OUT;
    case UV_EACCES:
    case UV_EPERM:
        return DIAL_NOT_ALLOWED;
    default: /* errno's many others */
        return DIAL_FAILED;
    }
}

static bool is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;

    return address->sa_family == AF_INET6
               ? IN6_IS_ADDR_LOOPBACK(&six->sin6_addr)
               : ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/*
 * Whether the kernel is to keep what ICMP says of the attempt: errno knows no
 * difference between a way that is too long and a host that is not there. What
 * fails here shows in the failure alone. On a connection an error would end
 * what might go on.
 */
static void keep_icmp(struct dial *d, struct stream *stream, int is_kept)
{
    uv_os_fd_t fd;

    d->is_icmp_kept = is_kept;
    if (uv_fileno((uv_handle_t *)stream_tcp(stream), &fd) != 0)
        return;
    (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &is_kept, sizeof(is_kept));
    if (d->family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &is_kept,
                         sizeof(is_kept));
}

/* Whether ICMP said that the packets' time was exceeded (RFC 792, RFC 4443). */
static bool is_expired(struct stream *stream)
{
    enum { ICMP_TIME_EXCEEDED_V4 = 11, ICMP_TIME_EXCEEDED_V6 = 3 };
    union {
        struct cmsghdr align;
        uint8_t octets[512];
    } control;
    struct msghdr message = {.msg_control = control.octets,
                             .msg_controllen = sizeof(control.octets)};
    struct sock_extended_err error;
    struct cmsghdr *at;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)stream_tcp(stream), &fd) != 0 ||
        recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    at = CMSG_FIRSTHDR(&message);
    if (!at || at->cmsg_len < CMSG_LEN(sizeof(error)))
        return false;
    memcpy(&error, CMSG_DATA(at), sizeof(error));
    return (error.ee_origin == SO_EE_ORIGIN_ICMP &&
            error.ee_type == ICMP_TIME_EXCEEDED_V4) ||
           (error.ee_origin == SO_EE_ORIGIN_ICMP6 &&
            error.ee_type == ICMP_TIME_EXCEEDED_V6);
}

static enum dial_failure failure_of(struct dial *d, struct stream *stream,
                                    int status)
{
    if (d->is_slow)
        return DIAL_TIMED_OUT;
    return status == UV_EHOSTUNREACH && is_expired(stream)
               ? DIAL_TTL_EXPIRED
               : dial_failure_of(status);
}

static void try_next(struct dial *d);

static void on_connected(uv_connect_t *req, int status)
{
    struct dial *d = req->data;
    struct stream *stream = d->attempt;
    struct dial_result result = {.stream = stream};
    struct sockaddr_storage local;
    int len = sizeof(local);

    d->attempt = NULL;
    uv_timer_stop(&d->timer);
    if (!d->done) {
        stream_close(stream);
        dial_free(d);
        return;
    }
    if (status != 0) {
        d->failure = failure_of(d, stream, status);
        d->is_slow = false;
        stream_close(stream);
        try_next(d);
        return;
    }
    if (d->is_icmp_kept)
        keep_icmp(d, stream, 0);
    stream_tune(stream_tcp(stream));
    if (uv_tcp_getsockname(stream_tcp(stream), (struct sockaddr *)&local,
                           &len) == 0)
        result.bound = endpoint_of((struct sockaddr *)&local);
    if (is_own_peer(d, stream_tcp(stream), &result.bound)) {
        d->failure = DIAL_REFUSED;
        stream_close(stream);
        try_next(d);
        return;
    }
    tell(d, &result);
}

/* on_connected follows, cancelled. */
static void on_slow(uv_timer_t *timer)
{
    struct dial *d = timer->data;

    d->is_slow = true;
    stream_close(d->attempt);
}

/* Whether the rules look at an address of this target. */
static bool is_ruled(const struct dial *d)
{
    struct sockaddr_in written;

    switch (d->options.rule) {
    case DIAL_RULE_CONNECTED:
        return true;
    case DIAL_RULE_WRITTEN:
        return uv_ip4_addr(d->name, 0, &written) == 0;
    case DIAL_RULE_NONE:
        return false;
    }
    assert(false && "a rule");
    return true;
}

static bool is_denied(const struct dial *d, const struct sockaddr *address)
{
    struct px_endpoint to = endpoint_of(address);

    return d->options.rules && is_ruled(d) &&
           access_denies_address(d->options.access, d->options.rules, &to.addr);
}

static bool try_address(struct dial *d, const struct sockaddr *address)
{
    int error;

    if (is_denied(d, address)) {
        d->failure = DIAL_NOT_ALLOWED;
        return false;
    }
    d->attempt = stream_new(d->loop, d->events);
    if (!d->attempt)
        return false;
    d->connect.data = d;
    error = uv_tcp_connect(&d->connect, stream_tcp(d->attempt), address,
                           on_connected);
    if (error == 0) {
        d->family = address->sa_family;
        if (!is_loopback(address)) /* of which ICMP says nothing */
            keep_icmp(d, d->attempt, 1);
        if (d->next)
            uv_timer_start(&d->timer, on_slow, d->options.attempt_ms, 0);
        return true;
    }
    d->failure = dial_failure_of(error);
    stream_close(d->attempt);
    d->attempt = NULL;
    return false;
}

static void try_next(struct dial *d)
{
    while (d->next) {
        const struct sockaddr *address = d->next->ai_addr;

        d->next = d->options.tries_one ? NULL : d->next->ai_next;
        if (try_address(d, address))
            return;
    }
    fail(d);
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
                        struct addrinfo *addresses)
{
    struct dial *d = req->data;

    d->is_resolving = false;
    d->addresses = addresses;
    if (!d->done) {
        dial_free(d);
        return;
    }
    if (status != 0) {
        d->failure =
            status == UV_EAI_AGAIN ? DIAL_NAME_TEMPORARY : DIAL_NAME_UNRESOLVED;
        fail(d);
        return;
    }
    d->next = addresses;
    try_next(d);
}

/* Later than dial_new(), so that done is. */
static void on_refused(uv_timer_t *timer)
{
    fail(timer->data);
}

/* False when memory is short; a name that cannot be asked for has failed. */
static bool resolve_name(struct dial *d, const struct px_endpoint *target)
{
    int error;
    const struct addrinfo hints = {
        .ai_family = d->options.is_ipv4_only ? AF_INET : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };

    memcpy(d->name, target->addr.name.data, target->addr.name.len);
    (void)snprintf(d->service, sizeof(d->service), "%u",
                   (unsigned)target->port);
    d->resolve.data = d;
    error = uv_getaddrinfo(d->loop, &d->resolve, on_resolved, d->name,
                           d->service, &hints);
    d->is_resolving = error == 0;
    if (error == UV_ENOMEM)
        return false;
    if (error) {
        d->failure = DIAL_NAME_UNRESOLVED;
        uv_timer_start(&d->timer, on_refused, 0, 0);
    }
    return true;
}

struct dial *dial_new(uv_loop_t *loop, const struct px_endpoint *target,
                      const struct dial_options *options,
                      const struct stream_events *events, void *owner,
                      dial_fn *done)
{
    struct dial *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->loop = loop;
    d->options = *options;
    d->events = events;
    d->owner = owner;
    d->done = done;
    d->port = target->port;
    uv_timer_init(loop, &d->timer);
    d->timer.data = d;
    if (target->addr.kind != PX_ADDRESS_NAME) {
        endpoint_to_sockaddr(target, &d->literal);
        if (!try_address(d, (const struct sockaddr *)&d->literal))
            uv_timer_start(&d->timer, on_refused, 0, 0);
    } else if (!resolve_name(d, target)) {
        dial_free(d);
        return NULL;
    }
    return d;
}

void dial_cancel(struct dial *d)
{
    if (!d || !d->done)
        return;
    d->done = NULL;
    if (d->attempt)
        stream_close(d->attempt); /* on_connected follows, cancelled */
    else if (d->is_resolving)
        (void)uv_cancel((uv_req_t *)&d->resolve); /* on_resolved follows */
    else
        dial_free(d);
}
