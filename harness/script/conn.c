#include "conn_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_MAX = 64 * 1024 }; /* storage that an empty buffer keeps */

const char conn_type[] = "proxyspec.conn";

struct box {
    struct conn *conn;
};

struct write {
    uv_write_t req;
    char data[];
};

static char read_buffer[65536]; /* one loop, one thread: used at once */

static bool is_closing(const struct conn *c)
{
    return uv_is_closing((const uv_handle_t *)&c->tcp);
}

/* The buffer -------------------------------------------------------------- */

/* Moves only what is less than was consumed before, so each octet once. */
static bool buffer_append(struct buffer *b, const char *data, size_t len)
{
    size_t end = b->start + b->len + len;

    if (end > b->cap && b->start > b->len) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
        end = b->len + len;
    }
    if (end > b->cap) {
        char *grown = realloc(b->data, 2 * end);

        if (!grown)
            return false;
        b->data = grown;
        b->cap = 2 * end;
    }
    memcpy(b->data + b->start + b->len, data, len);
    b->len += len;
    return true;
}

void conn_buffer_consume(struct buffer *b, size_t len)
{
    b->start += len;
    b->len -= len;
    if (b->len)
        return;
    b->start = 0;
    if (b->cap > KEEP_MAX) {
        free(b->data);
        *b = (struct buffer){0};
    }
}

struct conn *conn_check(lua_State *L, int index)
{
    struct box *box = luaL_checkudata(L, index, conn_type);

    if (!box->conn)
        luaL_error(L, "this connection was collected");
    return box->conn;
}

/* The end of the object ---------------------------------------------------- */

static void free_if_over(struct conn *c)
{
    if (!c->is_orphan || !c->is_gone)
        return;
    tls_free(c->tls);
    free(c->in.data);
    free(c);
}

static void on_gone(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    c->is_gone = true;
    if (c->is_kept)
        script_drop(c->script, c);
    free_if_over(c);
}

static void let_go(struct conn *c)
{
    if (!is_closing(c))
        uv_close((uv_handle_t *)&c->tcp, on_gone);
}

int conn_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);
    struct conn *c = box->conn;

    if (!c)
        return 0;
    box->conn = NULL;
    c->is_orphan = true;
    if (c->is_gone)
        free_if_over(c);
    else
        let_go(c);
    return 0;
}

/* Events ------------------------------------------------------------------- */

void conn_emit(lua_State *L, const struct conn *c, const char *kind)
{
    luaL_checkstack(L, 6, NULL);
    if (!c->has_handler) {
        lua_pop(L, 1);
        return;
    }
    if (!script_push(L, c)) {
        lua_pop(L, 2);
        return;
    }
    (void)lua_getiuservalue(L, -1, 1);
    lua_replace(L, -2);
    lua_pushstring(L, kind);
    lua_rotate(L, -3, -1); /* function, kind, data */
    lua_pushnumber(L, script_now());
    lua_call(L, 3, 0);
}

struct event {
    struct conn *conn;
    const char *kind;
    const char *data;
    size_t len;
};

static int emit_event(lua_State *L)
{
    const struct event *event = lua_touserdata(L, 1);

    if (event->data)
        lua_pushlstring(L, event->data, event->len);
    else
        lua_pushnil(L);
    conn_emit(L, event->conn, event->kind);
    return 0;
}

static void tell(struct conn *c, const char *kind, const char *data, size_t len)
{
    if (!c->is_orphan)
        script_protect(c->script, emit_event,
                       &(struct event){c, kind, data, len});
}

/* Reading ------------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(read_buffer, sizeof(read_buffer));
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf);

void conn_update_reading(struct conn *c)
{
    if (is_closing(c))
        return;
    if (c->is_started && !c->is_paused && !c->is_closed && !c->ended &&
        c->in.len < READ_MAX)
        (void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    else
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
}

void conn_end_reading(struct conn *c, enum ending how)
{
    c->ended = how;
    conn_update_reading(c);
    waiters_wake(&c->reader);
    if (how == ENDED_RST) {
        c->is_broken = true;
        waiters_wake(&c->flusher);
    }
    tell(c, how == ENDED_RST ? "rst" : "fin", NULL, 0);
}

/*
 * libuv also says EOF when octets and an RST come in one turn; the socket
 * still holds the error, unless a write took it away.
 */
static enum ending what_ended(const struct conn *c)
{
    uv_os_fd_t fd;
    char octet;

    if (c->is_reset)
        return ENDED_RST;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0 &&
        recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        return ENDED_RST;
    return ENDED_FIN;
}

bool conn_received(struct conn *c, const char *data, size_t len)
{
    if (!buffer_append(&c->in, data, len))
        return false;
    conn_update_reading(c);
    if (c->in.len >= c->wanted)
        waiters_wake(&c->reader);
    tell(c, "received", data, len);
    return true;
}

static int out_of_memory(lua_State *L)
{
    return luaL_error(L, "out of memory");
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf)
{
    struct conn *c = handle->data;

    if (got == 0)
        return;
    if (got < 0) {
        if (c->tls)
            conn_tls_cut(c);
        conn_end_reading(c, got == UV_EOF ? what_ended(c) : ENDED_RST);
        return;
    }
    if (!(c->tls ? conn_tls_received : conn_received)(c, buf->base,
                                                      (size_t)got))
        script_protect(c->script, out_of_memory, NULL);
}

