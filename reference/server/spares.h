#ifndef SPARES_H
#define SPARES_H

/*
 * Blocks of one size that come and go with every connection: some of what was
 * given back is kept, so that the system need not map and clear it anew. It is
 * for blocks that malloc has the system map: smaller ones that are kept lie
 * about in its heap, which then cannot shrink.
 */

#include <stddef.h>

enum { SPARES_MAX = 16 };

/* All zero is an empty one. */
struct spares {
    void *blocks[SPARES_MAX];
    size_t count;
};

/* A block of size octets, which is the same at every call; the caller's until
 * it gives it back. What it holds is left from before. Without spares (s is
 * NULL) nothing is kept. NULL: out of memory. */
void *spares_take(struct spares *s, size_t size);

/* Gives back a block that was taken here; NULL is none. */
void spares_give(struct spares *s, void *block);

/* Frees what is kept. */
void spares_free(struct spares *s);

#endif
