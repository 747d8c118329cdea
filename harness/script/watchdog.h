#ifndef WATCHDOG_H
#define WATCHDOG_H

/*
 * Lua counts instructions, but none inside its own C functions: a pattern that
 * backtracks for ever or a table.move() over 2^60 entries cannot be broken off.
 * So the process ends, with one line and the status of a script error.
 */

#include <sys/time.h>

enum {
    WATCHDOG_MS = 20 * 1000, /* of computing; a budget ends long before */
    WATCHDOG_STATUS = 4,     /* of the process: a script is at fault */
};

/* Allows that much computing until watchdog_stop() with the same *before. */
void watchdog_start(int cpu_ms, struct itimerval *before);
void watchdog_stop(const struct itimerval *before);

#endif
