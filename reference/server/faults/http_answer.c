/* Faults of the answers that a proxy makes: RFC 9112 sections 2, 4 and 5. */

#include <stdio.h>
#include <string.h>

#include "faults/http.h"

static enum fault_verdict lf_only(struct fault_memory *m, struct action *action)
{
    struct px_bytes *data = &action->send.data;
    size_t kept = 0;

    if (!http_status(action))
        return FAULT_PASS;
    (void)faults_take_action(m, action);
    for (size_t i = 0; i < data->len; i++) {
        if (m->out[i] != '\r')
            m->out[kept++] = m->out[i];
    }
    data->len = kept;
    return FAULT_PASS;
}

static enum fault_verdict no_space(struct fault_memory *m,
                                   struct action *action)
{
    if (http_grants(action))
        http_set_status(m, action, "HTTP/1.1 200");
    return FAULT_PASS;
}

static enum fault_verdict lower_case(struct fault_memory *m,
                                     struct action *action)
{
    if (http_status(action))
        faults_swap(m, action, "HTTP/1.1", "http/1.1");
    return FAULT_PASS;
}

static enum fault_verdict always_10(struct fault_memory *m,
                                    struct action *action)
{
    if (http_status(action))
        faults_swap(m, action, "HTTP/1.1", "HTTP/1.0");
    return FAULT_PASS;
}

static enum fault_verdict note_10(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head))
        m->count[0] = head.line.minor == 0;
    return FAULT_PASS;
}

static enum fault_verdict same_version(struct fault_memory *m,
                                       struct action *action)
{
    return m->count[0] ? always_10(m, action) : FAULT_PASS;
}

static enum fault_verdict two_digits(struct fault_memory *m,
                                     struct action *action)
{
    if (http_refuses(action))
        http_set_status(m, action, "HTTP/1.1 50 Bad Gateway");
    return FAULT_PASS;
}

static enum fault_verdict misdirected(struct fault_memory *m,
                                      struct action *action)
{
    if (http_status(action) == 502)
        http_set_status(m, action, "HTTP/1.1 421 Misdirected Request");
    return FAULT_PASS;
}

static enum fault_verdict not_found(struct fault_memory *m,
                                    struct action *action)
{
    if (http_status(action) == 502)
        http_set_status(m, action, "HTTP/1.1 404 Not Found");
    return FAULT_PASS;
}

static enum fault_verdict upgrade_required(struct fault_memory *m,
                                           struct action *action)
{
    if (http_status(action) == 502)
        http_set_status(m, action, "HTTP/1.1 426 Upgrade Required");
    return FAULT_PASS;
}

static enum fault_verdict fields_are_large(struct fault_memory *m,
                                           struct action *action)
{
    if (http_status(action) == 400)
        http_set_status(m, action,
                        "HTTP/1.1 431 Request Header Fields Too Large");
    return FAULT_PASS;
}

static enum fault_verdict back_soon(struct fault_memory *m,
                                    struct action *action)
{
    if (http_refuses(action))
        http_add_field(m, action, "Retry-After: soon\r\n");
    return FAULT_PASS;
}

static enum fault_verdict switching(struct fault_memory *m,
                                    struct action *action)
{
    if (http_grants(action))
        http_set_status(m, action, "HTTP/1.1 101 Switching Protocols");
    return FAULT_PASS;
}

