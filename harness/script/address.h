#ifndef ADDRESS_H
#define ADDRESS_H

/* Numeric addresses as Lua writes them: IPv6 without brackets. */

#include <lua.h>
#include <stdbool.h>
#include <sys/socket.h>

/* False when host is no numeric address; port is in host order. */
bool address_parse(const char *host, int port, struct sockaddr_storage *out);

/* "127.0.0.1:1080" or "[::1]:1080"; false when it is neither. */
bool address_parse_pair(const char *text, struct sockaddr_storage *out);

/* Pushes the host; returns the port. */
int address_push(lua_State *L, const struct sockaddr_storage *address);

/*
 * Reads the option of the table at index; port is 0 to 65535. Errors in L
 * name the option.
 */
const char *option_string(lua_State *L, int index, const char *name,
                          const char *absent);
int option_port(lua_State *L, int index, const char *name);

#endif
