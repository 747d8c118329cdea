/* What the server does when things do not go well. */

#include "server.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "world.h"

static const size_t MIB = (size_t)1024 * 1024;

#define V4      PX_LITERAL("\x7f\x00\x00\x01")
#define HI      "\x05\x01\x00"
#define NOWHERE "\x00\x01\x00\x00\x00\x00\x00\x00"

/* A client that has asked for a port of 127.0.0.1. */
static struct peer *socks_asks(struct world *w, uint16_t port)
{
    struct peer *client = world_socks_client(w);
    uint8_t request[64];

    peer_send(client, PX_LITERAL(HI));
    peer_send(client, socks_request(request, V4, port));
    peer_await(client, 2);
    return client;
}

static struct peer *http_asks(struct world *w, uint16_t port)
{
    struct peer *client = world_http_client(w);
    uint8_t text[128];
    struct px_writer request = px_writer_over(text, sizeof(text));

    px_put_text(&request, "CONNECT 127.0.0.1:");
    px_put_decimal(&request, port);
    px_put_text(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_send(client, px_written(&request));
    return client;
}

static void expect_status(struct peer *client, const char *begin)
{
    peer_await_end(client);
    assert_true(client->got > strlen(begin));
    assert_memory_equal(client->head, begin, strlen(begin));
}

static void a_closed_port_is_told(void **state)
{
    struct world *w = *state;
    struct peer *client;

    world_serve(w);
    client = socks_asks(w, world_closed_port(w));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL("\x05\x00\x05\x05" NOWHERE));
    peer_close(client);
    client = http_asks(w, world_closed_port(w));
    expect_status(client, "HTTP/1.1 502 ");
    peer_close(client);
    world_await_idle(w);
}

/* The system itself refuses to connect to a broadcast address. */
static void an_unreachable_network_is_told(void **state)
{
    struct world *w = *state;
    struct peer *client;
    uint8_t request[64];

    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI));
    peer_send(client,
              socks_request(request, PX_LITERAL("\xff\xff\xff\xff"), 80));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL("\x05\x00\x05\x03" NOWHERE));
}

static void a_silent_target_times_out(void **state)
{
    struct world *w = *state;
    int fds[STUCK_FDS];
    uint16_t port = open_stuck_port("127.0.0.1", 0, fds);
    struct peer *socks, *http;

    w->config.dial_timeout_ms = 60;
    world_serve(w);
    socks = socks_asks(w, port);
    http = http_asks(w, port);
    peer_await_end(socks);
    peer_expect(socks, PX_LITERAL("\x05\x00\x05\x04" NOWHERE));
    expect_status(http, "HTTP/1.1 504 ");
    peer_close(socks);
    peer_close(http);
    world_await_idle(w);
    close_stuck_port(fds);
}

/* The client leaves while its target is dialled: the attempt goes with it. */
static void a_client_resets_during_the_dial(void **state)
{
    struct world *w = *state;
    int fds[STUCK_FDS];
    uint16_t port = open_stuck_port("127.0.0.1", 0, fds);
    struct peer *socks, *http;

    world_serve(w);
    socks = socks_asks(w, port);
    http = http_asks(w, port);
    world_settle(w);
    assert_int_equal(server_connections(w->server), 2);
    peer_reset(socks);
    peer_reset(http);
    world_await_idle(w);

    socks = world_socks_client(w); /* one that does not wait to be heard */
    peer_send(socks, PX_LITERAL(HI "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x09"));
    peer_reset(socks);
    world_settle(w);
    world_await_idle(w);
    close_stuck_port(fds);
}

static void handshakes_time_out(void **state)
{
    struct world *w = *state;
    struct peer *silent, *half, *http_silent, *http_half;

    w->config.handshake_timeout_ms = 60;
    world_serve(w);
    silent = world_socks_client(w);
    half = world_socks_client(w);
    peer_send(half, PX_LITERAL(HI "\x05\x01"));
    http_silent = world_http_client(w);
    http_half = world_http_client(w);
    peer_send(http_half, PX_LITERAL("CONNECT a:1 HTTP/1.1\r\n"));

    peer_await_end(silent);
    assert_int_equal(silent->got, 0);
    peer_await_end(half);
    peer_expect(half, PX_LITERAL("\x05\x00"));
    peer_await_end(http_silent);
    assert_int_equal(http_silent->got, 0);
    expect_status(http_half, "HTTP/1.1 408 ");
    world_await_idle(w); /* though no client closed its side */
}

