#include "session_forward.h"

#include <assert.h>
#include <string.h>

#include "http1_date.h"

enum {
    /* The proxy's own maximum (RFC 9110 section 7.6.2). */
    MAX_FORWARDS_MAX = 255,
};

static bool is(struct px_bytes text, const char *word)
{
    return px_equal(text, px_bytes_of(word, strlen(word)));
}

static bool refuse(struct session *s, enum http_answer answer,
                   enum requirement req, const char *why)
{
    struct px_error err;

    (void)px_refuse(&err, req, 0, "%s", why);
    return session_http_refuse(s, answer, &err);
}

/* What may not be forwarded as it is: RFC 9112 section 3.2, RFC 9110 4.2. */
static bool check_target(struct session *s,
                         const struct http1_request_line *line,
                         const struct http1_target *target)
{
    switch (target->form) {
    case HTTP1_TARGET_AUTHORITY:
        return refuse(s, ANSWER_BAD_REQUEST,
                      REQ_HTTP_TARGET_AUTHORITY_FORM_OTHER,
                      "authority-form without CONNECT");
    case HTTP1_TARGET_ORIGIN:
        return refuse(s, ANSWER_BAD_REQUEST,
                      REQ_HTTP_TARGET_ORIGIN_FORM_RECEIVED,
                      "origin-form names no origin");
    case HTTP1_TARGET_ASTERISK:
        return is(line->method, "OPTIONS") ||
               refuse(s, ANSWER_BAD_REQUEST, REQ_HTTP_TARGET_ASTERISK_OTHER,
                      "asterisk-form without OPTIONS");
    case HTTP1_TARGET_ABSOLUTE:
        break;
    }
    if (target->has_userinfo && !forward_is_ftp(s, target))
        return refuse(s, ANSWER_BAD_REQUEST, REQ_HTTP_TARGET_USERINFO_REJECT,
                      "user information in the target");
    if (target->has_fragment)
        return refuse(s, ANSWER_BAD_REQUEST, REQ_HTTP_TARGET_FRAGMENT,
                      "a fragment in the target");
    return target->is_http || forward_is_ftp(s, target) ||
           refuse(s, ANSWER_NOT_IMPLEMENTED, REQ_HTTP_TARGET_UNKNOWN_SCHEME,
                  "another scheme than http");
}

/* RFC 9112 section 6: what would be read differently elsewhere is refused. */
static bool check_framing(struct session *s,
                          const struct http1_framing *framing)
{
    enum { COLLAPSED = HTTP1_LENGTH_REPEATED };
    enum requirement req =
        http1_request_defect(framing->defects & ~(uint32_t)COLLAPSED);

    if (req == REQ_NONE && framing->is_certain)
        return true;
    return refuse(s,
                  req == REQ_HTTP_FRAMING_TE_UNKNOWN ? ANSWER_NOT_IMPLEMENTED
                                                     : ANSWER_BAD_REQUEST,
                  req, "the end of the content is not certain");
}

/*
 * RFC 9110 section 7.6.2: *left is what is forwarded, -1 without the field.
 * False when it is no number.
 */
static bool read_max_forwards(const struct http1_fields *fields, int *left)
{
    const struct http1_field *field = http1_find(fields, "Max-Forwards");
    unsigned value = 0;

    *left = -1;
    if (!field)
        return true;
    if (http1_count(fields, "Max-Forwards") > 1 || field->value.len == 0)
        return false;
    for (size_t i = 0; i < field->value.len; i++) {
        uint8_t octet = field->value.data[i];

        if (octet < '0' || octet > '9')
            return false;
        value = value * 10 + (unsigned)(octet - '0');
        if (value > MAX_FORWARDS_MAX + 1)
            value = MAX_FORWARDS_MAX + 1;
    }
    *left = (int)value;
    return true;
}

static bool has_expectation(const struct http1_request_head *head)
{
    return head->line.minor >= 1 &&
           http1_lists(&head->fields, "Expect", "100-continue");
}

static bool is_idempotent(struct px_bytes method)
{
    static const char *const methods[] = {"GET", "HEAD",   "OPTIONS", "TRACE",
                                          "PUT", "DELETE", NULL};

    for (const char *const *m = methods; *m; m++) {
        if (is(method, *m))
            return true;
    }
    return false;
}

