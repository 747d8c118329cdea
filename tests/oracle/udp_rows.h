#ifndef UDP_ROWS_H
#define UDP_ROWS_H

/* Associations and their datagrams, as tables. */

#include "oracle/dialogue_rows.h"

/* Where datagrams come from and go to. */
enum udp_row_place {
    AT_US,
    AT_US_TOO,      /* another port */
    AT_STRANGER,    /* another address */
    AT_RELAY,       /* as GRANT names it */
    AT_RELAY_MOVED, /* another address */
    AT_PROXY,       /* its port for connections */
    AT_HOST,        /* somebody else, no part of the association */
};

extern const struct px_endpoint udp_row_places[];

#define US       &udp_row_places[AT_US]
#define US_TOO   &udp_row_places[AT_US_TOO]
#define STRANGER &udp_row_places[AT_STRANGER]
#define RELAY    &udp_row_places[AT_RELAY]
#define MOVED    &udp_row_places[AT_RELAY_MOVED]
#define PROXY    &udp_row_places[AT_PROXY]
#define HOST     &udp_row_places[AT_HOST]

/* The connection of an association; the client announces nothing. */
#define ASSOCIATE  C(HI), S(TAKES_NONE), C("\x05\x03\x00" NOWHERE)
#define ASSOCIATED ASSOCIATE, S(GRANT)

/* Headers, and two datagrams there and back. */
#define DNS      "\x00\x00\x00\x01\x7f\x00\x00\x09\x00\x35"
#define TO_RELAY "\x01\x7f\x00\x00\x01\x12\x34"
#define ANY      "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x35"
#define ASKS     C_SENDS(DNS "question", US, RELAY)
#define ANSWERS  S_SENDS(DNS "answered", RELAY, US)

#endif
