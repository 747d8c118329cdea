#include "alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The linker's names for the real functions and for those that replace them. */
void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
char *__real_strdup(const char *text);
void __real_free(void *mem);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
char *__wrap_strdup(const char *text);
void __wrap_free(void *mem);

/* The project has threads. */
static atomic_ulong until_failure; /* 0: none is to fail */
static atomic_bool has_failed;
static atomic_long held;
static atomic_long peak;

void alloc_fail_at(unsigned long n)
{
    has_failed = false;
    until_failure = n;
}

bool alloc_has_failed(void)
{
    return has_failed;
}

long alloc_held(void)
{
    return held;
}

long alloc_peak(void)
{
    return peak;
}

void alloc_reset_peak(void)
{
    peak = alloc_held();
}

static bool is_to_fail(void)
{
    unsigned long left = until_failure;

    while (left > 0 &&
           !atomic_compare_exchange_weak(&until_failure, &left, left - 1))
        continue;
    if (left != 1)
        return false;
    has_failed = true;
    return true;
}

static void *count_in(void *mem)
{
    long size = mem ? (long)malloc_usable_size(mem) : 0;
    long now = atomic_fetch_add(&held, size) + size;
    long most = peak;

    while (most < now && !atomic_compare_exchange_weak(&peak, &most, now))
        continue;
    return mem;
}

static void count_out(void *mem)
{
    if (mem)
        held -= (long)malloc_usable_size(mem);
}

void *__wrap_malloc(size_t len)
{
    return is_to_fail() ? NULL : count_in(__real_malloc(len));
}

void *__wrap_calloc(size_t count, size_t len)
{
    return is_to_fail() ? NULL : count_in(__real_calloc(count, len));
}

void *__wrap_realloc(void *old, size_t len)
{
    long before = old ? (long)malloc_usable_size(old) : 0;
    void *mem;

    if (is_to_fail())
        return NULL;
    mem = __real_realloc(old, len);
    if (mem)
        held -= before;
    return count_in(mem);
}

char *__wrap_strdup(const char *text)
{
    return is_to_fail() ? NULL : count_in(__real_strdup(text));
}

void __wrap_free(void *mem)
{
    count_out(mem);
    __real_free(mem);
}
