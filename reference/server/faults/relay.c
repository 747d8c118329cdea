/*
 * Faults once octets pass both ways, in SOCKS and in CONNECT alike: RFC 1928
 * section 6, RFC 9110 section 9.3.6.
 */

#include <string.h>

#include "faults/faults.h"

/* Where octet number nth of a direction lies in action, whose count goes on;
 * the length of the octets when it is not among them. */
static size_t find_nth(const struct action *action, uint64_t *count,
                       uint64_t nth)
{
    uint64_t before = *count;

    *count += action->send.data.len;
    return nth >= before && nth < *count ? (size_t)(nth - before)
                                         : action->send.data.len;
}

static void flip(struct fault_memory *m, struct action *action)
{
    enum { NTH = 4096 };
    size_t at = find_nth(action, &m->count[0], NTH);

    if (at < action->send.data.len)
        faults_take_action(m, action)[at] ^= 1;
}

static enum fault_verdict flip_to_client(struct fault_memory *m,
                                         struct action *action)
{
    if (faults_relays_to_client(action))
        flip(m, action);
    return FAULT_PASS;
}

static enum fault_verdict flip_to_target(struct fault_memory *m,
                                         struct action *action)
{
    if (faults_relays_to_target(action))
        flip(m, action);
    return FAULT_PASS;
}

/* One octet is lost where a buffer of 64 KiB ends. */
static enum fault_verdict lose_at_boundary(struct fault_memory *m,
                                           struct action *action)
{
    enum { NTH = 65535 };
    size_t at;

    if (!faults_relays_to_client(action))
        return FAULT_PASS;
    at = find_nth(action, &m->count[0], NTH);
    if (at < action->send.data.len) {
        uint8_t *data = faults_take_action(m, action);

        action->send.data.len--;
        memmove(data + at, data + at + 1, action->send.data.len - at);
    }
    return FAULT_PASS;
}

static enum fault_verdict lose_nul(struct fault_memory *m,
                                   struct action *action)
{
    size_t kept = 0;
    uint8_t *data;

    if (!faults_relays_to_target(action))
        return FAULT_PASS;
    data = faults_take_action(m, action);
    for (size_t i = 0; i < action->send.data.len; i++) {
        if (data[i])
            data[kept++] = data[i];
    }
    action->send.data.len = kept;
    return FAULT_PASS;
}

static enum fault_verdict insert(struct fault_memory *m, struct action *action)
{
    if (faults_relays_to_client(action) && m->count[0]++ == 0) {
        m->out[0] = '\0';
        memcpy(m->out + 1, action->send.data.data, action->send.data.len);
        action->send.data = px_bytes_of(m->out, action->send.data.len + 1);
    }
    return FAULT_PASS;
}

static enum fault_verdict stall(struct fault_memory *m, struct action *action)
{
    enum { AFTER = 256 * 1024 };

    if (!faults_relays_to_target(action))
        return FAULT_PASS;
    m->count[0] += action->send.data.len;
    return m->count[0] > AFTER ? FAULT_HANG : FAULT_PASS;
}

/* What the target says first is lost, until the client says something. */
static enum fault_verdict lose_banner(struct fault_memory *m,
                                      struct action *action)
{
    if (faults_relays_to_target(action))
        m->count[0] = 1;
    return faults_relays_to_client(action) && !m->count[0] ? FAULT_DROP
                                                           : FAULT_PASS;
}

static bool is_grant(const struct fault_memory *m, const struct action *action)
{
    return faults_is_relaying(m) &&
           (faults_sends(action, MESSAGE_SOCKS5_REPLY) ||
            faults_sends(action, MESSAGE_SOCKS4_REPLY) ||
            faults_sends(action, MESSAGE_HTTP_RESPONSE));
}

/*
 * A race made certain: the success message waits a moment, and what the
 * target says in that time goes out first. count[0] is how much waits in out.
 */
static enum fault_verdict hold_grant(struct fault_memory *m,
                                     struct action *action)
{
    enum { A_MOMENT_MS = 150 };

