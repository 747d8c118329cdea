#ifndef TLS_H
#define TLS_H

/*
 * TLS (RFC 8446, 5246) as a filter between octets and octets, with OpenSSL: no
 * socket, so that libuv keeps reading and writing. What the peer sent goes in
 * with tls_feed(), plaintext comes out of tls_take(); plaintext goes in with
 * tls_give(), what the peer is to get is tls_output(). After every call look at
 * tls_output() and tls_state().
 */

#include "px.h"

struct tls_context; /* certificates and settings, shared by connections */
struct tls;         /* one connection */

enum tls_state {
    TLS_HANDSHAKE, /* no plaintext can pass yet */
    TLS_OPEN,
    TLS_ENDED,  /* the peer's close_notify came (RFC 8446, 6.1) */
    TLS_FAILED, /* tls_why() says why; tls_output() may hold an alert */
};

/*
 * For clients. Peers are verified against the certificates of ca_file (PEM),
 * or the system's when it is NULL; with is_insecure not at all. NULL with one
 * line in why when the file cannot be used.
 */
struct tls_context *tls_context_client(const char *ca_file, bool is_insecure,
                                       char *why, size_t why_size);

/* For servers: a certificate chain and its key, both PEM; NULL as above. */
struct tls_context *tls_context_server(const char *cert_file,
                                       const char *key_file, char *why,
                                       size_t why_size);

/* Connections that still use it keep what they need; NULL has no effect. */
void tls_context_free(struct tls_context *context);

/*
 * Begins a connection; NULL when memory is short. host is who a client means to
 * talk to, a name or an address, borrowed: it is sent (names only, RFC 6066
 * section 3) and verified. A server gives NULL.
 */
struct tls *tls_new(const struct tls_context *context, const char *host);
void tls_free(struct tls *tls); /* NULL has no effect */

enum tls_state tls_state(const struct tls *tls);

/* Why it failed, one line; "" while it did not. */
const char *tls_why(const struct tls *tls);

/* Octets that came. False when memory is short. */
PX_CHECKED bool tls_feed(struct tls *tls, struct px_bytes cipher);

/* Up to cap octets of plaintext into buf; 0 when there are none now. */
size_t tls_take(struct tls *tls, uint8_t *buf, size_t cap);

/* Plaintext to encrypt, in TLS_OPEN or TLS_ENDED. False when it failed. */
PX_CHECKED bool tls_give(struct tls *tls, struct px_bytes plain);

/* close_notify: no more plaintext will be given; again has no effect. */
void tls_end(struct tls *tls);

/* Octets to send, valid until the next call; tls_sent() drops them. */
struct px_bytes tls_output(const struct tls *tls);
void tls_sent(struct tls *tls);

#endif
