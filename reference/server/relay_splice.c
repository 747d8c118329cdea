#include "relay_splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PIPE_OCTETS = 256 * 1024, /* asked for; the system may give less */
    ROUNDS = 4,               /* pipes a side may fill before others' turn */
    EVENTS = 64,
    SPARE_PIPES_MAX = 32,
};

struct pipe {
    struct pipe *next; /* among those to spare */
    int out, in;
};

/* How a side has ended; the later is the worse. */
enum ending { ENDS_NOT, ENDS_FIN, ENDS_RST };

/* What one side sends to the other. */
struct flow {
    struct pipe *pipe; /* NULL: nothing is held */
    size_t held;
    enum ending ending, told;
    bool is_readable;   /* its source, as far as is known */
    bool is_writable;   /* its sink, likewise */
    bool is_discarding; /* its sink takes nothing any more */
};

struct relay_splice {
    struct splicer *splicer;
    struct relay_splice *next; /* among those that can move octets */
    bool is_queued;
    bool is_running; /* its events are being told */
    bool is_closed;  /* meanwhile */
    const struct splice_events *events;
    void *owner;
    int fds[SPLICE_SIDES];
    struct flow flows[SPLICE_SIDES]; /* by their source */
};

/*
 * Sockets are watched by an epoll set of our own, edge-triggered: a socket is
 * added once and costs no further call while what can be done to it changes.
 */
struct splicer {
    uv_poll_t poll; /* data points back here */
    uv_idle_t idle; /* runs while tunnels are queued */
    int epoll_fd;
    unsigned open_handles; /* freed at 0 */
    struct relay_splice *first, *last;
    size_t queued;
    struct pipe *spare;
    size_t spare_count;
};

static void free_pipe(struct pipe *p)
{
    (void)close(p->out);
    (void)close(p->in);
    free(p);
}

static struct pipe *new_pipe(void)
{
    struct pipe *p = malloc(sizeof(*p));
    int fds[2];

    if (!p)
        return NULL;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(p);
        return NULL;
    }
    (void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_OCTETS);
    p->out = fds[0];
    p->in = fds[1];
    return p;
}

static struct pipe *take_pipe(struct splicer *s)
{
    struct pipe *p = s->spare;

    if (!p)
        return new_pipe();
    s->spare = p->next;
    s->spare_count--;
    return p;
}

static void give_pipe(struct splicer *s, struct flow *f)
{
    struct pipe *p = f->pipe;

    if (!p)
        return;
    f->pipe = NULL;
    if (f->held || s->spare_count == SPARE_PIPES_MAX) {
        f->held = 0;
        free_pipe(p);
        return;
    }
    p->next = s->spare;
    s->spare = p;
    s->spare_count++;
}

static void queue(struct relay_splice *r)
{
    struct splicer *s = r->splicer;

    if (r->is_queued)
        return;
    r->is_queued = true;
    r->next = NULL;
    if (s->last)
        s->last->next = r;
    else
        s->first = r;
    s->last = r;
    s->queued++;
}

static struct relay_splice *dequeue(struct splicer *s)
{
    struct relay_splice *r = s->first;

    s->first = r->next;
    if (!s->first)
        s->last = NULL;
    s->queued--;
    r->is_queued = false;
    return r;
}

static void unqueue(struct relay_splice *r)
{
    struct splicer *s = r->splicer;
    struct relay_splice *before = NULL;

    if (!r->is_queued)
        return;
    for (struct relay_splice *at = s->first; at != r; at = at->next)
        before = at;
    if (before)
        before->next = r->next;
    else
        s->first = r->next;
    if (s->last == r)
        s->last = before;
    s->queued--;
    r->is_queued = false;
}

/* The error that waits at a socket, which is told once; 0: none. */
static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

/* A sink failed. What it sent before a reset may still wait to be read, so
 * that reading from it tells; unless nothing more can be read. */
static void lose_sink(struct relay_splice *r, enum splice_side from, int error)
{
    struct flow *f = &r->flows[from];
    struct flow *back = &r->flows[!from];

    f->is_discarding = true;
    if (f->pipe) {
        free_pipe(f->pipe);
        f->pipe = NULL;
        f->held = 0;
    }
    if (back->ending == ENDS_FIN || (error != EPIPE && error != ECONNRESET))
        back->ending = ENDS_RST;
    back->is_readable = true;
}

