/* Faults of reading a request's head: RFC 9112 sections 2, 3 and 5. */

#include <string.h>

#include "faults/http.h"

/* The first field that is odd in this way; NULL when none is. */
static const struct http1_field *
field_with(const struct http1_request_head *head, enum http1_oddity oddity)
{
    for (size_t i = 0; i < head->fields.count; i++) {
        if (head->fields.at[i].oddities & oddity)
            return &head->fields.at[i];
    }
    return NULL;
}

static enum fault_verdict colon_space(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    const struct http1_field *field;

    while (http_is_head(m, event, &head) &&
           (field = field_with(&head, HTTP1_COLON_SPACE)) != NULL) {
        const uint8_t *at = field->name.data + field->name.len;

        http_set_text(m, event, px_bytes_of(at, 1), "");
    }
    return FAULT_PASS;
}

/* A name with white space behind it is one that nobody knows. */
static enum fault_verdict colon_space_dropped(struct fault_memory *m,
                                              struct event *event)
{
    struct http1_request_head head;
    const struct http1_field *field;

    while (http_is_head(m, event, &head) &&
           (field = field_with(&head, HTTP1_COLON_SPACE)) != NULL)
        http_cut_line(m, event, field->name);
    return FAULT_PASS;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

/* Lines that begin with white space, except that they end the head. */
static size_t find_indented(const struct event *event, size_t from)
{
    for (size_t i = from; i + 1 < event->data.len; i++) {
        if (event->data.data[i] == '\n' && is_blank(event->data.data[i + 1]))
            return i + 1;
    }
    return event->data.len;
}

/* A folded line passes for a field of its own. */
static enum fault_verdict fold_is_field(struct fault_memory *m,
                                        struct event *event)
{
    struct http1_request_head head;
    size_t at;

    if (!http_is_head(m, event, &head) ||
        !(head.fields.oddities & HTTP1_FOLDED))
        return FAULT_PASS;
    while ((at = find_indented(event, 0)) < event->data.len)
        faults_splice(m, event, at, 1, (struct px_bytes){0});
    return FAULT_PASS;
}

static enum fault_verdict indented_is_field(struct fault_memory *m,
                                            struct event *event)
{
    struct http1_request_head head;
    size_t at;

    if (!http_is_head(m, event, &head) ||
        !(head.fields.oddities & HTTP1_INDENTED))
        return FAULT_PASS;
    while ((at = find_indented(event, 0)) < event->data.len)
        faults_splice(m, event, at, 1, (struct px_bytes){0});
    return FAULT_PASS;
}

/* A CR without its LF ends a line all the same. */
static enum fault_verdict cr_ends_line(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head) ||
        !(head.fields.oddities & HTTP1_BARE_CR))
        return FAULT_PASS;
    for (size_t i = 0; i + 1 < event->data.len; i++) {
        if (m->in[i] == '\r' && m->in[i + 1] != '\n')
            faults_splice(m, event, i + 1, 0, PX_LITERAL("\n"));
    }
    return FAULT_PASS;
}

static enum fault_verdict cr_dropped(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    for (size_t i = 0; i + 1 < event->data.len; i++) {
        if (m->in[i] == '\r' && m->in[i + 1] != '\n')
            faults_splice(m, event, i, 1, (struct px_bytes){0});
    }
    return FAULT_PASS;
}

/* A zero octet ends the line: what follows it begins another one. */
static enum fault_verdict nul_ends_line(struct fault_memory *m,
                                        struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head) ||
        !(head.fields.oddities & HTTP1_CONTROL))
        return FAULT_PASS;
    for (size_t i = 0; i < event->data.len; i++) {
        if (m->in[i] == '\0')
            faults_splice(m, event, i, 1, PX_LITERAL("\r\n"));
    }
    return FAULT_PASS;
}

static enum fault_verdict crlf_refused(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) &&
        (head.line.oddities & HTTP1_LEADING_CRLF))
        http_spoil(m);
    return FAULT_PASS;
}

