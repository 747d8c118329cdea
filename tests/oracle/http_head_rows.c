/* Heads that break the grammar, by either side. */

#include "oracle/dialogue_rows.h"

#define E    "\r\n"
#define LINE "CONNECT a.test:80 HTTP/1.1" E
#define HOST "Host: a.test:80" E
#define OK   "HTTP/1.1 200 OK" E

#define SENT(head)     STEPS(C(head))
#define ANSWERED(head) STEPS(C(LINE HOST E), S(head))

static const struct dialogue_row rows[] = {
    ROW("bare CR in a request", HTTP, SENT(LINE HOST "X: a\rb" E E),
        FINDS(BY_CLIENT(HTTP_PARSE_BARE_CR_SEND))),
    ROW("folded request field", HTTP, SENT(LINE HOST "X: a" E " b" E E),
        FINDS(BY_CLIENT(HTTP_PARSE_FOLD_SEND))),
    ROW("space before the first field of a request", HTTP,
        SENT(LINE " " HOST E),
        FINDS(BY_CLIENT(HTTP_PARSE_SPACE_BEFORE_FIELD_SEND))),
    ROW("LF alone in a request", HTTP,
        SENT("CONNECT a.test:80 HTTP/1.1\n" HOST "\n"),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("two spaces in a request-line", HTTP,
        SENT("CONNECT  a.test:80 HTTP/1.1" E HOST E),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("a small version", HTTP, SENT("CONNECT a.test:80 http/1.1" E HOST E),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("a field without colon", HTTP, SENT(LINE HOST "foo" E E),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("NUL in a request", HTTP, SENT(LINE HOST "X: \x00" E E),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("DEL in a request", HTTP, SENT(LINE HOST "X: \x7f" E E),
        FINDS(BY_CLIENT(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("tab and high octets in a value", HTTP,
        SENT(LINE HOST "X: a\tb\xff" E E), NOTHING),
    ROW("bare CR in a response", HTTP, ANSWERED(OK "X: a\rb" E E),
        FINDS(BY_SERVER(HTTP_PARSE_BARE_CR_SEND))),
    ROW("folded response field", HTTP, ANSWERED(OK "X: a" E "\tb" E E),
        FINDS(BY_SERVER(HTTP_PARSE_FOLD_SEND))),
    ROW("space before the first field of a response", HTTP,
        ANSWERED(OK " X: a" E E),
        FINDS(BY_SERVER(HTTP_PARSE_SPACE_BEFORE_FIELD_SEND))),
    ROW("LF alone in a response", HTTP, ANSWERED("HTTP/1.1 200 OK\n\n"),
        FINDS(BY_SERVER(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("empty line before a response", HTTP, ANSWERED(E OK E),
        FINDS(BY_SERVER(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("a version of two digits", HTTP, ANSWERED("HTTP/1.10 200 OK" E E),
        FINDS(BY_SERVER(HTTP_PARSE_SENDER_GRAMMAR))),
    ROW("no space after the code", HTTP, ANSWERED("HTTP/1.1 200" E E),
        FINDS(BY_SERVER(HTTP_STATUS_SP))),
    ROW("no reason after the space", HTTP, ANSWERED("HTTP/1.1 200 " E E),
        NOTHING),
    ROW("a reason that begins with a space", HTTP,
        ANSWERED("HTTP/1.1 200  OK" E E), NOTHING),
    ROW("a code of four digits", HTTP,
        ANSWERED("HTTP/1.1 2000 OK" E "Content-Length: 0" E E),
        FINDS(BY_SERVER(HTTP_STATUS_SYNTAX))),
};

const struct dialogue_table http_head_dialogues = {rows, sizeof(rows) /
                                                             sizeof(rows[0])};
