#include "errand.h"

#include <assert.h>

#include "dial.h"
#include "gateway_ftp.h"
#include "identd.h"
#include "listen.h"
#include "lookup.h"
#include "relay_udp.h"

static void tell(struct errand *e, struct event event)
{
    e->on_event(e->owner, event, NULL);
}

static void tell_failed(struct errand *e, enum dial_failure failure)
{
    tell(e, (struct event){.kind = EVENT_DIAL_FAILED, .failure = failure});
}

static void on_dialled(void *owner, const struct dial_result *result)
{
    struct errand *e = owner;

    e->dial = NULL;
    if (result->stream)
        e->on_event(
            e->owner,
            (struct event){.kind = EVENT_DIALLED, .bound = result->bound},
            result->stream);
    else
        tell_failed(e, result->failure);
}

/* A fault has a configuration of its own. */
static const struct session_config *config_of(const struct errand *e)
{
    return e->memory ? &e->memory->config : e->ctx->config;
}

static bool dial(struct errand *e, const struct action *action)
{
    /* Of several addresses all but the last leave time for the next. */
    const struct dial_options options = {
        .attempt_ms = e->ctx->config->dial_timeout_ms / 4,
        .tries_one = e->memory && e->memory->tries_one,
        .is_ipv4_only = e->memory && e->memory->is_ipv4_only,
        .access = config_of(e)->access,
        .rules = action->rules,
        .rule = e->memory ? e->memory->rule : DIAL_RULE_CONNECTED,
    };

    e->dial = dial_new(e->ctx->loop, &action->target, &options,
                       e->stream_events, e, on_dialled);
    return e->dial;
}

static void on_associated(void *owner, const struct px_endpoint *bound)
{
    if (bound->addr.kind == PX_ADDRESS_NONE)
        tell_failed(owner, DIAL_FAILED);
    else
        tell(owner, (struct event){.kind = EVENT_ASSOCIATED, .bound = *bound});
}

static bool associate(struct errand *e, const struct px_endpoint *announced,
                      const uv_tcp_t *client)
{
    const struct relay_udp_config cfg = {
        .loop = e->ctx->loop,
        .client = client,
        .announced = *announced,
        .has_no_fragments = e->ctx->has_no_fragments,
        .access = config_of(e)->access,
        .access_lapses = config_of(e)->access_lapses,
        .memory = e->memory,
        .buffer = e->ctx->buffer,
        .buffer_len = CONNECTION_BUFFER,
    };

    e->relay = relay_udp_new(&cfg, e, on_associated);
    return e->relay;
}

static void on_resolved(void *owner, struct lookup *l,
                        const struct lookup_result *result)
{
    struct errand *e = owner;

    (void)l;
    e->lookup = NULL;
    if (result->answer.kind == PX_ADDRESS_NONE)
        tell_failed(e, result->failure);
    else
        tell(e,
             (struct event){.kind = EVENT_RESOLVED, .address = result->answer});
}

static bool resolve(struct errand *e, const struct px_address *question)
{
    e->lookup = lookup_new(e->ctx->loop, question, e, on_resolved);
    return e->lookup;
}

static void on_identified(void *owner, bool is_reached, struct px_bytes user)
{
    struct errand *e = owner;

    e->identd = NULL;
    if (is_reached)
        tell(e, (struct event){.kind = EVENT_IDENTIFIED, .data = user});
    else
        tell_failed(e, DIAL_FAILED);
}

static bool identify(struct errand *e, const uv_tcp_t *client)
{
    e->identd = identd_new(e->ctx->loop, client, e, on_identified);
    return e->identd;
}

static void on_listening(void *owner, const struct px_endpoint *bound)
{
    tell(owner, (struct event){.kind = EVENT_LISTENING, .bound = *bound});
}

static void on_listen_failed(void *owner, enum dial_failure failure)
{
    struct errand *e = owner;

    e->listen = NULL;
    tell_failed(e, failure);
}

static void on_peer(void *owner, const struct px_endpoint *peer)
{
    tell(owner, (struct event){.kind = EVENT_ACCEPTED, .peer = *peer});
}

/* Its last event leaves nothing to be closed. */
static void tell_of_gateway(void *owner, struct event event)
{
    struct errand *e = owner;

    if (event.kind != EVENT_FETCHED && event.kind != EVENT_UPSTREAM_DATA)
        e->gateway = NULL;
    tell(e, event);
}

static bool listen_for(struct errand *e, const struct px_address *peer,
                       const uv_tcp_t *client)
{
    static const struct listen_events events = {
        .on_listening = on_listening,
        .on_failed = on_listen_failed,
        .on_peer = on_peer,
    };
    const struct listen_config cfg = {
        .loop = e->ctx->loop,
        .client = client,
        .peer = peer,
        .stream_events = e->stream_events,
        .events = &events,
        .owner = e,
    };

    e->listen = listen_new(&cfg);
    return e->listen;
}

static bool fetch(struct errand *e, const struct action *action)
{
    const struct gateway_ftp_config cfg = {
        .loop = e->ctx->loop,
        .fetch = action->fetch,
        .access = config_of(e)->access,
        .rules = action->rules,
        .reply_timeout_ms = config_of(e)->response_timeout_ms,
    };

    e->gateway = gateway_ftp_new(&cfg, e, tell_of_gateway);
    return e->gateway;
}

bool errand_run(struct errand *e, const struct action *action,
                const uv_tcp_t *client)
{
    if (action->kind == ACTION_DIAL)
        return dial(e, action);
    if (action->kind == ACTION_ASSOCIATE)
        return associate(e, &action->target, client);
    if (action->kind == ACTION_RESOLVE)
        return resolve(e, &action->target.addr);
    if (action->kind == ACTION_IDENTIFY)
        return identify(e, client);
    if (action->kind == ACTION_FETCH)
        return fetch(e, action);
    assert(action->kind == ACTION_LISTEN);
    return listen_for(e, &action->target.addr, client);
}

struct stream *errand_take_peer(struct errand *e)
{
    bool is_last = !e->memory || !e->memory->listens_on;
    struct stream *peer = e->listen ? listen_take(e->listen) : NULL;

    if (peer && is_last) {
        listen_close(e->listen);
        e->listen = NULL;
    }
    return peer;
}

void errand_drop_peer(struct errand *e)
{
    if (e->listen)
        listen_drop(e->listen);
}

void errand_read(struct errand *e, size_t room)
{
    if (e->gateway)
        gateway_ftp_read(e->gateway, room);
}

void errand_drop(struct errand *e)
{
    dial_cancel(e->dial);
    e->dial = NULL;
    relay_udp_close(e->relay);
    e->relay = NULL;
    lookup_cancel(e->lookup);
    e->lookup = NULL;
    identd_cancel(e->identd);
    e->identd = NULL;
    gateway_ftp_close(e->gateway);
    e->gateway = NULL;
    listen_close(e->listen);
    e->listen = NULL;
}
