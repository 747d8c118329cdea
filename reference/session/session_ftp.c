/*
 * The gateway to FTP: GET and HEAD of an ftp URI, RFC 1738 section 3.2. What
 * is fetched is told as a response of HTTP/1.1, which then passes as any
 * other. Nothing of a path or of credentials reaches the server that could be
 * read as another command there.
 */

#include <assert.h>
#include <string.h>

#include "session_forward.h"

bool forward_is_ftp(const struct session *s, const struct http1_target *target)
{
    return s->cfg->is_ftp_gateway &&
           px_equal_nocase(target->scheme, PX_LITERAL("ftp"));
}

static bool refuse(struct session *s, enum http_answer answer, const char *why)
{
    struct px_error err;

    (void)px_refuse(&err, REQ_NONE, 0, "%s", why);
    return session_http_refuse(s, answer, &err);
}

static uint8_t hex_value(uint8_t octet)
{
    return octet <= '9' ? octet - '0' : (uint8_t)((octet | 0x20) - 'a' + 10);
}

/* Writes what percent-encoded text stands for; every "%" in it is whole. */
static void put_decoded(struct px_bytes text, struct px_writer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t octet = text.data[i];

        if (octet == '%') {
            octet = (uint8_t)(hex_value(text.data[i + 1]) << 4 |
                              hex_value(text.data[i + 2]));
            i += 2;
        }
        px_put_u8(out, octet);
    }
}

static bool has_controls(struct px_bytes octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        if (octets.data[i] < ' ' || octets.data[i] == 0x7F)
            return true;
    }
    return false;
}

/* The octets written since from, of a writer that is not full. */
static struct px_bytes written_since(const struct px_writer *out, size_t from)
{
    return px_bytes_of(out->data + from, out->len - from);
}

static struct px_bytes keep_decoded(struct px_bytes text, struct px_writer *out)
{
    size_t from = out->len;

    put_decoded(text, out);
    return written_since(out, from);
}

/* Of "user:password", or of "user" alone. */
static void read_userinfo(struct px_bytes userinfo, struct px_writer *out,
                          struct session_fetch *fetch)
{
    const uint8_t *colon =
        userinfo.len ? memchr(userinfo.data, ':', userinfo.len) : NULL;
    size_t len = colon ? (size_t)(colon - userinfo.data) : userinfo.len;

    fetch->has_user = len > 0;
    fetch->user = keep_decoded(px_bytes_of(userinfo.data, len), out);
    if (colon)
        fetch->password =
            keep_decoded(px_bytes_of(colon + 1, userinfo.len - len - 1), out);
}

/* Those of the URI, else those that a 401 asked for (RFC 7617). */
static void read_credentials(const struct http1_request_head *head,
                             const struct http1_target *target,
                             struct px_writer *out, struct session_fetch *fetch)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Authorization");

    if (target->has_userinfo)
        read_userinfo(target->userinfo, out, fetch);
    else if (field)
        fetch->has_user = http1_parse_basic(field->value, out->data + out->len,
                                            out->cap - out->len, &fetch->user,
                                            &fetch->password);
}

/* Everything but where to; it stands in f->head. False when it may not be sent
 * to a server of FTP. */
static bool read_fetch(struct forward *f, const struct http1_request_head *head,
                       const struct http1_target *target,
                       struct session_fetch *out)
{
    struct px_writer kept = px_writer_over(f->head, sizeof(f->head));
    struct px_writer decoded = px_writer_over(f->out, sizeof(f->out));

    if (target->path.len == 0)
        px_put_u8(&kept, '/');
    px_put_bytes(&kept, target->path);
    out->path = px_written(&kept);
    read_credentials(head, target, &kept, out);
    put_decoded(out->path, &decoded);
    return !kept.is_full && !decoded.is_full &&
           !has_controls(px_written(&decoded)) && !has_controls(out->user) &&
           !has_controls(out->password);
}

bool forward_check_ftp(struct session *s, const struct http1_request_head *head,
                       const struct http1_target *target)
{
    const struct px_bytes method = head->line.method, path = target->path;
    struct session_fetch fetch = {.is_head = false};

    if (!px_equal(method, PX_LITERAL("GET")) &&
        !px_equal(method, PX_LITERAL("HEAD")))
        return refuse(s, ANSWER_NOT_IMPLEMENTED, "FTP has no such method");
    if (http1_request_framing(head).body != HTTP1_BODY_NONE)
        return refuse(s, ANSWER_BAD_REQUEST, "content for an ftp URI");
    if (path.len && memchr(path.data, '?', path.len))
        return refuse(s, ANSWER_BAD_REQUEST, "an ftp URI has no query");
    return read_fetch(s->forward, head, target, &fetch) ||
           refuse(s, ANSWER_BAD_REQUEST,
                  "control characters in an ftp URI or its credentials");
}

void forward_fetch(struct session *s, const struct http1_request_head *head,
                   const struct http1_target *target, size_t len)
{
    struct forward *f = s->forward;
    struct action *action;
    bool is_readable;

    session_forward_drop(s); /* what stands speaks HTTP */
    forward_set_origin(s, target, FTP_PORT);
    f->fetch =
        (struct session_fetch){.target = f->origin, .is_head = f->is_head};
    is_readable = read_fetch(f, head, target, &f->fetch);
    assert(is_readable);
    session_consume(s, len);
    f->has_upstream = true;
    f->is_reused = false;
    f->phase = FORWARD_DIALLING;
    session_act(s, ACTION_FETCH);
    action = &s->actions[s->action_count - 1];
    action->fetch = &f->fetch;
    action->rules = f->rules;
    session_arm(s, s->now_ms + forward_response_timeout_ms(s));
}

/* As a server of HTTP would have begun its response. */
void forward_fetched(struct session *s, const struct session_fetched *fetched)
{
    struct forward *f = s->forward;
    struct px_writer out = px_writer_over(f->in, sizeof(f->in));

    forward_begin_exchange(s);
    f->request = FORWARD_WHOLE;
    px_put_text(&out, "HTTP/1.1 200 OK\r\nContent-Type: ");
    px_put_text(&out, fetched->is_listing ? "text/plain"
                                          : "application/octet-stream");
    if (fetched->length != UINT64_MAX) {
        px_put_text(&out, "\r\nContent-Length: ");
        px_put_decimal(&out, fetched->length);
    }
    px_put_text(&out, "\r\nConnection: close\r\n\r\n");
    f->in_len = out.len;
}

void forward_fetch_failed(struct session *s, enum fetch_failure failure)
{
    switch (failure) {
    case FETCH_FAILED:
        (void)refuse(s, ANSWER_BAD_RESPONSE, "the FTP server failed");
        break;
    case FETCH_NOT_FOUND:
        (void)refuse(s, ANSWER_NOT_FOUND, "there is no such file");
        break;
    case FETCH_NO_LOGIN:
        (void)refuse(s, ANSWER_UNAUTHORIZED, "the FTP server lets nobody in");
        break;
    }
}
