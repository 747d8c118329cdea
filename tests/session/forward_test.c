/* Requests that are forwarded: what each side gets, however it was cut. */

#include <stdlib.h>
#include <string.h>

#include "play.h"

#define START   "timer 10000\n"
#define DIAL    "dial origin:80\ntimer 30100\ntimer 20100\n"
#define AGAIN   "timer 10100\n"
#define LINGER  "end client\ntimer 2100\n"
#define VIA     "Via: 1.1 proxy\r\n"
#define VIA_10  "Via: 1.0 proxy\r\n"
#define DATE    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define CLOSING "Connection: close\r\n"
#define HOST    "Host: origin\r\n"
#define GET     "GET http://origin/ HTTP/1.1\r\n" HOST
#define GET_10  "GET http://origin/ HTTP/1.0\r\n"
#define POST    "POST http://origin/p HTTP/1.1\r\n" HOST
#define END     "\r\n"
#define OK      "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define LEN(n)  "Content-Length: " #n "\r\n"
#define TO_GET  "target:GET / HTTP/1.1\r\n" HOST
#define TO_POST "target:POST /p HTTP/1.1\r\n" HOST
#define ANSWER(status, length, text)                                           \
    "client:HTTP/1.1 " status "\r\nContent-Type: text/plain\r\n"               \
    "Content-Length: " length "\r\nConnection: close\r\n\r\n" text "\n"
#define ANSWER_400                                                             \
    ANSWER("400 Bad Request", "38", "The request does not follow RFC 9112.\n")
#define ANSWER_502                                                             \
    ANSWER("502 Bad Gateway", "35", "The origin gave no valid response.\n")
#define ANSWER_504                                                             \
    ANSWER("504 Gateway Timeout", "40",                                        \
           "The destination did not answer in time.\n")

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true

/* A request that is answered with 400 before anybody is dialled. */
#define REFUSED(name, text, id)                                                \
    {                                                                          \
        name, FORWARD, {CLIENT(text)}, BYTES(START ANSWER_400 LINGER),         \
            SESSION_CLOSING, BROKE(id)                                         \
    }

/* How a head of a GET goes on. */
#define SENT(name, in, out)                                                    \
    {                                                                          \
        name, FORWARD, {CLIENT(GET in END), DIALLED},                          \
            BYTES(START DIAL TO_GET out VIA END "\n"), SESSION_FORWARDING,     \
            GOOD                                                               \
    }

/* What becomes of a response to it. */
#define GOT(name, in, out)                                                     \
    {                                                                          \
        name, FORWARD, {CLIENT(GET END), DIALLED, TARGET(in)},                 \
            BYTES(START DIAL TO_GET VIA END "\nclient:" out "\n" AGAIN),       \
            SESSION_REQUEST, GOOD                                              \
    }

#define FAILS(name, in, id)                                                    \
    {                                                                          \
        name, FORWARD, {CLIENT(GET END), DIALLED, TARGET(in)},                 \
            BYTES(START DIAL TO_GET VIA END                                    \
                  "\nclose target\n" ANSWER_502 LINGER),                       \
            SESSION_CLOSING, BROKE(id)                                         \
    }

