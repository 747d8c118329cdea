#include <string.h>

#include "play.h"
#include "socks4.h"

#define TO      "\x00\x50\x7f\x00\x00\x01"
#define CONNECT "\x04\x01" TO "me\x00"
#define NAMED   "\x04\x01\x01\xbb\x00\x00\x00\x01me\x00hi\x00"
#define NOWHERE "\x00\x00\x00\x00\x00\x00"

/* Of the user that identd has to confirm. */
#define CONNECT_JOE "\x04\x01" TO "joe\x00"
#define NAMED_JOE   "\x04\x01\x01\xbb\x00\x00\x00\x01joe\x00hi\x00"
#define BIND_JOE    "\x04\x02" TO "joe\x00"

#define START     "timer 10000\n"
#define DIALLING  START "dial 127.0.0.1:80\ntimer 30100\n"
#define OK_REPLY  "client:\x00\x5a\x12\x34\x7f\x00\x00\x09\n"
#define RELAYING  DIALLING OK_REPLY "timer never\nrelay\n"
#define LINGERING "end client\ntimer 2100\n"
#define REJECTED  "client:\x00\x5b" NOWHERE "\n" LINGERING

#define ASKING    START "identify\ntimer 30100\n"
#define NO_IDENTD "client:\x00\x5c" NOWHERE "\n" LINGERING
#define MISMATCH  "client:\x00\x5d" NOWHERE "\n" LINGERING

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true