    if (is_grant(m, action)) {
        m->count[0] = action->send.data.len;
        faults_take_action(m, action);
        faults_also_arm(m, A_MOMENT_MS);
        return FAULT_DROP;
    }
    if (m->count[0] && faults_is_relaying(m) &&
        action->kind == ACTION_ARM_TIMER)
        return FAULT_DROP;
    if (m->count[0] && (faults_relays_to_client(action) ||
                        action->kind == ACTION_END_CLIENT)) {
        struct px_bytes grant = px_bytes_of(m->out, m->count[0]);
        bool is_end = action->kind == ACTION_END_CLIENT;

        m->count[0] = 0;
        faults_also_send(m, ACTION_SEND_CLIENT, grant);
        if (is_end)
            faults_also(m, ACTION_END_CLIENT);
        return is_end ? FAULT_DROP : FAULT_PASS;
    }
    return FAULT_PASS;
}

static enum fault_verdict release_grant(struct fault_memory *m,
                                        struct event *event)
{
    if (event->kind == EVENT_TIMER && m->count[0]) {
        faults_also_send(m, ACTION_SEND_CLIENT,
                         px_bytes_of(m->out, m->count[0]));
        m->count[0] = 0;
    }
    return FAULT_PASS;
}

/*
 * The last octets of one side wait a moment before they go on, and are
 * forgotten when it ends meanwhile. count[0] is how much waits in out,
 * count[1] the kind of action that sends it.
 */
static void hold_tail(struct fault_memory *m, struct action *action)
{
    enum { A_MOMENT_MS = 100 };
    size_t waiting = (size_t)m->count[0];

    if (waiting)
        memcpy(m->in, m->out, waiting);
    m->count[0] = action->send.data.len;
    m->count[1] = action->kind;
    (void)faults_take_action(m, action);
    action->send.data = px_bytes_of(m->in, waiting);
    faults_also_arm(m, A_MOMENT_MS);
}

static enum fault_verdict hold_tail_of_target(struct fault_memory *m,
                                              struct action *action)
{
    if (faults_relays_to_client(action))
        hold_tail(m, action);
    return FAULT_PASS;
}

static enum fault_verdict hold_tail_of_client(struct fault_memory *m,
                                              struct action *action)
{
    if (faults_relays_to_target(action))
        hold_tail(m, action);
    return FAULT_PASS;
}

static enum fault_verdict release_tail(struct fault_memory *m,
                                       struct event *event)
{
    if (event->kind == EVENT_TIMER && faults_is_relaying(m) && m->count[0]) {
        faults_also_send(m, (enum action_kind)m->count[1],
                         px_bytes_of(m->out, m->count[0]));
        m->count[0] = 0;
    }
    return FAULT_PASS;
}

/* RFC 1928 knows no idle time-out; where there is one, it is no message. */
static enum fault_verdict watch_idle(struct fault_memory *m,
                                     struct action *action)
{
    enum { IDLE_MS = 200 };

    if (!faults_is_relaying(m) || m->config.protocol != SESSION_SOCKS)
        return FAULT_PASS;
    if (action->kind == ACTION_ARM_TIMER)
        return FAULT_DROP;
    if (faults_relays_to_client(action) || faults_relays_to_target(action) ||
        action->kind == ACTION_RELAY) {
        faults_also_arm(m, IDLE_MS);
    }
    return FAULT_PASS;
}

static enum fault_verdict tell_idle(struct fault_memory *m, struct event *event)
{
    if (event->kind != EVENT_TIMER || !faults_is_relaying(m) ||
        m->config.protocol != SESSION_SOCKS)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\5\6\0\1\0\0\0\0\0\0"));
}

