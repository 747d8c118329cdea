/* Faults of fields that pass on: RFC 9110 sections 5.3, 6.6.1, 7.7. */

#include <string.h>

#include "faults/forward.h"

static enum forward_verdict reorders(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT) {
        forward_swap(m, part, "X-A: 1\r\n", "X-A: 0\r\n");
        forward_swap(m, part, "X-A: 3\r\n", "X-A: 1\r\n");
        forward_swap(m, part, "X-A: 0\r\n", "X-A: 3\r\n");
    }
    return FORWARD_PASS;
}

static enum forward_verdict joins_cookies(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_swap(m, part, "\r\nSet-Cookie: n2", ", n2");
    return FORWARD_PASS;
}

static enum forward_verdict doubles_type(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_value(part, "Content-Type").data)
        forward_add(m, part, "Content-Type: text/html\r\n");
    return FORWARD_PASS;
}

/* count[0]: the origin sent no date. */
static enum forward_verdict old_date(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = !forward_value(part, "Date").data;
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        forward_set_value(m, part, "Date",
                          PX_LITERAL("Sunday, 06-Nov-94 08:49:37 GMT"));
    return FORWARD_PASS;
}

static enum forward_verdict date_of_epoch(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = !forward_value(part, "Date").data;
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        forward_set_value(m, part, "Date",
                          PX_LITERAL("Thu, 01 Jan 1970 00:00:00 GMT"));
    return FORWARD_PASS;
}

/* Its calendar is a day off. */
static enum forward_verdict date_weekday(struct fault_memory *m,
                                         struct forward_part *part)
{
    uint8_t text[sizeof("Thu, 01 Jan 1970 00:00:00 GMT") - 1];
    struct px_bytes value = forward_value(part, "Date");

    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->count[0] = !value.data;
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0] &&
               value.len == sizeof(text)) {
        memcpy(text, value.data, sizeof(text));
        text[0] = text[0] == 'M' ? 'T' : 'M';
        text[1] = text[0] == 'T' ? 'u' : 'o';
        text[2] = text[0] == 'T' ? 'e' : 'n';
        forward_set_value(m, part, "Date", px_bytes_of(text, sizeof(text)));
    }
    return FORWARD_PASS;
}

/* A date without the comma of the preferred format, or with dashes. */
static enum forward_verdict replaces_old_date(struct fault_memory *m,
                                              struct forward_part *part)
{
    struct px_bytes date = forward_value(part, "Date");

    if (part->stage == FORWARD_RESPONSE_RECEIVED &&
        (faults_find(date, "-") < date.len ||
         faults_find(date, ",") == date.len))
        (void)forward_cut(m, part, "Date");
    return FORWARD_PASS;
}

static enum forward_verdict drops_referer(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        (void)forward_cut(m, part, "Referer");
    return FORWARD_PASS;
}

static enum forward_verdict trims_allow(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_value(part, "Allow").data)
        forward_set_value(m, part, "Allow", PX_LITERAL("GET"));
    return FORWARD_PASS;
}

static enum forward_verdict adds_star(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 200)
        forward_add(m, part, "Vary: *\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict renames_agent(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT &&
        forward_value(part, "User-Agent").data)
        forward_set_value(m, part, "User-Agent", PX_LITERAL("proxy"));
    return FORWARD_PASS;
}

static enum forward_verdict folds_names(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_value(part, "Content_Length").data) {
        (void)forward_cut(m, part, "Content-Length");
        forward_rename(m, part, "Content_Length", "Content-Length");
    }
    return FORWARD_PASS;
}

static enum forward_verdict no_known(struct fault_memory *m,
                                     struct forward_part *part)
{
    static const char *const names[] = {"Accept",
                                        "Cookie",
                                        "Authorization",
                                        "Origin",
                                        "Pragma",
                                        "If-None-Match",
                                        "Content-Encoding",
                                        "Content-Location",
                                        "Content-Disposition",
                                        "Forwarded",
                                        "X-Requested-With",
                                        "From",
                                        "Access-Control-Request-Method",
                                        "DNT",
                                        "Sec-Fetch-Mode",
                                        "Prefer",
                                        "X-HTTP-Method-Override",
                                        "Want-Digest",
                                        "Set-Cookie",
                                        "Expires",
                                        "Retry-After",
                                        "Accept-Ranges",
                                        "Link",
                                        "WWW-Authenticate",
                                        "Access-Control-Allow-Origin",
                                        "Refresh",
                                        "Strict-Transport-Security",
                                        "X-Frame-Options",
                                        "Content-Security-Policy",
                                        "Digest",
                                        "X-Powered-By",
                                        "Server-Timing",
                                        "Alt-Svc",
                                        "Allow",
                                        "Content-Range",
                                        NULL};

    for (const char *const *name = names; forward_is_sent(part) && *name;
         name++)
        forward_cut_all(m, part, *name);
    return FORWARD_PASS;
}

