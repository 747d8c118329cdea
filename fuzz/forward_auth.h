#ifndef FORWARD_AUTH_H
#define FORWARD_AUTH_H

/*
 * Credentials for the targets with sessions: what their clients send, and which
 * of it may let a request pass. RFC 7617 and RFC 7616 with a hash of its own,
 * so that nothing depends on a library; nonces are issued by the session's code
 * before the script begins, and judged here without it.
 */

#include "http1.h"
#include "session.h"

enum { FORWARD_NONCES = 4, FORWARD_USES = 256 };

struct forward_auth {
    bool is_asked; /* credentials are demanded */
    struct digest_config digest;
    char nonce[FORWARD_NONCES][DIGEST_NONCE_LEN + 1];
    /* Counts that requests passed with, and which nonce they were of. */
    struct {
        unsigned nonce, count;
    } used[FORWARD_USES];
    size_t uses;
};

/*
 * Makes cfg ask for credentials: Basic, with bit 0 of how also Digest, with bit
 * 1 Digest alone. start_ms is when the session starts.
 */
void forward_auth_open(struct forward_auth *a, unsigned how,
                       struct session_config *cfg, uint64_t start_ms);

/*
 * Writes the field line of credentials number x, for the last request line in
 * client: Basic right (1) and wrong (2); others are Digest, of which flaws says
 * bits 0-1 the nonce (two good ones, an old one, a forged one), bits 2-4 the
 * count, bit 5 the algorithm, bits 6-7 what is wrong besides: nothing, no
 * response, another URI, another user.
 */
void forward_auth_put(const struct forward_auth *a, unsigned x, unsigned flaws,
                      struct px_bytes client, struct px_writer *out);

/*
 * Why a request with this head has no right to be passed on, or NULL: with
 * credentials in another form than the one written here nothing is said.
 */
const char *forward_auth_refuses(const struct forward_auth *a,
                                 const struct http1_request_head *head);

/* Whether such a head has to be passed on: Digest in that form, of a request
 * whose target is the URI, with a count that is among the first. */
bool forward_auth_grants(const struct forward_auth *a,
                         const struct http1_request_head *head);

/* Notes that it was passed on: its count is used up. */
void forward_auth_use(struct forward_auth *a,
                      const struct http1_request_head *head);

#endif
