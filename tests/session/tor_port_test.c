/* What a port does that is as Tor's own: sections 1.1 and 4 of Tor's
 * socks-extensions, proposals 304 and 351. */

#include "play.h"

#define HI                 "\x05\x01\x00"
#define USERPASS           "\x05\x01\x02"
#define CONNECT            "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"
#define BIND               "\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50"
#define RESOLVE            "\x05\xf0\x00\x01\x7f\x00\x00\x01\x00\x00"
#define RESOLVED_TO_ITSELF "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"

#define A50          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SERVICE      A50 "AZ237d" /* 56 letters and digits of base32 */
#define TO(len, ...) "\x05\x01\x00\x03" len __VA_ARGS__ "\x00\x50"

#define START     "timer 10000\n"
#define LINGERING "end client\ntimer 2100\n"
#define NOWHERE   "\x00\x01\x00\x00\x00\x00\x00\x00"
#define DIALLING  "dial 127.0.0.1:80\ntimer 30100\n"

#define SAID(octets)    START "client:" octets "\n" LINGERING
#define REFUSED(rep)    SAID("\x05\x00\x05" rep NOWHERE)
#define REFUSED_4       SAID("\x00\x5b\x00\x00\x00\x00\x00\x00")
#define RIGHT_THEN_DIAL START "client:\x05\x02\x01\x00\n" DIALLING

#define PAGE                                                                   \
    SAID("HTTP/1.0 501 Not an HTTP proxy\r\n"                                  \
         "Content-Type: text/html; charset=us-ascii\r\n"                       \
         "Connection: close\r\n"                                               \
         "\r\n"                                                                \
         "<!DOCTYPE html>\n"                                                   \
         "<title>A SOCKS port</title>\n"                                       \
         "<p>This is the SOCKS port of a test double of Tor. It was taken "    \
         "for an HTTP proxy: name it as a SOCKS proxy instead.\n")

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true

