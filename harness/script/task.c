#include <math.h>
#include <stdlib.h>

#include "script_internal.h"
#include "watchdog.h"

/*
 * Instructions that a spawned task may run, about half a second, once it has
 * computed for long without a wait; what needs more loops for ever.
 */
enum { TASK_BUDGET = 50 * 1000 * 1000 };

struct task {
    struct context context;
    lua_State *co;
    int ref; /* keeps the coroutine alive */
    int args;
    uv_timer_t timer; /* data points back here */
    struct task *prev;
    struct task *next;
    struct task *next_ready;
    struct waiters *on; /* NULL: not in such a list */
    struct task *next_waiter;
    bool is_waiting;
    bool is_suspended; /* in native.suspend(): native.wake() applies */
    bool is_ready;
    bool is_timed_out;
};

static struct context *context_of(lua_State *L)
{
    return *(struct context **)lua_getextraspace(L);
}

struct script *script_of(lua_State *L)
{
    return context_of(L)->script;
}

static void on_task_closed(uv_handle_t *handle)
{
    struct task *t = handle->data;

    free(t);
}

static void unlink_task(struct task *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        t->context.script->tasks = t->next;
    if (t->next)
        t->next->prev = t->prev;
}

static void leave_waiters(struct task *t)
{
    struct task **at;

    if (!t->on)
        return;
    at = &t->on->head;
    while (*at != t)
        at = &(*at)->next_waiter;
    *at = t->next_waiter;
    t->on = NULL;
}

static void on_idle(uv_idle_t *idle);

/* Ready tasks run from the loop, one turn each, so that I/O is never starved */
static void make_ready(struct task *t)
{
    struct script *s = t->context.script;

    if (t->is_ready || s->is_closing)
        return;
    t->is_ready = true;
    t->is_suspended = false;
    t->next_ready = NULL;
    *s->ready_end = t;
    s->ready_end = &t->next_ready;
    (void)uv_idle_start(&s->idle, on_idle);
}

static void wake(struct task *t)
{
    leave_waiters(t);
    uv_timer_stop(&t->timer);
    make_ready(t);
}

void waiters_wake(struct waiters *on)
{
    while (on->head)
        wake(on->head);
}

static void on_deadline(uv_timer_t *timer)
{
    struct task *t = timer->data;

    t->is_timed_out = true;
    wake(t);
}

static void on_budget(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    luaL_where(L, 0); /* the function that loops */
    lua_pushliteral(L, "ran too long without waiting");
    lua_concat(L, 2);
    lua_error(L);
}

/* From a signal handler, where this is one of the few that may be called. */
static void on_late(void *ctx)
{
    lua_sethook(ctx, on_budget, LUA_MASKCOUNT, TASK_BUDGET);
}

/* How a task ended, for conclude(). */
struct ending {
    struct task *task;
    int status; /* LUA_YIELD: it yielded by itself */
    int results;
};

static void push_failure(lua_State *L, const struct ending *e)
{
    lua_State *co = e->task->co;

    if (e->status == LUA_YIELD) {
        lua_pushliteral(L, "a task yielded without waiting for anything");
    } else {
        lua_xmove(co, L, 1);
        (void)luaL_tolstring(L, -1, NULL);
    }
    luaL_traceback(L, co, lua_tostring(L, -1), 0);
}

/* What script_run() waits for is left in the registry; a failure of any other
 * task is raised, since nobody else would hear of it. */
static int conclude(lua_State *L)
{
    const struct ending *e = lua_touserdata(L, 1);
    struct script *s = e->task->context.script;
    bool is_ok = e->status == LUA_OK;

    if (!is_ok) {
        push_failure(L, e);
    } else if (e->results > 0) {
        lua_pop(e->task->co, e->results - 1);
        lua_xmove(e->task->co, L, 1);
    } else {
        lua_pushnil(L);
    }
    if (e->task != s->main)
        return is_ok ? 0 : lua_error(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &script_result_key);
    s->outcome = is_ok ? MAIN_DONE : MAIN_FAILED;
    return 0;
}

static void end_task(struct task *t, int status, int results)
{
    struct script *s = t->context.script;

    script_protect(s, conclude, &(struct ending){t, status, results});
    if (status != LUA_OK)
        (void)lua_resetthread(t->co); /* closes its pending variables */
    if (s->main == t)
        s->main = NULL;
    *(struct context **)lua_getextraspace(t->co) = &s->context;
    luaL_unref(s->L, LUA_REGISTRYINDEX, t->ref);
    unlink_task(t);
    uv_close((uv_handle_t *)&t->timer, on_task_closed);
}

/* The engine's own task may compute as long as it likes. */
static int resume_coroutine(struct task *t, int args, int *results)
{
    struct script *s = t->context.script;
    struct watch watch = {on_late, t->co, NULL};
    int status;

    if (t == s->main)
        return lua_resume(t->co, s->L, args, results);
    watchdog_enter(&watch);
    status = lua_resume(t->co, s->L, args, results);
    watchdog_leave(&watch);
    if (lua_gethook(t->co))
        lua_sethook(t->co, NULL, 0, 0);
    return status;
}

