#include "faults/http.h"

#include <string.h>

bool http_is_head(const struct fault_memory *m, const struct event *event,
                  struct http1_request_head *head)
{
    struct px_error err;
    size_t used;

    return faults_is_in(m, SESSION_HTTP, SESSION_REQUEST) &&
           http1_decode_request_head(event->data, &http1_default_limits, head,
                                     &used, &err) == PX_DONE;
}

bool http_is_input(const struct fault_memory *m, const struct event *event)
{
    return faults_is_input(m, event, SESSION_HTTP, SESSION_REQUEST);
}

void http_spoil(struct fault_memory *m)
{
    m->in[0] = '(';
}

void http_set_part(struct fault_memory *m, struct event *event,
                   struct px_bytes part, struct px_bytes octets)
{
    faults_splice(m, event, (size_t)(part.data - m->in), part.len, octets);
}

void http_set_text(struct fault_memory *m, struct event *event,
                   struct px_bytes part, const char *text)
{
    http_set_part(m, event, part, px_bytes_of(text, strlen(text)));
}

void http_cut_line(struct fault_memory *m, struct event *event,
                   struct px_bytes part)
{
    size_t begin = (size_t)(part.data - m->in);
    size_t end = begin + part.len;

    while (begin > 0 && m->in[begin - 1] != '\n')
        begin--;
    while (end < event->data.len && m->in[end] != '\n')
        end++;
    if (end < event->data.len)
        end++;
    faults_splice(m, event, begin, end - begin, (struct px_bytes){0});
}

void http_add_line(struct fault_memory *m, struct event *event,
                   const char *line)
{
    size_t at = event->data.len - 1; /* the LF of the empty line */

    if (at > 0 && m->in[at - 1] == '\r')
        at--;
    faults_splice(m, event, at, 0, px_bytes_of(line, strlen(line)));
}

unsigned http_status(const struct action *action)
{
    const uint8_t *digits = action->send.data.data;

    if (!faults_sends(action, MESSAGE_HTTP_RESPONSE))
        return 0;
    digits += sizeof("HTTP/1.1 ") - 1;
    return (unsigned)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
                      (digits[2] - '0'));
}

bool http_grants(const struct action *action)
{
    return http_status(action) / 100 == 2;
}

bool http_refuses(const struct action *action)
{
    return http_status(action) / 100 > 2;
}

void http_set_status(struct fault_memory *m, struct action *action,
                     const char *line)
{
    size_t end = faults_find(action->send.data, "\r\n");
    size_t len = strlen(line);
    size_t rest = action->send.data.len - end;

    (void)faults_take_action(m, action);
    memmove(m->out + len, m->out + end, rest);
    memcpy(m->out, line, len);
    action->send.data.len = len + rest;
}

void http_set_answer(struct fault_memory *m, struct action *action,
                     const char *answer)
{
    faults_replace(m, action, px_bytes_of(answer, strlen(answer)));
}

void http_add_field(struct fault_memory *m, struct action *action,
                    const char *line)
{
    size_t at = faults_find(action->send.data, "\r\n") + 2;
    size_t len = strlen(line);

    (void)faults_take_action(m, action);
    memmove(m->out + at + len, m->out + at, action->send.data.len - at);
    memcpy(m->out + at, line, len);
    action->send.data.len += len;
}

void http_cut_field(struct fault_memory *m, struct action *action,
                    const char *name)
{
    size_t at = faults_find(action->send.data, name);
    size_t len;

    if (at == action->send.data.len)
        return;
    (void)faults_take_action(m, action);
    len = faults_find(px_bytes_of(m->out + at, action->send.data.len - at),
                      "\r\n") +
          2;
    action->send.data.len -= len;
    memmove(m->out + at, m->out + at + len, action->send.data.len - at);
}

void http_cut_fields(struct fault_memory *m, struct action *action,
                     const char *name)
{
    while (faults_find(action->send.data, name) < action->send.data.len)
        http_cut_field(m, action, name);
}

enum fault_verdict http_go_on(struct fault_memory *m, struct action *action)
{
    if (http_refuses(action))
        http_cut_field(m, action, "Connection: ");
    return faults_is_in(m, SESSION_HTTP, SESSION_CLOSING) &&
                   action->kind == ACTION_END_CLIENT
               ? FAULT_DROP
               : FAULT_PASS;
}

const struct http1_field *
http_credentials(const struct http1_request_head *head)
{
    return http1_find(&head->fields, "Proxy-Authorization");
}

struct px_bytes http_right_value(struct fault_memory *m)
{
    struct px_writer out = px_writer_over(m->out, sizeof(m->out));

    http1_write_basic(px_bytes_of(m->user, strlen(m->user)),
                      px_bytes_of(m->password, strlen(m->password)), &out);
    return px_written(&out);
}

void http_accept(struct fault_memory *m, struct event *event,
                 const struct http1_request_head *head)
{
    const struct http1_field *field = http_credentials(head);

    m->config.has_no_basic = false;
    if (field->value.len)
        http_set_part(m, event, field->value, http_right_value(m));
    else
        m->config.verify = NULL;
}

bool http_is_authorized(const struct fault_memory *m,
                        const struct http1_request_head *head)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Proxy-Authorization");
    uint8_t buf[1024];
    struct px_bytes user, password;

    return field && m->user &&
           http1_parse_basic(field->value, buf, sizeof(buf), &user,
                             &password) &&
           px_equal(user, px_bytes_of(m->user, strlen(m->user))) &&
           px_equal(password, px_bytes_of(m->password, strlen(m->password)));
}
