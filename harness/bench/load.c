#include "load_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    STREAMS_MAX = 4096,
    BUFFER = 256 * 1024,
    EVENTS = 64,
    ANSWER_S = 10, /* how long an answer of the opening may take */
};

double load_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

enum px_status load_fail(struct px_error *err, const char *what)
{
    return px_fail(err, errno, "%s: %s", what,
                   strerror(errno)); // NOLINT(concurrency-mt-unsafe)
}

static struct sockaddr_storage place_of(const struct load *l,
                                        enum sink_kind kind)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&at;

    if (l->route.protocol != BENCH_DIRECT)
        return l->route.proxy;
    in->sin_family = AF_INET;
    in->sin_addr = l->route.target;
    in->sin_port = htons(sink_port(l->sink, kind));
    return at;
}

int load_connect(const struct load *l, enum sink_kind kind, int flags)
{
    struct sockaddr_storage at = place_of(l, kind);
    socklen_t len = at.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                             : sizeof(struct sockaddr_in);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    const int on = 1;
    int error;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&at, len) == 0 || errno == EINPROGRESS)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* One step of an opening, on a socket that blocks. */
static enum px_status say(int fd, const struct opening *o, size_t step,
                          struct px_error *err)
{
    uint8_t in[4096];
    size_t len = 0, used;
    enum px_status status = PX_NEED_MORE;

    if (send(fd, o->steps[step].octets, o->steps[step].len, MSG_NOSIGNAL) < 0)
        return load_fail(err, "the opening");
    while (status == PX_NEED_MORE) {
        ssize_t got = recv(fd, in + len, sizeof(in) - len, 0);

        if (got < 0)
            return load_fail(err, "the opening");
        if (got == 0)
            return px_fail(err, 0, "the proxy closed during the opening");
        len += (size_t)got;
        status = opening_read(o->steps[step].reply, px_bytes_of(in, len), &used,
                              err);
    }
    return status;
}

enum px_status load_open(const struct load *l, enum sink_kind kind, int *out,
                         struct px_error *err)
{
    const struct timeval within = {.tv_sec = ANSWER_S};
    struct opening o;
    int fd = load_connect(l, kind, 0);

    if (fd < 0)
        return load_fail(err, "cannot connect");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof(within));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &within, sizeof(within));
    opening_build(&o, &l->route, sink_port(l->sink, kind));
    for (size_t i = 0; i < o.count; i++) {
        enum px_status status = say(fd, &o, i, err);

        if (status != PX_DONE) {
            (void)close(fd);
            return status;
        }
    }
    *out = fd;
    return PX_DONE;
}

void load_release(struct load *l)
{
    for (unsigned i = 0; l->held && i < l->streams; i++) {
        if (l->held[i] >= 0)
            (void)close(l->held[i]);
    }
    free(l->held);
    l->held = NULL;
}

/* Opens l->streams tunnels into l->held. */
static enum px_status open_all(struct load *l, enum sink_kind kind,
                               struct px_error *err)
{
    enum px_status status = PX_DONE;

    l->held = malloc(l->streams * sizeof(*l->held));
    if (!l->held)
        return load_fail(err, "memory");
    for (unsigned i = 0; i < l->streams; i++)
        l->held[i] = -1;
    for (unsigned i = 0; i < l->streams && status == PX_DONE; i++)
        status = load_open(l, kind, &l->held[i], err);
    if (status != PX_DONE)
        load_release(l);
    return status;
}

static enum px_status echo_once(int fd, uint8_t *octets, size_t len,
                                struct px_error *err)
{
    size_t had = 0;

    if (send(fd, octets, len, MSG_NOSIGNAL) != (ssize_t)len)
        return load_fail(err, "an octet into the tunnel");
    while (had < len) {
        ssize_t got = recv(fd, octets + had, len - had, 0);

        if (got < 0)
            return load_fail(err, "the echo");
        if (got == 0)
            return px_fail(err, 0, "the tunnel was closed");
        had += (size_t)got;
    }
    return PX_DONE;
}

/* Tunnels that have carried something, so that all is in place for them. */
static enum px_status hold(struct load *l, struct px_error *err)
{
    uint8_t octet = 'x';
    enum px_status status = open_all(l, SINK_ECHO, err);

    for (unsigned i = 0; i < l->streams && status == PX_DONE; i++)
        status = echo_once(l->held[i], &octet, 1, err);
    if (status != PX_DONE)
        load_release(l);
    return status;
}

/* Waits until one of the streams can be read (or written). */
static int watch_all(const struct load *l, uint32_t events)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    for (unsigned i = 0; epoll_fd >= 0 && i < l->streams; i++) {
        struct epoll_event event = {.events = events, .data.fd = l->held[i]};

        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, l->held[i], &event) != 0) {
            (void)close(epoll_fd);
            return -1;
        }
    }
    return epoll_fd;
}

