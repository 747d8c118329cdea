#ifndef FAULTS_VERSION4_H
#define FAULTS_VERSION4_H

/* What the faults of SOCKS4 and 4A share: requests and replies as octets. */

#include "faults/faults.h"

/* Where the fields of a request stand, and those of a reply. */
enum {
    SOCKS4_AT_CODE = 1, /* CD of both */
    SOCKS4_AT_PORT = 2,
    SOCKS4_AT_ADDR = 4,
    SOCKS4_AT_USER = 8,
};

/* Whether the event brings a client's first octets, and they are a request's,
 * whole or not; such octets are never shown to on_socks4 before. */
bool socks4_begins(const struct fault_memory *m, const struct event *event);

/* Whether these octets begin with a request that is not whole yet. */
bool socks4_is_part(struct px_bytes octets);

/* Whether the address of the request that m->in begins with is 4A's marker. */
bool socks4_has_marker(const uint8_t *request);

/* Where the user id ends, by its zero octet; len when it does not. */
size_t socks4_user_end(struct px_bytes octets);

/* Whether action sends a reply, a grant, a refusal. */
bool socks4_is_reply(const struct action *action);
bool socks4_grants(const struct action *action);
bool socks4_refuses(const struct action *action);

/* The code of the reply that action sends becomes this one. */
void socks4_set_code(struct fault_memory *m, struct action *action,
                     uint8_t code);

/* Whether the session refused the client for this reason. */
bool socks4_failed_for(const struct fault_memory *m, enum requirement req);

/* Answers with a refusal and closes; FAULT_DROP. */
enum fault_verdict socks4_refuse(struct fault_memory *m);

#endif
