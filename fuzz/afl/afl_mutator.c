#include "afl_mutator.h"

#include <stdlib.h>
#include <string.h>

#include "mutator.h"

enum {
    MUTANT_MAX = 4096, /* as long as inputs get under libFuzzer */
    MUTANTS = 128,     /* of an input, each time that AFL++ takes it up */
};

struct mutator {
    const char *target;
    struct mutator_dice dice;
    uint8_t octets[MUTANT_MAX];
};

void *afl_custom_init(void *engine, unsigned seed)
{
    struct mutator *m = calloc(1, sizeof(*m));

    (void)engine;
    if (!m)
        return NULL;
    m->dice.state = seed;
    m->target = getenv("FUZZ_TARGET");
    return m;
}

unsigned afl_custom_fuzz_count(void *data, const uint8_t *octets, size_t len)
{
    const struct mutator *m = data;

    (void)octets;
    return m->target && mutator_is_for(m->target) && len && len <= MUTANT_MAX
               ? MUTANTS
               : 0;
}

size_t afl_custom_fuzz(void *data, const uint8_t *octets, size_t len,
                       uint8_t **out, const uint8_t *other, size_t other_len,
                       size_t max)
{
    struct mutator *m = data;
    size_t room = max < MUTANT_MAX ? max : MUTANT_MAX, got;
    unsigned seed = (unsigned)mutator_throw(&m->dice, 1u << 31);

    (void)other;
    (void)other_len;
    *out = m->octets;
    if (len > room)
        return 0;
    memcpy(m->octets, octets, len);
    got = mutator_mutate(m->target, m->octets, len, room, seed);
    return got == len && memcmp(m->octets, octets, len) == 0 ? 0 : got;
}

void afl_custom_deinit(void *data)
{
    free(data);
}
