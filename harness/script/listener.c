#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "conn.h"

/* native.listen() and native.reserve(). */

static const char listener_type[] = "proxyspec.listener";
static const char reserved_type[] = "proxyspec.reserved";
static const char default_host[] = "127.0.0.1";

enum { DEFAULT_BACKLOG = 128 };

/* User values of a listener: on_accept, and the connections that wait. */
enum { ON_ACCEPT = 1, QUEUE = 2 };

struct listener {
    uv_tcp_t tcp; /* data points back here */
    struct script *script;
    struct sockaddr_storage address;
    struct waiters accepter;
    lua_Integer contacts;
    lua_Integer first; /* of the queue, up to last */
    lua_Integer last;
    bool is_orphan; /* the userdata was collected */
    bool is_gone;   /* libuv has let go of it */
};

struct box {
    struct listener *listener;
};

static bool is_closing(const struct listener *l)
{
    return uv_is_closing((const uv_handle_t *)&l->tcp);
}

static void on_gone(uv_handle_t *handle)
{
    struct listener *l = handle->data;

    l->is_gone = true;
    if (l->is_orphan)
        free(l);
}

static int listener_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);
    struct listener *l = box->listener;

    if (!l)
        return 0;
    box->listener = NULL;
    l->is_orphan = true;
    if (l->is_gone)
        free(l);
    else if (!is_closing(l))
        uv_close((uv_handle_t *)&l->tcp, on_gone);
    return 0;
}

static struct listener *push_listener(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 2);
    struct listener *l;

    box->listener = NULL;
    luaL_setmetatable(L, listener_type);
    lua_newtable(L);
    (void)lua_setiuservalue(L, -2, QUEUE);
    l = calloc(1, sizeof(*l));
    if (!l) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    l->script = script_of(L);
    l->first = 1;
    (void)uv_tcp_init(script_loop(l->script), &l->tcp); /* opens nothing */
    l->tcp.data = l;
    box->listener = l;
    script_remember(L, l);
    return l;
}

/* The connection joins the queue, on_accept hears of it, then it is read. */
static int take_connection(lua_State *L)
{
    struct listener *l = lua_touserdata(L, 1);
    struct conn *c;

    lua_settop(L, 0);
    if (!script_push(L, l))
        return 0;
    c = conn_push(L);
    if (uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)conn_tcp(c)) != 0) {
        conn_abandon(c); /* it is gone already */
        return 0;
    }
    conn_opened(c);
    (void)lua_getiuservalue(L, 1, QUEUE);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, l->last + 1);
    l->last++;
    waiters_wake(&l->accepter);
    if (lua_getiuservalue(L, 1, ON_ACCEPT) != LUA_TNIL) {
        lua_pushvalue(L, 2);
        lua_call(L, 1, 0);
    }
    conn_start(c);
    return 0;
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct listener *l = handle->data;

    if (status != 0 || l->is_orphan)
        return;
    l->contacts++;
    script_protect(l->script, take_connection, l);
}

static int open_listener(struct listener *l, int backlog)
{
    int len = sizeof(l->address);
    int error = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&l->address, 0);

    if (!error)
        error = uv_listen((uv_stream_t *)&l->tcp, backlog, on_connection);
    if (!error)
        error =
            uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&l->address, &len);
    return error;
}

static int option_backlog(lua_State *L)
{
    lua_Integer backlog;

    (void)lua_getfield(L, 1, "backlog");
    backlog = luaL_optinteger(L, -1, DEFAULT_BACKLOG);
    lua_pop(L, 1);
    if (backlog < 1 || backlog > UINT16_MAX)
        luaL_error(L, "backlog is out of range");
    return (int)backlog;
}

/* The address of the options at index 1; an error in L when it is none. */
static void option_address(lua_State *L, struct sockaddr_storage *out)
{
    const char *host = option_string(L, 1, "host", default_host);

    if (!address_parse(host, option_port(L, 1, "port"), out))
        luaL_error(L, "host: '%s' is no numeric address", host);
}

