/* Faults of who asks the client's identd before it serves SOCKS4. */

#include <string.h>

#include "faults/version4.h"
#include "socks4.h"

static enum fault_verdict swap_codes(struct fault_memory *m,
                                     struct action *action)
{
    uint8_t code = socks4_is_reply(action)
                       ? action->send.data.data[SOCKS4_AT_CODE]
                       : SOCKS4_GRANTED;

    if (code == SOCKS4_NO_IDENTD)
        socks4_set_code(m, action, SOCKS4_IDENTD_MISMATCH);
    else if (code == SOCKS4_IDENTD_MISMATCH)
        socks4_set_code(m, action, SOCKS4_NO_IDENTD);
    return FAULT_PASS;
}

/* Whoever identd names is who the client said. */
static enum fault_verdict believe(struct fault_memory *m, struct event *event)
{
    const char *user = m->config.identd_user;

    if (event->kind == EVENT_IDENTIFIED)
        event->data = px_bytes_of(user, strlen(user));
    return FAULT_PASS;
}

/* The same when no other is named. */
static enum fault_verdict believe_nobody(struct fault_memory *m,
                                         struct event *event)
{
    return event->kind == EVENT_IDENTIFIED && event->data.len == 0
               ? believe(m, event)
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "socks4-identd-codes",
        .summary = "tells with 93 that no identd answers, and with 92 that it "
                   "names another user",
        .proves = {REQ_SOCKS4_REPLY_IDENTD_UNREACHABLE,
                   REQ_SOCKS4_REPLY_IDENTD_MISMATCH},
        .on_action = swap_codes,
    },
    {
        .name = "socks4-identd-ignored",
        .summary = "asks the client's identd, and grants whatever it says",
        .proves = {REQ_SOCKS4_REPLY_IDENTD_MISMATCH},
        .on_event = believe,
    },
    {
        .name = "socks4-identd-error-granted",
        .summary = "grants when the client's identd knows of no user",
        .proves = {REQ_SOCKS4_REPLY_IDENTD_MISMATCH},
        .on_event = believe_nobody,
    },
};

const struct fault_theme socks4_identd_faults = FAULT_THEME(faults);
