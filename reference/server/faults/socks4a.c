/* Faults of SOCKS4A: the marker, and the name behind the user id. */

#include <string.h>

#include "faults/version4.h"
#include "socks4.h"

/* Where the marker's last octet stands. */
enum { LAST = SOCKS4_AT_ADDR + 3 };

static enum fault_verdict only_one(struct fault_memory *m, struct event *event)
{
    (void)event;
    return socks4_has_marker(m->in) && m->in[LAST] != 1 ? socks4_refuse(m)
                                                        : FAULT_PASS;
}

/* Whether a request begins whose address begins with count zero octets. */
static bool begins_with_zeros(const struct fault_memory *m,
                              const struct event *event, size_t count)
{
    static const uint8_t zero[4];

    return socks4_begins(m, event) && event->data.len > SOCKS4_AT_USER &&
           memcmp(event->data.data + SOCKS4_AT_ADDR, zero, count) == 0;
}

static void set_marker(struct fault_memory *m, struct event *event)
{
    static const uint8_t marker[] = {0, 0, 0, 1};

    memcpy(faults_take_octets(m, event) + SOCKS4_AT_ADDR, marker,
           sizeof(marker));
}

/* Only the first three octets are looked at. */
static enum fault_verdict zero_too(struct fault_memory *m, struct event *event)
{
    if (begins_with_zeros(m, event, 4))
        set_marker(m, event);
    return FAULT_PASS;
}

/* Only the first octet is looked at. */
static enum fault_verdict net_zero(struct fault_memory *m, struct event *event)
{
    if (begins_with_zeros(m, event, 1) && !begins_with_zeros(m, event, 4))
        set_marker(m, event);
    return FAULT_PASS;
}

static enum fault_verdict name_late(struct fault_memory *m, struct event *event)
{
    return socks4_begins(m, event) && event->data.len > SOCKS4_AT_USER &&
                   socks4_has_marker(event->data.data) &&
                   socks4_user_end(event->data) < event->data.len &&
                   socks4_is_part(event->data)
               ? socks4_refuse(m)
               : FAULT_PASS;
}

/* The end of what one read brings stands for the end of the name. */
static enum fault_verdict name_unterminated(struct fault_memory *m,
                                            struct event *event)
{
    if (socks4_begins(m, event) && event->data.len > SOCKS4_AT_USER &&
        socks4_has_marker(event->data.data) &&
        socks4_user_end(event->data) + 1 < event->data.len &&
        socks4_is_part(event->data) &&
        event->data.len < session_client_room(m->session)) {
        faults_take_octets(m, event)[event->data.len] = '\0';
        event->data.len++;
    }
    return FAULT_PASS;
}

/* The name is looked for right behind the address. */
static enum fault_verdict name_first(struct fault_memory *m,
                                     struct event *event)
{
    size_t end = socks4_user_end(event->data);

    if (socks4_has_marker(m->in) && end > SOCKS4_AT_USER) {
        size_t len = end + 1;

        faults_splice(m, event, SOCKS4_AT_USER, 0, PX_LITERAL("\0"));
        len++;
        m->rest = px_bytes_of(m->in + len, event->data.len - len + m->rest.len);
        event->data.len = len;
    }
    return FAULT_PASS;
}

static enum fault_verdict not_resolved(struct fault_memory *m,
                                       struct event *event)
{
    (void)event;
    return socks4_has_marker(m->in) ? socks4_refuse(m) : FAULT_PASS;
}

/* The marker itself is connected to, and the name goes on as data. */
static enum fault_verdict name_relayed(struct fault_memory *m,
                                       struct event *event)
{
    static const uint8_t loopback[] = {127, 0, 0, 1};
    size_t len = socks4_user_end(event->data) + 1;

    if (socks4_has_marker(m->in)) {
        memcpy(m->in + SOCKS4_AT_ADDR, loopback, sizeof(loopback));
        m->rest = px_bytes_of(m->in + len, event->data.len - len + m->rest.len);
        event->data.len = len;
    }
    return FAULT_PASS;
}

