#include "relay_udp.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "association.h"
#include "endpoint.h"
#include "lookup.h"

enum side { SIDE_CLIENT, SIDE_IPV4, SIDE_IPV6, SIDES };

struct relay_udp {
    struct relay_udp_config cfg;
    void *owner;
    relay_udp_fn *done;
    uv_udp_t sockets[SIDES];
    bool is_open[SIDES];
    uv_timer_t timer; /* first on_made()'s, then the association's */
    unsigned handles; /* sockets and the timer; freed at 0 */
    struct px_endpoint bound;
    uint32_t scope_id; /* of the client's link-local address; 0: none */
    struct lookup *lookups[ASSOCIATION_NAMES_MAX];
    bool is_unasked[ASSOCIATION_NAMES_MAX]; /* memory was short */
    struct association *association;
    bool is_hanging; /* a fault wants nothing relayed any more */
};

static void feed(struct relay_udp *r, struct association_event *event);

static void on_closed(uv_handle_t *handle)
{
    struct relay_udp *r = handle->data;

    if (--r->handles)
        return;
    free(r->association);
    free(r);
}

static void close_socket(struct relay_udp *r, enum side side)
{
    if (r->is_open[side])
        uv_close((uv_handle_t *)&r->sockets[side], on_closed);
    r->is_open[side] = false;
}

void relay_udp_close(struct relay_udp *r)
{
    if (!r)
        return;
    for (enum side side = SIDE_CLIENT; side < SIDES; side++)
        close_socket(r, side);
    for (size_t i = 0; i < ASSOCIATION_NAMES_MAX; i++)
        lookup_cancel(r->lookups[i]);
    uv_close((uv_handle_t *)&r->timer, on_closed);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct relay_udp *r = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)r->cfg.buffer, (unsigned)r->cfg.buffer_len);
}

/* Without an address: an error, or nothing more to read. */
static void on_datagram(uv_udp_t *socket, ssize_t got, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    struct relay_udp *r = socket->data;
    struct association_event event = {
        .kind = socket == &r->sockets[SIDE_CLIENT] ? ASSOCIATION_FROM_CLIENT
                                                   : ASSOCIATION_FROM_TARGET,
    };

    if (got < 0 || !from || (flags & UV_UDP_PARTIAL))
        return;
    event.datagram.from = endpoint_of(from);
    event.datagram.data = px_bytes_of(buf->base, (size_t)got);
    feed(r, &event);
}

/* Binds to `at`; false when that cannot be. */
static bool open_socket(struct relay_udp *r, enum side side,
                        const struct sockaddr_storage *at)
{
    uv_udp_t *socket = &r->sockets[side];
    unsigned flags = at->ss_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0;

    if (uv_udp_init(r->cfg.loop, socket) != 0)
        return false;
    socket->data = r;
    r->is_open[side] = true;
    r->handles++;
    if (uv_udp_bind(socket, (const struct sockaddr *)at, flags) == 0)
        return true;
    close_socket(r, side);
    return false;
}

static bool receive(struct relay_udp *r, enum side side)
{
    return uv_udp_recv_start(&r->sockets[side], on_buffer, on_datagram) == 0;
}

/* Toward targets: any address of ours, any port. */
static bool open_toward(struct relay_udp *r, enum side side)
{
    const struct px_endpoint any = {
        .addr.kind = side == SIDE_IPV4 ? PX_ADDRESS_IPV4 : PX_ADDRESS_IPV6,
    };
    struct sockaddr_storage at;

    if (r->is_open[side])
        return true;
    endpoint_to_sockaddr(&any, &at);
    if (!open_socket(r, side, &at))
        return false;
    if (receive(r, side))
        return true;
    close_socket(r, side);
    return false;
}

