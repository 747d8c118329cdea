/* Faults of a tunnel that is old, idle, or has carried much: RFC 1928 section
 * 6, RFC 9110 section 9.3.6. */

#include <string.h>

#include "faults/faults.h"

/* Flips a bit once so many octets have passed. */
static void flip_behind(struct fault_memory *m, struct action *action,
                        uint64_t octets)
{
    uint64_t before = m->count[0];

    m->count[0] += action->send.data.len;
    if (before < octets && m->count[0] >= octets)
        faults_take_action(m, action)[0] ^= 1;
}

static enum fault_verdict flip_late_to_client(struct fault_memory *m,
                                              struct action *action)
{
    enum { OCTETS = 5 * 1024 * 1024 };

    if (faults_relays_to_client(action))
        flip_behind(m, action, OCTETS);
    return FAULT_PASS;
}

static enum fault_verdict flip_late_to_target(struct fault_memory *m,
                                              struct action *action)
{
    enum { OCTETS = 3 * 512 * 1024 };

    if (faults_relays_to_target(action))
        flip_behind(m, action, OCTETS);
    return FAULT_PASS;
}

/* The deadline of the handshake goes on behind it. */
static enum fault_verdict keep_deadline(struct fault_memory *m,
                                        struct action *action)
{
    enum { HANDSHAKE_MS = 7500 };

    if (action->kind == ACTION_RELAY)
        faults_also_arm(m, HANDSHAKE_MS);
    return FAULT_PASS;
}

static enum fault_verdict watch_idle(struct fault_memory *m,
                                     struct action *action)
{
    enum { IDLE_MS = 4000 };

    if (action->kind == ACTION_RELAY ||
        (faults_is_relaying(m) &&
         (faults_relays_to_client(action) || faults_relays_to_target(action))))
        faults_also_arm(m, IDLE_MS);
    return FAULT_PASS;
}

/* Who has finished is taken for gone, a moment later. */
static enum fault_verdict watch_half_closed(struct fault_memory *m,
                                            struct action *action)
{
    enum { A_MOMENT_MS = 600 };

    if (faults_is_relaying(m) && (action->kind == ACTION_END_CLIENT ||
                                  action->kind == ACTION_END_UPSTREAM))
        faults_also_arm(m, A_MOMENT_MS);
    return FAULT_PASS;
}

static enum fault_verdict timer_ends(struct fault_memory *m,
                                     struct event *event)
{
    return event->kind == EVENT_TIMER && faults_is_relaying(m) ? FAULT_ABORT
                                                               : FAULT_PASS;
}

/* count[0]: when the connection to the target was begun. */
static enum fault_verdict note_dial(struct fault_memory *m,
                                    struct action *action)
{
    if (action->kind == ACTION_DIAL)
        m->count[0] = m->now_ms;
    return FAULT_PASS;
}

/* Who has nothing more to send is taken for gone, before the answer, or as it
 * is on its way: on the loopback targets are there at once. */
static enum fault_verdict early_end_closes(struct fault_memory *m,
                                           struct event *event)
{
    enum { A_MOMENT_MS = 50 };
    bool is_early =
        session_state(m->session) == SESSION_DIALLING ||
        (faults_is_relaying(m) && m->now_ms - m->count[0] < A_MOMENT_MS);

    return event->kind == EVENT_CLIENT_END && is_early ? FAULT_ABORT
                                                       : FAULT_PASS;
}

/* A tunnel that begins with another greeting is one of the proxy's own, which
 * has no end. count[0]: octets came; count[1]: they are a greeting. */
static enum fault_verdict own_tunnel_stays(struct fault_memory *m,
                                           struct event *event)
{
    static const uint8_t greeting[] = {5, 1};

    if (!faults_is_relaying(m))
        return FAULT_PASS;
    if (event->kind == EVENT_CLIENT_DATA && !m->count[0]++)
        m->count[1] = event->data.len > sizeof(greeting) &&
                      !memcmp(event->data.data, greeting, sizeof(greeting));
    return m->count[1] && (event->kind == EVENT_CLIENT_END ||
                           event->kind == EVENT_CLIENT_RESET)
               ? FAULT_DROP
               : FAULT_PASS;
}

