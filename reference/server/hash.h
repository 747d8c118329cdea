#ifndef HASH_H
#define HASH_H

/* The hashes and random octets that the session asks for, by OpenSSL. */

#include "digest.h"

/* A digest_hash_fn; false when OpenSSL refuses or memory is short. */
digest_hash_fn hash_octets;

/* Fills out with octets that nobody can guess; false when there are none. */
PX_CHECKED bool hash_random(uint8_t *out, size_t len);

#endif