static enum fault_verdict interim(struct fault_memory *m, struct action *action)
{
    if (http_refuses(action))
        faults_swap(m, action, "HTTP/1.1 ",
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ");
    return FAULT_PASS;
}

static enum fault_verdict bare_cr(struct fault_memory *m, struct action *action)
{
    if (http_status(action))
        http_add_field(m, action, "Proxy-Agent: a\rb\r\n");
    return FAULT_PASS;
}

static enum fault_verdict folded(struct fault_memory *m, struct action *action)
{
    if (http_status(action))
        http_add_field(m, action, "Proxy-Agent: a\r\n b\r\n");
    return FAULT_PASS;
}

static enum fault_verdict colon_space(struct fault_memory *m,
                                      struct action *action)
{
    if (http_status(action))
        http_add_field(m, action, "Proxy-Agent : a\r\n");
    return FAULT_PASS;
}

static enum fault_verdict indented(struct fault_memory *m,
                                   struct action *action)
{
    if (http_status(action))
        http_add_field(m, action, " Proxy-Agent: a\r\n");
    return FAULT_PASS;
}

static enum fault_verdict no_colon(struct fault_memory *m,
                                   struct action *action)
{
    if (http_status(action))
        http_add_field(m, action, "Proxy-Agent\r\n");
    return FAULT_PASS;
}

static enum fault_verdict repeated(struct fault_memory *m,
                                   struct action *action)
{
    if (http_refuses(action))
        http_add_field(m, action, "Content-Type: text/plain\r\n");
    return FAULT_PASS;
}

static enum fault_verdict length_in_200(struct fault_memory *m,
                                        struct action *action)
{
    if (http_grants(action))
        http_add_field(m, action, "Content-Length: 0\r\n");
    return FAULT_PASS;
}

static enum fault_verdict chunked_in_200(struct fault_memory *m,
                                         struct action *action)
{
    if (http_grants(action))
        http_add_field(m, action, "Transfer-Encoding: chunked\r\n");
    return FAULT_PASS;
}

static enum fault_verdict length_in_204(struct fault_memory *m,
                                        struct action *action)
{
    if (http_grants(action))
        http_set_answer(m, action,
                        "HTTP/1.1 204 No Content\r\n"
                        "Content-Length: 0\r\n\r\n");
    return FAULT_PASS;
}

static enum fault_verdict chunked_in_204(struct fault_memory *m,
                                         struct action *action)
{
    if (http_grants(action))
        http_set_answer(m, action,
                        "HTTP/1.1 204 No Content\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");
    return FAULT_PASS;
}

static enum fault_verdict body_in_200(struct fault_memory *m,
                                      struct action *action)
{
    if (http_grants(action))
        http_set_answer(m, action,
                        "HTTP/1.1 200 OK\r\n\r\n<p>The tunnel stands.</p>");
    return FAULT_PASS;
}

static enum fault_verdict both_framings(struct fault_memory *m,
                                        struct action *action)
{
    if (http_refuses(action))
        http_add_field(m, action, "Transfer-Encoding: chunked\r\n");
    return FAULT_PASS;
}

/* Right for HTTP/1.1; a client of HTTP/1.0 knows no chunks. */
static enum fault_verdict chunked(struct fault_memory *m, struct action *action)
{
    char chunk[16];
    size_t body;

