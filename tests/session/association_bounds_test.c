/* What a UDP association holds at most, and the largest datagrams. */

#include "association.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

static const struct px_endpoint client = {
    .addr = {.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 1}},
    .port = 4000,
};
static const struct px_endpoint target = {
    .addr = {.kind = PX_ADDRESS_IPV4, .ip = {192, 0, 2, 1}},
    .port = 53,
};

static struct association *start(void)
{
    const struct association_config cfg = {.peer = client.addr};
    void *mem = malloc(association_size());

    assert_non_null(mem);
    memset(mem, 0xa5, association_size());
    return association_init(mem, &cfg);
}

/* One datagram of the client's; its actions are counted, its drop told. */
struct outcome {
    bool is_dropped;
    size_t sent;     /* ASSOCIATION_SEND_TARGET */
    size_t sent_len; /* of the last of them */
    size_t resolved; /* ASSOCIATION_RESOLVE */
};

static struct outcome handle(struct association *a,
                             const struct association_event *event)
{
    struct outcome outcome = {0};
    struct association_action action;

    association_handle(a, event, 0);
    outcome.is_dropped = association_error(a) != NULL;
    while (association_next(a, &action)) {
        if (action.kind == ASSOCIATION_SEND_TARGET) {
            outcome.sent++;
            outcome.sent_len = action.send.data.len;
        }
        outcome.resolved += action.kind == ASSOCIATION_RESOLVE;
    }
    return outcome;
}

/* A datagram with so many octets of payload, which are all alike. */
static struct outcome client_sends(struct association *a, uint8_t frag,
                                   const struct px_endpoint *dst, size_t len)
{
    static uint8_t payload[UDP_PAYLOAD_MAX], octets[sizeof(payload) + 64];
    struct px_writer w = px_writer_over(octets, sizeof(octets));
    const struct udp_datagram datagram = {
        .frag = frag,
        .dst = *dst,
        .data = px_bytes_of(payload, len),
    };
    struct association_event event = {.kind = ASSOCIATION_FROM_CLIENT};

    assert_true(udp_encode_datagram(&datagram, &w));
    event.datagram.from = client;
    event.datagram.data = px_written(&w);
    return handle(a, &event);
}

static struct outcome resolver_says(struct association *a, unsigned slot)
{
    struct association_event event = {.kind = ASSOCIATION_RESOLVED};

    event.resolved.slot = slot;
    event.resolved.address =
        (struct px_address){.kind = PX_ADDRESS_IPV4, .ip = {192, 0, 2, 1}};
    return handle(a, &event);
}

static struct px_endpoint named(const char *name)
{
    return (struct px_endpoint){
        .addr = {.kind = PX_ADDRESS_NAME,
                 .name = px_bytes_of(name, strlen(name))},
        .port = 53,
    };
}

static void so_many_names_are_resolved_at_once(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e",
                                        "f", "g", "h", "i"};
    struct association *a = start();
    struct px_endpoint last = named("i");

    (void)state;
    assert_int_equal(LENGTH(names), ASSOCIATION_NAMES_MAX + 1);
    for (size_t i = 0; i < ASSOCIATION_NAMES_MAX; i++) {
        struct px_endpoint dst = named(names[i]);

        assert_int_equal(client_sends(a, 0, &dst, 1).resolved, 1);
    }
    assert_true(client_sends(a, 0, &last, 1).is_dropped);
    assert_int_equal(resolver_says(a, 3).sent, 1);
    assert_int_equal(client_sends(a, 0, &last, 1).resolved, 1);
    free(a);
}

static void so_many_datagrams_wait(void **state)
{
    struct association *a = start();
    struct px_endpoint dst = named("a");

    (void)state;
    for (size_t i = 0; i < ASSOCIATION_WAITING_MAX; i++)
        assert_false(client_sends(a, 0, &dst, i).is_dropped);
    assert_true(client_sends(a, 0, &dst, 0).is_dropped);
    assert_int_equal(client_sends(a, 0, &target, 1).sent, 1);
    assert_int_equal(resolver_says(a, 0).sent, ASSOCIATION_WAITING_MAX);
    assert_false(client_sends(a, 0, &dst, 0).is_dropped);
    free(a);
}

