/* Scripts: what a side sends in neighbouring steps is one text, which is taken
 * out, changed, and put back in steps that bring it as it is. */
#include <string.h>

#include "mutator.h"

enum { STEPS_MAX = 256, TEXT_MAX = 2048, SOME_MAX = 15, COUNTED_MAX = 255 };

/* Steps that follow each other and send octets of one side. */
struct run {
    size_t begin, end; /* in the input */
    enum mutator_side side;
    uint8_t octets[TEXT_MAX];
    size_t len;
};

/* Where the steps of an input begin, and where the last one ends. */
struct steps {
    size_t at[STEPS_MAX + 1];
    size_t count;
};

static struct px_bytes rest_of(const struct mutator_text *input, size_t at)
{
    return px_bytes_of(input->octets + at, input->len - at);
}

static void find_steps(const struct mutator_text *input,
                       const struct mutator_script *script, struct steps *out)
{
    struct mutator_step step;
    size_t at = script->config, len;

    out->count = 0;
    while (at < input->len && out->count < STEPS_MAX &&
           script->read(rest_of(input, at), &step, &len)) {
        out->at[out->count++] = at;
        at += len;
    }
    out->at[out->count] = at;
}

/* The run that the step at at begins; empty when it sends nothing, or more
 * than a text may be. */
static void take_run(const struct mutator_text *input,
                     const struct mutator_script *script, size_t at,
                     struct run *out)
{
    struct mutator_step step;
    size_t len;

    out->begin = out->end = at;
    out->len = 0;
    while (out->end < input->len &&
           script->read(rest_of(input, out->end), &step, &len) &&
           step.data.len && step.data.len <= TEXT_MAX - out->len &&
           (out->len == 0 || step.side == out->side)) {
        out->side = step.side;
        memcpy(out->octets + out->len, step.data.data, step.data.len);
        out->len += step.data.len;
        out->end += len;
    }
}

/* Text as steps of its side. */
static void put_run(const struct mutator_script *script, enum mutator_side side,
                    struct px_bytes text, struct px_writer *out)
{
    bool is_counted = script->side[side].is_counted;

    while (text.len) {
        size_t max = is_counted && text.len > SOME_MAX ? COUNTED_MAX : SOME_MAX;
        size_t len = text.len < max ? text.len : max;

        if (len > SOME_MAX) {
            px_put_u8(out, script->side[side].counted);
            px_put_u8(out, (uint8_t)len);
        } else {
            px_put_u8(out, (uint8_t)(len << 4 | script->side[side].some));
        }
        px_put_bytes(out, px_bytes_of(text.data, len));
        text = px_bytes_of(text.data + len, text.len - len);
    }
}

static void change_octets(struct mutator_text *input,
                          const struct mutator_script *script, size_t at,
                          struct mutator_dice *dice)
{
    static struct run run;
    uint8_t steps[2 * TEXT_MAX];
    struct px_writer out = px_writer_over(steps, sizeof(steps));
    struct mutator_text text = {run.octets, 0, TEXT_MAX};
    size_t cut;

    take_run(input, script, at, &run);
    if (run.len == 0)
        return;
    text.len = run.len;
    mutator_change_http(&text, MUTATOR_MESSAGES, dice);
    cut = mutator_throw(dice, 4) ? text.len : mutator_throw(dice, text.len + 1);
    put_run(script, run.side, px_bytes_of(text.octets, cut), &out);
    put_run(script, run.side, px_bytes_of(text.octets + cut, text.len - cut),
            &out);
    if (!out.is_full)
        (void)mutator_splice(input, run.begin, run.end - run.begin,
                             px_written(&out));
}

/* A step is repeated elsewhere, moves, goes, or a new one comes. */
static void change_order(struct mutator_text *input, const struct steps *steps,
                         size_t i, struct mutator_dice *dice)
{
    size_t begin = steps->at[i], len = steps->at[i + 1] - begin;
    size_t to = steps->at[mutator_throw(dice, steps->count + 1)];
    uint8_t copy[2 + COUNTED_MAX];

    if (len > sizeof(copy))
        return;
    memcpy(copy, input->octets + begin, len);
    switch (mutator_throw(dice, 4)) {
    case 0:
        (void)mutator_splice(input, to, 0, px_bytes_of(copy, len));
        break;
    case 1:
        (void)mutator_splice(input, begin, len, (struct px_bytes){0});
        if (to > begin)
            to -= len;
        (void)mutator_splice(input, to, 0, px_bytes_of(copy, len));
        break;
    case 2:
        (void)mutator_splice(input, begin, len, (struct px_bytes){0});
        break;
    default:
        copy[0] = (uint8_t)mutator_throw(dice, 256);
        (void)mutator_splice(input, to, 0, px_bytes_of(copy, 1));
        break;
    }
}

void mutator_change_script(struct mutator_text *input,
                           const struct mutator_script *script,
                           struct mutator_dice *dice)
{
    struct steps steps;
    size_t i;

    if (input->len <= script->config)
        return;
    find_steps(input, script, &steps);
    if (steps.count == 0)
        return;
    i = mutator_throw(dice, steps.count);
    if (mutator_throw(dice, 4))
        change_octets(input, script, steps.at[i], dice);
    else
        change_order(input, &steps, i, dice);
}
