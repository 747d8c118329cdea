#include "address.h"

#include <arpa/inet.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

bool address_parse(const char *host, int port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    return uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)out) == 0;
}

bool address_parse_pair(const char *text, struct sockaddr_storage *out)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    size_t len;
    unsigned long port;
    char *end;

    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtoul(colon + 1, &end, 10);
    len = (size_t)(colon - text);
    if (*end || port > UINT16_MAX || len == 0)
        return false;
    if (text[0] == '[') {
        if (text[len - 1] != ']')
            return false;
        text++;
        len -= 2;
    } else if (memchr(text, ':', len)) {
        return false;
    }
    if (len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    return address_parse(host, (int)port, out);
}

int address_push(lua_State *L, const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN] = "";

    (void)uv_ip_name((const struct sockaddr *)address, text, sizeof(text));
    lua_pushstring(L, text);
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* The value stays alive in the table, which the caller holds. */
const char *option_string(lua_State *L, int index, const char *name,
                          const char *absent)
{
    const char *value = absent;

    if (lua_getfield(L, index, name) == LUA_TSTRING)
        value = lua_tostring(L, -1);
    else if (!lua_isnil(L, -1))
        luaL_error(L, "%s is no string", name);
    lua_pop(L, 1);
    return value;
}

int option_port(lua_State *L, int index, const char *name)
{
    lua_Integer port = 0;
    int is_integer = 1;

    if (lua_getfield(L, index, name) != LUA_TNIL)
        port = lua_tointegerx(L, -1, &is_integer);
    lua_pop(L, 1);
    if (!is_integer || port < 0 || port > UINT16_MAX)
        luaL_error(L, "%s is no port number", name);
    return (int)port;
}
