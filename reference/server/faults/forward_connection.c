/* Faults of Connection and of the fields that end with a connection: RFC 9110
 * section 7.6.1. */

#include <string.h>

#include "faults/forward.h"

static const char hidden[] = "X-Hidden-Connection";

/* The session sees no option of this head. */
static void forget(struct fault_memory *m, struct forward_part *part)
{
    forward_rename(m, part, "Connection", hidden);
}

/* What was hidden by forget() does not come out. */
static enum forward_verdict clean(struct fault_memory *m,
                                  struct forward_part *part)
{
    if (forward_is_sent(part))
        forward_cut_all(m, part, hidden);
    return FORWARD_PASS;
}

static enum forward_verdict keeps_response(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        forget(m, part);
    else if (part->stage == FORWARD_RESPONSE_SENT)
        forward_rename(m, part, hidden, "Connection");
    return FORWARD_PASS;
}

/* The swap is the name of a field and one that the session does not know. */
static enum forward_verdict keeps_field(struct fault_memory *m,
                                        struct forward_part *part)
{
    const struct fault_swap *swap = &m->fault->swaps[0];

    if (forward_is_received(part))
        forward_rename(m, part, swap->from, swap->to);
    else if (forward_is_sent(part))
        forward_rename(m, part, swap->to, swap->from);
    return FORWARD_PASS;
}

static enum forward_verdict first_line(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (forward_is_received(part) && forward_value(part, "Connection").data) {
        forward_keep(m, forward_value(part, "Connection"));
        forward_cut_all(m, part, "Connection");
        forward_add_field(m, part, "Connection", forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict first_option(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Connection");
    size_t comma = faults_find(value, ",");

    if (forward_is_received(part) && comma < value.len) {
        forward_keep(m, px_bytes_of(value.data, comma));
        forward_set_value(m, part, "Connection", forward_kept(m));
    }
    return FORWARD_PASS;
}

/* An option counts for a field that is spelt the same. */
static enum forward_verdict exact_case(struct fault_memory *m,
                                       struct forward_part *part)
{
    char line[64] = "\n";
    struct px_bytes value = forward_value(part, "Connection");

    if (forward_is_received(part) && value.len &&
        value.len < sizeof(line) - 3) {
        memcpy(line + 1, value.data, value.len);
        line[value.len + 1] = ':';
        if (faults_find(part->octets, line) == part->octets.len)
            forget(m, part);
    }
    return clean(m, part);
}

static enum forward_verdict trailers_stay(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (forward_is_received(part) &&
        forward_value(part, "Transfer-Encoding").len)
        forget(m, part);
    return clean(m, part);
}

static enum forward_verdict not_of_http10(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        faults_find(part->octets, " HTTP/1.0\r\n") < part->octets.len)
        forget(m, part);
    return clean(m, part);
}

static enum forward_verdict cuts_alike(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (forward_is_sent(part))
        (void)forward_cut(m, part, "X-Hop-Count");
    return FORWARD_PASS;
}

/* What the session writes itself goes as well. */
static enum forward_verdict cuts_framing(struct fault_memory *m,
                                         struct forward_part *part)
{
    static const char *const names[] = {"Host", "Content-Length",
                                        "Transfer-Encoding", NULL};

    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_keep(m, forward_value(part, "Connection"));
        return FORWARD_PASS;
    }
    for (const char *const *n = names; *n; n++) {
        if (part->stage == FORWARD_REQUEST_SENT && m->kept_len &&
            px_equal_nocase(forward_kept(m), px_bytes_of(*n, strlen(*n))))
            forward_cut_all(m, part, *n);
    }
    return FORWARD_PASS;
}

static enum forward_verdict unlisted(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        forward_add(m, part, "TE: trailers\r\n");
    return FORWARD_PASS;
}

/* A first line without options is all that is read. */
static enum forward_verdict first_is_empty(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes list = forward_value(part, "Connection"), member;

    if (forward_is_received(part) && list.data &&
        !http1_next_member(&list, &member))
        forget(m, part);
    return clean(m, part);
}

/* The list is gone once its own name was found in it. */
static enum forward_verdict ends_at_itself(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes list = forward_value(part, "Connection"), member;
    const uint8_t *begin = list.data;

    if (!forward_is_received(part))
        return FORWARD_PASS;
    while (http1_next_member(&list, &member)) {
        if (!px_equal_nocase(member, PX_LITERAL("Connection")))
            continue;
        forward_keep(m, px_bytes_of(begin, (size_t)(member.data - begin)));
        forward_set_value(m, part, "Connection", forward_kept(m));
        break;
    }
    return FORWARD_PASS;
}

static enum forward_verdict ten_options(struct fault_memory *m,
                                        struct forward_part *part)
{
    enum { TABLE_LEN = 10 };
    struct px_bytes list = forward_value(part, "Connection"), member;
    const uint8_t *begin = list.data;

    if (!forward_is_received(part))
        return FORWARD_PASS;
    for (size_t i = 0; http1_next_member(&list, &member); i++) {
        if (i < TABLE_LEN)
            continue;
        forward_keep(m, px_bytes_of(begin, (size_t)(member.data - begin)));
        forward_set_value(m, part, "Connection", forward_kept(m));
        break;
    }
    return FORWARD_PASS;
}

/* What the proxy adds is among what the client names. */
static enum forward_verdict cuts_via(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        struct px_bytes list = forward_value(part, "Connection"), member;

        m->count[0] = 0;
        while (http1_next_member(&list, &member))
            m->count[0] |= px_equal_nocase(member, PX_LITERAL("Via"));
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_cut_all(m, part, "Via");
    }
    return FORWARD_PASS;
}

