/* Faults of rules that deny something (RFC 1928 section 6, reply 02; RFC 9110
 * section 15.5.4): what they hold for, and how a refusal is told. */

#include <string.h>

#include "faults/forward.h"
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

static void in_one_case(struct fault_memory *m)
{
    m->config.access_lapses = ACCESS_LAPSE_CASE;
}

static void without_dot(struct fault_memory *m)
{
    m->config.access_lapses = ACCESS_LAPSE_DOT;
}

static void as_sent(struct fault_memory *m)
{
    m->config.access_lapses = ACCESS_LAPSE_READING;
}

/* The rules are blind once a request's Host is no denied name. */
static enum forward_verdict of_host_field(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        !forward_has(part, "\r\nHost: denied."))
        m->config.access = NULL;
    return FORWARD_PASS;
}

static enum fault_verdict with_success(struct fault_memory *m,
                                       struct action *action)
{
    static const struct px_bytes forbidden = {
        (const uint8_t *)"HTTP/1.1 403 Forbidden", 22};
    struct px_bytes head = action->send.data;

    if (action->kind != ACTION_SEND_CLIENT || head.len < forbidden.len ||
        !px_equal(px_bytes_of(head.data, forbidden.len), forbidden))
        return FAULT_PASS;
    memcpy(m->out, head.data, head.len);
    memcpy(m->out + sizeof("HTTP/1.1 ") - 1, "200 No access", 13);
    action->send.data.data = m->out;
    return FAULT_PASS;
}

static enum forward_verdict too_late(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_has(part, "denied-by-rule");
    return part->stage == FORWARD_RESPONSE_SENT && m->count[0]
               ? forward_answer(m, part, FORWARD_REFUSAL("403 Forbidden"))
               : FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "rule-none",
        .summary = "has rules that deny something, and does not hold to them",
        .proves = {REQ_SOCKS5_REPLY_RULESET, REQ_HTTP_RULE_ADDRESS,
                   REQ_HTTP_RULE_NAME, REQ_HTTP_RULE_PATH},
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
        .proves = {REQ_SOCKS5_ADDRESS_LITERAL_AS_NAME, REQ_SOCKS4A_NAME_LITERAL,
                   REQ_HTTP_RULE_ADDRESS},
        .configure = rule_of_addresses,
    },
    {
        .name = "rule-not-of-names",
        .summary = "compares with its rule what was asked for, and not what a "
                   "name resolves to",
        .proves = {REQ_SOCKS5_CONNECT_RESOLVED_RULES, REQ_HTTP_RULE_ADDRESS},
        .configure = rule_of_text,
    },
    {
        .name = "rule-case",
        .summary = "holds to a rule about a name in the case of its letters",
        .proves = {REQ_HTTP_RULE_NAME},
        .configure = in_one_case,
    },
    {
        .name = "rule-dot",
        .summary = "does not hold to a rule about a name with a dot behind it",
        .proves = {REQ_HTTP_RULE_NAME},
        .configure = without_dot,
    },
    {
        .name = "rule-path-as-sent",
        .summary = "compares a path with its rule as it was sent",
        .proves = {REQ_HTTP_RULE_PATH},
        .configure = as_sent,
    },
    {
        .name = "rule-of-host-field",
        .summary = "compares the Host field with its rules, and goes where the "
                   "target says",
        .proves = {REQ_HTTP_RULE_NAME},
        .on_forward = of_host_field,
    },
    {
        .name = "rule-answers-200",
        .summary = "refuses what its rules deny with a 200 that says so",
        .proves = {REQ_HTTP_RULE_FORBIDDEN},
        .on_action = with_success,
    },
    {
        .name = "rule-403-too-late",
        .summary =
            "answers what its rules deny with 403, once it was forwarded",
        .proves = {REQ_HTTP_RULE_PATH},
        .configure = no_rule,
        .on_forward = too_late,
    },
};

const struct fault_theme rule_faults = FAULT_THEME(faults);