/* Lost when it cannot be sent now: nobody waits for a datagram. */
static void send_datagram(struct relay_udp *r, enum side side,
                          const struct px_endpoint *to, struct px_bytes data)
{
    uv_buf_t buf = uv_buf_init((char *)data.data, (unsigned)data.len);
    struct sockaddr_storage at;

    endpoint_to_sockaddr(to, &at);
    if (side == SIDE_CLIENT && at.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&at)->sin6_scope_id = r->scope_id;
    (void)uv_udp_try_send(&r->sockets[side], &buf, 1,
                          (const struct sockaddr *)&at);
}

static void send_target(struct relay_udp *r, const struct px_endpoint *to,
                        struct px_bytes data)
{
    struct px_endpoint target = endpoint_plain(to);
    enum side side =
        target.addr.kind == PX_ADDRESS_IPV4 ? SIDE_IPV4 : SIDE_IPV6;

    if (open_toward(r, side))
        send_datagram(r, side, &target, data);
}

static void tell_resolved(struct relay_udp *r, unsigned slot,
                          const struct px_address *address)
{
    struct association_event event = {.kind = ASSOCIATION_RESOLVED};

    event.resolved.slot = slot;
    event.resolved.address = *address;
    feed(r, &event);
}

static void on_resolved(void *owner, struct lookup *l,
                        const struct lookup_result *result)
{
    struct relay_udp *r = owner;
    unsigned slot = 0;

    while (r->lookups[slot] != l)
        slot++;
    r->lookups[slot] = NULL;
    tell_resolved(r, slot, &result->answer);
}

static void resolve(struct relay_udp *r, unsigned slot, struct px_bytes name)
{
    const struct px_address question = {.kind = PX_ADDRESS_NAME, .name = name};

    r->lookups[slot] = lookup_new(r->cfg.loop, &question, r, on_resolved);
    r->is_unasked[slot] = !r->lookups[slot];
}

/* Nothing is received, and so no other timer armed, before this. */
static void on_made(uv_timer_t *timer)
{
    struct relay_udp *r = timer->data;
    if (r->is_open[SIDE_CLIENT] && !receive(r, SIDE_CLIENT))
        r->bound.addr.kind = PX_ADDRESS_NONE;
    r->done(r->owner, &r->bound);
}

static void on_timer(uv_timer_t *timer)
{
    feed(timer->data, &(struct association_event){.kind = ASSOCIATION_TIMER});
}

