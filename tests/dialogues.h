#ifndef DIALOGUES_H
#define DIALOGUES_H

/*
 * Scripts of clients and targets, under which every fault of the reference is
 * tried: what the client sends and when, and how the target behaves.
 */

#include "px.h"

enum {
    DIALOGUE_STEPS_MAX = 5,
    DIALOGUE_OCTETS_MAX = 1 << 20, /* one step, expanded */
};

/* When a step of the client is due. */
enum step_when {
    STEP_NONE,  /* no more steps */
    STEP_NOW,   /* with the one before */
    STEP_REPLY, /* once something came since the one before */
    STEP_PAUSE, /* a moment after the one before: a segment of its own */
};

enum step_what { STEP_SEND, STEP_SHUT, STEP_RESET };

/*
 * A step sends octets, in which a percent sign and a letter stand for:
 *   A P C  the target's address and port, and a closed port, as octets
 *   h p c  the same as text; x w n s: the port as 0x…, plus 65536, minus
 *          65536, and with a plus sign
 *   M      VER, NMETHODS 255 and as many methods, the last of them 00
 *   N      a name of 255 octets behind its length; B: 300 KiB; L: 60 KiB;
 *          K: 5 KiB; F: 17 KiB
 *   R W U  credentials in base64: right, wrong, and the right ones cut
 */
struct dialogue_step {
    enum step_when when;
    enum step_what what;
    struct px_bytes octets;
};

/* What the target does besides sending back what it gets, and FIN for FIN. */
enum target_habit {
    TARGET_BANNER = 1 << 0, /* speaks first */
    TARGET_BURST = 1 << 1,  /* sends 128 KiB and its FIN as it is asked */
    TARGET_ENDS = 1 << 2,   /* ends at once, and goes on reading */
    TARGET_RESETS = 1 << 3, /* resets as soon as it gets something */
    TARGET_WAITS = 1 << 4,  /* answers when the client has ended */
};

struct dialogue {
    const char *name;
    enum { SPEAKS_SOCKS, SPEAKS_HTTP } protocol;
    bool is_auth; /* for a proxy that asks for DIALOGUE_USER and _PASSWORD */
    unsigned habits;
    struct dialogue_step steps[DIALOGUE_STEPS_MAX];
};

#define DIALOGUE_USER     "user"
#define DIALOGUE_PASSWORD "se:Cret"

extern const struct dialogue dialogues[];
extern const size_t dialogue_count;

/* Where a dialogue goes. */
struct dialogue_place {
    uint8_t addr[4];
    uint16_t port;
    uint16_t closed_port;
};

/* Writes what octets stand for to out, DIALOGUE_OCTETS_MAX of it. */
size_t dialogue_expand(struct px_bytes octets,
                       const struct dialogue_place *place, uint8_t *out);

#endif
