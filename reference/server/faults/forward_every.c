/*
 * Faults that show in one kind of message only: of one method, version, status
 * or framing, or behind another message of the same connection. RFC 9110
 * sections 7.2 and 7.6, RFC 9112 sections 3.2 and 9.3.
 */

#include "faults/forward.h"

static bool begins(const struct forward_part *part, const char *text)
{
    return faults_find(part->octets, text) == 0;
}

/* Requests of one method ---------------------------------------------------*/

/* The method and the space behind it are the row's first text. */
static bool is_of_method(const struct fault_memory *m,
                         const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_SENT &&
           begins(part, m->fault->swaps[0].from);
}

static enum forward_verdict no_via_of_method(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (is_of_method(m, part))
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

static enum forward_verdict other_host_of_method(struct fault_memory *m,
                                                 struct forward_part *part)
{
    if (is_of_method(m, part))
        forward_set_value(m, part, "Host", PX_LITERAL("elsewhere.example"));
    return FORWARD_PASS;
}

static enum forward_verdict no_mark_of_method(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (is_of_method(m, part))
        forward_cut_all(m, part, "X-Mark");
    return FORWARD_PASS;
}

/* Requests of another version, or with close -------------------------------*/

/* count[0]: the request came with the row's first text. */
static bool came_with(struct fault_memory *m, const struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_has(part, m->fault->swaps[0].from);
    return part->stage == FORWARD_REQUEST_SENT && m->count[0];
}

static enum forward_verdict no_via_with(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (came_with(m, part))
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

static enum forward_verdict no_authorization_with(struct fault_memory *m,
                                                  struct forward_part *part)
{
    if (came_with(m, part))
        forward_cut_all(m, part, "Authorization");
    return FORWARD_PASS;
}

/* Other addresses than those of IPv4
 * -----------------------------------------*/

/* An authority that begins with a digit is taken for such an address. */
static enum forward_verdict host_of_no_ipv4(struct fault_memory *m,
                                            struct forward_part *part)
{
    struct px_bytes host = forward_value(part, "Host");

    if (part->stage == FORWARD_REQUEST_SENT && host.len > 0 &&
        !(host.data[0] >= '0' && host.data[0] <= '9'))
        forward_set_value(m, part, "Host", PX_LITERAL("elsewhere.example"));
    return FORWARD_PASS;
}

/* Behind the first exchange of a connection
 * ------------------------------------*/

static enum forward_verdict host_behind_first(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT && m->count[0]++ > 0)
        forward_set_value(m, part, "Host", PX_LITERAL("elsewhere.example"));
    return FORWARD_PASS;
}

/* count[0]: exchanges so far. */
static enum forward_verdict response_behind_first(struct fault_memory *m,
                                                  struct forward_part *part)
{
    m->count[0] += part->stage == FORWARD_REQUEST_SENT;
    if (part->stage == FORWARD_RESPONSE_SENT && m->count[0] > 1)
        forward_cut_all(m, part, "X-Mark");
    return FORWARD_PASS;
}

/* count[0]: the minor version of this request, count[1]: of the one before. */
static enum forward_verdict version_of_one_before(struct fault_memory *m,
                                                  struct forward_part *part)
{
    enum { OLDER = 1, NEWER = 2 };

    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->count[1] = m->count[0];
        m->count[0] = forward_has(part, " HTTP/1.0\r\n") ? OLDER : NEWER;
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[1] == OLDER) {
        forward_swap(m, part, "Via: 1.1 ", "Via: 1.0 ");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[1] == NEWER) {
        forward_swap(m, part, "Via: 1.0 ", "Via: 1.1 ");
    }
    return FORWARD_PASS;
}

/* Fields of one kind of message
 * ------------------------------------------------*/

static enum forward_verdict no_condition_of_head(struct fault_memory *m,
                                                 struct forward_part *part)
{
    if (is_of_method(m, part))
        forward_cut_all(m, part, "If-None-Match");
    return FORWARD_PASS;
}

static enum forward_verdict no_coding_of_chunks(struct fault_memory *m,
                                                struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_value(part, "Transfer-Encoding").data)
        forward_cut_all(m, part, "Content-Encoding");
    return FORWARD_PASS;
}

static enum forward_verdict no_retry_but_on_503(struct fault_memory *m,
                                                struct forward_part *part)
{
    enum { UNAVAILABLE = 503 };

    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 300 &&
        part->status != UNAVAILABLE)
        forward_cut_all(m, part, "Retry-After");
    return FORWARD_PASS;
}