/* Notes what the response and the end of the exchange depend on. */
static void note_request(struct forward *f,
                         const struct http1_request_head *head,
                         const struct http1_framing *framing)
{
    f->exchange++;
    f->status = 0;
    f->is_head = is(head->line.method, "HEAD");
    f->is_idempotent = is_idempotent(head->line.method);
    f->has_content = framing->body != HTTP1_BODY_NONE;
    f->is_from_http10 = head->line.minor == 0;
    f->expects_100 = has_expectation(head);
    f->wants_close =
        f->is_from_http10 || http1_lists(&head->fields, "Connection", "close");
    f->is_retry = false;
    f->has_body_begun = false;
    f->closes_client = f->wants_close;
    f->closes_origin = false;
    f->response_body.to = HTTP1_BODY_NONE;
    forward_begin_body(&f->request_body, framing->body, framing->body,
                       framing->length, &f->request_options);
    f->request_body.is_request = true;
}

static void put_path(const struct http1_request_line *line,
                     const struct http1_target *target, struct px_writer *out)
{
    /* RFC 9112 section 3.2.4: about the server as a whole. */
    if (target->path.len == 0 && is(line->method, "OPTIONS")) {
        px_put_text(out, "*");
        return;
    }
    if (target->path.len == 0 || target->path.data[0] != '/')
        px_put_text(out, "/");
    px_put_bytes(out, target->path);
}

static void put_framing(const struct http1_framing *framing,
                        struct px_writer *out)
{
    if (framing->body == HTTP1_BODY_CHUNKED) {
        px_put_text(out, "Transfer-Encoding: chunked\r\n");
    } else if (framing->body == HTTP1_BODY_LENGTH) {
        px_put_text(out, "Content-Length: ");
        px_put_decimal(out, framing->length);
        px_put_text(out, "\r\n");
    }
}

/* The head as the origin gets it: RFC 9110 section 7.6, RFC 9112 section 3. */
static bool write_head(struct session *s, const struct http1_request_head *head,
                       const struct http1_target *target,
                       const struct http1_framing *framing, int max_forwards)
{
    struct forward *f = s->forward;
    struct px_writer out = px_writer_over(f->head, sizeof(f->head));
    const struct forward_filter filter = {
        .options = &f->request_options,
        .drops_host = true,
        .drops_expect = head->line.minor == 0,
        .drops_max_forwards = max_forwards >= 0,
        .drops_trailer = framing->body != HTTP1_BODY_CHUNKED,
    };

    px_put_bytes(&out, head->line.method);
    px_put_text(&out, " ");
    put_path(&head->line, target, &out);
    px_put_text(&out, " HTTP/1.1\r\nHost: ");
    http1_put_host(target, &out);
    px_put_text(&out, "\r\n");
    forward_put_fields(&head->fields, &filter, &out);
    put_framing(framing, &out);
    if (max_forwards >= 0) {
        px_put_text(&out, "Max-Forwards: ");
        px_put_decimal(&out, (uint64_t)max_forwards);
        px_put_text(&out, "\r\n");
    }
    forward_put_via(head->line.minor, s->cfg->pseudonym, &out);
    px_put_text(&out, "\r\n");
    f->head_len = out.len;
    return !out.is_full;
}

/* RFC 9110 section 9.3.8: nothing that is likely to be secret. */
static bool is_secret(struct px_bytes name)
{
    static const char *const names[] = {"Authorization", "Proxy-Authorization",
                                        "Cookie", "Cookie2", NULL};

    for (const char *const *n = names; *n; n++) {
        if (px_equal_nocase(name, px_bytes_of(*n, strlen(*n))))
            return true;
    }
    return false;
}

static void put_echo(const struct http1_request_head *head,
                     struct px_writer *out)
{
    px_put_bytes(out, head->line.method);
    px_put_text(out, " ");
    px_put_bytes(out, head->line.target);
    px_put_text(out, " HTTP/1.");
    px_put_decimal(out, head->line.minor);
    px_put_text(out, "\r\n");
    for (size_t i = 0; i < head->fields.count; i++) {
        const struct http1_field *field = &head->fields.at[i];

        if (is_secret(field->name))
            continue;
        px_put_bytes(out, field->name);
        px_put_text(out, ": ");
        px_put_bytes(out, field->value);
        px_put_text(out, "\r\n");
    }
    px_put_text(out, "\r\n");
}

static void put_date(const struct session *s, struct px_writer *out)
{
    if (!s->cfg->unix_offset_ms)
        return;
    px_put_text(out, "Date: ");
    http1_put_date((s->now_ms + s->cfg->unix_offset_ms) / 1000, out);
    px_put_text(out, "\r\n");
}

