/* Mutators keep to their room, repeat themselves, and change what they say. */
#include <stdlib.h>
#include <string.h>

#include "afl_mutator.h"
#include "fuzz.h"
#include "mutator.h"
#include "rows.h"

enum { SEEDS = 3000, ROOM = 512 };

/* An input of a target. */
struct mutator_row {
    const char *name;
    const char *target;
    struct px_bytes in;
};

#define HEAD "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"

static const struct mutator_row rows[] = {
    {"a chunked body", "chunked",
     BYTES("\0"
           "5;a=\"b\"\r\nhello\r\n0\r\nX: 1\r\n\r\n")},
    {"a chunked body of nothing", "chunked", BYTES("\0")},
    {"a request", "parser", BYTES("\0" HEAD "Content-Length: 5\r\n\r\nhello")},
    {"a response", "parser", BYTES("\1HTTP/1.1 200 OK\r\n\r\n")},
    {"a lone CR", "parser", BYTES("\0\r")},
    {"a head", "http1", BYTES("\0" HEAD "\r\n")},
    {"canned steps", "forward", BYTES("\x82\x05\x19")},
    {"steps with octets", "forward",
     BYTES("\x01\x2dGET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
           "\r\n\x05\x08\x13HTTP/1.1 200 OK\r\n\r\n\x0b")},
    {"canned steps of a tunnel", "session", BYTES("\x01\x03\x06\x18o\x0a")},
    {"a head in two parts", "session",
     BYTES("\x01\x01\x30"
           "CONNECT a:80 HTTP/1.1\r\n\x50ok")},
};

/* Mutates a copy in memory of exactly max octets. */
static struct px_bytes mutate(const struct mutator_row *row, size_t max,
                              unsigned seed)
{
    uint8_t *octets = malloc(max);
    size_t len;

    assert_non_null(octets);
    memcpy(octets, row->in.data, row->in.len);
    len = mutator_mutate(row->target, octets, row->in.len, max, seed);
    assert_in_range(len, 1, max);
    return px_bytes_of(octets, len);
}

static void check_room(void **state)
{
    const struct mutator_row *row = *state;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        free((void *)mutate(row, row->in.len, seed).data);
        free((void *)mutate(row, row->in.len + seed % 40, seed).data);
        free((void *)mutate(row, ROOM, seed).data);
    }
}

/* A seed makes the same of an input each time, and most make something else. */
static void check_seeds(void **state)
{
    const struct mutator_row *row = *state;
    unsigned changed = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct px_bytes a = mutate(row, ROOM, seed);
        struct px_bytes b = mutate(row, ROOM, seed);

        assert_true(px_equal(a, b));
        changed += !px_equal(a, row->in);
        free((void *)a.data);
        free((void *)b.data);
    }
    assert_in_range(changed, SEEDS / 4, SEEDS);
}

/* What stands in front of a text says how it is read, and stays. */
static void the_first_octet_stays(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct px_bytes out = mutate(&rows[3], ROOM, seed);

        assert_int_equal(out.data[0], 1);
        free((void *)out.data);
    }
}

/* An input that holds no text is left to the engine. */
static void other_inputs_stay(void **state)
{
    static const struct mutator_row others[] = {
        {"content to be written", "chunked", BYTES("\1" HEAD)},
        {"an authority", "http1", BYTES("\2a.test:80")},
        {"a script of SOCKS", "session", BYTES("\0\x03\x06")},
        {"another target", "pcap", BYTES(HEAD)},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(others); i++) {
        struct px_bytes out = mutate(&others[i], ROOM, 1);

        assert_bytes_equal(out, others[i].in);
        free((void *)out.data);
    }
}

/* The library for AFL++: what stays as it was is no mutant. */
static void afl_gets_mutants(void **state)
{
    const struct mutator_row *row = &rows[3];
    unsigned changed = 0;
    uint8_t *out;
    void *m;

    (void)state;
    assert_int_equal(setenv("FUZZ_TARGET", row->target, 1), 0);
    m = afl_custom_init(NULL, 1);
    assert_non_null(m);
    assert_true(afl_custom_fuzz_count(m, row->in.data, row->in.len) > 0);
    for (unsigned i = 0; i < SEEDS; i++) {
        size_t len = afl_custom_fuzz(m, row->in.data, row->in.len, &out, NULL,
                                     0, row->in.len + 8);

        assert_true(len <= row->in.len + 8);
        assert_true(len != row->in.len || memcmp(out, row->in.data, len) != 0);
        changed += len > 0;
    }
    assert_true(changed > SEEDS / 2);
    assert_int_equal(afl_custom_fuzz(m, row->in.data, row->in.len, &out, NULL,
                                     0, row->in.len - 1),
                     0);
    afl_custom_deinit(m);
}

static void afl_passes_over_others(void **state)
{
    void *m;

    (void)state;
    assert_int_equal(setenv("FUZZ_TARGET", "pcap", 1), 0);
    m = afl_custom_init(NULL, 1);
    assert_non_null(m);
    assert_int_equal(afl_custom_fuzz_count(m, (const uint8_t *)HEAD, 4), 0);
    afl_custom_deinit(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_octet_stays),
        cmocka_unit_test(other_inputs_stay),
        cmocka_unit_test(afl_gets_mutants),
        cmocka_unit_test(afl_passes_over_others),
    };

    return RUN_ROWS(rows, check_room) + RUN_ROWS(rows, check_seeds) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
