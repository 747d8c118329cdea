/* BIND of SOCKS5 (RFC 1928 section 6) and of SOCKS4. */

#include <string.h>

#include "play.h"

#define HI      "\x05\x01\x00"
#define BIND5   "\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50"
#define ANY5    "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"
#define ANY5_V6 "\x05\x02\x00\x04" ZEROS ZEROS "\x00\x00"
#define NAMED5  "\x05\x02\x00\x03\x02hi\x00\x00"
#define BIND4   "\x04\x02\x00\x50\x7f\x00\x00\x01me\x00"
#define NAMED4  "\x04\x02\x00\x50\x00\x00\x00\x01me\x00hi\x00"
#define ZEROS   "\x00\x00\x00\x00\x00\x00\x00\x00"
#define MAPPED  ZEROS "\x00\x00\xff\xff"

#define START     "timer 10000\n"
#define OPENED    START "client:\x05\x00\n"
#define ASKED     "listen 127.0.0.1\ntimer 30100\n"
#define LOOKED_UP "timer 30100\nlisten 127.0.0.8\ntimer 30100\n"

/* The first reply: where the peer is to connect. */
#define FIRST5 "client:\x05\x00\x00\x01\x7f\x00\x00\x09\x12\x34\ntimer 120100\n"
#define FIRST4 "client:\x00\x5a\x12\x34\x7f\x00\x00\x09\ntimer 120100\n"
#define AWAIT5 OPENED ASKED FIRST5
#define AWAIT4 START ASKED FIRST4

/* The second: who did. */
#define SECOND5   "client:\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90\ntake peer\n"
#define SECOND4   "client:\x00\x5a\x1f\x90\x7f\x00\x00\x01\ntake peer\n"
#define LINGERING "end client\ntimer 2100\n"
#define ENDED     "end client\nclose\n"
#define NO5(rep)  "client:\x05" rep "\x00\x01\x00\x00\x00\x00\x00\x00\n"
#define NO4       "client:\x00\x5b\x00\x00\x00\x00\x00\x00\n"

#define GOOD      REQ_NONE, false
#define FAILED_SO REQ_NONE, true
#define BROKE(id) REQ_##id, true

