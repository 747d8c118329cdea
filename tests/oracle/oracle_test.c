#include <stdlib.h>
#include <string.h>

#include "http1.h"
#include "oracle.h"
#include "oracle/dialogue_rows.h"
#include "rows.h"
#include "socks5.h"
#include "userpass.h"

#define CONNECT "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n"

enum { TOLD_MAX = 32 };

/* An oracle under test and the messages it told. */
struct watch {
    void *mem;
    struct oracle *o;
    struct oracle_config cfg;
    char told[TOLD_MAX][160];
    size_t told_count;
};

static void note_message(void *ctx, const struct oracle_message *message)
{
    struct watch *w = ctx;

    assert_true(w->told_count < TOLD_MAX);
    memcpy(w->told[w->told_count++], message->text, sizeof(message->text));
}

static void start(struct watch *w, enum oracle_protocol protocol)
{
    *w = (struct watch){.mem = malloc(oracle_size()),
                        .cfg = {.protocol = protocol}};
    assert_non_null(w->mem);
    memset(w->mem, 0xa5, oracle_size());
    w->o = oracle_init(w->mem, &w->cfg, note_message, w);
}

static void say(struct watch *w, enum oracle_side side, struct px_bytes data)
{
    oracle_bytes(w->o, side, data, 0);
}

#define SAY(side, s) say(&w, side, PX_LITERAL(s))

static size_t count_findings(struct oracle *o)
{
    struct oracle_finding finding;
    size_t count = 0;

    while (oracle_next_finding(o, &finding))
        count++;
    return count;
}

static void test_socks5_summary(void **state)
{
    const struct oracle_summary *sum;
    struct watch w;

    (void)state;
    start(&w, ORACLE_DETECT);
    sum = oracle_summary(w.o);
    assert_int_equal(sum->protocol, ORACLE_DETECT);
    assert_int_equal(sum->method, -1);
    SAY(SIDE_CLIENT, HI_BOTH);
    assert_int_equal(sum->stage, STAGE_OPENED);
    SAY(SIDE_SERVER, TAKES_AUTH);
    assert_int_equal(sum->stage, STAGE_ANSWERED);
    SAY(SIDE_CLIENT, LOGIN);
    SAY(SIDE_SERVER, WELCOME);
    assert_int_equal(sum->stage, STAGE_AUTHENTICATED);
    SAY(SIDE_CLIENT, ASK "abc");
    assert_int_equal(sum->stage, STAGE_REQUESTED);
    SAY(SIDE_SERVER, GRANT "hello");
    SAY(SIDE_CLIENT, "de");
    assert_int_equal(sum->stage, STAGE_GRANTED);
    assert_int_equal(sum->protocol, ORACLE_SOCKS);
    assert_int_equal(sum->version, 5);
    assert_int_equal(sum->method, 2);
    assert_int_equal(sum->command, 1);
    assert_int_equal(sum->code, 0);
    assert_string_equal(sum->target, "127.0.0.1:80");
    assert_int_equal(sum->relayed[SIDE_CLIENT], 5);
    assert_int_equal(sum->relayed[SIDE_SERVER], 5);
    free(w.mem);
}

static void test_socks5_messages(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI_BOTH);
    SAY(SIDE_SERVER, TAKES_AUTH);
    SAY(SIDE_CLIENT, LOGIN);
    SAY(SIDE_SERVER, WELCOME);
    SAY(SIDE_CLIENT, ASK);
    SAY(SIDE_SERVER, REFUSAL);
    assert_int_equal(w.told_count, 6);
    assert_string_equal(w.told[0], "greeting: methods 00 02");
    assert_string_equal(w.told[1],
                        "method selection: 02 user name and password");
    assert_string_equal(w.told[2],
                        "credentials: user \"me\", password of 3 octets");
    assert_string_equal(w.told[3], "status: 00 success");
    assert_string_equal(w.told[4], "request: CONNECT 127.0.0.1:80");
    assert_string_equal(w.told[5],
                        "reply: 05 connection refused, bound 0.0.0.0:0");
    free(w.mem);
}

