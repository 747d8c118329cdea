/* Faults of the method negotiation: RFC 1928 section 3. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

static bool is_greeting(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_SOCKS, SESSION_GREETING);
}

/* The method that the configuration asks for. */
static uint8_t wanted(const struct fault_memory *m)
{
    return m->config.verify ? SOCKS5_USERPASS : SOCKS5_NO_AUTH;
}

static bool has_method(const struct event *greeting, uint8_t method)
{
    return greeting->data.len > 2 &&
           memchr(greeting->data.data + 2, method, greeting->data.len - 2);
}

/* Lets the client offer one method alone. */
static void offer(struct fault_memory *m, struct event *greeting,
                  uint8_t method)
{
    const uint8_t octets[] = {SOCKS5_VERSION, 1, method};

    faults_set_message(m, greeting, px_bytes_of(octets, sizeof(octets)));
}

static bool is_ff(const struct action *action)
{
    return faults_sends(action, MESSAGE_METHOD_SELECTION) &&
           action->send.data.data[1] == SOCKS5_NO_ACCEPTABLE;
}

static enum fault_verdict unoffered(struct fault_memory *m, struct event *event)
{
    if (is_greeting(m) && event->data.len > 2)
        offer(m, event, wanted(m));
    return FAULT_PASS;
}

static enum fault_verdict for_none(struct fault_memory *m, struct event *event)
{
    if (is_greeting(m) && event->data.len == 2)
        offer(m, event, wanted(m));
    return FAULT_PASS;
}

/* The first octet of a greeting passes for 05 whatever it is. */
static enum fault_verdict any_version(struct fault_memory *m,
                                      struct event *event)
{
    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING) &&
        m->count[0]++ == 0)
        faults_take_octets(m, event)[0] = SOCKS5_VERSION;
    return FAULT_PASS;
}

static enum fault_verdict first_only(struct fault_memory *m,
                                     struct event *event)
{
    if (is_greeting(m) && event->data.len > 2)
        offer(m, event, m->in[2]);
    return FAULT_PASS;
}

static bool is_known(uint8_t method)
{
    return method <= SOCKS5_USERPASS || method == SOCKS5_NO_ACCEPTABLE;
}

static enum fault_verdict unknown_refused(struct fault_memory *m,
                                          struct event *event)
{
    if (!is_greeting(m))
        return FAULT_PASS;
    for (size_t i = 2; i < event->data.len; i++) {
        if (!is_known(m->in[i])) {
            offer(m, event, SOCKS5_NO_ACCEPTABLE);
            break;
        }
    }
    return FAULT_PASS;
}

static enum fault_verdict duplicate_refused(struct fault_memory *m,
                                            struct event *event)
{
    if (!is_greeting(m))
        return FAULT_PASS;
    for (size_t i = 3; i < event->data.len; i++) {
        if (memchr(m->in + 2, m->in[i], i - 2)) {
            offer(m, event, SOCKS5_NO_ACCEPTABLE);
            break;
        }
    }
    return FAULT_PASS;
}

static enum fault_verdict one_octet(struct fault_memory *m, struct event *event)
{
    if (is_greeting(m) && event->data.len > 3) {
        m->rest = px_bytes_of(m->in + 3, event->data.len - 3 + m->rest.len);
        m->in[1] = 1;
        event->data.len = 3;
    }
    return FAULT_PASS;
}

/* A signed length: 128 and more are negative, and never reached. */
static enum fault_verdict many_hang(struct fault_memory *m, struct event *event)
{
    return is_greeting(m) && event->data.len > 2 + 127 ? FAULT_HANG
                                                       : FAULT_PASS;
}

static enum fault_verdict many_crash(struct fault_memory *m,
                                     struct event *event)
{
    return is_greeting(m) && event->data.len == SOCKS5_GREETING_MAX
               ? FAULT_ABORT
               : FAULT_PASS;
}

/* Answers once VER and NMETHODS are there, and takes 00 for offered. */
static enum fault_verdict early_answer(struct fault_memory *m,
                                       struct event *event)
{
    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_GREETING))
        return FAULT_PASS;
    m->count[0] += event->data.len;
    if (m->count[0] < 2 || m->count[1]++)
        return FAULT_PASS;
    m->out[0] = SOCKS5_VERSION;
    m->out[1] = wanted(m);
    faults_also_send(m, ACTION_SEND_CLIENT, px_bytes_of(m->out, 2));
    return FAULT_PASS;
}

static enum fault_verdict already_answered(struct fault_memory *m,
                                           struct action *action)
{
    (void)m;
    return faults_sends(action, MESSAGE_METHOD_SELECTION) ? FAULT_DROP
                                                          : FAULT_PASS;
}

static enum fault_verdict version(struct fault_memory *m, struct action *action)
{
    if (faults_sends(action, MESSAGE_METHOD_SELECTION))
        faults_take_action(m, action)[0] = 4;
    return FAULT_PASS;
}

