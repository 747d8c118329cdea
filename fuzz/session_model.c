#include "session_model.h"

#include <string.h>

#include "fuzz.h"
#include "session_model_internal.h"

/* RFC 1928 section 6: after a failure the connection goes within this. */
enum { CLOSE_WITHIN_MS = 10 * 1000 };

void model_init(struct model *m, const struct session_config *cfg,
                const uint8_t *client, uint64_t now_ms)
{
    memset(m, 0, sizeof(*m));
    m->cfg = cfg;
    m->client = client;
    m->now_ms = now_ms;
    m->deadline_ms = SESSION_NEVER;
}

void model_event(struct model *m, const struct event *event, uint64_t now_ms)
{
    m->now_ms = now_ms;
    m->event = *event;
    m->deeds.kinds = 0;
    m->deeds.answer_len = 0;
    m->deeds.relayed_down = 0;
    if (event->kind == EVENT_TIMER)
        m->deadline_ms = SESSION_NEVER;
    else if (event->kind == EVENT_CLIENT_DATA)
        m->given += event->data.len;
}

static void answer(struct model *m, struct px_bytes data)
{
    FUZZ_REQUIRE(m->phase == PHASE_HANDSHAKE || m->phase == PHASE_DIALLING ||
                     m->phase == PHASE_LISTENING,
                 "a message of the proxy's in phase %d", m->phase);
    FUZZ_REQUIRE(data.len > 0 &&
                     data.len <= MODEL_ANSWER_MAX - m->deeds.answer_len,
                 "a message of %zu octets", data.len);
    memcpy(m->deeds.answer + m->deeds.answer_len, data.data, data.len);
    m->deeds.answer_len += data.len;
}

static void send_client(struct model *m, const struct action *action)
{
    struct px_bytes data = action->send.data;
    size_t at = m->deeds.relayed_down;

    FUZZ_REQUIRE(!m->is_client_told_end, "octets to the client after its end");
    if (action->send.message != MESSAGE_RELAYED) {
        answer(m, data);
        return;
    }
    FUZZ_REQUIRE(m->phase == PHASE_RELAYING &&
                     m->event.kind == EVENT_UPSTREAM_DATA,
                 "octets relayed to the client in phase %d", m->phase);
    FUZZ_REQUIRE(data.len <= m->event.data.len - at &&
                     (data.len == 0 || memcmp(m->event.data.data + at,
                                              data.data, data.len) == 0),
                 "the target's octets are passed on as sent");
    m->deeds.relayed_down += data.len;
}

static void send_upstream(struct model *m, struct px_bytes data)
{
    FUZZ_REQUIRE(
        m->phase == PHASE_RELAYING ||
            (m->phase == PHASE_DIALLING && m->event.kind == EVENT_DIALLED) ||
            (m->phase == PHASE_LISTENING && m->event.kind == EVENT_ACCEPTED),
        "octets to the target in phase %d", m->phase);
    FUZZ_REQUIRE(!m->is_target_told_end, "octets to the target after its end");
    FUZZ_REQUIRE(data.len <= m->given - m->relayed_up &&
                     (data.len == 0 || memcmp(m->client + m->relayed_up,
                                              data.data, data.len) == 0),
                 "octet %zu on are passed on as sent", m->relayed_up);
    m->relayed_up += data.len;
}

static void dial(struct model *m, const struct px_endpoint *target)
{
    struct px_bytes *name = &m->deeds.target.addr.name;

    m->deeds.target = *target;
    if (name->len) {
        FUZZ_REQUIRE(name->len <= PX_NAME_MAX, "a name fits");
        memcpy(m->deeds.name, name->data, name->len);
        name->data = m->deeds.name;
    }
}

void model_action(struct model *m, const struct action *action)
{
    FUZZ_REQUIRE(
        m->phase != PHASE_CLOSED &&
            !(m->deeds.kinds & (DID(ACTION_CLOSE) | DID(ACTION_RESET))),
        "action %d after the last", action->kind);
    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        send_client(m, action);
        return;
    case ACTION_SEND_UPSTREAM:
        send_upstream(m, action->send.data);
        return;
    case ACTION_DIAL:
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_LISTEN:
        dial(m, &action->target);
        break;
    case ACTION_ARM_TIMER:
        m->deadline_ms = action->deadline_ms;
        if (m->deeds.kinds & DID(ACTION_ARM_TIMER))
            return; /* the later one counts */
        break;
    case ACTION_END_CLIENT:
        m->is_client_told_end = true;
        break;
    case ACTION_END_UPSTREAM:
        m->is_target_told_end = true;
        break;
    case ACTION_IDENTIFY:
    case ACTION_FETCH: /* due to nothing */
    case ACTION_TAKE_PEER:
    case ACTION_DROP_PEER:
    case ACTION_RELAY:
    case ACTION_CLOSE_UPSTREAM:
    case ACTION_CLOSE:
    case ACTION_RESET:
        break;
    }
    FUZZ_REQUIRE(!(m->deeds.kinds & DID(action->kind)), "action %d twice",
                 action->kind);
    m->deeds.kinds |= DID(action->kind);
}

