/* Dialogues in which nobody does anything wrong. */

#include "oracle/dialogue_rows.h"

#define E       "\r\n"
#define CONNECT "CONNECT a.test:443 HTTP/1.1" E "Host: a.test:443" E E
#define GET     "GET http://a.test/x HTTP/1.1" E "Host: a.test" E E
#define OK      "HTTP/1.1 200 Connection established" E E
#define NO      "HTTP/1.1 502 No" E "Content-Length: 2" E E "no"
#define WHO                                                                    \
    "HTTP/1.1 407 Who" E "Proxy-Authenticate: Basic realm=\"x\"" E             \
    "Content-Length: 4" E E "who?"
#define CONNECT_ME                                                             \
    "CONNECT a.test:443 HTTP/1.1" E "Host: a.test:443" E                       \
    "Proxy-Authorization: Basic bWU6bGV0" E E
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT" E
#define TLS  "\x16\x03\x01\x00\x05hello"
#define MIDSTREAM                                                              \
    {                                                                          \
        .protocol = ORACLE_SOCKS, .is_midstream = true                         \
    }

static const struct dialogue_row rows[] = {
    ROW("nothing happens", SOCKS, STEPS(C_FIN, S_FIN), NOTHING),
    ROW("CONNECT without authentication", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C(ASK), S(GRANT), C("GET /"), S("hi"),
              S_FIN, C_FIN),
        NOTHING),
    ROW("CONNECT with authentication", SOCKS_AUTH,
        STEPS(C(HI_BOTH), S(TAKES_AUTH), C(LOGIN), S(WELCOME), C(ASK), S(GRANT),
              S("hi"), C_FIN, S_FIN),
        NOTHING),
    ROW("wrong credentials", SOCKS_AUTH,
        STEPS(C(HI_BOTH), S(TAKES_AUTH), C(LOGIN), S(AWAY), S_FIN, C_FIN),
        NOTHING),
    ROW("no acceptable method", SOCKS_AUTH,
        STEPS(C(HI), S(TAKES_NO), C_FIN, S_FIN), NOTHING),
    ROW("connection refused", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C(ASK), WAIT(3000), S(REFUSAL), WAIT(1000),
              S_FIN, C_FIN),
        NOTHING),
    ROW("a name and an IPv6 address", SOCKS,
        STEPS(C(HI), S(TAKES_NONE),
              C("\x05\x01\x00\x03\x06"
                "a.test\x00\x50"),
              S("\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                "\x00\x00\x00\x00\x01\x00\x50")),
        NOTHING),
    ROW("everything sent ahead", SOCKS_AUTH,
        STEPS(C(HI_LOGIN LOGIN ASK TLS), S(TAKES_AUTH), S(WELCOME),
              S(GRANT TLS), C("more"), C_FIN, S_FIN),
        NOTHING),
    ROW("BIND", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C("\x05\x02\x00" TO_IPV4), S(GRANT),
              WAIT(30000), S(GRANT "220 hi\r\n"), C("x"), S_FIN),
        NOTHING),
    ROW("BIND that nobody connects to", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C("\x05\x02\x00" TO_IPV4), S(GRANT),
              WAIT(30000), S("\x05\x06\x00" NOWHERE), S_FIN),
        NOTHING),
    ROW("UDP ASSOCIATE", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C("\x05\x03\x00" NOWHERE), S(GRANT),
              WAIT(60000), C_FIN, S_FIN),
        NOTHING),
    ROW("GSSAPI", SOCKS,
        STEPS(C("\x05\x02\x01\x00"), S("\x05\x01"), C("\x01\x01\x00\x01x"),
              S("\x01\x01\x00\x01y"), C("z"), S("z")),
        NOTHING),
    ROW("the client leaves in the middle", SOCKS,
        STEPS(C(HI), S(TAKES_NONE), C("\x05\x01"), C_RESET, S_FIN), NOTHING),
    ROW("detected SOCKS5", DETECT,
        STEPS(C(HI), S(TAKES_NONE), C(ASK), S(GRANT), C("x"), S("y")), NOTHING),
    ROW("SOCKS4", SOCKS,
        STEPS(C("\x04\x01\x00\x50\x7f\x00\x00\x01me\x00"),
              S("\x00\x5a\x00\x00\x00\x00\x00\x00"), C("x"), S("y")),
        NOTHING),
    ROW("SOCKS4a refused", DETECT,
        STEPS(C("\x04\x01\x00\x50\x00\x00\x00\x01\x00"
                "a.test\x00"),
              S("\x00\x5b\x00\x00\x00\x00\x00\x00"), S_FIN),
        NOTHING),
    ROW("SOCKS5 answers SOCKS4", SOCKS,
        STEPS(C("\x04\x01\x00\x50\x7f\x00\x00\x01\x00"), S(TAKES_NO), S_FIN),
        NOTHING),
    ROW("TDS looks like SOCKS4", DETECT,
        STEPS(C("\x04\x01\x00\x10\x00\x00\x01\x00 select"), S("\x04\x01\x00")),
        NOTHING),
    ROW("another protocol looks like SOCKS5", DETECT,
        STEPS(C("\x05\x02\x00\xff"), S("\x00\x00\x00\x05")), NOTHING),
    ROW("DCE-RPC looks like SOCKS5", DETECT,
        STEPS(C("\x05\x00\x0b\x03\x10\x00\x00\x00"),
              S("\x05\x00\x0c\x03\x10\x00\x00\x00"), S_FIN),
        NOTHING),
    ROW("another protocol altogether", DETECT, STEPS(C("\x16\x03"), S("\x16")),
        NOTHING),
    ROW("a server that speaks first", DETECT,
        STEPS(S("220 hi\r\n"), C("QUIT\r\n")), NOTHING),
    ROW("CONNECT of another protocol", DETECT,
        STEPS(C("CONNECT {\"verbose\":false}\r\n"), S("+OK\r\n")), NOTHING),
    ROW("seen from the middle", MIDSTREAM,
        STEPS(C(ASK), S("\x05\x01\x00\x02"), WAIT(20000), S("x"), S_FIN),
        NOTHING),

    ROW("HTTP CONNECT", HTTP,
        STEPS(C(CONNECT), S(OK), C(TLS), S(TLS), C_FIN, S_FIN), NOTHING),
    ROW("detected HTTP CONNECT", DETECT, STEPS(C(CONNECT), S(OK TLS), C(TLS)),
        NOTHING),
    ROW("tunnel data sent ahead", HTTP, STEPS(C(CONNECT TLS), S(OK TLS), S_FIN),
        NOTHING),
    ROW("407, then credentials", HTTP_AUTH,
        STEPS(C(CONNECT), S(WHO), C(CONNECT_ME), S(OK), C(TLS), S(TLS)),
        NOTHING),
    ROW("refused with a body", HTTP,
        STEPS(C(CONNECT), S(NO), C(GET), S(NO), WAIT(60000), S_FIN), NOTHING),
    ROW("refused by close", HTTP,
        STEPS(C(CONNECT),
              S("HTTP/1.1 502 No" E "Connection: close" E
                "Content-Length: 0" E E),
              S_FIN, C_FIN),
        NOTHING),
    ROW("interim responses", HTTP,
        STEPS(C(CONNECT), S("HTTP/1.1 100 Go" E E "HTTP/1.1 103 Soon" E E),
              S(OK), S(TLS)),
        NOTHING),
    ROW("forwarding, then a tunnel", HTTP,
        STEPS(C(GET),
              S("HTTP/1.1 200 OK" E DATE "Transfer-Encoding: chunked" E E
                "5;x" E "hello" E "0" E E),
              C("POST http://a.test/ HTTP/1.1" E "Host: a.test" E
                "Content-Length: 3" E E "abc"),
              S("HTTP/1.1 204 Done" E DATE E), C(CONNECT), S(OK), C(TLS)),
        NOTHING),
    ROW("HEAD has no body", HTTP,
        STEPS(C("HEAD http://a.test/ HTTP/1.1" E "Host: a.test" E E),
              S("HTTP/1.1 200 OK" E DATE "Content-Length: 99" E E), C(CONNECT),
              S(OK)),
        NOTHING),
    ROW("pipelined requests", HTTP,
        STEPS(C(GET GET CONNECT TLS), S(NO NO OK TLS)), NOTHING),
    ROW("an origin's faults are not the proxy's", HTTP,
        STEPS(C(GET), S("HTTP/1.1 500 Oh" E "Date: now" E "Date: then" E
                        "X: \x01" E "Content-Type: a/b" E "Content-Type: c/d" E
                        "Upgrade: x" E "Content-Length: 1" E E "x")),
        NOTHING),
    ROW("a forwarded upload in chunks", HTTP,
        STEPS(C("POST http://a.test/ HTTP/1.1" E "Host: a.test" E
                "Transfer-Encoding: chunked" E E "3" E "abc" E "0" E E),
              S(NO), C(CONNECT), S(OK)),
        NOTHING),
    ROW("an upgrade", HTTP,
        STEPS(C("GET http://a.test/ HTTP/1.1" E "Host: a.test" E
                "Upgrade: websocket" E "Connection: Upgrade" E E),
              S("HTTP/1.1 101 Up" E "Upgrade: websocket" E
                "Connection: Upgrade" E E "\x81"),
              C("\x81")),
        NOTHING),
};

const struct dialogue_table clean_dialogues = {rows,
                                               sizeof(rows) / sizeof(rows[0])};
