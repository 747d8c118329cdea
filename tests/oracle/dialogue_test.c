#include <stdlib.h>
#include <string.h>

#include "oracle/dialogue_rows.h"
#include "rows.h"

enum { RECORD_MAX = 32, START_MS = 1000 };

/* Everything the oracle said about one run of a row. */
struct record {
    struct oracle_finding findings[RECORD_MAX];
    size_t finding_count;
    struct oracle_message messages[RECORD_MAX];
    size_t message_count;
    struct oracle_summary summary;
};

/* How the octets of a row are cut. */
struct cut {
    size_t step;  /* the one that is split */
    size_t at;    /* after so many octets */
    bool is_drip; /* every octet alone, of every step */
};

static void note_message(void *ctx, const struct oracle_message *message)
{
    struct record *r = ctx;

    assert_true(r->message_count < RECORD_MAX);
    r->messages[r->message_count++] = *message;
}

static void drain(struct oracle *o, struct record *r)
{
    struct oracle_finding finding;

    while (oracle_next_finding(o, &finding)) {
        assert_true(r->finding_count < RECORD_MAX);
        assert_true(strlen(finding.message) > 0);
        r->findings[r->finding_count++] = finding;
    }
}

/* Hands over a copy of exactly these octets. */
static void feed(struct oracle *o, const struct dialogue_step *step,
                 size_t from, size_t len, uint64_t now_ms)
{
    uint8_t *copy = copy_exact(px_bytes_of(step->data + from, len), len);

    oracle_bytes(o, step->side, px_bytes_of(copy, len), now_ms);
    free(copy);
}

static void feed_cut(struct oracle *o, const struct dialogue_step *step,
                     size_t at, bool is_drip, uint64_t now_ms)
{
    if (!is_drip) {
        feed(o, step, 0, at, now_ms);
        feed(o, step, at, step->len - at, now_ms);
        return;
    }
    for (size_t i = 0; i < step->len; i++)
        feed(o, step, i, 1, now_ms);
}

static void send_datagram(struct oracle *o, const struct dialogue_step *step,
                          uint64_t now_ms)
{
    uint8_t *copy = copy_exact(px_bytes_of(step->data, step->len), step->len);

    oracle_datagram(o, step->side, px_bytes_of(copy, step->len), step->from,
                    step->to, now_ms);
    free(copy);
}

static void play_step(struct oracle *o, const struct dialogue_step *step,
                      size_t at, bool is_drip, uint64_t *now_ms)
{
    switch (step->kind) {
    case STEP_NONE:
        break;
    case STEP_BYTES:
        feed_cut(o, step, at, is_drip, *now_ms);
        break;
    case STEP_DATAGRAM:
        send_datagram(o, step, *now_ms);
        break;
    case STEP_FIN:
        oracle_end(o, step->side, END_FIN, *now_ms);
        break;
    case STEP_RESET:
        oracle_end(o, step->side, END_RESET, *now_ms);
        break;
    case STEP_WAIT:
        *now_ms += step->ms;
        oracle_tick(o, *now_ms);
        break;
    }
}

static void play(const struct dialogue_row *row, const struct cut *cut,
                 struct record *r)
{
    void *mem = malloc(oracle_size());
    uint64_t now_ms = START_MS;
    struct oracle *o;

    assert_non_null(mem);
    memset(r, 0, sizeof(*r));
    o = oracle_init(mem, &row->cfg, note_message, r);
    for (size_t i = 0; i < STEPS_MAX; i++)
        play_step(o, &row->steps[i], i == cut->step ? cut->at : 0, cut->is_drip,
                  &now_ms);
    oracle_finish(o, now_ms);
    drain(o, r);
    r->summary = *oracle_summary(o);
    free(mem);
}

static bool is_expected(const struct dialogue_row *row,
                        const struct oracle_finding *f)
{
    for (size_t i = 0; i < FINDS_MAX; i++) {
        const struct dialogue_find *want = &row->finds[i];

        if (want->req == f->req && want->side == f->side &&
            want->is_contested == f->is_contested)
            return true;
    }
    return false;
}

static void check_findings(const struct dialogue_row *row,
                           const struct record *r)
{
    size_t expected = 0;

    while (expected < FINDS_MAX && row->finds[expected].req != REQ_NONE)
        expected++;
    for (size_t i = 0; i < r->finding_count; i++) {
        const struct oracle_finding *f = &r->findings[i];

        if (!is_expected(row, f))
            fail_msg("%s accused of %s (%s): %s",
                     f->side == SIDE_CLIENT ? "client" : "server",
                     requirement_row(f->req)->id,
                     f->is_contested ? "contested" : "plainly", f->message);
    }
    if (r->finding_count != expected)
        fail_msg("%zu findings where %zu are due", r->finding_count, expected);
}

