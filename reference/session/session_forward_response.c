#include "session_forward.h"

#include <string.h>

#include "http1_date.h"

/* What a response may not have, RFC 9112 sections 2, 4 and 5; the rest is
 * mended as it is passed on. */
enum {
    REFUSED_ODDITIES = HTTP1_BARE_CR | HTTP1_NOT_TOKEN | HTTP1_NO_COLON |
                       HTTP1_INDENTED | HTTP1_CONTROL | HTTP1_LOOSE_SPACING |
                       HTTP1_BAD_VERSION | HTTP1_BAD_STATUS |
                       HTTP1_LEADING_CRLF,
    MENDED_DEFECTS = HTTP1_LENGTH_REPEATED | HTTP1_CODING_AND_LENGTH |
                     HTTP1_LENGTH_FORBIDDEN | HTTP1_CODING_FORBIDDEN,
};

static bool fail(struct session *s, enum requirement req, const char *why)
{
    struct px_error err;

    (void)px_refuse(&err, req, 0, "%s", why);
    forward_fail(s, ANSWER_BAD_RESPONSE, &err);
    return true;
}

static bool is_interim(const struct http1_response_head *head)
{
    return head->line.code < 200;
}

/* Why a response can not be passed on; NULL: it can. */
static const char *find_flaw(const struct session *s,
                             const struct http1_response_head *head,
                             const struct http1_framing *framing,
                             enum requirement *req)
{
    const struct forward *f = s->forward;

    *req = REQ_HTTP_PARSE_RESPONSE_GARBAGE;
    if ((head->line.oddities | head->fields.oddities) & REFUSED_ODDITIES)
        return "the head does not match its grammar";
    if (head->line.major != 1 || head->line.code < 100)
        return "no response of HTTP/1";
    *req = REQ_HTTP_UPGRADE_UNREQUESTED_101;
    if (head->line.code == 101)
        return "101 without an Upgrade that was forwarded";
    /* It would ask the client for credentials that are this proxy's. */
    *req = REQ_AUTH_PROXY_CHALLENGE_SCOPE;
    if (head->line.code == 407)
        return "407 of an origin";
    *req = http1_response_defect(framing->defects & ~(uint32_t)MENDED_DEFECTS);
    if (!is_interim(head) && *req != REQ_NONE)
        return "the end of the response is not certain";
    *req = REQ_HTTP_LIMITS_RESPONSE_FIELDS;
    return f->response_options.is_over ? "too many connection-options" : NULL;
}

/* How the body is framed for a client of this version. */
static enum http1_body framing_for(const struct forward *f,
                                   enum http1_body from)
{
    if (from == HTTP1_BODY_NONE || from == HTTP1_BODY_LENGTH)
        return from;
    return f->is_from_http10 ? HTTP1_BODY_TO_CLOSE : HTTP1_BODY_CHUNKED;
}

/* The length that a response to GET would have had, where one was told. */
static void put_told_length(const struct http1_response_head *head,
                            struct px_writer *out)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Content-Length");
    struct px_bytes list, member;

    if (!field || http1_find(&head->fields, "Transfer-Encoding"))
        return;
    list = field->value;
    if (http1_next_member(&list, &member))
        forward_put_field("Content-Length", member, out);
}

static void put_framing(const struct forward *f,
                        const struct http1_response_head *head,
                        const struct http1_framing *framing,
                        struct px_writer *out)
{
    switch (f->response_body.to) {
    case HTTP1_BODY_LENGTH:
        px_put_text(out, "Content-Length: ");
        px_put_decimal(out, framing->length);
        px_put_text(out, "\r\n");
        break;
    case HTTP1_BODY_CHUNKED:
        px_put_text(out, "Transfer-Encoding: chunked\r\n");
        break;
    case HTTP1_BODY_NONE:
        if (f->is_head || head->line.code == 304)
            put_told_length(head, out);
        break;
    case HTTP1_BODY_TO_CLOSE:
        break;
    }
}

static void put_status_line(const struct http1_response_head *head,
                            struct px_writer *out)
{
    px_put_text(out, "HTTP/1.1 ");
    px_put_decimal(out, head->line.code);
    px_put_text(out, " ");
    px_put_bytes(out, head->line.reason);
    px_put_text(out, "\r\n");
}

static void put_date(const struct session *s,
                     const struct http1_response_head *head,
                     struct px_writer *out)
{
    if (!s->cfg->unix_offset_ms ||
        (http1_find(&head->fields, "Date") &&
         !forward_has_option(&s->forward->response_options,
                             PX_LITERAL("Date"))))
        return;
    px_put_text(out, "Date: ");
    http1_put_date((s->now_ms + s->cfg->unix_offset_ms) / 1000, out);
    px_put_text(out, "\r\n");
}

