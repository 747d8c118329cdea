#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "native.h"

/* native.udp(): a socket that is connected to nobody. */

enum {
    DATAGRAM_MAX = 65536,            /* more than UDP over IP can carry */
    QUEUE_MAX = 4096,                /* datagrams that nobody has received */
    QUEUE_OCTETS = 16 * 1024 * 1024, /* and what they hold; reading pauses */
};

static const char type_name[] = "proxyspec.udp";

struct datagram {
    struct datagram *next;
    struct sockaddr_storage from;
    size_t len;
    char data[];
};

struct udp {
    uv_udp_t socket; /* data points back here */
    struct script *script;
    struct sockaddr_storage address;
    struct waiters reader;
    struct datagram *first;
    struct datagram **last;
    size_t count;
    size_t octets;
    bool has_handler;
    bool is_orphan; /* the userdata was collected */
    bool is_gone;   /* libuv has let go of it */
};

struct box {
    struct udp *udp;
};

static char read_buffer[DATAGRAM_MAX]; /* one loop, one thread: used at once */

static bool is_closing(const struct udp *u)
{
    return uv_is_closing((const uv_handle_t *)&u->socket);
}

/* The end of the object ---------------------------------------------------- */

static void drop_first(struct udp *u)
{
    struct datagram *first = u->first;

    u->first = first->next;
    if (!u->first)
        u->last = &u->first;
    u->count--;
    u->octets -= first->len;
    free(first);
}

static void free_if_over(struct udp *u)
{
    if (!u->is_orphan || !u->is_gone)
        return;
    while (u->first)
        drop_first(u);
    free(u);
}

static void on_gone(uv_handle_t *handle)
{
    struct udp *u = handle->data;

    u->is_gone = true;
    free_if_over(u);
}

static void let_go(struct udp *u)
{
    if (!is_closing(u))
        uv_close((uv_handle_t *)&u->socket, on_gone);
}

static int udp_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);
    struct udp *u = box->udp;

    if (!u)
        return 0;
    box->udp = NULL;
    u->is_orphan = true;
    let_go(u);
    free_if_over(u);
    return 0;
}

/* Events ------------------------------------------------------------------- */

struct event {
    const struct udp *udp;
    const char *kind;
    const char *data;
    size_t len;
    const struct sockaddr_storage *peer;
};

static int emit(lua_State *L)
{
    const struct event *event = lua_touserdata(L, 1);
    int port;

    luaL_checkstack(L, 8, NULL);
    if (!script_push(L, event->udp))
        return 0;
    (void)lua_getiuservalue(L, -1, 1);
    lua_pushstring(L, event->kind);
    lua_pushlstring(L, event->data, event->len);
    lua_pushnumber(L, script_now());
    port = address_push(L, event->peer);
    lua_pushinteger(L, port);
    lua_call(L, 5, 0);
    return 0;
}

/* Receiving ---------------------------------------------------------------- */

static bool queue_datagram(struct udp *u, const char *data, size_t len,
                           const struct sockaddr *from)
{
    struct datagram *d = malloc(sizeof(*d) + len);

    if (!d)
        return false;
    memset(&d->from, 0, sizeof(d->from));
    memcpy(&d->from, from,
           from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                       : sizeof(struct sockaddr_in));
    memcpy(d->data, data, len);
    d->len = len;
    d->next = NULL;
    *u->last = d;
    u->last = &d->next;
    u->count++;
    u->octets += len;
    return true;
}

static int out_of_memory(lua_State *L)
{
    return luaL_error(L, "out of memory");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(read_buffer, sizeof(read_buffer));
}

/* An error says that an earlier datagram was not wanted: no news of this one.
 */
static void on_datagram(uv_udp_t *handle, ssize_t got, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    struct udp *u = handle->data;
    struct event event = {u, "received", buf->base, 0, NULL};

    (void)flags;
    if (got < 0 || !from || u->is_orphan)
        return;
    if (!queue_datagram(u, buf->base, (size_t)got, from)) {
        script_protect(u->script, out_of_memory, NULL);
        return;
    }
    if (u->count >= QUEUE_MAX || u->octets >= QUEUE_OCTETS)
        (void)uv_udp_recv_stop(&u->socket);
    waiters_wake(&u->reader);
    event.len = (size_t)got;
    event.peer = (const struct sockaddr_storage *)from;
    if (u->has_handler)
        script_protect(u->script, emit, &event);
}

static struct udp *check_udp(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, type_name);

    if (!box->udp)
        luaL_error(L, "this socket was collected");
    return box->udp;
}

