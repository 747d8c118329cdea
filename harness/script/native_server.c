#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "host.h"
#include "script_internal.h"

/* native.server(): the reference proxy, in this process. */

static const char type_name[] = "proxyspec.server";

struct box {
    struct host *host; /* NULL: closed */
};

static int server_close_method(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, type_name);

    host_close(box->host);
    box->host = NULL;
    return 0;
}

static void option_listener(lua_State *L, const char *name,
                            struct sockaddr_storage *out)
{
    const char *text = option_string(L, 1, name, NULL);

    if (text && !address_parse_pair(text, out))
        luaL_error(L, "%s: '%s' is not ADDRESS:PORT", name, text);
}

/* The rules' texts, in texts; the table keeps them alive. */
static void option_deny(lua_State *L, const char *texts[ACCESS_RULES_MAX],
                        struct server_config *cfg)
{
    lua_Integer count = 0;

    if (lua_getfield(L, 1, "deny") != LUA_TNIL) {
        luaL_checktype(L, -1, LUA_TTABLE);
        count = luaL_len(L, -1);
    }
    if (count < 0 || count > ACCESS_RULES_MAX)
        luaL_error(L, "deny: more than %d rules", ACCESS_RULES_MAX);
    for (lua_Integer i = 0; i < count; i++) {
        (void)lua_geti(L, -1, i + 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "deny: rule %d is no string", (int)i + 1);
        texts[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    cfg->deny = texts;
    cfg->deny_count = (size_t)count;
}

static const struct fault *option_fault(lua_State *L)
{
    const char *name = option_string(L, 1, "fault", NULL);
    const struct fault *fault = name ? fault_by_name(name) : NULL;

    if (name && !fault)
        luaL_error(L, "there is no fault '%s'", name);
    return fault;
}

static enum server_auth option_auth(lua_State *L)
{
    const char *scheme = option_string(L, 1, "auth_scheme", "basic");

    if (strcmp(scheme, "digest") == 0)
        return SERVER_DIGEST;
    if (strcmp(scheme, "both") == 0)
        return SERVER_BASIC_OR_DIGEST;
    if (strcmp(scheme, "basic") != 0)
        luaL_error(L, "there is no scheme '%s'", scheme);
    return SERVER_BASIC;
}

static int native_server(lua_State *L)
{
    const char *deny[ACCESS_RULES_MAX];
    struct server_config cfg = {0};
    struct px_error err = {0};
    struct box *box;

    luaL_checktype(L, 1, LUA_TTABLE);
    option_listener(L, "socks", &cfg.socks);
    option_listener(L, "http", &cfg.http);
    cfg.user = option_string(L, 1, "user", NULL);
    cfg.password = option_string(L, 1, "password", NULL);
    cfg.auth = option_auth(L);
    cfg.fault = option_fault(L);
    option_deny(L, deny, &cfg);
    cfg.identd_user = option_string(L, 1, "identd_user", NULL);
    (void)lua_getfield(L, 1, "tor");
    cfg.is_tor = lua_toboolean(L, -1);
    (void)lua_getfield(L, 1, "tor_port");
    cfg.is_tor_port = lua_toboolean(L, -1);
    (void)lua_getfield(L, 1, "no_forward");
    cfg.has_no_forward = lua_toboolean(L, -1);
    (void)lua_getfield(L, 1, "response_timeout_ms");
    cfg.response_timeout_ms = (uint32_t)luaL_optinteger(L, -1, 0);
    lua_settop(L, 1);
    box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->host = NULL;
    luaL_setmetatable(L, type_name);
    box->host = host_new(script_of(L)->hosts, &cfg, &err);
    return box->host ? 1 : native_fail(L, err.detail);
}

static const struct host *check_host(lua_State *L)
{
    const struct box *box = luaL_checkudata(L, 1, type_name);

    if (!box->host)
        luaL_error(L, "this server was closed");
    return box->host;
}

static int server_socks(lua_State *L)
{
    lua_pushinteger(L, host_socks_port(check_host(L)));
    return 1;
}

static int server_http(lua_State *L)
{
    lua_pushinteger(L, host_http_port(check_host(L)));
    return 1;
}

static void push_proves(lua_State *L, const struct fault *fault)
{
    lua_newtable(L);
    for (int i = 0; i < FAULT_PROVES_MAX && fault->proves[i]; i++) {
        lua_pushstring(L, requirement_row(fault->proves[i])->id);
        lua_rawseti(L, -2, i + 1);
    }
}

static int native_faults(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < fault_count(); i++) {
        const struct fault *fault = fault_at(i);

        lua_createtable(L, 0, 4);
        lua_pushstring(L, fault->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, fault->summary);
        lua_setfield(L, -2, "summary");
        push_proves(L, fault);
        lua_setfield(L, -2, "proves");
        lua_pushboolean(L, fault->needs_auth);
        lua_setfield(L, -2, "needs_auth");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void native_open_server(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"socks_port", server_socks},
        {"http_port", server_http},
        {"close", server_close_method},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"server", native_server}, {"faults", native_faults}, {NULL, NULL}};

    native_class(L, type_name, methods, server_close_method);
    luaL_setfuncs(L, functions, 0);
}
