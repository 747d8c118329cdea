#include "listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "endpoint.h"

/* One is awaited; a few more may knock while it is looked at. */
enum { BACKLOG = 4 };

/* Of the peer, to ask which way it is: any will do, nothing is sent. */
enum { ANY_PORT = 9 };

struct listen {
    struct listen_config cfg;
    uv_tcp_t tcp;
    uv_timer_t start;    /* tells later than listen_new() */
    unsigned handles;    /* these two; freed at 0 */
    struct stream *peer; /* waits to be taken or dropped */
    struct sockaddr_storage at;
    int error; /* why there is no at */
};

static void on_closed(uv_handle_t *handle)
{
    struct listen *l = handle->data;

    if (--l->handles == 0)
        free(l);
}

void listen_close(struct listen *l)
{
    if (!l)
        return;
    listen_drop(l);
    uv_close((uv_handle_t *)&l->tcp, on_closed);
    uv_close((uv_handle_t *)&l->start, on_closed);
}

void listen_drop(struct listen *l)
{
    if (l->peer)
        stream_reset(l->peer);
    l->peer = NULL;
}

struct stream *listen_take(struct listen *l)
{
    struct stream *peer = l->peer;

    if (!peer)
        return NULL;
    l->peer = NULL;
    stream_tune(stream_tcp(peer));
    return peer;
}

static void fail(struct listen *l, enum dial_failure failure)
{
    const struct listen_config cfg = l->cfg;

    listen_close(l);
    cfg.events->on_failed(cfg.owner, failure);
}

static bool read_peer(const uv_tcp_t *tcp, struct px_endpoint *out)
{
    struct sockaddr_storage sa = {0};
    int len = sizeof(sa);

    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&sa, &len) != 0)
        return false;
    *out = endpoint_of((const struct sockaddr *)&sa);
    return true;
}

/*
 * One that is gone already is nobody; without descriptors libuv itself drops
 * connections.
 */
static void on_connection(uv_stream_t *handle, int status)
{
    struct listen *l = handle->data;
    struct px_endpoint endpoint;
    struct stream *peer;

    if (status != 0 || l->peer)
        return;
    peer = stream_new(l->cfg.loop, l->cfg.stream_events);
    if (!peer) {
        fail(l, DIAL_FAILED); /* memory is short */
        return;
    }
    if (uv_accept(handle, (uv_stream_t *)stream_tcp(peer)) != 0 ||
        !read_peer(stream_tcp(peer), &endpoint)) {
        stream_close(peer);
        return;
    }
    l->peer = peer;
    l->cfg.events->on_peer(l->cfg.owner, &endpoint);
}

/* The address at which the client reached us. */
static int find_local(const uv_tcp_t *client, struct sockaddr_storage *out)
{
    int len = sizeof(*out);
    int error = uv_tcp_getsockname(client, (struct sockaddr *)out, &len);
    struct px_endpoint local, plain;

    if (error)
        return error;
    local = endpoint_of((const struct sockaddr *)out);
    plain = endpoint_plain(&local);
    if (plain.addr.kind != local.addr.kind)
        endpoint_to_sockaddr(&plain, out); /* else its scope is kept */
    return 0;
}

/* Our address toward a peer: the one that a datagram to it would bear. */
static int find_route(const struct px_address *peer,
                      struct sockaddr_storage *out)
{
    const struct px_endpoint to = {*peer, ANY_PORT};
    socklen_t len = sizeof(*out);
    int error = 0;
    int fd;

    endpoint_to_sockaddr(&to, out);
    fd = socket(out->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    if (connect(fd, (const struct sockaddr *)out, len) != 0 ||
        getsockname(fd, (struct sockaddr *)out, &len) != 0)
        error = uv_translate_sys_error(errno);
    (void)close(fd);
    return error;
}

static void forget_port(struct sockaddr_storage *sa)
{
    if (sa->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)sa)->sin6_port = 0;
    else
        ((struct sockaddr_in *)sa)->sin_port = 0;
}

static int find_address(const struct listen_config *cfg,
                        struct sockaddr_storage *out)
{
    int error = find_local(cfg->client, out);
    bool is_other;

    if (error)
        return error;
    is_other = cfg->peer->kind ==
               (out->ss_family == AF_INET6 ? PX_ADDRESS_IPV4 : PX_ADDRESS_IPV6);
    if (is_other)
        error = find_route(cfg->peer, out);
    forget_port(out);
    return error;
}

static int open_port(struct listen *l, struct px_endpoint *bound)
{
    int len = sizeof(l->at);
    int error = l->error;

    if (!error)
        error = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&l->at, 0);
    if (!error)
        error = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (!error)
        error = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&l->at, &len);
    *bound = endpoint_of((const struct sockaddr *)&l->at);
    return error;
}

static void on_start(uv_timer_t *timer)
{
    struct listen *l = timer->data;
    struct px_endpoint bound;
    int error = open_port(l, &bound);

    if (error)
        fail(l, dial_failure_of(error));
    else
        l->cfg.events->on_listening(l->cfg.owner, &bound);
}

struct listen *listen_new(const struct listen_config *cfg)
{
    struct listen *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->cfg = *cfg;
    l->error = find_address(cfg, &l->at);
    uv_tcp_init(cfg->loop, &l->tcp); /* opens nothing yet */
    uv_timer_init(cfg->loop, &l->start);
    l->tcp.data = l->start.data = l;
    l->handles = 2;
    uv_timer_start(&l->start, on_start, 0, 0);
    return l;
}
