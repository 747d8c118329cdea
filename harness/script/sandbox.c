#include <string.h>

#include "native.h"
#include "watchdog.h"

/*
 * native.run_sandboxed(): a file of scenarios may loop for about a tenth of a
 * second while it is loaded.
 */
enum { LOAD_BUDGET = 20 * 1000 * 1000 };

static void on_budget(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_where(L, 0); /* the function that loops */
    lua_pushliteral(L, "ran too long");
    lua_concat(L, 2);
    lua_error(L);
}

/* From a signal handler, where this is one of the few that may be called. */
static void on_late(void *ctx)
{
    lua_sethook(ctx, on_budget, LUA_MASKCOUNT, LOAD_BUDGET);
}

/* Where the innermost function of this chunk is, in what co did last. */
static bool find_place(lua_State *co, const char *chunkname, lua_Debug *ar)
{
    for (int level = 0; lua_getstack(co, level, ar); level++) {
        (void)lua_getinfo(co, "Sl", ar);
        if (ar->currentline > 0 && strcmp(ar->source, chunkname) == 0)
            return true;
    }
    return false;
}

/*
 * Pushes nil and the error on top of co as one line, which begins with file
 * and line even when what raised it was a function of the engine.
 */
static int fail_in_file(lua_State *L, lua_State *co, const char *chunkname)
{
    lua_Debug ar;
    const char *message;
    size_t len;

    lua_pushnil(L);
    lua_xmove(co, L, 1);
    message = luaL_tolstring(L, -1, NULL);
    lua_replace(L, -2);
    len = strcspn(message, "\n");
    if (find_place(co, chunkname, &ar) &&
        strncmp(message, ar.short_src, strlen(ar.short_src)) != 0)
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    else
        lua_pushliteral(L, "");
    lua_pushlstring(L, message, len);
    lua_concat(L, 2);
    lua_replace(L, -2);
    return 2;
}

/* (text, chunkname, env): true, or nil and why. */
static int native_run_sandboxed(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    const char *chunkname = luaL_checkstring(L, 2);
    lua_State *co;
    struct watch watch;
    int results;
    int status;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    co = lua_newthread(L);
    watch = (struct watch){on_late, co, NULL};
    status = luaL_loadbufferx(co, text, len, chunkname, "t");
    if (status == LUA_OK) {
        lua_pushvalue(L, 3);
        lua_xmove(L, co, 1);
        (void)lua_setupvalue(co, -2, 1); /* its only one: _ENV */
        watchdog_enter(&watch);
        status = lua_resume(co, L, 0, &results);
        watchdog_leave(&watch);
    }
    if (status == LUA_YIELD)
        return luaL_error(L, "%s: a file cannot wait while it is loaded",
                          chunkname);
    if (status != LUA_OK)
        return fail_in_file(L, co, chunkname);
    lua_pushboolean(L, 1);
    return 1;
}

void native_open_sandbox(lua_State *L)
{
    lua_pushcfunction(L, native_run_sandboxed);
    lua_setfield(L, -2, "run_sandboxed");
}
