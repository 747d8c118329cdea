#include "connection.h"

#include <string.h>

/* A RST further from the stream than this has an invented number. */
enum { RESET_DISTANCE_MAX = 1 << 20 };

void connection_init(struct connection *c, const struct packet *first)
{
    *c = (struct connection){
        .end = {first->from, first->to},
        .watch = watch_init(),
        .first_frame = first->frame,
        .begin_us = first->time_us,
        .end_us = first->time_us,
        .opener = -1,
    };
}

static int sender(const struct connection *c, const struct packet *p)
{
    return !packet_is_same_end(&p->from, &c->end[0]);
}

bool connection_is_closed(const struct connection *c)
{
    const struct stream *a = &c->stream[0], *b = &c->stream[1];

    return a->is_reset_seen || b->is_reset_seen ||
           (a->is_fin_seen && b->is_fin_seen);
}

bool connection_is_reopened(const struct connection *c, const struct packet *p)
{
    const struct stream *s = &c->stream[sender(c, p)];

    if (!(p->flags & PACKET_SYN) || (p->flags & PACKET_RST))
        return false;
    if (s->is_placed && p->seq + 1 == (uint32_t)s->start)
        return false; /* sent again, or recorded late */
    if (p->flags & PACKET_ACK)
        return connection_is_closed(c);
    return s->is_placed || connection_is_closed(c);
}

/* Where the streams begin, as far as this packet tells. */
static void place(struct connection *c, int from, const struct packet *p)
{
    struct stream *s = &c->stream[from], *peer = &c->stream[!from];
    bool is_syn = p->flags & PACKET_SYN;
    bool is_ack = p->flags & PACKET_ACK;

    if (is_syn && !s->has_syn) {
        if (!s->is_placed)
            stream_place(s, p->seq + 1);
        s->has_syn = p->seq + 1 == (uint32_t)s->start;
    }
    if (is_syn && is_ack && !peer->is_placed) {
        stream_place(peer, p->ack);
        peer->has_syn = true; /* its SYN was not recorded, but answered */
    }
    if (is_syn && c->opener < 0)
        c->opener = is_ack ? !from : from;
    if (!s->is_placed && !(p->flags & PACKET_RST))
        stream_place(s, p->seq);
    if (is_ack && !peer->is_placed)
        stream_place(peer, p->ack);
}

/*
 * Without a SYN the first segment is taken for the start; an earlier one that
 * the capture holds later moves it, until something was delivered.
 */
static void lower_start(struct stream *s, uint64_t at)
{
    if (at < s->next && !s->has_syn && s->next == s->start)
        s->start = s->next = at;
}

uint64_t connection_since_begin_ms(const struct connection *c, uint64_t time_us)
{
    return time_us > c->begin_us ? (time_us - c->begin_us) / 1000 : 0;
}

static enum px_status lose(struct connection *c, int from, uint64_t len,
                           size_t *used, struct px_error *err)
{
    struct stream *s = &c->stream[from];

    s->next += len;
    if (s->is_ended)
        return PX_DONE;
    s->lost += len;
    return watch_gap(&c->watch, from, len, used, err);
}

/* Tells the watch what is new of a segment's octets. */
static enum px_status deliver_octets(struct connection *c, int from,
                                     const struct segment *segment,
                                     size_t *used, struct px_error *err)
{
    struct stream *s = &c->stream[from];
    uint64_t skip = s->next - segment->at;
    struct px_bytes data = {0};
    uint64_t cut;

    if (segment->len <= skip)
        return PX_DONE;
    if (segment->captured > skip)
        data =
            px_bytes_of(segment->data + skip, segment->captured - (size_t)skip);
    s->next += data.len;
    s->octets += data.len;
    cut = segment->len - skip - data.len;
    c->is_snaplen_cut = c->is_snaplen_cut || cut > 0;
    if (watch_bytes(&c->watch, from, data,
                    connection_since_begin_ms(c, segment->time_us), used,
                    err) != PX_DONE)
        return PX_ERROR;
    return lose(c, from, cut, used, err);
}

/* The same for a whole segment whose turn has come. */
static enum px_status deliver(struct connection *c, int from,
                              const struct segment *segment, size_t *used,
                              struct px_error *err)
{
    struct stream *s = &c->stream[from];
    bool is_reset = segment->flags & PACKET_RST;

    s->is_reset = s->is_reset || is_reset;
    if (s->is_ended)
        return PX_DONE;
    if (deliver_octets(c, from, segment, used, err) != PX_DONE)
        return PX_ERROR;
    if (!segment->flags)
        return PX_DONE;
    if (segment->flags & PACKET_FIN)
        s->next++; /* FIN takes a number of its own */
    s->is_ended = true;
    return watch_end(&c->watch, from, is_reset ? END_RESET : END_FIN,
                     connection_since_begin_ms(c, segment->time_us), used, err);
}

