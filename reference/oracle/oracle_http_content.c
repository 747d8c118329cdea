/*
 * Judges what a client says of content and framing, and the fields that a
 * client leaves out: RFC 9112 section 6, RFC 9110 sections 8.6, 9.3, 10.1.
 */

#include "oracle_internal.h"

#include <string.h>

static void accuse(struct oracle *o, enum requirement req, uint64_t at,
                   const char *what)
{
    oracle_accuse(o, req, SIDE_CLIENT, at, "%s", what);
}

static bool is_method(const struct http1_request_head *head, const char *name)
{
    return px_equal(head->line.method, px_bytes_of(name, strlen(name)));
}

/* Both fields, or codings that no request has (RFC 9112 sections 6.1, 6.2). */
static void judge_codings(struct oracle *o, uint32_t defects, uint64_t at)
{
    if (defects & HTTP1_CODING_AND_LENGTH)
        accuse(o, REQ_HTTP_FRAMING_SENDER_NOT_BOTH, at,
               "both Content-Length and Transfer-Encoding");
    if (defects & HTTP1_CHUNKED_TWICE)
        accuse(o, REQ_HTTP_FRAMING_CHUNKED_ONCE, at,
               "chunked is applied more than once");
    if (defects & (HTTP1_CHUNKED_MISSING | HTTP1_CHUNKED_NOT_LAST))
        accuse(o, REQ_HTTP_FRAMING_CHUNKED_LAST_REQUEST, at,
               "a request whose last transfer coding is not chunked");
}

/* RFC 9110 section 8.6: Content-Length is one number. */
static void judge_length(struct oracle *o, uint32_t defects, uint64_t at)
{
    if (defects & (HTTP1_LENGTH_INVALID | HTTP1_LENGTH_CONFLICT))
        accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, at,
               "a Content-Length that is not one decimal number");
}

/* A CONNECT has no content, whatever its fields say. */
static void judge_connect(struct oracle *o, bool has_coding,
                          const struct http1_field *length, uint64_t at,
                          struct http_request *out)
{
    bool is_empty =
        length && !has_coding && px_equal(length->value, PX_LITERAL("0"));

    if (!length && !has_coding)
        return;
    out->has_body_fields = !is_empty;
    if (is_empty)
        oracle_contest(o, REQ_HTTP_CONNECT_REQUEST_BODY, SIDE_CLIENT, at,
                       "Content-Length: 0 with CONNECT");
    else
        accuse(o, REQ_HTTP_CONNECT_REQUEST_BODY, at,
               "CONNECT has no content, yet framing fields are sent");
}

/* Methods and the content that goes with them (RFC 9110 section 9.3). */
static void judge_method(struct oracle *o,
                         const struct http1_request_head *head, bool is_framed,
                         uint64_t at, const struct http_request *out)
{
    bool expects_none = is_method(head, "GET") || is_method(head, "HEAD");

    if ((expects_none || is_method(head, "DELETE")) && out->has_content)
        accuse(o, REQ_HTTP_METHOD_CLIENT_GET_CONTENT, at,
               "content with GET, HEAD or DELETE");
    if (expects_none && is_framed && !out->has_content && out->defects == 0)
        accuse(o, REQ_HTTP_FRAMING_CLIENT_NO_CL_GET, at,
               "Content-Length: 0 with GET or HEAD");
    if ((is_method(head, "POST") || is_method(head, "PUT")) && !is_framed)
        accuse(o, REQ_HTTP_FRAMING_CLIENT_EMPTY_POST, at,
               "POST or PUT without Content-Length");
    if (is_method(head, "TRACE") && out->has_content)
        accuse(o, REQ_HTTP_TRACE_CLIENT_NO_CONTENT, at, "content with TRACE");
    if (is_method(head, "TRACE") &&
        (http1_find(&head->fields, "Cookie") ||
         http1_find(&head->fields, "Authorization")))
        accuse(o, REQ_HTTP_TRACE_CLIENT_NO_SECRETS, at,
               "Cookie or Authorization with TRACE");
    if (is_method(head, "OPTIONS") && out->has_content &&
        !http1_find(&head->fields, "Content-Type"))
        accuse(o, REQ_HTTP_OPTIONS_CLIENT_TYPE, at,
               "OPTIONS with content and no Content-Type");
}