/* The proxy is who TRACE or OPTIONS is for (RFC 9110 section 7.6.2). */
static bool answer_self(struct session *s,
                        const struct http1_request_head *head)
{
    struct forward *f = s->forward;
    struct px_writer out = px_writer_over(f->out, sizeof(f->out));
    struct px_writer echo = px_writer_over(f->head, sizeof(f->head));
    bool is_trace = is(head->line.method, "TRACE");

    if (is_trace)
        put_echo(head, &echo);
    f->closes_client = f->wants_close || f->has_content;
    px_put_text(&out, "HTTP/1.1 200 OK\r\n");
    put_date(s, &out);
    px_put_text(&out,
                is_trace ? "Content-Type: message/http\r\n"
                         : "Allow: CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, "
                           "POST, PUT, TRACE\r\n");
    px_put_text(&out, "Content-Length: ");
    px_put_decimal(&out, echo.len);
    px_put_text(&out, f->closes_client ? "\r\nConnection: close\r\n\r\n"
                                       : "\r\n\r\n");
    px_put_bytes(&out, px_written(&echo));
    if (out.is_full)
        return refuse(s, ANSWER_FIELDS_TOO_LARGE, REQ_HTTP_LIMITS_FIELDS_4XX,
                      "a head too large to be shown");
    session_send_octets(s, ACTION_SEND_CLIENT, px_written(&out),
                        MESSAGE_HTTP_RESPONSE);
    f->phase = FORWARD_ANSWERED;
    f->request = f->has_content ? FORWARD_BODY : FORWARD_WHOLE;
    return false;
}

static bool is_same_origin(const struct px_endpoint *a,
                           const struct px_endpoint *b)
{
    return a->port == b->port && a->addr.kind == b->addr.kind &&
           memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip)) == 0 &&
           px_equal_nocase(a->addr.name, b->addr.name);
}

void forward_set_origin(struct session *s, const struct http1_target *target,
                        uint16_t default_port)
{
    struct forward *f = s->forward;
    struct px_endpoint origin = target->endpoint;

    if (origin.port == 0)
        origin.port = default_port;
    if (is_same_origin(&origin, &f->origin)) {
        if (f->rules & ~f->dialled_rules)
            session_forward_drop(s);
        return;
    }
    session_forward_drop(s);
    f->is_origin_http10 = false;
    f->origin = origin;
    if (origin.addr.kind != PX_ADDRESS_NAME)
        return;
    assert(origin.addr.name.len <= sizeof(f->name));
    memcpy(f->name, origin.addr.name.data, origin.addr.name.len);
    f->origin.addr.name.data = f->name;
}

/* What a rule denies, before anybody is asked for anything. */
static bool check_access(struct session *s,
                         const struct http1_request_line *line,
                         const struct http1_target *target)
{
    struct access_request request = {
        .method = line->method,
        .target = target->endpoint,
        .default_port = forward_is_ftp(s, target) ? FTP_PORT : HTTP1_PORT,
        .has_path = true,
        .path = target->path,
    };

    if (target->form == HTTP1_TARGET_ASTERISK ||
        !session_denies(s, &request, &s->forward->rules))
        return true;
    return refuse(s, ANSWER_FORBIDDEN, REQ_NONE, "a rule denies it");
}

/* Rules about a next hop that speaks HTTP/1.0 (RFC 9112 6.1, RFC 9110 10.1.1).
 */
static bool check_origin(struct session *s)
{
    struct forward *f = s->forward;

    if (!f->is_origin_http10)
        return true;
    if (f->expects_100)
        return refuse(s, ANSWER_EXPECTATION_FAILED, REQ_NONE,
                      "100-continue to an origin of HTTP/1.0");
    return f->request_body.to != HTTP1_BODY_CHUNKED ||
           refuse(s, ANSWER_LENGTH_REQUIRED,
                  REQ_HTTP_FRAMING_TE_TO_UNKNOWN_ORIGIN,
                  "chunked content to an origin of HTTP/1.0");
}

static bool has_hops(const struct http1_request_line *line)
{
    return is(line->method, "TRACE") || is(line->method, "OPTIONS");
}

