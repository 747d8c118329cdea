/*
 * Names: resolving, falling back to the next address, failing. The resolver is
 * the one below, which libuv calls in place of the system's, so that no test
 * depends on a network.
 */

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { ADDRESSES_MAX = 2 };

struct name_row {
    const char *name;
    int error;
    const char *address[ADDRESSES_MAX];
};

static const struct name_row names[] = {
    {"one.test", 0, {"127.0.0.1"}},
    {"two.test", 0, {"127.0.0.2", "127.0.0.1"}},
    {"none.test", EAI_NONAME, {NULL}},
    {"again.test", EAI_AGAIN, {NULL}},
};

/* An answer is never freed; so many are there for the whole program. */
struct answer {
    struct addrinfo info;
    struct sockaddr_in address;
};

static struct answer answers[16][ADDRESSES_MAX];
static size_t answers_used;

static const struct name_row *find(const char *name)
{
    for (size_t i = 0; i < LENGTH(names); i++) {
        if (strcmp(names[i].name, name) == 0)
            return &names[i];
    }
    return NULL;
}

static void fill(struct answer *answer, const char *address, uint16_t port)
{
    answer->address.sin_family = AF_INET;
    answer->address.sin_port = htons(port);
    (void)inet_pton(AF_INET, address, &answer->address.sin_addr);
    answer->info = (struct addrinfo){
        .ai_family = AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_addrlen = sizeof(answer->address),
        .ai_addr = (struct sockaddr *)&answer->address,
    };
}

/* Runs on a thread of libuv's, one at a time since tests ask so. */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints,
                struct addrinfo **restrict out)
{
    const struct name_row *row = find(name);
    struct answer *answer;

    (void)hints;
    if (!row || row->error)
        return row ? row->error : EAI_NONAME;
    if (answers_used == LENGTH(answers))
        return EAI_MEMORY;
    answer = answers[answers_used++];
    for (size_t i = 0; i < ADDRESSES_MAX && row->address[i]; i++) {
        fill(&answer[i], row->address[i], (uint16_t)strtoul(service, NULL, 10));
        if (i)
            answer[i - 1].info.ai_next = &answer[i].info;
    }
    *out = &answer->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *answer)
{
    (void)answer;
}

static struct peer *asks_for(struct world *w, struct px_bytes name,
                             uint16_t port)
{
    struct peer *client = world_socks_client(w);
    uint8_t text[512];
    struct px_writer out = px_writer_over(text, sizeof(text));

    px_put_bytes(&out, PX_LITERAL("\x05\x01\x00\x05\x01\x00\x03"));
    px_put_u8(&out, (uint8_t)name.len);
    px_put_bytes(&out, name);
    px_put_be16(&out, port);
    peer_send(client, px_written(&out));
    return client;
}

static void reaches(struct world *w, struct listener_peer *target,
                    const char *name)
{
    struct peer *client =
        asks_for(w, px_bytes_of(name, strlen(name)), target->port);

    (void)world_accepted(target, 0);
    peer_await(client, 12);
    assert_memory_equal(client->head, "\x05\x00\x05\x00\x00\x01", 6);
    peer_close(client);
    peer_await_end(target->last);
    peer_close(target->last);
    world_await_idle(w);
}

static void a_name_is_reached(void **state)
{
    struct world *w = *state;

    world_serve(w);
    reaches(w, world_listen(w, "127.0.0.1"), "one.test");
}

static void the_next_address_is_tried(void **state)
{
    struct world *w = *state;

    world_serve(w);
    reaches(w, world_listen(w, "127.0.0.1"), "two.test");
}

/* An address that stays silent does not use up the time of the next. */
static void the_next_address_is_tried_in_time(void **state)
{
    struct world *w = *state;
    struct listener_peer *target = world_listen(w, "127.0.0.1");
    int fds[STUCK_FDS];

    w->config.dial_timeout_ms = 400;
    world_serve(w);
    (void)open_stuck_port("127.0.0.2", target->port, fds);
    reaches(w, target, "two.test");
    close_stuck_port(fds);
}

static void fails(struct world *w, struct px_bytes name, uint16_t port,
                  uint8_t rep)
{
    struct peer *client = asks_for(w, name, port);

    peer_await_end(client);
    assert_int_equal(client->got, 12);
    assert_memory_equal(client->head, "\x05\x00\x05", 3);
    assert_int_equal(client->head[3], rep);
    peer_close(client);
    world_await_idle(w);
}

static void names_that_lead_nowhere_are_told(void **state)
{
    struct world *w = *state;
    uint8_t longest[255];

    world_serve(w);
    memset(longest, 'a', sizeof(longest));
    fails(w, PX_LITERAL("none.test"), 80, 4);
    fails(w, PX_LITERAL("again.test"), 80, 4);
    fails(w, PX_LITERAL("two.test"), world_closed_port(w), 5);
    fails(w, PX_LITERAL("\xff\xfe"), 80, 4); /* libuv does not even ask */
    fails(w, PX_LITERAL("."), 80, 4);
    fails(w, px_bytes_of(longest, sizeof(longest)), 80, 4);
}

static void http_tells_it_too(void **state)
{
    struct world *w = *state;
    struct peer *client;

    world_serve(w);
    client = world_http_client(w);
    peer_send(client,
              PX_LITERAL("CONNECT none.test:80 HTTP/1.1\r\nHost: x\r\n\r\n"));
    peer_await_end(client);
    assert_memory_equal(client->head, "HTTP/1.1 502 ", 13);
}

/* The client goes while its name is resolved, or just after. */
static void a_client_leaves_meanwhile(void **state)
{
    struct world *w = *state;

    world_serve(w);
    peer_reset(asks_for(w, PX_LITERAL("none.test"), 80));
    peer_reset(asks_for(w, PX_LITERAL("two.test"), world_closed_port(w)));
    world_settle(w);
    world_await_idle(w);
    (void)asks_for(w, PX_LITERAL("again.test"), 80);
    uv_run(&w->loop, UV_RUN_NOWAIT); /* and the server goes */
}

#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_name_is_reached),
        IN_WORLD(the_next_address_is_tried),
        IN_WORLD(the_next_address_is_tried_in_time),
        IN_WORLD(names_that_lead_nowhere_are_told),
        IN_WORLD(http_tells_it_too),
        IN_WORLD(a_client_leaves_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
