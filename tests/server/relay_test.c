/* What passes through the server, and how its ends do. */

#include <netinet/in.h>
#include <string.h>

#include "alloc.h"
#include "world.h"

#define V4          PX_LITERAL("\x7f\x00\x00\x01")
#define V6          PX_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")
#define HI          "\x05\x01\x00"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

static const size_t MIB = (size_t)1024 * 1024;

static uint16_t peer_port(struct peer *p)
{
    struct sockaddr_in6 address;
    int len = sizeof(address);

    assert_int_equal(
        uv_tcp_getpeername(&p->tcp, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin6_port); /* where IPv4 has it too */
}

/* Octets both ways, then an orderly end, then nothing is left. */
static void talk_and_end(struct world *w, struct peer *client,
                         struct peer *origin)
{
    size_t client_had = client->got;

    peer_send(client, PX_LITERAL("ask"));
    peer_expect(origin, PX_LITERAL("ask"));
    peer_send(origin, PX_LITERAL("answer"));
    peer_await(client, client_had + 6);
    assert_memory_equal(client->head + client_had, "answer", 6);
    peer_shut(client);
    peer_await_end(origin);
    peer_shut(origin);
    peer_await_end(client);
    world_await_idle(w);
}

static void socks_to(struct world *w, const char *address, struct px_bytes ip)
{
    struct listener_peer *target = world_listen(w, address);
    uint8_t request[64], reply[64];
    struct px_writer want = px_writer_over(reply, sizeof(reply));
    struct peer *client, *origin;

    if (!target) {
        print_message("# no %s here\n", address);
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI));
    peer_expect(client, PX_LITERAL("\x05\x00"));
    peer_send(client, socks_request(request, ip, target->port));
    origin = world_accepted(target, 0);

    px_put_bytes(&want, PX_LITERAL("\x05\x00\x05\x00\x00"));
    px_put_u8(&want, ip.len == 4 ? 1 : 4);
    px_put_bytes(&want, ip);
    px_put_be16(&want, peer_port(origin));
    peer_expect(client, px_written(&want));
    talk_and_end(w, client, origin);
}

static void socks_to_ipv4(void **state)
{
    socks_to(*state, "127.0.0.1", V4);
}

static void socks_to_ipv6(void **state)
{
    socks_to(*state, "::1", V6);
}

