/*
 * Judges the request heads of a proxy's client: RFC 9112 sections 2 to 7 and
 * 9, RFC 9110 sections 7 to 11.
 */

#include "oracle_internal.h"

#include <string.h>

static void accuse(struct oracle *o, enum requirement req, uint64_t at,
                   const char *what)
{
    oracle_accuse(o, req, SIDE_CLIENT, at, "%s", what);
}

static void judge_connect_target(struct oracle *o, struct px_bytes target,
                                 uint64_t at, struct http_request *out)
{
    struct px_endpoint endpoint;
    char text[ORACLE_TEXT_MAX];

    out->target = http_read_connect_target(target, &endpoint);
    if (http_has_octet(target, '@'))
        accuse(o, REQ_HTTP_TARGET_USERINFO_GENERATE, at,
               "user information in the target of CONNECT");
    switch (out->target) {
    case TARGET_GOOD:
        (void)oracle_note_endpoint(o->summary.target, &endpoint);
        break;
    case TARGET_UNJUDGED:
        break;
    case TARGET_NO_PORT:
        accuse(o, REQ_HTTP_TARGET_CLIENT_CONNECT_PORT, at,
               "the target of CONNECT has no port");
        break;
    case TARGET_BAD_FORM:
    case TARGET_BAD_PORT:
    case TARGET_BAD_IPV6:
        oracle_accuse(o, REQ_HTTP_TARGET_CLIENT_CONNECT, SIDE_CLIENT, at,
                      "the target of CONNECT is %s, not host:port",
                      oracle_text(target, text));
        break;
    }
}

static void judge_absolute(struct oracle *o, struct px_bytes target,
                           uint64_t at, struct http_request *out)
{
    struct px_bytes authority = http_authority_of(target);
    struct px_endpoint endpoint;

    out->is_absolute = true;
    out->is_host_empty = http_begins(target, PX_LITERAL("http:")) &&
                         (authority.len == 0 || authority.data[0] == ':');

    if (http_has_octet(http_authority_of(target), '@'))
        accuse(o, REQ_HTTP_TARGET_USERINFO_GENERATE, at,
               "user information in the request-target");
    if (http_begins(target, PX_LITERAL("https:")))
        accuse(o, REQ_HTTP_TARGET_HTTPS_IN_CLEAR, at,
               "a request for an https resource in clear");
    if (http_read_host(http_authority_of(target), 80, &endpoint))
        (void)oracle_note_endpoint(o->summary.target, &endpoint);
}

/* A target in origin-form, authority-form or asterisk-form, not CONNECT. */
static void judge_other_form(struct oracle *o,
                             const struct http1_request_line *line, uint64_t at)
{
    struct px_endpoint endpoint;

    if (px_equal(line->target, PX_LITERAL("*"))) {
        if (!px_equal(line->method, PX_LITERAL("OPTIONS")))
            accuse(o, REQ_HTTP_TARGET_ASTERISK_OTHER, at,
                   "the target * with a method other than OPTIONS");
    } else if (line->target.len && line->target.data[0] == '/') {
        if (o->u.http.is_refused)
            oracle_accuse_reaction(o, REQ_HTTP_CONNECT_CLIENT_NON_2XX, at,
                                   "a request for the origin after a refused "
                                   "CONNECT");
        else if (o->cfg->protocol == ORACLE_HTTP)
            accuse(o, REQ_HTTP_TARGET_CLIENT_ABSOLUTE, at,
                   "a request in origin-form to a proxy");
    } else if (http_read_connect_target(line->target, &endpoint) ==
               TARGET_GOOD) {
        accuse(o, REQ_HTTP_TARGET_AUTHORITY_FORM_OTHER, at,
               "the target host:port with a method other than CONNECT");
    }
}

static void judge_target(struct oracle *o,
                         const struct http1_request_line *line, uint64_t at,
                         struct http_request *out)
{
    if (http_has_octet(line->target, '#'))
        accuse(o, REQ_HTTP_TARGET_CLIENT_FRAGMENT, at,
               "a fragment in the request-target");
    if (out->is_connect)
        judge_connect_target(o, line->target, at, out);
    else if (http_is_absolute(line->target))
        judge_absolute(o, line->target, at, out);
    else
        judge_other_form(o, line, at);
}

