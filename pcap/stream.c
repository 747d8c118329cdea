#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room below the first number, for segments from before the capture. */
#define WIDE_START (UINT64_C(1) << 33)

uint64_t stream_widen(uint64_t near, uint32_t seq)
{
    return near + (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)near);
}

void stream_place(struct stream *s, uint32_t seq)
{
    s->start = s->next = s->acked = WIDE_START + seq;
    s->is_placed = true;
}

uint64_t stream_acknowledge(struct stream *s, uint32_t seq)
{
    uint64_t ack = stream_widen(s->next, seq);

    if (ack > s->acked)
        s->acked = ack;
    return ack;
}

bool stream_has_hole(const struct stream *s)
{
    return s->is_placed && s->acked > s->next &&
           (!s->held || s->held->at > s->next);
}

/* Inserts a copy of octets [at, at + len) of *segment before *where. */
static enum px_status insert(struct stream *s, struct segment **where,
                             const struct segment *segment, uint64_t at,
                             uint64_t len, size_t *used, struct px_error *err)
{
    uint64_t skip = at - segment->at;
    size_t captured = 0;
    struct segment *copy;

    if (segment->captured > skip)
        captured = segment->captured - (size_t)skip;
    if (captured > len)
        captured = (size_t)len;
    copy = malloc(sizeof(*copy) + captured);
    if (!copy)
        return px_fail(err, ENOMEM, "out of memory");
    *copy = *segment;
    copy->at = at;
    copy->len = len;
    copy->captured = captured;
    copy->data = (const uint8_t *)(copy + 1);
    if (captured)
        memcpy(copy + 1, segment->data + skip, captured);
    if (at + len != segment->at + segment->len)
        copy->flags = 0; /* FIN and RST come after the last octet */
    copy->next = *where;
    *where = copy;
    s->held_octets += sizeof(*copy) + captured;
    *used += sizeof(*copy) + captured;
    return PX_DONE;
}

enum px_status stream_hold(struct stream *s, const struct segment *segment,
                           size_t *used, struct px_error *err)
{
    struct segment **where = &s->held;
    uint64_t at = segment->at, end = segment->at + segment->len;

    while (*where) {
        const struct segment *old = *where;

        if (at < old->at && at < end) { /* the part before it */
            uint64_t stop = old->at < end ? old->at : end;

            if (insert(s, where, segment, at, stop - at, used, err) != PX_DONE)
                return PX_ERROR;
            if (stop == end)
                return PX_DONE; /* that piece took the flags along */
            at = stop;
            where = &(*where)->next;
            continue;
        }
        if (old->at > end || (old->at == end && old->len > 0))
            break;
        if (old->at + old->len > at)
            at = old->at + old->len;
        if (at == end && (old->flags & segment->flags))
            return PX_DONE; /* a FIN sent again */
        where = &(*where)->next;
    }
    if (at < end || (at == end && segment->flags))
        return insert(s, where, segment, at, end - at, used, err);
    return PX_DONE;
}

void stream_drop(struct stream *s, size_t *used)
{
    struct segment *first = s->held;
    size_t size = sizeof(*first) + first->captured;

    s->held = first->next;
    s->held_octets -= size;
    *used -= size;
    free(first);
}

void stream_release(struct stream *s, size_t *used)
{
    while (s->held)
        stream_drop(s, used);
}
