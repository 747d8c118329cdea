#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.h"
#include "orphans.h"
#include "script_internal.h"

/*
 * native.process(): a child in a process group of its own. One that puts itself
 * into the background goes on as what it left behind when it ended.
 */

static const char type_name[] = "proxyspec.process";

enum {
    OUTPUT_KEPT = 64 * 1024,
    GRACE_MS = 500, /* between SIGTERM and SIGKILL when nobody wants it */
    LOOK_MS = 100,  /* the loop is told nothing of children of our children */
};

struct process {
    uv_process_t child; /* data of all four points back here */
    uv_pipe_t pipe;     /* standard output and error */
    uv_timer_t grace;
    uv_timer_t look;
    pid_t daemon;          /* it went into the background as this, or 0 */
    pid_t group;           /* of the daemon, as it was last; or 0 */
    struct orphans before; /* the children that we had when it began */
    struct script *script;
    struct process *next; /* of those that run */
    struct waiters waiters;
    int open_handles;
    int64_t code;
    int signal;
    bool is_running;
    bool is_told;   /* to end: what is then left behind is no daemon */
    bool is_orphan; /* the userdata was collected */
    size_t written; /* all that came; the last of it is in output */
    char output[OUTPUT_KEPT];
};

struct box {
    struct process *process;
};

