#include "faults/faults.h"

#include <assert.h>
#include <string.h>

#include "http1.h"
#include "socks4.h"
#include "socks5.h"
#include "userpass.h"

bool faults_is_in(const struct fault_memory *m, enum session_protocol protocol,
                  enum session_state state)
{
    return m->config.protocol == protocol && session_state(m->session) == state;
}

bool faults_is_input(const struct fault_memory *m, const struct event *event,
                     enum session_protocol protocol, enum session_state state)
{
    return event->kind == EVENT_CLIENT_DATA && event->data.len > 0 &&
           faults_is_in(m, protocol, state);
}

uint8_t *faults_take_octets(struct fault_memory *m, struct event *event)
{
    assert(event->data.len <= sizeof(m->in));
    memmove(m->in, event->data.data, event->data.len);
    event->data.data = m->in;
    return m->in;
}

/* Whether the first word, as far as it is there, can be a method. */
static bool may_be_request(struct px_bytes in)
{
    static const uint8_t blanks[] = {' ', '\t', '\r', '\n'};
    size_t begin = 0, end;

    while (begin < in.len && (in.data[begin] == '\r' || in.data[begin] == '\n'))
        begin++;
    end = begin;
    while (end < in.len && !memchr(blanks, in.data[end], sizeof(blanks)))
        end++;
    return begin == in.len ||
           http1_is_token(px_bytes_of(in.data + begin, end - begin));
}

static enum px_status measure_head(struct px_bytes in, size_t *len)
{
    struct http1_request_head head;
    struct px_error err;

    if (!may_be_request(in))
        return PX_ERROR;
    return http1_decode_request_head(in, &http1_default_limits, &head, len,
                                     &err);
}

/* Whether the first octets of a connection are a request of SOCKS4. */
static bool is_socks4(const struct fault_memory *m, struct px_bytes in)
{
    return faults_is_in(m, SESSION_SOCKS, SESSION_GREETING) && in.len > 0 &&
           in.data[0] == SOCKS4_VERSION;
}

/* How long the message is that in begins with. */
static enum px_status measure(const struct fault_memory *m, struct px_bytes in,
                              size_t *len)
{
    union {
        struct socks5_greeting greeting;
        struct userpass_request credentials;
        struct socks5_request request;
        struct socks4_request socks4;
    } message;
    struct px_error err;

    if (m->config.protocol == SESSION_HTTP)
        return measure_head(in, len);
    if (is_socks4(m, in))
        return socks4_decode_request(in, &message.socks4, len, &err);
    switch (session_state(m->session)) {
    case SESSION_GREETING:
        return socks5_decode_greeting(in, &message.greeting, len, &err);
    case SESSION_AUTH:
        return userpass_decode_request(in, &message.credentials, len, &err);
    case SESSION_REQUEST:
        return socks5_decode_request(in, &message.request, len, &err);
    case SESSION_DIALLING:
    case SESSION_RELAYING:
    case SESSION_LISTENING:
    case SESSION_FORWARDING:
    case SESSION_ASSOCIATED:
    case SESSION_CLOSING:
    case SESSION_CLOSED:
        break;
    }
    return PX_ERROR;
}

static bool is_handshake(const struct fault_memory *m)
{
    enum session_state state = session_state(m->session);

    return state == SESSION_GREETING || state == SESSION_AUTH ||
           state == SESSION_REQUEST;
}

enum faults_gathered faults_gather(struct fault_memory *m, struct event *event)
{
    enum px_status status;
    size_t len;

    if (event->kind != EVENT_CLIENT_DATA || !is_handshake(m))
        return FAULTS_OTHER;
    assert(event->data.len <= sizeof(m->in) - m->held);
    memmove(m->in + m->held, event->data.data, event->data.len);
    m->held += event->data.len;
    event->data = px_bytes_of(m->in, m->held);
    status = measure(m, event->data, &len);
    if (status == PX_NEED_MORE && m->held < session_client_room(m->session))
        return FAULTS_HELD;
    m->held = 0;
    if (status != PX_DONE)
        return FAULTS_OTHER;
    m->rest = px_bytes_of(m->in + len, event->data.len - len);
    event->data.len = len;
    return is_socks4(m, event->data) ? FAULTS_SOCKS4 : FAULTS_WHOLE;
}

bool faults_hold_early(struct fault_memory *m, struct event *event,
                       enum session_protocol protocol)
{
    if (m->config.protocol != protocol)
        return false;
    if (faults_is_input(m, event, protocol, SESSION_DIALLING)) {
        assert(event->data.len <= sizeof(m->in) - m->held);
        memmove(m->in + m->held, event->data.data, event->data.len);
        m->held += event->data.len;
        return true;
    }
    if (event->kind == EVENT_DIALLED || event->kind == EVENT_DIAL_FAILED) {
        m->rest = px_bytes_of(m->in, m->held);
        m->held = 0;
    }
    return false;
}

enum fault_verdict faults_pass(struct fault_memory *m, struct event *event)
{
    (void)m;
    (void)event;
    return FAULT_PASS;
}

