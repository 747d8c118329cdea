#include "session.h"

#include <assert.h>
#include <string.h>

#include "session_internal.h"

static size_t in_max(enum session_protocol protocol)
{
    return protocol == SESSION_HTTP ? HTTP_IN_MAX : SOCKS_IN_MAX;
}

size_t session_size(enum session_protocol protocol)
{
    size_t len = sizeof(struct session) + in_max(protocol);

    return protocol == SESSION_HTTP ? session_forward_size(len) : len;
}

struct session *session_init(void *mem, const struct session_config *cfg,
                             uint64_t now_ms)
{
    struct session *s = mem;
    bool is_http = cfg->protocol == SESSION_HTTP;

    assert(!is_http || !cfg->verify || strlen(cfg->realm) <= REALM_MAX);
    memset(s, 0, sizeof(*s));
    s->cfg = cfg;
    s->protocol = is_http ? &http_protocol : &socks5_protocol;
    s->state = is_http ? SESSION_REQUEST : SESSION_GREETING;
    s->in_cap = in_max(cfg->protocol);
    s->now_ms = now_ms;
    if (is_http && cfg->is_forwarding)
        s->forward = session_forward_init(mem, sizeof(*s) + s->in_cap);
    session_arm(s, now_ms + cfg->handshake_timeout_ms);
    return s;
}

size_t session_relay_size(void)
{
    return sizeof(struct session);
}

struct session *session_move(void *mem, const struct session *s)
{
    struct session *moved = mem;

    assert(s->state == SESSION_RELAYING && s->action_next == s->action_count);
    memcpy(moved, s, sizeof(*moved));
    moved->in_len = moved->in_cap = 0; /* all of it was handed over */
    return moved;
}

size_t session_client_room(const struct session *s)
{
    switch (s->state) {
    case SESSION_GREETING:
    case SESSION_AUTH:
    case SESSION_REQUEST:
    case SESSION_DIALLING:
    case SESSION_LISTENING:
    case SESSION_FORWARDING:
        return s->in_cap - s->in_len;
    case SESSION_RELAYING:
    case SESSION_ASSOCIATED: /* discarded, as below */
    case SESSION_CLOSING:
        return SIZE_MAX;
    case SESSION_CLOSED:
        return 0;
    }
    assert(false && "a state");
    return 0;
}

size_t session_upstream_room(const struct session *s)
{
    if (s->state == SESSION_RELAYING)
        return SIZE_MAX;
    return s->forward ? session_forward_room(s) : 0;
}

enum session_state session_state(const struct session *s)
{
    return s->state;
}

const struct px_error *session_error(const struct session *s)
{
    return s->has_failed ? &s->error : NULL;
}

struct px_bytes session_pending(const struct session *s)
{
    return px_bytes_of(s->in, s->in_len);
}

void session_consume(struct session *s, size_t len)
{
    assert(len <= s->in_len);
    s->in_len -= len;
    memmove(s->in, s->in + len, s->in_len);
}

void session_enter(struct session *s, enum session_state next)
{
#define TO(state) (1u << (state))
    static const unsigned allowed[] = {
        [SESSION_GREETING] = TO(SESSION_AUTH) | TO(SESSION_REQUEST) |
                             TO(SESSION_CLOSING) | TO(SESSION_CLOSED),
        [SESSION_AUTH] =
            TO(SESSION_REQUEST) | TO(SESSION_CLOSING) | TO(SESSION_CLOSED),
        [SESSION_REQUEST] = TO(SESSION_AUTH) | TO(SESSION_DIALLING) |
                            TO(SESSION_FORWARDING) | TO(SESSION_CLOSING) |
                            TO(SESSION_CLOSED),
        [SESSION_FORWARDING] =
            TO(SESSION_REQUEST) | TO(SESSION_CLOSING) | TO(SESSION_CLOSED),
        [SESSION_DIALLING] = TO(SESSION_DIALLING) | TO(SESSION_LISTENING) |
                             TO(SESSION_RELAYING) | TO(SESSION_ASSOCIATED) |
                             TO(SESSION_CLOSING) | TO(SESSION_CLOSED),
        [SESSION_LISTENING] =
            TO(SESSION_RELAYING) | TO(SESSION_CLOSING) | TO(SESSION_CLOSED),
        [SESSION_RELAYING] = TO(SESSION_CLOSED),
        [SESSION_ASSOCIATED] = TO(SESSION_CLOSED),
        [SESSION_CLOSING] = TO(SESSION_CLOSED),
        [SESSION_CLOSED] = 0,
    };

    assert(allowed[s->state] & TO(next));
#undef TO
    s->state = next;
}

static struct action *new_action(struct session *s, enum action_kind kind)
{
    struct action *action;

    assert(s->action_count < ACTIONS_MAX);
    action = &s->actions[s->action_count++];
    *action = (struct action){.kind = kind};
    return action;
}

void session_act(struct session *s, enum action_kind kind)
{
    (void)new_action(s, kind);
}

