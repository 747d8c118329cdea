#ifndef ORPHANS_H
#define ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Processes that a child of ours left behind when it ended: a program that puts
 * itself into the background does so. Linux gives them to us (prctl(2),
 * PR_SET_CHILD_SUBREAPER), so that they are seen, waited for and ended.
 */

enum { ORPHANS_MAX = 256 };

struct orphans {
    pid_t pids[ORPHANS_MAX];
    size_t count;
};

/* From now on what our children leave behind becomes ours. */
void orphans_expect(void);

/* The children that this process has now, at most ORPHANS_MAX of them. */
void orphans_children(struct orphans *out);

/* Whether this process is one of them. */
bool orphans_has(const struct orphans *o, pid_t pid);

#endif
