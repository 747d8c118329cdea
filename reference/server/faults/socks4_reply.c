/* Faults of SOCKS4's reply, and of what follows a refusal. */

#include <string.h>

#include "faults/version4.h"
#include "socks4.h"

bool socks4_is_reply(const struct action *action)
{
    return faults_sends(action, MESSAGE_SOCKS4_REPLY);
}

bool socks4_grants(const struct action *action)
{
    return socks4_is_reply(action) &&
           action->send.data.data[SOCKS4_AT_CODE] == SOCKS4_GRANTED;
}

bool socks4_refuses(const struct action *action)
{
    return socks4_is_reply(action) &&
           action->send.data.data[SOCKS4_AT_CODE] != SOCKS4_GRANTED;
}

void socks4_set_code(struct fault_memory *m, struct action *action,
                     uint8_t code)
{
    faults_take_action(m, action)[SOCKS4_AT_CODE] = code;
}

bool socks4_failed_for(const struct fault_memory *m, enum requirement req)
{
    const struct px_error *err = session_error(m->session);

    return err && err->req == req;
}

enum fault_verdict socks4_refuse(struct fault_memory *m)
{
    return faults_answer(m, PX_LITERAL("\0\x5B\0\0\0\0\0\0"));
}

static enum fault_verdict version(struct fault_memory *m, struct action *action)
{
    if (socks4_is_reply(action))
        faults_take_action(m, action)[0] = SOCKS4_VERSION;
    return FAULT_PASS;
}

static enum fault_verdict refusal_version(struct fault_memory *m,
                                          struct action *action)
{
    return socks4_refuses(action) ? version(m, action) : FAULT_PASS;
}

static enum fault_verdict refusal_short(struct fault_memory *m,
                                        struct action *action)
{
    (void)m;
    if (socks4_refuses(action))
        action->send.data.len = SOCKS4_AT_PORT;
    return FAULT_PASS;
}

static enum fault_verdict grant_short(struct fault_memory *m,
                                      struct action *action)
{
    (void)m;
    if (socks4_grants(action))
        action->send.data.len = SOCKS4_AT_ADDR;
    return FAULT_PASS;
}

/* As a request ends: with a zero octet for a user id that is not there. */
static enum fault_verdict reply_long(struct fault_memory *m,
                                     struct action *action)
{
    if (socks4_is_reply(action))
        faults_take_action(m, action)[action->send.data.len++] = '\0';
    return FAULT_PASS;
}

static enum fault_verdict twice(struct fault_memory *m, struct action *action)
{
    if (socks4_grants(action))
        faults_also_send(m, ACTION_SEND_CLIENT, action->send.data);
    return FAULT_PASS;
}

