/* Faults of credentials in requests and responses that are forwarded: RFC 9110
 * sections 11.6 and 11.7. */

#include <string.h>

#include "faults/forward.h"
#include "faults/http.h"

static enum forward_verdict www_order(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_swap(m, part, "realm=\"simple\"", "realm=\"proxyspec\"");
    return FORWARD_PASS;
}

static enum forward_verdict no_authorization(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        forward_cut_all(m, part, "Authorization");
    return FORWARD_PASS;
}

static enum forward_verdict no_info(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_cut_all(m, part, "Authentication-Info");
    return FORWARD_PASS;
}

/* Nobody is asked who does not use CONNECT. */
static enum fault_verdict only_connect(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;

    if (m->user && http_is_head(m, event, &head) &&
        !px_equal(head.line.method, PX_LITERAL("CONNECT")))
        m->config.verify = NULL;
    return FAULT_PASS;
}

/* Behind a request with right credentials others need none. */
static enum fault_verdict once(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (!m->user || !http_is_head(m, event, &head))
        return FAULT_PASS;
    if (m->count[0])
        m->config.verify = NULL;
    else if (http_is_authorized(m, &head))
        m->count[0] = 1;
    return FAULT_PASS;
}

/* Credentials that come before they were asked for close the connection. */
static enum fault_verdict asks_first(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;

    if (!m->user || !http_is_head(m, event, &head) || !http_credentials(&head))
        return FAULT_PASS;
    m->rest.len = 0;
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

static const struct fault faults[] = {
    {
        .name = "forward-auth-challenge-changed",
        .summary = "changes the realm in an origin's challenge",
        .proves = {REQ_AUTH_PROXY_WWW_UNTOUCHED},
        .on_forward = www_order,
    },
    {
        .name = "forward-auth-no-authorization",
        .summary = "leaves Authorization out of requests",
        .proves = {REQ_AUTH_PROXY_AUTHORIZATION_UNTOUCHED},
        .on_forward = no_authorization,
    },
    {
        .name = "forward-auth-no-info",
        .summary = "leaves Authentication-Info out of responses",
        .proves = {REQ_AUTH_PROXY_INFO_UNTOUCHED},
        .on_forward = no_info,
    },
    {
        .name = "forward-auth-connect-only",
        .summary = "asks for credentials only when CONNECT is used",
        .proves = {REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_message = only_connect,
    },
    {
        .name = "forward-auth-once",
        .summary = "asks for nothing behind a request with credentials",
        .proves = {REQ_AUTH_PROXY_EACH_REQUEST},
        .needs_auth = true,
        .on_message = once,
    },
    {
        .name = "forward-auth-asks-first",
        .summary = "closes on credentials that it has not asked for",
        .proves = {REQ_AUTH_PROXY_STATELESS},
        .needs_auth = true,
        .on_message = asks_first,
    },
};

const struct fault_theme forward_auth_faults = FAULT_THEME(faults);