bool session_forward(struct session *s, const struct http1_request_head *head,
                     size_t len)
{
    struct forward *f = s->forward;
    struct http1_framing framing = http1_request_framing(head);
    struct http1_target target;
    struct px_error err;
    int hops = -1;

    if (!http1_parse_target(head->line.target, &target, &err))
        return session_http_refuse(s, ANSWER_BAD_REQUEST, &err);
    if (!check_target(s, &head->line, &target) || !check_framing(s, &framing) ||
        !check_access(s, &head->line, &target))
        return false;
    forward_read_options(&head->fields, &f->request_options);
    if (f->request_options.is_over)
        return refuse(s, ANSWER_FIELDS_TOO_LARGE, REQ_HTTP_LIMITS_FIELDS_4XX,
                      "too many connection-options");
    if (has_hops(&head->line) && !read_max_forwards(&head->fields, &hops))
        return refuse(s, ANSWER_BAD_REQUEST, REQ_HTTP_MAXFORWARDS_ODD_VALUE,
                      "Max-Forwards is no number");
    if (is(head->line.method, "TRACE") && framing.body != HTTP1_BODY_NONE)
        return refuse(s, ANSWER_BAD_REQUEST, REQ_NONE, "TRACE with content");
    if (forward_has_passed(&head->fields, s->cfg->pseudonym))
        return refuse(s, ANSWER_LOOP, REQ_HTTP_LOOP_SELF,
                      "Via names this proxy");
    if (forward_is_ftp(s, &target) && !forward_check_ftp(s, head, &target))
        return false;
    note_request(f, head, &framing);
    session_enter(s, SESSION_FORWARDING);
    if (hops == 0 || target.form == HTTP1_TARGET_ASTERISK) {
        (void)answer_self(s, head);
        if (s->state == SESSION_FORWARDING)
            session_consume(s, len);
        return false;
    }
    if (forward_is_ftp(s, &target)) {
        forward_fetch(s, head, &target, len);
        return false;
    }
    forward_set_origin(s, &target, HTTP1_PORT);
    if (!check_origin(s))
        return false;
    if (!write_head(s, head, &target, &framing, hops > 0 ? hops - 1 : -1))
        return refuse(s, ANSWER_FIELDS_TOO_LARGE, REQ_HTTP_LIMITS_FIELDS_4XX,
                      "a head too large to be forwarded");
    session_consume(s, len);
    forward_reach(s);
    return false;
}

/* Octets of the body, as far as they came. */
static bool pass_body(struct session *s)
{
    struct forward *f = s->forward;
    struct px_writer out =
        px_writer_over(f->out, FORWARD_STEP + FORWARD_BODY_ROOM);
    struct px_bytes octets;
    struct px_error err;
    size_t used = 0;
    enum px_status status = forward_pass_body(
        &f->request_body, session_pending(s), &out, &used, &err);

    if (status == PX_ERROR) {
        if (f->response == FORWARD_HEAD)
            forward_fail(s, ANSWER_BAD_REQUEST, &err);
        else
            forward_break_off(s, &err);
        return true;
    }
    f->has_body_begun = true;
    session_consume(s, used);
    octets = px_written(&out);
    if (status == PX_DONE)
        f->request = FORWARD_TAIL;
    if (forward_tap(s, FORWARD_REQUEST_BODY, &octets,
                    forward_body_left(&f->request_body)))
        forward_send(s, ACTION_SEND_UPSTREAM, octets);
    return true;
}

/* The client ended inside its request (RFC 9112 section 8). */
static void cut_off(struct session *s)
{
    static const struct px_error ended = {.req = REQ_HTTP_INCOMPLETE_REQUEST,
                                          .detail = "the client ended early"};
    struct px_bytes octets = {0};

    if (!forward_tap(s, FORWARD_REQUEST_CUT, &octets,
                     forward_body_left(&s->forward->request_body)))
        return;
    forward_send(s, ACTION_SEND_UPSTREAM, octets);
    session_note(s, &ended);
    session_abandon(s);
}

bool forward_step_request(struct session *s)
{
    struct forward *f = s->forward;
    struct px_bytes octets = px_bytes_of(f->head, f->head_len);

    switch (f->request) {
    case FORWARD_HEAD:
        f->request = f->request_body.is_whole ? FORWARD_TAIL : FORWARD_BODY;
        if (forward_tap(s, FORWARD_REQUEST_SENT, &octets, UINT64_MAX))
            forward_send(s, ACTION_SEND_UPSTREAM, octets);
        return true;
    case FORWARD_BODY:
        if (f->is_upstream_ended || (s->in_len == 0 && !s->is_client_ended))
            return false;
        if (s->in_len)
            return pass_body(s);
        cut_off(s);
        return true;
    case FORWARD_TAIL:
        octets.len = 0;
        f->request = FORWARD_WHOLE;
        if (forward_tap(s, FORWARD_REQUEST_END, &octets, UINT64_MAX))
            forward_send(s, ACTION_SEND_UPSTREAM, octets);
        return true;
    case FORWARD_WHOLE:
        break;
    }
    return false;
}
