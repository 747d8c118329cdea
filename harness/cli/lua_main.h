#ifndef LUA_MAIN_H
#define LUA_MAIN_H

/* How a subcommand hands over to Lua: its options become one table. */

#include <lua.h>

#include "options.h"

/* Leaves a table on the stack; options is the subcommand's struct. */
typedef void lua_main_push_fn(lua_State *L, const void *options);

/*
 * Calls main(table) of the module ("runner.test") as a task on a loop of its
 * own and returns its exit status; when it fails, says why in one line after
 * "proxyspec NAME: " and returns CLI_INTERNAL.
 */
int lua_main(const struct usage *usage, const char *module,
             lua_main_push_fn *push, const void *options);

/* Each sets table[key], the table being on top; NULL text sets nothing. */
void lua_main_set_text(lua_State *L, const char *key, const char *text);
void lua_main_set_integer(lua_State *L, const char *key, int64_t value);
void lua_main_set_number(lua_State *L, const char *key, double value);
void lua_main_set_flag(lua_State *L, const char *key, bool value);
void lua_main_set_list(lua_State *L, const char *key, const char *const *items,
                       size_t count);

#endif
