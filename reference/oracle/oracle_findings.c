#include "oracle_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { TOLD_CONTESTED = 1, TOLD_PLAINLY = 2 };

/* Notes that it is told; false when nothing new would be. */
static bool is_news(struct oracle *o, enum requirement req,
                    enum oracle_side side, bool is_contested)
{
    uint8_t *told = &o->told[side][req];

    if (*told & TOLD_PLAINLY || (is_contested && *told & TOLD_CONTESTED))
        return false;
    if (o->finding_count == FINDINGS_MAX) {
        o->summary.findings_lost++;
        return false;
    }
    *told |= is_contested ? TOLD_CONTESTED : TOLD_PLAINLY;
    return true;
}

static bool may_accuse(enum requirement req, enum oracle_side side)
{
    const struct oracle_rule *rule = oracle_rule_for(req);

    return rule &&
           (side == SIDE_CLIENT ? rule->accuses_client : rule->accuses_server);
}

/* The one place that makes a finding; NULL when it was told before. */
static struct oracle_finding *add_finding(struct oracle *o,
                                          enum requirement req,
                                          enum oracle_side side,
                                          uint64_t offset, bool is_contested)
{
    struct oracle_finding *f;

    assert(may_accuse(req, side));
    if (!is_news(o, req, side, is_contested))
        return NULL;
    f = &o->findings[(o->finding_first + o->finding_count++) % FINDINGS_MAX];
    *f = (struct oracle_finding){.req = req,
                                 .side = side,
                                 .offset = offset,
                                 .datagram = o->datagram,
                                 .time_ms = o->now_ms,
                                 .is_contested = is_contested};
    return f;
}

void oracle_accuse(struct oracle *o, enum requirement req,
                   enum oracle_side side, uint64_t offset, const char *format,
                   ...)
{
    struct oracle_finding *f = add_finding(o, req, side, offset, false);
    va_list args;

    if (!f)
        return;
    va_start(args, format);
    (void)vsnprintf(f->message, sizeof(f->message), format, args);
    va_end(args);
}

void oracle_contest(struct oracle *o, enum requirement req,
                    enum oracle_side side, uint64_t offset, const char *format,
                    ...)
{
    struct oracle_finding *f = add_finding(o, req, side, offset, true);
    va_list args;

    if (!f)
        return;
    va_start(args, format);
    (void)vsnprintf(f->message, sizeof(f->message), format, args);
    va_end(args);
}

void oracle_accuse_reaction(struct oracle *o, enum requirement req,
                            uint64_t offset, const char *what)
{
    if (oracle_is_reaction(o))
        oracle_accuse(o, req, SIDE_CLIENT, offset, "%s", what);
    else
        oracle_contest(o, req, SIDE_CLIENT, offset,
                       "%s, perhaps sent before the refusal arrived", what);
}

/*
 * A first octet proves little: as long as the protocol is a guess, findings
 * wait. HTTP is sure once a request head is whole, SOCKS5 once the selection
 * fits the greeting or a request came (other protocols begin with 05, too),
 * SOCKS4 once a request is answered by one of its codes.
 */
static bool is_sure(const struct oracle *o)
{
    if (o->cfg->protocol != ORACLE_DETECT)
        return true;
    if (o->summary.protocol == ORACLE_HTTP)
        return o->summary.stage >= STAGE_OPENED;
    if (o->summary.protocol != ORACLE_SOCKS)
        return false;
    return o->summary.version == 4 ? o->u.socks4.is_sure : o->u.socks5.is_sure;
}

bool oracle_next_finding(struct oracle *o, struct oracle_finding *out)
{
    if (o->finding_count == 0 || !is_sure(o))
        return false;
    *out = o->findings[o->finding_first];
    o->finding_first = (o->finding_first + 1) % FINDINGS_MAX;
    o->finding_count--;
    return true;
}

void oracle_tell(struct oracle *o, enum oracle_side side, uint64_t offset,
                 size_t len, const char *format, ...)
{
    struct oracle_message message = {.side = side,
                                     .offset = offset,
                                     .datagram = o->datagram,
                                     .len = len,
                                     .time_ms = o->now_ms};
    va_list args;

    if (!o->observe)
        return;
    va_start(args, format);
    (void)vsnprintf(message.text, sizeof(message.text), format, args);
    va_end(args);
    o->observe(o->ctx, &message);
}

/* Whether both ask the same of the same side, at whatever time. */
static bool is_same_duty(const struct duty *a, const struct duty *b)
{
    return a->req == b->req && a->side == b->side &&
           a->is_contested == b->is_contested;
}

void oracle_owe(struct oracle *o, const struct duty *duty)
{
    if (o->streams[SIDE_CLIENT].has_ended || o->streams[SIDE_SERVER].has_ended)
        return;
    for (size_t i = 0; i < o->duty_count; i++) {
        if (is_same_duty(&o->duties[i], duty))
            return; /* the older one is due first */
    }
    assert(o->duty_count < DUTIES_MAX);
    o->duties[o->duty_count] = *duty;
    o->duties[o->duty_count++].due_ms =
        o->now_ms + (duty->within_ms ? duty->within_ms : CLOSE_MS);
}

void oracle_forgive(struct oracle *o)
{
    o->duty_count = 0;
}

void oracle_check_duties(struct oracle *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < o->duty_count; i++) {
        const struct duty *d = &o->duties[i];

        if (o->now_ms <= d->due_ms)
            o->duties[kept++] = *d;
        else if (d->is_contested)
            oracle_contest(o, d->req, d->side, d->offset, "%s", d->what);
        else
            oracle_accuse(o, d->req, d->side, d->offset, "%s", d->what);
    }
    o->duty_count = kept;
}

const char *oracle_text(struct px_bytes in, char out[ORACLE_TEXT_MAX])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t octet = in.data[i];

        if (at + 8 > ORACLE_TEXT_MAX) { /* room for an octet and the dots */
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        if (octet >= ' ' && octet < 0x7f && octet != '\\') {
            out[at++] = (char)octet;
            continue;
        }
        out[at++] = '\\';
        out[at++] = 'x';
        out[at++] = hex[octet >> 4];
        out[at++] = hex[octet & 15];
    }
    out[at] = '\0';
    return out;
}

const char *oracle_note_endpoint(char field[ORACLE_PLACE_MAX],
                                 const struct px_endpoint *endpoint)
{
    char text[PX_ENDPOINT_TEXT_MAX];
    size_t len;

    px_format_endpoint(endpoint, text);
    len = strlen(text);
    if (len >= ORACLE_PLACE_MAX)
        len = ORACLE_PLACE_MAX - 1;
    memcpy(field, text, len);
    field[len] = '\0';
    return field;
}
