/*
 * A UDP association under events, watched by its model. The input is an octet
 * of configuration, then steps: an octet each, its kind in the low half and an
 * argument in the high half, and what that kind wants more. Any octets are a
 * script, and any prefix of one is one.
 *
 *   config   bit 0: fragments are dropped   bit 1: the client is on IPv6
 *            bit 2: it announces another address   bit 3: and a port
 *   x0 xE xF the client sends the x octets that follow
 *   x1       it sends as many as the next octet says
 *   x2       it sends, to destination x, as many octets of payload as the next
 *            octet says, which follow
 *   x3       the same with a FRAG before
 *   x4       piece x, not the last, to the destination that the next octet
 *            says, with payload as in x2; x5: the last one
 *   x6       the client sends (x + 1) * 4096 octets of payload to a name,
 *            x7: in pieces, x8: to an address
 *   x9       x2 from sender x that is not the client, to destination 0
 *   xA       target x sends as many octets as the next octet says
 *   xB       target 0 sends (x + 1) * 4096 octets
 *   xC       a name in slot x & 7 is resolved; x & 8: it has no address
 *   xD       x * 500 milliseconds pass; the timer goes off when it is time
 */
#include <stdlib.h>
#include <string.h>

#include "association_model.h"
#include "fuzz.h"

enum {
    STEPS_MAX = 160,
    START_MS = 1000, /* no deadline may count from zero */
    CLIENT_PORT = 4000,
    BULK = 4096,
    BULK_MAX = 16 * BULK,
    BUDGET = 6 * BULK_MAX, /* of bulk in one input, for the sake of speed */
    TICK_MS = 500,
};

/* From ATYP on; the client's datagrams go there. */
#define DESTINATION(s)                                                         \
    {                                                                          \
        (const uint8_t *)("" s), sizeof(s) - 1                                 \
    }

static const struct px_bytes destinations[16] = {
    DESTINATION("\x01\xc0\x00\x02\x01\x00\x35"),
    DESTINATION("\x01\xc0\x00\x02\x02\x00\x35"),
    DESTINATION("\x01\xc0\x00\x02\x01\x00\x36"),
    DESTINATION("\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x35"),
    DESTINATION("\x03\x01"
                "a\x00\x35"),
    DESTINATION("\x03\x01"
                "b\x00\x35"),
    DESTINATION("\x03\x01"
                "a\x00\x36"),
    DESTINATION("\x03\x02"
                "ab\x00\x35"),
    DESTINATION("\x03\x01"
                "c\x00\x35"),
    DESTINATION("\x03\x01"
                "d\x00\x35"),
    DESTINATION("\x03\x01"
                "e\x00\x35"),
    DESTINATION("\x03\x01"
                "f\x00\x35"),
    DESTINATION("\x03\x01"
                "g\x00\x35"),
    DESTINATION("\x03\x01"
                "h\x00\x35"),
    DESTINATION("\x03\x00\x00\x35"),
    DESTINATION("\x01\xc0\x00\x02\x01\x00\x00"),
};

struct play {
    struct px_cursor in;
    struct association *association;
    struct association_model model;
    struct px_endpoint client;
    uint64_t now_ms;
    size_t budget;
};

static uint8_t octets[BULK_MAX + UDP_HEADER_MAX];

/* Printable octets, no two neighbours alike. */
static void put_pattern(struct play *p, struct px_writer *w, size_t len)
{
    static uint8_t pattern[BULK_MAX];

    for (size_t i = sizeof(pattern); pattern[0] == 0 && i-- > 0;)
        pattern[i] = (uint8_t)('!' + (i * 7 + i / 94 * 13) % 94);
    if (len > w->cap - w->len)
        len = w->cap - w->len;
    if (len > p->budget)
        len = p->budget;
    p->budget -= len;
    px_put_bytes(w, px_bytes_of(pattern, len));
}

static uint8_t take_u8(struct play *p)
{
    uint8_t octet = 0;

    return px_take_u8(&p->in, &octet) ? octet : 0;
}

/* At most len octets of the input. */
static struct px_bytes take_some(struct play *p, size_t len)
{
    struct px_bytes some = px_cursor_rest(&p->in);