static enum fault_verdict client_end_closes(struct fault_memory *m,
                                            struct event *event)
{
    if (event->kind != EVENT_CLIENT_END || !faults_is_relaying(m))
        return FAULT_PASS;
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

static enum fault_verdict target_end_closes(struct fault_memory *m,
                                            struct event *event)
{
    if (event->kind != EVENT_UPSTREAM_END || !faults_is_relaying(m))
        return FAULT_PASS;
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

static enum fault_verdict target_end_resets(struct fault_memory *m,
                                            struct event *event)
{
    return event->kind == EVENT_UPSTREAM_END && faults_is_relaying(m)
               ? FAULT_ABORT
               : FAULT_PASS;
}

static enum fault_verdict client_end_lost(struct fault_memory *m,
                                          struct action *action)
{
    return action->kind == ACTION_END_UPSTREAM && faults_is_relaying(m)
               ? FAULT_DROP
               : FAULT_PASS;
}

static enum fault_verdict target_end_lost(struct fault_memory *m,
                                          struct action *action)
{
    return action->kind == ACTION_END_CLIENT && faults_is_relaying(m)
               ? FAULT_DROP
               : FAULT_PASS;
}

/* The client is gone; its target, or the attempt, is forgotten. */
static enum fault_verdict client_reset_leak(struct fault_memory *m,
                                            struct event *event)
{
    enum session_state state = session_state(m->session);
    bool is_gone =
        event->kind == EVENT_CLIENT_RESET ||
        (event->kind == EVENT_CLIENT_END && state == SESSION_DIALLING);

