#include "dialogues.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http1.h"
#include "rows.h"

#define NOW(s)                                                                 \
    {                                                                          \
        STEP_NOW, STEP_SEND, BYTES(s)                                          \
    }
#define REPLY(s)                                                               \
    {                                                                          \
        STEP_REPLY, STEP_SEND, BYTES(s)                                        \
    }
#define PAUSE(s)                                                               \
    {                                                                          \
        STEP_PAUSE, STEP_SEND, BYTES(s)                                        \
    }
#define SHUT                                                                   \
    {                                                                          \
        STEP_REPLY, STEP_SHUT, BYTES("")                                       \
    }
#define SHUT_NOW                                                               \
    {                                                                          \
        STEP_NOW, STEP_SHUT, BYTES("")                                         \
    }
#define RESET                                                                  \
    {                                                                          \
        STEP_REPLY, STEP_RESET, BYTES("")                                      \
    }
#define RESET_NOW                                                              \
    {                                                                          \
        STEP_PAUSE, STEP_RESET, BYTES("")                                      \
    }

/* SOCKS5: the greeting, a request, one to a closed port, credentials. */
#define HI     "\5\1\0"
#define GO     "\5\1\0\1%A%P"
#define CLOSED "\5\1\0\1%A%C"
#define ASK    "\5\1\2"
#define RIGHT  "\1\4user\7se:Cret"

/* HTTP: the request-line and Host of a CONNECT, and the end of a head. */
#define LINE    "CONNECT %h:%p HTTP/1.1\r\n"
#define HOST    "Host: %h:%p\r\n"
#define END     "\r\n"
#define REFUSED "CONNECT %h:%c HTTP/1.1\r\n" HOST END
#define TO(t)   "CONNECT " t " HTTP/1.1\r\nHost: " t "\r\n\r\n"
#define BASIC   "Proxy-Authorization: Basic "

#define SOCKS      SPEAKS_SOCKS, false
#define SOCKS_AUTH SPEAKS_SOCKS, true
#define HTTP       SPEAKS_HTTP, false
#define HTTP_AUTH  SPEAKS_HTTP, true

