#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "native.h"
#include "rows.h"
#include "watchdog.h"

/* A script on a loop of its own. */
struct fixture {
    uv_loop_t loop;
    struct script *script;
    lua_State *L;
};

static void open_fixture(struct fixture *f)
{
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->script = script_new(&f->loop);
    assert_non_null(f->script);
    f->L = script_state(f->script);
    assert_ptr_equal(script_loop(f->script), &f->loop);
    assert_ptr_equal(script_of(f->L), f->script);
}

static void close_fixture(struct fixture *f)
{
    script_free(f->script);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

/* The module that the rows call. */
static const char module[] = "package.loaded['a.module'] = {"
                             "  answer = function(a, b)"
                             "    native.sleep(0) return a + b, 1 end,"
                             "  nothing = function() end,"
                             "  fail = function() native.sleep(0)"
                             "    error('first line\\nsecond', 0) end,"
                             "  leave = function() native.spawn(function()"
                             "    native.sleep(60) end) return 1 end,"
                             "  number = 7 }";

struct call_row {
    const char *name;
    const char *module;
    const char *function;
    int nargs;
    const char *why;    /* the detail of its failure; NULL: it passes */
    lua_Integer result; /* 0: nil */
};

static const struct call_row calls[] = {
    {"a result comes back", "a.module", "answer", 2, NULL, 12},
    {"no result is nil", "a.module", "nothing", 0, NULL, 0},
    {"a failure is one line", "a.module", "fail", 2, "first line", 0},
    {"a task may be left behind", "a.module", "leave", 0, NULL, 1},
    {"no such function", "a.module", "none", 0, "a.module has no function none",
     0},
    {"no function at all", "a.module", "number", 2,
     "a.module has no function number", 0},
    {"no such module", "no.module", "main", 0,
     "module 'no.module' not found:", 0},
};

static void check_call(void **state)
{
    const struct call_row *row = *state;
    long held = alloc_held();
    struct px_error err = {0};
    struct fixture f;
    bool is_ok;

    open_fixture(&f);
    assert_int_equal(luaL_dostring(f.L, module), LUA_OK);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < row->nargs; i++)
            lua_pushinteger(f.L, 5 + 2 * i);
        is_ok =
            script_call(f.script, row->module, row->function, row->nargs, &err);
        assert_int_equal(lua_gettop(f.L), 1);
        assert_int_equal(is_ok, !row->why);
        if (row->why)
            assert_string_equal(err.detail, row->why);
        else
            assert_int_equal(lua_tointeger(f.L, 1), row->result);
        assert_int_equal(lua_isnil(f.L, 1), !row->why && !row->result);
        lua_pop(f.L, 1);
    }
    close_fixture(&f);
    assert_int_equal(alloc_held(), held);
}

/* One run that opens a thing of every kind and leaves it open. */
static const char everything[] =
    "local l = assert(native.listen { on_accept = function() end })\n"
    "local c = assert(native.connect { host = 'localhost', port = l:port() })\n"
    "c:on_event(function() end)\n"
    "local o = assert(l:accept(5))\n"
    "c:write(('x'):rep(300000)) o:wait(100000, 5) o:consume(5000)\n"
    "local s = assert(native.server { socks = '127.0.0.1:0', user = 'u' })\n"
    "local j = native.oracle {} j:bytes('client', '\\5\\1\\0', 1) "
    "j:messages()\n"
    "local p = assert(native.process { argv = { 'true' }, env = { A = 'b' } "
    "})\n"
    "p:wait(5) native.reserve {} native.json { a = native.array { 'x' } }\n"
    "native.on_interrupt(function() end)\n"
    "native.run_sandboxed('x = 1', '@f', {})\n"
    "native.spawn(function() native.suspend() end) native.sleep(0)\n"
    "return native.read_file('Makefile') and native.list_files('docs', '')\n";

/* Whether it came to its end although the n-th allocation failed. */
static bool run_everything(unsigned long n)
{
    struct px_error err = {0};
    uv_loop_t loop;
    struct script *script;
    bool is_ok = false;

    assert_int_equal(uv_loop_init(&loop), 0);
    alloc_fail_at(n);
    script = script_new(&loop);
    if (script && luaL_loadstring(script_state(script), everything) == LUA_OK) {
        is_ok = script_run(script, &err);
        assert_int_equal(is_ok, err.detail[0] == '\0');
    }
    script_free(script);
    assert_int_equal(uv_loop_close(&loop), 0);
    return is_ok;
}

static void memory_runs_short(void **state)
{
    unsigned long n = 1;
    long held = alloc_held();

    (void)state;
    do {
        (void)run_everything(n);
        assert_int_equal(alloc_held(), held);
        n += 1 + n / 20; /* each of the first, then ever fewer */
    } while (alloc_has_failed());
    alloc_fail_at(0);
    assert_true(run_everything(0));
}

/* Runs text in a child whose watchdog allows little; what it says and its
 * status. */
static int run_guarded(const char *text, char *said, size_t room)
{
    enum { SHORT_MS = 10, LOOKS = 5 };
    struct watch watch = {0};
    int fds[2];
    int status;
    pid_t child;
    ssize_t got;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        lua_State *L = luaL_newstate();

        luaL_openlibs(L);
        (void)dup2(fds[1], STDERR_FILENO);
        watchdog_arm(SHORT_MS, LOOKS);
        watchdog_enter(&watch);
        (void)luaL_dostring(L, text);
        watchdog_leave(&watch);
        for (clock_t start = clock(); clock() - start < CLOCKS_PER_SEC / 10;)
            continue;
        _exit(0);
    }
    (void)close(fds[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    got = read(fds[0], said, room - 1);
    (void)close(fds[0]);
    said[got > 0 ? got : 0] = '\0';
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void endless_calls_end_the_process(void **state)
{
    static const char *const texts[] = {
        "string.rep('', 1 << 62)",
        "table.move({}, 1, 1 << 62, 2)",
        "string.find(('a'):rep(3000), ('a*'):rep(20) .. 'b')",
    };
    char said[200];

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        assert_int_equal(run_guarded(texts[i], said, sizeof(said)),
                         WATCHDOG_STATUS);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
    assert_int_equal(run_guarded("return 1", said, sizeof(said)), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_runs_short),
        cmocka_unit_test(endless_calls_end_the_process),
    };

    return RUN_ROWS(calls, check_call) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
