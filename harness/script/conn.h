#ifndef CONN_H
#define CONN_H

/*
 * One TCP connection as Lua sees it: a userdata that owns a struct conn, which
 * frees itself once the userdata is collected and libuv has let go of it.
 */

#include "native.h"

struct conn;
struct tls_context;

/* Pushes the userdata of a new connection that is not open yet. */
struct conn *conn_push(lua_State *L);
uv_tcp_t *conn_tcp(struct conn *c);

/*
 * Starts to connect; 0 or a libuv error. conn_connecting() tells how it goes:
 * UV_EAGAIN until it is known, and those that wait on conn_dialled() wake.
 * address and from (NULL: any) are borrowed for the call.
 */
int conn_connect(struct conn *c, const struct sockaddr *address,
                 const struct sockaddr *from);
int conn_connecting(const struct conn *c);
struct waiters *conn_dialled(struct conn *c);

/*
 * Begins TLS on what is connected; host is verified. 0 or a libuv error; then
 * conn_connecting() tells how it goes as it does for conn_connect(), and
 * conn_tls_why() in one line why it failed (NULL: no TLS).
 */
int conn_tls_start(struct conn *c, const struct tls_context *context,
                   const char *host);
const char *conn_tls_why(const struct conn *c);
bool conn_has_tls(const struct conn *c);

/* The context at index that native.tls() made; an error in L otherwise. */
struct tls_context *conn_tls_context(lua_State *L, int index);

/* It is connected: notes the addresses. */
void conn_opened(struct conn *c);

/* From here on what comes is read. */
void conn_start(struct conn *c);

/* Closes what Lua has never seen, and tells nobody. */
void conn_abandon(struct conn *c);

/* RST; the event goes to the handler, in L. No effect on a closed one. */
void conn_reset(lua_State *L, struct conn *c);

/* The connection at index; an error in L when it is something else. */
struct conn *conn_check(lua_State *L, int index);

#endif