/* The head as the client gets it; framing is NULL for an interim response. */
static struct px_bytes write_head(struct session *s,
                                  const struct http1_response_head *head,
                                  const struct http1_framing *framing)
{
    struct forward *f = s->forward;
    struct px_writer out = px_writer_over(f->out, FORWARD_HEAD_MAX);
    const struct forward_filter filter = {
        .options = &f->response_options,
        .drops_trailer = f->response_body.to != HTTP1_BODY_CHUNKED,
    };

    put_status_line(head, &out);
    forward_put_fields(&head->fields, &filter, &out);
    if (framing) {
        put_framing(f, head, framing, &out);
        put_date(s, head, &out);
    }
    forward_put_via(head->line.minor, s->cfg->pseudonym, &out);
    if (framing && f->closes_client)
        px_put_text(&out, "Connection: close\r\n");
    px_put_text(&out, "\r\n");
    if (out.is_full)
        return (struct px_bytes){0};
    return px_written(&out);
}

/* RFC 9110 section 15.2: passed on, but never to HTTP/1.0. */
static bool pass_interim(struct session *s,
                         const struct http1_response_head *head, size_t len)
{
    struct forward *f = s->forward;
    struct px_bytes octets = write_head(s, head, NULL);

    forward_consume(f, len);
    if (octets.len == 0)
        return fail(s, REQ_HTTP_LIMITS_RESPONSE_FIELDS, "too large a head");
    if (f->is_from_http10)
        return true;
    if (forward_tap(s, FORWARD_RESPONSE_SENT, &octets, UINT64_MAX))
        forward_send(s, ACTION_SEND_CLIENT, octets);
    return true;
}

static void note_response(struct forward *f,
                          const struct http1_response_head *head,
                          const struct http1_framing *framing)
{
    enum http1_body to = framing_for(f, framing->body);

    f->is_origin_http10 = head->line.minor == 0;
    forward_begin_body(&f->response_body, framing->body, to, framing->length,
                       &f->response_options);
    f->response_body.is_request = false;
    f->closes_client = f->wants_close || f->request != FORWARD_WHOLE ||
                       to == HTTP1_BODY_TO_CLOSE;
    f->closes_origin =
        f->is_origin_http10 || framing->body == HTTP1_BODY_TO_CLOSE ||
        (framing->defects & (HTTP1_CODING_AND_LENGTH | HTTP1_LENGTH_FORBIDDEN |
                             HTTP1_CODING_FORBIDDEN)) ||
        http1_lists(&head->fields, "Connection", "close");
}

static bool pass_final(struct session *s,
                       const struct http1_response_head *head,
                       const struct http1_framing *framing, size_t len)
{
    struct forward *f = s->forward;
    struct px_bytes octets;

    note_response(f, head, framing);
    octets = write_head(s, head, framing);
    forward_consume(f, len);
    if (octets.len == 0)
        return fail(s, REQ_HTTP_LIMITS_RESPONSE_FIELDS, "too large a head");
    f->response = f->response_body.is_whole ? FORWARD_TAIL : FORWARD_BODY;
    if (forward_tap(s, FORWARD_RESPONSE_SENT, &octets, UINT64_MAX))
        forward_send(s, ACTION_SEND_CLIENT, octets);
    return true;
}

/* Shows the tap a whole head and decodes what became of it. */
static enum px_status tap_head(struct session *s,
                               struct http1_response_head *head, size_t *len,
                               struct px_error *err)
{
    struct forward *f = s->forward;
    struct px_bytes octets = px_bytes_of(f->in, *len);

    f->status = head->line.code;
    if (!s->cfg->tap)
        return PX_DONE;
    if (!forward_tap(s, FORWARD_RESPONSE_RECEIVED, &octets, UINT64_MAX))
        return PX_NEED_MORE;
    if (octets.data == f->in && octets.len == *len)
        return PX_DONE;
    if (forward_splice(f->in, sizeof(f->in), &f->in_len, *len, octets) &&
        http1_decode_response_head(px_bytes_of(f->in, f->in_len),
                                   &http1_default_limits, head, len,
                                   err) == PX_DONE)
        return PX_DONE;
    return px_refuse(err, REQ_NONE, 0, "the tap left no head");
}

static bool pass_head(struct session *s, struct http1_response_head *head,
                      size_t len)
{
    struct forward *f = s->forward;
    const struct http1_asked asked = {.is_head = f->is_head};
    struct http1_framing framing;
    enum requirement req;
    struct px_error err;
    const char *flaw;
    enum px_status status = tap_head(s, head, &len, &err);

    if (status == PX_NEED_MORE)
        return true;
    if (status == PX_ERROR)
        return fail(s, err.req, err.detail);
    framing = http1_response_framing(head, asked);
    forward_read_options(&head->fields, &f->response_options);
    flaw = find_flaw(s, head, &framing, &req);
    if (flaw)
        return fail(s, req, flaw);
    return is_interim(head) ? pass_interim(s, head, len)
                            : pass_final(s, head, &framing, len);
}