/* Success goes out with the attempt; what comes of it is told no more. */
static enum fault_verdict early(struct fault_memory *m, struct action *action)
{
    if (action->kind == ACTION_DIAL && m->count[1]) {
        m->count[0] = 1;
        faults_also_send(m, ACTION_SEND_CLIENT,
                         PX_LITERAL("\0\x5A\0\0\0\0\0\0"));
    }
    return m->count[0] && socks4_is_reply(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict note_socks4(struct fault_memory *m,
                                      struct event *event)
{
    (void)event;
    m->count[1] = 1;
    return FAULT_PASS;
}

static bool is_failed_dial(const struct fault_memory *m,
                           const struct event *event)
{
    return m->config.protocol == SESSION_SOCKS &&
           event->kind == EVENT_DIAL_FAILED;
}

static enum fault_verdict note_refused(struct fault_memory *m,
                                       struct event *event)
{
    m->count[0] = is_failed_dial(m, event) && event->failure == DIAL_REFUSED;
    return FAULT_PASS;
}

static enum fault_verdict note_unresolved(struct fault_memory *m,
                                          struct event *event)
{
    m->count[0] =
        is_failed_dial(m, event) && (event->failure == DIAL_NAME_UNRESOLVED ||
                                     event->failure == DIAL_NAME_TEMPORARY);
    return FAULT_PASS;
}

static enum fault_verdict noted_granted(struct fault_memory *m,
                                        struct action *action)
{
    if (m->count[0] && socks4_is_reply(action))
        socks4_set_code(m, action, SOCKS4_GRANTED);
    return FAULT_PASS;
}

static enum fault_verdict noted_no_identd(struct fault_memory *m,
                                          struct action *action)
{
    if (m->count[0] && socks4_is_reply(action))
        socks4_set_code(m, action, SOCKS4_NO_IDENTD);
    return FAULT_PASS;
}

/* The code that SOCKS5 has for it. */
static enum fault_verdict noted_rep(struct fault_memory *m,
                                    struct action *action)
{
    enum { REFUSED = 5 };

    if (m->count[0] && socks4_is_reply(action))
        socks4_set_code(m, action, REFUSED);
    return FAULT_PASS;
}

static enum fault_verdict noted_silent(struct fault_memory *m,
                                       struct action *action)
{
    return m->count[0] && socks4_is_reply(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict noted_hang(struct fault_memory *m,
                                     struct action *action)
{
    return m->count[0] && socks4_is_reply(action) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict unresolved_short(struct fault_memory *m,
                                           struct action *action)
{
    enum { OF_ITS_OWN = 94 };

    if (m->count[0] && socks4_is_reply(action)) {
        socks4_set_code(m, action, OF_ITS_OWN);
        action->send.data.len = SOCKS4_AT_PORT;
    }
    return FAULT_PASS;
}

static enum fault_verdict stay_open(struct fault_memory *m,
                                    struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (socks4_refuses(action))
        m->count[0] = 1;
    if (m->count[0])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

static enum fault_verdict close_later(struct fault_memory *m,
                                      struct action *action)
{
    enum { LATER_MS = 4 * 1000 };
    enum fault_verdict verdict = stay_open(m, action);

    if (m->count[0] && action->kind == ACTION_ARM_TIMER)
        action->deadline_ms = m->now_ms + LATER_MS;
    return verdict;
}

static const struct fault faults[] = {
    {
        .name = "socks4-reply-version",
        .summary = "begins its replies with 04",
        .proves = {REQ_SOCKS4_REPLY_VN_ZERO},
        .on_action = version,
    },
    {
        .name = "socks4-refusal-version",
        .summary = "begins a refusal with 04",
        .proves = {REQ_SOCKS4_REPLY_VN_ZERO},
        .on_action = refusal_version,
    },
    {
        .name = "socks4-refusal-short",
        .summary = "refuses with version and code only",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT, REQ_SOCKS4_REPLY_SENT},
        .on_action = refusal_short,
    },
    {
        .name = "socks4-grant-short",
        .summary = "grants without an address",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT},
        .on_action = grant_short,
    },
    {
        .name = "socks4-reply-long",
        .summary = "ends its replies with a zero octet, as requests do",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT},
        .on_action = reply_long,
    },
    {
        .name = "socks4-reply-twice",
        .summary = "sends a grant twice",
        .proves = {REQ_SOCKS4_REPLY_SINGLE},
        .on_action = twice,
    },
    {
        .name = "socks4-granted-early",
        .summary = "grants before it has a connection",
        .proves = {REQ_SOCKS4_REPLY_AFTER_ESTABLISH},
        .on_socks4 = note_socks4,
        .on_action = early,
    },
    {
        .name = "socks4-refused-granted",
        .summary = "grants a connection that the target refuses",
        .proves = {REQ_SOCKS4_REPLY_AFTER_ESTABLISH},
        .on_event = note_refused,
        .on_action = noted_granted,
    },
    {
        .name = "socks4-refused-no-identd",
        .summary = "tells with 92 that the target refuses, and asks no identd",
        .proves = {REQ_SOCKS4_REPLY_GENERAL_FAILURE},
        .on_event = note_refused,
        .on_action = noted_no_identd,
    },
    {
        .name = "socks4-refused-rep",
        .summary = "tells with the code of SOCKS5 that the target refuses",
        .proves = {REQ_SOCKS4_REPLY_CODE_RANGE},
        .on_event = note_refused,
        .on_action = noted_rep,
    },
    {
        .name = "socks4-refused-silent",
        .summary = "closes without a reply when the target refuses",
        .proves = {REQ_SOCKS4_REPLY_SENT},
        .on_event = note_refused,
        .on_action = noted_silent,
    },
    {
        .name = "socks4-refused-hang",
        .summary = "never answers when the target refuses",
        .proves = {REQ_SOCKS4_REPLY_SENT},
        .on_event = note_refused,
        .on_action = noted_hang,
    },
    {
        .name = "socks4-refused-open",
        .summary = "leaves the connection open behind a refusal",
        .proves = {REQ_SOCKS4_CLOSE_AFTER_REFUSAL},
        .on_action = stay_open,
    },
    {
        .name = "socks4-refused-slow",
        .summary = "closes four seconds behind a refusal",
        .proves = {REQ_SOCKS4_CLOSE_AFTER_REFUSAL},
        .on_action = close_later,
    },
    {
        .name = "socks4-unresolved-granted",
        .summary = "grants a connection to a name that does not resolve",
        .proves = {REQ_SOCKS4A_NAME_FAIL},
        .on_event = note_unresolved,
        .on_action = noted_granted,
    },
    {
        .name = "socks4-unresolved-hang",
        .summary = "never answers when a name does not resolve",
        .proves = {REQ_SOCKS4A_NAME_FAIL},
        .on_event = note_unresolved,
        .on_action = noted_hang,
    },
    {
        .name = "socks4-unresolved-short",
        .summary = "tells in two octets with a code of its own that a name "
                   "does not resolve",
        .proves = {REQ_SOCKS4_REPLY_LAYOUT, REQ_SOCKS4_REPLY_CODE_RANGE},
        .on_event = note_unresolved,
        .on_action = unresolved_short,
    },
};

const struct fault_theme socks4_reply_faults = FAULT_THEME(faults);
