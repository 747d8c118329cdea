#ifndef DIGEST_H
#define DIGEST_H

/*
 * digest: HTTP Digest as a proxy asks for it, RFC 7616: qop "auth", MD5 and
 * SHA-256, nonces that age, and nonce counts that count once. Hashes, secrets
 * and the clock are the caller's. A nonce proves itself by a keyed hash; what
 * is remembered are the counts of nonces that right credentials came with.
 */

#include "http1.h"
#include "px.h"

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALGORITHMS };

enum {
    DIGEST_HASH_MAX = 32, /* octets: MD5 has 16, SHA-256 has 32 */
    DIGEST_NONCES_MAX = 1024,
    DIGEST_NONCE_LEN = 64, /* of its text */
};

/*
 * Hashes the parts one behind the other to out, as many octets as the
 * algorithm has. False when it cannot: then nobody is let in.
 */
typedef bool digest_hash_fn(enum digest_algorithm algorithm,
                            const struct px_bytes *parts, size_t count,
                            uint8_t out[DIGEST_HASH_MAX]);

/* The password of a user, borrowed as long as ctx; false: there is none. */
typedef bool digest_password_fn(const void *ctx, struct px_bytes user,
                                struct px_bytes *password);

/* A nonce that was used: counts from highest - 63 to highest, by bit. */
struct digest_nonce {
    uint64_t serial; /* 0: free */
    uint64_t seen;   /* bit i: highest - i */
    uint32_t highest;
};

/* What all sessions of a proxy share; zeroed at first. */
struct digest_memory {
    uint64_t issued;    /* serial of the newest nonce */
    uint64_t forgotten; /* the highest serial that had to make room */
    struct digest_nonce used[DIGEST_NONCES_MAX];
};

struct digest_config {
    unsigned algorithms; /* that are offered: a bit for each, 1 << DIGEST_MD5 */
    digest_hash_fn *hash;
    digest_password_fn *password;
    const void *password_ctx;
    struct px_bytes key;    /* octets that nobody can guess */
    struct px_bytes opaque; /* comes back as it is; empty: not sent */
    struct digest_memory *memory;
    uint32_t nonce_life_ms;
};

enum digest_verdict {
    DIGEST_RIGHT,
    DIGEST_WRONG,     /* or another realm, user or algorithm */
    DIGEST_STALE,     /* right, but the nonce is unknown or old, or its count
                         was seen before (RFC 7616 section 3.3) */
    DIGEST_MALFORMED, /* a parameter is missing, doubled or improper, or uri
                         is not the request's (sections 3.4 and 3.4.6) */
};

/*
 * Judges the parameters of Digest credentials that line came with; a right
 * one uses up its nonce count. Unknown parameters are ignored.
 */
enum digest_verdict digest_judge(const struct digest_config *cfg,
                                 struct px_bytes realm,
                                 const struct http1_request_line *line,
                                 struct px_bytes params, uint64_t now_ms);

/*
 * Writes a challenge with a fresh nonce: "Digest " and its parameters. False,
 * and nothing useful written, when the hash failed.
 */
PX_CHECKED bool digest_put_challenge(const struct digest_config *cfg,
                                     enum digest_algorithm algorithm,
                                     struct px_bytes realm,
                                     enum digest_verdict verdict,
                                     uint64_t now_ms, struct px_writer *out);

#endif
