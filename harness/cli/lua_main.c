#include "lua_main.h"

#include <malloc.h>
#include <stdio.h>

#include "cli.h"
#include "native.h"

struct push_call {
    lua_main_push_fn *push;
    const void *options;
};

void lua_main_set_text(lua_State *L, const char *key, const char *text)
{
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

void lua_main_set_integer(lua_State *L, const char *key, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

void lua_main_set_number(lua_State *L, const char *key, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}

void lua_main_set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

void lua_main_set_list(lua_State *L, const char *key, const char *const *items,
                       size_t count)
{
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, key);
}

/* Under lua_pcall(), since a table needs memory. */
static int push_options(lua_State *L)
{
    const struct push_call *call = lua_touserdata(L, 1);

    call->push(L, call->options);
    return 1;
}

static int fail(const struct usage *usage, const char *why)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "proxyspec %s: %s\n", usage->name, why);
    return CLI_INTERNAL;
}

static int call_main(struct script *script, const struct usage *usage,
                     const char *module, struct push_call *call)
{
    lua_State *L = script_state(script);
    struct px_error err = {0};
    lua_Integer status;
    int is_integer;

    lua_pushcfunction(L, push_options);
    lua_pushlightuserdata(L, call);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        return fail(usage, "out of memory");
    if (!script_call(script, module, "main", 1, &err))
        return fail(usage, err.detail);
    status = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || status < 0 || status > CLI_SKIPPED)
        return fail(usage, "the harness ended without a status");
    return (int)status;
}

/*
 * What a collector frees is soon asked for again, strings of megabytes too:
 * giving it back and clearing it anew took a tenth of a run.
 */
static void keep_freed_memory(void)
{
    enum { MIB = 1024 * 1024 };

    (void)mallopt(M_TRIM_THRESHOLD, 256 * MIB);
    (void)mallopt(M_MMAP_THRESHOLD, 32 * MIB);
    (void)mallopt(M_TOP_PAD, 16 * MIB);
}

int lua_main(const struct usage *usage, const char *module,
             lua_main_push_fn *push, const void *options)
{
    struct push_call call = {push, options};
    struct script *script;
    uv_loop_t loop;
    int status;

    keep_freed_memory();
    if (uv_loop_init(&loop) != 0)
        return fail(usage, "cannot make an event loop");
    script = script_new(&loop);
    if (script)
        status = call_main(script, usage, module, &call);
    else
        status = fail(usage, "cannot make a script state");
    script_free(script);
    (void)uv_loop_close(&loop);
    return status;
}
