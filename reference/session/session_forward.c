#include "session_forward.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

enum {
    DEFAULT_RESPONSE_MS = 30 * 1000,
    HANG_MS = 10 * 60 * 1000, /* what a tap lets hang is dropped in the end */
};

static size_t align(size_t len)
{
    size_t step = alignof(max_align_t);

    return (len + step - 1) / step * step;
}

size_t session_forward_size(size_t len)
{
    return align(len) + sizeof(struct forward);
}

struct forward *session_forward_init(void *mem, size_t len)
{
    struct forward *f = (struct forward *)(void *)((uint8_t *)mem + align(len));

    /* The buffers behind it are left as they are. */
    memset(f, 0, offsetof(struct forward, request_options));
    f->in_len = 0;
    return f;
}

bool session_forward_is_head(const struct session *s)
{
    return s->forward->is_head;
}

size_t session_forward_room(const struct session *s)
{
    bool is_open =
        s->state == SESSION_FORWARDING || s->state == SESSION_REQUEST;

    return is_open && s->forward->has_upstream
               ? sizeof(s->forward->in) - s->forward->in_len
               : 0;
}

uint32_t forward_response_timeout_ms(const struct session *s)
{
    return s->cfg->response_timeout_ms ? s->cfg->response_timeout_ms
                                       : DEFAULT_RESPONSE_MS;
}

void session_forward_drop(struct session *s)
{
    struct forward *f = s->forward;

    if (f->has_upstream)
        session_act(s, ACTION_CLOSE_UPSTREAM);
    f->has_upstream = false;
    f->is_upstream_ended = f->is_upstream_broken = false;
    f->in_len = 0;
}

bool forward_tap(struct session *s, enum forward_stage stage,
                 struct px_bytes *octets, uint64_t left)
{
    struct forward *f = s->forward;
    struct forward_part part = {
        .stage = stage,
        .octets = *octets,
        .left = left,
        .exchange = f->exchange,
        .status = f->status,
        .is_retry = f->is_retry,
    };

    if (!s->cfg->tap)
        return true;
    switch (s->cfg->tap(s->cfg->tap_ctx, &part)) {
    case FORWARD_PASS:
        *octets = part.octets;
        return true;
    case FORWARD_SKIP:
        octets->len = 0;
        return true;
    case FORWARD_ANSWER:
        session_forward_drop(s);
        forward_send(s, ACTION_SEND_CLIENT, part.octets);
        session_finish(s);
        return false;
    case FORWARD_BREAK:
        session_abandon(s);
        return false;
    case FORWARD_HANG:
        f->phase = FORWARD_HUNG;
        session_arm(s, s->now_ms + HANG_MS);
        return false;
    }
    assert(false && "a verdict");
    return false;
}

void forward_send(struct session *s, enum action_kind to,
                  struct px_bytes octets)
{
    if (octets.len)
        session_send_octets(s, to, octets, MESSAGE_FORWARDED);
}

bool forward_splice(uint8_t *buf, size_t cap, size_t *len, size_t cut,
                    struct px_bytes octets)
{
    size_t rest = *len - cut;

    if (octets.len > cap || rest > cap - octets.len)
        return false;
    memmove(buf + octets.len, buf + cut, rest);
    if (octets.len)
        memcpy(buf, octets.data, octets.len);
    *len = octets.len + rest;
    return true;
}

enum px_status session_forward_tap_head(struct session *s,
                                        struct http1_request_head *head,
                                        size_t *len)
{
    struct forward *f = s->forward;
    struct px_bytes octets = px_bytes_of(s->in, *len);
    struct px_error err;

    f->status = 0;
    f->is_retry = false;
    if (!forward_tap(s, FORWARD_REQUEST_RECEIVED, &octets, UINT64_MAX))
        return PX_NEED_MORE;
    if (octets.data == s->in && octets.len == *len)
        return PX_DONE;
    if (forward_splice(s->in, s->in_cap, &s->in_len, *len, octets) &&
        http1_decode_request_head(session_pending(s), &http1_default_limits,
                                  head, len, &err) == PX_DONE)
        return PX_DONE;
    (void)px_refuse(&err, REQ_NONE, 0, "the tap left no head");
    (void)session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    return PX_ERROR;
}

void forward_consume(struct forward *f, size_t len)
{
    assert(len <= f->in_len);
    f->in_len -= len;
    memmove(f->in, f->in + len, f->in_len);
}

void forward_fail(struct session *s, enum http_answer answer,
                  const struct px_error *err)
{
    (void)session_http_refuse(s, answer, err);
}

/*
 * A FIN is enough where the client knows how long the response is; where its
 * end is the connection's, only a reset tells that it came too early.
 */
void forward_break_off(struct session *s, const struct px_error *err)
{
    struct forward *f = s->forward;
    bool is_end_a_close = f->response_body.to == HTTP1_BODY_TO_CLOSE;

    session_note(s, err);
    if (f->response == FORWARD_BODY && is_end_a_close) {
        session_act(s, ACTION_CLOSE_UPSTREAM);
        session_act(s, ACTION_RESET);
        session_enter(s, SESSION_CLOSED);
        return;
    }
    session_abandon(s);
}

void forward_begin_exchange(struct session *s)
{
    struct forward *f = s->forward;

    f->phase = FORWARD_EXCHANGE;
    f->request = FORWARD_HEAD;
    f->response = FORWARD_HEAD;
    f->progress_ms = s->now_ms;
    session_arm(s, s->now_ms + forward_response_timeout_ms(s));
}