static enum forward_verdict lists_all(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (forward_is_sent(part))
        forward_add(m, part, "Connection: Via\r\n");
    return FORWARD_PASS;
}

#define KEEPS(id, field, alias, req)                                           \
    {                                                                          \
        .name = "forward-keeps-" id, .summary = "passes " field " on",         \
        .proves = {REQ_HTTP_CONNECTION_LISTED_REMOVED, req},                   \
        .swaps = {{field, alias}}, .on_forward = keeps_field,                  \
    }

static const struct fault faults[] = {
    {
        .name = "forward-keeps-connection-response",
        .summary = "takes Connection of a response for a field like others",
        .proves = {REQ_HTTP_CONNECTION_LISTED_REMOVED,
                   REQ_HTTP_CONNECTION_SELF_REMOVED},
        .on_forward = keeps_response,
    },
    KEEPS("keep-alive", "Keep-Alive", "X-Hidden-Keep-Alive",
          REQ_HTTP_CONNECTION_KEEP_ALIVE_FIELD),
    KEEPS("te", "TE", "X-Hidden-TE", REQ_HTTP_CONNECTION_TE_FIELD),
    KEEPS("upgrade", "Upgrade", "X-Hidden-Upgrade",
          REQ_HTTP_CONNECTION_UPGRADE_FIELD),
    KEEPS("proxy-connection", "Proxy-Connection", "X-Hidden-Proxy-Connection",
          REQ_HTTP_CONNECTION_PROXY_CONNECTION),
    {
        .name = "forward-connection-first-line",
        .summary = "looks at the first Connection line only",
        .proves = {REQ_HTTP_CONNECTION_MANY_LINES},
        .on_forward = first_line,
    },
    {
        .name = "forward-connection-first-option",
        .summary = "looks at the first option of a Connection line only",
        .proves = {REQ_HTTP_CONNECTION_MANY_LINES},
        .on_forward = first_option,
    },
    {
        .name = "forward-connection-exact-case",
        .summary = "takes an option for another field when its case differs",
        .proves = {REQ_HTTP_CONNECTION_LISTED_REMOVED},
        .on_forward = exact_case,
    },
    {
        .name = "forward-connection-trailers-stay",
        .summary = "passes trailers on that Connection names",
        .proves = {REQ_HTTP_CONNECTION_TRAILERS},
        .on_forward = trailers_stay,
    },
    {
        .name = "forward-connection-not-http10",
        .summary = "forgets Connection of a request of HTTP/1.0",
        .proves = {REQ_HTTP_CONNECTION_HTTP10_HONOURED},
        .on_forward = not_of_http10,
    },
    {
        .name = "forward-connection-cuts-alike",
        .summary = "removes fields whose names begin like an option",
        .proves = {REQ_HTTP_FIELD_UNKNOWN_FORWARD},
        .on_forward = cuts_alike,
    },
    {
        .name = "forward-connection-cuts-framing",
        .summary = "leaves Host and framing out when Connection names them",
        .proves = {REQ_HTTP_CONNECTION_END_TO_END_ABUSE},
        .on_forward = cuts_framing,
    },
    {
        .name = "forward-connection-first-empty",
        .summary = "looks at no Connection line when the first is empty",
        .proves = {REQ_HTTP_CONNECTION_MANY_LINES},
        .on_forward = first_is_empty,
    },
    {
        .name = "forward-connection-ends-at-itself",
        .summary = "reads options up to the name of Connection itself",
        .proves = {REQ_HTTP_CONNECTION_LISTED_REMOVED},
        .on_forward = ends_at_itself,
    },
    {
        .name = "forward-connection-ten-options",
        .summary = "reads ten options of a Connection line",
        .proves = {REQ_HTTP_CONNECTION_MANY_LINES},
        .on_forward = ten_options,
    },
    {
        .name = "forward-connection-cuts-via",
        .summary = "leaves its own Via out when Connection names it",
        .proves = {REQ_HTTP_VIA_APPEND},
        .on_forward = cuts_via,
    },
    {
        .name = "forward-te-unlisted",
        .summary = "sends TE of its own and does not name it in Connection",
        .proves = {REQ_HTTP_CONNECTION_SENDER_LIST},
        .on_forward = unlisted,
    },
    {
        .name = "forward-connection-lists-via",
        .summary = "names Via in its Connection",
        .proves = {REQ_HTTP_CONNECTION_SENDER_NO_E2E},
        .on_forward = lists_all,
    },
};

const struct fault_theme forward_connection_faults = FAULT_THEME(faults);
