#ifndef CONN_INTERNAL_H
#define CONN_INTERNAL_H

/* What conn.c, the connection itself, and conn_methods.c, its methods in Lua,
 * share. */

#include "conn.h"
#include "tls.h"

enum {
    READ_MAX = 8 * 1024 * 1024,    /* unconsumed; reading pauses above it */
    QUEUE_MAX = 256 * 1024 * 1024, /* written and not gone to the kernel */
};

/* Octets that came and were not consumed: data[start], len of them. */
struct buffer {
    char *data;
    size_t start;
    size_t len;
    size_t cap;
};

enum ending { NOT_ENDED, ENDED_FIN, ENDED_RST };

struct conn {
    uv_tcp_t tcp; /* data points back here */
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    struct script *script;
    struct tls *tls; /* NULL: what is read and written is plain */
    struct buffer in;
    struct sockaddr_storage local;
    struct sockaddr_storage peer;
    struct waiters dialled;
    struct waiters reader;
    struct waiters flusher;
    size_t wanted; /* how much reader waits for */
    int connecting;
    enum ending ended;
    bool has_handler;
    bool is_started;
    bool is_paused;
    bool is_broken; /* writing failed: the peer is gone */
    bool is_reset;  /* and that took the news of its RST away */
    bool is_shut;   /* FIN was asked for */
    bool is_closed; /* by Lua; its last octets may still be on their way */
    bool is_kept;   /* and the userdata is held until they went out */
    bool is_orphan; /* the userdata was collected */
    bool is_gone;   /* libuv has let go of it */
};

extern const char conn_type[]; /* the name of the metatable */
int conn_gc(lua_State *L);

/* Calls the handler, if there is one, with the data on top of L (a string or
 * nil), which is taken. */
void conn_emit(lua_State *L, const struct conn *c, const char *kind);

/* To be called when anything changed that reading depends on. */
void conn_update_reading(struct conn *c);
void conn_buffer_consume(struct buffer *b, size_t len);

/* Plaintext came: it is buffered and told. False when memory is short. */
PX_CHECKED bool conn_received(struct conn *c, const char *data, size_t len);
void conn_end_reading(struct conn *c, enum ending how);

/* Octets as they are, beneath TLS; as conn_write_now(). */
int conn_write_raw(struct conn *c, const char *data, size_t len);

/* conn_tls.c: ciphertext that came (false when memory is short), the end of the
 * TCP connection, plaintext to send, close_notify. */
PX_CHECKED bool conn_tls_received(struct conn *c, const char *data, size_t len);
void conn_tls_cut(struct conn *c);
int conn_tls_write(struct conn *c, const char *data, size_t len);
void conn_tls_end(struct conn *c);

/* 0 or an error of libuv, after which conn_note_broken() is due. */
int conn_write_now(struct conn *c, const char *data, size_t len);
void conn_note_broken(struct conn *c, int error);
bool conn_has_queue(const struct conn *c);

/* FIN behind what was written; again has no effect. */
void conn_start_shutdown(struct conn *c);

/* Lua closes it: nothing is read any more, and who waits hears of it. */
void conn_stop(struct conn *c);

/* Then what was written still goes out, whoever holds the object. */
void conn_close_softly(lua_State *L, struct conn *c);

#endif
