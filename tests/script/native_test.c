/*
 * Runs the Lua tests of this folder: each file returns a list of {name,
 * function [, fails = TEXT]}; each function runs as the main task of a state
 * and a loop of its own. TEXT is what its failure has to say.
 */

#include <lualib.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "native.h"
#include "rows.h"
#include "watchdog.h"

static const char *const files[] = {
    "task",    "conn",   "listener", "process", "files",       "json",
    "sandbox", "server", "oracle",   "udp",     "http_reader", "hash",
};

struct lua_test {
    const char *file;
    char name[120];
    int index;
};

enum { TESTS_MAX = 300 };

static struct lua_test tests[TESTS_MAX];
static struct CMUnitTest unit_tests[TESTS_MAX];
static size_t count;

/* Leaves the list of the file's tests on the stack; false says why. */
static bool load_file(lua_State *L, const char *file)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "tests/script/%s.lua", file);
    return luaL_dofile(L, path) == LUA_OK;
}

/* Pushes the function of a test and, below it, what its failure says. */
static int push_test(lua_State *L)
{
    const struct lua_test *test = lua_touserdata(L, 1);

    if (!load_file(L, test->file))
        return lua_error(L);
    (void)lua_rawgeti(L, -1, test->index);
    (void)lua_getfield(L, -1, "fails");
    (void)lua_rawgeti(L, -2, 2);
    return 2;
}

/* What a test left: the text its failure has to have, and what it said. */
struct outcome {
    char fails[120]; /* "": it has to pass */
    char why[1000];  /* "": it passed */
    struct px_error err;
};

static void note_outcome(lua_State *L, bool is_ok, struct outcome *out)
{
    const char *fails = lua_tostring(L, 1);

    (void)snprintf(out->fails, sizeof(out->fails), "%s", fails ? fails : "");
    (void)snprintf(out->why, sizeof(out->why), "%s",
                   is_ok ? "" : lua_tostring(L, -1));
}

static void check_outcome(const struct outcome *out)
{
    size_t len = strlen(out->err.detail);

    if (!*out->fails && *out->why)
        fail_msg("%s", out->why);
    if (!*out->fails)
        return;
    if (!strstr(out->why, out->fails))
        fail_msg("\"%s\" where \"%s\" is due", out->why, out->fails);
    assert_true(len > 0);
    assert_null(strchr(out->err.detail, '\n'));
    assert_int_equal(strncmp(out->why, out->err.detail, len), 0);
}

/* A listener whose queue is full: who connects hears nothing. */
struct deaf {
    int listener;
    int filler;
};

static int deaf_port(lua_State *L)
{
    struct deaf *deaf = lua_touserdata(L, lua_upvalueindex(1));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(deaf->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(deaf->listener, 0), 0);
    assert_int_equal(
        getsockname(deaf->listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(deaf->filler, (struct sockaddr *)&address, len),
                     0);
    lua_pushinteger(L, ntohs(address.sin_port));
    return 1;
}

static void run_in(uv_loop_t *loop, void *test, struct outcome *out)
{
    struct script *script = script_new(loop);
    struct deaf deaf = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    lua_State *L;
    bool is_ok = false;

    assert_non_null(script);
    L = script_state(script);
    lua_pushlightuserdata(L, &deaf);
    lua_pushcclosure(L, deaf_port, 1);
    lua_setglobal(L, "deaf_port");
    lua_pushcfunction(L, push_test);
    lua_pushlightuserdata(L, test);
    if (lua_pcall(L, 1, 2, 0) == LUA_OK) {
        is_ok = script_run(script, &out->err);
        assert_int_equal(lua_gettop(L), 2);
    }
    note_outcome(L, is_ok, out);
    script_free(script);
    (void)close(deaf.listener);
    (void)close(deaf.filler);
}

static void run_lua_test(void **state)
{
    long held = alloc_held();
    struct outcome out = {0};
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    run_in(&loop, *state, &out);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(alloc_held(), held);
    check_outcome(&out);
}

static void add_test(const char *file, const char *name, int index)
{
    struct lua_test *test = &tests[count];

    assert_true(count < TESTS_MAX);
    test->file = file;
    test->index = index;
    (void)snprintf(test->name, sizeof(test->name), "%s: %s", file, name);
    unit_tests[count] = (struct CMUnitTest){
        .name = test->name, .test_func = run_lua_test, .initial_state = test};
    count++;
}

/* Names every test of the file, in a state that has no natives. */
static bool list_tests(const char *file)
{
    lua_State *L = luaL_newstate();
    bool is_ok;

    luaL_openlibs(L);
    is_ok = load_file(L, file);
    if (!is_ok)
        (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    for (int i = 1; is_ok && lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
        (void)lua_rawgeti(L, -1, 1);
        add_test(file, lua_tostring(L, -1), i);
        lua_pop(L, 2);
    }
    lua_close(L);
    return is_ok;
}

int main(void)
{
    for (size_t i = 0; i < LENGTH(files); i++) {
        if (!list_tests(files[i]))
            return 1;
    }
    return _cmocka_run_group_tests("script", unit_tests, count, NULL, NULL);
}
