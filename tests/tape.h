#ifndef TAPE_H
#define TAPE_H

/*
 * Makes capture files for tests, packet by packet, in memory: a libpcap file
 * of one link type whose path can be opened like any other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tape {
    int fd;           /* -1 after tape_close() */
    char path[32];    /* to open it by */
    uint64_t time_us; /* of the next frame; every frame adds a millisecond */
};

/* One TCP segment of the one connection between client and server. */
struct tape_segment {
    bool is_from_server;
    uint8_t flags; /* PACKET_* */
    uint32_t seq, ack;
    const char *data;
    size_t len;
    size_t cut;        /* octets of data that the capture leaves out */
    uint16_t port;     /* the client's; 0: 40000 */
    uint32_t after_ms; /* time that passes before */
};

/* One UDP datagram between 10.0.0.from and 10.0.0.to. */
struct tape_datagram {
    uint8_t from, to;
    uint16_t from_port, to_port;
    const char *data;
    size_t len;
    size_t cut;        /* octets of data that the capture leaves out */
    uint32_t after_ms; /* time that passes before */
};

/* Begins a file; a failure fails the test. */
void tape_open(struct tape *t, int link_type, uint32_t snaplen);

/* Adds a frame of which the first len octets of wire_len were captured. */
void tape_frame(struct tape *t, const void *frame, size_t len, size_t wire_len);

/* Adds a raw IPv4 packet (DLT_RAW) from 10.0.0.1 to 10.0.0.2:1080 or back. */
void tape_segment(struct tape *t, const struct tape_segment *segment);

/* Adds it as a raw IPv4 packet (DLT_RAW). */
void tape_datagram(struct tape *t, const struct tape_datagram *datagram);

/* Adds octets as they are. */
void tape_octets(struct tape *t, const void *octets, size_t len);

/* Accepts a closed one. */
void tape_close(struct tape *t);

#endif
