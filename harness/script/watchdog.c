#include "watchdog.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

/* A signal handler has no argument to find them by. */
static atomic_uint depth; /* 0: nothing is watched */
static atomic_uint turn;  /* another one with each entering and leaving */

/* Only what a signal handler may call. */
static void on_alarm(int number)
{
    static const char line[] =
        "proxyspec: a script ran too long inside one library call\n";
    static unsigned last;
    ssize_t sent;

    (void)number;
    if (atomic_load(&depth) == 0 || atomic_load(&turn) != last) {
        last = atomic_load(&turn);
        return;
    }
    sent = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)sent; /* nothing is left to be done about it */
    _exit(WATCHDOG_STATUS);
}

void watchdog_arm(int cpu_ms)
{
    const struct timeval period = {cpu_ms / 1000,
                                   (suseconds_t)(cpu_ms % 1000) * 1000};
    const struct itimerval timer = {period, period};

    (void)signal(SIGVTALRM, on_alarm);
    (void)setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* One thread runs scripts, so two steps need not be one. */
static void next_turn(void)
{
    atomic_store_explicit(&turn,
                          atomic_load_explicit(&turn, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void watchdog_enter(void)
{
    next_turn();
    atomic_store_explicit(
        &depth, atomic_load_explicit(&depth, memory_order_relaxed) + 1,
        memory_order_relaxed);
}

void watchdog_leave(void)
{
    next_turn();
    atomic_store_explicit(
        &depth, atomic_load_explicit(&depth, memory_order_relaxed) - 1,
        memory_order_relaxed);
}