/* A read of one octet is taken for none. */
static enum fault_verdict single_lost(struct fault_memory *m,
                                      struct action *action)
{
    return faults_is_relaying(m) &&
                   (faults_relays_to_client(action) ||
                    faults_relays_to_target(action)) &&
                   action->send.data.len == 1
               ? FAULT_DROP
               : FAULT_PASS;
}

/* What begins like TLS is read as a record, and sent on without its last
 * octet. */
static enum fault_verdict record_cut(struct fault_memory *m,
                                     struct action *action)
{
    const uint8_t *octets = action->send.data.data;
    enum { HANDSHAKE = 22, MAJOR = 3, SHORTEST = 6 };

    if (faults_relays_to_target(action) && !m->count[0]++ &&
        action->send.data.len >= SHORTEST && octets[0] == HANDSHAKE &&
        octets[1] == MAJOR)
        action->send.data.len--;
    return FAULT_PASS;
}

/* As Telnet writes the octet 255 of data. */
static enum fault_verdict telnet(struct fault_memory *m, struct action *action)
{
    enum { IAC = 255 };
    size_t kept = 0, len;
    uint8_t *octets;

    if (!faults_relays_to_client(action) && !faults_relays_to_target(action))
        return FAULT_PASS;
    octets = faults_take_action(m, action);
    len = action->send.data.len;
    for (size_t i = 0; i < len; i++) {
        octets[kept++] = octets[i];
        if (octets[i] == IAC && i + 1 < len && octets[i + 1] == IAC)
            i++;
    }
    action->send.data.len = kept;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "relay-late-bit-to-client",
        .summary = "flips a bit behind five mebibytes from the target",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = flip_late_to_client,
    },
    {
        .name = "relay-late-bit-to-target",
        .summary = "flips a bit behind 1.5 mebibytes from the client",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = flip_late_to_target,
    },
    {
        .name = "relay-deadline-kept",
        .summary = "ends a tunnel 7.5 seconds behind its request, in use or "
                   "not",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_event = timer_ends,
        .on_action = keep_deadline,
    },
    {
        .name = "relay-idle-ends",
        .summary = "ends a tunnel that nobody has used for four seconds",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_event = timer_ends,
        .on_action = watch_idle,
    },
    {
        .name = "relay-half-close-short",
        .summary = "ends a tunnel 0.6 seconds behind the end of one side",
        .proves = {REQ_SOCKS5_CONNECT_HALF_CLOSE, REQ_HTTP_CONNECT_HALF_CLOSE,
                   REQ_SOCKS4_RELAY_EOF},
        .on_event = timer_ends,
        .on_action = watch_half_closed,
    },
    {
        .name = "relay-single-lost",
        .summary = "loses what comes as a single octet",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = single_lost,
    },
    {
        .name = "relay-record-cut",
        .summary = "loses the last octet of a ClientHello of TLS",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_HTTP_CONNECT_BLIND,
                   REQ_SOCKS4_RELAY_BOTH_WAYS},
        .on_action = record_cut,
    },
    {
        .name = "relay-own-stays",
        .summary = "keeps a tunnel to itself when its client has gone",
        .proves = {REQ_SOCKS5_CONNECT_SELF},
        .on_event = own_tunnel_stays,
    },
    {
        .name = "relay-early-end-closes",
        .summary = "closes when the client has finished before it has the "
                   "answer",
        .proves = {REQ_SOCKS5_CONNECT_HALF_CLOSE, REQ_SOCKS4_RELAY_EOF},
        .on_event = early_end_closes,
        .on_action = note_dial,
    },
    {
        .name = "relay-telnet",
        .summary = "passes two octets 255 in a row on as one",
        .proves = {REQ_SOCKS5_CONNECT_RELAY, REQ_SOCKS4_RELAY_BOTH_WAYS,
                   REQ_HTTP_CONNECT_BLIND},
        .on_action = telnet,
    },
};

const struct fault_theme relay_later_faults = FAULT_THEME(faults);
