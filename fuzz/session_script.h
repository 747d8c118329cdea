#ifndef SESSION_SCRIPT_H
#define SESSION_SCRIPT_H

/*
 * The input of the session target: an octet of configuration, then steps. A
 * step is one octet, its kind in the low half and an argument in the high
 * half, and what that kind wants more. Any octets are a script, any prefix of
 * one is one, and there are no lengths over an octet, so that a changed octet
 * changes one step.
 *
 *   config   bit 0: HTTP, else SOCKS   bit 1: credentials are demanded
 *            bit 2: the oracle is not told the protocol
 *            bit 3: UDP is refused   bit 4: Tor's commands are served
 *            bits 5 and 6: HTTP's credentials may be, have to be Digest
 *   x0       the client sends the x octets that follow
 *   x1       the client sends as many as the next octet says, which follow
 *   x2       the client sends (x + 1) * 64 octets of a pattern
 *   x3       the client sends the canned message x
 *   x4 x5    the client ends; the client resets
 *   x6 x7    what was asked for is there, with address kind x; is not, for
 *            reason x; with a listener: somebody connects; it breaks
 *   x8 x9    the target sends the x octets that follow; (x + 1) * 64
 *   xA xB    the target ends; the target resets
 *   xC       the armed deadline passes, x milliseconds late
 *   xD       x * 500 milliseconds pass, up to the armed deadline
 *   xE       the client sends credentials x (forward_auth.h), of which the next
 *            octet says more, for its last request line; SOCKS: as x0
 *   xF       the client sends x + 1 field lines of 32 octets
 */

#include "px.h"
#include "session.h"

enum step_kind {
    STEP_CLIENT_DATA,
    STEP_CREDENTIALS,
    STEP_CLIENT_END,
    STEP_CLIENT_RESET,
    STEP_DIALLED,
    STEP_DIAL_FAILED,
    STEP_UPSTREAM_DATA,
    STEP_UPSTREAM_END,
    STEP_UPSTREAM_RESET,
    STEP_DEADLINE,
    STEP_WAIT,
};

struct step {
    enum step_kind kind;
    struct px_bytes data;      /* borrowed until the next script_next() */
    unsigned ms;               /* STEP_DEADLINE, STEP_WAIT */
    unsigned x, flaws;         /* STEP_CREDENTIALS: forward_auth_put()'s */
    struct px_endpoint bound;  /* STEP_DIALLED */
    enum dial_failure failure; /* STEP_DIAL_FAILED */
};

enum { SCRIPT_BULK_MAX = 16 * 64 };

struct script {
    struct px_cursor in;
    bool is_http;
    bool has_auth;
    bool is_detected;
    bool has_no_udp;
    bool is_tor;
    unsigned digest; /* forward_auth_open()'s how; 0: Basic alone */
    uint8_t bulk[SCRIPT_BULK_MAX];
};

/* The credentials that the canned messages give, and the only right ones. */
#define SCRIPT_USER     "user"
#define SCRIPT_PASSWORD "pass"

/* Reads the configuration; in stays the caller's and outlives the script. */
void script_open(struct script *s, struct px_bytes in);

/* Takes the next step; false at the end. */
PX_CHECKED bool script_next(struct script *s, struct step *out);

#endif