static void test_http_messages(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, CONNECT);
    SAY(SIDE_SERVER, "HTTP/1.1 200 Connection established\r\n\r\nhi");
    assert_int_equal(w.told_count, 2);
    assert_string_equal(w.told[0], "CONNECT a.test:80 HTTP/1.1 (1 fields)");
    assert_string_equal(w.told[1], "HTTP/1.1 200 Connection established");
    assert_string_equal(oracle_summary(w.o)->target, "a.test:80");
    assert_int_equal(oracle_summary(w.o)->code, 200);
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_SERVER], 2);
    free(w.mem);
}

/* A 407 does not hide the grant that follows it. */
static void test_http_retry(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, CONNECT);
    SAY(SIDE_SERVER, "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n"
                     "Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n");
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_REFUSED);
    SAY(SIDE_CLIENT, CONNECT);
    SAY(SIDE_SERVER, "HTTP/1.1 200 OK\r\n\r\n");
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    free(w.mem);
}

static void test_socks4_summary(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_DETECT);
    SAY(SIDE_CLIENT, "\x04\x01\x00\x50\x00\x00\x00\x01me\x00"
                     "a.test\x00");
    SAY(SIDE_SERVER, "\x00\x5a\x00\x00\x00\x00\x00\x00x");
    assert_int_equal(oracle_summary(w.o)->version, 4);
    assert_int_equal(oracle_summary(w.o)->command, 1);
    assert_int_equal(oracle_summary(w.o)->code, 90);
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    assert_string_equal(oracle_summary(w.o)->target, "a.test:80");
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_SERVER], 1);
    assert_string_equal(w.told[0],
                        "SOCKS4 request: CONNECT a.test:80, user \"me\"");
    free(w.mem);
}

static void test_socks4_bind(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_DETECT);
    SAY(SIDE_CLIENT, "\x04\x02\x00\x50\x7f\x00\x00\x01\x00");
    SAY(SIDE_SERVER, "\x00\x5a\x12\x34\x00\x00\x00\x00");
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_REQUESTED);
    SAY(SIDE_CLIENT, "ab");
    SAY(SIDE_SERVER, "\x00\x5a\x00\x50\x7f\x00\x00\x01x");
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    assert_int_equal(oracle_summary(w.o)->command, 2);
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_CLIENT], 2);
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_SERVER], 1);
    assert_string_equal(oracle_summary(w.o)->bind_peer, "127.0.0.1:80");
    assert_int_equal(w.told_count, 3);
    assert_string_equal(w.told[0],
                        "SOCKS4 request: BIND 127.0.0.1:80, user \"\"");
    assert_string_equal(w.told[1],
                        "SOCKS4 reply: 90 granted, bound 0.0.0.0:4660");
    assert_string_equal(w.told[2],
                        "second SOCKS4 reply: 90 granted, peer 127.0.0.1:80");
    free(w.mem);
}

static void test_socks5_bind(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_DETECT);
    SAY(SIDE_CLIENT, HI "\x05\x02\x00" TO_IPV4);
    SAY(SIDE_SERVER, TAKES_NONE GRANT);
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_REQUESTED);
    assert_string_equal(oracle_summary(w.o)->bind_peer, "");
    SAY(SIDE_SERVER, "\x05\x00\x00" TO_IPV4);
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    assert_string_equal(oracle_summary(w.o)->bind_peer, "127.0.0.1:80");
    assert_string_equal(w.told[3], "reply: 00 succeeded, bound 127.0.0.1:4660");
    assert_string_equal(w.told[4],
                        "second reply: 00 succeeded, peer 127.0.0.1:80");
    free(w.mem);
}

