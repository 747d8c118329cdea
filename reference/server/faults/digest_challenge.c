/* Faults of asking for Digest credentials: RFC 7616 section 3.3. */

#include <string.h>

#include "faults/http.h"

/* Puts to in the place of from in every challenge of a 407. */
static enum fault_verdict swap_all(struct fault_memory *m,
                                   struct action *action, const char *from,
                                   const char *to)
{
    for (unsigned i = 0; i < DIGEST_ALGORITHMS && http_status(action) == 407;
         i++)
        faults_swap(m, action, from, to);
    return FAULT_PASS;
}

static enum fault_verdict always_stale(struct fault_memory *m,
                                       struct action *action)
{
    return swap_all(m, action, "charset=UTF-8\r\n",
                    "charset=UTF-8, stale=true\r\n");
}

static enum fault_verdict never_stale(struct fault_memory *m,
                                      struct action *action)
{
    return swap_all(m, action, ", stale=true", "");
}

static enum fault_verdict quoted_algorithm(struct fault_memory *m,
                                           struct action *action)
{
    if (http_status(action) == 407)
        faults_swap(m, action, "algorithm=MD5", "algorithm=\"MD5\"");
    return FAULT_PASS;
}

static enum fault_verdict bare_qop(struct fault_memory *m,
                                   struct action *action)
{
    return swap_all(m, action, "qop=\"auth\"", "qop=auth");
}

static enum fault_verdict no_qop(struct fault_memory *m, struct action *action)
{
    return swap_all(m, action, "qop=\"auth\", ", "");
}

static enum fault_verdict bare_realm(struct fault_memory *m,
                                     struct action *action)
{
    if (http_status(action) == 407)
        faults_swap(m, action, "Digest realm=\"proxyspec\"",
                    "Digest realm=proxyspec");
    return FAULT_PASS;
}

/* Two challenges of the same algorithm remain: the first one is answered. */
static enum fault_verdict no_nonce(struct fault_memory *m,
                                   struct action *action)
{
    if (http_status(action) == 407)
        http_add_field(m, action,
                       "Proxy-Authenticate: Digest realm=\"proxyspec\", "
                       "qop=\"auth\", algorithm=MD5\r\n");
    return FAULT_PASS;
}

static enum fault_verdict twice(struct fault_memory *m, struct action *action)
{
    return swap_all(m, action, "qop=\"auth\", ",
                    "qop=\"auth\", qop=\"auth\", ");
}

static enum fault_verdict constant_nonce(struct fault_memory *m,
                                         struct action *action)
{
    static const char mark[] = "nonce=\"";
    uint8_t *octets;

    if (http_status(action) != 407)
        return FAULT_PASS;
    octets = faults_take_action(m, action);
    for (size_t at = 0; at < action->send.data.len;) {
        struct px_bytes rest =
            px_bytes_of(octets + at, action->send.data.len - at);
        size_t found = faults_find(rest, mark);

        at += found + sizeof(mark) - 1;
        if (found < rest.len)
            memset(octets + at, '0', DIGEST_NONCE_LEN);
    }
    return FAULT_PASS;
}

#define ASKS(a_name, what, hook, ...)                                          \
    {                                                                          \
        .name = a_name, .summary = what, .proves = {__VA_ARGS__},              \
        .needs_auth = true, .on_action = hook,                                 \
    }

static const struct fault faults[] = {
    ASKS("digest-always-stale", "calls every nonce stale", always_stale,
         REQ_AUTH_DIGEST_STALE),
    ASKS("digest-never-stale", "never says that a nonce is stale", never_stale,
         REQ_AUTH_DIGEST_STALE),
    ASKS("digest-algorithm-quoted", "quotes the algorithm", quoted_algorithm,
         REQ_AUTH_DIGEST_QUOTING_CHALLENGE),
    ASKS("digest-qop-bare", "does not quote qop", bare_qop,
         REQ_AUTH_DIGEST_QUOTING_CHALLENGE),
    ASKS("digest-no-qop", "offers no qop", no_qop, REQ_AUTH_DIGEST_QOP_OFFER),
    ASKS("digest-realm-bare", "does not quote the realm", bare_realm,
         REQ_AUTH_REALM_QUOTED),
    ASKS("digest-no-nonce", "challenges without a nonce", no_nonce,
         REQ_AUTH_DIGEST_EXCHANGE),
    ASKS("digest-param-twice", "says a parameter twice", twice,
         REQ_AUTH_PARAM_ONCE),
    ASKS("digest-constant-nonce", "gives out one nonce for ever",
         constant_nonce, REQ_AUTH_DIGEST_NONCE_USE),
};

const struct fault_theme digest_challenge_faults = FAULT_THEME(faults);
