/*
 * The samples, damaged: every allocation failing once, cut at many places,
 * octets flipped. Nothing may crash, hang, leak or go wrong in silence.
 */

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "capture.h"
#include "cli.h"
#include "rows.h"
#include "tape.h"

enum { SAMPLE_MAX = 30000, DAMAGES = 60, STEP = 7 };

#define SAMPLES "pcap/samples/"

struct sample {
    char path[128];
    uint8_t data[SAMPLE_MAX];
    size_t len;
};

static const char *const names[] = {
    "dante", "microsocks", "microsocks-auth", "segments", "snaplen",
    "squid", "ssh",        "tinyproxy",       "veth",
};

static void load(struct sample *s, const char *name)
{
    FILE *file;

    (void)snprintf(s->path, sizeof(s->path), SAMPLES "%s.pcap", name);
    file = fopen(s->path, "rb");
    assert_non_null(file);
    s->len = fread(s->data, 1, sizeof(s->data), file);
    assert_true(s->len > 0 && s->len < sizeof(s->data));
    (void)fclose(file);
}

/* Standard output and error, sent elsewhere for a while. */
struct muted {
    int out, err;
    int said; /* what goes to standard error */
};

static struct muted mute(void)
{
    struct muted m = {dup(STDOUT_FILENO), dup(STDERR_FILENO), -1};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char name[] = "/tmp/said.XXXXXX";

    (void)fflush(stdout);
    m.said = mkstemp(name);
    assert_true(m.said >= 0 && null >= 0);
    (void)unlink(name);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(m.said, STDERR_FILENO);
    (void)close(null);
    return m;
}

/* Back to normal; returns how many octets standard error got. */
static long unmute(struct muted *m)
{
    long said = (long)lseek(m->said, 0, SEEK_END);

    (void)fflush(stdout);
    (void)dup2(m->out, STDOUT_FILENO);
    (void)dup2(m->err, STDERR_FILENO);
    (void)close(m->out);
    (void)close(m->err);
    (void)close(m->said);
    return said;
}

static int run_check(const char *path, bool is_json, long *said)
{
    char check[] = "check", json[] = "--json", file[128];
    char *argv[] = {check, file, json};
    struct muted m = mute();
    int status;

    (void)snprintf(file, sizeof(file), "%s", path);
    status = cli_pcap(is_json ? 3 : 2, argv);
    *said = unmute(&m);
    return status;
}

/* Fails the n-th allocation of the whole command, for every n. */
static void fail_allocations(const char *path, bool is_json)
{
    long held, said;
    int whole = run_check(path, is_json, &said);

    assert_int_equal(said, 0);
    held = alloc_held();
    for (unsigned long n = 1;; n++) {
        int status;

        alloc_fail_at(n);
        status = run_check(path, is_json, &said);
        if (!alloc_has_failed()) {
            alloc_fail_at(0);
            assert_int_equal(status, whole);
            return;
        }
        assert_int_equal(status, CLI_INTERNAL);
        assert_true(said > 0);
        assert_int_equal(alloc_held(), held);
    }
}

static void no_memory(void **state)
{
    (void)state;
    fail_allocations(SAMPLES "ssh.pcap", false);
    fail_allocations(SAMPLES "segments.pcap", false);
}

static void no_memory_json(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free);
    fail_allocations(SAMPLES "ssh.pcap", true);
}

/* IP fragments and packets out of order take memory too. */
static void no_memory_waiting(void **state)
{
    static const uint8_t first[28] = {0x45, 0, 0,  28, 0, 9, 0x20, 0, 64, 6,
                                      0,    0, 10, 0,  0, 1, 10,   0, 0,  2,
                                      9,    9, 4,  0,  0, 0, 0,    1};
    struct tape tape;
    struct tape_segment late = {.flags = 0x10, .seq = 9, .data = "x", .len = 1};

    (void)state;
    tape_open(&tape, DLT_RAW, 65535);
    tape_frame(&tape, first, sizeof(first), sizeof(first));
    tape_segment(&tape, &(struct tape_segment){.flags = 0x02, .seq = 0});
    tape_segment(&tape, &late);
    fail_allocations(tape.path, false);
    tape_close(&tape);
}

static void read_all(const uint8_t *data, size_t len)
{
    struct tape tape;
    struct px_error err;
    struct capture *cap;
    struct dialogue d;
    enum px_status status;

    tape_open(&tape, DLT_RAW, 65535);
    assert_int_equal(lseek(tape.fd, 0, SEEK_SET), 0);
    assert_int_equal(ftruncate(tape.fd, 0), 0);
    tape_octets(&tape, data, len);
    cap = capture_open(tape.path, &err);
    if (cap) {
        while ((status = capture_next_dialogue(cap, &d, &err)) == PX_DONE)
            assert_true(d.first_frame <= capture_stats(cap)->packets);
        if (status == PX_ERROR)
            assert_true(err.detail[0]);
    } else {
        assert_true(err.detail[0]);
    }
    capture_close(cap);
    tape_close(&tape);
}

/* At every seventh octet; of longer files at DAMAGES of these places. */
static void cut(void **state)
{
    static struct sample s;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        size_t step;

        load(&s, names[i]);
        step = s.len / STEP / DAMAGES * STEP + STEP;
        for (size_t len = i; len < s.len; len += step)
            read_all(s.data, len);
    }
}

/* The same pseudo-random places in every run. */
static void flipped(void **state)
{
    static struct sample s;
    uint32_t random = 1;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        for (int n = 0; n < DAMAGES; n++) {
            load(&s, names[i]);
            for (int flips = 0; flips <= n % 4; flips++) {
                random = random * 1664525 + 1013904223;
                s.data[(random >> 8) % s.len] ^= (uint8_t)(1 << (random & 7));
            }
            read_all(s.data, s.len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory),         cmocka_unit_test(no_memory_json),
        cmocka_unit_test(no_memory_waiting), cmocka_unit_test(cut),
        cmocka_unit_test(flipped),
    };

    return cmocka_run_group_tests_name("robust", tests, NULL, NULL);
}
