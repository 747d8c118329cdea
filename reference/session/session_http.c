#include <assert.h>
#include <string.h>

#include "http1.h"
#include "session_internal.h"

/* A status that the proxy itself answers with, and what it tells people. */
struct answer {
    uint16_t status;
    const char *reason;
    const char *text;
};

static const struct answer answers[] = {
    [ANSWER_BAD_REQUEST] = {400, "Bad Request",
                            "The request does not follow RFC 9112.\n"},
    [ANSWER_UNAUTHORIZED] =
        {401, "Unauthorized",
         "The FTP server asks for a user name and a password.\n"},
    [ANSWER_FORBIDDEN] = {403, "Forbidden",
                          "This proxy may not connect there.\n"},
    [ANSWER_NOT_FOUND] = {404, "Not Found",
                          "The FTP server has no such file.\n"},
    [ANSWER_NEEDS_CREDENTIALS] =
        {407, "Proxy Authentication Required",
         "This proxy asks for a user name and a password.\n"},
    [ANSWER_REQUEST_TIMEOUT] = {408, "Request Timeout",
                                "The request did not arrive in time.\n"},
    [ANSWER_LENGTH_REQUIRED] = {411, "Length Required",
                                "The origin takes no chunked content.\n"},
    [ANSWER_URI_TOO_LONG] =
        {414, "URI Too Long",
         "The request-line is longer than this proxy reads.\n"},
    [ANSWER_EXPECTATION_FAILED] = {417, "Expectation Failed",
                                   "The origin speaks HTTP/1.0.\n"},
    [ANSWER_FIELDS_TOO_LARGE] =
        {431, "Request Header Fields Too Large",
         "The header section is larger than this proxy reads.\n"},
    [ANSWER_CONNECT_ONLY] = {501, "Not Implemented",
                             "This proxy serves CONNECT only.\n"},
    [ANSWER_NOT_IMPLEMENTED] = {501, "Not Implemented",
                                "This proxy does not do what was asked for.\n"},
    [ANSWER_BAD_GATEWAY] = {502, "Bad Gateway",
                            "The destination could not be reached.\n"},
    [ANSWER_BAD_RESPONSE] = {502, "Bad Gateway",
                             "The origin gave no valid response.\n"},
    [ANSWER_GATEWAY_TIMEOUT] = {504, "Gateway Timeout",
                                "The destination did not answer in time.\n"},
    [ANSWER_BAD_VERSION] = {505, "HTTP Version Not Supported",
                            "This proxy speaks HTTP/1.1.\n"},
    [ANSWER_LOOP] = {508, "Loop Detected",
                     "The request has been here before.\n"},
};

/* Where the request-line begins: behind empty lines (RFC 9112 section 2.2). */
static size_t begin_of_request(struct px_bytes in)
{
    size_t at = 0;

    while (at < in.len && (in.data[at] == '\r' || in.data[at] == '\n'))
        at++;
    return at;
}

/* An answer to HEAD ends with its head (RFC 9112 section 6.3); recipients may
 * take a tab for the space behind it (section 3). */
static bool is_head_request(struct px_bytes in)
{
    static const struct px_bytes head = {(const uint8_t *)"HEAD", 4};
    size_t at = begin_of_request(in);
    size_t end = at + head.len;

    return in.len > end &&
           px_equal(px_bytes_of(in.data + at, head.len), head) &&
           (in.data[end] == ' ' || in.data[end] == '\t');
}

/*
 * Every answer of ours ends the connection. After a failed CONNECT the octets
 * that follow may have been meant for the tunnel, and whether they came along
 * with it or later must not matter: none is ever read as a request.
 */
static void send_answer(struct session *s, const struct answer *answer)
{
    struct px_writer out = session_message(s);

    px_put_text(&out, "HTTP/1.1 ");
    px_put_decimal(&out, answer->status);
    px_put_text(&out, " ");
    px_put_text(&out, answer->reason);
    px_put_text(&out, "\r\nContent-Type: text/plain\r\nContent-Length: ");
    px_put_decimal(&out, strlen(answer->text));
    px_put_text(&out, "\r\n");
    if (answer->status == 401) /* RFC 9110 section 15.5.2 */
        px_put_text(&out, "WWW-Authenticate: Basic realm=\"FTP\"\r\n");
    if (answer->status == 407)
        session_auth_put_fields(s->cfg, s->auth, s->now_ms, &out);
    px_put_text(&out, "Connection: close\r\n\r\n");
    if (s->state == SESSION_FORWARDING ? !session_forward_is_head(s)
                                       : !is_head_request(session_pending(s)))
        px_put_text(&out, answer->text);
    session_send(s, &out, MESSAGE_HTTP_RESPONSE);
}

