#ifndef STREAM_H
#define STREAM_H

/*
 * stream: what one end of a TCP connection sent, put in order (RFC 9293
 * section 3.4). Segments that came too early are held, sorted and without
 * overlap: of octets sent twice the first copy wins. Sequence numbers are
 * widened to 64 bits whose low half is the number on the wire, so that they
 * neither wrap nor become negative.
 */

#include "packet.h"

/* A run of octets that waits for its turn; the octets lie behind it. */
struct segment {
    struct segment *next;
    uint64_t at;  /* wide sequence number of the first octet */
    uint64_t len; /* octets sent; FIN comes after them */
    uint64_t ack; /* what its sender had got from the peer; 0: not told */
    uint64_t frame;
    uint64_t time_us;
    uint8_t flags;   /* PACKET_FIN, PACKET_RST */
    size_t captured; /* octets of len that the file holds */
    const uint8_t *data;
};

struct stream {
    struct segment *held; /* by at */
    size_t held_octets;   /* memory in held */
    uint64_t start;       /* of the first octet */
    uint64_t next;        /* what is delivered next */
    uint64_t acked;       /* the highest number the peer acknowledged */
    uint64_t packets;
    uint64_t octets;    /* payload delivered */
    uint64_t lost;      /* payload that is not in the file */
    bool is_placed;     /* start, next and acked are known */
    bool has_syn;       /* start is certain */
    bool is_fin_seen;   /* it may be held still */
    bool is_reset_seen; /* likewise */
    bool is_ended;      /* FIN or RST was delivered */
    bool is_reset;      /* RST was delivered */
};

/* The wide number of seq that lies nearest to near. */
uint64_t stream_widen(uint64_t near, uint32_t seq);

/* Says that the stream begins with seq. */
void stream_place(struct stream *s, uint32_t seq);

/*
 * Says that the peer acknowledged up to seq; returns the wide number. The
 * stream must be placed.
 */
uint64_t stream_acknowledge(struct stream *s, uint32_t seq);

/*
 * Holds a copy of what is new in *segment; adds the memory it takes to *used.
 * PX_DONE, or PX_ERROR when there is no memory.
 */
enum px_status stream_hold(struct stream *s, const struct segment *segment,
                           size_t *used, struct px_error *err);

/* Removes and frees the first held segment; takes its memory from *used. */
void stream_drop(struct stream *s, size_t *used);

/* Whether the peer acknowledged octets that have not come. */
bool stream_has_hole(const struct stream *s);

/* Frees what is held. */
void stream_release(struct stream *s, size_t *used);

#endif