    if (some.len > len)
        some.len = len;
    p->in.at += some.len;
    return some;
}

static struct px_bytes take_counted(struct play *p)
{
    uint8_t len = take_u8(p);

    return take_some(p, len);
}

static void note(const char *what)
{
    if (!strstr(fuzz_reached(), what)) {
        fuzz_add_reached(" ");
        fuzz_add_reached(what);
    }
}

static void note_action(const struct play *p,
                        const struct association_action *action)
{
    switch (action->kind) {
    case ASSOCIATION_SEND_CLIENT:
        note("answered");
        break;
    case ASSOCIATION_SEND_TARGET:
        note(p->model.event.kind == ASSOCIATION_RESOLVED ? "resolved"
             : p->model.event.datagram.data.data[2]      ? "joined"
                                                         : "relayed");
        break;
    case ASSOCIATION_RESOLVE:
        note("asked");
        break;
    case ASSOCIATION_ARM_TIMER:
        note("armed");
        break;
    }
}

static void feed(struct play *p, const struct association_event *event)
{
    struct association_action action;
    const struct px_error *err;

    association_model_event(&p->model, event, p->now_ms);
    association_handle(p->association, event, p->now_ms);
    while (association_next(p->association, &action)) {
        association_model_action(&p->model, &action);
        note_action(p, &action);
    }
    association_model_settle(&p->model, p->association);
    err = association_error(p->association);
    if (err)
        note(err->req ? requirement_row(err->req)->id : "dropped");
}

/* Octets travel in memory of exactly their length. */
static void feed_datagram(struct play *p, enum association_event_kind kind,
                          const struct px_endpoint *from, struct px_bytes data)
{
    struct px_bytes exact = fuzz_copy(data);
    struct association_event event = {.kind = kind};

    event.datagram.from = *from;
    event.datagram.data = exact;
    feed(p, &event);
    fuzz_drop(exact);
}

static struct px_writer begin(uint8_t frag, unsigned destination)
{
    struct px_writer w = px_writer_over(octets, sizeof(octets));

    px_put_be16(&w, 0);
    px_put_u8(&w, frag);
    px_put_bytes(&w, destinations[destination & 15]);
    return w;
}

static void client_sends(struct play *p, uint8_t frag, unsigned destination)
{
    struct px_writer w = begin(frag, destination);

    px_put_bytes(&w, take_counted(p));
    feed_datagram(p, ASSOCIATION_FROM_CLIENT, &p->client, px_written(&w));
}

static void client_sends_bulk(struct play *p, uint8_t frag,
                              unsigned destination, size_t len)
{
    struct px_writer w = begin(frag, destination);

    w.cap = UDP_PAYLOAD_MAX;
    put_pattern(p, &w, len);
    feed_datagram(p, ASSOCIATION_FROM_CLIENT, &p->client, px_written(&w));
}

/* Somebody else: another address, another port, another family. */
static void stranger_sends(struct play *p, unsigned arg)
{
    struct px_endpoint from = p->client;
    struct px_writer w = begin(0, 0);

    px_put_bytes(&w, take_counted(p));
    if (arg % 3 == 0)
        from.addr.ip[3] ^= (uint8_t)(1 + arg);
    else if (arg % 3 == 1)
        from.port ^= (uint16_t)(1 + arg);
    else
        from.addr.kind = from.addr.kind == PX_ADDRESS_IPV4 ? PX_ADDRESS_IPV6
                                                           : PX_ADDRESS_IPV4;
    feed_datagram(p, ASSOCIATION_FROM_CLIENT, &from, px_written(&w));
}

static struct px_endpoint target(unsigned arg)
{
    struct px_endpoint out = {.port = (uint16_t)(53 + arg)};

    out.addr.kind = arg & 1 ? PX_ADDRESS_IPV6 : PX_ADDRESS_IPV4;
    memset(out.addr.ip, (int)(0xc0 + arg), arg & 1 ? 16 : 4);
    return out;
}