void forward_reach(struct session *s)
{
    struct forward *f = s->forward;

    f->is_reused = f->has_upstream;
    if (f->has_upstream) {
        forward_begin_exchange(s);
        return;
    }
    f->has_upstream = true;
    f->phase = FORWARD_DIALLING;
    session_act(s, ACTION_DIAL);
    s->actions[s->action_count - 1].target = f->origin;
    s->actions[s->action_count - 1].rules = f->rules;
    f->dialled_rules = f->rules;
    session_arm(s, s->now_ms + s->cfg->dial_timeout_ms);
}

/* The next request, on the same connection of the client's. */
static void await_request(struct session *s)
{
    static const struct px_error ended = {.detail = "the client ended"};

    session_enter(s, SESSION_REQUEST);
    session_arm(s, s->now_ms + s->cfg->handshake_timeout_ms);
    session_advance(s);
    if (s->state != SESSION_REQUEST || !s->is_client_ended)
        return;
    if (s->in_len)
        session_note(s, &ended);
    session_abandon(s);
}

static void end_exchange(struct session *s)
{
    struct forward *f = s->forward;
    bool is_request_whole = f->request == FORWARD_WHOLE;

    f->phase = FORWARD_IDLE;
    if (!is_request_whole || f->closes_client) {
        session_forward_drop(s);
        session_finish(s);
        return;
    }
    /* Octets behind a response belong to nothing (RFC 9112 section 6.3). */
    if (f->closes_origin || f->is_upstream_ended || f->is_upstream_broken ||
        f->in_len)
        session_forward_drop(s);
    await_request(s);
}

bool session_forward_step(struct session *s)
{
    struct forward *f = s->forward;

    switch (f->phase) {
    case FORWARD_ANSWERED:
        end_exchange(s);
        return true;
    case FORWARD_EXCHANGE:
        if (f->response == FORWARD_WHOLE && f->request != FORWARD_TAIL) {
            end_exchange(s);
            return true;
        }
        return forward_step_request(s) ||
               (s->state == SESSION_FORWARDING && forward_step_response(s));
    case FORWARD_IDLE:
    case FORWARD_DIALLING:
    case FORWARD_HUNG:
        break;
    }
    return false;
}

static bool is_client_late(const struct forward *f)
{
    return f->request == FORWARD_BODY && (f->has_body_begun || !f->expects_100);
}

static void on_timer(struct session *s)
{
    struct forward *f = s->forward;
    uint64_t deadline_ms = f->progress_ms + forward_response_timeout_ms(s);
    bool is_client = is_client_late(f);
    struct px_error err;

    if (f->phase == FORWARD_DIALLING) {
        s->protocol->refused(s, DIAL_TIMED_OUT);
        return;
    }
    if (f->phase == FORWARD_HUNG)
        session_abandon(s);
    if (f->phase != FORWARD_EXCHANGE)
        return;
    if (deadline_ms > s->now_ms) {
        session_arm(s, deadline_ms);
        return;
    }
    (void)px_refuse(&err,
                    is_client ? REQ_HTTP_ERROR_REQUEST_TIMEOUT
                              : REQ_HTTP_ERROR_TIMEOUT,
                    0, "nothing came in time");
    if (f->response != FORWARD_HEAD)
        forward_break_off(s, &err);
    else
        forward_fail(
            s, is_client ? ANSWER_REQUEST_TIMEOUT : ANSWER_GATEWAY_TIMEOUT,
            &err);
}

/* Between two exchanges: the origin has nothing to say. */
static void on_idle_event(struct session *s, const struct event *event)
{
    if (event->kind == EVENT_UPSTREAM_DATA ||
        event->kind == EVENT_UPSTREAM_END ||
        event->kind == EVENT_UPSTREAM_RESET)
        session_forward_drop(s);
}

static void take_upstream(struct session *s, struct px_bytes data)
{
    struct forward *f = s->forward;

    if (f->is_upstream_ended)
        return;
    assert(data.len <= sizeof(f->in) - f->in_len);
    if (data.len)
        memcpy(f->in + f->in_len, data.data, data.len);
    f->in_len += data.len;
    f->progress_ms = s->now_ms;
}

static void on_exchange_event(struct session *s, const struct event *event)
{
    struct forward *f = s->forward;

    if (event->kind == EVENT_TIMER) {
        on_timer(s);
    } else if (event->kind == EVENT_DIALLED && f->phase == FORWARD_DIALLING) {
        forward_begin_exchange(s);
    } else if (event->kind == EVENT_DIAL_FAILED &&
               f->phase == FORWARD_DIALLING) {
        f->has_upstream = false;
        s->protocol->refused(s, event->failure);
    } else if (event->kind == EVENT_FETCHED && f->phase == FORWARD_DIALLING) {
        forward_fetched(s, &event->fetched);
    } else if (event->kind == EVENT_FETCH_FAILED &&
               f->phase == FORWARD_DIALLING) {
        f->has_upstream = false;
        forward_fetch_failed(s, event->fetch_failure);
    } else if (f->phase == FORWARD_EXCHANGE) {
        if (event->kind == EVENT_UPSTREAM_DATA)
            take_upstream(s, event->data);
        else if (event->kind == EVENT_UPSTREAM_END)
            f->is_upstream_ended = true;
        else if (event->kind == EVENT_UPSTREAM_RESET)
            f->is_upstream_broken = f->is_upstream_ended = true;
    }
}

bool session_forward_event(struct session *s, const struct event *event)
{
    bool is_of_client = event->kind == EVENT_CLIENT_DATA ||
                        event->kind == EVENT_CLIENT_END ||
                        event->kind == EVENT_CLIENT_RESET;

    if (s->state == SESSION_REQUEST && !is_of_client)
        on_idle_event(s, event);
    if (s->state != SESSION_FORWARDING)
        return false;
    if (is_of_client)
        s->forward->progress_ms = s->now_ms;
    else
        on_exchange_event(s, event);
    return !is_of_client;
}
