#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc.h"

enum {
    BULK_CHUNK = 64 * 1024,
    PATTERN_PERIOD = 251, /* a prime: no cut of a power of two repeats it */
    TICK_MS = 25,
    QUIET_NS = 100 * 1000 * 1000,
};

static uint8_t read_buffer[BULK_CHUNK];

static uint8_t pattern_at(size_t i)
{
    return (uint8_t)(i % PATTERN_PERIOD);
}

static void on_late(uv_timer_t *timer)
{
    struct world *w = timer->data;

    w->is_late = true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* only ends a turn */
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    (void)signal(SIGPIPE, SIG_IGN);
    if (!w || uv_loop_init(&w->loop) != 0)
        return -1;
    uv_timer_init(&w->loop, &w->deadline);
    uv_timer_init(&w->loop, &w->tick);
    w->deadline.data = w;
    uv_timer_start(&w->deadline, on_late, WORLD_DEADLINE_MS, 0);
    w->held_before = alloc_held();
    *state = w;
    return 0;
}

static void close_all(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

int world_teardown(void **state)
{
    struct world *w = *state;
    bool is_leaking, is_stuck;

    alloc_fail_at(0);
    if (w->closed_fd)
        (void)close(w->closed_fd);
    for (size_t i = 0; i < w->peer_count; i++)
        peer_close(&w->peers[i]);
    server_close(w->server);
    /* Only what is ours: the server closes its own. */
    for (size_t i = 0; i < w->target_count; i++)
        close_all((uv_handle_t *)&w->targets[i].tcp, NULL);
    close_all((uv_handle_t *)&w->tick, NULL);
    uv_timer_start(&w->deadline, on_late, WORLD_DEADLINE_MS, 0);
    uv_unref((uv_handle_t *)&w->deadline);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    close_all((uv_handle_t *)&w->deadline, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    is_stuck = uv_loop_close(&w->loop) != 0;
    is_leaking = alloc_held() != w->held_before;
    free(w);
    if (is_stuck || is_leaking)
        print_error("the server left %s behind\n",
                    is_stuck ? "handles" : "memory");
    return is_stuck || is_leaking ? -1 : 0;
}

static struct sockaddr_storage address_of(const char *address, uint16_t port)
{
    struct sockaddr_storage out = {0};

    if (uv_ip4_addr(address, port, (struct sockaddr_in *)&out) != 0)
        assert_int_equal(
            uv_ip6_addr(address, port, (struct sockaddr_in6 *)&out), 0);
    return out;
}

void world_serve(struct world *w)
{
    struct px_error err = {0};

    if (!w->config.socks.ss_family)
        w->config.socks = address_of("127.0.0.1", 0);
    if (!w->config.http.ss_family)
        w->config.http = address_of("127.0.0.1", 0);
    w->held_before = alloc_held();
    w->server = server_new(&w->loop, &w->config, &err);
    assert_non_null(w->server);
}

void world_turn(struct world *w)
{
    if (w->is_late)
        fail_msg("what the test waits for has not come");
    uv_run(&w->loop, UV_RUN_ONCE);
}

/* A number that grows with whatever peers see. */
static size_t activity(const struct world *w)
{
    size_t sum = w->peer_count;

    for (size_t i = 0; i < w->peer_count; i++) {
        const struct peer *p = &w->peers[i];

        sum += p->got + p->bulk_sent + p->is_ended + p->is_reset;
    }
    return sum;
}

void world_settle(struct world *w)
{
    size_t before = activity(w);
    uint64_t quiet_since = uv_hrtime();

    uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
    while (uv_hrtime() - quiet_since < QUIET_NS) {
        world_turn(w);
        if (activity(w) != before) {
            before = activity(w);
            quiet_since = uv_hrtime();
        }
    }
    uv_timer_stop(&w->tick);
}

void world_await_idle(struct world *w)
{
    while (server_connections(w->server))
        world_turn(w);
}

static struct peer *new_peer(struct world *w)
{
    struct peer *p = &w->peers[w->peer_count];

    if (w->peer_count == WORLD_PEERS_MAX || uv_tcp_init(&w->loop, &p->tcp) != 0)
        return NULL;
    w->peer_count++;
    p->tcp.data = p;
    p->world = w;
    p->pattern_from = SIZE_MAX;
    p->is_open = true;
    return p;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init((char *)read_buffer, sizeof(read_buffer));
}

static void take(struct peer *p, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++, p->got++) {
        if (p->got < PEER_HEAD_MAX)
            p->head[p->got] = data[i];
        if (p->got >= p->pattern_from &&
            data[i] != pattern_at(p->got - p->pattern_from))
            p->is_wrong = true;
    }
}

static int fd_of(const struct peer *p)
{
    uv_os_fd_t fd = -1;

    (void)uv_fileno((const uv_handle_t *)&p->tcp, &fd);
    return fd;
}

static int pending_error(const struct peer *p)
{
    int error = 0;
    socklen_t len = sizeof(error);

    (void)getsockopt(fd_of(p), SOL_SOCKET, SO_ERROR, &error, &len);
    return error;
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf)
{
    struct peer *p = handle->data;

    if (got > 0) {
        take(p, (const uint8_t *)buf->base, (size_t)got);
        return;
    }
    if (got == 0)
        return;
    /* libuv takes a hang-up behind a short read for an end. */
    p->is_reset = got != UV_EOF || pending_error(p) != 0;
    p->is_ended = !p->is_reset;
    uv_read_stop(handle);
}

void peer_resume(struct peer *p)
{
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

void peer_pause(struct peer *p)
{
    uv_read_stop((uv_stream_t *)&p->tcp);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct peer *p = req->handle->data;

    p->is_connected = status == 0;
    p->is_reset = status != 0;
    if (status == 0)
        peer_resume(p);
}

struct peer *world_client_at(struct world *w, uint16_t port)
{
    return world_client_on(w, "127.0.0.1", port);
}

struct peer *world_client_on(struct world *w, const char *address,
                             uint16_t port)
{
    return world_connect(w, NULL, address, port);
}

struct peer *world_connect(struct world *w, const char *from, const char *to,
                           uint16_t port)
{
    struct sockaddr_storage address = address_of(to, port);
    struct sockaddr_storage own = address_of(from ? from : to, 0);
    struct peer *p = new_peer(w);

    assert_non_null(p);
    if (from)
        assert_int_equal(uv_tcp_bind(&p->tcp, (const struct sockaddr *)&own, 0),
                         0);
    assert_int_equal(uv_tcp_connect(&p->connect, &p->tcp,
                                    (const struct sockaddr *)&address,
                                    on_connected),
                     0);
    while (!p->is_connected && !p->is_reset)
        world_turn(w);
    return p;
}

struct peer *world_socks_client(struct world *w)
{
    return world_client_at(w, server_socks_port(w->server));
}

struct peer *world_http_client(struct world *w)
{
    return world_client_at(w, server_http_port(w->server));
}

static void on_contact(uv_stream_t *handle, int status)
{
    struct listener_peer *target = handle->data;
    struct peer *p = status == 0 ? new_peer(target->world) : NULL;

    if (!p || uv_accept(handle, (uv_stream_t *)&p->tcp) != 0)
        return;
    p->is_connected = true;
    target->contacts++;
    target->last = p;
    peer_resume(p);
}

static uint16_t port_of(const uv_tcp_t *tcp)
{
    struct sockaddr_storage address;
    int len = sizeof(address);

    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

struct listener_peer *world_listen(struct world *w, const char *address)
{
    struct sockaddr_storage at = address_of(address, 0);
    struct listener_peer *target = &w->targets[w->target_count];

    assert_true(w->target_count < WORLD_LISTENERS_MAX);
    assert_int_equal(uv_tcp_init(&w->loop, &target->tcp), 0);
    w->target_count++;
    target->tcp.data = target;
    target->world = w;
    if (uv_tcp_bind(&target->tcp, (const struct sockaddr *)&at, 0) != 0 ||
        uv_listen((uv_stream_t *)&target->tcp, 16, on_contact) != 0)
        return NULL;
    target->port = port_of(&target->tcp);
    return target;
}

struct peer *world_accepted(struct listener_peer *target, unsigned before)
{
    while (target->contacts == before)
        world_turn(target->world);
    return target->last;
}

void world_open_tunnel(struct world *w, struct peer **client,
                       struct peer **origin)
{
    struct listener_peer *target = world_listen(w, "127.0.0.1");
    uint8_t request[64];

    assert_non_null(target);
    *client = world_socks_client(w);
    peer_send(*client, PX_LITERAL("\x05\x01\x00"));
    peer_send(*client, socks_request(request, PX_LITERAL("\x7f\x00\x00\x01"),
                                     target->port));
    *origin = world_accepted(target, 0);
    peer_await(*client, 12);
    assert_memory_equal((*client)->head, "\x05\x00\x05\x00\x00\x01", 6);
}

void peer_send(struct peer *p, struct px_bytes data)
{
    uv_buf_t buf = uv_buf_init((char *)data.data, (unsigned)data.len);

    assert_int_equal(uv_try_write((uv_stream_t *)&p->tcp, &buf, 1), data.len);
}

static void send_chunk(struct peer *p);

static void on_chunk_sent(uv_write_t *req, int status)
{
    struct peer *p = req->handle->data;

    if (status == 0)
        send_chunk(p);
}

static void send_chunk(struct peer *p)
{
    static uint8_t pattern[BULK_CHUNK + PATTERN_PERIOD];
    size_t len = p->bulk_len - p->bulk_sent;
    uv_buf_t buf;

    if (len == 0 && p->is_shut_behind_bulk)
        peer_shut(p);
    if (len == 0)
        return;
    for (size_t i = sizeof(pattern); pattern[1] == 0 && i-- > 0;)
        pattern[i] = pattern_at(i);
    if (len > BULK_CHUNK)
        len = BULK_CHUNK;
    buf = uv_buf_init((char *)pattern + p->bulk_sent % PATTERN_PERIOD,
                      (unsigned)len);
    p->bulk_sent += len;
    (void)uv_write(&p->write, (uv_stream_t *)&p->tcp, &buf, 1, on_chunk_sent);
}

void peer_shut_behind_bulk(struct peer *p)
{
    p->is_shut_behind_bulk = true;
}

void peer_send_bulk(struct peer *p, size_t len)
{
    p->bulk_sent = 0;
    p->bulk_len = len;
    send_chunk(p);
}

void peer_expect_bulk(struct peer *p)
{
    p->pattern_from = p->got;
}

static void on_shut(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status;
}

void peer_shut(struct peer *p)
{
    assert_int_equal(uv_shutdown(&p->shutdown, (uv_stream_t *)&p->tcp, on_shut),
                     0);
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;

    p->is_closed = true;
}

void peer_close(struct peer *p)
{
    if (p->is_open)
        uv_close((uv_handle_t *)&p->tcp, on_closed);
    p->is_open = false;
}

void peer_reset(struct peer *p)
{
    assert_int_equal(uv_tcp_close_reset(&p->tcp, on_closed), 0);
    p->is_open = false;
}

void peer_shrink_buffers(struct peer *p)
{
    int size = 16 * 1024;

    assert_int_equal(
        setsockopt(fd_of(p), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    assert_int_equal(
        setsockopt(fd_of(p), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

size_t peer_unacknowledged(struct peer *p)
{
    int octets = 0;

    assert_int_equal(ioctl(fd_of(p), SIOCOUTQ, &octets), 0);
    return (size_t)octets +
           uv_stream_get_write_queue_size((uv_stream_t *)&p->tcp);
}

void peer_await(struct peer *p, size_t len)
{
    while (p->got < len && !p->is_ended && !p->is_reset)
        world_turn(p->world);
}

void peer_expect(struct peer *p, struct px_bytes all)
{
    peer_await(p, all.len);
    assert_bytes_equal(px_bytes_of(p->head, p->got), all);
}

void peer_await_end(struct peer *p)
{
    while (!p->is_ended && !p->is_reset)
        world_turn(p->world);
    assert_true(p->is_ended);
}

void peer_await_reset(struct peer *p)
{
    while (!p->is_ended && !p->is_reset)
        world_turn(p->world);
    assert_true(p->is_reset);
}

struct px_bytes socks_request(uint8_t out[64], struct px_bytes ip,
                              uint16_t port)
{
    struct px_writer w = px_writer_over(out, 64);

    px_put_bytes(&w, PX_LITERAL("\x05\x01\x00"));
    px_put_u8(&w, ip.len == 4 ? 1 : 4);
    px_put_bytes(&w, ip);
    px_put_be16(&w, port);
    return px_written(&w);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_in in = {0};
    socklen_t len = sizeof(in);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    return ntohs(in.sin_port);
}

static int bound_socket(const char *address, uint16_t port)
{
    struct sockaddr_storage at = address_of(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&at, sizeof(struct sockaddr_in)), 0);
    return fd;
}

uint16_t world_closed_port(struct world *w)
{
    if (!w->closed_fd)
        w->closed_fd = bound_socket("127.0.0.1", 0);
    return bound_port(w->closed_fd);
}

uint16_t open_stuck_port(const char *address, uint16_t port, int fds[STUCK_FDS])
{
    struct sockaddr_storage at;

    fds[0] = bound_socket(address, port);
    assert_int_equal(listen(fds[0], 0), 0);
    port = bound_port(fds[0]);
    at = address_of(address, port);
    for (int i = 1; i < STUCK_FDS; i++) {
        fds[i] = bound_socket("127.0.0.1", 0);
        if (connect(fds[i], (const struct sockaddr *)&at,
                    sizeof(struct sockaddr_in)) != 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    return port;
}

void close_stuck_port(const int fds[STUCK_FDS])
{
    for (int i = 0; i < STUCK_FDS; i++)
        (void)close(fds[i]);
}
