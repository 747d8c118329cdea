#include "address.h"
#include "conn_internal.h"

static int conn_on_event(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    c->has_handler = !lua_isnoneornil(L, 2);
    if (c->has_handler)
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, 1);
    return 0;
}

static int conn_write(lua_State *L)
{
    struct conn *c = conn_check(L, 1);
    size_t len;
    const char *data = luaL_checklstring(L, 2, &len);
    int error;

    if (c->is_closed || c->is_shut)
        return native_fail(L, "closed");
    if (c->is_broken)
        return native_fail(L, "rst");
    if (len >= QUEUE_MAX -
                   uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp))
        return luaL_error(L, "too much is written and not sent");
    if (len) {
        error = conn_write_now(c, data, len);
        if (error == UV_ENOMEM)
            return luaL_error(L, "out of memory");
        if (error) {
            conn_note_broken(c, error);
            return native_fail(L, "rst");
        }
        lua_pushvalue(L, 2);
        conn_emit(L, c, "sent");
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int flushed(lua_State *L, int status, lua_KContext ctx)
{
    const struct conn *c = conn_check(L, 1);

    (void)status;
    (void)ctx;
    if (c->is_broken)
        return native_fail(L, "rst");
    if (c->is_closed)
        return native_fail(L, "closed");
    if (conn_has_queue(c))
        return native_fail(L, "silence");
    lua_pushboolean(L, 1);
    return 1;
}

static int conn_flush(lua_State *L)
{
    struct conn *c = conn_check(L, 1);
    lua_Number within = luaL_optnumber(L, 2, -1);

    if (c->is_broken || c->is_closed || !conn_has_queue(c))
        return flushed(L, LUA_OK, 0);
    if (c->flusher.head)
        return luaL_error(L, "another task flushes this connection");
    return task_wait(L, &c->flusher, within, 0, flushed);
}

static int conn_queued(lua_State *L)
{
    const struct conn *c = conn_check(L, 1);

    lua_pushinteger(L, (lua_Integer)uv_stream_get_write_queue_size(
                           (const uv_stream_t *)&c->tcp));
    return 1;
}

static int conn_buffered(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)conn_check(L, 1)->in.len);
    return 1;
}

/* Pushes the first n octets, as the optional argument 2 says; their number. */
static size_t push_buffered(lua_State *L, const struct conn *c)
{
    lua_Integer n = luaL_optinteger(L, 2, (lua_Integer)c->in.len);

    luaL_argcheck(L, n >= 0, 2, "negative");
    if ((size_t)n > c->in.len)
        n = (lua_Integer)c->in.len;
    if (n == 0)
        lua_pushliteral(L, "");
    else
        lua_pushlstring(L, c->in.data + c->in.start, (size_t)n);
    return (size_t)n;
}

static int conn_peek(lua_State *L)
{
    (void)push_buffered(L, conn_check(L, 1));
    return 1;
}

static int conn_consume(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    luaL_checkinteger(L, 2);
    conn_buffer_consume(&c->in, push_buffered(L, c));
    conn_update_reading(c);
    return 1;
}

static bool is_satisfied(const struct conn *c, size_t wanted)
{
    return c->in.len >= wanted || c->ended;
}

static int waited(lua_State *L, int status, lua_KContext wanted)
{
    (void)status;
    lua_pushboolean(L, is_satisfied(conn_check(L, 1), (size_t)wanted));
    return 1;
}

static int conn_wait(lua_State *L)
{
    struct conn *c = conn_check(L, 1);
    lua_Integer wanted = luaL_checkinteger(L, 2);
    lua_Number within = luaL_optnumber(L, 3, -1);

    luaL_argcheck(L, wanted >= 0 && wanted <= READ_MAX, 2,
                  "more than is ever buffered");
    if (is_satisfied(c, (size_t)wanted) || c->is_closed)
        return waited(L, LUA_OK, (lua_KContext)wanted);
    if (c->reader.head)
        return luaL_error(L, "another task reads this connection");
    c->wanted = (size_t)wanted;
    return task_wait(L, &c->reader, within, (lua_KContext)wanted, waited);
}

static int conn_ended(lua_State *L)
{
    static const char *const words[] = {
        [NOT_ENDED] = NULL, [ENDED_FIN] = "fin", [ENDED_RST] = "rst"};

    lua_pushstring(L, words[conn_check(L, 1)->ended]);
    return 1;
}

static int conn_shut(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    if (c->is_closed || c->is_shut || c->is_broken)
        return 0;
    conn_start_shutdown(c);
    lua_pushnil(L);
    conn_emit(L, c, "shut");
    return 0;
}

static int conn_close(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    if (c->is_closed)
        return 0;
    conn_stop(c);
    conn_close_softly(L, c);
    lua_pushnil(L);
    conn_emit(L, c, "closed");
    return 0;
}

static int conn_reset_method(lua_State *L)
{
    conn_reset(L, conn_check(L, 1));
    return 0;
}

static int conn_pause(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    c->is_paused = true;
    conn_update_reading(c);
    return 0;
}

static int conn_resume(lua_State *L)
{
    struct conn *c = conn_check(L, 1);

    c->is_paused = false;
    conn_update_reading(c);
    return 0;
}

static int conn_address(lua_State *L)
{
    const struct conn *c = conn_check(L, 1);

    lua_pushinteger(L, address_push(L, &c->local));
    lua_pushinteger(L, address_push(L, &c->peer));
    return 4;
}

void native_open_conn(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"on_event", conn_on_event}, {"write", conn_write},
        {"flush", conn_flush},       {"queued", conn_queued},
        {"buffered", conn_buffered}, {"peek", conn_peek},
        {"consume", conn_consume},   {"wait", conn_wait},
        {"ended", conn_ended},       {"shut", conn_shut},
        {"close", conn_close},       {"reset", conn_reset_method},
        {"pause", conn_pause},       {"resume", conn_resume},
        {"address", conn_address},   {NULL, NULL},
    };

    native_class(L, conn_type, methods, conn_gc);
}