static const struct play_row rows[] = {
    {"5: the server is asked to listen",
     OPEN,
     {CLIENT(HI BIND5)},
     BYTES(OPENED ASKED),
     SESSION_DIALLING,
     GOOD},
    {"4: the server is asked to listen",
     OPEN,
     {CLIENT(BIND4)},
     BYTES(START ASKED),
     SESSION_DIALLING,
     GOOD},
    {"5: the first reply comes at once",
     OPEN,
     {CLIENT(HI BIND5), LISTENING},
     BYTES(AWAIT5),
     SESSION_LISTENING,
     GOOD},
    {"4: the first reply comes at once",
     OPEN,
     {CLIENT(BIND4), LISTENING},
     BYTES(AWAIT4),
     SESSION_LISTENING,
     GOOD},
    {"5: the peer comes and octets pass",
     OPEN,
     {CLIENT(HI BIND5), LISTENING, ACCEPTED(127, 0, 0, 1), TARGET("from"),
      CLIENT("to"), TARGET_END, CLIENT_END},
     BYTES(AWAIT5 SECOND5 "timer never\nrelay\nclient:from\ntarget:to\n"
                          "end client\nend target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"4: the peer comes and octets pass",
     OPEN,
     {CLIENT(BIND4), LISTENING, ACCEPTED(127, 0, 0, 1), TARGET("from"),
      CLIENT("to"), TARGET_END, CLIENT_END},
     BYTES(AWAIT4 SECOND4 "timer never\nrelay\nclient:from\ntarget:to\n"
                          "end client\nend target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"5: what the client sends early is kept, be it a request",
     OPEN,
     {CLIENT(HI BIND5 "a"), LISTENING, CLIENT(BIND5), ACCEPTED(127, 0, 0, 1),
      CLIENT("z")},
     BYTES(AWAIT5 SECOND5 "timer never\ntarget:a" BIND5 "\nrelay\n"
                          "target:z\n"),
     SESSION_RELAYING,
     GOOD},
    {"4: what the client sends early is kept, be it a request",
     OPEN,
     {CLIENT(BIND4 "a"), LISTENING, CLIENT(BIND4), ACCEPTED(127, 0, 0, 1),
      CLIENT("z")},
     BYTES(AWAIT4 SECOND4 "timer never\ntarget:a" BIND4 "\nrelay\n"
                          "target:z\n"),
     SESSION_RELAYING,
     GOOD},
    {"5: a stranger is dropped, the peer still awaited",
     OPEN,
     {CLIENT(HI BIND5 "early"), LISTENING, ACCEPTED(127, 0, 0, 2),
      ACCEPTED(127, 0, 0, 3), ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 "drop peer\ndrop peer\n" SECOND5
                  "timer never\ntarget:early\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"4: a stranger ends it",
     OPEN,
     {CLIENT(BIND4 "early"), LISTENING, ACCEPTED(127, 0, 0, 2),
      ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT4 "close target\n" NO4 LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: 0.0.0.0 is anybody",
     OPEN,
     {CLIENT(HI ANY5), LISTENING, ACCEPTED(127, 0, 0, 1)},
     BYTES(OPENED "listen -\ntimer 30100\n" FIRST5 SECOND5
                  "timer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"5: :: is anybody",
     OPEN,
     {CLIENT(HI ANY5_V6), LISTENING, ACCEPTED(127, 0, 0, 1)},
     BYTES(OPENED "listen -\ntimer 30100\n" FIRST5 SECOND5
                  "timer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"4: 0.0.0.0 is anybody",
     OPEN,
     {CLIENT("\x04\x02\x00\x00\x00\x00\x00\x00\x00"), LISTENING,
      ACCEPTED(127, 0, 0, 1)},
     BYTES(START "listen -\ntimer 30100\n" FIRST4 SECOND4
                 "timer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"5: an IPv4 address written as IPv6 is that address",
     OPEN,
     {CLIENT(HI "\x05\x02\x00\x04" MAPPED "\x7f\x00\x00\x01\x00\x00"),
      LISTENING, ACCEPTED(127, 0, 0, 2), ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 "drop peer\n" SECOND5 "timer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"5: an IPv6 peer is awaited, an IPv4 one a stranger",
     OPEN,
     {CLIENT(HI "\x05\x02\x00\x04" ZEROS "\x7f\x00\x00\x01\x00\x00\x00\x01"
                "\x00\x00"),
      LISTENING, ACCEPTED(127, 0, 0, 1)},
     BYTES(OPENED "listen [::7f00:1:0:1]\ntimer 30100\n" FIRST5 "drop peer\n"),
     SESSION_LISTENING,
     GOOD},
    {"5: a name is looked up",
     OPEN,
     {CLIENT(HI NAMED5 "early"), RESOLVED, LISTENING, ACCEPTED(127, 0, 0, 1),
      ACCEPTED(127, 0, 0, 8)},
     BYTES(OPENED "resolve hi:0\n" LOOKED_UP FIRST5 "drop peer\n"
                  "client:\x05\x00\x00\x01\x7f\x00\x00\x08\x1f\x90\n"
                  "take peer\ntimer never\ntarget:early\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"4: a name is looked up",
     OPEN,
     {CLIENT(NAMED4 "early"), RESOLVED, LISTENING, ACCEPTED(127, 0, 0, 8)},
     BYTES(START "resolve hi:80\n" LOOKED_UP FIRST4
                 "client:\x00\x5a\x1f\x90\x7f\x00\x00\x08\ntake peer\n"
                 "timer never\ntarget:early\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
    {"5: a name that has no address",
     OPEN,
     {CLIENT(HI NAMED5), FAILED(DIAL_NAME_UNRESOLVED)},
     BYTES(OPENED "resolve hi:0\ntimer 30100\n" NO5("\x04") LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"4: a name that has no address",
     OPEN,
     {CLIENT(NAMED4), FAILED(DIAL_NAME_UNRESOLVED)},
     BYTES(START "resolve hi:80\ntimer 30100\n" NO4 LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: an empty name",
     OPEN,
     {CLIENT(HI "\x05\x02\x00\x03\x00\x00\x00")},
     BYTES(START "client:\x05\x00\x05\x01\x00\x01" /* one line, two messages */
                 "\x00\x00\x00\x00\x00\x00\n" LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_ADDRESS_DOMAIN_ZERO)},
    {"4: an empty name",
     OPEN,
     {CLIENT("\x04\x02\x00\x50\x00\x00\x00\x01\x00\x00")},
     BYTES(START NO4 LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS4A_NAME_EMPTY)},
    {"4: no BIND where credentials are asked for",
     AUTH,
     {CLIENT(BIND4)},
     BYTES(START NO4 LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS4_ACCESS_CRITERIA)},
    {"5: it cannot listen",
     OPEN,
     {CLIENT(HI BIND5), FAILED(DIAL_FAILED), LISTENING},
     BYTES(OPENED ASKED NO5("\x01") LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"4: it cannot listen",
     OPEN,
     {CLIENT(BIND4), FAILED(DIAL_FAILED), LISTENING},
     BYTES(START ASKED NO4 LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: the listener breaks",
     OPEN,
     {CLIENT(HI BIND5), LISTENING, FAILED(DIAL_FAILED), ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 NO5("\x01") LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: no listener in time",
     OPEN,
     {CLIENT(HI BIND5), TIMER, LISTENING},
     BYTES(OPENED ASKED "close target\n" NO5("\x04") LINGERING),
     SESSION_CLOSING,
     FAILED_SO},
    {"5: no peer in time",
     OPEN,
     {CLIENT(HI BIND5 "early"), LISTENING, TIMER, ACCEPTED(127, 0, 0, 1),
      TIMER},
     BYTES(AWAIT5 "close target\n" NO5("\x04") LINGERING "close\n"),
     SESSION_CLOSED,
     FAILED_SO},
    {"4: no peer in time",
     OPEN,
     {CLIENT(BIND4 "early"), LISTENING, TIMER, ACCEPTED(127, 0, 0, 1), TIMER},
     BYTES(AWAIT4 "close target\n" NO4 LINGERING "close\n"),
     SESSION_CLOSED,
     FAILED_SO},
    {"5: the client ends before a peer came",
     OPEN,
     {CLIENT(HI BIND5 "early"), LISTENING, CLIENT_END, ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 "close target\n" NO5("\x01") ENDED),
     SESSION_CLOSED,
     FAILED_SO},
    {"4: the client ends before a peer came",
     OPEN,
     {CLIENT(BIND4), LISTENING, CLIENT_END, ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT4 "close target\n" NO4 ENDED),
     SESSION_CLOSED,
     FAILED_SO},
    {"5: the client ends before the listener is there",
     OPEN,
     {CLIENT(HI BIND5), CLIENT_END, LISTENING},
     BYTES(OPENED ASKED "close target\n" NO5("\x01") ENDED),
     SESSION_CLOSED,
     FAILED_SO},
    {"5: the client breaks before a peer came",
     OPEN,
     {CLIENT(HI BIND5), LISTENING, CLIENT_RESET, ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"4: the client breaks while its name is looked up",
     OPEN,
     {CLIENT(NAMED4), CLIENT_RESET, RESOLVED},
     BYTES(START "resolve hi:80\ntimer 30100\nclose target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"5: somebody comes before the first reply or behind the second",
     OPEN,
     {CLIENT(HI BIND5), ACCEPTED(127, 0, 0, 1), LISTENING,
      ACCEPTED(127, 0, 0, 1), ACCEPTED(127, 0, 0, 1)},
     BYTES(AWAIT5 SECOND5 "timer never\nrelay\n"),
     SESSION_RELAYING,
     GOOD},
};

static void check_row(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

static const struct event listening_v6 = {
    .kind = EVENT_LISTENING,
    .bound = {{.kind = PX_ADDRESS_IPV6, .ip = {[15] = 1}}, 0x4321},
};

static const struct event accepted_v6 = {
    .kind = EVENT_ACCEPTED,
    .peer = {{.kind = PX_ADDRESS_IPV6, .ip = {[15] = 2}}, 0x1f90},
};

#define V6 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

static void ipv6_is_told_to_who_can_be_told(void **state)
{
    struct play *p = play_start(SESSION_SOCKS, OPEN);

    (void)state;
    play_client(p, PX_LITERAL(HI "\x05\x02\x00\x04" V6 "\x02\x00\x00"),
                SIZE_MAX);
    play_event(p, &listening_v6);
    play_event(p, &accepted_v6);
    play_expect(p, PX_LITERAL(OPENED
                              "listen [::2]\ntimer 30100\n"
                              "client:\x05\x00\x00\x04" V6
                              "\x01\x43\x21\ntimer 120100\n"
                              "client:\x05\x00\x00\x04" V6
                              "\x02\x1f\x90\ntake peer\ntimer never\nrelay\n"));
    play_stop(p);

    p = play_start(SESSION_SOCKS, OPEN);
    play_client(p, PX_LITERAL(NAMED4), SIZE_MAX);
    play_event(p, &(struct event){.kind = EVENT_RESOLVED,
                                  .address = accepted_v6.peer.addr});
    play_event(p, &listening_v6);
    play_expect(p, PX_LITERAL(START "resolve hi:80\ntimer 30100\n"
                                    "listen [::2]\ntimer 30100\n"
                                    "close target\n" NO4 LINGERING));
    play_stop(p);
}

/* What comes early is read up to a limit, and none of it is lost. */
static void early_data_is_bounded(void **state)
{
    static uint8_t flood[64 * 1024];
    const struct play_step listening = LISTENING;
    struct play *p = play_start(SESSION_SOCKS, OPEN);
    size_t room;

    (void)state;
    memset(flood, 'e', sizeof(flood));
    play_client(p, PX_LITERAL(HI BIND5), SIZE_MAX);
    play_event(p, &listening.event);
    room = session_client_room(p->session);
    assert_true(room > 0 && room < sizeof(flood));
    assert_int_equal(session_upstream_room(p->session), 0);
    play_client(p, px_bytes_of(flood, sizeof(flood)), 1000);
    assert_int_equal(session_client_room(p->session), 0);
    play_expect(p, PX_LITERAL(AWAIT5));
    play_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_is_told_to_who_can_be_told),
        cmocka_unit_test(early_data_is_bounded),
    };

    return RUN_ROWS(rows, check_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