const struct dialogue dialogues[] = {
    {"plain", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY("hello\0world"), SHUT}},
    {"idle", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY("hello")}},
    {"banner", SOCKS, TARGET_BANNER, {NOW(HI), REPLY(GO)}},
    {"not offered", SOCKS, 0, {NOW("\5\1\2"), REPLY(GO)}},
    {"unknown only", SOCKS, 0, {NOW("\5\1\x7F"), REPLY(GO)}},
    {"no methods", SOCKS, 0, {NOW("\5\0")}},
    {"unknown first", SOCKS, 0, {NOW("\5\2\x80\0"), REPLY(GO)}},
    {"twice", SOCKS, 0, {NOW("\5\2\0\0"), REPLY(GO)}},
    {"FF and 00", SOCKS, 0, {NOW("\5\2\xFF\0"), REPLY(GO)}},
    {"version 6", SOCKS, 0, {NOW("\6\1\0"), REPLY(GO)}},
    {"255 methods", SOCKS, 0, {NOW("%M"), REPLY(GO)}},
    {"split greeting", SOCKS, 0, {NOW("\5\1"), PAUSE("\0"), REPLY(GO)}},
    {"split request", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\1"), PAUSE("%A%P")}},
    {"all at once", SOCKS, 0, {NOW(HI GO "early")}},
    {"early", SOCKS, 0, {NOW(HI), REPLY(GO "early"), REPLY("late")}},
    {"request of version 4", SOCKS, 0, {NOW(HI), REPLY("\4\1\0\1%A%P")}},
    {"reserved", SOCKS, 0, {NOW(HI), REPLY("\5\1\1\1%A%P")}},
    {"command 9", SOCKS, 0, {NOW(HI), REPLY("\5\x09\0\1%A%P")}},
    {"type 9", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\x09\x0F%h%P")}},
    {"name", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3\x0F%h%P"), REPLY("hello")}},
    {"localhost", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3\x09localhost%P")}},
    {"long name", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3%N%P")}},
    {"empty name", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3\0%P")}},
    {"name with NUL", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3\x13%h\0abc%P")}},
    {"port 0", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\1%A\0\0")}},
    {"IPv6",
     SOCKS,
     0,
     {NOW(HI), REPLY("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1%P"),
      REPLY("hello")}},
    {"refused", SOCKS, 0, {NOW(HI), REPLY(CLOSED), REPLY(GO)}},
    {"refused, joined", SOCKS, 0, {NOW(HI), REPLY(CLOSED GO)}},
    {"unresolved", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\3\4a..b\0\x50")}},
    {"unreachable", SOCKS, 0, {NOW(HI), REPLY("\5\1\0\1\xE0\0\0\1\0\x09")}},
    {"second request", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY(GO)}},
    {"bulk", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY("%B"), SHUT}},
    {"burst by client", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY("%K"), SHUT_NOW}},
    {"burst by target", SOCKS, TARGET_BURST, {NOW(HI), REPLY(GO), REPLY("?")}},
    {"client ends first",
     SOCKS,
     TARGET_WAITS,
     {NOW(HI), REPLY(GO), REPLY("?"), SHUT_NOW}},
    {"target ends first",
     SOCKS,
     TARGET_ENDS,
     {NOW(HI), REPLY(GO), PAUSE("late")}},
    {"client resets", SOCKS, 0, {NOW(HI), REPLY(GO), REPLY("hello"), RESET}},
    {"client leaves early", SOCKS, 0, {NOW(HI), REPLY(GO), RESET_NOW}},
    {"target resets",
     SOCKS,
     TARGET_RESETS,
     {NOW(HI), REPLY(GO), REPLY("hello")}},

    {"right",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY(RIGHT), REPLY(GO), REPLY("hello")}},
    {"silent", SOCKS_AUTH, 0, {NOW(ASK)}},
    {"wrong password",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\5wrong"), REPLY(GO)}},
    {"wrong, then right",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\5wrong"), REPLY(RIGHT), REPLY(GO)}},
    {"wrong user",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4none\7se:Cret"), REPLY(GO)}},
    {"prefix", SOCKS_AUTH, 0, {NOW(ASK), REPLY("\1\4user\3se:"), REPLY(GO)}},
    {"longer",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\x08se:Cretx"), REPLY(GO)}},
    {"other case",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\7SE:cRET"), REPLY(GO)}},
    {"NUL behind",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\x09se:Cret\0x"), REPLY(GO)}},
    {"empty password",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4user\0"), REPLY(GO)}},
    {"empty user", SOCKS_AUTH, 0, {NOW(ASK), REPLY("\1\0\1x"), REPLY(GO)}},
    {"one octet each", SOCKS_AUTH, 0, {NOW(ASK), REPLY("\1\1u\1p")}},
    {"long user", SOCKS_AUTH, 0, {NOW(ASK), REPLY("\1%N\1p")}},
    {"version 5", SOCKS_AUTH, 0, {NOW(ASK), REPLY("\5\4user\7se:Cret")}},
    {"in pieces",
     SOCKS_AUTH,
     0,
     {NOW(ASK), REPLY("\1\4us"), PAUSE("er\7se:Cret")}},
    {"request at once", SOCKS_AUTH, 0, {NOW(ASK), REPLY(GO)}},
    {"no authentication", SOCKS_AUTH, 0, {NOW("\5\2\0\2"), REPLY(GO)}},

    {"plain", HTTP, 0, {NOW(LINE HOST END), REPLY("hello\0world"), SHUT}},
    {"banner", HTTP, TARGET_BANNER, {NOW(LINE HOST END), REPLY("hello")}},
    {"IPv6", HTTP, 0, {NOW(TO("[::1]:%p"))}},
    {"refused", HTTP, 0, {NOW(REFUSED), REPLY(LINE HOST END)}},
    {"refused, joined", HTTP, 0, {NOW(REFUSED LINE HOST END)}},
    {"content",
     HTTP,
     0,
     {NOW("CONNECT %h:%c HTTP/1.1\r\n" HOST
          "Content-Length: 9\r\n\r\n" LINE HOST END)}},
    {"unresolved", HTTP, 0, {NOW(TO("a..b:80"))}},
    {"GET", HTTP, 0, {NOW("GET http://%h:%p/ HTTP/1.1\r\n" HOST END)}},
    {"HTTP/1.0",
     HTTP,
     0,
     {NOW("CONNECT %h:%p HTTP/1.0\r\n\r\n"), REPLY("hello")}},
    {"HTTP/1.2", HTTP, 0, {NOW("CONNECT %h:%p HTTP/1.2\r\n" HOST END)}},
    {"lower case", HTTP, 0, {NOW("connect %h:%p HTTP/1.1\r\n" HOST END)}},
    {"no version", HTTP, 0, {NOW("CONNECT %h:%p\r\n")}},
    {"four words", HTTP, 0, {NOW("CONNECT %h:%p x HTTP/1.1\r\n" HOST END)}},
    {"no method", HTTP, 0, {NOW(" %h:%p HTTP/1.1\r\n" HOST END)}},
    {"control in method",
     HTTP,
     0,
     {NOW("CONN\1ECT %h:%p HTTP/1.1\r\n" HOST END)}},
    {"empty line first", HTTP, 0, {NOW("\r\n" LINE HOST END)}},
    {"space before colon", HTTP, 0, {NOW(LINE HOST "X : 1\r\n\r\n")}},
    {"folded", HTTP, 0, {NOW(LINE "X: 1\r\n Host: %h:%p\r\n\r\n")}},
    {"indented", HTTP, 0, {NOW(LINE " Host: %h:%p\r\n\r\n")}},
    {"CR in value", HTTP, 0, {NOW(LINE "X: 1\rHost: %h:%p\r\n\r\n")}},
    {"CR in line", HTTP, 0, {NOW("CONNECT %h:\r%p HTTP/1.1\r\n" HOST END)}},
    {"NUL in value", HTTP, 0, {NOW(LINE "X: 1\0Host: %h:%p\r\n\r\n")}},
    {"HTTP/2", HTTP, 0, {NOW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}},
    {"garbage", HTTP, 0, {NOW("\x80\xFF\1\r\n\r\n")}},
    {"empty members", HTTP, 0, {NOW(LINE HOST "Connection: ,,x\r\n\r\n")}},
    {"conditional", HTTP, 0, {NOW(LINE HOST "If-Match: *\r\n\r\n")}},
    {"above 7F", HTTP, 0, {NOW(LINE HOST "X: \xE9\r\n\r\n")}},
    {"space behind", HTTP, 0, {NOW(LINE HOST "X: 1 \r\n\r\n")}},
    {"in pieces",
     HTTP,
     0,
     {NOW(LINE), PAUSE(HOST), PAUSE(END), REPLY("hello")}},
    {"early", HTTP, 0, {NOW(LINE HOST END "early"), REPLY("late")}},
    {"HTTP inside",
     HTTP,
     0,
     {NOW(LINE HOST END),
      REPLY("GET http://example.invalid/ HTTP/1.1\r\n\r\n")}},
    {"much to a target that waits",
     HTTP,
     TARGET_WAITS,
     {NOW(LINE HOST END), REPLY("%K"), SHUT_NOW}},
    {"no Host", HTTP, 0, {NOW(LINE END)}},
    {"two Hosts", HTTP, 0, {NOW(LINE HOST HOST END)}},
    {"bad Host", HTTP, 0, {NOW(LINE "Host: a b\r\n\r\n")}},
    {"other Host", HTTP, 0, {NOW(LINE "Host: %h:%c\r\n\r\n")}},
    {"port + 65536", HTTP, 0, {NOW(TO("%h:%w"))}},
    {"port - 65536", HTTP, 0, {NOW(TO("%h:%n"))}},
    {"port with sign", HTTP, 0, {NOW(TO("%h:%s"))}},
    {"port in hex", HTTP, 0, {NOW(TO("%h:%x"))}},
    {"junk behind port", HTTP, 0, {NOW(TO("%h:%p.0"))}},
    {"URL", HTTP, 0, {NOW(TO("http://%h:%p/"))}},
    {"user", HTTP, 0, {NOW(TO("user@%h:%p"))}},
    {"list", HTTP, 0, {NOW(TO("%h:%p,%h:%p"))}},
    {"NUL in target", HTTP, 0, {NOW(TO("%h\0x:%p"))}},
    {"empty host", HTTP, 0, {NOW(TO(":%p"))}},
    {"bracketed IPv4", HTTP, 0, {NOW(TO("[%h]:%p"))}},
    {"long field", HTTP, 0, {NOW(LINE HOST "X: %L\r\n\r\n")}},
    {"long line", HTTP, 0, {NOW("CONNECT %F:%p HTTP/1.1\r\n" HOST END)}},
    {"5 KiB", HTTP, 0, {NOW(LINE HOST "X: %K\r\n\r\n")}},
    {"target resets",
     HTTP,
     TARGET_RESETS,
     {NOW(LINE HOST END), REPLY("hello")}},

    {"right",
     HTTP_AUTH,
     0,
     {NOW(LINE HOST BASIC "%R\r\n\r\n"), REPLY("hello")}},
    {"none", HTTP_AUTH, 0, {NOW(LINE HOST END), REPLY("hello")}},
    {"none, HTTP/1.0", HTTP_AUTH, 0, {NOW("CONNECT %h:%p HTTP/1.0\r\n\r\n")}},
    {"none, no version", HTTP_AUTH, 0, {NOW("CONNECT %h:%p\r\n")}},
    {"none, GET",
     HTTP_AUTH,
     0,
     {NOW("GET http://%h:%p/ HTTP/1.1\r\n" HOST END)}},
    {"none, twice", HTTP_AUTH, 0, {NOW(LINE HOST END), REPLY(LINE HOST END)}},
    {"wrong", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "%W\r\n\r\n")}},
    {"cut", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "%U\r\n\r\n")}},
    {"longer", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "%Ux%R\r\n\r\n")}},
    {"more behind", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "%RxxxX\r\n\r\n")}},
    {"plain text", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "user:se:Cret\r\n\r\n")}},
    {"other scheme",
     HTTP_AUTH,
     0,
     {NOW(LINE HOST "Proxy-Authorization: Other %R\r\n\r\n")}},
    {"scheme in capitals",
     HTTP_AUTH,
     0,
     {NOW(LINE HOST "Proxy-Authorization: BASIC %R\r\n\r\n")}},
    {"unreadable", HTTP_AUTH, 0, {NOW(LINE HOST BASIC "?!?\r\n\r\n")}},
    {"for the origin",
     HTTP_AUTH,
     0,
     {NOW(LINE HOST "Authorization: Basic %R\r\n\r\n")}},
};

const size_t dialogue_count = LENGTH(dialogues);

/* What credentials are in base64, without "Basic ". */
static void put_token(struct px_writer *out, const char *password, size_t cut)
{
    uint8_t text[128];
    struct px_writer basic = px_writer_over(text, sizeof(text));

    http1_write_basic(PX_LITERAL(DIALOGUE_USER),
                      px_bytes_of(password, strlen(password)), &basic);
    px_put_bytes(out, px_bytes_of(text + 6, basic.len - 6 - cut));
}

static void put_many(struct px_writer *out, size_t count, uint8_t octet)
{
    while (count--)
        px_put_u8(out, octet);
}

/* Octets of every value, so that one lost or changed is seen. */
static void put_pattern(struct px_writer *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        px_put_u8(out, (uint8_t)(i * 7 + (i >> 8)));
}

static void put_signed(struct px_writer *out, int value)
{
    if (value < 0)
        px_put_u8(out, '-');
    px_put_decimal(out, (uint64_t)(value < 0 ? -value : value));
}

static void put_hex(struct px_writer *out, uint16_t value)
{
    char text[8];

    (void)snprintf(text, sizeof(text), "0x%x", value);
    px_put_text(out, text);
}

static void put_methods(struct px_writer *out)
{
    px_put_u8(out, 5);
    px_put_u8(out, 255);
    put_many(out, 254, 0x80);
    px_put_u8(out, 0);
}

static void put_octets(struct px_writer *out, char what,
                       const struct dialogue_place *place)
{
    switch (what) {
    case 'A':
        px_put_bytes(out, px_bytes_of(place->addr, 4));
        break;
    case 'P':
        px_put_be16(out, place->port);
        break;
    case 'C':
        px_put_be16(out, place->closed_port);
        break;
    case 'M':
        put_methods(out);
        break;
    case 'N':
        px_put_u8(out, 255);
        put_many(out, 255, 'n');
        break;
    case 'B':
        put_pattern(out, (size_t)300 * 1024);
        break;
    case 'L':
        put_many(out, (size_t)60 * 1024, 'l');
        break;
    case 'K':
        put_many(out, (size_t)5 * 1024, 'k');
        break;
    case 'F':
        put_many(out, (size_t)17 * 1024, 'f');
        break;
    default:
        fail_msg("no octets are known as %%%c", what);
    }
}

static void put_host(struct px_writer *out, const uint8_t addr[4])
{
    for (int i = 0; i < 4; i++) {
        if (i)
            px_put_u8(out, '.');
        px_put_decimal(out, addr[i]);
    }
}

static void put_text(struct px_writer *out, char what,
                     const struct dialogue_place *place)
{
    switch (what) {
    case 'h':
        put_host(out, place->addr);
        break;
    case 'p':
        px_put_decimal(out, place->port);
        break;
    case 'c':
        px_put_decimal(out, place->closed_port);
        break;
    case 'x':
        put_hex(out, place->port);
        break;
    case 'w':
        px_put_decimal(out, place->port + 65536U);
        break;
    case 'n':
        put_signed(out, place->port - 65536);
        break;
    case 's':
        px_put_u8(out, '+');
        px_put_decimal(out, place->port);
        break;
    case 'R':
        put_token(out, DIALOGUE_PASSWORD, 0);
        break;
    case 'W':
        put_token(out, "wrong", 0);
        break;
    case 'U':
        put_token(out, DIALOGUE_PASSWORD, 4);
        break;
    default:
        put_octets(out, what, place);
        break;
    }
}

size_t dialogue_expand(struct px_bytes octets,
                       const struct dialogue_place *place, uint8_t *out)
{
    struct px_writer w = px_writer_over(out, DIALOGUE_OCTETS_MAX);

    for (size_t i = 0; i < octets.len; i++) {
        if (octets.data[i] == '%' && i + 1 < octets.len)
            put_text(&w, (char)octets.data[++i], place);
        else
            px_put_u8(&w, octets.data[i]);
    }
    assert(!w.is_full);
    return w.len;
}