void conn_start(struct conn *c)
{
    c->is_started = true;
    conn_update_reading(c);
}

/* Opening ------------------------------------------------------------------ */

struct conn *conn_push(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 1);
    struct conn *c;

    box->conn = NULL;
    luaL_setmetatable(L, conn_type);
    c = calloc(1, sizeof(*c));
    if (!c) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    c->script = script_of(L);
    (void)uv_tcp_init(script_loop(c->script), &c->tcp); /* opens nothing */
    c->tcp.data = c;
    c->connect.data = c;
    c->shutdown.data = c;
    box->conn = c;
    script_remember(L, c);
    return c;
}

bool conn_has_tls(const struct conn *c)
{
    return c->tls != NULL;
}

uv_tcp_t *conn_tcp(struct conn *c)
{
    return &c->tcp;
}

static void on_connected(uv_connect_t *req, int status)
{
    struct conn *c = req->data;

    c->connecting = status;
    if (!is_closing(c))
        waiters_wake(&c->dialled);
}

int conn_connect(struct conn *c, const struct sockaddr *address,
                 const struct sockaddr *from)
{
    int error = 0;

    if (from)
        error = uv_tcp_bind(&c->tcp, from, 0);
    if (error)
        return error;
    c->connecting = UV_EAGAIN;
    return uv_tcp_connect(&c->connect, &c->tcp, address, on_connected);
}

int conn_connecting(const struct conn *c)
{
    return c->connecting;
}

struct waiters *conn_dialled(struct conn *c)
{
    return &c->dialled;
}

void conn_opened(struct conn *c)
{
    int len = sizeof(c->local);

    (void)uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&c->local, &len);
    len = sizeof(c->peer);
    (void)uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&c->peer, &len);
    (void)uv_tcp_nodelay(&c->tcp, 1);
}

void conn_abandon(struct conn *c)
{
    c->is_closed = true;
    let_go(c);
}

/* Closing ------------------------------------------------------------------ */

void conn_stop(struct conn *c)
{
    c->is_closed = true;
    conn_update_reading(c);
    waiters_wake(&c->reader);
    waiters_wake(&c->flusher);
}

/* While a FIN is under way libuv refuses, so linger on nothing instead. */
static void reset_socket(struct conn *c)
{
    static const struct linger none = {.l_onoff = 1, .l_linger = 0};
    uv_os_fd_t fd;

    if (uv_tcp_close_reset(&c->tcp, on_gone) == 0)
        return;
    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    let_go(c);
}

void conn_reset(lua_State *L, struct conn *c)
{
    if (c->is_closed)
        return;
    conn_stop(c);
    reset_socket(c);
    lua_pushnil(L);
    conn_emit(L, c, "reset");
}

static void on_shut(uv_shutdown_t *req, int status)
{
    struct conn *c = req->data;

    (void)status; /* closed all the same */
    if (c->is_closed)
        let_go(c);
}

void conn_start_shutdown(struct conn *c)
{
    if (c->is_shut)
        return;
    c->is_shut = true;
    if (c->tls)
        conn_tls_end(c);
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut) != 0 &&
        c->is_closed)
        let_go(c); /* the peer has reset it */
}

bool conn_has_queue(const struct conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) > 0;
}

/* What was written still goes out, whoever holds the object. */
void conn_close_softly(lua_State *L, struct conn *c)
{
    if (conn_has_queue(c) && !c->is_broken) {
        script_keep(L, c);
        c->is_kept = true;
        conn_start_shutdown(c);
    } else {
        let_go(c);
    }
}

/* Writing ------------------------------------------------------------------ */

/* A FIN that came before the RST makes the error EPIPE; it is yet to be read.
 */
void conn_note_broken(struct conn *c, int error)
{
    c->is_broken = true;
    c->is_reset = error == UV_ECONNRESET;
}

static void on_written(uv_write_t *req, int status)
{
    struct conn *c = req->handle->data;

    free(req); /* the first member of struct write */
    if (is_closing(c))
        return;
    if (status != 0 && !c->is_broken)
        conn_note_broken(c, status);
    if (status != 0 || !conn_has_queue(c))
        waiters_wake(&c->flusher);
}

/* The rest of a write that the kernel has not taken; an error of libuv. */
static int write_later(struct conn *c, const char *data, size_t len)
{
    struct write *write = malloc(sizeof(*write) + len);
    uv_buf_t buf;
    int error;

    if (!write)
        return UV_ENOMEM;
    memcpy(write->data, data, len);
    buf = uv_buf_init(write->data, (unsigned)len);
    error = uv_write(&write->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
    if (error)
        free(write);
    return error;
}

int conn_write_raw(struct conn *c, const char *data, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)data, (unsigned)len);
    int sent = 0;

    if (!conn_has_queue(c))
        sent = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0 || (size_t)sent == len)
        return sent < 0 ? sent : 0;
    return write_later(c, data + sent, len - (size_t)sent);
}

int conn_write_now(struct conn *c, const char *data, size_t len)
{
    return (c->tls ? conn_tls_write : conn_write_raw)(c, data, len);
}
