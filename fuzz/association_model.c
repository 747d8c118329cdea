#include "association_model.h"

#include <string.h>

#include "fuzz.h"

enum {
    TIMER_MIN_MS = 5 * 1000, /* "MUST be no less than 5 seconds" */
    PAYLOAD_MAX = 65527,     /* what the length field of UDP can say */
};

/* FNV-1a, which can go on where it stopped. */
static uint64_t digest(uint64_t value, struct px_bytes data)
{
    for (size_t i = 0; i < data.len; i++)
        value = (value ^ data.data[i]) * 1099511628211u;
    return value;
}

static bool is_same_ip(const struct px_address *a, const struct px_address *b)
{
    return a->kind == b->kind && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

void association_model_init(struct association_model *m,
                            const struct association_config *cfg)
{
    static const uint8_t zero[16];
    const struct px_address *told = &cfg->announced.addr;

    memset(m, 0, sizeof(*m));
    m->cfg = *cfg;
    m->client.addr = cfg->peer;
    if (told->kind == cfg->peer.kind && memcmp(told->ip, zero, 16) != 0)
        m->client.addr = *told;
    m->client.port = cfg->announced.port;
    m->deadline_ms = ASSOCIATION_NEVER;
}

/* Reads a header by hand: the datagram's destination, and where DATA begins. */
static bool read_header(struct px_bytes in, struct due_datagram *out,
                        size_t *data_at)
{
    const uint8_t *c = in.data;
    size_t addr_at = 4, addr_len;

    *out = (struct due_datagram){0};
    if (in.len < 4 || (c[3] == 3 && in.len < 5))
        return false;
    switch (c[3]) {
    case 1:
        out->to.addr.kind = PX_ADDRESS_IPV4;
        addr_len = 4;
        break;
    case 4:
        out->to.addr.kind = PX_ADDRESS_IPV6;
        addr_len = 16;
        break;
    case 3:
        out->to.addr.kind = PX_ADDRESS_NAME;
        addr_at = 5;
        addr_len = c[4];
        break;
    default: /* an octet of the peer's, not an enum of ours */
        return false;
    }
    *data_at = addr_at + addr_len + 2;
    if (in.len < *data_at)
        return false;
    if (c[3] == 3) {
        memcpy(out->name, c + addr_at, addr_len);
        out->to.addr.name.len = addr_len;
    } else {
        memcpy(out->to.addr.ip, c + addr_at, addr_len);
    }
    out->to.port = (uint16_t)(c[*data_at - 2] * 256 + c[*data_at - 1]);
    return true;
}

static bool is_same_name(const struct due_datagram *a,
                         const struct due_datagram *b)
{
    return a->to.addr.name.len == b->to.addr.name.len &&
           memcmp(a->name, b->name, a->to.addr.name.len) == 0;
}

static bool is_same_destination(const struct due_datagram *a,
                                const struct due_datagram *b)
{
    return a->to.port == b->to.port && is_same_ip(&a->to.addr, &b->to.addr) &&
           is_same_name(a, b);
}

/* Whether so much more may wait for names; *is_new: none is asked for yet. */
static bool may_wait(struct association_model *m, struct due_datagram *datagram,
                     bool *is_new)
{
    size_t octets = datagram->len, names = 0;

    *is_new = true;
    for (size_t i = 0; i < m->waiting_count; i++) {
        octets += m->waiting[i].len;
        if (is_same_name(&m->waiting[i], datagram)) {
            datagram->slot = m->waiting[i].slot;
            *is_new = false;
        }
    }
    for (size_t i = 0; i < ASSOCIATION_NAMES_MAX; i++)
        names += m->is_resolving[i];
    return m->waiting_count < ASSOCIATION_WAITING_MAX &&
           octets <= ASSOCIATION_WAITING_OCTETS &&
           (!*is_new || names < ASSOCIATION_NAMES_MAX);
}

/* A datagram of the client's is whole. */
static void owe(struct association_model *m, struct due_datagram *datagram)
{
    size_t name_len = datagram->to.addr.name.len;
    bool is_new;

    if (datagram->to.port == 0)
        return;
    if (datagram->to.addr.kind != PX_ADDRESS_NAME) {
        m->due[m->due_count++] = *datagram;
        return;
    }
    if (name_len == 0 || memchr(datagram->name, 0, name_len) ||
        !may_wait(m, datagram, &is_new))
        return;
    m->is_resolve_due = is_new;
    m->waiting[m->waiting_count++] = *datagram;
}

/*
 * Section 7, word for word: what is queued is abandoned when a FRAG comes that
 * is less than the highest one processed. Of what the section leaves open: 1
 * begins anew, the same again is ignored, and so is another destination's.
 */
static void take_piece(struct association_model *m, uint8_t frag,
                       struct due_datagram *piece, struct px_bytes data)
{
    unsigned position = frag & 0x7f;

    if (m->cfg.has_no_fragments || position == 0)
        return;
    if (position == 1) {
        m->joined = *piece;
        m->joined.digest = 0;
        m->joined.len = 0;
        m->begun_ms = m->now_ms;
        m->has_gap = false;
        m->highest = 0;
    } else if (position == m->highest) {
        return;
    } else if (position < m->highest || m->highest == 0 ||
               !is_same_destination(piece, &m->joined)) {
        m->highest = 0;
        return;
    }
    m->has_gap |= position != m->highest + 1;
    m->highest = position;
    m->joined.digest = digest(m->joined.digest, data);
    m->joined.len += data.len;
    if (m->joined.len > PAYLOAD_MAX)
        m->has_gap = true; /* never to be whole, either */
    if (!(frag & 0x80))
        return;
    if (!m->has_gap)
        owe(m, &m->joined);
    if (!m->has_gap)
        m->highest = 0;
}

static void on_client_datagram(struct association_model *m,
                               const struct association_event *event)
{
    struct px_bytes in = event->datagram.data;
    struct due_datagram datagram;
    size_t data_at = 0;

    if (!is_same_ip(&event->datagram.from.addr, &m->client.addr) ||
        (m->client.port && m->client.port != event->datagram.from.port) ||
        !read_header(in, &datagram, &data_at))
        return;
    m->client.port = event->datagram.from.port;
    in.data += data_at;
    in.len -= data_at;
    if (event->datagram.data.data[2]) {
        take_piece(m, event->datagram.data.data[2], &datagram, in);
        return;
    }
    m->highest = 0; /* 00 is less than any */
    datagram.digest = digest(0, in);
    datagram.len = in.len;
    owe(m, &datagram);
}

static size_t header_len(const struct px_address *addr)
{
    return addr->kind == PX_ADDRESS_IPV4 ? 10 : 22;
}

static void on_resolved(struct association_model *m,
                        const struct association_event *event)
{
    unsigned slot = event->resolved.slot;
    size_t kept = 0;

    if (!m->is_resolving[slot])
        return;
    m->is_resolving[slot] = false;
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct due_datagram datagram = m->waiting[i];

        if (datagram.slot != slot) {
            m->waiting[kept++] = datagram;
        } else if (event->resolved.address.kind != PX_ADDRESS_NONE) {
            datagram.to.addr = event->resolved.address;
            m->due[m->due_count++] = datagram;
        }
    }
    m->waiting_count = kept;
}

