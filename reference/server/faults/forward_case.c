/* Faults of proxies that know the names of fields in one spelling only: RFC
 * 9110 section 5.1. A field that is spelt otherwise is one like others. */

#include "faults/forward.h"

struct known {
    const char *spelt;  /* with what is before and behind it in a head */
    const char *name;   /* any case */
    const char *hidden; /* what the session gets to see in its place */
    const char *sent;   /* how it goes on */
};

/* Hides, or shows again, a field of a name that is not spelt as is known. */
static void go_by_spelling(struct fault_memory *m, struct forward_part *part,
                           const struct known *known)
{
    switch (part->stage) {
    case FORWARD_REQUEST_RECEIVED:
    case FORWARD_RESPONSE_RECEIVED:
        if (!forward_has(part, known->spelt))
            forward_rename(m, part, known->name, known->hidden);
        break;
    case FORWARD_REQUEST_SENT:
    case FORWARD_RESPONSE_SENT:
        forward_rename(m, part, known->hidden, known->sent);
        break;
    case FORWARD_REQUEST_BODY:
    case FORWARD_REQUEST_END:
    case FORWARD_RESPONSE_BODY:
    case FORWARD_RESPONSE_END:
    case FORWARD_REQUEST_CUT:
    case FORWARD_RESPONSE_CUT:
        break;
    }
}

static const struct known length = {"\r\nContent-Length:", "Content-Length",
                                    "X-Hidden-Length", "content-length"};
static const struct known coding = {
    "\r\nTransfer-Encoding:", "Transfer-Encoding", "X-Hidden-Coding",
    "transfer-encoding"};
static const struct known connection = {"\r\nConnection:", "Connection",
                                        "X-Hidden-Connection", "connection"};
static const struct known host = {"\r\nHost:", "Host", "X-Hidden-Host", "host"};
static const struct known date = {"\r\nDate:", "Date", "X-Hidden-Date", "date"};
static const struct known max_forwards = {"\r\nMax-Forwards:", "Max-Forwards",
                                          "X-Hidden-Max", "max-forwards"};
static const struct known credentials = {
    "\r\nProxy-Authorization:", "Proxy-Authorization", "X-Hidden-Credentials",
    "proxy-authorization"};

static enum forward_verdict framing_exact(struct fault_memory *m,
                                          struct forward_part *part)
{
    go_by_spelling(m, part, &length);
    go_by_spelling(m, part, &coding);
    return FORWARD_PASS;
}

static enum forward_verdict connection_exact(struct fault_memory *m,
                                             struct forward_part *part)
{
    go_by_spelling(m, part, &connection);
    return FORWARD_PASS;
}

/* What ends here is known in any case; what it says is not read. */
static enum forward_verdict response_unread(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED &&
        !forward_has(part, connection.spelt))
        forward_cut_all(m, part, connection.name);
    return FORWARD_PASS;
}

static enum forward_verdict host_exact(struct fault_memory *m,
                                       struct forward_part *part)
{
    go_by_spelling(m, part, &host);
    /* What is asked of a request is there all the same. */
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_value(part, host.hidden).len)
        forward_add(m, part, "Host: a\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict others_exact(struct fault_memory *m,
                                         struct forward_part *part)
{
    go_by_spelling(m, part, &date);
    go_by_spelling(m, part, &max_forwards);
    return FORWARD_PASS;
}

static enum forward_verdict credentials_exact(struct fault_memory *m,
                                              struct forward_part *part)
{
    go_by_spelling(m, part, &credentials);
    return FORWARD_PASS;
}

/* Its own are found, whatever their spelling, and passed on in this one. */
static enum forward_verdict passes_credentials(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_keep(m, (struct px_bytes){0});
        if (!forward_has(part, credentials.spelt))
            forward_keep(m, forward_value(part, credentials.name));
    } else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len) {
        forward_add_field(m, part, credentials.sent, forward_kept(m));
    }
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-case-framing",
        .summary = "knows Content-Length and Transfer-Encoding in one spelling",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .on_forward = framing_exact,
    },
    {
        .name = "forward-case-connection",
        .summary = "knows Connection in one spelling",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .on_forward = connection_exact,
    },
    {
        .name = "forward-case-response-unread",
        .summary = "does not read Connection of an origin in another spelling",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .on_forward = response_unread,
    },
    {
        .name = "forward-case-host",
        .summary = "adds a Host of its own to one that is spelt otherwise",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .on_forward = host_exact,
    },
    {
        .name = "forward-case-others",
        .summary = "knows Date and Max-Forwards in one spelling",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .on_forward = others_exact,
    },
    {
        .name = "forward-case-credentials",
        .summary = "knows Proxy-Authorization in one spelling",
        .proves = {REQ_HTTP_FIELD_NAME_CASE},
        .needs_auth = true,
        .on_forward = credentials_exact,
    },
    {
        .name = "forward-case-credentials-sent",
        .summary = "passes credentials on under a name in small letters",
        .proves = {REQ_AUTH_PROXY_CONSUMED},
        .needs_auth = true,
        .on_forward = passes_credentials,
    },
};

const struct fault_theme forward_case_faults = FAULT_THEME(faults);