/*
 * The connection went before any octet of a response. One that had served
 * before may just have been closed for idleness: what can be repeated is, once
 * (RFC 9112 section 9.3.1).
 */
static bool retry_or_fail(struct session *s)
{
    struct forward *f = s->forward;

    if (!f->is_reused || !f->is_idempotent || f->has_content)
        return fail(s, REQ_HTTP_INCOMPLETE_HEADER, "no response");
    session_forward_drop(s);
    f->is_retry = true;
    forward_reach(s);
    return true;
}

static bool step_head(struct session *s)
{
    struct forward *f = s->forward;
    struct http1_response_head head;
    struct px_error err;
    size_t len;

    if (f->in_len == 0)
        return f->is_upstream_ended && retry_or_fail(s);
    switch (http1_decode_response_head(px_bytes_of(f->in, f->in_len),
                                       &http1_default_limits, &head, &len,
                                       &err)) {
    case PX_NEED_MORE:
        if (f->is_upstream_ended)
            return fail(s, REQ_HTTP_INCOMPLETE_HEADER, "half a head");
        return f->in_len == sizeof(f->in) &&
               fail(s, REQ_HTTP_LIMITS_RESPONSE_FIELDS, "too large a head");
    case PX_ERROR:
        return fail(s, REQ_HTTP_PARSE_RESPONSE_GARBAGE, err.detail);
    case PX_DONE:
        break;
    }
    return pass_head(s, &head, len);
}

static void cut_off(struct session *s, const struct px_error *err)
{
    struct px_bytes octets = {0};

    if (!forward_tap(s, FORWARD_RESPONSE_CUT, &octets,
                     forward_body_left(&s->forward->response_body)))
        return;
    forward_send(s, ACTION_SEND_CLIENT, octets);
    forward_break_off(s, err);
}

/* The origin closed, and all that it had sent has passed. */
static void close_body(struct session *s)
{
    static const struct px_error ended = {
        .req = REQ_HTTP_INCOMPLETE_SHORT_RESPONSE,
        .detail = "the origin ended early"};
    struct forward *f = s->forward;
    struct px_writer out = px_writer_over(f->out, sizeof(f->out));
    struct px_bytes octets;

    if (f->is_upstream_broken || !forward_close_body(&f->response_body, &out)) {
        cut_off(s, &ended);
        return;
    }
    f->response = FORWARD_TAIL;
    octets = px_written(&out);
    if (forward_tap(s, FORWARD_RESPONSE_BODY, &octets, 0))
        forward_send(s, ACTION_SEND_CLIENT, octets);
}

/* What came is what goes on, from where it lies: in keeps it until the next
 * event. */
static bool pass_as_is(struct session *s)
{
    struct forward *f = s->forward;
    struct px_bytes octets = px_bytes_of(f->in, f->in_len);

    if (!forward_pass_as_is(&f->response_body, octets.len))
        return false;
    f->in_len = 0;
    if (f->response_body.is_whole)
        f->response = FORWARD_TAIL;
    if (forward_tap(s, FORWARD_RESPONSE_BODY, &octets,
                    forward_body_left(&f->response_body)))
        forward_send(s, ACTION_SEND_CLIENT, octets);
    return true;
}

static bool step_body(struct session *s)
{
    struct forward *f = s->forward;
    struct px_writer out =
        px_writer_over(f->out, FORWARD_STEP + FORWARD_BODY_ROOM);
    struct px_bytes octets;
    struct px_error err;
    size_t used = 0;
    enum px_status status;

    if (f->in_len == 0) {
        if (f->is_upstream_ended)
            close_body(s);
        return f->is_upstream_ended;
    }
    if (pass_as_is(s))
        return true;
    status = forward_pass_body(&f->response_body, px_bytes_of(f->in, f->in_len),
                               &out, &used, &err);
    if (status == PX_ERROR) {
        cut_off(s, &err);
        return true;
    }
    forward_consume(f, used);
    if (status == PX_DONE)
        f->response = FORWARD_TAIL;
    octets = px_written(&out);
    if (forward_tap(s, FORWARD_RESPONSE_BODY, &octets,
                    forward_body_left(&f->response_body)))
        forward_send(s, ACTION_SEND_CLIENT, octets);
    return true;
}

bool forward_step_response(struct session *s)
{
    struct forward *f = s->forward;
    struct px_bytes octets = {0};

    switch (f->response) {
    case FORWARD_HEAD:
        return step_head(s);
    case FORWARD_BODY:
        return step_body(s);
    case FORWARD_TAIL:
        f->response = FORWARD_WHOLE;
        if (forward_tap(s, FORWARD_RESPONSE_END, &octets, UINT64_MAX))
            forward_send(s, ACTION_SEND_CLIENT, octets);
        return true;
    case FORWARD_WHOLE:
        break;
    }
    return false;
}