/*
 * RFC 9112 section 3.2: Host is the authority of the target. Examples of
 * CONNECT show it with and without the port, so its lack is not judged there.
 */
static void judge_host_value(struct oracle *o,
                             const struct http1_request_line *line,
                             struct px_bytes value, uint64_t at)
{
    bool is_connect = px_equal(line->method, PX_LITERAL("CONNECT"));
    struct px_bytes authority = line->target;
    struct px_endpoint target = {0};
    struct px_endpoint host = {0};
    uint16_t port = 80;

    if (!is_connect && !http_begins(line->target, PX_LITERAL("http://")))
        return;
    if (!is_connect)
        authority = http_authority_of(line->target);
    if (!http_read_host(authority, port, &target))
        return;
    if (is_connect)
        port = target.port;
    if (http_read_host(value, port, &host) && !http_is_same(&target, &host))
        accuse(o, REQ_HTTP_HOST_CLIENT_VALUE, at,
               "Host differs from the authority of the target");
}

static void judge_host(struct oracle *o, const struct http1_request_head *head,
                       uint64_t at, struct http_request *out)
{
    const struct http1_field *host = http1_find(&head->fields, "Host");

    out->host_count = http1_count(&head->fields, "Host");
    if (!host) {
        if (!out->is_http10)
            accuse(o, REQ_HTTP_HOST_CLIENT_PRESENT, at,
                   "an HTTP/1.1 request without Host");
        return;
    }
    out->is_host_invalid = http_is_host_invalid(host->value);
    if (http_has_octet(host->value, '@'))
        accuse(o, REQ_HTTP_TARGET_USERINFO_GENERATE, at,
               "user information in Host");
    if (host != &head->fields.at[0] && !http1_find(&head->fields, "Via"))
        accuse(o, REQ_HTTP_HOST_CLIENT_FIRST, at,
               "Host is not the first field line");
    if (out->host_count == 1 && !out->is_host_invalid && host->value.len)
        judge_host_value(o, &head->line, host->value, at);
}

/* Fields that go with the connection (RFC 9110 section 7.6.1). */
static void judge_connection(struct oracle *o,
                             const struct http1_fields *fields, uint64_t at)
{
    static const char *const end_to_end[] = {
        "Host",          "Content-Type",  "Content-Length",
        "Cache-Control", "Authorization",
    };

    if (http1_find(fields, "TE") && !http1_lists(fields, "Connection", "TE"))
        accuse(o, REQ_HTTP_TE_CLIENT_LISTED, at,
               "TE without its name in Connection");
    if (http1_lists(fields, "TE", "chunked"))
        accuse(o, REQ_HTTP_TE_CLIENT_NO_CHUNKED, at, "TE names chunked");
    if (http1_find(fields, "Upgrade") &&
        !http1_lists(fields, "Connection", "Upgrade"))
        accuse(o, REQ_HTTP_UPGRADE_CLIENT_LISTED, at,
               "Upgrade without its name in Connection");
    for (size_t i = 0; i < sizeof(end_to_end) / sizeof(end_to_end[0]); i++) {
        if (http1_lists(fields, "Connection", end_to_end[i]))
            oracle_accuse(o, REQ_HTTP_CONNECTION_SENDER_NO_E2E, SIDE_CLIENT, at,
                          "Connection names %s, which is for all recipients",
                          end_to_end[i]);
    }
}

