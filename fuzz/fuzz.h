#ifndef FUZZ_H
#define FUZZ_H

/*
 * fuzz: one file a target. Each asserts properties of its subject over any
 * input, through the one entry point that libFuzzer, AFL++ and the replay
 * share. A property that does not hold ends the program, as a sanitizer does.
 * Inputs are total: any octets mean something, and longer ones mean more.
 */

#include "px.h"

/* The engines' entry point; always 0. Keeps no state between inputs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A target's own mutation of data, which has room for max octets: returns how
 * many there are then. The engines use it where a target has one (mutator.h);
 * LLVMFuzzerMutate is libFuzzer's own, and NULL where it is not linked in.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
    __attribute__((weak));

/*
 * How far the last input came ("request done"): corpus/reached.tsv holds the
 * seeds to it, so that they do not rot. Static, replaced by the next input.
 */
const char *fuzz_reached(void);

/* Sets what fuzz_reached() tells. */
void fuzz_set_reached(const char *format, ...) PX_FORMAT(1, 2);

/* Appends to it. */
void fuzz_add_reached(const char *text);

/* Says what does not hold, and where in the target; aborts. */
#define FUZZ_REQUIRE(holds, ...)                                               \
    ((holds) ? (void)0 : fuzz_broken(__FILE__, __LINE__, __VA_ARGS__))
_Noreturn void fuzz_broken(const char *file, int line, const char *format, ...)
    PX_FORMAT(3, 4);

/* A copy in memory of exactly its length; freed with fuzz_drop(). */
struct px_bytes fuzz_copy(struct px_bytes bytes);
void fuzz_drop(struct px_bytes bytes);

/*
 * The input's octets, of which a growing prefix is addressable: the address
 * sanitizer sees each read past it, at no cost of a copy for each length.
 */
struct fuzz_view {
    uint8_t *octets;
    size_t len;
};

struct fuzz_view fuzz_view_new(struct px_bytes bytes);
struct px_bytes fuzz_view_prefix(const struct fuzz_view *view, size_t len);
void fuzz_view_free(struct fuzz_view *view);

/* Whether inner lies within outer; an empty run lies within everything. */
bool fuzz_is_within(struct px_bytes inner, struct px_bytes outer);

#endif
