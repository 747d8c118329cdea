#ifndef SCRIPT_INTERNAL_H
#define SCRIPT_INTERNAL_H

/* What script.c and task.c share. */

#include "guard.h"
#include "host.h"
#include "native.h"

/* What a coroutine's extra space points to. */
struct context {
    struct script *script;
    struct task *task; /* NULL: no task, it cannot wait */
};

enum outcome { MAIN_RUNS, MAIN_DONE, MAIN_FAILED };

struct script {
    struct context context; /* of the main state */
    lua_State *L;
    uv_loop_t *loop;
    struct task *tasks; /* all that are not over */
    struct task *ready; /* those to go on in the next turn, oldest first */
    struct task **ready_end;
    uv_idle_t idle; /* active while a task is ready */
    size_t memory;
    size_t memory_max;
    struct task *main; /* the one script_run() waits for */
    enum outcome outcome;
    struct process *processes; /* those that run; process.c */
    struct guard *guard;       /* NULL: there is none */
    struct hosts *hosts;       /* the references that run */
    bool has_failed;           /* something that nobody waits for did */
    bool is_closing;
};

/* Inside a task, and for what C itself needs between two of them. */
enum { MEMORY_MAX = 512 * 1024 * 1024, MEMORY_SPARE = 32 * 1024 * 1024 };

/* Keys of the registry: what the main task ended with; the first failure. */
extern const char script_result_key;
extern const char script_failure_key;

/*
 * Makes a task of the function and its nargs arguments on top of L, which are
 * taken, and pushes its thread.
 */
struct task *task_new(lua_State *L, int nargs);

/* Starts and stops what runs the ready tasks. */
void tasks_open(struct script *s);
void tasks_close(struct script *s);

#endif
