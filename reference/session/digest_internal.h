#ifndef DIGEST_INTERNAL_H
#define DIGEST_INTERNAL_H

/* What the files of digest share; nobody else includes it. */

#include "digest.h"

/* Writes the text of a nonce that was never used; false: the hash failed. */
PX_CHECKED bool digest_new_nonce(const struct digest_config *cfg,
                                 uint64_t now_ms,
                                 uint8_t out[DIGEST_NONCE_LEN]);

/*
 * Counts a use of this nonce; false when it is none of ours, too old, or when
 * the count was seen before or can no longer be told from one that was.
 */
PX_CHECKED bool digest_use_nonce(const struct digest_config *cfg,
                                 struct px_bytes nonce, uint32_t count,
                                 uint64_t now_ms);

#endif
