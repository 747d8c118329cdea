#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "endpoint.h"
#include "namespace.h"
#include "native.h"
#include "router.h"

/* native.network(): the network of the run's own, and what routes in it. */

static const char type_name[] = "proxyspec.network";

enum { PACKET_MAX = 65536, PACKETS_AT_ONCE = 64 };

struct network {
    uv_poll_t poll; /* data points back here */
    struct script *script;
    struct namespace_parts parts;
    struct px_address routers[2]; /* of IPv4, of IPv6 */
    bool is_watching;
};

struct box {
    struct network *network; /* NULL: closed */
};

static uint8_t packet[PACKET_MAX]; /* one loop, one thread: used at once */

/* The end ------------------------------------------------------------------ */

static void on_gone(uv_handle_t *handle)
{
    struct network *n = handle->data;

    (void)close(n->parts.device);
    free(n);
}

static int network_close(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, type_name);
    struct network *n = box->network;

    box->network = NULL;
    if (n && n->is_watching) {
        uv_close((uv_handle_t *)&n->poll, on_gone);
    } else if (n) {
        if (n->parts.device >= 0)
            (void)close(n->parts.device);
        free(n);
    }
    return 0;
}

/* Packets ------------------------------------------------------------------ */

struct event {
    const struct network *network;
    const struct router_packet *packet;
};

/* Calls on_packet(protocol, host, port). */
static int emit(lua_State *L)
{
    enum { TCP = 6 };
    const struct event *event = lua_touserdata(L, 1);
    struct sockaddr_storage to;

    if (!script_push(L, event->network))
        return 0;
    (void)lua_getiuservalue(L, -1, 1);
    lua_pushstring(L, event->packet->protocol == TCP ? "tcp" : "udp");
    endpoint_to_sockaddr(&event->packet->to, &to);
    lua_pushinteger(L, address_push(L, &to));
    lua_call(L, 3, 0);
    return 0;
}

static void route(struct network *n, size_t len)
{
    struct router_packet p;
    struct event event = {n, &p};
    uint8_t answer[ROUTER_ANSWER_MAX];
    size_t answer_len;

    if (!router_read(px_bytes_of(packet, len), &p))
        return;
    answer_len =
        router_answer(&p, router_reaction_to(&p.to.addr),
                      &n->routers[p.to.addr.kind == PX_ADDRESS_IPV6], answer);
    if (p.is_opening)
        script_protect(n->script, emit, &event);
    /* A full queue of the device loses it, as networks do. */
    if (answer_len > 0)
        (void)!write(n->parts.device, answer, answer_len);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct network *n = poll->data;

    (void)events;
    for (int i = 0; status == 0 && i < PACKETS_AT_ONCE; i++) {
        ssize_t got = read(n->parts.device, packet, sizeof(packet));

        if (got <= 0)
            return;
        route(n, (size_t)got);
    }
}

/* Beginning ---------------------------------------------------------------- */

static void on_nothing(uv_work_t *work)
{
    (void)work;
}

static void on_nothing_done(uv_work_t *work, int status)
{
    (void)status;
    free(work);
}

/*
 * The reference's lookups wait in libuv's pool, where no more than half may
 * wait at once; names that answer late must not delay the others. The pool
 * reads its size when it is first used.
 */
static void widen_pool(uv_loop_t *loop)
{
    static const char size[] = "UV_THREADPOOL_SIZE";
    uv_work_t *work = getenv(size) ? NULL : malloc(sizeof(*work));

    if (!work)
        return;
    (void)setenv(size, "128", 1);
    if (uv_queue_work(loop, work, on_nothing, on_nothing_done) != 0)
        free(work);
    (void)unsetenv(size); /* children have their own idea */
}

static struct px_address router_at(const char *host)
{
    struct sockaddr_storage at;

    (void)address_parse(host, 0, &at);
    return endpoint_of((const struct sockaddr *)&at).addr;
}

static struct network *push_network(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 1);
    struct network *n;

    box->network = NULL;
    luaL_setmetatable(L, type_name);
    n = calloc(1, sizeof(*n));
    if (!n) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    n->parts.device = -1;
    n->script = script_of(L);
    n->routers[0] = router_at(NAMESPACE_ROUTER_IPV4);
    n->routers[1] = router_at(NAMESPACE_ROUTER_IPV6);
    box->network = n;
    script_remember(L, n);
    return n;
}

static int watch_device(struct network *n)
{
    int error = uv_poll_init(script_loop(n->script), &n->poll, n->parts.device);

    if (error)
        return error;
    n->poll.data = n;
    n->is_watching = true;
    return uv_poll_start(&n->poll, UV_READABLE, on_readable);
}

static int native_network(lua_State *L)
{
    struct px_error err = {0};
    struct network *n;
    int error;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    n = push_network(L);
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, 2, 1);
    if (!namespace_enter(&n->parts, &err))
        return native_fail(L, err.detail);
    widen_pool(script_loop(n->script));
    error = n->parts.device >= 0 ? watch_device(n) : 0;
    return error ? native_fail_uv(L, "router", error) : 1;
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static int network_parts(lua_State *L)
{
    const struct box *box = luaL_checkudata(L, 1, type_name);

    if (!box->network)
        return luaL_error(L, "this network was closed");
    lua_newtable(L);
    set_flag(L, "device", box->network->parts.device >= 0);
    set_flag(L, "ipv6", box->network->parts.has_ipv6);
    set_flag(L, "names", box->network->parts.has_names);
    set_flag(L, "patient", box->network->parts.is_patient);
    set_text(L, "resolver", NAMESPACE_RESOLVER);
    set_text(L, "routed_ipv4", NAMESPACE_ROUTED_IPV4);
    set_text(L, "routed_ipv6", NAMESPACE_ROUTED_IPV6);
    set_text(L, "kernel_ipv4", NAMESPACE_KERNEL_IPV4);
    set_text(L, "kernel_ipv6", NAMESPACE_KERNEL_IPV6);
    return 1;
}

void native_open_network(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"parts", network_parts},
        {"close", network_close},
        {NULL, NULL},
    };

    native_class(L, type_name, methods, network_close);
    lua_pushcfunction(L, native_network);
    lua_setfield(L, -2, "network");
}
