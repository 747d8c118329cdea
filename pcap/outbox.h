#ifndef OUTBOX_H
#define OUTBOX_H

/*
 * outbox: finished dialogues, given out in the order of their first packets.
 */

#include "capture.h"

struct outbox {
    struct dialogue **heap; /* the earliest on top */
    size_t count, room;
};

/*
 * Copies *dialogue; its findings (from the heap) become the outbox's. PX_ERROR
 * when there is no memory; the findings are then freed.
 */
enum px_status outbox_put(struct outbox *box, const struct dialogue *dialogue,
                          struct px_error *err);

/* The first frame of the earliest; UINT64_MAX when there is none. */
uint64_t outbox_first_frame(const struct outbox *box);

/* Takes the earliest; its findings become the caller's. There must be one. */
void outbox_take(struct outbox *box, struct dialogue *out);

void outbox_release(struct outbox *box);

#endif