static void target_sends(struct play *p, unsigned arg, struct px_bytes data)
{
    struct px_endpoint from = target(arg);

    feed_datagram(p, ASSOCIATION_FROM_TARGET, &from, data);
}

static void target_sends_bulk(struct play *p, size_t len)
{
    struct px_writer w = px_writer_over(octets, UDP_PAYLOAD_MAX);

    put_pattern(p, &w, len);
    target_sends(p, 0, px_written(&w));
}

static void resolver_says(struct play *p, unsigned arg)
{
    struct association_event event = {.kind = ASSOCIATION_RESOLVED};

    event.resolved.slot = arg & 7;
    if (!(arg & 8))
        event.resolved.address = target(arg).addr;
    feed(p, &event);
}

static void time_passes(struct play *p, unsigned arg)
{
    p->now_ms += (uint64_t)arg * TICK_MS;
    if (p->now_ms >= p->model.deadline_ms) {
        note("timer");
        feed(p, &(struct association_event){.kind = ASSOCIATION_TIMER});
    }
}

static void play_step(struct play *p, unsigned kind, unsigned arg)
{
    enum { TO_ADDRESS = 0, TO_NAME = 4 };
    size_t bulk = ((size_t)arg + 1) * BULK;
    uint8_t octet;

    switch (kind) { /* a number of the input's, not an enum */
    case 0x1:
        feed_datagram(p, ASSOCIATION_FROM_CLIENT, &p->client, take_counted(p));
        break;
    case 0x2:
        client_sends(p, 0, arg);
        break;
    case 0x3:
        octet = take_u8(p);
        client_sends(p, octet, arg);
        break;
    case 0x4:
    case 0x5:
        octet = take_u8(p);
        client_sends(p, (uint8_t)(arg | (kind == 5 ? UDP_FRAG_LAST : 0)),
                     octet);
        break;
    case 0x6:
        client_sends_bulk(p, 0, TO_NAME + (arg & 1), bulk);
        break;
    case 0x7:
        client_sends_bulk(p, 1, TO_ADDRESS, bulk);
        client_sends_bulk(p, 2 | UDP_FRAG_LAST, TO_ADDRESS, bulk);
        break;
    case 0x8:
        client_sends_bulk(p, 0, TO_ADDRESS, bulk);
        break;
    case 0x9:
        stranger_sends(p, arg);
        break;
    case 0xA:
        target_sends(p, arg, take_counted(p));
        break;
    case 0xB:
        target_sends_bulk(p, bulk);
        break;
    case 0xC:
        resolver_says(p, arg);
        break;
    case 0xD:
        time_passes(p, arg);
        break;
    default:
        feed_datagram(p, ASSOCIATION_FROM_CLIENT, &p->client,
                      take_some(p, arg));
        break;
    }
}

static struct association_config configure(struct play *p, uint8_t config)
{
    struct association_config cfg = {.has_no_fragments = config & 1};

    p->client.port = CLIENT_PORT;
    p->client.addr.kind = config & 2 ? PX_ADDRESS_IPV6 : PX_ADDRESS_IPV4;
    memset(p->client.addr.ip, 0x7f, config & 2 ? 16 : 4);
    cfg.peer = p->client.addr;
    cfg.announced.addr.kind = p->client.addr.kind;
    if (config & 4) {
        p->client.addr.ip[3] = 1;
        cfg.announced.addr = p->client.addr;
    }
    if (config & 8)
        cfg.announced.port = CLIENT_PORT;
    return cfg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *memory; /* one for all: it is large */
    struct play p = {.in = px_cursor_over(px_bytes_of(data, size)),
                     .now_ms = START_MS,
                     .budget = BUDGET};
    struct association_config cfg;
    uint8_t step;

    fuzz_set_reached("association");
    if (!memory)
        memory = malloc(association_size());
    FUZZ_REQUIRE(memory, "memory for an association");
    cfg = configure(&p, take_u8(&p));
    p.association = association_init(memory, &cfg);
    association_model_init(&p.model, &cfg);
    for (int i = 0; i < STEPS_MAX && px_take_u8(&p.in, &step); i++)
        play_step(&p, step & 0xfu, step >> 4);
    return 0;
}
