#include <stdlib.h>

#include "spares.h"

/* The sanitizers are to see who touches what was given back. */
#ifdef __SANITIZE_ADDRESS__
static const size_t kept_max = 0;
#else
static const size_t kept_max = SPARES_MAX;
#endif

void *spares_take(struct spares *s, size_t size)
{
    return s && s->count ? s->blocks[--s->count] : malloc(size);
}

void spares_give(struct spares *s, void *block)
{
    if (s && block && s->count < kept_max)
        s->blocks[s->count++] = block;
    else
        free(block);
}

void spares_free(struct spares *s)
{
    while (s->count)
        free(s->blocks[--s->count]);
}