void faults_splice(struct fault_memory *m, struct event *event, size_t at,
                   size_t cut, struct px_bytes octets)
{
    size_t all = event->data.len + m->rest.len;
    size_t len = event->data.len - cut + octets.len;

    if (len > session_client_room(m->session) ||
        all - cut + octets.len > sizeof(m->in))
        return;
    memmove(m->in + at + octets.len, m->in + at + cut, all - at - cut);
    if (octets.len)
        memcpy(m->in + at, octets.data, octets.len);
    event->data = px_bytes_of(m->in, len);
    m->rest.data = m->in + len;
}

void faults_set_message(struct fault_memory *m, struct event *event,
                        struct px_bytes octets)
{
    faults_splice(m, event, 0, event->data.len, octets);
}

void faults_prepend(struct fault_memory *m, struct event *event,
                    struct px_bytes octets)
{
    assert(event->data.len + octets.len <= sizeof(m->in));
    memmove(m->in + octets.len, event->data.data, event->data.len);
    memcpy(m->in, octets.data, octets.len);
    event->data = px_bytes_of(m->in, event->data.len + octets.len);
}

enum fault_verdict faults_answer(struct fault_memory *m, struct px_bytes octets)
{
    m->rest.len = 0;
    faults_also_send(m, ACTION_SEND_CLIENT, octets);
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

bool faults_sends(const struct action *action, enum session_message message)
{
    return action->kind == ACTION_SEND_CLIENT &&
           action->send.message == message;
}

bool faults_is_relaying(const struct fault_memory *m)
{
    return session_state(m->session) == SESSION_RELAYING;
}

bool faults_relays_to_client(const struct action *action)
{
    return faults_sends(action, MESSAGE_RELAYED);
}

bool faults_relays_to_target(const struct action *action)
{
    return action->kind == ACTION_SEND_UPSTREAM;
}

uint8_t *faults_take_action(struct fault_memory *m, struct action *action)
{
    assert(action->send.data.len <= sizeof(m->out));
    if (action->send.data.len)
        memmove(m->out, action->send.data.data, action->send.data.len);
    action->send.data.data = m->out;
    return m->out;
}

void faults_replace(struct fault_memory *m, struct action *action,
                    struct px_bytes octets)
{
    action->send.data = octets;
    (void)faults_take_action(m, action);
}

size_t faults_find(struct px_bytes octets, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at + len <= octets.len; at++) {
        if (memcmp(octets.data + at, text, len) == 0)
            return at;
    }
    return octets.len;
}

void faults_swap(struct fault_memory *m, struct action *action,
                 const char *from, const char *to)
{
    size_t at = faults_find(action->send.data, from);
    size_t cut = strlen(from), len = strlen(to);
    size_t all = action->send.data.len;

    if (at == all || all - cut + len > sizeof(m->out))
        return;
    (void)faults_take_action(m, action);
    memmove(m->out + at + len, m->out + at + cut, all - at - cut);
    memcpy(m->out + at, to, len);
    action->send.data.len = all - cut + len;
}

void faults_also(struct fault_memory *m, enum action_kind kind)
{
    assert(m->after_count < FAULT_EXTRA_MAX);
    m->after[m->after_count++] = (struct action){.kind = kind};
}

void faults_also_arm(struct fault_memory *m, uint64_t after_ms)
{
    faults_also(m, ACTION_ARM_TIMER);
    m->after[m->after_count - 1].deadline_ms = m->now_ms + after_ms;
}

void faults_also_send(struct fault_memory *m, enum action_kind kind,
                      struct px_bytes octets)
{
    faults_also(m, kind);
    m->after[m->after_count - 1].send.data = octets;
    m->after[m->after_count - 1].send.message = MESSAGE_RELAYED;
}

void faults_verify_with(struct fault_memory *m, session_verify_fn *verify)
{
    if (!m->config.verify)
        return;
    m->config.verify = verify;
    m->config.verify_ctx = m;
}

bool faults_keep_open(const struct fault_memory *m, struct action *action,
                      enum fault_verdict *verdict)
{
    if (session_state(m->session) != SESSION_CLOSING)
        return false;
    if (action->kind == ACTION_END_CLIENT) {
        *verdict = FAULT_DROP;
        return true;
    }
    if (action->kind == ACTION_ARM_TIMER) {
        action->deadline_ms = SESSION_NEVER;
        *verdict = FAULT_PASS;
        return true;
    }
    return false;
}

uint8_t *faults_take_datagram(struct fault_memory *m,
                              struct association_event *event)
{
    struct px_bytes *data = &event->datagram.data;

    if (data->data != m->in) {
        memcpy(m->in, data->data, data->len);
        data->data = m->in;
    }
    return m->in;
}

bool faults_is_datagram(const struct association_event *event)
{
    return event->kind == ASSOCIATION_FROM_CLIENT &&
           event->datagram.data.len >= FAULTS_UDP_ADDR;
}
