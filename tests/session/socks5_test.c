#include <string.h>

#include "play.h"

#define HI       "\x05\x01\x00"
#define HI_AUTH  "\x05\x02\x00\x02"
#define LOGIN    "\x01\x02me\x03let"
#define WRONG    "\x01\x02me\x03lot"
#define CONNECT4 "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"
#define NAMED    "\x05\x01\x00\x03\x02hi\x01\xbb"

/* What the log begins with, and what is in it for each. */
#define START     "timer 10000\n"
#define OPENED    START "client:\x05\x00\n"
#define DIALLING  OPENED "dial 127.0.0.1:80\ntimer 30100\n"
#define NOWHERE   "\x00\x01\x00\x00\x00\x00\x00\x00"
#define OK_REPLY  "client:\x05\x00\x00\x01\x7f\x00\x00\x09\x12\x34\n"
#define RELAYING  DIALLING OK_REPLY "timer never\nrelay\n"
#define LINGERING "end client\ntimer 2100\n"

/* A failure reply behind the selection, which is the same line of the log. */
#define REPLIED(rep) START "client:\x05\x00\x05" rep NOWHERE "\n" LINGERING
/* One that comes alone, when the dial has failed. */
#define FAILED_WITH(rep) DIALLING "client:\x05" rep NOWHERE "\n" LINGERING

#define GOOD      REQ_NONE, false
#define BROKE(id) REQ_##id, true