void association_model_event(struct association_model *m,
                             const struct association_event *event,
                             uint64_t now_ms)
{
    m->now_ms = now_ms;
    m->event = *event;
    m->due_count = m->due_done = m->done = 0;
    m->is_resolve_due = m->is_answer_due = false;
    if (m->highest && now_ms >= m->begun_ms + TIMER_MIN_MS)
        m->highest = 0;
    switch (event->kind) {
    case ASSOCIATION_FROM_CLIENT:
        on_client_datagram(m, event);
        break;
    case ASSOCIATION_FROM_TARGET:
        m->is_answer_due =
            m->client.port &&
            event->datagram.data.len + header_len(&event->datagram.from.addr) <=
                PAYLOAD_MAX;
        break;
    case ASSOCIATION_RESOLVED:
        on_resolved(m, event);
        break;
    case ASSOCIATION_TIMER:
        m->deadline_ms = ASSOCIATION_NEVER;
        break;
    }
}

static void sent_to_target(struct association_model *m,
                           const struct association_action *action)
{
    const struct due_datagram *due = &m->due[m->due_done];

    FUZZ_REQUIRE(m->due_done < m->due_count, "a datagram that none asked for");
    FUZZ_REQUIRE(action->send.to.port == due->to.port &&
                     is_same_ip(&action->send.to.addr, &due->to.addr),
                 "a datagram goes where it was asked for");
    FUZZ_REQUIRE(action->send.data.len == due->len &&
                     digest(0, action->send.data) == due->digest,
                 "%zu octets are relayed as sent, in order",
                 action->send.data.len);
    m->due_done++;
}