static const struct play_row rows[] = {
    SENT("GET", "", ""),
    SENT("unknown fields stay, in their order",
         "X-B: 1\r\nx-a: 2\r\nX-B: 3\r\n", "X-B: 1\r\nx-a: 2\r\nX-B: 3\r\n"),
    SENT("what Connection names is left out",
         "Connection: X-A, close ,, x-b\r\nx-a: 1\r\nX-B: 2\r\nX-C: 3\r\n",
         "X-C: 3\r\n"),
    SENT("fields of one hop are left out",
         "Proxy-Connection: close\r\nKeep-Alive: 5\r\nTE: gzip\r\n"
         "Upgrade: foo\r\nProxy-Authorization: Basic eA==\r\nAccept: */*\r\n",
         "Accept: */*\r\n"),
    SENT("another Via", "Via: 1.0 a, 1.1 b\r\n", "Via: 1.0 a, 1.1 b\r\n"),
    SENT("Content-Length twice", LEN(0) LEN(0), LEN(0)),
    {"another Host, a path, a query, a port",
     FORWARD,
     {CLIENT("GET http://Origin:81/a//../b?c%2f HTTP/1.1\r\nHost: x\r\n\r\n"),
      DIALLED},
     BYTES(START "dial Origin:81\ntimer 30100\ntimer 20100\n"
                 "target:GET /a//../b?c%2f HTTP/1.1\r\n"
                 "Host: Origin:81\r\n" VIA END "\n"),
     SESSION_FORWARDING,
     GOOD},
    {"a query without a path, to an address",
     FORWARD,
     {CLIENT("GET http://[::1]?q HTTP/1.1\r\n" HOST END), DIALLED},
     BYTES(START "dial [::1]:80\ntimer 30100\ntimer 20100\n"
                 "target:GET /?q HTTP/1.1\r\nHost: [::1]\r\n" VIA END "\n"),
     SESSION_FORWARDING,
     GOOD},
    {"OPTIONS about a server",
     FORWARD,
     {CLIENT("OPTIONS http://origin HTTP/1.1\r\n" HOST
             "Max-Forwards: 5\r\n\r\n"),
      DIALLED},
     BYTES(START DIAL "target:OPTIONS * HTTP/1.1\r\n" HOST
                      "Max-Forwards: 4\r\n" VIA END "\n"),
     SESSION_FORWARDING,
     GOOD},
    {"OPTIONS about the proxy, twice",
     FORWARD,
     {CLIENT("OPTIONS * HTTP/1.1\r\n" HOST END
             "OPTIONS http://origin HTTP/1.1\r\n" HOST
             "Max-Forwards: 0\r\n\r\n")},
     BYTES(START "client:" OK DATE
                 "Allow: CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, "
                 "PUT, TRACE\r\n" LEN(0) END
           "\n" AGAIN "client:" OK DATE
           "Allow: CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, "
           "PUT, TRACE\r\n" LEN(0) END "\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"TRACE to the proxy",
     FORWARD,
     {CLIENT("TRACE http://origin/ HTTP/1.1\r\n" HOST "Cookie: c\r\n"
             "Max-Forwards: 0\r\nAuthorization: a\r\nX: y\r\n\r\n")},
     BYTES(START "client:" OK DATE "Content-Type: message/http\r\n" LEN(70) END
           "TRACE http://origin/ HTTP/1.1\r\n" HOST
           "Max-Forwards: 0\r\nX: y\r\n\r\n\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"HTTP/1.0",
     FORWARD,
     {CLIENT(GET_10 "Expect: 100-continue\r\n" END GET END), DIALLED,
      TARGET(OK CHUNKED END "3\r\nabc\r\n0\r\nT: v\r\n\r\n")},
     BYTES(START DIAL TO_GET VIA_10 END "\nclient:" OK DATE VIA CLOSING END
                                        "abc\nclose target\n" LINGER),
     SESSION_CLOSING,
     GOOD},
    {"a body of known length, and the next request",
     FORWARD,
     {CLIENT(POST LEN(5) END "hello" GET END), DIALLED,
      TARGET(OK LEN(2) END "ok"), TARGET(OK LEN(0) END)},
     BYTES(START DIAL TO_POST LEN(5) VIA END "hello\nclient:" OK LEN(2)
               DATE VIA END "ok\n" AGAIN "timer 20100\n" TO_GET VIA END
                            "\nclient:" OK LEN(0) DATE VIA END "\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"a chunked body",
     FORWARD,
     {CLIENT(POST CHUNKED
             "Trailer: T\r\n" END
             "0003;a=b\r\nabc\r\nB\r\nhello world\r\n0;c\r\nT: v\r\n"
             "Content-Length: 9\r\n\r\n"),
      DIALLED},
     BYTES(START DIAL TO_POST "Trailer: T\r\n" CHUNKED VIA END
                              "3\r\nabc\r\nb\r\nhello world\r\n"
                              "0\r\nT: v\r\n\r\n\n"),
     SESSION_FORWARDING,
     GOOD},
    GOT("Content-Length", OK LEN(2) "X: y\r\n" END "ab",
        OK "X: y\r\n" LEN(2) DATE VIA END "ab"),
    GOT("Date stays", OK "Date: then\r\n" LEN(0) END,
        OK "Date: then\r\n" LEN(0) VIA END),
    GOT("chunked", OK CHUNKED END "3\r\nabc\r\n0\r\nT: v\r\n\r\n",
        OK CHUNKED DATE VIA END "3\r\nabc\r\n0\r\nT: v\r\n\r\n"),
    GOT("204", "HTTP/1.1 204 No Content\r\n" END,
        "HTTP/1.1 204 No Content\r\n" DATE VIA END),
    GOT("304 tells a length", "HTTP/1.1 304 X\r\n" LEN(9) END,
        "HTTP/1.1 304 X\r\n" LEN(9) DATE VIA END),
    GOT("no reason", "HTTP/1.1 299\r\n" LEN(0) END,
        "HTTP/1.1 299 \r\n" LEN(0) DATE VIA END),
    GOT("a fold and a blank before the colon",
        OK "A: b\r\n c\r\nX : y\r\n" LEN(0) END,
        OK "A: b   c\r\nX: y\r\n" LEN(0) DATE VIA END),
    GOT("interim responses",
        "HTTP/1.1 103 E\r\nLink: a\r\n" LEN(5) END
        "HTTP/1.1 199 F\r\n" END OK LEN(0) END,
        "HTTP/1.1 103 E\r\nLink: a\r\n" VIA END
        "HTTP/1.1 199 F\r\n" VIA END OK LEN(0) DATE VIA END),
    {"the origin's connection ends with its response, the client's does not",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET(OK LEN(0) CLOSING END)},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK LEN(0) DATE VIA END
           "\nclose target\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"until the origin closes",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET(OK END "x"), TARGET_END},
     BYTES(START DIAL TO_GET VIA END
           "\nclient:" OK CHUNKED DATE VIA END
           "1\r\nx\r\n0\r\n\r\n\nclose target\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"chunks that break off",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET(OK CHUNKED END "5\r\nab"), TARGET_END},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK CHUNKED DATE VIA END
                                     "5\r\nab\nclose target\nclose\n"),
     SESSION_CLOSED,
     BROKE(HTTP_INCOMPLETE_SHORT_RESPONSE)},
    {"chunks for HTTP/1.0 that break off end in a reset",
     FORWARD,
     {CLIENT(GET_10 END), DIALLED, TARGET(OK CHUNKED END "5\r\nab"),
      TARGET_END},
     BYTES(START DIAL TO_GET VIA_10 END "\nclient:" OK DATE VIA CLOSING END
                                        "ab\nclose target\nreset\n"),
     SESSION_CLOSED,
     BROKE(HTTP_INCOMPLETE_SHORT_RESPONSE)},
    {"close, and nothing after it",
     FORWARD,
     {CLIENT(GET CLOSING END GET END), DIALLED, TARGET(OK LEN(0) END)},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK LEN(0) DATE VIA CLOSING END
           "\nclose target\n" LINGER),
     SESSION_CLOSING,
     GOOD},
    {"HEAD",
     FORWARD,
     {CLIENT("HEAD http://origin/ HTTP/1.1\r\n" HOST END), DIALLED,
      TARGET(OK LEN(1000) END)},
     BYTES(START DIAL "target:HEAD / HTTP/1.1\r\n" HOST VIA END
                      "\nclient:" OK LEN(1000) DATE VIA END "\n" AGAIN),
     SESSION_REQUEST,
     GOOD},
    {"octets behind a response are dropped with the connection",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET(OK LEN(0) END), TARGET("HTTP/1.1 2")},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK LEN(0) DATE VIA END
           "\n" AGAIN "close target\n"),
     SESSION_REQUEST,
     GOOD},
    {"an idle connection that went is made anew",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET(OK LEN(0) END), CLIENT(GET END),
      TARGET_END, DIALLED},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK LEN(0) DATE VIA END
           "\n" AGAIN "timer 20100\n" TO_GET VIA END
           "\nclose target\n" DIAL TO_GET VIA END "\n"),
     SESSION_FORWARDING,
     GOOD},
    {"no response, to a fresh connection",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET_RESET},
     BYTES(START DIAL TO_GET VIA END "\nclose target\n" ANSWER_502 LINGER),
     SESSION_CLOSING,
     BROKE(HTTP_INCOMPLETE_HEADER)},
    {"half a head",
     FORWARD,
     {CLIENT(GET END), DIALLED, TARGET("HTTP/1.1 200 "), TARGET_END},
     BYTES(START DIAL TO_GET VIA END "\nclose target\n" ANSWER_502 LINGER),
     SESSION_CLOSING,
     BROKE(HTTP_INCOMPLETE_HEADER)},
    FAILS("no response", "SSH-2.0-x\r\n", HTTP_PARSE_RESPONSE_GARBAGE),
    FAILS("101 that nobody asked for", "HTTP/1.1 101 X\r\n\r\n",
          HTTP_UPGRADE_UNREQUESTED_101),
    FAILS("two lengths", OK LEN(1) LEN(2) END,
          HTTP_FRAMING_CL_INVALID_RESPONSE),
    FAILS("another coding", OK "Transfer-Encoding: gzip, chunked\r\n" END,
          HTTP_TE_CODING_UNASKED),
    {"an early answer ends the connection",
     FORWARD,
     {CLIENT(POST LEN(5) END "he"), DIALLED, TARGET(OK LEN(0) END),
      CLIENT("llo")},
     BYTES(START DIAL TO_POST LEN(5) VIA END "he\nclient:" OK LEN(0)
               DATE VIA CLOSING END "\nclose target\n" LINGER),
     SESSION_CLOSING,
     GOOD},
    {"a request that breaks off",
     FORWARD,
     {CLIENT(POST CHUNKED END "5\r\nhe"), DIALLED, CLIENT_END},
     BYTES(START DIAL TO_POST CHUNKED VIA END "5\r\nhe\nclose target\nclose\n"),
     SESSION_CLOSED,
     BROKE(HTTP_INCOMPLETE_REQUEST)},
    {"the client's end is no end of its request",
     FORWARD,
     {CLIENT(GET END), CLIENT_END, DIALLED, TARGET(OK LEN(0) END)},
     BYTES(START DIAL TO_GET VIA END "\nclient:" OK LEN(0) DATE VIA END
           "\n" AGAIN "close\n"),
     SESSION_CLOSED,
     GOOD},
    {"credentials do not go on",
     FORWARD_AUTH,
     {CLIENT(GET "Proxy-Authorization: Basic bWU6bGV0\r\n" END), DIALLED},
     BYTES(START DIAL TO_GET VIA END "\n"),
     SESSION_FORWARDING,
     GOOD},
    REFUSED("origin-form", "GET / HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_ORIGIN_FORM_RECEIVED),
    REFUSED("authority-form", "GET origin:80 HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_AUTHORITY_FORM_OTHER),
    REFUSED("asterisk-form", "GET * HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_ASTERISK_OTHER),
    REFUSED("no host", "GET http:///x HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_EMPTY_HOST),
    REFUSED("user information", "GET http://u:p@origin/ HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_USERINFO_REJECT),
    REFUSED("a fragment", "GET http://origin/#a HTTP/1.1\r\n" HOST END,
            HTTP_TARGET_FRAGMENT),
    REFUSED("both framings", POST LEN(5) CHUNKED END, HTTP_FRAMING_TE_CL_STRIP),
    REFUSED("two lengths", POST LEN(5) LEN(6) END,
            HTTP_FRAMING_CL_CONFLICT_REQUEST),
    REFUSED("Max-Forwards that is no number",
            "TRACE http://origin/ HTTP/1.1\r\n" HOST "Max-Forwards: -1\r\n\r\n",
            HTTP_MAXFORWARDS_ODD_VALUE),
};

static void check_row(void **state)
{
    play_row(SESSION_HTTP, *state);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
