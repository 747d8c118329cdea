/* Faults of TE, trailers and Upgrade: RFC 9110 sections 6.5.1 and 7.8, RFC 9112
 * section 7.4. */

#include "faults/forward.h"

static const char hidden[] = "X-Hidden-Upgrade";

/* Transfer codings and trailers ---------------------------------------------*/

/* What the session decodes is told to the client as it came. */
static enum forward_verdict keeps_coding(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes coding = forward_value(part, "Transfer-Encoding");

    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        forward_keep(m, coding);
        if (coding.len)
            forward_set_value(m, part, "Transfer-Encoding",
                              PX_LITERAL("chunked"));
    } else if (part->stage == FORWARD_RESPONSE_SENT && coding.len) {
        forward_set_value(m, part, "Transfer-Encoding", forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict claims_trailers(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT)
        forward_add(m, part, "TE: trailers\r\nConnection: TE\r\n");
    if (part->stage == FORWARD_RESPONSE_BODY)
        forward_swap(m, part, "X-T: 1\r\n", "");
    return FORWARD_PASS;
}

/* Switching -----------------------------------------------------------------*/

/* The session does not see that the request offers another protocol. */
static void pass_offer(struct fault_memory *m, struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_rename(m, part, "Upgrade", hidden);
    } else if (part->stage == FORWARD_REQUEST_SENT &&
               forward_value(part, hidden).data) {
        forward_rename(m, part, hidden, "Upgrade");
        forward_add(m, part, "Connection: Upgrade\r\n");
    }
}

static bool is_switch(const struct forward_part *part)
{
    return part->stage == FORWARD_RESPONSE_RECEIVED && part->status == 101;
}

static enum forward_verdict ends_behind(struct fault_memory *m,
                                        struct forward_part *part)
{
    pass_offer(m, part);
    return is_switch(part) ? FORWARD_ANSWER : FORWARD_PASS;
}

static enum forward_verdict names_nothing(struct fault_memory *m,
                                          struct forward_part *part)
{
    pass_offer(m, part);
    if (!is_switch(part))
        return FORWARD_PASS;
    forward_cut_all(m, part, "Upgrade");
    return FORWARD_ANSWER;
}

static enum forward_verdict skips_100(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status == 100)
        return FORWARD_SKIP;
    return ends_behind(m, part);
}

static enum forward_verdict exact_case(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes offer = forward_value(part, "Upgrade");

    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        faults_find(offer, "websocket") == offer.len)
        return FORWARD_PASS;
    return ends_behind(m, part);
}

/* As if it were any other answer. */
static enum forward_verdict goes_on(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (is_switch(part))
        forward_set(m, part, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return FORWARD_PASS;
}

/* count[0]: the request offered a protocol: what the client sends from here on
 * is not looked at. */
static enum forward_verdict notes_offer(struct fault_memory *m,
                                        struct forward_part *part)
{
    pass_offer(m, part);
    if (part->stage == FORWARD_REQUEST_SENT)
        m->count[0] = forward_value(part, "Upgrade").len > 0;
    return FORWARD_PASS;
}

static enum forward_verdict uncoded_offer(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_value(part, "Upgrade").len > 0;
    if (part->stage == FORWARD_REQUEST_SENT && m->count[0] &&
        forward_cut(m, part, "Transfer-Encoding"))
        forward_add(m, part, "Content-Length: 0\r\n");
    return FORWARD_PASS;
}

static enum fault_verdict sends_blindly(struct fault_memory *m,
                                        struct event *event)
{
    if (event->kind != EVENT_CLIENT_DATA || !m->count[0])
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_UPSTREAM, event->data);
    return FAULT_DROP;
}

static const struct fault faults[] = {
    {
        .name = "forward-coding-kept",
        .summary = "names the codings of a response that it has decoded",
        .proves = {REQ_HTTP_TE_CODING_UNASKED},
        .on_forward = keeps_coding,
    },
    {
        .name = "forward-trailers-claimed",
        .summary = "says that trailers are welcome, and loses them",
        .proves = {REQ_HTTP_TE_TRAILERS_CLAIM},
        .on_forward = claims_trailers,
    },
    {
        .name = "forward-upgrade-ends",
        .summary = "passes offers of Upgrade and a 101 on, and then closes",
        .proves = {REQ_HTTP_UPGRADE_RELAY, REQ_HTTP_UPGRADE_HTTP10},
        .on_forward = ends_behind,
    },
    {
        .name = "forward-upgrade-unnamed",
        .summary = "passes a 101 on without its Upgrade",
        .proves = {REQ_HTTP_UPGRADE_101_FIELD},
        .on_forward = names_nothing,
    },
    {
        .name = "forward-upgrade-no-100",
        .summary = "passes a 101 on but not the 100 before it",
        .proves = {REQ_HTTP_UPGRADE_WITH_EXPECT},
        .on_forward = skips_100,
    },
    {
        .name = "forward-upgrade-blind",
        .summary = "passes all on behind an offer of Upgrade, whatever the "
                   "origin says to it",
        .proves = {REQ_HTTP_PERSIST_TARGETS},
        .on_event = sends_blindly,
        .on_forward = notes_offer,
    },
    {
        .name = "forward-upgrade-uncoded",
        .summary = "says that chunks behind an offer of Upgrade are no content",
        .proves = {REQ_HTTP_FRAMING_CL_EXACT},
        .on_forward = uncoded_offer,
    },
    {
        .name = "forward-upgrade-exact-case",
        .summary = "passes an offer on only when it is spelt as it knows it",
        .proves = {REQ_HTTP_UPGRADE_CASE},
        .on_forward = exact_case,
    },
    {
        .name = "forward-upgrade-unrequested",
        .summary = "goes on with a connection whose origin switched",
        .proves = {REQ_HTTP_UPGRADE_UNREQUESTED_101},
        .on_forward = goes_on,
    },
};

const struct fault_theme forward_upgrade_faults = FAULT_THEME(faults);
