#ifndef MUTATOR_H
#define MUTATOR_H

/*
 * mutator: changes inputs with an idea of what they mean, so that engines
 * spend less on octets that no reader gets past. Everything is decided by the
 * dice: the same input and seed give the same result. Heap and clock are not
 * needed.
 */

#include "px.h"

struct mutator_dice {
    uint64_t state; /* any seed */
};

/* A number below sides, which is not 0. */
size_t mutator_throw(struct mutator_dice *dice, size_t sides);

/* Octets to be changed where they stand: len of them, room for cap. */
struct mutator_text {
    uint8_t *octets;
    size_t len, cap;
};

/* Puts bytes, which are not of the text, in the place of cut octets at at;
 * false, and nothing happened, when there is no room. */
bool mutator_splice(struct mutator_text *text, size_t at, size_t cut,
                    struct px_bytes bytes);

/* What a text is, or begins with. */
enum mutator_kind {
    MUTATOR_CHUNKS,   /* a chunked body, RFC 9112 section 7.1 */
    MUTATOR_MESSAGES, /* heads and bodies, RFC 9112 */
};

/*
 * Makes a change or a few to a text of HTTP/1: to its lines, fields, numbers,
 * chunks, line ends and blanks. Any octets are a text.
 */
void mutator_change_http(struct mutator_text *text, enum mutator_kind kind,
                         struct mutator_dice *dice);

/*
 * Scripts: inputs that are read in steps of one octet, its kind in the low half
 * and an argument x in the high half, some of which bring octets of one side or
 * the other along. Kinds are numbers from 0 to 15.
 */
enum mutator_side { MUTATOR_CLIENT, MUTATOR_TARGET, MUTATOR_SIDES };

struct mutator_step {
    struct px_bytes data; /* borrowed; none: an event, or not HTTP */
    enum mutator_side side;
};

struct mutator_script {
    size_t config; /* octets before the first step */
    struct {
        uint8_t some;    /* the kind that brings the x octets that follow */
        bool is_counted; /* whether there is one that brings as many as the next
                            octet says, and which */
        uint8_t counted;
    } side[MUTATOR_SIDES];
    /* Takes the step at the front of in, of *len octets; false at the end. */
    bool (*read)(struct px_bytes in, struct mutator_step *out, size_t *len);
};

/*
 * Changes a script: what one side sends as a text of HTTP, or the order of its
 * steps. What is not changed stays the script that it was.
 */
void mutator_change_script(struct mutator_text *input,
                           const struct mutator_script *script,
                           struct mutator_dice *dice);

/*
 * Mutates an input of this target, which has room for max octets, and returns
 * its new length; or leaves that to the engine, where there is one.
 */
size_t mutator_mutate(const char *target, uint8_t *data, size_t size,
                      size_t max, unsigned seed);

/* Whether there are mutations of this target's own. */
bool mutator_is_for(const char *target);

#endif