/* Responses
 * --------------------------------------------------------------------*/

static enum forward_verdict no_via_but_on_200(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 200 &&
        part->status != 200)
        (void)forward_cut_last(m, part, "Via");
    return FORWARD_PASS;
}

/* What came as X-Hop is hidden from the session under another name. */
static enum forward_verdict keeps_hop_unless_length(struct fault_memory *m,
                                                    struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED &&
        !forward_value(part, "Content-Length").data)
        forward_rename(m, part, "X-Hop", "X-Hep");
    else if (part->stage == FORWARD_RESPONSE_SENT)
        forward_rename(m, part, "X-Hep", "X-Hop");
    return FORWARD_PASS;
}

static enum forward_verdict interim_without_mark(struct fault_memory *m,
                                                 struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status < 200)
        forward_cut_all(m, part, "X-Mark");
    return FORWARD_PASS;
}

#define OF_METHOD(id, method, what, hook, ...)                                 \
    {                                                                          \
        .name = "forward-every-" id, .summary = what, .proves = {__VA_ARGS__}, \
        .swaps = {{method, ""}}, .on_forward = hook,                           \
    }

static const struct fault faults[] = {
    OF_METHOD("head", "HEAD ", "adds no Via to HEAD", no_via_of_method,
              REQ_HTTP_VIA_APPEND),
    OF_METHOD("post", "POST ", "adds no Via to POST", no_via_of_method,
              REQ_HTTP_VIA_APPEND),
    OF_METHOD("put", "PUT ", "sends another Host with PUT",
              other_host_of_method, REQ_HTTP_HOST_REWRITE),
    OF_METHOD("patch", "PATCH ", "sends another Host with PATCH",
              other_host_of_method, REQ_HTTP_HOST_REWRITE),
    OF_METHOD("delete", "DELETE ", "leaves X-Mark out of DELETE",
              no_mark_of_method, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    OF_METHOD("options", "OPTIONS ", "leaves X-Mark out of OPTIONS",
              no_mark_of_method, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    OF_METHOD("propfind", "PROPFIND ", "adds no Via to PROPFIND",
              no_via_of_method, REQ_HTTP_VIA_APPEND),
    OF_METHOD("older", " HTTP/1.0\r\n", "adds no Via to requests of HTTP/1.0",
              no_via_with, REQ_HTTP_VIA_APPEND),
    OF_METHOD("newer", " HTTP/1.2\r\n",
              "leaves Authorization out of requests of HTTP/1.2",
              no_authorization_with, REQ_AUTH_PROXY_AUTHORIZATION_UNTOUCHED),
    OF_METHOD("close", "Connection: close\r\n",
              "leaves Authorization out of requests with close",
              no_authorization_with, REQ_AUTH_PROXY_AUTHORIZATION_UNTOUCHED),
    FORWARD_FAULT("every-not-ipv4",
                  "sends another Host where it is no address "
                  "of IPv4",
                  host_of_no_ipv4, REQ_HTTP_HOST_REWRITE),
    FORWARD_FAULT("every-behind-first",
                  "sends another Host behind the first request of a connection",
                  host_behind_first, REQ_HTTP_HOST_REWRITE),
    FORWARD_FAULT("every-answer-behind-first",
                  "leaves X-Mark out of responses behind the first of a "
                  "connection",
                  response_behind_first, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("every-version-before",
                  "tells in Via the version of the request before",
                  version_of_one_before, REQ_HTTP_VIA_VERSION),
    OF_METHOD("head-condition", "HEAD ", "leaves If-None-Match out of HEAD",
              no_condition_of_head, REQ_HTTP_COND_FORWARD),
    FORWARD_FAULT("every-chunked-coding",
                  "leaves Content-Encoding out of chunked responses",
                  no_coding_of_chunks, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("every-retry",
                  "leaves Retry-After out of errors other than 503",
                  no_retry_but_on_503, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("every-not-200", "adds Via to responses of 200 alone",
                  no_via_but_on_200, REQ_HTTP_VIA_APPEND_RESPONSE),
    FORWARD_FAULT("every-no-length",
                  "keeps X-Hop of responses without a length, though listed",
                  keeps_hop_unless_length, REQ_HTTP_CONNECTION_LISTED_REMOVED),
    FORWARD_FAULT("every-interim", "leaves X-Mark out of interim responses",
                  interim_without_mark, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
};

const struct fault_theme forward_every_faults = FAULT_THEME(faults);
