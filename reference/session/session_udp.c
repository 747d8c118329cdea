/* SOCKS5's UDP ASSOCIATE, as far as TCP goes: RFC 1928 section 6. */

#include "session_internal.h"
#include "socks5.h"

bool session_is_udp_command(const struct session *s, uint8_t command)
{
    return command == SOCKS5_UDP_ASSOCIATE && !s->cfg->has_no_udp;
}

/* Any address and port will do, since the client need not know its own. */
bool session_request_udp(struct session *s,
                         const struct socks5_request *request)
{
    session_ask(s, ACTION_ASSOCIATE, &request->dst);
    return false;
}

/*
 * "A UDP association terminates when the TCP connection that the UDP
 * ASSOCIATE request arrived on terminates": there is none for a client whose
 * end has come already.
 */
void session_associated(struct session *s, const struct px_endpoint *relay)
{
    struct px_error err;

    if (s->is_client_ended) {
        (void)px_refuse(&err, REQ_SOCKS5_UDP_TCP_LIFETIME, 0,
                        "the client ended before its association began");
        (void)session_refuse(s, SOCKS5_GENERAL_FAILURE, &err);
        return;
    }
    s->in_len = 0;
    session_reply(s, SOCKS5_SUCCEEDED, relay);
    session_arm(s, SESSION_NEVER);
    session_enter(s, SESSION_ASSOCIATED);
}
