/* Faults of who a request goes to, of methods and of versions: RFC 9112
 * sections 2.3 and 3, RFC 9110 sections 6.2, 7.2 and 9. */

#include <string.h>

#include "faults/forward.h"

/* Puts the host in Host in the place of the one in an absolute-form. */
static enum forward_verdict host_routes(struct fault_memory *m,
                                        struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t from = faults_find(target, "://") + 3, to = from;
    struct px_bytes host = forward_value(part, "Host");

    if (!forward_is_request(part) || from > target.len || host.len == 0)
        return FORWARD_PASS;
    while (to < target.len && target.data[to] != '/')
        to++;
    forward_keep(m, host);
    forward_put(m, part, (size_t)(target.data - part->octets.data) + from,
                to - from, forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict wants_host(struct fault_memory *m,
                                       struct forward_part *part)
{
    return forward_is_request(part) && forward_has(part, " HTTP/1.0\r\n") &&
                   !forward_value(part, "Host").data
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

/* Methods -------------------------------------------------------------------*/

static enum forward_verdict refuses_head(struct fault_memory *m,
                                         struct forward_part *part)
{
    return forward_is_request(part) && faults_find(part->octets, "HEAD ") == 0
               ? forward_answer(m, part,
                                "HTTP/1.1 405 Method Not Allowed\r\n"
                                "Allow: GET\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n")
               : FORWARD_PASS;
}

static enum forward_verdict get_for_brew(struct fault_memory *m,
                                         struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "BREW /", "GET /");
}

static enum forward_verdict any_case(struct fault_memory *m,
                                     struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED,
                           "get http:", "GET http:");
}

static enum forward_verdict odd_refusal(struct fault_memory *m,
                                        struct forward_part *part)
{
    enum { METHOD_MAX_LEN = 256 };

    return forward_is_request(part) &&
                   faults_find(part->octets, " ") > METHOD_MAX_LEN
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

/* count[0]: the request is HEAD. */
static enum forward_verdict no_length(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (forward_is_request(part))
        m->count[0] = faults_find(part->octets, "HEAD ") == 0;
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        (void)forward_cut(m, part, "Content-Length");
    return FORWARD_PASS;
}

/* Versions ------------------------------------------------------------------*/

static enum forward_verdict copies_minor(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[0] = faults_find(part->octets, "HTTP/1.0 ") == 0;
    else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0])
        forward_swap(m, part, "HTTP/1.1 ", "HTTP/1.0 ");
    return FORWARD_PASS;
}

static enum forward_verdict only_known_minors(struct fault_memory *m,
                                              struct forward_part *part)
{
    return part->stage == FORWARD_RESPONSE_RECEIVED &&
                   faults_find(part->octets, "HTTP/1.0 ") > 0 &&
                   faults_find(part->octets, "HTTP/1.1 ") > 0
               ? forward_answer(m, part, FORWARD_REFUSAL("502 Bad Gateway"))
               : FORWARD_PASS;
}

/* count[0]: the version is to be as it came. */
static enum forward_verdict two_digits(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (forward_is_request(part)) {
        m->count[0] = forward_has(part, " HTTP/1.10\r\n");
        forward_swap(m, part, " HTTP/1.10\r\n", " HTTP/1.1\r\n");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_swap(m, part, " HTTP/1.1\r\n", " HTTP/1.10\r\n");
    }
    return FORWARD_PASS;
}

/* count[0]: the request has no version. */
static enum forward_verdict serves_09(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (forward_is_request(part)) {
        m->count[0] = !forward_has(part, " HTTP/") &&
                      faults_find(part->octets, "GET http:") == 0;
        if (m->count[0])
            forward_swap(m, part, "\r\n", " HTTP/1.0\r\n\r\n");
    }
    return part->stage == FORWARD_RESPONSE_SENT && m->count[0] ? FORWARD_SKIP
                                                               : FORWARD_PASS;
}

/* A tab is taken for a space, and sent on. */
static enum forward_verdict tab_in_line(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (forward_is_request(part)) {
        m->count[0] = faults_find(part->octets, "GET\thttp:") == 0;
        forward_swap(m, part, "GET\thttp:", "GET http:");
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        forward_swap(m, part, "GET /", "GET\t/");
    }
    return FORWARD_PASS;
}

static enum forward_verdict control_in_target(struct fault_memory *m,
                                              struct forward_part *part)
{
    (void)forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED, "/a\001b ",
                          "/a%01b ");
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "/a%01b ",
                           "/a\001b ");
}

static const struct fault faults[] = {
    FORWARD_FAULT("host-routes", "sends requests where Host says", host_routes,
                  REQ_HTTP_HOST_ROUTE_BY_TARGET),
    FORWARD_FAULT("host-of-10", "asks HTTP/1.0 for a Host", wants_host,
                  REQ_HTTP_HOST_HTTP10),
    FORWARD_FAULT("head-refused", "refuses HEAD", refuses_head,
                  REQ_HTTP_METHOD_GET_HEAD),
    FORWARD_FAULT("get-for-brew",
                  "asks for GET in the place of what it does not know",
                  get_for_brew, REQ_HTTP_METHOD_UNKNOWN),
    FORWARD_FAULT("method-any-case", "takes get for GET", any_case,
                  REQ_HTTP_METHOD_CASE),
    FORWARD_FAULT("method-400", "answers long methods with 400", odd_refusal,
                  REQ_HTTP_METHOD_TOO_LONG),
    FORWARD_FAULT("head-no-length",
                  "leaves the length out of responses to HEAD", no_length,
                  REQ_HTTP_METHOD_HEAD_FIELDS),
    FORWARD_FAULT("version-of-origin",
                  "passes the version of HTTP/1.0 origins on", copies_minor,
                  REQ_HTTP_VERSION_OWN),
    FORWARD_FAULT("minor-refused",
                  "refuses responses of another version than 1.0 and 1.1",
                  only_known_minors, REQ_HTTP_VERSION_MINOR),
    FORWARD_FAULT("version-two-digits",
                  "takes HTTP/1.10 for HTTP/1.1, and sends it on", two_digits,
                  REQ_HTTP_VERSION_SYNTAX),
    FORWARD_FAULT("http09", "serves HTTP/0.9", serves_09, REQ_HTTP_LINE_HTTP09),
    FORWARD_FAULT("tab-in-line",
                  "takes a tab in a request-line, and sends it on", tab_in_line,
                  REQ_HTTP_PARSE_SENDER_GRAMMAR),
    FORWARD_FAULT("control-in-target",
                  "sends a control character in a target on", control_in_target,
                  REQ_HTTP_LINE_INVALID),
};

const struct fault_theme forward_line_faults = FAULT_THEME(faults);
