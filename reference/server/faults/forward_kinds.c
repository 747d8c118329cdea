/*
 * Faults of reading that show in messages of one kind: oddities and framing
 * that are refused elsewhere are taken, or passed on, where the method, the
 * version or the status is a certain one. RFC 9112 sections 2.2, 5 and 6.
 */

#include <string.h>

#include "faults/forward.h"

/* The rows' texts: what is read as what; what of it goes on as what; and what
 * stands in the start-line of the messages that are taken so. */
enum { READ, SHOWN, KIND };

static bool is_of_kind(const struct fault_memory *m,
                       const struct forward_part *part)
{
    struct px_bytes line =
        px_bytes_of(part->octets.data, faults_find(part->octets, "\r\n") + 2);

    return line.len <= part->octets.len &&
           faults_find(line, m->fault->swaps[KIND].from) < line.len;
}

static void apply(struct fault_memory *m, struct forward_part *part, size_t i)
{
    const struct fault_swap *swap = &m->fault->swaps[i];

    if (swap->from && swap->from[0])
        forward_swap(m, part, swap->from, swap->to);
}

/* count[0]: this request is of the kind. */
static enum forward_verdict request(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->count[0] = is_of_kind(m, part);
        if (m->count[0])
            apply(m, part, READ);
    } else if (part->stage == FORWARD_REQUEST_SENT && m->count[0]) {
        apply(m, part, SHOWN);
    }
    return FORWARD_PASS;
}

static enum forward_verdict response(struct fault_memory *m,
                                     struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_RECEIVED) {
        m->count[0] = is_of_kind(m, part);
        if (m->count[0])
            apply(m, part, READ);
    } else if (part->stage == FORWARD_RESPONSE_SENT && m->count[0]) {
        apply(m, part, SHOWN);
    }
    return FORWARD_PASS;
}

static enum forward_verdict refuses_last_port(struct fault_memory *m,
                                              struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED &&
                   forward_has(part, ":65535/")
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

#define OF_KIND(id, what, hook, read, as, shown, back, kind, ...)              \
    {                                                                          \
        .name = "forward-kinds-" id, .summary = what, .proves = {__VA_ARGS__}, \
        .swaps = {{read, as}, {shown, back}, {kind, ""}}, .on_forward = hook,  \
    }

static const struct fault faults[] = {
    OF_KIND("space-of-delete", "passes a space before a colon of DELETE on",
            request, "X-Odd : a", "X-Odd_: a", "X-Odd_: a", "X-Odd : a",
            "DELETE ", REQ_HTTP_PARSE_COLON_SPACE_REQUEST),
    OF_KIND("cr-of-older", "passes a bare CR of HTTP/1.0 on", request, "a\rb",
            "a_b", "a_b", "a\rb", " HTTP/1.0\r\n",
            REQ_HTTP_PARSE_BARE_CR_RECEIVE),
    OF_KIND("fold-of-options", "passes folded lines of OPTIONS on", request,
            "a\r\n b", "a__ b", "a__ b", "a\r\n b", "OPTIONS ",
            REQ_HTTP_PARSE_FOLD_REQUEST),
    OF_KIND("sign-of-put", "reads a length with a sign in PUT", request,
            "Content-Length: +5", "Content-Length: 5", "", "", "PUT ",
            REQ_HTTP_FRAMING_CL_INVALID_REQUEST),
    OF_KIND("lengths-of-delete", "takes the first of two lengths of DELETE",
            request, "Content-Length: 6\r\n", "", "", "", "DELETE ",
            REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST),
    OF_KIND("last-of-options",
            "takes chunked before another coding for the "
            "last one of OPTIONS",
            request, "chunked, gzip", "chunked", "", "", "OPTIONS ",
            REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL),
    OF_KIND("coding-of-patch", "skips codings unknown to it in PATCH", request,
            "foo, chunked", "chunked", "", "", "PATCH ",
            REQ_HTTP_FRAMING_TE_UNKNOWN),
    OF_KIND("coding-of-get", "finds chunked within other words in GET", request,
            "xchunked", "chunked", "", "", "GET ",
            REQ_HTTP_FRAMING_TE_OBFUSCATED),
    OF_KIND("lines-of-put", "reads one line of Transfer-Encoding in PUT",
            request,
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\n", "", "", "PUT ",
            REQ_HTTP_FRAMING_TE_LINES),
    OF_KIND("fold-of-404", "passes folded lines of a 404 on", response,
            "a\r\n b", "a__ b", "a__ b", "a\r\n b", " 404 ",
            REQ_HTTP_PARSE_FOLD_RESPONSE),
    OF_KIND("cr-of-500", "passes a bare CR of a 500 on", response, "a\rb",
            "a_b", "a_b", "a\rb", " 500 ", REQ_HTTP_PARSE_BARE_CR_RECEIVE),
    OF_KIND("space-of-interim",
            "passes a space before a colon of interim responses on", response,
            "X-Odd : a", "X-Odd_: a", "X-Odd_: a", "X-Odd : a", " 103 ",
            REQ_HTTP_PARSE_COLON_SPACE_RESPONSE),
    OF_KIND("sign-of-401", "passes a length with a sign of a 401 on", response,
            "Content-Length: +7", "Content-Length: 7", "Content-Length: 7",
            "Content-Length: +7", " 401 ",
            REQ_HTTP_FRAMING_CL_INVALID_RESPONSE),
    OF_KIND("port-unread", "takes port 80 for one that it cannot read", request,
            ":80x/", "/", "", "", "GET ", REQ_HTTP_TARGET_PORT_RANGE),
    FORWARD_FAULT("kinds-last-port", "refuses port 65535", refuses_last_port,
                  REQ_HTTP_TARGET_ACCEPT_ABSOLUTE),
};

const struct fault_theme forward_kinds_faults = FAULT_THEME(faults);