void model_expect(const struct model *m, unsigned kinds)
{
    FUZZ_REQUIRE(m->deeds.kinds == kinds,
                 "actions %#x, not %#x, on event %d in phase %d", kinds,
                 m->deeds.kinds, m->event.kind, m->phase);
}

void model_expect_silence(const struct model *m)
{
    FUZZ_REQUIRE(m->deeds.answer_len == 0, "%zu octets of answer to event %d",
                 m->deeds.answer_len, m->event.kind);
}

static bool did(const struct model *m, enum action_kind kind)
{
    return m->deeds.kinds & DID(kind);
}

static bool is_http(const struct model *m)
{
    return m->cfg->protocol == SESSION_HTTP;
}

static struct px_bytes heard(const struct model *m)
{
    return px_bytes_of(m->client, m->given);
}

void model_expect_reply(const struct model *m, struct px_bytes reply, int rep)
{
    if (m->client[0] == 4)
        model_expect_socks4_reply(reply, rep);
    else
        model_expect_socks5_reply(reply, rep);
}

/* The first octets of the answer are those that were due before the reply. */
static struct px_bytes skip_said(struct model *m, const struct outlook *o)
{
    struct deeds *d = &m->deeds;
    size_t fresh = o->answer_len - m->said_len;

    FUZZ_REQUIRE(m->said_len <= o->answer_len && d->answer_len >= fresh,
                 "the method or the status is told");
    for (size_t i = 0; i < fresh; i++) {
        int16_t due = o->answer[m->said_len + i];

        FUZZ_REQUIRE(due == ANY_FAILURE ? d->answer[i] != 0
                                        : d->answer[i] == due,
                     "octet %zu told is %#x, not %d", m->said_len + i,
                     d->answer[i], due);
        m->said[m->said_len + i] = d->answer[i];
    }
    m->said_len = o->answer_len;
    return px_bytes_of(d->answer + fresh, d->answer_len - fresh);
}

void model_expect_refusal(struct model *m, struct px_bytes told, int code)
{
    if (is_http(m)) {
        unsigned status = model_read_answer(heard(m), told);

        FUZZ_REQUIRE(code == ANY_FAILURE ? status >= 400
                                         : status == (unsigned)code,
                     "status %u, not %d, refuses", status, code);
    } else if (code == NO_REPLY) {
        FUZZ_REQUIRE(told.len == 0, "nothing more is told");
    } else {
        model_expect_reply(m, told, code);
    }
}

/* A failure: told, the client's side ended, and the rest in due time. */
void model_enter_failed(struct model *m, unsigned besides)
{
    if (m->is_client_ended) {
        model_expect(m, besides | DID(ACTION_END_CLIENT) | DID(ACTION_CLOSE));
        m->phase = PHASE_CLOSED;
        return;
    }
    model_expect(m, besides | DID(ACTION_END_CLIENT) | DID(ACTION_ARM_TIMER));
    FUZZ_REQUIRE(m->deadline_ms > m->now_ms &&
                     m->deadline_ms - m->now_ms <= CLOSE_WITHIN_MS,
                 "the close is armed within ten seconds");
    m->phase = PHASE_FAILED;
}

bool model_is_same_target(const struct px_endpoint *a,
                          const struct px_endpoint *b)
{
    return a->port == b->port && a->addr.kind == b->addr.kind &&
           memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip)) == 0 &&
           px_equal(a->addr.name, b->addr.name);
}

