#include "stream.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A record of TLS has no more (RFC 8446 section 5.2). */
enum { CIPHER_MAX = 16384 + 256 + 5 };

/* TLS on a stream. */
struct secret {
    struct tls *tls;
    uv_idle_t pump;  /* active: there may be plaintext that nobody took */
    bool is_wanted;  /* the owner reads */
    bool has_an_end; /* it was told how the stream ended */
    uint8_t cipher[CIPHER_MAX];
};

/* After this much silence the system asks whether the peer is still there. */
enum { KEEPALIVE_S = 60 };

struct stream {
    uv_tcp_t tcp; /* data points back here */
    uv_shutdown_t shutdown;
    const struct stream_events *events;
    struct secret *secret; /* NULL: not TLS */
    unsigned open_handles; /* freed at 0 */
    void *owner;
    size_t queued; /* memory of the writes under way */
    bool is_reading;
    bool has_read_end; /* FIN or RST: nothing more to read */
    bool is_broken;    /* a write failed: nothing goes out any more */
    bool is_ending;    /* shutdown was asked for */
    bool has_ended;    /* and is done */
    bool is_finishing; /* close once it is */
};

struct write {
    uv_write_t req;
    size_t cost; /* octets of all of it */
    uint8_t data[];
};

struct stream *stream_new(uv_loop_t *loop, const struct stream_events *events)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    if (uv_tcp_init(loop, &s->tcp) != 0) {
        free(s);
        return NULL;
    }
    s->tcp.data = s;
    s->shutdown.data = s;
    s->events = events;
    s->open_handles = 1;
    return s;
}

void stream_own(struct stream *s, void *owner)
{
    s->owner = owner;
}

uv_tcp_t *stream_tcp(struct stream *s)
{
    return &s->tcp;
}

void stream_tune(uv_tcp_t *tcp)
{
    uv_tcp_nodelay(tcp, 1);
}

void stream_keep_alive(uv_tcp_t *tcp)
{
    uv_tcp_keepalive(tcp, 1, KEEPALIVE_S);
}

static bool is_closing(const struct stream *s)
{
    return uv_is_closing((const uv_handle_t *)&s->tcp);
}

size_t stream_queued(const struct stream *s)
{
    return s->queued;
}

bool stream_is_settled(const struct stream *s)
{
    return !s->secret && !is_closing(s) && !s->queued && !s->is_broken &&
           (!s->is_ending || s->has_ended);
}

bool stream_has_read_end(const struct stream *s)
{
    return s->has_read_end;
}

size_t stream_unacknowledged(const struct stream *s)
{
    uv_os_fd_t fd;
    int octets = 0;

    if (is_closing(s) || s->is_broken)
        return 0;
    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &octets) != 0)
        octets = 0;
    return s->queued + (size_t)octets;
}

bool stream_is_dead(const struct stream *s)
{
    struct pollfd polled = {0};

    return !is_closing(s) &&
           uv_fileno((const uv_handle_t *)&s->tcp, &polled.fd) == 0 &&
           poll(&polled, 1, 0) == 1 && (polled.revents & (POLLERR | POLLHUP));
}

bool stream_secure(struct stream *s, const struct tls_context *context)
{
    struct secret *secret = calloc(1, sizeof(*secret));

    if (!secret)
        return false;
    secret->tls = tls_new(context, NULL);
    if (!secret->tls) {
        free(secret);
        return false;
    }
    (void)uv_idle_init(s->tcp.loop, &secret->pump);
    secret->pump.data = s;
    s->open_handles++;
    s->secret = secret;
    return true;
}

static void on_close(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    if (--s->open_handles)
        return;
    if (s->owner)
        s->events->on_closed(s->owner, s);
    if (s->secret)
        tls_free(s->secret->tls);
    free(s->secret);
    free(s);
}

void stream_close(struct stream *s)
{
    if (is_closing(s))
        return;
    uv_close((uv_handle_t *)&s->tcp, on_close);
    if (s->secret)
        uv_close((uv_handle_t *)&s->secret->pump, on_close);
}

