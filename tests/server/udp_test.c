/*
 * UDP associations over real sockets. The resolver is the
 * one below, which libuv calls in place of the system's, so that no test
 * depends on a network.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "alloc.h"
#include "datagrams.h"
#include "udp.h"

#define HI        "\x05\x01\x00"
#define ASSOCIATE "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"

enum { BIG = 65000, REPLY_IPV4 = 2 + 10, REPLY_IPV6 = 2 + 22 };

static struct sockaddr_in loopback = {.sin_family = AF_INET};
static struct sockaddr_in6 loopback6 = {.sin6_family = AF_INET6};

static struct addrinfo answer4 = {
    .ai_family = AF_INET,
    .ai_addrlen = sizeof(loopback),
    .ai_addr = (struct sockaddr *)&loopback,
};
static struct addrinfo answer6 = {
    .ai_family = AF_INET6,
    .ai_addrlen = sizeof(loopback6),
    .ai_addr = (struct sockaddr *)&loopback6,
};
static struct addrinfo answer_both = {
    .ai_family = AF_INET6,
    .ai_addrlen = sizeof(loopback6),
    .ai_addr = (struct sockaddr *)&loopback6,
    .ai_next = &answer4,
};

/* These run on threads of libuv's, and only read. */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints,
                struct addrinfo **restrict out)
{
    (void)service;
    (void)hints;
    if (strcmp(name, "four.test") == 0)
        *out = &answer4;
    else if (strcmp(name, "six.test") == 0)
        *out = &answer6;
    else if (strcmp(name, "both.test") == 0)
        *out = &answer_both;
    else
        return strcmp(name, "again.test") == 0 ? EAI_AGAIN : EAI_NONAME;
    return 0;
}

void freeaddrinfo(struct addrinfo *answer)
{
    (void)answer;
}

/* A client, what it sends datagrams with, and where to. */
struct association_peer {
    struct peer *tcp;
    struct end end;
    struct px_endpoint relay;
};

/* The address and port of the reply that has come to the client. */
static struct px_endpoint relay_of(const struct peer *client)
{
    struct px_endpoint relay = {.addr.kind = PX_ADDRESS_IPV4};
    const uint8_t *at = client->head + 2;
    size_t len = 4;

    assert_memory_equal(at, "\x05\x00\x00", 3);
    if (at[3] == 4) {
        relay.addr.kind = PX_ADDRESS_IPV6;
        len = 16;
    } else {
        assert_int_equal(at[3], 1);
    }
    assert_int_equal(client->got, 2 + 4 + len + 2);
    memcpy(relay.addr.ip, at + 4, len);
    relay.port = (uint16_t)(at[4 + len] << 8 | at[5 + len]);
    assert_int_not_equal(relay.port, 0);
    return relay;
}

static struct association_peer associate(struct world *w)
{
    struct association_peer a = {.tcp = world_socks_client(w),
                                 .end = end_open("127.0.0.1")};

    assert_true(a.end.fd >= 0);
    peer_send(a.tcp, PX_LITERAL(HI ASSOCIATE));
    peer_await(a.tcp, REPLY_IPV4);
    a.relay = relay_of(a.tcp);
    assert_memory_equal(a.relay.addr.ip, "\x7f\x00\x00\x01", 4);
    return a;
}

static void client_send(const struct association_peer *a,
                        const struct px_endpoint *to, struct px_bytes data)
{
    end_send_by(&a->end, &a->relay, 0, to, data);
}

/* The answer comes from the relay and names the target. */
static void client_expect(struct world *w, const struct association_peer *a,
                          const struct px_endpoint *from, struct px_bytes data)
{
    static uint8_t octets[UDP_PAYLOAD_MAX];
    struct px_writer want = px_writer_over(octets, sizeof(octets));
    const struct udp_datagram datagram = {.dst = *from, .data = data};
    struct arrival got = end_await(w, &a->end);

    assert_true(udp_encode_datagram(&datagram, &want));
    assert_int_equal(got.port, a->relay.port);
    assert_bytes_equal(got.data, px_written(&want));
}