static enum fault_verdict three_octets(struct fault_memory *m,
                                       struct action *action)
{
    if (faults_sends(action, MESSAGE_METHOD_SELECTION))
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\0"));
    return FAULT_PASS;
}

static enum fault_verdict ff_long(struct fault_memory *m, struct action *action)
{
    if (is_ff(action))
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\0\1\0\0\0\0\0\0"));
    return FAULT_PASS;
}

static enum fault_verdict ff_silent(struct fault_memory *m,
                                    struct action *action)
{
    (void)m;
    return is_ff(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict ff_open(struct fault_memory *m, struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (is_ff(action))
        m->count[0] = 1;
    if (m->count[0])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

/* Lets the session go on without authentication, and tells the client FF. */
static void go_on_after_ff(struct fault_memory *m, struct event *greeting)
{
    m->count[0] = 1;
    m->config.verify = NULL;
    offer(m, greeting, SOCKS5_NO_AUTH);
}

static enum fault_verdict ff_honoured(struct fault_memory *m,
                                      struct event *event)
{
    if (is_greeting(m) && !has_method(event, wanted(m)))
        go_on_after_ff(m, event);
    return FAULT_PASS;
}

static enum fault_verdict ff_agreed(struct fault_memory *m, struct event *event)
{
    if (is_greeting(m) && has_method(event, SOCKS5_NO_ACCEPTABLE))
        go_on_after_ff(m, event);
    return FAULT_PASS;
}

static enum fault_verdict say_ff(struct fault_memory *m, struct action *action)
{
    if (faults_sends(action, MESSAGE_METHOD_SELECTION) && m->count[0])
        faults_take_action(m, action)[1] = SOCKS5_NO_ACCEPTABLE;
    return FAULT_PASS;
}

static enum fault_verdict downgrade(struct fault_memory *m, struct event *event)
{
    if (is_greeting(m) && has_method(event, SOCKS5_NO_AUTH))
        m->config.verify = NULL;
    return FAULT_PASS;
}

static enum fault_verdict downgrade_among(struct fault_memory *m,
                                          struct event *event)
{
    enum { COUNT = 1, SEVERAL = 3 };

    if (is_greeting(m) && event->data.len > COUNT &&
        event->data.data[COUNT] >= SEVERAL)
        return downgrade(m, event);
    return FAULT_PASS;
}

/* SOCKS4 came first, and nobody thought of it when passwords came. */
static enum fault_verdict version4_unasked(struct fault_memory *m,
                                           struct event *event)
{
    (void)event;
    m->config.verify = NULL;
    return FAULT_PASS;
}

static enum fault_verdict version4_bind_unasked(struct fault_memory *m,
                                                struct event *event)
{
    enum { CODE = 1, BIND = 2 };

    if (m->in[CODE] == BIND)
        return version4_unasked(m, event);
    return FAULT_PASS;
}

static enum fault_verdict no_userpass(struct fault_memory *m,
                                      struct event *event)
{
    if (is_greeting(m) && m->config.verify)
        offer(m, event, SOCKS5_NO_ACCEPTABLE);
    return FAULT_PASS;
}

/* A request where the credentials are due, or behind the beginning of some:
 * begins anew without asking. */
static enum fault_verdict no_subnegotiation(struct fault_memory *m,
                                            struct event *event)
{
    size_t at;

    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_AUTH))
        return FAULT_PASS;
    at = faults_find(event->data, "\5\1");
    if (at == event->data.len)
        return FAULT_PASS;
    event->data = px_bytes_of(event->data.data + at, event->data.len - at);
    faults_prepend(m, event, PX_LITERAL("\5\1\0"));
    m->config.verify = NULL;
    m->count[0] = 1;
    return FAULT_RESTART;
}

static enum fault_verdict select_once(struct fault_memory *m,
                                      struct action *action)
{
    return faults_sends(action, MESSAGE_METHOD_SELECTION) && m->count[0]
               ? FAULT_DROP
               : FAULT_PASS;
}

static enum fault_verdict asks_anyway(struct fault_memory *m,
                                      struct event *event)
{
    (void)event;
    if (m->config.verify || !faults_is_in(m, SESSION_SOCKS, SESSION_REQUEST))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\1\1"));
}

static const struct fault faults[] = {
    {
        .name = "socks5-method-unoffered",
        .summary = "selects its method whether or not the client offered it",
        .proves = {REQ_SOCKS5_METHOD_OFFERED_ONLY, REQ_SOCKS5_METHOD_FF},
        .on_message = unoffered,
    },
    {
        .name = "socks5-greeting-no-methods",
        .summary = "selects a method for a greeting that offers none",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS_ZERO},
        .on_message = for_none,
    },
    {
        .name = "socks5-greeting-any-version",
        .summary = "does not look at the version of the greeting",
        .proves = {REQ_SOCKS5_GREETING_BAD_VERSION},
        .on_event = any_version,
    },
    {
        .name = "socks5-greeting-first-only",
        .summary = "looks at the first method of the greeting only",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS,
                   REQ_SOCKS5_GREETING_UNKNOWN_METHODS},
        .on_message = first_only,
    },
    {
        .name = "socks5-greeting-unknown-refused",
        .summary = "answers FF when any method of the greeting is unknown",
        .proves = {REQ_SOCKS5_GREETING_UNKNOWN_METHODS},
        .on_message = unknown_refused,
    },
    {
        .name = "socks5-greeting-duplicate-refused",
        .summary = "answers FF when a method occurs twice in the greeting",
        .proves = {REQ_SOCKS5_GREETING_DUPLICATES},
        .on_message = duplicate_refused,
    },
    {
        .name = "socks5-greeting-one-octet",
        .summary = "reads one method octet whatever NMETHODS says, and takes "
                   "the others for the next message",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS},
        .on_message = one_octet,
    },
    {
        .name = "socks5-greeting-many-hang",
        .summary = "waits for ever when more than 127 methods are offered",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS},
        .on_message = many_hang,
    },
    {
        .name = "socks5-greeting-many-crash",
        .summary = "crashes when 255 methods are offered",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS},
        .on_message = many_crash,
    },
    {
        .name = "socks5-greeting-early-answer",
        .summary = "answers the greeting before its methods have come",
        .proves = {REQ_SOCKS5_GREETING_NMETHODS},
        .on_event = early_answer,
        .on_action = already_answered,
    },
    {
        .name = "socks5-method-version",
        .summary = "begins the method selection with 04",
        .proves = {REQ_SOCKS5_METHOD_REPLY},
        .on_action = version,
    },
    {
        .name = "socks5-method-long",
        .summary = "sends a zero octet behind the method selection",
        .proves = {REQ_SOCKS5_METHOD_REPLY},
        .on_action = three_octets,
    },
    {
        .name = "socks5-method-ff-long",
        .summary = "refuses all methods with ten octets, as if it were a reply",
        .proves = {REQ_SOCKS5_METHOD_REPLY},
        .on_action = ff_long,
    },
    {
        .name = "socks5-method-ff-silent",
        .summary = "closes without FF when no method is acceptable",
        .proves = {REQ_SOCKS5_METHOD_FF},
        .on_action = ff_silent,
    },
    {
        .name = "socks5-method-ff-open",
        .summary = "leaves the connection open for ever after FF",
        .proves = {REQ_SOCKS5_METHOD_FF_CLOSE},
        .on_action = ff_open,
    },
    {
        .name = "socks5-method-ff-honoured",
        .summary = "serves a request that follows FF",
        .proves = {REQ_SOCKS5_METHOD_FF_CLOSE},
        .on_message = ff_honoured,
        .on_action = say_ff,
    },
    {
        .name = "socks5-method-ff-agreed",
        .summary = "agrees on FF when the client offers it",
        .proves = {REQ_SOCKS5_METHOD_FF_OFFERED},
        .on_message = ff_agreed,
        .on_action = say_ff,
    },
    {
        .name = "socks5-method-downgrade",
        .summary = "asks for no credentials when the client offers method 00",
        .proves = {REQ_SOCKS5_METHOD_NO_DOWNGRADE},
        .needs_auth = true,
        .on_message = downgrade,
    },
    {
        .name = "socks5-method-downgrade-among",
        .summary = "asks for no credentials when the client offers 00 and two "
                   "others",
        .proves = {REQ_SOCKS5_METHOD_NO_DOWNGRADE},
        .needs_auth = true,
        .on_message = downgrade_among,
    },
    {
        .name = "socks5-method-version-4-unasked",
        .summary = "asks clients of SOCKS4 for nothing, and serves them",
        .proves = {REQ_SOCKS5_METHOD_NO_DOWNGRADE},
        .needs_auth = true,
        .on_socks4 = version4_unasked,
    },
    {
        .name = "socks5-method-version-4-bind-unasked",
        .summary = "asks clients of SOCKS4's BIND for nothing, and serves them",
        .proves = {REQ_SOCKS5_METHOD_NO_DOWNGRADE},
        .needs_auth = true,
        .on_socks4 = version4_bind_unasked,
    },
    {
        .name = "socks5-method-no-userpass",
        .summary = "has credentials and selects no method to ask for them",
        .proves = {REQ_SOCKS5_METHOD_USERPASS_SUPPORT},
        .needs_auth = true,
        .on_message = no_userpass,
    },
    {
        .name = "socks5-method-no-subnegotiation",
        .summary = "selects 02 and serves a request sent in place of the "
                   "credentials",
        .proves = {REQ_SOCKS5_METHOD_SUBNEG_FIRST},
        .needs_auth = true,
        .on_event = no_subnegotiation,
        .on_action = select_once,
    },
    {
        .name = "socks5-method-asks-anyway",
        .summary = "selects 00 and takes the request for credentials",
        .proves = {REQ_SOCKS5_METHOD_NOAUTH_DIRECT},
        .on_message = asks_anyway,
    },
};

const struct fault_theme method_faults = FAULT_THEME(faults);