static const struct play_row rows[] = {
    {"nothing happens", OPEN, {{0}}, BYTES(START), SESSION_GREETING, GOOD},
    {"greeting", OPEN, {CLIENT(HI)}, BYTES(OPENED), SESSION_REQUEST, GOOD},
    {"greeting with many methods",
     OPEN,
     {CLIENT("\x05\x04\x80\x02\x01\x00")},
     BYTES(OPENED),
     SESSION_REQUEST,
     GOOD},
    {"credentials are preferred",
     AUTH,
     {CLIENT(HI_AUTH)},
     BYTES(START "client:\x05\x02\n"),
     SESSION_AUTH,
     GOOD},
    {"no acceptable method",
     OPEN,
     {CLIENT("\x05\x01\x02")},
     BYTES(START "client:\x05\xff\n" LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_METHOD_FF)},
    {"no credentials offered where they are wanted",
     AUTH,
     {CLIENT(HI CONNECT4)},
     BYTES(START "client:\x05\xff\n" LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_METHOD_FF)},
    {"no method at all",
     OPEN,
     {CLIENT("\x05\x00" CONNECT4)},
     BYTES(START "client:\x05\xff\n" LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_METHOD_FF)},
    {"SOCKS3 gets no octet",
     OPEN,
     {CLIENT("\x03\x01\x00\x50\x7f\x00\x00\x01\x00")},
     BYTES(START LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_GREETING_BAD_VERSION)},
    {"right credentials",
     AUTH,
     {CLIENT(HI_AUTH), CLIENT(LOGIN)},
     BYTES(START "client:\x05\x02\x01\x00\n"),
     SESSION_REQUEST,
     GOOD},
    {"wrong credentials",
     AUTH,
     {CLIENT(HI_AUTH), CLIENT(WRONG)},
     BYTES(START "client:\x05\x02\x01\x01\n" LINGERING),
     SESSION_CLOSING,
     BROKE(USERPASS_VERIFY_BOTH)},
    {"a request behind wrong credentials is not served",
     AUTH,
     {CLIENT(HI_AUTH WRONG CONNECT4 "data")},
     BYTES(START "client:\x05\x02\x01\x01\n" LINGERING),
     SESSION_CLOSING,
     BROKE(USERPASS_VERIFY_BOTH)},
    {"credentials of an unknown version",
     AUTH,
     {CLIENT(HI_AUTH "\x05\x02me")},
     BYTES(START "client:\x05\x02\x01\x01\n" LINGERING),
     SESSION_CLOSING,
     BROKE(USERPASS_REQUEST_BAD_VERSION)},
    {"request",
     OPEN,
     {CLIENT(HI), CLIENT(CONNECT4)},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
    {"request with a name",
     OPEN,
     {CLIENT(HI NAMED)},
     BYTES(OPENED "dial hi:443\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"request with IPv6",
     OPEN,
     {CLIENT(HI "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00"
                "\x00\x00\x00\x00\x01\x00\x50")},
     BYTES(OPENED "dial [2001:db8::1]:80\ntimer 30100\n"),
     SESSION_DIALLING,
     GOOD},
    {"everything at once, data is relayed once",
     AUTH,
     {CLIENT(HI_AUTH LOGIN CONNECT4 "early "), CLIENT("data"), DIALLED,
      CLIENT("late")},
     BYTES(START
           "client:\x05\x02\x01\x00\ndial 127.0.0.1:80\ntimer 30100\n" OK_REPLY
           "timer never\ntarget:early data\nrelay\n"
           "target:late\n"),
     SESSION_RELAYING,
     GOOD},
    {"a whole connection",
     OPEN,
     {CLIENT(HI), CLIENT(CONNECT4), DIALLED, TARGET("banner"), CLIENT("ask"),
      TARGET("answer"), CLIENT_END, TARGET("rest"), TARGET_END},
     BYTES(RELAYING "client:banner\ntarget:ask\nclient:answer\nend target\n"
                    "client:rest\nend client\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"the target ends first",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, TARGET_END, CLIENT("more"), CLIENT_END},
     BYTES(RELAYING "end client\ntarget:more\nend target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"what comes behind an end has no effect",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, TARGET_END, TARGET("x"), TARGET_END, TIMER},
     BYTES(RELAYING "end client\n"),
     SESSION_RELAYING,
     GOOD},
    {"octets behind the client's end have no effect",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, CLIENT_END, CLIENT("x"), CLIENT_END},
     BYTES(RELAYING "end target\n"),
     SESSION_RELAYING,
     GOOD},
    {"the target's reset is passed on",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, TARGET("part"), TARGET_RESET, CLIENT("x")},
     BYTES(RELAYING "client:part\nreset\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client's reset is passed on",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, CLIENT("part"), CLIENT_RESET, TARGET("x")},
     BYTES(RELAYING "target:part\nreset\n"),
     SESSION_CLOSED,
     GOOD},
    {"a reset after an end is passed on",
     OPEN,
     {CLIENT(HI CONNECT4), DIALLED, TARGET_END, TARGET_RESET},
     BYTES(RELAYING "end client\nreset\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client ends before the greeting",
     OPEN,
     {CLIENT_END},
     BYTES(START "close\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client ends in the credentials",
     AUTH,
     {CLIENT(HI_AUTH "\x01\x02m"), CLIENT_END, CLIENT("e")},
     BYTES(START "client:\x05\x02\nclose\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client ends in the request",
     OPEN,
     {CLIENT(HI "\x05\x01"), CLIENT_END},
     BYTES(OPENED "close\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client ends behind its request and is answered",
     OPEN,
     {CLIENT(HI CONNECT4 "ask"), CLIENT_END, DIALLED, TARGET("answer"),
      TARGET_END},
     BYTES(DIALLING OK_REPLY "timer never\ntarget:ask\nend target\nrelay\n"
                             "client:answer\nend client\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client ends behind its request and is refused",
     OPEN,
     {CLIENT(HI CONNECT4), CLIENT_END, FAILED(DIAL_REFUSED)},
     BYTES(DIALLING "client:\x05\x05" NOWHERE "\nend client\nclose\n"),
     SESSION_CLOSED,
     REQ_NONE,
     true},
    {"the client ends after it was refused",
     OPEN,
     {CLIENT("\x05\x01\x02"), CLIENT_END},
     BYTES(START "client:\x05\xff\n" LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS5_METHOD_FF)},
    {"a refused client is not heard any more",
     OPEN,
     {CLIENT("\x05\x01\x02"), CLIENT(HI CONNECT4), TIMER, CLIENT(HI)},
     BYTES(START "client:\x05\xff\n" LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS5_METHOD_FF)},
    {"the client breaks in the handshake",
     OPEN,
     {CLIENT(HI), CLIENT_RESET, CLIENT(CONNECT4)},
     BYTES(OPENED "close\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client breaks while its target is dialled",
     OPEN,
     {CLIENT(HI CONNECT4), CLIENT_RESET, DIALLED},
     BYTES(DIALLING "close target\nclose\n"),
     SESSION_CLOSED,
     GOOD},
    {"the client breaks after it was refused",
     OPEN,
     {CLIENT("\x05\x00"), CLIENT_RESET},
     BYTES(START "client:\x05\xff\n" LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS5_METHOD_FF)},
    {"no greeting in time",
     OPEN,
     {CLIENT("\x05"), TIMER, TIMER, TIMER},
     BYTES(START LINGERING "close\n"),
     SESSION_CLOSED,
     BROKE(SOCKS5_GREETING_IDLE)},
    {"no credentials in time",
     AUTH,
     {CLIENT(HI_AUTH), TIMER},
     BYTES(START "client:\x05\x02\n" LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_GREETING_IDLE)},
    {"no request in time",
     OPEN,
     {CLIENT(HI "\x05\x01"), TIMER},
     BYTES(OPENED LINGERING),
     SESSION_CLOSING,
     BROKE(SOCKS5_GREETING_IDLE)},
    {"no target in time",
     OPEN,
     {CLIENT(HI CONNECT4), TIMER, DIALLED},
     BYTES(DIALLING "close target\nclient:\x05\x04" NOWHERE "\n" LINGERING),
     SESSION_CLOSING,
     REQ_NONE,
     true},
    {"request of version 4",
     OPEN,
     {CLIENT(HI "\x04\x01\x00\x01")},
     BYTES(REPLIED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_VERSION)},
    {"an unknown kind of address",
     OPEN,
     {CLIENT(HI "\x05\x01\x00\x02\x7f\x00")},
     BYTES(REPLIED("\x08")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_ATYP_UNKNOWN)},
    {"an unknown command",
     OPEN,
     {CLIENT(HI "\x05\x00\x00\x03\x01h\x00\x50")},
     BYTES(REPLIED("\x07")),
     SESSION_CLOSING,
     BROKE(SOCKS5_REQUEST_CMD_UNKNOWN)},
    {"port 0",
     OPEN,
     {CLIENT(HI "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x00")},
     BYTES(REPLIED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_PORT_ZERO)},
    {"an empty name",
     OPEN,
     {CLIENT(HI "\x05\x01\x00\x03\x00\x00\x50")},
     BYTES(REPLIED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_ADDRESS_DOMAIN_ZERO)},
    {"a zero octet in a name",
     OPEN,
     {CLIENT(HI "\x05\x01\x00\x03\x04hi\x00x\x00\x50")},
     BYTES(REPLIED("\x01")),
     SESSION_CLOSING,
     BROKE(SOCKS5_ADDRESS_DOMAIN_NUL)},
    {"RSV is not looked at",
     OPEN,
     {CLIENT(HI "\x05\x01\x2a\x01\x7f\x00\x00\x01\x00\x50")},
     BYTES(DIALLING),
     SESSION_DIALLING,
     GOOD},
};

static void check_row(void **state)
{
    play_row(SESSION_SOCKS, *state);
}

struct failure_row {
    const char *name;
    enum dial_failure failure;
    struct px_bytes log;
};

static const struct failure_row failures[] = {
    {"failed", DIAL_FAILED, BYTES(FAILED_WITH("\x01"))},
    {"not allowed", DIAL_NOT_ALLOWED, BYTES(FAILED_WITH("\x02"))},
    {"network unreachable", DIAL_NET_UNREACHABLE, BYTES(FAILED_WITH("\x03"))},
    {"host unreachable", DIAL_HOST_UNREACHABLE, BYTES(FAILED_WITH("\x04"))},
    {"refused", DIAL_REFUSED, BYTES(FAILED_WITH("\x05"))},
    {"timed out", DIAL_TIMED_OUT, BYTES(FAILED_WITH("\x04"))},
    {"TTL expired", DIAL_TTL_EXPIRED, BYTES(FAILED_WITH("\x06"))},
    {"name unresolved", DIAL_NAME_UNRESOLVED, BYTES(FAILED_WITH("\x04"))},
    {"name temporary", DIAL_NAME_TEMPORARY, BYTES(FAILED_WITH("\x04"))},
};

static void check_failure(void **state)
{
    const struct failure_row *row = *state;
    const struct play_row play = {
        row->name,
        OPEN,
        {CLIENT(HI CONNECT4 "early"), FAILED(row->failure), CLIENT("late")},
        row->log,
        SESSION_CLOSING,
        REQ_NONE,
        true,
    };

    play_row(SESSION_SOCKS, &play);
}

/* The address in the reply is of the kind that the connection is of. */
static void bound_address_is_told(void **state)
{
    struct event dialled = {
        .kind = EVENT_DIALLED,
        .bound = {{.kind = PX_ADDRESS_IPV6, .ip = {[15] = 1}}, 0x4321},
    };
    struct play *p = play_start(SESSION_SOCKS, OPEN);

    (void)state;
    play_client(p, PX_LITERAL(HI CONNECT4), SIZE_MAX);
    play_event(p, &dialled);
    play_expect(p, PX_LITERAL(DIALLING
                              "client:\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00"
                              "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x43\x21"
                              "\ntimer never\nrelay\n"));
    play_stop(p);

    p = play_start(SESSION_SOCKS, OPEN);
    dialled.bound = (struct px_endpoint){0};
    play_client(p, PX_LITERAL(HI CONNECT4), SIZE_MAX);
    play_event(p, &dialled);
    play_expect(p, PX_LITERAL(DIALLING "client:\x05\x00" NOWHERE
                                       "\ntimer never\nrelay\n"));
    play_stop(p);
}

/* While a target is dialled, the client is read up to a limit and no more. */
static void early_data_is_bounded_and_whole(void **state)
{
    static uint8_t flood[64 * 1024];
    const struct play_step dialled = DIALLED;
    struct play *p = play_start(SESSION_SOCKS, OPEN);
    struct px_writer want;
    static uint8_t text[sizeof(flood) + 256];
    size_t room;

    (void)state;
    memset(flood, 'e', sizeof(flood));
    play_client(p, PX_LITERAL(HI CONNECT4), SIZE_MAX);
    room = session_client_room(p->session);
    assert_true(room > 0 && room < sizeof(flood));
    assert_int_equal(session_upstream_room(p->session), 0);
    play_client(p, px_bytes_of(flood, sizeof(flood)), 1000);
    assert_int_equal(session_client_room(p->session), 0);
    play_event(p, &dialled.event);
    assert_int_equal(session_client_room(p->session), SIZE_MAX);
    assert_int_equal(session_upstream_room(p->session), SIZE_MAX);

    want = px_writer_over(text, sizeof(text));
    px_put_bytes(&want, PX_LITERAL(DIALLING OK_REPLY "timer never\ntarget:"));
    px_put_bytes(&want, px_bytes_of(flood, room));
    px_put_bytes(&want, PX_LITERAL("\nrelay\n"));
    play_expect(p, px_written(&want));
    play_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_address_is_told),
        cmocka_unit_test(early_data_is_bounded_and_whole),
    };

    return RUN_ROWS(rows, check_row) + RUN_ROWS(failures, check_failure) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