/* There and back again, by the address that the client calls it. */
static void echo(struct world *w, const struct association_peer *a,
                 const struct end *target, const struct px_endpoint *called,
                 size_t len)
{
    static uint8_t payload[BIG];
    struct px_bytes data = px_bytes_of(payload, len);
    struct px_endpoint back = target->at;
    struct arrival got;

    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(i % 251);
    client_send(a, called, data);
    got = end_await(w, target);
    assert_bytes_equal(got.data, data);
    back.port = got.port;
    end_send(target, &back, data);
    client_expect(w, a, &target->at, data);
}

static void echo_all(struct world *w, const struct association_peer *a,
                     const struct end *target, const struct px_endpoint *called)
{
    static const size_t lengths[] = {0, 1, 1400, 8192, BIG, 3};

    for (size_t i = 0; i < LENGTH(lengths); i++)
        echo(w, a, target, called, lengths[i]);
}

static void an_address_is_reached(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    echo_all(w, &a, &target, &target.at);
    assert_false(a.tcp->is_ended);
    end_close(&target);
    end_close(&a.end);
}

static void names_are_reached(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a;
    struct px_endpoint four = end_named("four.test", target.at.port);
    struct px_endpoint both = end_named("both.test", target.at.port);

    world_serve(w);
    a = associate(w);
    echo_all(w, &a, &target, &four);
    echo(w, &a, &target, &both, 10);
    end_close(&target);
    end_close(&a.end);
}

static void ipv6_is_reached(void **state)
{
    struct world *w = *state;
    struct end target = end_open("::1");
    struct association_peer a;
    struct px_endpoint six = end_named("six.test", target.at.port);

    if (target.fd < 0)
        skip();
    world_serve(w);
    a = associate(w);
    echo_all(w, &a, &target, &target.at);
    echo(w, &a, &target, &six, 10);
    end_close(&target);
    end_close(&a.end);
}

/* The same address, as IPv6 has it (RFC 4291 section 2.5.5.2). */
static void a_mapped_address_is_reached(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a;
    struct px_endpoint mapped = end_point("::ffff:127.0.0.1", target.at.port);

    world_serve(w);
    a = associate(w);
    echo(w, &a, &target, &mapped, 10);
    end_close(&target);
    end_close(&a.end);
}

/* The relay stands where the client has reached us. */
static void the_relay_is_at_an_address_of_the_family(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a = {.end = end_open("::1")};
    struct sockaddr_in6 *at = (struct sockaddr_in6 *)&w->config.socks;

    if (a.end.fd < 0)
        skip();
    assert_int_equal(uv_ip6_addr("::", 0, at), 0);
    world_serve(w);
    a.tcp = world_client_on(w, "::1", server_socks_port(w->server));
    peer_send(a.tcp, PX_LITERAL(HI ASSOCIATE));
    peer_await(a.tcp, REPLY_IPV6);
    a.relay = relay_of(a.tcp);
    assert_memory_equal(a.relay.addr.ip, a.end.at.addr.ip, 16);
    echo_all(w, &a, &target, &target.at);
    end_close(&a.end);

    a = associate(w); /* and 127.0.0.1 is told to who came there */
    echo(w, &a, &target, &target.at, 10);
    end_close(&a.end);
    end_close(&target);
}

static void two_targets_are_kept_apart(void **state)
{
    struct world *w = *state;
    struct end one = end_open("127.0.0.1"), two = end_open("127.0.0.1");
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    for (int i = 0; i < 3; i++) {
        echo(w, &a, &one, &one.at, 100);
        echo(w, &a, &two, &two.at, 200);
    }
    end_expect_nothing(w, &one);
    end_expect_nothing(w, &two);
    end_close(&one);
    end_close(&two);
    end_close(&a.end);
}

static void two_associations_are_kept_apart(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a, b;

    world_serve(w);
    a = associate(w);
    b = associate(w);
    assert_int_not_equal(a.relay.port, b.relay.port);
    echo(w, &a, &target, &target.at, 10);
    echo(w, &b, &target, &target.at, 20);
    echo(w, &a, &target, &target.at, 30);
    /* A client that uses the relay of another: its port is not the one. */
    end_send_by(&b.end, &a.relay, 0, &target.at, PX_LITERAL("x"));
    end_expect_nothing(w, &target);
    end_expect_nothing(w, &a.end);
    end_expect_nothing(w, &b.end);
    end_close(&target);
    end_close(&a.end);
    end_close(&b.end);
}

