#include <stdlib.h>
#include <string.h>

#include "play.h"

#define ANSWER(status, extra, length, text)                                    \
    "client:HTTP/1.1 " status "\r\nContent-Type: text/plain\r\n"               \
    "Content-Length: " length "\r\n" extra "Connection: close\r\n\r\n" text    \
    "\n"
#define CHALLENGE   "Proxy-Authenticate: Basic realm=\"proxyspec\"\r\n"
#define BAD_REQUEST "The request does not follow RFC 9112.\n"
#define ASKS_USER   "This proxy asks for a user name and a password.\n"
#define CONNECTS    "This proxy serves CONNECT only.\n"

#define START      "timer 10000\n"
#define LINGERING  "end client\ntimer 2100\n"
#define DIALLING   START "dial origin:80\ntimer 30100\n"
#define TUNNEL     "client:HTTP/1.1 200 Connection established\r\n\r\n\n"
#define RELAYING   DIALLING TUNNEL "timer never\nrelay\n"
#define ANSWER_400 ANSWER("400 Bad Request", "", "38", BAD_REQUEST)
#define ANSWER_407                                                             \
    ANSWER("407 Proxy Authentication Required", CHALLENGE, "48", ASKS_USER)
#define ANSWER_408                                                             \
    ANSWER("408 Request Timeout", "", "36",                                    \
           "The request did not arrive in time.\n")
#define ANSWER_501 ANSWER("501 Not Implemented", "", "32", CONNECTS)
#define ANSWER_505                                                             \
    ANSWER("505 HTTP Version Not Supported", "", "28",                         \
           "This proxy speaks HTTP/1.1.\n")

#define LINE      "CONNECT origin:80 HTTP/1.1\r\n"
#define HOST      "Host: origin:80\r\n"
#define CONNECT   LINE HOST "\r\n"
#define GOOD_AUTH "Proxy-Authorization: Basic bWU6bGV0\r\n"
#define BAD_AUTH  "Proxy-Authorization: Basic bWU6bG90\r\n"

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true

/* A request that is refused with 400 for breaking this requirement. */
#define REFUSED(name, text, id)                                                \
    {                                                                          \
        name, OPEN, {CLIENT(text)}, BYTES(START ANSWER_400 LINGERING),         \
            SESSION_CLOSING, BROKE(id)                                         \
    }

/* One that is dialled although it is odd. */
#define SERVED(name, text)                                                     \
    {                                                                          \
        name, OPEN, {CLIENT(text)}, BYTES(DIALLING), SESSION_DIALLING, GOOD    \
    }