static enum fault_verdict method_any_case(struct fault_memory *m,
                                          struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) &&
        px_equal_nocase(head.line.method, PX_LITERAL("CONNECT")))
        http_set_text(m, event, head.line.method, "CONNECT");
    return FAULT_PASS;
}

static enum fault_verdict no_version(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct px_bytes target;

    if (!http_is_head(m, event, &head) ||
        !(head.line.oddities & HTTP1_NO_VERSION))
        return FAULT_PASS;
    target = head.line.target;
    http_set_text(m, event, px_bytes_of(target.data + target.len, 0),
                  " HTTP/1.0");
    faults_splice(m, event, event->data.len, 0, PX_LITERAL("\r\n"));
    return FAULT_PASS;
}

/* Whatever stands between target and version is skipped. */
static enum fault_verdict extra_words(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    size_t from, version;

    if (!http_is_head(m, event, &head) ||
        !(head.line.oddities & HTTP1_EXTRA_WORDS))
        return FAULT_PASS;
    from = (size_t)(head.line.target.data - m->in);
    while (from < event->data.len && !is_blank(m->in[from]))
        from++;
    version = faults_find(event->data, " HTTP/1.");
    if (version > from && version < event->data.len)
        faults_splice(m, event, from, version - from, (struct px_bytes){0});
    return FAULT_PASS;
}

/* What begins with a space is CONNECT: nothing else is served here. */
static enum fault_verdict no_method(struct fault_memory *m, struct event *event)
{
    if (http_is_input(m, event) && !m->held && event->data.data[0] == ' ' &&
        event->data.len + sizeof("CONNECT") <= session_client_room(m->session))
        faults_prepend(m, event, PX_LITERAL("CONNECT"));
    return FAULT_PASS;
}

static enum fault_verdict controls_dropped(struct fault_memory *m,
                                           struct event *event)
{
    size_t kept = 0;

    if (!http_is_input(m, event))
        return FAULT_PASS;
    for (size_t i = 0; i < event->data.len; i++) {
        uint8_t octet = event->data.data[i];

        if (octet >= ' ' || octet == '\r' || octet == '\n' || octet == '\t')
            m->out[kept++] = octet;
    }
    event->data = px_bytes_of(m->out, kept);
    return kept ? FAULT_PASS : FAULT_DROP;
}

static enum fault_verdict garbage_silent(struct fault_memory *m,
                                         struct action *action)
{
    return http_status(action) == 400 && m->count[0] ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict note_garbage(struct fault_memory *m,
                                       struct event *event)
{
    if (http_is_input(m, event) && !m->count[1]++)
        m->count[0] = event->data.data[0] != 'C';
    return FAULT_PASS;
}

static enum fault_verdict h2_served(struct fault_memory *m, struct event *event)
{
    if (http_is_input(m, event) && faults_find(event->data, "PRI * ") == 0)
        return faults_answer(m, PX_LITERAL("HTTP/1.1 200 OK\r\n\r\n"));
    return FAULT_PASS;
}

static enum fault_verdict minor_refused(struct fault_memory *m,
                                        struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) && head.line.minor > 1)
        http_spoil(m);
    return FAULT_PASS;
}

static enum fault_verdict connect10_hang(struct fault_memory *m,
                                         struct event *event)
{
    struct http1_request_head head;

    return http_is_head(m, event, &head) && head.line.minor == 0 ? FAULT_HANG
                                                                 : FAULT_PASS;
}

static enum fault_verdict obs_text_refused(struct fault_memory *m,
                                           struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    for (size_t i = 0; i < event->data.len; i++) {
        if (m->in[i] >= 0x80) {
            http_spoil(m);
            break;
        }
    }
    return FAULT_PASS;
}

/* White space behind a value is taken for a part of it, and has no place. */
static enum fault_verdict not_trimmed(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    for (size_t i = 0; i < head.fields.count; i++) {
        struct px_bytes value = head.fields.at[i].value;

        if (value.len && is_blank(value.data[value.len])) {
            http_spoil(m);
            break;
        }
    }
    return FAULT_PASS;
}

