#include "connection.h"

#include <stdlib.h>
#include <string.h>

#include "bypass.h"
#include "errand.h"
#include "spares.h"
#include "stream.h"

/* A side is read no further while this much waits to go out on the other. */
enum { QUEUE_HIGH = 256 * 1024 };

enum {
    /* After the session's last action: how often to look at what is left. */
    LOOK_MS = 20,
    /* What a fault lets hang is dropped in the end. */
    HANG_MS = 10 * 60 * 1000,
};

struct connection {
    const struct connection_context *ctx;
    struct connection *next;
    struct connection *previous;
    struct session *session;
    struct fault_memory *memory; /* NULL without a fault */
    struct stream *client;
    struct stream *upstream;
    struct errand errand;
    struct bypass bypass;
    uv_timer_t timer;
    unsigned open_handles; /* streams and the timer; freed at 0 */
    bool is_shrunk;        /* the session keeps what a tunnel needs */
    bool is_hanging;       /* a fault wants nothing done any more */
    bool is_fault_timer;   /* a fault has armed the timer while relaying */
    bool is_closing;       /* the session is done; what is left goes out */
    bool is_resetting;     /* and then both sides are reset */
    size_t left;           /* octets that were left at the last progress */
    uint64_t stalled_ms;   /* when to give up without further progress */
};

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}

void connection_link(struct connection *c, struct connection **head)
{
    c->next = *head;
    if (c->next)
        c->next->previous = c;
    *head = c;
}

void connection_unlink(struct connection *c, struct connection **head)
{
    if (c->previous)
        c->previous->next = c->next;
    else
        *head = c->next;
    if (c->next)
        c->next->previous = c->previous;
}

static void feed(struct connection *c, struct event event);

static void free_session(struct connection *c)
{
    if (c->is_shrunk)
        free(c->session);
    else
        spares_give(c->ctx->spares, c->session);
    c->session = NULL;
}

static void drop_handle(struct connection *c)
{
    if (--c->open_handles)
        return;
    free_session(c);
    c->ctx->on_gone(c->ctx->ctx, c);
    free(c->memory);
    free(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    drop_handle(handle->data);
}

static void close_timer(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->timer))
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* Lets go of what only a living session needs; streams finish on their own. */
static void begin_close(struct connection *c)
{
    c->is_closing = true;
    bypass_close(&c->bypass);
    errand_drop(&c->errand);
    if (!c->client && !c->upstream)
        close_timer(c);
}

void connection_abort(struct connection *c)
{
    begin_close(c);
    if (c->client)
        stream_reset(c->client);
    if (c->upstream)
        stream_reset(c->upstream);
    close_timer(c);
}

static size_t left_on(const struct stream *s)
{
    return s ? stream_unacknowledged(s) : 0;
}

/* Whether what is left still goes out; a reset waits until all has. */
static void look_at_rest(struct connection *c)
{
    size_t left = left_on(c->client) + left_on(c->upstream);
    uint64_t now_ms = uv_now(c->ctx->loop);

    if (left < c->left) {
        c->left = left;
        c->stalled_ms = now_ms + c->ctx->stall_ms;
    }
    if (now_ms >= c->stalled_ms || (c->is_resetting && left == 0))
        connection_abort(c);
}

static bool is_dead(const struct stream *s)
{
    return s && stream_is_dead(s);
}

/*
 * A side that is not read from, because the other takes nothing or because its
 * FIN came, may be gone without a word. It is dropped once nothing more of
 * what it sent goes out.
 */
static void look_at_relay(struct connection *c)
{
    size_t left =
        left_on(c->client) + left_on(c->upstream) + bypass_held(&c->bypass);

    if (c->left == SIZE_MAX && c->upstream) /* it lasts */
        stream_keep_alive(stream_tcp(c->upstream));
    if (left >= c->left && (is_dead(c->client) || is_dead(c->upstream)))
        connection_abort(c);
    c->left = left;
}

static void on_timer(uv_timer_t *timer);

static void watch_relay(struct connection *c)
{
    c->left = SIZE_MAX;
    uv_timer_start(&c->timer, on_timer, c->ctx->stall_ms, c->ctx->stall_ms);
}

static void wake_fault(struct connection *c)
{
    c->is_fault_timer = false;
    watch_relay(c);
    feed(c, (struct event){.kind = EVENT_TIMER});
}

static bool is_full(const struct stream *s)
{
    return s && stream_queued(s) >= QUEUE_HIGH;
}

