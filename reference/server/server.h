#ifndef SERVER_H
#define SERVER_H

/*
 * server: carries a session's actions out with libuv: listens, dials with
 * name resolution and address fallback, relays with backpressure and
 * half-close, awaits the peers of BIND, relays the datagrams of UDP
 * associations, keeps time. One loop, one thread. Faults (fault.h) sit between
 * session and sockets.
 */

#include <sys/socket.h>
#include <uv.h>

#include "fault.h"
#include "session.h"

struct server; /* a running reference proxy */

/* What HTTP clients are asked for; SOCKS knows only user and password. */
enum server_auth { SERVER_BASIC, SERVER_DIGEST, SERVER_BASIC_OR_DIGEST };

struct server_config {
    struct sockaddr_storage socks; /* ss_family 0: no SOCKS listener */
    struct sockaddr_storage http;  /* ss_family 0: no HTTP listener */
    struct sockaddr_storage https; /* HTTP over TLS; ss_family 0: none */
    const char *cert_file;         /* with https: PEM files, read at once */
    const char *key_file;
    const char *user; /* NULL: no authentication is asked for */
    const char *password;
    enum server_auth auth;
    unsigned digest_algorithms;    /* digest_config's; 0: all */
    uint32_t digest_nonce_life_ms; /* 0: 5 min */
    bool has_no_udp;               /* UDP ASSOCIATE is refused */
    bool has_no_fragments;   /* fragments of datagrams are not reassembled */
    bool has_no_forward;     /* HTTP: CONNECT only */
    bool is_ftp_gateway;     /* HTTP: ftp URIs are fetched */
    const char *pseudonym;   /* in Via, up to 31 octets; NULL: a random one */
    bool is_tor;             /* Tor's RESOLVE and RESOLVE_PTR are served */
    bool is_tor_port;        /* and the SOCKS listener is as Tor's: no BIND, no
                                UDP, any credentials (user and password are
                                HTTP's alone), see session_config */
    const char *identd_user; /* SOCKS4: this user id is served once the identd
                                of the client's host says the same; NULL: nobody
                                is asked */
    const char *const *deny; /* rules (access.h): deny_count of them, up to
                                ACCESS_RULES_MAX; what they describe is denied
                                to everybody */
    size_t deny_count;
    bool has_no_splice;        /* tunnels are relayed through buffers only */
    uint64_t splice_from;      /* else by the system once a tunnel has relayed
                                  that much; 0: server_default_splice_from */
    const struct fault *fault; /* NULL: behave */
    unsigned max_connections;  /* 0: server_default_max_connections */
    uint32_t handshake_timeout_ms; /* 0: 10 s */
    uint32_t dial_timeout_ms;      /* 0: 30 s */
    uint32_t bind_timeout_ms;      /* 0: 2 min, as SOCKS4's memo has it */
    uint32_t response_timeout_ms;  /* 0: 30 s; for an origin, or a client in
                                      its request, that says nothing */
    uint32_t stall_timeout_ms;     /* 0: 30 s; how long what is left of a
                                      connection that is over is kept for a
                                      peer that reads nothing of it */
};

enum {
    server_default_max_connections = 10000,
    server_default_splice_from = 128 * 1024,
};

/*
 * Binds, listens and serves on loop. cfg and its strings are copied. NULL
 * with *err set when an address cannot be bound or a rule is none. The caller
 * runs the loop, and has to ignore SIGPIPE: libuv writes to sockets as to
 * files.
 */
struct server *server_new(uv_loop_t *loop, const struct server_config *cfg,
                          struct px_error *err);

/* The port that was bound, for configurations that ask for port 0. */
uint16_t server_socks_port(const struct server *s);
uint16_t server_http_port(const struct server *s);
uint16_t server_https_port(const struct server *s);

/* How many client connections are open now. */
unsigned server_connections(const struct server *s);

/*
 * Stops listening, resets every connection and frees the server once libuv
 * has let go of it; the loop has to run until then. NULL is accepted.
 */
void server_close(struct server *s);

#endif