static void strangers_are_dropped(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct end stranger = end_open("127.0.0.2");
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    end_send_by(&stranger, &a.relay, 0, &target.at, PX_LITERAL("before"));
    end_expect_nothing(w, &target);
    echo(w, &a, &target, &target.at, 10);
    end_send_by(&stranger, &a.relay, 0, &target.at, PX_LITERAL("behind"));
    end_expect_nothing(w, &target);
    end_expect_nothing(w, &stranger);
    end_expect_nothing(w, &a.end);
    end_close(&target);
    end_close(&stranger);
    end_close(&a.end);
}

/* What cannot be read, resolved or delivered is dropped in silence. */
static void noise_does_not_end_it(void **state)
{
    static const struct px_bytes noise[] = {
        BYTES(""),
        BYTES("\0"),
        BYTES("\0\0\0\x01\x7f\0\0\x01\0"),
        BYTES("\0\0\0\x03\xff"
              "a"),
        BYTES("\0\0\0\x05\x7f\0\0\x01\0\x35x"),
        BYTES("\0\0\0\x01\x7f\0\0\x01\0\0x"),
        BYTES("\0\0\x80\x01\x7f\0\0\x01\0\x35x"),
        BYTES("\0\0\0\x03\x09"
              "none.test\0\x35x"),
        BYTES("\0\0\0\x03\x0a"
              "again.test\0\x35x"),
        BYTES("\0\0\0\x03\x02\xff\xfe\0\x35x"),
        BYTES("\0\0\0\x01\xff\xff\xff\xff\0\x35x"),
    };
    struct world *w = *state;
    struct end target = end_open("127.0.0.1"), gone = end_open("127.0.0.1");
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    end_close(&gone); /* from here on ICMP tells of it */
    for (size_t i = 0; i < LENGTH(noise); i++) {
        end_send(&a.end, &a.relay, noise[i]);
        client_send(&a, &gone.at, PX_LITERAL("x"));
        echo(w, &a, &target, &target.at, 10);
    }
    end_expect_nothing(w, &a.end);
    assert_int_equal(a.tcp->got, REPLY_IPV4);
    assert_false(a.tcp->is_ended);
    end_close(&target);
    end_close(&a.end);
}

static void octets_on_the_connection_do_not_end_it(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    peer_send(a.tcp, PX_LITERAL(HI ASSOCIATE "junk"));
    world_settle(w);
    echo(w, &a, &target, &target.at, 10);
    assert_int_equal(a.tcp->got, REPLY_IPV4);
    assert_false(a.tcp->is_ended);
    end_close(&target);
    end_close(&a.end);
}

static void ends_with(struct world *w, void (*end)(struct peer *))
{
    struct end target = end_open("127.0.0.1");
    struct association_peer a = associate(w);
    struct arrival got;

    client_send(&a, &target.at, PX_LITERAL("ask"));
    got = end_await(w, &target);
    end(a.tcp);
    world_await_idle(w);
    client_send(&a, &target.at, PX_LITERAL("x"));
    end_expect_nothing(w, &target);
    got.data = PX_LITERAL("late");
    end_send(&target, &(struct px_endpoint){target.at.addr, got.port},
             got.data);
    world_settle(w);
    end_close(&target);
    end_close(&a.end);
}

static void it_ends_with_its_connection(void **state)
{
    struct world *w = *state;

    world_serve(w);
    ends_with(w, peer_close);
    ends_with(w, peer_reset);
    ends_with(w, peer_shut);
}

static void send_pieces(const struct association_peer *a,
                        const struct px_endpoint *to)
{
    end_send_by(&a->end, &a->relay, 0x01, to, PX_LITERAL("one "));
    end_send_by(&a->end, &a->relay, 0x02, to, PX_LITERAL("two "));
    end_send_by(&a->end, &a->relay, 0x83, to, PX_LITERAL("three"));
}

