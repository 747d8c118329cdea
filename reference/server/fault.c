#include "fault.h"

#include <assert.h>
#include <string.h>

#include "faults/faults.h"

/* The theme of every file in faults/, by the Makefile. */
static const struct fault_theme *const themes[] = {
#define THEME(name) &(name),
#include "fault_themes.h"
#undef THEME
};

enum { THEME_COUNT = sizeof(themes) / sizeof(themes[0]) };

static enum fault_verdict show_message(fault_event_fn *hook,
                                       struct fault_memory *memory,
                                       struct event *event)
{
    return hook ? hook(memory, event) : FAULT_PASS;
}

enum fault_verdict fault_show(const struct fault *fault,
                              struct fault_memory *memory, struct event *event)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (fault->on_event)
        verdict = fault->on_event(memory, event);
    if (verdict != FAULT_PASS || (!fault->on_message && !fault->on_socks4))
        return verdict;
    switch (faults_gather(memory, event)) {
    case FAULTS_WHOLE:
        return show_message(fault->on_message, memory, event);
    case FAULTS_SOCKS4:
        return show_message(fault->on_socks4, memory, event);
    case FAULTS_HELD:
        return FAULT_DROP;
    case FAULTS_OTHER:
        break;
    }
    return FAULT_PASS;
}

enum forward_verdict fault_tap(void *ctx, struct forward_part *part)
{
    struct fault_memory *memory = ctx;

    return memory->fault->on_forward(memory, part);
}

size_t fault_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < THEME_COUNT; i++)
        count += themes[i]->count;
    return count;
}

const struct fault *fault_at(size_t i)
{
    size_t theme = 0;

    while (theme < THEME_COUNT && i >= themes[theme]->count)
        i -= themes[theme++]->count;
    assert(theme < THEME_COUNT);
    return &themes[theme]->faults[i];
}

const struct fault *fault_by_name(const char *name)
{
    for (size_t i = 0; i < fault_count(); i++) {
        if (strcmp(fault_at(i)->name, name) == 0)
            return fault_at(i);
    }
    return NULL;
}
