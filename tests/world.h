#ifndef WORLD_H
#define WORLD_H

/*
 * A server, its clients and its targets on one loop in one process, over
 * loopback sockets on free ports. Nothing sleeps: a test turns the loop until
 * what it waits for is there, and fails at a deadline.
 */

#include <uv.h>

#include "rows.h"
#include "server.h"

enum {
    WORLD_PEERS_MAX = 24,
    WORLD_LISTENERS_MAX = 4,
    WORLD_DEADLINE_MS = 20 * 1000,
    PEER_HEAD_MAX = 4096,
};

struct world;

/* One end of a connection that the test holds: a client or a target. */
struct peer {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    uv_write_t write;
    struct world *world;
    size_t got;                  /* octets received so far */
    uint8_t head[PEER_HEAD_MAX]; /* the first of them */
    size_t pattern_from;         /* octets behind this are checked, and must */
    bool is_wrong;               /* be the pattern; these were not */
    size_t bulk_sent;            /* octets of the pattern that were taken */
    size_t bulk_len;             /* and how many are to be */
    bool is_shut_behind_bulk;
    bool is_open; /* has a handle */
    bool is_connected;
    bool is_ended; /* FIN came */
    bool is_reset; /* RST came */
    bool is_closed;
};

/* A target: accepts every connection as a peer. */
struct listener_peer {
    uv_tcp_t tcp;
    struct world *world;
    uint16_t port;
    unsigned contacts;
    struct peer *last; /* the newest connection; NULL: none came */
};

struct world {
    uv_loop_t loop;
    struct server_config config;
    struct server *server;
    uv_timer_t deadline;
    uv_timer_t tick; /* lets world_settle() see that nothing happens */
    bool is_late;
    struct peer peers[WORLD_PEERS_MAX];
    size_t peer_count;
    struct listener_peer targets[WORLD_LISTENERS_MAX];
    size_t target_count;
    int closed_fd;    /* holds world_closed_port(); 0: none */
    long held_before; /* alloc_held() before the server was there */
};

/* cmocka's setup and teardown; *state is the world. Leaks fail the test. */
int world_setup(void **state);
int world_teardown(void **state);

/* Starts the server with w->config, on 127.0.0.1 unless that says otherwise. */
void world_serve(struct world *w);

/* Runs the loop for what comes next; fails the test at the deadline. */
void world_turn(struct world *w);

/* Turns until nothing has changed for a while. */
void world_settle(struct world *w);

/* Turns until the server has no connection left. */
void world_await_idle(struct world *w);

/* A target on this address; NULL when the address does not exist here. */
struct listener_peer *world_listen(struct world *w, const char *address);

/* A new client, connected; to the SOCKS or HTTP port of the server. */
struct peer *world_client_on(struct world *w, const char *address,
                             uint16_t port);
struct peer *world_client_at(struct world *w, uint16_t port); /* 127.0.0.1 */
struct peer *world_socks_client(struct world *w);
struct peer *world_http_client(struct world *w);

/*
 * The same from an address of ours (NULL: any) to another. A connection that
 * is refused counts as reset.
 */
struct peer *world_connect(struct world *w, const char *from, const char *to,
                           uint16_t port);

/* Turns until the target has a connection beyond what it had. */
struct peer *world_accepted(struct listener_peer *target, unsigned before);

/* A client behind a SOCKS handshake, and the connection that came of it. */
void world_open_tunnel(struct world *w, struct peer **client,
                       struct peer **origin);

/* Writes what the socket has to take at once. Peers use no heap. */
void peer_send(struct peer *p, struct px_bytes data);

/* Sends len octets of the pattern as the connection takes them. */
void peer_send_bulk(struct peer *p, size_t len);

/* FIN once the bulk that is sent next has been taken. */
void peer_shut_behind_bulk(struct peer *p);

/* From here on what is received has to be the pattern. */
void peer_expect_bulk(struct peer *p);

void peer_pause(struct peer *p);
void peer_resume(struct peer *p);
void peer_shut(struct peer *p);
void peer_close(struct peer *p);
void peer_reset(struct peer *p);

/* Keeps the system's buffers small, so that backpressure is soon felt. */
void peer_shrink_buffers(struct peer *p);

/* Octets that the other end's system has not taken. */
size_t peer_unacknowledged(struct peer *p);

/* Turns until so many octets came, or the end; then compares all. */
void peer_await(struct peer *p, size_t len);
void peer_expect(struct peer *p, struct px_bytes all);

/* Turns until FIN, or RST, has come. */
void peer_await_end(struct peer *p);
void peer_await_reset(struct peer *p);

/* A SOCKS5 request for 127.0.0.1, or an address of 4 or 16 octets. */
struct px_bytes socks_request(uint8_t out[64], struct px_bytes ip,
                              uint16_t port);

/*
 * A port of 127.0.0.1 on which nobody listens; the world holds it, so that
 * nobody can take it meanwhile.
 */
uint16_t world_closed_port(struct world *w);

/*
 * A socket that listens at address and port (0: any, told) and lets no
 * connection through: its queue is full of our own. Descriptors in fds.
 */
enum { STUCK_FDS = 4 };
uint16_t open_stuck_port(const char *address, uint16_t port,
                         int fds[STUCK_FDS]);
void close_stuck_port(const int fds[STUCK_FDS]);

#endif
