/*
 * More faults of the octets of the proxy's own answers to CONNECT: RFC 9110
 * section 15, RFC 9112 sections 4 and 5. Each row says what it puts in the
 * place of what.
 */

#include "faults/http.h"

#define END     "\r\n\r\n"
#define INTERIM "HTTP/1.1 103 Early Hints\r\n"
#define DATE    "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT"

static enum fault_verdict in_answer(struct fault_memory *m,
                                    struct action *action)
{
    const struct fault_swap *swap = m->fault->swaps;

    if (!http_status(action))
        return FAULT_PASS;
    for (size_t i = 0; i < FAULT_SWAPS_MAX && swap[i].from; i++)
        faults_swap(m, action, swap[i].from, swap[i].to);
    return FAULT_PASS;
}

static enum fault_verdict in_grant(struct fault_memory *m,
                                   struct action *action)
{
    return http_grants(action) ? in_answer(m, action) : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-200-twice",
        .summary = "sends its 200 to CONNECT twice",
        .proves = {REQ_HTTP_CONNECT_TUNNEL},
        .swaps = {{"", "HTTP/1.1 200 Connection established" END}},
        .on_action = in_grant,
    },
    {
        .name = "http-answer-20",
        .summary = "answers with HTTP/2.0 in the form of HTTP/1.1",
        .proves = {REQ_HTTP_VERSION_DOWNGRADE},
        .swaps = {{"HTTP/1.1", "HTTP/2.0"}},
        .on_action = in_answer,
    },
    {
        .name = "http-answer-four-digits",
        .summary = "pads the status code of its refusals to four digits",
        .proves = {REQ_HTTP_STATUS_SYNTAX},
        .swaps = {{" 502 ", " 0502 "}},
        .on_action = in_answer,
    },
    {
        .name = "http-answer-empty-line",
        .summary = "sends an empty line ahead of its answers",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .swaps = {{"", "\r\n"}},
        .on_action = in_answer,
    },
    {
        .name = "http-answer-field-name",
        .summary = "sends a field whose name has a space in it",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .swaps = {{END, "\r\nProxy agent: 1" END}},
        .on_action = in_grant,
    },
    {
        .name = "http-answer-control",
        .summary = "sends a control character in a field value",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .swaps = {{END, "\r\nVia: 1.1 \aproxy" END}},
        .on_action = in_grant,
    },
    {
        .name = "http-answer-date-twice",
        .summary = "sends Date twice",
        .proves = {REQ_HTTP_FIELD_NO_REPEAT},
        .swaps = {{END, DATE DATE END}},
        .on_action = in_grant,
    },
    {
        .name = "http-interim-always",
        .summary = "sends an interim answer whatever version the client speaks",
        .proves = {REQ_HTTP_INTERIM_HTTP10},
        .swaps = {{"", INTERIM "\r\n"}},
        .on_action = in_grant,
    },
    {
        .name = "http-interim-length",
        .summary = "writes Content-Length into an interim answer",
        .proves = {REQ_HTTP_FRAMING_CL_204},
        .swaps = {{"", INTERIM "Content-Length: 0" END}},
        .on_action = in_grant,
    },
    {
        .name = "http-interim-chunked",
        .summary = "writes Transfer-Encoding into an interim answer",
        .proves = {REQ_HTTP_FRAMING_TE_204},
        .swaps = {{"", INTERIM "Transfer-Encoding: chunked" END}},
        .on_action = in_grant,
    },
    {
        .name = "http-407-syntax",
        .summary = "challenges without an equals sign behind realm",
        .proves = {REQ_AUTH_PROXY_CHALLENGE_SYNTAX},
        .needs_auth = true,
        .swaps = {{"realm=", "realm "}},
        .on_action = in_answer,
    },
};

const struct fault_theme http_octets_faults = FAULT_THEME(faults);