static void connect_to(struct world *w, const char *address,
                       const char *authority)
{
    struct listener_peer *target = world_listen(w, address);
    struct peer *client, *origin;
    uint8_t text[256];
    struct px_writer request = px_writer_over(text, sizeof(text));

    if (!target) {
        print_message("# no %s here\n", address);
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    world_serve(w);
    client = world_http_client(w);
    px_put_text(&request, "CONNECT ");
    px_put_text(&request, authority);
    px_put_decimal(&request, target->port);
    px_put_text(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_send(client, px_written(&request));
    origin = world_accepted(target, 0);
    peer_expect(client, PX_LITERAL(ESTABLISHED));
    talk_and_end(w, client, origin);
}

static void connect_to_ipv4(void **state)
{
    connect_to(*state, "127.0.0.1", "127.0.0.1:");
}

static void connect_to_ipv6(void **state)
{
    connect_to(*state, "::1", "[::1]:");
}

static void credentials_open_both_doors(void **state)
{
    struct world *w = *state;
    struct listener_peer *target = world_listen(w, "127.0.0.1");
    struct peer *client;
    uint8_t text[256];
    struct px_writer request = px_writer_over(text, sizeof(text));

    w->config.user = "me";
    w->config.password = "let";
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL("\x05\x01\x02\x01\x02me\x03let"));
    peer_expect(client, PX_LITERAL("\x05\x02\x01\x00"));
    peer_send(client, socks_request(text, V4, target->port));
    (void)world_accepted(target, 0);

    client = world_http_client(w);
    px_put_text(&request, "CONNECT 127.0.0.1:");
    px_put_decimal(&request, target->port);
    px_put_text(&request, " HTTP/1.1\r\nHost: x\r\nProxy-Authorization: "
                          "Basic bWU6bGV0\r\n\r\n");
    peer_send(client, px_written(&request));
    (void)world_accepted(target, 1);
    peer_expect(client, PX_LITERAL(ESTABLISHED));
}

struct wrong_row {
    const char *name;
    const char *user;
    const char *password;
};

static const struct wrong_row wrong_rows[] = {
    {"another password", "me", "lot"},   {"a longer password", "me", "let2"},
    {"a shorter password", "me", "le"},  {"no password", "me", ""},
    {"another user", "mx", "let"},       {"no user", "", "let"},
    {"both changed round", "let", "me"},
};

/* The target hears nothing of a client that was not let in. */
static void wrong_credentials_reach_nobody(void **state)
{
    struct world *w = *state;
    struct listener_peer *target = world_listen(w, "127.0.0.1");

    w->config.user = "me";
    w->config.password = "let";
    world_serve(w);
    for (size_t i = 0; i < LENGTH(wrong_rows); i++) {
        const struct wrong_row *row = &wrong_rows[i];
        struct peer *client = world_socks_client(w);
        uint8_t text[128], request[64];
        struct px_writer out = px_writer_over(text, sizeof(text));

        px_put_text(&out, "\x05\x01\x02\x01");
        px_put_u8(&out, (uint8_t)strlen(row->user));
        px_put_text(&out, row->user);
        px_put_u8(&out, (uint8_t)strlen(row->password));
        px_put_text(&out, row->password);
        px_put_bytes(&out, socks_request(request, V4, target->port));
        peer_send(client, px_written(&out));
        peer_await_end(client);
        peer_expect(client, PX_LITERAL("\x05\x02\x01\x01"));
        peer_close(client);
    }
    world_await_idle(w);
    assert_int_equal(target->contacts, 0);
}

static void client_ends_first(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    had = client->got;
    peer_shut(client);
    peer_await_end(origin);
    peer_expect_bulk(client);
    peer_send_bulk(origin, MIB); /* the other direction goes on */
    peer_await(client, had + MIB);
    assert_int_equal(client->got, had + MIB);
    assert_false(client->is_wrong);
    peer_shut(origin);
    peer_await_end(client);
    world_await_idle(w);
}

static void origin_ends_first(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_shut(origin);
    peer_await_end(client);
    peer_expect_bulk(origin);
    peer_send_bulk(client, MIB);
    peer_await(origin, MIB);
    assert_int_equal(origin->got, MIB);
    assert_false(origin->is_wrong);
    peer_shut(client);
    peer_await_end(origin);
    world_await_idle(w);
}

/* What was sent before a full close arrives, however slowly it is read. */
static void origin_closes_behind_much(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    had = client->got;
    peer_shrink_buffers(client);
    peer_pause(client);
    peer_expect_bulk(client);
    peer_shut_behind_bulk(origin);
    peer_send_bulk(origin, 4 * MIB);
    peer_shut(client);
    world_settle(w);
    peer_resume(client);
    peer_await_end(client);
    assert_int_equal(client->got, had + 4 * MIB);
    assert_false(client->is_wrong);
    world_await_idle(w);
}

static void resets_are_passed_on(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_reset(origin);
    peer_await_reset(client);
    world_await_idle(w);

    world_open_tunnel(w, &client, &origin);
    peer_reset(client);
    peer_await_reset(origin);
    world_await_idle(w);

    /* also when one direction has ended in good order before */
    world_open_tunnel(w, &client, &origin);
    peer_shut(client);
    peer_await_end(origin);
    peer_reset(origin);
    peer_await_reset(client);
    world_await_idle(w);
}

/* The reset comes behind all that was sent before it. */
static void what_came_before_a_reset_arrives(void **state)
{
    const size_t len = MIB / 2;
    struct world *w = *state;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    had = client->got;
    peer_shrink_buffers(client);
    peer_pause(client);
    peer_expect_bulk(client);
    peer_send_bulk(origin, len);
    while (peer_unacknowledged(origin) || origin->bulk_sent < len)
        world_turn(w);
    peer_reset(origin);
    world_settle(w);
    peer_resume(client);
    peer_await_reset(client);
    assert_int_equal(client->got, had + len);
    assert_false(client->is_wrong);
    world_await_idle(w);
}

/*
 * An early answer and a close while the client still sends: the answer gets
 * through although writing to the target fails first.
 */
static void an_answer_before_a_reset_arrives(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    had = client->got;
    peer_pause(origin);
    peer_send_bulk(client, 8 * MIB);
    world_settle(w);
    peer_send(origin, PX_LITERAL("413, stop"));
    peer_close(origin); /* with octets unread: that is a reset */
    peer_await_reset(client);
    assert_int_equal(client->got, had + 9);
    assert_memory_equal(client->head + had, "413, stop", 9);
    world_await_idle(w);
}

static void much_both_ways_at_once(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    had = client->got;
    peer_shrink_buffers(client);
    peer_expect_bulk(client);
    peer_expect_bulk(origin);
    peer_pause(client);
    alloc_reset_peak();
    peer_send_bulk(origin, 8 * MIB);
    peer_send_bulk(client, 8 * MIB);
    peer_await(origin, 8 * MIB); /* a slow reader still is heard */
    peer_resume(client);
    peer_await(client, had + 8 * MIB);
    assert_int_equal(client->got, had + 8 * MIB);
    assert_int_equal(origin->got, 8 * MIB);
    assert_false(client->is_wrong || origin->is_wrong);
    assert_true(alloc_peak() - w->held_before < (long)MIB);
    peer_shut(client);
    peer_shut(origin);
    peer_await_end(client);
    peer_await_end(origin);
    world_await_idle(w);
}

/* What nobody reads is dropped in the end, and the client is told. */
static void a_reader_that_stalls_is_dropped(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;

    w->config.stall_timeout_ms = 100;
    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_shrink_buffers(client);
    peer_pause(client);
    peer_send_bulk(origin, 4 * MIB);
    world_settle(w); /* much of it cannot have been read yet */
    peer_reset(origin);
    world_await_idle(w);
    peer_resume(client);
    peer_await_reset(client);
    assert_true(client->got < 4 * MIB);
}

/* A side that has sent FIN is not read any more; its reset is seen anyway. */
static void a_reset_behind_an_end_is_noticed(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;

    w->config.stall_timeout_ms = 50;
    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_shut(client);
    peer_await_end(origin);
    world_settle(w); /* a side that only waits is left alone */
    assert_int_equal(server_connections(w->server), 1);
    peer_reset(client);
    world_await_idle(w);
}

/* However much is sent, the server holds little of what nobody reads. */
static void nobody_reads(void **state)
{
    const size_t much = 256 * MIB;
    struct world *w = *state;
    struct peer *client, *origin;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_pause(client);
    peer_pause(origin);
    alloc_reset_peak();
    peer_send_bulk(origin, much);
    peer_send_bulk(client, much);
    world_settle(w);
    assert_true(origin->bulk_sent < much && client->bulk_sent < much);
    assert_true(alloc_peak() - w->held_before < (long)MIB);
    peer_reset(origin);
}

static bool try_send(struct peer *p, size_t len)
{
    static char zeros[4096];
    uv_buf_t buf = uv_buf_init(zeros, (unsigned)len);

    return uv_try_write((uv_stream_t *)&p->tcp, &buf, 1) > 0;
}

/* Octets that come one at a time are no cheaper to hold than others. */
static void small_writes_are_counted_whole(void **state)
{
    struct world *w = *state;
    struct peer *client, *origin;
    size_t turns = 0;
    long before;

    world_serve(w);
    world_open_tunnel(w, &client, &origin);
    peer_pause(origin);
    peer_shrink_buffers(origin);
    uv_tcp_nodelay(&client->tcp, 1);
    before = alloc_held();
    /* until the system takes no more and the server begins to hold */
    for (; alloc_held() == before && turns < 100000; turns++) {
        (void)try_send(client, 4096);
        uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    assert_true(turns < 100000);
    alloc_reset_peak();
    for (turns = 0; turns < 40000 && try_send(client, 1); turns++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_true(turns > 2000);
    assert_true(alloc_peak() < before + (long)MIB);
}

static int setup_buffers(void **state)
{
    int failed = world_setup(state);
    struct world *w = *state;

    if (!failed)
        w->config.has_no_splice = true;
    return failed;
}

static int setup_splice(void **state)
{
    int failed = world_setup(state);
    struct world *w = *state;

    if (!failed)
        w->config.splice_from = 1; /* from the first octet on */
    return failed;
}

#define WITH_BUFFERS(test)                                                     \
    {                                                                          \
#test ", with buffers", test, setup_buffers, world_teardown, NULL      \
    }
#define WITH_SPLICE(test)                                                      \
    {                                                                          \
#test ", with splice", test, setup_splice, world_teardown, NULL        \
    }
#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(wrong_credentials_reach_nobody),
        WITH_BUFFERS(small_writes_are_counted_whole),
        WITH_BUFFERS(socks_to_ipv4),
        WITH_SPLICE(socks_to_ipv4),
        WITH_BUFFERS(socks_to_ipv6),
        WITH_SPLICE(socks_to_ipv6),
        WITH_BUFFERS(connect_to_ipv4),
        WITH_SPLICE(connect_to_ipv4),
        WITH_BUFFERS(connect_to_ipv6),
        WITH_SPLICE(connect_to_ipv6),
        WITH_BUFFERS(credentials_open_both_doors),
        WITH_SPLICE(credentials_open_both_doors),
        WITH_BUFFERS(client_ends_first),
        WITH_SPLICE(client_ends_first),
        WITH_BUFFERS(origin_ends_first),
        WITH_SPLICE(origin_ends_first),
        WITH_BUFFERS(origin_closes_behind_much),
        WITH_SPLICE(origin_closes_behind_much),
        WITH_BUFFERS(resets_are_passed_on),
        WITH_SPLICE(resets_are_passed_on),
        WITH_BUFFERS(what_came_before_a_reset_arrives),
        WITH_SPLICE(what_came_before_a_reset_arrives),
        WITH_BUFFERS(an_answer_before_a_reset_arrives),
        WITH_SPLICE(an_answer_before_a_reset_arrives),
        WITH_BUFFERS(much_both_ways_at_once),
        WITH_SPLICE(much_both_ways_at_once),
        WITH_BUFFERS(a_reader_that_stalls_is_dropped),
        WITH_SPLICE(a_reader_that_stalls_is_dropped),
        WITH_BUFFERS(a_reset_behind_an_end_is_noticed),
        WITH_SPLICE(a_reset_behind_an_end_is_noticed),
        WITH_BUFFERS(nobody_reads),
        WITH_SPLICE(nobody_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
