/*
 * SOCKS4 over real sockets, and BIND of both versions: where it listens, whom
 * it lets in, and when the port goes away. Names are resolved by the function
 * below, which libuv calls in place of the system's.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "world.h"

static const size_t MIB = (size_t)1024 * 1024;

#define HI      "\x05\x01\x00"
#define BIND5   HI "\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50"
#define ANY5    HI "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"
#define NAMED5  HI "\x05\x02\x00\x03\x09peer.test\x00\x00"
#define BIND5V6 HI "\x05\x02\x00\x04" ZEROS "\x01\x00\x00"
#define BIND4   "\x04\x02\x00\x50\x7f\x00\x00\x01me\x00"
#define NAMED4  "\x04\x02\x00\x50\x00\x00\x00\x01me\x00peer.test\x00"
#define LOST4   "\x04\x02\x00\x50\x00\x00\x00\x01me\x00lost.test\x00"
#define ZEROS   "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define NO4     "\x00\x5b\x00\x00\x00\x00\x00\x00"

/* Runs on a thread of libuv's; the answer is never freed. */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints,
                struct addrinfo **restrict out)
{
    static struct sockaddr_in loopback = {.sin_family = AF_INET};
    static struct addrinfo answer = {
        .ai_family = AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_addrlen = sizeof(loopback),
        .ai_addr = (struct sockaddr *)&loopback,
    };

    (void)hints;
    if (strcmp(name, "peer.test") != 0)
        return EAI_NONAME;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback.sin_port =
        htons((uint16_t)(service ? strtoul(service, NULL, 10) : 0));
    *out = &answer;
    return 0;
}

void freeaddrinfo(struct addrinfo *answer)
{
    (void)answer;
}

static uint16_t own_port(struct peer *p)
{
    struct sockaddr_in6 address;
    int len = sizeof(address);

    assert_int_equal(
        uv_tcp_getsockname(&p->tcp, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin6_port); /* where IPv4 has it too */
}

static uint16_t port_at(const struct peer *p, size_t at)
{
    return (uint16_t)(p->head[at] * 256 + p->head[at + 1]);
}

/* What the two versions differ in. */
struct version {
    const char *name;
    struct px_bytes request; /* to 127.0.0.1 */
    size_t first;            /* octets up to the end of the first reply */
    size_t second;           /* and of the second */
    size_t port;             /* where in the first reply, from its end back */
};

static const struct version socks5 = {"5", BYTES(BIND5), 12, 22, 10};
static const struct version socks4 = {"4", BYTES(BIND4), 8, 16, 2};

/* A client whose listener stands; *port is where. */
static struct peer *bind_with(struct world *w, const struct version *v,
                              struct px_bytes request, uint16_t *port)
{
    struct peer *client = world_socks_client(w);

    peer_send(client, request);
    peer_await(client, v->first);
    assert_int_equal(client->got, v->first);
    if (v == &socks5)
        assert_memory_equal(client->head, "\x05\x00\x05\x00\x00\x01", 6);
    else
        assert_memory_equal(client->head, "\x00\x5a", 2);
    *port = port_at(client, v->port);
    assert_int_not_equal(*port, 0);
    return client;
}

/* The second reply tells of this peer, at 127.0.0.1. */
static void expect_second(struct peer *client, const struct version *v,
                          struct peer *peer)
{
    const uint8_t *reply = client->head + v->first;

    peer_await(client, v->second);
    if (v == &socks5)
        assert_memory_equal(reply, "\x05\x00\x00\x01\x7f\x00\x00\x01", 8);
    else
        assert_memory_equal(reply, "\x00\x5a", 2);
    if (v == &socks4)
        assert_memory_equal(reply + 4, "\x7f\x00\x00\x01", 4);
    assert_int_equal(port_at(client, v->second - (v == &socks5 ? 2 : 6)),
                     own_port(peer));
}

/* Octets both ways, then an orderly end. */
static void talk_and_end(struct world *w, struct peer *client,
                         struct peer *peer)
{
    size_t had = client->got;

    peer_expect_bulk(client);
    peer_expect_bulk(peer);
    peer_send_bulk(client, MIB);
    peer_send_bulk(peer, MIB);
    peer_await(client, had + MIB);
    peer_await(peer, MIB);
    assert_int_equal(client->got, had + MIB);
    assert_int_equal(peer->got, MIB);
    assert_false(client->is_wrong || peer->is_wrong);
    peer_shut(client);
    peer_await_end(peer);
    peer_shut(peer);
    peer_await_end(client);
    world_await_idle(w);
}

static void expect_closed(struct world *w, uint16_t port)
{
    /* from elsewhere, so that it cannot meet itself */
    struct peer *late = world_connect(w, "127.0.0.9", "127.0.0.1", port);

    assert_true(late->is_reset);
    assert_false(late->is_connected);
}

static void socks4_connects(void **state)
{
    struct world *w = *state;
    struct listener_peer *target = world_listen(w, "127.0.0.1");
    uint8_t text[64];
    struct px_writer request = px_writer_over(text, sizeof(text));
    struct peer *client, *origin;

    world_serve(w);
    client = world_socks_client(w);
    px_put_bytes(&request, PX_LITERAL("\x04\x01"));
    px_put_be16(&request, target->port);
    px_put_bytes(&request, PX_LITERAL("\x7f\x00\x00\x01me\x00"));
    peer_send(client, px_written(&request));
    origin = world_accepted(target, 0);
    peer_await(client, 8);
    assert_int_equal(client->got, 8);
    assert_memory_equal(client->head, "\x00\x5a", 2);
    talk_and_end(w, client, origin);

    client = world_socks_client(w);
    request = px_writer_over(text, sizeof(text));
    px_put_bytes(&request, PX_LITERAL("\x04\x01"));
    px_put_be16(&request, target->port);
    px_put_bytes(&request, PX_LITERAL("\x00\x00\x00\x01\x00peer.test\x00"));
    peer_send(client, px_written(&request));
    origin = world_accepted(target, 1);
    peer_await(client, 8);
    talk_and_end(w, client, origin);
}

static void socks4_is_refused(void **state)
{
    struct world *w = *state;
    struct peer *client;

    world_serve(w);
    client = world_socks_client(w);
    peer_send(client,
              PX_LITERAL("\x04\x01\x00\x50\x00\x00\x00\x01\x00lost.test\x00"));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL(NO4));
    peer_close(client);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(LOST4));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL(NO4));
    peer_close(client);
    world_await_idle(w);
}

