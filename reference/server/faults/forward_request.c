/* Faults of the request that goes on: RFC 9110 section 7, RFC 9112 section 3.
 */

#include <string.h>

#include "faults/forward.h"

static enum forward_verdict absolute_onward(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_keep(m, forward_word(part));
    } else if (part->stage == FORWARD_REQUEST_SENT) {
        struct px_bytes target = forward_word(part);

        forward_put(m, part, (size_t)(target.data - part->octets.data),
                    target.len, forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict no_via(struct fault_memory *m,
                                   struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

/* A field that the session takes for an unknown one comes through. */
static enum forward_verdict keeps_connection(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_rename(m, part, "Connection", "X-Hidden-Connection");
    else if (part->stage == FORWARD_REQUEST_SENT)
        forward_rename(m, part, "X-Hidden-Connection", "Connection");
    return FORWARD_PASS;
}

static enum forward_verdict keeps_credentials(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_keep(m, forward_value(part, "Proxy-Authorization"));
    else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len)
        forward_add_field(m, part, "Proxy-Authorization", forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict copies_host(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_keep(m, forward_value(part, "Host"));
    else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len)
        forward_set_value(m, part, "Host", forward_kept(m));
    return FORWARD_PASS;
}

/* count[0]: the client speaks HTTP/1.0. */
static enum forward_verdict copies_version(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = faults_find(part->octets, " HTTP/1.0") < part->octets.len;
    else if (part->stage == FORWARD_REQUEST_SENT && m->count[0])
        forward_swap(m, part, " HTTP/1.1\r\n", " HTTP/1.0\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict keeps_max_forwards(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_keep(m, forward_value(part, "Max-Forwards"));
    else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len)
        forward_set_value(m, part, "Max-Forwards", forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict drops_fields(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        forward_cut_all(m, part, "X-Unknown");
    return FORWARD_PASS;
}

/* What the client did not send is made up. */
static enum forward_verdict completes_cut(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        m->count[0] = forward_value(part, "Transfer-Encoding").len > 0;
    if (part->stage != FORWARD_REQUEST_CUT)
        return FORWARD_PASS;
    forward_complete_chunks(m, part);
    if (!m->count[0])
        part->octets.len = part->left < part->octets.len ? (size_t)part->left
                                                         : part->octets.len;
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-absolute-form-onward",
        .summary = "sends origins the absolute-form that it got",
        .proves = {REQ_HTTP_TARGET_TO_ORIGIN_FORM},
        .on_forward = absolute_onward,
    },
    {
        .name = "forward-no-via",
        .summary = "adds no Via to requests",
        .proves = {REQ_HTTP_VIA_APPEND},
        .on_forward = no_via,
    },
    {
        .name = "forward-keeps-connection",
        .summary = "takes Connection for a field like others: it passes on, "
                   "and so do the fields that it names",
        .proves = {REQ_HTTP_CONNECTION_LISTED_REMOVED,
                   REQ_HTTP_CONNECTION_SELF_REMOVED},
        .on_forward = keeps_connection,
    },
    {
        .name = "forward-keeps-proxy-authorization",
        .summary = "sends origins the credentials that were for itself",
        .proves = {REQ_AUTH_PROXY_CONSUMED},
        .needs_auth = true,
        .on_forward = keeps_credentials,
    },
    {
        .name = "forward-host-copied",
        .summary = "sends origins the Host that it got",
        .proves = {REQ_HTTP_HOST_REWRITE},
        .on_forward = copies_host,
    },
    {
        .name = "forward-version-copied",
        .summary = "sends origins the version of the client",
        .proves = {REQ_HTTP_VERSION_OWN},
        .on_forward = copies_version,
    },
    {
        .name = "forward-max-forwards-kept",
        .summary = "does not count Max-Forwards down",
        .proves = {REQ_HTTP_MAXFORWARDS_DECREMENT},
        .on_forward = keeps_max_forwards,
    },
    {
        .name = "forward-drops-unknown-fields",
        .summary = "leaves the field X-Unknown out of requests",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD},
        .on_forward = drops_fields,
    },
    {
        .name = "forward-completes-cut-request",
        .summary = "makes up what is missing of a request whose client ended",
        .proves = {REQ_HTTP_INCOMPLETE_REQUEST},
        .on_forward = completes_cut,
    },
};

const struct fault_theme forward_request_faults = FAULT_THEME(faults);
