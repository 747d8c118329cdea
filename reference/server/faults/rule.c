/* Faults of the rule that denies an address (RFC 1928 section 6, reply 02):
 * whom it holds for, and how a refusal is told. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"

static void rule_of_text(struct fault_memory *m)
{
    m->rule = DIAL_RULE_WRITTEN;
}

static void rule_of_addresses(struct fault_memory *m)
{
    m->rule = DIAL_RULE_NONE;
}

static void no_rule(struct fault_memory *m)
{
    m->config.access = NULL;
}

/* Whoever is not let through finds nobody there. */
static enum fault_verdict as_unreachable(struct fault_memory *m,
                                         struct action *action)
{
    struct px_bytes reply = action->send.data;

    if (action->kind != ACTION_SEND_CLIENT ||
        action->send.message != MESSAGE_SOCKS5_REPLY || reply.len < 2 ||
        reply.data[1] != SOCKS5_NOT_ALLOWED)
        return FAULT_PASS;
    memcpy(m->out, reply.data, reply.len);
    m->out[1] = SOCKS5_HOST_UNREACHABLE;
    action->send.data.data = m->out;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "rule-none",
        .summary = "connects to the address that its rule denies",
        .proves = {REQ_SOCKS5_REPLY_RULESET},
        .configure = no_rule,
    },
    {
        .name = "rule-unreachable",
        .summary = "tells a refusal by rule as an unreachable host",
        .proves = {REQ_SOCKS5_REPLY_RULESET},
        .on_action = as_unreachable,
    },
    {
        .name = "rule-not-of-text",
        .summary = "compares with its rule what is asked for as an address, "
                   "and no address that is sent as a name",
        .proves = {REQ_SOCKS5_ADDRESS_LITERAL_AS_NAME,
                   REQ_SOCKS4A_NAME_LITERAL},
        .configure = rule_of_addresses,
    },
    {
        .name = "rule-not-of-names",
        .summary = "compares with its rule what was asked for, and not what a "
                   "name resolves to",
        .proves = {REQ_SOCKS5_CONNECT_RESOLVED_RULES},
        .configure = rule_of_text,
    },
};

const struct fault_theme rule_faults = FAULT_THEME(faults);