static void source_ended(struct relay_splice *r, enum splice_side from)
{
    struct flow *f = &r->flows[from];
    bool is_reset =
        r->flows[!from].is_discarding || socket_error(r->fds[from]) != 0;

    f->ending = is_reset ? ENDS_RST : ENDS_FIN;
}

/* splice() that no signal disturbs: nothing would tell to try again. */
static ssize_t splice_some(int from, int to, size_t len)
{
    ssize_t moved;

    do
        moved = splice(from, NULL, to, NULL, len,
                       SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    while (moved < 0 && errno == EINTR);
    return moved;
}

/* What came of reading up to a pipe full; true when octets did. */
static bool note_read(struct relay_splice *r, enum splice_side from,
                      ssize_t got)
{
    struct flow *f = &r->flows[from];

    if (got > 0)
        return true;
    if (got == 0)
        source_ended(r, from);
    else if (errno == EAGAIN)
        f->is_readable = false;
    else
        f->ending = ENDS_RST;
    return false;
}

/*
 * Without a pipe, since descriptors are short: octets stay with the system
 * until it has taken them for the other side. Slower, but nothing is held.
 */
static bool copy(struct relay_splice *r, enum splice_side from)
{
    struct flow *f = &r->flows[from];
    uint8_t buffer[16 * 1024];
    ssize_t got =
        recv(r->fds[from], buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT);
    ssize_t sent;

    if (!note_read(r, from, got))
        return false;
    sent =
        send(r->fds[!from], buffer, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno == EAGAIN)
            f->is_writable = false;
        else
            lose_sink(r, from, errno);
        return errno != EAGAIN;
    }
    return recv(r->fds[from], buffer, (size_t)sent, MSG_DONTWAIT) == sent;
}

static bool fill(struct relay_splice *r, enum splice_side from)
{
    struct flow *f = &r->flows[from];
    ssize_t got;

    if (!f->is_readable || f->ending != ENDS_NOT || f->held)
        return false;
    if (f->is_discarding)
        return note_read(
            r, from,
            recv(r->fds[from], NULL, PIPE_OCTETS, MSG_TRUNC | MSG_DONTWAIT));
    if (!f->pipe)
        f->pipe = take_pipe(r->splicer);
    if (!f->pipe)
        return f->is_writable && copy(r, from);
    got = splice_some(r->fds[from], f->pipe->in, PIPE_OCTETS);
    if (!note_read(r, from, got))
        return false;
    f->held = (size_t)got;
    return true;
}

static bool drain(struct relay_splice *r, enum splice_side from)
{
    struct flow *f = &r->flows[from];
    ssize_t sent;

    if (!f->held || !f->is_writable)
        return false;
    sent = splice_some(f->pipe->out, r->fds[!from], f->held);
    if (sent > 0) {
        f->held -= (size_t)sent;
        return true;
    }
    if (sent == 0 || errno == EAGAIN)
        f->is_writable = false;
    else
        lose_sink(r, from, errno);
    return false;
}

/* True when the side's turn is over before all was moved that can be. */
static bool move(struct relay_splice *r, enum splice_side from)
{
    for (int i = 0; i < ROUNDS; i++) {
        bool is_filled = fill(r, from);
        bool is_drained = drain(r, from);

        if (!is_filled && !is_drained)
            return false;
    }
    return true;
}

/* Behind what was moved: how it ended, and the pipe is another's to take. */
static void settle(struct relay_splice *r, enum splice_side from)
{
    struct flow *f = &r->flows[from];

    if (f->held)
        return;
    give_pipe(r->splicer, f);
    if (f->ending == f->told)
        return;
    f->told = f->ending;
    if (f->ending == ENDS_RST)
        r->events->on_reset(r->owner, from);
    else
        r->events->on_end(r->owner, from);
}

static void run(struct relay_splice *r)
{
    bool has_more = move(r, SPLICE_CLIENT);

    has_more = move(r, SPLICE_UPSTREAM) || has_more;
    r->is_running = true;
    settle(r, SPLICE_CLIENT);
    if (!r->is_closed)
        settle(r, SPLICE_UPSTREAM);
    r->is_running = false;
    if (r->is_closed)
        free(r);
    else if (has_more)
        queue(r);
}

/* Each queued tunnel once; those that have more queue up behind. */
static void run_queued(struct splicer *s)
{
    for (size_t turns = s->queued; turns && s->first; turns--) {
        run(dequeue(s));
    }
}

static void on_idle(uv_idle_t *idle);

