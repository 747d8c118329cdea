#ifndef FAULTS_H
#define FAULTS_H

/*
 * faults: the deviations themselves, one file a theme, and what those files
 * share: taking client messages apart one at a time whatever the cuts, and
 * putting other octets in the place of some.
 */

#include "fault.h"

/* The faults of one file. */
struct fault_theme {
    const struct fault *faults;
    size_t count;
};

#define FAULT_THEME(list)                                                      \
    {                                                                          \
        list, sizeof(list) / sizeof((list)[0])                                 \
    }

/* One a file, named NAME_faults; the Makefile finds them by their definition.
 */
#define THEME(name) extern const struct fault_theme name;
#include "fault_themes.h"
#undef THEME

/* Whether the session speaks this protocol and is in this state. */
bool faults_is_in(const struct fault_memory *m, enum session_protocol protocol,
                  enum session_state state);

/* Whether the event brings client octets for a session in this state. */
bool faults_is_input(const struct fault_memory *m, const struct event *event,
                     enum session_protocol protocol, enum session_state state);

/* The octets of event, copied to m->in unless they are there already. */
uint8_t *faults_take_octets(struct fault_memory *m, struct event *event);

/* What became of an event when a message was gathered from it. */
enum faults_gathered {
    FAULTS_WHOLE,  /* event holds one message, m->rest what came behind it */
    FAULTS_SOCKS4, /* the same of a request of SOCKS4 */
    FAULTS_HELD,   /* there is more of it to come */
    FAULTS_OTHER,  /* event is no part of a message of the handshake */
};

enum faults_gathered faults_gather(struct fault_memory *m, struct event *event);

/*
 * For on_event: octets that came while dialling wait in m->in (true: drop the
 * event), and are m->rest when it is known what came of the attempt.
 */
PX_CHECKED bool faults_hold_early(struct fault_memory *m, struct event *event,
                                  enum session_protocol protocol);

/* For on_message, when all that matters is that messages come one by one. */
enum fault_verdict faults_pass(struct fault_memory *m, struct event *event);

/* Puts these octets, not of m->in, in the place of cut octets at at in the
 * message that on_message was shown; no effect when there is no room. */
void faults_splice(struct fault_memory *m, struct event *event, size_t at,
                   size_t cut, struct px_bytes octets);

/* Puts octets, not of m->in, in the place of that message. */
void faults_set_message(struct fault_memory *m, struct event *event,
                        struct px_bytes octets);

/* Puts octets, not of m->in, before those of an event of client data. */
void faults_prepend(struct fault_memory *m, struct event *event,
                    struct px_bytes octets);

/* Sends the client these octets, then ends the connection; FAULT_DROP. */
enum fault_verdict faults_answer(struct fault_memory *m,
                                 struct px_bytes octets);

/* Whether action sends the client this kind of message. */
bool faults_sends(const struct action *action, enum session_message message);

/* The octets of action, copied to m->out, which action then sends. */
uint8_t *faults_take_action(struct fault_memory *m, struct action *action);

/* Lets action send these octets, not of m->out, in place of its own. */
void faults_replace(struct fault_memory *m, struct action *action,
                    struct px_bytes octets);

/* Where text begins in octets; octets.len when it does not. */
size_t faults_find(struct px_bytes octets, const char *text);

/* Puts to in the place of the first from that action sends, if there is one;
 * it may be called again on what came of it. */
void faults_swap(struct fault_memory *m, struct action *action,
                 const char *from, const char *to);

/* One more action; octets of a message have to stay until it is done. */
void faults_also(struct fault_memory *m, enum action_kind kind);
void faults_also_send(struct fault_memory *m, enum action_kind kind,
                      struct px_bytes octets);

/* Arms the session's timer anew; see fault_memory's after. */
void faults_also_arm(struct fault_memory *m, uint64_t after_ms);

/* Whether the session is a tunnel by now, and whether action sends octets of
 * it on, to the client or to the target. */
bool faults_is_relaying(const struct fault_memory *m);
bool faults_relays_to_client(const struct action *action);
bool faults_relays_to_target(const struct action *action);

/* Lets verify, whose ctx is m, judge credentials, if the proxy asks for any. */
void faults_verify_with(struct fault_memory *m, session_verify_fn *verify);

/* What a failed session does next, and a fault may keep it from doing: end
 * the client's side, and arm the timer that closes it at last. True when
 * action was one of these; then *verdict says what becomes of it. */
bool faults_keep_open(const struct fault_memory *m, struct action *action,
                      enum fault_verdict *verdict);

/* The octets of a datagram that came, copied to m->in unless they are there. */
uint8_t *faults_take_datagram(struct fault_memory *m,
                              struct association_event *event);

/* Whether this is a datagram of the client's, with at least a header's first
 * four octets. */
bool faults_is_datagram(const struct association_event *event);

/* Where the header of a datagram stands. */
enum { FAULTS_UDP_FRAG = 2, FAULTS_UDP_ATYP = 3, FAULTS_UDP_ADDR = 4 };

#endif
