#ifndef RELAY_UDP_H
#define RELAY_UDP_H

/*
 * The sockets of one UDP association: one toward the client, on the address
 * at which the client reached us, and one for each family toward targets, made
 * when it is first needed. Carries out what an association decides. A datagram
 * that the system does not take at once is lost, as any datagram may be; what
 * ICMP says is not heard.
 */

#include <uv.h>

#include "fault.h"

struct relay_udp;

struct relay_udp_config {
    uv_loop_t *loop;
    const uv_tcp_t *client;       /* the connection that it belongs to */
    struct px_endpoint announced; /* see association.h */
    bool has_no_fragments;
    const struct access_rules *access; /* see association.h */
    unsigned access_lapses;
    struct fault_memory *memory; /* NULL without a fault; outlives the relay */
    uint8_t *buffer; /* that all read into in turn; outlives the relay */
    size_t buffer_len;
};

/*
 * Called once, later than relay_udp_new(), unless relay_udp_close() came
 * first: bound is where the client is to send to, of kind NONE when there is
 * no such place.
 */
typedef void relay_udp_fn(void *owner, const struct px_endpoint *bound);

/* Makes an association; cfg is copied. NULL when memory is short. */
struct relay_udp *relay_udp_new(const struct relay_udp_config *cfg, void *owner,
                                relay_udp_fn *done);

/* Ends it; from here on nothing is relayed. NULL is accepted. */
void relay_udp_close(struct relay_udp *r);

#endif
