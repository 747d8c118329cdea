/* SOCKS5 commands other than CONNECT, as far as the client's connection goes:
 * UDP ASSOCIATE (RFC 1928 section 6) and Tor's lookups. */

#include <string.h>

#include "play.h"

#define HI        "\x05\x01\x00"
#define ASSOCIATE "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"
#define RESOLVE   "\x05\xf0\x00\x03\x02hi\x00\x00"
#define REVERSE   "\x05\xf1\x00\x01\x7f\x00\x00\x01\x00\x00"

#define START       "timer 10000\n"
#define OPENED      START "client:\x05\x00\n"
#define ASSOCIATING OPENED "associate 0.0.0.0:0\ntimer 30100\n"
#define RESOLVING   OPENED "resolve hi:0\ntimer 30100\n"
#define REVERSING   OPENED "resolve 127.0.0.1:0\ntimer 30100\n"
#define NOWHERE     "\x00\x01\x00\x00\x00\x00\x00\x00"
#define RELAY_REPLY "client:\x05\x00\x00\x01\x7f\x00\x00\x08\x12\x35\n"
#define STANDING    ASSOCIATING RELAY_REPLY "timer never\n"
#define LINGERING   "end client\ntimer 2100\n"

#define REPLIED(rep) START "client:\x05\x00\x05" rep NOWHERE "\n" LINGERING

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true
#define FAILURE   REQ_NONE, true

