#include "address.h"
#include "conn_internal.h"

/* TLS on a connection (reference/server/tls.h), and native.tls(). */

static const char context_type[] = "proxyspec.tls";

enum { PLAIN_MAX = 16 * 1024 }; /* a record holds no more (RFC 8446, 5.1) */

static uint8_t plain[PLAIN_MAX]; /* one loop, one thread: used at once */

struct context_box {
    struct tls_context *context;
};

struct tls_context *conn_tls_context(lua_State *L, int index)
{
    struct context_box *box = luaL_checkudata(L, index, context_type);

    return box->context;
}

static int context_gc(lua_State *L)
{
    struct context_box *box = lua_touserdata(L, 1);

    tls_context_free(box->context);
    box->context = NULL;
    return 0;
}

static int native_tls(lua_State *L)
{
    char why[256];
    struct context_box *box;
    const char *ca_file;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    ca_file = option_string(L, 1, "cacert", NULL);
    (void)lua_getfield(L, 1, "insecure");
    box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->context = NULL;
    luaL_setmetatable(L, context_type);
    box->context =
        tls_context_client(ca_file, lua_toboolean(L, 2), why, sizeof(why));
    if (!box->context)
        return native_fail(L, why);
    return 1;
}

/* What TLS has for the peer; 0 or an error of libuv. */
static int send_output(struct conn *c)
{
    struct px_bytes out = tls_output(c->tls);
    int error = 0;

    if (out.len)
        error = conn_write_raw(c, (const char *)out.data, out.len);
    tls_sent(c->tls);
    return error;
}

static void settle(struct conn *c, int result)
{
    c->connecting = result;
    waiters_wake(&c->dialled);
}

int conn_tls_start(struct conn *c, const struct tls_context *context,
                   const char *host)
{
    c->tls = tls_new(context, host);
    if (!c->tls)
        return UV_ENOMEM;
    c->connecting = UV_EAGAIN;
    conn_start(c);
    return send_output(c);
}

static bool is_shaking(const struct conn *c)
{
    return c->tls && tls_state(c->tls) == TLS_HANDSHAKE;
}

static bool take_plaintext(struct conn *c)
{
    size_t got;

    while ((got = tls_take(c->tls, plain, sizeof(plain))) > 0) {
        if (!conn_received(c, (const char *)plain, got))
            return false;
    }
    return true;
}

bool conn_tls_received(struct conn *c, const char *data, size_t len)
{
    bool was_shaking = is_shaking(c);
    int error;

    if (!tls_feed(c->tls, px_bytes_of(data, len)))
        return false;
    error = send_output(c);
    if (was_shaking) {
        if (tls_state(c->tls) == TLS_HANDSHAKE)
            return true;
        settle(c, tls_state(c->tls) == TLS_OPEN ? 0 : UV_EPROTO);
    }
    if (!take_plaintext(c))
        return false;
    if (error == 0)
        error = send_output(c); /* the answer to a renewed key, an alert */
    if (error)
        conn_note_broken(c, error);
    if (tls_state(c->tls) == TLS_ENDED && !c->ended)
        conn_end_reading(c, ENDED_FIN);
    else if (tls_state(c->tls) == TLS_FAILED && !c->ended)
        conn_end_reading(c, ENDED_RST);
    return true;
}

void conn_tls_cut(struct conn *c)
{
    if (is_shaking(c))
        settle(c, UV_EPROTO);
}

int conn_tls_write(struct conn *c, const char *data, size_t len)
{
    if (!tls_give(c->tls, px_bytes_of(data, len)))
        return UV_EPROTO;
    return send_output(c);
}

void conn_tls_end(struct conn *c)
{
    tls_end(c->tls);
    (void)send_output(c); /* a broken connection shows when it is read */
}

const char *conn_tls_why(const struct conn *c)
{
    if (!c->tls)
        return NULL;
    return *tls_why(c->tls) ? tls_why(c->tls)
                            : "TLS: the peer ended it in the handshake";
}

void native_open_tls(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};

    native_class(L, context_type, none, context_gc);
    lua_pushcfunction(L, native_tls);
    lua_setfield(L, -2, "tls");
}