static void sent_to_client(struct association_model *m,
                           const struct association_action *action)
{
    const struct px_endpoint *from = &m->event.datagram.from;
    struct px_bytes want = m->event.datagram.data;
    struct px_bytes got = action->send.data;
    size_t len = header_len(&from->addr);
    const uint8_t *port;

    FUZZ_REQUIRE(m->is_answer_due, "nothing is for the client");
    FUZZ_REQUIRE(action->send.to.port == m->client.port &&
                     is_same_ip(&action->send.to.addr, &m->client.addr),
                 "an answer for somebody else");
    FUZZ_REQUIRE(got.len == len + want.len, "an answer of %zu octets", got.len);
    port = got.data + len - 2;
    FUZZ_REQUIRE(memcmp(got.data, "\0\0\0", 3) == 0 &&
                     got.data[3] == (len == 10 ? 1 : 4) &&
                     memcmp(got.data + 4, from->addr.ip, len - 6) == 0 &&
                     port[0] * 256 + port[1] == from->port,
                 "the header names the sender");
    FUZZ_REQUIRE(want.len == 0 ||
                     memcmp(got.data + len, want.data, want.len) == 0,
                 "an answer is passed on as sent");
    m->is_answer_due = false;
}

static void asked_for_name(struct association_model *m,
                           const struct association_action *action)
{
    struct due_datagram *last = &m->waiting[m->waiting_count - 1];
    unsigned slot = action->resolve.slot;

    FUZZ_REQUIRE(m->is_resolve_due, "a name that none asked for");
    FUZZ_REQUIRE(slot < ASSOCIATION_NAMES_MAX && !m->is_resolving[slot],
                 "slot %u is taken", slot);
    FUZZ_REQUIRE(px_equal(action->resolve.name,
                          px_bytes_of(last->name, last->to.addr.name.len)),
                 "the name is the one that was asked for");
    last->slot = slot;
    m->is_resolving[slot] = true;
    m->is_resolve_due = false;
}

void association_model_action(struct association_model *m,
                              const struct association_action *action)
{
    switch (action->kind) {
    case ASSOCIATION_SEND_CLIENT:
        sent_to_client(m, action);
        break;
    case ASSOCIATION_SEND_TARGET:
        sent_to_target(m, action);
        break;
    case ASSOCIATION_RESOLVE:
        asked_for_name(m, action);
        break;
    case ASSOCIATION_ARM_TIMER:
        FUZZ_REQUIRE(action->deadline_ms != m->deadline_ms,
                     "the timer is armed anew for the same time");
        m->deadline_ms = action->deadline_ms;
        return;
    }
    m->done++;
}

void association_model_settle(struct association_model *m,
                              const struct association *a)
{
    const struct px_error *err = association_error(a);

    FUZZ_REQUIRE(m->due_done == m->due_count, "%zu datagrams are not relayed",
                 m->due_count - m->due_done);
    FUZZ_REQUIRE(!m->is_answer_due, "an answer is not passed on");
    FUZZ_REQUIRE(!m->is_resolve_due, "a name is not asked for");
    FUZZ_REQUIRE(!err ||
                     (m->done == 0 && err->req < REQ_COUNT && err->detail[0] &&
                      memchr(err->detail, '\0', sizeof(err->detail))),
                 "a drop is silent, and says why");
    if (m->highest && !m->has_gap)
        FUZZ_REQUIRE(m->deadline_ms == m->begun_ms + TIMER_MIN_MS,
                     "what is queued has its timer");
    else if (!m->highest)
        FUZZ_REQUIRE(m->deadline_ms == ASSOCIATION_NEVER,
                     "a timer without a queue");
}
