#ifndef WATCHDOG_H
#define WATCHDOG_H

/*
 * Lua counts instructions, but none inside its own C functions: a pattern that
 * backtracks for ever or a table.move() over 2^60 entries cannot be broken off.
 * So the process ends, with one line and the status of a script error.
 */

enum {
    WATCHDOG_MS = 20 * 1000, /* of computing; a budget ends long before */
    WATCHDOG_STATUS = 4,     /* of the process: a script is at fault */
};

/* Sets the process's one watchdog: it looks after each cpu_ms of computing. */
void watchdog_arm(int cpu_ms);

/*
 * What runs between the two, which may nest, and is found at work by two looks
 * in a row, ran too long. They cost no system call.
 */
void watchdog_enter(void);
void watchdog_leave(void);

#endif