/* Its octets come next, and what it answers was told. */
static bool is_due(const struct connection *c, int from,
                   const struct segment *segment)
{
    const struct stream *peer = &c->stream[!from];

    return segment->at <= c->stream[from].next &&
           (segment->ack <= peer->next || !peer->is_placed);
}

/* Which stream's first segment is due; -1 for none. */
static int next_due(const struct connection *c)
{
    int due = -1;

    for (int from = 0; from < 2; from++) {
        const struct segment *first = c->stream[from].held;

        if (first && is_due(c, from, first) &&
            (due < 0 || first->frame < c->stream[due].held->frame))
            due = from;
    }
    return due;
}

static enum px_status pump(struct connection *c, size_t *used,
                           struct px_error *err)
{
    int from;

    while ((from = next_due(c)) >= 0) {
        if (deliver(c, from, c->stream[from].held, used, err) != PX_DONE)
            return PX_ERROR;
        stream_drop(&c->stream[from], used);
    }
    if (!c->stream[0].held && !c->stream[1].held)
        c->stuck_packets = 0;
    return PX_DONE;
}

/* Of what waits, the stream whose first segment was recorded first. */
static int oldest(const struct connection *c)
{
    const struct segment *a = c->stream[0].held, *b = c->stream[1].held;

    if (!a || !b)
        return a ? 0 : 1;
    return a->frame < b->frame ? 0 : 1;
}

/*
 * Gives up waiting for what the oldest waiting segment waits for. Something
 * must be held and nothing be due.
 */
static enum px_status give_up_waiting(struct connection *c, size_t *used,
                                      struct px_error *err)
{
    int from = oldest(c);
    struct segment *first = c->stream[from].held;
    const struct stream *peer = &c->stream[!from];
    uint64_t until = first->ack;

    c->stuck_packets = 0;
    if (first->at > c->stream[from].next)
        return lose(c, from, first->at - c->stream[from].next, used, err);
    if (peer->held && peer->held->at < until)
        until = peer->held->at;
    if (until > peer->next)
        return lose(c, !from, until - peer->next, used, err);
    first->ack = 0; /* each answers the other: no order is right */
    return PX_DONE;
}

/* Whether the oldest waiting segment waits for what the capture missed. */
static bool is_waiting_in_vain(const struct connection *c)
{
    int from = oldest(c);
    const struct segment *first = c->stream[from].held;
    const struct stream *s = &c->stream[from], *peer = &c->stream[!from];

    if (s->held_octets + peer->held_octets > CAPTURE_HELD_MAX)
        return true;
    if (first->at <= s->next) /* for the peer: perhaps never recorded */
        return peer->packets == 0 || c->stuck_packets > CAPTURE_PATIENCE;
    return c->stuck_packets > CAPTURE_PATIENCE &&
           (peer->packets == 0 || stream_has_hole(s));
}

static enum px_status settle(struct connection *c, size_t *used,
                             struct px_error *err)
{
    if (pump(c, used, err) != PX_DONE)
        return PX_ERROR;
    while ((c->stream[0].held || c->stream[1].held) && is_waiting_in_vain(c)) {
        if (give_up_waiting(c, used, err) != PX_DONE ||
            pump(c, used, err) != PX_DONE)
            return PX_ERROR;
    }
    return PX_DONE;
}

/* The packet's octets, FIN and RST, with wide numbers. */
static struct segment segment_of(struct connection *c, int from,
                                 const struct packet *p)
{
    struct stream *s = &c->stream[from], *peer = &c->stream[!from];
    struct segment segment = {
        .len = p->wire_len,
        .captured = p->payload.len,
        .data = p->payload.data,
        .frame = p->frame,
        .time_us = p->time_us,
        .flags = p->flags & (PACKET_FIN | PACKET_RST),
    };

    segment.at = stream_widen(s->next, p->seq + !!(p->flags & PACKET_SYN));
    if (p->flags & PACKET_RST) {
        segment.flags = PACKET_RST;
        segment.len = segment.captured = 0; /* text for people, not data */
        if (segment.at < s->next || segment.at > s->next + RESET_DISTANCE_MAX)
            segment.at = s->next;
    } else if ((p->flags & PACKET_ACK) && peer->is_placed) {
        segment.ack = stream_acknowledge(peer, p->ack);
    }
    return segment;
}

static enum px_status take(struct connection *c, int from,
                           const struct segment *segment, size_t *used,
                           struct px_error *err)
{
    struct stream *s = &c->stream[from];