void session_arm(struct session *s, uint64_t deadline_ms)
{
    new_action(s, ACTION_ARM_TIMER)->deadline_ms = deadline_ms;
}

struct px_writer session_message(struct session *s)
{
    return px_writer_over(s->out + s->out_len, OUT_MAX - s->out_len);
}

void session_send_octets(struct session *s, enum action_kind to,
                         struct px_bytes data, enum session_message kind)
{
    struct action *action = new_action(s, to);

    action->send.data = data;
    action->send.message = kind;
}

void session_send(struct session *s, const struct px_writer *message,
                  enum session_message kind)
{
    assert(!message->is_full);
    s->out_len += message->len;
    session_send_octets(s, ACTION_SEND_CLIENT, px_written(message), kind);
}

bool session_denies(const struct session *s, struct access_request *request,
                    access_set *open)
{
    *open = 0;
    request->lapses = s->cfg->access_lapses;
    return s->cfg->access && access_denies(s->cfg->access, request, open);
}

void session_deny(struct session *s)
{
    static const struct px_error denied = {.detail = "a rule denies it"};

    session_note(s, &denied);
    s->protocol->refused(s, DIAL_NOT_ALLOWED);
}

void session_dial(struct session *s, const struct px_endpoint *target)
{
    struct access_request request = {.method = PX_LITERAL("CONNECT"),
                                     .target = *target};
    access_set open;

    if (session_denies(s, &request, &open)) {
        session_deny(s);
        return;
    }
    new_action(s, ACTION_DIAL)->target = *target;
    s->actions[s->action_count - 1].rules = open;
    session_arm(s, s->now_ms + s->cfg->dial_timeout_ms);
    session_enter(s, SESSION_DIALLING);
}

void session_ask(struct session *s, enum action_kind kind,
                 const struct px_endpoint *target)
{
    new_action(s, kind)->target = *target;
    session_arm(s, s->now_ms + s->cfg->dial_timeout_ms);
    session_enter(s, SESSION_DIALLING);
}

void session_relay(struct session *s)
{
    session_arm(s, SESSION_NEVER);
    if (s->in_len)
        session_send_octets(s, ACTION_SEND_UPSTREAM, session_pending(s),
                            MESSAGE_RELAYED);
    if (s->is_client_ended)
        session_act(s, ACTION_END_UPSTREAM);
    session_act(s, ACTION_RELAY);
    session_enter(s, SESSION_RELAYING);
}

void session_note(struct session *s, const struct px_error *err)
{
    if (s->has_failed)
        return;
    s->error = *err;
    s->has_failed = true;
}

void session_fail(struct session *s, const struct px_error *err)
{
    session_note(s, err);
    session_finish(s);
}

void session_finish(struct session *s)
{
    s->in_len = 0;
    session_act(s, ACTION_END_CLIENT);
    if (s->is_client_ended) {
        session_act(s, ACTION_CLOSE);
        session_enter(s, SESSION_CLOSED);
        return;
    }
    session_arm(s, s->now_ms + LINGER_MS);
    session_enter(s, SESSION_CLOSING);
}

void session_abandon(struct session *s)
{
    if (s->state == SESSION_DIALLING || s->state == SESSION_LISTENING ||
        s->state == SESSION_FORWARDING)
        session_act(s, ACTION_CLOSE_UPSTREAM);
    session_act(s, ACTION_CLOSE);
    session_enter(s, SESSION_CLOSED);
}

/*
 * One side of the relay broke: the other side's connection has to break too,
 * since a FIN would tell it that what it received is all there was.
 */
static void pass_reset(struct session *s)
{
    session_act(s, ACTION_RESET);
    session_enter(s, SESSION_CLOSED);
}

void session_advance(struct session *s)
{
    bool is_moving = true;

    while (is_moving) {
        switch (s->state) {
        case SESSION_GREETING:
            is_moving = s->protocol->greeting(s);
            break;
        case SESSION_AUTH:
            is_moving = s->protocol->auth(s);
            break;
        case SESSION_REQUEST:
            is_moving = s->protocol->request(s);
            break;
        case SESSION_DIALLING:
        case SESSION_LISTENING:
        case SESSION_RELAYING:
        case SESSION_FORWARDING:
        case SESSION_ASSOCIATED:
        case SESSION_CLOSING:
        case SESSION_CLOSED:
            is_moving = false;
            break;
        }
    }
}

static void on_client_data(struct session *s, struct px_bytes data)
{
    if (s->state == SESSION_CLOSING || s->state == SESSION_ASSOCIATED ||
        s->is_client_ended)
        return;
    if (s->state == SESSION_RELAYING) {
        session_send_octets(s, ACTION_SEND_UPSTREAM, data, MESSAGE_RELAYED);
        return;
    }
    assert(data.len <= s->in_cap - s->in_len);
    if (data.len)
        memcpy(s->in + s->in_len, data.data, data.len);
    s->in_len += data.len;
    session_advance(s);
}

static void close_if_both_ended(struct session *s)
{
    if (s->is_client_ended && s->is_upstream_ended)
        session_abandon(s);
}

