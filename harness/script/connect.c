#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "conn.h"

/* native.connect(): resolves, tries one address after the other, then begins
 * TLS when it is asked for. */

enum { ADDRESSES_MAX = 8 };

static const char type_name[] = "proxyspec.dial";
static const lua_Number default_within = 5;

/* A userdata; it is at index 2 while the task waits, the attempt at 3. */
struct dial {
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    int count;
    int next;
    struct sockaddr_storage from; /* ss_family 0: any */
    lua_Number deadline;
    const struct tls_context *tls; /* NULL: none; held by the options */
    const char *name;              /* who TLS verifies; likewise */
    int error;                     /* of the last attempt */
    struct lookup *lookup;         /* still under way, or NULL */
    struct waiters waiters;
};

struct lookup {
    uv_getaddrinfo_t req;
    struct dial *dial; /* NULL: nobody wants the answer */
};

static void take_addresses(struct dial *d, const struct addrinfo *info)
{
    for (; info && d->count < ADDRESSES_MAX; info = info->ai_next) {
        if (info->ai_family == AF_INET || info->ai_family == AF_INET6)
            memcpy(&d->addresses[d->count++], info->ai_addr, info->ai_addrlen);
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
                        struct addrinfo *info)
{
    struct lookup *lookup = req->data;
    struct dial *d = lookup->dial;

    if (d) {
        d->lookup = NULL;
        d->error = status;
        take_addresses(d, info);
        waiters_wake(&d->waiters);
    }
    uv_freeaddrinfo(info);
    free(lookup);
}

static int start_lookup(uv_loop_t *loop, struct dial *d, const char *host,
                        int port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    char service[8];
    int error;

    if (!lookup)
        return UV_ENOMEM;
    lookup->dial = d;
    lookup->req.data = lookup;
    (void)snprintf(service, sizeof(service), "%d", port);
    error =
        uv_getaddrinfo(loop, &lookup->req, on_resolved, host, service, &hints);
    if (error)
        free(lookup);
    else
        d->lookup = lookup;
    return error;
}

static int dial_gc(lua_State *L)
{
    struct dial *d = lua_touserdata(L, 1);

    if (!d->lookup)
        return 0;
    d->lookup->dial = NULL;
    (void)uv_cancel((uv_req_t *)&d->lookup->req);
    d->lookup = NULL;
    return 0;
}

static int give_up(lua_State *L, int error)
{
    if (error == UV_ECONNREFUSED)
        return native_fail(L, "refused");
    if (error == UV_ETIMEDOUT)
        return native_fail(L, "timeout");
    return native_fail(L, uv_strerror(error));
}

static int dial_step(lua_State *L, int status, lua_KContext ctx);

/* Starts attempts until one has to be waited for. */
static int try_next(lua_State *L, struct dial *d)
{
    while (d->next < d->count) {
        const struct sockaddr_storage *to = &d->addresses[d->next++];
        const struct sockaddr_storage *from = &d->from;
        struct conn *c;

        lua_settop(L, 2);
        c = conn_push(L);
        d->error = conn_connect(c, (const struct sockaddr *)to,
                                from->ss_family ? (const struct sockaddr *)from
                                                : NULL);
        if (d->error == 0)
            return task_wait(L, conn_dialled(c), d->deadline - script_now(), 0,
                             dial_step);
        conn_abandon(c);
    }
    return give_up(L, d->error);
}

static int start_tls(lua_State *L, struct dial *d, struct conn *c)
{
    d->error = conn_tls_start(c, d->tls, d->name);
    if (d->error == 0)
        return task_wait(L, conn_dialled(c), d->deadline - script_now(), 0,
                         dial_step);
    conn_abandon(c);
    return give_up(L, d->error);
}

/* Another address would be no better: it is the same host. */
static int refuse_tls(lua_State *L, struct conn *c)
{
    conn_abandon(c);
    return native_fail(L, conn_tls_why(c));
}

static int dial_step(lua_State *L, int status, lua_KContext ctx)
{
    struct dial *d = lua_touserdata(L, 2);
    struct conn *c;

    (void)status;
    (void)ctx;
    if (d->lookup)
        return give_up(L, UV_ETIMEDOUT);
    if (lua_gettop(L) < 3)
        return try_next(L, d); /* the name was resolved, or not */
    c = conn_check(L, 3);
    if (conn_connecting(c) == 0) {
        if (d->tls && !conn_has_tls(c))
            return start_tls(L, d, c);
        conn_opened(c);
        conn_start(c);
        return 1;
    }
    d->error = conn_connecting(c);
    if (conn_has_tls(c) && d->error != UV_EAGAIN)
        return refuse_tls(L, c);
    conn_abandon(c);
    if (d->error == UV_EAGAIN || script_now() >= d->deadline)
        return give_up(L, d->error == UV_EAGAIN ? UV_ETIMEDOUT : d->error);
    return try_next(L, d);
}

static struct dial *push_dial(lua_State *L)
{
    struct dial *d = lua_newuserdatauv(L, sizeof(*d), 0);

    memset(d, 0, sizeof(*d));
    luaL_setmetatable(L, type_name);
    return d;
}

static int native_connect(lua_State *L)
{
    const char *host;
    const char *from;
    struct dial *d;
    int port;
    int from_port;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    host = option_string(L, 1, "host", "127.0.0.1");
    from = option_string(L, 1, "from", NULL);
    port = option_port(L, 1, "port");
    from_port = option_port(L, 1, "from_port");
    d = push_dial(L);
    (void)lua_getfield(L, 1, "within");
    d->deadline = script_now() + luaL_optnumber(L, -1, default_within);
    if (lua_getfield(L, 1, "tls") != LUA_TNIL)
        d->tls = conn_tls_context(L, -1);
    d->name = host;
    lua_settop(L, 2);
    if (from && !address_parse(from, from_port, &d->from))
        return luaL_error(L, "from: '%s' is no numeric address", from);
    if (address_parse(host, port, &d->addresses[0])) {
        d->count = 1;
        return try_next(L, d);
    }
    d->error = start_lookup(script_loop(script_of(L)), d, host, port);
    if (d->error)
        return give_up(L, d->error);
    return task_wait(L, &d->waiters, d->deadline - script_now(), 0, dial_step);
}

void native_open_connect(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};

    native_class(L, type_name, none, dial_gc);
    lua_pushcfunction(L, native_connect);
    lua_setfield(L, -2, "connect");
}
