/* Faults of the Via field: RFC 9110 section 7.6.3. */

#include "faults/forward.h"

static enum forward_verdict no_via_on_interim(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status < 200)
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

static enum forward_verdict constant_version(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (forward_is_sent(part) && forward_cut_last(m, part, "Via"))
        forward_add(m, part, "Via: 1.1 proxy\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict no_version(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (forward_is_sent(part) && forward_cut_last(m, part, "Via"))
        forward_add(m, part, "Via: proxy\r\n");
    return FORWARD_PASS;
}

/* Before the lines that were there. */
static enum forward_verdict own_first(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT && forward_cut_last(m, part, "Via"))
        forward_swap(m, part, "\r\n", "\r\nVia: 1.1 proxy\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict own_only(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_SENT)
        return FORWARD_PASS;
    forward_cut_all(m, part, "Via");
    forward_add(m, part, "Via: 1.1 proxy\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict merges_versions(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        forward_swap(m, part, "Via: 1.0 ", "Via: 1.1 ");
    return FORWARD_PASS;
}

/* count[0]: somebody else's entry came with the request. */
static enum forward_verdict merges_owners(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_value(part, "Via").len > 0;
    else if (part->stage == FORWARD_REQUEST_SENT && m->count[0])
        (void)forward_cut(m, part, "Via");
    return FORWARD_PASS;
}

/* count[0]: lines of Via as they came. */
static void count_lines(struct fault_memory *m, const struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED ||
        part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = forward_value(part, "Via").len > 0;
}

static enum forward_verdict not_beside_others(struct fault_memory *m,
                                              struct forward_part *part)
{
    count_lines(m, part);
    if (forward_is_sent(part) && m->count[0])
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

/* Its own line is put in again behind the first one, and no other is left. */
static enum forward_verdict first_line_only(struct fault_memory *m,
                                            struct forward_part *part)
{
    count_lines(m, part);
    if (forward_is_sent(part) && m->count[0]) {
        forward_keep(m, forward_value(part, "Via"));
        forward_cut_all(m, part, "Via");
        forward_add_field(m, part, "Via", forward_kept(m));
        forward_add(m, part, "Via: 1.1 proxy\r\n");
    }
    return FORWARD_PASS;
}

/* Of three lines of others two are kept. */
static enum forward_verdict third_lost(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (forward_is_sent(part))
        forward_swap(m, part, "Via: 1.0 third\r\n", "");
    return FORWARD_PASS;
}

static enum forward_verdict first_on_response(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_cut_last(m, part, "Via"))
        forward_swap(m, part, "\r\n", "\r\nVia: 1.1 proxy\r\n");
    return FORWARD_PASS;
}

/* A loop is seen wherever its name stands. */
static enum forward_verdict finds_alike(struct fault_memory *m,
                                        struct forward_part *part)
{
    struct px_bytes via = forward_value(part, "Via");

    return part->stage == FORWARD_REQUEST_RECEIVED && via.data &&
                   faults_find(via, m->config.pseudonym) < via.len
               ? forward_answer(m, part, FORWARD_REFUSAL("508 Loop Detected"))
               : FORWARD_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT(
        "via-not-beside-others", "adds no entry to Via where others have one",
        not_beside_others, REQ_HTTP_VIA_APPEND, REQ_HTTP_VIA_APPEND_RESPONSE),
    FORWARD_FAULT("via-first-line-only", "keeps the first line of Via alone",
                  first_line_only, REQ_HTTP_VIA_KEPT),
    FORWARD_FAULT("via-third-lost", "keeps two lines of Via of others",
                  third_lost, REQ_HTTP_VIA_KEPT),
    FORWARD_FAULT("via-first-on-response",
                  "adds its entry to Via of responses before those of others",
                  first_on_response, REQ_HTTP_VIA_ORDER),
    FORWARD_FAULT("via-alike",
                  "takes an entry of Via that holds its name for its own",
                  finds_alike, REQ_HTTP_VIA_KEPT),
    {
        .name = "forward-via-not-on-interim",
        .summary = "adds no Via to 1xx responses",
        .proves = {REQ_HTTP_VIA_INTERIM},
        .on_forward = no_via_on_interim,
    },
    {
        .name = "forward-via-constant-version",
        .summary = "says 1.1 in Via whatever version the message came in",
        .proves = {REQ_HTTP_VIA_VERSION},
        .on_forward = constant_version,
    },
    {
        .name = "forward-via-no-version",
        .summary = "adds an entry without a version to Via",
        .proves = {REQ_HTTP_VIA_NAME},
        .on_forward = no_version,
    },
    {
        .name = "forward-via-first",
        .summary = "adds its entry to Via before those of others",
        .proves = {REQ_HTTP_VIA_ORDER},
        .on_forward = own_first,
    },
    {
        .name = "forward-via-own-only",
        .summary = "replaces the entries of others in Via by its own",
        .proves = {REQ_HTTP_VIA_KEPT},
        .on_forward = own_only,
    },
    {
        .name = "forward-via-merges-versions",
        .summary = "makes entries of HTTP/1.0 in Via such of HTTP/1.1",
        .proves = {REQ_HTTP_VIA_COMBINE_VERSION},
        .on_forward = merges_versions,
    },
    {
        .name = "forward-via-merges-owners",
        .summary = "merges the first of foreign entries in Via with the next",
        .proves = {REQ_HTTP_VIA_COMBINE_OWNER},
        .on_forward = merges_owners,
    },
};

const struct fault_theme forward_via_faults = FAULT_THEME(faults);
