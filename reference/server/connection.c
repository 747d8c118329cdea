#include "connection_internal.h"

#include <stdlib.h>
#include <string.h>

#include "spares.h"

/* A side is read no further while this much waits to go out on the other. */
enum { QUEUE_HIGH = 256 * 1024 };

enum {
    /* After the session's last action: how often to look at what is left. */
    LOOK_MS = 20,
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

static void feed(struct connection *c, struct event event)
{
    if (c->memory)
        connection_feed_fault(c, event);
    else if (!c->is_closing)
        connection_deliver(c, &event);
}

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

void connection_hang(struct connection *c, uint64_t hang_ms)
{
    c->is_hanging = true;
    uv_timer_start(&c->timer, on_timer, hang_ms, 0);
    connection_update_reading(c);
}

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

void connection_update_reading(struct connection *c)
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
    connection_update_reading(owner);
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

void connection_carry_out(struct connection *c, const struct action *action)
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
    case ACTION_IDENTIFY:
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

void connection_drain(struct connection *c)
{
    struct action action;

    while (session_next(c->session, &action)) {
        if (c->is_closing || c->is_hanging)
            continue;
        if (c->memory && c->ctx->fault->on_action)
            connection_carry_out_fault(c, &action);
        else
            connection_carry_out(c, &action);
    }
    if (c->bypass.is_allowed)
        shrink_session(c);
    connection_update_reading(c);
}

void connection_deliver(struct connection *c, const struct event *event)
{
    session_handle(c->session, event, uv_now(c->ctx->loop));
    connection_drain(c);
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
    session_init(c->session, connection_configure(c), uv_now(ctx->loop));
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
    connection_drain(c);
    return c;
}