static void check_same(const struct record *got, const struct record *want)
{
    assert_int_equal(got->finding_count, want->finding_count);
    for (size_t i = 0; i < got->finding_count; i++) {
        assert_int_equal(got->findings[i].req, want->findings[i].req);
        assert_int_equal(got->findings[i].side, want->findings[i].side);
        assert_int_equal(got->findings[i].offset, want->findings[i].offset);
        assert_int_equal(got->findings[i].datagram, want->findings[i].datagram);
        assert_string_equal(got->findings[i].message,
                            want->findings[i].message);
    }
    assert_int_equal(got->message_count, want->message_count);
    for (size_t i = 0; i < got->message_count; i++) {
        assert_int_equal(got->messages[i].side, want->messages[i].side);
        assert_int_equal(got->messages[i].offset, want->messages[i].offset);
        assert_int_equal(got->messages[i].len, want->messages[i].len);
        assert_string_equal(got->messages[i].text, want->messages[i].text);
    }
    assert_memory_equal(&got->summary, &want->summary, sizeof(got->summary));
}

/* A datagram may overtake what is next to it, whatever that is. */
static bool may_swap(const struct dialogue_step *a,
                     const struct dialogue_step *b)
{
    bool is_datagram = a->kind == STEP_DATAGRAM || b->kind == STEP_DATAGRAM;

    return is_datagram && (a->kind == STEP_DATAGRAM || a->kind == STEP_BYTES) &&
           (b->kind == STEP_DATAGRAM || b->kind == STEP_BYTES);
}

static void check_swaps(const struct dialogue_row *row, const struct cut *whole)
{
    static struct dialogue_row swapped;
    static struct record got;

    for (size_t i = 0; i + 1 < STEPS_MAX; i++) {
        if (!may_swap(&row->steps[i], &row->steps[i + 1]))
            continue;
        swapped = *row;
        swapped.steps[i] = row->steps[i + 1];
        swapped.steps[i + 1] = row->steps[i];
        play(&swapped, whole, &got);
        check_findings(row, &got);
    }
}

static void check_row(void **state)
{
    const struct dialogue_row *row = *state;
    const struct cut whole = {STEPS_MAX, 0, false};
    const struct cut drip = {STEPS_MAX, 0, true};
    static struct record want, got;

    play(row, &whole, &want);
    check_findings(row, &want);
    play(row, &drip, &got);
    check_same(&got, &want);
    for (size_t step = 0; step < STEPS_MAX; step++) {
        if (row->steps[step].kind != STEP_BYTES)
            continue;
        for (size_t at = 1; at < row->steps[step].len; at++) {
            const struct cut cut = {step, at, false};

            play(row, &cut, &got);
            check_same(&got, &want);
        }
    }
    check_swaps(row, &whole);
}

static const struct dialogue_table *const tables[] = {
    &clean_dialogues,          &socks4_server_dialogues,
    &socks4_client_dialogues,  &socks5_server_dialogues,
    &socks5_client_dialogues,  &bind_dialogues,
    &udp_server_dialogues,     &udp_client_dialogues,
    &http_server_dialogues,    &http_client_dialogues,
    &http_head_dialogues,      &challenge_dialogues,
    &forward_server_dialogues, &forward_client_dialogues,
    &digest_client_dialogues,
};

static bool is_proven(enum requirement req, enum oracle_side side)
{
    for (size_t i = 0; i < LENGTH(tables); i++) {
        for (size_t k = 0; k < tables[i]->count; k++) {
            for (size_t n = 0; n < FINDS_MAX; n++) {
                const struct dialogue_find *f = &tables[i]->rows[k].finds[n];

                if (f->req == req && f->side == side)
                    return true;
            }
        }
    }
    return false;
}

/* Each rule is in the catalogue's hands, and some row makes it speak. */
static void check_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < oracle_rule_count(); i++) {
        const struct oracle_rule *rule = oracle_rule_at(i);
        const struct requirement_row *row = requirement_row(rule->req);

        assert_true(rule->accuses_client || rule->accuses_server);
        if ((rule->accuses_client && row->role == ROLE_SERVER) ||
            (rule->accuses_server && row->role == ROLE_CLIENT))
            fail_msg("%s is not the duty of that side", row->id);
        if ((rule->accuses_client && !is_proven(rule->req, SIDE_CLIENT)) ||
            (rule->accuses_server && !is_proven(rule->req, SIDE_SERVER)))
            fail_msg("no row shows the rule %s", row->id);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(oracle_rule_at(k)->req, rule->req);
    }
}

int main(void)
{
    const struct CMUnitTest rules[] = {cmocka_unit_test(check_rules)};
    int failed = cmocka_run_group_tests_name("rules", rules, NULL, NULL);

    for (size_t i = 0; i < LENGTH(tables); i++)
        failed += run_rows("dialogues", tables[i]->rows, tables[i]->count,
                           sizeof(struct dialogue_row), check_row);
    return failed;
}
