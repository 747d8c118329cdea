#ifndef SOCKS5_H
#define SOCKS5_H

/*
 * SOCKS version 5, RFC 1928 sections 3 to 7. Decoders refuse only where the
 * rest cannot be read (wrong VER, unknown ATYP); other odd values are decoded
 * as sent. Names and method lists borrow from the input. *used counts the
 * octets of the message. Encoders write what the struct says, odd or not, and
 * are false only for what the format cannot carry (a name over 255 octets, an
 * address kind without an ATYP).
 */

#include "px.h"

enum { SOCKS5_VERSION = 5 };

/* Section 3: METHOD values. */
enum socks5_method {
    SOCKS5_NO_AUTH = 0x00,
    SOCKS5_GSSAPI = 0x01,
    SOCKS5_USERPASS = 0x02,
    SOCKS5_NO_ACCEPTABLE = 0xFF,
};

/* Section 4: CMD values; the last two are Tor's extensions. */
enum socks5_command {
    SOCKS5_CONNECT = 0x01,
    SOCKS5_BIND = 0x02,
    SOCKS5_UDP_ASSOCIATE = 0x03,
    SOCKS5_TOR_RESOLVE = 0xF0,
    SOCKS5_TOR_RESOLVE_PTR = 0xF1,
};

/* Section 5: ATYP values. */
enum socks5_atyp {
    SOCKS5_IPV4 = 0x01,
    SOCKS5_NAME = 0x03,
    SOCKS5_IPV6 = 0x04,
};

/* Section 6: REP values. */
enum socks5_rep {
    SOCKS5_SUCCEEDED = 0x00,
    SOCKS5_GENERAL_FAILURE = 0x01,
    SOCKS5_NOT_ALLOWED = 0x02,
    SOCKS5_NETWORK_UNREACHABLE = 0x03,
    SOCKS5_HOST_UNREACHABLE = 0x04,
    SOCKS5_CONNECTION_REFUSED = 0x05,
    SOCKS5_TTL_EXPIRED = 0x06,
    SOCKS5_COMMAND_NOT_SUPPORTED = 0x07,
    SOCKS5_ATYP_NOT_SUPPORTED = 0x08,
};

enum {
    SOCKS5_GREETING_MAX = 2 + 255,
    SOCKS5_REQUEST_MAX = 4 + 1 + 255 + 2, /* a reply is as long */
};

/* Section 3: VER NMETHODS METHODS. */
struct socks5_greeting {
    struct px_bytes methods; /* borrowed; len is NMETHODS */
};

/* Section 3: VER METHOD. version is decoded as sent: the oracle judges it. */
struct socks5_selection {
    uint8_t version;
    uint8_t method;
};

/* Section 4: VER CMD RSV ATYP DST.ADDR DST.PORT. */
struct socks5_request {
    uint8_t command;
    uint8_t reserved;
    struct px_endpoint dst;
};

/* Section 6: VER REP RSV ATYP BND.ADDR BND.PORT. */
struct socks5_reply {
    uint8_t version; /* as sent */
    uint8_t rep;
    uint8_t reserved;
    struct px_endpoint bnd;
};

enum px_status socks5_decode_greeting(struct px_bytes in,
                                      struct socks5_greeting *out, size_t *used,
                                      struct px_error *err);
enum px_status socks5_decode_selection(struct px_bytes in,
                                       struct socks5_selection *out,
                                       size_t *used, struct px_error *err);
enum px_status socks5_decode_request(struct px_bytes in,
                                     struct socks5_request *out, size_t *used,
                                     struct px_error *err);
enum px_status socks5_decode_reply(struct px_bytes in, struct socks5_reply *out,
                                   size_t *used, struct px_error *err);

PX_CHECKED bool socks5_encode_greeting(const struct socks5_greeting *greeting,
                                       struct px_writer *out);
PX_CHECKED bool
socks5_encode_selection(const struct socks5_selection *selection,
                        struct px_writer *out);
PX_CHECKED bool socks5_encode_request(const struct socks5_request *request,
                                      struct px_writer *out);
PX_CHECKED bool socks5_encode_reply(const struct socks5_reply *reply,
                                    struct px_writer *out);

/*
 * Section 5: ATYP ADDR PORT, which requests, replies and the header of section
 * 7 end with. *out is written piece by piece, so that only PX_DONE makes it
 * whole; an unknown ATYP breaks socks5.request.atyp-unknown.
 */
enum px_status socks5_take_endpoint(struct px_cursor *c,
                                    struct px_endpoint *out,
                                    struct px_error *err);
PX_CHECKED bool socks5_put_endpoint(struct px_writer *out,
                                    const struct px_endpoint *endpoint);

/* "succeeded", "connection refused" …; "unassigned" for the rest. Static. */
const char *socks5_rep_name(uint8_t rep);
/* "no authentication", "user name and password" …; static. */
const char *socks5_method_name(uint8_t method);
/* "CONNECT", "BIND", "UDP ASSOCIATE" …; "unassigned" for the rest. Static. */
const char *socks5_command_name(uint8_t command);

#endif
