#ifndef WATCHDOG_H
#define WATCHDOG_H

/*
 * Looks after what computes for long. Lua can count instructions, but counting
 * slows all of them down, so it begins only once a look finds the same work
 * again; and it counts none inside its own C functions: a pattern that
 * backtracks for ever or a table.move() over 2^60 entries cannot be broken off.
 * Then the process ends, with one line and the status of a script error.
 */

enum {
    WATCHDOG_LOOK_MS = 250, /* of computing, between two looks */
    WATCHDOG_LOOKS = 80,    /* that find the same work; a budget ends before */
    WATCHDOG_STATUS = 4,    /* of the process: a script is at fault */
};

/* A piece of work; on_late is called once, from a signal handler, when a
 * second look finds it. */
struct watch {
    void (*on_late)(void *ctx);
    void *ctx;
    struct watch *outer; /* the watchdog's: the one that this one is part of */
};

/* Sets the process's one watchdog: it looks after each look_ms of computing,
 * and ends the process with so many looks that find the same. */
void watchdog_arm(int look_ms, int looks);

/*
 * What runs between the two, which may nest, is watched. They cost no system
 * call. The watch is the caller's, and stays where it is until it is left.
 */
void watchdog_enter(struct watch *watch);
void watchdog_leave(const struct watch *watch);

#endif
