#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum {
    BACKLOG = 4096,
    EVENTS = 128,
    BUFFER = 256 * 1024,
    HEAD_MAX = 4096, /* of a request */
    LISTENER = SINK_KINDS,
    ACCEPTS = 64, /* in a row, before others' turn */
    WRITES = 4,
};

/* A listener or connection; data of its epoll event. */
struct place {
    int fd;
    enum sink_kind kind;
    bool is_listener;
    struct place *next, *previous; /* of connections */
    /* HTTP only */
    uint64_t left; /* of the body that is being sent */
    size_t head_len;
    char *head;
    bool awaits_room; /* EPOLLOUT is asked for */
};

struct sink {
    pthread_t thread;
    int epoll_fd;
    int stop_fd; /* an eventfd */
    struct place listeners[SINK_KINDS];
    uint16_t ports[SINK_KINDS];
    struct place *head;
    atomic_uint_fast64_t discarded;
    uint8_t *buffer; /* what is read */
    uint8_t *zeros;
};

static void drop(struct sink *s, struct place *p)
{
    if (p->previous)
        p->previous->next = p->next;
    else
        s->head = p->next;
    if (p->next)
        p->next->previous = p->previous;
    (void)close(p->fd);
    free(p->head);
    free(p);
}

static bool watch(struct sink *s, struct place *p, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.ptr = p};

    return epoll_ctl(s->epoll_fd, how, p->fd, &event) == 0;
}

static void add(struct sink *s, enum sink_kind kind, int fd)
{
    struct place *p = calloc(1, sizeof(*p));
    const int on = 1;

    if (!p) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    p->fd = fd;
    p->kind = kind;
    p->next = s->head;
    if (p->next)
        p->next->previous = p;
    s->head = p;
    if (!watch(s, p, kind == SINK_SOURCE ? EPOLLIN | EPOLLOUT : EPOLLIN,
               EPOLL_CTL_ADD))
        drop(s, p);
}

static void accept_some(struct sink *s, const struct place *listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        int fd =
            accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        add(s, listener->kind, fd);
    }
}

static bool is_over(ssize_t moved)
{
    return moved == 0 || (moved < 0 && errno != EAGAIN && errno != EINTR);
}

/* Each is false when the connection is over. */

static bool echo(struct sink *s, const struct place *p)
{
    ssize_t got = recv(p->fd, s->buffer, BUFFER, 0);

    if (got <= 0)
        return !is_over(got);
    return send(p->fd, s->buffer, (size_t)got, MSG_NOSIGNAL) == got;
}

static bool discard(struct sink *s, const struct place *p)
{
    ssize_t got = recv(p->fd, s->buffer, BUFFER, 0);

    if (got <= 0)
        return !is_over(got);
    if (p->kind == SINK_DISCARD)
        atomic_fetch_add(&s->discarded, (uint_fast64_t)got);
    return true;
}

static bool pour(struct sink *s, const struct place *p, uint32_t events)
{
    if (events & EPOLLIN && !discard(s, p))
        return false;
    for (int i = 0; i < WRITES; i++) {
        ssize_t sent = send(p->fd, s->zeros, BUFFER, MSG_NOSIGNAL);

        if (sent < BUFFER)
            return sent > 0 || !is_over(sent);
    }
    return true;
}

/* GET /N or GET http://HOST/N: N octets are asked for. */
static uint64_t length_asked(const char *head)
{
    const char *path = strchr(head, ' ');
    const char *end = path ? strchr(path + 1, ' ') : NULL;
    const char *slash = end ? memrchr(path, '/', (size_t)(end - path)) : NULL;

    return slash ? strtoull(slash + 1, NULL, 10) : 0;
}

static bool send_body(struct sink *s, struct place *p)
{
    for (int i = 0; p->left && i < WRITES; i++) {
        size_t len = p->left < BUFFER ? (size_t)p->left : BUFFER;
        ssize_t sent = send(p->fd, s->zeros, len, MSG_NOSIGNAL);

        if (sent < 0)
            return !is_over(sent);
        p->left -= (uint64_t)sent;
    }
    return true;
}