static void bind_serves_one_peer(struct world *w, const struct version *v,
                                 struct px_bytes request)
{
    uint16_t port;
    struct peer *client = bind_with(w, v, request, &port);
    struct peer *peer = world_client_at(w, port);

    expect_second(client, v, peer);
    assert_int_equal(client->got, v->second);
    expect_closed(w, port); /* to everybody else */
    talk_and_end(w, client, peer);
    peer_close(client);
    peer_close(peer);
}

static void the_peer_is_let_in(void **state)
{
    struct world *w = *state;

    world_serve(w);
    bind_serves_one_peer(w, &socks5, PX_LITERAL(BIND5));
    bind_serves_one_peer(w, &socks4, PX_LITERAL(BIND4));
}

static void anybody_is_let_in_on_request(void **state)
{
    struct world *w = *state;

    world_serve(w);
    bind_serves_one_peer(w, &socks5, PX_LITERAL(ANY5));
    bind_serves_one_peer(w, &socks4,
                         PX_LITERAL("\x04\x02\x00\x50\x00\x00\x00\x00me\x00"));
}

static void a_peer_with_a_name_is_let_in(void **state)
{
    struct world *w = *state;

    world_serve(w);
    bind_serves_one_peer(w, &socks5, PX_LITERAL(NAMED5));
    bind_serves_one_peer(w, &socks4, PX_LITERAL(NAMED4));
}

/* What the client sends before the peer is there waits for it. */
static void early_data_arrives(void **state)
{
    const size_t len = MIB;
    struct world *w = *state;
    struct peer *client, *peer;
    uint16_t port;

    world_serve(w);
    client = bind_with(w, &socks5, PX_LITERAL(BIND5), &port);
    peer_shrink_buffers(client);
    alloc_reset_peak();
    peer_send_bulk(client, len);
    world_settle(w);
    assert_true(alloc_peak() - w->held_before < (long)MIB / 4);
    peer = world_client_at(w, port);
    peer_expect_bulk(peer);
    expect_second(client, &socks5, peer);
    peer_await(peer, len);
    assert_int_equal(peer->got, len);
    assert_false(peer->is_wrong);
}