bool session_http_refuse(struct session *s, enum http_answer answer,
                         const struct px_error *err)
{
    if (s->forward)
        session_forward_drop(s);
    send_answer(s, &answers[answer]);
    session_fail(s, err);
    return false;
}

/* Oddities for which RFC 9112 asks for 400, or that hide a second request. */
enum {
    REFUSED_ODDITIES = HTTP1_BARE_CR | HTTP1_FOLDED | HTTP1_COLON_SPACE |
                       HTTP1_NOT_TOKEN | HTTP1_NO_COLON | HTTP1_INDENTED |
                       HTTP1_CONTROL | HTTP1_LOOSE_SPACING | HTTP1_EXTRA_WORDS |
                       HTTP1_NO_VERSION | HTTP1_BAD_VERSION,
};

/* Host is uri-host [ ":" port ], and port may be empty (RFC 9110, 7.2). */
static bool is_host_value(struct px_bytes value)
{
    struct px_endpoint endpoint = {0};
    struct px_error err;

    if (value.len > 1 && value.data[value.len - 1] == ':')
        value.len--;
    return value.len == 0 || http1_parse_host(value, &endpoint.addr) ||
           http1_parse_authority(value, &endpoint, &err);
}

/* RFC 9112 section 3.2: one Host line; HTTP/1.0 may have none. */
static bool is_host_right(const struct http1_request_head *head,
                          struct px_error *err)
{
    size_t count = http1_count(&head->fields, "Host");

    if (count == 0 && head->line.minor >= 1) {
        (void)px_refuse(err, REQ_HTTP_HOST_MISSING, 0, "Host is missing");
        return false;
    }
    if (count > 1) {
        (void)px_refuse(err, REQ_HTTP_HOST_MULTIPLE, 0, "%zu Host lines",
                        count);
        return false;
    }
    if (count == 0 || is_host_value(http1_find(&head->fields, "Host")->value))
        return true;
    (void)px_refuse(err, REQ_HTTP_HOST_INVALID, 0, "Host is no host[:port]");
    return false;
}

/* A CONNECT has no content (RFC 9110 section 9.3.6); one that says it has
 * could hide a second request in it. */
static bool is_free_of_content(const struct http1_fields *fields,
                               struct px_error *err)
{
    if (!http1_find(fields, "Content-Length") &&
        !http1_find(fields, "Transfer-Encoding"))
        return true;
    (void)px_refuse(err, REQ_HTTP_CONNECT_REQUEST_BODY, 0,
                    "CONNECT with content");
    return false;
}

static bool is_allowed(struct session *s, const struct http1_request_head *head)
{
    s->auth = session_auth_judge(s->cfg, head, s->now_ms);
    return s->auth == AUTH_ALLOWED;
}

static bool refuse_credentials(struct session *s)
{
    bool is_malformed = s->auth == AUTH_MALFORMED;
    struct px_error err;

    (void)px_refuse(
        &err, is_malformed ? REQ_AUTH_DIGEST_MALFORMED : REQ_AUTH_PROXY_DEMAND,
        0, "no valid credentials");
    return session_http_refuse(
        s, is_malformed ? ANSWER_BAD_REQUEST : ANSWER_NEEDS_CREDENTIALS, &err);
}

static bool handle_other_method(struct session *s,
                                const struct http1_request_head *head,
                                size_t used)
{
    struct px_error err;

    if (!is_allowed(s, head))
        return refuse_credentials(s);
    if (s->forward)
        return session_forward(s, head, used);
    (void)px_refuse(&err, REQ_NONE, 0, "a method other than CONNECT");
    return session_http_refuse(s, ANSWER_CONNECT_ONLY, &err);
}