/* libuv does not wait for events while an idle handle is active. */
static void keep_running(struct splicer *s)
{
    if (s->first)
        uv_idle_start(&s->idle, on_idle);
    else
        uv_idle_stop(&s->idle);
}

static void on_idle(uv_idle_t *idle)
{
    struct splicer *s = idle->data;

    run_queued(s);
    keep_running(s);
}

/* data says which side of which tunnel: tunnels are aligned. */
static void note_event(const struct epoll_event *event)
{
    enum splice_side side =
        event->data.u64 & 1 ? SPLICE_UPSTREAM : SPLICE_CLIENT;
    struct relay_splice *r = // NOLINTNEXTLINE(performance-no-int-to-ptr)
        (struct relay_splice *)(uintptr_t)(event->data.u64 & ~UINT64_C(1));
    struct flow *out = &r->flows[side];
    struct flow *in = &r->flows[!side];
    bool has_failed = event->events & (EPOLLERR | EPOLLHUP);

    if (has_failed || event->events & (EPOLLIN | EPOLLRDHUP))
        out->is_readable = true;
    if (has_failed || event->events & EPOLLOUT)
        in->is_writable = true;
    if (event->events & EPOLLERR && out->ending == ENDS_FIN &&
        socket_error(r->fds[side]) != 0)
        out->ending = ENDS_RST;
    queue(r);
}

static void on_ready(uv_poll_t *poll, int status, int what)
{
    struct splicer *s = poll->data;
    struct epoll_event events[EVENTS];
    int count = epoll_wait(s->epoll_fd, events, EVENTS, 0);

    (void)status;
    (void)what;
    for (int i = 0; i < count; i++)
        note_event(&events[i]);
    run_queued(s);
    keep_running(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct splicer *s = handle->data;

    if (--s->open_handles)
        return;
    while (s->spare) {
        struct pipe *p = s->spare;

        s->spare = p->next;
        free_pipe(p);
    }
    (void)close(s->epoll_fd);
    free(s);
}

struct splicer *splicer_new(uv_loop_t *loop)
{
    struct splicer *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0 || uv_poll_init(loop, &s->poll, s->epoll_fd) != 0) {
        if (s->epoll_fd >= 0)
            (void)close(s->epoll_fd);
        free(s);
        return NULL;
    }
    uv_idle_init(loop, &s->idle);
    s->poll.data = s->idle.data = s;
    s->open_handles = 2;
    uv_poll_start(&s->poll, UV_READABLE, on_ready);
    return s;
}

void splicer_close(struct splicer *s)
{
    if (!s)
        return;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->idle, on_closed);
}

static bool watch(struct relay_splice *r, enum splice_side side)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.u64 = (uint64_t)(uintptr_t)r | (side == SPLICE_UPSTREAM),
    };

    return epoll_ctl(r->splicer->epoll_fd, EPOLL_CTL_ADD, r->fds[side],
                     &event) == 0;
}

static void unwatch(struct relay_splice *r, enum splice_side side)
{
    (void)epoll_ctl(r->splicer->epoll_fd, EPOLL_CTL_DEL, r->fds[side], NULL);
}

struct relay_splice *relay_splice_new(struct splicer *s,
                                      const int fds[SPLICE_SIDES],
                                      const bool has_ended[SPLICE_SIDES],
                                      const struct splice_events *events,
                                      void *owner)
{
    struct relay_splice *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->splicer = s;
    r->events = events;
    r->owner = owner;
    for (int side = 0; side < SPLICE_SIDES; side++) {
        struct flow *f = &r->flows[side];

        r->fds[side] = fds[side];
        f->ending = f->told = has_ended[side] ? ENDS_FIN : ENDS_NOT;
    }
    if (!watch(r, SPLICE_CLIENT) || !watch(r, SPLICE_UPSTREAM)) {
        unwatch(r, SPLICE_CLIENT);
        free(r);
        return NULL;
    }
    return r; /* what is there already is an event, too */
}

size_t relay_splice_held(const struct relay_splice *r)
{
    return r->flows[SPLICE_CLIENT].held + r->flows[SPLICE_UPSTREAM].held;
}

void relay_splice_close(struct relay_splice *r)
{
    if (!r || r->is_closed)
        return;
    for (int side = 0; side < SPLICE_SIDES; side++) {
        unwatch(r, side);
        give_pipe(r->splicer, &r->flows[side]);
    }
    unqueue(r);
    r->is_closed = true;
    if (!r->is_running)
        free(r);
}