/* A refused client that keeps sending still gets its answer, whole. */
static void an_answer_survives_a_flood(void **state)
{
    struct world *w = *state;
    struct peer *client;

    world_serve(w);
    client = world_http_client(w);
    peer_send(client, PX_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    peer_send_bulk(client, 4 * MIB);
    expect_status(client, "HTTP/1.1 400 ");
    while (client->bulk_sent < client->bulk_len)
        world_turn(w);
    peer_shut(client);
    world_await_idle(w);
}

/* Beyond the limit clients wait, unheard, until there is room again. */
static void clients_wait_at_the_limit(void **state)
{
    struct world *w = *state;
    struct peer *first, *second, *third, *fourth;

    w->config.max_connections = 2;
    world_serve(w);
    first = world_socks_client(w);
    second = world_http_client(w);
    peer_send(first, PX_LITERAL(HI));
    peer_expect(first, PX_LITERAL("\x05\x00"));
    third = world_socks_client(w);
    fourth = world_http_client(w);
    peer_send(third, PX_LITERAL(HI));
    peer_send(fourth, PX_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    world_settle(w);
    assert_int_equal(server_connections(w->server), 2);
    assert_int_equal(third->got + fourth->got, 0);

    peer_close(first);
    peer_close(second);
    peer_expect(third, PX_LITERAL("\x05\x00"));
    expect_status(fourth, "HTTP/1.1 400 ");
    peer_close(third);
    peer_close(fourth);
    world_await_idle(w);
}

/* Without descriptors clients are dropped; the loop does not spin. */
static void no_descriptor_is_left(void **state)
{
    struct world *w = *state;
    struct rlimit before, scarce;
    struct peer *dropped, *served;
    unsigned turns = 0;
    int lowest;

    world_serve(w);
    served = world_socks_client(w);
    peer_send(served, PX_LITERAL(HI));
    peer_expect(served, PX_LITERAL("\x05\x00"));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lowest = dup(STDERR_FILENO); /* the next that is free: for the client */
    assert_true(lowest >= 0);
    (void)close(lowest);
    scarce = before;
    scarce.rlim_cur = (rlim_t)lowest + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce), 0);
    dropped = world_socks_client(w);
    for (; !dropped->is_ended && !dropped->is_reset && turns < 100; turns++)
        world_turn(w);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(turns < 100);
    assert_int_equal(server_connections(w->server), 1);

    peer_close(served);
    served = world_socks_client(w);
    peer_send(served, PX_LITERAL(HI));
    peer_expect(served, PX_LITERAL("\x05\x00"));
}

/* Connections in every state, and a server that goes away under them. */
static void closing_leaves_nothing(void **state)
{
    struct world *w = *state;
    int fds[STUCK_FDS];
    uint16_t port = open_stuck_port("127.0.0.1", 0, fds);
    struct peer *silent, *dialling, *refused, *client, *origin;

    world_serve(w);
    silent = world_http_client(w);
    dialling = socks_asks(w, port);
    refused = world_http_client(w);
    peer_send(refused, PX_LITERAL("GET\r\n\r\n"));
    peer_await_end(refused);
    world_open_tunnel(w, &client, &origin);
    peer_pause(origin);
    peer_send_bulk(client, 16 * MIB);
    world_settle(w);
    assert_int_equal(server_connections(w->server), 4);

    server_close(w->server);
    w->server = NULL;
    peer_await_reset(silent);
    peer_await_reset(dialling);
    peer_await_reset(client);
    peer_resume(origin);
    peer_await_reset(origin);
    close_stuck_port(fds);
}

static void ports_are_told(void **state)
{
    struct world *w = *state;

    world_serve(w);
    assert_true(server_socks_port(w->server) != 0);
    assert_true(server_http_port(w->server) != 0);
    assert_int_not_equal(server_socks_port(w->server),
                         server_http_port(w->server));
}