static const struct play_row rows[] = {
    {"an association is asked for",
     OPEN,
     {CLIENT(HI ASSOCIATE)},
     BYTES(ASSOCIATING),
     SESSION_DIALLING,
     GOOD},
    {"with the client's address and port",
     OPEN,
     {CLIENT(HI "\x05\x03\x00\x01\x7f\x00\x00\x02\x1f\x90")},
     BYTES(OPENED "associate 127.0.0.2:8080\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"with an IPv6 address and port that are all zero",
     OPEN,
     {CLIENT(HI "\x05\x03\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                "\x00\x00\x00\x00\x00\x00\x00")},
     BYTES(OPENED "associate [::]:0\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"with credentials, in one piece",
     AUTH,
     {CLIENT("\x05\x01\x02\x01\x02me\x03let" ASSOCIATE), ASSOCIATED},
     BYTES(START "client:\x05\x02\x01\x00\nassociate 0.0.0.0:0\ntimer "
                 "30100\n" RELAY_REPLY "timer never\n"),
     SESSION_ASSOCIATED,
     GOOD},
    {"the relay is told",
     OPEN,
     {CLIENT(HI ASSOCIATE), ASSOCIATED},
     BYTES(STANDING),
     SESSION_ASSOCIATED,
     GOOD},
    {"octets before and behind the reply have no effect",
     OPEN,
     {CLIENT(HI ASSOCIATE HI ASSOCIATE), ASSOCIATED, CLIENT(HI ASSOCIATE)},
     BYTES(STANDING),
     SESSION_ASSOCIATED,
     GOOD},
    {"no time ends it",
     OPEN,
     {CLIENT(HI ASSOCIATE), ASSOCIATED, TIMER},
     BYTES(STANDING),
     SESSION_ASSOCIATED,
     GOOD},
    {"it ends with the client's FIN",
     OPEN,
     {CLIENT(HI ASSOCIATE), ASSOCIATED, CLIENT("x"), CLIENT_END},
     BYTES(STANDING "close\n"),
     SESSION_CLOSED,
     GOOD},
    {"and with its reset",
     OPEN,
     {CLIENT(HI ASSOCIATE), ASSOCIATED, CLIENT_RESET, CLIENT("x")},
     BYTES(STANDING "close\n"),
     SESSION_CLOSED,
     GOOD},
    {"there is none for a client that has ended",
     OPEN,
     {CLIENT(HI ASSOCIATE), CLIENT_END, ASSOCIATED},
     BYTES(ASSOCIATING "client:\x05\x01" NOWHERE "\nend client\nclose\n"),
     SESSION_CLOSED,
     BROKE(SOCKS5_UDP_TCP_LIFETIME)},
    {"nor for one that is reset meanwhile",
     OPEN,
     {CLIENT(HI ASSOCIATE), CLIENT_RESET, ASSOCIATED},
     BYTES(ASSOCIATING "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"an association cannot be had",
     OPEN,
     {CLIENT(HI ASSOCIATE), FAILED(DIAL_FAILED), TIMER},
     BYTES(ASSOCIATING "client:\x05\x01" NOWHERE "\n" LINGERING "close\n"),
     SESSION_CLOSED,
     FAILURE},
    {"or not in time",
     OPEN,
     {CLIENT(HI ASSOCIATE), TIMER, ASSOCIATED},
     BYTES(ASSOCIATING "close target\nclient:\x05\x04" NOWHERE "\n" LINGERING),
     SESSION_CLOSING,
     FAILURE},
    {"UDP is refused",
     NO_UDP,
     {CLIENT(HI ASSOCIATE)},
     BYTES(REPLIED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},

    {"RESOLVE where it is not served",
     OPEN,
     {CLIENT(HI RESOLVE)},
     BYTES(REPLIED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},
    {"RESOLVE_PTR where it is not served",
     OPEN,
     {CLIENT(HI REVERSE)},
     BYTES(REPLIED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},
    {"CONNECT beside Tor's commands",
     TOR,
     {CLIENT(HI "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50")},
     BYTES(OPENED "dial 127.0.0.1:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"RESOLVE, and the end",
     TOR,
     {CLIENT(HI RESOLVE), RESOLVED, CLIENT("x"), TIMER},
     BYTES(RESOLVING
           "client:\x05\x00\x00\x01\x7f\x00\x00\x08\x00\x00\n" LINGERING
           "close\n"),
     SESSION_CLOSED,
     GOOD},
    {"RESOLVE for a client that has ended",
     TOR,
     {CLIENT(HI RESOLVE), CLIENT_END, RESOLVED},
     BYTES(RESOLVING "client:\x05\x00\x00\x01\x7f\x00\x00\x08\x00\x00\n"
                     "end client\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"RESOLVE of an address",
     TOR,
     {CLIENT(HI "\x05\xf0\x00\x01\x7f\x00\x00\x01\x00\x50")},
     BYTES(
         START
         "client:\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00\n" LINGERING),
     SESSION_CLOSING,
     GOOD},
    {"RESOLVE of nothing",
     TOR,
     {CLIENT(HI "\x05\xf0\x00\x03\x00\x00\x00")},
     BYTES(REPLIED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_ADDRESS_DOMAIN_ZERO)},
    {"RESOLVE of what has no address",
     TOR,
     {CLIENT(HI RESOLVE), FAILED(DIAL_NAME_UNRESOLVED)},
     BYTES(RESOLVING "client:\x05\x04" NOWHERE "\n" LINGERING),
     SESSION_CLOSING,
     FAILURE},
    {"RESOLVE that takes too long",
     TOR,
     {CLIENT(HI RESOLVE), TIMER, RESOLVED},
     BYTES(RESOLVING "close target\nclient:\x05\x04" NOWHERE "\n" LINGERING),
     SESSION_CLOSING,
     FAILURE},
    {"RESOLVE of a client that is gone",
     TOR,
     {CLIENT(HI RESOLVE), CLIENT_RESET},
     BYTES(RESOLVING "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"RESOLVE_PTR",
     TOR,
     {CLIENT(HI REVERSE), RESOLVED_NAME("host")},
     BYTES(REVERSING "client:\x05\x00\x00\x03\x04host\x00\x00\n" LINGERING),
     SESSION_CLOSING,
     GOOD},
    {"RESOLVE_PTR of a name",
     TOR,
     {CLIENT(HI "\x05\xf1\x00\x03\x02hi\x00\x00")},
     BYTES(REPLIED("\x08")),
     SESSION_CLOSING,
     BROKE(TOR_RESOLVE_REVERSE)},
};

static void check_row(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

/* The longest name that a reply can hold. */
static void the_longest_name_is_told(void **state)
{
    uint8_t name[PX_NAME_MAX], text[1024];
    struct px_writer want = px_writer_over(text, sizeof(text));
    struct play *p = play_start(SESSION_SOCKS, TOR);
    const struct event resolved = {
        .kind = EVENT_RESOLVED,
        .address = {.kind = PX_ADDRESS_NAME, .name = {name, sizeof(name)}},
    };

    (void)state;
    memset(name, 'n', sizeof(name));
    play_client(p, PX_LITERAL(HI REVERSE), SIZE_MAX);
    play_event(p, &resolved);
    px_put_bytes(&want, PX_LITERAL(REVERSING "client:\x05\x00\x00\x03\xff"));
    px_put_bytes(&want, px_bytes_of(name, sizeof(name)));
    px_put_bytes(&want, PX_LITERAL("\x00\x00\n" LINGERING));
    play_expect(p, px_written(&want));
    play_stop(p);
}

/* While it is awaited the client is read up to a limit; then all goes by. */
static void what_comes_early_is_bounded(void **state)
{
    static const uint8_t flood[8 * 1024];
    const struct play_step associated = ASSOCIATED;
    struct play *p = play_start(SESSION_SOCKS, OPEN);

    (void)state;
    play_client(p, PX_LITERAL(HI ASSOCIATE), SIZE_MAX);
    play_client(p, px_bytes_of(flood, sizeof(flood)), 1000);
    assert_int_equal(session_client_room(p->session), 0);
    assert_int_equal(session_upstream_room(p->session), 0);
    play_event(p, &associated.event);
    assert_int_equal(session_client_room(p->session), SIZE_MAX);
    assert_int_equal(session_upstream_room(p->session), 0);
    play_client(p, px_bytes_of(flood, sizeof(flood)), SIZE_MAX);
    play_expect(p, PX_LITERAL(STANDING));
    play_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_name_is_told),
        cmocka_unit_test(what_comes_early_is_bounded),
    };

    return RUN_ROWS(rows, check_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