static const struct signal_name {
    const char *name;
    int number;
} signals[] = {
    {"SIGABRT", SIGABRT}, {"SIGALRM", SIGALRM}, {"SIGBUS", SIGBUS},
    {"SIGCHLD", SIGCHLD}, {"SIGCONT", SIGCONT}, {"SIGFPE", SIGFPE},
    {"SIGHUP", SIGHUP},   {"SIGILL", SIGILL},   {"SIGINT", SIGINT},
    {"SIGKILL", SIGKILL}, {"SIGPIPE", SIGPIPE}, {"SIGQUIT", SIGQUIT},
    {"SIGSEGV", SIGSEGV}, {"SIGSTOP", SIGSTOP}, {"SIGSYS", SIGSYS},
    {"SIGTERM", SIGTERM}, {"SIGTRAP", SIGTRAP}, {"SIGTSTP", SIGTSTP},
    {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGXCPU", SIGXCPU},
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* The end of the object ---------------------------------------------------- */

/* What the group left behind was killed, or nobody is to kill it. */
static void free_process(struct process *p)
{
    if (p->child.pid > 0)
        guard_remove(p->script->guard, p->child.pid);
    if (p->group > 0)
        guard_remove(p->script->guard, p->group);
    free(p);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;

    p->open_handles--;
    if (p->is_orphan && p->open_handles == 0)
        free_process(p);
}

static void close_handle(uv_handle_t *handle)
{
    if (handle->loop && !uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void close_handles(struct process *p)
{
    close_handle((uv_handle_t *)&p->child);
    close_handle((uv_handle_t *)&p->pipe);
    close_handle((uv_handle_t *)&p->grace);
    close_handle((uv_handle_t *)&p->look);
}

static int signal_group(const struct process *p, int number)
{
    int error, also = UV_ESRCH;

    assert(p->child.pid > 0);
    error = uv_kill(-p->child.pid, number);
    if (p->group > 0)
        also = uv_kill(-p->group, number);
    return also ? error : 0;
}

void processes_kill(struct script *s)
{
    for (const struct process *p = s->processes; p; p = p->next)
        (void)signal_group(p, SIGKILL);
}

static void list(struct process *p)
{
    p->next = p->script->processes;
    p->script->processes = p;
    p->is_running = true;
    guard_add(p->script->guard, p->child.pid);
}

static void unlist(struct process *p)
{
    struct process **at = &p->script->processes;

    while (*at != p) {
        assert(*at); /* it is listed while it runs */
        at = &(*at)->next;
    }
    *at = p->next;
    p->is_running = false;
}

static void on_grace_over(uv_timer_t *timer)
{
    (void)signal_group(timer->data, SIGKILL);
}

/* Nobody holds it: it is asked to go, then made to, and reaped either way. */
static int process_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);
    struct process *p = box->process;

    if (!p)
        return 0;
    box->process = NULL;
    p->is_orphan = true;
    p->is_told = true;
    if (p->is_running) {
        close_handle((uv_handle_t *)&p->pipe);
        (void)signal_group(p, SIGTERM);
        (void)uv_timer_start(&p->grace, on_grace_over, GRACE_MS, 0);
    } else if (p->open_handles) {
        close_handles(p);
    } else {
        free_process(p);
    }
    return 0;
}

/* Output ------------------------------------------------------------------- */

static void keep_output(struct process *p, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p->output[(p->written + i) % OUTPUT_KEPT] = data[i];
    p->written += len;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char storage[65536]; /* one loop, one thread: used at once */

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(storage, sizeof(storage));
}

static void on_output(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct process *p = stream->data;

    if (got > 0)
        keep_output(p, buf->base, (size_t)got);
    else if (got < 0)
        close_handle((uv_handle_t *)stream);
}

/* What it wrote last is there when its status is. */
static void drain(struct process *p)
{
    char buf[4096];
    uv_os_fd_t fd;
    ssize_t got;

    if (uv_is_closing((uv_handle_t *)&p->pipe) ||
        uv_fileno((uv_handle_t *)&p->pipe, &fd) != 0)
        return;
    while ((got = read(fd, buf, sizeof(buf))) > 0)
        keep_output(p, buf, (size_t)got);
}

static void end(struct process *p, int64_t code, int signal_number)
{
    unlist(p);
    if (signal_group(p, 0) != 0) { /* nothing of it is left */
        guard_remove(p->script->guard, p->child.pid);
        guard_remove(p->script->guard, p->group);
    }
    p->code = code;
    p->signal = signal_number;
    if (p->is_orphan) {
        (void)signal_group(p, SIGKILL); /* what it has left behind */
        close_handles(p);
        return;
    }
    drain(p);
    waiters_wake(&p->waiters);
}

/* In the background ------------------------------------------------------- */

/* A child of ours that nobody has asked for. */
static bool is_left_behind(const struct process *p, pid_t pid)
{
    if (orphans_has(&p->before, pid))
        return false;
    for (const struct process *other = p->script->processes; other;
         other = other->next) {
        if (other->child.pid == pid || other->daemon == pid)
            return false;
    }
    return true;
}

/* What was left behind and has ended is waited for; the last that has not. */
static pid_t reap(const struct process *p)
{
    struct orphans ours;
    pid_t last = 0;

    orphans_children(&ours);
    for (size_t i = 0; i < ours.count; i++) {
        if (is_left_behind(p, ours.pids[i]) &&
            waitpid(ours.pids[i], NULL, WNOHANG) == 0)
            last = ours.pids[i];
    }
    return last;
}

/* A daemon soon leaves the group of its parent for one of its own. */
static void note_group(struct process *p)
{
    pid_t group = getpgid(p->daemon);

    if (group <= 0 || group == p->group || group == p->child.pid)
        return;
    guard_remove(p->script->guard, p->group);
    guard_add(p->script->guard, group);
    p->group = group;
}

/*
 * What ended well and left something behind has gone into the background, and
 * goes on there.
 */
static bool goes_on(struct process *p, int64_t code, int signal_number)
{
    p->daemon = 0;
    if (code == 0 && signal_number == 0 && !p->is_told)
        p->daemon = reap(p);
    if (p->daemon > 0)
        note_group(p);
    return p->daemon > 0;
}

static void on_ended(uv_process_t *child, int64_t code, int signal_number)
{
    struct process *p = child->data;

    if (!goes_on(p, code, signal_number))
        end(p, code, signal_number);
}

static void on_look(uv_timer_t *timer)
{
    struct process *p = timer->data;
    int status = 0, code, signal_number;

    (void)reap(p);
    if (!p->daemon || !p->is_running)
        return;
    note_group(p);
    if (waitpid(p->daemon, &status, WNOHANG) == 0)
        return;
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (!goes_on(p, code, signal_number))
        end(p, code, signal_number);
}

/* Starting ----------------------------------------------------------------- */

static struct process *push_process(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    struct process *p;

    box->process = NULL;
    luaL_setmetatable(L, type_name);
    p = calloc(1, sizeof(*p));
    if (!p) {
        luaL_error(L, "out of memory");
        return NULL;
    }
    p->script = script_of(L);
    p->child.data = p;
    p->pipe.data = p;
    p->grace.data = p;
    p->look.data = p;
    (void)uv_pipe_init(script_loop(p->script), &p->pipe, 0);
    (void)uv_timer_init(script_loop(p->script), &p->grace);
    (void)uv_timer_init(script_loop(p->script), &p->look);
    p->open_handles = 3; /* the child joins them when it is spawned */
    box->process = p;
    return p;
}

/*
 * The strings of the list at index as a vector in a userdata, which is pushed;
 * extra entries of the caller's fit before the NULL. They live in the list.
 */
static char **push_vector(lua_State *L, int index, size_t extra)
{
    size_t count = lua_rawlen(L, index);
    char **vector =
        lua_newuserdatauv(L, (count + extra + 1) * sizeof(*vector), 0);

    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "entry %d is no string", (int)i + 1);
        vector[i] = (char *)lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    vector[count] = NULL;
    return vector;
}

/* Pushes a list of NAME=VALUE made of the table on top, which it replaces. */
static void push_assignments(lua_State *L)
{
    lua_Integer n = 0;

    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
            luaL_error(L, "env is no table of strings");
        lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
        lua_rawseti(L, -4, ++n);
        lua_pop(L, 1);
    }
    lua_replace(L, -2);
}

