/* Sessions as a gateway to FTP: what is asked for, and what becomes of it. */

#include <string.h>

#include "play.h"

#define START  "timer 10000\n"
#define AWAIT  "timer 20100\n"
#define AGAIN  "timer 10100\n"
#define LINGER "end client\ntimer 2100\n"
#define VIA    "Via: 1.1 proxy\r\n"
#define DATE   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define FILE                                                                   \
    "client:HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
#define LIST "client:HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define DONE "close target\n" AGAIN

#define GOOD      REQ_NONE, false
#define FAILED_SO REQ_NONE, true

#define FIELDS    " HTTP/1.1\r\nHost: x\r\n"
#define GET(rest) "GET ftp://" rest FIELDS "\r\n"
#define ASKED     START "fetch a:21 /f\n" AWAIT

#define ANSWER(status, fields, length, text)                                   \
    "client:HTTP/1.1 " status "\r\nContent-Type: text/plain\r\n"               \
    "Content-Length: " length "\r\n" fields "Connection: close\r\n\r\n" text   \
    "\n"
#define ANSWER_400                                                             \
    ANSWER("400 Bad Request", "", "38",                                        \
           "The request does not follow RFC 9112.\n")
#define ANSWER_501                                                             \
    ANSWER("501 Not Implemented", "", "43",                                    \
           "This proxy does not do what was asked for.\n")

/* What is asked of the server. */
#define ASKS(name, text, what)                                                 \
    {                                                                          \
        name, FTP, {CLIENT(text)}, BYTES(START what "\n" AWAIT),               \
            SESSION_FORWARDING, GOOD                                           \
    }

/* What is refused before anybody is asked. */
#define REFUSED(name, text, answer)                                            \
    {                                                                          \
        name, FTP, {CLIENT(text)}, BYTES(START answer LINGER),                 \
            SESSION_CLOSING, FAILED_SO                                         \
    }

/* How the server fails. */
#define FAILS(name, event, answer)                                             \
    {                                                                          \
        name, FTP, {CLIENT(GET("a/f")), event}, BYTES(ASKED answer LINGER),    \
            SESSION_CLOSING, FAILED_SO                                         \
    }