/* A field without a value says nothing. */
static enum forward_verdict no_empty_values(struct fault_memory *m,
                                            struct forward_part *part)
{
    size_t at;

    if (forward_is_sent(part) &&
        (at = faults_find(part->octets, "X-Odd: \r\n")) < part->octets.len)
        forward_put(m, part, at, sizeof("X-Odd: \r\n") - 1,
                    (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict one_blank(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (forward_is_sent(part)) {
        forward_swap(m, part, "a  b", "a b");
        forward_swap(m, part, "a:b: c::", "a:b");
        forward_swap(m, part, "a,b ,, ", "a,b, ");
        forward_swap(m, part, "%00", "");
    }
    return FORWARD_PASS;
}

/* The Host of the first request is that of all. */
static enum forward_verdict first_host(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_SENT)
        return FORWARD_PASS;
    if (part->exchange == 1)
        forward_keep(m, forward_value(part, "Host"));
    else
        forward_set_value(m, part, "Host", forward_kept(m));
    return FORWARD_PASS;
}

/* Each request has an entry for those before it. */
static enum forward_verdict via_piles_up(struct fault_memory *m,
                                         struct forward_part *part)
{
    for (unsigned i = 1;
         part->stage == FORWARD_REQUEST_SENT && i < part->exchange; i++)
        forward_add(m, part, "Via: 1.1 again\r\n");
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-no-known",
        .summary = "leaves out fields that others know and it does not",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD,
                   REQ_AUTH_PROXY_WWW_UNTOUCHED},
        .on_forward = no_known,
    },
    {
        .name = "forward-no-empty-values",
        .summary = "leaves out fields without a value",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD},
        .on_forward = no_empty_values,
    },
    {
        .name = "forward-one-blank",
        .summary =
            "makes one blank of two, and mends what else is odd in a value",
        .proves = {REQ_HTTP_PARSE_OCTETS},
        .on_forward = one_blank,
    },
    {
        .name = "forward-first-host",
        .summary = "sends the Host of the first request with all others",
        .proves = {REQ_HTTP_PERSIST_TARGETS},
        .on_forward = first_host,
    },
    {
        .name = "forward-via-piles-up",
        .summary = "adds an entry to Via for each request of a connection",
        .proves = {REQ_HTTP_PERSIST_TARGETS},
        .on_forward = via_piles_up,
    },
    {
        .name = "forward-field-reordered",
        .summary = "changes the order of lines of one name",
        .proves = {REQ_HTTP_FIELD_ORDER_SAME},
        .on_forward = reorders,
    },
    {
        .name = "forward-set-cookie-joined",
        .summary = "joins Set-Cookie lines with a comma",
        .proves = {REQ_HTTP_FIELD_SET_COOKIE},
        .on_forward = joins_cookies,
    },
    {
        .name = "forward-content-type-twice",
        .summary = "adds a Content-Type of its own to that of the origin",
        .proves = {REQ_HTTP_FIELD_NO_REPEAT},
        .on_forward = doubles_type,
    },
    {
        .name = "forward-date-old-format",
        .summary = "writes dates of its own in the format of RFC 850",
        .proves = {REQ_HTTP_FIELD_DATE_FORMAT},
        .on_forward = old_date,
    },
    {
        .name = "forward-date-of-epoch",
        .summary = "dates what it dates 1970",
        .proves = {REQ_HTTP_FIELD_DATE_ADD},
        .on_forward = date_of_epoch,
    },
    {
        .name = "forward-date-weekday",
        .summary = "takes every day for a Monday, and Mondays for Tuesdays, in "
                   "what it dates",
        .proves = {REQ_HTTP_FIELD_DATE_ADD},
        .on_forward = date_weekday,
    },
    {
        .name = "forward-date-replaced",
        .summary = "replaces dates in the older formats",
        .proves = {REQ_HTTP_FIELD_DATE_ACCEPT},
        .on_forward = replaces_old_date,
    },
    {
        .name = "forward-no-referer",
        .summary = "leaves Referer out",
        .proves = {REQ_HTTP_FIELD_REFERER},
        .on_forward = drops_referer,
    },
    {
        .name = "forward-allow-trimmed",
        .summary = "leaves methods that it does not know out of Allow",
        .proves = {REQ_HTTP_FIELD_ALLOW},
        .on_forward = trims_allow,
    },
    {
        .name = "forward-vary-star",
        .summary = "adds a star in Vary",
        .proves = {REQ_HTTP_FIELD_VARY_STAR},
        .on_forward = adds_star,
    },
    {
        .name = "forward-user-agent-replaced",
        .summary = "puts its own name in User-Agent",
        .proves = {REQ_HTTP_FIELD_ENDPOINT_INFO},
        .on_forward = renames_agent,
    },
    {
        .name = "forward-underscore-folded",
        .summary = "takes Content_Length for Content-Length",
        .proves = {REQ_HTTP_FIELD_UNDERSCORE},
        .on_forward = folds_names,
    },
};

const struct fault_theme forward_field_faults = FAULT_THEME(faults);
