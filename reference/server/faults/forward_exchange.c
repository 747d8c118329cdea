/* Faults that plain exchanges show: RFC 9110 section 3.3, RFC 9112 sections
 * 3.2.2, 6.3 and 9.3. */

#include "faults/forward.h"

static enum forward_verdict closes_on_absolute(struct fault_memory *m,
                                               struct forward_part *part)
{
    struct px_bytes target = forward_word(part);

    (void)m;
    return part->stage == FORWARD_REQUEST_RECEIVED &&
                   faults_find(target, "http://") == 0
               ? FORWARD_BREAK
               : FORWARD_PASS;
}

static enum forward_verdict no_port(struct fault_memory *m,
                                    struct forward_part *part)
{
    struct px_bytes host = forward_value(part, "Host");
    size_t colon = host.len;

    if (part->stage != FORWARD_REQUEST_SENT)
        return FORWARD_PASS;
    while (colon > 0 && host.data[colon - 1] != ':')
        colon--;
    if (colon > 0)
        forward_put(m, part,
                    (size_t)(host.data - part->octets.data) + colon - 1,
                    host.len - colon + 1, (struct px_bytes){0});
    return FORWARD_PASS;
}

/* count[0]: the request is HEAD. */
static enum forward_verdict awaits_body(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = faults_find(part->octets, "HEAD ") == 0;
    return part->stage == FORWARD_RESPONSE_RECEIVED && m->count[0]
               ? FORWARD_HANG
               : FORWARD_PASS;
}

static enum forward_verdict closes_behind(struct fault_memory *m,
                                          struct forward_part *part)
{
    (void)m;
    return part->stage == FORWARD_RESPONSE_END ? FORWARD_BREAK : FORWARD_PASS;
}

/* What the first request named serves for all of the connection; count[0]: how
 * many came. */
static enum forward_verdict first_target(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes target = forward_word(part);

    if (part->stage != FORWARD_REQUEST_RECEIVED)
        return FORWARD_PASS;
    if (m->count[0]++ == 0)
        forward_keep(m, target);
    else
        forward_put(m, part, (size_t)(target.data - part->octets.data),
                    target.len, forward_kept(m));
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-absolute-form-closes",
        .summary = "closes on a request in absolute-form",
        .proves = {REQ_HTTP_TARGET_ACCEPT_ABSOLUTE},
        .on_forward = closes_on_absolute,
    },
    {
        .name = "forward-host-no-port",
        .summary = "leaves the port out of Host",
        .proves = {REQ_HTTP_HOST_PORT},
        .on_forward = no_port,
    },
    {
        .name = "forward-head-awaits-body",
        .summary = "waits for content behind the answer to HEAD",
        .proves = {REQ_HTTP_BODY_HEAD},
        .on_forward = awaits_body,
    },
    {
        .name = "forward-closes-behind-response",
        .summary = "closes behind a response that did not say so",
        .proves = {REQ_HTTP_PERSIST_DEFAULT, REQ_HTTP_PERSIST_UNSUPPORTED},
        .on_forward = closes_behind,
    },
    {
        .name = "forward-first-target",
        .summary = "sends every request of a connection where the first went",
        .proves = {REQ_HTTP_PERSIST_TARGETS},
        .on_forward = first_target,
    },
};

const struct fault_theme forward_exchange_faults = FAULT_THEME(faults);