static void so_many_octets_wait(void **state)
{
    enum { BIG = 60 * 1000 };
    struct association *a = start();
    struct px_endpoint dst = named("a"), other = named("b");
    size_t waiting = 0;
    struct outcome last;

    (void)state;
    assert_false(client_sends(a, 0, &other, BIG).is_dropped);
    for (waiting = BIG; waiting + BIG <= ASSOCIATION_WAITING_OCTETS;
         waiting += BIG)
        assert_false(client_sends(a, 0, &dst, BIG).is_dropped);
    assert_true(client_sends(a, 0, &dst, BIG).is_dropped);
    assert_int_equal(resolver_says(a, 0).sent_len, BIG);
    assert_false(client_sends(a, 0, &dst, BIG).is_dropped);
    last = resolver_says(a, 1);
    assert_int_equal(last.sent, waiting / BIG);
    assert_int_equal(last.sent_len, BIG);
    free(a);
}

static void the_largest_datagrams_pass(void **state)
{
    static const uint8_t payload[UDP_PAYLOAD_MAX];
    struct association *a = start();
    struct association_event event = {.kind = ASSOCIATION_FROM_TARGET};
    struct association_action action;

    (void)state;
    assert_int_equal(client_sends(a, 0, &target, UDP_PAYLOAD_MAX).sent_len,
                     UDP_PAYLOAD_MAX);
    event.datagram.from = target;
    for (size_t len = UDP_PAYLOAD_MAX - UDP_HEADER_IPV4 - 1;
         len <= UDP_PAYLOAD_MAX; len++) {
        bool has_room = len <= UDP_PAYLOAD_MAX - UDP_HEADER_IPV4;

        event.datagram.data = px_bytes_of(payload, len);
        association_handle(a, &event, 0);
        assert_int_equal(association_error(a) == NULL, has_room);
        assert_int_equal(association_next(a, &action), has_room);
        if (has_room)
            assert_int_equal(action.send.data.len, len + UDP_HEADER_IPV4);
        assert_false(has_room && association_next(a, &action));
    }
    free(a);
}

static void pieces_join_to_a_datagram_at_most(void **state)
{
    enum { HALF = UDP_PAYLOAD_MAX / 2 };
    struct association *a = start();

    (void)state;
    assert_false(client_sends(a, 0x01, &target, HALF).is_dropped);
    assert_int_equal(
        client_sends(a, 0x82, &target, UDP_PAYLOAD_MAX - HALF).sent_len,
        UDP_PAYLOAD_MAX);
    assert_false(client_sends(a, 0x01, &target, HALF).is_dropped);
    assert_true(
        client_sends(a, 0x82, &target, UDP_PAYLOAD_MAX - HALF + 1).is_dropped);
    assert_true(client_sends(a, 0x82, &target, 1).is_dropped);
    free(a);
}

static void so_many_pieces_are_joined(void **state)
{
    struct association *a = start();

    (void)state;
    for (unsigned i = 1; i < UDP_FRAG_POSITION; i++)
        assert_int_equal(client_sends(a, (uint8_t)i, &target, 10).sent, 0);
    assert_int_equal(client_sends(a, 0xff, &target, 10).sent_len,
                     UDP_FRAG_POSITION * 10);
    free(a);
}

/* Of all orders of three pieces only the ascending one can be joined. */
static void pieces_are_joined_in_one_order(void **state)
{
    static const uint8_t frags[] = {0x01, 0x02, 0x83};

    (void)state;
    for (unsigned order = 0; order < 27; order++) {
        const unsigned at[] = {order / 9, order / 3 % 3, order % 3};
        struct association *a = start();
        size_t sent = 0;

        if (at[0] != at[1] && at[1] != at[2] && at[0] != at[2]) {
            for (size_t i = 0; i < LENGTH(at); i++)
                sent += client_sends(a, frags[at[i]], &target, 1).sent;
            assert_int_equal(sent, at[0] == 0 && at[1] == 1);
        }
        free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_names_are_resolved_at_once),
        cmocka_unit_test(so_many_datagrams_wait),
        cmocka_unit_test(so_many_octets_wait),
        cmocka_unit_test(the_largest_datagrams_pass),
        cmocka_unit_test(pieces_join_to_a_datagram_at_most),
        cmocka_unit_test(so_many_pieces_are_joined),
        cmocka_unit_test(pieces_are_joined_in_one_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
