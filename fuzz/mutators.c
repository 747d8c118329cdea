/* Which target's inputs are changed in which way. */
#include <string.h>

#include "forward_script.h"
#include "fuzz.h"
#include "mutator.h"
#include "session_script.h"

static bool read_session(struct px_bytes in, struct mutator_step *out,
                         size_t *len)
{
    static struct script script; /* canned octets outlive the call in it */
    struct step step;

    script = (struct script){.in = px_cursor_over(in), .is_http = true};
    if (!script_next(&script, &step))
        return false;
    *out = (struct mutator_step){.side = step.kind == STEP_CLIENT_DATA ||
                                                 step.kind == STEP_CREDENTIALS
                                             ? MUTATOR_CLIENT
                                             : MUTATOR_TARGET};
    if (step.kind == STEP_CLIENT_DATA || step.kind == STEP_UPSTREAM_DATA)
        out->data = step.data;
    *len = px_cursor_used(&script.in);
    return true;
}

static bool read_forward(struct px_bytes in, struct mutator_step *out,
                         size_t *len)
{
    struct px_cursor cursor = px_cursor_over(in);
    struct forward_step step;

    if (!forward_next_step(&cursor, &step))
        return false;
    *out = (struct mutator_step){.data = step.data,
                                 .side = step.kind == FORWARD_STEP_CLIENT
                                             ? MUTATOR_CLIENT
                                             : MUTATOR_TARGET};
    *len = px_cursor_used(&cursor);
    return true;
}

static const struct mutator_script session_script = {
    .config = 1,
    .side = {[MUTATOR_CLIENT] = {0x0, true, 0x1},
             [MUTATOR_TARGET] = {0x8, false, 0}},
    .read = read_session,
};

static const struct mutator_script forward_script = {
    .side = {[MUTATOR_CLIENT] = {0x0, true, 0x1},
             [MUTATOR_TARGET] = {0xF, true, 0x8}},
    .read = read_forward,
};

/* An input whose octets behind the first one are a text, where the first one
 * says so: its remainder is below texts. */
struct format {
    const char *target;
    const struct mutator_script *script; /* or else: */
    enum mutator_kind kind;
    uint8_t kinds, texts;
    uint8_t http; /* bits of a script's first octet that say HTTP */
};

static const struct format formats[] = {
    {"chunked", NULL, MUTATOR_CHUNKS, 2, 1, 0},
    {"http1", NULL, MUTATOR_MESSAGES, 6, 2, 0},
    {"parser", NULL, MUTATOR_MESSAGES, 1, 1, 0},
    {"forward", &forward_script, MUTATOR_MESSAGES, 0, 0, 0},
    {"session", &session_script, MUTATOR_MESSAGES, 0, 0, 1},
};

static const struct format *format_of(const char *target)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].target, target) == 0)
            return &formats[i];
    }
    return NULL;
}

/* 0: there is nothing to be changed. */
static size_t change(const struct format *format, uint8_t *data, size_t size,
                     size_t max, struct mutator_dice *dice)
{
    struct mutator_text text = {data, size, max};

    if (format->http && (size == 0 || !(data[0] & format->http)))
        return 0;
    if (format->script) {
        mutator_change_script(&text, format->script, dice);
        return text.len;
    }
    if (size == 0 || data[0] % format->kinds >= format->texts)
        return 0;
    text = (struct mutator_text){data + 1, size - 1, max - 1};
    mutator_change_http(&text, format->kind, dice);
    return text.len + 1;
}

size_t mutator_mutate(const char *target, uint8_t *data, size_t size,
                      size_t max, unsigned seed)
{
    struct mutator_dice dice = {seed};
    const struct format *format = format_of(target);
    bool has_engine = LLVMFuzzerMutate != NULL;
    size_t len = 0;

    if (format && (!has_engine || mutator_throw(&dice, 2)))
        len = change(format, data, size, max, &dice);
    if (len)
        return len;
    return has_engine ? LLVMFuzzerMutate(data, size, max) : size;
}

bool mutator_is_for(const char *target)
{
    return format_of(target) != NULL;
}