static enum fault_verdict name_hang(struct fault_memory *m, struct event *event)
{
    (void)event;
    return socks4_has_marker(m->in) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict empty_is_own(struct fault_memory *m,
                                       struct event *event)
{
    if (socks4_has_marker(m->in) &&
        socks4_user_end(event->data) + 2 == event->data.len)
        faults_splice(m, event, event->data.len - 1, 0,
                      PX_LITERAL("localhost"));
    return FAULT_PASS;
}

static enum fault_verdict empty_granted(struct fault_memory *m,
                                        struct action *action)
{
    if (socks4_refuses(action) && socks4_failed_for(m, REQ_SOCKS4A_NAME_EMPTY))
        socks4_set_code(m, action, SOCKS4_GRANTED);
    return FAULT_PASS;
}

static bool is_long(const struct fault_memory *m, const struct action *action)
{
    return socks4_refuses(action) &&
           socks4_failed_for(m, REQ_SOCKS4A_NAME_LONG);
}

static enum fault_verdict long_hang(struct fault_memory *m,
                                    struct action *action)
{
    return is_long(m, action) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict long_granted(struct fault_memory *m,
                                       struct action *action)
{
    if (is_long(m, action))
        socks4_set_code(m, action, SOCKS4_GRANTED);
    return FAULT_PASS;
}

static enum fault_verdict note_name(struct fault_memory *m, struct event *event)
{
    (void)event;
    m->count[0] = socks4_has_marker(m->in);
    return FAULT_PASS;
}

/* BIND knows addresses only: it waits for somebody at the marker. */
static enum fault_verdict bind_marker(struct fault_memory *m,
                                      struct event *event)
{
    static const uint8_t marker[4] = {[3] = 1};

    if (event->kind == EVENT_RESOLVED && m->count[0]) {
        event->address = (struct px_address){.kind = PX_ADDRESS_IPV4};
        memcpy(event->address.ip, marker, sizeof(marker));
    }
    return FAULT_PASS;
}

static enum fault_verdict bind_hang(struct fault_memory *m, struct event *event)
{
    (void)event;
    return socks4_has_marker(m->in) && m->in[SOCKS4_AT_CODE] == SOCKS4_BIND
               ? FAULT_HANG
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks4a-marker-one",
        .summary = "takes only 0.0.0.1 for a marker",
        .proves = {REQ_SOCKS4A_MARKER_DETECT},
        .on_socks4 = only_one,
    },
    {
        .name = "socks4a-marker-zero",
        .summary = "takes 0.0.0.0 for a marker, and waits for a name",
        .proves = {REQ_SOCKS4A_MARKER_ZERO},
        .on_event = zero_too,
    },
    {
        .name = "socks4a-marker-net",
        .summary = "takes all that begins with 0 for a marker",
        .proves = {REQ_SOCKS4A_MARKER_OTHER},
        .on_event = net_zero,
    },
    {
        .name = "socks4a-name-late",
        .summary = "refuses a request whose name is not in the same read",
        .proves = {REQ_SOCKS4A_REQUEST_FRAGMENTED},
        .on_event = name_late,
    },
    {
        .name = "socks4a-name-unterminated",
        .summary = "takes the end of a read for the end of the name",
        .proves = {REQ_SOCKS4A_NAME_POSITION, REQ_SOCKS4A_REQUEST_FRAGMENTED},
        .on_event = name_unterminated,
    },
    {
        .name = "socks4a-name-first",
        .summary = "looks for the name where the user id is",
        .proves = {REQ_SOCKS4A_NAME_POSITION},
        .on_socks4 = name_first,
    },
    {
        .name = "socks4a-not-resolved",
        .summary = "claims 4A, and refuses every name",
        .proves = {REQ_SOCKS4A_MARKER_DETECT},
        .on_socks4 = not_resolved,
    },
    {
        .name = "socks4a-name-relayed",
        .summary = "connects to itself whatever the name, and relays the name",
        .proves = {REQ_SOCKS4A_MARKER_DETECT, REQ_SOCKS4A_NAME_EMPTY},
        .on_socks4 = name_relayed,
    },
    {
        .name = "socks4a-name-hang",
        .summary = "never answers a request with a name",
        .proves = {REQ_SOCKS4A_NAME_RESOLVE},
        .on_socks4 = name_hang,
    },
    {
        .name = "socks4a-empty-own",
        .summary = "takes an empty name for its own",
        .proves = {REQ_SOCKS4A_NAME_EMPTY},
        .on_socks4 = empty_is_own,
    },
    {
        .name = "socks4a-empty-granted",
        .summary = "grants a request with an empty name",
        .proves = {REQ_SOCKS4A_NAME_EMPTY},
        .on_action = empty_granted,
    },
    {
        .name = "socks4a-long-hang",
        .summary = "never answers a name that does not fit its buffer",
        .proves = {REQ_SOCKS4A_NAME_LONG},
        .on_action = long_hang,
    },
    {
        .name = "socks4a-long-granted",
        .summary = "grants a request whose name does not fit its buffer",
        .proves = {REQ_SOCKS4A_NAME_LONG},
        .on_action = long_granted,
    },
    {
        .name = "socks4a-bind-marker",
        .summary = "looks no name of BIND up, and waits for the marker",
        .proves = {REQ_SOCKS4A_NAME_BIND},
        .on_event = bind_marker,
        .on_socks4 = note_name,
    },
    {
        .name = "socks4a-bind-hang",
        .summary = "never answers BIND with a name",
        .proves = {REQ_SOCKS4A_NAME_BIND},
        .on_socks4 = bind_hang,
    },
};

const struct fault_theme socks4a_faults = FAULT_THEME(faults);
