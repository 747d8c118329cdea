#include "fragments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    DATAGRAM_MAX = 65535, /* RFC 791: Total Length has 16 bits */
    UNIT = 8,             /* fragment offsets count these */
    UNITS = (DATAGRAM_MAX + UNIT - 1) / UNIT,
};

struct datagram {
    struct packet_ip first; /* of the fragment that came first */
    uint64_t opened;        /* when, in fragments seen */
    size_t total;           /* octets; 0 while the last one is missing */
    uint8_t has[UNITS];
    uint8_t data[UNITS * UNIT];
};

struct fragments {
    uint64_t seen;
    struct datagram *open[FRAGMENTS_OPEN_MAX]; /* NULL: free */
    struct datagram *whole;                    /* lent to the caller */
};

struct fragments *fragments_new(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < FRAGMENTS_OPEN_MAX; i++)
        free(f->open[i]);
    free(f->whole);
    free(f);
}

static bool is_same(const struct packet_ip *a, const struct packet_ip *b)
{
    return a->id == b->id && a->proto == b->proto &&
           packet_is_same_end(&a->from, &b->from) &&
           packet_is_same_end(&a->to, &b->to);
}

/* The slot of this datagram, else a free one, else the oldest. */
static struct datagram **find(struct fragments *f,
                              const struct packet_ip *fragment)
{
    struct datagram **best = &f->open[0];

    for (size_t i = 0; i < FRAGMENTS_OPEN_MAX; i++) {
        struct datagram **slot = &f->open[i];

        if (*slot && is_same(&(*slot)->first, fragment))
            return slot;
        if (*best && (!*slot || (*slot)->opened < (*best)->opened))
            best = slot;
    }
    return best;
}

static void add_octets(struct datagram *d, const struct packet_ip *fragment)
{
    size_t len = fragment->payload.len;

    if (fragment->is_last && d->total == 0)
        d->total = fragment->offset + len;
    for (size_t at = 0; at < len; at += UNIT) {
        size_t unit = (fragment->offset + at) / UNIT;
        size_t n = len - at < UNIT ? len - at : UNIT;

        if (d->has[unit])
            continue;
        d->has[unit] = 1;
        memcpy(d->data + unit * UNIT, fragment->payload.data + at, n);
    }
}

static bool is_usable(const struct packet_ip *fragment)
{
    size_t len = fragment->payload.len;

    return len == fragment->wire_len && len > 0 &&
           fragment->offset + len <= DATAGRAM_MAX &&
           (fragment->is_last || len % UNIT == 0);
}

static bool is_whole(const struct datagram *d)
{
    return d->total != 0 && !memchr(d->has, 0, (d->total + UNIT - 1) / UNIT);
}

enum px_status fragments_add(struct fragments *f,
                             const struct packet_ip *fragment,
                             struct packet_ip *out, struct px_error *err)
{
    struct datagram **slot;

    free(f->whole);
    f->whole = NULL;
    if (!is_usable(fragment))
        return PX_NEED_MORE;
    slot = find(f, fragment);
    if (*slot && !is_same(&(*slot)->first, fragment)) {
        free(*slot);
        *slot = NULL;
    }
    if (!*slot) {
        *slot = calloc(1, sizeof(**slot));
        if (!*slot)
            return px_fail(err, ENOMEM, "out of memory");
        (*slot)->first = *fragment;
        (*slot)->opened = ++f->seen;
    }
    add_octets(*slot, fragment);
    if (!is_whole(*slot))
        return PX_NEED_MORE;

    f->whole = *slot;
    *slot = NULL;
    *out = f->whole->first;
    out->is_fragment = false;
    out->payload = px_bytes_of(f->whole->data, f->whole->total);
    out->wire_len = f->whole->total;
    return PX_DONE;
}