static ssize_t move_some(int fd, uint8_t *buffer, bool is_up)
{
    return is_up ? send(fd, buffer, BUFFER, MSG_NOSIGNAL | MSG_DONTWAIT)
                 : recv(fd, buffer, BUFFER, MSG_DONTWAIT);
}

/* Moves octets until deadline; how many, or -1 when a stream ended. */
static int64_t pump(int epoll_fd, bool is_up, double deadline, uint8_t *buffer)
{
    struct epoll_event events[EVENTS];
    int64_t moved = 0;

    while (load_now() < deadline) {
        int count = epoll_wait(epoll_fd, events, EVENTS, 100);

        for (int i = 0; i < count; i++) {
            ssize_t n = move_some(events[i].data.fd, buffer, is_up);

            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return -1;
            moved += n > 0 ? n : 0;
        }
    }
    return moved;
}

/* The first moments do not count; octets do where they arrive. */
static enum px_status measure_bulk(struct load *l, int epoll_fd,
                                   uint8_t *buffer, struct px_error *err)
{
    bool is_up = l->kind == LOAD_UP;
    double warm = load_now() + l->seconds / 5, began;
    int64_t moved = pump(epoll_fd, is_up, warm, buffer);
    uint64_t before = sink_discarded(l->sink);

    began = load_now();
    if (moved >= 0)
        moved = pump(epoll_fd, is_up, began + l->seconds * 4 / 5, buffer);
    if (moved < 0)
        return px_fail(err, 0, "a tunnel was closed under load");
    if (is_up)
        moved = (int64_t)(sink_discarded(l->sink) - before);
    l->per_second = (double)moved / (load_now() - began);
    return PX_DONE;
}

static enum px_status bulk(struct load *l, struct px_error *err)
{
    bool is_up = l->kind == LOAD_UP;
    enum px_status status =
        open_all(l, is_up ? SINK_DISCARD : SINK_SOURCE, err);
    uint8_t *buffer;
    int epoll_fd;

    if (status != PX_DONE)
        return status;
    buffer = calloc(1, BUFFER);
    epoll_fd = watch_all(l, is_up ? EPOLLOUT : EPOLLIN);
    if (!buffer || epoll_fd < 0)
        status = load_fail(err, "the load");
    else
        status = measure_bulk(l, epoll_fd, buffer, err);
    if (epoll_fd >= 0)
        (void)close(epoll_fd);
    free(buffer);
    load_release(l);
    return status;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static enum px_status measure_echo(struct load *l, int fd, struct px_error *err)
{
    enum { OCTETS = 64, TIMES_MAX = 1000 * 1000 };
    uint8_t octets[OCTETS] = {0};
    float *times = malloc(TIMES_MAX * sizeof(*times));
    double deadline = load_now() + l->seconds, began = load_now(), now;
    enum px_status status = PX_DONE;
    size_t count = 0;

    if (!times)
        return load_fail(err, "memory");
    while (began < deadline && count < TIMES_MAX && status == PX_DONE) {
        status = echo_once(fd, octets, OCTETS, err);
        now = load_now();
        times[count++] = (float)((now - began) * 1e6);
        began = now;
    }
    if (status == PX_DONE && count) {
        qsort(times, count, sizeof(*times), compare);
        l->p50_us = (double)times[count / 2];
        l->p99_us = (double)times[count - 1 - count / 100];
        l->per_second = (double)count / l->seconds;
    }
    free(times);
    return status;
}

static enum px_status echo(struct load *l, struct px_error *err)
{
    int fd = -1;
    enum px_status status = load_open(l, SINK_ECHO, &fd, err);

    if (status != PX_DONE)
        return status;
    status = measure_echo(l, fd, err);
    (void)close(fd);
    return status;
}

enum px_status load_run(struct load *l, struct px_error *err)
{
    l->per_second = l->p50_us = l->p99_us = 0;
    l->failed = 0;
    l->held = NULL;
    if (l->streams < 1 || l->streams > STREAMS_MAX)
        return px_fail(err, 0, "1 to %d streams can be opened", STREAMS_MAX);
    switch (l->kind) {
    case LOAD_DOWN:
    case LOAD_UP:
        return bulk(l, err);
    case LOAD_CONNECTS:
    case LOAD_HANDSHAKES:
        return load_connects(l, err);
    case LOAD_ECHO:
        return echo(l, err);
    case LOAD_REQUESTS:
    case LOAD_RESPONSE:
        return load_requests(l, err);
    case LOAD_HOLD:
        return hold(l, err);
    }
    return px_fail(err, 0, "no load of any kind");
}