static void socks5_waits_on_behind_a_stranger(void **state)
{
    struct world *w = *state;
    struct peer *client, *stranger, *peer;
    uint16_t port;

    world_serve(w);
    client = bind_with(w, &socks5, PX_LITERAL(BIND5), &port);
    stranger = world_connect(w, "127.0.0.2", "127.0.0.1", port);
    peer_await_reset(stranger);
    assert_int_equal(stranger->got, 0);
    assert_int_equal(client->got, socks5.first);
    peer = world_client_at(w, port);
    expect_second(client, &socks5, peer);
    talk_and_end(w, client, peer);
}

static void socks4_ends_at_a_stranger(void **state)
{
    struct world *w = *state;
    struct peer *client, *stranger;
    uint16_t port;

    world_serve(w);
    client = bind_with(w, &socks4, PX_LITERAL(BIND4), &port);
    stranger = world_connect(w, "127.0.0.2", "127.0.0.1", port);
    peer_await_reset(stranger);
    assert_int_equal(stranger->got, 0);
    peer_await_end(client);
    assert_int_equal(client->got, socks4.second);
    assert_memory_equal(client->head + socks4.first, NO4, 8);
    expect_closed(w, port);
    peer_close(client);
    world_await_idle(w);
}

static void the_port_goes_with_the_client(void **state)
{
    struct world *w = *state;
    struct peer *client;
    uint16_t port;

    world_serve(w);
    client = bind_with(w, &socks5, PX_LITERAL(BIND5), &port);
    peer_close(client);
    world_await_idle(w);
    expect_closed(w, port);
    client = bind_with(w, &socks4, PX_LITERAL(BIND4), &port);
    peer_reset(client);
    world_await_idle(w);
    expect_closed(w, port);

    client = world_socks_client(w); /* while its name is looked up */
    peer_send(client, PX_LITERAL(NAMED5));
    peer_reset(client);
    world_settle(w);
    world_await_idle(w);
}

static void nobody_comes(void **state)
{
    struct world *w = *state;
    struct peer *old, *new;
    uint16_t old_port, new_port;

    w->config.bind_timeout_ms = 60;
    world_serve(w);
    old = bind_with(w, &socks4, PX_LITERAL(BIND4), &old_port);
    new = bind_with(w, &socks5, PX_LITERAL(BIND5), &new_port);
    peer_await_end(old);
    assert_int_equal(old->got, socks4.second);
    assert_memory_equal(old->head + socks4.first, NO4, 8);
    peer_await_end(new);
    assert_int_equal(new->got, socks5.second);
    assert_memory_equal(new->head + socks5.first, "\x05\x04\x00\x01", 4);
    expect_closed(w, old_port);
    expect_closed(w, new_port);
    peer_close(old);
    peer_close(new);
    world_await_idle(w);
}

/* The client came to another address of ours; its peer is to come there. */
static void the_address_is_the_one_the_client_knows(void **state)
{
    struct world *w = *state;
    struct peer *client, *peer;

    uv_ip4_addr("0.0.0.0", 0, (struct sockaddr_in *)&w->config.socks);
    world_serve(w);
    client = world_connect(w, NULL, "127.0.0.3", server_socks_port(w->server));
    peer_send(client, PX_LITERAL(BIND5));
    peer_await(client, socks5.first);
    assert_memory_equal(client->head + 2, "\x05\x00\x00\x01\x7f\x00\x00\x03",
                        8);
    peer = world_connect(w, "127.0.0.1", "127.0.0.3", port_at(client, 10));
    expect_second(client, &socks5, peer);
    talk_and_end(w, client, peer);
}

static bool has_ipv6(struct world *w)
{
    if (world_listen(w, "::1"))
        return true;
    print_message("# no ::1 here\n");
    return false;
}

/* A client of IPv4 awaits a peer of IPv6: at our address toward it. */
static void a_peer_of_ipv6_has_a_way(void **state)
{
    struct world *w = *state;
    struct peer *client, *peer;

    if (!has_ipv6(w)) {
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(BIND5V6));
    peer_await(client, 24);
    assert_memory_equal(client->head, "\x05\x00\x05\x00\x00\x04" ZEROS "\x01",
                        22);
    peer = world_connect(w, NULL, "::1", port_at(client, 22));
    peer_await(client, 46);
    assert_memory_equal(client->head + 24, "\x05\x00\x00\x04" ZEROS "\x01", 20);
    assert_int_equal(port_at(client, 44), own_port(peer));
    talk_and_end(w, client, peer);
}