    lower_start(s, segment->at);
    if (segment->at + segment->len < s->next ||
        (segment->len == 0 && !segment->flags))
        return PX_DONE;
    if (!s->held && is_due(c, from, segment))
        return deliver(c, from, segment, used, err);
    return stream_hold(s, segment, used, err);
}

enum px_status connection_add(struct connection *c, const struct packet *p,
                              size_t *used, struct px_error *err)
{
    int from = sender(c, p);
    struct stream *s = &c->stream[from];
    struct segment segment;

    if (p->time_us > c->end_us)
        c->end_us = p->time_us;
    s->packets++;
    s->is_fin_seen = s->is_fin_seen || (p->flags & PACKET_FIN);
    s->is_reset_seen = s->is_reset_seen || (p->flags & PACKET_RST);
    if (c->watch.is_dismissed)
        return PX_DONE;

    place(c, from, p);
    c->watch.is_midstream = !c->stream[0].has_syn || !c->stream[1].has_syn;
    if (!s->is_placed)
        return PX_DONE;
    segment = segment_of(c, from, p);
    c->stuck_packets++;
    if (take(c, from, &segment, used, err) != PX_DONE)
        return PX_ERROR;
    if (settle(c, used, err) != PX_DONE)
        return PX_ERROR;
    connection_note_relay(c);
    if (c->watch.is_dismissed) {
        stream_release(&c->stream[0], used);
        stream_release(&c->stream[1], used);
    }
    return PX_DONE;
}

/* Octets that were acknowledged and never came, nothing waiting behind. */
static enum px_status lose_tail(struct connection *c, int from, size_t *used,
                                struct px_error *err)
{
    const struct stream *s = &c->stream[from];

    if (!s->is_placed || s->is_ended || s->acked <= s->next)
        return PX_DONE;
    return lose(c, from, s->acked - s->next, used, err);
}

enum px_status connection_finish(struct connection *c, size_t *used,
                                 struct px_error *err)
{
    if (c->watch.is_dismissed)
        return PX_DONE;
    if (pump(c, used, err) != PX_DONE)
        return PX_ERROR;
    while (c->stream[0].held || c->stream[1].held) {
        if (give_up_waiting(c, used, err) != PX_DONE ||
            pump(c, used, err) != PX_DONE)
            return PX_ERROR;
    }
    if (lose_tail(c, 0, used, err) != PX_DONE ||
        lose_tail(c, 1, used, err) != PX_DONE)
        return PX_ERROR;
    if (!connection_is_closed(c) || c->stream[0].lost || c->stream[1].lost)
        return PX_DONE;
    return watch_finish(&c->watch, connection_since_begin_ms(c, c->end_us),
                        err);
}

static enum capture_ending ending_of(const struct stream *s)
{
    if (s->is_reset)
        return CAPTURE_RESET;
    return s->is_ended ? CAPTURE_FIN : CAPTURE_OPEN_END;
}

static unsigned flaws_of(const struct connection *c)
{
    const struct stream *a = &c->stream[0], *b = &c->stream[1];
    unsigned flaws = 0;

    if (!a->has_syn || !b->has_syn)
        flaws |= CAPTURE_NO_START;
    if (a->lost || b->lost)
        flaws |= CAPTURE_LOST;
    if (c->is_snaplen_cut)
        flaws |= CAPTURE_SNAPLEN;
    if (a->packets == 0 || b->packets == 0)
        flaws |= CAPTURE_ONE_SIDED;
    if (c->is_evicted)
        flaws |= CAPTURE_EVICTED;
    return flaws;
}

bool connection_report(struct connection *c, struct dialogue *out)
{
    bool is_lost = c->stream[0].lost || c->stream[1].lost;
    enum watch_verdict verdict = watch_verdict(&c->watch, is_lost);
    int client = c->watch.client;

    if (verdict == WATCH_NOTHING)
        return false;
    *out = (struct dialogue){
        .client = packet_endpoint(&c->end[client]),
        .server = packet_endpoint(&c->end[!client]),
        .first_frame = c->first_frame,
        .begin_us = c->begin_us,
        .end_us = c->end_us,
        .is_candidate = verdict == WATCH_CANDIDATE,
        .is_reversed = c->opener >= 0 && c->opener != client,
        .flaws = flaws_of(c),
    };
    for (int side = 0; side < 2; side++) {
        const struct stream *s =
            &c->stream[side == SIDE_CLIENT ? client : !client];

        out->ending[side] = ending_of(s);
        out->octets[side] = s->octets;
        out->lost[side] = s->lost;
    }
    watch_report(&c->watch, out);
    return true;
}

void connection_release(struct connection *c, size_t *used)
{
    stream_release(&c->stream[0], used);
    stream_release(&c->stream[1], used);
    watch_release(&c->watch, used);
}
