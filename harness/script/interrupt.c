#include <signal.h>
#include <stdlib.h>

#include "native.h"

/* native.on_interrupt(): SIGINT and SIGTERM, once. */

static const char type_name[] = "proxyspec.interrupt";
static const char interrupt_key; /* registry: the userdata, once there is one */

enum {
    SIGNALS = 2,
    /* timeout(1) signals its child, and the child's group right after it. */
    INSIST_AFTER_MS = 100,
};
static const int numbers[SIGNALS] = {SIGINT, SIGTERM};

struct interrupt {
    uv_signal_t handles[SIGNALS]; /* data points back here */
    struct script *script;
    int open_handles;
    bool is_told; /* the function was called */
    uint64_t told_ms;
};

struct box {
    struct interrupt *interrupt;
};

static void on_closed(uv_handle_t *handle)
{
    struct interrupt *i = handle->data;

    if (--i->open_handles == 0)
        free(i);
}

static int interrupt_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);

    for (int n = 0; box->interrupt && n < SIGNALS; n++)
        uv_close((uv_handle_t *)&box->interrupt->handles[n], on_closed);
    box->interrupt = NULL;
    return 0;
}

static int call_handler(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupt_key);
    (void)lua_getiuservalue(L, -1, 1);
    lua_call(L, 0, 0);
    return 0;
}

/*
 * A later signal has its usual effect: whoever waits can insist. What was
 * started is in groups of its own, which the signal does not reach.
 */
static void on_signal(uv_signal_t *handle, int number)
{
    struct interrupt *i = handle->data;

    if (!i->is_told) {
        i->is_told = true;
        i->told_ms = uv_now(handle->loop);
        script_protect(i->script, call_handler, NULL);
        return;
    }
    if (uv_now(handle->loop) - i->told_ms < INSIST_AFTER_MS)
        return;
    processes_kill(i->script);
    for (int n = 0; n < SIGNALS; n++)
        uv_signal_stop(&i->handles[n]);
    (void)raise(number);
}

static struct interrupt *push_interrupt(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 1);
    struct interrupt *i;

    box->interrupt = NULL;
    luaL_setmetatable(L, type_name);
    i = calloc(1, sizeof(*i));
    if (!i) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    box->interrupt = i;
    i->script = script_of(L);
    for (; i->open_handles < SIGNALS; i->open_handles++) {
        uv_signal_t *handle = &i->handles[i->open_handles];

        (void)uv_signal_init(script_loop(i->script), handle);
        handle->data = i;
        uv_unref((uv_handle_t *)handle);
    }
    return i;
}

/* Again replaces the function. */
static int native_on_interrupt(lua_State *L)
{
    struct interrupt *i;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupt_key) == LUA_TNIL) {
        i = push_interrupt(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &interrupt_key);
        for (int n = 0; n < SIGNALS; n++)
            (void)uv_signal_start(&i->handles[n], on_signal, numbers[n]);
    }
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, -2, 1);
    return 0;
}

void native_open_interrupt(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};

    native_class(L, type_name, none, interrupt_gc);
    lua_pushcfunction(L, native_on_interrupt);
    lua_setfield(L, -2, "on_interrupt");
}