static void resume(struct task *t)
{
    struct script *s = t->context.script;
    int args = t->args;
    int results = 0;
    int status;

    t->args = 0;
    t->is_waiting = false;
    s->memory_max = MEMORY_MAX;
    status = resume_coroutine(t, args, &results);
    s->memory_max = MEMORY_MAX + MEMORY_SPARE;
    if (status != LUA_YIELD || !t->is_waiting)
        end_task(t, status, results);
}

static void on_idle(uv_idle_t *idle)
{
    struct script *s = idle->data;
    struct task *t = s->ready;
    struct task *next;

    s->ready = NULL;
    s->ready_end = &s->ready;
    uv_idle_stop(idle);
    for (; t; t = next) {
        next = t->next_ready;
        t->is_ready = false;
        resume(t);
    }
}

void tasks_open(struct script *s)
{
    s->ready_end = &s->ready;
    (void)uv_idle_init(s->loop, &s->idle); /* cannot fail */
    s->idle.data = s;
}

void tasks_close(struct script *s)
{
    for (struct task *t = s->tasks, *next; t; t = next) {
        next = t->next;
        leave_waiters(t);
        *(struct context **)lua_getextraspace(t->co) = &s->context;
        uv_close((uv_handle_t *)&t->timer, on_task_closed);
    }
    s->tasks = NULL;
    uv_close((uv_handle_t *)&s->idle, NULL);
}

/*
 * Milliseconds, never less than asked for: libuv's clock is cut to whole ones.
 * False when there is no deadline.
 */
static bool to_ms(lua_Number within, uint64_t *ms)
{
    static const lua_Number for_ever = 1e9;

    if (!(within >= 0 && within < for_ever))
        return false;
    *ms = within > 0 ? (uint64_t)ceil(within * 1000) + 1 : 0;
    return true;
}

int task_wait(lua_State *L, struct waiters *on, lua_Number within,
              lua_KContext ctx, lua_KFunction k)
{
    struct task *t = context_of(L)->task;
    uint64_t ms;

    if (!t)
        return luaL_error(L, "only a task can wait");
    if (!lua_isyieldable(L))
        return luaL_error(L, "this call cannot wait for anything");
    t->is_waiting = true;
    t->is_timed_out = false;
    if (on) {
        t->on = on;
        t->next_waiter = on->head;
        on->head = t;
    }
    if (to_ms(within, &ms)) {
        uv_update_time(script_of(L)->loop); /* the task may have run long */
        (void)uv_timer_start(&t->timer, on_deadline, ms, 0);
    }
    return lua_yieldk(L, 0, ctx, k);
}

struct task *task_new(lua_State *L, int nargs)
{
    struct script *s = script_of(L);
    lua_State *co = lua_newthread(L);
    struct task *t;
    int ref;

    if (!lua_checkstack(co, nargs + 1))
        luaL_error(L, "too many arguments");
    lua_pushvalue(L, -1);
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
    t = calloc(1, sizeof(*t));
    if (!t) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        luaL_error(L, "out of memory");
        return NULL;
    }
    *t = (struct task){.context = {s, t},
                       .co = co,
                       .ref = ref,
                       .args = nargs,
                       .next = s->tasks};
    if (t->next)
        t->next->prev = t;
    s->tasks = t;
    (void)uv_timer_init(s->loop, &t->timer); /* cannot fail */
    t->timer.data = t;
    *(struct context **)lua_getextraspace(co) = &t->context;
    lua_insert(L, -(nargs + 2)); /* the thread stays below what moves */
    lua_xmove(L, co, nargs + 1);
    make_ready(t);
    return t;
}

/* native.spawn(fn, arg): starts a task in the next turn of the loop. */
static int native_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    (void)task_new(L, 1);
    return 1;
}

static int slept(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

static int native_sleep(lua_State *L)
{
    return task_wait(L, NULL, luaL_checknumber(L, 1), 0, slept);
}

static int woken(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lua_pushboolean(L, !context_of(L)->task->is_timed_out);
    return 1;
}

/* native.suspend([seconds]): whether it was woken before the time was over. */
static int native_suspend(lua_State *L)
{
    lua_Number within = luaL_optnumber(L, 1, -1);

    if (context_of(L)->task)
        context_of(L)->task->is_suspended = true;
    return task_wait(L, NULL, within, 0, woken);
}

/* native.wake(thread): ends its suspend(), and no other kind of wait. */
static int native_wake(lua_State *L)
{
    struct task *t;

    luaL_checktype(L, 1, LUA_TTHREAD);
    t = context_of(lua_tothread(L, 1))->task;
    if (t && t->is_suspended)
        wake(t);
    return 0;
}

lua_Number script_now(void)
{
    return (lua_Number)uv_hrtime() / 1e9;
}

static int native_now(lua_State *L)
{
    lua_pushnumber(L, script_now());
    return 1;
}

void native_open_task(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"spawn", native_spawn},     {"sleep", native_sleep},
        {"suspend", native_suspend}, {"wake", native_wake},
        {"now", native_now},         {NULL, NULL},
    };

    luaL_setfuncs(L, functions, 0);
}