/* How the server is asked for what is due; 0: it is not. */
static unsigned asks_for(enum due due)
{
    switch (due) {
    case DUE_DIAL:
    case DUE_EITHER:
        return DID(ACTION_DIAL);
    case DUE_ASSOCIATION:
        return DID(ACTION_ASSOCIATE);
    case DUE_LOOKUP:
        return DID(ACTION_RESOLVE);
    case DUE_LISTENER:
        return DID(ACTION_LISTEN);
    case DUE_NOTHING:
    case DUE_ANSWER:
    case DUE_REFUSAL:
        break;
    }
    return 0;
}

static bool is_asking(const struct model *m)
{
    return m->deeds.kinds & (DID(ACTION_DIAL) | DID(ACTION_ASSOCIATE) |
                             DID(ACTION_RESOLVE) | DID(ACTION_LISTEN));
}

static void enter_dialling(struct model *m, const struct outlook *o,
                           struct px_bytes told)
{
    FUZZ_REQUIRE(told.len == 0, "no reply before the result");
    FUZZ_REQUIRE(model_is_same_target(&m->deeds.target, &o->target),
                 "it is what the client asked for");
    model_expect(m, asks_for(o->due) | DID(ACTION_ARM_TIMER));
    FUZZ_REQUIRE(m->deadline_ms == m->now_ms + m->cfg->dial_timeout_ms,
                 "its time is bounded");
    m->relayed_up = o->end;
    m->asked = o->due;
    m->is_binding = o->is_bind;
    m->bind_peer = o->target.addr;
    m->phase = PHASE_DIALLING;
}

/* All that the client wanted is a reply that names bnd. */
static void enter_answered(struct model *m, struct px_bytes told,
                           const struct px_endpoint *bnd)
{
    model_expect_grant(told, bnd);
    model_enter_failed(m, 0);
    if (m->phase == PHASE_FAILED)
        m->phase = PHASE_ANSWERED;
}

static void settle_handshake_data(struct model *m)
{
    struct outlook o = is_http(m)
                           ? model_http_outlook(heard(m), m->cfg, m->digest)
                           : model_socks_outlook(heard(m), m->cfg);
    struct px_bytes told = skip_said(m, &o);

    if (is_asking(m)) {
        enter_dialling(m, &o, told);
    } else if (o.due == DUE_ANSWER) {
        enter_answered(m, told, &(struct px_endpoint){.addr = o.target.addr});
    } else if (did(m, ACTION_END_CLIENT)) {
        FUZZ_REQUIRE(o.due == DUE_EITHER || o.may_refuse || !asks_for(o.due),
                     "a sound request is refused");
        FUZZ_REQUIRE(o.due != DUE_NOTHING || o.may_refuse,
                     "refused before anything is wrong");
        model_expect_refusal(m, told, o.code);
        model_enter_failed(m, 0);
    } else {
        FUZZ_REQUIRE(o.due == DUE_NOTHING, "nothing is done when %d is due",
                     o.due);
        FUZZ_REQUIRE(told.len == 0, "nothing is told yet");
        model_expect(m, 0);
    }
}

void model_close_at_once(struct model *m, unsigned besides)
{
    model_expect_silence(m);
    model_expect(m, besides | DID(ACTION_CLOSE));
    m->phase = PHASE_CLOSED;
}

static void settle_handshake(struct model *m)
{
    struct px_bytes told = px_bytes_of(m->deeds.answer, m->deeds.answer_len);

    switch (m->event.kind) {
    case EVENT_CLIENT_DATA:
        if (!m->is_lenient || m->deeds.kinds || told.len)
            settle_handshake_data(m);
        break;
    case EVENT_CLIENT_END:
    case EVENT_CLIENT_RESET:
        model_close_at_once(m, 0);
        break;
    case EVENT_TIMER:
        if (told.len)
            model_expect_refusal(m, told, is_http(m) ? 408 : NO_REPLY);
        model_enter_failed(m, 0);
        break;
    case EVENT_DIALLED:
    case EVENT_DIAL_FAILED:
    case EVENT_ASSOCIATED:
    case EVENT_RESOLVED:
    case EVENT_LISTENING:
    case EVENT_ACCEPTED:
    case EVENT_UPSTREAM_DATA:
    case EVENT_UPSTREAM_END:
    case EVENT_UPSTREAM_RESET:
    case EVENT_IDENTIFIED:
    case EVENT_FETCHED:
    case EVENT_FETCH_FAILED:
        FUZZ_REQUIRE(false, "the driver made up a target");
        break;
    }
}