static const struct play_row rows[] = {
    {"nothing happens", OPEN, {{0}}, BYTES(START), SESSION_REQUEST, GOOD},
    SERVED("request", CONNECT),
    SERVED("empty lines first", "\r\n\r\n" CONNECT),
    SERVED("bare LF", "CONNECT origin:80 HTTP/1.1\nHost: origin:80\n\n"),
    SERVED("HTTP/1.0 without Host", "CONNECT origin:80 HTTP/1.0\r\n\r\n"),
    SERVED("a later minor version",
           "CONNECT origin:80 HTTP/1.9\r\nHost: a\r\n\r\n"),
    SERVED("Host without port", LINE "Host: origin\r\n\r\n"),
    SERVED("Host with an empty port", LINE "Host: origin:\r\n\r\n"),
    SERVED("empty Host", LINE "Host:\r\n\r\n"),
    SERVED("another Host", LINE "Host: elsewhere:81\r\n\r\n"),
    SERVED("conditions are ignored", LINE HOST "If-Match: *\r\n\r\n"),
    {"a whole connection",
     OPEN,
     {CLIENT(CONNECT "early"), DIALLED, TARGET("banner"), CLIENT("late"),
      TARGET_END, CLIENT("r"), CLIENT_END},
     BYTES(DIALLING TUNNEL
           "timer never\ntarget:early\nrelay\nclient:banner\n"
           "target:late\nend client\ntarget:r\nend target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"an address",
     OPEN,
     {CLIENT("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n")},
     BYTES(START "dial [::1]:443\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"the client ends behind its request and is answered",
     OPEN,
     {CLIENT(CONNECT), CLIENT_END, DIALLED, TARGET("answer"), TARGET_END},
     BYTES(DIALLING TUNNEL "timer never\nend target\nrelay\n"
                           "client:answer\nend client\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client ends inside its request",
     OPEN,
     {CLIENT(LINE), CLIENT_END},
     BYTES(START "close\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client breaks while its target is dialled",
     OPEN,
     {CLIENT(CONNECT), CLIENT_RESET},
     BYTES(DIALLING "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"the target's reset is passed on",
     OPEN,
     {CLIENT(CONNECT), DIALLED, TARGET_RESET},
     BYTES(RELAYING "reset\n"),
     SESSION_CLOSED,
     GOOD},
    {"right credentials",
     AUTH,
     {CLIENT(LINE HOST GOOD_AUTH "\r\n"), DIALLED, CLIENT("x")},
     BYTES(RELAYING "target:x\n"),
     SESSION_RELAYING,
     GOOD},
    {"credentials that nobody asked for",
     OPEN,
     {CLIENT(LINE HOST BAD_AUTH "\r\n")},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"no credentials",
     AUTH,
     {CLIENT(CONNECT)},
     BYTES(START ANSWER_407 LINGERING),
     SESSION_CLOSING,
     BROKE(AUTH_PROXY_DEMAND)},
    {"wrong credentials",
     AUTH,
     {CLIENT(LINE HOST BAD_AUTH "\r\n")},
     BYTES(START ANSWER_407 LINGERING),
     SESSION_CLOSING,
     BROKE(AUTH_PROXY_DEMAND)},
    {"two sets of credentials",
     AUTH,
     {CLIENT(LINE HOST GOOD_AUTH GOOD_AUTH "\r\n")},
     BYTES(START ANSWER_407 LINGERING),
     SESSION_CLOSING,
     BROKE(AUTH_PROXY_DEMAND)},
    {"credentials for the origin",
     AUTH,
     {CLIENT(LINE HOST "Authorization: Basic bWU6bGV0\r\n\r\n")},
     BYTES(START ANSWER_407 LINGERING),
     SESSION_CLOSING,
     BROKE(AUTH_PROXY_DEMAND)},
    {"after 407 nothing is read as a request, however it was cut",
     AUTH,
     {CLIENT(CONNECT LINE HOST GOOD_AUTH "\r\n"),
      CLIENT(LINE HOST GOOD_AUTH "\r\n"), CLIENT_END},
     BYTES(START ANSWER_407 LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(AUTH_PROXY_DEMAND)},
    {"GET needs credentials first",
     AUTH,
     {CLIENT("GET http://origin/ HTTP/1.1\r\nHost: origin\r\n\r\n")},
     BYTES(START ANSWER_407 LINGERING),
     SESSION_CLOSING,
     BROKE(AUTH_PROXY_DEMAND)},
    {"GET",
     OPEN,
     {CLIENT("GET http://origin/ HTTP/1.1\r\nHost: origin\r\n\r\n")},
     BYTES(START ANSWER_501 LINGERING),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"HEAD is answered without content",
     OPEN,
     {CLIENT("\r\nHEAD http://origin/ HTTP/1.1\r\nHost: origin\r\n\r\n")},
     BYTES(START ANSWER("501 Not Implemented", "", "32", "") LINGERING),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"HEAD that is malformed too",
     OPEN,
     {CLIENT("HEAD / HTTP/1.1\r\n\r\n")},
     BYTES(START ANSWER("400 Bad Request", "", "38", "") LINGERING),
     SESSION_CLOSING,
     BROKE(HTTP_HOST_MISSING)},
    {"connect in small letters is another method",
     OPEN,
     {CLIENT("connect origin:80 HTTP/1.1\r\n" HOST "\r\n")},
     BYTES(START ANSWER_501 LINGERING),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"HTTP/2",
     OPEN,
     {CLIENT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
     BYTES(START ANSWER_505 LINGERING),
     SESSION_CLOSING,
     BROKE(HTTP_PARSE_GRAMMAR_400)},
    {"no octet in time is closed in silence",
     OPEN,
     {TIMER, TIMER},
     BYTES(START LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(HTTP_ERROR_REQUEST_TIMEOUT)},
    {"half a request in time",
     OPEN,
     {CLIENT(LINE), TIMER},
     BYTES(START ANSWER_408 LINGERING),
     SESSION_CLOSING,
     BROKE(HTTP_ERROR_REQUEST_TIMEOUT)},
    REFUSED("no Host", LINE "\r\n", HTTP_HOST_MISSING),
    REFUSED("two Hosts", LINE HOST HOST "\r\n", HTTP_HOST_MULTIPLE),
    REFUSED("two Hosts in HTTP/1.0",
            "CONNECT origin:80 HTTP/1.0\r\n" HOST HOST "\r\n",
            HTTP_HOST_MULTIPLE),
    REFUSED("a blank in Host", LINE "Host: a b\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("a list in Host", LINE "Host: a, b\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("user@ in Host", LINE "Host: u@a\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("a path in Host", LINE "Host: a/b\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("a colon alone in Host", LINE "Host: :\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("a bad port in Host", LINE "Host: a:b\r\n\r\n", HTTP_HOST_INVALID),
    REFUSED("an open bracket in Host", LINE "Host: [::1\r\n\r\n",
            HTTP_HOST_INVALID),
    REFUSED("Content-Length", LINE HOST "Content-Length: 0\r\n\r\n",
            HTTP_CONNECT_REQUEST_BODY),
    REFUSED("Transfer-Encoding", LINE HOST "transfer-encoding: chunked\r\n\r\n",
            HTTP_CONNECT_REQUEST_BODY),
    REFUSED("no port", "CONNECT origin HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_TARGET_FORM),
    REFUSED("an empty port", "CONNECT origin: HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_PORT_INVALID),
    REFUSED("port 0", "CONNECT origin:0 HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_PORT_INVALID),
    REFUSED("port 65536", "CONNECT origin:65536 HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_PORT_INVALID),
    REFUSED("absolute-form",
            "CONNECT http://origin:80/ HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_PORT_INVALID),
    REFUSED("an address without brackets",
            "CONNECT ::1:80 HTTP/1.1\r\n" HOST "\r\n",
            HTTP_CONNECT_TARGET_FORM),
    REFUSED("HTTP/0.9", "CONNECT origin:80\r\n", HTTP_PARSE_GRAMMAR_400),
    REFUSED("no method", " origin:80 HTTP/1.1\r\n", HTTP_PARSE_GRAMMAR_400),
    REFUSED("SOCKS", "\x05\x01\x00", HTTP_PARSE_GRAMMAR_400),
    REFUSED("TLS", "\x16\x03\x01\x02\x00\x01", HTTP_PARSE_GRAMMAR_400),
    REFUSED("two blanks", "CONNECT  origin:80 HTTP/1.1\r\n" HOST "\r\n",
            HTTP_PARSE_GRAMMAR_400),
    REFUSED("a folded line", LINE HOST "A: b\r\n c\r\n\r\n",
            HTTP_PARSE_GRAMMAR_400),
    REFUSED("a blank before the colon", LINE "Host : origin\r\n\r\n",
            HTTP_PARSE_GRAMMAR_400),
    REFUSED("a zero octet", LINE HOST "A: \0\r\n\r\n", HTTP_PARSE_GRAMMAR_400),
    REFUSED("a bare CR", LINE HOST "A: b\rB: c\r\n\r\n",
            HTTP_PARSE_GRAMMAR_400),
    REFUSED("no colon", LINE HOST "A\r\n\r\n", HTTP_PARSE_GRAMMAR_400),
};

static void check_row(void **state)
{
    play_row(SESSION_HTTP, *state);
}

struct failure_row {
    const char *name;
    enum dial_failure failure;
    struct px_bytes log;
};

#define FAILED_WITH(status, length, text)                                      \
    BYTES(DIALLING ANSWER(status, "", length, text) LINGERING)
#define BAD_GATEWAY                                                            \
    FAILED_WITH("502 Bad Gateway", "38",                                       \
                "The destination could not be reached.\n")
#define GATEWAY_TIMEOUT                                                        \
    FAILED_WITH("504 Gateway Timeout", "40",                                   \
                "The destination did not answer in time.\n")

static const struct failure_row failures[] = {
    {"failed", DIAL_FAILED, BAD_GATEWAY},
    {"not allowed", DIAL_NOT_ALLOWED,
     FAILED_WITH("403 Forbidden", "34", "This proxy may not connect there.\n")},
    {"network unreachable", DIAL_NET_UNREACHABLE, BAD_GATEWAY},
    {"host unreachable", DIAL_HOST_UNREACHABLE, BAD_GATEWAY},
    {"refused", DIAL_REFUSED, BAD_GATEWAY},
    {"timed out", DIAL_TIMED_OUT, GATEWAY_TIMEOUT},
    {"TTL expired", DIAL_TTL_EXPIRED, GATEWAY_TIMEOUT},
    {"name unresolved", DIAL_NAME_UNRESOLVED, BAD_GATEWAY},
    {"name temporary", DIAL_NAME_TEMPORARY, BAD_GATEWAY},
};

static void check_failure(void **state)
{
    const struct failure_row *row = *state;
    const struct play_row play = {
        row->name,
        OPEN,
        {CLIENT(CONNECT "GET / HTTP/1.1\r\n"), FAILED(row->failure),
         CLIENT(CONNECT)},
        row->log,
        SESSION_CLOSING,
        REQ_NONE,
        true,
    };

    play_row(SESSION_HTTP, &play);
}

struct limit_row {
    const char *name;
    const char *before; /* then filler count times, and behind, and more */
    const char *filler;
    const char *behind;
    size_t count;
    enum requirement req; /* NONE: it is served */
    const char *begin;    /* of the answer */
};

static const struct limit_row limits[] = {
    {"a long request-line that is read", "CONNECT ", "a", "", 240, REQ_NONE,
     ""},
    {"an endless request-line", "CONNECT ", "aaaaaaaa", "", 8192,
     REQ_HTTP_TARGET_TOO_LONG, "client:HTTP/1.1 414 "},
    {"an endless field line", LINE "A: ", "aaaaaaaa", "", 8192,
     REQ_HTTP_LIMITS_FIELDS_4XX, "client:HTTP/1.1 431 "},
    {"endless field lines", LINE, "aaaaaaaaaaaaaaa: aaa\r\n", "", 8192,
     REQ_HTTP_LIMITS_FIELDS_4XX, "client:HTTP/1.1 431 "},
    {"many short field lines", LINE, "a:\r\n", "", 300,
     REQ_HTTP_LIMITS_FIELDS_4XX, "client:HTTP/1.1 431 "},
    {"endless empty lines", "", "\r\n", "", 40000, REQ_HTTP_LIMITS_FIELDS_4XX,
     "client:HTTP/1.1 431 "},
    {"empty lines and a head, each short enough", "", "\r\n", LINE "A: ", 16384,
     REQ_HTTP_LIMITS_FIELDS_4XX, "client:HTTP/1.1 431 "},
};

static void fill(struct px_writer *w, const struct limit_row *row)
{
    px_put_text(w, row->before);
    for (size_t i = 0; i < row->count; i++)
        px_put_text(w, row->filler);
    px_put_text(w, row->behind);
    if (row->req == REQ_NONE)
        px_put_text(w, ":80 HTTP/1.1\r\n" HOST "\r\n");
    for (size_t i = 0; *row->behind && i < 20000; i++)
        px_put_text(w, "a");
    assert_false(w->is_full);
}

/* However much comes at a time, and never more than there is room for. */
static void check_limit(void **state)
{
    const struct limit_row *row = *state;
    static const size_t pieces[] = {SIZE_MAX, 4096, 1000, 7};
    static uint8_t octets[512 * 1024];
    struct px_writer w = px_writer_over(octets, sizeof(octets));

    fill(&w, row);
    for (size_t i = 0; i < LENGTH(pieces); i++) {
        struct play *p = play_start(SESSION_HTTP, OPEN);
        const struct px_error *error;
        struct px_bytes want = px_bytes_of(row->begin, strlen(row->begin));

        play_client(p, px_written(&w), pieces[i]);
        error = session_error(p->session);
        assert_int_equal(error ? error->req : REQ_NONE, row->req);
        assert_int_equal(session_state(p->session),
                         row->req ? SESSION_CLOSING : SESSION_DIALLING);
        assert_true(p->log.len > strlen(START) + want.len);
        assert_memory_equal(p->log.data + strlen(START), want.data, want.len);
        play_stop(p);
    }
}

int main(void)
{
    return RUN_ROWS(rows, check_row) + RUN_ROWS(failures, check_failure) +
           RUN_ROWS(limits, check_limit);
}