static const struct play_row rows[] = {
    {"request",
     OPEN,
     {CLIENT(CONNECT)},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"no user id",
     OPEN,
     {CLIENT("\x04\x01" TO "\x00")},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"a user id of any octets",
     OPEN,
     {CLIENT("\x04\x01" TO "\x05\x01\xff\n\x00")},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"the port's high octet comes first",
     OPEN,
     {CLIENT("\x04\x01\x1f\x90\x7f\x00\x00\x01\x00")},
     BYTES(START "dial 127.0.0.1:8080\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"a name",
     OPEN,
     {CLIENT(NAMED)},
     BYTES(START "dial hi:443\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"a name behind the last marker",
     OPEN,
     {CLIENT("\x04\x01\x01\xbb\x00\x00\x00\xff\x00hi\x00")},
     BYTES(START "dial hi:443\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"a name is awaited",
     OPEN,
     {CLIENT("\x04\x01\x01\xbb\x00\x00\x00\x01me\x00hi")},
     BYTES(START),
     SESSION_REQUEST,
     GOOD},
    {"0.0.1.1 is an address",
     OPEN,
     {CLIENT("\x04\x01\x00\x50\x00\x00\x01\x01\x00hi\x00")},
     BYTES(START "dial 0.0.1.1:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"who has to be confirmed is asked for",
     OPEN,
     {CLIENT(CONNECT_JOE)},
     BYTES(ASKING),
     SESSION_DIALLING,
     GOOD},
    {"and is served then, with what came meanwhile",
     OPEN,
     {CLIENT(CONNECT_JOE "early"), IDENTIFIED("joe"), DIALLED},
     BYTES(ASKING "dial 127.0.0.1:80\ntimer 30100\n" OK_REPLY
                  "timer never\ntarget:early\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"a name, too",
     OPEN,
     {CLIENT(NAMED_JOE), IDENTIFIED("joe")},
     BYTES(ASKING "dial hi:443\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"and BIND",
     OPEN,
     {CLIENT(BIND_JOE), IDENTIFIED("joe")},
     BYTES(ASKING "listen 127.0.0.1\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"identd names another user",
     OPEN,
     {CLIENT(CONNECT_JOE), IDENTIFIED("joey")},
     BYTES(ASKING MISMATCH),
     SESSION_CLOSING,
     BROKE(SOCKS4_REPLY_IDENTD_MISMATCH)},
    {"identd knows of nobody",
     OPEN,
     {CLIENT(CONNECT_JOE), IDENTIFIED("")},
     BYTES(ASKING MISMATCH),
     SESSION_CLOSING,
     BROKE(SOCKS4_REPLY_IDENTD_MISMATCH)},
    {"no identd is there",
     OPEN,
     {CLIENT(CONNECT_JOE), FAILED(DIAL_FAILED)},
     BYTES(ASKING NO_IDENTD),
     SESSION_CLOSING,
     BROKE(SOCKS4_REPLY_IDENTD_UNREACHABLE)},
    {"identd is silent",
     OPEN,
     {CLIENT(CONNECT_JOE), TIMER},
     BYTES(ASKING "close target\n" NO_IDENTD),
     SESSION_CLOSING,
     BROKE(SOCKS4_REPLY_IDENTD_UNREACHABLE)},
    {"what fails behind it is told as ever",
     OPEN,
     {CLIENT(CONNECT_JOE), IDENTIFIED("joe"), FAILED(DIAL_REFUSED)},
     BYTES(ASKING "dial 127.0.0.1:80\ntimer 30100\n" REJECTED),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"who is another user is not asked for",
     OPEN,
     {CLIENT("\x04\x01" TO "joey\x00")},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"everything at once, data is relayed once",
     OPEN,
     {CLIENT(CONNECT "early "), CLIENT("data"), DIALLED, CLIENT("late")},
     BYTES(DIALLING OK_REPLY "timer never\ntarget:early data\nrelay\n"
                             "target:late\n"),
     SESSION_RELAYING,
     GOOD},
    {"early data behind a name, another request among it",
     OPEN,
     {CLIENT(NAMED CONNECT), DIALLED},
     BYTES(START "dial hi:443\ntimer 30100\n" OK_REPLY
                 "timer never\ntarget:" CONNECT "\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"a whole connection",
     OPEN,
     {CLIENT(CONNECT), DIALLED, TARGET("banner"), CLIENT("ask"),
      TARGET("answer"), CLIENT_END, TARGET("rest"), TARGET_END},
     BYTES(RELAYING "client:banner\ntarget:ask\nclient:answer\nend target\n"
                    "client:rest\nend client\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"a client that ends behind its request is answered",
     OPEN,
     {CLIENT(CONNECT "ask"), CLIENT_END, DIALLED},
     BYTES(DIALLING OK_REPLY "timer never\ntarget:ask\nend target\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"no SOCKS4 where credentials are asked for",
     AUTH,
     {CLIENT(CONNECT "data")},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4_ACCESS_CRITERIA)},
    {"the right user id does not replace credentials",
     AUTH,
     {CLIENT(NAMED)},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4_ACCESS_CRITERIA)},
    {"an unknown command",
     OPEN,
     {CLIENT("\x04\x03" TO "\x00" CONNECT)},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4_REQUEST_COMMAND)},
    {"command 0",
     OPEN,
     {CLIENT("\x04\x00" TO "\x00")},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4_REQUEST_COMMAND)},
    {"0.0.0.0 has no name and is refused at once",
     OPEN,
     {CLIENT("\x04\x01\x00\x50\x00\x00\x00\x00me\x00")},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4A_MARKER_ZERO)},
    {"an empty name",
     OPEN,
     {CLIENT("\x04\x01\x00\x50\x00\x00\x00\x01me\x00\x00")},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4A_NAME_EMPTY)},
    {"port 0",
     OPEN,
     {CLIENT("\x04\x01\x00\x00\x7f\x00\x00\x01\x00")},
     BYTES(START REJECTED),
     SESSION_CLOSING,
     BROKE(SOCKS4_REPLY_GENERAL_FAILURE)},
    {"a refused client is not heard any more",
     OPEN,
     {CLIENT("\x04\x03" TO "\x00"), CLIENT(CONNECT), TIMER, CLIENT(CONNECT)},
     BYTES(START REJECTED "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS4_REQUEST_COMMAND)},
    {"no request in time",
     OPEN,
     {CLIENT("\x04\x01" TO "me"), TIMER, TIMER},
     BYTES(START LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS4_REQUEST_USERID_LONG)},
    {"no target in time",
     OPEN,
     {CLIENT(CONNECT), TIMER, DIALLED},
     BYTES(DIALLING "close target\n" REJECTED),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"the client ends in its request",
     OPEN,
     {CLIENT("\x04\x01" TO "me"), CLIENT_END},
     BYTES(START "close\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client breaks while its target is dialled",
     OPEN,
     {CLIENT(CONNECT), CLIENT_RESET, DIALLED},
     BYTES(DIALLING "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
};

static void check_row(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

/* Whatever went wrong, 91 says so: 92 and 93 speak of an identd. */
static void every_failure_is_told_with_91(void **state)
{
    (void)state;
    for (int failure = DIAL_FAILED; failure <= DIAL_NAME_TEMPORARY; failure++) {
        const struct play_row play = {
            "failure",
            OPEN,
            {CLIENT(CONNECT "early"), FAILED((enum dial_failure)failure),
             CLIENT("late")},
            BYTES(DIALLING REJECTED),
            SESSION_CLOSING,
            REQ_NONE,
            true,
        };

        play_row(SESSION_SOCKS, &play);
    }
}

/* A reply has no room for an IPv6 address; its fields mean nothing anyway. */
static void an_ipv6_target_is_told_as_zero(void **state)
{
    const struct event dialled = {
        .kind = EVENT_DIALLED,
        .bound = {{.kind = PX_ADDRESS_IPV6, .ip = {[15] = 1}}, 0x4321},
    };
    struct play *p = play_start(SESSION_SOCKS, OPEN);

    (void)state;
    play_client(p, PX_LITERAL(CONNECT), SIZE_MAX);
    play_event(p, &dialled);
    play_expect(p, PX_LITERAL(DIALLING "client:\x00\x5a" NOWHERE
                                       "\ntimer never\nrelay\n"));
    play_stop(p);
}

/* A string without an end is refused when it is too long, never earlier. */
static void expect_bound(struct px_bytes begin, size_t max,
                         enum requirement req)
{
    uint8_t text[1024];
    struct play *p = play_start(SESSION_SOCKS, OPEN);

    memset(text, 'x', sizeof(text));
    memcpy(text, begin.data, begin.len);
    play_client(p, px_bytes_of(text, begin.len + max), 100);
    play_expect(p, PX_LITERAL(START));
    play_client(p, PX_LITERAL("xxx"), SIZE_MAX);
    play_expect(p, PX_LITERAL(START REJECTED));
    assert_int_equal(session_error(p->session)->req, req);
    play_stop(p);
}

static void strings_are_bounded(void **state)
{
    (void)state;
    expect_bound(PX_LITERAL("\x04\x01" TO), SOCKS4_USER_MAX,
                 REQ_SOCKS4_REQUEST_USERID_LONG);
    expect_bound(PX_LITERAL("\x04\x01\x00\x50\x00\x00\x00\x01\x00"),
                 SOCKS4_NAME_MAX, REQ_SOCKS4A_NAME_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_is_told_with_91),
        cmocka_unit_test(an_ipv6_target_is_told_as_zero),
        cmocka_unit_test(strings_are_bounded),
    };

    return RUN_ROWS(rows, check_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