static int received(lua_State *L, int status, lua_KContext ctx)
{
    struct udp *u = check_udp(L);
    int port;

    (void)status;
    (void)ctx;
    if (!u->first)
        return native_fail(L, is_closing(u) ? "closed" : "silence");
    lua_pushlstring(L, u->first->data, u->first->len);
    port = address_push(L, &u->first->from);
    lua_pushinteger(L, port);
    drop_first(u);
    if (!is_closing(u))
        (void)uv_udp_recv_start(&u->socket, on_alloc, on_datagram);
    return 3;
}

static int udp_receive(lua_State *L)
{
    struct udp *u = check_udp(L);
    lua_Number within = luaL_optnumber(L, 2, -1);

    if (u->first || is_closing(u))
        return received(L, LUA_OK, 0);
    if (u->reader.head)
        return luaL_error(L, "another task receives at this socket");
    return task_wait(L, &u->reader, within, 0, received);
}

/* Sending ------------------------------------------------------------------ */

static int udp_send(lua_State *L)
{
    struct udp *u = check_udp(L);
    size_t len;
    const char *data = luaL_checklstring(L, 2, &len);
    const char *host = luaL_checkstring(L, 3);
    lua_Integer port = luaL_checkinteger(L, 4);
    struct sockaddr_storage to;
    struct event event = {u, "sent", data, len, &to};
    uv_buf_t buf;
    int error;

    luaL_argcheck(L, port >= 0 && port <= UINT16_MAX, 4, "no port number");
    luaL_argcheck(L, address_parse(host, (int)port, &to), 3,
                  "no numeric address");
    luaL_argcheck(L, len <= DATAGRAM_MAX, 2, "longer than a datagram");
    if (is_closing(u))
        return native_fail(L, "closed");
    buf = uv_buf_init((char *)data, (unsigned)len);
    error = uv_udp_try_send(&u->socket, &buf, 1, (const struct sockaddr *)&to);
    if (error < 0)
        return native_fail(L, uv_strerror(error));
    if (u->has_handler) {
        lua_pushcfunction(L, emit);
        lua_pushlightuserdata(L, &event);
        lua_call(L, 1, 0);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* The rest ----------------------------------------------------------------- */

static int udp_on_event(lua_State *L)
{
    struct udp *u = check_udp(L);

    u->has_handler = !lua_isnoneornil(L, 2);
    if (u->has_handler)
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, 1);
    return 0;
}

static int udp_host(lua_State *L)
{
    (void)address_push(L, &check_udp(L)->address);
    return 1;
}

static int udp_port(lua_State *L)
{
    lua_pushinteger(L, address_push(L, &check_udp(L)->address));
    return 1;
}

static int udp_close(lua_State *L)
{
    struct udp *u = check_udp(L);

    let_go(u);
    waiters_wake(&u->reader);
    return 0;
}

static struct udp *push_udp(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 1);
    struct udp *u;

    box->udp = NULL;
    luaL_setmetatable(L, type_name);
    u = calloc(1, sizeof(*u));
    if (!u) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    u->script = script_of(L);
    u->last = &u->first;
    (void)uv_udp_init(script_loop(u->script), &u->socket); /* opens nothing */
    u->socket.data = u;
    box->udp = u;
    script_remember(L, u);
    return u;
}

static int open_udp(struct udp *u)
{
    int len = sizeof(u->address);
    unsigned flags =
        u->address.ss_family == AF_INET6 ? (unsigned)UV_UDP_IPV6ONLY : 0;
    int error =
        uv_udp_bind(&u->socket, (const struct sockaddr *)&u->address, flags);

    if (!error)
        error = uv_udp_getsockname(&u->socket, (struct sockaddr *)&u->address,
                                   &len);
    if (!error)
        error = uv_udp_recv_start(&u->socket, on_alloc, on_datagram);
    return error;
}

static int native_udp(lua_State *L)
{
    const char *host;
    struct sockaddr_storage address;
    struct udp *u;
    int error;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    host = option_string(L, 1, "host", "127.0.0.1");
    if (!address_parse(host, option_port(L, 1, "port"), &address))
        return luaL_error(L, "host: '%s' is no numeric address", host);
    if (lua_getfield(L, 1, "on_event") != LUA_TNIL && !lua_isfunction(L, -1))
        return luaL_error(L, "on_event is no function");
    u = push_udp(L);
    u->has_handler = !lua_isnil(L, 2);
    lua_pushvalue(L, 2);
    (void)lua_setiuservalue(L, 3, 1);
    u->address = address;
    error = open_udp(u);
    if (error) {
        let_go(u);
        return native_fail(L, uv_strerror(error));
    }
    return 1;
}

void native_open_udp(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"on_event", udp_on_event},
        {"send", udp_send},
        {"receive", udp_receive},
        {"host", udp_host},
        {"port", udp_port},
        {"close", udp_close},
        {NULL, NULL},
    };

    native_class(L, type_name, methods, udp_gc);
    lua_pushcfunction(L, native_udp);
    lua_setfield(L, -2, "udp");
}