/* The codes that RFC 1928 section 6 defines for what was found out. */
static int rep_of(enum dial_failure failure)
{
    switch (failure) {
    case DIAL_NOT_ALLOWED:
        return 2;
    case DIAL_NET_UNREACHABLE:
        return 3;
    case DIAL_HOST_UNREACHABLE:
        return 4;
    case DIAL_REFUSED:
        return 5;
    case DIAL_TTL_EXPIRED:
        return 6;
    case DIAL_FAILED:
    case DIAL_TIMED_OUT:
    case DIAL_NAME_UNRESOLVED:
    case DIAL_NAME_TEMPORARY:
        return ANY_FAILURE;
    }
    return ANY_FAILURE;
}

static void enter_relaying(struct model *m)
{
    struct px_bytes told = px_bytes_of(m->deeds.answer, m->deeds.answer_len);

    if (is_http(m)) {
        unsigned status = model_read_answer(heard(m), told);

        FUZZ_REQUIRE(status / 100 == 2, "status %u is no success", status);
    } else {
        model_expect_reply(m, told, 0);
    }
    model_expect(m, DID(ACTION_RELAY) | DID(ACTION_ARM_TIMER) |
                        (m->is_client_ended ? DID(ACTION_END_UPSTREAM) : 0));
    FUZZ_REQUIRE(m->relayed_up == m->given, "early octets are passed on");
    FUZZ_REQUIRE(m->deadline_ms == SESSION_NEVER, "a relay has no deadline");
    m->phase = PHASE_RELAYING;
}

/* There is no association for a client whose end has come already. */
static void enter_associated(struct model *m, struct px_bytes told)
{
    if (m->is_client_ended) {
        model_expect_refusal(m, told, ANY_FAILURE);
        model_enter_failed(m, 0);
        return;
    }
    model_expect_grant(told, &m->event.bound);
    model_expect(m, DID(ACTION_ARM_TIMER));
    FUZZ_REQUIRE(m->deadline_ms == SESSION_NEVER,
                 "an association has no deadline");
    m->phase = PHASE_ASSOCIATED;
}

static void settle_dialling(struct model *m)
{
    struct px_bytes told = px_bytes_of(m->deeds.answer, m->deeds.answer_len);

    switch (m->event.kind) {
    case EVENT_CLIENT_DATA:
    case EVENT_CLIENT_END: /* it may still read: the answer is awaited */
        model_expect_silence(m);
        model_expect(m, 0);
        break;
    case EVENT_CLIENT_RESET:
        model_close_at_once(m, DID(ACTION_CLOSE_UPSTREAM));
        break;
    case EVENT_DIALLED:
        enter_relaying(m);
        break;
    case EVENT_ASSOCIATED:
        enter_associated(m, told);
        break;
    case EVENT_LISTENING:
        model_settle_listener(m, told);
        break;
    case EVENT_RESOLVED:
        if (m->is_binding)
            model_settle_bind_lookup(m);
        else
            enter_answered(m, told,
                           &(struct px_endpoint){.addr = m->event.address});
        break;
    case EVENT_DIAL_FAILED:
        model_expect_refusal(
            m, told, is_http(m) ? ANY_FAILURE : rep_of(m->event.failure));
        model_enter_failed(m, 0);
        break;
    case EVENT_TIMER:
        model_expect_refusal(m, told, ANY_FAILURE);
        model_enter_failed(m, DID(ACTION_CLOSE_UPSTREAM));
        break;
    case EVENT_ACCEPTED:
    case EVENT_UPSTREAM_DATA:
    case EVENT_UPSTREAM_END:
    case EVENT_UPSTREAM_RESET:
    case EVENT_IDENTIFIED:
    case EVENT_FETCHED:
    case EVENT_FETCH_FAILED:
        FUZZ_REQUIRE(false, "the driver made up a target");
        break;
    }
}

/* Both ways are independent; when both have ended, so does the connection. */
static void settle_end(struct model *m, enum action_kind passed_on)
{
    bool are_both = m->is_client_ended && m->is_upstream_ended;

    model_expect(m, DID(passed_on) | (are_both ? DID(ACTION_CLOSE) : 0));
    if (are_both)
        m->phase = PHASE_CLOSED;
}

