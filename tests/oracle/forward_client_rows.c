/* What a client that sends requests to be forwarded can be accused of. */

#include "oracle/dialogue_rows.h"

#define E       "\r\n"
#define LINE(m) m " http://a.test/ HTTP/1.1" E "Host: a.test" E
#define CHUNKED "Transfer-Encoding: chunked" E E
#define OK                                                                     \
    "HTTP/1.1 200 OK" E "Date: Mon, 30 Nov 2026 18:00:00 GMT" E                \
    "Content-Length: 0" E E
#define NO "HTTP/1.1 403 No" E "Content-Length: 2" E E "no"

static const struct dialogue_row rows[] = {
    ROW("methods and their content", HTTP,
        STEPS(C(LINE("GET") E LINE("PUT") "Content-Length: 2" E E "hi"),
              S(NO NO), C(LINE("POST") "Content-Length: 0" E E), S(NO),
              C(LINE("OPTIONS") "Content-Type: a/b" E "Content-Length: 2" E E
                                "hi")),
        NOTHING),
    ROW("GET with content", HTTP,
        STEPS(C(LINE("GET") "Content-Length: 2" E E "hi")),
        FINDS(BY_CLIENT(HTTP_METHOD_CLIENT_GET_CONTENT))),
    ROW("DELETE with content in chunks", HTTP,
        STEPS(C(LINE("DELETE") CHUNKED "0" E E)),
        FINDS(BY_CLIENT(HTTP_METHOD_CLIENT_GET_CONTENT))),
    ROW("GET with a length of nothing", HTTP,
        STEPS(C(LINE("GET") "Content-Length: 0" E E)),
        FINDS(BY_CLIENT(HTTP_FRAMING_CLIENT_NO_CL_GET))),
    ROW("POST without a length", HTTP, STEPS(C(LINE("POST") E)),
        FINDS(BY_CLIENT(HTTP_FRAMING_CLIENT_EMPTY_POST))),
    ROW("TRACE with content", HTTP,
        STEPS(C(LINE("TRACE") "Content-Length: 1" E E "x")),
        FINDS(BY_CLIENT(HTTP_TRACE_CLIENT_NO_CONTENT))),
    ROW("TRACE with a cookie", HTTP, STEPS(C(LINE("TRACE") "Cookie: a=b" E E)),
        FINDS(BY_CLIENT(HTTP_TRACE_CLIENT_NO_SECRETS))),
    ROW("TRACE with credentials for the proxy", HTTP,
        STEPS(C(LINE("TRACE") "Proxy-Authorization: Basic bWU6bGV0" E E)),
        NOTHING),
    ROW("OPTIONS with content of no type", HTTP,
        STEPS(C(LINE("OPTIONS") "Content-Length: 1" E E "x")),
        FINDS(BY_CLIENT(HTTP_OPTIONS_CLIENT_TYPE))),
    ROW("a length that is none", HTTP,
        STEPS(C(LINE("PUT") "Content-Length: five" E E)),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("Referer with a fragment", HTTP,
        STEPS(C(LINE("GET") "Referer: http://b.test/#x" E E)),
        FINDS(BY_CLIENT(HTTP_FIELD_CLIENT_REFERER))),
    ROW("Referer with user information", HTTP,
        STEPS(C(LINE("GET") "Referer: http://me@b.test/" E E)),
        FINDS(BY_CLIENT(HTTP_FIELD_CLIENT_REFERER))),
    ROW("Referer of a secure page", HTTP,
        STEPS(C(LINE("GET") "Referer: https://b.test/" E E)),
        FINDS(BY_CLIENT(HTTP_FIELD_CLIENT_REFERER))),
    ROW("Referer of another page", HTTP,
        STEPS(C(LINE("GET") "Referer: http://b.test/a@b" E E)), NOTHING),
    ROW("a relative Referer", HTTP, STEPS(C(LINE("GET") "Referer: /a@b" E E)),
        NOTHING),
    ROW("Keep-Alive without Connection", HTTP,
        STEPS(C(LINE("GET") "Keep-Alive: 300" E E)),
        FINDS(BY_CLIENT(HTTP_CONNECTION_SENDER_LIST))),
    ROW("Proxy-Connection", HTTP,
        STEPS(C(LINE("GET") "Proxy-Connection: keep-alive" E E)),
        FINDS(BY_CLIENT(HTTP_CONNECTION_CLIENT_PROXY_CONNECTION))),
    ROW("HTTP/1.0 with keep-alive", HTTP,
        STEPS(C("GET http://a.test/ HTTP/1.0" E "Connection: keep-alive" E E)),
        FINDS(BY_CLIENT(HTTP_CONNECTION_CLIENT_KEEP_ALIVE))),
    ROW("a request behind an unanswered POST", HTTP,
        STEPS(C(LINE("POST") "Content-Length: 1" E E "x" LINE("GET") E)),
        FINDS(BY_CLIENT(HTTP_PIPELINE_CLIENT_NON_IDEMPOTENT))),
    ROW("a request behind an answered POST", HTTP,
        STEPS(C(LINE("POST") "Content-Length: 1" E E "x"), S(NO),
              C(LINE("GET") E)),
        NOTHING),

    /* RFC 9112 section 7.1. */
    ROW("chunks, extensions and trailers", HTTP,
        STEPS(C(LINE("PUT") "Trailer: X" E CHUNKED "a;b=\"c;d\"" E
                            "0123456789" E "0" E "X: y" E E LINE("GET") E),
              S(NO NO)),
        NOTHING),
    ROW("blanks in a chunk extension", HTTP,
        STEPS(C(LINE("PUT") CHUNKED "1; a" E "x" E "0" E E)),
        FINDS(BY_CLIENT(HTTP_CHUNKED_EXT_BWS))),
    ROW("LF alone in chunks", HTTP,
        STEPS(C(LINE("PUT") CHUNKED "1\nx" E "0" E E)),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("a chunk size that is none", HTTP, STEPS(C(LINE("PUT") CHUNKED "x" E)),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("a framing field in trailers", HTTP,
        STEPS(C(LINE("PUT") CHUNKED "0" E "content-length: 2" E E)),
        FINDS(BY_CLIENT(HTTP_TRAILER_SENDER_FIELDS),
              BY_CLIENT(HTTP_TRAILER_ANNOUNCE))),
    ROW("a trailer that nothing announced", HTTP,
        STEPS(C(LINE("PUT") CHUNKED "0" E "X: y" E E)),
        FINDS(BY_CLIENT(HTTP_TRAILER_ANNOUNCE))),
    ROW("a trailer from behind a proxy", HTTP,
        STEPS(C(LINE("PUT") "Via: 1.1 p" E CHUNKED "0" E "X: y" E E)), NOTHING),

    /* RFC 9110 section 6.2. */
    ROW("HTTP/1.0 behind HTTP/1.1", HTTP,
        STEPS(C(LINE("GET") E), S(OK), C("GET http://a.test/ HTTP/1.0" E E)),
        FINDS(BY_CLIENT(HTTP_VERSION_CLIENT))),
    ROW("HTTP/1.0 behind an error", HTTP,
        STEPS(C(LINE("GET") E), S(NO), C("GET http://a.test/ HTTP/1.0" E E)),
        NOTHING),
    ROW("HTTP/1.1 behind HTTP/1.0", HTTP,
        STEPS(C("GET http://a.test/ HTTP/1.0" E E), S(OK), C(LINE("GET") E)),
        NOTHING),
};

const struct dialogue_table forward_client_dialogues = {
    rows, sizeof(rows) / sizeof(rows[0])};
