#ifndef REASSEMBLY_H
#define REASSEMBLY_H

/*
 * The reassembly queue of RFC 1928 section 7. Positions come in ascending
 * order or not at all: a lower one than the highest abandons what is queued,
 * so that a gap can never be filled, and is abandoned at once.
 */

#include "udp.h"

enum {
    /* "The reassembly timer MUST be no less than 5 seconds." */
    REASSEMBLY_MS = 5 * 1000,
};

/* One queue; its fields are its own. All zero is an empty one. */
struct reassembly {
    unsigned highest; /* position processed last; 0: nothing is queued */
    uint64_t expires_ms;
    struct px_endpoint dst; /* of the first piece; its name is in name */
    uint8_t name[PX_NAME_MAX];
    size_t len;
    uint8_t octets[UDP_PAYLOAD_MAX];
};

enum reassembly_result {
    REASSEMBLY_WHOLE, /* *whole is the datagram, borrowed from the queue */
    REASSEMBLY_HELD,
    REASSEMBLY_DROPPED, /* *err says why; what was queued may be gone too */
};

/*
 * Takes a piece, whose FRAG is not 00. Position 1 always begins a sequence;
 * the same position again is dropped; one that names another destination
 * belongs to no sequence but one that it begins. What is whole stays readable
 * until the next call.
 */
enum reassembly_result reassembly_take(struct reassembly *r,
                                       const struct udp_datagram *piece,
                                       uint64_t now_ms,
                                       struct udp_datagram *whole,
                                       struct px_error *err);

/* Empties the queue. */
void reassembly_abandon(struct reassembly *r);

/* When the timer of what is queued expires; UINT64_MAX when nothing is. */
uint64_t reassembly_deadline(const struct reassembly *r);

#endif
