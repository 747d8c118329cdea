#include <lualib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "script_internal.h"
#include "watchdog.h"

const char script_result_key;
const char script_failure_key;
static const char remembered_key;
static const char kept_key;

/* A failure of realloc() while shrinking is hidden: Lua counts on that. */
static void *allocate(void *ud, void *old, size_t old_len, size_t len)
{
    struct script *s = ud;
    void *block;

    if (!old)
        old_len = 0; /* Lua passes a type there */
    if (len == 0) {
        s->memory -= old_len;
        free(old);
        return NULL;
    }
    if (len > old_len && s->memory + (len - old_len) > s->memory_max)
        return NULL;
    block = realloc(old, len);
    if (!block) {
        if (len > old_len)
            return NULL;
        block = old;
    }
    s->memory = s->memory - old_len + len;
    return block;
}

lua_State *script_state(struct script *s)
{
    return s->L;
}

uv_loop_t *script_loop(struct script *s)
{
    return s->loop;
}

/* Takes the error on top of the main state; its slot is there already. */
static void note_failure(struct script *s)
{
    if (s->has_failed) {
        lua_pop(s->L, 1);
        return;
    }
    s->has_failed = true;
    lua_rawsetp(s->L, LUA_REGISTRYINDEX, &script_failure_key);
}

void script_protect(struct script *s, lua_CFunction fn, void *arg)
{
    if (s->is_closing)
        return;
    lua_pushcfunction(s->L, fn);
    lua_pushlightuserdata(s->L, arg);
    if (lua_pcall(s->L, 1, 0, 0) != LUA_OK)
        note_failure(s);
}

static void set_in(lua_State *L, const char *key, const void *object)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, object);
    lua_pop(L, 1);
}

void script_remember(lua_State *L, const void *object)
{
    lua_pushvalue(L, -1);
    set_in(L, &remembered_key, object);
}

bool script_push(lua_State *L, const void *object)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &remembered_key);
    (void)lua_rawgetp(L, -1, object);
    lua_remove(L, -2);
    return !lua_isnil(L, -1);
}

void script_keep(lua_State *L, const void *object)
{
    if (script_push(L, object))
        set_in(L, &kept_key, object);
    else
        lua_pop(L, 1);
}

/* Raises nothing: setting nil allocates nothing. */
void script_drop(struct script *s, const void *object)
{
    if (s->is_closing)
        return;
    lua_pushnil(s->L);
    set_in(s->L, &kept_key, object);
}

int native_fail(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

int native_fail_uv(lua_State *L, const char *what, int uv_error)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, uv_strerror(uv_error));
    return 2;
}

void native_class(lua_State *L, const char *name, const luaL_Reg *methods,
                  lua_CFunction gc)
{
    (void)luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

static int native_embedded(lua_State *L)
{
    const struct embedded_file *file = embedded_find(luaL_checkstring(L, 1));

    if (!file)
        return 0;
    lua_pushlstring(L, (const char *)file->data, file->len);
    return 1;
}

static int native_embedded_list(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < embedded_count(); i++) {
        lua_pushstring(L, embedded_at(i)->path);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/*
 * The searcher behind require(): "runner.engine" is the embedded file
 * runner/engine.lua; nothing outside the program is ever loaded.
 */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/");
    const char *path = lua_pushfstring(L, "%s.lua", name);
    const struct embedded_file *file = embedded_find(path);

    if (!file) {
        lua_pushfstring(L, "no embedded file '%s'", path);
        return 1;
    }
    if (luaL_loadbufferx(L, (const char *)file->data, file->len,
                         lua_pushfstring(L, "@%s", path), "t") != LUA_OK)
        return lua_error(L);
    return 1;
}

static void set_searchers(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_newtable(L);
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, 1);
    lua_setfield(L, -2, "searchers");
    lua_pop(L, 1);
}

/* Slots exist before they are needed, so that filling them cannot fail. */
static void set_registry(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &script_result_key);
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &script_failure_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &remembered_key);
}

static int open_all(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"embedded", native_embedded},
        {"embedded_list", native_embedded_list},
        {NULL, NULL},
    };

    luaL_openlibs(L);
    set_searchers(L);
    set_registry(L);
    luaL_newlib(L, functions);
    native_open_task(L);
    native_open_sandbox(L);
    native_open_conn(L);
    native_open_connect(L);
    native_open_tls(L);
    native_open_listener(L);
    native_open_udp(L);
    native_open_process(L);
    native_open_server(L);
    native_open_oracle(L);
    native_open_catalogue(L);
    native_open_files(L);
    native_open_json(L);
    native_open_system(L);
    native_open_hash(L);
    native_open_interrupt(L);
    native_open_bench(L);
    native_open_usage(L);
    native_open_network(L);
    lua_setglobal(L, "native");
    return 0;
}

