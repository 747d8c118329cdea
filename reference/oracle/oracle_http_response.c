/*
 * Judges the answers to CONNECT, which the proxy makes itself: RFC 9110
 * sections 9.3.6 and 11.7, RFC 9112 sections 4, 6 and 9.
 */

#include "oracle_internal.h"

/* An oddity of a head and the requirement that it breaks. */
struct odd {
    uint32_t oddities;
    enum requirement req;
    const char *what;
};

static const struct odd odds[] = {
    {HTTP1_BARE_CR, REQ_HTTP_PARSE_BARE_CR_SEND, "a bare CR in the head"},
    {HTTP1_FOLDED, REQ_HTTP_PARSE_FOLD_SEND, "a folded field line"},
    {HTTP1_INDENTED, REQ_HTTP_PARSE_SPACE_BEFORE_FIELD_SEND,
     "whitespace before the first field"},
    {HTTP1_BARE_LF, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a line that ends in LF alone"},
    {HTTP1_COLON_SPACE, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "whitespace between a field name and its colon"},
    {HTTP1_NOT_TOKEN, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a method or field name that is no token"},
    {HTTP1_NO_COLON, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a field line without a colon"},
    {HTTP1_CONTROL, REQ_HTTP_PARSE_SENDER_GRAMMAR, "a NUL in the head"},
    {HTTP1_LOOSE_SPACING, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a start-line that is not split by single spaces"},
    {HTTP1_EXTRA_WORDS, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a start-line of more than three words"},
    {HTTP1_NO_VERSION, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a request-line without version"},
    {HTTP1_BAD_VERSION, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a version that is not HTTP/DIGIT.DIGIT"},
    {HTTP1_LEADING_CRLF, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "an empty line before the status-line"},
    {HTTP1_BAD_STATUS, REQ_HTTP_STATUS_SYNTAX,
     "a status code that is not three digits"},
    {HTTP1_NO_REASON_SPACE, REQ_HTTP_STATUS_SP,
     "no space after the status code"},
};

static bool has_control(struct px_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if ((value.data[i] < ' ' && value.data[i] != '\t') ||
            value.data[i] == 0x7f)
            return true;
    }
    return false;
}

void http_judge_oddities(struct oracle *o, enum oracle_side side, uint64_t at,
                         uint32_t oddities, const struct http1_fields *fields)
{
    oddities |= fields->oddities;
    for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
        if (oddities & odds[i].oddities)
            oracle_accuse(o, odds[i].req, side, at, "%s", odds[i].what);
    }
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->at[i].oddities == 0 && has_control(fields->at[i].value))
            oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, side, at,
                          "a control character in a field value");
    }
}

void http_judge_repeats(struct oracle *o, enum oracle_side side, uint64_t at,
                        const struct http1_fields *fields,
                        const char *const *names)
{
    for (; *names; names++) {
        if (http1_count(fields, *names) > 1)
            oracle_accuse(o, REQ_HTTP_FIELD_NO_REPEAT, side, at,
                          "%s is sent more than once", *names);
    }
}

static void accuse(struct oracle *o, enum requirement req, uint64_t at,
                   const char *what)
{
    oracle_accuse(o, req, SIDE_SERVER, at, "%s", what);
}

/* Who speaks no HTTP/1.1 at all cannot answer with it (RFC 9110, 6.2). */
void http_judge_version(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at)
{
    struct http_dialogue *h = &o->u.http;
    bool is_http10 = head->line.major == 1 && head->line.minor == 0;

    h->did_server_11 |= head->line.major == 1 && head->line.minor > 0;
    if (request->is_http10 || !is_http10)
        return;
    if (h->did_server_11)
        accuse(o, REQ_HTTP_VERSION_DOWNGRADE, at,
               "HTTP/1.1 is answered with HTTP/1.0 by who speaks it");
    else
        oracle_contest(o, REQ_HTTP_VERSION_DOWNGRADE, SIDE_SERVER, at,
                       "HTTP/1.1 is answered with HTTP/1.0");
}

/* What every response of the proxy's own has to keep to. */
static void judge_any(struct oracle *o, const struct http_request *request,
                      const struct http1_response_head *head, uint64_t at)
{
    static const char *const once[] = {"Content-Length", "Content-Type", "Date",
                                       "Location", NULL};

    http_judge_oddities(o, SIDE_SERVER, at, head->line.oddities, &head->fields);
    http_judge_repeats(o, SIDE_SERVER, at, &head->fields, once);
    http_judge_version(o, request, head, at);
}

void http_judge_interim(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at)
{
    judge_any(o, request, head, at);
    if (request->is_http10)
        accuse(o, REQ_HTTP_INTERIM_HTTP10, at,
               "an interim response to an HTTP/1.0 request");
    if (http1_find(&head->fields, "Content-Length"))
        accuse(o, REQ_HTTP_FRAMING_CL_204, at,
               "Content-Length in an interim response");
    if (http1_find(&head->fields, "Transfer-Encoding"))
        accuse(o, REQ_HTTP_FRAMING_TE_204, at,
               "Transfer-Encoding in an interim response");
    if (head->line.code == 101 && !http1_find(&head->fields, "Upgrade"))
        accuse(o, REQ_HTTP_UPGRADE_101_FIELD, at, "101 without Upgrade");
}

/* A tunnel although the target names no destination. */
static void judge_granted_target(struct oracle *o,
                                 const struct http_request *request,
                                 uint64_t at)
{
    switch (request->target) {
    case TARGET_GOOD:
    case TARGET_UNJUDGED:
        break;
    case TARGET_BAD_FORM:
        accuse(o, REQ_HTTP_CONNECT_TARGET_FORM, at,
               "2xx to a CONNECT whose target is not host:port");
        break;
    case TARGET_BAD_PORT:
    case TARGET_NO_PORT:
        accuse(o, REQ_HTTP_CONNECT_PORT_INVALID, at,
               "2xx to a CONNECT without a valid port");
        break;
    case TARGET_BAD_IPV6:
        accuse(o, REQ_HTTP_CONNECT_IPV6, at,
               "2xx to a CONNECT with an IPv6 literal outside brackets");
        break;
    }
}

/* Requests that are to be answered with 400 (RFC 9112 sections 3.2, 5.1). */
static void judge_granted_head(struct oracle *o,
                               const struct http_request *request, uint64_t at)
{
    if (!request->is_http10 && request->host_count == 0)
        oracle_contest(o, REQ_HTTP_HOST_MISSING, SIDE_SERVER, at,
                       "2xx to an HTTP/1.1 request without Host");
    if (request->host_count > 1)
        accuse(o, REQ_HTTP_HOST_MULTIPLE, at,
               "2xx to a request with two Hosts");
    if (request->is_host_invalid)
        oracle_contest(o, REQ_HTTP_HOST_INVALID, SIDE_SERVER, at,
                       "2xx to a request with an invalid Host");
    if (request->has_colon_space)
        accuse(o, REQ_HTTP_PARSE_COLON_SPACE_REQUEST, at,
               "2xx to a request with whitespace before a colon");
    if (request->is_line_invalid)
        accuse(o, REQ_HTTP_LINE_INVALID, at, "2xx to an invalid request-line");
}

/*
 * The proxy is known to demand credentials. Behind a request-line without a
 * version there may be some that it read.
 */
static void judge_granted_stranger(struct oracle *o,
                                   const struct http_request *request,
                                   uint64_t at)
{
    if (!o->cfg->is_auth_required || request->has_credentials ||
        request->has_no_version)
        return;
    if (o->u.http.has_authenticated)
        oracle_contest(o, REQ_AUTH_PROXY_EACH_REQUEST, SIDE_SERVER, at,
                       "2xx without credentials, which an earlier request of "
                       "the connection had");
    else
        accuse(o, REQ_AUTH_PROXY_OPTIONS_TRACE, at,
               "2xx without the credentials that are demanded");
}

void http_judge_served(struct oracle *o, const struct http_request *request,
                       uint64_t at)
{
    judge_granted_head(o, request, at);
    if (request->is_connect || (request->is_absolute && !request->is_local))
        judge_granted_stranger(o, request, at);
}

void http_judge_grant(struct oracle *o, const struct http_request *request,
                      const struct http1_response_head *head, uint64_t at)
{
    judge_any(o, request, head, at);
    if (http1_find(&head->fields, "Content-Length") ||
        http1_find(&head->fields, "Transfer-Encoding"))
        accuse(o, REQ_HTTP_CONNECT_NO_BODY_2XX, at,
               "2xx to CONNECT with Content-Length or Transfer-Encoding");
    judge_granted_target(o, request, at);
    http_judge_served(o, request, at);
}

static void judge_framing(struct oracle *o, const struct http_request *request,
                          const struct http1_fields *fields, uint64_t at)
{
    bool has_length = http1_find(fields, "Content-Length") != NULL;
    bool has_coding = http1_find(fields, "Transfer-Encoding") != NULL;

    if (has_length && has_coding)
        accuse(o, REQ_HTTP_FRAMING_SENDER_NOT_BOTH, at,
               "both Content-Length and Transfer-Encoding");
    if (has_coding && request->is_http10)
        accuse(o, REQ_HTTP_FRAMING_TE_HTTP10_CLIENT, at,
               "Transfer-Encoding in the answer to an HTTP/1.0 request");
    if (!has_length && !has_coding && !request->is_http10)
        accuse(o, REQ_HTTP_FRAMING_RESPONSE_DELIMITED, at,
               "a refusal that only the close delimits");
}

static void judge_status(struct oracle *o,
                         const struct http1_response_head *head, uint64_t at)
{
    switch (head->line.code) {
    case 304:
    case 412:
        accuse(o, REQ_HTTP_CONNECT_CONDITIONAL, at,
               "the answer to CONNECT depends on a condition");
        break;
    case 401:
        if (o->cfg->is_auth_required)
            accuse(o, REQ_AUTH_PROXY_DEMAND, at,
                   "401 where a proxy demands credentials with 407");
        break;
    case 407:
        http_judge_challenges(o, &head->fields, at, false);
        break;
    case 421:
        accuse(o, REQ_HTTP_STATUS_NO_421, at, "a proxy answers 421");
        break;
    case 426:
        if (!http1_find(&head->fields, "Upgrade"))
            accuse(o, REQ_HTTP_UPGRADE_426_FIELD, at, "426 without Upgrade");
        break;
    default: /* every other code says what the proxy means by it */
        break;
    }
}

/* Whether the connection is announced to end, and who said so. */
void http_note_close(struct oracle *o, const struct http_request *request,
                     const struct http1_response_head *head, uint64_t at)
{
    struct http_dialogue *h = &o->u.http;
    bool has_close = http1_lists(&head->fields, "Connection", "close");

    h->did_server_close |= has_close;
    h->is_close_unsaid =
        !has_close && !request->has_close && !request->is_http10 &&
        head->line.minor > 0 &&
        !http1_lists(&head->fields, "Proxy-Connection", "close");
    if (request->has_close && !has_close && head->line.minor > 0)
        accuse(o, REQ_HTTP_CLOSE_ECHO, at,
               "the answer to a request with close does not say close");
}

void http_note_unauthorised(struct oracle *o,
                            const struct http_request *request)
{
    struct http_dialogue *h = &o->u.http;

    if (!request->has_credentials)
        return;
    if (h->refused_count && request->credentials == h->credentials)
        h->refused_count++;
    else
        h->refused_count = 1;
    h->credentials = request->credentials;
}

void http_judge_refusal(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at)
{
    judge_any(o, request, head, at);
    judge_framing(o, request, &head->fields, at);
    judge_status(o, head, at);
    http_note_close(o, request, head, at);
    if (head->line.code == 407)
        http_note_unauthorised(o, request);
}