static bool is_overridden(char *const *vector, const char *assignment)
{
    size_t len = strcspn(assignment, "=") + 1;

    for (; *vector; vector++) {
        if (strncmp(*vector, assignment, len) == 0)
            return true;
    }
    return false;
}

/* Ours with the variables of the option env instead or in addition. */
static char **push_environment(lua_State *L)
{
    size_t count = 0;
    size_t n;
    char **vector;

    while (environ[count])
        count++;
    if (lua_getfield(L, 1, "env") == LUA_TNIL) {
        lua_pop(L, 1);
        return environ;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    push_assignments(L);
    vector = push_vector(L, lua_gettop(L), count);
    n = lua_rawlen(L, -2);
    for (size_t i = 0; i < count; i++) {
        if (is_overridden(vector, environ[i]))
            continue;
        vector[n++] = environ[i];
        vector[n] = NULL;
    }
    return vector;
}

/* Spawns with both outputs in one pipe, so that their order is kept. */
static int spawn(struct process *p, uv_process_options_t *options)
{
    uv_file fds[2];
    int error = uv_pipe(fds, UV_NONBLOCK_PIPE, 0);
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};

    if (error)
        return error;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        stdio[fd].flags = UV_INHERIT_FD;
        stdio[fd].data.fd = fds[1];
    }
    options->stdio = stdio;
    options->stdio_count = 3;
    options->exit_cb = on_ended;
    options->flags = UV_PROCESS_DETACHED;
    error = uv_pipe_open(&p->pipe, fds[0]);
    if (error)
        (void)close(fds[0]);
    else
        error = uv_spawn(script_loop(p->script), &p->child, options);
    options->stdio = NULL; /* it ends here */
    p->open_handles += p->child.loop != NULL;
    (void)close(fds[1]);
    return error;
}

static int fail_spawn(lua_State *L, const uv_process_options_t *options,
                      int error)
{
    struct stat st;

    assert(options->file);
    lua_pushnil(L);
    if (options->cwd && (stat(options->cwd, &st) != 0 || !S_ISDIR(st.st_mode)))
        lua_pushfstring(L, "%s: no such directory", options->cwd);
    else if (error == UV_ENOENT && !strchr(options->file, '/'))
        lua_pushfstring(L, "%s: command not found", options->file);
    else
        lua_pushfstring(L, "%s: %s", options->file, uv_strerror(error));
    return 2;
}

