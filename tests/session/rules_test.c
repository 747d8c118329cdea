/* Sessions under rules that deny something: what is refused, and how. */

#include <string.h>

#include "play.h"

#define START  "timer 10000\n"
#define LINGER "end client\ntimer 2100\n"
#define VIA    "Via: 1.1 proxy\r\n"
#define END    "\r\n"
#define OK     "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n"
#define HEAD_403                                                               \
    "client:HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"            \
    "Content-Length: 34\r\nConnection: close\r\n\r\n"
#define ANSWER_403 HEAD_403 "This proxy may not connect there.\n\n"

#define FAILED_SO REQ_NONE, true
#define GOOD      REQ_NONE, false

#define TO(host, path) "GET http://" host path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Rules that are looked at again once the name has an address: sets of the
 * rules of play_start(), counted from 0. */
#define BY_ADDRESS "8"
#define BY_EITHER  "24"

/* A request that is answered with 403 before anybody is dialled. */
#define DENIED(name, text)                                                     \
    {                                                                          \
        name, RULES, {CLIENT(text)}, BYTES(START ANSWER_403 LINGER),           \
            SESSION_CLOSING, FAILED_SO                                         \
    }

#define DIALS(name, text, what)                                                \
    {                                                                          \
        name, RULES, {CLIENT(text)},                                           \
            BYTES(START "dial " what "\ntimer 30100\n"), SESSION_FORWARDING,   \
            GOOD                                                               \
    }

#define DIAL "dial origin:80 rules " BY_ADDRESS "\ntimer 30100\ntimer 20100\n"
#define GOT(path)                                                              \
    "target:GET " path " HTTP/1.1\r\nHost: origin\r\n" VIA END "\n"

