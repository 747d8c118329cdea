/*
 * Tor's extensions of SOCKS5, section 2 of its socks-extensions: RESOLVE gives
 * the address of a name, RESOLVE_PTR the name of an address, and the
 * connection ends with the reply. Its port means nothing.
 */

#include "destination.h"
#include "session_internal.h"
#include "socks5.h"

bool session_is_tor_command(const struct session *s, uint8_t command)
{
    return s->cfg->is_tor &&
           (command == SOCKS5_TOR_RESOLVE || command == SOCKS5_TOR_RESOLVE_PTR);
}

bool session_request_tor(struct session *s,
                         const struct socks5_request *request)
{
    const struct px_address *addr = &request->dst.addr;
    bool is_name = addr->kind == PX_ADDRESS_NAME;
    struct px_error err;

    if (!destination_is_nameable(addr, &err))
        return session_refuse(s, SOCKS5_GENERAL_FAILURE, &err);
    if (request->command == SOCKS5_TOR_RESOLVE_PTR && is_name) {
        (void)px_refuse(&err, REQ_TOR_RESOLVE_REVERSE, 3,
                        "RESOLVE_PTR of a name");
        return session_refuse(s, SOCKS5_ATYP_NOT_SUPPORTED, &err);
    }
    if (request->command == SOCKS5_TOR_RESOLVE && !is_name)
        session_resolved(s, addr); /* an address is its own */
    else
        session_ask(s, ACTION_RESOLVE, &request->dst);
    return false;
}

void session_resolved(struct session *s, const struct px_address *answer)
{
    const struct px_endpoint bnd = {.addr = *answer};

    session_reply(s, SOCKS5_SUCCEEDED, &bnd);
    session_finish(s);
}
