/* Faults of the rule that denies an address (RFC 1928 section 6, reply 02):
 * whom it holds for, and how a refusal is told. */

#include "faults/faults.h"
#include "socks5.h"

static void rule_of_text(struct fault_memory *m)
{
    m->rule = DIAL_RULE_WRITTEN;
}

static void rule_of_addresses(struct fault_memory *m)
{
    m->rule = DIAL_RULE_ADDRESS;
}

static void no_rule(struct fault_memory *m)
{
    m->rule = DIAL_RULE_NONE;
}

/* Whoever is not let through finds nobody there. */
static enum fault_verdict as_unreachable(struct fault_memory *m,
                                         struct event *event)
{
    (void)m;
    if (event->kind == EVENT_DIAL_FAILED && event->failure == DIAL_NOT_ALLOWED)
        event->failure = DIAL_HOST_UNREACHABLE;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "rule-none",
        .summary = "connects to the address that its rule denies",
        .proves = {REQ_SOCKS5_REPLY_RULESET, REQ_HTTP_TARGET_RULE},
        .configure = no_rule,
    },
    {
        .name = "rule-unreachable",
        .summary = "tells a refusal by rule as an unreachable host",
        .proves = {REQ_SOCKS5_REPLY_RULESET},
        .on_event = as_unreachable,
    },
    {
        .name = "rule-not-of-text",
        .summary = "compares with its rule what is asked for as an address, "
                   "and no address that is sent as a name",
        .proves = {REQ_SOCKS5_ADDRESS_LITERAL_AS_NAME, REQ_SOCKS4A_NAME_LITERAL,
                   REQ_HTTP_TARGET_RULE},
        .configure = rule_of_addresses,
    },
    {
        .name = "rule-not-of-names",
        .summary = "compares with its rule what was asked for, and not what a "
                   "name resolves to",
        .proves = {REQ_SOCKS5_CONNECT_RESOLVED_RULES, REQ_HTTP_TARGET_RULE},
        .configure = rule_of_text,
    },
};

const struct fault_theme rule_faults = FAULT_THEME(faults);