static void test_datagrams(void **state)
{
    struct oracle_finding finding;
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI "\x05\x03\x00" NOWHERE);
    SAY(SIDE_SERVER, TAKES_NONE GRANT);
    w.told_count = 0;
    oracle_datagram(w.o, SIDE_CLIENT,
                    PX_LITERAL("\x00\x00\x00" TO_IPV4 "hello, world"), NULL,
                    NULL, 1);
    oracle_datagram(w.o, SIDE_SERVER, PX_LITERAL("\x00\x00\x82" TO_IPV4 "hi"),
                    NULL, NULL, 2);
    oracle_datagram(w.o, SIDE_SERVER, PX_LITERAL("hi"), NULL, NULL, 3);
    assert_int_equal(oracle_summary(w.o)->datagrams[SIDE_CLIENT], 1);
    assert_int_equal(oracle_summary(w.o)->datagrams[SIDE_SERVER], 2);
    assert_string_equal(w.told[0], "datagram to 127.0.0.1:80, 12 octets");
    assert_string_equal(
        w.told[1], "datagram from 127.0.0.1:80, 2 octets, piece 2, the last");
    assert_string_equal(w.told[2], "datagram without a header, 2 octets");
    assert_true(oracle_next_finding(w.o, &finding));
    assert_int_equal(finding.datagram, 1);
    assert_int_equal(finding.offset, 2);
    assert_true(oracle_next_finding(w.o, &finding));
    assert_int_equal(finding.datagram, 2);
    assert_int_equal(finding.time_ms, 3);
    free(w.mem);
}

/* More datagrams and hosts than are remembered: nobody is called a stranger. */
static void test_many_datagrams(void **state)
{
    struct px_endpoint us = {.addr = {.kind = PX_ADDRESS_IPV4, .ip = {127}}};
    uint8_t datagram[] = {0, 0, 0, 1, 127, 0, 0, 1, 0, 80, 'x'};
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI "\x05\x03\x00" NOWHERE);
    SAY(SIDE_SERVER, TAKES_NONE);
    for (int i = 0; i < 2000; i++) {
        datagram[6] = (uint8_t)(i >> 8);
        datagram[7] = (uint8_t)i;
        w.told_count = 0;
        oracle_datagram(w.o, i % 2 ? SIDE_CLIENT : SIDE_SERVER,
                        px_bytes_of(datagram, sizeof(datagram)), &us, &us, 0);
        if (i == 1000)
            SAY(SIDE_SERVER, GRANT);
    }
    oracle_finish(w.o, 0);
    assert_int_equal(oracle_summary(w.o)->datagrams[SIDE_CLIENT], 1000);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* What peers send appears printable and cut, whatever it is. */
static void test_hostile_text(void **state)
{
    struct watch w;
    uint8_t greeting[SOCKS5_GREETING_MAX] = {5, 255, 2};
    uint8_t credentials[USERPASS_REQUEST_MAX] = {1, 255};
    uint8_t request[SOCKS5_REQUEST_MAX] = {5, 1, 0, 3, 255};

    (void)state;
    memset(credentials + 2, 0x1b, 255);
    credentials[2 + 255] = 255;
    memset(request + 5, 0x1b, 255);
    start(&w, ORACLE_SOCKS);
    say(&w, SIDE_CLIENT, px_bytes_of(greeting, sizeof(greeting)));
    SAY(SIDE_SERVER, TAKES_AUTH);
    say(&w, SIDE_CLIENT, px_bytes_of(credentials, sizeof(credentials)));
    SAY(SIDE_SERVER, WELCOME);
    say(&w, SIDE_CLIENT, px_bytes_of(request, sizeof(request)));
    assert_int_equal(w.told_count, 5);
    assert_string_equal(w.told[0], "greeting: methods 02 00 00 00 00 00 00 00 "
                                   "00 00 00 00 00 00 00 00 00 00 00...");
    assert_string_equal(w.told[2],
                        "credentials: user \"\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b"
                        "\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b...\", "
                        "password of 255 octets");
    assert_null(strchr(w.told[4], 0x1b));
    assert_int_equal(strlen(oracle_summary(w.o)->target), 95);
    free(w.mem);
}