struct script *script_new(uv_loop_t *loop)
{
    struct script *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->context.script = s;
    s->loop = loop;
    s->guard = guard_new();
    s->hosts = hosts_new();
    s->memory_max = MEMORY_MAX + MEMORY_SPARE;
    s->L = s->hosts ? lua_newstate(allocate, s) : NULL;
    if (!s->L) {
        hosts_free(s->hosts);
        guard_free(s->guard);
        free(s);
        return NULL;
    }
    tasks_open(s);
    (void)signal(SIGPIPE, SIG_IGN);
    watchdog_arm(WATCHDOG_LOOK_MS, WATCHDOG_LOOKS);
    *(struct context **)lua_getextraspace(s->L) = &s->context;
    lua_pushcfunction(s->L, open_all);
    if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) {
        script_free(s);
        return NULL;
    }
    return s;
}

/* The function and its arguments become the main task. */
static int start_main(lua_State *L)
{
    struct script *s = script_of(L);

    s->main = task_new(L, lua_gettop(L) - 1);
    return 0;
}

/* Leaves why on the stack, and its first line in *err. */
static bool report_failure(lua_State *L, struct px_error *err)
{
    const char *why = lua_tostring(L, -1);
    size_t len;

    if (!why) {
        lua_pop(L, 1);
        why = lua_pushliteral(L, "an error that is no text");
    }
    len = strcspn(why, "\n");
    (void)px_fail(err, 0, "%.*s", (int)(len < INT16_MAX ? len : INT16_MAX),
                  why);
    return false;
}

static bool is_stuck(struct script *s)
{
    return uv_run(s->loop, UV_RUN_ONCE) == 0 && s->outcome == MAIN_RUNS &&
           !s->has_failed;
}

/* Runs the function below the nargs arguments on top of the stack. */
static bool run_main(struct script *s, int nargs, struct px_error *err)
{
    lua_State *L = s->L;

    s->outcome = MAIN_RUNS;
    s->has_failed = false;
    lua_pushcfunction(L, start_main);
    lua_insert(L, -(nargs + 2));
    if (lua_pcall(L, nargs + 1, 0, 0) != LUA_OK)
        return report_failure(L, err);
    while (s->outcome == MAIN_RUNS && !s->has_failed) {
        if (is_stuck(s)) {
            lua_pushliteral(L, "every task waits and nothing can happen");
            note_failure(s);
        }
    }
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX,
                      s->has_failed ? &script_failure_key : &script_result_key);
    if (s->has_failed || s->outcome == MAIN_FAILED) {
        s->main = NULL;
        return report_failure(L, err);
    }
    return true;
}

bool script_run(struct script *s, struct px_error *err)
{
    return run_main(s, 0, err);
}

static int called(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lua_settop(L, 1);
    return 1;
}

/* (module, function, …), the names as pointers: require and call. */
static int call_module(lua_State *L)
{
    const char *module = lua_touserdata(L, 1);
    const char *function = lua_touserdata(L, 2);

    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, function);
    if (!lua_isfunction(L, -1))
        return luaL_error(L, "%s has no function %s", module, function);
    lua_replace(L, 2);
    lua_pop(L, 1);
    lua_remove(L, 1);
    lua_callk(L, lua_gettop(L) - 1, 1, 0, called);
    return called(L, LUA_OK, 0);
}

bool script_call(struct script *s, const char *module, const char *function,
                 int nargs, struct px_error *err)
{
    lua_State *L = s->L;

    lua_pushcfunction(L, call_module);
    lua_pushlightuserdata(L, (void *)module);
    lua_pushlightuserdata(L, (void *)function);
    lua_rotate(L, -(nargs + 3), 3);
    return run_main(s, nargs + 2, err);
}

void script_free(struct script *s)
{
    if (!s)
        return;
    s->is_closing = true;
    tasks_close(s);
    lua_close(s->L); /* userdata start to close their handles */
    (void)uv_run(s->loop, UV_RUN_DEFAULT);
    hosts_free(s->hosts);
    guard_free(s->guard);
    free(s);
}
