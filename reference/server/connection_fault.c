#include "connection_internal.h"

/* What a fault lets hang is dropped in the end. */
enum { HANG_MS = 10 * 60 * 1000 };

/* False when the fault wants nothing more done. */
static bool obey(struct connection *c, enum fault_verdict verdict)
{
    switch (verdict) {
    case FAULT_PASS:
    case FAULT_DROP:
    case FAULT_RESTART:
        return true;
    case FAULT_HANG:
        connection_hang(c, HANG_MS);
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
        connection_carry_out(c, &c->memory->after[i]);
    c->memory->after_count = 0;
}

void connection_carry_out_fault(struct connection *c, struct action *action)
{
    enum fault_verdict verdict;

    c->memory->now_ms = uv_now(c->ctx->loop);
    verdict = c->ctx->fault->on_action(c->memory, action);
    if (!obey(c, verdict))
        return;
    if (verdict == FAULT_PASS)
        connection_carry_out(c, action);
    carry_out_extras(c);
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
        connection_drain(c);
    }
    if (verdict == FAULT_DROP || c->is_closing) {
        connection_update_reading(c);
        return;
    }
    cut_to_room(c, event);
    connection_deliver(c, event);
}

void connection_feed_fault(struct connection *c, struct event event)
{
    while (!c->is_closing && !c->is_hanging) {
        deliver_with_fault(c, &event);
        if (!c->memory->rest.len)
            break;
        event =
            (struct event){.kind = EVENT_CLIENT_DATA, .data = c->memory->rest};
    }
}

const struct session_config *connection_configure(struct connection *c)
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