/* After lost octets nothing is judged, relayed ones are counted. */
static void test_gap(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI);
    oracle_gap(w.o, SIDE_SERVER, 2, 0);
    SAY(SIDE_SERVER, "\x01\x02");
    oracle_end(w.o, SIDE_SERVER, END_FIN, 0);
    oracle_finish(w.o, 60000);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);

    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI ASK);
    SAY(SIDE_SERVER, TAKES_NONE GRANT);
    oracle_gap(w.o, SIDE_SERVER, 1000, 0);
    SAY(SIDE_SERVER, "x");
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_SERVER], 1001);
    free(w.mem);
}

/* A gap ends what is owed, too: the close may be among the lost. */
static void test_gap_after_refusal(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI ASK);
    SAY(SIDE_SERVER, TAKES_NONE REFUSAL);
    oracle_gap(w.o, SIDE_SERVER, 1, 0);
    oracle_finish(w.o, 60000);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* A guess accuses nobody before the server has answered in kind. */
static void test_detect_waits(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_DETECT);
    SAY(SIDE_CLIENT, "\x05\x02\x00\xff");
    assert_int_equal(count_findings(w.o), 0);
    SAY(SIDE_SERVER, TAKES_NONE);
    assert_int_equal(count_findings(w.o), 1);
    free(w.mem);
}

/* A repeated fault is told once for each side. */
static void test_repeats(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    for (int i = 0; i < 3; i++) {
        SAY(SIDE_CLIENT, "GET http://a.test/ HTTP/1.1\r\n\r\n");
        SAY(SIDE_SERVER, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    }
    assert_int_equal(count_findings(w.o), 1);
    free(w.mem);
}

/* What was contested is told again once it is beyond doubt, not after. */
static void test_contested_first(void **state)
{
    struct oracle_finding first, second;
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI_LOGIN);
    SAY(SIDE_SERVER, TAKES_NO);
    SAY(SIDE_CLIENT, "x");
    oracle_tick(w.o, 10001);
    oracle_tick(w.o, 20002);
    assert_true(oracle_next_finding(w.o, &first));
    assert_true(oracle_next_finding(w.o, &second));
    assert_int_equal(first.req, second.req);
    assert_true(first.is_contested);
    assert_false(second.is_contested);
    assert_int_equal(second.time_ms, 10001);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* A head larger than any that is read is no fault of either side. */
static void test_endless_head(void **state)
{
    static const uint8_t filler[] =
        "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n");
    for (int i = 0; i < 1000; i++)
        say(&w, SIDE_CLIENT, px_bytes_of(filler, sizeof(filler) - 1));
    SAY(SIDE_SERVER, "HTTP/1.1 431 Large\r\nContent-Length: 0\r\n\r\n");
    oracle_end(w.o, SIDE_SERVER, END_RESET, 0);
    oracle_finish(w.o, 60000);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* Nor is one of the proxy, or one with more fields than are read. */
static void test_endless_answer(void **state)
{
    static const uint8_t filler[64 * 1024] = {'x'};
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, CONNECT);
    SAY(SIDE_SERVER, "HTTP/1.1 200 OK\r\nX: ");
    say(&w, SIDE_SERVER, px_bytes_of(filler, sizeof(filler)));
    oracle_end(w.o, SIDE_SERVER, END_FIN, 0);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);

    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, CONNECT);
    SAY(SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < HTTP1_FIELDS_MAX; i++)
        SAY(SIDE_SERVER, "X: y\r\n");
    SAY(SIDE_SERVER, "\r\n");
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