/* Also over one listener for both: clients of IPv4 look like IPv6 there. */
static void a_client_of_ipv4_is_told_ipv4(void **state)
{
    struct world *w = *state;

    if (!has_ipv6(w)) {
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    uv_ip6_addr("::", 0, (struct sockaddr_in6 *)&w->config.socks);
    world_serve(w);
    bind_serves_one_peer(w, &socks5, PX_LITERAL(ANY5));
    bind_serves_one_peer(w, &socks4, PX_LITERAL(BIND4));
}

/* A client of IPv6 that speaks SOCKS4 can be told of IPv4 alone. */
static void a_client_of_ipv6_is_told_ipv4(void **state)
{
    struct world *w = *state;
    struct peer *client, *peer;
    uint16_t port;

    if (!has_ipv6(w)) {
        skip();
        return; /* which skip() does, unknown to analysers */
    }
    uv_ip6_addr("::1", 0, (struct sockaddr_in6 *)&w->config.socks);
    world_serve(w);
    port = server_socks_port(w->server);
    client = world_connect(w, NULL, "::1", port);
    peer_send(client, PX_LITERAL(BIND4));
    peer_await(client, 8);
    assert_memory_equal(client->head + 4, "\x7f\x00\x00\x01", 4);
    peer = world_client_at(w, port_at(client, 2));
    expect_second(client, &socks4, peer);
    talk_and_end(w, client, peer);

    client = world_connect(w, NULL, "::1", port); /* to anybody it is not */
    peer_send(client, PX_LITERAL("\x04\x02\x00\x50\x00\x00\x00\x00me\x00"));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL(NO4));
}

static void closing_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct peer *client;
    uint16_t port;

    world_serve(w);
    (void)bind_with(w, &socks5, PX_LITERAL(BIND5), &port);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(NAMED4));
    while (server_connections(w->server) < 2)
        world_turn(w);
    server_close(w->server); /* what is left, teardown tells */
    w->server = NULL;
    peer_await_reset(client);
}

/* One BIND; whatever fails in it, it comes to an end. */
static void bind_anyhow(struct world *w, struct px_bytes request)
{
    struct peer *client = world_socks_client(w);
    struct peer *peer = NULL;

    peer_send(client, request);
    peer_await(client, socks5.first);
    if (client->got == socks5.first && client->head[3] == 0)
        peer = world_client_at(w, port_at(client, socks5.port));
    while (!client->is_ended && !client->is_reset &&
           client->got < socks5.second)
        world_turn(w);
    peer_close(client);
    if (peer)
        peer_close(peer);
    world_await_idle(w);
}

/* Each allocation of a server's life fails once; nothing is left behind. */
static void every_allocation_may_fail(void **state)
{
    bool has_failed = true;

    (void)state;
    for (unsigned long n = 1; has_failed; n++) {
        void *own = NULL;
        struct world *w;
        struct px_error err = {0};

        assert_int_equal(world_setup(&own), 0);
        w = own;
        uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&w->config.socks);
        alloc_fail_at(n);
        w->server = server_new(&w->loop, &w->config, &err);
        if (w->server)
            bind_anyhow(w, PX_LITERAL(NAMED5));
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
        IN_WORLD(socks4_connects),
        IN_WORLD(socks4_is_refused),
        IN_WORLD(the_peer_is_let_in),
        IN_WORLD(anybody_is_let_in_on_request),
        IN_WORLD(a_peer_with_a_name_is_let_in),
        IN_WORLD(early_data_arrives),
        IN_WORLD(socks5_waits_on_behind_a_stranger),
        IN_WORLD(socks4_ends_at_a_stranger),
        IN_WORLD(the_port_goes_with_the_client),
        IN_WORLD(nobody_comes),
        IN_WORLD(the_address_is_the_one_the_client_knows),
        IN_WORLD(a_peer_of_ipv6_has_a_way),
        IN_WORLD(a_client_of_ipv4_is_told_ipv4),
        IN_WORLD(a_client_of_ipv6_is_told_ipv4),
        IN_WORLD(closing_leaves_nothing),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
