#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_internal.h"

/*
 * Requests in absolute form (RFC 9112 section 3.2.2) for the proxy to forward,
 * in origin form when there is none.
 */

enum {
    EVENTS = 64,
    BUFFER = 256 * 1024,
    HEAD_MAX = 8 * 1024,
    SMALL = 100, /* octets of an answer */
    REQUEST_MAX = 2048,
    STALL_S = 5,
};

#define MUCH (UINT64_C(1) << 40)

struct asker {
    int fd;
    size_t head_len; /* of the head that is being read */
    uint64_t left;   /* of the body */
    bool is_in_body;
    bool has_answer; /* one came whole on this connection */
    char head[HEAD_MAX + 1];
};

struct crowd {
    struct load *load;
    uint8_t request[REQUEST_MAX];
    size_t request_len;
    struct asker *askers;
    int epoll_fd;
    uint8_t *buffer;
    uint64_t done;   /* answers */
    uint64_t octets; /* of bodies */
};

static void build(struct crowd *w)
{
    const struct load *l = w->load;
    struct px_writer out = px_writer_over(w->request, REQUEST_MAX);
    char text[INET_ADDRSTRLEN], host[INET_ADDRSTRLEN + sizeof(":65535")];

    (void)inet_ntop(AF_INET, &l->route.target, text, sizeof(text));
    (void)snprintf(host, sizeof(host), "%s:%u", text,
                   (unsigned)sink_port(l->sink, SINK_HTTP));
    px_put_text(&out, "GET ");
    if (l->route.protocol != BENCH_DIRECT) {
        px_put_text(&out, "http://");
        px_put_text(&out, host);
    }
    px_put_text(&out, "/");
    px_put_decimal(&out, l->kind == LOAD_REQUESTS ? SMALL : MUCH);
    px_put_text(&out, " HTTP/1.1\r\nHost: ");
    px_put_text(&out, host);
    if (l->route.user) {
        px_put_text(&out, "\r\nProxy-Authorization: ");
        bench_put_basic(&out, &l->route);
    }
    px_put_text(&out, "\r\n\r\n");
    w->request_len = px_written(&out).len;
}

static bool ask(const struct crowd *w, const struct asker *a)
{
    return send(a->fd, w->request, w->request_len, MSG_NOSIGNAL) ==
           (ssize_t)w->request_len;
}

/* A head that says 200 and how long its body is. */
static enum px_status read_head(struct asker *a, struct px_error *err)
{
    char *end = strstr(a->head, "\r\n\r\n");
    const char *length;
    size_t used;

    if (!end && a->head_len == HEAD_MAX)
        return px_fail(err, 0, "the answer's head has no end");
    if (!end)
        return PX_NEED_MORE;
    if (strlen(a->head) < 12 || strncmp(a->head + 8, " 200", 4) != 0)
        return px_fail(err, 0, "the proxy does not forward: it answers %.12s",
                       a->head);
    *end = '\0';
    length = strcasestr(a->head, "\r\ncontent-length:");
    if (!length)
        return px_fail(err, 0, "an answer came without Content-Length");
    a->left = strtoull(length + sizeof("\r\ncontent-length:") - 1, NULL, 10);
    a->is_in_body = true;
    used = (size_t)(end - a->head) + 4;
    a->head_len -= used;
    memmove(a->head, a->head + used, a->head_len + 1);
    return PX_DONE;
}

/* Octets of the body: of those behind a head first, then as they come. */
static void take_body(struct crowd *w, struct asker *a, size_t len)
{
    size_t taken = len < a->left ? len : (size_t)a->left;

    a->left -= taken;
    w->octets += taken;
    if (a->left == 0) {
        a->is_in_body = false;
        a->has_answer = true;
        w->done++;
    }
}

static bool begin(struct crowd *w, struct asker *a)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = a};

    a->has_answer = false;
    a->fd = load_connect(w->load, SINK_HTTP, 0);
    return a->fd >= 0 && ask(w, a) &&
           epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, a->fd, &event) == 0;
}