static const struct play_row rows[] = {
    ASKS("a file", GET("a/f"), "fetch a:21 /f"),
    ASKS("another port, case and code", GET("A.b:2121/d/%41%20;type=a"),
         "fetch A.b:2121 /d/%41%20;type=a"),
    ASKS("no path", GET("a"), "fetch a:21 /"),
    ASKS("an address", GET("[::1]/f"), "fetch [::1]:21 /f"),
    ASKS("the scheme in capitals", "GET FTP://a/f" FIELDS "\r\n",
         "fetch a:21 /f"),
    ASKS("HEAD", "HEAD ftp://a/f" FIELDS "\r\n", "look at a:21 /f"),
    ASKS("credentials", GET("me:let@a/f"), "fetch a:21 /f as me with let"),
    ASKS("credentials in code", GET("m%40%3a:l%25:t@a/f"),
         "fetch a:21 /f as m@: with l%:t"),
    ASKS("a user alone", GET("me@a/f"), "fetch a:21 /f as me with "),
    ASKS("an empty user", GET("@a/f"), "fetch a:21 /f"),
    ASKS("credentials in a field",
         "GET ftp://a/f" FIELDS "Authorization: Basic bWU6bGV0\r\n\r\n",
         "fetch a:21 /f as me with let"),
    ASKS("those of the URI before them",
         "GET ftp://you:x@a/f" FIELDS "Authorization: Basic bWU6bGV0\r\n\r\n",
         "fetch a:21 /f as you with x"),
    ASKS("other credentials in a field",
         "GET ftp://a/f" FIELDS "Authorization: Bearer bWU6bGV0\r\n\r\n",
         "fetch a:21 /f"),
    ASKS("the proxy's credentials are for nobody else",
         "GET ftp://a/f" FIELDS "Proxy-Authorization: Basic bWU6bGV0\r\n\r\n",
         "fetch a:21 /f"),

    REFUSED("a line feed in code", GET("a/f%0ADELE%20f"), ANSWER_400),
    REFUSED("a carriage return in code", GET("a/f%0d"), ANSWER_400),
    REFUSED("a zero octet in code", GET("a/f%00"), ANSWER_400),
    REFUSED("a line feed in a user", GET("m%0a@a/f"), ANSWER_400),
    REFUSED("a line feed in a password", GET("m:%0a@a/f"), ANSWER_400),
    REFUSED("a line feed in a field",
            "GET ftp://a/f" FIELDS "Authorization: Basic bQo6bGV0\r\n\r\n",
            ANSWER_400),
    REFUSED("a query", GET("a/f?q"), ANSWER_400),
    REFUSED("content", "GET ftp://a/f" FIELDS "Content-Length: 1\r\n\r\nx",
            ANSWER_400),
    REFUSED("PUT", "PUT ftp://a/f" FIELDS "Content-Length: 0\r\n\r\n",
            ANSWER_501),
    REFUSED("OPTIONS", "OPTIONS ftp://a/f" FIELDS "\r\n", ANSWER_501),
    REFUSED("TRACE for the proxy",
            "TRACE ftp://a/f" FIELDS "Max-Forwards: 0\r\n\r\n", ANSWER_501),
    {"a proxy that is no gateway",
     FORWARD,
     {CLIENT(GET("a/f"))},
     BYTES(START ANSWER_501 LINGER),
     SESSION_CLOSING,
     REQ_HTTP_TARGET_UNKNOWN_SCHEME,
     true},

    {"a file of known length",
     FTP,
     {CLIENT(GET("a/f")), FETCHED(5), TARGET("hello"), TARGET_END},
     BYTES(ASKED AWAIT FILE "Content-Length: 5\r\n" DATE VIA
                            "\r\nhello\n" DONE),
     SESSION_REQUEST,
     GOOD},
    {"of unknown length",
     FTP,
     {CLIENT(GET("a/f")), FETCHED(UINT64_MAX), TARGET_END},
     BYTES(ASKED AWAIT FILE "Transfer-Encoding: chunked\r\n" DATE VIA
                            "\r\n0\r\n\r\n\n" DONE),
     SESSION_REQUEST,
     GOOD},
    {"of unknown length for HTTP/1.0",
     FTP,
     {CLIENT("GET ftp://a/f HTTP/1.0\r\n\r\n"), FETCHED(UINT64_MAX),
      TARGET("hello"), TARGET_END},
     BYTES(ASKED AWAIT FILE DATE VIA "Connection: close\r\n\r\nhello\n"
                                     "close target\n" LINGER),
     SESSION_CLOSING,
     GOOD},
    {"a directory",
     FTP,
     {CLIENT(GET("a/")), LISTED, TARGET_END},
     BYTES(START "fetch a:21 /\n" AWAIT AWAIT LIST
                 "Transfer-Encoding: chunked\r\n" DATE VIA
                 "\r\n0\r\n\r\n\n" DONE),
     SESSION_REQUEST,
     GOOD},
    {"HEAD brings no content",
     FTP,
     {CLIENT("HEAD ftp://a/f" FIELDS "\r\n"), FETCHED(5)},
     BYTES(START "look at a:21 /f\n" AWAIT AWAIT FILE
                 "Content-Length: 5\r\n" DATE VIA "\r\n\n" DONE),
     SESSION_REQUEST,
     GOOD},
    {"octets that are missing",
     FTP,
     {CLIENT(GET("a/f")), FETCHED(5), TARGET("hel"), TARGET_RESET},
     BYTES(ASKED AWAIT FILE "Content-Length: 5\r\n" DATE VIA
                            "\r\nhel\nclose target\nclose\n"),
     SESSION_CLOSED,
     REQ_HTTP_INCOMPLETE_SHORT_RESPONSE,
     true},
    {"the same of unknown length",
     FTP,
     {CLIENT("GET ftp://a/f HTTP/1.0\r\n\r\n"), FETCHED(UINT64_MAX),
      TARGET("hel"), TARGET_RESET},
     BYTES(ASKED AWAIT FILE DATE VIA "Connection: close\r\n\r\nhel\n"
                                     "close target\nreset\n"),
     SESSION_CLOSED,
     REQ_HTTP_INCOMPLETE_SHORT_RESPONSE,
     true},
    {"the client leaves",
     FTP,
     {CLIENT(GET("a/f")), CLIENT_RESET},
     BYTES(ASKED "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"two of them",
     FTP,
     {CLIENT(GET("a/f")), FETCHED(0), CLIENT(GET("a/f")), FETCHED(0)},
     BYTES(ASKED AWAIT FILE "Content-Length: 0\r\n" DATE VIA "\r\n\n" DONE
                            "fetch a:21 /f\n" AWAIT AWAIT FILE
                            "Content-Length: 0\r\n" DATE VIA "\r\n\n" DONE),
     SESSION_REQUEST,
     GOOD},

    FAILS("no such file", NOT_FETCHED(FETCH_NOT_FOUND),
          ANSWER("404 Not Found", "", "33",
                 "The FTP server has no such file.\n")),
    FAILS("no login", NOT_FETCHED(FETCH_NO_LOGIN),
          ANSWER("401 Unauthorized",
                 "WWW-Authenticate: Basic realm=\"FTP\"\r\n", "52",
                 "The FTP server asks for a user name and a password.\n")),
    FAILS("what else fails", NOT_FETCHED(FETCH_FAILED),
          ANSWER("502 Bad Gateway", "", "35",
                 "The origin gave no valid response.\n")),
    FAILS("nobody there", FAILED(DIAL_REFUSED),
          ANSWER("502 Bad Gateway", "", "38",
                 "The destination could not be reached.\n")),
    FAILS("a rule", FAILED(DIAL_NOT_ALLOWED),
          ANSWER("403 Forbidden", "", "34",
                 "This proxy may not connect there.\n")),
    FAILS("nothing comes", TIMER,
          "close target\n" ANSWER("504 Gateway Timeout", "", "40",
                                  "The destination did not answer in time.\n")),
};

static void check_row(void **state)
{
    play_row(SESSION_HTTP, *state);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
