#include "bypass.h"

/* Who says little at a time takes turns: octets that are read and written again
 * are there sooner than through a pipe. */
enum { BULK = 4096 };

void bypass_init(struct bypass *b, struct splicer *splicer, uint64_t from,
                 bypass_event_fn *on_event, void *owner)
{
    *b = (struct bypass){
        .splicer = splicer, .from = from, .on_event = on_event, .owner = owner};
}

void bypass_count(struct bypass *b, size_t octets)
{
    if (b->is_allowed && octets >= (b->from < BULK ? b->from : BULK))
        b->relayed += octets;
}

static void on_end(void *owner, enum splice_side side)
{
    struct bypass *b = owner;

    b->on_event(b->owner,
                side == SPLICE_CLIENT ? EVENT_CLIENT_END : EVENT_UPSTREAM_END);
}

static void on_reset(void *owner, enum splice_side side)
{
    struct bypass *b = owner;

    bypass_close(b);
    b->is_allowed = false;
    b->on_event(b->owner, side == SPLICE_CLIENT ? EVENT_CLIENT_RESET
                                                : EVENT_UPSTREAM_RESET);
}

static int descriptor(struct stream *s)
{
    uv_os_fd_t fd = -1;

    (void)uv_fileno((const uv_handle_t *)stream_tcp(s), &fd);
    return fd;
}

bool bypass_try(struct bypass *b, struct stream *client,
                struct stream *upstream)
{
    static const struct splice_events events = {on_end, on_reset};

    if (b->splice)
        return true;
    if (!b->splicer || !b->is_allowed || b->relayed < b->from || !client ||
        !upstream || !stream_is_settled(client) || !stream_is_settled(upstream))
        return false;
    b->splice = relay_splice_new(
        b->splicer, (const int[]){descriptor(client), descriptor(upstream)},
        (const bool[]){stream_has_read_end(client),
                       stream_has_read_end(upstream)},
        &events, b);
    b->is_allowed = b->splice; /* else not again */
    if (!b->splice)
        return false;
    stream_read(client, STREAM_PAUSED);
    stream_read(upstream, STREAM_PAUSED);
    return true;
}

size_t bypass_held(const struct bypass *b)
{
    return b->splice ? relay_splice_held(b->splice) : 0;
}

void bypass_close(struct bypass *b)
{
    relay_splice_close(b->splice);
    b->splice = NULL;
}
