#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_internal.h"

enum {
    EVENTS = 64,
    IN_MAX = 4096,
    /* A client that hears nothing for so long ends the measurement. */
    STALL_S = 5,
};

/*
 * One client: opens a tunnel, has an octet echoed, closes, begins again; or,
 * where handshakes are measured, resets the connection once it may be used.
 */
struct client {
    int fd; /* -1: none */
    size_t step;
    size_t in_len;
    uint8_t in[IN_MAX];
};

struct crowd {
    struct load *load;
    struct opening opening;
    size_t steps; /* of the opening, and the echo */
    struct client *clients;
    int epoll_fd;
    uint64_t done;
    struct px_error why; /* of the last failure */
};

static void leave(struct client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

static bool begin(struct crowd *w, struct client *c)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    const struct linger reset = {.l_onoff = 1};

    c->step = c->in_len = 0;
    c->fd = load_connect(w->load, SINK_ECHO, SOCK_NONBLOCK);
    if (c->fd >= 0 && w->load->kind == LOAD_HANDSHAKES)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    if (c->fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &event)) {
        (void)load_fail(&w->why, "cannot connect");
        return false;
    }
    return true;
}

/* What the step at hand says: of the opening, or the octet behind it. */
static bool speak(const struct crowd *w, struct client *c)
{
    const struct opening *o = &w->opening;
    bool is_open = c->step == o->count;
    const void *octets = is_open ? "x" : (const char *)o->steps[c->step].octets;
    size_t len = is_open ? 1 : o->steps[c->step].len;

    return send(c->fd, octets, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Reads; DONE when the step is over. */
static enum px_status listen_on(struct crowd *w, struct client *c)
{
    ssize_t got = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
    enum px_status status;
    size_t used;

    if (got < 0 && errno == EAGAIN)
        return PX_NEED_MORE;
    if (got < 0)
        return load_fail(&w->why, "a tunnel");
    if (got == 0)
        return px_fail(&w->why, 0, "the proxy closed before the echo");
    c->in_len += (size_t)got;
    if (c->step == w->opening.count)
        return PX_DONE;
    status = opening_read(w->opening.steps[c->step].reply,
                          px_bytes_of(c->in, c->in_len), &used, &w->why);
    if (status == PX_DONE)
        c->in_len = 0;
    return status;
}

/* PX_DONE: a tunnel more; PX_NEED_MORE: go on waiting. */
static enum px_status go_on(struct crowd *w, struct client *c, uint32_t events)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    enum px_status status;

    if (events & EPOLLOUT) { /* it is connected, or that failed */
        if (w->steps == 0)
            return events & EPOLLERR ? load_fail(&w->why, "cannot connect")
                                     : PX_DONE;
        if (epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0 ||
            !speak(w, c))
            return load_fail(&w->why, "cannot connect");
        return PX_NEED_MORE;
    }
    status = listen_on(w, c);
    if (status != PX_DONE)
        return status;
    if (++c->step == w->steps)
        return PX_DONE;
    return speak(w, c) ? PX_NEED_MORE : load_fail(&w->why, "a tunnel");
}

static bool serve(struct crowd *w, struct client *c, uint32_t events)
{
    enum px_status status = go_on(w, c, events);

    if (status == PX_NEED_MORE)
        return true;
    if (status == PX_DONE)
        w->done++;
    else
        w->load->failed++;
    leave(c);
    return begin(w, c);
}

/* Until deadline; false when nothing goes on any more. */
static bool crowd_run(struct crowd *w, double deadline)
{
    struct epoll_event events[EVENTS];
    double heard = load_now(), now = heard;

    while (now < deadline) {
        int count = epoll_wait(w->epoll_fd, events, EVENTS, 100);

        for (int i = 0; i < count; i++) {
            if (!serve(w, events[i].data.ptr, events[i].events))
                return false;
        }
        now = load_now();
        if (count > 0)
            heard = now;
        if (now - heard > STALL_S)
            return px_fail(&w->why, 0, "no answer for %d s", STALL_S) ==
                   PX_DONE;
    }
    return true;
}

static enum px_status measure(struct crowd *w, struct px_error *err)
{
    struct load *l = w->load;
    double began = load_now();
    uint64_t before;
    bool is_going = true;

    for (unsigned i = 0; i < l->streams && is_going; i++)
        is_going = begin(w, &w->clients[i]);
    is_going = is_going && crowd_run(w, began + l->seconds / 5);
    began = load_now();
    before = w->done;
    is_going = is_going && crowd_run(w, began + l->seconds * 4 / 5);
    l->per_second = (double)(w->done - before) / (load_now() - began);
    if (is_going && w->done > before)
        return PX_DONE;
    *err = w->why;
    return PX_ERROR;
}

enum px_status load_connects(struct load *l, struct px_error *err)
{
    struct crowd w = {.load = l};
    enum px_status status;

    opening_build(&w.opening, &l->route, sink_port(l->sink, SINK_ECHO));
    w.steps = w.opening.count + (l->kind == LOAD_HANDSHAKES ? 0 : 1);
    w.clients = calloc(l->streams, sizeof(*w.clients));
    w.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; w.clients && i < l->streams; i++)
        w.clients[i].fd = -1;
    if (!w.clients || w.epoll_fd < 0)
        status = load_fail(err, "the load");
    else
        status = measure(&w, err);
    for (unsigned i = 0; w.clients && i < l->streams; i++)
        leave(&w.clients[i]);
    if (w.epoll_fd >= 0)
        (void)close(w.epoll_fd);
    free(w.clients);
    return status;
}
