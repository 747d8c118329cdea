/* Faults of trailers: RFC 9112 section 7.1.2, RFC 9110 section 6.5. */

#include <string.h>

#include "faults/forward.h"

/* The trailers that event brings, behind its last chunk, with their CRLFs. */
static struct px_bytes trailers_of(const struct event *event)
{
    static const char last[] = "\r\n0\r\n";
    size_t at = faults_find(event->data, last) + strlen(last), end;
    struct px_bytes rest;

    if (at >= event->data.len)
        return (struct px_bytes){0};
    rest = px_bytes_of(event->data.data + at, event->data.len - at);
    end = faults_find(rest, "\r\n\r\n");
    return end < rest.len ? px_bytes_of(rest.data, end + strlen("\r\n"))
                          : (struct px_bytes){0};
}

/* Keeps the trailers of what comes next. */
static enum fault_verdict keep(struct fault_memory *m, struct event *event)
{
    if (event->kind == EVENT_CLIENT_DATA || event->kind == EVENT_UPSTREAM_DATA)
        forward_keep(m, trailers_of(event));
    return FAULT_PASS;
}

/* Adds them to the head, before its blank line. */
static void merge(struct fault_memory *m, struct forward_part *part)
{
    forward_put(m, part, part->octets.len - strlen("\r\n"), 0, forward_kept(m));
    m->kept_len = 0;
}

static enum forward_verdict merges(struct fault_memory *m,
                                   struct forward_part *part)
{
    if ((part->stage == FORWARD_REQUEST_SENT ||
         part->stage == FORWARD_RESPONSE_SENT) &&
        m->kept_len)
        merge(m, part);
    return FORWARD_PASS;
}

static enum forward_verdict obeys(struct fault_memory *m,
                                  struct forward_part *part)
{
    struct px_bytes kept = forward_kept(m);

    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        (faults_find(kept, "Proxy-Authorization:") < kept.len ||
         faults_find(kept, "Connection:") < kept.len))
        merge(m, part);
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    {
        .name = "forward-merges-trailers",
        .summary = "makes trailers fields of the head",
        .proves = {REQ_HTTP_TRAILER_NO_MERGE, REQ_HTTP_TRAILER_SEPARATE},
        .on_event = keep,
        .on_forward = merges,
    },
    {
        .name = "forward-obeys-trailers",
        .summary = "lets trailers tell credentials, and the connection's end",
        .proves = {REQ_HTTP_TRAILER_LATE_CONTROL},
        .on_event = keep,
        .on_forward = obeys,
    },
    {
        .name = "forward-trailer-credentials",
        .summary = "takes credentials from trailers",
        .proves = {REQ_HTTP_TRAILER_LATE_CONTROL},
        .needs_auth = true,
        .on_event = keep,
        .on_forward = obeys,
    },
};

const struct fault_theme forward_trailer_faults = FAULT_THEME(faults);
