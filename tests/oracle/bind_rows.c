/* BIND of SOCKS5: what its two replies show. */

#include "oracle/dialogue_rows.h"

#define BIND      C(HI), S(TAKES_NONE), C("\x05\x02\x00" TO_IPV4)
#define LISTENING BIND, S(GRANT)
#define SOMEHOW   C(HI), S(TAKES_NONE), C("\x05\x02\x00" NOWHERE), S(GRANT)

static const struct dialogue_row rows[] = {
    ROW("listening at the wildcard", SOCKS,
        STEPS(BIND, S("\x05\x00\x00\x01\x00\x00\x00\x00\x12\x34")),
        FINDS(MAYBE_SERVER(SOCKS5_BIND_FIRST_BND))),
    ROW("listening at the wildcard's port 0", SOCKS,
        STEPS(BIND, S("\x05\x00\x00" NOWHERE)),
        FINDS(BY_SERVER(SOCKS5_BIND_FIRST_BND))),
    ROW("refused at the wildcard's port 0", SOCKS,
        STEPS(BIND, S("\x05\x07\x00" NOWHERE), S_FIN), NOTHING),
    ROW("the peer is nobody", SOCKS,
        STEPS(LISTENING, S("\x05\x00\x00" NOWHERE)),
        FINDS(BY_SERVER(SOCKS5_BIND_SECOND_BND))),
    ROW("the peer is nobody, and the client was in a hurry", SOCKS,
        STEPS(LISTENING, C("hi"), S("\x05\x00\x00" NOWHERE)),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_BIND_TWO_REPLIES),
              MAYBE_SERVER(SOCKS5_BIND_SECOND_BND))),
    ROW("the peer has no port", SOCKS,
        STEPS(LISTENING, S("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")),
        FINDS(BY_SERVER(SOCKS5_BIND_SECOND_BND))),
    ROW("the peer is another host", SOCKS,
        STEPS(LISTENING, S("\x05\x00\x00\x01\x7f\x00\x00\x02\x12\x34")),
        FINDS(MAYBE_SERVER(SOCKS5_BIND_PEER_FILTER))),
    ROW("the peer is mapped to IPv6", SOCKS,
        STEPS(LISTENING, S("\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"
                           "\x00\x00\xff\xff\x7f\x00\x00\x01\x12\x34")),
        NOTHING),
    ROW("any peer was asked for", SOCKS,
        STEPS(SOMEHOW, S("\x05\x00\x00\x01\x7f\x00\x00\x02\x12\x34"), S("hi")),
        NOTHING),
    ROW("the peer is a name", SOCKS,
        STEPS(LISTENING, S("\x05\x00\x00\x03\x02hi\x12\x34")), NOTHING),
    ROW("nobody came for ten minutes", SOCKS, STEPS(LISTENING, WAIT(600001)),
        FINDS(BY_SERVER(SOCKS5_BIND_FAILURE))),
    ROW("a peer came after ten minutes", SOCKS,
        STEPS(LISTENING, WAIT(600000), S(GRANT), WAIT(600001)), NOTHING),
    ROW("given up", SOCKS, STEPS(LISTENING, WAIT(3000), S_FIN), NOTHING),
    ROW("given up with a reply, left open", SOCKS,
        STEPS(LISTENING, WAIT(3000), S("\x05\x06\x00" NOWHERE), WAIT(10001)),
        FINDS(BY_SERVER(SOCKS5_REPLY_CLOSE),
              BY_SERVER(SOCKS5_REPLY_CLOSE_10S))),
};

const struct dialogue_table bind_dialogues = {rows,
                                              sizeof(rows) / sizeof(rows[0])};
