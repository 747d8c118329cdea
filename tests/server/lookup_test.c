/*
 * Tor's RESOLVE and RESOLVE_PTR. The resolver is the one below, which libuv
 * calls in place of the system's, so that no test depends on a network.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "alloc.h"
#include "world.h"

#define HI      "\x05\x01\x00"
#define RESOLVE "\x05\xf0\x00"
#define REVERSE "\x05\xf1\x00"

/* What is asked for: ATYP, address, port 0. */
#define NAME(len, text) "\x03" len text "\0\0"
#define FOUR            NAME("\x09", "four.test")
#define ONE             "\x01\x7f\0\0\x01\0\0"

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

/* 127.0.0.1 has a name, and 127.0.0.2 one that is too long to be told. */
int getnameinfo(const struct sockaddr *restrict address, socklen_t address_len,
                char *restrict name, socklen_t name_len, char *restrict service,
                socklen_t service_len, int flags)
{
    static const char of_loopback[] = "host.test";
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;

    (void)address_len;
    (void)service;
    (void)service_len;
    (void)flags;
    memset(name, 0, name_len);
    if (in->sin_family != AF_INET)
        return EAI_NONAME;
    if (ntohl(in->sin_addr.s_addr) == 0x7f000001)
        memcpy(name, of_loopback, sizeof(of_loopback));
    else if (ntohl(in->sin_addr.s_addr) == 0x7f000002)
        memset(name, 'n', PX_NAME_MAX + 1);
    else
        return EAI_NONAME;
    return 0;
}

static void refused(struct world *w, struct px_bytes request, uint8_t rep)
{
    struct peer *client = world_socks_client(w);

    peer_send(client, PX_LITERAL(HI));
    peer_send(client, request);
    peer_await_end(client);
    assert_int_equal(client->got, 2 + 10);
    assert_int_equal(client->head[3], rep);
    peer_close(client);
    world_await_idle(w);
}

static void looked_up(struct world *w, struct px_bytes request,
                      struct px_bytes reply)
{
    struct peer *client = world_socks_client(w);

    peer_send(client, PX_LITERAL(HI));
    peer_send(client, request);
    peer_await_end(client);
    assert_bytes_equal(px_bytes_of(client->head + 2, client->got - 2), reply);
    peer_close(client);
    world_await_idle(w);
}

static void names_and_addresses_are_looked_up(void **state)
{
    struct world *w = *state;

    w->config.is_tor = true;
    world_serve(w);
    looked_up(w, PX_LITERAL(RESOLVE FOUR), PX_LITERAL("\x05\0\0" ONE));
    looked_up(w, PX_LITERAL(RESOLVE NAME("\x09", "both.test")),
              PX_LITERAL("\x05\0\0" ONE));
    looked_up(w, PX_LITERAL(RESOLVE NAME("\x08", "six.test")),
              PX_LITERAL("\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                         "\0\0"));
    looked_up(w, PX_LITERAL(REVERSE ONE),
              PX_LITERAL("\x05\0\0" NAME("\x09", "host.test")));
}

static void what_leads_nowhere_is_told(void **state)
{
    struct world *w = *state;

    w->config.is_tor = true;
    world_serve(w);
    refused(w, PX_LITERAL(RESOLVE NAME("\x09", "none.test")), 4);
    refused(w, PX_LITERAL(RESOLVE NAME("\x0a", "again.test")), 4);
    refused(w, PX_LITERAL(RESOLVE NAME("\x02", "\xff\xfe")), 4);
    refused(w, PX_LITERAL(REVERSE "\x01\x7f\0\0\x02\0\0"), 4);
    refused(w, PX_LITERAL(REVERSE "\x01\x7f\0\0\x03\0\0"), 4);
}

static void nothing_is_looked_up_unless_told_so(void **state)
{
    struct world *w = *state;

    world_serve(w);
    refused(w, PX_LITERAL(RESOLVE FOUR), 7);
    refused(w, PX_LITERAL(REVERSE ONE), 7);
}

/* Clients go, and then the server, while lookups stand. */
static void closing_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct peer *client;

    w->config.is_tor = true;
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI RESOLVE FOUR));
    uv_run(&w->loop, UV_RUN_NOWAIT);
    peer_reset(client);
    world_await_idle(w);
    client = world_socks_client(w);
    peer_send(client, PX_LITERAL(HI REVERSE ONE));
    uv_run(&w->loop, UV_RUN_NOWAIT); /* and the server goes */
}

/* Every allocation of a lookup fails once. */
static void memory_may_be_short(void **state)
{
    struct world *w = *state;
    bool has_failed = true;

    w->config.is_tor = true;
    world_serve(w);
    for (unsigned long n = 1; has_failed; n++) {
        struct peer *client = world_socks_client(w);

        peer_send(client, PX_LITERAL(HI));
        peer_await(client, 2);
        alloc_fail_at(n);
        peer_send(client, PX_LITERAL(RESOLVE FOUR));
        while (!client->is_ended && !client->is_reset)
            world_turn(w);
        has_failed = alloc_has_failed();
        alloc_fail_at(0);
        assert_int_equal(client->is_reset, has_failed);
        assert_true(n < 20);
        peer_close(client);
        world_await_idle(w);
    }
}

#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(names_and_addresses_are_looked_up),
        IN_WORLD(what_leads_nowhere_is_told),
        IN_WORLD(nothing_is_looked_up_unless_told_so),
        IN_WORLD(closing_leaves_nothing),
        IN_WORLD(memory_may_be_short),
    };

    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback6.sin6_addr = in6addr_loopback;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
