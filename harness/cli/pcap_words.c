/* The words of `pcap check`, for people and for JSON. */

#include "pcap_report.h"
#include "socks5.h"

enum pcap_effect pcap_effect_of(const struct oracle_finding *finding)
{
    if (finding->is_contested)
        return EFFECT_INFO;
    switch (requirement_row(finding->req)->level) {
    case LEVEL_MUST:
    case LEVEL_MUST_NOT:
    case LEVEL_DEFINED:
    case LEVEL_SECURITY:
        return EFFECT_FAIL;
    case LEVEL_SHOULD:
    case LEVEL_SHOULD_NOT:
    case LEVEL_ROBUST:
        return EFFECT_WARN;
    case LEVEL_MAY:
    case LEVEL_ADVICE:
    case LEVEL_COUNT:
        return EFFECT_INFO;
    }
    return EFFECT_INFO;
}

const char *pcap_effect_name(enum pcap_effect effect)
{
    static const char *const names[EFFECT_COUNT] = {"fail", "warn", "info"};

    return names[effect];
}

const char *pcap_ending_name(enum capture_ending ending)
{
    switch (ending) {
    case CAPTURE_OPEN_END:
        return "open";
    case CAPTURE_FIN:
        return "fin";
    case CAPTURE_RESET:
        return "rst";
    }
    return "";
}

const char *pcap_stage_name(enum oracle_stage stage)
{
    switch (stage) {
    case STAGE_START:
        return "start";
    case STAGE_OPENED:
        return "opened";
    case STAGE_ANSWERED:
        return "answered";
    case STAGE_AUTHENTICATED:
        return "authenticated";
    case STAGE_REQUESTED:
        return "requested";
    case STAGE_REFUSED:
        return "refused";
    case STAGE_GRANTED:
        return "granted";
    }
    return "";
}

const char *pcap_protocol_name(const struct dialogue *d)
{
    switch (d->summary.protocol) {
    case ORACLE_DETECT:
        return "unknown";
    case ORACLE_SOCKS:
        return d->summary.version == 4 ? "socks4" : "socks5";
    case ORACLE_HTTP:
        return "http";
    }
    return "";
}

/* SOCKS4's commands have the numbers of SOCKS5's. */
const char *pcap_command_name(const struct dialogue *d)
{
    if (d->summary.protocol == ORACLE_HTTP)
        return d->verb[0] ? d->verb : NULL;
    if (d->summary.command < 0)
        return NULL;
    return socks5_command_name((uint8_t)d->summary.command);
}

/* The CD field of the SOCKS4 memo's replies. */
static const char *socks4_code_name(int code)
{
    switch (code) {
    case 90:
        return "granted";
    case 91:
        return "rejected or failed";
    case 92:
        return "rejected: no identd";
    case 93:
        return "rejected: identd differs";
    default:
        return "unassigned";
    }
}

/* Without a code: how far it came. */
static const char *stage_outcome(const struct oracle_summary *s)
{
    if (s->stage == STAGE_REFUSED && s->method == SOCKS5_NO_ACCEPTABLE)
        return "no acceptable method";
    if (s->protocol == ORACLE_SOCKS && s->version == 5 && s->method >= 0 &&
        s->command < 0)
        return "no request";
    return "no answer";
}

const char *pcap_outcome_name(const struct dialogue *d)
{
    const struct oracle_summary *s = &d->summary;

    if (s->code < 0)
        return stage_outcome(s);
    if (s->protocol != ORACLE_SOCKS)
        return "";
    if (s->version == 4)
        return socks4_code_name(s->code);
    if (s->method == SOCKS5_USERPASS && s->command < 0) /* RFC 1929 section 2 */
        return s->code == 0 ? "authenticated" : "authentication failed";
    return socks5_rep_name((uint8_t)s->code);
}

const char *pcap_flaw_name(enum capture_flaw flaw)
{
    switch (flaw) {
    case CAPTURE_NO_START:
        return "the start was not captured";
    case CAPTURE_LOST:
        return "octets were not captured";
    case CAPTURE_SNAPLEN:
        return "packets were cut while capturing";
    case CAPTURE_ONE_SIDED:
        return "only one direction was captured";
    case CAPTURE_EVICTED:
        return "ended early to bound memory";
    }
    return "";
}
