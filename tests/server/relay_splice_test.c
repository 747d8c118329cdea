/* What only the relay by splice has: pipes, and what to do without them. */

#include <dirent.h>
#include <sys/resource.h>

#include "alloc.h"
#include "world.h"

static const size_t MIB = (size_t)1024 * 1024;

static int setup(void **state)
{
    int failed = world_setup(state);
    struct world *w = *state;

    if (!failed)
        w->config.splice_from = 1; /* from the first octet on */
    return failed;
}

static size_t descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir)) // NOLINT(concurrency-mt-unsafe): one thread
        count++;
    (void)closedir(dir);
    return count;
}

/* Some octets both ways, so that from here on the system relays. */
static void open_spliced(struct world *w, struct peer **client,
                         struct peer **origin)
{
    size_t had;

    world_open_tunnel(w, client, origin);
    had = (*client)->got;
    peer_send(*client, PX_LITERAL("ask"));
    peer_await(*origin, 3);
    peer_send(*origin, PX_LITERAL("answer"));
    peer_await(*client, had + 6);
}

static void pass_much(struct world *w, size_t len)
{
    struct peer *client, *origin;
    size_t client_had, origin_had;

    open_spliced(w, &client, &origin);
    client_had = client->got;
    origin_had = origin->got;
    peer_expect_bulk(client);
    peer_expect_bulk(origin);
    peer_shut_behind_bulk(client);
    peer_shut_behind_bulk(origin);
    peer_send_bulk(origin, len);
    peer_send_bulk(client, len);
    peer_await_end(client);
    peer_await_end(origin);
    assert_int_equal(client->got, client_had + len);
    assert_int_equal(origin->got, origin_had + len);
    assert_false(client->is_wrong || origin->is_wrong);
    world_await_idle(w);
}

static void much_arrives_unchanged(void **state)
{
    struct world *w = *state;

    world_serve(w);
    alloc_reset_peak();
    pass_much(w, 64 * MIB);
    /* the server's one buffer is all there is */
    assert_true(alloc_peak() - w->held_before < 128 * 1024L);
}

/* The descriptors of a process run out: octets pass all the same. */
static void nothing_is_lost_without_pipes(void **state)
{
    struct world *w = *state;
    struct rlimit was, now;
    struct peer *client, *origin;
    size_t had;

    world_serve(w);
    open_spliced(w, &client, &origin); /* takes what it needs itself */
    had = client->got;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    now = was;
    now.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    peer_expect_bulk(client);
    peer_expect_bulk(origin);
    peer_shut_behind_bulk(client);
    peer_send_bulk(client, 8 * MIB);
    peer_send_bulk(origin, 8 * MIB);
    peer_await(client, had + 8 * MIB);
    peer_await_end(origin);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(origin->got, 3 + 8 * MIB);
    assert_false(client->is_wrong || origin->is_wrong);
    peer_shut(origin);
    peer_await_end(client);
    world_await_idle(w);
}

/* However many tunnels there are, those that are idle hold no pipe. */
static void idle_tunnels_hold_no_pipe(void **state)
{
    enum { TUNNELS = WORLD_LISTENERS_MAX, PIPE_FDS = 2 };
    struct world *w = *state;
    struct peer *client, *origin;
    size_t one;

    world_serve(w);
    open_spliced(w, &client, &origin);
    world_settle(w);
    one = descriptors();
    for (int i = 1; i < TUNNELS; i++)
        open_spliced(w, &client, &origin);
    world_settle(w);
    /* each has four ends and a listener, all of them in this process */
    assert_true(descriptors() <= one + (TUNNELS - 1) * (size_t)5 + PIPE_FDS);
}

/* A side that is not read from stops the other one soon. */
static void a_slow_reader_is_waited_for(void **state)
{
    const size_t much = 256 * MIB;
    struct world *w = *state;
    struct peer *client, *origin;
    size_t held, had;

    world_serve(w);
    open_spliced(w, &client, &origin);
    had = client->got;
    peer_shrink_buffers(client);
    peer_pause(client);
    peer_expect_bulk(client);
    peer_send_bulk(origin, much);
    world_settle(w);
    held = origin->bulk_sent;
    assert_true(held < 32 * MIB); /* the system's buffers, and a pipe */
    peer_resume(client);
    peer_await(client, had + 4 * held);
    assert_false(client->is_wrong);
    peer_reset(client);
    peer_await_reset(origin);
    world_await_idle(w);
}

/* A tunnel that begins with little changes to splice once it is worth it. */
static void a_tunnel_changes_under_way(void **state)
{
    struct world *w = *state;

    w->config.splice_from = 3 * MIB;
    world_serve(w);
    pass_much(w, 8 * MIB);
}

#define IN_WORLD(test)                                                         \
    cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(much_arrives_unchanged),
        IN_WORLD(nothing_is_lost_without_pipes),
        IN_WORLD(idle_tunnels_hold_no_pipe),
        IN_WORLD(a_slow_reader_is_waited_for),
        IN_WORLD(a_tunnel_changes_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