/* RFC 9110 section 10.1.3. */
static void judge_referer(struct oracle *o,
                          const struct http1_request_head *head, uint64_t at)
{
    const struct http1_field *referer = http1_find(&head->fields, "Referer");
    bool is_absolute;

    if (!referer)
        return;
    is_absolute = http_is_absolute(referer->value);
    if (http_has_octet(referer->value, '#') ||
        (is_absolute && http_has_octet(http_authority_of(referer->value), '@')))
        accuse(o, REQ_HTTP_FIELD_CLIENT_REFERER, at,
               "a fragment or user information in Referer");
    else if (http_begins(referer->value, PX_LITERAL("https:")) &&
             http_begins(head->line.target, PX_LITERAL("http:")))
        accuse(o, REQ_HTTP_FIELD_CLIENT_REFERER, at,
               "the Referer of a secure page in an unsecured request");
}

/* Fields that go with the connection, or better did not. */
static void judge_hop(struct oracle *o, const struct http1_request_head *head,
                      uint64_t at, struct http_request *out)
{
    const struct http1_fields *fields = &head->fields;

    out->has_te = http1_find(fields, "TE") != NULL;
    out->has_keep_alive = http1_lists(fields, "Connection", "keep-alive") ||
                          http1_lists(fields, "Proxy-Connection", "keep-alive");
    if (http1_find(fields, "Keep-Alive") &&
        !http1_lists(fields, "Connection", "Keep-Alive"))
        accuse(o, REQ_HTTP_CONNECTION_SENDER_LIST, at,
               "Keep-Alive without its name in Connection");
    if (http1_find(fields, "Proxy-Connection"))
        accuse(o, REQ_HTTP_CONNECTION_CLIENT_PROXY_CONNECTION, at,
               "Proxy-Connection is sent");
    if (out->is_http10 && http1_lists(fields, "Connection", "keep-alive"))
        accuse(o, REQ_HTTP_CONNECTION_CLIENT_KEEP_ALIVE, at,
               "HTTP/1.0 with Connection: keep-alive to a proxy");
}

/* The protocols that the client offers to switch to. */
static void note_upgrades(const struct http1_fields *fields,
                          struct http_request *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes list = fields->at[i].value;
        struct px_bytes member;

        if (!px_equal_nocase(fields->at[i].name, PX_LITERAL("Upgrade")))
            continue;
        while (http1_next_member(&list, &member)) {
            if (out->upgrade_count < HTTP_UPGRADES_MAX)
                out->upgrades[out->upgrade_count] = http_digest(member);
            out->upgrade_count++;
        }
    }
}

/* RFC 9112 section 9.3.2: not past a request that may not be repeated. */
static void judge_pipelining(struct oracle *o, uint64_t at)
{
    const struct http_dialogue *h = &o->u.http;

    for (size_t i = 0; i < h->outstanding_count; i++) {
        if (h->outstanding[i].is_repeat_unsafe)
            accuse(o, REQ_HTTP_PIPELINE_CLIENT_NON_IDEMPOTENT, at,
                   "a request behind a POST or PATCH without an answer");
    }
}

/*
 * The retired coding alone: older specifications took it for no coding at all,
 * so readers differ on what the request is.
 */
static bool is_identity(const struct http1_fields *fields)
{
    const struct http1_field *coding = http1_find(fields, "Transfer-Encoding");

    return coding && px_equal_nocase(coding->value, PX_LITERAL("identity"));
}

void http_judge_content(struct oracle *o, const struct http1_request_head *head,
                        uint64_t at, struct http_request *out)
{
    const struct http1_framing framing = http1_request_framing(head);
    const struct http1_field *length =
        http1_find(&head->fields, "Content-Length");
    bool has_coding = http1_find(&head->fields, "Transfer-Encoding") != NULL;
    bool is_framed = length || has_coding;

    out->defects = framing.defects;
    if (is_identity(&head->fields))
        out->defects &=
            ~(uint32_t)(HTTP1_CODING_UNKNOWN | HTTP1_CHUNKED_MISSING |
                        HTTP1_CHUNKED_NOT_LAST);
    out->has_content =
        framing.body == HTTP1_BODY_CHUNKED ||
        (framing.body == HTTP1_BODY_LENGTH && framing.length > 0);
    out->is_local = is_method(head, "OPTIONS") || is_method(head, "TRACE");
    out->is_repeat_unsafe = is_method(head, "POST") || is_method(head, "PATCH");
    judge_codings(o, out->defects, at);
    judge_length(o, framing.defects, at);
    if (http1_lists(&head->fields, "Expect", "100-continue") && !has_coding &&
        !out->has_content && !(framing.defects & HTTP1_LENGTH_INVALID))
        accuse(o, REQ_HTTP_EXPECT_CLIENT_CONTENT, at,
               "Expect: 100-continue without content");
    if (out->is_connect)
        judge_connect(o, has_coding, length, at, out);
    else
        judge_method(o, head, is_framed, at, out);
    judge_referer(o, head, at);
    judge_hop(o, head, at, out);
    note_upgrades(&head->fields, out);
    judge_pipelining(o, at);
}