static void arm(struct relay_udp *r, uint64_t deadline_ms)
{
    uint64_t now_ms = uv_now(r->cfg.loop);

    if (deadline_ms == ASSOCIATION_NEVER)
        uv_timer_stop(&r->timer);
    else
        uv_timer_start(&r->timer, on_timer,
                       deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
}

static void carry_out(struct relay_udp *r,
                      const struct association_action *action)
{
    switch (action->kind) {
    case ASSOCIATION_SEND_CLIENT:
        send_datagram(r, SIDE_CLIENT, &action->send.to, action->send.data);
        break;
    case ASSOCIATION_SEND_TARGET:
        send_target(r, &action->send.to, action->send.data);
        break;
    case ASSOCIATION_RESOLVE:
        resolve(r, action->resolve.slot, action->resolve.name);
        break;
    case ASSOCIATION_ARM_TIMER:
        arm(r, action->deadline_ms);
        break;
    }
}

/* False when the fault wants nothing more done about it. */
static bool obey(struct relay_udp *r, enum fault_verdict verdict)
{
    r->is_hanging = r->is_hanging || verdict == FAULT_HANG;
    return verdict == FAULT_PASS;
}

/* Shows the fault an event; false when the association is not to see it. */
static bool show(struct relay_udp *r, struct association_event *event)
{
    struct fault_memory *m = r->cfg.memory;
    bool is_wanted = true;

    if (!m)
        return true;
    m->now_ms = uv_now(r->cfg.loop);
    m->has_notice = false;
    if (m->fault->on_datagram)
        is_wanted = obey(r, m->fault->on_datagram(m, event));
    if (m->has_notice)
        carry_out(r, &m->notice);
    return is_wanted;
}

static void decide(struct relay_udp *r, struct association_action *action)
{
    struct fault_memory *m = r->cfg.memory;

    if (r->is_hanging ||
        (m && m->fault->on_relay && !obey(r, m->fault->on_relay(m, action))))
        return;
    carry_out(r, action);
}

static void handle(struct relay_udp *r, struct association_event *event)
{
    struct association_action action;

    if (r->is_hanging || !show(r, event))
        return;
    association_handle(r->association, event,
                       r->cfg.memory ? r->cfg.memory->now_ms
                                     : uv_now(r->cfg.loop));
    while (association_next(r->association, &action))
        decide(r, &action);
}

static void feed(struct relay_udp *r, struct association_event *event)
{
    static const struct px_address none = {.kind = PX_ADDRESS_NONE};

    handle(r, event);
    for (unsigned slot = 0; slot < ASSOCIATION_NAMES_MAX; slot++) {
        if (!r->is_unasked[slot])
            continue;
        r->is_unasked[slot] = false;
        tell_resolved(r, slot, &none);
    }
}

/* The address at which the client reached us, and any port of it. */
static bool bind_to_client(struct relay_udp *r)
{
    struct sockaddr_storage at = {0};
    struct px_endpoint local;
    int len = sizeof(at);

    if (uv_tcp_getsockname(r->cfg.client, (struct sockaddr *)&at, &len) != 0)
        return false;
    local = endpoint_of((const struct sockaddr *)&at);
    if (local.addr.kind == PX_ADDRESS_IPV6)
        r->scope_id = ((const struct sockaddr_in6 *)&at)->sin6_scope_id;
    local = endpoint_plain(&local);
    if (local.addr.kind == PX_ADDRESS_NONE)
        return false;
    local.port = 0;
    endpoint_to_sockaddr(&local, &at);
    if (at.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&at)->sin6_scope_id = r->scope_id;
    return open_socket(r, SIDE_CLIENT, &at);
}

static void begin(struct relay_udp *r, struct association_config cfg)
{
    struct fault_memory *m = r->cfg.memory;

    if (m && m->fault->on_associate) {
        m->association = cfg;
        m->fault->on_associate(m);
        cfg = m->association;
    }
    r->association = association_init(r->association, &cfg);
}

/* True when the relay stands, at r->bound. */
static bool open_relay(struct relay_udp *r)
{
    struct association_config cfg = {
        .announced = endpoint_plain(&r->cfg.announced),
        .has_no_fragments = r->cfg.has_no_fragments,
        .access = r->cfg.access,
        .access_lapses = r->cfg.access_lapses,
    };
    struct sockaddr_storage sa = {0};
    struct px_endpoint peer;
    int len = sizeof(sa);

    if (uv_tcp_getpeername(r->cfg.client, (struct sockaddr *)&sa, &len) != 0 ||
        !bind_to_client(r))
        return false;
    peer = endpoint_of((const struct sockaddr *)&sa);
    cfg.peer = endpoint_plain(&peer).addr;
    begin(r, cfg);
    len = sizeof(sa);
    if (uv_udp_getsockname(&r->sockets[SIDE_CLIENT], (struct sockaddr *)&sa,
                           &len) != 0)
        return false;
    r->bound = endpoint_of((const struct sockaddr *)&sa);
    return true;
}

struct relay_udp *relay_udp_new(const struct relay_udp_config *cfg, void *owner,
                                relay_udp_fn *done)
{
    struct relay_udp *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->association = malloc(association_size());
    if (!r->association) {
        free(r);
        return NULL;
    }
    r->cfg = *cfg;
    r->owner = owner;
    r->done = done;
    uv_timer_init(cfg->loop, &r->timer);
    r->timer.data = r;
    r->handles = 1;
    if (!open_relay(r))
        close_socket(r, SIDE_CLIENT);
    uv_timer_start(&r->timer, on_made, 0, 0);
    return r;
}