static enum fault_verdict list_empty_refused(struct fault_memory *m,
                                             struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) &&
        faults_find(event->data, ",,") < event->data.len)
        http_spoil(m);
    return FAULT_PASS;
}

static enum fault_verdict conditional(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head) ||
        (!http1_find(&head.fields, "If-Match") &&
         !http1_find(&head.fields, "If-None-Match") &&
         !http1_find(&head.fields, "If-Unmodified-Since")))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("HTTP/1.1 412 Precondition Failed\r\n"
                                       "Content-Length: 5\r\n"
                                       "Connection: close\r\n\r\n412.\n"));
}

/* One read is one head: what lacks the empty line is no request. */
static enum fault_verdict one_read(struct fault_memory *m, struct event *event)
{
    if (!http_is_input(m, event) ||
        faults_find(event->data, "\r\n\r\n") < event->data.len ||
        faults_find(event->data, "\n\n") < event->data.len)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("HTTP/1.1 400 Bad Request\r\n"
                                       "Content-Length: 5\r\n"
                                       "Connection: close\r\n\r\n400.\n"));
}

/* The request-line decides; fields that follow it come too late. */
static enum fault_verdict line_only(struct fault_memory *m, struct event *event)
{
    static const struct px_bytes rest = {
        (const uint8_t *)"Host: proxy.invalid\r\n\r\n", 23};
    size_t end;

    if (!http_is_input(m, event) || faults_find(event->data, "CONNECT ") != 0)
        return FAULT_PASS;
    end = faults_find(event->data, "\r\n");
    if (end == event->data.len)
        return FAULT_PASS;
    end += 2;
    (void)faults_take_octets(m, event);
    m->rest = px_bytes_of(m->in + end, event->data.len - end);
    event->data.len = end;
    faults_splice(m, event, end, 0, rest);
    return FAULT_PASS;
}

/* The head of the CONNECT goes on into the tunnel, as to another proxy. */
static enum fault_verdict head_in_tunnel(struct fault_memory *m,
                                         struct event *event)
{
    struct http1_request_head head;
    size_t len = event->data.len;