static void test_many_fields(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, "CONNECT a.test:80 HTTP/1.1\r\nX: y\r\n");
    for (int i = 0; i < HTTP1_FIELDS_MAX; i++)
        SAY(SIDE_CLIENT, "X: y\r\n");
    SAY(SIDE_CLIENT, "\r\n");
    SAY(SIDE_SERVER, "HTTP/1.1 431 Large\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* More requests than are remembered: no response is taken for another's. */
static void test_many_outstanding(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    for (int i = 0; i < 17; i++)
        SAY(SIDE_CLIENT, "HEAD http://a.test/ HTTP/1.1\r\n"
                         "Host: a.test\r\n\r\n");
    SAY(SIDE_CLIENT, CONNECT);
    for (int i = 0; i < 18; i++)
        SAY(SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/* Early data beyond what is kept is counted, and the tunnel still seen. */
static void test_much_early_data(void **state)
{
    static const uint8_t zeros[4096];
    struct watch w;

    (void)state;
    start(&w, ORACLE_SOCKS);
    SAY(SIDE_CLIENT, HI ASK);
    for (int i = 0; i < 32; i++)
        say(&w, SIDE_CLIENT, px_bytes_of(zeros, sizeof(zeros)));
    SAY(SIDE_SERVER, TAKES_NONE GRANT "x");
    oracle_finish(w.o, 0);
    assert_int_equal(oracle_summary(w.o)->stage, STAGE_GRANTED);
    assert_int_equal(oracle_summary(w.o)->relayed[SIDE_CLIENT], 32 * 4096);
    assert_int_equal(count_findings(w.o), 0);
    free(w.mem);
}

/*
 * Faults that do not fit into the queue are counted, and told when they are
 * seen again.
 */
static void test_full_queue(void **state)
{
    struct watch w;

    (void)state;
    start(&w, ORACLE_HTTP);
    SAY(SIDE_CLIENT, "CONNECT a.test HTTP/1.1\r\n\r\n");
    SAY(SIDE_SERVER, "\r\nHTTP/1.1 407\r\n X: y\r\nA: b\r\n c\r\n"
                     "Date: x\r\nDate: \rx\r\nContent-Length: 3\r\n"
                     "Transfer-Encoding: chunked\r\nProxy-Authenticate: Basic, "
                     "Digest nonce=x, realm=x, realm=x\r\n\r\n0\r\n\r\n");
    SAY(SIDE_CLIENT, "\r\nPUT http://me@a.test/#x HTTP/1.1\r\n"
                     "X : y\r\nA: b\r\n c\r\nHost: @b.test\r\nHost: b\rc\r\n"
                     "TE: chunked\r\nUpgrade: x\r\nConnection: Host, close\r\n"
                     "Keep-Alive: 1\r\nContent-Length: 0\r\n"
                     "Proxy-Authorization: Basic x\r\n\r\n");
    SAY(SIDE_CLIENT, "GET * HTTP/1.1\r\nExpect: 100-continue\r\n\r\n");
    SAY(SIDE_CLIENT, "GET a.test:80 HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_int_equal(oracle_summary(w.o)->findings_lost, 0);
    SAY(SIDE_CLIENT, "GET https://a.test/ HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_int_equal(oracle_summary(w.o)->findings_lost, 1);
    assert_int_equal(count_findings(w.o), 32);
    SAY(SIDE_CLIENT, "GET https://a.test/ HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_int_equal(count_findings(w.o), 1);
    free(w.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_socks5_summary),
        cmocka_unit_test(test_socks5_messages),
        cmocka_unit_test(test_http_messages),
        cmocka_unit_test(test_http_retry),
        cmocka_unit_test(test_socks4_summary),
        cmocka_unit_test(test_socks4_bind),
        cmocka_unit_test(test_socks5_bind),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_many_datagrams),
        cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_gap_after_refusal),
        cmocka_unit_test(test_detect_waits),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_contested_first),
        cmocka_unit_test(test_endless_head),
        cmocka_unit_test(test_endless_answer),
        cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_many_outstanding),
        cmocka_unit_test(test_much_early_data),
        cmocka_unit_test(test_full_queue),
    };

    return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
