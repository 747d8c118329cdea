#ifndef FAULTS_FORWARD_H
#define FAULTS_FORWARD_H

/*
 * What the faults of forwarding share: editing the parts that on_forward is
 * shown. Edited octets stand in m->out; what does not fit is left as it was.
 */

#include "faults/faults.h"
#include "http1.h"

/* The octets of part, copied to m->out unless they are there already. */
uint8_t *forward_take(struct fault_memory *m, struct forward_part *part);

/* Puts octets, not of m->out, in the place of cut octets at at. */
void forward_put(struct fault_memory *m, struct forward_part *part, size_t at,
                 size_t cut, struct px_bytes octets);

/* The same for text, at the end of the part, or in place of all of it. */
void forward_append(struct fault_memory *m, struct forward_part *part,
                    const char *text);
void forward_set(struct fault_memory *m, struct forward_part *part,
                 const char *text);

/* Puts to in the place of the first from, if there is one. */
void forward_swap(struct fault_memory *m, struct forward_part *part,
                  const char *from, const char *to);

/* The same, if this is the part of that stage. */
enum forward_verdict forward_swap_at(struct fault_memory *m,
                                     struct forward_part *part,
                                     enum forward_stage stage, const char *from,
                                     const char *to);

/* Whether it is a request's head as it came; a head, of a request or of a
 * response, as it came; and as it goes on. */
bool forward_is_request(const struct forward_part *part);
bool forward_is_received(const struct forward_part *part);
bool forward_is_sent(const struct forward_part *part);

/* Whether text is somewhere in the part. */
bool forward_has(const struct forward_part *part, const char *text);

/* Lets the client have text as the response; FORWARD_ANSWER. */
enum forward_verdict forward_answer(struct fault_memory *m,
                                    struct forward_part *part,
                                    const char *text);

/* An error that a fault answers with. */
#define FORWARD_REFUSAL(status)                                                \
    "HTTP/1.1 " status                                                         \
    "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno\r\n"

/* The value of the first field of that name in a head; data NULL: none. It
 * borrows from the part. */
struct px_bytes forward_value(const struct forward_part *part,
                              const char *name);

/* Cuts the first, or the last, or every line of that name from a head; false
 * when there is none. */
bool forward_cut(struct fault_memory *m, struct forward_part *part,
                 const char *name);
bool forward_cut_last(struct fault_memory *m, struct forward_part *part,
                      const char *name);
void forward_cut_all(struct fault_memory *m, struct forward_part *part,
                     const char *name);

/* Adds a line, with its CRLF, at the end of a head. */
void forward_add(struct fault_memory *m, struct forward_part *part,
                 const char *line);
void forward_add_field(struct fault_memory *m, struct forward_part *part,
                       const char *name, struct px_bytes value);

/*
 * Gives every field of that name another one: under a name that the session
 * does not know, a field comes through, and gets its own name back as it is
 * sent.
 */
void forward_rename(struct fault_memory *m, struct forward_part *part,
                    const char *from, const char *to);

/* Puts value, not of m->out, in the place of the first one of that name. */
void forward_set_value(struct fault_memory *m, struct forward_part *part,
                       const char *name, struct px_bytes value);

/* The second word of the start-line: request-target or status. */
struct px_bytes forward_word(const struct forward_part *part);

/* Remembers octets in m->kept, in the place of others, or behind them; what is
 * too much is lost. */
void forward_keep(struct fault_memory *m, struct px_bytes octets);
void forward_keep_more(struct fault_memory *m, struct px_bytes octets);
struct px_bytes forward_kept(const struct fault_memory *m);

/* Writes what completes a chunked body of which part->left octets of a chunk
 * are missing. */
void forward_complete_chunks(struct fault_memory *m, struct forward_part *part);

/* A row of a table of faults whose hook sees what is forwarded. */
#define FORWARD_FAULT(id, what, hook, ...)                                     \
    {                                                                          \
        .name = "forward-" id, .summary = what, .proves = {__VA_ARGS__},       \
        .on_forward = hook,                                                    \
    }

#endif