    return is_gone && (state == SESSION_DIALLING || state == SESSION_RELAYING)
               ? FAULT_HANG
               : FAULT_PASS;
}

static enum fault_verdict reset_lost(struct fault_memory *m,
                                     struct event *event)
{
    return faults_is_relaying(m) && (event->kind == EVENT_UPSTREAM_RESET ||
                                     event->kind == EVENT_CLIENT_RESET)
               ? FAULT_HANG
               : FAULT_PASS;
}

/* Early octets: those that came behind the request, before its answer. */

static enum fault_verdict drop_early(struct fault_memory *m,
                                     struct event *event)
{
    return event->kind == EVENT_CLIENT_DATA &&
                   session_state(m->session) == SESSION_DIALLING
               ? FAULT_DROP
               : FAULT_PASS;
}

static enum fault_verdict note_granted(struct fault_memory *m,
                                       struct event *event)
{
    m->count[0] = event->kind == EVENT_DIALLED;
    return FAULT_PASS;
}

static enum fault_verdict early_twice(struct fault_memory *m,
                                      struct action *action)
{
    if (m->count[0] && faults_relays_to_target(action))
        faults_also_send(m, ACTION_SEND_UPSTREAM, action->send.data);
    return FAULT_PASS;
}

static enum fault_verdict early_echoed(struct fault_memory *m,
                                       struct action *action)
{
    if (m->count[0] && faults_relays_to_target(action))
        action->kind = ACTION_SEND_CLIENT;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "relay-bit-to-client",
        .summary = "flips a bit in the 4097th octet from the target",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS, REQ_SOCKS4_BIND_RELAY},
        .on_action = flip_to_client,
    },
    {
        .name = "relay-bit-to-target",
        .summary = "flips a bit in the 4097th octet from the client",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS, REQ_SOCKS4_BIND_RELAY},
        .on_action = flip_to_target,
    },
    {
        .name = "relay-boundary-lost",
        .summary = "loses the octet from the target that ends the first 64 KiB",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = lose_at_boundary,
    },
    {
        .name = "relay-nul-lost",
        .summary = "loses the zero octets that the client sends",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS, REQ_SOCKS4_BIND_RELAY},
        .on_action = lose_nul,
    },
    {
        .name = "relay-octet-inserted",
        .summary = "sends a zero octet ahead of what comes from the target",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_TUNNEL,
                   REQ_HTTP_CONNECT_BLIND, REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = insert,
    },
    {
        .name = "relay-stalls",
        .summary = "stops relaying behind 256 KiB from the client",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = stall,
    },
    {
        .name = "relay-banner-lost",
        .summary = "loses what the target says before the client does",
        .proves = {REQ_SOCKS5_CONNECT_SERVER_FIRST,
                   REQ_HTTP_CONNECT_TARGET_DATA_FIRST,
                   REQ_SOCKS4_RELAY_SERVER_FIRST},
        .on_action = lose_banner,
    },
    {
        .name = "relay-banner-first",
        .summary = "sends what the target says at once ahead of the success "
                   "message",
        .proves = {REQ_SOCKS5_CONNECT_SERVER_FIRST,
                   REQ_HTTP_CONNECT_TARGET_DATA_FIRST,
                   REQ_SOCKS4_RELAY_SERVER_FIRST},
        .on_event = release_grant,
        .on_action = hold_grant,
    },
    {
        .name = "relay-tail-lost",
        .summary = "loses what the target sends right before its end",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_FLUSH_ON_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = release_tail,
        .on_action = hold_tail_of_target,
    },
    {
        .name = "relay-client-tail-lost",
        .summary = "loses what the client sends right before its end",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_FLUSH_ON_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = release_tail,
        .on_action = hold_tail_of_client,
    },
    {
        .name = "relay-idle-reply",
        .summary = "writes a failure reply into a tunnel that was idle for "
                   "200 milliseconds, and closes it",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_event = tell_idle,
        .on_action = watch_idle,
    },
    {
        .name = "relay-client-end-closes",
        .summary = "closes both sides when the client ends its own",
        .proves = {REQ_SOCKS5_CONNECT_HALF_CLOSE, REQ_HTTP_CONNECT_HALF_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = client_end_closes,
    },
    {
        .name = "relay-target-end-closes",
        .summary = "closes both sides when the target ends its own",
        .proves = {REQ_SOCKS5_CONNECT_HALF_CLOSE, REQ_HTTP_CONNECT_HALF_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = target_end_closes,
    },
    {
        .name = "relay-target-end-resets",
        .summary = "resets both sides when the target ends its own, and drops "
                   "what has not gone out",
        .proves = {REQ_SOCKS5_CONNECT_HALF_CLOSE, REQ_HTTP_CONNECT_HALF_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = target_end_resets,
    },
    {
        .name = "relay-client-end-lost",
        .summary = "does not tell the target that the client has ended",
        .proves = {REQ_SOCKS5_CONNECT_EOF, REQ_HTTP_CONNECT_CLOSE_BOTH,
                   REQ_SOCKS4_RELAY_EOF},
        .on_action = client_end_lost,
    },
    {
        .name = "relay-target-end-lost",
        .summary = "does not tell the client that the target has ended",
        .proves = {REQ_SOCKS5_CONNECT_EOF, REQ_HTTP_CONNECT_CLOSE_BOTH,
                   REQ_SOCKS4_RELAY_EOF},
        .on_action = target_end_lost,
    },
    {
        .name = "relay-client-reset-leak",
        .summary = "keeps the connection to the target when the client is gone",
        .proves = {REQ_SOCKS5_CONNECT_ABORT, REQ_HTTP_CONNECT_ABORT,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = client_reset_leak,
    },
    {
        .name = "relay-reset-lost",
        .summary = "does not tell one side that the other was reset",
        .proves = {REQ_SOCKS5_CONNECT_EOF, REQ_HTTP_CONNECT_ABORT,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = reset_lost,
    },
    {
        .name = "relay-early-lost",
        .summary = "loses what the client sends before it has the answer",
        .proves = {REQ_SOCKS5_GREETING_PIPELINED,
                   REQ_HTTP_CONNECT_EARLY_CLIENT_DATA,
                   REQ_SOCKS4_REQUEST_EARLY_DATA, REQ_TOR_DATA_OPTIMISTIC},
        .on_event = drop_early,
        .on_message = faults_pass,
        .on_socks4 = faults_pass,
    },
    {
        .name = "relay-early-twice",
        .summary =
            "relays twice what the client sends before it has the answer",
        .proves = {REQ_HTTP_CONNECT_BLIND},
        .on_event = note_granted,
        .on_action = early_twice,
    },
    {
        .name = "relay-early-echoed",
        .summary = "sends back to the client what it sent before it had the "
                   "answer",
        .proves = {REQ_SOCKS5_GREETING_PIPELINED,
                   REQ_HTTP_CONNECT_EARLY_CLIENT_DATA,
                   REQ_SOCKS4_REQUEST_EARLY_DATA},
        .on_event = note_granted,
        .on_action = early_echoed,
    },
};

const struct fault_theme relay_faults = FAULT_THEME(faults);
