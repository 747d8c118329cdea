#ifndef FORWARD_TAP_H
#define FORWARD_TAP_H

/*
 * Where somebody may watch, and change, what a session forwards: faults do. A
 * tap is shown whole heads and the octets of bodies, whatever the cuts.
 */

#include "px.h"

/* Which part of an exchange a tap is shown. */
enum forward_stage {
    FORWARD_REQUEST_RECEIVED,  /* a whole head, before anything is judged;
                                  CONNECT's as well */
    FORWARD_REQUEST_SENT,      /* a whole head for the origin */
    FORWARD_REQUEST_BODY,      /* framed octets of a body for the origin */
    FORWARD_REQUEST_END,       /* no octets: the request was sent whole */
    FORWARD_RESPONSE_RECEIVED, /* a whole head, interim ones too */
    FORWARD_RESPONSE_SENT,     /* a whole head for the client */
    FORWARD_RESPONSE_BODY,     /* framed octets of a body for the client */
    FORWARD_RESPONSE_END,      /* no octets: the response was sent whole */
    FORWARD_REQUEST_CUT,  /* no octets: the client broke off its request; what
                             is put here is sent before the origin is told */
    FORWARD_RESPONSE_CUT, /* the same for the origin and its response */
};

struct forward_part {
    enum forward_stage stage;
    /*
     * What the part holds. The tap may put other octets here, or some where
     * there are none; they stay until the session's next action is taken.
     */
    struct px_bytes octets;
    /* Octets still to come behind these, of a body of known length or, in
     * FORWARD_REQUEST_BODY, FORWARD_RESPONSE_BODY and both CUT, of the chunk;
     * else UINT64_MAX. */
    uint64_t left;
    unsigned exchange; /* of this connection, from 1 */
    unsigned status;   /* of the response; 0 before it came */
    bool is_retry;     /* FORWARD_REQUEST_SENT: once more */
};

/* What a tap wants done. */
enum forward_verdict {
    FORWARD_PASS,   /* go on with the octets */
    FORWARD_SKIP,   /* go on as if they had been sent */
    FORWARD_ANSWER, /* send them to the client, in place of a response, and
                       end the connection */
    FORWARD_BREAK,  /* close both connections now */
    FORWARD_HANG,   /* do nothing more with this connection */
};

typedef enum forward_verdict forward_tap_fn(void *ctx,
                                            struct forward_part *part);

#endif
