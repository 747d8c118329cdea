/*
 * Tor's extensions of SOCKS5, section 2 of its socks-extensions: RESOLVE gives
 * the address of a name, RESOLVE_PTR the name of an address, and the
 * connection ends with the reply. Its port means nothing. Below that, what the
 * port of Tor's own daemon does besides: sections 1.1 and 4, and the proposals
 * 304 (replies) and 351 (user names).
 */

#include <string.h>

#include "destination.h"
#include "session_internal.h"
#include "socks5.h"
#include "userpass.h"

enum {
    /* Proposal 304: nothing is known of this service; no service can be
     * called so. */
    REP_NO_DESCRIPTOR = 0xF0,
    REP_BAD_ADDRESS = 0xF6,
    /* A service's name: base32 of 35 octets, of which the last one is the
     * version, 3. */
    ONION_LABEL_LEN = 56,
};

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
    uint8_t rep;

    if (!destination_is_nameable(addr, &err))
        return session_refuse(s, SOCKS5_GENERAL_FAILURE, &err);
    if (session_tor_is_onion(s, addr, &rep, &err)) /* it has no address */
        return session_refuse(s, SOCKS5_HOST_UNREACHABLE, &err);
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

/* Section 4: a first octet that begins a method of HTTP. */
bool session_tor_answers_http(struct session *s)
{
    static const uint8_t first[] = {'G', 'H', 'P'};
    static const char page[] =
        "HTTP/1.0 501 Not an HTTP proxy\r\n"
        "Content-Type: text/html; charset=us-ascii\r\n"
        "Connection: close\r\n"
        "\r\n"
        "<!DOCTYPE html>\n"
        "<title>A SOCKS port</title>\n"
        "<p>This is the SOCKS port of a test double of Tor. It was taken for "
        "an HTTP proxy: name it as a SOCKS proxy instead.\n";
    struct px_error err;

    if (!s->cfg->is_tor_port || s->in_len == 0 ||
        !memchr(first, s->in[0], sizeof(first)))
        return false;
    session_send_octets(s, ACTION_SEND_CLIENT,
                        px_bytes_of(page, sizeof(page) - 1),
                        MESSAGE_HTTP_RESPONSE);
    (void)px_refuse(&err, REQ_TOR_HTTP_HINT, 0, "HTTP on a SOCKS port");
    session_fail(s, &err);
    return true;
}

/* Section 1.1: they keep streams apart, so they are wanted of who has some. */
bool session_tor_wants_userpass(const struct session *s,
                                struct px_bytes methods)
{
    return s->cfg->is_tor_port && methods.len &&
           memchr(methods.data, SOCKS5_USERPASS, methods.len);
}

/* Section 1.1: they may come although 00 was selected, but not twice. */
bool session_tor_has_unasked(const struct session *s)
{
    return s->cfg->is_tor_port && !s->has_credentials && s->in_len &&
           s->in[0] == USERPASS_VERSION;
}

/*
 * Section 1.1: anything keeps streams apart, the empty name too. Proposal 351:
 * a name that begins so says in the next octet what it is, and of format 0,
 * the only one here, that octet is the end.
 */
bool session_tor_denies(const struct userpass_request *request,
                        struct px_error *err)
{
    static const char prefix[] = "<torS0X>";
    const size_t len = sizeof(prefix) - 1;
    struct px_bytes user = request->user;

    if (user.len < len || memcmp(user.data, prefix, len) != 0 ||
        (user.len == len + 1 && user.data[len] == '0'))
        return false;
    (void)px_refuse(err, REQ_TOR_USERPASS_EXTENDED, 2,
                    "a user name of an unknown format");
    return true;
}

/* Whether name is under .onion, and what stands before that, up to a dot. */
static bool take_onion(struct px_bytes name, struct px_bytes *label)
{
    const struct px_bytes onion = PX_LITERAL(".onion");
    size_t end, at;

    if (name.len < onion.len ||
        !px_equal_nocase(
            px_bytes_of(name.data + name.len - onion.len, onion.len), onion))
        return false;
    end = name.len - onion.len;
    for (at = end; at > 0 && name.data[at - 1] != '.'; at--)
        ;
    *label = px_bytes_of(name.data + at, end - at);
    return true;
}

/* Letters of any case; 03 in the last of the octets makes it end in "d". */
static bool is_onion_label(struct px_bytes label)
{
    static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    if (label.len != ONION_LABEL_LEN)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!memchr(base32, label.data[i], sizeof(base32) - 1))
            return false;
    }
    return (label.data[label.len - 1] | 0x20) == 'd';
}

/*
 * Proposal 304. There is no network of onion services behind this port: what
 * could be one is not found. The checksum in its name is not looked at.
 */
bool session_tor_is_onion(const struct session *s,
                          const struct px_address *addr, uint8_t *rep,
                          struct px_error *err)
{
    struct px_bytes label;

    if (!s->cfg->is_tor_port || addr->kind != PX_ADDRESS_NAME ||
        !take_onion(addr->name, &label))
        return false;
    *rep = is_onion_label(label) ? REP_NO_DESCRIPTOR : REP_BAD_ADDRESS;
    (void)px_refuse(err, REQ_TOR_REPLY_EXTENDED, 4,
                    *rep == REP_BAD_ADDRESS ? "no onion service has this name"
                                            : "an unknown onion service");
    return true;
}
