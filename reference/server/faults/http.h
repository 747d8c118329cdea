#ifndef FAULTS_HTTP_H
#define FAULTS_HTTP_H

/* What the faults of HTTP share: changing heads and answers as text. */

#include "faults/faults.h"
#include "http1.h"

/* Whether on_message was shown the head of a request; *head borrows. */
PX_CHECKED bool http_is_head(const struct fault_memory *m,
                             const struct event *event,
                             struct http1_request_head *head);

/* Whether the event brings octets for a head. */
bool http_is_input(const struct fault_memory *m, const struct event *event);

/* Makes what m->in begins with no request, so that it is answered with 400. */
void http_spoil(struct fault_memory *m);

/* Puts octets, not of m->in, in the place of part, which is of the message. */
void http_set_part(struct fault_memory *m, struct event *event,
                   struct px_bytes part, struct px_bytes octets);
void http_set_text(struct fault_memory *m, struct event *event,
                   struct px_bytes part, const char *text);

/* Cuts the line that part, of the message, is in. */
void http_cut_line(struct fault_memory *m, struct event *event,
                   struct px_bytes part);

/* Adds a line, with its CRLF, at the end of the fields. */
void http_add_line(struct fault_memory *m, struct event *event,
                   const char *line);

/* The status of the answer that action sends; 0 when it sends none. */
unsigned http_status(const struct action *action);

/* Whether it is an answer of success, or of failure. */
bool http_grants(const struct action *action);
bool http_refuses(const struct action *action);

/* Another status-line, without its CRLF; another whole head and body. */
void http_set_status(struct fault_memory *m, struct action *action,
                     const char *line);
void http_set_answer(struct fault_memory *m, struct action *action,
                     const char *answer);

/* Adds a field line, with its CRLF, behind the status-line; cuts the first
 * line that begins with name. */
void http_add_field(struct fault_memory *m, struct action *action,
                    const char *line);
void http_cut_field(struct fault_memory *m, struct action *action,
                    const char *name);

/* Cuts every line that begins with name. */
void http_cut_fields(struct fault_memory *m, struct action *action,
                     const char *name);

/* For on_action: goes on behind a refusal, as long as the session lingers. */
enum fault_verdict http_go_on(struct fault_memory *m, struct action *action);

/* The first Proxy-Authorization; NULL: there is none. */
const struct http1_field *
http_credentials(const struct http1_request_head *head);

/* The right credentials for Basic, in m->out. */
struct px_bytes http_right_value(struct fault_memory *m);

/* Lets the session judge the right credentials in place of those sent, which
 * there are. */
void http_accept(struct fault_memory *m, struct event *event,
                 const struct http1_request_head *head);

/* Whether the head holds the right credentials. */
bool http_is_authorized(const struct fault_memory *m,
                        const struct http1_request_head *head);

#endif