static bool answer(struct sink *s, struct place *p, size_t head_len)
{
    uint8_t out[1024];
    int len;

    p->left = length_asked(p->head);
    p->head_len -= head_len;
    memmove(p->head, p->head + head_len, p->head_len);
    len = snprintf((char *)out, sizeof(out),
                   "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                   (unsigned long long)p->left);
    if (p->left <= sizeof(out) - (size_t)len) { /* in one piece */
        memset(out + len, 0, p->left);
        len += (int)p->left;
        p->left = 0;
    }
    return send(p->fd, out, (size_t)len, MSG_NOSIGNAL) == len &&
           send_body(s, p);
}

static bool serve_http(struct sink *s, struct place *p, uint32_t events)
{
    const char *end;
    ssize_t got;

    if (!p->head && !(p->head = malloc(HEAD_MAX + 1)))
        return false;
    if (events & EPOLLIN && p->head_len < HEAD_MAX) {
        got = recv(p->fd, p->head + p->head_len, HEAD_MAX - p->head_len, 0);
        if (is_over(got))
            return false;
        p->head_len += got > 0 ? (size_t)got : 0;
    }
    if (!send_body(s, p))
        return false;
    while (!p->left) {
        p->head[p->head_len] = '\0';
        end = strstr(p->head, "\r\n\r\n");
        if (!end)
            break;
        if (!answer(s, p, (size_t)(end - p->head) + 4))
            return false;
    }
    if ((p->left > 0) == p->awaits_room)
        return true;
    p->awaits_room = p->left > 0;
    return watch(s, p, p->awaits_room ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static bool serve(struct sink *s, struct place *p, uint32_t events)
{
    switch (p->kind) {
    case SINK_ECHO:
        return echo(s, p);
    case SINK_DISCARD:
        return discard(s, p);
    case SINK_SOURCE:
        return pour(s, p, events);
    case SINK_HTTP:
        return serve_http(s, p, events);
    case SINK_KINDS:
        break;
    }
    return false;
}

/* The thread: until stop_fd, whose place is NULL, can be read. */
static void *run(void *arg)
{
    struct sink *s = arg;
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(s->epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct place *p = events[i].data.ptr;

            if (!p)
                return NULL;
            if (p->is_listener)
                accept_some(s, p);
            else if (!serve(s, p, events[i].events))
                drop(s, p);
        }
    }
}

static int listen_on(struct in_addr address, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = address};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&at, len) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        int error = errno;

        (void)close(fd);
        errno = error;
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static bool open_ports(struct sink *s, struct in_addr address)
{
    struct epoll_event stop = {.events = EPOLLIN};

    for (int kind = 0; kind < SINK_KINDS; kind++) {
        struct place *p = &s->listeners[kind];

        p->kind = kind;
        p->is_listener = true;
        p->fd = listen_on(address, &s->ports[kind]);
        if (p->fd < 0 || !watch(s, p, EPOLLIN, EPOLL_CTL_ADD))
            return false;
    }
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->stop_fd, &stop) == 0;
}

/* Everything but the thread. */
static void release(struct sink *s)
{
    struct place *next;

    for (struct place *p = s->head; p; p = next) {
        next = p->next;
        (void)close(p->fd);
        free(p->head);
        free(p);
    }
    for (int kind = 0; kind < SINK_KINDS; kind++) {
        if (s->listeners[kind].fd > 0)
            (void)close(s->listeners[kind].fd);
    }
    if (s->stop_fd >= 0)
        (void)close(s->stop_fd);
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd);
    free(s->buffer);
    free(s->zeros);
    free(s);
}

struct sink *sink_open(struct in_addr address, struct px_error *err)
{
    struct sink *s = calloc(1, sizeof(*s));
    int error;

    if (!s) {
        (void)px_fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->buffer = malloc(BUFFER);
    s->zeros = calloc(1, BUFFER);
    if (s->epoll_fd < 0 || s->stop_fd < 0 || !s->buffer || !s->zeros ||
        !open_ports(s, address)) {
        (void)px_fail(err, errno, "the targets cannot listen: %s",
                      strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        release(s);
        return NULL;
    }
    error = pthread_create(&s->thread, NULL, run, s);
    if (error) {
        (void)px_fail(err, error, "no thread for the targets");
        release(s);
        return NULL;
    }
    return s;
}

uint16_t sink_port(const struct sink *s, enum sink_kind kind)
{
    return s->ports[kind];
}

uint64_t sink_discarded(const struct sink *s)
{
    return atomic_load(&s->discarded);
}

void sink_close(struct sink *s)
{
    if (!s)
        return;
    (void)eventfd_write(s->stop_fd, 1);
    (void)pthread_join(s->thread, NULL);
    release(s);
}
