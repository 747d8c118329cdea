#ifndef AFL_MUTATOR_H
#define AFL_MUTATOR_H

/*
 * The targets' own mutations for AFL++, which does not call a target's
 * LLVMFuzzerCustomMutator: a library that it loads beside its own mutations
 * (AFL_CUSTOM_MUTATOR_LIBRARY, and docs/custom_mutators.md there). FUZZ_TARGET
 * in the environment names the target; for one without mutations of its own
 * nothing is done.
 */

#include <stddef.h>
#include <stdint.h>

/* The mutator, on the heap, or NULL; engine is not looked at. */
void *afl_custom_init(void *engine, unsigned seed);
void afl_custom_deinit(void *data);

/* How many mutants of this input are wanted; 0: this stage is passed over. */
unsigned afl_custom_fuzz_count(void *data, const uint8_t *octets, size_t len);

/*
 * A mutant of octets, at most max long, in *out, which stays until the next
 * call; its length, or 0 for none. The other input is not used.
 */
size_t afl_custom_fuzz(void *data, const uint8_t *octets, size_t len,
                       uint8_t **out, const uint8_t *other, size_t other_len,
                       size_t max);

#endif
