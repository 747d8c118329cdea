#ifndef FAULT_H
#define FAULT_H

/*
 * Faults: named, deliberate deviations of the reference. A fault stands
 * between session and sockets: it may change the session's configuration,
 * the events before the session sees them and the actions before they are
 * carried out. It stands likewise between an association and its datagrams.
 * Each names the requirements that a tester has to see broken.
 */

#include "association.h"
#include "dial.h"
#include "session.h"

enum {
    FAULT_EXTRA_MAX = 4,
    FAULT_SHARED_MAX = 1,
    FAULT_OCTETS_MAX = 65536 + 1024, /* one read, and what a fault adds to it */
    FAULT_KEPT_MAX = 65536,
};

/* What a fault knows and remembers about one connection. */
struct fault_memory {
    const struct fault *fault; /* whose memory it is */
    /* The session's own configuration: a fault may change it at any time, and
     * may verify credentials itself (verify_ctx can point to this memory). */
    struct session_config config;
    const struct session *session; /* as it stands when the hook is called */
    const char *user; /* the right credentials; NULL: none are asked for */
    const char *password;
    uint64_t now_ms;   /* when the hook is called, on the session's clock */
    uint64_t count[4]; /* free use; zeroed at the start */
    /* Free use by on_forward, which may keep octets of one part for another. */
    uint8_t kept[FAULT_KEPT_MAX];
    size_t kept_len;
    /* FAULT_SHARED_MAX more, that all connections of a listener share. */
    uint64_t *shared;
    /* Octets that replace those of an event, and of an action. */
    uint8_t in[FAULT_OCTETS_MAX];
    uint8_t out[FAULT_OCTETS_MAX];
    /* Client octets at the start of in that the session has not seen yet; the
     * server reads that much less. A fault that passes them on sets it to 0. */
    size_t held;
    /* Set by on_event: client octets (in in) to be shown as the next event,
     * once the actions of this one are carried out. */
    struct px_bytes rest;
    /* Set by either hook, of ARM_TIMER too, which shows it EVENT_TIMER while
     * the session relays and has no use for one: carried out behind this
     * action, or before the session sees this event. They may borrow from out.
     */
    struct action after[FAULT_EXTRA_MAX];
    size_t after_count;  /* emptied by the server */
    bool tries_one;      /* of a name's addresses only the first is tried */
    bool is_ipv4_only;   /* and only those of IPv4 are asked for */
    enum dial_rule rule; /* what is compared with addresses that are denied */
    bool listens_on; /* others may still connect when BIND's peer is taken */
    /* The association's own configuration, for on_associate to change. */
    struct association_config association;
    /* Set by on_datagram: carried out before the association sees the event.
     * It may borrow from out. */
    struct association_action notice;
    bool has_notice; /* cleared by the relay */
};

/* What a fault wants done with what it was shown. */
enum fault_verdict {
    FAULT_PASS, /* carry on, changed or not */
    FAULT_DROP, /* as if it had not happened */
    /* Events only: let a new session begin, and show it this event. */
    FAULT_RESTART,
    FAULT_HANG,  /* from here on do nothing at all with this connection */
    FAULT_ABORT, /* reset the connection now */
};

/*
 * For the relay of an association; the verdict is PASS, DROP, or HANG: no
 * datagram passes any more. Other octets of a datagram stand in in, and in
 * out; the clock of the association is now_ms, which a fault may change.
 */
typedef enum fault_verdict fault_datagram_fn(struct fault_memory *memory,
                                             struct association_event *event);
typedef enum fault_verdict fault_relay_fn(struct fault_memory *memory,
                                          struct association_action *action);

enum { FAULT_PROVES_MAX = 8, FAULT_SWAPS_MAX = 3 };

/* One text in the place of another. */
struct fault_swap {
    const char *from, *to;
};

typedef enum fault_verdict fault_event_fn(struct fault_memory *memory,
                                          struct event *event);
typedef enum fault_verdict fault_action_fn(struct fault_memory *memory,
                                           struct action *action);

/*
 * For requests that are forwarded. A tap inside the session shows on_forward
 * each part of an exchange, whole heads and octets of bodies, as it came and as
 * it goes on (forward_tap.h has the stages and the verdicts). The fault may
 * edit part->octets (faults/forward.h) or put others there, skip them, answer
 * itself, break off or hang. on_event and on_action see the same connection as
 * ever: the sockets' octets on their way in and what is sent, dialled, closed.
 * What the session would refuse, or mend, is hidden from it at
 * FORWARD_REQUEST_RECEIVED or FORWARD_RESPONSE_RECEIVED, and put back at
 * FORWARD_REQUEST_SENT or FORWARD_RESPONSE_SENT. Names begin with "forward-";
 * a file of them, faults/forward_THEME.c, defines forward_THEME_faults and is
 * found by that.
 */
typedef enum forward_verdict fault_forward_fn(struct fault_memory *memory,
                                              struct forward_part *part);

struct fault {
    const char *name;    /* "socks5-reply-rsv", for serve --fault */
    const char *summary; /* what it does wrong, in one sentence */
    enum requirement proves[FAULT_PROVES_MAX]; /* ends with REQ_NONE */
    bool needs_auth; /* only shows on a proxy that asks for credentials */
    /* What hooks that faults share put in their messages, one after another. */
    struct fault_swap swaps[FAULT_SWAPS_MAX];
    /* Each may be NULL. */
    void (*configure)(struct fault_memory *memory); /* as a client connects */
    fault_event_fn *on_event;                       /* as it comes */
    /* A whole message of the handshake, gathered from EVENT_CLIENT_DATA
     * whatever the cuts, in memory->in, where it may be changed; what came
     * behind it is in memory->rest. The session's state tells which message it
     * is. Octets that are no message pass unseen. */
    fault_event_fn *on_message;
    /* The same for a request of SOCKS4, which on_message is not shown. */
    fault_event_fn *on_socks4;
    fault_action_fn *on_action;
    /* What is forwarded, part by part, wherever the session decided it (see
     * below). */
    fault_forward_fn *on_forward;
    void (*on_associate)(struct fault_memory *memory); /* as one begins */
    fault_datagram_fn *on_datagram;                    /* as it comes */
    fault_relay_fn *on_relay; /* what the association decided */
};

/* Shows the event to what the fault has for events and messages. */
enum fault_verdict fault_show(const struct fault *fault,
                              struct fault_memory *memory, struct event *event);

/* A forward_tap_fn whose ctx is the memory: calls on_forward. */
enum forward_verdict fault_tap(void *ctx, struct forward_part *part);

size_t fault_count(void);
const struct fault *fault_at(size_t i);              /* i < fault_count() */
const struct fault *fault_by_name(const char *name); /* NULL: none */

#endif