static int native_process(lua_State *L)
{
    uv_process_options_t options = {0};
    struct process *p;
    int error;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    options.cwd = option_string(L, 1, "cwd", NULL);
    (void)lua_getfield(L, 1, "argv");
    if (!lua_istable(L, 2) || lua_rawlen(L, 2) == 0)
        return luaL_error(L, "argv is no list of strings");
    options.args = push_vector(L, 2, 0);
    options.file = options.args[0];
    options.env = push_environment(L);
    p = push_process(L);
    orphans_expect();
    orphans_children(&p->before);
    error = spawn(p, &options);
    if (error) {
        close_handles(p);
        return fail_spawn(L, &options, error);
    }
    list(p);
    (void)uv_timer_start(&p->look, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&p->look);
    (void)uv_read_start((uv_stream_t *)&p->pipe, on_alloc, on_output);
    return 1;
}

/* What Lua calls ------------------------------------------------------------
 */

static struct process *check_process(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, type_name);

    if (!box->process)
        luaL_error(L, "this process was collected");
    return box->process;
}

static int process_pid(lua_State *L)
{
    const struct process *p = check_process(L);

    lua_pushinteger(L, p->daemon > 0 ? p->daemon : p->child.pid);
    return 1;
}

static int process_output(lua_State *L)
{
    const struct process *p = check_process(L);
    size_t start = p->written % OUTPUT_KEPT;

    if (p->written <= OUTPUT_KEPT) {
        lua_pushlstring(L, p->output, p->written);
        return 1;
    }
    lua_pushlstring(L, p->output + start, OUTPUT_KEPT - start);
    lua_pushlstring(L, p->output, start);
    lua_concat(L, 2);
    return 1;
}

/* "SIGTERM" or "TERM"; an error in L when there is none of that name. */
static int check_signal(lua_State *L, int index)
{
    const char *name = luaL_checkstring(L, index);

    for (size_t i = 0; i < SIGNALS; i++) {
        if (strcmp(signals[i].name, name) == 0 ||
            strcmp(signals[i].name + strlen("SIG"), name) == 0)
            return signals[i].number;
    }
    return luaL_error(L, "there is no signal '%s'", name);
}

static int process_kill(lua_State *L)
{
    struct process *p = check_process(L);
    int number = check_signal(L, 2);
    int error = signal_group(p, number);

    p->is_told = p->is_told || number == SIGTERM || number == SIGKILL ||
                 number == SIGINT || number == SIGQUIT;
    if (error)
        return native_fail(L, uv_strerror(error));
    lua_pushboolean(L, 1);
    return 1;
}

static void push_signal(lua_State *L, int number)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        if (signals[i].number == number) {
            lua_pushstring(L, signals[i].name);
            return;
        }
    }
    lua_pushfstring(L, "signal %d", number);
}

/* code is nil when a signal ended it, and signal is nil when none did. */
static int process_status(lua_State *L)
{
    const struct process *p = check_process(L);

    if (p->is_running)
        return 0;
    lua_createtable(L, 0, 2);
    if (p->signal)
        push_signal(L, p->signal);
    else
        lua_pushinteger(L, p->code);
    lua_setfield(L, -2, p->signal ? "signal" : "code");
    return 1;
}

static int waited(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return process_status(L);
}

static int process_wait(lua_State *L)
{
    struct process *p = check_process(L);
    lua_Number within = luaL_optnumber(L, 2, -1);

    if (!p->is_running)
        return process_status(L);
    return task_wait(L, &p->waiters, within, 0, waited);
}

void native_open_process(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"pid", process_pid},   {"output", process_output},
        {"kill", process_kill}, {"status", process_status},
        {"wait", process_wait}, {NULL, NULL},
    };

    native_class(L, type_name, methods, process_gc);
    lua_pushcfunction(L, native_process);
    lua_setfield(L, -2, "process");
}