static void settle_relaying(struct model *m)
{
    model_expect_silence(m);
    FUZZ_REQUIRE(m->relayed_up == m->given,
                 "the client's octets are passed on");
    switch (m->event.kind) {
    case EVENT_CLIENT_DATA:
        model_expect(m, 0);
        break;
    case EVENT_UPSTREAM_DATA:
        model_expect(m, 0);
        FUZZ_REQUIRE(m->deeds.relayed_down == m->event.data.len,
                     "the target's octets are passed on");
        break;
    case EVENT_CLIENT_END:
        settle_end(m, ACTION_END_UPSTREAM);
        break;
    case EVENT_UPSTREAM_END:
        settle_end(m, ACTION_END_CLIENT);
        break;
    case EVENT_CLIENT_RESET: /* a FIN would say that this was all */
    case EVENT_UPSTREAM_RESET:
        model_expect(m, DID(ACTION_RESET));
        m->phase = PHASE_CLOSED;
        break;
    case EVENT_DIALLED:
    case EVENT_DIAL_FAILED:
    case EVENT_ASSOCIATED:
    case EVENT_RESOLVED:
    case EVENT_LISTENING:
    case EVENT_ACCEPTED:
    case EVENT_TIMER:
    case EVENT_IDENTIFIED:
    case EVENT_FETCHED:
    case EVENT_FETCH_FAILED:
        FUZZ_REQUIRE(false, "the driver made up event %d", m->event.kind);
        break;
    }
}

/* RFC 1928 section 6: it ends with the connection, and nothing else does. */
static void settle_associated(struct model *m)
{
    if (m->event.kind == EVENT_CLIENT_END ||
        m->event.kind == EVENT_CLIENT_RESET) {
        model_close_at_once(m, 0);
        return;
    }
    model_expect_silence(m);
    model_expect(m, 0);
}

static void settle_failed(struct model *m)
{
    if (m->event.kind == EVENT_CLIENT_DATA) {
        model_expect_silence(m);
        model_expect(m, 0);
    } else {
        model_close_at_once(m, 0);
    }
}

static void settle_phase(struct model *m)
{
    switch (m->phase) {
    case PHASE_HANDSHAKE:
        settle_handshake(m);
        break;
    case PHASE_DIALLING:
        settle_dialling(m);
        break;
    case PHASE_LISTENING:
        model_settle_listening(m);
        break;
    case PHASE_RELAYING:
        settle_relaying(m);
        break;
    case PHASE_ASSOCIATED:
        settle_associated(m);
        break;
    case PHASE_ANSWERED:
    case PHASE_FAILED:
        settle_failed(m);
        break;
    case PHASE_CLOSED:
        model_expect(m, 0);
        break;
    }
}

static enum phase phase_of(const struct session *s)
{
    switch (session_state(s)) {
    case SESSION_GREETING:
    case SESSION_AUTH:
    case SESSION_REQUEST:
        return PHASE_HANDSHAKE;
    case SESSION_DIALLING:
        return PHASE_DIALLING;
    case SESSION_LISTENING:
        return PHASE_LISTENING;
    case SESSION_RELAYING:
        return PHASE_RELAYING;
    case SESSION_FORWARDING: /* the model's sessions serve CONNECT only */
        break;
    case SESSION_ASSOCIATED:
        return PHASE_ASSOCIATED;
    case SESSION_CLOSING:
        return session_error(s) ? PHASE_FAILED : PHASE_ANSWERED;
    case SESSION_CLOSED:
        return PHASE_CLOSED;
    }
    return PHASE_CLOSED;
}

void model_settle(struct model *m, const struct session *s)
{
    const struct px_error *err = session_error(s);

    m->is_client_ended |= m->event.kind == EVENT_CLIENT_END;
    m->is_upstream_ended |= m->event.kind == EVENT_UPSTREAM_END;
    settle_phase(m);
    FUZZ_REQUIRE(phase_of(s) == m->phase, "state %d in phase %d",
                 session_state(s), m->phase);
    FUZZ_REQUIRE(m->deadline_ms != SESSION_NEVER ||
                     m->phase == PHASE_RELAYING ||
                     m->phase == PHASE_ASSOCIATED || m->phase == PHASE_CLOSED,
                 "phase %d has a deadline", m->phase);
    FUZZ_REQUIRE(session_client_room(s) > 0 || m->phase == PHASE_DIALLING ||
                     m->phase == PHASE_LISTENING || m->phase == PHASE_CLOSED,
                 "phase %d reads the client", m->phase);
    FUZZ_REQUIRE(!err || (err->req < REQ_COUNT && err->detail[0] &&
                          memchr(err->detail, '\0', sizeof(err->detail))),
                 "an error is whole");
}