static int native_listen(lua_State *L)
{
    struct sockaddr_storage address;
    struct listener *l;
    int backlog;
    int error;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    option_address(L, &address);
    backlog = option_backlog(L);
    if (lua_getfield(L, 1, "on_accept") != LUA_TNIL && !lua_isfunction(L, -1))
        return luaL_error(L, "on_accept is no function");
    l = push_listener(L);
    lua_pushvalue(L, 2);
    (void)lua_setiuservalue(L, 3, ON_ACCEPT);
    l->address = address;
    error = open_listener(l, backlog);
    if (error) {
        uv_close((uv_handle_t *)&l->tcp, on_gone);
        return native_fail(L, uv_strerror(error));
    }
    return 1;
}

static struct listener *check_listener(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, listener_type);

    if (!box->listener)
        luaL_error(L, "this listener was collected");
    return box->listener;
}

static int accepted(lua_State *L, int status, lua_KContext ctx)
{
    struct listener *l = check_listener(L);

    (void)status;
    (void)ctx;
    if (l->first > l->last)
        return native_fail(L, is_closing(l) ? "closed" : "silence");
    (void)lua_getiuservalue(L, 1, QUEUE);
    (void)lua_rawgeti(L, -1, l->first);
    lua_pushnil(L);
    lua_rawseti(L, -3, l->first++);
    return 1;
}

static int listener_accept(lua_State *L)
{
    struct listener *l = check_listener(L);
    lua_Number within = luaL_optnumber(L, 2, -1);

    if (l->first <= l->last || is_closing(l))
        return accepted(L, LUA_OK, 0);
    if (l->accepter.head)
        return luaL_error(L, "another task accepts at this listener");
    return task_wait(L, &l->accepter, within, 0, accepted);
}

static int listener_contacts(lua_State *L)
{
    lua_pushinteger(L, check_listener(L)->contacts);
    return 1;
}

static int listener_host(lua_State *L)
{
    (void)address_push(L, &check_listener(L)->address);
    return 1;
}

static int listener_port(lua_State *L)
{
    lua_pushinteger(L, address_push(L, &check_listener(L)->address));
    return 1;
}

/* Connections that nobody has accepted are reset. */
static int listener_close(lua_State *L)
{
    struct listener *l = check_listener(L);

    if (is_closing(l))
        return 0;
    uv_close((uv_handle_t *)&l->tcp, on_gone);
    waiters_wake(&l->accepter);
    (void)lua_getiuservalue(L, 1, QUEUE);
    while (l->first <= l->last) {
        (void)lua_rawgeti(L, -1, l->first++);
        conn_reset(L, conn_check(L, -1));
        lua_pop(L, 1);
    }
    lua_newtable(L);
    (void)lua_setiuservalue(L, 1, QUEUE);
    return 0;
}

/* A port that is bound and not listened on refuses connections. */
struct reserved {
    int fd; /* -1: closed */
    struct sockaddr_storage address;
};

static int reserved_close(lua_State *L)
{
    struct reserved *r = luaL_checkudata(L, 1, reserved_type);

    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    return 0;
}

static int reserved_port(lua_State *L)
{
    struct reserved *r = luaL_checkudata(L, 1, reserved_type);

    lua_pushinteger(L, address_push(L, &r->address));
    return 1;
}

static int native_reserve(lua_State *L)
{
    struct sockaddr_storage address;
    struct reserved *r;
    socklen_t len = sizeof(address);

    luaL_checktype(L, 1, LUA_TTABLE);
    option_address(L, &address);
    r = lua_newuserdatauv(L, sizeof(*r), 0);
    r->fd = -1;
    luaL_setmetatable(L, reserved_type);
    r->address = address;
    r->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->fd < 0 ||
        bind(r->fd, (const struct sockaddr *)&r->address, len) != 0 ||
        getsockname(r->fd, (struct sockaddr *)&r->address, &len) != 0)
        return native_fail(L, strerror(errno));
    return 1;
}

void native_open_listener(lua_State *L)
{
    static const luaL_Reg listener_methods[] = {
        {"accept", listener_accept}, {"contacts", listener_contacts},
        {"host", listener_host},     {"port", listener_port},
        {"close", listener_close},   {NULL, NULL},
    };
    static const luaL_Reg reserved_methods[] = {
        {"port", reserved_port}, {"close", reserved_close}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"listen", native_listen}, {"reserve", native_reserve}, {NULL, NULL}};

    native_class(L, listener_type, listener_methods, listener_gc);
    native_class(L, reserved_type, reserved_methods, reserved_close);
    luaL_setfuncs(L, functions, 0);
}