/* Not uv_tcp_close_reset(), which declines once a shutdown is under way. */
void stream_reset(struct stream *s)
{
    static const struct linger now = {.l_onoff = 1};
    uv_os_fd_t fd;

    if (!is_closing(s) && uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    stream_close(s);
}

static void lost(struct stream *s)
{
    if (is_closing(s))
        return;
    s->has_read_end = true;
    if (s->secret)
        s->secret->has_an_end = true;
    stream_read(s, STREAM_PAUSED);
    s->events->on_reset(s->owner, s);
}

/*
 * A write failed. When that is because the peer reset the connection, what it
 * sent before may still wait in the system, and on_reset comes behind it.
 */
static void broke(struct stream *s, int status)
{
    s->is_broken = true;
    if (s->is_finishing)
        stream_close(s);
    else if (s->has_read_end || (status != UV_EPIPE && status != UV_ECONNRESET))
        lost(s);
}

static void on_written(uv_write_t *req, int status)
{
    struct stream *s = req->handle->data;
    struct write *write = (struct write *)req;

    s->queued -= write->cost;
    free(write);
    if (status == UV_ECANCELED || is_closing(s))
        return;
    if (status != 0)
        broke(s, status);
    else
        s->events->on_drained(s->owner, s);
}

static bool queue(struct stream *s, struct px_bytes data)
{
    struct write *write = malloc(sizeof(*write) + data.len);
    uv_buf_t buf;

    if (!write)
        return false;
    write->cost = sizeof(*write) + data.len;
    memcpy(write->data, data.data, data.len);
    buf = uv_buf_init((char *)write->data, (unsigned)data.len);
    if (uv_write(&write->req, (uv_stream_t *)&s->tcp, &buf, 1, on_written) !=
        0) {
        free(write);
        return false;
    }
    s->queued += write->cost;
    return true;
}

static bool write_octets(struct stream *s, struct px_bytes data)
{
    uv_buf_t buf = uv_buf_init((char *)data.data, (unsigned)data.len);
    int sent = 0;

    if (is_closing(s) || s->is_ending || s->is_broken || data.len == 0)
        return true;
    if (s->queued == 0)
        sent = uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
    if (sent < 0)
        sent = 0; /* what is wrong the queued write will tell */
    if ((size_t)sent == data.len)
        return true;
    return queue(s, px_bytes_of(data.data + sent, data.len - (size_t)sent));
}

/* What TLS has for the peer. */
static bool write_cipher(struct stream *s)
{
    bool is_done = write_octets(s, tls_output(s->secret->tls));

    tls_sent(s->secret->tls);
    return is_done;
}

/* Before the handshake is over there is nobody who could read it. */
static bool write_secretly(struct stream *s, struct px_bytes data)
{
    enum tls_state state = tls_state(s->secret->tls);

    if (is_closing(s) || s->is_ending || s->is_broken ||
        (state != TLS_OPEN && state != TLS_ENDED))
        return true;
    return tls_give(s->secret->tls, data) && write_cipher(s);
}

bool stream_write(struct stream *s, struct px_bytes data)
{
    return s->secret ? write_secretly(s, data) : write_octets(s, data);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct stream *s = req->data;

    s->has_ended = true;
    if (status == UV_ECANCELED || is_closing(s))
        return;
    if (s->is_finishing)
        stream_close(s);
    else
        s->events->on_drained(s->owner, s);
}

void stream_end(struct stream *s)
{
    if (is_closing(s) || s->is_ending)
        return;
    if (s->secret) {
        tls_end(s->secret->tls);
        (void)write_cipher(s); /* FIN without close_notify is an end too */
    }
    s->is_ending = true;
    if (uv_shutdown(&s->shutdown, (uv_stream_t *)&s->tcp, on_shutdown) != 0)
        s->has_ended = true; /* no longer connected: nothing to end */
}

void stream_finish(struct stream *s)
{
    if (is_closing(s))
        return;
    s->is_finishing = true;
    /* With all read and all written, closing tells no more than FIN. */
    if (!s->secret && !s->queued && s->has_read_end)
        s->has_ended = true;
    else
        stream_end(s);
    if (s->has_ended || s->is_broken)
        stream_close(s);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *s = handle->data;

    (void)suggested;
    *buf = s->secret ? uv_buf_init((char *)s->secret->cipher, CIPHER_MAX)
                     : s->events->buffer(s->owner, s);
}

/*
 * libuv takes a hang-up behind a short read for an end, though the connection
 * may have been reset; the system still knows.
 */
static bool was_reset(const struct stream *s)
{
    uv_os_fd_t fd;
    int error = 0;
    socklen_t len = sizeof(error);

    return s->is_broken ||
           (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error);
}

/* Tells the owner how its plaintext ended, if it did. */
static void tell_end(struct stream *s)
{
    enum tls_state state = tls_state(s->secret->tls);

    if (state == TLS_FAILED) {
        lost(s);
    } else if (state == TLS_ENDED || s->has_read_end) {
        s->secret->has_an_end = true;
        s->has_read_end = true;
        stream_read(s, STREAM_PAUSED);
        s->events->on_end(s->owner, s);
    }
}

/* Hands the owner what plaintext there is, as long as it wants any. */
static void pump(struct stream *s)
{
    while (!is_closing(s) && s->secret->is_wanted) {
        uv_buf_t buf = s->events->buffer(s->owner, s);
        size_t got =
            buf.len ? tls_take(s->secret->tls, (uint8_t *)buf.base, buf.len)
                    : 0;

        if (buf.len == 0) {
            stream_read(s, STREAM_PAUSED);
        } else if (got) {
            s->events->on_data(s->owner, s,
                               px_bytes_of((const uint8_t *)buf.base, got));
        } else {
            if (write_cipher(s))
                tell_end(s);
            else
                lost(s);
            return;
        }
    }
}

static void on_pump(uv_idle_t *handle)
{
    (void)uv_idle_stop(handle);
    pump(handle->data);
}

static void on_cipher(struct stream *s, ssize_t got)
{
    if (got == UV_EOF && !was_reset(s)) {
        s->has_read_end = true; /* what is left is plaintext */
        pump(s);
    } else if (got < 0 ||
               !tls_feed(s->secret->tls,
                         px_bytes_of(s->secret->cipher, (size_t)got)) ||
               !write_cipher(s)) {
        lost(s);
    } else if (got > 0) {
        pump(s);
    }
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf)
{
    struct stream *s = handle->data;

    if (s->secret) {
        on_cipher(s, got);
    } else if (got == UV_ENOBUFS) {
        stream_read(s, STREAM_PAUSED);
    } else if (got == UV_EOF && !was_reset(s)) {
        s->has_read_end = true;
        stream_read(s, STREAM_PAUSED);
        s->events->on_end(s->owner, s);
    } else if (got < 0) {
        lost(s);
    } else if (got > 0) {
        s->events->on_data(s->owner, s, px_bytes_of(buf->base, (size_t)got));
    }
}

/* Plaintext may wait for the owner, who is not told from inside its call. */
static void read_plaintext(struct stream *s, enum stream_reading reading)
{
    bool is_wanted = reading == STREAM_READING && !s->secret->has_an_end;

    if (is_wanted == s->secret->is_wanted || is_closing(s))
        return;
    s->secret->is_wanted = is_wanted;
    if (is_wanted)
        (void)uv_idle_start(&s->secret->pump, on_pump);
    else
        (void)uv_idle_stop(&s->secret->pump);
}

void stream_read(struct stream *s, enum stream_reading reading)
{
    bool is_wanted = reading == STREAM_READING && !s->has_read_end;

    if (s->secret)
        read_plaintext(s, reading);

    if (is_closing(s) || is_wanted == s->is_reading)
        return;
    if (is_wanted)
        is_wanted =
            uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) == 0;
    else
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->is_reading = is_wanted;
}