/*
 * The client's FIN: before the request is whole nothing can come of it; once
 * it is, the client only says that it has no more to send.
 */
static void on_client_end(struct session *s)
{
    static const struct px_error ended = {.detail = "the client ended early"};

    if (s->is_client_ended)
        return;
    s->is_client_ended = true;
    switch (s->state) {
    case SESSION_GREETING:
    case SESSION_AUTH:
    case SESSION_REQUEST:
        session_note(s, &ended);
        session_abandon(s);
        break;
    case SESSION_ASSOCIATED: /* RFC 1928 section 6: it ends with this */
    case SESSION_CLOSING:
        session_abandon(s);
        break;
    case SESSION_RELAYING:
        session_act(s, ACTION_END_UPSTREAM);
        close_if_both_ended(s);
        break;
    case SESSION_LISTENING:
        session_bind_ended(s);
        break;
    case SESSION_DIALLING:
    case SESSION_FORWARDING: /* its steps look at it */
    case SESSION_CLOSED:
        break;
    }
}

static void on_timer(struct session *s)
{
    switch (s->state) {
    case SESSION_GREETING:
    case SESSION_AUTH:
    case SESSION_REQUEST:
        s->protocol->timed_out(s);
        break;
    case SESSION_DIALLING:
    case SESSION_LISTENING:
        session_act(s, ACTION_CLOSE_UPSTREAM);
        s->protocol->refused(s, DIAL_TIMED_OUT);
        break;
    case SESSION_CLOSING:
        session_abandon(s);
        break;
    case SESSION_RELAYING:
    case SESSION_FORWARDING:
    case SESSION_ASSOCIATED:
    case SESSION_CLOSED:
        break;
    }
}

static void on_upstream(struct session *s, const struct event *event)
{
    if (s->state != SESSION_RELAYING)
        return;
    if (event->kind == EVENT_UPSTREAM_RESET) {
        pass_reset(s);
    } else if (s->is_upstream_ended) {
        return;
    } else if (event->kind == EVENT_UPSTREAM_DATA) {
        session_send_octets(s, ACTION_SEND_CLIENT, event->data,
                            MESSAGE_RELAYED);
    } else {
        s->is_upstream_ended = true;
        session_act(s, ACTION_END_CLIENT);
        close_if_both_ended(s);
    }
}

static void on_resolved(struct session *s, const struct px_address *address)
{
    if (s->is_binding)
        session_bind_resolved(s, address);
    else
        s->protocol->resolved(s, address);
}

/* What was asked for last is there. */
static void on_asked(struct session *s, const struct event *event)
{
    if (event->kind == EVENT_DIALLED)
        s->protocol->granted(s, &event->bound);
    else if (event->kind == EVENT_ASSOCIATED)
        s->protocol->associated(s, &event->bound);
    else if (event->kind == EVENT_RESOLVED)
        on_resolved(s, &event->address);
    else if (event->kind == EVENT_LISTENING)
        session_bind_listening(s, &event->bound);
    else if (s->is_identifying)
        s->protocol->identified(s, event->data);
}

void session_handle(struct session *s, const struct event *event,
                    uint64_t now_ms)
{
    assert(s->action_next == s->action_count);
    s->action_next = s->action_count = 0;
    s->out_len = 0;
    s->now_ms = now_ms;
    if (s->state == SESSION_CLOSED)
        return;
    if (s->forward && session_forward_event(s, event))
        return;
    switch (event->kind) {
    case EVENT_CLIENT_DATA:
        on_client_data(s, event->data);
        break;
    case EVENT_CLIENT_END:
        on_client_end(s);
        break;
    case EVENT_CLIENT_RESET:
        if (s->state == SESSION_RELAYING)
            pass_reset(s);
        else
            session_abandon(s);
        break;
    case EVENT_DIALLED:
    case EVENT_ASSOCIATED:
    case EVENT_RESOLVED:
    case EVENT_IDENTIFIED:
    case EVENT_LISTENING:
        if (s->state == SESSION_DIALLING)
            on_asked(s, event);
        break;
    case EVENT_DIAL_FAILED:
        if (s->state == SESSION_DIALLING || s->state == SESSION_LISTENING)
            s->protocol->refused(s, event->failure);
        break;
    case EVENT_ACCEPTED:
        if (s->state == SESSION_LISTENING)
            session_bind_accepted(s, &event->peer);
        break;
    case EVENT_UPSTREAM_DATA:
    case EVENT_UPSTREAM_END:
    case EVENT_UPSTREAM_RESET:
        on_upstream(s, event);
        break;
    case EVENT_FETCHED: /* forwarding saw them */
    case EVENT_FETCH_FAILED:
        break;
    case EVENT_TIMER:
        on_timer(s);
        break;
    }
}

bool session_next(struct session *s, struct action *out)
{
    while (s->action_next == s->action_count) {
        s->action_next = s->action_count = 0;
        s->out_len = 0;
        if (s->state != SESSION_FORWARDING || !session_forward_step(s))
            return false;
    }
    *out = s->actions[s->action_next++];
    return true;
}