/* A connection may end behind any answer (RFC 9112 section 9.5): the next
 * request takes another one. */
static enum px_status begin_again(struct crowd *w, struct asker *a,
                                  struct px_error *err)
{
    if (a->is_in_body || a->head_len || !a->has_answer)
        return px_fail(err, 0, "the connection was closed under load");
    (void)close(a->fd);
    return begin(w, a) ? PX_NEED_MORE : load_fail(err, "cannot connect");
}

static enum px_status read_some(struct crowd *w, struct asker *a,
                                struct px_error *err)
{
    char *to = a->is_in_body ? (char *)w->buffer : a->head + a->head_len;
    size_t room = a->is_in_body ? BUFFER : HEAD_MAX - a->head_len;
    ssize_t got = recv(a->fd, to, room, MSG_DONTWAIT);
    enum px_status status;

    if (got < 0 && errno == EAGAIN)
        return PX_NEED_MORE;
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return begin_again(w, a, err);
    if (got < 0)
        return load_fail(err, "an answer");
    if (a->is_in_body) {
        take_body(w, a, (size_t)got);
    } else {
        a->head_len += (size_t)got;
        a->head[a->head_len] = '\0';
        status = read_head(a, err);
        if (status != PX_DONE)
            return status;
        take_body(w, a, a->head_len);
        a->head_len = 0; /* nothing was asked for that could be behind it */
    }
    if (a->is_in_body)
        return PX_NEED_MORE;
    if (ask(w, a) || errno == EPIPE || errno == ECONNRESET)
        return PX_NEED_MORE; /* in the latter cases reading tells */
    return load_fail(err, "a request");
}

static enum px_status crowd_run(struct crowd *w, double deadline,
                                struct px_error *err)
{
    struct epoll_event events[EVENTS];
    double heard = load_now(), now = heard;

    while (now < deadline) {
        int count = epoll_wait(w->epoll_fd, events, EVENTS, 100);

        for (int i = 0; i < count; i++) {
            if (read_some(w, events[i].data.ptr, err) == PX_ERROR)
                return PX_ERROR;
        }
        now = load_now();
        if (count > 0)
            heard = now;
        if (now - heard > STALL_S)
            return px_fail(err, 0, "no answer for %d s", STALL_S);
    }
    return PX_DONE;
}

static enum px_status measure(struct crowd *w, struct px_error *err)
{
    struct load *l = w->load;
    uint64_t done, octets;
    double began;

    for (unsigned i = 0; i < l->streams; i++) {
        if (!begin(w, &w->askers[i]))
            return load_fail(err, "cannot connect");
    }
    if (crowd_run(w, load_now() + l->seconds / 5, err) != PX_DONE)
        return PX_ERROR;
    began = load_now();
    done = w->done;
    octets = w->octets;
    if (crowd_run(w, began + l->seconds * 4 / 5, err) != PX_DONE)
        return PX_ERROR;
    l->per_second = (double)(l->kind == LOAD_REQUESTS ? w->done - done
                                                      : w->octets - octets) /
                    (load_now() - began);
    return PX_DONE;
}

enum px_status load_requests(struct load *l, struct px_error *err)
{
    struct crowd w = {.load = l};
    enum px_status status;

    build(&w);
    w.askers = calloc(l->streams, sizeof(*w.askers));
    w.buffer = malloc(BUFFER);
    w.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; w.askers && i < l->streams; i++)
        w.askers[i].fd = -1;
    if (!w.askers || !w.buffer || w.epoll_fd < 0)
        status = load_fail(err, "the load");
    else
        status = measure(&w, err);
    for (unsigned i = 0; w.askers && i < l->streams; i++) {
        if (w.askers[i].fd >= 0)
            (void)close(w.askers[i].fd);
    }
    if (w.epoll_fd >= 0)
        (void)close(w.epoll_fd);
    free(w.buffer);
    free(w.askers);
    return status;
}
