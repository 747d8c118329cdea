#include "outbox.h"

#include <errno.h>
#include <stdlib.h>

static void free_findings(const struct dialogue *dialogue)
{
    free((void *)dialogue->findings);
}

static void swap(struct outbox *box, size_t a, size_t b)
{
    struct dialogue *kept = box->heap[a];

    box->heap[a] = box->heap[b];
    box->heap[b] = kept;
}

static bool is_before(const struct outbox *box, size_t a, size_t b)
{
    return box->heap[a]->first_frame < box->heap[b]->first_frame;
}

static void sift_up(struct outbox *box, size_t at)
{
    for (; at > 0 && is_before(box, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(box, at, (at - 1) / 2);
}

static void sift_down(struct outbox *box)
{
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < box->count && is_before(box, child + 1, child))
            child++;
        if (child >= box->count || !is_before(box, child, at))
            return;
        swap(box, at, child);
        at = child;
    }
}

static bool grow(struct outbox *box)
{
    size_t room = box->room ? 2 * box->room : 16;
    void *grown;

    if (box->count < box->room)
        return true;
    grown = realloc(box->heap, room * sizeof(struct dialogue *));
    if (!grown)
        return false;
    box->heap = grown;
    box->room = room;
    return true;
}

enum px_status outbox_put(struct outbox *box, const struct dialogue *dialogue,
                          struct px_error *err)
{
    struct dialogue *copy = malloc(sizeof(*copy));

    if (!copy || !grow(box)) {
        free(copy);
        free_findings(dialogue);
        return px_fail(err, ENOMEM, "out of memory");
    }
    *copy = *dialogue;
    box->heap[box->count++] = copy;
    sift_up(box, box->count - 1);
    return PX_DONE;
}

uint64_t outbox_first_frame(const struct outbox *box)
{
    return box->count ? box->heap[0]->first_frame : UINT64_MAX;
}

void outbox_take(struct outbox *box, struct dialogue *out)
{
    struct dialogue *first = box->heap[0];

    *out = *first;
    free(first);
    box->heap[0] = box->heap[--box->count];
    sift_down(box);
}

void outbox_release(struct outbox *box)
{
    for (size_t i = 0; i < box->count; i++) {
        free_findings(box->heap[i]);
        free(box->heap[i]);
    }
    free((void *)box->heap);
    *box = (struct outbox){0};
}