    if (!http_refuses(action))
        return FAULT_PASS;
    http_cut_field(m, action, "Content-Length: ");
    body = action->send.data.len - faults_find(action->send.data, "\r\n\r\n") -
           sizeof("\r\n\r\n") + 1;
    (void)snprintf(chunk, sizeof(chunk), "\r\n\r\n%zx\r\n", body);
    faults_swap(m, action, "\r\n\r\n", chunk);
    http_add_field(m, action, "Transfer-Encoding: chunked\r\n");
    faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\r\n0\r\n\r\n"));
    return FAULT_PASS;
}

static enum fault_verdict length_long(struct fault_memory *m,
                                      struct action *action)
{
    if (http_refuses(action))
        faults_swap(m, action, "Content-Length: ", "Content-Length: 9");
    return FAULT_PASS;
}

static enum fault_verdict keep_open(struct fault_memory *m,
                                    struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (m->config.protocol == SESSION_HTTP)
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

/* Nothing tells where the answer ends, and the connection does not. */
static enum fault_verdict unframed(struct fault_memory *m,
                                   struct action *action)
{
    if (http_refuses(action)) {
        http_cut_field(m, action, "Content-Length: ");
        http_cut_field(m, action, "Connection: ");
    }
    return keep_open(m, action);
}

static enum fault_verdict not_announced(struct fault_memory *m,
                                        struct action *action)
{
    if (http_refuses(action))
        http_cut_field(m, action, "Connection: ");
    return FAULT_PASS;
}

/* The connection seems to go on, but nobody reads from it any more. */
static enum fault_verdict stuck(struct fault_memory *m, struct action *action)
{
    (void)not_announced(m, action);
    return keep_open(m, action);
}

static enum fault_verdict no_text(struct fault_memory *m, struct action *action)
{
    if (http_refuses(action)) {
        http_cut_field(m, action, "Content-Length: ");
        http_add_field(m, action, "Content-Length: 0\r\n");
        action->send.data.len =
            faults_find(action->send.data, "\r\n\r\n") + sizeof("\r\n\r\n") - 1;
    }
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-answer-lf",
        .summary = "ends the lines of its answers with LF alone",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .on_action = lf_only,
    },
    {
        .name = "http-answer-no-space",
        .summary = "leaves out the space behind a status without a reason",
        .proves = {REQ_HTTP_STATUS_SP},
        .on_action = no_space,
    },
    {
        .name = "http-answer-lower-case",
        .summary = "writes its version as http/1.1",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .on_action = lower_case,
    },
    {
        .name = "http-answer-10",
        .summary = "answers every request with HTTP/1.0",
        .proves = {REQ_HTTP_VERSION_DOWNGRADE},
        .on_action = always_10,
    },
    {
        .name = "http-answer-same-version",
        .summary = "answers a request of HTTP/1.0 with HTTP/1.0",
        .proves = {REQ_HTTP_VERSION_RESPONSE},
        .on_message = note_10,
        .on_action = same_version,
    },
    {
        .name = "http-answer-two-digits",
        .summary = "tells an error with a status of two digits",
        .proves = {REQ_HTTP_STATUS_SYNTAX},
        .on_action = two_digits,
    },
    {
        .name = "http-answer-421",
        .summary = "answers 421 when it cannot reach the target",
        .proves = {REQ_HTTP_STATUS_NO_421},
        .on_action = misdirected,
    },
    {
        .name = "http-answer-404",
        .summary = "answers 404 when it cannot reach the target",
        .proves = {REQ_HTTP_ERROR_REFUSED, REQ_HTTP_ERROR_DNS},
        .on_action = not_found,
    },
    {
        .name = "http-answer-426",
        .summary = "answers 426 without saying what to upgrade to",
        .proves = {REQ_HTTP_UPGRADE_426_FIELD},
        .on_action = upgrade_required,
    },
    {
        .name = "http-answer-431",
        .summary = "answers what it cannot read with 431",
        .proves = {REQ_HTTP_LIMITS_431},
        .on_action = fields_are_large,
    },
    {
        .name = "http-answer-soon",
        .summary = "says when to come again in words",
        .proves = {REQ_HTTP_ERROR_RETRY_AFTER},
        .on_action = back_soon,
    },
    {
        .name = "http-answer-101",
        .summary = "grants a tunnel with 101, without saying what to",
        .proves = {REQ_HTTP_UPGRADE_101_FIELD},
        .on_action = switching,
    },
    {
        .name = "http-answer-100",
        .summary = "sends 100 ahead of an error, whoever the client is",
        .proves = {REQ_HTTP_INTERIM_HTTP10},
        .on_action = interim,
    },
    {
        .name = "http-answer-bare-cr",
        .summary = "sends a bare CR in a field value",
        .proves = {REQ_HTTP_PARSE_BARE_CR_SEND},
        .on_action = bare_cr,
    },
    {
        .name = "http-answer-folded",
        .summary = "folds a field over two lines",
        .proves = {REQ_HTTP_PARSE_FOLD_SEND},
        .on_action = folded,
    },
    {
        .name = "http-answer-colon-space",
        .summary = "sends a space before a colon",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .on_action = colon_space,
    },
    {
        .name = "http-answer-indented",
        .summary = "indents the first field",
        .proves = {REQ_HTTP_PARSE_SPACE_BEFORE_FIELD_SEND},
        .on_action = indented,
    },
    {
        .name = "http-answer-no-colon",
        .summary = "sends a field without a colon",
        .proves = {REQ_HTTP_PARSE_SENDER_GRAMMAR},
        .on_action = no_colon,
    },
    {
        .name = "http-answer-field-twice",
        .summary = "sends Content-Type twice in an error",
        .proves = {REQ_HTTP_FIELD_NO_REPEAT},
        .on_action = repeated,
    },
    {
        .name = "http-200-content-length",
        .summary = "sends Content-Length in the answer that grants a tunnel",
        .proves = {REQ_HTTP_CONNECT_NO_BODY_2XX},
        .on_action = length_in_200,
    },
    {
        .name = "http-200-chunked",
        .summary = "sends Transfer-Encoding in the answer that grants a tunnel",
        .proves = {REQ_HTTP_CONNECT_NO_BODY_2XX},
        .on_action = chunked_in_200,
    },
    {
        .name = "http-204-content-length",
        .summary = "grants a tunnel with 204 and a Content-Length",
        .proves = {REQ_HTTP_CONNECT_NO_BODY_2XX},
        .on_action = length_in_204,
    },
    {
        .name = "http-204-chunked",
        .summary = "grants a tunnel with 204 and a Transfer-Encoding",
        .proves = {REQ_HTTP_CONNECT_NO_BODY_2XX},
        .on_action = chunked_in_204,
    },
    {
        .name = "http-200-body",
        .summary = "sends a page behind the answer that grants a tunnel",
        .proves = {REQ_HTTP_CONNECT_TUNNEL},
        .on_action = body_in_200,
    },
    {
        .name = "http-error-both-framings",
        .summary = "sends errors with Content-Length and Transfer-Encoding",
        .proves = {REQ_HTTP_FRAMING_SENDER_NOT_BOTH},
        .on_action = both_framings,
    },
    {
        .name = "http-error-chunked",
        .summary = "sends errors in chunks, to clients of HTTP/1.0 as well",
        .proves = {REQ_HTTP_FRAMING_TE_HTTP10_CLIENT},
        .on_action = chunked,
    },
    {
        .name = "http-error-length-long",
        .summary = "announces more octets of an error than it sends",
        .proves = {REQ_HTTP_CONNECT_FAILURE_STATUS},
        .on_action = length_long,
    },
    {
        .name = "http-error-unframed",
        .summary = "does not tell where an error ends, and stays open",
        .proves = {REQ_HTTP_FRAMING_RESPONSE_DELIMITED},
        .on_action = unframed,
    },
    {
        .name = "http-error-not-announced",
        .summary = "closes behind an error that does not say so",
        .proves = {REQ_HTTP_CLOSE_ANNOUNCE},
        .on_action = not_announced,
    },
    {
        .name = "http-error-open",
        .summary = "says that it closes behind an error, and stays open",
        .proves = {REQ_HTTP_CLOSE_AFTER_SENDING},
        .on_action = keep_open,
    },
    {
        .name = "http-error-stuck",
        .summary = "goes on behind an error, and answers nothing any more",
        .proves = {REQ_HTTP_CONNECT_AFTER_FAILURE, REQ_AUTH_PROXY_407_FRAMING},
        .on_action = stuck,
    },
    {
        .name = "http-error-empty",
        .summary = "sends errors without a text",
        .proves = {REQ_HTTP_STATUS_ERROR_CONTENT},
        .on_action = no_text,
    },
};

const struct fault_theme http_answer_faults = FAULT_THEME(faults);