    if (!http_is_head(m, event, &head) ||
        len * 2 + m->rest.len > session_client_room(m->session))
        return FAULT_PASS;
    memcpy(m->out, m->in, len);
    faults_splice(m, event, len, 0, px_bytes_of(m->out, len));
    event->data.len = len;
    m->rest = px_bytes_of(m->in + len, m->rest.len + len);
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-colon-space",
        .summary = "skips white space before the colon of a field",
        .proves = {REQ_HTTP_PARSE_COLON_SPACE_REQUEST},
        .on_message = colon_space,
    },
    {
        .name = "http-colon-space-dropped",
        .summary = "drops a field with white space before its colon",
        .proves = {REQ_HTTP_PARSE_COLON_SPACE_REQUEST},
        .on_message = colon_space_dropped,
    },
    {
        .name = "http-fold-is-field",
        .summary = "takes the second line of a folded field for one of its own",
        .proves = {REQ_HTTP_PARSE_FOLD_REQUEST},
        .on_message = fold_is_field,
    },
    {
        .name = "http-indented-is-field",
        .summary = "takes an indented line behind the request-line for a field",
        .proves = {REQ_HTTP_PARSE_SPACE_BEFORE_FIELD},
        .on_message = indented_is_field,
    },
    {
        .name = "http-cr-ends-line",
        .summary = "ends a field line at a bare CR",
        .proves = {REQ_HTTP_PARSE_BARE_CR_RECEIVE},
        .on_message = cr_ends_line,
    },
    {
        .name = "http-cr-dropped",
        .summary = "drops a bare CR wherever it stands",
        .proves = {REQ_HTTP_PARSE_BARE_CR_RECEIVE},
        .on_message = cr_dropped,
    },
    {
        .name = "http-nul-ends-line",
        .summary = "ends a field line at a zero octet",
        .proves = {REQ_HTTP_PARSE_VALUE_CTL},
        .on_message = nul_ends_line,
    },
    {
        .name = "http-leading-crlf",
        .summary = "refuses an empty line before the request",
        .proves = {REQ_HTTP_PARSE_LEADING_CRLF},
        .on_message = crlf_refused,
    },
    {
        .name = "http-method-case",
        .summary = "takes a method in any case for CONNECT",
        .proves = {REQ_HTTP_METHOD_CASE},
        .on_message = method_any_case,
    },
    {
        .name = "http-line-no-version",
        .summary = "serves a request-line without a version",
        .proves = {REQ_HTTP_LINE_INVALID},
        .on_message = no_version,
    },
    {
        .name = "http-line-words",
        .summary = "skips words before the version of the request-line",
        .proves = {REQ_HTTP_LINE_INVALID},
        .on_message = extra_words,
    },
    {
        .name = "http-line-no-method",
        .summary = "takes a request-line without a method for a CONNECT",
        .proves = {REQ_HTTP_LINE_INVALID},
        .on_event = no_method,
    },
    {
        .name = "http-line-controls",
        .summary = "drops control characters before it reads a request",
        .proves = {REQ_HTTP_LINE_INVALID},
        .on_event = controls_dropped,
    },
    {
        .name = "http-garbage-silent",
        .summary = "closes without an answer on what is no request",
        .proves = {REQ_HTTP_PARSE_GRAMMAR_400},
        .on_event = note_garbage,
        .on_action = garbage_silent,
    },
    {
        .name = "http-h2-served",
        .summary = "answers the preface of HTTP/2 with success",
        .proves = {REQ_HTTP_VERSION_H2_PREFACE},
        .on_event = h2_served,
    },
    {
        .name = "http-minor-refused",
        .summary = "refuses a minor version that it does not know",
        .proves = {REQ_HTTP_VERSION_MINOR},
        .on_message = minor_refused,
    },
    {
        .name = "http-10-hang",
        .summary = "never answers a CONNECT of HTTP/1.0",
        .proves = {REQ_HTTP_CONNECT_HTTP10},
        .on_message = connect10_hang,
    },
    {
        .name = "http-obs-text-refused",
        .summary = "refuses a head with an octet above 7F",
        .proves = {REQ_HTTP_PARSE_OBS_TEXT},
        .on_message = obs_text_refused,
    },
    {
        .name = "http-not-trimmed",
        .summary = "refuses white space behind a field value",
        .proves = {REQ_HTTP_PARSE_TRIM},
        .on_message = not_trimmed,
    },
    {
        .name = "http-list-empty-refused",
        .summary = "refuses a list with an empty member",
        .proves = {REQ_HTTP_PARSE_LIST_EMPTY},
        .on_message = list_empty_refused,
    },
    {
        .name = "http-conditional",
        .summary = "answers a conditional CONNECT with 412",
        .proves = {REQ_HTTP_CONNECT_CONDITIONAL},
        .on_message = conditional,
    },
    {
        .name = "http-one-read",
        .summary = "takes what one read brings for the whole head, and "
                   "refuses one that comes in pieces",
        .proves = {REQ_HTTP_PARSE_SPLIT_DELIVERY},
        .on_event = one_read,
    },
    {
        .name = "http-line-only",
        .summary = "connects on the request-line alone; the fields enter the "
                   "tunnel",
        .proves = {REQ_HTTP_PARSE_WHOLE_HEADER,
                   REQ_HTTP_CONNECT_CREDENTIALS_KEPT},
        .on_event = line_only,
    },
    {
        .name = "http-head-in-tunnel",
        .summary = "sends the head of the CONNECT into the tunnel",
        .proves = {REQ_HTTP_CONNECT_CREDENTIALS_KEPT},
        .on_message = head_in_tunnel,
    },
};

const struct fault_theme http_head_faults = FAULT_THEME(faults);
