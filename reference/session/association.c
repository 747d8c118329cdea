#include "association.h"

#include <assert.h>
#include <string.h>

#include "destination.h"
#include "reassembly.h"

enum {
    ACTIONS_MAX = 2, /* of one event, besides waiting datagrams; asserted */
};

/* A name that is being resolved. */
struct name {
    bool is_used;
    size_t len;
    uint8_t octets[PX_NAME_MAX];
};

/* A datagram whose destination is being resolved. */
struct waiting {
    unsigned slot;
    size_t len;
    bool is_done;          /* resolved, or not to be; it goes with the event */
    struct px_endpoint to; /* the address is of kind NONE until it is known */
};

struct association {
    struct px_endpoint client; /* port 0: its first datagram will tell */
    bool has_no_fragments;
    const struct access_rules *access;
    unsigned access_lapses;
    uint64_t armed_ms;
    bool has_dropped;
    struct px_error error;
    struct association_action actions[ACTIONS_MAX];
    size_t action_count;
    size_t action_next;
    struct name names[ASSOCIATION_NAMES_MAX];
    struct waiting waiting[ASSOCIATION_WAITING_MAX];
    size_t waiting_count;
    size_t waiting_next;   /* the first that this event may still send */
    size_t waiting_offset; /* where its octets are */
    size_t waiting_octets; /* of all that wait, in a row */
    struct reassembly reassembly;
    uint8_t out[UDP_PAYLOAD_MAX];
    uint8_t octets[ASSOCIATION_WAITING_OCTETS];
};

size_t association_size(void)
{
    return sizeof(struct association);
}

