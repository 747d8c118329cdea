#ifndef GUARD_H
#define GUARD_H

/*
 * Sees to it that no process group that was started outlives this process,
 * which may be killed without a chance to clean up: a child of its own holds
 * one end of a pipe, and kills what it was told about when the other end is
 * gone.
 */

struct guard;

/*
 * Begins; call it early, since the child keeps what descriptors are open.
 * guard_free() frees it. NULL when there can be none, which loses nothing else.
 */
struct guard *guard_new(void);

/* The group is to be killed with this process, or no more. g may be NULL. */
void guard_add(struct guard *g, int group);
void guard_remove(struct guard *g, int group);

/* Kills what is left, and waits until the child is gone. */
void guard_free(struct guard *g);

#endif