static const struct play_row rows[] = {
    {"a connection",
     TOR_PORT,
     {CLIENT(HI CONNECT)},
     BYTES(START "client:\x05\x00\n" DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"a lookup",
     TOR_PORT,
     {CLIENT(HI RESOLVE)},
     BYTES(SAID("\x05\x00" RESOLVED_TO_ITSELF)),
     SESSION_CLOSING,
     GOOD},
    {"no BIND",
     TOR_PORT,
     {CLIENT(HI BIND)},
     BYTES(REFUSED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},
    {"no BIND of SOCKS4",
     TOR_PORT,
     {CLIENT("\x04\x02\x00\x50\x7f\x00\x00\x01id\x00")},
     BYTES(REFUSED_4),
     SESSION_CLOSING,
     BROKE(SOCKS4_REQUEST_COMMAND)},
    {"no UDP",
     TOR_PORT,
     {CLIENT(HI "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")},
     BYTES(REFUSED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},
    {"no GSSAPI",
     TOR_PORT,
     {CLIENT("\x05\x01\x01")},
     BYTES(SAID("\x05\xff")),
     SESSION_CLOSING,
     BROKE(SOCKS5_METHOD_FF)},
    {"credentials are preferred",
     TOR_PORT,
     {CLIENT("\x05\x03\x00\x01\x02")},
     BYTES(START "client:\x05\x02\n"),
     SESSION_AUTH,
     GOOD},

    {"any credentials",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x03you\x01?" CONNECT)},
     BYTES(RIGHT_THEN_DIAL),
     SESSION_DIALLING,
     GOOD},
    {"empty ones too",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x00\x00" CONNECT)},
     BYTES(RIGHT_THEN_DIAL),
     SESSION_DIALLING,
     GOOD},
    {"of another version",
     TOR_PORT,
     {CLIENT(USERPASS "\x02\x00\x00")},
     BYTES(SAID("\x05\x02\x01\x01")),
     SESSION_CLOSING,
     BROKE(USERPASS_REQUEST_BAD_VERSION)},
    {"unasked",
     TOR_PORT,
     {CLIENT(HI "\x01\x03you\x01?" CONNECT)},
     BYTES(START "client:\x05\x00\x01\x00\n" DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"but not twice",
     TOR_PORT,
     {CLIENT(HI "\x01\x00\x00\x01\x00\x00")},
     BYTES(SAID("\x05\x00\x01\x00\x05\x01" NOWHERE)),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_VERSION)},
    {"nor behind those that were asked for",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x00\x00\x01\x00\x00")},
     BYTES(SAID("\x05\x02\x01\x00\x05\x01" NOWHERE)),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_VERSION)},
    {"unasked elsewhere",
     TOR,
     {CLIENT(HI "\x01\x00\x00")},
     BYTES(REFUSED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_VERSION)},

    {"a user name of format 0",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x09<torS0X>0\x01?" CONNECT)},
     BYTES(RIGHT_THEN_DIAL),
     SESSION_DIALLING,
     GOOD},
    {"which ends there",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x0a<torS0X>0-\x01?" CONNECT)},
     BYTES(SAID("\x05\x02\x01\x01")),
     SESSION_CLOSING,
     BROKE(TOR_USERPASS_EXTENDED)},
    {"of format 1",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x09<torS0X>1\x01?" CONNECT)},
     BYTES(SAID("\x05\x02\x01\x01")),
     SESSION_CLOSING,
     BROKE(TOR_USERPASS_EXTENDED)},
    {"of no format",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x08<torS0X>\x01?" CONNECT)},
     BYTES(SAID("\x05\x02\x01\x01")),
     SESSION_CLOSING,
     BROKE(TOR_USERPASS_EXTENDED)},
    {"one that begins nearly so",
     TOR_PORT,
     {CLIENT(USERPASS "\x01\x09<TorS0X>1\x01?" CONNECT)},
     BYTES(RIGHT_THEN_DIAL),
     SESSION_DIALLING,
     GOOD},

    {"an onion service",
     TOR_PORT,
     {CLIENT(HI TO("\x3e", SERVICE ".onion"))},
     BYTES(REFUSED("\xf0")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"below one, in capitals",
     TOR_PORT,
     {CLIENT(HI TO("\x42", "www." A50 "AZ237D.ONION"))},
     BYTES(REFUSED("\xf0")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"of another version",
     TOR_PORT,
     {CLIENT(HI TO("\x3e", A50 "AZ237e.onion"))},
     BYTES(REFUSED("\xf6")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"with a digit that is none of base32",
     TOR_PORT,
     {CLIENT(HI TO("\x3e", A50 "AZ238d.onion"))},
     BYTES(REFUSED("\xf6")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"too short",
     TOR_PORT,
     {CLIENT(HI TO("\x3d", A50 "AZ23d.onion"))},
     BYTES(REFUSED("\xf6")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"without a name",
     TOR_PORT,
     {CLIENT(HI TO("\x06", ".onion"))},
     BYTES(REFUSED("\xf6")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"no onion service",
     TOR_PORT,
     {CLIENT(HI TO("\x05", "onion"))},
     BYTES(START "client:\x05\x00\ndial onion:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"an onion service has no address",
     TOR_PORT,
     {CLIENT(HI "\x05\xf0\x00\x03\x07x.onion\x00\x00")},
     BYTES(REFUSED("\x04")),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"and is not there for SOCKS4A",
     TOR_PORT,
     {CLIENT("\x04\x01\x00\x50\x00\x00\x00\x01\x00x.onion\x00")},
     BYTES(REFUSED_4),
     SESSION_CLOSING,
     BROKE(TOR_REPLY_EXTENDED)},
    {"elsewhere it is a name",
     TOR,
     {CLIENT(HI TO("\x07", "x.onion"))},
     BYTES(START "client:\x05\x00\ndial x.onion:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},

    {"GET",
     TOR_PORT,
     {CLIENT("GET / HTTP/1.0\r\n\r\n"), TIMER},
     BYTES(PAGE "close\n"),
     SESSION_CLOSED,
     BROKE(TOR_HTTP_HINT)},
    {"the first octet of HEAD",
     TOR_PORT,
     {CLIENT("H")},
     BYTES(PAGE),
     SESSION_CLOSING,
     BROKE(TOR_HTTP_HINT)},
    {"that of POST and PUT",
     TOR_PORT,
     {CLIENT("P"), CLIENT("UT")},
     BYTES(PAGE),
     SESSION_CLOSING,
     BROKE(TOR_HTTP_HINT)},
    {"OPTIONS",
     TOR_PORT,
     {CLIENT("OPTIONS * HTTP/1.0\r\n\r\n")},
     BYTES(START LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_GREETING_BAD_VERSION)},
    {"GET elsewhere",
     TOR,
     {CLIENT("GET / HTTP/1.0\r\n\r\n")},
     BYTES(START LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_GREETING_BAD_VERSION)},
};

static void check_row(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
