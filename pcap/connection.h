#ifndef CONNECTION_H
#define CONNECTION_H

/*
 * connection: one TCP connection, from its packets to what the watch takes.
 * Each stream is in order, and the two are in order with each other: a segment
 * that acknowledges octets of the peer is told after them, so that packets
 * which the capture reordered put no answer before its question.
 *
 * A hole that the peer acknowledged is waited for during CAPTURE_PATIENCE
 * packets and then is a gap; one that it did not is filled by a
 * retransmission, or is a gap at the end.
 */

#include "stream.h"
#include "watch.h"

struct connection {
    struct packet_end end[2]; /* [0] sent the first packet */
    struct stream stream[2];  /* what end[i] sent */
    struct watch watch;
    uint64_t first_frame, begin_us, end_us;
    unsigned stuck_packets; /* how long something has been waiting */
    int opener;             /* which end sent the SYN; -1: not seen */
    bool is_snaplen_cut;
    bool is_evicted; /* the caller's */

    /* Of UDP ASSOCIATE, once it is granted: */
    struct packet_end relay; /* port 0: not known yet, or no association */
    uint16_t udp_port;    /* the client's, from its first datagram; 0: none */
    bool is_datagram_cut; /* from one on that was not recorded whole none is
                             judged */
};

/* Begins with the first packet; the packet is not taken yet. */
void connection_init(struct connection *c, const struct packet *first);

/* Whether this packet opens a new connection between the same two ends. */
bool connection_is_reopened(const struct connection *c, const struct packet *p);

/*
 * Takes a packet of this connection. Adds what it keeps in memory to *used.
 * PX_DONE, or PX_ERROR when there is no memory.
 */
enum px_status connection_add(struct connection *c, const struct packet *p,
                              size_t *used, struct px_error *err);

/* Whether a UDP datagram passes between client and relay of this connection's
 * association. */
enum connection_claim {
    CONNECTION_NOT_MINE,
    CONNECTION_MAYBE_MINE, /* the client's first, from any port of its host */
    CONNECTION_MINE,
};

enum connection_claim connection_claims(const struct connection *c,
                                        const struct packet *p);

/* Takes a datagram that it claims; PX_DONE, or PX_ERROR without memory. */
enum px_status connection_add_datagram(struct connection *c,
                                       const struct packet *p,
                                       struct px_error *err);

/* Both ends sent FIN, or one sent RST. */
bool connection_is_closed(const struct connection *c);

/* Nothing more will come: what still waits is told, with its gaps. */
enum px_status connection_finish(struct connection *c, size_t *used,
                                 struct px_error *err);

/*
 * After connection_finish(): whether it was a dialogue or a candidate; if so
 * *out is filled in, and its findings are the caller's to free.
 */
bool connection_report(struct connection *c, struct dialogue *out);

/* How long after its first packet that was; on the clock of the watch. */
uint64_t connection_since_begin_ms(const struct connection *c,
                                   uint64_t time_us);

/* Whether UDP ASSOCIATE was granted, and for which relay; used by
 * connection_add(). */
void connection_note_relay(struct connection *c);

void connection_release(struct connection *c, size_t *used);

#endif
