#ifndef ALLOC_H
#define ALLOC_H

/*
 * The allocator that tests are linked with (ld --wrap): it counts what the
 * project's code holds and fails on request. Calls that libraries make among
 * themselves are not seen.
 */

#include <stdbool.h>
#include <stddef.h>

/* Lets the n-th allocation from now fail, once; 0: none fails. */
void alloc_fail_at(unsigned long n);

/* Whether the one that was to fail has been asked for. */
bool alloc_has_failed(void);

/* Octets the project holds now, and the most since alloc_reset_peak(). */
long alloc_held(void);
long alloc_peak(void);
void alloc_reset_peak(void);

#endif
