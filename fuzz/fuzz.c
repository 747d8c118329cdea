#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What it offers is nothing where the address sanitizer is not compiled in. */
#include <sanitizer/asan_interface.h>

static char reached[512];

const char *fuzz_reached(void)
{
    return reached;
}

void fuzz_set_reached(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reached, sizeof(reached), format, args);
    va_end(args);
}

void fuzz_add_reached(const char *text)
{
    size_t len = strlen(reached);

    (void)snprintf(reached + len, sizeof(reached) - len, "%s", text);
}

void fuzz_broken(const char *file, int line, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s:%d: does not hold: ", file, line);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\nreached: %s\n", reached);
    abort();
}

static uint8_t *allocate(size_t len)
{
    uint8_t *octets = malloc(len);

    if (!octets) {
        (void)fputs("fuzz: out of memory\n", stderr);
        exit(2);
    }
    return octets;
}

struct px_bytes fuzz_copy(struct px_bytes bytes)
{
    uint8_t *octets;

    if (bytes.len == 0)
        return (struct px_bytes){0};
    octets = allocate(bytes.len);
    memcpy(octets, bytes.data, bytes.len);
    return px_bytes_of(octets, bytes.len);
}

void fuzz_drop(struct px_bytes bytes)
{
    free((void *)bytes.data);
}

/* Shadow memory tells octets apart only up to the end of a group of eight. */
static size_t whole_groups(size_t len)
{
    return (len + 8) & ~(size_t)7;
}

struct fuzz_view fuzz_view_new(struct px_bytes bytes)
{
    size_t size = whole_groups(bytes.len);
    struct fuzz_view view = {allocate(size), bytes.len};

    memset(view.octets, 0xEE, size);
    if (bytes.len)
        memcpy(view.octets, bytes.data, bytes.len);
    return view;
}

struct px_bytes fuzz_view_prefix(const struct fuzz_view *view, size_t len)
{
    size_t size = whole_groups(view->len);

    ASAN_UNPOISON_MEMORY_REGION(view->octets, size);
    ASAN_POISON_MEMORY_REGION(view->octets + len, size - len);
    return px_bytes_of(view->octets, len);
}

void fuzz_view_free(struct fuzz_view *view)
{
    ASAN_UNPOISON_MEMORY_REGION(view->octets, whole_groups(view->len));
    free(view->octets);
}

bool fuzz_is_within(struct px_bytes inner, struct px_bytes outer)
{
    if (inner.len == 0)
        return true;
    return inner.data >= outer.data && inner.len <= outer.len &&
           (size_t)(inner.data - outer.data) <= outer.len - inner.len;
}