static bool is_zero(const struct px_address *addr)
{
    static const uint8_t zero[sizeof(addr->ip)];

    return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

struct association *association_init(void *mem,
                                     const struct association_config *cfg)
{
    struct association *a = mem;
    const struct px_address *announced = &cfg->announced.addr;
    bool is_told = announced->kind == cfg->peer.kind && !is_zero(announced);

    assert(cfg->peer.kind == PX_ADDRESS_IPV4 ||
           cfg->peer.kind == PX_ADDRESS_IPV6);
    /* What holds octets is written before it is read, and may stay unused. */
    memset(a, 0, offsetof(struct association, reassembly));
    reassembly_abandon(&a->reassembly);
    a->client.addr = is_told ? *announced : cfg->peer;
    a->client.port = cfg->announced.port;
    a->has_no_fragments = cfg->has_no_fragments;
    a->access = cfg->access;
    a->access_lapses = cfg->access_lapses;
    a->armed_ms = ASSOCIATION_NEVER;
    return a;
}

static struct association_action *new_action(struct association *a,
                                             enum association_action_kind kind)
{
    struct association_action *action;

    assert(a->action_count < ACTIONS_MAX);
    action = &a->actions[a->action_count++];
    *action = (struct association_action){.kind = kind};
    return action;
}

static void drop(struct association *a, const struct px_error *err)
{
    a->error = *err;
    a->has_dropped = true;
}

/* Section 7: "It MUST drop any datagrams arriving from any source IP address
 * other than the one recorded"; one port of it, too, once that is known. */
static bool is_client(const struct association *a,
                      const struct px_endpoint *from, struct px_error *err)
{
    const struct px_address *expected = &a->client.addr;

    if (from->addr.kind != expected->kind ||
        memcmp(from->addr.ip, expected->ip, sizeof(expected->ip)) != 0)
        (void)px_refuse(err, REQ_SOCKS5_UDP_SOURCE_DROP, 0,
                        "the datagram is from another address");
    else if (a->client.port && a->client.port != from->port)
        (void)px_refuse(err, REQ_SOCKS5_UDP_SOURCE_PORT, 0,
                        "the datagram is from port %u", from->port);
    else
        return true;
    return false;
}

/* The slot where name is being resolved, or one to do it in; NULL: none is. */
static struct name *slot_for(struct association *a, struct px_bytes name)
{
    struct name *unused = NULL;

    for (size_t i = ASSOCIATION_NAMES_MAX; i-- > 0;) {
        struct name *slot = &a->names[i];

        if (!slot->is_used)
            unused = slot;
        else if (px_equal(px_bytes_of(slot->octets, slot->len), name))
            return slot;
    }
    return unused;
}

static void resolve(struct association *a, struct name *slot,
                    struct px_bytes name)
{
    struct association_action *action = new_action(a, ASSOCIATION_RESOLVE);

    slot->is_used = true;
    slot->len = name.len;
    memcpy(slot->octets, name.data, name.len);
    action->resolve.slot = (unsigned)(slot - a->names);
    action->resolve.name = px_bytes_of(slot->octets, slot->len);
}

/* Keeps the datagram until the address of its name is known. */
static void wait_for_name(struct association *a, const struct px_endpoint *dst,
                          struct px_bytes data)
{
    struct name *slot = slot_for(a, dst->addr.name);
    struct waiting *waiting = &a->waiting[a->waiting_count];

    if (!slot || a->waiting_count == ASSOCIATION_WAITING_MAX ||
        data.len > ASSOCIATION_WAITING_OCTETS - a->waiting_octets) {
        drop(a, &(struct px_error){.detail = "too much waits for names"});
        return;
    }
    if (!slot->is_used)
        resolve(a, slot, dst->addr.name);
    if (data.len)
        memcpy(a->octets + a->waiting_octets, data.data, data.len);
    a->waiting_octets += data.len;
    *waiting = (struct waiting){
        .slot = (unsigned)(slot - a->names),
        .len = data.len,
        .to = {.port = dst->port},
    };
    a->waiting_count++;
}

/* Whether a rule keeps datagrams from there, by name or by address. */
static bool is_denied(const struct association *a,
                      const struct px_endpoint *dst)
{
    const struct access_request request = {
        .method = PX_LITERAL("UDP"),
        .target = *dst,
        .lapses = a->access_lapses,
    };
    access_set open; /* for when the name's address is known */

    return a->access && access_denies(a->access, &request, &open);
}

static void relay(struct association *a, const struct px_endpoint *dst,
                  struct px_bytes data)
{
    struct association_action *action;
    struct px_error err;

    if (!destination_is_reachable(dst, &err)) {
        drop(a, &err);
    } else if (is_denied(a, dst)) {
        drop(a, &(struct px_error){.detail = "a rule denies it"});
    } else if (dst->addr.kind == PX_ADDRESS_NAME) {
        wait_for_name(a, dst, data);
    } else {
        action = new_action(a, ASSOCIATION_SEND_TARGET);
        action->send.to = *dst;
        action->send.data = data;
    }
}

static void take_piece(struct association *a, const struct udp_datagram *piece,
                       uint64_t now_ms)
{
    struct udp_datagram whole;
    struct px_error err;

    if (a->has_no_fragments) {
        (void)px_refuse(&err, REQ_SOCKS5_UDP_FRAG_DROP, 2, "FRAG is %#04x",
                        piece->frag);
        drop(a, &err);
        return;
    }
    switch (reassembly_take(&a->reassembly, piece, now_ms, &whole, &err)) {
    case REASSEMBLY_WHOLE:
        relay(a, &whole.dst, whole.data);
        break;
    case REASSEMBLY_HELD:
        break;
    case REASSEMBLY_DROPPED:
        drop(a, &err);
        break;
    }
}

static void on_client_datagram(struct association *a,
                               const struct association_event *event,
                               uint64_t now_ms)
{
    const struct px_endpoint *from = &event->datagram.from;
    struct udp_datagram datagram;
    struct px_error err;

    if (!is_client(a, from, &err) ||
        udp_decode_datagram(event->datagram.data, &datagram, &err) != PX_DONE) {
        drop(a, &err);
        return;
    }
    a->client.port = from->port;
    if (datagram.frag) {
        take_piece(a, &datagram, now_ms);
        return;
    }
    /* Section 7: 00 is a value less than that of every piece. */
    reassembly_abandon(&a->reassembly);
    relay(a, &datagram.dst, datagram.data);
}

static void on_target_datagram(struct association *a,
                               const struct association_event *event)
{
    const struct udp_datagram datagram = {
        .dst = event->datagram.from,
        .data = event->datagram.data,
    };
    struct px_writer out = px_writer_over(a->out, sizeof(a->out));
    struct association_action *action;

    if (a->client.port == 0) {
        drop(a, &(struct px_error){.detail = "the client sent nothing yet"});
    } else if (!udp_encode_datagram(&datagram, &out)) {
        drop(a, &(struct px_error){.detail = "no room for the header"});
    } else {
        action = new_action(a, ASSOCIATION_SEND_CLIENT);
        action->send.to = a->client;
        action->send.data = px_written(&out);
    }
}

static void on_resolved(struct association *a,
                        const struct association_event *event)
{
    unsigned slot = event->resolved.slot;

    assert(slot < ASSOCIATION_NAMES_MAX);
    assert(event->resolved.address.kind != PX_ADDRESS_NAME);
    if (!a->names[slot].is_used)
        return;
    a->names[slot].is_used = false;
    for (size_t i = 0; i < a->waiting_count; i++) {
        if (a->waiting[i].slot != slot)
            continue;
        a->waiting[i].is_done = true;
        a->waiting[i].to.addr = event->resolved.address;
    }
    a->waiting_next = a->waiting_offset = 0;
}

/* Takes what the last event was done with out of the queue. */
static void forget_done(struct association *a)
{
    size_t kept = 0, kept_octets = 0, offset = 0;

    for (size_t i = 0; i < a->waiting_count; i++) {
        const struct waiting waiting = a->waiting[i];

        if (!waiting.is_done) {
            memmove(a->octets + kept_octets, a->octets + offset, waiting.len);
            kept_octets += waiting.len;
            a->waiting[kept++] = waiting;
        }
        offset += waiting.len;
    }
    a->waiting_count = kept;
    a->waiting_octets = kept_octets;
}

/* The timer follows the reassembly queue. */
static void arm(struct association *a)
{
    uint64_t deadline_ms = reassembly_deadline(&a->reassembly);

    if (deadline_ms == a->armed_ms)
        return;
    a->armed_ms = deadline_ms;
    new_action(a, ASSOCIATION_ARM_TIMER)->deadline_ms = deadline_ms;
}

static void begin_event(struct association *a, uint64_t now_ms)
{
    assert(a->action_next == a->action_count);
    assert(a->waiting_next == a->waiting_count);
    a->action_next = a->action_count = 0;
    a->has_dropped = false;
    forget_done(a);
    a->waiting_next = a->waiting_count;
    a->waiting_offset = a->waiting_octets;
    if (now_ms >= reassembly_deadline(&a->reassembly))
        reassembly_abandon(&a->reassembly);
}

void association_handle(struct association *a,
                        const struct association_event *event, uint64_t now_ms)
{
    begin_event(a, now_ms);
    switch (event->kind) {
    case ASSOCIATION_FROM_CLIENT:
        on_client_datagram(a, event, now_ms);
        break;
    case ASSOCIATION_FROM_TARGET:
        on_target_datagram(a, event);
        break;
    case ASSOCIATION_RESOLVED:
        on_resolved(a, event);
        break;
    case ASSOCIATION_TIMER:
        a->armed_ms = ASSOCIATION_NEVER;
        break;
    }
    arm(a);
}

/* The next datagram that waited for the name that is resolved now. */
static bool next_waiting(struct association *a, struct association_action *out)
{
    while (a->waiting_next < a->waiting_count) {
        const struct waiting *waiting = &a->waiting[a->waiting_next++];
        struct px_bytes data =
            px_bytes_of(a->octets + a->waiting_offset, waiting->len);

        a->waiting_offset += waiting->len;
        if (!waiting->is_done || waiting->to.addr.kind == PX_ADDRESS_NONE ||
            is_denied(a, &waiting->to))
            continue;
        *out = (struct association_action){.kind = ASSOCIATION_SEND_TARGET};
        out->send.to = waiting->to;
        out->send.data = data;
        return true;
    }
    return false;
}

bool association_next(struct association *a, struct association_action *out)
{
    if (a->action_next == a->action_count)
        return next_waiting(a, out);
    *out = a->actions[a->action_next++];
    return true;
}

const struct px_error *association_error(const struct association *a)
{
    return a->has_dropped ? &a->error : NULL;
}