static const struct play_row http_rows[] = {
    DENIED("a name", TO("a.denied", "/")),
    DENIED("a name in other letters, with a dot", TO("A.Denied.", "/")),
    DENIED("a name with a port", TO("a.denied:8080", "/")),
    DENIED("an address", TO("127.0.0.66", "/")),
    DENIED("an address as another", TO("[::ffff:7f00:42]", "/")),
    DENIED("a path", TO("origin", "/secret")),
    DENIED("a path in disguise", TO("ORIGIN", "//x/%2E./%73ecret?q")),
    DENIED("a method", "DELETE http://origin/x HTTP/1.1\r\nHost: x\r\n\r\n"),
    DENIED("Host does not matter",
           "GET http://origin/secret HTTP/1.1\r\nHost: other\r\n\r\n"),
    DENIED("a request for the proxy",
           "TRACE http://a.denied/ HTTP/1.1\r\nHost: x\r\n"
           "Max-Forwards: 0\r\n\r\n"),
    DENIED("CONNECT to a name",
           "CONNECT a.denied:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    DENIED("CONNECT to an address",
           "CONNECT 127.0.0.66:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    DENIED("content is not read as a request",
           "POST http://a.denied/ HTTP/1.1\r\nHost: x\r\n"
           "Content-Length: 60\r\n\r\n" TO("origin", "/")),
    {"HEAD",
     RULES,
     {CLIENT("HEAD http://a.denied/ HTTP/1.1\r\nHost: x\r\n\r\n")},
     BYTES(START HEAD_403 "\n" LINGER),
     SESSION_CLOSING,
     FAILED_SO},
    {"user information is no way around",
     RULES,
     {CLIENT(TO("origin@a.denied", "/"))},
     BYTES(START "client:HTTP/1.1 400 Bad Request\r\n"
                 "Content-Type: text/plain\r\nContent-Length: 38\r\n"
                 "Connection: close\r\n\r\n"
                 "The request does not follow RFC 9112.\n\n" LINGER),
     SESSION_CLOSING,
     REQ_HTTP_TARGET_USERINFO_REJECT,
     true},
    DIALS("another name", TO("denied", "/"), "denied:80 rules " BY_ADDRESS),
    DIALS("another address", TO("127.0.0.67", "/"), "127.0.0.67:80"),
    DENIED("but not that path of it", TO("127.0.0.67", "/secret")),
    DIALS("what an address denies of a path", TO("b", "/secret"),
          "b:80 rules " BY_EITHER),
    {"CONNECT to where only a path is denied",
     RULES,
     {CLIENT("CONNECT origin:80 HTTP/1.1\r\nHost: x\r\n\r\n")},
     BYTES(START "dial origin:80 rules " BY_ADDRESS "\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"the dialling finds a denied address",
     RULES,
     {CLIENT(TO("b", "/")), FAILED(DIAL_NOT_ALLOWED)},
     BYTES(START "dial b:80 rules " BY_ADDRESS
                 "\ntimer 30100\n" ANSWER_403 LINGER),
     SESSION_CLOSING,
     FAILED_SO},
    {"the second request of a connection",
     RULES,
     {CLIENT(TO("origin", "/")), DIALLED, TARGET(OK END),
      CLIENT(TO("origin", "/secret"))},
     BYTES(START DIAL GOT("/") "client:" OK VIA END "\ntimer 10100\n"
                               "close target\n" ANSWER_403 LINGER),
     SESSION_CLOSING,
     FAILED_SO},
    {"a connection is for more that is allowed",
     RULES,
     {CLIENT(TO("origin", "/")), DIALLED, TARGET(OK END),
      CLIENT(TO("origin", "/x"))},
     BYTES(START DIAL GOT("/") "client:" OK VIA END "\ntimer 10100\n"
                               "timer 20100\n" GOT("/x")),
     SESSION_FORWARDING,
     GOOD},
    {"it is made again for what more rules deny of its address",
     RULES,
     {CLIENT(TO("b", "/")), DIALLED, TARGET(OK END),
      CLIENT(TO("b", "/secret"))},
     BYTES(START "dial b:80 rules " BY_ADDRESS "\ntimer 30100\ntimer 20100\n"
                 "target:GET / HTTP/1.1\r\nHost: b\r\n" VIA END
                 "\nclient:" OK VIA END "\ntimer 10100\nclose target\n"
                 "dial b:80 rules " BY_EITHER "\ntimer 30100\n"),
     SESSION_FORWARDING,
     GOOD},
};

#define HI        "\x05\x01\x00"
#define HELLO_AND START "client:\x05\x00"
#define HELLO     HELLO_AND "\n"
#define NO5       "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00\n"
#define NO4       "client:\x00\x5b\x00\x00\x00\x00\x00\x00\n"

#define DENIED5(name, text)                                                    \
    {                                                                          \
        name, RULES, {CLIENT(HI text)}, BYTES(HELLO_AND NO5 LINGER),           \
            SESSION_CLOSING, FAILED_SO                                         \
    }
#define DENIED4(name, text)                                                    \
    {                                                                          \
        name, RULES, {CLIENT(text)}, BYTES(START NO4 LINGER), SESSION_CLOSING, \
            FAILED_SO                                                          \
    }

#define NAME                                                                   \
    "\x03\x09"                                                                 \
    "A.denied."                                                                \
    "\x00\x50"
#define LISTENS "listen -\ntimer 30100\n"
#define FIRST5  "client:\x05\x00\x00\x01\x7f\x00\x00\x09\x12\x34\ntimer 120100\n"
#define FIRST4  "client:\x00\x5a\x12\x34\x7f\x00\x00\x09\ntimer 120100\n"

static const struct play_row socks_rows[] = {
    DENIED5("5: a name", "\x05\x01\x00" NAME),
    DENIED5("5: an address", "\x05\x01\x00\x01\x7f\x00\x00\x42\x00\x50"),
    DENIED5("5: BIND for a name", "\x05\x02\x00" NAME),
    DENIED5("5: BIND for an address",
            "\x05\x02\x00\x01\x7f\x00\x00\x44\x00\x50"),
    DENIED4("4: an address", "\x04\x01\x00\x50\x7f\x00\x00\x42\x00"),
    DENIED4("4: a name", "\x04\x01\x00\x50\x00\x00\x00\x01\x00"
                         "A.denied.\x00"),
    DENIED4("4: BIND", "\x04\x02\x00\x50\x7f\x00\x00\x44\x00"),
    {"5: a name may have a denied address",
     RULES,
     {CLIENT(HI "\x05\x01\x00\x03\x01"
                "b\x00\x50"),
      FAILED(DIAL_NOT_ALLOWED)},
     BYTES(HELLO "dial b:80 rules " BY_ADDRESS
                 "\ntimer 30100\nclient:" NO5 LINGER),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: CONNECT to where BIND is denied",
     RULES,
     {CLIENT(HI "\x05\x01\x00\x01\x7f\x00\x00\x44\x00\x50")},
     BYTES(HELLO "dial 127.0.0.68:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"5: BIND for anybody keeps who is denied waiting for others",
     RULES,
     {CLIENT(HI "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), LISTENING,
      ACCEPTED(127, 0, 0, 68), ACCEPTED(127, 0, 0, 1)},
     BYTES(HELLO LISTENS FIRST5
           "drop peer\nclient:\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90\n"
           "take peer\ntimer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"4: BIND for anybody ends with who is denied",
     RULES,
     {CLIENT("\x04\x02\x00\x00\x00\x00\x00\x00\x00"), LISTENING,
      ACCEPTED(127, 0, 0, 68)},
     BYTES(START LISTENS FIRST4 "close target\n" NO4 LINGER),
     SESSION_CLOSING,
     FAILED_SO},
};

static void check_http(void **state)
{
    play_row(SESSION_HTTP, *state);
}

static void check_socks(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

int main(void)
{
    return RUN_ROWS(http_rows, check_http) + RUN_ROWS(socks_rows, check_socks);
}
