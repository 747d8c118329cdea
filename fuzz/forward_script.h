#ifndef FORWARD_SCRIPT_H
#define FORWARD_SCRIPT_H

/*
 * An input of the forwarding target as steps of one octet each, kind in the
 * low half and x in the high half:
 *
 *   x0 xF    the client, the origin sends the x octets that follow
 *   x1 x8    as many as the next octet says
 *   x2 x3    the client sends a canned start of a request, a canned piece
 *   x4       with x 0 the client ends; else it sends credentials number x
 *            (forward_auth.h), of which the next octet says more for x > 2
 *   x5 x6    the dial succeeds, fails for reason x
 *   x7       the client sends 64 * (x + 1) octets
 *   x9 xA    the origin sends a canned head, a canned piece
 *   xB xC    the origin ends, resets
 *   xD       the deadline passes
 *   xE       x seconds pass
 *
 * A first octet xB is no step: it says that the proxy demands credentials, x
 * how (forward_auth.h).
 */

#include "px.h"

enum forward_step_kind {
    FORWARD_STEP_CLIENT,
    FORWARD_STEP_CLIENT_END,
    FORWARD_STEP_CREDENTIALS, /* number x, flaws */
    FORWARD_STEP_DIALLED,
    FORWARD_STEP_DIAL_FAILED,
    FORWARD_STEP_ORIGIN,
    FORWARD_STEP_ORIGIN_END,
    FORWARD_STEP_ORIGIN_RESET,
    FORWARD_STEP_DEADLINE,
    FORWARD_STEP_WAIT,
};

struct forward_step {
    enum forward_step_kind kind;
    struct px_bytes data; /* borrowed from the input, or static */
    unsigned x;
    unsigned flaws;
};

/* Whether credentials are demanded, and how: the first octet, if it says so. */
PX_CHECKED bool forward_takes_auth(struct px_cursor *in, unsigned *how);

/* Takes the next step; false at the end of the input. */
PX_CHECKED bool forward_next_step(struct px_cursor *in,
                                  struct forward_step *out);

#endif