static void fragments_are_joined(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct px_endpoint name = end_named("four.test", target.at.port);
    struct association_peer a;

    world_serve(w);
    a = associate(w);
    send_pieces(&a, &target.at);
    end_expect(w, &target, PX_LITERAL("one two three"));
    send_pieces(&a, &name);
    end_expect(w, &target, PX_LITERAL("one two three"));
    end_expect_nothing(w, &target);
    end_close(&target);
    end_close(&a.end);
}

static void fragments_may_be_dropped(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct association_peer a;

    w->config.has_no_fragments = true;
    world_serve(w);
    a = associate(w);
    send_pieces(&a, &target.at);
    end_expect_nothing(w, &target);
    echo(w, &a, &target, &target.at, 10);
    end_close(&target);
    end_close(&a.end);
}

static void it_may_be_refused(void **state)
{
    struct world *w = *state;
    struct peer *client;

    w->config.has_no_udp = true;
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI ASSOCIATE));
    peer_await_end(client);
    peer_expect(client, PX_LITERAL("\x05\x00\x05\x07\x00\x01\0\0\0\0\0\0"));
}

/* Clients go, and then the server, while associations stand. */
static void closing_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct px_endpoint name = end_named("four.test", target.at.port);
    struct association_peer a;
    struct peer *client;

    world_serve(w);
    a = associate(w);
    client_send(&a, &name, PX_LITERAL("x"));
    client_send(&a, &target.at, PX_LITERAL("x"));
    (void)end_await(w, &target);
    client_send(&a, &name, PX_LITERAL("x"));
    end_send_by(&a.end, &a.relay, 0x01, &target.at, PX_LITERAL("x"));
    uv_run(&w->loop, UV_RUN_NOWAIT);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI ASSOCIATE));
    uv_run(&w->loop, UV_RUN_NOWAIT); /* and the server goes */
    end_close(&target);
    end_close(&a.end);
}

/* Every allocation that an association and its lookups make fails once. */
static void memory_may_be_short(void **state)
{
    struct world *w = *state;
    struct end target = end_open("127.0.0.1");
    struct px_endpoint name = end_named("four.test", target.at.port);
    bool has_failed = true;

    world_serve(w);
    for (unsigned long n = 1; has_failed; n++) {
        struct association_peer a = {.tcp = world_socks_client(w),
                                     .end = end_open("127.0.0.1")};
        struct arrival arrival;

        peer_send(a.tcp, PX_LITERAL(HI));
        peer_await(a.tcp, 2);
        alloc_fail_at(n);
        peer_send(a.tcp, PX_LITERAL(ASSOCIATE));
        peer_await(a.tcp, REPLY_IPV4);
        if (!a.tcp->is_reset) {
            a.relay = relay_of(a.tcp);
            client_send(&a, &name, PX_LITERAL("x"));
            world_settle(w);
            assert_int_equal(end_take(&target, &arrival), !alloc_has_failed());
        }
        has_failed = alloc_has_failed();
        alloc_fail_at(0);
        assert_true(n < 20);
        peer_close(a.tcp);
        world_await_idle(w);
        end_close(&a.end);
    }
    end_close(&target);
}

#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(an_address_is_reached),
        IN_WORLD(names_are_reached),
        IN_WORLD(ipv6_is_reached),
        IN_WORLD(a_mapped_address_is_reached),
        IN_WORLD(the_relay_is_at_an_address_of_the_family),
        IN_WORLD(two_targets_are_kept_apart),
        IN_WORLD(two_associations_are_kept_apart),
        IN_WORLD(strangers_are_dropped),
        IN_WORLD(noise_does_not_end_it),
        IN_WORLD(octets_on_the_connection_do_not_end_it),
        IN_WORLD(it_ends_with_its_connection),
        IN_WORLD(fragments_are_joined),
        IN_WORLD(fragments_may_be_dropped),
        IN_WORLD(it_may_be_refused),
        IN_WORLD(closing_leaves_nothing),
        IN_WORLD(memory_may_be_short),
    };

    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback6.sin6_addr = in6addr_loopback;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
