/* What a SOCKS4 client can be accused of, each beside what it may do. */

#include "oracle/dialogue_rows.h"

#define THERE   "\x00\x50\x7f\x00\x00\x01"
#define ASK4    "\x04\x01" THERE "me\x00"
#define MARK    "\x00\x50\x00\x00\x00\x01"
#define ZEROS   "\x00\x00\x00\x00\x00\x00"
#define GRANT4  "\x00\x5a" ZEROS
#define REJECT4 "\x00\x5b" ZEROS

static const struct dialogue_row rows[] = {
    ROW("command 0", SOCKS,
        STEPS(C("\x04\x00" THERE "\x00"), S(REJECT4), S_FIN),
        FINDS(BY_CLIENT(SOCKS4_CLIENT_REQUEST))),
    ROW("command 9 of another protocol", DETECT,
        STEPS(C("\x04\x09" THERE "\x00"), S("\x04\x09\x00"), S_FIN), NOTHING),
    ROW("the end inside the user id", SOCKS,
        STEPS(C("\x04\x01" THERE "me"), C_FIN),
        FINDS(MAYBE_CLIENT(SOCKS4_CLIENT_REQUEST))),
    ROW("reset inside the user id", SOCKS,
        STEPS(C("\x04\x01" THERE "me"), C_RESET), NOTHING),
    ROW("the end inside the address", SOCKS, STEPS(C("\x04\x01\x00"), C_FIN),
        NOTHING),
    ROW("the end inside the user id after the server's", SOCKS,
        STEPS(C("\x04\x01" THERE "me"), S_FIN, C_FIN), NOTHING),
    ROW("octets after a refusal", SOCKS,
        STEPS(C(ASK4), S(REJECT4), WAIT(1000), C("GET /"), S_FIN),
        FINDS(BY_CLIENT(SOCKS4_CLIENT_WAIT))),
    ROW("octets that may have crossed a refusal", SOCKS,
        STEPS(C(ASK4), S(REJECT4), WAIT(10), C("GET /"), S_FIN),
        FINDS(MAYBE_CLIENT(SOCKS4_CLIENT_WAIT))),
    ROW("octets ahead of a grant", SOCKS,
        STEPS(C(ASK4 "GET /"), S(GRANT4), C("x")),
        FINDS(MAYBE_CLIENT(SOCKS4_CLIENT_WAIT))),
    ROW("octets after a grant", SOCKS, STEPS(C(ASK4), S(GRANT4), C("GET /")),
        NOTHING),
    ROW("octets between the replies to BIND", SOCKS,
        STEPS(C("\x04\x02" THERE "\x00"), S("\x00\x5a\x12\x34\x7f\x00\x00\x01"),
              C("x"), S(GRANT4)),
        NOTHING),
    ROW("octets after code 0", SOCKS,
        STEPS(C(ASK4), S("\x00\x00" ZEROS), WAIT(1000), C("GET /"), S_FIN),
        FINDS(BY_SERVER(SOCKS4_REPLY_CODE_RANGE),
              BY_CLIENT(SOCKS4_CLIENT_RESULT))),
    ROW("the end after code 0", SOCKS,
        STEPS(C(ASK4), S("\x00\x00" ZEROS), WAIT(1000), C_FIN),
        FINDS(BY_SERVER(SOCKS4_REPLY_CODE_RANGE))),

    /* SOCKS4A. */
    ROW("an empty name", SOCKS,
        STEPS(C("\x04\x01" MARK "\x00\x00"), S(REJECT4), S_FIN),
        FINDS(BY_CLIENT(SOCKS4A_CLIENT_NAME))),
    ROW("no name", SOCKS, STEPS(C("\x04\x01" MARK "me\x00"), C_FIN),
        FINDS(MAYBE_CLIENT(SOCKS4A_CLIENT_NAME))),
    ROW("a name without an end", SOCKS,
        STEPS(C("\x04\x01" MARK "me\x00"
                "a.test"),
              C_FIN),
        FINDS(MAYBE_CLIENT(SOCKS4A_NAME_POSITION))),
    ROW("a name with a dot", SOCKS,
        STEPS(C("\x04\x01" MARK "me\x00"
                "a.test.\x00"),
              S(GRANT4), C_FIN),
        NOTHING),
    ROW("a name behind 0.0.0.0", SOCKS,
        STEPS(C("\x04\x01\x00\x50\x00\x00\x00\x00\x00"
                "a.test\x00"),
              S(REJECT4), S_FIN),
        FINDS(BY_CLIENT(SOCKS4A_CLIENT_MARKER))),
    ROW("a name behind an address", SOCKS,
        STEPS(C(ASK4 "a.test\x00"), S(GRANT4)),
        FINDS(MAYBE_CLIENT(SOCKS4A_CLIENT_MARKER))),
    ROW("0.0.0.0 without a name", SOCKS,
        STEPS(C("\x04\x01\x00\x50\x00\x00\x00\x00\x00"), S(REJECT4), S_FIN),
        NOTHING),
};

const struct dialogue_table socks4_client_dialogues = {
    rows, sizeof(rows) / sizeof(rows[0])};