static bool handle_head(struct session *s,
                        const struct http1_request_head *head, size_t used)
{
    static const struct px_bytes connect = {(const uint8_t *)"CONNECT", 7};
    struct px_endpoint target;
    struct px_error err;

    if ((head->line.oddities | head->fields.oddities) & REFUSED_ODDITIES) {
        (void)px_refuse(&err, REQ_HTTP_PARSE_GRAMMAR_400, 0,
                        "the head does not match its grammar");
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    }
    if (head->line.major != 1) {
        (void)px_refuse(&err, REQ_HTTP_PARSE_GRAMMAR_400, 0, "HTTP/%u",
                        head->line.major);
        return session_http_refuse(s, ANSWER_BAD_VERSION, &err);
    }
    if (!is_host_right(head, &err))
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    if (!px_equal(head->line.method, connect))
        return handle_other_method(s, head, used);
    if (!http1_parse_authority(head->line.target, &target, &err) ||
        !is_free_of_content(&head->fields, &err))
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    if (target.port == 0) {
        (void)px_refuse(&err, REQ_HTTP_CONNECT_PORT_INVALID, 0, "port 0");
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    }
    if (!is_allowed(s, head))
        return refuse_credentials(s);
    if (s->forward)
        session_forward_drop(s);
    s->request_len = used;
    session_dial(s, &target);
    return false;
}

/*
 * Whether the first octets can begin a request: empty lines and a method.
 * What cannot is refused at once, rather than when a line feed shows up.
 */
static bool may_be_request(struct px_bytes in)
{
    size_t begin = begin_of_request(in);
    size_t at = begin;

    while (at < in.len && in.data[at] != ' ' && in.data[at] != '\t' &&
           in.data[at] != '\r' && in.data[at] != '\n')
        at++;
    return begin == at
               ? at == in.len
               : http1_is_token(px_bytes_of(in.data + begin, at - begin));
}

static bool step_request(struct session *s)
{
    struct http1_request_head head;
    struct px_error err;
    size_t used;

    if (s->in_len == 0)
        return false;
    if (!may_be_request(session_pending(s))) {
        (void)px_refuse(&err, REQ_HTTP_PARSE_GRAMMAR_400, 0, "no method");
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    }
    switch (http1_decode_request_head(session_pending(s), &http1_default_limits,
                                      &head, &used, &err)) {
    case PX_NEED_MORE:
        if (session_client_room(s) > 0)
            return false;
        (void)px_refuse(&err, REQ_HTTP_LIMITS_FIELDS_4XX, s->in_len,
                        "empty lines and a head that are too long together");
        return session_http_refuse(s, ANSWER_FIELDS_TOO_LARGE, &err);
    case PX_ERROR:
        return session_http_refuse(s,
                                   err.req == REQ_HTTP_TARGET_TOO_LONG
                                       ? ANSWER_URI_TOO_LONG
                                       : ANSWER_FIELDS_TOO_LARGE,
                                   &err);
    case PX_DONE:
        break;
    }
    if (s->forward && s->cfg->tap) {
        enum px_status status = session_forward_tap_head(s, &head, &used);

        if (status != PX_DONE)
            return false;
    }
    return handle_head(s, &head, used);
}

/* Any 2xx turns the connection into a tunnel; it has no framing fields. */
static void granted(struct session *s, const struct px_endpoint *bound)
{
    struct px_writer out = session_message(s);

    (void)bound; /* HTTP does not tell it */
    session_consume(s, s->request_len);
    px_put_text(&out, "HTTP/1.1 200 Connection established\r\n\r\n");
    session_send(s, &out, MESSAGE_HTTP_RESPONSE);
    session_relay(s);
}

static void refused(struct session *s, enum dial_failure failure)
{
    struct px_error err = {.detail = "the destination could not be reached"};

    switch (failure) {
    case DIAL_NOT_ALLOWED:
        (void)session_http_refuse(s, ANSWER_FORBIDDEN, &err);
        break;
    case DIAL_TIMED_OUT:
    case DIAL_TTL_EXPIRED:
        (void)session_http_refuse(s, ANSWER_GATEWAY_TIMEOUT, &err);
        break;
    case DIAL_FAILED:
    case DIAL_NET_UNREACHABLE:
    case DIAL_HOST_UNREACHABLE:
    case DIAL_REFUSED:
    case DIAL_NAME_UNRESOLVED:
    case DIAL_NAME_TEMPORARY:
        (void)session_http_refuse(s, ANSWER_BAD_GATEWAY, &err);
        break;
    }
}

static void timed_out(struct session *s)
{
    struct px_error err;

    (void)px_refuse(&err, REQ_HTTP_ERROR_REQUEST_TIMEOUT, s->in_len,
                    "the request took too long");
    if (s->in_len)
        (void)session_http_refuse(s, ANSWER_REQUEST_TIMEOUT, &err);
    else
        session_fail(s, &err);
}

const struct protocol http_protocol = {
    .request = step_request,
    .granted = granted,
    .refused = refused,
    .timed_out = timed_out,
};