static bool has_control(struct px_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

/* RFC 7617 section 2. */
static void judge_basic(struct oracle *o, struct px_bytes value, uint64_t at)
{
    uint8_t buf[1024];
    struct px_bytes user, password;

    if (!http_begins(value, PX_LITERAL("Basic ")) || value.len > sizeof(buf))
        return;
    if (!http1_parse_basic(value, buf, sizeof(buf), &user, &password))
        accuse(o, REQ_AUTH_BASIC_ENCODING, at,
               "Basic credentials that are not the base64 of user:password");
    else if (has_control(user) || has_control(password))
        accuse(o, REQ_AUTH_BASIC_CONTROL, at,
               "a control character in Basic credentials");
}

static void judge_credentials(struct oracle *o,
                              const struct http1_request_head *head,
                              uint64_t at, struct http_request *out)
{
    struct http_dialogue *h = &o->u.http;
    const struct http1_fields *fields = &head->fields;
    const struct http1_field *field = http1_find(fields, "Proxy-Authorization");

    out->has_credentials = field != NULL;
    if (!field) {
        if (out->is_connect && h->is_unauthorised &&
            http1_find(fields, "Authorization"))
            accuse(o, REQ_AUTH_CLIENT_FIELD, at,
                   "a 407 is answered with Authorization instead of "
                   "Proxy-Authorization");
        return;
    }
    judge_basic(o, field->value, at);
    http_judge_digest(o, head, field->value, at);
    out->credentials = http_digest_exact(field->value);
    if (h->refused_count >= 3 && out->credentials == h->credentials)
        accuse(o, REQ_AUTH_CLIENT_NO_LOOP, at,
               "the same credentials again after three refusals");
}

/* Requests after close was said (RFC 9112 section 9.6). */
static void judge_closed(struct oracle *o, const struct http1_fields *fields,
                         uint64_t at, struct http_request *out)
{
    struct http_dialogue *h = &o->u.http;

    if (h->did_client_close)
        accuse(o, REQ_HTTP_CLOSE_CLIENT_SENT, at,
               "a request after one that said close");
    if (h->did_server_close)
        oracle_accuse_reaction(o, REQ_HTTP_CLOSE_CLIENT_RECEIVED, at,
                               "a request after a response that said close");
    out->has_close = http1_lists(fields, "Connection", "close");
    h->did_client_close |= out->has_close;
}

/* RFC 9110 section 6.2; a lower version may be tried where a higher failed. */
static void judge_version(struct oracle *o, uint64_t at,
                          const struct http_request *request)
{
    struct http_dialogue *h = &o->u.http;

    if (request->is_http10 && !request->has_no_version && h->did_client_11 &&
        h->did_server_11 && !h->has_erred)
        accuse(o, REQ_HTTP_VERSION_CLIENT, at,
               "HTTP/1.0 from a client that spoke HTTP/1.1 before");
    h->did_client_11 |= !request->is_http10;
}

/* A CONNECT that leaves the proxy only two things to do. */
static bool is_valid(const struct http1_request_head *head,
                     const struct http_request *request)
{
    return request->target == TARGET_GOOD && !request->is_host_invalid &&
           (request->is_http10 || request->host_count == 1) &&
           !request->has_body_fields && head->line.oddities == 0 &&
           head->fields.oddities == 0 && head->line.major == 1;
}

void http_judge_request(struct oracle *o, const struct http1_request_head *head,
                        uint64_t at, struct http_request *out)
{
    static const char *const once[] = {"Host", "Content-Length", "Content-Type",
                                       NULL};
    const uint32_t oddities = head->line.oddities;

    *out = (struct http_request){.at = at};
    out->is_connect = px_equal(head->line.method, PX_LITERAL("CONNECT"));
    out->is_connect_alike =
        !out->is_connect &&
        px_equal_nocase(head->line.method, PX_LITERAL("CONNECT"));
    out->is_head = px_equal(head->line.method, PX_LITERAL("HEAD"));
    out->is_http10 = head->line.major == 0 ||
                     (head->line.major == 1 && head->line.minor == 0);
    out->has_colon_space = head->fields.oddities & HTTP1_COLON_SPACE;
    out->has_no_version = oddities & HTTP1_NO_VERSION;
    out->is_line_invalid =
        oddities & (HTTP1_NO_VERSION | HTTP1_EXTRA_WORDS | HTTP1_NOT_TOKEN);
    if (oddities & HTTP1_LEADING_CRLF)
        accuse(o, REQ_HTTP_FRAMING_CLIENT_NO_CRLF, at,
               "an empty line before the request");
    http_judge_oddities(o, SIDE_CLIENT, at,
                        oddities & ~(uint32_t)HTTP1_LEADING_CRLF,
                        &head->fields);
    judge_version(o, at, out);
    judge_target(o, &head->line, at, out);
    judge_closed(o, &head->fields, at, out);
    judge_host(o, head, at, out);
    http_judge_repeats(o, SIDE_CLIENT, at, &head->fields, once);
    judge_connection(o, &head->fields, at);
    http_judge_content(o, head, at, out);
    judge_credentials(o, head, at, out);
    out->is_valid = out->is_connect && is_valid(head, out);
}