/*
 * Nobody is late while the other side holds things up. It may take its time,
 * as long as it is there.
 */
static void look_at_exchange(struct connection *c)
{
    if (!is_full(c->client) && !is_full(c->upstream))
        feed(c, (struct event){.kind = EVENT_TIMER});
    else if (is_dead(c->client) || is_dead(c->upstream))
        connection_abort(c);
    else
        uv_timer_start(&c->timer, on_timer, c->ctx->stall_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *c = timer->data;

    if (c->is_closing)
        look_at_rest(c);
    else if (c->is_hanging)
        connection_abort(c);
    else if (c->is_fault_timer)
        wake_fault(c);
    else if (session_state(c->session) == SESSION_RELAYING)
        look_at_relay(c);
    else if (session_state(c->session) == SESSION_FORWARDING)
        look_at_exchange(c);
    else
        feed(c, (struct event){.kind = EVENT_TIMER});
}

/* What a fault holds back takes up the session's room as well. */
static size_t client_room(const struct connection *c)
{
    size_t session_room = session_client_room(c->session);
    size_t held = c->memory ? c->memory->held : 0;

    return session_room > held ? session_room - held : 0;
}

static void on_bypass(void *owner, enum event_kind kind)
{
    struct connection *c = owner;

    if (kind == EVENT_CLIENT_RESET || kind == EVENT_UPSTREAM_RESET)
        stream_close(kind == EVENT_CLIENT_RESET ? c->client : c->upstream);
    feed(c, (struct event){.kind = kind});
}

/* Reads from each side as long as the session and the other side allow. */
static void update_reading(struct connection *c)
{
    bool is_client_wanted, is_upstream_wanted;

    if (c->is_closing || bypass_try(&c->bypass, c->client, c->upstream))
        return;
    is_client_wanted =
        !c->is_hanging && client_room(c) > 0 &&
        (!c->upstream || stream_queued(c->upstream) < QUEUE_HIGH);
    is_upstream_wanted = !c->is_hanging &&
                         session_upstream_room(c->session) > 0 &&
                         (!c->client || stream_queued(c->client) < QUEUE_HIGH);
    errand_read(&c->errand,
                is_upstream_wanted ? session_upstream_room(c->session) : 0);
    if (c->client)
        stream_read(c->client,
                    is_client_wanted ? STREAM_READING : STREAM_PAUSED);
    if (c->upstream)
        stream_read(c->upstream,
                    is_upstream_wanted ? STREAM_READING : STREAM_PAUSED);
}

static uv_buf_t buffer(void *owner, struct stream *s)
{
    struct connection *c = owner;
    size_t len =
        s == c->client ? client_room(c) : session_upstream_room(c->session);

    if (len > CONNECTION_BUFFER)
        len = CONNECTION_BUFFER;
    return uv_buf_init((char *)c->ctx->buffer, (unsigned)len);
}

static void on_data(void *owner, struct stream *s, struct px_bytes data)
{
    struct connection *c = owner;
    enum event_kind kind =
        s == c->client ? EVENT_CLIENT_DATA : EVENT_UPSTREAM_DATA;

    bypass_count(&c->bypass, data.len);
    feed(c, (struct event){.kind = kind, .data = data});
}

static void on_end(void *owner, struct stream *s)
{
    struct connection *c = owner;
    enum event_kind kind =
        s == c->client ? EVENT_CLIENT_END : EVENT_UPSTREAM_END;

    feed(c, (struct event){.kind = kind});
}

static void on_reset(void *owner, struct stream *s)
{
    struct connection *c = owner;
    enum event_kind kind =
        s == c->client ? EVENT_CLIENT_RESET : EVENT_UPSTREAM_RESET;

    stream_close(s);
    feed(c, (struct event){.kind = kind});
}

static void on_drained(void *owner, struct stream *s)
{
    (void)s;
    update_reading(owner);
}

static void on_closed(void *owner, struct stream *s)
{
    struct connection *c = owner;

    if (s == c->client)
        c->client = NULL;
    else if (s == c->upstream)
        c->upstream = NULL;
    if (c->is_closing && !c->client && !c->upstream)
        close_timer(c);
    drop_handle(c);
}

static const struct stream_events events = {
    .buffer = buffer,
    .on_data = on_data,
    .on_end = on_end,
    .on_reset = on_reset,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

static void set_upstream(struct connection *c, struct stream *stream)
{
    c->upstream = stream;
    c->open_handles++;
    stream_own(stream, c);
}

/* What came of an errand; a connection becomes the target's. */
static void on_errand(void *owner, struct event event, struct stream *stream)
{
    if (stream)
        set_upstream(owner, stream);
    feed(owner, event);
}

static void take_peer(struct connection *c)
{
    struct stream *peer = errand_take_peer(&c->errand);

    if (!peer)
        return;
    if (c->upstream) /* a fault takes another one */
        stream_close(c->upstream);
    set_upstream(c, peer);
}

static void arm(struct connection *c, uint64_t deadline_ms)
{
    uint64_t now_ms = uv_now(c->ctx->loop);

    c->is_fault_timer = deadline_ms != SESSION_NEVER &&
                        session_state(c->session) == SESSION_RELAYING;
    if (deadline_ms == SESSION_NEVER)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer,
                       deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
}

static void await_rest(struct connection *c)
{
    begin_close(c);
    c->left = SIZE_MAX;
    c->stalled_ms = uv_now(c->ctx->loop) + c->ctx->stall_ms;
    uv_timer_start(&c->timer, on_timer, LOOK_MS, LOOK_MS);
    if (c->is_resetting)
        look_at_rest(c); /* else libuv closes as soon as it can */
}

static void finish(struct connection *c)
{
    await_rest(c);
    if (c->client)
        stream_finish(c->client);
    if (c->upstream)
        stream_finish(c->upstream);
}

static void close_upstream(struct connection *c)
{
    errand_drop(&c->errand);
    if (c->upstream)
        stream_close(c->upstream);
}

static void send_to(struct connection *c, struct stream *s,
                    struct px_bytes data)
{
    if (s && !stream_write(s, data))
        connection_abort(c); /* memory is short */
}

static void carry_out(struct connection *c, const struct action *action)
{
    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        send_to(c, c->client, action->send.data);
        break;
    case ACTION_SEND_UPSTREAM:
        send_to(c, c->upstream, action->send.data);
        break;
    case ACTION_DIAL:
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_LISTEN:
    case ACTION_FETCH:
        if (!c->client ||
            !errand_run(&c->errand, action, stream_tcp(c->client)))
            connection_abort(c); /* nobody asks, or memory is short */
        break;
    case ACTION_TAKE_PEER:
        take_peer(c);
        break;
    case ACTION_DROP_PEER:
        errand_drop_peer(&c->errand);
        break;
    case ACTION_RELAY: /* octets still may pass through the session */
        c->bypass.is_allowed = !c->memory;
        if (!c->is_fault_timer)
            watch_relay(c);
        break;
    case ACTION_END_CLIENT:
        if (c->client)
            stream_end(c->client);
        break;
    case ACTION_END_UPSTREAM:
        if (c->upstream)
            stream_end(c->upstream);
        break;
    case ACTION_CLOSE_UPSTREAM:
        close_upstream(c);
        break;
    case ACTION_ARM_TIMER:
        arm(c, action->deadline_ms);
        break;
    case ACTION_CLOSE:
        finish(c);
        break;
    case ACTION_RESET:
        c->is_resetting = true;
        await_rest(c);
        break;
    }
}

/* False when the fault wants nothing more done. */
static bool obey(struct connection *c, enum fault_verdict verdict)
{
    switch (verdict) {
    case FAULT_PASS:
    case FAULT_DROP:
    case FAULT_RESTART:
        return true;
    case FAULT_HANG:
        c->is_hanging = true;
        uv_timer_start(&c->timer, on_timer, HANG_MS, 0);
        update_reading(c);
        return false;
    case FAULT_ABORT:
        connection_abort(c);
        return false;
    }
    return true;
}

static void carry_out_extras(struct connection *c)
{
    for (size_t i = 0; i < c->memory->after_count; i++)
        carry_out(c, &c->memory->after[i]);
    c->memory->after_count = 0;
}

static void carry_out_with_fault(struct connection *c, struct action *action)
{
    enum fault_verdict verdict;

    c->memory->now_ms = uv_now(c->ctx->loop);
    verdict = c->ctx->fault->on_action(c->memory, action);
    if (!obey(c, verdict))
        return;
    if (verdict == FAULT_PASS)
        carry_out(c, action);
    carry_out_extras(c);
}

/* A tunnel lasts, and needs no room for requests. */
static void shrink_session(struct connection *c)
{
    void *mem;

    if (c->is_shrunk || c->is_closing ||
        session_state(c->session) != SESSION_RELAYING)
        return;
    mem = malloc(session_relay_size());
    if (!mem)
        return; /* then it stays where it is */
    (void)session_move(mem, c->session);
    free_session(c);
    c->session = mem;
    c->is_shrunk = true;
}

static void drain_actions(struct connection *c)
{
    struct action action;

    while (session_next(c->session, &action)) {
        if (c->is_closing || c->is_hanging)
            continue;
        if (c->memory && c->ctx->fault->on_action)
            carry_out_with_fault(c, &action);
        else
            carry_out(c, &action);
    }
    if (c->bypass.is_allowed)
        shrink_session(c);
    update_reading(c);
}

static void deliver(struct connection *c, const struct event *event)
{
    session_handle(c->session, event, uv_now(c->ctx->loop));
    drain_actions(c);
}

/* What a fault adds, or shows to a new session, may be more than was asked
 * for; the surplus is lost, which a fault may do. */
static void cut_to_room(const struct connection *c, struct event *event)
{
    size_t room = session_client_room(c->session);

    if (event->kind == EVENT_CLIENT_DATA && event->data.len > room)
        event->data.len = room;
}

static void deliver_with_fault(struct connection *c, struct event *event)
{
    enum fault_verdict verdict;

    c->memory->now_ms = uv_now(c->ctx->loop);
    c->memory->rest = (struct px_bytes){0};
    verdict = fault_show(c->ctx->fault, c->memory, event);
    if (!obey(c, verdict))
        return;
    carry_out_extras(c);
    if (verdict == FAULT_RESTART) {
        session_init(c->session, &c->memory->config, c->memory->now_ms);
        drain_actions(c);
    }
    if (verdict == FAULT_DROP || c->is_closing) {
        update_reading(c);
        return;
    }
    cut_to_room(c, event);
    deliver(c, event);
}

static void feed(struct connection *c, struct event event)
{
    if (!c->memory) {
        if (!c->is_closing && !c->is_hanging)
            deliver(c, &event);
        return;
    }
    while (!c->is_closing && !c->is_hanging) {
        deliver_with_fault(c, &event);
        if (!c->memory->rest.len)
            break;
        event =
            (struct event){.kind = EVENT_CLIENT_DATA, .data = c->memory->rest};
    }
}

/* A session beside a fault has a configuration of its own to be led astray. */
static const struct session_config *configure(struct connection *c)
{
    if (!c->memory)
        return c->ctx->config;
    c->memory->config = *c->ctx->config;
    c->memory->fault = c->ctx->fault;
    c->memory->shared = c->ctx->fault_shared;
    c->memory->session = c->session;
    c->memory->user = c->ctx->user;
    c->memory->password = c->ctx->password;
    if (c->ctx->fault->on_forward) {
        c->memory->config.tap = fault_tap;
        c->memory->config.tap_ctx = c->memory;
    }
    if (c->ctx->fault->configure)
        c->ctx->fault->configure(c->memory);
    return &c->memory->config;
}

static struct connection *connection_new(const struct connection_context *ctx)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->ctx = ctx;
    c->session = spares_take(ctx->spares, session_size(ctx->config->protocol));
    c->memory = ctx->fault ? calloc(1, sizeof(*c->memory)) : NULL;
    c->client = stream_new(ctx->loop, &events);
    if (!c->session || (ctx->fault && !c->memory) || !c->client ||
        (ctx->tls && !stream_secure(c->client, ctx->tls))) {
        if (c->client)
            stream_close(c->client);
        free(c->memory);
        free_session(c);
        free(c);
        return NULL;
    }
    stream_own(c->client, c);
    c->errand = (struct errand){
        .ctx = ctx,
        .memory = c->memory,
        .stream_events = &events,
        .on_event = on_errand,
        .owner = c,
    };
    bypass_init(&c->bypass, ctx->splicer, ctx->splice_from, on_bypass, c);
    uv_timer_init(ctx->loop, &c->timer);
    c->timer.data = c;
    c->open_handles = 2;
    session_init(c->session, configure(c), uv_now(ctx->loop));
    return c;
}

struct connection *connection_accept(uv_stream_t *listener,
                                     const struct connection_context *ctx)
{
    struct connection *c = connection_new(ctx);

    if (!c)
        return NULL;
    if (uv_accept(listener, (uv_stream_t *)stream_tcp(c->client)) != 0) {
        connection_abort(c);
        return c;
    }
    drain_actions(c);
    return c;
}
