#ifndef NATIVE_H
#define NATIVE_H

/*
 * script: the Lua face of the harness. C owns sockets, processes, time, files
 * and the judge; the Lua files own scenarios, scheduling, verdicts and
 * reports. docs/engine.md lists what Lua may call. Everything runs on one
 * libuv loop: a call that has to wait yields its coroutine, so hundreds of
 * scenarios wait at once.
 */

#include <lauxlib.h>
#include <lua.h>
#include <uv.h>

#include "px.h"

struct script; /* a Lua state bound to a loop */

/* NULL when memory is short. From here on SIGPIPE is ignored. */
struct script *script_new(uv_loop_t *loop);
lua_State *script_state(struct script *s);
uv_loop_t *script_loop(struct script *s);

/*
 * Runs the function on top of the state's stack as a task and the loop until
 * it has ended; its single result is left on the stack. False when it failed,
 * or when another task or a callback did and nobody caught it: *err then holds
 * the first line of why, and the whole of it with a traceback is left on the
 * stack as a string.
 */
PX_CHECKED bool script_run(struct script *s, struct px_error *err);

/*
 * The same for require(module)[function] with the nargs arguments on top of
 * the stack, which are taken. Both names are borrowed until it returns.
 */
PX_CHECKED bool script_call(struct script *s, const char *module,
                            const char *function, int nargs,
                            struct px_error *err);

/*
 * Closes what is open, ends the children that still run, runs the loop dry
 * and frees; NULL is accepted.
 */
void script_free(struct script *s);

/* The script that a state belongs to. */
struct script *script_of(lua_State *L);

/*
 * Calls fn on the main state with arg as its one argument, a light userdata.
 * For callbacks of the loop: an error that fn raises makes script_run() fail.
 */
void script_protect(struct script *s, lua_CFunction fn, void *arg);

/*
 * Callbacks of the loop find the userdata of their C object with these:
 * remember and push are weak, the object may be collected; keep holds it
 * until drop. push pushes nil and is false when it was collected.
 */
void script_remember(lua_State *L, const void *object); /* top: its userdata */
bool script_push(lua_State *L, const void *object);
void script_keep(lua_State *L, const void *object);
void script_drop(struct script *s, const void *object);

/* A coroutine that C resumes when what it waits for has happened. */
struct task;

/* The tasks that wait for one thing; zeroed at first. Outlives the waits. */
struct waiters {
    struct task *head;
};

/*
 * Yields the task whose coroutine is L until waiters_wake(on) or the deadline
 * (seconds; negative: none) and goes on in k, which finds the stack as it was
 * and looks for itself what has happened. on may be NULL. An error in L when
 * it is no task. Never returns, as lua_yieldk() does not.
 */
int task_wait(lua_State *L, struct waiters *on, lua_Number within,
              lua_KContext ctx, lua_KFunction k);

/* They go on from the loop, never from inside this call. */
void waiters_wake(struct waiters *on);

/* Seconds on the clock of native.now(). */
lua_Number script_now(void);

/* Pushes nil and why, to be returned as two results. */
int native_fail(lua_State *L, const char *why);
int native_fail_uv(lua_State *L, const char *what, int uv_error);

/* Makes the metatable of a kind of userdata. */
void native_class(lua_State *L, const char *name, const luaL_Reg *methods,
                  lua_CFunction gc);

/* The groups of all processes that run are killed at once. Is safe from a
 * callback of the loop, and leaves nothing to wait for. */
void processes_kill(struct script *s);

/* Each registers its functions in the table on top of the stack. */
void native_open_task(lua_State *L);
void native_open_sandbox(lua_State *L);
void native_open_conn(lua_State *L);
void native_open_connect(lua_State *L);
void native_open_tls(lua_State *L);
void native_open_listener(lua_State *L);
void native_open_udp(lua_State *L);
void native_open_process(lua_State *L);
void native_open_server(lua_State *L);
void native_open_oracle(lua_State *L);
void native_open_catalogue(lua_State *L);
void native_open_files(lua_State *L);
void native_open_json(lua_State *L);
void native_open_system(lua_State *L);
void native_open_hash(lua_State *L);
void native_open_interrupt(lua_State *L);
void native_open_bench(lua_State *L);
void native_open_usage(lua_State *L);
void native_open_network(lua_State *L);

#endif