static void ports_of_ipv6_are_told(void **state)
{
    struct world *w = *state;
    struct server_config config = {0};
    struct px_error err = {0};

    world_serve(w); /* which teardown closes */
    uv_ip6_addr("::1", 0, (struct sockaddr_in6 *)&config.http);
    server_close(w->server);
    w->server = server_new(&w->loop, &config, &err);
    if (!w->server) {
        print_message("# no ::1 here\n");
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    assert_int_equal(server_socks_port(w->server), 0);
    assert_true(server_http_port(w->server) != 0);
}

static void a_taken_port_is_an_error(void **state)
{
    struct world *w = *state;
    struct px_error err = {0};
    struct server_config config = {0};

    world_serve(w);
    config.socks = w->config.socks;
    ((struct sockaddr_in *)&config.socks)->sin_port =
        htons(server_socks_port(w->server));
    assert_null(server_new(&w->loop, &config, &err));
    assert_true(err.sys_errno != 0);
    assert_true(strlen(err.detail) > 0);
    server_close(NULL);
}

static void a_door_may_be_missing(void **state)
{
    struct world *w = *state;
    struct server_config config = {0};
    struct px_error err = {0};
    struct server *s;

    world_serve(w);
    config.http = w->config.http;
    s = server_new(&w->loop, &config, &err);
    assert_non_null(s);
    assert_int_equal(server_socks_port(s), 0);
    assert_true(server_http_port(s) != 0);
    server_close(s);
}

/* One conversation; whatever fails in it, it comes to an end. */
static void converse(struct world *w, struct listener_peer *target)
{
    struct peer *client = world_socks_client(w);
    unsigned contacts = target->contacts;
    uint8_t request[64];

    peer_send(client, PX_LITERAL("\x05\x01\x02\x01\x02me\x03let"));
    peer_send(client, socks_request(request, V4, target->port));
    while (!client->is_ended && !client->is_reset &&
           (client->got < 14 || target->contacts == contacts))
        world_turn(w);
    if (!client->is_ended && !client->is_reset) {
        peer_expect_bulk(client);
        peer_pause(client);
        peer_shrink_buffers(client);
        peer_shut_behind_bulk(target->last);
        peer_send_bulk(target->last, 8 * MIB);
        world_settle(w);
        peer_resume(client);
        while (!client->is_ended && !client->is_reset)
            world_turn(w);
        assert_true(client->is_reset || client->got == 14 + 8 * MIB);
        assert_false(client->is_wrong);
    }
    peer_close(client);
    if (target->last)
        peer_close(target->last);
    world_await_idle(w);
}

/* What is no rule is told; without one that is, nothing is served. */
static void a_rule_that_is_none_is_told(void **state)
{
    static const char *const deny[] = {"a", "127.*"};
    struct world *w = *state;
    struct px_error err = {0};

    w->config.deny = deny;
    w->config.deny_count = LENGTH(deny);
    assert_null(server_new(&w->loop, &w->config, &err));
    assert_string_equal(err.detail,
                        "'127.*' is no rule: its host is no whole address");
    w->config.deny_count = ACCESS_RULES_MAX + 1;
    assert_null(server_new(&w->loop, &w->config, &err));
    assert_string_equal(err.detail, "more than 64 rules");
    w->config.deny_count = 0;
}

/* Each allocation of a server's life fails once; nothing is left behind. */
static void every_allocation_may_fail(void **state)
{
    static const char *const deny[] = {"a", "GET b:80/c"};
    bool has_failed = true;

    (void)state;
    for (unsigned long n = 1; has_failed; n++) {
        void *own = NULL;
        struct world *w;
        struct listener_peer *target;
        struct px_error err = {0};

        assert_int_equal(world_setup(&own), 0);
        w = own;
        target = world_listen(w, "127.0.0.1");
        uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&w->config.socks);
        w->config.user = "me";
        w->config.password = "let";
        w->config.deny = deny;
        w->config.deny_count = LENGTH(deny);
        alloc_fail_at(n);
        w->server = server_new(&w->loop, &w->config, &err);
        if (w->server)
            converse(w, target);
        has_failed = alloc_has_failed();
        assert_true(w->server || has_failed);
        assert_true(n < 100);
        assert_int_equal(world_teardown(&own), 0);
    }
}

#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_closed_port_is_told),
        IN_WORLD(an_unreachable_network_is_told),
        IN_WORLD(a_silent_target_times_out),
        IN_WORLD(a_client_resets_during_the_dial),
        IN_WORLD(handshakes_time_out),
        IN_WORLD(an_answer_survives_a_flood),
        IN_WORLD(clients_wait_at_the_limit),
        IN_WORLD(no_descriptor_is_left),
        IN_WORLD(a_rule_that_is_none_is_told),
        IN_WORLD(closing_leaves_nothing),
        IN_WORLD(ports_are_told),
        IN_WORLD(ports_of_ipv6_are_told),
        IN_WORLD(a_taken_port_is_an_error),
        IN_WORLD(a_door_may_be_missing),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
