#ifndef CAPTURE_H
#define CAPTURE_H

/*
 * pcap: captures to dialogues. Reads packets through libpcap, reassembles TCP
 * (reordering, retransmission, loss), finds SOCKS and HTTP proxy dialogues on
 * any port by two-sided evidence, puts the datagrams of UDP associations to the
 * TCP connections that control them, and lets the oracle judge all of it.
 *
 *     packet      a frame to the TCP segment inside it
 *     fragments   IP fragments to whole payloads
 *     stream      one end's segments in order
 *     connection  both streams, each message after what it answers
 *     datagrams   those between a client and the relay of its association
 *     watch       the oracle on what both sides say, in order
 *     evidence    whether that proves a proxy dialogue
 *     outbox      finished dialogues in the order of their first packets
 *     capture     the file, the connection table, memory limits
 */

#include "oracle.h"

struct capture; /* an open file, and the connections seen in it so far */

/*
 * Named maxima. A connection that needs more is judged from what fits: octets
 * that cannot wait for a missing packet any longer make a gap, and connections
 * beyond the maxima are ended, the longest idle first.
 */
enum {
    CAPTURE_FINDINGS_MAX = 64,         /* a dialogue */
    CAPTURE_HELD_MAX = 1 << 20,        /* octets waiting, a connection */
    CAPTURE_MEMORY_MAX = 512 << 20,    /* octets waiting and oracles, in all */
    CAPTURE_CONNECTIONS_MAX = 1 << 16, /* at once */
    CAPTURE_OUTBOX_MAX = 1 << 14,      /* dialogues waiting for earlier ones */
    CAPTURE_PATIENCE = 32, /* packets of a connection to wait for a late one */
    CAPTURE_LINGER_MS = 5000, /* a closed connection still takes packets */
};

/* NULL with *err set: unreadable, no capture, unsupported link type. */
struct capture *capture_open(const char *path, struct px_error *err);

/* How one side's stream ended. */
enum capture_ending {
    CAPTURE_OPEN_END, /* the file ended first */
    CAPTURE_FIN,
    CAPTURE_RESET,
};

/* Why a dialogue could not be judged in full; bits of dialogue.flaws. */
enum capture_flaw {
    CAPTURE_NO_START = 1,  /* the file begins in the middle of it */
    CAPTURE_LOST = 2,      /* octets are not in the file */
    CAPTURE_SNAPLEN = 4,   /* packets were cut when they were recorded */
    CAPTURE_ONE_SIDED = 8, /* one side's packets are not in the file */
    CAPTURE_EVICTED = 16,  /* ended early to stay within the maxima */
};

/* One TCP connection that was a proxy dialogue, or may have been one. */
struct dialogue {
    struct px_endpoint client; /* who speaks the client's side */
    struct px_endpoint server;
    uint64_t first_frame; /* numbered from 1, as Wireshark does */
    uint64_t begin_us;    /* of the first packet, since the epoch */
    uint64_t end_us;      /* of the last packet */
    bool is_candidate;    /* one-sided evidence: never accused */
    bool is_reversed;     /* the SYN came from the server's side */
    unsigned flaws;       /* enum capture_flaw; 0: seen in full */

    /* Indexed by oracle_side. */
    enum capture_ending ending[2];
    uint64_t octets[2]; /* payload in the file */
    uint64_t lost[2];   /* payload that is not */

    char verb[24];       /* HTTP request method; "" otherwise */
    int methods_offered; /* SOCKS5; -1: not known */
    uint8_t methods[255];
    struct oracle_summary summary;

    const struct oracle_finding *findings; /* until the next call */
    size_t finding_count;
    size_t findings_dropped; /* beyond the maximum */
};

/*
 * The next dialogue: PX_DONE with *out, PX_NEED_MORE at the end of the file,
 * PX_ERROR when the file is damaged (requirement NONE, sys_errno 0) or memory
 * ran out (ENOMEM). The dialogues before a damage still come, the error comes
 * last. They come in the order of their first packets, unless one stays open
 * while more than CAPTURE_OUTBOX_MAX later ones end.
 */
PX_CHECKED enum px_status capture_next_dialogue(struct capture *cap,
                                                struct dialogue *out,
                                                struct px_error *err);

struct capture_stats {
    uint64_t packets;
    uint64_t tcp_packets;
    uint64_t udp_packets;     /* of associations, whole ones */
    uint64_t fragments;       /* IP fragments */
    uint64_t skipped_packets; /* neither of these, headers cut short */
    uint64_t connections;     /* TCP, of any kind */
    uint64_t begin_us;        /* of the first packet, since the epoch */
};

/* What was read so far; borrowed from cap. */
const struct capture_stats *capture_stats(const struct capture *cap);

/* Frees everything; NULL and a half-built capture are accepted. */
void capture_close(struct capture *cap);

#endif
